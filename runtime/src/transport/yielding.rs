//! Letting others run before a thread sleeps.
//!
//! With many calls under way on few cores a reply often comes while the other callers have their turn, and
//! to be woken by the system costs more than such a turn, the more so across cores. On one core it would
//! be the leader who has less to read at a time, so nobody does it there. What is in vain is not tried
//! again for a while, as replies of that connection take longer; nor, for a long while, what took too
//! long, as others compute who keep their turns.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::yield_now;
use std::time::Duration;

use super::now;
use super::platform::has_several_processors;
use crate::limits::{YIELDING_MAX, YIELDS_MAX, YIELDS_SKIPPED, YIELDS_SKIPPED_LONG};

/// Whether the followers of one connection let others run before they sleep.
#[derive(Debug, Default)]
pub(super) struct Yielding {
    /// How many waits go without it still. Of two threads that count at once one may not be counted,
    /// which does no harm.
    skipped: AtomicU32,
}

impl Yielding {
    /// Lets others run, a few times at most and not for long, until `is_there`; says whether it is. A
    /// caller that may not wait for longer than `left` does not, if that is short.
    pub(super) fn wait(&self, left: Option<Duration>, is_there: impl Fn() -> bool) -> bool {
        if !has_several_cores() || left.is_some_and(|left| left <= YIELDING_MAX) {
            return false;
        }
        let skipped = self.skipped.load(Ordering::Relaxed);
        if skipped > 0 {
            self.skipped.store(skipped - 1, Ordering::Relaxed);
            return false;
        }
        let began = now();
        for _ in 0..YIELDS_MAX {
            yield_now();
            if is_there() {
                return true;
            }
            if now().saturating_duration_since(began) > YIELDING_MAX {
                self.skipped.store(YIELDS_SKIPPED_LONG, Ordering::Relaxed);
                return false;
            }
        }
        self.skipped.store(YIELDS_SKIPPED, Ordering::Relaxed);
        false
    }
}

/// Whether threads may run on several cores at a time.
fn has_several_cores() -> bool {
    static SEVERAL: OnceLock<bool> = OnceLock::new();
    *SEVERAL.get_or_init(has_several_processors)
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// What comes within a few turns is waited for, and what does not is not waited for again for a while.
    #[test]
    fn what_was_in_vain_is_not_tried_for_a_while() {
        if !has_several_cores() {
            return;
        }
        let (yielding, turns) = (Yielding::default(), Cell::new(0));
        let comes_after = |count: u32| {
            turns.set(0);
            yielding.wait(None, || {
                turns.set(turns.get() + 1);
                turns.get() == count
            })
        };
        assert!(comes_after(1));
        // For longer, if others have had long turns: none is taken while some are to be skipped.
        assert!(!comes_after(YIELDS_MAX + 1));
        for _ in 0..YIELDS_SKIPPED {
            assert!(!comes_after(1));
            assert_eq!(turns.get(), 0);
        }
        assert!((0..=YIELDS_SKIPPED_LONG).any(|_| comes_after(1)), "it is tried again");
    }

    /// Who has little time left sleeps at once: a turn of others may be longer.
    #[test]
    fn who_has_little_time_lets_nobody_run() {
        let yielding = Yielding::default();
        assert!(!yielding.wait(Some(YIELDING_MAX), || true));
        assert!(!yielding.wait(Some(Duration::ZERO), || true));
    }
}
