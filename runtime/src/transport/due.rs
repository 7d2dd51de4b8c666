//! Who wakes the threads that wait at an inbox: one lock-free word.
//!
//! The invariant: after something has come somebody wakes, who looks at the inbox after it has come.
//! Several things that come at once are told together. What comes is put in under the lock of the inbox
//! before the word is set, and whoever wakes looks under that lock behind [`Due::begin`]. So the word needs
//! no order of its own: if the look is the later one, it finds what has come; if not, then whoever has put
//! that in sees that nobody is about to wake.

use super::sync::{AtomicBool, Ordering};

/// Whether somebody is about to wake.
#[derive(Default)]
pub(super) struct Due(AtomicBool);

impl Due {
    /// Something has come; says whether the caller is to wake, because nobody else is about to.
    pub(super) fn set(&self) -> bool {
        !self.0.swap(true, Ordering::Relaxed)
    }

    /// About to look who waits: what comes from now on is told again.
    pub(super) fn begin(&self) {
        self.0.store(false, Ordering::Relaxed);
    }
}
