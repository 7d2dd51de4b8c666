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
    Code, Codec, InvalidMetadata, Metadata, MetadataValue, Method, MethodKind, Protobuf, Received,
    Status,
};
pub use message::{DecodeError, Enumeration, Message, MessageField, UnknownFields};
