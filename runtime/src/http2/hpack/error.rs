//! What can be wrong with a header block. Every error ends the connection, because the tables of
//! the two sides may differ from here on.

use std::fmt;

/// Why a header block cannot be decoded.
///
/// All of them are COMPRESSION_ERROR (RFC 9113 4.3) but [`Error::ListTooLarge`], which is a
/// correct block that costs too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The block ends inside of a field.
    Truncated,
    /// An integer of more octets than any sensible value needs (RFC 7541 5.1).
    IntegerTooLong,
    /// Index 0, or one beyond both tables (RFC 7541 6.1, 2.3.3).
    InvalidIndex { index: usize, entries: usize },
    /// A string contains the code of EOS (RFC 7541 5.2).
    HuffmanEos,
    /// A string ends with 8 or more bits of padding, or with others than those of EOS (5.2).
    HuffmanPadding,
    /// A table size update after a field (RFC 7541 4.2).
    SizeUpdateMisplaced,
    /// More than two table size updates in one block (RFC 7541 4.2).
    SizeUpdateRepeated,
    /// A table size update above what SETTINGS allows (RFC 7541 6.3).
    SizeUpdateTooLarge { size: usize, size_max: usize },
    /// SETTINGS made the table smaller and the block does not follow it (RFC 7541 4.2).
    SizeUpdateMissing { size_max: usize },
    /// The decoded fields cost more than the hard limit.
    ListTooLarge,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated => formatter.write_str("header block ends inside of a field"),
            Self::IntegerTooLong => formatter.write_str("header block has an overlong integer"),
            Self::InvalidIndex { index, entries } => {
                write!(formatter, "header block has index {index}, expected 1 to {entries}")
            }
            Self::HuffmanEos => formatter.write_str("header string contains the EOS code"),
            Self::HuffmanPadding => {
                formatter.write_str("header string is not padded with up to 7 bits of EOS")
            }
            Self::SizeUpdateMisplaced => {
                formatter.write_str("table size update after a field, expected before the first")
            }
            Self::SizeUpdateRepeated => {
                formatter.write_str("header block has more than 2 table size updates")
            }
            Self::SizeUpdateTooLarge { size, size_max } => {
                write!(formatter, "table size update to {size}, expected at most {size_max}")
            }
            Self::SizeUpdateMissing { size_max } => {
                write!(formatter, "no table size update after settings lowered it to {size_max}")
            }
            Self::ListTooLarge => formatter.write_str("header list is larger than the hard limit"),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error says what was expected and what came.
    #[test]
    fn errors_say_what_was_expected_and_what_came() {
        let text = Error::InvalidIndex { index: 99, entries: 61 }.to_string();
        assert_eq!(text, "header block has index 99, expected 1 to 61");
        let text = Error::SizeUpdateTooLarge { size: 8192, size_max: 4096 }.to_string();
        assert_eq!(text, "table size update to 8192, expected at most 4096");
    }
}
