//! Waiting at an inbox: for what comes, for room to send, for a turn, or for the lead of the connection.
//!
//! The invariant: a thread is known at the inbox, under its lock, before it sleeps, and whoever changes
//! something there is told of it under the same lock, so that no change is missed.

use std::sync::MutexGuard;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::inbox::{Inbox, State};
use super::parking::{Parking, Space, Spaces};
use super::yielding::Yielding;
use super::{lock, now, wait_until};

/// Nothing came until the given time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeadlinePassed;

/// What a thread waits for at an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Awaited {
    /// Something to take.
    Incoming,
    /// The core can take more, or nothing can be sent any more.
    Writable,
    /// Nobody else sends, or nothing can be sent any more.
    Sending,
    /// This one may open its stream.
    Turn,
    /// The stream is cancelled or cannot be any more.
    Ended,
}

/// Who is to be told of what was put in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) struct Told {
    /// Those who follow the leader of the connection, and sleep here.
    pub(super) called: Spaces,
    /// Others, by [`Inbox::wake`].
    pub(super) is_due: bool,
}

/// Why a thread that waited goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Woken {
    /// What it waited for is there; if not, and no lead was offered, the time is up.
    pub(super) is_there: bool,
    /// It is to lead the connection.
    pub(super) is_to_lead: bool,
}

impl Inbox {
    /// Takes the turn that was waited for.
    pub(super) fn take_turn(&self) {
        lock(&self.state).turn = false;
    }

    /// Whether `what` is there.
    pub(super) fn has(&self, what: Awaited) -> bool {
        let is_known = if what == Awaited::Incoming { self.has_incoming() } else { None };
        is_known.unwrap_or_else(|| lock(&self.state).has(what))
    }

    /// Waits until `what` is there, `until` at most; says whether it is.
    pub(super) fn wait(&self, what: Awaited, until: Option<Instant>) -> bool {
        self.wait_while(until, |state| !state.has(what)).has(what)
    }

    /// Waits at `space` until `what` is there or the lead is offered, `until` at most; takes the offer.
    pub(super) fn wait_or_lead(
        &self,
        what: Awaited,
        until: Option<Instant>,
        parking: &Parking,
        space: Space,
        yielding: &Yielding,
    ) -> Woken {
        // What is done has come whole, and nobody looks for this thread any more.
        let has_come = || what == Awaited::Incoming && self.is_done();
        let mut is_known = false;
        loop {
            // Before anything is looked at.
            let ticket = parking.ticket(space);
            let left = until.map(|until| until.saturating_duration_since(now()));
            let mut state = lock(&self.state);
            let is_there = state.has(what);
            let is_to_lead = self.take_offer();
            if is_there || is_to_lead || left.is_some_and(|left| left.is_zero()) {
                state.following -= usize::from(is_known);
                return Woken { is_there, is_to_lead };
            }
            let is_first = !std::mem::replace(&mut is_known, true);
            if is_first {
                state.space = space;
                state.following += 1;
            }
            drop(state);
            #[cfg(feature = "testing")]
            let left = left.map(super::clock::slice);
            let is_due = || self.offered.load(Ordering::Relaxed) || self.has(what);
            if !(is_first && yielding.wait(left, is_due)) {
                parking.sleep(space, ticket, left);
            }
            // Most have all then: an offer is seen when they leave.
            if has_come() {
                return Woken { is_there: true, is_to_lead: false };
            }
        }
    }

    pub(super) fn wait_while(
        &self,
        until: Option<Instant>,
        is_early: impl Fn(&State) -> bool,
    ) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        if is_early(&state) {
            state.waiting += 1;
            state = wait_until(&self.changed, state, until, |state| !is_early(state)).0;
            state.waiting -= 1;
        }
        state
    }

    /// Offers the lead to a thread that follows here, or is about to; returns where it sleeps.
    #[must_use]
    pub(super) fn offer_lead(&self) -> Spaces {
        let state = lock(&self.state);
        self.offered.store(true, Ordering::Relaxed);
        state.threads().called
    }

    /// Takes an offer of the lead, under the lock or under that of the lead; says whether there was one.
    pub(super) fn take_offer(&self) -> bool {
        // Most of the time there is none, and a look is enough.
        self.offered.load(Ordering::Relaxed) && self.offered.swap(false, Ordering::Relaxed)
    }
}

impl Told {
    pub(super) const NOBODY: Self = Self { called: Spaces::NONE, is_due: false };
}
