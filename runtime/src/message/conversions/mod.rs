//! What people expect to do with the well-known types: conversions from and to Rust's own types, and
//! the operations that protobuf's documentation defines for them.
//!
//! The types themselves are generated; nothing here changes how they are encoded. All of it is inline, so
//! that it is compiled with the programs that use it, and not with every one.

mod any;
mod field_mask;
#[cfg(feature = "serde_json")]
mod serde_json;
mod structure;
mod time;
pub(super) mod time_syntax;
mod time_text;
mod wrappers;

pub use any::AnyError;
#[cfg(feature = "reflect")]
pub use field_mask::{FieldMaskError, FieldMaskOptions};
#[cfg(feature = "serde_json")]
pub use serde_json::NoJsonError;
pub use structure::ValueKindError;
pub use time::TimeRangeError;
pub use time_text::TimeParseError;
