//! Answers to the questions of reflection, and how a server comes to have them.
//!
//! The invariant: every request gets exactly one response, in order, and what cannot be answered
//! gets one that says why; the call goes on.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::conversation::Conversation;
use super::index::Index;
use super::v1::server_reflection_request::MessageRequest;
use super::v1::server_reflection_response::MessageResponse;
use super::v1::{
    ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse, ListServiceResponse,
    SERVER_REFLECTION_METHODS, ServerReflection, ServerReflectionRequest, ServerReflectionResponse,
    ServerReflectionServer, ServiceResponse,
};
use super::{v1, v1alpha};
use crate::grpc::{Code, Method, Status};
use crate::message::{DescriptorError, DescriptorPool, GeneratedFile};
use crate::server::{Context, ReplySink, RequestStream, ServerBuilder, ServerCall, Service};

/// Tells clients what a server serves: `grpc.reflection.v1.ServerReflection`, and the same as
/// [`v1alpha`](Self::v1alpha).
///
/// Made by [`ServerBuilder::enable_reflection`] or by [`ReflectionService::builder`].
///
/// Calls hold no worker while their clients are silent. At most 10,000 of them are open, over that one
/// ends with RESOURCE_EXHAUSTED.
///
/// Each answer with a file holds all files that it imports, transitively. Symbols are messages,
/// fields, oneofs, enums, their values, extensions, services and methods.
///
/// # Examples
///
/// ```
/// use rust_grpc::Server;
/// use rust_grpc::reflection::ReflectionService;
/// use rust_grpc::well_known::FILE_GOOGLE_PROTOBUF_TIMESTAMP;
///
/// let reflection = ReflectionService::builder()
///     .register(&FILE_GOOGLE_PROTOBUF_TIMESTAMP)?
///     .service("shop.Orders")
///     .build();
/// let builder = Server::builder()
///     .add_service(reflection.v1alpha())
///     .add_service(reflection);
/// # drop(builder);
/// # Ok::<(), rust_grpc::message::DescriptorError>(())
/// ```
#[derive(Clone)]
pub struct ReflectionService {
    answers: Arc<Answers>,
    version: Version,
}

/// Which name of the protocol a service has. The messages are the same on the wire.
#[derive(Clone, Copy, Debug)]
enum Version {
    V1,
    V1Alpha,
}

/// Collects what a [`ReflectionService`] shows; made by [`ReflectionService::builder`].
#[derive(Default)]
#[must_use = "build() makes the service"]
pub struct ReflectionBuilder {
    pool: DescriptorPool,
    services: Vec<String>,
}

pub(super) struct Answers {
    index: Index,
    /// Sorted.
    services: Vec<String>,
    /// How many conversations there are.
    open: AtomicUsize,
}

/// Answers, as a service of generated code has them.
struct Served(Arc<Answers>);

impl ReflectionService {
    /// A service in the making that shows nothing yet.
    pub fn builder() -> ReflectionBuilder {
        ReflectionBuilder::default()
    }

    /// The same service under the protocol's first name, `grpc.reflection.v1alpha.ServerReflection`,
    /// which many clients still ask for.
    #[must_use]
    pub fn v1alpha(&self) -> Self {
        Self { answers: self.answers.clone(), version: Version::V1Alpha }
    }
}

impl ReflectionBuilder {
    /// Shows a file of generated code and all that it uses; its static is called
    /// `FILE_HELLO` for hello.proto.
    ///
    /// # Errors
    ///
    /// If another file of that name, or a symbol of that file, is there already.
    pub fn register(mut self, file: &'static GeneratedFile) -> Result<Self, DescriptorError> {
        self.pool.add_generated(file)?;
        Ok(self)
    }

    /// Shows the files of an encoded `google.protobuf.FileDescriptorSet`: what
    /// `protoc --descriptor_set_out=FILE --include_imports` writes.
    ///
    /// # Errors
    ///
    /// If it cannot be read, if an import is missing, or if one of its files or symbols is there
    /// already as something else.
    pub fn register_descriptor_set(mut self, set: &[u8]) -> Result<Self, DescriptorError> {
        self.pool.add_descriptor_set(set)?;
        Ok(self)
    }

    /// Lists a service by its full name, `hello.Greeter`, whether or not its file is known.
    pub fn service(mut self, full_name: &str) -> Self {
        self.services.push(full_name.to_owned());
        self
    }

    /// The service. It lists what [`service`](Self::service) named, or all services of the files if
    /// that named none.
    #[must_use]
    pub fn build(self) -> ReflectionService {
        let Self { pool, mut services } = self;
        if services.is_empty() {
            let declared = pool.files().flat_map(|file| file.services());
            services = declared.map(|service| service.full_name().to_owned()).collect();
        }
        services.sort();
        services.dedup();
        let (index, open) = (Index::new(pool.files()), AtomicUsize::new(0));
        let answers = Arc::new(Answers { index, services, open });
        ReflectionService { answers, version: Version::V1 }
    }
}

