//! Flow control (RFC 9113 5.2 and 6.9): the windows of the connection, and who waits for which.
//!
//! Invariants: the window of the connection is given back as DATA arrives, whatever becomes of it;
//! the window of a stream is given back when the application has taken the bytes. A stream is told
//! Writable once for each time `send_data` accepted less than it was offered.

use super::{Connection, Event};
use crate::http2::error::Violation;
use crate::http2::frame;
use crate::http2::settings::Config;
use crate::http2::stream::{State, Stream, StreamId, Wait};
use crate::http2::window::{ReceiveWindow, SendWindow, WINDOW_INITIAL, WINDOW_MAX};
use crate::limits::http2 as limits;

/// Windows of the connection and the queues of those who wait for one.
#[derive(Debug)]
pub(super) struct Flow {
    pub(super) send: SendWindow,
    pub(super) receive: ReceiveWindow,
    /// At least the highest offset of a stream's send window: whether a larger
    /// SETTINGS_INITIAL_WINDOW_SIZE overflows a window is asked of this number, not of every
    /// stream.
    highest_offset: i64,
}

impl Flow {
    pub(super) fn new(config: &Config) -> Self {
        Self {
            send: SendWindow::default(),
            receive: ReceiveWindow::new(config.connection_window_size.max(WINDOW_INITIAL)),
            highest_offset: 0,
        }
    }

    /// What may be sent on the connection.
    pub(super) fn send_size(&self) -> i64 {
        self.send.size(WINDOW_INITIAL)
    }
}

impl Connection {
    /// The application has taken `bytes` of `stream`: the peer may send as many again.
    ///
    /// For a stream that is closed this does nothing.
    ///
    /// # Panics
    ///
    /// If more is released than was received, or if `stream` was never opened: bugs of the caller.
    pub(crate) fn release(&mut self, stream: StreamId, bytes: usize) {
        self.check_known(stream);
        let count = u32::try_from(bytes).expect("less is released than a window holds");
        let Some(increment) = self.give_back(stream, count) else { return };
        let Some(entry) = self.streams.get_mut(stream) else { return };
        let raise = self.growth.raise(&mut entry.receive_window);
        frame::write_window_update(&mut self.output.frames, stream, increment + raise);
        self.probe();
    }

    /// Gives back `count` bytes that no application sees.
    pub(super) fn credit_padding(&mut self, id: StreamId, count: u32) {
        if let Some(increment) = self.give_back(id, count) {
            frame::write_window_update(&mut self.output.frames, id, increment);
        }
    }

    /// Gives back `count` bytes of a stream's window. Some(increment) if the peer is to be told.
    fn give_back(&mut self, id: StreamId, count: u32) -> Option<u32> {
        let stream = self.streams.get_mut(id)?;
        let increment = stream.receive_window.give_back(count)?;
        // Nothing more comes from a peer that has ended its half.
        let is_told = self.error.is_none() && stream.state != State::HalfClosedRemote;
        is_told.then_some(increment)
    }

    /// Gives back `count` bytes of the connection's window.
    pub(super) fn credit_connection(&mut self, count: u32) {
        if let Some(increment) = self.flow.receive.give_back(count) {
            let connection = StreamId::CONNECTION;
            frame::write_window_update(&mut self.output.frames, connection, increment);
        }
    }

    /// WINDOW_UPDATE for the connection.
    ///
    /// # Errors
    ///
    /// RFC 9113 6.9: an increment of 0. RFC 9113 6.9.1: a window above 2^31-1.
    pub(super) fn grant_connection(&mut self, increment: u32) -> Result<(), Violation> {
        if increment == 0 {
            return Err(Violation::ConnectionWindowZeroIncrement);
        }
        if !self.flow.send.grant(WINDOW_INITIAL, increment) {
            return Err(Violation::ConnectionWindowOverflow);
        }
        self.wake_connection_waiters();
        Ok(())
    }

    /// WINDOW_UPDATE for a stream that is open or half closed. `Ok(Err(_))` is its own fault.
    pub(super) fn grant_stream(&mut self, id: StreamId, increment: u32) -> Result<(), Violation> {
        if increment == 0 {
            return self.fault(id, Violation::StreamWindowZeroIncrement);
        }
        let base = self.peer.initial_window_size;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        if !stream.send_window.grant(base, increment) {
            return self.fault(id, Violation::StreamWindowOverflow);
        }
        self.flow.highest_offset = self.flow.highest_offset.max(stream.send_window.offset());
        if stream.wait == Wait::Stream {
            self.wake_or_hold_back(id, stream_window(base));
        }
        Ok(())
    }

