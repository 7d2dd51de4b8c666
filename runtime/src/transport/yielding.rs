//! Letting others run before a thread sleeps.
//!
//! With many calls under way on few cores a reply often comes while the other callers have their turn, and
//! to be woken by the system costs more than such a turn, the more so across cores. On one core it would
//! be the leader who has less to read at a time, so nobody does it there. What is in vain is not tried
//! again for a while: replies of that connection take longer.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{available_parallelism, yield_now};

use crate::limits::{YIELDS_MAX, YIELDS_SKIPPED};

/// Whether the followers of one connection let others run before they sleep.
#[derive(Debug, Default)]
pub(super) struct Yielding {
    /// How many waits go without it still. Of two threads that count at once one may not be counted,
    /// which does no harm.
    skipped: AtomicU32,
}

impl Yielding {
    /// Lets others run, a few times at most, until `is_there`; says whether it is.
    pub(super) fn wait(&self, is_there: impl Fn() -> bool) -> bool {
        if !has_several_cores() {
            return false;
        }
        let skipped = self.skipped.load(Ordering::Relaxed);
        if skipped > 0 {
            self.skipped.store(skipped - 1, Ordering::Relaxed);
            return false;
        }
        let is_there = (0..YIELDS_MAX).any(|_| {
            yield_now();
            is_there()
        });
        if !is_there {
            self.skipped.store(YIELDS_SKIPPED, Ordering::Relaxed);
        }
        is_there
    }
}

/// Whether the process may run on several cores at a time.
fn has_several_cores() -> bool {
    static SEVERAL: OnceLock<bool> = OnceLock::new();
    *SEVERAL.get_or_init(|| available_parallelism().is_ok_and(|cores| cores.get() > 1))
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
            yielding.wait(|| {
                turns.set(turns.get() + 1);
                turns.get() == count
            })
        };
        assert!(comes_after(YIELDS_MAX));
        assert!(!comes_after(YIELDS_MAX + 1));
        for _ in 0..YIELDS_SKIPPED {
            assert!(!comes_after(1));
            assert_eq!(turns.get(), 0);
        }
        assert!(comes_after(1));
    }
}
