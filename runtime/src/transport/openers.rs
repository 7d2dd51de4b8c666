//! Which threads open the streams of a connection: several in turn, or one alone.

use super::sending::this_thread;

/// Who has opened streams.
#[derive(Default)]
pub(super) struct Openers {
    last: Option<usize>,
    is_other: bool,
    count: u64,
}

impl Openers {
    /// This thread has opened a stream.
    pub(super) fn add(&mut self) {
        let here = this_thread();
        self.is_other = self.last.replace(here).is_some_and(|last| last != here);
        self.count += 1;
    }

    /// Whether the last two streams were opened by different threads.
    pub(super) fn are_several(&self) -> bool {
        self.is_other
    }

    /// How many streams were opened.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    /// Threads that take turns are several, and one that opens again and again is not.
    #[test]
    fn threads_that_take_turns_are_several() {
        let mut openers = Openers::default();
        for _ in 0..3 {
            openers.add();
            assert!(!openers.are_several());
        }
        thread::scope(|scope| scope.spawn(|| openers.add()).join().unwrap());
        assert!(openers.are_several());
        openers.add();
        assert!(openers.are_several());
        openers.add();
        assert!(!openers.are_several());
        assert_eq!(openers.count(), 6);
    }
}
