//! Who drives a connection: one thread at a time, the leader.
//!
//! ```text
//! caller   waits for something ─► nobody leads: leads, pumps until it is there, passes the lead on
//!                              └► somebody leads: follows; sleeps until it is there or the lead is offered
//! watcher  a client's: the link's own thread, which leads when nobody else has for a while, until
//!          calls are made again, or when it is asked to; a server's: its reactor, whenever no
//!          caller leads
//! ```
//!
//! So a caller that waits for its reply reads it from the wire itself, and no other thread is woken
//! on the call's way. The watcher is for connections that nobody waits on: GOAWAY, PING, keepalive,
//! replies that nobody waits for yet.
//!
//! On a server a caller that stops leading is likely to be back for the next message at once. Then
//! its reactor does not watch the link meanwhile: the lead is paused, which spares a system call when
//! the caller goes and another when it is back. The monitor ends a pause that lasts.
//!
//! The invariants: one thread leads at a time. When it stops, a thread that follows and still waits is
//! offered the lead, if there is one, and takes it or passes it on; if there is none, the watcher takes
//! it after a while, or at once if somebody wants to be told and does not wait.

use std::sync::PoisonError;

use super::inbox::Inbox;
use super::lock;
use super::parking::{Parking, Space, Spaces};
use super::sync::{Arc, AtomicBool, Condvar, Mutex, MutexGuard, Ordering, wait_for};
use super::wire::Interest;
use crate::limits::{PAUSES_SKIPPED, READ_BUFFER_SIZE, WATCH_DELAY};

/// Who leads a link, and who would.
pub(super) struct Lead {
    state: Mutex<State>,
    /// The watcher is to look.
    attention: Condvar,
    /// Where those sleep who follow.
    pub(super) parking: Parking,
    /// What the state says, for a look without the lock.
    is_paused: AtomicBool,
}

struct State {
    leader: Leader,
    /// Those who wait and would lead.
    followers: Vec<Follower>,
    /// Where they sleep.
    taken: Spaces,
    /// How many leaders there have been, so that the watcher sees whether the link is in use.
    turns: u64,
    /// The watcher is asked to lead until nothing is open any more.
    is_wanted: bool,
    /// Nothing was read yet: the watcher is to lead at first.
    is_new: bool,
    /// The watcher sleeps until it is told.
    is_asleep: bool,
    /// The watcher is to write.
    needs_writer: bool,
    /// What a reactor watches for.
    watched: Interest,
    /// Nobody leads and the reactor does not watch, because a caller will be back.
    is_paused: bool,
    /// The monitor looks at the link.
    is_listed: bool,
    /// How often the lead is passed on without a pause, because one has lasted.
    pauses_skipped: u32,
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
    space: Space,
}

/// What a caller that waits is to do.
#[derive(Debug)]
pub(super) enum Role {
    /// Pump, into this buffer.
    Leads(Vec<u8>),
    /// Sleep, at this space.
    Follows(Space),
}

/// What the watcher goes by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Calls {
    /// There are streams.
    pub(super) are_open: bool,
    /// Some were opened since it leads: whoever does that comes to wait for them, and leads then.
    pub(super) are_new: bool,
}

impl Lead {
    /// Nobody leads; whether the watcher, a thread of the link's own, is wanted at once.
    pub(super) fn new(is_new: bool) -> Self {
        let state = State {
            leader: Leader::Nobody,
            followers: Vec::new(),
            taken: Spaces::NONE,
            turns: 0,
            is_wanted: false,
            is_new,
            is_asleep: false,
            needs_writer: false,
            watched: Interest::NONE,
            is_paused: false,
            is_listed: false,
            pauses_skipped: 0,
            buffer: Vec::new(),
        };
        let (state, attention) = (Mutex::new(state), Condvar::new());
        Self { state, attention, parking: Parking::default(), is_paused: AtomicBool::new(false) }
    }

    /// A caller is about to wait at `inbox`. A reactor that watches the link is told not to by
    /// `watch`.
    pub(super) fn enter(&self, inbox: &Arc<Inbox>, watch: impl FnOnce(Interest)) -> Role {
        let mut state = lock(&self.state);
        if state.leader == Leader::Nobody {
            state.leader = Leader::Caller;
            state.turns += 1;
            self.set_paused(&mut state, false);
            state.watch(Interest::NONE, watch);
            return Role::Leads(state.take_buffer());
        }
        Role::Follows(state.follow(inbox))
    }

