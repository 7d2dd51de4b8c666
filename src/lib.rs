//! The code generator of rust-grpc: from a `CodeGeneratorRequest` to Rust source.

mod emit;
mod error;
mod options;
mod plugin;
mod schema;
mod user_error;

pub use error::Error;

/// Answers protoc: a `CodeGeneratorRequest` in, a `CodeGeneratorResponse` out.
///
/// # Errors
///
/// If nobody can read the request. What is wrong with a .proto or an option goes into the response.
#[doc(hidden)]
pub fn run_plugin(request: &[u8]) -> Result<Vec<u8>, Error> {
    plugin::run(request)
}
