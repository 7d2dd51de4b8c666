//! Stands in for the runtime's inboxes: something that comes once, the offer of the lead, and threads
//! that wait for either, as `Inbox::wait_or_lead`, `push_*` and `wake` have it.

use crate::due::Due;
use crate::lock;
use crate::sync::{AtomicUsize, Condvar, Mutex};

#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) place: AtomicUsize,
    due: Due,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    came: usize,
    offered: bool,
    waiting: usize,
}

pub(crate) struct Woken {
    pub(crate) is_there: bool,
    pub(crate) is_to_lead: bool,
}

impl Inbox {
    /// Something comes; whoever waits is woken.
    pub(crate) fn put(&self) {
        let mut state = lock(&self.state);
        state.came += 1;
        let is_due = state.waiting > 0;
        drop(state);
        if is_due && self.due.set() {
            self.wake();
        }
    }

    fn wake(&self) {
        self.due.begin();
        let is_awaited = lock(&self.state).waiting > 0;
        if is_awaited {
            self.changed.notify_all();
        }
    }

    /// Whether `count` things have come.
    pub(crate) fn has(&self, count: usize) -> bool {
        lock(&self.state).came >= count
    }

    pub(crate) fn wait_or_lead(&self, count: usize) -> Woken {
        let mut state = lock(&self.state);
        state.waiting += 1;
        while state.came < count && !state.offered {
            state = self.changed.wait(state).expect("a panic ends the model");
        }
        state.waiting -= 1;
        let is_to_lead = std::mem::take(&mut state.offered);
        Woken { is_there: state.came >= count, is_to_lead }
    }

    pub(crate) fn offer_lead(&self) {
        let mut state = lock(&self.state);
        state.offered = true;
        let is_due = state.waiting > 0;
        drop(state);
        if is_due {
            self.changed.notify_all();
        }
    }

    pub(crate) fn withdraw_lead(&self) -> bool {
        std::mem::take(&mut lock(&self.state).offered)
    }
}
