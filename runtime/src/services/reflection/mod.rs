//! gRPC's server reflection (`grpc.reflection.v1` and `v1alpha`): clients such as grpcurl learn from
//! the server itself what it serves.
//!
//! [`ServerBuilder::enable_reflection`](crate::ServerBuilder::enable_reflection) is all that a server
//! of generated code needs; [`ReflectionService`] is for those who say themselves what is shown.
//!
//! Source: gRPC's server-reflection.md and reflection.proto.
//!
//! # Examples
//!
//! ```
//! use rust_grpc::reflection::v1::server_reflection_request::MessageRequest;
//! use rust_grpc::reflection::v1::{ServerReflectionRequest, ServerReflectionStub};
//! use rust_grpc::{Channel, InProcess, Server};
//!
//! let place = InProcess::new();
//! let server = Server::builder().enable_reflection().bind(&place)?.start()?;
//!
//! let stub = ServerReflectionStub::new(Channel::in_process(&place));
//! let mut questions = stub.server_reflection_info(())?;
//! let everything = MessageRequest::ListServices(String::new());
//! questions.send(ServerReflectionRequest {
//!     message_request: Some(everything),
//!     ..Default::default()
//! })?;
//! println!("{:?}", questions.recv()?);
//! # drop((questions, server));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conversation;
mod index;
mod service;
#[cfg(test)]
mod tests;

pub use service::{ReflectionBuilder, ReflectionService};

/// The messages of `grpc.reflection.v1`, and what is generated for its service.
pub mod v1 {
    // Generated code: its shape is checked where it is generated.
    #![allow(missing_docs, unused_qualifications)]
    #![allow(clippy::all, clippy::nursery, clippy::pedantic)]

    include!("generated/v1/reflection.rs");
}

/// As [`v1`], for clients that know the protocol's first version alone.
pub mod v1alpha {
    // Generated code: its shape is checked where it is generated.
    #![allow(missing_docs, unused_qualifications)]
    #![allow(clippy::all, clippy::nursery, clippy::pedantic)]

    include!("generated/v1alpha/reflection.rs");
}
