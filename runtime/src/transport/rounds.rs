//! What one thread that drives a reactor keeps from round to round: whom it has visited, what they have
//! brought, and whether it is always the same one.
//!
//! The invariant: what another thread needs when it takes the reactor over stands in the reactor and its
//! work, but for the one request that this thread answers next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::accepted::Arrived;
use super::entries::Entry;
use super::link::Link;
use super::reactor::Reactor;
use super::visits::{Look, Visit};
use super::wire::Interest;
use super::work::{Next, Work};
use super::{earliest, now};
use crate::limits::{MONITOR_TICK, READ_BUFFER_SIZE, ROUNDS_STEADY};

/// The rounds of one thread.
pub(super) struct Rounds<'a> {
    reactor: &'a Arc<Reactor>,
    work: &'a Work,
    /// What it reads into.
    buffer: Vec<u8>,
    /// What the last look has brought; empty between two of them.
    arrived: Vec<Arrived>,
    /// The only request of the round: it is answered before anything else, and needs no queue.
    lone: Option<Arrived>,
    /// The link that was visited last.
    last: Option<Last>,
    /// The alarm that goes off first, unless that is to be asked for. Whoever removes one without the seat
    /// has a look taken that finds nothing.
    next_alarm: Option<Option<Instant>>,
    /// How many links the round has visited.
    visits: usize,
    /// The link that was visited last waits for nothing but to be read.
    is_quiet: bool,
    /// How many rounds in a row have visited one link alone, and soon, and brought one request.
    steady: u32,
}

/// A link that was visited.
pub(super) struct Last {
    pub(super) key: u64,
    pub(super) entry: Arc<Entry>,
    /// Its alarm, as far as it is known.
    alarm: Option<Instant>,
}

/// How a look at a link went: the visit, unless a caller leads. Nothing if it panicked.
pub(super) type Looked = Option<Option<Visit>>;

impl<'a> Rounds<'a> {
    pub(super) fn new(reactor: &'a Arc<Reactor>, work: &'a Work) -> Self {
        let (buffer, arrived) = (vec![0; READ_BUFFER_SIZE], Vec::new());
        Self {
            reactor,
            work,
            buffer,
            arrived,
            lone: None,
            last: None,
            next_alarm: None,
            visits: 0,
            is_quiet: false,
            steady: 0,
        }
    }

    /// The next request.
    pub(super) fn next_request(&mut self) -> Option<Next> {
        match self.lone.take() {
            Some(alone) => Some(Next { request: alone.accept(), is_due: false, delays: 0 }),
            None => self.work.next(),
        }
    }

    /// When a link is to be looked at at the latest.
    pub(super) fn next_alarm(&mut self) -> Option<Instant> {
        *self.next_alarm.get_or_insert_with(|| self.reactor.next_alarm())
    }

    /// The links whose alarms go off.
    pub(super) fn due(&mut self, time: Instant) -> Vec<u64> {
        // Alarms are set here alone: those that go off are known.
        if self.next_alarm().is_none_or(|at| at > time) {
            return Vec::new();
        }
        self.next_alarm = None;
        self.last.iter_mut().for_each(|last| last.alarm = None);
        self.reactor.due(time)
    }

    /// A round begins that waits for all links.
    pub(super) fn begin(&mut self) {
        self.visits = 0;
    }

    /// Looks at the link whose key is `key`, at what was `found`. A panic ends that link alone.
    pub(super) fn visit(&mut self, key: u64, found: Interest) {
        let found_again = self.last.take_if(|last| last.key == key);
        let found_now = || Some(Last { key, entry: self.reactor.entry(key)?, alarm: None });
        let Some(visited) = found_again.or_else(found_now) else { return };
        let looked = self.look(&visited.entry.link, Look::At(found));
        self.take(visited, looked);
    }

    /// Looks at `link`; without the seat, too.
    pub(super) fn look(&mut self, link: &Arc<Link>, look: Look) -> Looked {
        let Self { buffer, arrived, .. } = self;
        // The panic hook has reported it.
        catch_unwind(AssertUnwindSafe(|| {
            // A caller has read them: nothing is waited for with them in hand.
            arrived.append(&mut link.take_unserved());
            let look = if arrived.is_empty() { look } else { look.at_once() };
            link.visit(look, buffer, arrived)
        }))
        .ok()
    }

    /// The round is over, which took so `long` from the end of the wait before.
    pub(super) fn end(&mut self, long: Duration) {
        let is_steady = self.visits == 1 && self.has_brought_one() && long < MONITOR_TICK;
        self.steady = if is_steady { self.steady.saturating_add(1) } else { 0 };
        // The others may have something to say.
        if self.steady >= ROUNDS_STEADY && self.reactor.count() > 1 {
            self.steady = 0;
        }
    }

    /// The link at which to wait for the next request, because there is no other one and its requests
    /// come one by one.
    pub(super) fn only_link(&mut self) -> Option<Last> {
        let is_steady = self.steady >= ROUNDS_STEADY;
        self.last.take_if(|last| is_steady && last.entry.link.wire.is_patient())
    }

    /// A round is over that has waited at the only link; without a look, because somebody has called.
    /// Returns when.
    pub(super) fn take_only(&mut self, only: Last, looked: Option<Looked>) -> Instant {
        match looked {
            Some(looked) => self.take(only, looked),
            None => self.is_quiet = false,
        }
        if !self.has_brought_one() {
            self.steady = 0;
        }
        // A request spares a look at the clock. One that was held until it is whole came a little before
        // now: by what a round takes, for which there is room.
        self.lone.as_ref().map_or_else(now, |request| request.received)
    }

    /// Leaves what a look at the only link has brought to the thread that drives now, which looks again.
    pub(super) fn leave(&mut self, only: &Last, looked: Option<&Looked>) {
        if let Some(None) = looked {
            self.end_panicked(only.key, &only.entry.link);
        }
        self.work.add(self.arrived.drain(..));
        self.reactor.ring(only.key);
    }

    /// The visit of `link` has panicked, and nobody else ends it: it may be led for ever.
    fn end_panicked(&mut self, key: u64, link: &Link) {
        link.end("connection closed after a panic of its thread".into());
        self.arrived.clear();
        self.reactor.remove(link, key);
    }

    fn has_brought_one(&self) -> bool {
        self.lone.is_some() && self.is_quiet
    }

    /// Takes what a look has brought: requests are answered once the visits of the round are over.
    fn take(&mut self, mut visited: Last, looked: Looked) {
        let (reactor, key, link) = (self.reactor, visited.key, &visited.entry.link);
        self.visits += 1;
        self.is_quiet = false;
        let Some(visit) = looked else { return self.end_panicked(key, link) };
        if self.arrived.len() == 1 && self.lone.is_none() && !self.work.is_left() {
            self.lone = self.arrived.pop();
        } else if !self.arrived.is_empty() {
            self.work.add(self.lone.take());
            self.work.add(self.arrived.drain(..));
        }
        if let Some(visit) = visit {
            self.is_quiet = visit.interest == Interest::READ;
            if visit.is_over {
                return reactor.remove(link, key);
            }
            if let Some(at) = visit.until
                && visited.alarm.is_none_or(|alarm| at < alarm)
            {
                visited.alarm = Some(reactor.set_alarm(link, key, at));
                self.next_alarm.iter_mut().for_each(|next| *next = earliest(*next, visited.alarm));
            }
            if visit.is_ready {
                // Not kept here: the thread may lose its seat before the next round.
                reactor.ring(key);
            }
        }
        self.last = Some(visited);
    }
}
