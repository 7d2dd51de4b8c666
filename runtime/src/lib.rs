//! gRPC for Rust without async: plain structs, plain functions, plain threads.

mod client;
#[doc(hidden)]
pub mod generated;
pub(crate) mod grpc;
pub(crate) mod http2;
pub(crate) mod limits;
pub mod message;
mod server;
pub(crate) mod transport;

pub use grpc::{
    Code, InvalidMetadata, Metadata, MetadataValue, Method, MethodKind, Received, Status,
};
pub use message::{DecodeError, Enumeration, Message, MessageField, UnknownFields};
pub use transport::listener::BindAddress;
pub use transport::wire::Address;
