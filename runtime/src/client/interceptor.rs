//! The one seam around every call of a channel.
//!
//! The list is fixed when the channel is built, and a channel without interceptors never looks here
//! again. The first interceptor added is the outermost: it sees a call first and its outcome last.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::answer::Answer;
use super::channel::Channel;
use super::credentials::CallCredentials;
use super::handle::Handle;
use super::intercepted::{self, Intercepted};
use super::request::CallOptions;
use crate::grpc::codec::Writer;
use crate::grpc::{
    Codec, Compression, Extensions, MessageInterceptor, Metadata, Method, Protobuf, Status,
};

/// Code that runs around every call of a channel: credentials, tracing, retries, caches.
///
/// An interceptor may refuse the call by an error, answer it by itself with an [`Answer`], begin it
/// with [`ClientNext::run`], also more than once, and change what it is made with. A closure of the
/// same shape is an interceptor too. It runs on the caller's thread when the call begins;
/// what comes later, messages of all four kinds, metadata and the end, it sees by
/// [`OutgoingCall::intercept_messages`], or for calls with one reply by [`ClientCall::wait`].
///
/// Interceptors come before [call credentials](crate::CallCredentials), and before the check for a
/// required deadline.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Channel, ClientNext, OutgoingCall};
///
/// let channel = Channel::builder("localhost:50051")
///     .interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
///         call.metadata_mut().insert("x-request-id", "17")?;
///         next.run(call)
///     })
///     .build()?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
///
/// How long calls take and how they end:
///
/// ```
/// use std::time::Instant;
/// use rust_grpc::{Channel, ClientNext, MessageInterceptor, Metadata, OutgoingCall, Status};
///
/// struct Timed {
///     path: String,
///     begin: Instant,
/// }
///
/// impl MessageInterceptor for Timed {
///     fn end(&self, outcome: Result<(), &Status>, _trailing: &mut Metadata) {
///         println!("{}: {outcome:?} after {:?}", self.path, self.begin.elapsed());
///     }
/// }
///
/// let channel = Channel::builder("localhost:50051")
///     .interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
///         let path = call.method().path().to_owned();
///         call.intercept_messages(Timed { path, begin: Instant::now() });
///         next.run(call)
///     })
///     .build()?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
pub trait ClientInterceptor: Send + Sync {
    /// Runs around the beginning of one call; `next` is the rest of the way to the wire.
    ///
    /// # Errors
    ///
    /// The status that the call ends with.
    fn intercept(
        &self,
        call: &mut OutgoingCall<'_>,
        next: ClientNext<'_>,
    ) -> Result<ClientCall, Status>;
}

impl<F> ClientInterceptor for F
where
    F: Fn(&mut OutgoingCall<'_>, ClientNext<'_>) -> Result<ClientCall, Status> + Send + Sync,
{
    fn intercept(
        &self,
        call: &mut OutgoingCall<'_>,
        next: ClientNext<'_>,
    ) -> Result<ClientCall, Status> {
        self(call, next)
    }
}

/// A call that is about to begin, as an interceptor sees it.
pub struct OutgoingCall<'a> {
    pub(super) channel: &'a Channel,
    pub(super) method: &'a Method,
    pub(super) options: CallOptions,
    /// The one request of a call that has exactly one, encoded.
    pub(super) request: Option<Vec<u8>>,
    /// Of the interceptor that runs, in the order in which they were added.
    pub(super) messages: Vec<Arc<dyn MessageInterceptor>>,
    pub(super) extensions: Extensions,
}

impl<'a> OutgoingCall<'a> {
    /// The method that is called.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// Whom the call is for: what stands in `:authority`.
    #[must_use]
    pub fn authority(&self) -> &str {
        let own = self.options.authority.as_deref();
        own.unwrap_or_else(|| &self.channel.settings().authority)
    }

