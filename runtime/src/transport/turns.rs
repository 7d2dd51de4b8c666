//! Those who wait for the peer to allow one more stream.
//!
//! As many are called as there is room for, the first ones first, so that a burst of streams that have
//! ended wakes their successors all at once and not one after the other. The invariant: a stream that
//! becomes free is for whoever has waited longest and was not called yet; nobody who comes later opens
//! one while others wait.

use std::collections::VecDeque;
use std::sync::Arc;

use super::inbox::Inbox;

/// The queue of a connection.
#[derive(Clone, Default)]
pub(super) struct Turns {
    /// In the order in which they came.
    queue: VecDeque<Arc<Inbox>>,
    /// How many of the first have been called and have not come yet.
    called: usize,
}

impl Turns {
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How many wait.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.queue.len()
    }

    /// The same who wait, of whom nobody was called.
    pub(super) fn uncalled(&self) -> Self {
        Self { queue: self.queue.clone(), called: 0 }
    }

    /// Whether `inbox` may try to open a stream: it was called, or nobody waits.
    pub(super) fn may_open(&self, inbox: &Arc<Inbox>) -> bool {
        self.queue.is_empty() || self.place(inbox).is_some_and(|place| place < self.called)
    }

    /// `inbox` has found no room: it waits, or waits on.
    pub(super) fn wait(&mut self, inbox: &Arc<Inbox>) {
        match self.place(inbox) {
            None => self.queue.push_back(Arc::clone(inbox)),
            // There was less room than when it was called: it is the next to be.
            Some(place) if place < self.called => {
                self.called -= 1;
                if let Some(first) = self.queue.remove(place) {
                    self.queue.insert(self.called, first);
                }
            }
            Some(_) => {}
        }
    }

    /// `inbox` waits no more.
    pub(super) fn leave(&mut self, inbox: &Arc<Inbox>) {
        if let Some(place) = self.place(inbox) {
            self.queue.remove(place);
            self.called -= usize::from(place < self.called);
        }
    }

    /// Calls as many as there is `room` for, but for those who were called.
    pub(super) fn call(&mut self, room: usize) -> Vec<Arc<Inbox>> {
        let before = self.called;
        self.called = room.min(self.queue.len()).max(before);
        // Most often nobody, which allocates nothing.
        self.queue.range(before..self.called).cloned().collect()
    }

    /// Nobody waits any more; returns who did.
    pub(super) fn end(&mut self) -> VecDeque<Arc<Inbox>> {
        self.called = 0;
        std::mem::take(&mut self.queue)
    }

    fn place(&self, inbox: &Arc<Inbox>) -> Option<usize> {
        self.queue.iter().position(|waiting| Arc::ptr_eq(waiting, inbox))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inboxes<const N: usize>() -> [Arc<Inbox>; N] {
        std::array::from_fn(|_| Arc::new(Inbox::new(1000, 1000)))
    }

    /// Whether `called` are these, in this order.
    fn are(called: &[Arc<Inbox>], expected: &[&Arc<Inbox>]) -> bool {
        called.len() == expected.len()
            && called.iter().zip(expected).all(|(one, other)| Arc::ptr_eq(one, other))
    }

    /// As many are called as there is room for, each once; who was not called waits, and so does who
    /// comes later.
    #[test]
    fn as_many_are_called_as_there_is_room_for() {
        let mut turns = Turns::default();
        let [a, b, c, late] = &inboxes();
        assert!(turns.may_open(a), "nobody waits");
        [a, b, c].into_iter().for_each(|inbox| turns.wait(inbox));
        assert!(are(&turns.call(0), &[]));
        assert!(are(&turns.call(2), &[a, b]));
        assert!(are(&turns.call(2), &[]), "both were called");
        assert!(turns.may_open(b) && turns.may_open(a));
        assert!(!turns.may_open(c) && !turns.may_open(late));
        turns.leave(b);
        assert!(are(&turns.call(1), &[]), "the room is for the one that was called");
        turns.leave(a);
        assert!(are(&turns.call(1), &[c]));
        turns.leave(c);
        assert!(turns.is_empty() && turns.may_open(late));
    }

    /// Who was called and found no room is called again before those behind it.
    #[test]
    fn who_found_no_room_is_the_next() {
        let mut turns = Turns::default();
        let [a, b, c] = &inboxes();
        [a, b, c].into_iter().for_each(|inbox| turns.wait(inbox));
        assert!(are(&turns.call(2), &[a, b]));
        turns.wait(a);
        turns.wait(a);
        assert!(!turns.may_open(a) && turns.may_open(b));
        turns.leave(b);
        assert!(are(&turns.call(1), &[a]));
        turns.leave(a);
        assert!(are(&turns.call(1), &[c]));
    }

    /// Who leaves without its turn, called or not, takes nobody else's.
    #[test]
    fn who_leaves_takes_no_turn_along() {
        let mut turns = Turns::default();
        let [a, b, c, stranger] = &inboxes();
        [a, b, c].into_iter().for_each(|inbox| turns.wait(inbox));
        assert!(are(&turns.call(1), &[a]));
        turns.leave(stranger);
        turns.leave(b);
        turns.leave(a);
        assert!(are(&turns.call(1), &[c]));
        assert!(are(turns.uncalled().call(1).as_slice(), &[c]));
        assert_eq!(turns.end().len(), 1);
        assert!(turns.is_empty() && turns.call(1).is_empty());
    }
}
