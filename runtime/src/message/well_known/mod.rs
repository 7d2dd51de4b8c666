//! The well-known types of protobuf: the messages of the package `google.protobuf` that every
//! protobuf installation brings along.
//!
//! Generated messages that import `google/protobuf/timestamp.proto` and its like refer to these
//! types. They are made by the project's own generator (`make well-known`), one file for each
//! .proto, and stand in one module because they are one package. Those of
//! `google/protobuf/descriptor.proto` are there with the feature `reflect`.
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

#[cfg(feature = "reflect")]
mod descriptor {
    include!("descriptor.rs");
}

#[cfg(feature = "reflect")]
pub use descriptor::*;
// These by their names too, because rustc then tells who misses one which feature has it: what .protos
// extend with options of their own, and what descriptors are read from.
#[cfg(feature = "reflect")]
pub use descriptor::{
    EnumOptions, EnumValueOptions, ExtensionRangeOptions, FieldOptions, FileDescriptorProto,
    FileDescriptorSet, FileOptions, MessageOptions, MethodOptions, OneofOptions, ServiceOptions,
};

include!("any.rs");
include!("api.rs");
include!("duration.rs");
include!("empty.rs");
include!("field_mask.rs");
include!("source_context.rs");
include!("struct.rs");
include!("timestamp.rs");
include!("type.rs");
include!("wrappers.rs");
