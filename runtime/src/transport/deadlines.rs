//! The deadlines of a link's streams: one thing is scheduled for all of them.
//!
//! The invariant: the link looks at its streams no later than the first deadline of those that are
//! open. Most calls end long before their deadline, so that a call whose deadline is not the first
//! costs a comparison; a look that finds nothing due sets the time of the next one.

use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::inbox::Inbox;
use super::link::Link;
use super::sending::Busy;
use super::timer::{Scheduled, Timer};
use super::{lock, now};
use crate::http2::{Headers, Reason, StreamId};

/// When the streams of a link are looked at next.
#[derive(Default)]
pub(super) struct Deadlines {
    next: Mutex<Option<(Instant, Scheduled)>>,
}

/// When a stream is cancelled, and what its peer is told then; code of ours, which must be short.
pub(super) struct Deadline {
    pub(super) at: Instant,
    pub(super) stream: StreamId,
    pub(super) last_word: LastWord,
    /// It has passed while somebody sent, and is left to them.
    pub(super) is_left: bool,
}

/// Makes the trailers; it is told whether the head was sent.
pub(super) type LastWord = Box<dyn FnOnce(bool) -> Headers + Send>;

/// How a stream stands with its deadline.
pub(super) enum Overdue {
    /// It has none, has ended, or is left to whoever sends.
    Never,
    Later(Instant),
    Now(Deadline),
}

impl Link {
    /// Looks at the streams at `at` or before.
    pub(super) fn look_at(self: &Arc<Self>, at: Instant) {
        let mut next = lock(&self.deadlines.next);
        if next.as_ref().is_some_and(|(sooner, _)| *sooner <= at) {
            return;
        }
        let link = Arc::downgrade(self);
        let scheduled = Timer::shared().schedule(at, move || {
            if let Some(link) = link.upgrade() {
                link.end_overdue();
            }
        });
        // Without a thread for the timer the deadline is still kept by everything that waits.
        let replaced = scheduled.ok().and_then(|scheduled| next.replace((at, scheduled)));
        drop(next);
        drop(replaced);
    }

    /// Ends the streams whose deadline has passed.
    fn end_overdue(self: &Arc<Self>) {
        // Before the streams are looked at: who sets a deadline meanwhile schedules a look of its own.
        let passed = lock(&self.deadlines.next).take();
        drop(passed);
        let time = now();
        let mut first: Option<Instant> = None;
        for inbox in self.inboxes() {
            match inbox.take_overdue(time) {
                Overdue::Never => {}
                Overdue::Later(at) => first = Some(first.map_or(at, |first| first.min(at))),
                Overdue::Now(deadline) => self.expire(&inbox, deadline),
            }
        }
        if let Some(first) = first {
            self.look_at(first);
        }
    }

    fn inboxes(&self) -> Vec<Arc<Inbox>> {
        lock(&self.state).inboxes.values().cloned().collect()
    }

    /// In the middle of a message there is no place for a last word. Whoever sends and is not held up
    /// sends what it has, which may be the end.
    pub(super) fn expire(&self, inbox: &Inbox, deadline: Deadline) {
        let id = deadline.stream;
        // Under the link's lock from the turn on: whoever finds it taken may let go of the stream.
        let turn = self.submit(|state| match self.begin_last_word(inbox, deadline) {
            Ok(taken) => taken.map(|(turn, last_word)| {
                state.expire(id, inbox, last_word);
                Some(turn)
            }),
            Err(Busy) => {
                state.reset(id, Reason::CANCEL);
                Some(None)
            }
        });
        if let Some(_turn) = turn {
            self.call(inbox.reset(Reason::CANCEL));
            // Tells a thread that drives the connection while it waits at the inbox.
            self.submit(|_| ());
        }
    }
}
