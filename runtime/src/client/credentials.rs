//! Call credentials: metadata that proves who calls, made anew for each call.
//!
//! They run on the caller's thread, once a call and behind the interceptors, before the call looks for
//! a connection; what they make is sent on secure connections alone.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::grpc::{Code, Metadata, Method, Status};

/// Makes metadata for each call: a token, a signature.
///
/// A closure of the same shape is one too. Set for a channel by
/// [`ChannelBuilder::call_credentials`](crate::ChannelBuilder::call_credentials) or for a call by
/// [`Request::call_credentials`](crate::Request::call_credentials); those of the channel and all of
/// the call come together, in this order.
///
/// A call with credentials over a connection that is not encrypted ends with UNAUTHENTICATED, and
/// nothing is sent: whoever listens could use them.
///
/// # Examples
///
/// ```
/// use rust_grpc::{CredentialsContext, Metadata, Request, Status};
///
/// fn token_for(audience: &str) -> Result<String, Status> {
///     Ok(format!("Bearer made for {audience}"))
/// }
///
/// let request = Request::new(()).call_credentials(|context: &CredentialsContext<'_>| {
///     let mut metadata = Metadata::new();
///     metadata.insert("authorization", token_for(context.service_url())?)?;
///     Ok(metadata)
/// });
/// # drop(request);
/// ```
pub trait CallCredentials: Send + Sync {
    /// The metadata to be added to one call.
    ///
    /// May block, for a fresh token: nobody waits but the caller, whose deadline goes on.
    ///
    /// # Errors
    ///
    /// The status that the call ends with; nothing is sent then. gRFC A54: of the codes, those that
    /// speak of the application, as NOT_FOUND, become INTERNAL.
    fn metadata(&self, context: &CredentialsContext<'_>) -> Result<Metadata, Status>;
}

impl<F> CallCredentials for F
where
    F: Fn(&CredentialsContext<'_>) -> Result<Metadata, Status> + Send + Sync,
{
    fn metadata(&self, context: &CredentialsContext<'_>) -> Result<Metadata, Status> {
        self(context)
    }
}

/// Credentials of a token that the user has: `authorization: Bearer …` on every call. grpcio's
/// `access_token_call_credentials`.
///
/// # Examples
///
/// ```
/// use rust_grpc::{AccessToken, Request};
///
/// let request = Request::new(()).call_credentials(AccessToken::new("ya29.a0"));
/// # drop(request);
/// ```
#[derive(Clone)]
pub struct AccessToken(String);

impl AccessToken {
    /// Credentials of `token`; one that no header takes ends its calls with INTERNAL.
    #[must_use]
    pub fn new(token: impl Into<String>) -> Self {
        Self(token.into())
    }
}

impl CallCredentials for AccessToken {
    fn metadata(&self, _: &CredentialsContext<'_>) -> Result<Metadata, Status> {
        let mut metadata = Metadata::new();
        metadata
            .insert("authorization", format!("Bearer {}", self.0))
            // The token is a secret, and the words of the error would have it.
            .map_err(|_| Status::internal("the access token cannot stand in a header"))?;
        Ok(metadata)
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

/// Several credentials as one, in their order; grpcio's `composite_call_credentials`.
///
/// # Examples
///
/// ```
/// use rust_grpc::{AccessToken, CompositeCallCredentials, CredentialsContext, Metadata};
///
/// let both = CompositeCallCredentials::new()
///     .with(AccessToken::new("ya29.a0"))
///     .with(|_: &CredentialsContext<'_>| Ok(Metadata::new()));
/// # drop(both);
/// ```
#[derive(Clone, Debug, Default)]
pub struct CompositeCallCredentials(Credentials);

impl CompositeCallCredentials {
    /// No credentials yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds `credentials`, behind those that are there.
    #[must_use]
    pub fn with(mut self, credentials: impl CallCredentials + 'static) -> Self {
        self.0.push(credentials);
        self
    }
}

impl CallCredentials for CompositeCallCredentials {
    fn metadata(&self, context: &CredentialsContext<'_>) -> Result<Metadata, Status> {
        let mut metadata = Metadata::new();
        for credentials in &self.0.0 {
            metadata.extend_from(&credentials.metadata(context)?);
        }
        Ok(metadata)
    }
}

/// The call that credentials are made for.
#[derive(Debug)]
pub struct CredentialsContext<'a> {
    method: &'a Method,
    service_url: String,
    deadline: Option<Instant>,
}

impl CredentialsContext<'_> {
    /// The service that is called, as tokens name their audience: `https://`, the authority without
    /// the port 443, `/` and the service's full name.
    #[must_use]
    pub fn service_url(&self) -> &str {
        &self.service_url
    }

    /// The method's own name: `SayHello`.
    #[must_use]
    pub fn method_name(&self) -> &str {
        self.method.name()
    }

    /// The method that is called.
    #[must_use]
    pub fn method(&self) -> &Method {
        self.method
    }

    /// When the call must be over; credentials that wait longer wait in vain.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// Credentials of a channel or of a call, in order.
#[derive(Clone, Default)]
pub(crate) struct Credentials(Vec<Arc<dyn CallCredentials>>);

impl Credentials {
    pub(crate) fn push(&mut self, credentials: impl CallCredentials + 'static) {
        self.0.push(Arc::new(credentials));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds to `metadata` what the credentials make.
    pub(crate) fn run(
        &self,
        method: &Method,
        authority: &str,
        deadline: Option<Instant>,
        metadata: &mut Metadata,
    ) -> Result<(), Status> {
        if self.is_empty() {
            return Ok(());
        }
        let host = authority.strip_suffix(":443").unwrap_or(authority);
        let service_url = format!("https://{host}/{}", method.service());
        let context = CredentialsContext { method, service_url, deadline };
        for credentials in &self.0 {
            metadata.extend_from(&credentials.metadata(&context).map_err(allowed)?);
        }
        Ok(())
    }
}

/// gRFC A54: a status of the client's own machinery is never one that speaks of the application.
fn allowed(status: Status) -> Status {
    match status.code() {
        Code::Ok
        | Code::InvalidArgument
        | Code::NotFound
        | Code::AlreadyExists
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::OutOfRange
        | Code::DataLoss => Status::internal(format!("call credentials gave {status}")),
        Code::Cancelled
        | Code::Unknown
        | Code::DeadlineExceeded
        | Code::PermissionDenied
        | Code::ResourceExhausted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::Unauthenticated => status,
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} call credentials", self.0.len())
    }
}
