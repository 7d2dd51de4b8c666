//! The rules of time that a connection is given: keepalive, PINGs of the peer, idleness and age.
//!
//! One alarm stands for all of them. Invariant: it is never later than the moment at which
//! something is to be done; it may be earlier, and then it is only set anew. So whatever puts a
//! moment off (a byte read, a stream opened) is a store and wakes nobody.

use std::time::{Duration, Instant};

use super::Connection;
use crate::http2::error::Violation;
use crate::limits::http2 as limits;

/// What the rules are measured from.
#[derive(Debug, Default)]
pub(super) struct Life {
    /// The earliest moment at which a rule may have something to do.
    alarm: Option<Instant>,
    /// The rules were asked for that moment.
    is_asked: bool,
    /// When bytes of the peer were read last.
    heard: Option<Instant>,
    /// When the keepalive PING was sent; nothing was read since.
    probed: Option<Instant>,
    /// The time for a keepalive PING came while there was no stream.
    is_dormant: bool,
    /// Since when there is no stream, as far as anybody has told the time since.
    idle_since: Option<Instant>,
    /// When the connection became too old.
    aged: Option<Instant>,
    pings: Pings,
    keepalives_sent: u64,
}

/// The peer's account of PINGs.
#[derive(Debug, Default)]
struct Pings {
    last: Option<Instant>,
    strikes: u32,
    /// HEADERS or DATA were sent since the last PING.
    has_answered: bool,
}

impl Life {
    /// Bytes of the peer were read.
    pub(super) fn hear(&mut self, now: Instant) {
        self.heard = Some(now);
        if self.probed.take().is_some() {
            // The next PING may be due before this one had to be answered.
            self.look_again(Some(now));
        }
    }

    /// HEADERS or DATA are sent.
    pub(super) fn answer(&mut self) {
        self.pings.has_answered = true;
    }

    /// A stream is opened, by either side; `now` is the time that was told last.
    pub(super) fn open(&mut self, now: Option<Instant>) {
        self.idle_since = None;
        if std::mem::take(&mut self.is_dormant) {
            self.look_again(now);
        }
    }

    /// A moment may have come closer; `now` is the time that was told last.
    fn look_again(&mut self, now: Option<Instant>) {
        (self.alarm, self.is_asked) = (now, false);
    }

    pub(super) fn alarm(&self) -> Option<Instant> {
        self.alarm
    }

    /// Whether a rule may have something to do at `now`.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.is_asked || self.alarm.is_some_and(|alarm| alarm <= now)
    }

    /// How many PINGs of keepalive were sent.
    #[cfg(feature = "channelz")]
    pub(super) fn keepalives_sent(&self) -> u64 {
        self.keepalives_sent
    }

    /// The connection is over.
    pub(super) fn end(&mut self) {
        self.alarm = None;
    }
}

impl Connection {
    /// Whether the last stream has ended by a command, and when is not known: the rule of idleness
    /// wants [`tell_time`](Self::tell_time).
    pub(crate) fn wants_time(&self) -> bool {
        self.config.lifetime.idle_max.is_some()
            && self.life.idle_since.is_none()
            && self.streams.is_empty()
    }

    /// Tells the time of the commands before.
    pub(crate) fn tell_time(&mut self, now: Instant) {
        self.times.set(now);
        self.note_idleness(now);
    }

    /// Enforces the rules whose time has come.
    ///
    /// # Errors
    ///
    /// Why the connection is over at once.
    pub(super) fn on_alarm(&mut self, now: Instant) -> Result<(), Violation> {
        if !self.life.is_due(now) {
            return Ok(());
        }
        self.check_keepalive(now)?;
        self.check_age(now)?;
        self.check_idleness(now);
        let moments = [self.keepalive_moment(), self.age_moment(), self.idle_moment(now)];
        self.life.alarm = moments.into_iter().flatten().min();
        self.life.is_asked = true;
        Ok(())
    }

