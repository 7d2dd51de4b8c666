//! The code generator of rust-grpc: from a `CodeGeneratorRequest` to Rust source.

mod error;

pub use error::Error;
