//! What happens at an inbox when its stream ends: callbacks, what was begun for it, and its deadline.
//!
//! The invariant: each is told once or dropped, without any lock, and code of the application runs on
//! the thread of callbacks alone.

use std::sync::Weak;
use std::time::Instant;

use super::current::Child;
use super::deadlines::{Deadline, Overdue};
use super::inbox::Inbox;
use super::lock;
use super::occasion::{Occasion, OnCancel, run, run_those};
use super::sending::Sending;
use super::threads::contained;

impl Inbox {
    /// Wakes whoever waits and does not follow and, after a cancellation, hands the callbacks to their
    /// thread.
    pub(super) fn wake(&self) {
        // Before anything is looked at.
        self.due.begin();
        let mut state = lock(&self.state);
        let (deadline, told) = match state.cancelled {
            true => (state.deadline.take(), state.told.take()),
            false => (None, None),
        };
        let waker = state.waker.take();
        let is_awaited = state.waiting > 0;
        drop(state);
        drop(deadline);
        if is_awaited {
            self.changed.notify_all();
        }
        if let Some(waker) = waker {
            // It is code of an executor, whose panic is its own.
            contained(|| waker.wake());
        }
        if let Some(told) = told {
            run_those(told.callbacks, |occasion| occasion != Occasion::Leaving);
            told.children.iter().filter_map(Weak::upgrade).for_each(|child| child.cancel());
        }
    }

    /// Has `callback` run when the stream is cancelled; runs it here and now if it is already, and
    /// drops it if it cannot be any more.
    pub(super) fn on_cancel(&self, callback: OnCancel) {
        let mut state = lock(&self.state);
        if state.sending == Sending::Open {
            state.told().callbacks.push((Occasion::Cancelled, callback));
            return;
        }
        let is_cancelled = state.cancelled;
        drop(state);
        if is_cancelled {
            run(callback);
        }
    }

    /// Has `callback` run when this side ends the stream or the stream is cancelled; drops it and
    /// says `false` if that has happened.
    pub(super) fn on_end(&self, callback: OnCancel) -> bool {
        self.keep_callback(Occasion::Ended, callback)
    }

    /// Has `callback` run by [`leave`](Self::leave), if the stream is open then.
    pub(super) fn on_leaving(&self, callback: OnCancel) {
        self.keep_callback(Occasion::Leaving, callback);
    }

    /// This side wants no more streams on the connection; those that are open may go on.
    pub(super) fn leave(&self) {
        let mut state = lock(&self.state);
        let is_for_it = |(occasion, _): &mut (Occasion, OnCancel)| *occasion == Occasion::Leaving;
        let Some(told) = &mut state.told else { return };
        let callbacks = told.callbacks.extract_if(.., is_for_it).collect();
        drop(state);
        run_those(callbacks, |_| true);
    }

    pub(super) fn keep_callback(&self, occasion: Occasion, callback: OnCancel) -> bool {
        let mut state = lock(&self.state);
        let is_open = state.sending == Sending::Open;
        if is_open {
            state.told().callbacks.push((occasion, callback));
        }
        is_open
    }

    /// Has `child` end when this stream is cancelled; ends it here if that has happened.
    pub(super) fn add_child(&self, child: Weak<dyn Child>) {
        let mut state = lock(&self.state);
        match state.sending {
            Sending::Open => state.told().children.push(child),
            Sending::Ended | Sending::Closed if state.cancelled => {
                drop(state);
                if let Some(child) = child.upgrade() {
                    child.cancel();
                }
            }
            // This side has ended the stream: nothing cancels it any more.
            Sending::Ended | Sending::Closed => {}
        }
    }

    /// How many things end with the cancellation of this one.
    #[cfg(test)]
    pub(super) fn children(&self) -> usize {
        lock(&self.state).told.as_ref().map_or(0, |told| told.children.len())
    }

    /// Lets `child` be.
    pub(super) fn remove_child(&self, child: &Weak<dyn Child>) {
        let mut state = lock(&self.state);
        // Calls made for a call end in the opposite order, or nearly.
        let Some(told) = &mut state.told else { return };
        let found = told.children.iter().rposition(|known| known.ptr_eq(child));
        let removed = found.map(|index| told.children.swap_remove(index));
        drop(state);
        drop(removed);
    }

    /// Keeps the deadline, in place of the one before it, unless the stream is over; says whether it
    /// does.
    pub(super) fn set_deadline(&self, deadline: Deadline) -> bool {
        let mut state = lock(&self.state);
        let is_open = state.sending == Sending::Open;
        let dropped = match is_open {
            true => state.deadline.replace(deadline),
            false => Some(deadline),
        };
        drop(state);
        drop(dropped);
        is_open
    }

    /// How the stream stands with its deadline at `time`.
    pub(super) fn take_overdue(&self, time: Instant) -> Overdue {
        let mut state = lock(&self.state);
        match state.deadline.take() {
            None => Overdue::Never,
            Some(deadline) if deadline.at <= time && !deadline.is_left => Overdue::Now(deadline),
            Some(deadline) => {
                let overdue = match deadline.is_left {
                    true => Overdue::Never,
                    false => Overdue::Later(deadline.at),
                };
                state.deadline = Some(deadline);
                overdue
            }
        }
    }
}
