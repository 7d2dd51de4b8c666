//! What stays the same from one header block to the next, found without decoding.
//!
//! Invariant: a block that has a pattern changes no table (RFC 7541 6.1, 6.2.2), so two blocks of
//! the same pattern mean the same fields, but for the value of one literal, for as long as the
//! table is the same.

use std::hash::Hasher;

use super::{Error, huffman, integer};
use crate::limits;

/// A short block of indexed fields, among which one literal may stand that no table takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern<'a> {
    /// Everything before the value of the literal, or everything.
    front: &'a [u8],
    back: &'a [u8],
    literal: Option<Literal<'a>>,
}

/// The literal of a [`Pattern`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Literal<'a> {
    /// How many fields come before it.
    pub(crate) position: usize,
    octets: &'a [u8],
    is_coded: bool,
}

impl<'a> Pattern<'a> {
    /// The pattern of `block`, if it has one.
    pub(crate) fn of(block: &'a [u8]) -> Option<Self> {
        if block.len() > limits::HPACK_PATTERN_LEN_MAX {
            return None;
        }
        let position = block.iter().take_while(|octet| is_short_index(octet)).count();
        let Some(&first) = block.get(position) else {
            return Some(Self { front: block, back: &[], literal: None });
        };
        // RFC 7541 6.2.2: a literal without indexing; what is never indexed may be secret.
        if first & 0xf0 != 0 {
            return None;
        }
        let mut rest = &block[position + 1..];
        if integer::decode(first, 4, &mut rest).ok()? == 0 {
            string(&mut rest)?;
        }
        let front = &block[..block.len() - rest.len()];
        let (octets, is_coded) = string(&mut rest)?;
        let literal = Some(Literal { position, octets, is_coded });
        rest.iter().all(is_short_index).then_some(Self { front, back: rest, literal })
    }

    pub(crate) fn literal(&self) -> Option<Literal<'a>> {
        self.literal
    }

    /// All that stays the same, for [`Pattern::is_of`].
    pub(crate) fn to_bytes(self) -> Box<[u8]> {
        [self.front, self.back].concat().into()
    }

    /// Whether `bytes` were taken from a block of this pattern.
    ///
    /// Where the front ends is told by the front itself.
    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        bytes.strip_prefix(self.front) == Some(self.back)
    }
}

impl Literal<'_> {
    /// Appends the value.
    ///
    /// # Errors
    ///
    /// If its Huffman code is wrong.
    pub(crate) fn read(&self, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.is_coded {
            return huffman::decode(self.octets, limits::HPACK_PATTERN_LEN_MAX * 2, out);
        }
        out.extend_from_slice(self.octets);
        Ok(())
    }
}

/// A hash of octets for tables of this process. Equal hashes cost time, nothing else.
#[derive(Debug, Default)]
pub(crate) struct OctetHasher(u64);

impl Hasher for OctetHasher {
    fn write(&mut self, octets: &[u8]) {
        let mut rest = octets;
        while let Some((chunk, others)) = rest.split_first_chunk::<8>() {
            self.write_u64(u64::from_le_bytes(*chunk));
            rest = others;
        }
        if let Some((chunk, others)) = rest.split_first_chunk::<4>() {
            self.write_u64(u64::from(u32::from_le_bytes(*chunk)));
            rest = others;
        }
        rest.iter().for_each(|octet| self.write_u64(u64::from(*octet)));
    }

    #[inline]
    fn write_u64(&mut self, word: u64) {
        // An odd constant near 2^64 divided by the golden ratio.
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// An indexed field of one octet.
fn is_short_index(octet: &u8) -> bool {
    (0x81..=0xfe).contains(octet)
}

/// The octets of a string, and whether they are a Huffman code.
fn string<'a>(input: &mut &'a [u8]) -> Option<(&'a [u8], bool)> {
    let (&first, rest) = input.split_first()?;
    *input = rest;
    let length = integer::decode(first, 7, input).ok()?;
    let (octets, rest) = input.split_at_checked(length)?;
    *input = rest;
    Some((octets, first & 0x80 != 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(block: &[u8]) -> Option<Vec<u8>> {
        let mut value = Vec::new();
        Pattern::of(block)?.literal()?.read(&mut value).unwrap();
        Some(value)
    }

    /// RFC 7541 6: indexed fields and one literal without indexing are a pattern; whatever changes
    /// a table, is never indexed or is cut short is none.
    #[test]
    fn what_changes_no_table_is_a_pattern() {
        assert!(Pattern::of(&[]).is_some());
        assert!(Pattern::of(&[0x82, 0x86, 0xfe]).is_some());
        assert_eq!(value(b"\x82\x00\x01a\x02bc\x86"), Some(b"bc".to_vec()));
        assert_eq!(value(b"\x04\x02bc"), Some(b"bc".to_vec()));
        // "www.example.com" of RFC 7541 C.4.1.
        let coded = b"\x01\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(value(coded), Some(b"www.example.com".to_vec()));
        for block in [
            &b"\x80"[..],
            b"\xff\x00",
            b"\x20\x82",
            b"\x40\x01a\x01b",
            b"\x10\x01a\x01b",
            b"\x04",
            b"\x04\x02b",
            b"\x04\x01b\x04\x01b",
            &[0x82; limits::HPACK_PATTERN_LEN_MAX + 1],
        ] {
            assert!(Pattern::of(block).is_none(), "{block:x?}");
        }
    }

    /// A pattern is told by its name and by what stands around its literal, not by the value.
    #[test]
    fn patterns_differ_by_all_but_the_value() {
        let pattern = |block| Pattern::of(block).unwrap();
        let known = pattern(b"\x82\x00\x01a\x01b\x86\x87");
        let bytes = known.to_bytes();
        let same = pattern(b"\x82\x00\x01a\x03xyz\x86\x87");
        assert!(same.is_of(&bytes));
        for other in [
            &b"\x82\x00\x01c\x01b\x86\x87"[..],
            b"\x83\x00\x01a\x01b\x86\x87",
            b"\x82\x00\x01a\x01b\x86",
            b"\x82\x86\x00\x01a\x01b\x87",
            b"\x82\x86\x87",
        ] {
            assert!(!pattern(other).is_of(&bytes), "{other:x?}");
        }
    }
}
