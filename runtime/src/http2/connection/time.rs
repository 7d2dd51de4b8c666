//! Time limits. Time is an argument; the core remembers what it was told last.

use std::time::Instant;

use super::Connection;
use crate::http2::error::Violation;
use crate::http2::stream::{Stream, StreamId};
use crate::limits::http2 as limits;

/// When what began, and what has been reached.
#[derive(Debug, Default)]
pub(super) struct Times {
    /// The latest time that anybody told.
    now: Option<Instant>,
    /// The first time that anybody told: the beginning of the connection.
    started: Option<Instant>,
    pub(super) settings_received: bool,
    pub(super) settings_acked: bool,
    /// When the open header block began.
    pub(super) block_started: Option<Instant>,
    /// When the graceful shutdown began.
    pub(super) drain_started: Option<Instant>,
    /// When the first of the streams was held back whose DATA waits for more window.
    pub(super) held_back_since: Option<Instant>,
}

impl Times {
    /// Takes the time; it never runs backwards here.
    pub(super) fn set(&mut self, now: Instant) {
        let now = self.now.map_or(now, |last| last.max(now));
        self.now = Some(now);
        self.started.get_or_insert(now);
    }

    /// The time that was told last.
    pub(super) fn now(&self) -> Option<Instant> {
        self.now
    }

    /// Whether something must have come, or be done, by some time.
    fn has_deadline(&self) -> bool {
        !self.settings_received
            || !self.settings_acked
            || self.block_started.is_some()
            || self.held_back_since.is_some()
    }

    /// When the connection began.
    pub(super) fn started(&self) -> Option<Instant> {
        self.started
    }
}

impl Connection {
    /// Enforces the limits that depend on time. What it finds is in [`error`](Self::error) and in
    /// [`poll_event`](Self::poll_event).
    pub(crate) fn on_time(&mut self, now: Instant) {
        self.times.set(now);
        self.note_idleness(now);
        let has_limits = self.times.has_deadline() || self.closing.is_draining();
        if self.error.is_none() && (has_limits || self.life.is_due(now)) {
            self.on_limits(now);
        }
    }

    /// As [`on_time`](Self::on_time), if there may be something to do.
    #[cold]
    fn on_limits(&mut self, now: Instant) {
        if let Some(violation) = self.overdue(now) {
            self.fail(violation);
            return;
        }
        if let Err(violation) = self.on_alarm(now) {
            self.fail(violation);
            return;
        }
        if self.drain_deadline().is_some_and(|deadline| deadline <= now) {
            self.finish_drain();
        }
        self.wake_held_back(now);
    }

    /// When [`on_time`](Self::on_time) has something to do, as far as is known now.
    #[inline]
    pub(crate) fn next_timeout(&self) -> Option<Instant> {
        // Nearly always the rules of time are all that there is, and every command asks.
        match self.times.has_deadline() || self.closing.is_draining() {
            false => self.life.alarm(),
            true => self.next_deadline(),
        }
    }

    #[cold]
    fn next_deadline(&self) -> Option<Instant> {
        let deadlines = [self.preface_deadline(), self.ack_deadline(), self.block_deadline()];
        let others = [self.drain_deadline(), self.held_back_deadline(), self.life.alarm()];
        deadlines.into_iter().chain(others).flatten().min()
    }

    fn overdue(&self, now: Instant) -> Option<Violation> {
        let is_over = |deadline: Option<Instant>| deadline.is_some_and(|at| at <= now);
        if is_over(self.preface_deadline()) {
            Some(Violation::PrefaceTimeout)
        } else if is_over(self.block_deadline()) {
            Some(Violation::HeaderBlockTimeout)
        } else if is_over(self.ack_deadline()) {
            // RFC 9113 6.5.3: a missing acknowledgement may be answered with SETTINGS_TIMEOUT.
            Some(Violation::SettingsTimeout)
        } else {
            None
        }
    }

    fn preface_deadline(&self) -> Option<Instant> {
        let started = self.times.started.filter(|_| !self.times.settings_received)?;
        // A timeout beyond what the clock can express is none.
        started.checked_add(self.config.preface_timeout)
    }

    fn ack_deadline(&self) -> Option<Instant> {
        let started = self.times.started.filter(|_| !self.times.settings_acked)?;
        Some(started + limits::SETTINGS_ACK_TIMEOUT)
    }

    fn block_deadline(&self) -> Option<Instant> {
        Some(self.times.block_started? + limits::HEADER_BLOCK_TIMEOUT)
    }

    fn drain_deadline(&self) -> Option<Instant> {
        // A shutdown that began before anybody told the time began with the connection.
        let started = self.times.drain_started.or(self.times.started);
        let started = started.filter(|_| self.closing.is_draining())?;
        Some(started + limits::DRAIN_TIMEOUT)
    }

    fn held_back_deadline(&self) -> Option<Instant> {
        Some(self.times.held_back_since? + limits::DATA_HELD_BACK_MAX)
    }

    /// Lets streams send what they may, though the peer has granted little.
    pub(super) fn wake_held_back(&mut self, now: Instant) {
        if self.held_back_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        let is_due = |(_, stream): &(StreamId, &Stream)| stream.is_held_back_too_long(Some(now));
        let due: Vec<StreamId> = self.streams.waiters().filter(is_due).map(|(id, _)| id).collect();
        due.into_iter().for_each(|id| self.wake(id));
        self.times.held_back_since = self.streams.first_held_back(now);
        self.wake_connection_waiters();
    }
}
