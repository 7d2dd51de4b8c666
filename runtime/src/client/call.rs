//! One call, of whatever kind: how it begins, what is received on it, and how it ends.
//!
//! The deadline is fixed once, when the call begins, and covers connecting, queueing, flow
//! control and every message. The outcome is set once, by whatever ends the call first: the
//! server's status, a lost connection, the deadline, a cancellation. All four kinds receive through
//! [`Call::next`], the one path of replies.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::task::Waker;
use std::time::Instant;

use super::attempts::{
    Attempts, Claim, Failure, Head, Number, PREVIOUS_ATTEMPTS, Reopened, Reopening, Requests,
    too_late,
};
use super::channel::{Channel, Settings};
use super::connector::CHANNEL_CLOSED;
use super::handle::Packing;
use super::request::CallOptions;
use super::retry::Retry;
use crate::grpc::codec::Writer;
use crate::grpc::compression::Encoding;
use crate::grpc::headers::{self, ReceivedHead};
use crate::grpc::{Code, Metadata, Method, Sent, Status};
use crate::http2::{Headers, Initiator, Reason};
use crate::transport::auth_context::SecurityLevel;
use crate::transport::{CANCELLED, Incoming, Run, SendError, Stream, lock, now};

/// A call that has begun.
pub(crate) struct Call {
    attempts: Attempts,
    /// The client has sent END_STREAM.
    requests_ended: AtomicBool,
    /// What the head of the response says that replies may be compressed with.
    reply_encoding: OnceLock<Encoding>,
    /// Whether the last reply came compressed.
    is_reply_compressed: AtomicBool,
    /// Trailing metadata if the call succeeded.
    outcome: OnceLock<Result<Metadata, Status>>,
    /// A further stream that somebody who does not wait has left to be opened.
    left: Mutex<Option<Reopening>>,
}

