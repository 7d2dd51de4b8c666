//! What a server serves: the trait between generated code and the dispatcher.
//!
//! The invariant: a service is asked for a method by its index in [`Service::methods`], so that
//! no name is compared once a request has been routed.

use super::call::ServerCall;
use crate::grpc::Method;
use crate::message::GeneratedFile;

/// A gRPC service: a name, its methods and the code behind them.
///
/// Generated code implements it for `GreeterServer<T>`; write it by hand only for services that
/// have no .proto file. The trait is object safe, and only [`ServerBuilder::start`] asks for
/// `'static`.
///
/// [`ServerBuilder::start`]: crate::ServerBuilder::start
///
/// # Examples
///
/// ```
/// use rust_grpc::generated::service::ServerCall;
/// use rust_grpc::{Codec, Method, MethodKind, Service, Status};
///
/// /// A codec for methods that exchange UTF-8 text instead of messages.
/// struct Text;
///
/// impl Codec<String> for Text {
///     fn encode(&self, value: &String, out: &mut rust_grpc::generated::message::Writer)
///         -> Result<(), Status> {
///         out.prepend(value.as_bytes());
///         Ok(())
///     }
///     fn decode(&self, bytes: &[u8]) -> Result<String, Status> {
///         String::from_utf8(bytes.to_vec()).map_err(|error| Status::internal(error.to_string()))
///     }
/// }
///
/// struct Shout;
///
/// const METHODS: &[Method] = &[Method::new("/text.Shout/Shout", MethodKind::Unary)];
///
/// impl Service for Shout {
///     fn name(&self) -> &str {
///         "text.Shout"
///     }
///     fn methods(&self) -> &[Method] {
///         METHODS
///     }
///     fn call(&self, method: usize, call: ServerCall<'_>) {
///         match method {
///             0 => call.unary(&Text, |request: String, _context| Ok(request.to_uppercase())),
///             _ => call.unimplemented(),
///         }
///     }
/// }
/// ```
pub trait Service: Send + Sync {
    /// The full name: `hello.Greeter`, without a leading slash.
    fn name(&self) -> &str;

    /// The methods; the path of each is `/` + [`Service::name`] + `/` + the method's name.
    ///
    /// The answer must not change while the server runs.
    fn methods(&self) -> &[Method];

    /// The generated descriptor of the .proto that declares the service, for server reflection;
    /// `None` unless generated code says otherwise.
    fn file(&self) -> Option<&'static GeneratedFile> {
        None
    }

    /// Answers one call of the method at index `method` of [`Service::methods`].
    ///
    /// Runs on a worker of the server and may block. A panic is caught: the client gets INTERNAL
    /// and the server goes on.
    fn call(&self, method: usize, call: ServerCall<'_>);
}
