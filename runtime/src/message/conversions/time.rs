//! `Timestamp` and `Duration` from and to those of the standard library.
//!
//! Ranges are those of timestamp.proto and duration.proto: the years 1 to 9999, and 10,000 years to
//! either side.

use std::error::Error;
use std::fmt::{self, Display, Formatter};
use std::time::{Duration as StdDuration, SystemTime, UNIX_EPOCH};

use super::time_syntax::{self, NANOS_PER_SECOND};
use crate::message::well_known::{Duration, Timestamp};

/// A time or a span that the type it is converted to does not reach, or one that is not well formed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeRangeError {
    expected: &'static str,
    seconds: i64,
    nanos: i32,
}

impl Display for TimeRangeError {
    #[inline]
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Self { expected, seconds, nanos } = self;
        write!(formatter, "expected {expected}, got {seconds} seconds and {nanos} nanoseconds")
    }
}

impl Error for TimeRangeError {}

impl Timestamp {
    /// Whether it is within the years 1 to 9999, with nanoseconds that count forward.
    #[inline]
    pub fn is_valid(&self) -> bool {
        time_syntax::is_timestamp(self.seconds, self.nanos)
    }

    /// The error of one that is not valid.
    #[inline]
    fn invalid(&self) -> TimeRangeError {
        self.error(time_syntax::timestamp_rule(self.nanos))
    }

    #[inline]
    fn error(&self, expected: &'static str) -> TimeRangeError {
        TimeRangeError { expected, seconds: self.seconds, nanos: self.nanos }
    }
}

impl Duration {
    /// Whether it is within 10,000 years, with seconds and nanoseconds of one sign.
    #[inline]
    pub fn is_valid(&self) -> bool {
        time_syntax::is_duration(self.seconds, self.nanos)
    }

    /// The error of one that is not valid.
    #[inline]
    fn invalid(&self) -> TimeRangeError {
        self.error(time_syntax::duration_rule(self.seconds, self.nanos))
    }

    #[inline]
    fn error(&self, expected: &'static str) -> TimeRangeError {
        TimeRangeError { expected, seconds: self.seconds, nanos: self.nanos }
    }
}

/// # Errors
///
/// A time outside of the years 1 to 9999.
impl TryFrom<SystemTime> for Timestamp {
    type Error = TimeRangeError;

    #[inline]
    fn try_from(time: SystemTime) -> Result<Self, TimeRangeError> {
        let (seconds, nanos) = match time.duration_since(UNIX_EPOCH) {
            Ok(after) => (seconds(after), after.subsec_nanos() as i32),
            Err(before) => {
                let before = before.duration();
                // Nanoseconds count forward, before 1970 too.
                match before.subsec_nanos() as i32 {
                    0 => (-seconds(before), 0),
                    nanos => (-seconds(before) - 1, NANOS_PER_SECOND - nanos),
                }
            }
        };
        let timestamp = Self { seconds, nanos, ..Self::default() };
        if timestamp.is_valid() { Ok(timestamp) } else { Err(timestamp.invalid()) }
    }
}

/// # Errors
///
/// A timestamp that is not [valid](Timestamp::is_valid), or that the system's clock does not reach.
impl TryFrom<&Timestamp> for SystemTime {
    type Error = TimeRangeError;

    #[inline]
    fn try_from(timestamp: &Timestamp) -> Result<Self, TimeRangeError> {
        if !timestamp.is_valid() {
            return Err(timestamp.invalid());
        }
        let whole = StdDuration::from_secs(timestamp.seconds.unsigned_abs());
        let second = match timestamp.seconds {
            0.. => UNIX_EPOCH.checked_add(whole),
            _ => UNIX_EPOCH.checked_sub(whole),
        };
        let nanos = StdDuration::from_nanos(u64::from(timestamp.nanos.unsigned_abs()));
        let time = second.and_then(|second| second.checked_add(nanos));
        time.ok_or_else(|| timestamp.error("a time that this system's clock can show"))
    }
}

/// # Errors
///
/// A timestamp that is not [valid](Timestamp::is_valid), or that the system's clock does not reach.
impl TryFrom<Timestamp> for SystemTime {
    type Error = TimeRangeError;

    #[inline]
    fn try_from(timestamp: Timestamp) -> Result<Self, TimeRangeError> {
        Self::try_from(&timestamp)
    }
}

/// # Errors
///
/// A span of more than 10,000 years.
impl TryFrom<StdDuration> for Duration {
    type Error = TimeRangeError;

    #[inline]
    fn try_from(span: StdDuration) -> Result<Self, TimeRangeError> {
        let nanos = span.subsec_nanos() as i32;
        let duration = Self { seconds: seconds(span), nanos, ..Self::default() };
        if duration.is_valid() { Ok(duration) } else { Err(duration.invalid()) }
    }
}

/// # Errors
///
/// A duration that is not [valid](Duration::is_valid), or that is negative.
impl TryFrom<&Duration> for StdDuration {
    type Error = TimeRangeError;

