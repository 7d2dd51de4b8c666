//! How streams and connections end: RST_STREAM, GOAWAY, and faults of the peer.

use std::collections::VecDeque;

use super::{Connection, Event, Role};
use crate::http2::abuse::Glitch;
use crate::http2::error::{Error, Initiator, Reason, Scope, Violation};
use crate::http2::frame::{self, STREAM_ID_MAX};
use crate::http2::stream::{Effect, Input, State, StreamId};
use crate::limits::http2 as limits;

/// What GOAWAY has said, in both directions (RFC 9113 6.8).
#[derive(Debug, Default)]
pub(super) struct Closing {
    sent: Option<StreamId>,
    received: Option<StreamId>,
    /// The first GOAWAY of a graceful shutdown was sent, the last one was not.
    is_draining: bool,
}

impl Closing {
    pub(super) const fn is_going_away(&self) -> bool {
        self.sent.is_some() || self.received.is_some()
    }

    /// Whether the GOAWAY that names the last stream was sent.
    pub(super) const fn last_sent(&self) -> bool {
        self.sent.is_some() && !self.is_draining
    }

    /// Whether a new stream of the peer comes after our GOAWAY.
    pub(super) fn ignores(&self, id: StreamId) -> bool {
        self.sent.is_some_and(|last| id > last)
    }

    pub(super) const fn is_draining(&self) -> bool {
        self.is_draining
    }

    pub(super) fn is_drain_ping(&self, payload: [u8; 8]) -> bool {
        self.is_draining && payload == DRAIN_PING
    }

    /// Takes the last stream of a GOAWAY. False if it is higher than before.
    pub(super) fn receive(&mut self, last_stream: StreamId) -> bool {
        let is_raised = self.received.is_some_and(|before| last_stream > before);
        self.received = Some(last_stream);
        !is_raised
    }
}

impl Connection {
    /// Resets `stream`. There is no event for it; for a stream that is closed this does nothing.
    ///
    /// # Panics
    ///
    /// If `stream` was never opened.
    pub(crate) fn reset(&mut self, stream: StreamId, reason: Reason) {
        self.check_known(stream);
        if self.error.is_some() {
            return;
        }
        if let Effect::Next(state) = self.state(stream).on(Input::SendReset) {
            frame::write_reset(&mut self.output.frames, stream, reason);
            self.close_stream(stream, state);
            // RFC 9113 5.1: the peer may have answered before it sees this; that is no fault.
            self.abuse.stream_abandoned();
        }
    }

    /// Sends PING; [`Event::PingAcked`] with the same bytes follows.
    pub(crate) fn ping(&mut self, payload: [u8; 8]) {
        if self.error.is_some() {
            return;
        }
        self.begin();
        frame::write_ping(&mut self.output.frames, 0, payload);
        if self.pings.len() == limits::PINGS_OUTSTANDING_MAX {
            self.pings.pop_front();
        }
        self.pings.push_back(payload);
    }

    /// Sends GOAWAY with the last stream of the peer. Streams in progress go on, new ones of the
    /// peer are ignored, and none of ours can be opened.
    pub(crate) fn go_away(&mut self, reason: Reason) {
        if self.error.is_none() {
            self.write_go_away(self.last_remote, reason, &[]);
            self.closing.is_draining = false;
            self.times.drain_started = None;
        }
    }

    /// Begins a graceful shutdown: GOAWAY that refuses nothing yet, and PING. When the PING comes
    /// back, every stream that the peer had opened before it knew has arrived, and GOAWAY with the
    /// last of them follows by itself (RFC 9113 6.8).
    pub(crate) fn drain(&mut self) {
        self.drain_saying(&[]);
    }

    /// Wants no more streams, of either side, and says why: a server drains, a client has nothing
    /// to wait for.
    pub(super) fn leave(&mut self, why: &[u8]) {
        match self.role {
            Role::Server => self.drain_saying(why),
            Role::Client => self.go_away(Reason::NO_ERROR),
        }
    }

    fn drain_saying(&mut self, why: &[u8]) {
        if self.error.is_some() || self.closing.sent.is_some() {
            return;
        }
        self.write_go_away(StreamId(STREAM_ID_MAX), Reason::NO_ERROR, why);
        frame::write_ping(&mut self.output.frames, 0, DRAIN_PING);
        self.closing.is_draining = true;
        self.times.drain_started = self.times.now();
    }

    /// The last GOAWAY of a graceful shutdown.
    pub(super) fn finish_drain(&mut self) {
        if self.closing.is_draining {
            self.go_away(Reason::NO_ERROR);
        }
    }

    /// A fault of the peer on `id`: ends the stream or gives the fault back, as the table says.
    ///
    /// # Errors
    ///
    /// If the fault is one of the connection, or if there were too many.
    pub(super) fn fault(&mut self, id: StreamId, violation: Violation) -> Result<(), Violation> {
        let (scope, reason, _) = violation.row();
        if scope == Scope::Connection {
            return Err(violation);
        }
        frame::write_reset(&mut self.output.frames, id, reason);
        if self.streams.get(id).is_some() {
            self.close_stream(id, State::ResetByUs);
            self.events.push_back(Event::Reset { stream: id, reason, by: Initiator::Local });
        } else {
            self.streams.refuse(id, self.config.initial_window_size);
        }
        if violation == Violation::StreamRefused {
            // An honest client may open many streams before it sees our limit.
            return self.glitch(Glitch::RefusedStream);
        }
        // A stream that we reset costs the peer as much as one that it resets itself; else it
        // would only have to break rules to be rid of its streams.
        match self.times.now() {
            Some(now) => self.abuse.reset(now),
            None => Ok(()),
        }
    }

    /// Ends the connection for a fault of the peer.
    pub(super) fn fail(&mut self, violation: Violation) {
        if self.error.is_some() {
            return;
        }
        let error = Error::new(violation);
        if violation == Violation::PrefaceHttp1 && !self.has_begun {
            // Whoever speaks HTTP/1 can read an answer in HTTP/1, if nothing stands before it.
            self.output.frames.extend_from_slice(HTTP1_ANSWER);
        } else {
            // RFC 9113 5.4.1: GOAWAY says why, then the connection is closed.
            self.write_go_away(self.last_remote, error.reason(), error.text().as_bytes());
        }
        self.error = Some(error);
        self.life.end();
        self.events = VecDeque::new();
    }

    fn write_go_away(&mut self, last_stream: StreamId, reason: Reason, debug: &[u8]) {
        self.begin();
        // RFC 9113 6.8: the last stream must not be raised.
        let last_stream = self.closing.sent.map_or(last_stream, |sent| sent.min(last_stream));
        frame::write_go_away(&mut self.output.frames, last_stream, reason, debug);
        self.closing.sent = Some(last_stream);
    }
}

/// The PING of a graceful shutdown, told from those of the application by its bytes.
const DRAIN_PING: [u8; 8] = *b"\xd3goaway\x02";

/// What a client gets that sent a request of HTTP/1.
const HTTP1_ANSWER: &[u8] = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\
    content-type: text/plain\r\ncontent-length: 25\r\n\r\nthis port speaks HTTP/2.\n";
