//! A call whose messages pass interceptors between the caller and the wire.
//!
//! The invariant: each interceptor is told of the end once, whatever becomes of the call.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use super::attempts::Requests;
use super::call::{Call, Step, Wait};
use super::handle::{Handle, Packing};
use super::interceptor::OutgoingCall;
use crate::grpc::codec::{self, RawBytes, Writer};
use crate::grpc::{MessageInterceptor, Metadata, NextReceive, NextSend, Received, Sent, Status};
use crate::transport::contained;

/// A call with the interceptors of its messages.
pub(crate) struct Intercepted {
    /// The call as those behind have it.
    pub(crate) behind: Box<Handle>,
    /// Nearest to the wire first.
    interceptors: Vec<Arc<dyn MessageInterceptor>>,
    send_max: usize,
    /// The initial metadata has been told.
    has_head: AtomicBool,
    /// How the call ended for those before.
    outcome: OnceLock<Result<Metadata, Status>>,
}

/// Begins a call behind the last interceptor of its channel.
pub(crate) fn begin(call: &OutgoingCall<'_>) -> Result<Handle, Status> {
    let send_max = call.options.send_max.unwrap_or_else(|| call.channel.settings().send_max);
    let requests = match &call.request {
        None => Requests::Stream,
        Some(message) => Requests::One(framed(message, send_max)?),
    };
    Call::begin(call.channel, call.method, &mut call.options.clone(), requests).map(Handle::Wire)
}

/// The one request of a call, as `interceptors` leave it.
pub(crate) fn pass(
    interceptors: &[Arc<dyn MessageInterceptor>],
    request: Vec<u8>,
) -> Result<Vec<u8>, Status> {
    let mut last = None;
    let mut wire = |message| {
        last = Some(message);
        Ok(())
    };
    NextSend::new(interceptors, &mut wire).send(request)?;
    last.ok_or_else(|| Status::internal("an interceptor has sent no request"))
}

impl Intercepted {
    pub(crate) fn new(
        behind: Handle,
        interceptors: Vec<Arc<dyn MessageInterceptor>>,
        send_max: usize,
    ) -> Self {
        Self {
            behind: Box::new(behind),
            interceptors,
            send_max,
            has_head: AtomicBool::new(false),
            outcome: OnceLock::new(),
        }
    }

    /// As [`Call::next`].
    pub(crate) fn next(&self, wait: Wait) -> Option<Step> {
        if self.outcome.get().is_some() {
            return Some(Step::Ended);
        }
        if !self.has_head.load(Ordering::Acquire) {
            let step = self.behind.next(wait)?;
            self.has_head.store(true, Ordering::Release);
            if let Step::Head(mut metadata) = step {
                for interceptor in &self.interceptors {
                    interceptor.initial_metadata(&mut metadata);
                }
                return Some(Step::Head(metadata));
            }
            // A response of trailers alone: receiving finds the end once more.
        }
        let mut wire = || match self.behind.next(wait) {
            None | Some(Step::Head(_) | Step::Run) => Ok(Received::NotYet),
            Some(Step::Message(message)) => Ok(Received::Message(message)),
            Some(Step::Ended) => match self.behind.outcome() {
                Some(Err(status)) => Err(status.clone()),
                Some(Ok(_)) | None => Ok(Received::End),
            },
        };
        let received = NextReceive::new(&self.interceptors, &mut wire).receive();
        let outcome = match received {
            Ok(Received::Message(message)) => return Some(Step::Message(message)),
            Ok(Received::NotYet) => return None,
            Ok(Received::End) => {
                // An interceptor may have had enough, or may have forgiven the status.
                self.behind.abandon("an interceptor has ended the replies");
                let trailing = self.behind.outcome().and_then(|outcome| outcome.as_ref().ok());
                Ok(trailing.cloned().unwrap_or_default())
            }
            Err(status) => {
                self.behind.abandon("an interceptor has ended the call");
                Err(status)
            }
        };
        self.end(outcome);
        Some(Step::Ended)
    }

    /// Sends one message that has no prefix; waits as [`Call::send`] or, with `until`, as
    /// [`Call::send_until`].
    pub(crate) fn send(
        &self,
        message: Vec<u8>,
        until: Option<Instant>,
        packing: Packing,
    ) -> Result<Sent, Status> {
        let mut outcome = None;
        NextSend::new(&self.interceptors, &mut |message| {
            let mut framed = framed(&message, self.send_max)?;
            // Of several messages in place of one either none is sent or all are.
            match until.filter(|_| outcome.is_none()) {
                Some(until) => {
                    outcome = Some(self.behind.send_until(&mut framed, until, packing)?);
                }
                None if outcome == Some(Sent::NotYet) => {}
                None => {
                    self.behind.send(&mut framed, packing)?;
                    outcome = Some(Sent::Taken);
                }
            }
            Ok(())
        })
        .send(message)?;
        Ok(outcome.unwrap_or(Sent::Taken))
    }

    /// Ends the call with `status`, unless it is over.
    pub(crate) fn fail(&self, status: Status) {
        self.behind.fail(status.clone());
        self.end(Err(status));
    }

    /// Nobody is interested any more: those behind are told first, as of any end.
    pub(crate) fn give_up(&self) {
        if self.outcome.get().is_none() {
            self.behind.give_up();
            let dropped = || Err(Status::cancelled("the call was dropped"));
            self.end(self.behind.outcome().cloned().unwrap_or_else(dropped));
        }
    }

    pub(crate) fn outcome(&self) -> Option<&Result<Metadata, Status>> {
        self.outcome.get()
    }

    /// Tells the interceptors of the end, the first time.
    fn end(&self, outcome: Result<Metadata, Status>) {
        self.outcome.get_or_init(|| {
            let (mut trailing, mut result) = match outcome {
                Ok(trailing) => (trailing, Ok(())),
                Err(mut status) => (std::mem::take(status.metadata_mut()), Err(status)),
            };
            for interceptor in &self.interceptors {
                let told = result.as_ref().copied();
                // As on a server, a panic changes nothing about the end.
                contained(|| interceptor.end(told, &mut trailing));
            }
            match &mut result {
                Ok(()) => Ok(trailing),
                Err(status) => Err(status.clone().with_metadata(trailing)),
            }
        });
    }
}

impl Drop for Intercepted {
    fn drop(&mut self) {
        self.give_up();
    }
}

/// `message` behind its prefix.
fn framed(message: &Vec<u8>, limit: usize) -> Result<Writer, Status> {
    let mut writer = Writer::new();
    codec::frame(&RawBytes, message, limit, &mut writer)?;
    Ok(writer)
}
