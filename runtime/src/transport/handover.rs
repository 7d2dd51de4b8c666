//! Values that one thread hands to another, for tests that wait for what a server is asked.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::lock;

/// A queue whose taker waits by the system's clock, whatever clock its thread has: it waits for
/// another thread to get on, and not for a time of the test's.
pub(crate) struct Handover<T> {
    values: Mutex<VecDeque<T>>,
    changed: Condvar,
}

impl<T> Handover<T> {
    /// Adds a value, unless there are `max` already: then it comes back.
    pub(crate) fn push(&self, value: T, max: usize) -> Result<(), T> {
        let mut values = lock(&self.values);
        if values.len() >= max {
            return Err(value);
        }
        values.push_back(value);
        drop(values);
        self.changed.notify_all();
        Ok(())
    }

    /// Takes the first value of which `is_it` holds; waits for it, `timeout` at most.
    pub(crate) fn take(&self, timeout: Duration, is_it: impl Fn(&T) -> bool) -> Option<T> {
        let is_missing = |values: &mut VecDeque<T>| !values.iter().any(&is_it);
        let waited = self.changed.wait_timeout_while(lock(&self.values), timeout, is_missing);
        let (mut values, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let place = values.iter().position(is_it)?;
        values.remove(place)
    }
}

impl<T> Default for Handover<T> {
    fn default() -> Self {
        Self { values: Mutex::default(), changed: Condvar::new() }
    }
}
