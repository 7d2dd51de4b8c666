//! Standard base64 for `-bin` metadata: sent without padding, accepted with and without.
//!
//! PROTOCOL-HTTP2.md: "Implementations MUST accept padded and un-padded values and should emit
//! un-padded values."

/// Appends `bytes` to `out`, encoded without padding.
pub(crate) fn encode(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(encoded_len(bytes.len()));
    for group in bytes.chunks(3) {
        let at = |index: usize| u32::from(group.get(index).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for digit in 0..=group.len() {
            out.push(ALPHABET[(bits >> (18 - 6 * digit) & 63) as usize]);
        }
    }
}

/// Appends what `text` encodes to `out`; on an error `out` may hold a part of it.
pub(crate) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), Malformed> {
    let digits = match text {
        [start @ .., b'=', b'='] | [start @ .., b'='] if text.len().is_multiple_of(4) => start,
        whole => whole,
    };
    if digits.len() % 4 == 1 {
        return Err(Malformed);
    }
    out.reserve(digits.len() * 3 / 4);
    for group in digits.chunks(4) {
        let mut bits = 0;
        for (index, digit) in group.iter().enumerate() {
            let value = VALUES[usize::from(*digit)];
            if value == NO_DIGIT {
                return Err(Malformed);
            }
            bits |= u32::from(value) << (18 - 6 * index);
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..group.len()]);
    }
    Ok(())
}

/// How many bytes `len` bytes take once encoded.
pub(crate) const fn encoded_len(len: usize) -> usize {
    (len * 4).div_ceil(3)
}

/// The text is not base64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

const NO_DIGIT: u8 = 0xff;

/// The value of every byte as a digit.
const VALUES: [u8; 256] = {
    let mut values = [NO_DIGIT; 256];
    let mut index = 0;
    while index < ALPHABET.len() {
        values[ALPHABET[index] as usize] = index as u8;
        index += 1;
    }
    values
};

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bytes: &[u8]) -> String {
        let mut out = Vec::new();
        encode(bytes, &mut out);
        assert_eq!(out.len(), encoded_len(bytes.len()));
        String::from_utf8(out).unwrap()
    }

    fn decoded(text: &str) -> Result<Vec<u8>, Malformed> {
        let mut out = Vec::new();
        decode(text.as_bytes(), &mut out).map(|()| out)
    }

    /// RFC 4648 section 10: the test vectors, sent unpadded, accepted in both forms.
    #[test]
    fn rfc_4648_vectors_pass_both_ways() {
        for (plain, padded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let unpadded = padded.trim_end_matches('=');
            assert_eq!(encoded(plain.as_bytes()), unpadded);
            assert_eq!(decoded(unpadded).unwrap(), plain.as_bytes());
            assert_eq!(decoded(padded).unwrap(), plain.as_bytes());
        }
    }

    /// Every byte value survives, at every length modulo three.
    #[test]
    fn every_byte_comes_back() {
        let all: Vec<u8> = (0..=255).collect();
        for start in 0..4 {
            assert_eq!(decoded(&encoded(&all[start..])).unwrap(), &all[start..]);
        }
    }

    /// Text that is not base64 is an error, never a panic: a lone digit, a foreign byte, padding
    /// in the middle or in excess, the URL alphabet.
    #[test]
    fn malformed_text_is_an_error() {
        for text in
            ["A", "AAAAA", "A===", "=", "==", "====", "Zg=", "Zg==Zg==", "Zm 8", "_-_-", "é"]
        {
            assert_eq!(decoded(text), Err(Malformed), "{text}");
        }
    }
}
