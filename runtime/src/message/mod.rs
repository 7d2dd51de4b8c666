//! Protobuf messages: the [`Message`] trait, its fields, and the binary encoding.
//!
//! Messages are plain structs that the code generator writes; this module is what their encoding
//! runs on. It is independent of gRPC: it needs no connection, no thread and no clock.
//!
//! - Encoding goes back to front in one pass ([`Writer`]), so that no size is computed beforehand.
//! - Decoding reads one contiguous slice, within limits: 100 levels of nesting, and a memory budget
//!   of 128 MiB or 32 bytes for each byte of input, whichever is more. What breaks them is a
//!   [`DecodeError`].
//! - Fields that a message does not know are kept in [`UnknownFields`] and travel on.
//! - JSON and the text format are other forms of the same messages (`Message::to_json`,
//!   `Message::to_text`), by reflection, within limits of the same kind: the features `json`, `text`
//!   and `reflect`.
//! - Equal messages have equal bytes: fields in the order of their numbers, map entries in that of
//!   their keys.

mod boxed;
mod budget;
mod byte_string;
mod clear;
mod closed;
mod conversions;
mod default_instance;
mod entry_order;
pub(crate) mod enumeration;
mod error;
mod extension;
mod field;
mod field_writer;
pub(crate) mod generated_file;
pub(crate) mod group;
mod growth;
#[cfg(feature = "json")]
pub(crate) mod json;
pub(crate) mod kind;
mod length_delimited;
pub(crate) mod map;
mod member_or;
#[allow(clippy::module_inception, reason = "it is the file of the trait `Message`")]
mod message;
#[cfg(not(feature = "reflect"))]
mod no_reflect;
mod options;
mod packed;
mod reader;
pub(crate) mod redact;
#[cfg(feature = "reflect")]
#[cfg_attr(
    not(all(feature = "json", feature = "text")),
    allow(dead_code, reason = "what one format alone asks for is little, and spread over it")
)]
pub(crate) mod reflect;
pub(crate) mod required;
pub mod rpc;
mod scratch;
pub(crate) mod shape;
#[cfg(feature = "bytes")]
pub(crate) mod shared_bytes;
mod skip;
#[cfg(test)]
mod tests;
#[cfg(feature = "text")]
mod text;
mod unknown;
mod utf8;
mod varint;
pub mod well_known;
mod writer;

pub use budget::Budget;
pub use byte_string::ByteString;
#[cfg(feature = "serde_json")]
pub use conversions::NoJsonError;
pub use conversions::{AnyError, TimeParseError, TimeRangeError, ValueKindError};
#[cfg(feature = "reflect")]
pub use conversions::{FieldMaskError, FieldMaskOptions};
pub use enumeration::Enumeration;
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub use extension::{Extendable, Extension};
pub use field::MessageField;
pub use field_writer::{FieldWriter, Outside};
pub use generated_file::{Described, GeneratedFile};
#[cfg(feature = "json")]
pub use json::{Json, JsonError, JsonParseOptions, JsonPrintOptions};
pub use message::Message;
pub use options::{DecodeOptions, ExtensionCheck};
pub use reader::Reader;
#[cfg(feature = "reflect")]
pub use reflect::{
    Cardinality, DescriptorError, DescriptorPool, DynamicExtension, DynamicMessage, EnumDescriptor,
    EnumValueDescriptor, FieldDescriptor, FieldKind, FieldMut, FieldRef, FileDescriptor, List, Map,
    MessageDescriptor, MethodDescriptor, OneofDescriptor, Reflect, ServiceDescriptor, SingularMut,
    Value, ValueError, ValueRef,
};
pub use required::MissingField;
#[cfg(feature = "text")]
pub use text::{Text, TextError, TextParseOptions, TextPrintOptions};
pub use unknown::{UnknownFields, UnknownIter, UnknownValue};
pub use writer::Writer;

// protobuf encoding: the wire types, the low three bits of a tag.
const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const START_GROUP: u32 = 3;
const END_GROUP: u32 = 4;
const FIXED32: u32 = 5;
