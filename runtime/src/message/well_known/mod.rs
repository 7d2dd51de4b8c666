//! The well-known types of protobuf: the messages of the package `google.protobuf` that every
//! protobuf installation brings along.
//!
//! Generated messages that import `google/protobuf/timestamp.proto` and its like refer to these
//! types. They are made by the project's own generator (`make well-known`), one file for each
//! .proto, and stand in one module because they are one package.
//!
//! # Examples
//!
//! ```
//! use rust_grpc::Message;
//! use rust_grpc::well_known::Timestamp;
//!
//! let noon = Timestamp { seconds: 43_200, ..Default::default() };
//! assert_eq!(Timestamp::decode(&noon.encode_to_vec())?, noon);
//! # Ok::<(), rust_grpc::DecodeError>(())
//! ```

// Generated code: its shape is checked where it is generated.
#![allow(missing_docs, unused_qualifications)]
#![allow(clippy::all, clippy::nursery, clippy::pedantic)]

include!("any.rs");
include!("api.rs");
include!("descriptor.rs");
include!("duration.rs");
include!("empty.rs");
include!("field_mask.rs");
include!("source_context.rs");
include!("struct.rs");
include!("timestamp.rs");
include!("type.rs");
include!("wrappers.rs");