    /// gRFC A8: a PING of the peer; those that come too early are counted.
    pub(super) fn check_ping(&mut self, now: Instant) -> Result<(), Violation> {
        let Some(policy) = self.config.lifetime.ping_policy else { return Ok(()) };
        let is_idle = self.streams.is_empty() && !policy.without_streams;
        let interval =
            if is_idle { limits::PING_INTERVAL_WITHOUT_STREAMS } else { policy.interval_min };
        let pings = &mut self.life.pings;
        let before = pings.last.replace(now);
        if std::mem::take(&mut pings.has_answered) {
            // Who gets something may measure how fast it comes.
            pings.strikes = 0;
        } else if before.is_some_and(|before| now.saturating_duration_since(before) < interval) {
            pings.strikes += 1;
            if pings.strikes > policy.strikes_max {
                return Err(Violation::TooManyPings);
            }
        }
        Ok(())
    }

    /// Keepalive counts from the peer's SETTINGS.
    pub(super) fn begin_keepalive(&mut self) {
        if self.config.lifetime.keepalive.is_some() {
            self.life.look_again(self.times.now());
        }
    }

    /// There is no stream, at `now` at the latest.
    pub(super) fn note_idleness(&mut self, now: Instant) {
        if self.life.idle_since.is_none() && self.streams.is_empty() {
            self.life.idle_since = Some(now);
        }
    }

    fn check_keepalive(&mut self, now: Instant) -> Result<(), Violation> {
        let Some(keepalive) = self.config.lifetime.keepalive else { return Ok(()) };
        if self.keepalive_moment().is_none_or(|moment| moment > now) {
            return Ok(());
        }
        if !self.wants_input() {
            // Silence says nothing while nobody reads.
            self.life.hear(now);
        } else if self.life.probed.is_some() {
            return Err(Violation::KeepaliveTimeout);
        } else if self.streams.is_empty() && !keepalive.without_streams {
            self.life.is_dormant = true;
        } else {
            self.ping(KEEPALIVE_PING);
            self.life.probed = Some(now);
            self.life.keepalives_sent += 1;
        }
        Ok(())
    }

    /// When PING is to be sent, or was to be answered.
    fn keepalive_moment(&self) -> Option<Instant> {
        let keepalive = self.config.lifetime.keepalive?;
        if !self.times.settings_received || self.life.is_dormant {
            return None;
        }
        match self.life.probed {
            Some(probed) => later(probed, keepalive.timeout),
            None => later(self.life.heard?, keepalive.time),
        }
    }

    fn check_age(&mut self, now: Instant) -> Result<(), Violation> {
        if self.age_moment().is_none_or(|moment| moment > now) {
            return Ok(());
        }
        if self.life.aged.is_some() {
            return Err(Violation::AgeGraceOver);
        }
        self.life.aged = Some(now);
        self.leave(b"max_age");
        Ok(())
    }

    /// When the connection is too old, or has been so for too long.
    fn age_moment(&self) -> Option<Instant> {
        let lifetime = &self.config.lifetime;
        match self.life.aged {
            Some(aged) => later(aged, lifetime.age_grace?),
            None => later(self.times.started()?, lifetime.age_max?),
        }
    }

    fn check_idleness(&mut self, now: Instant) {
        if self.idle_moment(now).is_some_and(|moment| moment <= now) {
            self.leave(b"max_idle");
        }
    }

    /// When the connection is idle for too long, at the earliest.
    fn idle_moment(&self, now: Instant) -> Option<Instant> {
        let idle_max = self.config.lifetime.idle_max?;
        if self.is_going_away() {
            return None;
        }
        later(self.life.idle_since.unwrap_or(now), idle_max)
    }
}

/// The moment that lies `time` after `start`; none if that is for ever.
fn later(start: Instant, time: Duration) -> Option<Instant> {
    start.checked_add(time)
}

/// The PING of keepalive, told from those of the application by its bytes.
const KEEPALIVE_PING: [u8; 8] = *b"\xd3alive?\x02";
