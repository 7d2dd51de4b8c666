//! Timestamps as RFC 3339 and durations as seconds, the texts that timestamp.proto and
//! duration.proto prescribe for JSON.

use std::fmt::Write as _;

/// What a timestamp has to be, for errors.
pub(in crate::message) const TIMESTAMP: &str =
    "a timestamp of RFC 3339 in the years 1 to 9999, such as \"2026-01-31T12:00:00.5Z\"";

/// What a duration has to be, for errors.
pub(in crate::message) const DURATION: &str =
    "a duration of at most 315576000000 seconds, such as \"-1.5s\"";

/// The text of a timestamp, `None` if it is none.
#[inline]
pub(in crate::message) fn timestamp(seconds: i64, nanos: i32) -> Option<String> {
    if !is_timestamp(seconds, nanos) {
        return None;
    }
    let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let mut text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    push_fraction(&mut text, nanos);
    text.push('Z');
    Some(text)
}

/// The seconds and nanoseconds of a timestamp's text.
#[inline]
pub(in crate::message) fn parse_timestamp(text: &str) -> Option<(i64, i32)> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4)?;
    let month = skip(&mut rest, b'-').and_then(|()| digits(&mut rest, 2))?;
    let day = skip(&mut rest, b'-').and_then(|()| digits(&mut rest, 2))?;
    let hour = skip(&mut rest, b'T').and_then(|()| digits(&mut rest, 2))?;
    let minute = skip(&mut rest, b':').and_then(|()| digits(&mut rest, 2))?;
    let second = skip(&mut rest, b':').and_then(|()| digits(&mut rest, 2))?;
    let nanos = fraction(&mut rest)?;
    let offset = offset(rest)?;
    let is_valid = (1..=12).contains(&month)
        && (1..=days_in(year, month)).contains(&day)
        && hour <= 23
        && minute <= 59
        && second <= 59;
    let of_day = hour * 3600 + minute * 60 + second;
    let seconds = days(year, month, day) * SECONDS_PER_DAY + of_day - offset;
    (is_valid && is_timestamp(seconds, nanos)).then_some((seconds, nanos))
}

/// The text of a duration, `None` if it is none.
#[inline]
pub(in crate::message) fn duration(seconds: i64, nanos: i32) -> Option<String> {
    if !is_duration(seconds, nanos) {
        return None;
    }
    let sign = if seconds < 0 || nanos < 0 { "-" } else { "" };
    let mut text = format!("{sign}{}", seconds.unsigned_abs());
    push_fraction(&mut text, nanos.abs());
    text.push('s');
    Some(text)
}

/// The seconds and nanoseconds of a duration's text.
#[inline]
pub(in crate::message) fn parse_duration(text: &str) -> Option<(i64, i32)> {
    let number = text.strip_suffix('s')?;
    let magnitude = number.strip_prefix('-').unwrap_or(number);
    let mut rest = magnitude.as_bytes();
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    // Twelve digits hold the longest duration, so longer numbers cannot overflow unnoticed.
    let seconds = if length <= 18 { digits(&mut rest, length)? } else { return None };
    let nanos = fraction(&mut rest)?;
    let sign = if number.starts_with('-') { -1 } else { 1 };
    let (seconds, nanos) = (seconds * sign, nanos * sign as i32);
    (rest.is_empty() && length > 0 && is_duration(seconds, nanos)).then_some((seconds, nanos))
}

/// The rule of timestamp.proto that the numbers of no timestamp break, for errors.
#[cold]
pub(in crate::message) fn timestamp_rule(nanos: i32) -> &'static str {
    match nanos {
        0..NANOS_PER_SECOND => "a time in the years 1 to 9999",
        _ => "nanoseconds from 0 to 999999999",
    }
}

/// The rule of duration.proto that the numbers of no duration break, for errors.
#[cold]
pub(in crate::message) fn duration_rule(seconds: i64, nanos: i32) -> &'static str {
    match nanos.unsigned_abs() {
        _ if seconds.unsigned_abs() > DURATION_MAX.unsigned_abs() => {
            "at most 315576000000 seconds to either side"
        }
        1_000_000_000.. => "nanoseconds from -999999999 to 999999999",
        _ => "seconds and nanoseconds of one sign",
    }
}

