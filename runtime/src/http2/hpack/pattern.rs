//! What stays the same from one header block to the next, found without decoding.
//!
//! Invariant: a block that has a pattern changes no table (RFC 7541 6.1, 6.2.2, 6.2.3), so two
//! blocks of the same pattern mean the same fields, but for the values of their literals, for as
//! long as the table is the same.

use std::hash::Hasher;

use super::{Error, huffman, integer};
use crate::limits::{self, HPACK_PATTERN_LITERALS_MAX as LITERALS_MAX};

/// A block of indexed fields, among which a few literals stand that no table takes. Paths and lengths
/// of content are part of it; the values of other literals are not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pattern<'a> {
    block: &'a [u8],
    literals: [Literal<'a>; LITERALS_MAX],
    count: usize,
}

/// A literal of a [`Pattern`].
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Literal<'a> {
    /// How many fields come before it.
    pub(crate) position: usize,
    /// Where its value begins and ends in the block, with its length.
    start: usize,
    end: usize,
    octets: &'a [u8],
    is_coded: bool,
}

impl<'a> Pattern<'a> {
    /// The pattern of `block`, if it has one.
    pub(crate) fn of(block: &'a [u8]) -> Option<Self> {
        let mut pattern = Self { block, literals: [Literal::default(); LITERALS_MAX], count: 0 };
        let (mut rest, mut position, mut differs) = (block, 0, 0);
        while let Some((&first, behind)) = rest.split_first() {
            rest = behind;
            if !is_short_index(&first)
                && let Some(literal) = read_literal(first, &mut rest, block)?
            {
                *pattern.literals.get_mut(pattern.count)? = Literal { position, ..literal };
                differs += literal.end - literal.start;
                pattern.count += 1;
            }
            if block.len() - rest.len() - differs > limits::HPACK_PATTERN_LEN_MAX {
                return None;
            }
            position += 1;
        }
        Some(pattern)
    }

    pub(crate) fn literals(&self) -> &[Literal<'a>] {
        &self.literals[..self.count]
    }

    /// All that stays the same, for [`Pattern::is_of`].
    pub(crate) fn to_bytes(self) -> Box<[u8]> {
        let mut bytes = Vec::with_capacity(limits::HPACK_PATTERN_LEN_MAX);
        let mut from = 0;
        for literal in self.literals() {
            bytes.extend_from_slice(&self.block[from..literal.start]);
            from = literal.end;
        }
        bytes.extend_from_slice(&self.block[from..]);
        bytes.into()
    }

    /// Whether `bytes` were taken from a block of this pattern.
    ///
    /// Where a value was is told by what stands before it.
    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        let (mut rest, mut from) = (bytes, 0);
        for literal in self.literals() {
            let Some(behind) = rest.strip_prefix(&self.block[from..literal.start]) else {
                return false;
            };
            (rest, from) = (behind, literal.end);
        }
        *rest == self.block[from..]
    }
}

impl Literal<'_> {
    /// Appends the value, of at most `size_max` bytes.
    ///
    /// # Errors
    ///
    /// If it is longer, or its Huffman code is wrong.
    pub(crate) fn read(&self, size_max: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        if self.is_coded {
            return huffman::decode(self.octets, size_max, out);
        }
        if self.octets.len() > size_max {
            return Err(Error::ListTooLarge);
        }
        out.extend_from_slice(self.octets);
        Ok(())
    }
}

/// A literal without indexing, or one that is never indexed (RFC 7541 6.2.2 and 6.2.3), of which
/// `first` was read and `rest` follows in `block`; nothing inside if its value stays the same too.
fn read_literal<'a>(
    first: u8,
    rest: &mut &'a [u8],
    block: &'a [u8],
) -> Option<Option<Literal<'a>>> {
    if first & 0xe0 != 0 {
        return None;
    }
    let index = integer::decode(first, 4, rest).ok()?;
    if index == 0 {
        string(rest)?;
    }
    let start = block.len() - rest.len();
    let (octets, is_coded) = string(rest)?;
    if first & NEVER_INDEXED == 0 && SAME.contains(&index) {
        return Some(None);
    }
    Some(Some(Literal { position: 0, start, end: block.len() - rest.len(), octets, is_coded }))
}

/// The bit of a literal that is never indexed: its value may be a secret, which no pattern holds.
const NEVER_INDEXED: u8 = 0x10;

