//! Messages as JSON: the mapping that protobuf's documentation calls ProtoJSON, printed and parsed.
//!
//! Source: "ProtoJSON Format" of the protobuf documentation, and RFC 8259 for the text itself.
//! Everything here works on [`Reflect`](super::Reflect), so that generated and dynamic messages are
//! treated alike. Invariant: what is printed reads back as an equal message, unknown fields aside.

mod base64;
mod decimal;
mod error;
mod lexer;
mod number;
mod options;
mod parse;
mod plain;
mod print;
#[cfg(feature = "serde")]
pub(crate) mod serde;
mod short;
#[cfg(test)]
mod tests;
mod well_known;
mod writer;

pub use error::JsonError;
pub use options::{JsonParseOptions, JsonPrintOptions};
