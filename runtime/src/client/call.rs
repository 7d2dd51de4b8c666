//! One call, of whatever kind: how it begins, what is received on it, and how it ends.
//!
//! The deadline is fixed once, when the call begins, and covers connecting, queueing, flow
//! control and every message. The outcome is set once, by whatever ends the call first: the
//! server's status, a lost connection, the deadline, a cancellation. All four kinds receive through
//! [`Call::next`], the one path of replies.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

use super::channel::Channel;
use super::interceptor::OutgoingCall;
use super::request::CallOptions;
use crate::grpc::codec::Writer;
use crate::grpc::headers::{self, ReceivedHead, RequestHead};
use crate::grpc::{Code, Metadata, Method, Status};
use crate::http2::{Headers, Initiator, Reason};
use crate::limits;
use crate::transport::{Incoming, OpenError, SendError, Stream, now};

/// A call that has begun.
pub(crate) struct Call {
    channel: Channel,
    opening: Opening,
    sending: Mutex<Sending>,
    /// The client has sent END_STREAM.
    requests_ended: AtomicBool,
    /// Trailing metadata if the call succeeded.
    outcome: OnceLock<Result<Metadata, Status>>,
}

/// What the call begins with: enough to send it, and to send it once more.
struct Opening {
    path: &'static str,
    metadata: Metadata,
    deadline: Option<Instant>,
    wait_for_ready: bool,
    requests: Requests,
}

/// What is sent when a call begins.
pub(crate) enum Requests {
    /// The one framed request message.
    One(Writer),
    /// The head alone; messages follow.
    Stream,
}

/// The stream that the call is on now.
struct Sending {
    stream: Stream,
    /// It may not be sent again: it was, or messages went out behind its head.
    committed: bool,
}

/// What receiving has come upon.
#[derive(Debug)]
pub(crate) enum Step {
    /// The head of the response, with its metadata.
    Head(Metadata),
    /// The payload of one message.
    Message(Vec<u8>),
    /// The call is over: [`Call::outcome`] says how.
    Ended,
}

/// How long to wait for the next step. Whatever it is, the call's deadline comes before it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Wait {
    AsLongAsItTakes,
    Until(Instant),
    NotAtAll,
}

