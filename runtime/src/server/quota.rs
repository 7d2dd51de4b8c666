//! How many there may be of something at once: calls of a server, connections of a server.
//!
//! The invariant: what was taken is given back exactly once, when its place is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A number of places, some of which are taken.
#[derive(Debug)]
pub(super) struct Quota {
    max: usize,
    taken: AtomicUsize,
}

/// One place that is taken. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct Place(Arc<Quota>);

impl Quota {
    pub(super) fn new(max: usize) -> Self {
        Self { max, taken: AtomicUsize::new(0) }
    }

    /// How many places there are.
    pub(super) fn max(&self) -> usize {
        self.max
    }

    /// A place, if one is free.
    pub(super) fn take(self: &Arc<Self>) -> Option<Place> {
        let next = |taken| (taken < self.max).then_some(taken + 1);
        // Nothing is published by the count itself.
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next).ok()?;
        Some(Place(Arc::clone(self)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// There are as many places as were made, and a dropped one is free again.
    #[test]
    fn a_dropped_place_is_free_again() {
        let quota = Arc::new(Quota::new(2));
        let (first, second) = (quota.take().unwrap(), quota.take().unwrap());
        assert!(quota.take().is_none());
        drop(first);
        let third = quota.take().unwrap();
        assert!(quota.take().is_none());
        drop((second, third));
        assert_eq!(quota.taken.load(Ordering::Relaxed), 0);
        assert!(Arc::new(Quota::new(0)).take().is_none());
    }
}
