//! `grpc-timeout`: how long a call may still take, on the wire.
//!
//! PROTOCOL-HTTP2.md: `TimeoutValue` is a positive integer of at most 8 digits, `TimeoutUnit` one of
//! H M S m u n. A value is written in the finest unit that fits and rounded up, so that the
//! server never gives up before the client does.

use std::time::Duration;

/// Reads a field value.
pub(crate) fn parse(value: &[u8]) -> Result<Duration, InvalidTimeout> {
    let Some((unit, digits)) = value.split_last() else { return Err(InvalidTimeout) };
    if digits.is_empty() || digits.len() > DIGITS_MAX || !digits.iter().all(u8::is_ascii_digit) {
        return Err(InvalidTimeout);
    }
    let count = digits.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0'));
    // Eight digits of hours are 3.6e11 seconds: no step overflows.
    match unit {
        b'H' => Ok(Duration::from_secs(count * 3600)),
        b'M' => Ok(Duration::from_secs(count * 60)),
        b'S' => Ok(Duration::from_secs(count)),
        b'm' => Ok(Duration::from_millis(count)),
        b'u' => Ok(Duration::from_micros(count)),
        b'n' => Ok(Duration::from_nanos(count)),
        _ => Err(InvalidTimeout),
    }
}

/// Writes `timeout`; what no unit can hold becomes the largest value there is.
pub(crate) fn format(timeout: Duration) -> TimeoutText {
    let nanos = timeout.as_nanos();
    let (count, unit) = UNITS
        .iter()
        .map(|(size, unit)| (nanos.div_ceil(*size), *unit))
        .find(|(count, _)| *count <= COUNT_MAX)
        .unwrap_or((COUNT_MAX, b'H'));
    let mut text = TimeoutText { bytes: [0; DIGITS_MAX + 1], start: DIGITS_MAX };
    text.bytes[DIGITS_MAX] = unit;
    let mut rest = count as u32;
    loop {
        text.start -= 1;
        text.bytes[text.start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            return text;
        }
    }
}

/// A field value, held inline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimeoutText {
    bytes: [u8; DIGITS_MAX + 1],
    start: usize,
}

impl AsRef<[u8]> for TimeoutText {
    fn as_ref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

/// The field value is not a timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InvalidTimeout;

const DIGITS_MAX: usize = 8;
const COUNT_MAX: u128 = 99_999_999;

/// Nanoseconds of each unit, the finest first.
const UNITS: [(u128, u8); 6] = [
    (1, b'n'),
    (1_000, b'u'),
    (1_000_000, b'm'),
    (1_000_000_000, b'S'),
    (60_000_000_000, b'M'),
    (3_600_000_000_000, b'H'),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn formatted(timeout: Duration) -> String {
        String::from_utf8(format(timeout).as_ref().to_vec()).unwrap()
    }

    /// Every unit, one digit and eight, and zero, are accepted.
    #[test]
    fn one_to_eight_digits_and_a_unit_are_accepted() {
        for (text, timeout) in [
            ("0n", Duration::ZERO),
            ("0H", Duration::ZERO),
            ("1n", Duration::from_nanos(1)),
            ("99999999u", Duration::from_micros(99_999_999)),
            ("00000007m", Duration::from_millis(7)),
            ("8S", Duration::from_secs(8)),
            ("2M", Duration::from_secs(120)),
            ("99999999H", Duration::from_secs(99_999_999 * 3600)),
        ] {
            assert_eq!(parse(text.as_bytes()), Ok(timeout), "{text}");
        }
    }

    /// No digit, nine digits, a sign, a space, a fraction, a foreign or missing unit are refused.
    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "S",
            "1",
            "123456789S",
            "000000001S",
            "-1S",
            "+1S",
            " 1S",
            "1 S",
            "1S ",
            "1.5S",
            "1s",
            "1h",
            "1é",
        ] {
            assert_eq!(parse(text.as_bytes()), Err(InvalidTimeout), "{text}");
        }
    }

    /// A timeout is written in the finest unit that fits 8 digits and rounded up, never down.
    #[test]
    fn the_finest_unit_that_fits_is_written_rounded_up() {
        for (timeout, text) in [
            (Duration::ZERO, "0n"),
            (Duration::from_nanos(1), "1n"),
            (Duration::from_nanos(99_999_999), "99999999n"),
            (Duration::from_nanos(100_000_000), "100000u"),
            (Duration::from_nanos(100_000_001), "100001u"),
            (Duration::from_secs(1), "1000000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_nanos(99_999_999_000_001), "100000S"),
            (Duration::from_secs(99_999_999), "99999999S"),
            (Duration::from_secs(100_000_000), "1666667M"),
            (Duration::from_secs(6_000_000_000), "1666667H"),
        ] {
            assert_eq!(formatted(timeout), text, "{timeout:?}");
            assert!(parse(text.as_bytes()).unwrap() >= timeout);
        }
    }

    /// What even hours cannot hold becomes the largest value instead of overflowing.
    #[test]
    fn huge_timeouts_saturate() {
        assert_eq!(formatted(Duration::MAX), "99999999H");
        assert_eq!(formatted(Duration::from_secs(99_999_999 * 3600 + 1)), "99999999H");
    }
}
