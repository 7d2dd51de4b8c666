//! The service of `proto/interop.proto`: generated code, the server's side and the cases of the client's side.

pub mod cases;
pub mod server;
pub mod services;

/// What the plugin makes of `proto/interop.proto`.
#[allow(missing_docs)]
pub mod proto {
    rust_grpc::include_protos!();
}
