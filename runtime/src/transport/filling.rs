//! What one read has brought for one stream, into its inbox: under one lock, and looked up once.
//!
//! The invariant: events are put in in the order of the wire, and the first one that is for somebody else
//! is handed back.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU8, Ordering};

use super::active::Counts;
use super::inbox::{Inbox, State};
use super::link::Side;
use super::lock;
use super::marks::Marks;
use super::sending::Sending;
use super::waiting::Told;
use crate::http2::{Connection, Event, StreamId};

/// An inbox that is being filled, by who has its lock, or has it alone.
pub(super) struct Filling<'i> {
    state: &'i mut State,
    counts: &'i Counts,
    marks: &'i AtomicU8,
}

/// Where the events of a stream come from.
pub(super) struct Source<'s, 'a> {
    pub(super) core: &'s mut Connection,
    pub(super) stream: StreamId,
    pub(super) side: Side,
    /// What was read and not looked at.
    pub(super) bytes: &'s mut &'a [u8],
}

/// What filling an inbox has come to.
pub(super) struct Filled<'a> {
    /// The event that is for somebody else.
    pub(super) next: Option<Event<'a>>,
    /// Who is to be told.
    pub(super) told: Told,
    /// A head has come that is none of gRPC's, whose body is to be waited for.
    pub(super) lacks_body: bool,
    /// The peer has sent its last, and this side had before.
    pub(super) is_over: bool,
}

impl Inbox {
    /// Calls `fill` under the lock.
    pub(super) fn filled<R>(&self, fill: impl FnOnce(Filling<'_>) -> R) -> R {
        let mut state = lock(&self.state);
        fill(Filling { state: &mut state, counts: &self.counts, marks: &self.marks })
    }

    /// For who has the inbox alone.
    pub(super) fn filling(&mut self) -> Filling<'_> {
        let Self { state, counts, marks, .. } = self;
        let state = state.get_mut().unwrap_or_else(PoisonError::into_inner);
        Filling { state, counts, marks }
    }
}

impl Filling<'_> {
    /// Puts in `first` and what follows for the same stream.
    pub(super) fn fill<'a>(self, first: Option<Event<'a>>, source: Source<'_, 'a>) -> Filled<'a> {
        let Self { state, counts, marks } = self;
        let Source { core, stream, side, bytes } = source;
        let received = &mut state.received;
        let (mut is_news, mut is_last, mut has_head) = (false, false, false);
        let mut next = first;
        loop {
            let event = match next.take() {
                Some(event) => event,
                None if bytes.is_empty() => break,
                // Whoever asks next is told of an error again.
                None => match core.next_event(bytes) {
                    Ok(Some(event)) => event,
                    Ok(None) | Err(_) => break,
                },
            };
            match event {
                Event::Data { stream: id, data, end_stream } if id == stream => {
                    counts.add_received(data.len());
                    let credit = received.push_data(data, end_stream);
                    if credit > 0 {
                        core.release(stream, credit);
                    }
                    // An incomplete message is nothing to wake anybody for.
                    is_news |= !received.is_empty();
                    is_last |= end_stream;
                }
                Event::Trailers { stream: id, headers, truncated } if id == stream => {
                    received.push_trailers(headers, truncated);
                    (is_news, is_last) = (true, true);
                }
                Event::Headers { stream: id, headers, end_stream, truncated }
                    if id == stream && side == Side::Client =>
                {
                    received.push_head(headers, end_stream, truncated);
                    (is_news, has_head) = (true, !end_stream);
                    is_last |= end_stream;
                }
                other => {
                    next = Some(other);
                    break;
                }
            }
        }
        let lacks_body = has_head && received.lacks_body();
        // What a server sends last: a client then sends nothing more.
        is_last &= side == Side::Client;
        if is_last {
            if state.sending == Sending::Open {
                state.sending = Sending::Closed;
                state.clear_batch();
            }
            state.writable = true;
        }
        marks.store(Marks::of(state), Ordering::Release);
        let told = if is_news { state.receivers() } else { Told::NOBODY };
        let is_over = is_last && state.sending == Sending::Ended;
        Filled { next, told, lacks_body, is_over }
    }
}
