//! Reading packed fields.
//!
//! Invariant: what is reserved is what the payload holds, and was charged before.

use crate::message::DecodeError;
use crate::message::error::DecodeErrorKind;
use crate::message::reader::Reader;
use crate::message::varint::{self, CONTINUATIONS, gather};

impl Reader<'_> {
    /// Varints up to the end, each decoded by `decode`.
    pub(in crate::message) fn varints<T: Clone + Default>(
        mut self,
        values: &mut Vec<T>,
        decode: impl Fn(u64) -> T,
    ) -> Result<(), DecodeError> {
        let payload = self.rest();
        // Each varint has one byte that ends it.
        let count = payload.len() - count_high_bits(payload);
        self.make_room(values, count)?;
        if count == payload.len() {
            values.extend(payload.iter().map(|byte| decode(u64::from(*byte))));
            return Ok(());
        }
        let before = values.len();
        values.resize(before + count, T::default());
        let read = fill(payload, &mut values[before..], decode);
        if read == payload.len() {
            return Ok(());
        }
        values.truncate(before);
        Err(self.varint_error(&payload[read..]))
    }

    /// Elements of `N` bytes up to the end, each decoded by `decode`.
    pub(in crate::message) fn chunks<T, const N: usize>(
        mut self,
        values: &mut Vec<T>,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<(), DecodeError> {
        let payload = self.rest();
        let (chunks, remainder) = payload.as_chunks::<N>();
        if !remainder.is_empty() {
            let kind = DecodeErrorKind::UnevenPackedLength { length: payload.len(), width: N };
            return Err(self.error(kind));
        }
        self.make_room(values, chunks.len())?;
        values.extend(chunks.iter().map(|chunk| decode(*chunk)));
        Ok(())
    }
}

/// How many bytes are 0x80 or more.
fn count_high_bits(bytes: &[u8]) -> usize {
    // In sums of a byte each, of which many are made at once.
    let count = |part: &[u8]| usize::from(part.iter().map(|byte| byte >> 7).sum::<u8>());
    bytes.chunks(u8::MAX as usize).map(count).sum()
}

/// Fills `values` and returns how many bytes that took: fewer than there are where a varint is none.
fn fill<T>(payload: &[u8], values: &mut [T], decode: impl Fn(u64) -> T) -> usize {
    let mut values = values.iter_mut();
    let at = fill_blocks(payload, &mut values, &decode);
    let rest = &payload[at..];
    if rest.len() <= FEW {
        return at + fill_one_by_one(rest, values, decode);
    }
    // What is too short for a block is one behind which no varint ends.
    let mut padded = [0x80; PADDED];
    match padded.split_at_mut_checked(rest.len()) {
        Some((place, _)) => place.copy_from_slice(rest),
        // A block in which no varint ends.
        None => return at,
    }
    at + fill_blocks(&padded, &mut values, decode)
}

/// Fills values from blocks, and returns where the first varint stands that is not in one.
///
/// Where varints end is known for a whole block before any is read, so that reading one neither
/// waits for the one before nor branches on its size.
#[inline(always)]
fn fill_blocks<'v, T: 'v>(
    bytes: &[u8],
    values: &mut impl Iterator<Item = &'v mut T>,
    decode: impl Fn(u64) -> T,
) -> usize {
    let mut at = 0;
    while let Some(block) = bytes.get(at..).and_then(|rest| rest.first_chunk::<BLOCK_READ>()) {
        let (mut ends, base) = (ends(block), at);
        if ends == 0 {
            break;
        }
        // Where no byte that goes on follows another one, no varint is longer than two bytes.
        let only_short = !ends & (!ends << 1) == 0;
        while ends != 0 {
            let end = ends.trailing_zeros() as usize + 1;
            ends &= ends - 1;
            // Below the size of a block, which saves a check.
            let start = (at - base) & (BLOCK - 1);
            let size = end - start;
            let value = if only_short {
                let word = u64::from(u16::from_le_bytes([block[start], block[start + 1]]));
                word & 0x7f | (word >> 1) & (size as u64 - 1).wrapping_neg() & 0x3f80
            } else if size <= 8 {
                gather(word_at(block, start) & (u64::MAX >> (64 - 8 * size)))
            } else {
                match varint::split(&block[start..end]) {
                    Ok((value, _)) => value,
                    Err(_) => return at,
                }
            };
            let Some(place) = values.next() else { return at };
            *place = decode(value);
            at = base + end;
        }
    }
    at
}

/// Fills values one after the other, and returns how many bytes that took.
fn fill_one_by_one<'v, T: 'v>(
    bytes: &[u8],
    values: impl Iterator<Item = &'v mut T>,
    decode: impl Fn(u64) -> T,
) -> usize {
    let mut rest = bytes;
    for place in values {
        match varint::split(rest) {
            Ok((value, after)) => {
                *place = decode(value);
                rest = after;
            }
            Err(_) => break,
        }
    }
    bytes.len() - rest.len()
}

/// Bytes that are looked at together: as many as a word has bits.
const BLOCK: usize = 64;

/// Bytes that are there besides, for the last varint of a block to be read as a word.
const BLOCK_READ: usize = BLOCK + 8;

/// Bytes of what is padded: one short of a block that is read, and a block behind any part of it.
const PADDED: usize = 2 * BLOCK_READ;

/// So few bytes are read one by one.
const FEW: usize = 8;

/// A bit for each byte of the block that ends a varint.
#[inline(always)]
fn ends(block: &[u8; BLOCK_READ]) -> u64 {
    let (words, _) = block[..BLOCK].as_chunks::<8>();
    words.iter().rev().fold(0, |ends, word| {
        let high_bits = (!u64::from_le_bytes(*word) & CONTINUATIONS) >> 7;
        // Each bit of the eight bytes is moved to its place in the highest byte.
        ends << 8 | high_bits.wrapping_mul(0x0102_0408_1020_4080) >> 56
    })
}

/// Eight bytes of a block.
#[inline(always)]
fn word_at(block: &[u8; BLOCK_READ], at: usize) -> u64 {
    let bytes = &block[at..at + 8];
    u64::from_le_bytes(*bytes.first_chunk().expect("eight bytes were taken"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Budget;

    fn read(payload: &[u8]) -> Option<Vec<u64>> {
        let mut values = Vec::new();
        let read = Budget::new(payload).reader(payload).varints(&mut values, |value| value);
        read.is_ok().then_some(values)
    }

    fn one_by_one(mut payload: &[u8]) -> Option<Vec<u64>> {
        let mut values = Vec::new();
        while !payload.is_empty() {
            let (value, rest) = varint::split(payload).ok()?;
            values.push(value);
            payload = rest;
        }
        Some(values)
    }

    /// Varints of all sizes at all places of a block are what they are one by one, and what is none
    /// is refused wherever it stands.
    #[test]
    fn packed_varints_are_those_read_one_by_one() {
        for size in 1..=12 {
            for before in 0..140 {
                for after in [0, 1, 7, 8, 9, 63, 64, 130] {
                    let odd = [vec![0x81; size - 1], vec![1]].concat();
                    let payload = [vec![5; before], odd, [0x83, 4].repeat(after)].concat();
                    assert_eq!(read(&payload), one_by_one(&payload), "{payload:02x?}");
                    let cut = &payload[..before + size - 1];
                    assert_eq!(read(cut), one_by_one(cut), "{cut:02x?}");
                }
            }
        }
    }
}
