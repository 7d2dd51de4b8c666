//! From the bytes of a read to events, and from events to inboxes and to those who serve.
//!
//! The invariant: once the streams are lost nothing of what still comes is looked at.

use std::sync::Arc;
use std::time::Instant;

use super::accepted::Arrived;
use super::filling::{Filled, Source};
use super::inbox::Inbox;
use super::link::{Link, Side};
use super::state::State;
use super::stream::Handle;
use crate::http2::{Event, Headers, StreamId};

/// What a read has brought.
pub(super) struct Taking<'a, 'r> {
    /// What is left of its bytes.
    pub(super) bytes: &'a [u8],
    pub(super) time: Instant,
    /// The streams that the peer has opened.
    pub(super) arrived: &'r mut Vec<Arrived>,
}

/// A stream that the peer has opened, before it has a handle.
struct Request {
    id: StreamId,
    headers: Headers,
    end: bool,
    truncated: bool,
}

impl Link {
    /// Bytes into events, events into inboxes.
    pub(super) fn take_in(self: &Arc<Self>, state: &mut State, mut taking: Taking<'_, '_>) {
        let time = taking.time;
        if state.lost.is_none() {
            state.core.hear(taking.bytes, time);
        }
        let mut next = None;
        // Once the streams are lost, what still comes is read for one purpose only: to see its end.
        while state.lost.is_none() {
            let event = match next.take() {
                Some(event) => event,
                None => match state.core.next_event(&mut taking.bytes) {
                    Ok(Some(event)) => event,
                    Ok(None) => break,
                    Err(_) => {
                        self.check_core(state, time);
                        continue;
                    }
                },
            };
            next = match event {
                Event::Headers { stream, headers, end_stream, truncated }
                    if self.side == Side::Server =>
                {
                    let request = Request { id: stream, headers, end: end_stream, truncated };
                    self.accept(state, request, &mut taking)
                }
                event => state.deliver(event, &mut taking.bytes),
            };
            // Requests come in the order in which they are whole.
            if !state.settled.is_empty() {
                taking.arrived.append(&mut state.settled);
            }
        }
    }

    /// Takes in a stream that the peer has opened, and what follows for it; returns the event behind
    /// that.
    fn accept<'a>(
        self: &Arc<Self>,
        state: &mut State,
        request: Request,
        taking: &mut Taking<'a, '_>,
    ) -> Option<Event<'a>> {
        let Request { id, headers, end, truncated } = request;
        self.listed.open_stream();
        let first = end.then_some(Event::Data { stream: id, data: &[], end_stream: true });
        let State { core, inboxes, .. } = state;
        let source = Source { core, stream: id, side: Side::Server, bytes: &mut taking.bytes };
        // A new inbox has nobody to be told.
        let (inbox, Filled { next, .. }) =
            Inbox::of_peer(self.receive_limit, self.window, |filling| filling.fill(first, source));
        inboxes.insert(id, Arc::clone(&inbox));
        let handle = Handle { link: Arc::clone(self), id, inbox };
        taking.arrived.push(Arrived { handle, headers, truncated, received: taking.time });
        next
    }
}