impl Call {
    /// Begins a call; returns when its head is on its way.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub(crate) fn begin(
        channel: &Channel,
        method: &Method,
        options: CallOptions,
        requests: Requests,
    ) -> Result<Self, Status> {
        if let Some(invalid) = options.invalid {
            return Err(invalid.into());
        }
        let settings = channel.settings();
        let timeout = match options.deadline {
            None => options.timeout.or(settings.default_timeout),
            Some(_) => options.timeout,
        };
        let at = timeout.and_then(|timeout| now().checked_add(timeout));
        let deadline = [at, options.deadline].into_iter().flatten().min();
        let mut metadata = options.metadata;
        settings.interceptors.run(&mut OutgoingCall {
            method: *method,
            authority: &settings.authority,
            metadata: &mut metadata,
            deadline,
        })?;
        let wait_for_ready = options.wait_for_ready;
        let opening = Opening { path: method.path(), metadata, deadline, wait_for_ready, requests };
        let stream = opening.open(channel)?;
        let is_one = matches!(opening.requests, Requests::One(_));
        Ok(Self {
            channel: channel.clone(),
            opening,
            sending: Mutex::new(Sending { stream, committed: false }),
            requests_ended: AtomicBool::new(is_one),
            outcome: OnceLock::new(),
        })
    }

    /// Receives the next thing; `None` if it has not come so far.
    pub(crate) fn next(&self, wait: Wait) -> Option<Step> {
        loop {
            if self.outcome.get().is_some() {
                return Some(Step::Ended);
            }
            if let Some(incoming) = self.receive(wait) {
                if let Some(step) = self.take(incoming) {
                    return Some(step);
                }
            } else if self.outcome.get().is_none() {
                return None;
            }
        }
    }

    /// Sends one framed message. Waits while the server reads more slowly than this sends.
    ///
    /// # Errors
    ///
    /// The call's outcome if it is over; [`Code::Ok`] if the server has ended it well.
    pub(crate) fn send(&self, framed: &[u8]) -> Result<(), Status> {
        if let Some(outcome) = self.outcome.get() {
            return Err(closed(outcome));
        }
        let stream = {
            let mut sending = self.sending();
            sending.committed = true;
            sending.stream.clone()
        };
        match stream.send_message(framed, false, self.opening.deadline) {
            Ok(()) => Ok(()),
            Err(SendError::Closed) => Err(self.closed()),
            Err(SendError::Deadline) => {
                self.fail(too_late("sending a message"));
                Err(self.closed())
            }
        }
    }

    /// Sends END_STREAM: no message follows. Does nothing on a call that is over.
    pub(crate) fn end_requests(&self) {
        if !self.requests_ended.swap(true, Ordering::AcqRel) && self.outcome.get().is_none() {
            // An error means that the call is over; receiving says how.
            let _ = self.stream().finish();
        }
    }

    /// Ends the call with `status`, unless it is over, and tells the server.
    pub(crate) fn fail(&self, status: Status) {
        if self.outcome.set(Err(status)).is_ok() {
            self.stream().reset(Reason::CANCEL);
        }
    }

    /// Ends the call because nobody is interested any more.
    ///
    /// A call that the server has ended keeps its outcome and the messages before it.
    pub(crate) fn abandon(&self, why: &'static str) {
        if self.outcome.get().is_none() && self.stream().ending().is_none() {
            self.fail(Status::cancelled(why));
        }
    }

    /// How the call ended, once it has.
    pub(crate) fn outcome(&self) -> Option<&Result<Metadata, Status>> {
        self.outcome.get()
    }

    fn receive(&self, wait: Wait) -> Option<Incoming> {
        let stream = self.stream();
        let deadline = self.opening.deadline;
        let until = match wait {
            Wait::AsLongAsItTakes => deadline,
            Wait::Until(until) => Some(deadline.map_or(until, |deadline| deadline.min(until))),
            Wait::NotAtAll => {
                let incoming = stream.try_receive();
                if incoming.is_none() {
                    self.check_deadline();
                }
                return incoming;
            }
        };
        let incoming = stream.receive(until).ok();
        if incoming.is_none() {
            self.check_deadline();
        }
        incoming
    }

    fn check_deadline(&self) {
        if self.is_late() {
            self.fail(too_late("waiting for the server"));
        }
    }

    fn is_late(&self) -> bool {
        self.opening.deadline.is_some_and(|deadline| deadline <= now())
    }

    /// Makes a step of what came; `None` if it changed nothing for the receiver.
    fn take(&self, incoming: Incoming) -> Option<Step> {
        match incoming {
            Incoming::Head { headers, end, truncated } => match truncated {
                true => self.fail(too_large("metadata")),
                false => return Some(self.take_head(&headers, end)),
            },
            Incoming::Message(payload, false) => return Some(Step::Message(payload)),
            Incoming::Message(_, true) => {
                self.fail(Status::internal("received a compressed message without an encoding"));
            }
            Incoming::Reset { reason: Reason::REFUSED_STREAM, .. } if self.retry() => return None,
            ending => self.finish(read_ending(ending, &self.channel)),
        }
        Some(Step::Ended)
    }

    fn take_head(&self, headers: &Headers, end: bool) -> Step {
        // The server is at work on the call: sending it again could do the work twice.
        self.sending().committed = true;
        match headers::read_head(headers, end) {
            ReceivedHead::Head(metadata) => return Step::Head(metadata),
            ReceivedHead::Ended(outcome) if end => self.finish(outcome),
            // What follows on the stream is not for us.
            ReceivedHead::Ended(Ok(_)) => {
                self.fail(Status::internal("received grpc-status 0 and no end of the stream"));
            }
            ReceivedHead::Ended(Err(status)) => self.fail(status),
        }
        Step::Ended
    }

    /// Sets what the server's last word says.
    fn finish(&self, outcome: Result<Metadata, Status>) {
        let outcome = match outcome {
            // The server knows of our deadline and may have been faster than our own clock.
            Err(status) if status.code() == Code::Cancelled && self.is_late() => {
                Err(too_late("waiting for the server"))
            }
            outcome => outcome,
        };
        if self.outcome.set(outcome).is_ok() && !self.requests_ended.load(Ordering::Acquire) {
            // PROTOCOL-HTTP2.md, Early Server Closure: what we might still send nobody reads.
            self.stream().reset(Reason::NO_ERROR);
        }
    }

    /// Sends the call once more, if the server has surely not begun to work on it.
    ///
    /// gRFC A6, transparent retries: once, and never after the head of a response.
    fn retry(&self) -> bool {
        {
            let mut sending = self.sending();
            if std::mem::replace(&mut sending.committed, true) {
                return false;
            }
        }
        match self.opening.open(&self.channel) {
            Ok(stream) => {
                self.sending().stream = stream;
                if self.outcome.get().is_some() {
                    self.stream().reset(Reason::CANCEL);
                } else if self.requests_ended.load(Ordering::Acquire) {
                    self.end_again();
                }
            }
            Err(status) => self.fail(status),
        }
        true
    }

    /// A stream of requests that ended without a message ends again.
    fn end_again(&self) {
        if matches!(self.opening.requests, Requests::Stream) {
            let _ = self.stream().finish();
        }
    }

    /// The status of a call on which nothing can be sent.
    fn closed(&self) -> Status {
        if let Some(outcome) = self.outcome.get() {
            return closed(outcome);
        }
        match self.stream().ending() {
            // The receiver has taken the ending and is about to set the outcome.
            None | Some(Incoming::End) => closed(&Ok(Metadata::new())),
            Some(ending) => closed(&read_ending(ending, &self.channel)),
        }
    }

    fn stream(&self) -> Stream {
        self.sending().stream.clone()
    }

    fn sending(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("path", &self.opening.path)
            .field("outcome", &self.outcome.get())
            .finish_non_exhaustive()
    }
}

