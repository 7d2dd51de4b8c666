//! HPACK: header compression for HTTP/2 (RFC 7541).
//!
//! Invariant: the two tables of a connection stay equal. Every block that was received is decoded
//! to its end, also when nobody wants its fields, and every block that was encoded must be sent.
//!
//! ```text
//! Headers → Encoder → header block ‖ header block → Decoder → Headers
//!              └ DynamicTable  ··· equal ···  DynamicTable ┘
//! ```

mod cache;
mod decoder;
mod encoder;
mod error;
mod huffman;
mod integer;
mod names;
mod pattern;
mod static_table;
mod table;

#[cfg(test)]
mod appendix_c;
#[cfg(test)]
mod oracle;
#[cfg(test)]
mod rfc7541;

pub(crate) use decoder::{Decoder, Limits};
pub(crate) use encoder::Encoder;
pub(crate) use error::Error;
pub(crate) use pattern::Pattern;
