//! How often the monitor of a server's reactors looks at them.
//!
//! A look interrupts what runs. While handlers have long kept within a tick the looks are rarer, but for
//! the one that follows on a look that has found a handler: it tells whether that one takes long.

use std::time::Duration;

use crate::limits::{
    MONITOR_TICK, MONITOR_TICK_CALM, MONITOR_TICKS_CALM_MIN, MONITOR_TICKS_IDLE_MAX,
};

/// What a look of the monitor has found, the more urgent behind the less.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Sight {
    /// Nothing to look at.
    Nothing,
    /// A driver that waits at its only link.
    Waits,
    /// A handler that was not seen before.
    Runs,
    /// A handler that was, or a link that nobody watches for a moment.
    Long,
}

/// When the monitor looks next.
#[derive(Default)]
pub(super) struct Ticks {
    /// How many looks in a row have found nothing.
    idle: u32,
    /// How many in a row have found no handler that takes long.
    calm: u32,
    /// The last look has found a handler, which is to be looked at again.
    is_curious: bool,
}

impl Ticks {
    /// Whether there has been nothing to look at for long; a new count begins then.
    pub(super) fn is_idle(&mut self) -> bool {
        let is_idle = self.idle >= MONITOR_TICKS_IDLE_MAX;
        if is_idle {
            self.idle = 0;
        }
        is_idle
    }

    /// How long it is until the next look.
    pub(super) fn next(&self) -> Duration {
        match self.calm >= MONITOR_TICKS_CALM_MIN && !self.is_curious {
            true => MONITOR_TICK_CALM,
            false => MONITOR_TICK,
        }
    }

    pub(super) fn count(&mut self, sight: Sight) {
        self.idle = if sight == Sight::Nothing { self.idle + 1 } else { 0 };
        self.calm = if sight == Sight::Long { 0 } else { self.calm.saturating_add(1) };
        self.is_curious = sight == Sight::Runs;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calm() -> Ticks {
        let mut ticks = Ticks::default();
        (0..MONITOR_TICKS_CALM_MIN).for_each(|_| ticks.count(Sight::Waits));
        ticks
    }

    /// What is found out of a handler at first is found out of it soon.
    #[test]
    fn looks_are_close_at_first() {
        let mut ticks = Ticks::default();
        for _ in 1..MONITOR_TICKS_CALM_MIN {
            ticks.count(Sight::Waits);
            assert_eq!(ticks.next(), MONITOR_TICK);
        }
        ticks.count(Sight::Waits);
        assert_eq!(ticks.next(), MONITOR_TICK_CALM);
    }

    /// A handler that runs is looked at again soon, and when it is gone then all is as it was.
    #[test]
    fn a_handler_is_looked_at_again_soon() {
        let mut ticks = calm();
        ticks.count(Sight::Runs);
        assert_eq!(ticks.next(), MONITOR_TICK);
        ticks.count(Sight::Nothing);
        assert_eq!(ticks.next(), MONITOR_TICK_CALM);
    }

    /// Where one has taken long, others may.
    #[test]
    fn looks_are_close_behind_a_handler_that_takes_long() {
        let mut ticks = calm();
        ticks.count(Sight::Long);
        for _ in 0..MONITOR_TICKS_CALM_MIN {
            assert_eq!(ticks.next(), MONITOR_TICK);
            ticks.count(Sight::Nothing);
        }
        assert_eq!(ticks.next(), MONITOR_TICK_CALM);
    }

    /// The looks end when they find nothing, and whatever they find keeps them up.
    #[test]
    fn looks_end_when_they_find_nothing() {
        let mut ticks = Ticks::default();
        for sight in [Sight::Waits, Sight::Runs, Sight::Long] {
            (1..MONITOR_TICKS_IDLE_MAX).for_each(|_| ticks.count(Sight::Nothing));
            ticks.count(sight);
            assert!(!ticks.is_idle());
        }
        (0..MONITOR_TICKS_IDLE_MAX).for_each(|_| ticks.count(Sight::Nothing));
        assert!(ticks.is_idle());
        assert!(!ticks.is_idle());
    }

    /// A handler that falls asleep while all is calm has lost its reactor well before 10 ms are over: after the
    /// look that finds it, and the two that tell whether its thread sleeps or computes.
    #[test]
    fn one_that_takes_long_is_found_out_within_six_milliseconds() {
        let mut ticks = calm();
        let mut time = ticks.next();
        for sight in [Sight::Runs, Sight::Long] {
            ticks.count(sight);
            time += ticks.next();
        }
        assert!(time <= Duration::from_millis(6), "{time:?}");
    }
}