    #[inline]
    fn try_from(duration: &Duration) -> Result<Self, TimeRangeError> {
        if !duration.is_valid() {
            return Err(duration.invalid());
        }
        match (u64::try_from(duration.seconds), u32::try_from(duration.nanos)) {
            (Ok(seconds), Ok(nanos)) => Ok(Self::new(seconds, nanos)),
            _ => Err(duration.error("a duration that is not negative")),
        }
    }
}

/// # Errors
///
/// A duration that is not [valid](Duration::is_valid), or that is negative.
impl TryFrom<Duration> for StdDuration {
    type Error = TimeRangeError;

    #[inline]
    fn try_from(duration: Duration) -> Result<Self, TimeRangeError> {
        Self::try_from(&duration)
    }
}

/// Whole seconds; what is beyond the type is beyond the range as well.
#[inline]
fn seconds(span: StdDuration) -> i64 {
    i64::try_from(span.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::time_syntax::{DURATION_MAX, TIMESTAMP_MAX, TIMESTAMP_MIN};
    use super::*;

    fn timestamp(seconds: i64, nanos: i32) -> Timestamp {
        Timestamp { seconds, nanos, ..Default::default() }
    }

    fn duration(seconds: i64, nanos: i32) -> Duration {
        Duration { seconds, nanos, ..Default::default() }
    }

    /// timestamp.proto: nanoseconds count forward in time, for times before 1970 too.
    #[test]
    fn nanoseconds_of_a_timestamp_count_forward() {
        let span = StdDuration::new(1, 250_000_000);
        for (time, expected) in [
            (UNIX_EPOCH, timestamp(0, 0)),
            (UNIX_EPOCH + span, timestamp(1, 250_000_000)),
            (UNIX_EPOCH - span, timestamp(-2, 750_000_000)),
            (UNIX_EPOCH - StdDuration::from_secs(1), timestamp(-1, 0)),
        ] {
            assert_eq!(Timestamp::try_from(time), Ok(expected.clone()));
            assert_eq!(SystemTime::try_from(expected), Ok(time));
        }
    }

    /// timestamp.proto: from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
    #[test]
    fn timestamps_lie_in_the_years_1_to_9999() {
        assert!(timestamp(TIMESTAMP_MIN, 0).is_valid());
        assert!(timestamp(TIMESTAMP_MAX, NANOS_PER_SECOND - 1).is_valid());
        for wrong in [
            timestamp(TIMESTAMP_MIN - 1, 0),
            timestamp(TIMESTAMP_MAX + 1, 0),
            timestamp(0, -1),
            timestamp(0, NANOS_PER_SECOND),
        ] {
            assert!(SystemTime::try_from(&wrong).is_err(), "{wrong:?}");
        }
        let error = SystemTime::try_from(timestamp(0, -1)).unwrap_err().to_string();
        assert_eq!(
            error,
            "expected nanoseconds from 0 to 999999999, got 0 seconds and -1 nanoseconds"
        );
        let after = UNIX_EPOCH + StdDuration::from_secs(TIMESTAMP_MAX as u64 + 1);
        let error = Timestamp::try_from(after).unwrap_err().to_string();
        let expected =
            "expected a time in the years 1 to 9999, got 253402300800 seconds and 0 nanoseconds";
        assert_eq!(error, expected);
    }

    /// duration.proto: at most 315,576,000,000 seconds, and both parts of one sign.
    #[test]
    fn durations_have_a_range_and_one_sign() {
        let span = StdDuration::new(3, 5);
        assert_eq!(Duration::try_from(span), Ok(duration(3, 5)));
        assert_eq!(StdDuration::try_from(duration(3, 5)), Ok(span));
        assert!(duration(-3, -5).is_valid() && duration(0, -5).is_valid());
        for wrong in [
            duration(-3, 5),
            duration(3, -5),
            duration(0, NANOS_PER_SECOND),
            duration(DURATION_MAX + 1, 0),
            duration(-DURATION_MAX - 1, 0),
            duration(i64::MIN, i32::MIN + 1),
        ] {
            assert!(!wrong.is_valid(), "{wrong:?}");
        }
        for (wrong, rule) in [
            (duration(-3, 5), "seconds and nanoseconds of one sign"),
            (duration(0, NANOS_PER_SECOND), "nanoseconds from -999999999 to 999999999"),
            (duration(0, i32::MIN), "nanoseconds from -999999999 to 999999999"),
            (duration(i64::MIN, 0), "at most 315576000000 seconds to either side"),
        ] {
            let error = StdDuration::try_from(&wrong).unwrap_err().to_string();
            assert!(error.starts_with(&format!("expected {rule}, got ")), "{error}");
        }
        assert!(StdDuration::try_from(duration(-1, 0)).is_err());
        assert!(StdDuration::try_from(duration(0, -1)).is_err());
        assert!(Duration::try_from(StdDuration::MAX).is_err());
    }
}
