//! The client and the server of gRPC's interoperability tests: the cases that need no cloud account.
//!
//! What they do and check is gRPC's interop-test-descriptions.md; the names of cases and flags are
//! those of every other language's client and server.

pub mod cases;
pub mod options;
pub mod service;

/// What the plugin makes of `proto/testing.proto`.
#[allow(missing_docs)]
pub mod proto {
    rust_grpc::include_protos!();
}
