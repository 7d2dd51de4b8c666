//! Frames that carry no message: RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE and the rest.

use super::{Connection, Event, Role};
use crate::http2::abuse::Glitch;
use crate::http2::error::{Initiator, Reason, Violation};
use crate::http2::frame::{self, FRAME_SIZE_MAX, FRAME_SIZE_MIN, Head, flag, kind};
use crate::http2::settings::{self, id};
use crate::http2::stream::{Effect, Input, State, StreamId};
use crate::http2::window::WINDOW_MAX;
use crate::limits::http2 as limits;

impl Connection {
    /// A whole frame of a known type other than DATA. What it brings about is an event, or several
    /// that wait.
    pub(super) fn on_frame<'a>(
        &mut self,
        head: Head,
        payload: &[u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        match head.kind {
            kind::HEADERS => return self.on_headers(head, payload),
            kind::CONTINUATION => return self.on_continuation(head, payload),
            kind::PRIORITY => self.on_priority(head),
            kind::RST_STREAM => self.on_reset(head.stream, frame::reset(payload)),
            kind::SETTINGS if head.has(flag::ACK) => self.on_settings_ack(),
            kind::SETTINGS => self.on_settings(payload),
            // RFC 9113 8.4: clients must not push, and we have forbidden servers to.
            kind::PUSH_PROMISE => Err(Violation::PushPromise),
            kind::PING if head.has(flag::ACK) => self.on_ping_ack(frame::ping(payload)),
            kind::PING => self.on_ping(frame::ping(payload)),
            kind::GOAWAY => self.on_go_away(frame::go_away(payload)),
            kind::WINDOW_UPDATE => self.on_window_update(head.stream, payload),
            other => unreachable!("frames of type {other:#x} are read elsewhere"),
        }
        .map(|()| None)
    }

    /// RFC 9113 4.1 and 5.5: frames of unknown types are ignored.
    pub(super) fn on_unknown_frame(&mut self) -> Result<(), Violation> {
        self.glitch(Glitch::UnknownFrame)
    }

    /// Charges a frame that does no work.
    pub(super) fn glitch(&mut self, glitch: Glitch) -> Result<(), Violation> {
        match self.times.now() {
            Some(now) => self.abuse.glitch(glitch, now),
            None => Ok(()),
        }
    }

    /// RFC 9113 5.3: priorities are ignored. RFC 9113 6.3: their length is not.
    fn on_priority(&mut self, head: Head) -> Result<(), Violation> {
        self.glitch(Glitch::Priority)?;
        if head.length == PRIORITY_SIZE {
            return Ok(());
        }
        match self.state(head.stream) {
            // RFC 9113 6.4: RST_STREAM must not be sent on an idle stream.
            State::Idle => Err(Violation::PriorityLengthOnIdle),
            State::Open | State::HalfClosedLocal | State::HalfClosedRemote => {
                self.fault(head.stream, Violation::PriorityLength)
            }
            State::Ended | State::ResetByPeer | State::ResetByUs | State::Forgotten => {
                self.glitch(Glitch::LateFrame)
            }
        }
    }

    fn on_reset(&mut self, id: StreamId, reason: Reason) -> Result<(), Violation> {
        match self.state(id).on(Input::ReceiveReset) {
            Effect::Next(state) => self.on_open_stream_reset(id, state, reason),
            Effect::Discard => self.glitch(Glitch::LateFrame),
            Effect::Fault(violation) => self.fault(id, violation),
            Effect::Forbidden => Ok(()),
        }
    }

    fn on_open_stream_reset(
        &mut self,
        id: StreamId,
        state: State,
        reason: Reason,
    ) -> Result<(), Violation> {
        let is_answered = self.streams.get(id).is_some_and(|stream| stream.head_sent);
        self.close_stream(id, state);
        self.events.push_back(Event::Reset { stream: id, reason, by: Initiator::Remote });
        match (self.role, self.times.now()) {
            // A server that resets our streams costs us nothing but the calls.
            (Role::Client, _) | (_, None) => Ok(()),
            // Once we have answered, a reset saves us work.
            (Role::Server, Some(now)) if is_answered => self.abuse.glitch(Glitch::LateReset, now),
            (Role::Server, Some(now)) => self.abuse.reset(now),
        }
    }

    fn on_settings(&mut self, payload: &[u8]) -> Result<(), Violation> {
        let is_first = !std::mem::replace(&mut self.times.settings_received, true);
        if is_first {
            self.begin_keepalive();
        } else {
            self.glitch(Glitch::Settings)?;
        }
        // RFC 9113 6.5.3: values are processed in the order of the frame.
        let mut has_stream_limit = false;
        for (identifier, value) in settings::entries(payload)? {
            has_stream_limit |= identifier == id::MAX_CONCURRENT_STREAMS;
            self.on_setting(identifier, value)?;
        }
        if is_first && !has_stream_limit {
            // RFC 9113 6.5.2: without this setting there is no limit.
            self.peer.max_concurrent_streams = u32::MAX;
        }
        self.reply_settings()?;
        self.events.push_back(Event::SettingsReceived);
        self.announce_streams();
        Ok(())
    }

