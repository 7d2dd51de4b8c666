//! The one seam around every call of a server.
//!
//! The invariant: the list is fixed when the server starts. The first interceptor added is the
//! outermost; it sees a call first and its outcome last. A call whose path leads nowhere, or
//! whose head is refused, reaches none of them.

use std::sync::Arc;

use super::context::Context;
use crate::grpc::Status;

/// Code that runs around every call: authentication, logging, accounting.
///
/// An interceptor runs on the worker that runs the call. It may refuse the call by returning an
/// error without calling [`Next::run`], and it may replace the outcome that `run` returned.
/// A closure of the same shape is an interceptor too.
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

/// The end of the way: decodes the request, runs the method, keeps its reply.
pub(crate) type Handler<'a> = dyn FnMut(&mut Context) -> Result<(), Status> + 'a;

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
    /// The status that the method, or an interceptor behind this one, ended with; INTERNAL if the
    /// method panicked.
    pub fn run(self, context: &mut Context) -> Result<(), Status> {
        match self.interceptors.split_first() {
            Some((first, interceptors)) => {
                first.intercept(context, Next { interceptors, handler: self.handler })
            }
            None => (self.handler)(context),
        }
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
