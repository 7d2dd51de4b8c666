//! What a link's own thread runs: a client's watcher, or the reader of a server without reactors.
//!
//! The invariant: a link is finished once, by whoever drives it last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::accepted::{Accepted, Arrived};
use super::lead::Calls;
use super::link::{Link, OpenError};
use super::verbs::Pumped;
use super::{lock, now};
use crate::limits::{PATIENCE, READ_BUFFER_SIZE};

impl Link {
    /// What the thread of a server's connection runs.
    pub(super) fn run(self: Arc<Self>, mut serve: impl FnMut(Accepted)) {
        self.pump_to_the_end(|buffer| while self.pump_here(buffer, None, &mut serve) {});
        drop(serve);
        self.finish();
    }

    /// Drives a client's connection on this thread until it ends; callers do so meanwhile, if they may.
    /// `ready` is called once, on this thread: when the peer's SETTINGS have come, or when it is certain
    /// that they do not come, by the given time at most.
    pub(crate) fn drive(
        self: &Arc<Self>,
        until: Option<Instant>,
        ready: impl FnOnce(Result<(), OpenError>),
    ) {
        let mut ready = Some(ready);
        self.pump_to_the_end(|buffer| {
            let mut opened = self.watch_alone();
            while self.pump_here(buffer, until.filter(|_| ready.is_some()), &mut drop) {
                if ready.is_some()
                    && let Some(result) = self.readiness(until)
                    && let Some(ready) = ready.take()
                {
                    ready(result);
                }
                let calls = || {
                    let (are_open, opened_now) = self.streams();
                    Calls { are_open, are_new: are_open && opened_now != opened }
                };
                if let Some(lead) = &self.lead
                    && !lead.keeps_watching(calls)
                {
                    opened = self.watch_alone();
                }
            }
        });
        if let Some(ready) = ready {
            ready(self.readiness(until).unwrap_or(Err(OpenError::Deadline)));
        }
        self.finish();
    }

    /// Has `pump` pump with a buffer of its own until the connection has ended, which it has if that panics.
    fn pump_to_the_end(&self, pump: impl FnOnce(&mut [u8])) {
        let pumping = AssertUnwindSafe(|| {
            // The preface leaves now, and the core's deadlines count from here, also if the peer never says
            // a word.
            self.submit(|state| state.core.on_time(now()));
            pump(&mut vec![0; READ_BUFFER_SIZE]);
        });
        let text = match catch_unwind(pumping) {
            Ok(()) => "connection closed by this side",
            Err(_) => "connection closed after a panic of its thread",
        };
        self.end(text.into());
    }

    /// Pumps, `until` at most; says whether the connection goes on.
    fn pump_here(
        self: &Arc<Self>,
        buffer: &mut [u8],
        until: Option<Instant>,
        serve: &mut impl FnMut(Accepted),
    ) -> bool {
        let mut arrived = Vec::new();
        let Pumped::Alive { is_usable, .. } = self.pump(buffer, &mut arrived, until, None) else {
            return false;
        };
        arrived.into_iter().map(Arrived::accept).for_each(serve);
        if !is_usable {
            self.tell_leaving();
        }
        true
    }

    /// Waits until this thread is to lead, if callers lead too; writes meanwhile what they leave. Returns
    /// how many streams this side has opened by then.
    fn watch_alone(&self) -> u64 {
        let Some(lead) = &self.lead else { return 0 };
        while !lead.watch() {
            self.wire.wait_writable(PATIENCE);
            self.resume_writing();
        }
        self.streams().1
    }

    /// Whether there are streams, and how many this side has opened so far.
    fn streams(&self) -> (bool, u64) {
        let state = lock(&self.state);
        (!state.inboxes.is_empty(), state.openers.count())
    }

    /// The connection has ended, and whoever drives it is done with it.
    pub(super) fn finish(&self) {
        // Nobody asks for them any more; they take the lock when they are dropped.
        let settled = std::mem::take(&mut lock(&self.state).settled);
        drop(settled);
        self.tell_leaving();
        self.wire.shutdown();
        self.listed.unlist();
        lock(&self.state).reader_done = true;
        self.changed.notify_all();
    }

    pub(super) fn tell_leaving(&self) {
        let leaves = lock(&self.leaves).take();
        if let Some(leaves) = leaves {
            leaves(self);
        }
    }
}