/// Names of the static table whose literals come again with the same value, from peers that put these
/// fields into no table (nghttp2 and what is made with it): the path, and the length of the content.
const SAME: [usize; 3] = [4, 5, 28];

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

    fn values(block: &[u8]) -> Option<Vec<Vec<u8>>> {
        let pattern = Pattern::of(block)?;
        let value = |literal: &Literal<'_>| {
            let mut value = Vec::new();
            literal.read(100, &mut value).unwrap();
            value
        };
        Some(pattern.literals().iter().map(value).collect())
    }

    /// RFC 7541 6: indexed fields and literals without indexing are a pattern; whatever changes a
    /// table or is cut short is none.
    #[test]
    fn what_changes_no_table_is_a_pattern() {
        assert_eq!(values(&[]), Some(vec![]));
        assert_eq!(values(&[0x82, 0x86, 0xfe]), Some(vec![]));
        assert_eq!(values(b"\x82\x00\x01a\x02bc\x86"), Some(vec![b"bc".to_vec()]));
        assert_eq!(values(b"\x01\x02bc"), Some(vec![b"bc".to_vec()]));
        let two = b"\x14\x02bc\x82\x00\x01a\x00";
        assert_eq!(values(two), Some(vec![b"bc".to_vec(), b"".to_vec()]));
        // "www.example.com" of RFC 7541 C.4.1.
        let coded = b"\x01\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
        assert_eq!(values(coded), Some(vec![b"www.example.com".to_vec()]));
        for block in [
            &b"\x80"[..],
            b"\xff\x00",
            b"\x20\x82",
            b"\x40\x01a\x01b",
            b"\x01",
            b"\x01\x02b",
            b"\x04\x02b",
            &[0x82; limits::HPACK_PATTERN_LEN_MAX + 1],
            &b"\x01\x01b".repeat(LITERALS_MAX + 1),
        ] {
            assert!(Pattern::of(block).is_none(), "{block:x?}");
        }
    }

    /// A value is not longer than it may be.
    #[test]
    fn a_long_value_is_not_read() {
        for block in [&b"\x01\x03abc"[..], b"\x01\x82\x1c\x64"] {
            let pattern = Pattern::of(block).unwrap();
            let [literal] = pattern.literals() else { panic!("one literal") };
            assert_eq!(literal.read(2, &mut Vec::new()), Err(Error::ListTooLarge));
            assert_eq!(literal.read(3, &mut Vec::new()), Ok(()));
        }
    }

    /// A pattern is told by its names and by what stands around its literals, not by their values.
    #[test]
    fn patterns_differ_by_all_but_the_values() {
        let pattern = |block| Pattern::of(block).unwrap();
        let bytes = pattern(b"\x82\x00\x01a\x01b\x86\x01\x01b\x87").to_bytes();
        assert!(pattern(b"\x82\x00\x01a\x03xyz\x86\x01\x00\x87").is_of(&bytes));
        for other in [
            &b"\x82\x00\x01c\x01b\x86\x01\x01b\x87"[..],
            b"\x83\x00\x01a\x01b\x86\x01\x01b\x87",
            b"\x82\x00\x01a\x01b\x86\x11\x01b\x87",
            b"\x82\x00\x01a\x01b\x86\x01\x01b",
            b"\x82\x86\x00\x01a\x01b\x01\x01b\x87",
            b"\x82\x00\x01a\x01b\x86\x87",
            b"\x82\x86\x87",
        ] {
            assert!(!pattern(other).is_of(&bytes), "{other:x?}");
        }
    }

    /// The path and the length of the content belong to the pattern, however they are coded, unless they
    /// are never to be indexed.
    #[test]
    fn paths_and_lengths_belong_to_the_pattern() {
        for block in [&b"\x83\x04\x02/a"[..], b"\x05\x82\x1c\x64", b"\x0f\x0d\x0239"] {
            assert_eq!(values(block), Some(vec![]));
            let bytes = Pattern::of(block).unwrap().to_bytes();
            assert_eq!(*bytes, *block);
            let mut other = block.to_vec();
            *other.last_mut().unwrap() ^= 1;
            assert!(!Pattern::of(&other).unwrap().is_of(&bytes), "{block:x?}");
        }
        assert_eq!(values(b"\x14\x02/a"), Some(vec![b"/a".to_vec()]));
        assert_eq!(values(b"\x1f\x0d\x0239"), Some(vec![b"39".to_vec()]));
    }
}
