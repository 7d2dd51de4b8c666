//! The code generator of rust-grpc, for build scripts.
//!
//! One line in `build.rs` generates Rust messages, service traits and stubs, and one line in the
//! crate takes them in:
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), rust_grpc_codegen::Error> {
//!     rust_grpc_codegen::compile("proto/hello.proto")
//! }
//! ```
//!
//! ```text
//! // src/main.rs
//! mod proto { rust_grpc::include_protos!(); }
//! use proto::hello::{Greeter, GreeterServer, HelloReply, HelloRequest};
//! ```
//!
//! [`Config`] has everything beyond that: include folders, options, the choice of protoc, another
//! output folder, and [`Config::check`] for repositories that keep generated code.
//!
//! The same generator is the plugin `protoc-gen-rust-grpc` of protoc and buf, and a command line of
//! that name. All three give the same bytes.
//!
//! # Features
//!
//! - `vendored-protoc` (default): a protoc that comes through cargo, used when no other is found.
//! - `cli` (default): the binary. A build script can do without it: `default-features = false,
//!   features = ["vendored-protoc"]`.

#![allow(clippy::needless_doctest_main)] // a build script is shown whole

mod cargo;
mod compile;
mod emit;
mod error;
mod options;
mod parallel;
mod plugin;
mod raw;
mod schema;
mod user_error;

pub use compile::{Config, Report, compile};
pub use error::Error;

/// Answers the request that protoc sends to a plugin: a serialized `CodeGeneratorRequest` in, a
/// serialized `CodeGeneratorResponse` out. A fault in a .proto is part of the response.
///
/// # Errors
///
/// Bytes that are no request; none at all, as a person sends them who starts a plugin by hand.
#[doc(hidden)]
pub fn run_plugin(request: &[u8]) -> Result<Vec<u8>, Error> {
    if request.is_empty() {
        return Err(Error::new(
            "expected a CodeGeneratorRequest on stdin, as protoc and buf send it, got nothing; \
             --help shows how to generate code without them",
        ));
    }
    plugin::run(request)
}
