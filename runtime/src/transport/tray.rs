//! What threads put down for another one that looks again and again: it sees without a lock that there is
//! nothing.
//!
//! The invariant: whoever is called behind what was put down finds it. The word needs no order of its own:
//! by the call, be it a lock, the system's or two fences, whoever is called sees that it is set, and by the
//! lock whoever sees that finds what was put down.

use super::lock;
use super::sync::{AtomicBool, Mutex, Ordering};

/// Things that were put down and not taken.
pub(super) struct Tray<T> {
    things: Mutex<Vec<T>>,
    /// There are some; set under the lock.
    is_filled: AtomicBool,
}

impl<T> Tray<T> {
    /// Puts `things` down; says whether there was nothing before.
    pub(super) fn put(&self, things: impl IntoIterator<Item = T>) -> bool {
        let mut all = lock(&self.things);
        let was_empty = all.is_empty();
        all.extend(things);
        self.is_filled.store(!all.is_empty(), Ordering::Relaxed);
        was_empty
    }

    /// Whether there is something to take.
    pub(super) fn is_filled(&self) -> bool {
        self.is_filled.load(Ordering::Relaxed)
    }

    /// Takes all that there is.
    pub(super) fn take(&self) -> Vec<T> {
        if !self.is_filled() {
            return Vec::new();
        }
        let mut all = lock(&self.things);
        self.is_filled.store(false, Ordering::Relaxed);
        std::mem::take(&mut *all)
    }
}

impl<T> Default for Tray<T> {
    fn default() -> Self {
        Self { things: Mutex::new(Vec::new()), is_filled: AtomicBool::new(false) }
    }
}