    /// A caller that has followed stops; says whether the lead is its own, because `is_offered` or
    /// because an offer has come that nobody is left to take.
    pub(super) fn leave(&self, inbox: &Arc<Inbox>, is_offered: bool) -> bool {
        let mut state = lock(&self.state);
        let is_last = state.unfollow(inbox);
        // Under the lock, so that no further offer can come.
        is_offered || (is_last && inbox.take_offer())
    }

    /// The buffer of a caller that was offered the lead.
    pub(super) fn buffer(&self) -> Vec<u8> {
        lock(&self.state).take_buffer()
    }

    /// A caller stops leading: offers the lead to one that follows. If there is none, the link's
    /// reactor has `watch` called with what it is to watch for, which `next` tells; or the lead is
    /// paused, if it `may_pause`. Says whether the monitor is to look at the link from now on.
    #[must_use]
    pub(super) fn pass_on(
        &self,
        buffer: Vec<u8>,
        may_pause: bool,
        next: impl FnOnce() -> Option<Interest>,
        watch: impl FnOnce(Interest),
    ) -> bool {
        let mut state = lock(&self.state);
        state.buffer = buffer;
        if let Some(called) = state.offer() {
            drop(state);
            self.parking.wake(called);
            return false;
        }
        state.leader = Leader::Nobody;
        if may_pause && state.pauses_skipped == 0 {
            self.set_paused(&mut state, true);
            return !std::mem::replace(&mut state.is_listed, true);
        }
        state.pauses_skipped = state.pauses_skipped.saturating_sub(1);
        if let Some(interest) = next() {
            state.leave_to_reactor(interest, watch);
        }
        self.call_watcher(state);
        false
    }

    /// Who has paused the lead will not be back.
    pub(super) fn end_pause(
        &self,
        next: impl FnOnce() -> Option<Interest>,
        watch: impl FnOnce(Interest),
    ) {
        // Whoever has paused it sees what it wrote itself; of others the monitor takes care.
        if self.is_paused.load(Ordering::Relaxed) {
            let mut state = lock(&self.state);
            if state.is_paused {
                self.set_paused(&mut state, false);
                if let Some(interest) = next() {
                    state.leave_to_reactor(interest, watch);
                }
            }
        }
    }

    /// The monitor looks at the link, which it has `seen` after so many turns, and ends a pause that
    /// has lasted since. Says whether it is to look again.
    pub(super) fn look(
        &self,
        seen: &mut u64,
        next: impl FnOnce() -> Option<Interest>,
        watch: impl FnOnce(Interest),
    ) -> bool {
        let mut state = lock(&self.state);
        if *seen != state.turns {
            *seen = state.turns;
            return true;
        }
        state.is_listed = false;
        if state.is_paused {
            state.pauses_skipped = PAUSES_SKIPPED;
        }
        drop(state);
        self.end_pause(next, watch);
        false
    }

    /// A reactor is about to look at the link; says whether it may. If not, it is told by `watch` to
    /// watch for `if_led` alone.
    pub(super) fn begin_visit(
        &self,
        if_led: impl FnOnce() -> Interest,
        watch: impl FnOnce(Interest),
    ) -> bool {
        let mut state = lock(&self.state);
        let is_free = state.leader == Leader::Nobody;
        if state.is_paused {
            // Of a stream of large messages callers and reactor lead in turn: only behind a pause it goes.
            state.buffer = Vec::new();
            self.set_paused(&mut state, false);
        }
        match is_free {
            true => state.leader = Leader::Watcher,
            false => state.watch(if_led(), watch),
        }
        is_free
    }

