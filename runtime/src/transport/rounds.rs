//! What one thread that drives a reactor keeps from round to round: whom it has visited, what they have
//! brought, and whether it is always the same one.
//!
//! The invariant: what another thread needs when it takes the reactor over stands in the reactor and its
//! work, but for the one request that this thread answers next.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use super::accepted::{Accepted, Arrived};
use super::entries::Entry;
use super::link::Link;
use super::reactor::Reactor;
use super::visits::{Look, Visit};
use super::wire::Interest;
use super::work::Work;
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
    last: Option<(u64, Arc<Entry>)>,
    /// How many links the round has visited.
    visits: usize,
    /// The link that was visited last waits for nothing but to be read.
    is_quiet: bool,
    /// How many rounds in a row have visited one link alone, and soon, and brought one request.
    steady: u32,
}

/// How a look at a link went: the visit, unless a caller leads. Nothing if it panicked.
pub(super) type Looked = Option<Option<Visit>>;

impl<'a> Rounds<'a> {
    pub(super) fn new(reactor: &'a Arc<Reactor>, work: &'a Work) -> Self {
        let (buffer, arrived) = (vec![0; READ_BUFFER_SIZE], Vec::new());
        let (lone, last, visits, is_quiet, steady) = (None, None, 0, false, 0);
        Self { reactor, work, buffer, arrived, lone, last, visits, is_quiet, steady }
    }

    /// The next request, and whether the work is to be written once it is answered.
    pub(super) fn next_request(&mut self) -> Option<(Accepted, bool)> {
        match self.lone.take() {
            Some(request) => Some((request.accept(), false)),
            None => self.work.next(),
        }
    }

    /// A round begins that waits for all links.
    pub(super) fn begin(&mut self) {
        self.visits = 0;
    }

    /// Looks at the link whose key is `key`, at what was `found`. A panic ends that link alone.
    pub(super) fn visit(&mut self, key: u64, found: Interest) {
        let last = self.last.take_if(|(last, _)| *last == key);
        let entry = last.map(|(_, entry)| entry);
        let Some(entry) = entry.or_else(|| self.reactor.entry(key)) else { return };
        let looked = self.look(&entry.link, Look::At(found));
        self.take(key, entry, looked);
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
    pub(super) fn only_link(&mut self) -> Option<(u64, Arc<Entry>)> {
        let is_steady = self.steady >= ROUNDS_STEADY;
        self.last.take_if(|(_, entry)| is_steady && entry.link.wire.is_patient())
    }

    /// A round is over that has waited at the only link; without a look, because somebody has called.
    pub(super) fn take_only(&mut self, key: u64, entry: Arc<Entry>, looked: Option<Looked>) {
        match looked {
            Some(looked) => self.take(key, entry, looked),
            None => self.is_quiet = false,
        }
        if !self.has_brought_one() {
            self.steady = 0;
        }
    }

    /// Leaves what a look at the only link has brought to the thread that drives now, which looks again.
    pub(super) fn leave(&mut self, key: u64, link: &Link, looked: Option<&Looked>) {
        if let Some(None) = looked {
            self.end_panicked(key, link);
        }
        self.work.add(self.arrived.drain(..));
        self.reactor.ring(key);
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
    fn take(&mut self, key: u64, entry: Arc<Entry>, looked: Looked) {
        let (reactor, link) = (self.reactor, &entry.link);
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
            if let Some(at) = visit.until {
                reactor.set_alarm(link, key, at);
            }
            if visit.is_ready {
                // Not kept here: the thread may lose its seat before the next round.
                reactor.ring(key);
            }
        }
        self.last = Some((key, entry));
    }
}
