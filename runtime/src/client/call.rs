//! One call, of whatever kind: how it begins, what is received on it, and how it ends.
//!
//! The deadline is fixed once, when the call begins, and covers connecting, queueing, flow
//! control and every message. The outcome is set once, by whatever ends the call first: the
//! server's status, a lost connection, the deadline, a cancellation. All four kinds receive through
//! [`Call::next`], the one path of replies.

mod endings;
mod receiving;
mod sending;

use std::fmt;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock};
use std::task::Waker;
use std::time::Instant;

use super::attempts::{
    Attempts, Claim, Failure, Head, Number, Reopened, Reopening, Requests, too_late,
};
use super::channel::{Channel, Settings};
use super::request::CallOptions;
use super::retry::Retry;
use crate::grpc::compression::Encoding;
use crate::grpc::{Code, Metadata, Method, Status};
use crate::http2::Reason;
use crate::transport::auth_context::SecurityLevel;
use crate::transport::channelz::Tally;
use crate::transport::lock;
use endings::{is_refused, read_ending};

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
    left: Mutex<Option<Box<Reopening>>>,
    /// The call of its channel.
    tally: Tally,
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
    /// Begins a call whose options are [settled](CallOptions::settle), and takes what it needs of them;
    /// returns when its head is on its way.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub(crate) fn begin(
        channel: &Channel,
        method: &Method,
        options: &mut CallOptions,
        mut requests: Requests,
    ) -> Result<Box<Self>, Status> {
        let (settings, encodings) = (channel.settings(), channel.encodings());
        let (mut metadata, deadline) = (mem::take(&mut options.metadata), options.deadline);
        let tally = channel.begin_tally();
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
            authority: options.authority.take(),
            metadata,
            receive_max: options.receive_max.unwrap_or(settings.receive_max),
            deadline,
            wait_for_ready: options.wait_for_ready.unwrap_or(settings.wait_for_ready),
            encoding,
            parents: mem::take(&mut options.parents),
        };
        let requests_ended = AtomicBool::new(matches!(requests, Requests::One(_)));
        let policy = match options.retries_disabled {
            true => None,
            false => channel.retries().policy(method),
        };
        let retry = policy.map(|policy| Box::new(Retry::new(policy.clone())));
        // Built where it stays.
        let boxed = |attempts| {
            Box::new(Self {
                attempts,
                requests_ended,
                reply_encoding: OnceLock::new(),
                is_reply_compressed: AtomicBool::new(false),
                outcome: OnceLock::new(),
                left: Mutex::new(None),
                tally,
            })
        };
        Attempts::begin(channel, (head, requests), retry, boxed)
    }

    /// Has `waker` woken once [`next`](Self::next) may find something; says whether it may already.
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        // What ends the call ends its stream too, so that nothing is missed in between.
        self.outcome.get().is_some() || self.attempts.watch(waker)
    }

    /// The duty that [`next`](Self::next) has left because it was not to wait, for
    /// [`reopen`](Self::reopen) on another thread.
    pub(crate) fn take_left(&self) -> Option<Reopening> {
        lock(&self.left).take().map(|reopening| *reopening)
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

    /// Whether the reply that was received last came compressed.
    pub(crate) fn is_reply_compressed(&self) -> bool {
        self.is_reply_compressed.load(Ordering::Relaxed)
    }

    /// Ends the call with `status`, unless it is over, and tells the server.
    pub(crate) fn fail(&self, status: Status) {
        if self.outcome.set(Err(status)).is_ok() {
            if let Some(outcome) = self.outcome.get() {
                self.count_end(outcome);
            }
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

    fn check_deadline(&self) {
        if self.is_late() {
            self.fail(too_late("waiting for the server"));
        }
    }

    fn is_late(&self) -> bool {
        self.attempts.head.is_late()
    }

    /// Sets what the server's last word says.
    fn finish(&self, outcome: Result<Metadata, Status>) {
        self.learn(&outcome);
        if self.outcome.set(outcome).is_ok()
            && let Some(outcome) = self.outcome.get()
        {
            self.end(outcome);
        }
    }

    /// The server has said this.
    fn learn(&self, outcome: &Result<Metadata, Status>) {
        if outcome.is_ok() {
            self.attempts.channel.retries().on_success();
        }
    }

    /// The server has ended the call, which nobody has before.
    fn end(&self, outcome: &Result<Metadata, Status>) {
        self.count_end(outcome);
        if !self.requests_ended.load(Ordering::Acquire) {
            // PROTOCOL-HTTP2.md, Early Server Closure: what we might still send nobody reads.
            self.attempts.stream().reset(Reason::NO_ERROR);
        }
    }

    /// Counts the outcome, if anybody is told of the channel.
    fn count_end(&self, outcome: &Result<Metadata, Status>) {
        if self.tally.is_counted() {
            self.tally.end(outcome);
            self.attempts.count_end(outcome);
        }
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
                *lock(&self.left) = Some(Box::new(reopening));
            }
        }
        true
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

/// What a sender is told about a call that is over.
pub(crate) fn closed(outcome: &Result<Metadata, Status>) -> Status {
    match outcome {
        Ok(_) => Status::new(Code::Ok, "the server has ended the call"),
        Err(status) => status.clone(),
    }
}
