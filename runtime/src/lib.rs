//! gRPC for Rust without async: plain structs, plain functions, plain threads.

// Generated code names this crate from outside; the well-known types are generated and stand inside.
extern crate self as rust_grpc;

mod client;
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzzing;
#[doc(hidden)]
pub mod generated;
pub(crate) mod grpc;
pub(crate) mod http2;
pub(crate) mod limits;
pub mod message;
mod server;
pub(crate) mod transport;

pub use client::{
    BidiStream, Canceller, Channel, ChannelBuilder, ClientInterceptor, IntoRequest, OutgoingCall,
    Pending, ReplyReceiver, ReplyStream, Request, RequestSender, RequestSink, Response,
};
pub use grpc::{
    Code, Codec, InvalidMetadata, Metadata, MetadataValue, Method, MethodKind, Protobuf, Received,
    Status,
};
pub use message::well_known;
pub use message::{DecodeError, Enumeration, Message, MessageField, UnknownFields};
pub use server::{
    CancellationToken, Context, DetachedSink, Next, ReplySink, RequestStream, Server,
    ServerBuilder, ServerInterceptor, Service,
};
pub use transport::listener::BindAddress;
pub use transport::wire::Address;

/// Takes in the module tree that a build script wrote with `rust_grpc_codegen`: a module for every
/// package, with its messages, traits, servers and stubs.
///
/// # Examples
///
/// ```ignore
/// mod proto {
///     rust_grpc::include_protos!();
/// }
/// use proto::hello::HelloRequest;
/// ```
#[macro_export]
macro_rules! include_protos {
    () => {
        ::core::include!(::core::concat!(::core::env!("OUT_DIR"), "/rust_grpc/mod.rs"));
    };
}
