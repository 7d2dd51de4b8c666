//! One call in the hands of its service: from request messages to an outcome.
//!
//! The invariant: a unary reply is kept until the interceptors have seen the outcome, and only
//! the dispatcher sends it; a streamed reply is sent by its sink at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::context::Context;
use super::reply::{Reply, Wait};
use super::streams::{ReplySink, RequestStream};
use crate::grpc::codec::{self, Writer};
use crate::grpc::{Codec, Method, Received, Status, scratch};

/// One call that a [`Service`](crate::Service) is asked to answer.
///
/// Each of its methods takes the codec of the messages and the code of one kind of rpc, and runs
/// that code. Dropped unused, it answers UNIMPLEMENTED.
pub struct ServerCall<'a> {
    context: &'a mut Context,
    outcome: &'a mut Outcome,
}

/// How the code behind a call ended.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Whether a method has run that streams its replies.
    pub(crate) streamed: bool,
    /// `None` until a method has run.
    pub(crate) result: Option<Result<(), Status>>,
    /// The framed reply of a method that has exactly one.
    pub(crate) reply: Option<Writer>,
}

impl<'a> ServerCall<'a> {
    pub(crate) fn new(context: &'a mut Context, outcome: &'a mut Outcome) -> Self {
        Self { context, outcome }
    }

    /// Answers one request with one reply.
    pub fn unary<Req, Rep, C, F>(self, codec: &'static C, method: F)
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: FnOnce(Req, &mut Context) -> Result<Rep, Status>,
    {
        self.run(|call| {
            let request = receive_one::<Req>(call.reply(), codec)?;
            let reply = method(request, call.context)?;
            call.keep(codec, &reply)
        });
    }

    /// Answers one request with a stream of replies.
    pub fn server_streaming<Req, Rep, C, F>(self, codec: &'static C, method: F)
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: FnOnce(Req, &mut ReplySink<Rep>, &mut Context) -> Result<(), Status>,
    {
        self.outcome.streamed = true;
        self.run(|call| {
            let request = receive_one::<Req>(call.reply(), codec)?;
            let mut replies = ReplySink::new(call.context.reply().clone(), codec);
            method(request, &mut replies, call.context)
        });
    }

    /// Answers a stream of requests with one reply.
    pub fn client_streaming<Req, Rep, C, F>(self, codec: &'static C, method: F)
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: FnOnce(&mut RequestStream<Req>, &mut Context) -> Result<Rep, Status>,
    {
        self.run(|call| {
            let mut requests = RequestStream::new(call.context.reply().clone(), codec);
            let reply = method(&mut requests, call.context)?;
            call.keep(codec, &reply)
        });
    }

    /// Answers a stream of requests with a stream of replies.
    pub fn bidirectional<Req, Rep, C, F>(self, codec: &'static C, method: F)
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: FnOnce(&mut RequestStream<Req>, &mut ReplySink<Rep>, &mut Context) -> Result<(), Status>,
    {
        self.outcome.streamed = true;
        self.run(|call| {
            let mut requests = RequestStream::new(call.context.reply().clone(), codec);
            let mut replies = ReplySink::new(call.context.reply().clone(), codec);
            method(&mut requests, &mut replies, call.context)
        });
    }

    /// Answers UNIMPLEMENTED: the service has no such method.
    pub fn unimplemented(self) {
        self.outcome.result = Some(Err(not_implemented(self.context.method())));
    }

    /// Runs user code; a panic of it becomes INTERNAL, and what it said stays in this process.
    fn run(mut self, code: impl FnOnce(&mut Self) -> Result<(), Status>) {
        let result = catch_unwind(AssertUnwindSafe(|| code(&mut self))).unwrap_or_else(|panic| {
            self.context.set_panic(&*panic);
            Err(panicked())
        });
        self.outcome.result = Some(result.and_then(|()| self.context.chosen_outcome()));
    }

    fn keep<Rep>(&mut self, codec: &'static dyn Codec<Rep>, reply: &Rep) -> Result<(), Status> {
        let kept = &mut self.outcome.reply;
        let mut writer = scratch::take_writer();
        self.context.reply().send(codec, reply, &mut writer, |framed| {
            *kept = Some(std::mem::take(framed));
            Ok(())
        })
    }

    fn reply(&self) -> &Arc<Reply> {
        self.context.reply()
    }
}

/// What a method answers that nobody has written.
#[must_use]
pub fn unimplemented(method: &Method) -> Status {
    not_implemented(method.path())
}

/// What stands for an answer of the method at `path` where there is none.
pub(super) fn not_implemented(path: &str) -> Status {
    Status::unimplemented(format!("{path} is not implemented"))
}

/// The one request of a call that has exactly one.
///
/// The client's half-close is waited for, as only then there can be no second one.
fn receive_one<Req>(reply: &Reply, codec: &dyn Codec<Req>) -> Result<Req, Status> {
    if let Some(request) = reply.take_only()? {
        return codec::read(codec, request);
    }
    let Received::Message(request) = reply.receive(Wait::AsLongAsItTakes)? else {
        return Err(Status::internal("received no request message, expected one"));
    };
    let request = codec::read(codec, request)?;
    match reply.receive(Wait::AsLongAsItTakes)? {
        Received::End | Received::NotYet => Ok(request),
        Received::Message(_) => {
            Err(Status::internal("received a second request message, expected one"))
        }
    }
}

/// What a panic of user code becomes.
pub(crate) fn panicked() -> Status {
    Status::internal("the method panicked")
}
