//! Varints: 7 bits a byte, least significant first, the high bit set on all bytes but the last.

/// Why a varint could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The bytes end before the varint does.
    Truncated,
    /// More than 10 bytes, or bits above the 64th.
    TooLong,
}

/// Bytes that the longest varint takes.
pub(super) const VARINT_SIZE_MAX: usize = 10;

/// Splits the varint off the front of `bytes`.
#[inline]
pub(super) fn split(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    match bytes.split_first() {
        Some((&byte, rest)) if byte < 0x80 => Ok((u64::from(byte), rest)),
        _ => split_long(bytes),
    }
}

#[inline(always)]
fn split_long(bytes: &[u8]) -> Result<(u64, &[u8]), Fault> {
    match bytes.first_chunk::<VARINT_SIZE_MAX>() {
        // The common case: the compiler unrolls the loop because the length is known.
        Some(chunk) => {
            let (value, size) = value_and_size(chunk).ok_or(Fault::TooLong)?;
            Ok((value, &bytes[size..]))
        }
        None => {
            let (value, size) = value_and_size(bytes).ok_or(Fault::Truncated)?;
            Ok((value, &bytes[size..]))
        }
    }
}

/// The varint at the front of `bytes` and its size; size 0 if there is none. For those of more than
/// one byte: up to eight are read as one word, without a branch for each.
#[inline(never)]
pub(super) fn long(bytes: &[u8]) -> (u64, usize) {
    if let Some(chunk) = bytes.first_chunk() {
        let word = u64::from_le_bytes(*chunk);
        let ends = !word & CONTINUATIONS;
        if ends != 0 {
            let size = ends.trailing_zeros() as usize / 8 + 1;
            return (gather(word & (u64::MAX >> (64 - 8 * size))), size);
        }
    }
    match split(bytes) {
        Ok((value, rest)) => (value, bytes.len() - rest.len()),
        Err(_) => (0, 0),
    }
}

/// The bits that say of each of eight bytes that the varint goes on.
pub(super) const CONTINUATIONS: u64 = 0x8080_8080_8080_8080;

/// The value whose groups of seven bits stand in the eight bytes of `word`, the lowest first.
#[inline(always)]
pub(super) fn gather(word: u64) -> u64 {
    let word = word & !CONTINUATIONS;
    let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
    (word & 0x0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4)
}

/// The varint of `value` in the highest bytes of a word, and its size. Only the size is right where
/// that is more than eight bytes.
#[inline(always)]
pub(super) fn spread_to_end(value: u64) -> (u64, usize) {
    let size = size(value);
    let word = (value & 0x0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x0fff_c000_0fff_c000) << 2);
    let word = (word & 0x007f_007f_007f_007f) | ((word & 0x3f80_3f80_3f80_3f80) << 1);
    // Every byte but the last says that another one follows.
    let unused = 64_u32.wrapping_sub(8 * size as u32) & 63;
    let word = (word | CONTINUATIONS) << unused;
    (word & !(1 << 63), size)
}

/// Fills all of `bytes` with `value`, whose varint is that long.
#[inline]
pub(super) fn fill(bytes: &mut [u8], mut value: u64) {
    for byte in bytes.iter_mut() {
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
}

/// `None` if no byte ends the varint, or if the tenth has more than one bit.
#[inline(always)]
fn value_and_size(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte < 0x80 {
            let fits = index + 1 < VARINT_SIZE_MAX || byte <= 1;
            return fits.then_some((value, index + 1));
        }
    }
    None
}

/// Bytes that `value` takes as a varint, 1 to 10.
#[inline]
pub(super) fn size(value: u64) -> usize {
    // 9 / 64 is just over 1 / 7, which makes this the rounded-up number of groups of 7 bits.
    ((value | 1).ilog2() as usize * 9 + 73) / 64
}

/// Maps signed to unsigned numbers so that small absolute values stay small.
#[inline]
pub(super) fn zigzag32(value: i32) -> u32 {
    (value.cast_unsigned() << 1) ^ (value >> 31).cast_unsigned()
}

/// The inverse of [`zigzag32`].
#[inline]
pub(super) fn unzigzag32(value: u32) -> i32 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

/// Maps signed to unsigned numbers so that small absolute values stay small.
#[inline]
pub(super) fn zigzag64(value: i64) -> u64 {
    (value.cast_unsigned() << 1) ^ (value >> 63).cast_unsigned()
}

/// The inverse of [`zigzag64`].
#[inline]
pub(super) fn unzigzag64(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -(value & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The size of a varint is its number of significant bits divided by 7, rounded up, and at
    /// least 1.
    #[test]
    fn size_is_bits_divided_by_seven() {
        assert_eq!(size(0), 1);
        for bits in 1..=64_u32 {
            let most = u64::MAX >> (64 - bits);
            assert_eq!(size(most), bits.div_ceil(7) as usize, "{bits} bits");
            assert_eq!(size(most ^ (most >> 1)), bits.div_ceil(7) as usize, "{bits} bits");
        }
    }

    /// A varint may be longer than it needs to be, but not than 10 bytes, and not than 64 bits.
    #[test]
    fn varint_ends_within_ten_bytes_and_sixty_four_bits() {
        let ones = |count: usize, last: u8| [vec![0xff; count], vec![last]].concat();
        assert_eq!(split(&ones(9, 1)), Ok((u64::MAX, &[][..])));
        assert_eq!(split(&ones(9, 2)), Err(Fault::TooLong));
        assert_eq!(split(&ones(10, 0)), Err(Fault::TooLong));
        assert_eq!(split(&ones(10, 1)), Err(Fault::TooLong));
        assert_eq!(split(&[0x80, 0x80, 0x00, 7]), Ok((0, &[7][..])));
        assert_eq!(split(&[0x80; 9]), Err(Fault::Truncated));
        assert_eq!(split(&[]), Err(Fault::Truncated));
    }

    /// A varint that is spread over a word and gathered from one is the varint byte by byte.
    #[test]
    fn words_hold_what_bytes_hold() {
        for bits in 0..=56_u32 {
            let most = (1_u64 << bits) - 1;
            for value in [most, most ^ (most >> 1), most & 0x5555_5555_5555_5555] {
                let (word, size) = spread_to_end(value);
                let mut bytes = [0; 8];
                fill(&mut bytes[..size], value);
                assert_eq!(word >> (64 - 8 * size), u64::from_le_bytes(bytes), "{value:#x}");
                assert_eq!(gather(u64::from_le_bytes(bytes)), value, "{value:#x}");
                assert_eq!(long(&[&bytes[..size], &[7; 9]].concat()), (value, size));
                assert_eq!(long(&bytes[..size]), (value, size));
            }
        }
        assert_eq!(spread_to_end(1 << 56).1, 9);
        assert_eq!(spread_to_end(u64::MAX).1, 10);
    }

    /// Zigzag maps 0, -1, 1, -2 to 0, 1, 2, 3 and covers the whole range.
    #[test]
    fn zigzag_alternates_signs() {
        for (signed, unsigned) in [(0, 0), (-1, 1), (1, 2), (-2, 3), (i32::MAX, u32::MAX - 1)] {
            assert_eq!(zigzag32(signed), unsigned);
            assert_eq!(unzigzag32(unsigned), signed);
            assert_eq!(unzigzag64(zigzag64(i64::from(signed))), i64::from(signed));
        }
        assert_eq!(unzigzag32(zigzag32(i32::MIN)), i32::MIN);
        assert_eq!(unzigzag64(zigzag64(i64::MIN)), i64::MIN);
        assert_eq!(zigzag64(i64::MIN), u64::MAX);
    }
}
