//! The messages of the package `google.rpc`: what a status may carry beside its code and message.
//!
//! Generated from the .proto files in `runtime/proto`. [`Details`](crate::Details) attaches them to a
//! status and reads them; whose own .proto files import `google/rpc/status.proto` or
//! `google/rpc/error_details.proto` takes these types with the option
//! `extern_path=.google.rpc=::rust_grpc::rpc`.

// Generated code: its shape is checked where it is generated.
#![allow(missing_docs, unused_qualifications)]
#![allow(clippy::all, clippy::nursery, clippy::pedantic)]

include!("error_details.rs");
include!("status.rs");
