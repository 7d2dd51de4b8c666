//! Something that happens once, and that threads wait for.

use std::sync::{Condvar, Mutex};
use std::time::Instant;

use super::{lock, wait_until};

/// Closed at first; once open, open for ever.
#[derive(Default)]
pub(crate) struct Latch {
    open: Mutex<bool>,
    opened: Condvar,
}

impl Latch {
    /// Lets everybody through who waits or will.
    pub(crate) fn open(&self) {
        *lock(&self.open) = true;
        self.opened.notify_all();
    }

    /// Waits until it is open, or until `until` has passed; says whether it is open.
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        wait_until(&self.opened, lock(&self.open), until, |open| *open).1
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::transport::now;

    /// Waiting ends with the time while the latch is closed, and at once when it is open.
    #[test]
    fn waiting_ends_when_it_opens_or_with_the_time() {
        let latch = Arc::new(Latch::default());
        assert!(!latch.wait(Some(now())));
        let opener = latch.clone();
        let thread = thread::spawn(move || opener.open());
        assert!(latch.wait(None));
        assert!(latch.wait(Some(now())));
        thread.join().unwrap();
    }
}
