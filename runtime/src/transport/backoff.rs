//! How long to wait between attempts to connect.
//!
//! Pure: the random number is an argument. gRPC's connection backoff protocol: the first wait is
//! one second, each further one 1.6 times as long, at most two minutes, all ±20 %.

use std::time::Duration;

use crate::limits::{BACKOFF_BASE, BACKOFF_LONGEST, BACKOFF_MAX, BACKOFF_SHORTEST};

/// The waits of one series of failures.
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    base: Duration,
    max: Duration,
    wait: Duration,
}

impl Backoff {
    /// Nothing has failed yet; the first wait is `base`, no wait is longer than `max`, both within
    /// what the limits allow.
    pub(crate) fn new(base: Duration, max: Duration) -> Self {
        let [base, max] = [base, max].map(|wait| wait.clamp(BACKOFF_SHORTEST, BACKOFF_LONGEST));
        Self { base, max, wait: base.min(max) }
    }

    /// How long to wait after one more failure; `random` is in `0.0..1.0`.
    pub(crate) fn next_wait(&mut self, random: f64) -> Duration {
        let wait = self.wait;
        let scaled = |factor: f64| Duration::try_from_secs_f64(wait.as_secs_f64() * factor);
        self.wait = scaled(FACTOR).map_or(self.max, |grown| grown.min(self.max));
        scaled(1.0 - JITTER + 2.0 * JITTER * random.clamp(0.0, 1.0)).unwrap_or(wait)
    }

    /// An attempt has succeeded: the next failure is a first one again.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.base, self.max);
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self::new(BACKOFF_BASE, BACKOFF_MAX)
    }
}

const FACTOR: f64 = 1.6;
const JITTER: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    /// Connection backoff: waits grow by 1.6 from one second and stay at two minutes.
    #[test]
    fn waits_grow_up_to_the_maximum() {
        let mut backoff = Backoff::default();
        let waits: Vec<f64> =
            (0..13).map(|_| backoff.next_wait(0.5).as_secs_f64()).map(|s| s.round()).collect();
        assert_eq!(waits, [1., 2., 3., 4., 7., 10., 17., 27., 43., 69., 110., 120., 120.]);
    }

    /// Connection backoff: every wait is spread by ±20 %, so that clients do not come in waves.
    #[test]
    fn waits_are_spread_by_a_fifth() {
        let first = |random| Backoff::default().next_wait(random);
        assert_eq!(first(0.0), Duration::from_millis(800));
        assert_eq!(first(1.0), Duration::from_millis(1200));
        assert_eq!(first(f64::MAX), Duration::from_millis(1200));
    }

    /// Whatever a user asks for, attempts are never in a tight loop, and no sum overflows.
    #[test]
    fn waits_stay_between_the_shortest_and_the_longest() {
        let mut backoff = Backoff::new(Duration::ZERO, Duration::ZERO);
        assert_eq!([(); 3].map(|()| backoff.next_wait(0.5)), [BACKOFF_SHORTEST; 3]);
        let mut backoff = Backoff::new(Duration::MAX, Duration::MAX);
        assert_eq!([(); 3].map(|()| backoff.next_wait(0.5)), [BACKOFF_LONGEST; 3]);
    }

    /// A connection that came up ends the series.
    #[test]
    fn a_success_starts_the_series_again() {
        let mut backoff = Backoff::default();
        backoff.next_wait(0.5);
        backoff.next_wait(0.5);
        backoff.reset();
        assert_eq!(backoff.next_wait(0.5), BACKOFF_BASE);
    }
}