#[inline]
pub(super) fn is_timestamp(seconds: i64, nanos: i32) -> bool {
    (TIMESTAMP_MIN..=TIMESTAMP_MAX).contains(&seconds) && (0..NANOS_PER_SECOND).contains(&nanos)
}

#[inline]
pub(super) fn is_duration(seconds: i64, nanos: i32) -> bool {
    (-DURATION_MAX..=DURATION_MAX).contains(&seconds)
        && (1 - NANOS_PER_SECOND..NANOS_PER_SECOND).contains(&nanos)
        && i64::from(nanos.signum()) * seconds.signum() >= 0
}

/// The fraction of a second: nothing, or 3, 6 or 9 digits.
#[inline]
fn push_fraction(text: &mut String, nanos: i32) {
    let written = match nanos {
        0 => Ok(()),
        _ if nanos % 1_000_000 == 0 => write!(text, ".{:03}", nanos / 1_000_000),
        _ if nanos % 1_000 == 0 => write!(text, ".{:06}", nanos / 1_000),
        _ => write!(text, ".{nanos:09}"),
    };
    written.expect("writing to a string cannot fail");
}

/// The nanoseconds of a fraction of 1 to 9 digits; 0 if there is no point.
#[inline]
fn fraction(rest: &mut &[u8]) -> Option<i32> {
    if skip(rest, b'.').is_none() {
        return Some(0);
    }
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(1..=9).contains(&length) {
        return None;
    }
    let value = digits(rest, length)? * 10_i64.pow(9 - length as u32);
    i32::try_from(value).ok()
}

/// RFC 3339 5.6: `Z`, or hours and minutes from UTC, in seconds.
#[inline]
fn offset(mut rest: &[u8]) -> Option<i64> {
    let sign = match rest.split_first()? {
        (b'Z', []) => return Some(0),
        (b'+', after) => {
            rest = after;
            1
        }
        (b'-', after) => {
            rest = after;
            -1
        }
        _ => return None,
    };
    let hours = digits(&mut rest, 2)?;
    let minutes = skip(&mut rest, b':').and_then(|()| digits(&mut rest, 2))?;
    let is_valid = rest.is_empty() && hours <= 23 && minutes <= 59;
    is_valid.then_some(sign * (hours * 3600 + minutes * 60))
}

#[inline]
fn skip(rest: &mut &[u8], byte: u8) -> Option<()> {
    *rest = rest.strip_prefix(&[byte])?;
    Some(())
}

/// The number of exactly `count` digits.
#[inline]
fn digits(rest: &mut &[u8], count: usize) -> Option<i64> {
    let (number, after) = rest.split_at_checked(count)?;
    *rest = after;
    number.iter().try_fold(0, |value, byte| {
        byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0'))
    })
}

#[inline]
fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. Years are counted from March, so that
/// the leap day is the last one.
#[inline]
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leap_days + (153 * month + 2) / 5 + day - 1 - DAYS_TO_1970
}

/// The date that many days after 1970-01-01.
#[inline]
fn date(days_since_1970: i64) -> (i64, i64, i64) {
    let day = days_since_1970 + DAYS_TO_1970;
    let era = day.div_euclid(146_097);
    let of_era = day.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era + i64::from(month >= 10);
    (year, (month + 2) % 12 + 1, day)
}

const SECONDS_PER_DAY: i64 = 86_400;
pub(super) const NANOS_PER_SECOND: i32 = 1_000_000_000;

/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;

/// 0001-01-01T00:00:00Z.
pub(super) const TIMESTAMP_MIN: i64 = -62_135_596_800;

/// 9999-12-31T23:59:59Z.
pub(super) const TIMESTAMP_MAX: i64 = 253_402_300_799;

