//! How a reactor drives a link: by visits, which wait for nothing but, where that is asked for, in the
//! link's read.
//!
//! What several requests of one visit are answered with is held back ([`Link::hold_back`]) until the
//! reactor has run their handlers, so that one write takes all of it.

use std::sync::Arc;
use std::time::Instant;

use super::accepted::Arrived;
use super::link::Link;
use super::lock;
use super::reactor::Bell;
use super::verbs::{Pumped, Waiting};
use super::wire::Interest;
use crate::limits::READS_PER_VISIT_MAX;

/// What a visit has brought.
pub(super) struct Visit {
    /// The link is to be visited again at once.
    pub(super) is_ready: bool,
    /// The connection is over; there is nothing left to visit.
    pub(super) is_over: bool,
    /// When the link is to be visited at the latest.
    pub(super) until: Option<Instant>,
    /// What the link waits for.
    pub(super) interest: Interest,
}

/// How a visit begins.
#[derive(Clone, Copy, Debug)]
pub(super) enum Look {
    /// At what was found.
    At(Interest),
    /// With a read that waits, [`PATIENCE`](crate::limits::PATIENCE) at most, and cannot be woken.
    Patient,
}

impl Look {
    /// The same without waiting.
    pub(super) fn at_once(self) -> Self {
        match self {
            Self::At(_) => self,
            Self::Patient => Self::At(Interest::NONE),
        }
    }
}

impl Link {
    /// Makes `bell` the one by which the link's reactor is called.
    pub(super) fn attach(&self, bell: &Bell) {
        self.wire.attach(bell);
        // A link has one reactor, for good.
        let _ = self.bell.set(bell.clone());
    }

    /// Does what is to be done, and leaves the streams that the peer has opened in `arrived`; nothing if
    /// somebody leads the link.
    pub(super) fn visit(
        self: &Arc<Self>,
        look: Look,
        buffer: &mut [u8],
        arrived: &mut Vec<Arrived>,
    ) -> Option<Visit> {
        let lead = self.lead.as_ref()?;
        if matches!(look, Look::At(Interest { write: true, .. })) {
            self.resume_writing();
        }
        // Who leads patiently leaves the writing to the reactor.
        let if_led = || Interest { read: false, write: lock(&self.state).lacks_writer() };
        if !lead.begin_visit(if_led, |interest| self.watch(interest)) {
            return None;
        }
        let visit = self.visit_led(look, buffer, arrived);
        lead.end_visit(visit.interest, |interest| self.watch(interest));
        Some(visit)
    }

    /// Reads a few times at most.
    fn visit_led(
        self: &Arc<Self>,
        mut look: Look,
        buffer: &mut [u8],
        arrived: &mut Vec<Arrived>,
    ) -> Visit {
        let interest = Interest::NONE;
        let mut visit = Visit { is_ready: false, is_over: false, until: None, interest };
        if let Look::At(found) = &mut look {
            // What is not wanted was not watched for.
            *found = self.wire.end_wait(Interest::BOTH, *found);
        }
        for turn in 1..=READS_PER_VISIT_MAX {
            // The end is seen below.
            let pumped = match look {
                Look::At(found) => self.take_found(buffer, arrived, found),
                Look::Patient => self.read_patiently(buffer, arrived),
            };
            let Some(Waiting { interest, until, .. }) = self.begin_pump(None, None) else {
                visit.is_over = true;
                return visit;
            };
            visit.until = until;
            let has_filled = matches!(pumped, Pumped::Alive { read, .. } if read == buffer.len());
            if has_filled && interest == Interest::READ && turn < READS_PER_VISIT_MAX {
                // More is there in all likelihood, and a read costs less than a wait and a read.
                look = Look::At(interest);
                continue;
            }
            match self.wire.begin_wait(interest) {
                Ok(ready) => look = Look::At(ready),
                Err(interest) => {
                    visit.interest = interest;
                    return visit;
                }
            }
        }
        visit.is_ready = true;
        visit
    }

    /// What the reactor is to watch for now that no caller leads; nothing to be changed if it is
    /// to look itself.
    pub(super) fn next_watch(&self) -> Option<Interest> {
        let bell = self.bell.get()?;
        let Some(Waiting { interest, until, .. }) = self.begin_pump(None, None) else {
            bell.ring();
            return None;
        };
        let alarm = *lock(&self.alarm);
        if until.is_some_and(|until| alarm.is_none_or(|alarm| until < alarm)) {
            bell.ring();
        }
        match self.wire.begin_wait(interest) {
            Ok(_) => {
                bell.ring();
                None
            }
            Err(interest) => Some(interest),
        }
    }

    /// Has the reactor watch for `interest` from now on.
    pub(super) fn watch(&self, interest: Interest) {
        if let (Some(bell), Some(descriptor)) = (self.bell.get(), self.wire.descriptor()) {
            bell.watch(descriptor, interest);
        }
    }

    /// Writes what was held back, calls too.
    pub(super) fn uncork(&self) {
        if self.cork.take_off() | self.calls_held.take_off() {
            self.submit(|_| ());
        }
    }

    /// Writes calls that were held for want of others.
    pub(super) fn write_held_calls(&self) {
        if self.calls_held.take_off() {
            self.submit(|_| ());
        }
    }

    /// Holds back what is to be written until it is uncorked.
    pub(super) fn hold_back(&self) {
        self.submit(|_| self.cork.put_in());
    }

    /// Keeps requests that a caller has read for the reactor.
    pub(super) fn leave_unserved(&self, arrived: &mut Vec<Arrived>) {
        if !arrived.is_empty() {
            self.unserved.put(arrived.drain(..));
            self.bell.get().into_iter().for_each(Bell::ring);
        }
    }

    pub(super) fn take_unserved(&self) -> Vec<Arrived> {
        self.unserved.take()
    }
}