    fn on_setting(&mut self, identifier: u16, value: u32) -> Result<(), Violation> {
        match identifier {
            id::HEADER_TABLE_SIZE => {
                self.peer.header_table_size = value;
                self.encoder.set_table_size(value as usize);
            }
            id::ENABLE_PUSH => return self.check_enable_push(value),
            id::MAX_CONCURRENT_STREAMS => self.peer.max_concurrent_streams = value,
            id::INITIAL_WINDOW_SIZE => {
                if i64::from(value) > WINDOW_MAX {
                    return Err(Violation::SettingsInitialWindow);
                }
                return self.rebase_windows(value);
            }
            id::MAX_FRAME_SIZE => {
                if !(FRAME_SIZE_MIN..=FRAME_SIZE_MAX).contains(&value) {
                    return Err(Violation::SettingsMaxFrameSize);
                }
                self.peer.max_frame_size = value;
            }
            id::MAX_HEADER_LIST_SIZE => self.peer.max_header_list_size = value,
            // RFC 9113 6.5.2: unknown settings are ignored.
            _ => {}
        }
        Ok(())
    }

    /// RFC 9113 6.5.2: 0 or 1, and from a server only 0.
    fn check_enable_push(&self, value: u32) -> Result<(), Violation> {
        match (self.role, value) {
            (_, 0) | (Role::Server, 1) => Ok(()),
            _ => Err(Violation::SettingsEnablePush),
        }
    }

    fn on_settings_ack(&mut self) -> Result<(), Violation> {
        if std::mem::replace(&mut self.times.settings_acked, true) {
            return self.glitch(Glitch::StrayAck);
        }
        self.decoder.set_table_size_max(self.config.header_table_size as usize);
        self.events.push_back(Event::SettingsAcked);
        Ok(())
    }

    /// RFC 9113 6.7: PING is answered with the same bytes.
    fn on_ping(&mut self, payload: [u8; 8]) -> Result<(), Violation> {
        if let Some(now) = self.times.now() {
            self.abuse.ping(now)?;
            self.check_ping(now)?;
        }
        self.reply_ping(payload)
    }

    fn on_ping_ack(&mut self, payload: [u8; 8]) -> Result<(), Violation> {
        if self.closing.is_drain_ping(payload) {
            self.finish_drain();
            return Ok(());
        }
        if self.growth.is_probe(payload) {
            self.finish_probe();
            return Ok(());
        }
        match self.pings.iter().position(|ping| *ping == payload) {
            Some(index) => {
                self.pings.drain(..=index);
                self.events.push_back(Event::PingAcked(payload));
                Ok(())
            }
            None => self.glitch(Glitch::StrayAck),
        }
    }

    fn on_go_away(&mut self, go_away: frame::GoAway<'_>) -> Result<(), Violation> {
        self.glitch(Glitch::GoAway)?;
        let last_stream = go_away.last_stream;
        // RFC 9113 6.8: the last stream must not be raised by a later GOAWAY.
        if !self.closing.receive(last_stream) {
            return Err(Violation::GoAwayRaised);
        }
        let debug = &go_away.debug[..go_away.debug.len().min(limits::GO_AWAY_DEBUG_MAX)];
        let debug = debug.to_vec();
        let reason = go_away.reason;
        self.events.push_back(Event::GoAway { last_stream, reason, debug });
        if self.role == Role::Server {
            return Ok(());
        }
        // RFC 9113 6.8: streams above the last one were not processed and may be tried again.
        for id in self.streams.select(|id, _| id > last_stream) {
            self.close_stream(id, State::ResetByPeer);
            let reason = Reason::REFUSED_STREAM;
            self.events.push_back(Event::Reset { stream: id, reason, by: Initiator::Remote });
        }
        Ok(())
    }

    fn on_window_update(&mut self, id: StreamId, payload: &[u8]) -> Result<(), Violation> {
        let increment = frame::window_update(payload);
        if let Some(now) = self.times.now() {
            self.abuse.window_update(now)?;
        }
        if id == StreamId::CONNECTION {
            return self.grant_connection(increment);
        }
        match self.state(id).on(Input::ReceiveWindowUpdate) {
            Effect::Next(_) => self.grant_stream(id, increment),
            Effect::Discard | Effect::Forbidden => Ok(()),
            Effect::Fault(violation) => self.fault(id, violation),
        }
    }
}

/// Bytes of PRIORITY (RFC 9113 6.3).
const PRIORITY_SIZE: u32 = 5;
