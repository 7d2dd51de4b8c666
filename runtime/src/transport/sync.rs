//! What the parts are made of that models try in every order: the system's atomics and locks here, and
//! others there (`models/`).

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
pub(super) use std::sync::{Arc, Condvar, Mutex, MutexGuard};

pub(super) use super::platform::Word;

use std::sync::PoisonError;
use std::time::Duration;

/// Waits on `changed` for `time` at most, with the guard of `_mutex`. In models that time is over at
/// once.
pub(super) fn wait_for<'a, T>(
    changed: &Condvar,
    _mutex: &'a Mutex<T>,
    guard: MutexGuard<'a, T>,
    time: Duration,
) -> MutexGuard<'a, T> {
    changed.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}