impl Opening {
    /// Opens a stream on the channel's connection, and sends what the call begins with.
    fn open(&self, channel: &Channel) -> Result<Stream, Status> {
        let settings = channel.settings();
        let (first, end) = match &self.requests {
            Requests::One(framed) => (framed.as_slice(), true),
            Requests::Stream => (&[][..], false),
        };
        let mut cause = None;
        for _ in 0..limits::OPEN_ATTEMPTS_MAX {
            let link = channel.link(self.deadline, self.wait_for_ready)?;
            let timeout = self.deadline.map(|deadline| deadline.saturating_duration_since(now()));
            if timeout.is_some_and(|timeout| timeout.is_zero()) {
                return Err(too_late("beginning the call"));
            }
            let head = RequestHead {
                scheme: "http",
                authority: &settings.authority,
                path: self.path,
                timeout,
                user_agent: &settings.user_agent,
                metadata: &self.metadata,
            };
            let head = head.to_headers();
            match link.open(&head, first, end, settings.receive_max, self.deadline) {
                Ok(stream) => return Ok(stream),
                Err(OpenError::Deadline) => return Err(too_late("waiting to send the request")),
                // It never left: nobody has seen it, so another connection may take it.
                Err(OpenError::Unavailable(text)) => cause = Some(text),
            }
        }
        let cause = cause.as_deref().unwrap_or("no connection takes the call");
        Err(Status::unavailable(format!("{}: {cause}", channel.target())))
    }
}

/// The outcome that the end of a stream means.
fn read_ending(ending: Incoming, channel: &Channel) -> Result<Metadata, Status> {
    let status = match ending {
        Incoming::Trailers(headers) => return headers::read_trailers(&headers),
        Incoming::Head { headers, end, .. } => match headers::read_head(&headers, end) {
            ReceivedHead::Ended(outcome) => return outcome,
            ReceivedHead::Head(_) => Status::unknown("the server ended the call without trailers"),
        },
        Incoming::End | Incoming::Message(..) => {
            Status::unknown("the server ended the call without trailers")
        }
        Incoming::Reset { reason, by: Initiator::Remote } => Status::from_reset(reason.0),
        Incoming::Reset { reason, by: Initiator::Local } if reason == Reason::REFUSED_STREAM => {
            Status::unavailable("the server shuts down and has not seen the call")
        }
        Incoming::Reset { reason, by: Initiator::Local } => {
            Status::internal(format!("the server broke a rule of HTTP/2: {reason}"))
        }
        Incoming::Lost(cause) => {
            Status::unavailable(format!("connection to {} lost: {cause}", channel.target()))
        }
        Incoming::CutTrailers => too_large("trailing metadata"),
        Incoming::Invalid(error) => error.into(),
    };
    Err(status)
}

/// What a sender is told about a call that is over.
fn closed(outcome: &Result<Metadata, Status>) -> Status {
    match outcome {
        Ok(_) => Status::new(Code::Ok, "the server has ended the call"),
        Err(status) => status.clone(),
    }
}

fn too_late(doing: &str) -> Status {
    Status::deadline_exceeded(format!("deadline passed while {doing}"))
}

fn too_large(what: &str) -> Status {
    Status::resource_exhausted(format!("received {what} over the limit of this client"))
}
