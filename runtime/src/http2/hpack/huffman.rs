//! The Huffman code of header strings (RFC 7541 5.2 and appendix B).
//!
//! The code is canonical: codes are handed out in the order of length, then symbol. So the lengths
//! alone say everything, and all tables are computed from them when the crate is compiled.
//!
//! Invariant: `decode` takes exactly what `encode` can make, and does work in the order of the
//! coded length, whatever the bits are.

use super::Error;

/// Appends the string that `coded` stands for.
///
/// # Errors
///
/// [`Error::ListTooLarge`] as soon as the string is longer than `size_max`;
/// [`Error::HuffmanEos`] and [`Error::HuffmanPadding`] as RFC 7541 5.2 says.
pub(super) fn decode(coded: &[u8], size_max: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    out.reserve(size_max.min(coded.len() * 8 / LENGTH_MIN));
    let out_len_max = out.len() + size_max;
    let mut input = coded;
    // The next `count` bits stand at the top of `window`, the bits below them are 0.
    let (mut window, mut count) = (0_u64, 0_usize);
    loop {
        if count < LENGTH_MAX {
            refill(&mut input, &mut window, &mut count);
        }
        // A symbol that the input does not hold whole is completed by ones, as its padding is.
        let padded = window | (u64::MAX >> count);
        let (symbol, length) = first_symbol(padded);
        if length > count {
            return check_padding(padded, count);
        }
        if symbol == EOS {
            // RFC 7541 5.2: a string that contains the EOS symbol is a decoding error.
            return Err(Error::HuffmanEos);
        }
        if out.len() == out_len_max {
            return Err(Error::ListTooLarge);
        }
        out.push(symbol as u8);
        window <<= length;
        count -= length;
    }
}

/// How many octets [`encode`] makes of `plain`.
pub(super) fn encoded_len(plain: &[u8]) -> usize {
    let bits: usize = plain.iter().map(|&octet| usize::from(LENGTHS[usize::from(octet)])).sum();
    bits.div_ceil(8)
}

/// Appends the code of `plain`, padded with ones.
#[inline(never)]
pub(super) fn encode(plain: &[u8], out: &mut Vec<u8>) {
    // The last `count` bits of `window` are not yet written, always fewer than 32.
    let (mut window, mut count) = (0_u64, 0_u32);
    for &octet in plain {
        let length = u32::from(LENGTHS[usize::from(octet)]);
        window = window << length | u64::from(CODES[usize::from(octet)]);
        count += length;
        if count >= 32 {
            count -= 32;
            out.extend_from_slice(&((window >> count) as u32).to_be_bytes());
        }
    }
    let octets = count.div_ceil(8);
    // RFC 7541 5.2: the padding is the most significant bits of EOS, which are ones.
    let padding = octets * 8 - count;
    let last = (window << padding | ((1 << padding) - 1)) as u32;
    out.extend_from_slice(&last.to_be_bytes()[4 - octets as usize..]);
}

/// Adds whole octets of `input` to a window of fewer than 30 bits.
fn refill(input: &mut &[u8], window: &mut u64, count: &mut usize) {
    if let Some((octets, rest)) = input.split_first_chunk::<4>() {
        *window |= u64::from(u32::from_be_bytes(*octets)) << (32 - *count);
        *count += 32;
        *input = rest;
        return;
    }
    for &octet in *input {
        *window |= u64::from(octet) << (56 - *count);
        *count += 8;
    }
    *input = &[];
}

/// The symbol at the top of `window`, and the length of its code.
fn first_symbol(window: u64) -> (u16, usize) {
    let (symbol, length) = SHORT[(window >> 56) as usize];
    if length != 0 {
        return (u16::from(symbol), usize::from(length));
    }
    first_long_symbol((window >> 32) as u32)
}

/// As [`first_symbol`], for codes of more than 8 bits.
#[cold]
fn first_long_symbol(window: u32) -> (u16, usize) {
    let group =
        GROUPS.iter().find(|group| window <= group.last).expect("the last group ends with 32 ones");
    let index = (window - group.first) >> (32 - group.length);
    (BY_CODE[group.index + index as usize], group.length)
}

/// What is left of a string after its last whole symbol: `count` bits of `padded`.
fn check_padding(padded: u64, count: usize) -> Result<(), Error> {
    // RFC 7541 5.2: a padding longer than 7 bits, or other than the most significant bits of EOS,
    // is a decoding error.
    if count > 7 || padded != u64::MAX {
        return Err(Error::HuffmanPadding);
    }
    Ok(())
}

/// All codes of one length above 8 bits, left-aligned in 32 bits.
#[derive(Clone, Copy)]
struct Group {
    length: usize,
    first: u32,
    /// The last code, with ones below it.
    last: u32,
    /// Where its symbols begin in [`BY_CODE`].
    index: usize,
}

