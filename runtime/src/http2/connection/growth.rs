//! Windows that open to what is read.
//!
//! A window that holds less than what is on the way in one round trip makes the peer wait. Whenever
//! an application has taken half of a stream's window, PING goes behind the WINDOW_UPDATE; what has
//! come when it is acknowledged was on the way. If that was a good part of the window, and faster
//! than ever before, windows become twice as large, up to a limit. Small calls never come to it, and
//! neither do peers that are so near that a larger window would only fill memory that caches do not.
//!
//! A PING follows only upon DATA that came after the one before it was acknowledged, so that it is
//! never taken for one too many (gRFC A8).
//!
//! Invariants: a stream's window grows only when its application takes bytes, so one that is not
//! read stays as small as it was; all streams of a connection together get no more than
//! [`limits::WINDOW_GROWTH_MAX`] beyond what SETTINGS has announced.

use std::time::{Duration, Instant};

use super::Connection;
use crate::http2::frame;
use crate::http2::settings::Config;
use crate::http2::stream::StreamId;
use crate::http2::window::ReceiveWindow;
use crate::limits::http2 as limits;

/// How large windows are to be.
#[derive(Debug)]
pub(super) struct Growth {
    /// The window of a stream whose application reads.
    window: u32,
    /// The windows that were chosen stay.
    is_fixed: bool,
    probe: Option<Probe>,
    /// DATA has come since the last measurement. A server counts PINGs before which it has sent
    /// none (gRFC A8).
    has_new_data: bool,
    /// Bytes a second, as far as they are known.
    best: u64,
    /// The shortest round trip of all measurements: the others waited somewhere.
    round_trip: Option<Duration>,
    /// How many measurements there were.
    measurements: u32,
    /// What open streams have beyond their first window.
    granted: u64,
}

/// A PING on its way.
#[derive(Debug)]
struct Probe {
    sent: Option<Instant>,
    /// DATA that has come since.
    received: u64,
}

impl Growth {
    pub(super) fn new(config: &Config) -> Self {
        let are_default = config.initial_window_size == limits::INITIAL_WINDOW_SIZE
            && config.connection_window_size == limits::CONNECTION_WINDOW_SIZE;
        Self {
            window: config.initial_window_size,
            is_fixed: !are_default,
            probe: None,
            has_new_data: false,
            best: 0,
            round_trip: None,
            measurements: 0,
            granted: 0,
        }
    }

    /// DATA has come.
    pub(super) fn receive(&mut self, count: u32) {
        match &mut self.probe {
            Some(probe) => probe.received += u64::from(count),
            None => self.has_new_data |= count > 0,
        }
    }

    /// Enlarges the window of a stream whose application reads; returns by how much.
    pub(super) fn raise(&mut self, window: &mut ReceiveWindow) -> u32 {
        let left = limits::WINDOW_GROWTH_MAX - self.granted;
        let wanted = u64::from(self.window.saturating_sub(window.target()));
        // What is left fits 32 bits as well as what is wanted.
        let raise = wanted.min(left) as u32;
        window.raise(raise);
        self.granted += u64::from(raise);
        raise
    }

    /// A stream has closed that had this window.
    pub(super) fn close(&mut self, window: &ReceiveWindow, initial: u32) {
        self.granted -= u64::from(window.target() - initial);
    }

    pub(super) fn is_probe(&self, payload: [u8; 8]) -> bool {
        self.probe.is_some() && payload == PROBE_PING
    }
}

impl Connection {
    /// Begins to measure, unless it is being done or windows are as large as they may be.
    pub(super) fn probe(&mut self) {
        let growth = &mut self.growth;
        // The first answers tell that a peer is near; PINGs without end would be too many for it.
        let is_near = growth.measurements > limits::WINDOW_GROWTH_MEASUREMENTS
            && growth.round_trip.is_some_and(|time| time < limits::WINDOW_GROWTH_ROUND_TRIP);
        let is_known = is_near || growth.measurements >= limits::WINDOW_GROWTH_MEASUREMENTS_MAX;
        let is_done = growth.is_fixed || growth.window >= limits::STREAM_WINDOW_MAX || is_known;
        if is_done || growth.probe.is_some() || !growth.has_new_data {
            return;
        }
        growth.has_new_data = false;
        growth.probe = Some(Probe { sent: self.times.now(), received: 0 });
        frame::write_ping(&mut self.output.frames, 0, PROBE_PING);
    }

    /// The PING has come back.
    pub(super) fn finish_probe(&mut self) {
        let now = self.times.now();
        let Some(Probe { sent, received }) = self.growth.probe.take() else { return };
        let growth = &mut self.growth;
        let Some(time) = now.zip(sent).map(|(now, sent)| now.saturating_duration_since(sent))
        else {
            return;
        };
        let round_trip = growth.round_trip.map_or(time, |shortest| shortest.min(time));
        growth.round_trip = Some(round_trip);
        growth.measurements = growth.measurements.saturating_add(1);
        // The first ones may have waited for a peer that was not awake yet.
        let is_known = growth.measurements > limits::WINDOW_GROWTH_MEASUREMENTS;
        if !is_known || round_trip < limits::WINDOW_GROWTH_ROUND_TRIP {
            return;
        }
        // Half of the window was told behind the PING, so no more than the other half is seen here
        // of a peer that waits.
        if received * 3 < u64::from(growth.window) {
            return;
        }
        let nanos = time.as_nanos().clamp(1, u128::from(u64::MAX)) as u64;
        let speed = received.saturating_mul(1_000_000_000) / nanos;
        // A larger window that brings no more only fills the queues on the way.
        if speed <= growth.best {
            return;
        }
        growth.best = speed;
        growth.window = growth.window.saturating_mul(2).min(limits::STREAM_WINDOW_MAX);
        let on_connection = growth.window.saturating_mul(2);
        let raise = on_connection.saturating_sub(self.flow.receive.target());
        if raise > 0 {
            self.flow.receive.raise(raise);
            frame::write_window_update(&mut self.output.frames, StreamId::CONNECTION, raise);
        }
    }
}

/// The PING of a measurement, told from those of the application by its bytes.
const PROBE_PING: [u8; 8] = *b"\xd3window\x02";
