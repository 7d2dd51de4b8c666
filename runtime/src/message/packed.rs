//! Packed fields: their elements one after the other, without tags.
//!
//! Invariant: what is reserved is what the payload holds, and was charged before.

use super::DecodeError;
use super::error::DecodeErrorKind;
use super::reader::Reader;
use super::varint::{self, CONTINUATIONS, gather};

impl Reader<'_> {
    /// Varints up to the end, each decoded by `decode`.
    pub(super) fn varints<T: Clone + Default>(
        mut self,
        values: &mut Vec<T>,
        decode: impl Fn(u64) -> T,
    ) -> Result<(), DecodeError> {
        let payload = self.rest();
        // Each varint has one byte that ends it.
        let count = payload.iter().filter(|byte| **byte < 0x80).count();
        self.charge(count.saturating_mul(size_of::<T>()))?;
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
    pub(super) fn chunks<T, const N: usize>(
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
        self.charge(payload.len())?;
        values.extend(chunks.iter().map(|chunk| decode(*chunk)));
        Ok(())
    }
}

/// Fills `values` and returns how many bytes that took: fewer than there are where a varint is none.
fn fill<T>(payload: &[u8], values: &mut [T], decode: impl Fn(u64) -> T) -> usize {
    let mut at = 0;
    let mut left = values.iter_mut();
    // Eight bytes at a time: where varints end is known for all of them before any is read, so that
    // reading one does not wait for the one before.
    while let (Some(word), Some(_)) = (word_at(payload, at), payload.get(at + 16)) {
        let mut ends = !word & CONTINUATIONS;
        if ends == CONTINUATIONS && left.len() >= 8 {
            for (byte, value) in word.to_le_bytes().into_iter().zip(&mut left) {
                *value = decode(u64::from(byte));
            }
            at += 8;
            continue;
        }
        if ends == 0 {
            let (value, size) = varint::long(&payload[at..]);
            match left.next() {
                Some(place) if size > 0 => *place = decode(value),
                _ => return at,
            }
            at += size;
            continue;
        }
        let base = at;
        while ends != 0 {
            let end = base + ends.trailing_zeros() as usize / 8 + 1;
            let (Some(bytes), Some(place)) = (word_at(payload, at), left.next()) else { return at };
            *place = decode(gather(bytes & (u64::MAX >> (64 - 8 * (end - at)))));
            at = end;
            ends &= ends - 1;
        }
    }
    let mut rest = &payload[at..];
    for place in left {
        match varint::split(rest) {
            Ok((value, after)) => {
                *place = decode(value);
                rest = after;
            }
            Err(_) => break,
        }
    }
    payload.len() - rest.len()
}

#[inline(always)]
fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
