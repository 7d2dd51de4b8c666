//! Holding writes of a connection back until the handlers of one read have run: one lock-free word.
//!
//! The invariant: what was left unwritten because of it is written by whoever takes it off. It is put in
//! and asked for under the lock of the connection's state; taken off without, and then that lock is
//! taken to write. So the word needs no order of its own: if whoever takes it off has that lock after
//! whoever left something unwritten, then it finds that; if before, then the other one sees that the cork
//! is off, and leaves nothing.

use super::sync::{AtomicBool, Ordering};

/// Whether what is to be written waits for more to come.
#[derive(Default)]
pub(super) struct Cork(AtomicBool);

impl Cork {
    /// Holds writes back; under the lock.
    pub(super) fn put_in(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether writes are held back.
    pub(super) fn is_in(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Holds nothing back any more; says whether the caller is to write.
    pub(super) fn take_off(&self) -> bool {
        self.is_in() && self.0.swap(false, Ordering::Relaxed)
    }
}
