//! What an interceptor answers by itself, or has waited for.

use std::collections::VecDeque;
use std::sync::{Mutex, OnceLock};

use super::call::{Step, Wait};
use super::handle::Handle;
use crate::grpc::codec::Writer;
use crate::grpc::{Codec, Metadata, Protobuf, Status};
use crate::transport::lock;

/// The whole of an answer: metadata, encoded replies, and how the call ended.
///
/// Made by an interceptor that answers a call itself, from a cache perhaps, or returned by
/// [`ClientCall::wait`](crate::ClientCall::wait). It becomes a [`ClientCall`](crate::ClientCall) by
/// `into()`.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Answer, Channel, ClientNext, Code, OutgoingCall, RawBytes};
///
/// let channel = Channel::builder("localhost:50051")
///     // Calls once more what failed with UNAVAILABLE.
///     .interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
///         let answer = next.run(call)?.wait();
///         match answer.outcome() {
///             Err(status) if status.code() == Code::Unavailable => next.run(call),
///             _ => Ok(answer.into()),
///         }
///     })
///     // Answers without asking anybody.
///     .interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
///         match call.method().name() {
///             "Ping" => Ok(Answer::reply(&RawBytes, &b"pong".to_vec())?.into()),
///             _ => next.run(call),
///         }
///     })
///     .build()?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    metadata: Metadata,
    replies: VecDeque<Vec<u8>>,
    outcome: Result<Metadata, Status>,
}

impl Answer {
    /// No reply so far, and OK.
    #[must_use]
    pub fn new() -> Self {
        Self { metadata: Metadata::new(), replies: VecDeque::new(), outcome: Ok(Metadata::new()) }
    }

    /// One reply, and OK.
    ///
    /// # Errors
    ///
    /// What the codec says.
    pub fn reply<T>(codec: &impl Codec<T>, message: &T) -> Result<Self, Status> {
        let mut writer = Writer::new();
        codec.encode(message, &mut writer)?;
        Ok(Self::new().with_reply(writer.into_vec()))
    }

    /// Adds an encoded reply, behind those that are there.
    #[must_use]
    pub fn with_reply(mut self, message: Vec<u8>) -> Self {
        self.replies.push_back(message);
        self
    }

    /// Adds initial metadata, in place of what was there.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Ends the call well and with this trailing metadata, or with a status; in place of what was
    /// said before.
    #[must_use]
    pub fn with_outcome(mut self, outcome: Result<Metadata, Status>) -> Self {
        self.outcome = outcome;
        self
    }

    /// The initial metadata.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The replies, encoded.
    pub fn replies(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.replies.iter().map(Vec::as_slice)
    }

    /// The one reply of a call that ended well, as a message; `None` if there is none.
    ///
    /// # Errors
    ///
    /// INTERNAL if the reply is no message of this type.
    pub fn message<M>(&self) -> Result<Option<M>, Status>
    where
        Protobuf: Codec<M>,
    {
        let reply = self.replies.front().filter(|_| self.outcome.is_ok());
        reply.map(|reply| Protobuf.decode(reply)).transpose()
    }

    /// How the call ended: with its trailing metadata or with its status.
    ///
    /// # Errors
    ///
    /// The status.
    pub fn outcome(&self) -> Result<&Metadata, &Status> {
        self.outcome.as_ref()
    }

    pub(super) fn receive(call: &Handle) -> Self {
        let mut answer = Self::new();
        loop {
            match call.next(Wait::AsLongAsItTakes) {
                Some(Step::Head(metadata)) => answer.metadata = metadata,
                Some(Step::Message(message)) if answer.replies.is_empty() => {
                    answer.replies.push_back(message);
                }
                Some(Step::Message(_)) => {
                    call.fail(Status::internal("expected one reply message, got more"));
                }
                // Nobody has given one.
                Some(Step::Run) => {}
                Some(Step::Ended) | None => {
                    let status = || Err(Status::internal("a wait without end has ended"));
                    answer.outcome = call.outcome().cloned().unwrap_or_else(status);
                    return answer;
                }
            }
        }
    }
}

impl Default for Answer {
    fn default() -> Self {
        Self::new()
    }
}

/// A call that never was on the wire, as far as its answer was not taken yet.
#[derive(Debug)]
pub(crate) struct Answered {
    rest: Mutex<Rest>,
    outcome: Result<Metadata, Status>,
    /// The outcome once all before it was taken, or what ended the call before.
    told: OnceLock<Result<Metadata, Status>>,
}

#[derive(Debug)]
struct Rest {
    metadata: Option<Metadata>,
    replies: VecDeque<Vec<u8>>,
}

impl From<Answer> for Answered {
    fn from(answer: Answer) -> Self {
        let Answer { metadata, replies, outcome } = answer;
        // A status with nothing before it is a response of trailers alone.
        let has_head = outcome.is_ok() || !replies.is_empty() || !metadata.is_empty();
        let rest = Rest { metadata: has_head.then_some(metadata), replies };
        Self { rest: Mutex::new(rest), outcome, told: OnceLock::new() }
    }
}

impl Answered {
    pub(crate) fn next(&self) -> Step {
        if self.told.get().is_some() {
            return Step::Ended;
        }
        let mut rest = lock(&self.rest);
        if let Some(metadata) = rest.metadata.take() {
            return Step::Head(metadata);
        }
        if let Some(message) = rest.replies.pop_front() {
            return Step::Message(message);
        }
        drop(rest);
        self.told.get_or_init(|| self.outcome.clone());
        Step::Ended
    }

    /// What a sender is told: nobody reads what is sent.
    pub(crate) fn outcome_for_sender(&self) -> &Result<Metadata, Status> {
        &self.outcome
    }

    pub(crate) fn outcome(&self) -> Option<&Result<Metadata, Status>> {
        self.told.get()
    }

    pub(crate) fn fail(&self, status: Status) {
        // The first end counts.
        let _ = self.told.set(Err(status));
    }
}
