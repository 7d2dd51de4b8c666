//! gRPC for Rust without async: plain structs, plain functions, plain threads.
//!
//! The code generator `rust-grpc-codegen` (a build.rs library, and the protoc plugin
//! `protoc-gen-rust-grpc`) turns .proto files into message types, service traits and client stubs;
//! this crate runs them: a thread-pool [`Server`], a blocking [`Channel`], and protobuf's
//! [`Message`]s. HTTP/2 is part of it; there is no runtime to start and nothing to `await`.
//!
//! # A service
//!
//! For `service Greeter { rpc SayHello(HelloRequest) returns (HelloReply); }` there is a trait
//! `Greeter`, a wrapper `GreeterServer` that serves an implementation of it, and a client
//! `GreeterStub`:
//!
//! ```text
//! impl Greeter for MyGreeter {
//!     fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
//!         Ok(HelloReply { message: format!("Hello, {}", request.name), ..Default::default() })
//!     }
//! }
//!
//! let server = Server::builder()
//!     .add_service(GreeterServer::new(MyGreeter))
//!     .bind("[::]:50051")?
//!     .start()?;
//!
//! let greeter = GreeterStub::new(Channel::insecure("localhost:50051")?);
//! let reply = greeter.say_hello(HelloRequest { name: "Alice".into(), ..Default::default() })?;
//! println!("{}", reply.message);
//! ```
//!
//! # The four kinds of calls
//!
//! | in the .proto | the server's method gets | the stub's method returns |
//! |---|---|---|
//! | `rpc Get(Req) returns (Rep)` | `Req`, returns `Rep` | [`Response<Rep>`](Response), or [`Pending<Rep>`](Pending) by `get_pending` |
//! | `rpc List(Req) returns (stream Rep)` | `Req` and a [`ReplySink<Rep>`](ReplySink) | [`ReplyStream<Rep>`](ReplyStream) |
//! | `rpc Record(stream Req) returns (Rep)` | a [`RequestStream<Req>`](RequestStream), returns `Rep` | [`RequestSink<Req, Rep>`](RequestSink) |
//! | `rpc Chat(stream Req) returns (stream Rep)` | both | [`BidiStream<Req, Rep>`](BidiStream), which splits into halves for two threads |
//!
//! Every method of a server also gets a [`Context`]: metadata, peer, deadline, cancellation. Every
//! method of a stub takes a message, a reference to one, or a [`Request`] with a timeout and
//! metadata. What goes wrong is a [`Status`] on both sides.
//!
//! # Limits
//!
//! A message is at most 4 MiB, unless the builder of the server or of the channel says otherwise;
//! a server runs a bounded number of methods at once and queues a bounded number of calls. Nothing
//! that a peer sends makes either side panic or allocate without a limit.
//!
//! # Features
//!
//! `gzip`, `json` and `text` are on by default. Who needs none of them writes `default-features =
//! false` and compiles a third less of this crate.
//!
//! - `bytes`: what code generated with the option `bytes` needs: fields that are slices of the
//!   buffer that a message was decoded from, see `Message::decode_bytes`.
//! - `channelz`: what a process tells of its channels, servers and connections: the module `channelz`.
//! - `gzip`: [`Compression::Gzip`] and [`Compression::Deflate`], in pure Rust.
//! - `health`: gRPC's health checking, as a service and as a client: the module `health`.
//! - `json`: messages as JSON, `Message::to_json` and `Message::from_json`, and what is configured by
//!   JSON, `ChannelBuilder::service_config`; brings `reflect`.
//! - `reflect`: what messages say of themselves: `message::Reflect`, descriptors, dynamic messages, what
//!   field masks do to messages, and the types of `google/protobuf/descriptor.proto`, which .protos with
//!   options of their own extend.
//! - `reflection`: gRPC's server reflection, v1 and v1alpha: the module `reflection`; brings `reflect`.
//! - `testing`: what unit tests of clients and servers need: the module `testing`.
//! - `prost`: the codec `Prost`, for services generated with the option `messages=prost` over the
//!   messages of prost.
//! - `tls`: TLS and mutual TLS by rustls, see the module `tls`.
//! - `serde`: every message that has JSON implements `serde::Serialize` and `Deserialize`, with the
//!   mapping of `Message::to_json`, for formats that describe themselves: serde_json, YAML and the
//!   like; brings `json`.
//! - `serde_json`: [`Struct`](well_known::Struct), [`Value`](well_known::Value) and
//!   [`ListValue`](well_known::ListValue) from and to `serde_json`'s types.
//! - `text`: messages in protobuf's text format, `Message::to_text` and `Message::from_text`; brings
//!   `reflect`.
//! - `zstd`: [`Compression::Zstd`], in C.