    /// RFC 9113 6.9.2: a changed SETTINGS_INITIAL_WINDOW_SIZE moves the window of every stream.
    ///
    /// # Errors
    ///
    /// If a window becomes larger than 2^31-1.
    pub(super) fn rebase_windows(&mut self, base: u32) -> Result<(), Violation> {
        if i64::from(base) + self.flow.highest_offset > WINDOW_MAX {
            // The bound may be of a stream that has sent or ended since; ask once and keep it.
            self.flow.highest_offset = self.streams.highest_send_offset().max(0);
        }
        if i64::from(base) + self.flow.highest_offset > WINDOW_MAX {
            return Err(Violation::SettingsWindowOverflow);
        }
        let has_grown = base > self.peer.initial_window_size;
        self.peer.initial_window_size = base;
        let waiting = if has_grown { self.streams.waiting(Wait::Stream) } else { 0 };
        for _ in 0..waiting {
            let Some(id) = self.streams.first_waiting(Wait::Stream) else { break };
            if !self.wake_or_hold_back(id, stream_window(base)) {
                self.streams.rotate(Wait::Stream);
            }
        }
        Ok(())
    }

    /// Remembers that `id` has `wanted` bytes to send and waits.
    pub(super) fn wait_to_send(&mut self, id: StreamId, wait: Wait, wanted: usize) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.wanted = u32::try_from(wanted).unwrap_or(u32::MAX);
        if stream.wait != wait {
            self.streams.set_wait(id, wait);
        }
    }

    /// Tells those who wait for the connection that it has a window and an output again: as many
    /// as can use them up, so that a small grant does not wake a crowd of which one is served.
    ///
    /// Whoever is woken sends or closes, and either comes back here for the next in the queue. If
    /// it does neither, the next is held back and not forgotten.
    #[inline]
    pub(super) fn wake_connection_waiters(&mut self) {
        if self.streams.waiting(Wait::Connection) > 0 {
            self.wake_some_connection_waiters();
        }
    }

    fn wake_some_connection_waiters(&mut self) {
        let room = limits::OUTPUT_BUFFER_MAX.saturating_sub(self.output.frames.len());
        let mut left = self.flow.send_size().min(i64::try_from(room).unwrap_or(i64::MAX));
        if left <= 0 {
            return;
        }
        let window = self.flow.send;
        for _ in 0..self.streams.waiting(Wait::Connection) {
            let Some(id) = self.streams.first_waiting(Wait::Connection) else { return };
            if left <= 0 {
                return self.hold_back(id);
            }
            let Some(stream) = self.streams.get(id) else { return };
            let usable = stream.send_window.size(self.peer.initial_window_size);
            let usable = usable.clamp(0, i64::from(stream.wanted));
            if self.wake_or_hold_back(id, |_| (window, WINDOW_INITIAL)) {
                left -= usable;
            } else {
                self.streams.rotate(Wait::Connection);
            }
        }
    }

    /// Wakes a stream if the window it waits for is worth sending. If that is small, the stream is
    /// held back until it grows, or for a moment.
    fn wake_or_hold_back(
        &mut self,
        id: StreamId,
        window_of: impl Fn(&Stream) -> (SendWindow, u32),
    ) -> bool {
        let Some(stream) = self.streams.get(id) else { return false };
        let (window, base) = window_of(stream);
        let least = window.least_worth_sending(base, limits::DATA_CUT_MIN);
        let least = least.min(i64::from(stream.wanted));
        if window.size(base) >= least.max(1) {
            self.wake(id);
            return true;
        }
        if window.size(base) > 0 {
            self.hold_back(id);
        }
        false
    }

    /// Lets a stream wait a moment for more window or for its turn, and no longer.
    pub(super) fn hold_back(&mut self, id: StreamId) {
        let now = self.times.now();
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.held_back_since.is_none() {
            stream.held_back_since = now;
            self.times.held_back_since = self.times.held_back_since.or(now);
        }
    }

    /// Writable, once.
    pub(super) fn wake(&mut self, id: StreamId) {
        self.wait_to_send(id, Wait::Nothing, 0);
        self.events.push_back(Event::Writable { stream: id });
    }
}

/// The window of a stream itself.
fn stream_window(base: u32) -> impl Fn(&Stream) -> (SendWindow, u32) {
    move |stream| (stream.send_window, base)
}
