//! Who drives a connection: one thread at a time, the leader.
//!
//! ```text
//! caller   waits for something ─► nobody leads: leads, pumps until it is there, passes the lead on
//!                              └► somebody leads: follows; sleeps until it is there or the lead is offered
//! watcher  the link's own thread: leads when nobody else has for a while, or when it is asked to
//! ```
//!
//! So a caller that waits for its reply reads it from the wire itself, and no other thread is woken
//! on the call's way. The watcher is for connections that nobody waits on: GOAWAY, PING, keepalive,
//! replies that nobody waits for yet.
//!
//! The invariants: one thread leads at a time. When it stops, a thread that follows is offered the
//! lead, if there is one, and takes it or passes it on; if there is none, the watcher takes it after
//! a while, or at once if somebody wants to be told and does not wait.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::inbox::Inbox;
use super::lock;
use crate::limits::{READ_BUFFER_SIZE, WATCH_DELAY};

/// Who leads a link, and who would.
pub(super) struct Lead {
    state: Mutex<State>,
    /// The watcher is to look.
    attention: Condvar,
}

struct State {
    leader: Leader,
    /// Those who wait and would lead.
    followers: Vec<Follower>,
    /// How many leaders there have been, so that the watcher sees whether the link is in use.
    turns: u64,
    /// The watcher is asked to lead until nothing is open any more.
    is_wanted: bool,
    /// The watcher sleeps until it is told.
    is_asleep: bool,
    /// What a caller that leads reads into.
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leader {
    Nobody,
    /// A caller, or one that was offered the lead.
    Caller,
    Watcher,
}

struct Follower {
    inbox: Arc<Inbox>,
    /// How many threads.
    threads: usize,
}

/// What a caller that waits is to do.
#[derive(Debug)]
pub(super) enum Role {
    /// Pump, into this buffer.
    Leads(Vec<u8>),
    Follows,
}

impl Lead {
    /// Nobody leads, and the watcher is wanted at once.
    pub(super) fn new() -> Self {
        let state = State {
            leader: Leader::Nobody,
            followers: Vec::new(),
            turns: 0,
            is_wanted: true,
            is_asleep: false,
            buffer: Vec::new(),
        };
        Self { state: Mutex::new(state), attention: Condvar::new() }
    }

    /// A caller is about to wait at `inbox`.
    pub(super) fn enter(&self, inbox: &Arc<Inbox>) -> Role {
        let mut state = lock(&self.state);
        if state.leader == Leader::Nobody {
            state.leader = Leader::Caller;
            state.turns += 1;
            return Role::Leads(state.take_buffer());
        }
        state.follow(inbox);
        Role::Follows
    }

    /// A caller that has followed stops; says whether the lead is its own, because `is_offered` or
    /// because an offer has come that nobody is left to take.
    pub(super) fn leave(&self, inbox: &Arc<Inbox>, is_offered: bool) -> bool {
        let mut state = lock(&self.state);
        let is_last = state.unfollow(inbox);
        // Under the lock, so that no further offer can come.
        is_offered || (is_last && inbox.withdraw_lead())
    }

    /// The buffer of a caller that was offered the lead.
    pub(super) fn buffer(&self) -> Vec<u8> {
        lock(&self.state).take_buffer()
    }

    /// A caller stops leading: offers the lead to one that follows.
    pub(super) fn pass_on(&self, buffer: Vec<u8>) {
        let mut state = lock(&self.state);
        state.buffer = buffer;
        self.offer(state);
    }

    /// Somebody wants to be told of what comes and does not wait for it: the watcher is to lead if
    /// nobody does.
    pub(super) fn attend(&self) {
        let mut state = lock(&self.state);
        if !state.is_wanted {
            state.is_wanted = true;
            if state.leader == Leader::Nobody {
                drop(state);
                self.attention.notify_one();
            }
        }
    }

    /// Something is left to be done that nobody waits for: the watcher is to lead if nobody does.
    pub(super) fn attend_unless_led(&self) {
        let mut state = lock(&self.state);
        if state.leader == Leader::Nobody {
            state.is_wanted = true;
            drop(state);
            self.attention.notify_one();
        }
    }

    /// Waits until the watcher is to lead.
    pub(super) fn watch(&self) {
        let mut state = lock(&self.state);
        let mut seen = None;
        loop {
            let is_free = state.leader == Leader::Nobody;
            if is_free && (state.is_wanted || seen == Some(state.turns)) {
                state.leader = Leader::Watcher;
                // Read buffers are for links that are in use.
                state.buffer = Vec::new();
                return;
            }
            if !is_free && seen == Some(state.turns) {
                // One leader stays for long: it tells when it stops.
                state.is_asleep = true;
                state = self.attention.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.is_asleep = false;
                seen = None;
            } else {
                seen = Some(state.turns);
                state = self.wait_for(state, WATCH_DELAY);
            }
        }
    }

    /// The watcher has pumped; says whether it goes on. `is_open`: there are streams.
    pub(super) fn keeps_watching(&self, is_open: bool) -> bool {
        let mut state = lock(&self.state);
        state.is_wanted &= is_open;
        if state.is_wanted || state.followers.is_empty() {
            return true;
        }
        self.offer(state);
        false
    }

    /// The leader stops.
    fn offer(&self, mut state: MutexGuard<'_, State>) {
        if let Some(follower) = state.followers.last() {
            let inbox = Arc::clone(&follower.inbox);
            state.leader = Leader::Caller;
            state.turns += 1;
            // Under the lock, so that a follower that leaves sees it.
            inbox.offer_lead();
            return;
        }
        state.leader = Leader::Nobody;
        let is_due = state.is_wanted || state.is_asleep;
        drop(state);
        if is_due {
            self.attention.notify_one();
        }
    }

    fn wait_for<'a>(&self, state: MutexGuard<'a, State>, time: Duration) -> MutexGuard<'a, State> {
        self.attention.wait_timeout(state, time).unwrap_or_else(PoisonError::into_inner).0
    }
}

impl State {
    fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            buffer = vec![0; READ_BUFFER_SIZE];
        }
        buffer
    }

    fn follow(&mut self, inbox: &Arc<Inbox>) {
        let place = inbox.place.load(Ordering::Relaxed);
        match self.followers.get_mut(place) {
            Some(follower) if Arc::ptr_eq(&follower.inbox, inbox) => follower.threads += 1,
            _ => {
                inbox.place.store(self.followers.len(), Ordering::Relaxed);
                self.followers.push(Follower { inbox: Arc::clone(inbox), threads: 1 });
            }
        }
    }

    /// Says whether that was the last thread that followed at `inbox`.
    fn unfollow(&mut self, inbox: &Arc<Inbox>) -> bool {
        let place = inbox.place.load(Ordering::Relaxed);
        let Some(follower) = self.followers.get_mut(place) else { return false };
        follower.threads -= 1;
        if follower.threads > 0 {
            return false;
        }
        self.followers.swap_remove(place);
        if let Some(moved) = self.followers.get(place) {
            moved.inbox.place.store(place, Ordering::Relaxed);
        }
        true
    }
}