    /// A reactor has looked at the link, and is to watch for `interest` unless a caller leads now.
    pub(super) fn end_visit(&self, interest: Interest, watch: impl FnOnce(Interest)) {
        let mut state = lock(&self.state);
        if let Some(called) = state.offer() {
            state.watch(Interest::NONE, watch);
            drop(state);
            return self.parking.wake(called);
        }
        state.leader = Leader::Nobody;
        state.watch(interest, watch);
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

    /// Something is left to be done that nobody waits for: the watcher is to lead if no caller does.
    pub(super) fn attend_unless_led(&self) {
        let mut state = lock(&self.state);
        if state.leader != Leader::Caller {
            state.is_wanted = true;
            let is_free = state.leader == Leader::Nobody;
            drop(state);
            if is_free {
                self.attention.notify_one();
            }
        }
    }

    /// Bytes wait for a wire that is full, and the leader does not wait for that.
    pub(super) fn call_writer(&self) {
        lock(&self.state).needs_writer = true;
        self.attention.notify_one();
    }

    /// Waits until the watcher is to lead, or to write while another one leads; says whether to lead.
    pub(super) fn watch(&self) -> bool {
        let mut state = lock(&self.state);
        let mut seen = None;
        loop {
            let is_free = state.leader == Leader::Nobody;
            if is_free && (state.is_wanted || state.is_new || seen == Some(state.turns)) {
                state.leader = Leader::Watcher;
                // Read buffers are for links that are in use.
                state.buffer = Vec::new();
                return true;
            }
            if std::mem::take(&mut state.needs_writer) {
                return false;
            }
            if !is_free && seen == Some(state.turns) {
                // One leader stays for long: it tells when it stops.
                state.is_asleep = true;
                state = self.attention.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.is_asleep = false;
                seen = None;
            } else {
                seen = Some(state.turns);
                state = wait_for(&self.attention, &self.state, state, WATCH_DELAY);
            }
        }
    }

    /// The watcher has pumped; says whether it goes on. `calls` tells how it stands with the streams: asked
    /// under the lock, so that what somebody has begun before it wanted to be told is among them.
    pub(super) fn keeps_watching(&self, calls: impl FnOnce() -> Calls) -> bool {
        let mut state = lock(&self.state);
        let Calls { are_open, are_new } = calls();
        state.is_wanted &= are_open;
        state.is_new = false;
        if state.is_wanted || (state.followers.is_empty() && !are_new) {
            return true;
        }
        let Some(called) = state.offer() else {
            state.leader = Leader::Nobody;
            return false;
        };
        drop(state);
        self.parking.wake(called);
        false
    }

    fn set_paused(&self, state: &mut State, is_paused: bool) {
        if state.is_paused != is_paused {
            state.is_paused = is_paused;
            self.is_paused.store(is_paused, Ordering::Relaxed);
        }
    }

    /// Nobody leads: tells the watcher, if it wants to know at once.
    fn call_watcher(&self, state: MutexGuard<'_, State>) {
        let is_due = state.is_wanted || state.is_asleep;
        drop(state);
        if is_due {
            self.attention.notify_one();
        }
    }
}

impl State {
    /// The leader stops: offers the lead to one that follows and has not all that it waits for, if there
    /// is one. Returns who is to be woken without the lock.
    fn offer(&mut self) -> Option<Spaces> {
        // Who has all that will come is about to leave, and would only pass the lead on.
        let follower = self.followers.iter().rev().find(|follower| !follower.inbox.is_done())?;
        // Under the lock, so that a follower that leaves sees it.
        let called = follower.inbox.offer_lead();
        self.leader = Leader::Caller;
        self.turns += 1;
        Some(called)
    }

    /// Has a reactor watch for `interest`: no caller is about to be back.
    fn leave_to_reactor(&mut self, interest: Interest, watch: impl FnOnce(Interest)) {
        // Read buffers are for links in use.
        self.buffer = Vec::new();
        self.watch(interest, watch);
    }

    /// Has a reactor watch for `interest`, unless it does already.
    fn watch(&mut self, interest: Interest, watch: impl FnOnce(Interest)) {
        if self.watched != interest {
            self.watched = interest;
            watch(interest);
        }
    }

    fn take_buffer(&mut self) -> Vec<u8> {
        let mut buffer = std::mem::take(&mut self.buffer);
        if buffer.is_empty() {
            buffer = vec![0; READ_BUFFER_SIZE];
        }
        buffer
    }

    fn follow(&mut self, inbox: &Arc<Inbox>) -> Space {
        let place = inbox.place.load(Ordering::Relaxed);
        match self.followers.get_mut(place) {
            Some(follower) if Arc::ptr_eq(&follower.inbox, inbox) => {
                follower.threads += 1;
                follower.space
            }
            _ => {
                let count = self.followers.len();
                inbox.place.store(count, Ordering::Relaxed);
                let space = self.taken.take(count);
                self.followers.push(Follower { inbox: Arc::clone(inbox), threads: 1, space });
                space
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
        self.taken.give_back(follower.space);
        self.followers.swap_remove(place);
        if let Some(moved) = self.followers.get(place) {
            moved.inbox.place.store(place, Ordering::Relaxed);
        }
        true
    }
}
