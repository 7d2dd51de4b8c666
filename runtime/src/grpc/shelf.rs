//! Things that a thread uses again: as many as it has had in use at a time.
//!
//! Bursts of calls make and drop many things of one size at once, which is the slow case of a memory
//! allocator. Invariant: a thread keeps no more than it has taken and not yet given back, and at most
//! [`limits::SHELF_MAX`]; one that only gives back, because another one takes, keeps nothing.

use std::cell::{Cell, RefCell};

use crate::limits;

/// What a thread keeps of one sort.
pub(crate) struct Shelf<T> {
    kept: RefCell<Vec<T>>,
    /// Taken, and not given back.
    taken: Cell<usize>,
}

impl<T> Shelf<T> {
    pub(crate) const fn new() -> Self {
        Self { kept: RefCell::new(Vec::new()), taken: Cell::new(0) }
    }

    /// One that was given back; if there is none, the caller makes one.
    #[inline]
    pub(crate) fn take(&self) -> Option<T> {
        self.taken.set((self.taken.get() + 1).min(limits::SHELF_MAX));
        self.kept.borrow_mut().pop()
    }

    /// Whether one that is given back is kept.
    #[inline]
    pub(crate) fn has_place(&self) -> bool {
        self.taken.get() > 0
    }

    /// Gives one back.
    #[inline]
    pub(crate) fn give_back(&self, used: T) {
        if let Some(taken) = self.taken.get().checked_sub(1) {
            self.taken.set(taken);
            self.kept.borrow_mut().push(used);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was taken is kept once it is given back, in the number that was in use.
    #[test]
    fn what_was_taken_is_kept() {
        let shelf = Shelf::new();
        assert_eq!([shelf.take(), shelf.take()], [None, None]);
        (0..5).for_each(|number| shelf.give_back(number));
        assert_eq!([shelf.take(), shelf.take(), shelf.take()], [Some(1), Some(0), None]);
    }

    /// Who takes nothing keeps nothing; and nobody keeps more than the limit.
    #[test]
    fn a_shelf_does_not_grow_without_end() {
        let shelf = Shelf::new();
        assert!(!shelf.has_place());
        shelf.give_back(0);
        assert_eq!(shelf.take(), None);
        assert!(shelf.has_place());
        assert_eq!((0..2 * limits::SHELF_MAX).filter_map(|_| shelf.take()).count(), 0);
        (0..2 * limits::SHELF_MAX).for_each(|number| shelf.give_back(number));
        let count = (0..2 * limits::SHELF_MAX).filter_map(|_| shelf.take()).count();
        assert_eq!(count, limits::SHELF_MAX);
    }
}