const SYMBOLS: usize = 257;
const EOS: u16 = 256;
const LENGTH_MIN: usize = 5;
const LENGTH_MAX: usize = 30;
const GROUP_COUNT: usize = count_long_lengths();

/// RFC 7541 appendix B: the length of every symbol's code in bits.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Every symbol in the order of its code.
const BY_CODE: [u16; SYMBOLS] = sort_symbols();

/// The code of every symbol, right-aligned.
const CODES: [u32; SYMBOLS] = assign_codes();

/// By the first 8 bits: the symbol they begin with and its length, or length 0 for longer codes.
const SHORT: [(u8, u8); 256] = short_codes();

/// The longer codes, shortest first.
const GROUPS: [Group; GROUP_COUNT] = long_codes();

const fn sort_symbols() -> [u16; SYMBOLS] {
    let mut sorted = [0; SYMBOLS];
    let (mut length, mut index) = (LENGTH_MIN, 0);
    while length <= LENGTH_MAX {
        let mut symbol = 0;
        while symbol < SYMBOLS {
            if LENGTHS[symbol] as usize == length {
                sorted[index] = symbol as u16;
                index += 1;
            }
            symbol += 1;
        }
        length += 1;
    }
    assert!(index == SYMBOLS);
    sorted
}

const fn assign_codes() -> [u32; SYMBOLS] {
    let mut codes = [0; SYMBOLS];
    let (mut code, mut length, mut index) = (0_u32, LENGTH_MIN, 0);
    while index < SYMBOLS {
        let symbol = BY_CODE[index] as usize;
        code <<= LENGTHS[symbol] as usize - length;
        length = LENGTHS[symbol] as usize;
        codes[symbol] = code;
        code += 1;
        index += 1;
    }
    // The code is complete: EOS is the last one and consists of ones.
    assert!(code == 1 << LENGTH_MAX);
    codes
}

const fn short_codes() -> [(u8, u8); 256] {
    let mut table = [(0, 0); 256];
    let mut symbol = 0;
    while symbol < SYMBOLS {
        let length = LENGTHS[symbol];
        if length <= 8 {
            let spare_bits = 8 - length;
            let first = (CODES[symbol] << spare_bits) as usize;
            let mut offset = 0;
            while offset < 1 << spare_bits {
                table[first + offset] = (symbol as u8, length);
                offset += 1;
            }
        }
        symbol += 1;
    }
    table
}

const fn count_long_lengths() -> usize {
    let (mut count, mut length) = (0, 9);
    while length <= LENGTH_MAX {
        let mut symbol = 0;
        while symbol < SYMBOLS && LENGTHS[symbol] as usize != length {
            symbol += 1;
        }
        if symbol < SYMBOLS {
            count += 1;
        }
        length += 1;
    }
    count
}

