//! Writing packed varints: by the block, since short ones take no branch once all of a block are known
//! to be short.
//!
//! Invariant: the bytes are those of the varints written one by one.

use crate::message::field_writer::FieldWriter;

impl FieldWriter<'_, '_> {
    /// Varints one after the other, each made from its value by `encode`.
    #[inline(always)]
    pub(in crate::message) fn varints<T: Copy>(&mut self, values: &[T], encode: impl Fn(T) -> u64) {
        let (first, blocks) = values.as_rchunks::<BLOCK>();
        for block in blocks.iter().rev() {
            let bits = block.iter().fold(0, |bits, value| bits | encode(*value));
            if bits < 1 << 7 {
                self.prepend_chunk(block.map(|value| encode(value) as u8));
            } else if bits < 1 << 14
                && let Some(place) = self.last_chunk_mut()
            {
                let left = fill(place, block.map(|value| encode(value) as u16));
                self.take(ROOM - left);
            } else {
                block.iter().rev().for_each(|value| self.varint(encode(*value)));
            }
        }
        for &value in first.iter().rev() {
            self.varint(encode(value));
        }
    }
}

/// Writes varints of one byte or two to the end of `place`, and returns how many bytes are left.
#[inline(always)]
fn fill(place: &mut [u8; ROOM], values: [u16; BLOCK]) -> usize {
    let mut left = ROOM;
    for value in values.into_iter().rev() {
        let is_long = u16::from(value >= 0x80);
        let bytes = value & 0x7f | is_long << 7 | value >> 7 << 8;
        // A short one stands in the second byte, and what the first one is overwrites next.
        let bytes = bytes << (8 - 8 * is_long);
        // Below the mask anyway, which saves a check.
        let at = (left - 2) & (ROOM - 2);
        place[at..at + 2].copy_from_slice(&bytes.to_le_bytes());
        left -= 1 + usize::from(is_long);
    }
    left
}

/// Varints that are written together.
const BLOCK: usize = 8;

/// Room for a block of varints of two bytes. All but its last byte are below a power of two.
const ROOM: usize = 31 + 2;

const _: () = assert!(ROOM >= 2 * BLOCK && (ROOM - 1).is_power_of_two());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::field_writer::Outside;
    use crate::message::varint;

    fn written(values: &[u64], room: &mut [u8]) -> Vec<u8> {
        let mut outside = Outside::default();
        let mut writer = FieldWriter::new(room, &mut outside);
        writer.varints(values, |value| value);
        let left = writer.room_left();
        assert_eq!(outside.size, 0);
        room[left..].to_vec()
    }

    fn one_by_one(values: &[u64]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for value in values {
            let at = bytes.len();
            bytes.resize(at + varint::size(*value), 0);
            varint::fill(&mut bytes[at..], *value);
        }
        bytes
    }

    /// Varints of all sizes, in blocks of one size and of several, are those written one by one,
    /// in room of any size that does.
    #[test]
    fn packed_varints_are_those_written_one_by_one() {
        let largest = |bits: u32| u64::MAX.checked_shr(64 - bits).unwrap_or(0);
        for count in 0..40_u32 {
            for bits in 0..=64_u32 {
                for spread in [1, 2, 3, 8, 64] {
                    let of = |index: u32| largest(bits.saturating_sub(index * 7 % spread));
                    let values: Vec<u64> = (0..count).map(of).collect();
                    let expected = one_by_one(&values);
                    for room in [0, 1, 7, 33, 150] {
                        let mut room = vec![0xaa; expected.len() + room];
                        assert_eq!(written(&values, &mut room), expected, "{values:x?}");
                    }
                }
            }
        }
    }
}
