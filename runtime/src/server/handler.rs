//! Methods that are known at run time alone: proxies, fallbacks, services without generated code.
//!
//! The invariant: a method handler holds its kind and its codec, so that whoever finds one needs to
//! know neither.

use std::fmt;
use std::sync::Arc;

use super::call::ServerCall;
use super::context::Context;
use super::service::Service;
use super::streams::{ReplySink, RequestStream};
use crate::grpc::{Codec, Method, MethodKind, Status};

/// The code of one method, of any of the four kinds and with any codec.
///
/// Cheap to clone. With [`RawBytes`](crate::RawBytes) messages are taken as they came.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, MethodHandler, RawBytes};
///
/// let reverse = MethodHandler::unary_unary(&RawBytes, |mut request: Vec<u8>, _: &mut Context| {
///     request.reverse();
///     Ok(request)
/// });
/// # drop(reverse);
/// ```
#[derive(Clone)]
pub struct MethodHandler {
    kind: MethodKind,
    run: Arc<dyn Fn(ServerCall<'_>) + Send + Sync>,
}

impl MethodHandler {
    /// Answers one request with one reply.
    pub fn unary_unary<Req, Rep, C, F>(codec: &'static C, method: F) -> Self
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: Fn(Req, &mut Context) -> Result<Rep, Status> + Send + Sync + 'static,
    {
        let run = move |call: ServerCall<'_>| call.unary(codec, &method);
        Self { kind: MethodKind::Unary, run: Arc::new(run) }
    }

    /// Answers one request with a stream of replies.
    pub fn unary_stream<Req, Rep, C, F>(codec: &'static C, method: F) -> Self
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: Fn(Req, &mut ReplySink<Rep>, &mut Context) -> Result<(), Status> + Send + Sync + 'static,
    {
        let run = move |call: ServerCall<'_>| call.server_streaming(codec, &method);
        Self { kind: MethodKind::ServerStreaming, run: Arc::new(run) }
    }

    /// Answers a stream of requests with one reply.
    pub fn stream_unary<Req, Rep, C, F>(codec: &'static C, method: F) -> Self
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: Fn(&mut RequestStream<Req>, &mut Context) -> Result<Rep, Status> + Send + Sync + 'static,
    {
        let run = move |call: ServerCall<'_>| call.client_streaming(codec, &method);
        Self { kind: MethodKind::ClientStreaming, run: Arc::new(run) }
    }

    /// Answers a stream of requests with a stream of replies.
    pub fn stream_stream<Req, Rep, C, F>(codec: &'static C, method: F) -> Self
    where
        Req: 'static,
        Rep: 'static,
        C: Codec<Req> + Codec<Rep>,
        F: Fn(&mut RequestStream<Req>, &mut ReplySink<Rep>, &mut Context) -> Result<(), Status>
            + Send
            + Sync
            + 'static,
    {
        let run = move |call: ServerCall<'_>| call.bidirectional(codec, &method);
        Self { kind: MethodKind::Bidirectional, run: Arc::new(run) }
    }

    /// Which sides stream.
    #[must_use]
    pub fn kind(&self) -> MethodKind {
        self.kind
    }

    pub(crate) fn call(&self, call: ServerCall<'_>) {
        (self.run)(call);
    }
}

impl fmt::Debug for MethodHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MethodHandler").field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Finds handlers for calls that no service of the server declares.
///
/// It is asked on a worker, inside the interceptors, when no service has the method: several are
/// asked in the order in which they were added, and the first handler found answers. If none is
/// found the call ends with UNIMPLEMENTED. A closure of the same shape is one too.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, MethodHandler, RawBytes, Server};
///
/// let echo = MethodHandler::unary_unary(&RawBytes, |bytes: Vec<u8>, _: &mut Context| Ok(bytes));
/// let builder = Server::builder().generic_handler(move |context: &Context| {
///     context.method().ends_with("/Echo").then(|| echo.clone())
/// });
/// # drop(builder);
/// ```
pub trait GenericHandler: Send + Sync {
    /// What answers the call that `context` describes, by its method, metadata, peer or deadline.
    fn handler(&self, context: &Context) -> Option<MethodHandler>;
}

impl<F> GenericHandler for F
where
    F: Fn(&Context) -> Option<MethodHandler> + Send + Sync,
{
    fn handler(&self, context: &Context) -> Option<MethodHandler> {
        self(context)
    }
}

/// A service put together at run time.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, GenericService, MethodHandler, RawBytes, Server};
///
/// let echo = MethodHandler::unary_unary(&RawBytes, |bytes: Vec<u8>, _: &mut Context| Ok(bytes));
/// let service = GenericService::new("test.Echo").method("Echo", echo)?;
/// let builder = Server::builder().add_service(service);
/// # drop(builder);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone, Debug)]
pub struct GenericService {
    name: String,
    methods: Vec<Method>,
    handlers: Vec<MethodHandler>,
}

impl GenericService {
    /// A service of the full name `name`, `hello.Greeter`, without methods.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), methods: Vec::new(), handlers: Vec::new() }
    }

    /// Answers the method `name` with `handler`.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if the names of service and method do not make a path. With two methods of
    /// one name the server does not start.
    pub fn method(mut self, name: &str, handler: MethodHandler) -> Result<Self, Status> {
        let path = format!("/{}/{name}", self.name);
        self.methods.push(Method::from_path(path, handler.kind)?);
        self.handlers.push(handler);
        Ok(self)
    }
}

impl Service for GenericService {
    fn name(&self) -> &str {
        &self.name
    }

    fn methods(&self) -> &[Method] {
        &self.methods
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        match self.handlers.get(method) {
            Some(handler) => handler.call(call),
            None => call.unimplemented(),
        }
    }
}