impl ServerBuilder<'_> {
    /// Serves reflection, v1 and v1alpha, for all services that the server has when it starts:
    /// their names, and the files of those that are generated with descriptors, which is the default.
    ///
    /// With descriptors that clash the server does not start. For other files there is
    /// [`ReflectionService`].
    pub fn enable_reflection(self) -> Self {
        self.complete(|services| {
            let mut builder = ReflectionService::builder();
            let own = [&v1::FILE_GRPC_REFLECTION_V1_REFLECTION, {
                &v1alpha::FILE_GRPC_REFLECTION_V1ALPHA_REFLECTION
            }];
            for file in services.iter().filter_map(|service| service.file()).chain(own) {
                builder = builder.register(file).map_err(io::Error::other)?;
            }
            for service in services {
                builder = builder.service(service.name());
            }
            let reflection = builder.service(V1).service(V1ALPHA).build();
            Ok(vec![Arc::new(reflection.v1alpha()) as _, Arc::new(reflection) as _])
        })
    }
}

impl Service for ReflectionService {
    fn name(&self) -> &str {
        match self.version {
            Version::V1 => V1,
            Version::V1Alpha => V1ALPHA,
        }
    }

    fn methods(&self) -> &[Method] {
        match self.version {
            Version::V1 => SERVER_REFLECTION_METHODS,
            Version::V1Alpha => v1alpha::SERVER_REFLECTION_METHODS,
        }
    }

    fn file(&self) -> Option<&'static GeneratedFile> {
        Some(match self.version {
            Version::V1 => &v1::FILE_GRPC_REFLECTION_V1_REFLECTION,
            Version::V1Alpha => &v1alpha::FILE_GRPC_REFLECTION_V1ALPHA_REFLECTION,
        })
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        ServerReflectionServer::new(Served(self.answers.clone())).call(method, call);
    }
}

impl fmt::Debug for ReflectionService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ReflectionService")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ReflectionBuilder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("ReflectionBuilder")
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}

impl ServerReflection for Served {
    fn server_reflection_info(
        &self,
        requests: &mut RequestStream<ServerReflectionRequest>,
        replies: &mut ReplySink<ServerReflectionResponse>,
        _: &mut Context,
    ) -> Result<(), Status> {
        Conversation::begin(&self.0, requests, replies)
    }
}

impl Answers {
    /// How many conversations there are.
    pub(super) fn open(&self) -> &AtomicUsize {
        &self.open
    }

    pub(super) fn answer(&self, request: &ServerReflectionRequest) -> ServerReflectionResponse {
        let answer = match &request.message_request {
            Some(question) => self.answer_to(question),
            None => Err((Code::InvalidArgument, "expected a question, got none".to_owned())),
        };
        let response = answer.unwrap_or_else(|(code, error_message)| {
            let error_code = code as i32;
            let error = ErrorResponse { error_code, error_message, ..Default::default() };
            MessageResponse::ErrorResponse(error)
        });
        ServerReflectionResponse {
            valid_host: request.host.clone(),
            original_request: request.clone().into(),
            message_response: Some(response),
            ..Default::default()
        }
    }

    fn answer_to(&self, question: &MessageRequest) -> Result<MessageResponse, (Code, String)> {
        let not_found = |what: String| (Code::NotFound, what);
        let files = |found: Option<Vec<Vec<u8>>>, what: String| {
            let file_descriptor_proto = found.ok_or_else(|| not_found(what))?;
            let files = FileDescriptorResponse { file_descriptor_proto, ..Default::default() };
            Ok(MessageResponse::FileDescriptorResponse(files))
        };
        match question {
            MessageRequest::FileByFilename(name) => {
                files(self.index.file(name), format!("no file {name:?}"))
            }
            MessageRequest::FileContainingSymbol(symbol) => {
                files(self.index.file_of_symbol(symbol), format!("no symbol {symbol:?}"))
            }
            MessageRequest::FileContainingExtension(extension) => {
                let (message, number) = (&extension.containing_type, extension.extension_number);
                let found = self.index.file_of_extension(message, number);
                files(found, format!("no extension {number} of {message:?}"))
            }
            MessageRequest::AllExtensionNumbersOfType(message) => {
                let numbers = self.index.extension_numbers(message);
                let numbers =
                    numbers.ok_or_else(|| not_found(format!("no message {message:?}")))?;
                let response = ExtensionNumberResponse {
                    base_type_name: message.clone(),
                    extension_number: numbers,
                    ..Default::default()
                };
                Ok(MessageResponse::AllExtensionNumbersResponse(response))
            }
            MessageRequest::ListServices(_) => {
                let name =
                    |name: &String| ServiceResponse { name: name.clone(), ..Default::default() };
                let service = self.services.iter().map(name).collect();
                let response = ListServiceResponse { service, ..Default::default() };
                Ok(MessageResponse::ListServicesResponse(response))
            }
        }
    }
}

const V1: &str = "grpc.reflection.v1.ServerReflection";
const V1ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What `service` answers to a request that names the host `here`.
    pub(crate) fn ask(
        service: &ReflectionService,
        question: Option<MessageRequest>,
    ) -> ServerReflectionResponse {
        let host = "here".to_owned();
        let request =
            ServerReflectionRequest { host, message_request: question, ..Default::default() };
        service.answers.answer(&request)
    }

    /// How many calls of `service` are open.
    pub(crate) fn open(service: &ReflectionService) -> usize {
        service.answers.open().load(std::sync::atomic::Ordering::Relaxed)
    }
}