const fn long_codes() -> [Group; GROUP_COUNT] {
    let mut groups = [Group { length: 0, first: 0, last: 0, index: 0 }; GROUP_COUNT];
    let (mut count, mut index) = (0, 0);
    while index < SYMBOLS {
        let symbol = BY_CODE[index] as usize;
        let length = LENGTHS[symbol] as usize;
        let code = CODES[symbol] << (32 - length);
        if length > 8 {
            if count == 0 || groups[count - 1].length != length {
                groups[count] = Group { length, first: code, last: 0, index };
                count += 1;
            }
            groups[count - 1].last = code | (u32::MAX >> length);
        }
        index += 1;
    }
    assert!(count == GROUP_COUNT && groups[count - 1].last == u32::MAX);
    groups
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn encoded(plain: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        encode(plain, &mut out);
        assert_eq!(out.len(), encoded_len(plain));
        out
    }

    fn decoded(coded: &[u8]) -> Result<Vec<u8>, Error> {
        let mut out = Vec::new();
        decode(coded, usize::MAX >> 1, &mut out).map(|()| out)
    }

    /// RFC 7541 appendix B: some codes of every kind of length, copied from the table.
    #[test]
    fn codes_of_appendix_b() {
        for (symbol, code, length) in [
            (b'0' as usize, 0x0, 5),
            (b't' as usize, 0x9, 5),
            (b' ' as usize, 0x14, 6),
            (b'u' as usize, 0x2d, 6),
            (b':' as usize, 0x5c, 7),
            (b'z' as usize, 0x7b, 7),
            (b'&' as usize, 0xf8, 8),
            (b'Z' as usize, 0xfd, 8),
            (b'!' as usize, 0x3f8, 10),
            (b'|' as usize, 0x7fc, 11),
            (b'#' as usize, 0xffa, 12),
            (0, 0x1ff8, 13),
            (b'~' as usize, 0x1ffd, 13),
            (b'}' as usize, 0x3ffd, 14),
            (b'{' as usize, 0x7ffe, 15),
            (b'\\' as usize, 0x7fff0, 19),
            (195, 0x7fff1, 19),
            (128, 0xfffe6, 20),
            (153, 0x1f_ffdc, 21),
            (129, 0x3f_ffd2, 22),
            (1, 0x7f_ffd8, 23),
            (9, 0xff_ffea, 24),
            (199, 0x1ff_ffec, 25),
            (192, 0x3ff_ffe0, 26),
            (203, 0x7ff_ffde, 27),
            (2, 0xfff_ffe2, 28),
            (249, 0xfff_fffe, 28),
            (10, 0x3fff_fffc, 30),
            (22, 0x3fff_fffe, 30),
            (256, 0x3fff_ffff, 30),
        ] {
            assert_eq!((CODES[symbol], LENGTHS[symbol]), (code, length), "symbol {symbol}");
        }
    }

    /// RFC 7541 5.2: every octet alone, in pairs and at every position within an octet, comes back.
    #[test]
    fn every_symbol_comes_back() {
        for first in 0..=255 {
            for lead in 0..8 {
                let mut plain = vec![b'0'; lead];
                plain.push(first);
                assert_eq!(decoded(&encoded(&plain)).as_deref(), Ok(&plain[..]));
                plain.push(!first);
                assert_eq!(decoded(&encoded(&plain)).as_deref(), Ok(&plain[..]));
            }
        }
        assert_eq!(decoded(&[]), Ok(Vec::new()));
    }

    /// RFC 7541 5.2: a string that contains EOS is a decoding error, at its start and later.
    #[test]
    fn eos_in_a_string_is_an_error() {
        assert_eq!(decoded(&[0xff, 0xff, 0xff, 0xff]), Err(Error::HuffmanEos));
        // '0' is 00000, then 30 ones and 5 bits of padding.
        assert_eq!(decoded(&[0x07, 0xff, 0xff, 0xff, 0xff]), Err(Error::HuffmanEos));
    }

    /// RFC 7541 5.2: a padding longer than 7 bits is a decoding error.
    #[test]
    fn padding_longer_than_7_bits_is_an_error() {
        // '&' is 11111000 and leaves no bits over: nothing, 1 to 3 octets of ones.
        assert_eq!(decoded(&[0xf8]), Ok(b"&".to_vec()));
        assert_eq!(decoded(&[0xf8, 0xff]), Err(Error::HuffmanPadding));
        assert_eq!(decoded(&[0xf8, 0xff, 0xff]), Err(Error::HuffmanPadding));
        assert_eq!(decoded(&[0xf8, 0xff, 0xff, 0xff]), Err(Error::HuffmanPadding));
        // ':' is 1011100 and leaves 1; '0' is 00000 and leaves 3; two of '1', 00001, leave 6;
        // nine of 'a', 00011, and ':' leave 4; '0' and '%', 010101, leave 5; three of 'A',
        // 100001, and ':' leave 7.
        for plain in ["", ":", "0", "11", "aaaaaaaaa:", "0%", "AAA:"] {
            let mut coded = encoded(plain.as_bytes());
            assert_eq!(decoded(&coded).as_deref(), Ok(plain.as_bytes()));
            coded.push(0xff);
            assert_eq!(decoded(&coded), Err(Error::HuffmanPadding), "{plain}");
        }
    }

    /// RFC 7541 5.2: a padding other than the most significant bits of EOS is a decoding error.
    #[test]
    fn padding_other_than_ones_is_an_error() {
        // '0' is 00000; of the three bits that follow only 111 is right.
        for padding in 0..7 {
            assert_eq!(decoded(&[padding]), Err(Error::HuffmanPadding), "{padding:03b}");
        }
        assert_eq!(decoded(&[0b111]), Ok(b"0".to_vec()));
    }

    /// Row 10 of the hardening list: decoding stops at the limit, before the string is whole.
    #[test]
    fn decoding_stops_at_the_limit() {
        let coded = encoded(b"0123456789");
        let mut out = Vec::new();
        assert_eq!(decode(&coded, 9, &mut out), Err(Error::ListTooLarge));
        assert!(out.len() <= 9 && out.capacity() < 32);
        out.clear();
        assert_eq!(decode(&coded, 10, &mut out), Ok(()));
    }

    proptest! {
        /// RFC 7541 5.2: what is encoded decodes to itself, and `encoded_len` tells its length.
        #[test]
        fn strings_come_back(plain in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert_eq!(decoded(&encoded(&plain)), Ok(plain));
        }

        /// RFC 7541 5.2: there is one code for a string, so what decodes is what would be encoded.
        #[test]
        fn what_decodes_is_what_would_be_encoded(
            coded in proptest::collection::vec(any::<u8>(), 0..64),
        ) {
            if let Ok(plain) = decoded(&coded) {
                prop_assert_eq!(encoded(&plain), coded);
            }
        }
    }
}
