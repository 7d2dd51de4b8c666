//! A call as the types hold it that users have: on the wire, behind interceptors, or answered.
//!
//! What a channel without interceptors makes is a call on the wire, and costs nothing more.

use std::fmt;
use std::sync::Arc;
use std::task::Waker;
use std::time::Instant;

use super::answer::Answered;
use super::attempts::{Reopening, Requests};
use super::call::{Call, Step, Wait, closed};
use super::channel::Channel;
use super::intercepted::Intercepted;
use super::interceptor::{ClientNext, OutgoingCall};
use super::request::CallOptions;
use crate::grpc::codec::Writer;
use crate::grpc::envelope::PREFIX_LEN;
use crate::grpc::{Extensions, Metadata, Method, Sent, Status};
use crate::transport::Run;
use crate::transport::callbacks::run_aside;

/// A call that has begun.
pub(crate) enum Handle {
    /// Not in place: it is handed on several times when it begins.
    Wire(Box<Call>),
    Intercepted(Intercepted),
    Answered(Answered),
}

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Packing {
    /// As the call says: compressed, if it says so.
    Compressed,
    /// As it is, whatever the call says.
    Plain,
}

impl Handle {
    /// Begins a call, and takes what it needs of `options`; returns when its head is on its way.
    ///
    /// # Errors
    ///
    /// Why nothing was sent.
    pub(crate) fn begin(
        channel: &Channel,
        method: &Method,
        options: &mut CallOptions,
        requests: Requests,
    ) -> Result<Self, Status> {
        options.settle(channel.settings())?;
        let interceptors = &channel.settings().interceptors;
        if interceptors.0.is_empty() {
            return Call::begin(channel, method, options, requests).map(Self::Wire);
        }
        let request = match requests {
            Requests::One(framed) => Some(framed.as_slice()[PREFIX_LEN..].to_vec()),
            Requests::Stream => None,
        };
        let (messages, extensions) = (Vec::new(), Extensions::new());
        let options = std::mem::take(options);
        let mut call = OutgoingCall { channel, method, options, request, messages, extensions };
        ClientNext::new(interceptors).run(&mut call).map(|call| call.handle)
    }

    /// As [`Call::next`].
    pub(crate) fn next(&self, wait: Wait) -> Option<Step> {
        match self {
            Self::Wire(call) => call.next(wait),
            Self::Intercepted(call) => call.next(wait),
            Self::Answered(call) => Some(call.next()),
        }
    }

    /// As [`Call::next_run`]; behind interceptors messages come one by one.
    pub(crate) fn next_run(&self, wait: Wait, run: &mut Run) -> Option<Step> {
        match self {
            Self::Wire(call) => call.next_run(wait, run),
            Self::Intercepted(_) | Self::Answered(_) => self.next(wait),
        }
    }

    /// As [`Call::send`], of a message that is not compressed yet.
    pub(crate) fn send(&self, framed: &mut Writer, packing: Packing) -> Result<(), Status> {
        match self {
            Self::Wire(call) => {
                call.pack(framed, packing)?;
                call.send(framed.as_slice())
            }
            Self::Intercepted(call) => call.send(payload(framed), None, packing).map(|_| ()),
            Self::Answered(call) => Err(closed(call.outcome_for_sender())),
        }
    }

    /// As [`Call::send_until`], of a message that is not compressed yet.
    pub(crate) fn send_until(
        &self,
        framed: &mut Writer,
        until: Instant,
        packing: Packing,
    ) -> Result<Sent, Status> {
        match self {
            Self::Wire(call) => {
                call.pack(framed, packing)?;
                call.send_until(framed.as_slice(), until)
            }
            Self::Intercepted(call) => call.send(payload(framed), Some(until), packing),
            Self::Answered(call) => Err(closed(call.outcome_for_sender())),
        }
    }

    /// As [`Call::end_requests`].
    pub(crate) fn end_requests(&self) {
        if let Some(call) = self.call() {
            call.end_requests();
        }
    }

    /// As [`Call::fail`].
    pub(crate) fn fail(&self, status: Status) {
        match self {
            Self::Wire(call) => call.fail(status),
            Self::Intercepted(call) => call.fail(status),
            Self::Answered(call) => call.fail(status),
        }
    }

    /// Other threads than the one that waits may end the call from now on.
    pub(crate) fn set_shared(&self) {
        if let Some(call) = self.call() {
            call.set_shared();
        }
    }

    /// As [`Call::abandon`].
    pub(crate) fn abandon(&self, why: &'static str) {
        if let Some(call) = self.call() {
            call.abandon(why);
        }
    }

    /// As [`abandon`](Self::abandon), and those who intercept are told.
    pub(crate) fn give_up(&self) {
        match self {
            Self::Wire(call) => call.abandon("the call was dropped"),
            Self::Intercepted(call) => call.give_up(),
            Self::Answered(_) => {}
        }
    }

    /// How the call ended, once it has.
    pub(crate) fn outcome(&self) -> Option<&Result<Metadata, Status>> {
        match self {
            Self::Wire(call) => call.outcome(),
            Self::Intercepted(call) => call.outcome(),
            Self::Answered(call) => call.outcome(),
        }
    }

    /// As [`Call::watch`].
    pub(crate) fn watch(&self, waker: &Waker) -> bool {
        self.call().is_none_or(|call| call.watch(waker))
    }

    /// Whether the reply that was received last came compressed.
    pub(crate) fn is_reply_compressed(&self) -> bool {
        self.call().is_some_and(Call::is_reply_compressed)
    }

    /// When the call must be over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.call().and_then(Call::deadline)
    }

    /// Has other threads do what [`next`](Self::next) has left because it was not to wait; says
    /// whether it had left anything.
    pub(crate) fn go_on(self: &Arc<Self>) -> bool {
        let left = self.call().and_then(Call::take_left);
        left.map(|reopening| self.reopen_later(reopening)).is_some()
    }

    /// Has the next stream opened on another thread, once the pause before it is over.
    fn reopen_later(self: &Arc<Self>, reopening: Reopening) {
        let Some(pause) = reopening.paused.as_ref().map(|paused| paused.pause().clone()) else {
            return self.reopen_aside(reopening);
        };
        let handle = self.clone();
        if let Err(status) = pause.then(move || handle.reopen_aside(reopening)) {
            self.fail(status);
        }
    }

    fn reopen_aside(self: &Arc<Self>, reopening: Reopening) {
        let handle = self.clone();
        let is_taken = run_aside(move || {
            let next = handle.call().and_then(|call| call.reopen(reopening));
            if let Some(reopening) = next {
                handle.reopen_later(reopening);
            }
        });
        if !is_taken {
            self.fail(Status::unavailable("too many calls are being sent again at once"));
        }
    }

    /// The call on the wire, if there is one.
    pub(crate) fn call(&self) -> Option<&Call> {
        match self {
            Self::Wire(call) => Some(call),
            Self::Intercepted(call) => call.behind.call(),
            Self::Answered(_) => None,
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.call() {
            Some(call) => call.fmt(f),
            None => write!(f, "a call that an interceptor has answered"),
        }
    }
}

/// A message without its prefix.
fn payload(framed: &Writer) -> Vec<u8> {
    framed.as_slice()[PREFIX_LEN..].to_vec()
}
