//! The replies of a call, as a caller holds them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::client::call::{Step, Wait};
use crate::client::handle::Handle;
use crate::client::pending::Canceller;
use crate::grpc::{Codec, Metadata, Received, Status};
use crate::transport::{Run, now};

/// The replies of a call, in the order in which the server sent them.
///
/// An iterator of `Result<T, Status>`: it ends when the server has sent all, and behind an error.
/// Dropping it before its end cancels the call.
///
/// # Examples
///
/// ```
/// use rust_grpc::{ReplyStream, Status};
///
/// fn print_all(mut replies: ReplyStream<String>) -> Result<(), Status> {
///     for reply in &mut replies {
///         println!("{}", reply?);
///     }
///     println!("{:?}", replies.trailing_metadata());
///     Ok(())
/// }
/// ```
#[must_use = "dropping a stream of replies cancels its call"]
pub struct ReplyStream<T: 'static> {
    call: Arc<Handle>,
    codec: &'static dyn Codec<T>,
    /// The head has come, with its metadata; messages come after it.
    metadata: Option<Metadata>,
    /// Replies that have come and were not decoded yet.
    run: Run,
    ended: bool,
}

/// The receiving half of a [`BidiStream`](crate::BidiStream).
pub type ReplyReceiver<T> = ReplyStream<T>;

impl<T> ReplyStream<T> {
    pub(crate) fn new(call: Arc<Handle>, codec: &'static dyn Codec<T>) -> Self {
        Self { call, codec, metadata: None, run: Run::default(), ended: false }
    }

    /// Waits for the next reply; `None` once the server has ended the call with OK.
    ///
    /// # Errors
    ///
    /// The call's status; the stream has ended then.
    pub fn recv(&mut self) -> Result<Option<T>, Status> {
        match self.receive(Wait::AsLongAsItTakes)? {
            Received::Message(message) => Ok(Some(message)),
            Received::End | Received::NotYet => Ok(None),
        }
    }

    /// Waits for the next reply, `timeout` at most.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn recv_timeout(&mut self, timeout: Duration) -> Result<Received<T>, Status> {
        self.receive(now().checked_add(timeout).map_or(Wait::AsLongAsItTakes, Wait::Until))
    }

    /// Takes the next reply if it has come; never waits.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv).
    pub fn try_recv(&mut self) -> Result<Received<T>, Status> {
        self.receive(Wait::NotAtAll)
    }

    /// The metadata that the server sends before its replies. Waits for it.
    ///
    /// # Errors
    ///
    /// The call's status if it ended before; [`recv`](Self::recv) returns it too.
    pub fn metadata(&mut self) -> Result<&Metadata, Status> {
        if self.metadata.is_none() {
            // The head comes before all messages, so none is passed over.
            match self.call.next(Wait::AsLongAsItTakes) {
                Some(Step::Head(metadata)) => self.metadata = Some(metadata),
                _ => {
                    if let Some(Err(status)) = self.call.outcome() {
                        return Err(status.clone());
                    }
                }
            }
        }
        Ok(self.metadata.get_or_insert_default())
    }

    /// The metadata that the server sent at the end of the call; `None` before it.
    #[must_use]
    pub fn trailing_metadata(&self) -> Option<&Metadata> {
        if !self.ended {
            return None;
        }
        self.call.outcome().map(|outcome| match outcome {
            Ok(metadata) => metadata,
            Err(status) => status.metadata(),
        })
    }

    /// Whether the reply that was received last came compressed.
    #[must_use]
    pub fn is_compressed(&self) -> bool {
        self.call.is_reply_compressed()
    }

    /// Cancels the call; receiving then gives CANCELLED.
    pub fn cancel(&self) {
        self.canceller().cancel();
    }

    /// Other threads than the one that receives may end the call from now on.
    pub(super) fn set_shared(&self) {
        self.call.set_shared();
    }

    /// A handle that cancels the call from another thread.
    #[must_use]
    pub fn canceller(&self) -> Canceller {
        Canceller::new(self.call.clone())
    }

    fn receive(&mut self, wait: Wait) -> Result<Received<T>, Status> {
        if self.ended {
            return Ok(Received::End);
        }
        loop {
            match self.next_of_run() {
                Some(Ok(message)) => return Ok(Received::Message(message)),
                Some(Err(status)) => self.call.fail(status),
                None => {}
            }
            match self.call.next_run(wait, &mut self.run) {
                // What was left goes on elsewhere, and the time is not up yet.
                None if self.call.go_on() => {}
                None => return Ok(Received::NotYet),
                Some(Step::Head(metadata)) => self.metadata = Some(metadata),
                Some(Step::Run) => {}
                Some(Step::Message(payload)) => match self.codec.decode_vec(payload) {
                    Ok(message) => return Ok(Received::Message(message)),
                    Err(status) => self.call.fail(status),
                },
                Some(Step::Ended) => {
                    self.ended = true;
                    return match self.call.outcome() {
                        Some(Err(status)) => {
                            let metadata = self.metadata.clone().unwrap_or_default();
                            Err(status.clone().with_initial_metadata(metadata))
                        }
                        Some(Ok(_)) | None => Ok(Received::End),
                    };
                }
            }
        }
    }
}

impl<T> ReplyStream<T> {
    /// The next message of those that were taken together.
    fn next_of_run(&mut self) -> Option<Result<T, Status>> {
        if self.run.is_empty() {
            return None;
        }
        let call = self.call.call()?;
        if !call.is_receiving() {
            self.run.clear();
            return None;
        }
        let (payload, is_compressed) = self.run.next()?;
        Some(match call.unpack(payload, is_compressed) {
            Ok(None) => self.codec.decode(payload),
            Ok(Some(payload)) => self.codec.decode_vec(payload),
            Err(status) => Err(status),
        })
    }
}

impl<T> Iterator for ReplyStream<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.recv().transpose()
    }
}

impl<T> Drop for ReplyStream<T> {
    fn drop(&mut self) {
        self.call.abandon("the stream of replies was dropped");
    }
}

impl<T> fmt::Debug for ReplyStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyStream").field("call", &self.call).finish_non_exhaustive()
    }
}
