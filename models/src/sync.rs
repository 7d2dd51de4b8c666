//! The atomics and locks of models.

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

use std::num::NonZeroU32;
use std::time::Duration;

/// A time that is over at once, for whoever waits besides for something to change.
pub(crate) fn wait_for<'a, T>(
    _changed: &Condvar,
    mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    _time: Duration,
) -> MutexGuard<'a, T> {
    drop(guard);
    loom::thread::yield_now();
    super::lock(mutex)
}

/// A word that threads sleep at, each at a bit of its own, as the system's futex is: whether to sleep is
/// decided under a lock that whoever wakes takes behind the change of the word.
pub(crate) struct Word {
    woken: Mutex<u32>,
    bits: [Condvar; BITS],
}

/// How many bits models use.
const BITS: usize = 4;

impl Default for Word {
    fn default() -> Self {
        Self { woken: Mutex::new(0), bits: std::array::from_fn(|_| Condvar::new()) }
    }
}

impl Word {
    pub(crate) fn ticket(&self) -> u32 {
        *super::lock(&self.woken)
    }

    /// A `time`, if there is one, is over at once.
    pub(crate) fn sleep(&self, ticket: u32, bits: NonZeroU32, time: Option<Duration>) {
        if time.is_some() {
            return;
        }
        let woken = super::lock(&self.woken);
        if *woken == ticket {
            let changed = &self.bits[bits.trailing_zeros() as usize];
            drop(changed.wait(woken).expect("a panic ends the model"));
        }
    }

    pub(crate) fn wake(&self, bits: NonZeroU32) {
        *super::lock(&self.woken) += 1;
        let is_called = |bit: &usize| bits.get() >> bit & 1 == 1;
        (0..BITS).filter(is_called).for_each(|bit| self.bits[bit].notify_all());
    }
}
