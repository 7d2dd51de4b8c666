//! Numbers as JSON writes them: the grammar, integers in any notation, and the shortest form of
//! floats.
//!
//! Invariant: integers are never read by way of a float.

use std::fmt::{Display, LowerExp};
use std::io::Write as _;

use super::short::push_short;

/// RFC 8259 6: how many bytes of `text` the number takes that it begins with.
pub(super) fn length(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    at += match (bytes.get(at), digits(at)) {
        (_, 0) => return None,
        // No other digit follows a leading zero.
        (Some(b'0'), _) => 1,
        (_, count) => count,
    };
    if bytes.get(at) == Some(&b'.') {
        at += match digits(at + 1) {
            0 => return None,
            count => 1 + count,
        };
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1 + usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        at += match digits(at) {
            0 => return None,
            count => count,
        };
    }
    Some(at)
}

/// Whether all of `text` is a number as JSON writes it.
pub(super) fn is_number(text: &str) -> bool {
    length(text) == Some(text.len())
}

/// The integer that `text` is, in whatever notation: `100`, `1.0`, `1e2`, `1000e-1`. `None` if it is
/// no number, no integer, or beyond 64 bits.
pub(super) fn integer(text: &str) -> Option<i128> {
    if !is_number(text) {
        return None;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let magnitude = match digits.parse::<u64>() {
        Ok(magnitude) => i128::from(magnitude),
        Err(_) => shifted(digits)?,
    };
    Some(if text.starts_with('-') { -magnitude } else { magnitude })
}

/// The value of digits with a fraction or an exponent.
fn shifted(text: &str) -> Option<i128> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, saturated(exponent)),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    // Where the point would stand among the digits if the exponent were written out.
    let point = (whole.len() as i64).saturating_add(exponent);
    let mut value = 0;
    for (index, digit) in whole.bytes().chain(fraction.bytes()).enumerate() {
        let digit = i128::from(digit - b'0');
        if (index as i64) < point {
            value = value * 10 + digit;
            if value > i128::from(u64::MAX) {
                return None;
            }
        } else if digit != 0 {
            return None;
        }
    }
    let zeros = point - (whole.len() + fraction.len()) as i64;
    for _ in 0..zeros {
        if value == 0 || value > i128::from(u64::MAX) {
            break;
        }
        value *= 10;
    }
    (value <= i128::from(u64::MAX)).then_some(value)
}

/// The exponent; one beyond all floats and integers stands for all that are larger.
fn saturated(exponent: &str) -> i64 {
    let beyond = if exponent.starts_with('-') { -EXPONENT_BEYOND } else { EXPONENT_BEYOND };
    exponent.parse::<i64>().map_or(beyond, |it| it.clamp(-EXPONENT_BEYOND, EXPONENT_BEYOND))
}

/// An integer's type.
pub(super) trait Integer: Copy {
    /// Whether it is negative, and what it is without the sign.
    fn parts(self) -> (bool, u64);
}

macro_rules! integer {
    ($($type:ty, $self:ident: $negative:expr, $magnitude:expr;)*) => {$(
        impl Integer for $type {
            #[inline]
            fn parts($self) -> (bool, u64) {
                ($negative, $magnitude.into())
            }
        }
    )*};
}

integer! {
    i32, self: self < 0, self.unsigned_abs();
    i64, self: self < 0, self.unsigned_abs();
    u32, self: false, self;
    u64, self: false, self;
}

/// Appends an integer in decimal.
#[inline]
pub(super) fn push_integer(out: &mut Vec<u8>, value: impl Integer) {
    let (is_negative, magnitude) = value.parts();
    if is_negative {
        out.push(b'-');
    }
    match u32::try_from(magnitude) {
        Ok(few) if few < EIGHT_DIGITS => push_few(out, few),
        _ => push_many(out, magnitude),
    }
}

