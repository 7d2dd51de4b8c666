//! What a handler knows of its call besides the messages.
//!
//! The invariant: a context belongs to one call and to the thread that runs it; what other threads
//! may need of the call, its end, is handed out as a [`CancellationToken`].

mod cancellation_token;
mod outcome;

pub use cancellation_token::CancellationToken;

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reply::Reply;
use crate::grpc::headers::RequestFields;
use crate::grpc::{
    Compression, Extensions, MessageInterceptor, Metadata, Method, MethodKind, Status,
};
use crate::transport::auth_context::AuthContext;
use crate::transport::{Address, CurrentCall, now};
use outcome::Chosen;

/// The server's side of one call: who calls, with what metadata, for how long still.
///
/// Every method of a service gets one. It is also where a method sends metadata of its own.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Context, Status};
///
/// fn authenticated(context: &Context) -> Result<&str, Status> {
///     context
///         .metadata()
///         .get("x-user")
///         .ok_or_else(|| Status::unauthenticated("expected the metadata entry x-user"))
/// }
/// ```
pub struct Context {
    method: Method,
    request: RequestFields,
    deadline: Option<Instant>,
    /// `None` until a handler is found for a method that no service declares.
    kind: Option<MethodKind>,
    extensions: Extensions,
    interceptors: Vec<Arc<dyn MessageInterceptor>>,
    chosen: Chosen,
    panic_message: Option<Box<str>>,
    trailing: Metadata,
    reply: Arc<Reply>,
}

/// What the head of a request says, as a context keeps it.
pub(crate) struct Caller {
    pub(crate) request: RequestFields,
    pub(crate) deadline: Option<Instant>,
}

impl Context {
    pub(crate) fn new(
        method: Method,
        kind: Option<MethodKind>,
        caller: Caller,
        reply: Arc<Reply>,
    ) -> Self {
        let Caller { request, deadline } = caller;
        Self {
            method,
            request,
            deadline,
            kind,
            extensions: Extensions::new(),
            interceptors: Vec::new(),
            chosen: Chosen::default(),
            panic_message: None,
            trailing: Metadata::new(),
            reply,
        }
    }

    pub(crate) fn declared_method(&self) -> &Method {
        &self.method
    }

    /// A second context of the same call, for a test that takes the call over.
    #[cfg(feature = "testing")]
    pub(crate) fn duplicate(&self) -> Self {
        let request = self.request.clone();
        let reply = Arc::new(self.reply.duplicate(&request));
        let caller = Caller { request, deadline: self.deadline };
        Self::new(self.method.clone(), self.kind, caller, reply)
    }

