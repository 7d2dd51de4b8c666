//! Percent-encoding of `grpc-message`.
//!
//! PROTOCOL-HTTP2.md, Responses: bytes outside 0x20-0x7E and `%` travel as `%XX` with upper-case
//! digits, over UTF-8. Decoding never fails: what is malformed is kept as it came, and what is not
//! UTF-8 afterwards becomes U+FFFD.

use std::borrow::Cow;

/// `text` as it may stand in a header field; borrowed when nothing has to change.
pub(crate) fn encode(text: &str) -> Cow<'_, [u8]> {
    let bytes = text.as_bytes();
    let Some(first) = bytes.iter().position(|byte| !is_plain(*byte)) else {
        // RFC 9113 8.2.1: a field value does not start or end with a space.
        return if has_outer_space(bytes) { encode_from(bytes, 0) } else { Cow::Borrowed(bytes) };
    };
    encode_from(bytes, if has_outer_space(bytes) { 0 } else { first })
}

/// The text that the field value `bytes` stands for.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let mut plain = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = match (byte, tail) {
            (b'%', [high, low, after @ ..]) => match (hex_value(*high), hex_value(*low)) {
                (Some(high), Some(low)) => {
                    plain.push(high << 4 | low);
                    after
                }
                _ => {
                    plain.push(byte);
                    tail
                }
            },
            _ => {
                plain.push(byte);
                tail
            }
        };
    }
    match String::from_utf8(plain) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}

/// Encodes all of `bytes`, of which the first `plain` are known to need nothing.
fn encode_from(bytes: &[u8], plain: usize) -> Cow<'_, [u8]> {
    let mut out = Vec::with_capacity(bytes.len() + 16);
    out.extend_from_slice(&bytes[..plain]);
    let last = bytes.len().saturating_sub(1);
    for (index, byte) in bytes.iter().enumerate().skip(plain) {
        let outer_space = *byte == b' ' && (index == 0 || index == last);
        if is_plain(*byte) && !outer_space {
            out.push(*byte);
        } else {
            let digit = |value: u8| HEX[usize::from(value)];
            out.extend_from_slice(&[b'%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    Cow::Owned(out)
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, 0x20..=0x7e) && byte != b'%'
}

fn has_outer_space(bytes: &[u8]) -> bool {
    bytes.first() == Some(&b' ') || bytes.last() == Some(&b' ')
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

const HEX: &[u8; 16] = b"0123456789ABCDEF";

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str) -> String {
        String::from_utf8(encode(text).into_owned()).unwrap()
    }

    /// PROTOCOL-HTTP2.md: only bytes outside 0x20-0x7E and the percent sign are encoded, in
    /// upper case, byte by byte of the UTF-8.
    #[test]
    fn only_what_must_be_is_encoded() {
        assert_eq!(encoded("plain ~ text"), "plain ~ text");
        assert_eq!(encoded("100%"), "100%25");
        assert_eq!(encoded("a\r\nb\u{7f}"), "a%0D%0Ab%7F");
        assert_eq!(encoded("你好 🦀"), "%E4%BD%A0%E5%A5%BD %F0%9F%A6%80");
        assert_eq!(encoded(""), "");
    }

    /// RFC 9113 8.2.1: a field value neither starts nor ends with a space, so those are encoded.
    #[test]
    fn outer_spaces_survive_as_escapes() {
        assert_eq!(encoded(" a b "), "%20a b%20");
        assert_eq!(encoded(" "), "%20");
        assert_eq!(encoded(" é"), "%20%C3%A9");
        assert_eq!(decode(b"%20a b%20"), " a b ");
    }

    /// Decoding never fails: malformed escapes stay, bytes that are not UTF-8 become U+FFFD.
    #[test]
    fn decoding_never_fails() {
        for (raw, text) in [
            ("", ""),
            ("a%20b", "a b"),
            ("%e4%bd%a0", "你"),
            ("%", "%"),
            ("100%", "100%"),
            ("%2", "%2"),
            ("%zz%20", "%zz "),
            ("%%20", "% "),
            ("%ff", "\u{fffd}"),
        ] {
            assert_eq!(decode(raw.as_bytes()), text, "{raw}");
        }
        assert_eq!(decode(&[0xc3, 0x28]), "\u{fffd}(");
    }

    /// Whatever the text, it comes back as it was.
    #[test]
    fn every_character_comes_back() {
        for code in (0..0x3000).chain(0x1f300..0x1f700).filter_map(char::from_u32) {
            let text = format!("{code}a{code}");
            assert_eq!(decode(&encode(&text)), text);
        }
    }
}
