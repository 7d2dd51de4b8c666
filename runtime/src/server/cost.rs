//! How long the handlers of a method run, as far as that decides where they run.
//!
//! A short one runs on the thread that has read its request; a long one would keep that thread from
//! reading, so it runs on a worker. It is learned by a moving average, whose clock is read for one
//! call in sixteen while the method is short.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::limits::{METHOD_LONG, METHOD_SHORT, METHOD_STALLS};
use crate::transport::now;

/// What is known of one method.
#[derive(Debug, Default)]
pub(crate) struct Cost {
    /// The moving average in nanoseconds.
    average: AtomicU32,
    is_long: AtomicBool,
    calls: AtomicU32,
}

impl Cost {
    /// Whether a handler may run on a thread that has connections to read.
    pub(crate) fn is_short(&self) -> bool {
        !self.is_long.load(Ordering::Relaxed)
    }

    /// Whether a handler was ever measured.
    pub(crate) fn is_known(&self) -> bool {
        self.average.load(Ordering::Relaxed) > 0
    }

    /// A handler begins; tells when, if it is to be measured.
    pub(crate) fn begin(&self) -> Option<Instant> {
        // Of calls that begin at once one may not be counted, which does no harm.
        let calls = self.calls.load(Ordering::Relaxed);
        self.calls.store(calls.wrapping_add(1), Ordering::Relaxed);
        (calls.is_multiple_of(CALLS_PER_SAMPLE) || !self.is_short()).then(now)
    }

    /// A handler has returned that began at `began`.
    pub(crate) fn end(&self, began: Instant) {
        self.record(now().saturating_duration_since(began));
    }

    /// A handler has kept its thread for too long and still runs.
    pub(crate) fn set_long(&self) {
        self.average.store(nanos(METHOD_STALLS), Ordering::Relaxed);
        self.is_long.store(true, Ordering::Relaxed);
    }

    fn record(&self, took: Duration) {
        let average = self.average.load(Ordering::Relaxed);
        // A thread that was not run for a while says little of its handler: one such measurement among
        // many must not decide.
        let took = nanos(took.min(MEASUREMENT_MAX));
        let average = average - average / WEIGHT + took / WEIGHT;
        // Of two that measure at once one is lost, which does no harm.
        self.average.store(average, Ordering::Relaxed);
        if average > nanos(METHOD_LONG) {
            self.is_long.store(true, Ordering::Relaxed);
        } else if average < nanos(METHOD_SHORT) {
            self.is_long.store(false, Ordering::Relaxed);
        }
    }
}

fn nanos(time: Duration) -> u32 {
    u32::try_from(time.as_nanos()).unwrap_or(u32::MAX)
}

/// One call in so many is measured.
const CALLS_PER_SAMPLE: u32 = 16;

/// The most that one measurement counts for.
const MEASUREMENT_MAX: Duration = METHOD_LONG.saturating_mul(4);

/// What one measurement weighs: an eighth.
const WEIGHT: u32 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    const TINY: Duration = Duration::from_micros(2);
    const HUGE: Duration = Duration::from_secs(100);

    /// A method is taken for short until it is seen to be long, and again when it has become short.
    #[test]
    fn a_method_is_long_while_its_handlers_are() {
        let cost = Cost::default();
        assert!(cost.is_short() && !cost.is_known());
        (0..4).for_each(|_| cost.record(HUGE));
        assert!(!cost.is_short() && cost.is_known());
        (0..100).for_each(|_| cost.record(TINY));
        assert!(cost.is_short());
    }

    /// Between the two limits it stays what it was.
    #[test]
    fn between_the_limits_nothing_changes() {
        let (cost, between) = (Cost::default(), (METHOD_SHORT + METHOD_LONG) / 2);
        (0..100).for_each(|_| cost.record(between));
        assert!(cost.is_short());
        cost.set_long();
        (0..100).for_each(|_| cost.record(between));
        assert!(!cost.is_short());
    }

    /// One that has kept its thread is long at once, and every call of it is measured from then on.
    #[test]
    fn a_handler_that_stalls_makes_its_method_long() {
        let cost = Cost::default();
        assert!(cost.begin().is_some());
        assert!(cost.begin().is_none());
        cost.set_long();
        assert!(!cost.is_short());
        assert!(cost.begin().is_some() && cost.begin().is_some());
    }
}
