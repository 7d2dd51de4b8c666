//! The literals of strings and floats, both ways.

use std::fmt::{self, Write};

/// The bytes of a string literal, with its quotes; an error says what is wrong.
pub(super) fn unescape(literal: &str, bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut rest = &literal.as_bytes()[1..literal.len() - 1];
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let Some((&escape, after)) = after.split_first() else {
            return Err("expected an escape behind `\\`".to_owned());
        };
        rest = after;
        let byte = match escape {
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 11,
            b'?' | b'\\' | b'\'' | b'"' => escape,
            b'x' | b'X' => number(&mut rest, 16, 1, 2)
                .and_then(|value| u8::try_from(value).ok())
                .ok_or("expected one or two hexadecimal digits behind `\\x`")?,
            b'0'..=b'7' => {
                let digit = u32::from(escape - b'0');
                let more = number(&mut rest, 8, 0, 2).unwrap_or_default();
                let used = after.len() - rest.len();
                let value = digit * 8_u32.pow(used as u32) + more;
                u8::try_from(value).map_err(|_| "expected an octal escape up to `\\377`")?
            }
            b'u' | b'U' => {
                let width = if escape == b'u' { 4 } else { 8 };
                let value = number(&mut rest, 16, width, width).and_then(char::from_u32);
                let letter = value.ok_or_else(|| {
                    let escape = char::from(escape);
                    format!(
                        "expected {width} digits behind `\\{escape}` for a code point that is no surrogate"
                    )
                })?;
                bytes.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                continue;
            }
            other => return Err(format!("expected an escape, found `\\{}`", other.escape_ascii())),
        };
        bytes.push(byte);
    }
    Ok(())
}

/// The number of `least` to `most` digits at the beginning.
fn number(rest: &mut &[u8], radix: u32, least: usize, most: usize) -> Option<u32> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let count = rest.iter().take(most).take_while(is_digit).count();
    let (digits, after) = rest.split_at(count);
    *rest = after;
    if count < least {
        return None;
    }
    digits.iter().try_fold(0_u32, |value, digit| {
        let digit = char::from(*digit).to_digit(radix)?;
        value.checked_mul(radix)?.checked_add(digit)
    })
}

/// Writes text as a literal: what is no printable ASCII but valid UTF-8 stays as it is.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match u8::try_from(letter) {
            Ok(byte) if letter.is_ascii() => write_byte(out, byte),
            _ if letter.is_control() => {
                let mut buffer = [0; 4];
                letter.encode_utf8(&mut buffer).bytes().for_each(|byte| write_byte(out, byte));
            }
            _ => out.push(letter),
        }
    }
    out.push('"');
}

/// Writes bytes as a literal: what is no printable ASCII becomes octal.
pub(super) fn write_bytes(out: &mut String, bytes: &[u8]) {
    out.push('"');
    bytes.iter().for_each(|byte| write_byte(out, *byte));
    out.push('"');
}

fn write_byte(out: &mut String, byte: u8) {
    match byte {
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        b'"' | b'\'' | b'\\' => out.extend(['\\', char::from(byte)]),
        0x20..0x7f => out.push(char::from(byte)),
        _ => infallible(write!(out, "\\{byte:03o}")),
    }
}

/// Writes the shortest number that reads as the same one.
pub(super) fn write_f64(out: &mut String, value: f64) {
    match () {
        () if value.is_nan() => out.push_str("nan"),
        () if value.is_infinite() => out.push_str(if value > 0.0 { "inf" } else { "-inf" }),
        () => infallible(write!(out, "{}", Plain(format!("{value:?}")))),
    }
}

/// Writes the shortest number that reads as the same one.
pub(super) fn write_f32(out: &mut String, value: f32) {
    match () {
        () if value.is_nan() => out.push_str("nan"),
        () if value.is_infinite() => out.push_str(if value > 0.0 { "inf" } else { "-inf" }),
        () => infallible(write!(out, "{}", Plain(format!("{value:?}")))),
    }
}

/// A number without the `.0` of whole ones.
struct Plain(String);

impl fmt::Display for Plain {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.0.strip_suffix(".0").unwrap_or(&self.0))
    }
}

/// For writing into a string.
pub(super) fn infallible(result: fmt::Result) {
    result.expect("a string takes everything");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(literal: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        unescape(literal, &mut bytes).map(|()| bytes)
    }

    /// Specification, "String Literals": every escape.
    #[test]
    fn escapes_are_read() {
        assert_eq!(read(r#""\a\b\f\n\r\t\v\?\\\'\"""#).unwrap(), b"\x07\x08\x0c\n\r\t\x0b?\\'\"");
        assert_eq!(read(r#""\0\12\1234\377\x4\x41g\X41""#).unwrap(), b"\0\nS4\xff\x04AgA");
        assert_eq!(read(r#""\u00e9\U0001F600""#).unwrap(), "é😀".as_bytes());
    }

    /// Specification, "String Literals": surrogates, code points beyond the last, lone marks.
    #[test]
    fn bad_escapes_are_refused() {
        for literal in [
            r#""\q""#,
            r#""\x""#,
            r#""\xg""#,
            r#""\400""#,
            r#""\u12""#,
            r#""\ud83d""#,
            r#""\U00110000""#,
        ] {
            assert!(read(literal).is_err(), "{literal}");
        }
    }

    /// What is written is read as the same bytes.
    #[test]
    fn literals_go_both_ways() {
        let all: Vec<u8> = (0..=255).collect();
        let mut literal = String::new();
        write_bytes(&mut literal, &all);
        assert_eq!(read(&literal).unwrap(), all);
        literal.clear();
        let text = "\0\u{7f}\u{80}é😀\"'\\";
        write_text(&mut literal, text);
        assert_eq!(read(&literal).unwrap(), text.as_bytes());
        assert!(literal.contains("é😀"), "{literal}");
    }

    /// Floats are as short as they can be.
    #[test]
    fn floats_are_short() {
        let mut out = String::new();
        for value in [0.0, -0.0, 1.5, 1e20, 1e-7, f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            write_f64(&mut out, value);
            out.push(' ');
        }
        write_f32(&mut out, 0.1);
        assert_eq!(out, "0 -0 1.5 1e20 1e-7 inf -inf nan 0.1");
    }
}