    /// The path of the method: `/hello.Greeter/SayHello`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.path()
    }

    /// Which sides of the call stream; `None` while an interceptor runs around a call that no
    /// service declares and a [`GenericHandler`](crate::GenericHandler) may answer.
    #[must_use]
    pub fn kind(&self) -> Option<MethodKind> {
        self.kind
    }

    /// The metadata that came with the request.
    #[doc(alias = "invocation_metadata")]
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        self.request.metadata()
    }

    /// The metadata that came with the request, to be changed by interceptors before the handler
    /// sees it.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        self.request.metadata_mut()
    }

    /// The values that interceptors have left.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The values that interceptors have left, to be added to or changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// The host that the client believes to speak to; empty if it did not say.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.request.authority()
    }

    /// Where the call came from.
    #[must_use]
    pub fn peer(&self) -> &Address {
        self.reply.stream().peer()
    }

    /// Who the client is, as the transport has verified it: by the certificate it has shown over
    /// TLS, or not at all.
    #[must_use]
    pub fn auth_context(&self) -> AuthContext {
        self.reply.stream().auth_context()
    }

    /// When the client gives up; `None` if it waits for ever.
    ///
    /// Counted from the moment the request arrived: time spent in the server's queue is included.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// What is left until the deadline, zero once it has passed; `None` if there is none.
    #[must_use]
    pub fn time_remaining(&self) -> Option<Duration> {
        self.deadline.map(|deadline| deadline.saturating_duration_since(now()))
    }

    /// Whether somebody still waits for the outcome: the opposite of [`Context::is_cancelled`].
    #[must_use]
    pub fn is_active(&self) -> bool {
        !self.is_cancelled()
    }

    /// Whether the call is over before its method returned.
    ///
    /// That is so when the client cancelled, the deadline passed, the connection was lost or the
    /// server's grace ended. A method that runs long asks now and then and returns early; whatever
    /// it returns is dropped.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.reply.stream().is_cancelled()
    }

    /// Cancels the call: the client gets CANCELLED, and waiting for it fails on this side too.
    ///
    /// Does nothing to a call that has ended. What the method returns then is dropped.
    pub fn cancel(&self) {
        self.reply.stream().cancel();
    }

    /// Waits until the call is cancelled, `timeout` at most, and tells whether it is.
    #[must_use]
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.cancellation().wait(timeout)
    }

    /// This call, for other threads that work for it: what they call then belongs to it, as what the
    /// method's own thread calls does anyway.
    #[must_use]
    pub fn current_call(&self) -> CurrentCall {
        CurrentCall::new(self.reply.stream(), self.deadline)
    }

    /// A handle on this call's cancellation for other threads.
    #[must_use]
    pub fn cancellation(&self) -> CancellationToken {
        CancellationToken::new(self.reply.stream().clone())
    }

    /// Runs `callback` once if the call is cancelled; at once if it already is.
    ///
    /// It runs on the one thread that the process has for such callbacks, in the order in which
    /// they were given, and never inside another function of this library that the method has
    /// called: it may take locks that the method holds while it sends. If the call is cancelled
    /// already, `callback` runs here, before this function returns, and does not wait for those
    /// given earlier.
    ///
    /// A callback that blocks holds up the callbacks of other calls and nothing else, no deadline
    /// and no connection; with 65,536 cancelled calls waiting behind it, further callbacks are
    /// dropped. So it had better be brief: set a flag, notify a condition variable, cancel a call
    /// of your own. A panic ends the callback alone. It is dropped without having run when the
    /// call ends in the ordinary way.
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        self.cancellation().on_cancel(callback);
    }

    /// Runs `callback` once when the call is over for this side: when its outcome has been handed to
    /// the connection, or when it is cancelled, whatever comes first.
    ///
    /// Says `false`, and drops the callback, if the call is over already. It runs on the thread for
    /// callbacks, as those of [`Context::on_cancel`] do, and the same holds for what it may do.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Instant;
    /// use rust_grpc::{Context, Next, Status};
    ///
    /// fn timed(context: &mut Context, next: Next<'_>) -> Result<(), Status> {
    ///     let (begun, method) = (Instant::now(), context.method().to_owned());
    ///     context.on_termination(move || println!("{method} took {:?}", begun.elapsed()));
    ///     next.run(context)
    /// }
    /// # drop(rust_grpc::Server::builder().interceptor(timed));
    /// ```
    #[doc(alias = "add_callback")]
    pub fn on_termination(&self, callback: impl FnOnce() + Send + 'static) -> bool {
        self.reply.stream().on_end(Box::new(callback))
    }

    /// Runs `callback` once if the server is stopped, [`Server::stop`](crate::Server::stop), while
    /// the call is open; soon if it is being stopped already.
    ///
    /// Meant for calls that only their client ends, such as subscriptions: the server waits for them
    /// as long as its grace lasts, unless they end by themselves. It runs on the thread for callbacks,
    /// as those of [`Context::on_cancel`] do, and the same holds for what it may do. It is dropped
    /// without having run when the call ends before.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::mpsc;
    /// use rust_grpc::{Context, ReplySink, Status};
    ///
    /// fn follow(replies: &mut ReplySink<u64>, context: &mut Context) -> Result<(), Status> {
    ///     let (stop, stopping) = mpsc::channel();
    ///     context.on_stop(move || drop(stop.send(())));
    ///     while stopping.try_recv().is_err() {
    ///         replies.send(0)?;
    ///     }
    ///     Err(Status::unavailable("the server is stopping"))
    /// }
    /// ```
    pub fn on_stop(&self, callback: impl FnOnce() + Send + 'static) {
        self.reply.stream().on_leaving(Box::new(callback));
    }

    /// Has every message of the call pass `interceptor`, in both directions.
    ///
    /// Meant for a [`ServerInterceptor`](crate::ServerInterceptor), before it runs the handler; once
    /// the handler runs this does nothing. The first one added is nearest to the wire.
    pub fn intercept_messages(&mut self, interceptor: impl MessageInterceptor + 'static) {
        self.interceptors.push(Arc::new(interceptor));
    }

    /// Sends the head of the response, with `metadata`, now.
    ///
    /// Without this call an empty head goes out together with the first reply.
    ///
    /// # Errors
    ///
    /// FAILED_PRECONDITION if the head is already sent: by an earlier call, or with a reply. The
    /// call's own status, CANCELLED or DEADLINE_EXCEEDED, if it is over.
    pub fn send_initial_metadata(&self, metadata: &Metadata) -> Result<(), Status> {
        self.reply.send_head(metadata)
    }

    /// Compresses the replies of this call with `compression`, whatever the server's default is;
    /// [`Compression::Identity`] sends them as they are.
    ///
    /// If the client does not accept it, they are sent as they are too.
    ///
    /// # Errors
    ///
    /// FAILED_PRECONDITION once the head of the response is sent or a reply has been compressed.
    /// INVALID_ARGUMENT if the server does not know it.
    pub fn set_compression(&self, compression: Compression) -> Result<(), Status> {
        self.reply.compressing().choose(compression, &self.request)
    }

    /// Sends the next reply as it is, whatever the compression; those behind it as before.
    ///
    /// For messages that hold a secret beside text that others choose; see [`Compression`].
    pub fn disable_next_message_compression(&self) {
        self.reply.compressing().disable_next();
    }

    /// Whether the request that was received last came compressed.
    #[must_use]
    pub fn is_request_compressed(&self) -> bool {
        self.reply.compressing().is_request_compressed()
    }

    /// Replaces the metadata that goes out with the status, whether that is OK or an error.
    ///
    /// Entries of the status itself, [`Status::with_metadata`], follow behind.
    pub fn set_trailing_metadata(&mut self, metadata: Metadata) {
        self.trailing = metadata;
    }

    /// The metadata that goes out with the status, to be filled in place.
    pub fn trailing_metadata_mut(&mut self) -> &mut Metadata {
        &mut self.trailing
    }

    /// The metadata that goes out with the status, as it stands.
    #[must_use]
    pub fn trailing_metadata(&self) -> &Metadata {
        &self.trailing
    }

    /// What the method, or an interceptor behind the one that asks, panicked with; `None` if it did
    /// not panic. The client is only told that it did.
    #[must_use]
    pub fn panic_message(&self) -> Option<&str> {
        self.panic_message.as_deref()
    }

    pub(crate) fn set_panic(&mut self, panic: &(dyn Any + Send)) {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        self.panic_message = Some(text.unwrap_or("a panic without a message").into());
    }

    pub(crate) fn set_kind(&mut self, kind: MethodKind) {
        self.kind = Some(kind);
    }

    /// Lets the interceptors of messages begin: the messages are about to flow.
    pub(crate) fn seal(&mut self) {
        if !self.interceptors.is_empty() {
            self.reply.intercept_messages(std::mem::take(&mut self.interceptors));
        }
    }

    pub(crate) fn take_trailing_metadata(&mut self) -> Metadata {
        std::mem::take(&mut self.trailing)
    }

    pub(crate) fn reply(&self) -> &Arc<Reply> {
        &self.reply
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Context")
            .field("method", &self.method.path())
            .field("peer", &self.peer())
            .field("deadline", &self.deadline)
            .field("metadata", self.metadata())
            .finish_non_exhaustive()
    }
}
