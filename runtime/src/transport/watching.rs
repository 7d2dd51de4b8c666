//! What a link's own thread runs: a client's watcher, or the reader of a server without reactors.
//!
//! The invariant: a link is finished once, by whoever drives it last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::accepted::{Accepted, Arrived};
use super::link::Link;
use super::verbs::Pumped;
use super::{lock, now};
use crate::limits::{PATIENCE, READ_BUFFER_SIZE};

impl Link {
    /// What the link's thread runs.
    pub(super) fn run(self: Arc<Self>, mut serve: impl FnMut(Accepted)) {
        let pumping = AssertUnwindSafe(|| {
            // The core's deadlines count from here, also if the peer never says a word.
            self.submit(|state| state.core.on_time(now()));
            let mut buffer = vec![0; READ_BUFFER_SIZE];
            let mut opened = self.watch_alone();
            while let Pumped::Alive { arrived, is_usable, .. } = self.pump(&mut buffer, None, None)
            {
                arrived.into_iter().map(Arrived::accept).for_each(&mut serve);
                if !is_usable {
                    self.tell_leaving();
                }
                if let Some(lead) = &self.lead {
                    let (is_open, opened_now) = self.streams();
                    if !lead.keeps_watching(is_open, opened_now != opened) {
                        opened = self.watch_alone();
                    }
                }
            }
        });
        let text = match catch_unwind(pumping) {
            Ok(()) => "connection closed by this side",
            Err(_) => "connection closed after a panic of its thread",
        };
        self.end(text.into());
        drop(serve);
        self.finish();
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
