//! Integers with an N-bit prefix (RFC 7541 5.1).
//!
//! Invariant: a decoded integer fits 29 bits, so that sums of a few of them cannot overflow.

use super::Error;
use crate::limits::HPACK_INTEGER_OCTETS_MAX;

/// Decodes an integer whose prefix is the low `prefix_bits` of `first`; the rest of it is taken
/// from the front of `input`.
#[inline]
pub(super) fn decode(first: u8, prefix_bits: u32, input: &mut &[u8]) -> Result<usize, Error> {
    let prefix_max = prefix_max(prefix_bits);
    let prefix = usize::from(first) & prefix_max;
    if prefix < prefix_max {
        return Ok(prefix);
    }
    decode_rest(prefix_max, input)
}

/// Appends `value`; `pattern` holds the bits above the prefix.
#[inline]
pub(super) fn encode(value: usize, prefix_bits: u32, pattern: u8, out: &mut Vec<u8>) {
    let prefix_max = prefix_max(prefix_bits);
    if value < prefix_max {
        out.push(pattern | value as u8);
    } else {
        encode_beyond_prefix(value, prefix_max, pattern, out);
    }
}

#[cold]
fn encode_beyond_prefix(value: usize, prefix_max: usize, pattern: u8, out: &mut Vec<u8>) {
    out.push(pattern | prefix_max as u8);
    let mut rest = value - prefix_max;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

#[cold]
fn decode_rest(prefix_max: usize, input: &mut &[u8]) -> Result<usize, Error> {
    let mut value = prefix_max;
    for octet_index in 0..HPACK_INTEGER_OCTETS_MAX - 1 {
        let (&octet, rest) = input.split_first().ok_or(Error::Truncated)?;
        *input = rest;
        value += usize::from(octet & 0x7f) << (7 * octet_index);
        if octet & 0x80 == 0 {
            return Ok(value);
        }
    }
    // RFC 7541 5.1: encodings that exceed the limits of an implementation, in value or in octets,
    // must be treated as decoding errors.
    Err(Error::IntegerTooLong)
}

const fn prefix_max(prefix_bits: u32) -> usize {
    (1 << prefix_bits) - 1
}

// The largest value, four octets of seven bits after a prefix of eight, fits 29 bits.
const _: () = assert!(7 * (HPACK_INTEGER_OCTETS_MAX - 1) <= 28);

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: usize, prefix_bits: u32, expected: &[u8]) {
        let mut out = Vec::new();
        encode(value, prefix_bits, 0, &mut out);
        assert_eq!(out, expected, "{value} with a prefix of {prefix_bits} bits");
        assert_eq!(decode_all(expected, prefix_bits), Ok(value));
    }

    fn decode_all(bytes: &[u8], prefix_bits: u32) -> Result<usize, Error> {
        let mut input = &bytes[1..];
        let value = decode(bytes[0], prefix_bits, &mut input)?;
        assert!(input.is_empty(), "{} octets were left", input.len());
        Ok(value)
    }

    /// RFC 7541 C.1: the three examples of integers.
    #[test]
    fn integers_of_appendix_c_1() {
        check(10, 5, &[0x0a]);
        check(1337, 5, &[0x1f, 0x9a, 0x0a]);
        check(42, 8, &[0x2a]);
    }

    /// RFC 7541 5.1: a value below 2^N - 1 fits the prefix, 2^N - 1 itself takes one octet more.
    #[test]
    fn the_largest_prefix_is_followed_by_an_octet() {
        for prefix_bits in 4..=8 {
            let prefix_max = (1 << prefix_bits) - 1;
            check(0, prefix_bits, &[0]);
            check(prefix_max - 1, prefix_bits, &[prefix_max as u8 - 1]);
            check(prefix_max, prefix_bits, &[prefix_max as u8, 0]);
            check(prefix_max + 0x7f, prefix_bits, &[prefix_max as u8, 0x7f]);
            check(prefix_max + 0x80, prefix_bits, &[prefix_max as u8, 0x80, 0x01]);
        }
    }

    /// RFC 7541 5.1: the bits above the prefix do not belong to the integer.
    #[test]
    fn bits_above_the_prefix_are_not_part_of_the_integer() {
        assert_eq!(decode_all(&[0xea], 5), Ok(10));
        assert_eq!(decode_all(&[0xff, 0x9a, 0x0a], 5), Ok(1337));
    }

    /// RFC 7541 5.1: an integer of more octets or of a larger value than the implementation takes
    /// is a decoding error. Five octets are taken, six are not, whatever their value.
    #[test]
    fn an_integer_too_large_or_too_long_is_an_error() {
        let most = 0x1f + (1 << 28) - 1;
        assert_eq!(decode_all(&[0x1f, 0xff, 0xff, 0xff, 0x7f], 5), Ok(most));
        assert_eq!(
            decode_all(&[0x1f, 0xff, 0xff, 0xff, 0xff, 0x00], 5),
            Err(Error::IntegerTooLong)
        );
        assert_eq!(decode_all(&[0x1f, 0x80, 0x80, 0x80, 0x00], 5), Ok(0x1f));
        assert_eq!(
            decode_all(&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x00], 5),
            Err(Error::IntegerTooLong)
        );
    }

    /// An integer that is cut off is an error wherever the cut is.
    #[test]
    fn a_truncated_integer_is_an_error() {
        for end in 1..5 {
            let cut = &[0x1f, 0xff, 0xff, 0xff, 0x7f][..end];
            assert_eq!(decode_all(cut, 5), Err(Error::Truncated));
        }
    }
}
