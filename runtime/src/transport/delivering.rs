//! From events of the core to inboxes: what has come for whom, and who is to be told.
//!
//! Nothing here wakes anybody: who is to be told is collected, and told by whoever releases the lock.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::accepted::Arrived;
use super::filling::{Filled, Source};
use super::inbox::Inbox;
use super::incoming::Incoming;
use super::state::State;
use super::stream::Handle;
use super::waiting::Told;
use crate::http2::{self, Event, StreamId};

impl State {
    /// Delivers what commands or the time have brought about.
    #[inline]
    pub(super) fn settle(&mut self) {
        // Most often nobody is to be told of anything.
        if self.core.has_events() || !self.turns.is_empty() {
            self.settle_all();
        }
    }

    #[inline(never)]
    fn settle_all(&mut self) {
        while let Some(event) = self.core.poll_event() {
            self.note(event);
        }
        let is_hopeless = self.lost.is_some() || self.retiring || self.exhausted;
        if is_hopeless || self.core.is_going_away() {
            self.dismiss_queue();
        } else if !self.turns.is_empty() {
            for inbox in self.turns.call(self.core.room()) {
                self.tell(&inbox, inbox.give_turn());
            }
        }
    }

    /// Has those who wait for a stream look elsewhere.
    pub(super) fn dismiss_queue(&mut self) {
        for inbox in self.turns.end() {
            self.tell(&inbox, inbox.give_turn());
        }
    }

    /// Puts an event into its inbox, and with it what follows for the same stream in `bytes`; returns the
    /// event behind those.
    pub(super) fn deliver<'a>(
        &mut self,
        event: Event<'a>,
        bytes: &mut &'a [u8],
    ) -> Option<Event<'a>> {
        let (Event::Headers { stream, .. }
        | Event::Data { stream, .. }
        | Event::Trailers { stream, .. }) = event
        else {
            self.note(event);
            return None;
        };
        let Self { core, inboxes, side, rests, .. } = self;
        // Nobody may hold it any more.
        let Entry::Occupied(entry) = inboxes.entry(stream) else { return None };
        let inbox = entry.get();
        let source = Source { core, stream, side: *side, bytes };
        let filled = inbox.filled(|filling| filling.fill(Some(event), source));
        let Filled { next, told, lacks_body, is_over } = filled;
        self.called |= told.called;
        if told.is_due && inbox.set_due() {
            self.due.push(Arc::clone(inbox));
        }
        if lacks_body {
            self.foreign.push(Arc::clone(inbox));
        }
        // A rest that waits for the peer's window is to be given up with the stream: its end is for the
        // core to see, when it is let go of.
        if is_over && (rests.is_empty() || !rests.contains_key(&stream)) {
            entry.remove().set_released();
        }
        self.settle_held(stream);
        next
    }

    /// What is no part of a message.
    fn note(&mut self, event: Event<'_>) {
        match event {
            // Those come with bytes alone.
            Event::Headers { .. } | Event::Data { .. } | Event::Trailers { .. } => {}
            Event::Reset { stream, reason, by } => {
                self.rests.remove(&stream);
                let reset = Incoming::Reset { reason, by };
                self.push(stream, |inbox| inbox.push_failure(reset));
                self.settle_held(stream);
            }
            Event::Writable { stream } => {
                if !self.send_more(stream) {
                    self.push(stream, Inbox::set_writable);
                }
            }
            Event::GoAway { reason, debug, .. } => {
                self.is_too_chatty |=
                    reason == http2::Reason::ENHANCE_YOUR_CALM && debug == b"too_many_pings";
                self.going = Some(match debug.is_empty() {
                    true => format!("GOAWAY {reason}"),
                    false => format!("GOAWAY {reason} \"{}\"", debug.escape_ascii()),
                });
            }
            // `settle` and the waits for readiness ask the core itself.
            Event::StreamsAvailable | Event::SettingsReceived => {}
            Event::SettingsAcked | Event::PingAcked(_) => {}
        }
    }

    /// The streams are over, for the reason given.
    pub(super) fn lose(&mut self, text: Arc<str>) {
        if self.lost.is_some() {
            return;
        }
        for inbox in self.inboxes.values() {
            let told = inbox.push_failure(Incoming::Lost(Arc::clone(&text)));
            self.called |= told.called;
            if told.is_due && inbox.set_due() {
                self.due.push(Arc::clone(inbox));
            }
        }
        self.rests.clear();
        self.settled.extend(self.held.drain().map(|(_, arrived)| arrived));
        self.lost = Some(text);
    }

    /// Puts back a request until it is whole; returns it if it is, or never will be.
    pub(super) fn hold(&mut self, arrived: Arrived) -> Option<Arrived> {
        let Handle { id, inbox, .. } = &arrived.handle;
        if self.lost.is_some() || inbox.is_settled() {
            return Some(arrived);
        }
        let (id, credit) = (*id, inbox.expect());
        if credit > 0 {
            self.core.release(id, credit);
        }
        self.held.insert(id, arrived);
        None
    }

    /// Something has come on a stream whose request may be held.
    pub(super) fn settle_held(&mut self, id: StreamId) {
        // Most connections hold none, and then nothing is looked up.
        if !self.held.is_empty()
            && self.held.get(&id).is_some_and(|held| held.handle.inbox.is_settled())
        {
            self.settled.extend(self.held.remove(&id));
        }
    }

    /// Calls `put` with the inbox of `stream`, unless nobody holds it any more.
    pub(super) fn push(&mut self, stream: StreamId, put: impl FnOnce(&Inbox) -> Told) {
        let Some(inbox) = self.inboxes.get(&stream) else { return };
        let told = put(inbox);
        self.called |= told.called;
        if told.is_due && inbox.set_due() {
            self.due.push(Arc::clone(inbox));
        }
    }

    /// Has those told, when the lock is released, who wait at `inbox`.
    pub(super) fn tell(&mut self, inbox: &Arc<Inbox>, told: Told) {
        self.called |= told.called;
        if told.is_due && inbox.set_due() {
            self.due.push(Arc::clone(inbox));
        }
    }
}
