//! What gRPC adds to HTTP/2: status, metadata, deadlines and message framing, as values.
//!
//! Nothing here does I/O, reads a clock or waits: bytes and times come in as arguments.
//! The clauses are those of PROTOCOL-HTTP2.md of the gRPC project.

pub(crate) mod base64;
pub(crate) mod codec;
pub mod compression;
mod connectivity;
mod details;
pub(crate) mod envelope;
mod extensions;
pub(crate) mod headers;
mod message_interceptor;
pub(crate) mod metadata;
pub(crate) mod method;
pub(crate) mod percent;
#[cfg(feature = "prost")]
pub(crate) mod prost_codec;
mod received;
pub(crate) mod scratch;
mod sent;
pub(crate) mod shelf;
pub(crate) mod status;
pub(crate) mod timeout;

pub use codec::{Codec, Protobuf, RawBytes};
pub use compression::Compression;
pub use connectivity::ConnectivityState;
pub use details::Details;
pub use extensions::Extensions;
pub use message_interceptor::{MessageInterceptor, NextReceive, NextSend};
pub use metadata::{InvalidMetadata, Metadata, MetadataValue};
pub use method::{Method, MethodKind};
#[cfg(feature = "prost")]
pub use prost_codec::Prost;
pub use received::Received;
pub use sent::Sent;
pub use status::{Code, Status};
