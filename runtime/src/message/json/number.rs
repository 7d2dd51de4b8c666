//! Numbers as JSON writes them: the grammar, integers in any notation, and the shortest form of
//! floats.
//!
//! Invariant: integers are never read by way of a float.

use std::fmt::{Display, LowerExp, Write as _};

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
    const EXPONENT_FROM: f64 = 1e15;
}

/// The float that `text` is, `None` if it is no number or beyond the type.
pub(super) fn float<F: Float>(text: &str) -> Option<F> {
    let value = is_number(text).then(|| text.parse::<F>().ok())??;
    Into::<f64>::into(value).is_finite().then_some(value)
}

/// Appends the fewest digits that read back as the same float; what is no number goes in quotes.
pub(super) fn push_float<F: Float>(out: &mut String, value: F) {
    let wide: f64 = value.into();
    let magnitude = wide.abs();
    if magnitude == 0.0 || (1e-5..F::EXPONENT_FROM).contains(&magnitude) {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        out.push_str(text.strip_suffix(".0").unwrap_or(text));
    } else {
        push_extreme(out, value, wide);
    }
}

/// What is no number, very large or very small.
fn push_extreme<F: Float>(out: &mut String, value: F, wide: f64) {
    let magnitude = wide.abs();
    if wide.is_nan() {
        out.push_str("\"NaN\"");
    } else if wide.is_infinite() {
        out.push_str(if wide > 0.0 { "\"Infinity\"" } else { "\"-Infinity\"" });
    } else if (1e-5..1e21).contains(&magnitude) {
        write!(out, "{value}").expect("writing to a string cannot fail");
    } else if magnitude >= 1e-7 && magnitude < 1.0 {
        // zmij writes some of these without an exponent.
        write!(out, "{value:e}").expect("writing to a string cannot fail");
    } else {
        let mut buffer = zmij::Buffer::new();
        let text = buffer.format_finite(value);
        match text.split_once('+') {
            Some((mantissa, exponent)) => {
                out.push_str(mantissa);
                out.push_str(exponent);
            }
            None => out.push_str(text),
        }
    }
}

/// Beyond every exponent that matters and every length of a text, and far from overflow.
const EXPONENT_BEYOND: i64 = 1 << 40;