/// An integer of more than eight digits.
fn push_many(out: &mut Vec<u8>, magnitude: u64) {
    let limit = u64::from(EIGHT_DIGITS);
    let (high, low) = (magnitude / limit, (magnitude % limit) as u32);
    match u32::try_from(high) {
        Ok(few) if few < EIGHT_DIGITS => push_few(out, few),
        _ => {
            push_few(out, (high / limit) as u32);
            out.extend_from_slice(&(digits(high % limit) | ZEROS).to_le_bytes());
        }
    }
    out.extend_from_slice(&(digits(u64::from(low)) | ZEROS).to_le_bytes());
}

/// An integer of up to eight digits.
#[inline]
fn push_few(out: &mut Vec<u8>, value: u32) {
    let digits = digits(u64::from(value));
    // Zero has a digit too.
    let leading = (digits.trailing_zeros() / 8).min(7);
    let end = out.len() + 8 - leading as usize;
    out.extend_from_slice(&((digits | ZEROS) >> (8 * leading)).to_le_bytes());
    out.truncate(end);
}

/// The eight digits of a number below 10^8, the first one in the lowest byte: halves of halves, all
/// at once.
#[inline]
fn digits(value: u64) -> u64 {
    let fours = (value / 10_000) | (value % 10_000) << 32;
    // 10486 / 2^20 and 103 / 2^10 are a little more than 1 / 100 and 1 / 10.
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - 100 * hundreds) << 16;
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | (twos - 10 * tens) << 8
}

/// 10^8.
const EIGHT_DIGITS: u32 = 100_000_000;

/// Eight digits 0.
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// A float's type, as far as JSON needs to know it.
pub(super) trait Float:
    Display + LowerExp + Copy + Into<f64> + std::str::FromStr + zmij::Float
{
    /// From here on zmij may write an exponent.
    const EXPONENT_FROM: f64;
}

impl Float for f32 {
    const EXPONENT_FROM: f64 = 1e12;
}

impl Float for f64 {
    const EXPONENT_FROM: Self = 1e15;
}

/// The float that `text` is, `None` if it is no number or beyond the type.
pub(super) fn float<F: Float>(text: &str) -> Option<F> {
    is_number(text).then(|| finite(text))?
}

/// The float that `text`, which is a number, says; `None` if it is beyond the type.
pub(super) fn finite<F: Float>(text: &str) -> Option<F> {
    text.parse().ok().filter(|float: &F| Into::<f64>::into(*float).is_finite())
}

/// Appends the fewest digits that read back as the same float; what is no number goes in quotes.
pub(super) fn push_float<F: Float>(out: &mut Vec<u8>, value: F) {
    let wide: f64 = value.into();
    let magnitude = wide.abs();
    if magnitude == 0.0 || (1e-5..F::EXPONENT_FROM).contains(&magnitude) {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        push_short(out, text.strip_suffix(".0").unwrap_or(text).as_bytes());
    } else {
        push_extreme(out, value, wide);
    }
}

/// What is no number, very large or very small.
#[cold]
fn push_extreme<F: Float>(out: &mut Vec<u8>, value: F, wide: f64) {
    let magnitude = wide.abs();
    if wide.is_nan() {
        out.extend_from_slice(b"\"NaN\"");
    } else if wide.is_infinite() {
        out.extend_from_slice(if wide > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
    } else if (1e-5..1e21).contains(&magnitude) {
        write!(out, "{value}").expect("writing to a vector cannot fail");
    } else if (1e-7..1.0).contains(&magnitude) {
        // zmij writes some of these without an exponent.
        write!(out, "{value:e}").expect("writing to a vector cannot fail");
    } else {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        match text.split_once('+') {
            Some((mantissa, exponent)) => {
                out.extend_from_slice(mantissa.as_bytes());
                out.extend_from_slice(exponent.as_bytes());
            }
            None => push_short(out, text.as_bytes()),
        }
    }
}

/// Beyond every exponent that matters and every length of a text, and far from overflow.
const EXPONENT_BEYOND: i64 = 1 << 40;
