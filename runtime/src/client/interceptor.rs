//! The one seam before every call of a channel.
//!
//! The list is fixed when the channel is built. Interceptors run in the order in which they were
//! added, for every kind of call, before the call looks for a connection.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::grpc::{Compression, Metadata, Method, Status};

/// Code that sees every call of a channel before it begins: credentials, tracing, refusals.
///
/// A closure of the same shape is an interceptor too. It runs on the caller's thread, once a
/// call, even if the call is sent again behind the scenes.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Channel, OutgoingCall};
///
/// let channel = Channel::builder("localhost:50051")
///     .interceptor(|call: &mut OutgoingCall<'_>| {
///         call.metadata_mut().insert("authorization", "Bearer secret")?;
///         Ok(())
///     })
///     .build()?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
pub trait ClientInterceptor: Send + Sync {
    /// Looks at one call, and may change its metadata.
    ///
    /// # Errors
    ///
    /// The status that the call ends with; nothing is sent then.
    fn intercept(&self, call: &mut OutgoingCall<'_>) -> Result<(), Status>;
}

impl<F> ClientInterceptor for F
where
    F: Fn(&mut OutgoingCall<'_>) -> Result<(), Status> + Send + Sync,
{
    fn intercept(&self, call: &mut OutgoingCall<'_>) -> Result<(), Status> {
        self(call)
    }
}

/// A call that is about to begin, as an interceptor sees it.
#[derive(Debug)]
pub struct OutgoingCall<'a> {
    pub(crate) method: &'a Method,
    pub(crate) authority: &'a str,
    pub(crate) metadata: &'a mut Metadata,
    pub(crate) deadline: Option<Instant>,
    pub(crate) compression: Option<Compression>,
}

impl<'a> OutgoingCall<'a> {
    /// The method that is called.
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// Whom the channel calls: what stands in `:authority`.
    pub fn authority(&self) -> &str {
        self.authority
    }

    /// The metadata that will be sent.
    pub fn metadata(&self) -> &Metadata {
        self.metadata
    }

    /// The metadata that will be sent, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Metadata {
        self.metadata
    }

    /// What the requests will be compressed with; `None` if the call leaves it to the channel.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Compresses the requests with `compression`; see [`Request::compression`](crate::Request::compression).
    pub fn set_compression(&mut self, compression: Compression) {
        self.compression = Some(compression);
    }

    /// When the call must be over.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// The interceptors of a channel, in order.
#[derive(Clone, Default)]
pub(crate) struct Interceptors(pub(crate) Vec<Arc<dyn ClientInterceptor>>);

impl Interceptors {
    pub(crate) fn run(&self, call: &mut OutgoingCall<'_>) -> Result<(), Status> {
        self.0.iter().try_for_each(|interceptor| interceptor.intercept(call))
    }
}

impl fmt::Debug for Interceptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} interceptors", self.0.len())
    }
}
