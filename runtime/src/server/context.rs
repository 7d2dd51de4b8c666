//! What a handler knows of its call besides the messages.
//!
//! The invariant: a context belongs to one call and to the thread that runs it; what other threads
//! may need of the call, its end, is handed out as a [`CancellationToken`].

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::reply::Reply;
use crate::grpc::{Metadata, Method, Status};
use crate::transport::{Address, Stream, now};

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
    metadata: Metadata,
    authority: Box<str>,
    peer: Arc<Address>,
    deadline: Option<Instant>,
    trailing: Metadata,
    reply: Arc<Reply>,
}

/// What the head of a request says, as a context keeps it.
pub(crate) struct Caller {
    pub(crate) metadata: Metadata,
    pub(crate) authority: Box<str>,
    pub(crate) peer: Arc<Address>,
    pub(crate) deadline: Option<Instant>,
}

impl Context {
    pub(crate) fn new(method: Method, caller: Caller, reply: Arc<Reply>) -> Self {
        let Caller { metadata, authority, peer, deadline } = caller;
        Self { method, metadata, authority, peer, deadline, trailing: Metadata::new(), reply }
    }

    /// The path of the method: `/hello.Greeter/SayHello`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.path()
    }

    /// The metadata that came with the request.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The host that the client believes to speak to; empty if it did not say.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Where the call came from.
    #[must_use]
    pub fn peer(&self) -> &Address {
        &self.peer
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

    /// Waits until the call is cancelled, `timeout` at most, and tells whether it is.
    #[must_use]
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.cancellation().wait(timeout)
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
            .field("peer", &self.peer)
            .field("deadline", &self.deadline)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

/// Tells any thread whether a call has been cancelled; made by [`Context::cancellation`].
///
/// Cheap to clone. It stays valid after the call, and a call that ended in the ordinary way never
/// becomes cancelled.
#[derive(Clone)]
pub struct CancellationToken {
    stream: Stream,
}

impl CancellationToken {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream }
    }

    /// As [`Context::is_cancelled`].
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.stream.is_cancelled()
    }

    /// Waits until the call is over, `timeout` at most, and tells whether it was cancelled.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        self.stream.wait_cancelled(now().checked_add(timeout))
    }

    /// As [`Context::on_cancel`].
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        self.stream.on_cancel(Box::new(callback));
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CancellationToken").field("cancelled", &self.is_cancelled()).finish()
    }
}
