//! Stands in for the runtime's inboxes: something that comes once, the offer of the lead, and threads
//! that wait for either, or who does not wait and is woken, as `Inbox::wait`, `wait_or_lead`, `watch`,
//! `push_*` and `wake` have it.

use std::time::Duration;

use crate::due::Due;
use crate::lock;
use crate::parking::{Parking, Space, Spaces};
use crate::sync::{Arc, AtomicBool, AtomicUsize, Condvar, Mutex, Ordering};

#[derive(Default)]
pub(crate) struct Inbox {
    pub(crate) place: AtomicUsize,
    offered: AtomicBool,
    due: Due,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    came: usize,
    waiting: usize,
    following: usize,
    space: Space,
    waker: Option<Arc<Waker>>,
}

/// Stands in for the waker of a task.
#[derive(Default)]
pub(crate) struct Waker {
    is_woken: Mutex<bool>,
    woken: Condvar,
}

pub(crate) struct Woken {
    pub(crate) is_there: bool,
    pub(crate) is_to_lead: bool,
}

impl Inbox {
    /// Something comes; whoever waits is woken.
    pub(crate) fn put(&self, parking: &Parking) {
        let mut state = lock(&self.state);
        state.came += 1;
        let (called, is_due) = (state.called(), state.waiting > 0 || state.waker.is_some());
        drop(state);
        if is_due && self.due.set() {
            self.wake();
        }
        parking.wake(called);
    }

    fn wake(&self) {
        self.due.begin();
        let mut state = lock(&self.state);
        let (is_awaited, waker) = (state.waiting > 0, state.waker.take());
        drop(state);
        if is_awaited {
            self.changed.notify_all();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Has `waker` woken, in place of the one before it, unless `count` things have come; says whether
    /// they have.
    pub(crate) fn watch(&self, count: usize, waker: &Arc<Waker>) -> bool {
        let mut state = lock(&self.state);
        if state.came >= count {
            return true;
        }
        state.waker = Some(Arc::clone(waker));
        false
    }

    /// Whether `count` things have come.
    pub(crate) fn has(&self, count: usize) -> bool {
        lock(&self.state).came >= count
    }

    /// Whether nothing more comes: one thing does, where threads lead.
    pub(crate) fn is_done(&self) -> bool {
        self.has(1)
    }

    /// Waits until `count` things have come, without following anybody.
    pub(crate) fn wait(&self, count: usize) {
        let mut state = lock(&self.state);
        state.waiting += 1;
        while state.came < count {
            state = self.changed.wait(state).expect("a panic ends the model");
        }
        state.waiting -= 1;
    }

    /// Waits until `count` things have come or the lead is offered; a `time`, if there is one, is over
    /// once the thread has slept.
    pub(crate) fn wait_or_lead(
        &self,
        count: usize,
        time: Option<Duration>,
        parking: &Parking,
        space: Space,
    ) -> Woken {
        let (mut is_known, mut is_late) = (false, false);
        loop {
            let ticket = parking.ticket(space);
            let mut state = lock(&self.state);
            let is_there = state.came >= count;
            let is_to_lead = self.take_offer();
            if is_there || is_to_lead || is_late {
                state.following -= usize::from(is_known);
                return Woken { is_there, is_to_lead };
            }
            if !is_known {
                state.space = space;
                state.following += 1;
                is_known = true;
            }
            drop(state);
            parking.sleep(space, ticket, time);
            is_late = time.is_some();
            // An inbox for which one thing comes has all then.
            if count == 1 && self.is_done() {
                return Woken { is_there: true, is_to_lead: false };
            }
        }
    }

    pub(crate) fn offer_lead(&self) -> Spaces {
        let state = lock(&self.state);
        self.offered.store(true, Ordering::Relaxed);
        state.called()
    }

    pub(crate) fn take_offer(&self) -> bool {
        self.offered.load(Ordering::Relaxed) && self.offered.swap(false, Ordering::Relaxed)
    }
}

impl Waker {
    fn wake(&self) {
        *lock(&self.is_woken) = true;
        self.woken.notify_all();
    }

    pub(crate) fn wait(&self) {
        let mut is_woken = lock(&self.is_woken);
        while !*is_woken {
            is_woken = self.woken.wait(is_woken).expect("a panic ends the model");
        }
    }
}

impl State {
    fn called(&self) -> Spaces {
        match self.following {
            0 => Spaces::NONE,
            _ => self.space.into(),
        }
    }
}