/// What receiving has come upon.
#[derive(Debug)]
pub(crate) enum Step {
    /// The head of the response, with its metadata.
    Head(Metadata),
    /// The payload of one message.
    Message(Vec<u8>),
    /// Messages, in the run that was given to be filled.
    Run,
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
    /// Begins a call whose options are [settled](CallOptions::settle); returns when its head is on
    /// its way.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub(crate) fn begin(
        channel: &Channel,
        method: &Method,
        options: CallOptions,
        mut requests: Requests,
    ) -> Result<Self, Status> {
        let (settings, encodings) = (channel.settings(), channel.encodings());
        let CallOptions { mut metadata, deadline, parents, .. } = options;
        if settings.needs_deadline && deadline.is_none() {
            return Err(Status::failed_precondition(
                "the call has no deadline, and its channel requires one",
            ));
        }
        let authority = options.authority.as_deref().unwrap_or(&settings.authority);
        let encoding = match options.compression {
            None => encodings.default_encoding(),
            Some(compression) => encodings.find(compression).map_err(Status::invalid_argument)?,
        };
        if !(settings.credentials.is_empty() && options.credentials.is_empty()) {
            check_secure(settings)?;
            for credentials in [&settings.credentials, &options.credentials] {
                credentials.run(method, authority, deadline, &mut metadata)?;
            }
        }
        if let (Some(encoding), Requests::One(framed)) = (encoding, &mut requests) {
            encodings.compress(encoding, framed)?;
        }
        let head = Head {
            method: method.clone(),
            authority: options.authority,
            metadata,
            receive_max: options.receive_max.unwrap_or(settings.receive_max),
            deadline,
            wait_for_ready: options.wait_for_ready.unwrap_or(settings.wait_for_ready),
            encoding,
            parents,
        };
        let requests_ended = AtomicBool::new(matches!(requests, Requests::One(_)));
        let policy = match options.retries_disabled {
            true => None,
            false => channel.retries().policy(method),
        };
        let retry = policy.map(|policy| Retry::new(policy.clone()));
        let attempts = Attempts::begin(channel, head, requests, retry)?;
        Ok(Self {
            attempts,
            requests_ended,
            reply_encoding: OnceLock::new(),
            is_reply_compressed: AtomicBool::new(false),
            outcome: OnceLock::new(),
            left: Mutex::new(None),
        })
    }

    /// Receives the next thing; `None` if it has not come so far, and before the time is up if
    /// there is something for [`take_left`](Self::take_left).
    pub(crate) fn next(&self, wait: Wait) -> Option<Step> {
        self.next_of(wait, None)
    }

    /// As [`next`](Self::next), but takes all messages that have come into `run`, which must be empty,
    /// if there are several small ones.
    pub(crate) fn next_run(&self, wait: Wait, run: &mut Run) -> Option<Step> {
        self.next_of(wait, Some(run))
    }

    /// Waits for the response of a call with one reply, and takes its parts in one go if it consists of a
    /// head, a message and trailers, as most do. Calls `take` with the steps of that, of which the last
    /// says that the call is over; with none if the response is another one, or has not come in time.
    pub(crate) fn take_reply(&self, mut take: impl FnMut(Step)) {
        if self.outcome.get().is_some() {
            return;
        }
        let wait = Wait::AsLongAsItTakes;
        let Some((stream, number)) = self.attempts.current_until(self.deadline()) else { return };
        let Ok(Some(reply)) = stream.receive_reply(self.deadline()) else { return };
        for incoming in reply {
            if let Some(step) = self.take(incoming, number, wait) {
                let is_over = matches!(step, Step::Ended);
                take(step);
                if is_over {
                    return;
                }
            }
        }
    }

    /// Whether the next message of a run may still be taken: the call is not over for the caller.
    pub(crate) fn is_receiving(&self) -> bool {
        if self.is_late() && self.attempts.stream().ending().is_none() {
            self.check_deadline();
        }
        self.outcome.get().is_none()
    }

    /// The payload of a message of a run, if it has to be decompressed.
    ///
    /// # Errors
    ///
    /// Why that cannot be done.
    pub(crate) fn unpack(
        &self,
        payload: &[u8],
        is_compressed: bool,
    ) -> Result<Option<Vec<u8>>, Status> {
        self.is_reply_compressed.store(is_compressed, Ordering::Relaxed);
        is_compressed.then(|| self.decompress(payload)).transpose()
    }

    fn next_of(&self, wait: Wait, mut run: Option<&mut Run>) -> Option<Step> {
        loop {
            if self.outcome.get().is_some() {
                return Some(Step::Ended);
            }
            if let Some((incoming, number)) = self.receive(wait, run.as_deref_mut()) {
                if let Some(step) = self.take(incoming, number, wait) {
                    return Some(step);
                }
                let is_waiting = matches!(wait, Wait::AsLongAsItTakes);
                if !is_waiting && lock(&self.left).is_some() {
                    return None;
                }
            } else if self.outcome.get().is_none() {
                return None;
            }
        }
    }

    /// Has `waker` woken once [`next`](Self::next) may find something; says whether it may already.
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        // What ends the call ends its stream too, so that nothing is missed in between.
        self.outcome.get().is_some() || self.attempts.watch(waker)
    }

    /// The duty that [`next`](Self::next) has left because it was not to wait, for
    /// [`reopen`](Self::reopen) on another thread.
    pub(crate) fn take_left(&self) -> Option<Reopening> {
        lock(&self.left).take()
    }

    /// Opens the next stream of the call; returns the duty to do so later if it could not be opened
    /// now.
    pub(crate) fn reopen(&self, reopening: Reopening) -> Option<Reopening> {
        match self.attempts.reopen(reopening) {
            // Somebody has ended the call meanwhile, and did not know of this stream.
            Reopened::Open if self.outcome.get().is_some() => {
                self.attempts.stream().reset(Reason::CANCEL);
            }
            Reopened::Open => {}
            Reopened::Again(reopening) => return Some(reopening),
            Reopened::Failed(status) => self.fail(status),
        }
        None
    }

    /// As [`reopen`](Self::reopen), on the thread of somebody who waits for the call.
    fn reopen_here(&self, reopening: Reopening) {
        let mut next = Some(reopening);
        while let Some(reopening) = next {
            let waited = reopening.paused.as_ref().map(|paused| paused.wait(self.deadline()));
            if let Some(Err(status)) = waited {
                return self.fail(status);
            }
            next = self.reopen(reopening);
        }
    }

    /// Compresses the framed message in `writer`, if requests of this call are compressed.
    ///
    /// # Errors
    ///
    /// INTERNAL if that cannot be done.
    pub(crate) fn pack(&self, writer: &mut Writer, packing: Packing) -> Result<(), Status> {
        match (packing, self.attempts.head.encoding) {
            (Packing::Plain, _) | (_, None) => Ok(()),
            (Packing::Compressed, Some(encoding)) => {
                self.attempts.channel.encodings().compress(encoding, writer)
            }
        }
    }

    /// Whether the reply that was received last came compressed.
    pub(crate) fn is_reply_compressed(&self) -> bool {
        self.is_reply_compressed.load(Ordering::Relaxed)
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
        if self.attempts.gather(framed) {
            return Ok(());
        }
        let Some((stream, number)) = self.attempts.keep_until(framed, self.deadline()) else {
            self.fail(too_late("sending a message"));
            return Err(self.closed());
        };
        if self.is_late() && stream.ending().is_none() {
            self.fail(too_late("sending a message"));
            return Err(self.closed());
        }
        match stream.send_one_of_many(framed, self.deadline()) {
            Ok(()) => Ok(()),
            Err(SendError::Closed) if self.retry(&stream, number, Wait::AsLongAsItTakes) => {
                // The message was kept and went out with the next stream.
                self.outcome.get().map_or(Ok(()), |outcome| Err(closed(outcome)))
            }
            Err(SendError::Closed) => Err(self.closed()),
            Err(SendError::Deadline) => {
                self.fail(too_late("sending a message"));
                Err(self.closed())
            }
        }
    }

    /// As [`send`](Self::send), but waits `until` at most, and then has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub(crate) fn send_until(&self, framed: &[u8], until: Instant) -> Result<Sent, Status> {
        if let Some(outcome) = self.outcome.get() {
            return Err(closed(outcome));
        }
        let until = self.deadline().map_or(until, |deadline| deadline.min(until));
        let Some((stream, number)) = self.attempts.keep_until(framed, Some(until)) else {
            self.check_deadline();
            return Ok(Sent::NotYet);
        };
        match stream.send_whole(framed, Some(until)) {
            Ok(()) => Ok(Sent::Taken),
            Err(SendError::Closed) if self.retry(&stream, number, Wait::Until(until)) => {
                self.outcome.get().map_or(Ok(Sent::Taken), |outcome| Err(closed(outcome)))
            }
            Err(SendError::Closed) => Err(self.closed()),
            Err(SendError::Deadline) if self.is_late() => {
                self.fail(too_late("sending a message"));
                Err(self.closed())
            }
            // What another stream takes along is sent, whatever this one took.
            Err(SendError::Deadline) => match self.attempts.give_back(number, framed.len()) {
                true => Ok(Sent::NotYet),
                false => Ok(Sent::Taken),
            },
        }
    }

    /// Sends END_STREAM: no message follows. Does nothing on a call that is over.
    pub(crate) fn end_requests(&self) {
        if !self.requests_ended.swap(true, Ordering::AcqRel) && self.outcome.get().is_none() {
            self.attempts.end_requests();
        }
    }

    /// Ends the call with `status`, unless it is over, and tells the server.
    pub(crate) fn fail(&self, status: Status) {
        if self.outcome.set(Err(status)).is_ok() {
            self.attempts.end().reset(Reason::CANCEL);
        }
    }

    /// Ends the call because nobody is interested any more.
    ///
    /// A call that the server has ended keeps its outcome and the messages before it.
    pub(crate) fn abandon(&self, why: &'static str) {
        let stream = self.attempts.stream();
        let is_open = match stream.ending() {
            None => true,
            // A refused stream is not the end of its call: another one may be on its way.
            Some(ending) if is_refused(&ending) => true,
            Some(ending) => self.attempts.may_go_on() && self.read_failure(&ending).is_some(),
        };
        if is_open && self.outcome.get().is_none() {
            self.fail(Status::cancelled(why));
        }
    }

    /// Other threads than the one that waits may end the call from now on.
    pub(crate) fn set_shared(&self) {
        self.attempts.stream().set_shared();
    }

    /// How the call ended, once it has.
    pub(crate) fn outcome(&self) -> Option<&Result<Metadata, Status>> {
        self.outcome.get()
    }

    fn receive(&self, wait: Wait, mut run: Option<&mut Run>) -> Option<(Incoming, Number)> {
        let until = match wait {
            Wait::AsLongAsItTakes => self.deadline(),
            Wait::Until(until) => {
                self.deadline().map_or(Some(until), |deadline| Some(deadline.min(until)))
            }
            Wait::NotAtAll => Some(now()),
        };
        let Some((stream, number)) = self.attempts.current_until(until) else {
            self.check_deadline();
            return None;
        };
        let taken = match run.as_deref_mut() {
            Some(run) => stream.take_run(run),
            None => stream.take(),
        };
        let incoming = match (taken, wait, run) {
            // Messages that keep coming do not put the deadline off; a call that has ended keeps all.
            (Some(_), ..)
                if self.deadline().is_some() && !stream.has_ending() && self.is_late() =>
            {
                None
            }
            (Some(incoming), ..) => Some(incoming),
            (None, Wait::NotAtAll, _) => stream.try_receive(),
            (None, Wait::AsLongAsItTakes | Wait::Until(_), Some(run)) => {
                stream.receive_run(run, until).ok()
            }
            (None, Wait::AsLongAsItTakes | Wait::Until(_), None) => stream.receive(until).ok(),
        };
        if incoming.is_none() {
            self.check_deadline();
        }
        incoming.map(|incoming| (incoming, number))
    }

    fn check_deadline(&self) {
        if self.is_late() {
            self.fail(too_late("waiting for the server"));
        }
    }

    fn is_late(&self) -> bool {
        self.deadline().is_some_and(|deadline| deadline <= now())
    }

    /// Makes a step of what came; `None` if it changed nothing for the receiver.
    fn take(&self, incoming: Incoming, number: Number, wait: Wait) -> Option<Step> {
        match incoming {
            Incoming::Head { headers, end, truncated } => match truncated {
                true => self.fail(too_large("metadata")),
                false => return self.take_head(&headers, end, number, wait),
            },
            Incoming::Foreign { headers, body } => {
                let status = headers::read_foreign(&headers, &body);
                // gRFC A6: what is no response of gRPC is no head.
                if self.goes_on(number, false, &status, wait) {
                    return None;
                }
                self.fail(status);
            }
            Incoming::Message(payload, is_compressed) => {
                self.is_reply_compressed.store(is_compressed, Ordering::Relaxed);
                match is_compressed {
                    false => return Some(Step::Message(payload)),
                    true => match self.decompress(&payload) {
                        Ok(payload) => return Some(Step::Message(payload)),
                        Err(status) => self.fail(status),
                    },
                }
            }
            Incoming::Run => return Some(Step::Run),
            ending => {
                let (is_refused, is_final) = (is_refused(&ending), self.is_final(&ending));
                let outcome = read_ending(ending, &self.attempts);
                if let Err(status) = &outcome
                    && !is_final
                    && self.goes_on(number, is_refused, status, wait)
                {
                    return None;
                }
                self.finish(outcome);
            }
        }
        Some(Step::Ended)
    }

    fn decompress(&self, payload: &[u8]) -> Result<Vec<u8>, Status> {
        let channel = &self.attempts.channel;
        let encoding = self.reply_encoding.get().copied();
        channel.encodings().decompress(encoding, payload, self.attempts.head.receive_max)
    }

    fn take_head(&self, headers: &Headers, end: bool, number: Number, wait: Wait) -> Option<Step> {
        match headers::read_head(headers, end, self.attempts.channel.encodings()) {
            ReceivedHead::Head(mut metadata, encoding) => {
                // gRFC A6: from here on the caller may have seen something.
                self.attempts.commit();
                if let Some(encoding) = encoding {
                    self.reply_encoding.get_or_init(|| encoding);
                }
                self.tell_previous_attempts(&mut metadata);
                return Some(Step::Head(metadata));
            }
            // gRFC A6: Trailers-Only is no head, and neither is what is no response of gRPC.
            ReceivedHead::Ended(Err(status)) if self.goes_on(number, false, &status, wait) => {
                return None;
            }
            ReceivedHead::Ended(outcome) if end => self.finish(outcome),
            // What follows on the stream is not for us.
            ReceivedHead::Ended(Ok(_)) => {
                self.fail(Status::internal("received grpc-status 0 and no end of the stream"));
            }
            ReceivedHead::Ended(Err(status)) => self.fail(status),
        }
        Some(Step::Ended)
    }

    /// gRFC A6: the client learns of earlier attempts as the server does.
    fn tell_previous_attempts(&self, metadata: &mut Metadata) {
        let previous = self.attempts.previous_attempts();
        if previous > 0 {
            let told = metadata.insert(PREVIOUS_ATTEMPTS, previous.to_string());
            told.expect("the key is allowed, the value digits");
        }
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
        if outcome.is_ok() {
            self.attempts.channel.retries().on_success();
        }
        if self.outcome.set(outcome).is_ok() && !self.requests_ended.load(Ordering::Acquire) {
            // PROTOCOL-HTTP2.md, Early Server Closure: what we might still send nobody reads.
            self.attempts.stream().reset(Reason::NO_ERROR);
        }
    }

    /// Sends the call once more if `stream`, on which nothing can be sent, has failed so that it may
    /// be; says whether to go on with another stream.
    fn retry(&self, stream: &Stream, number: Number, wait: Wait) -> bool {
        let Some(ending) = stream.ending() else { return false };
        let is_refused = is_refused(&ending);
        // Without a policy a refusal alone counts, and what the receiver has not taken yet is a head
        // of a response too.
        if !is_refused && (!self.attempts.has_policy() || stream.has_head()) {
            return false;
        }
        self.read_failure(&ending)
            .is_some_and(|status| self.goes_on(number, is_refused, &status, wait))
    }

    /// Sends the call once more, if it may be; says whether to go on with another stream. Who is not
    /// to wait leaves it to be opened.
    fn goes_on(&self, failed: Number, is_refused: bool, status: &Status, wait: Wait) -> bool {
        let failure = match is_refused {
            true => Failure::Refused(status),
            false if self.attempts.has_policy() => Failure::Failed(status),
            false => return false,
        };
        match (self.attempts.claim(failed, failure), wait) {
            (Claim::Nothing, _) => return false,
            (Claim::Another, _) => {}
            (Claim::Reopen(reopening), Wait::AsLongAsItTakes) => self.reopen_here(reopening),
            (Claim::Reopen(reopening), Wait::Until(_) | Wait::NotAtAll) => {
                *lock(&self.left) = Some(reopening);
            }
        }
        true
    }

    /// The status that `ending` means if it is a failure of the server or of the network.
    fn read_failure(&self, ending: &Incoming) -> Option<Status> {
        match self.is_final(ending) {
            true => None,
            false => read_ending(ending.clone(), &self.attempts).err(),
        }
    }

    /// Whether `ending` is the caller's own doing.
    fn is_final(&self, ending: &Incoming) -> bool {
        match ending {
            Incoming::Reset { reason, by: Initiator::Local } => *reason == Reason::CANCEL,
            Incoming::Lost(_) => self.attempts.channel.is_closed(),
            _ => false,
        }
    }

    /// The status of a call on which nothing can be sent.
    fn closed(&self) -> Status {
        if let Some(outcome) = self.outcome.get() {
            return closed(outcome);
        }
        match self.attempts.stream().ending() {
            // The receiver has taken the ending and is about to set the outcome.
            None | Some(Incoming::End) => closed(&Ok(Metadata::new())),
            Some(ending) => closed(&read_ending(ending, &self.attempts)),
        }
    }

    /// When the call must be over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.attempts.head.deadline
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("path", &self.attempts.head.method.path())
            .field("outcome", &self.outcome.get())
            .finish_non_exhaustive()
    }
}