/// duration.proto: about 10,000 years, in seconds.
pub(super) const DURATION_MAX: i64 = 315_576_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    /// timestamp.proto: RFC 3339 in UTC, with 0, 3, 6 or 9 digits, in the years 1 to 9999.
    #[test]
    fn timestamps_are_rfc_3339() {
        for (seconds, nanos, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (0, 500_000_000, "1970-01-01T00:00:00.500Z"),
            (-1, 1_000, "1969-12-31T23:59:59.000001Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.000000001Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_799, 999_999_999, "9999-12-31T23:59:59.999999999Z"),
            (1_709_251_199, 0, "2024-02-29T23:59:59Z"),
        ] {
            assert_eq!(timestamp(seconds, nanos).as_deref(), Some(text));
            assert_eq!(parse_timestamp(text), Some((seconds, nanos)), "{text}");
        }
        for (text, expected) in [
            ("1970-01-01T08:00:00+08:00", (0, 0)),
            ("1969-12-31T16:00:01.5-08:00", (1, 500_000_000)),
            ("1970-01-01T00:00:00.010000000Z", (0, 10_000_000)),
            ("1970-01-01T00:00:00-23:59", (86_340, 0)),
        ] {
            assert_eq!(parse_timestamp(text), Some(expected), "{text}");
        }
        for text in [
            "",
            "1970-01-01",
            "1970-01-01T00:00:00",
            "1970-01-01t00:00:00Z",
            "1970-01-01T00:00:00z",
            "1970-01-01 00:00:00Z",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "0001-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "1970-13-01T00:00:00Z",
            "1970-00-01T00:00:00Z",
            "1970-01-32T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "1970-04-31T00:00:00Z",
            "1970-01-01T24:00:00Z",
            "1970-01-01T00:60:00Z",
            "1970-01-01T00:00:60Z",
            "1970-01-01T00:00:00.Z",
            "1970-01-01T00:00:00.0000000001Z",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+00:60",
            "1970-01-01T00:00:00+0000",
            "1970-01-01T00:00:00ZZ",
            "1970-1-1T0:0:0Z",
            " 1970-01-01T00:00:00Z",
            "+970-01-01T00:00:00Z",
        ] {
            assert_eq!(parse_timestamp(text), None, "{text}");
        }
        for (seconds, nanos) in
            [(0, -1), (0, 1_000_000_000), (-62_135_596_801, 0), (253_402_300_800, 0)]
        {
            assert_eq!(timestamp(seconds, nanos), None);
        }
    }

    /// The calendar: days of all months and years are written and read back as itself.
    #[test]
    fn days_read_back() {
        let mut seconds = -62_135_596_800;
        while seconds < 253_402_300_799 {
            let text = timestamp(seconds, 0).unwrap();
            assert_eq!(parse_timestamp(&text), Some((seconds, 0)), "{text}");
            seconds += 86_400 * 13 + 3_661;
        }
    }

    /// duration.proto: seconds with the suffix "s", one sign, at most 315,576,000,000.
    #[test]
    fn durations_are_seconds() {
        for (seconds, nanos, text) in [
            (0, 0, "0s"),
            (1, 0, "1s"),
            (-1, -500_000_000, "-1.500s"),
            (0, -1, "-0.000000001s"),
            (3, 1_000, "3.000001s"),
            (315_576_000_000, 999_999_999, "315576000000.999999999s"),
            (-315_576_000_000, -999_999_999, "-315576000000.999999999s"),
        ] {
            assert_eq!(duration(seconds, nanos).as_deref(), Some(text));
            assert_eq!(parse_duration(text), Some((seconds, nanos)), "{text}");
        }
        assert_eq!(parse_duration("1.5s"), Some((1, 500_000_000)));
        for text in [
            "",
            "s",
            "1",
            "-s",
            ".5s",
            "1.s",
            "+1s",
            "1 s",
            " 1s",
            "1S",
            "--1s",
            "1.0000000001s",
            "1.-5s",
            "315576000001s",
            "-315576000001s",
            "9223372036854775808s",
            "99999999999999999999999s",
            "1e3s",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        for (seconds, nanos) in
            [(1, -1), (-1, 1), (315_576_000_001, 0), (0, 1_000_000_000), (0, i32::MIN)]
        {
            assert_eq!(duration(seconds, nanos), None);
        }
    }
}
