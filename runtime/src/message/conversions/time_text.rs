//! `Timestamp` and `Duration` from and to text: RFC 3339, and seconds with an `s`, as JSON has them.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::time_syntax;
use crate::message::well_known::{Duration, Timestamp};

/// A text that is no timestamp or duration, or one that is out of range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeParseError {
    expected: &'static str,
    got: String,
}

impl Display for TimeParseError {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {}, got {:?}", self.expected, self.got)
    }
}

impl Error for TimeParseError {}

/// RFC 3339 in UTC, with 0, 3, 6 or 9 digits of a second; the bare numbers where it is not
/// [valid](Timestamp::is_valid).
impl Display for Timestamp {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match time_syntax::timestamp(self.seconds, self.nanos) {
            Some(text) => formatter.pad(&text),
            None => write!(formatter, "{} s and {} ns after 1970", self.seconds, self.nanos),
        }
    }
}

/// Seconds with 0, 3, 6 or 9 digits behind the point; the bare numbers where it is not
/// [valid](Duration::is_valid).
impl Display for Duration {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match time_syntax::duration(self.seconds, self.nanos) {
            Some(text) => formatter.pad(&text),
            None => write!(formatter, "{} s and {} ns", self.seconds, self.nanos),
        }
    }
}

/// # Errors
///
/// What is not RFC 3339, or not in the years 1 to 9999.
///
/// # Examples
///
/// ```
/// use rust_grpc::well_known::Timestamp;
///
/// let time: Timestamp = "2026-01-31T12:00:00.5+01:00".parse()?;
/// assert_eq!(time.to_string(), "2026-01-31T11:00:00.500Z");
/// # Ok::<(), rust_grpc::message::TimeParseError>(())
/// ```
impl FromStr for Timestamp {
    type Err = TimeParseError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, TimeParseError> {
        match time_syntax::parse_timestamp(text) {
            Some((seconds, nanos)) => Ok(Self { seconds, nanos, ..Self::default() }),
            None => Err(TimeParseError { expected: time_syntax::TIMESTAMP, got: text.to_owned() }),
        }
    }
}

/// # Errors
///
/// What is not a number with an `s` behind it, or more than 10,000 years.
///
/// # Examples
///
/// ```
/// use rust_grpc::well_known::Duration;
///
/// let span: Duration = "-1.5s".parse()?;
/// assert_eq!((span.seconds, span.nanos), (-1, -500_000_000));
/// assert_eq!(span.to_string(), "-1.500s");
/// # Ok::<(), rust_grpc::message::TimeParseError>(())
/// ```
impl FromStr for Duration {
    type Err = TimeParseError;

    #[inline]
    fn from_str(text: &str) -> Result<Self, TimeParseError> {
        match time_syntax::parse_duration(text) {
            Some((seconds, nanos)) => Ok(Self { seconds, nanos, ..Self::default() }),
            None => Err(TimeParseError { expected: time_syntax::DURATION, got: text.to_owned() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What JSON has as a text is the same text here, and reads back.
    #[test]
    fn times_are_texts_and_back() {
        for text in
            ["0001-01-01T00:00:00Z", "1969-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59Z"]
        {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), text);
        }
        for text in ["0s", "-0.001s", "315576000000s", "1.000001s"] {
            assert_eq!(text.parse::<Duration>().unwrap().to_string(), text);
        }
        assert_eq!(format!("{:>6}", Duration::default()), "    0s");
    }

    /// What has no text shows its numbers, and what is no text says what was expected.
    #[test]
    fn wrong_times_are_told() {
        let time = Timestamp { seconds: i64::MIN, nanos: -1, ..Default::default() };
        assert_eq!(time.to_string(), "-9223372036854775808 s and -1 ns after 1970");
        let span = Duration { seconds: 1, nanos: -1, ..Default::default() };
        assert_eq!(span.to_string(), "1 s and -1 ns");
        let error = "tomorrow".parse::<Timestamp>().unwrap_err().to_string();
        let expected = "expected a timestamp of RFC 3339 in the years 1 to 9999, \
                        such as \"2026-01-31T12:00:00.5Z\", got \"tomorrow\"";
        assert_eq!(error, expected);
        assert!("1".parse::<Duration>().is_err());
    }
}
