//! Who wakes the threads that wait at an inbox: one lock-free word.
//!
//! The invariant: after something has come somebody wakes, who looks at the inbox after it has come.
//! Several things that come at once are told together.

use super::sync::{AtomicBool, Ordering};

/// Whether somebody is about to wake.
#[derive(Default)]
pub(super) struct Due(AtomicBool);

impl Due {
    /// Something has come; says whether the caller is to wake, because nobody else is about to.
    pub(super) fn set(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    /// About to look who waits: what comes from now on is told again.
    pub(super) fn begin(&self) {
        self.0.store(false, Ordering::Release);
    }
}
