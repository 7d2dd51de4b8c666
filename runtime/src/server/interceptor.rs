//! The one seam around every call of a server.
//!
//! The invariant: the list is fixed when the server starts. The first interceptor added is the
//! outermost; it sees a call first and its outcome last. A call whose path is malformed or leads
//! nowhere, or whose head is refused, reaches none of them.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::call::panicked;
use super::context::Context;
use super::handler::MethodHandler;
use crate::grpc::Status;

/// Code that runs around every call: authentication, logging, accounting.
///
/// An interceptor runs on the worker that runs the call. It may refuse the call by returning an
/// error without calling [`Next::run`], answer it by itself with [`Next::answer`], and replace the
/// outcome that `run` returned. A closure of the same shape is an interceptor too.
///
/// The [`Context`] shows and lets it change everything else: the method, the metadata that came and
/// the trailing metadata, what a panic said, the messages of all four kinds of calls
/// ([`Context::intercept_messages`]), and values for the handler ([`Context::extensions_mut`]).
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, Next, Server, Status};
///
/// let builder = Server::builder().interceptor(|context: &mut Context, next: Next<'_>| {
///     match context.metadata().get("authorization") {
///         Some("secret") => next.run(context),
///         _ => Err(Status::unauthenticated("expected the metadata entry authorization")),
///     }
/// });
/// # drop(builder);
/// ```
pub trait ServerInterceptor: Send + Sync {
    /// Runs around one call; `next` is the rest of the way to the handler.
    ///
    /// # Errors
    ///
    /// The status that the call ends with. A reply that a unary handler returned is then
    /// discarded.
    fn intercept(&self, context: &mut Context, next: Next<'_>) -> Result<(), Status>;
}

/// The rest of a call's way: the interceptors behind this one, then the handler.
pub struct Next<'a> {
    interceptors: &'a [Arc<dyn ServerInterceptor + 'a>],
    handler: &'a mut Handler<'a>,
}

/// The end of the way: decodes the request, runs the method, keeps its reply. A handler that is
/// given runs in place of the method.
pub(crate) type Handler<'a> =
    dyn FnMut(&mut Context, Option<&MethodHandler>) -> Result<(), Status> + 'a;

impl<'a> Next<'a> {
    pub(crate) fn new(
        interceptors: &'a [Arc<dyn ServerInterceptor + 'a>],
        handler: &'a mut Handler<'a>,
    ) -> Self {
        Self { interceptors, handler }
    }

    /// Runs the rest of the call and returns its outcome.
    ///
    /// `Ok` means that the method returned successfully. A method that detached its replies has
    /// returned, while its call goes on.
    ///
    /// # Errors
    ///
    /// The status that the method, or an interceptor behind this one, ended with or
    /// [chose](Context::set_code); INTERNAL if one of them panicked:
    /// [`Context::panic_message`] has the words then.
    pub fn run(self, context: &mut Context) -> Result<(), Status> {
        let Self { interceptors, handler } = self;
        let rest = || match interceptors.split_first() {
            Some((first, interceptors)) => first.intercept(context, Next { interceptors, handler }),
            None => handler(context, None),
        };
        let result = catch_unwind(AssertUnwindSafe(rest));
        result.unwrap_or_else(|panic| {
            context.set_panic(&*panic);
            Err(panicked())
        })
    }

    /// Answers the call with `handler`, in place of the interceptors behind this one and of the
    /// method. It should be of the kind of the call, [`Context::kind`].
    ///
    /// # Errors
    ///
    /// As [`Next::run`].
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{Context, MethodHandler, Next, RawBytes, Status};
    ///
    /// /// Answers unary calls that ask for nothing but a sign of life.
    /// fn ping(context: &mut Context, next: Next<'_>) -> Result<(), Status> {
    ///     match context.metadata().get("x-ping") {
    ///         None => next.run(context),
    ///         Some(_) => {
    ///             let empty = |_: Vec<u8>, _: &mut Context| Ok(Vec::new());
    ///             next.answer(context, &MethodHandler::unary_unary(&RawBytes, empty))
    ///         }
    ///     }
    /// }
    /// # drop(rust_grpc::Server::builder().interceptor(ping));
    /// ```
    pub fn answer(self, context: &mut Context, handler: &MethodHandler) -> Result<(), Status> {
        (self.handler)(context, Some(handler))
    }
}

impl<F> ServerInterceptor for F
where
    F: Fn(&mut Context, Next<'_>) -> Result<(), Status> + Send + Sync,
{
    fn intercept(&self, context: &mut Context, next: Next<'_>) -> Result<(), Status> {
        self(context, next)
    }
}