/// Whether credentials may be sent on connections of this channel.
fn check_secure(settings: &Settings) -> Result<(), Status> {
    match settings.security {
        SecurityLevel::PrivacyAndIntegrity => Ok(()),
        SecurityLevel::None | SecurityLevel::IntegrityOnly => Err(Status::unauthenticated(
            "call credentials are not sent over a connection that is not encrypted",
        )),
    }
}

/// Whether `ending` says that the server has surely not looked at the stream.
fn is_refused(ending: &Incoming) -> bool {
    matches!(ending, Incoming::Reset { reason: Reason::REFUSED_STREAM, .. })
}

/// The outcome that the end of a stream means.
fn read_ending(ending: Incoming, attempts: &Attempts) -> Result<Metadata, Status> {
    let channel = &attempts.channel;
    let status = match ending {
        Incoming::Trailers(headers) => return headers::read_trailers(&headers),
        Incoming::Foreign { headers, body } => headers::read_foreign(&headers, &body),
        Incoming::Head { headers, end, .. } => {
            match headers::read_head(&headers, end, channel.encodings()) {
                ReceivedHead::Ended(outcome) => return outcome,
                ReceivedHead::Head(..) => {
                    Status::unknown("the server ended the call without trailers")
                }
            }
        }
        Incoming::End | Incoming::Message(..) | Incoming::Run => {
            Status::unknown("the server ended the call without trailers")
        }
        Incoming::Reset { reason, by: Initiator::Remote } => Status::from_reset(reason.0),
        Incoming::Reset { reason, by: Initiator::Local } if reason == Reason::REFUSED_STREAM => {
            Status::unavailable("the server shuts down and has not seen the call")
        }
        // What else resets the stream from here sets the outcome first, or finds the deadline passed.
        Incoming::Reset { reason: Reason::CANCEL, by: Initiator::Local } => {
            Status::cancelled(attempts.head.parents.cancelled().unwrap_or(CANCELLED))
        }
        Incoming::Reset { reason, by: Initiator::Local } => {
            Status::internal(format!("the server broke a rule of HTTP/2: {reason}"))
        }
        Incoming::Lost(_) if channel.is_closed() => Status::cancelled(CHANNEL_CLOSED),
        Incoming::Lost(cause) => {
            Status::unavailable(format!("connection to {} lost: {cause}", channel.target()))
        }
        Incoming::CutTrailers => too_large("trailing metadata"),
        Incoming::Invalid(error) => error.into(),
    };
    Err(status)
}

/// What a sender is told about a call that is over.
pub(crate) fn closed(outcome: &Result<Metadata, Status>) -> Status {
    match outcome {
        Ok(_) => Status::new(Code::Ok, "the server has ended the call"),
        Err(status) => status.clone(),
    }
}

fn too_large(what: &str) -> Status {
    Status::resource_exhausted(format!("received {what} over the limit of this client"))
}