// Generated code names this crate from outside; the well-known types are generated and stand inside.
extern crate self as rust_grpc;

#[cfg(feature = "bytes")]
pub use bytes;

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
#[cfg(any(feature = "channelz", feature = "health", feature = "reflection"))]
mod services;
#[cfg(feature = "testing")]
pub mod testing;
pub(crate) mod transport;

pub use client::{
    AccessToken, Answer, BidiStream, CallCredentials, Canceller, Channel, ChannelBuilder,
    ClientCall, ClientInterceptor, ClientNext, CompositeCallCredentials, CredentialsContext,
    IntoRequest, LoadBalancing, OutgoingCall, Pending, ReplyReceiver, ReplyStream, Request,
    RequestSender, RequestSink, Response, RetryPolicy, RetryThrottling,
};
#[cfg(feature = "prost")]
pub use grpc::Prost;
pub use grpc::compression;
pub use grpc::{
    Code, Codec, Compression, ConnectivityState, Details, Extensions, InvalidMetadata,
    MessageInterceptor, Metadata, MetadataValue, Method, MethodKind, NextReceive, NextSend,
    Protobuf, RawBytes, Received, Sent, Status,
};
pub use message::{
    ByteString, DecodeError, Enumeration, Extendable, Extension, Message, MessageField,
    MissingField, UnknownFields,
};
pub use message::{rpc, well_known};
pub use server::{
    CancellationToken, Context, DetachedSink, GenericHandler, GenericService, Lane, MethodHandler,
    Next, ReplySink, RequestStream, ScopedServer, Server, ServerBuilder, ServerInterceptor,
    Service,
};
#[cfg(feature = "channelz")]
pub use services::channelz;
#[cfg(feature = "health")]
pub use services::health;
#[cfg(feature = "reflection")]
pub use services::reflection;
pub use transport::active::ActiveCall;
pub use transport::auth_context::{AuthContext, SecurityLevel};
pub use transport::cancellation::Cancellation;
pub use transport::connectivity::ConnectivitySubscription;
pub use transport::credentials::{ChannelCredentials, ServerCredentials};
pub use transport::current::{CurrentCall, Entered};
pub use transport::in_process::InProcess;
pub use transport::listener::BindAddress;
pub use transport::plan::FullPool;
pub use transport::wire::Address;

/// TLS and mutual TLS by rustls (feature `tls`): [`ClientTls`](tls::ClientTls) for
/// [`Channel::secure`], [`ServerTls`](tls::ServerTls) for [`ServerBuilder::bind_secure`].
///
/// Two more features split it: `tls-rustls` is TLS without a provider of cryptography, for those who
/// bring one; `tls-native-roots` is for the certificates that the system trusts. `tls` is both, with
/// ring as the provider.
#[cfg(feature = "tls-rustls")]
pub mod tls {
    pub use crate::transport::tls::{
        CertificateFiles, CertificateSource, Certificates, ClientCertificates, ClientTls, Identity,
        ServerTls, TlsError,
    };
    /// The version that the configurations of this module are of.
    pub use rustls;
}

/// The guide to TLS: its examples compile.
#[cfg(all(doctest, feature = "tls"))]
#[doc = include_str!("../../docs/tls.md")]
mod guide_to_tls {}

/// Takes in the module tree that a build script wrote with `rust_grpc_codegen`: a module for every
/// package, with its messages, traits, servers and stubs.
///
/// # Examples
///
/// ```text
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