    /// The metadata that will be sent; call credentials add theirs later.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.options.metadata
    }

    /// The metadata that will be sent, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        &mut self.options.metadata
    }

    /// What the requests will be compressed with; `None` if the call leaves it to the channel.
    #[must_use]
    pub fn compression(&self) -> Option<Compression> {
        self.options.compression
    }

    /// Compresses the requests with `compression`; see [`Request::compression`](crate::Request::compression).
    pub fn set_compression(&mut self, compression: Compression) {
        self.options.compression = Some(compression);
    }

    /// When the call must be over.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.options.deadline
    }

    /// The call must be over at `deadline`, in place of what was said before, but no later than the
    /// timeout of the channel's service config allows.
    pub fn set_deadline(&mut self, deadline: Instant) {
        self.options.set_deadline(deadline);
    }

    /// Whether the call waits for a connection while there is none, instead of ending with
    /// UNAVAILABLE at once.
    #[must_use]
    pub fn is_wait_for_ready(&self) -> bool {
        self.options.wait_for_ready.unwrap_or_else(|| self.channel.settings().wait_for_ready)
    }

    /// Has the call wait for a connection; see [`Request::wait_for_ready`](crate::Request::wait_for_ready).
    pub fn set_wait_for_ready(&mut self) {
        self.options.wait_for_ready = Some(true);
    }

    /// Has the call end with UNAVAILABLE while there is no connection; see
    /// [`Request::fail_fast`](crate::Request::fail_fast).
    pub fn set_fail_fast(&mut self) {
        self.options.wait_for_ready = Some(false);
    }

    /// Adds credentials, behind those of the channel and those that are there: they run behind the
    /// interceptors, and on secure connections alone.
    pub fn add_call_credentials(&mut self, credentials: impl CallCredentials + 'static) {
        self.options.credentials.push(credentials);
    }

    /// The request, encoded, of a call that has exactly one; a stream of requests passes
    /// [`MessageInterceptor::send`] later.
    #[must_use]
    pub fn request(&self) -> Option<&[u8]> {
        self.request.as_deref()
    }

    /// The request of a call that has exactly one, as a message; `None` for a stream of requests.
    ///
    /// # Errors
    ///
    /// INTERNAL if it is no message of this type.
    pub fn request_message<M>(&self) -> Result<Option<M>, Status>
    where
        Protobuf: Codec<M>,
    {
        self.request().map(|request| Protobuf.decode(request)).transpose()
    }

    /// As [`set_request`](Self::set_request), with a message.
    ///
    /// # Errors
    ///
    /// INTERNAL if the message cannot be encoded.
    pub fn set_request_message<M>(&mut self, message: &M) -> Result<(), Status>
    where
        Protobuf: Codec<M>,
    {
        let mut writer = Writer::new();
        Protobuf.encode(message, &mut writer)?;
        self.set_request(writer.into_vec());
        Ok(())
    }

    /// Replaces the request of a call that has exactly one; does nothing to other calls.
    pub fn set_request(&mut self, message: Vec<u8>) {
        if let Some(request) = &mut self.request {
            *request = message;
        }
    }

    /// Has `interceptor` see all messages of the call, of all four kinds and in both directions, the
    /// initial metadata and the end, each time that [`ClientNext::run`] begins it.
    ///
    /// The one added first is nearest to the caller: it sees a request first and a reply last.
    pub fn intercept_messages(&mut self, interceptor: impl MessageInterceptor + 'static) {
        self.messages.push(Arc::new(interceptor));
    }

    /// Values that interceptors leave for those behind them.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Values that interceptors leave for those behind them, to be changed.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }
}

impl fmt::Debug for OutgoingCall<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingCall")
            .field("method", &self.method)
            .field("metadata", &self.options.metadata)
            .field("deadline", &self.options.deadline)
            .finish_non_exhaustive()
    }
}

/// The rest of a call's way: the interceptors behind this one, then the wire.
#[derive(Clone, Copy)]
pub struct ClientNext<'a> {
    interceptors: &'a [Arc<dyn ClientInterceptor>],
}

impl<'a> ClientNext<'a> {
    pub(super) fn new(interceptors: &'a Interceptors) -> Self {
        Self { interceptors: &interceptors.0 }
    }

    /// Begins the call, and returns when its head is on its way; each time another call, as `call`
    /// says and with the same deadline. What interceptors behind this one change is theirs: `call` is
    /// afterwards as it was before.
    ///
    /// # Errors
    ///
    /// Why nothing was sent, or what an interceptor behind this one says.
    pub fn run(&self, call: &mut OutgoingCall<'_>) -> Result<ClientCall, Status> {
        let messages = std::mem::take(&mut call.messages);
        let request = call.request.clone();
        // Nobody but interceptors changes the options.
        let options = (!self.interceptors.is_empty()).then(|| call.options.clone());
        let result = self.run_behind(call, &messages);
        // The call is as it was, should it be run again.
        (call.messages, call.request) = (messages, request);
        if let Some(options) = options {
            call.options = options;
        }
        result
    }

    /// Runs the rest, with `messages` around it.
    fn run_behind(
        &self,
        call: &mut OutgoingCall<'_>,
        messages: &[Arc<dyn MessageInterceptor>],
    ) -> Result<ClientCall, Status> {
        let messages: Vec<_> = messages.iter().rev().cloned().collect();
        if let Some(request) = call.request.take() {
            call.request = Some(intercepted::pass(&messages, request)?);
        }
        let handle = match self.interceptors.split_first() {
            Some((first, interceptors)) => {
                first.intercept(call, ClientNext { interceptors })?.handle
            }
            None => intercepted::begin(call)?,
        };
        if messages.is_empty() {
            return Ok(ClientCall { handle });
        }
        let settings = call.channel.settings();
        let send_max = call.options.send_max.unwrap_or(settings.send_max);
        let intercepted = Intercepted::new(handle, messages, send_max);
        Ok(ClientCall { handle: Handle::Intercepted(intercepted) })
    }
}

impl fmt::Debug for ClientNext<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ClientNext({} interceptors)", self.interceptors.len())
    }
}

/// A call that has begun, on its way through the interceptors back to the caller.
///
/// Dropping it cancels the call.
#[derive(Debug)]
#[must_use = "dropping a call cancels it"]
pub struct ClientCall {
    pub(super) handle: Handle,
}

impl ClientCall {
    /// Waits for the end of a call with one reply, and returns all that came: to look at it, to give
    /// it on, or to run the call once more.
    ///
    /// It is for calls with one request; a stream of requests is sent only when the interceptor has
    /// returned. A second reply ends the call with INTERNAL.
    #[must_use]
    pub fn wait(self) -> Answer {
        Answer::receive(&self.handle)
    }
}

impl From<Answer> for ClientCall {
    fn from(answer: Answer) -> Self {
        Self { handle: Handle::Answered(answer.into()) }
    }
}

/// The interceptors of a channel, in order.
#[derive(Clone, Default)]
pub(crate) struct Interceptors(pub(crate) Vec<Arc<dyn ClientInterceptor>>);

impl fmt::Debug for Interceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} interceptors", self.0.len())
    }
}
