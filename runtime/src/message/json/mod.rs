//! Messages as JSON: the mapping that protobuf's documentation calls ProtoJSON, printed and parsed.
//!
//! Source: "ProtoJSON Format" of the protobuf documentation, and RFC 8259 for the text itself.
//! Everything here works on [`Reflect`], so that generated and dynamic messages are
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
// Their files are described in the text format.
#[cfg(test)]
#[cfg(feature = "text")]
mod tests;
mod well_known;
mod writer;

pub use error::JsonError;
pub use options::{JsonParseOptions, JsonPrintOptions};

use super::reflect::generated::Fields;
use super::{Message, Reflect};

/// A message that can be printed as JSON and parsed from it.
///
/// Generated types are by the option of the generator, `json=on|off`, which is on by default.
pub trait Json: Message + Reflect {}

impl<M: Json + Fields> Json for Box<M> {}
