//! The atomics and locks of models.

pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
pub(crate) use loom::sync::{Arc, Condvar, Mutex, MutexGuard};

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
