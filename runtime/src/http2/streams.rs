//! The streams of a connection: those in progress by number, and how the last ones closed.
//!
//! Invariant: a stream is here exactly while it is open or half closed (RFC 9113 5.1), so the
//! number of entries is what SETTINGS_MAX_CONCURRENT_STREAMS counts (RFC 9113 5.1.2).

use std::collections::BinaryHeap;
use std::time::Instant;

use super::slab::Slab;
use super::stream::{State, Stream, StreamId, Wait};
use super::window::ReceiveWindow;
use crate::limits::http2 as limits;

/// Streams in progress and the memory of closed ones.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    open: Slab,
    closed: Vec<Closed>,
    /// Where the next closed stream is written once the ring is full.
    oldest: usize,
    /// How many were left when those that are over were forgotten last.
    left: usize,
}

/// How a stream closed, and what it may still send if we have reset it.
#[derive(Clone, Copy, Debug)]
struct Closed {
    stream: StreamId,
    state: State,
    /// What the peer may send before it sees our RST_STREAM.
    window_left: i64,
}

impl Streams {
    pub(crate) fn insert(&mut self, id: StreamId, stream: Stream) -> &mut Stream {
        self.open.insert(id, stream)
    }

    /// Takes a stream out and remembers how it closed; returns the state and the window that it had.
    pub(crate) fn close(&mut self, id: StreamId, state: State) -> Option<(State, ReceiveWindow)> {
        let closed = self.open.remove(id).map(|stream| (stream.state, stream.receive_window));
        let window_left = closed.map_or(0, |(_, window)| window.available());
        self.open.release_memory();
        self.remember(Closed { stream: id, state, window_left });
        if self.open.len() == 0 {
            self.forget_those_over();
        }
        closed
    }

    /// Remembers a stream that was refused; `window` is what it may still send.
    pub(crate) fn refuse(&mut self, id: StreamId, window: u32) {
        let window_left = i64::from(window);
        let refused = Closed { stream: id, state: State::ResetByUs, window_left };
        // A stream that the peer has reset, and on which it went on, is here already.
        match self.closed.iter_mut().find(|closed| closed.stream == id) {
            Some(closed) => *closed = refused,
            None => self.remember(refused),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        self.open.get_mut(id)
    }

    /// Charges late DATA to what a reset stream may still send, and returns how much is left of
    /// that: negative if it was more. None if the stream is forgotten.
    pub(crate) fn charge_closed(&mut self, id: StreamId, count: u32) -> Option<i64> {
        let closed = self.closed.iter_mut().find(|closed| closed.stream == id)?;
        closed.window_left -= i64::from(count);
        Some(closed.window_left)
    }

    #[inline]
    pub(crate) fn get(&self, id: StreamId) -> Option<&Stream> {
        self.open.get(id)
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.open.len() == 0
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.open.memory() + self.closed.capacity() * size_of::<Closed>()
    }

    /// Lets a stream wait, or wait no more.
    pub(crate) fn set_wait(&mut self, id: StreamId, wait: Wait) {
        self.open.set_wait(id, wait);
    }

    /// How many streams wait for `wait`.
    pub(crate) fn waiting(&self, wait: Wait) -> usize {
        self.open.waiting(wait)
    }

    /// The stream that has waited longest for `wait`.
    pub(crate) fn first_waiting(&self, wait: Wait) -> Option<StreamId> {
        self.open.first(wait)
    }

    /// Lets the first of those who wait for `wait` be the last.
    pub(crate) fn rotate(&mut self, wait: Wait) {
        self.open.rotate(wait);
    }

    /// The streams that wait for their windows, then those that wait for the connection's, each in
    /// the order in which they began to.
    pub(crate) fn waiters(&self) -> impl Iterator<Item = (StreamId, &Stream)> {
        self.open.waiters(Wait::Stream).chain(self.open.waiters(Wait::Connection))
    }

    /// The numbers of the streams for which `test` holds, in order.
    pub(crate) fn select(&self, test: impl Fn(StreamId, &Stream) -> bool) -> Vec<StreamId> {
        let selected = self.open.iter().filter(|(id, stream)| test(*id, stream));
        // A heap's sort is a fraction of the code of `sort_unstable`, and this is never hot.
        selected.map(|(id, _)| id).collect::<BinaryHeap<_>>().into_sorted_vec()
    }

    /// Since when the stream waits whose DATA is the next to be let go after `now`.
    pub(crate) fn first_held_back(&self, now: Instant) -> Option<Instant> {
        let waiters = self.waiters().map(|(_, stream)| stream);
        let held_back = waiters.filter(|stream| !stream.is_held_back_too_long(Some(now)));
        held_back.filter_map(|stream| stream.held_back_since).min()
    }

    /// The highest offset of a send window (see [`super::window`]).
    pub(crate) fn highest_send_offset(&self) -> i64 {
        self.open.iter().map(|(_, stream)| stream.send_window.offset()).max().unwrap_or(0)
    }

    /// How a stream that is neither open nor idle has closed.
    pub(crate) fn closed_state(&self, id: StreamId) -> State {
        // The newest entry counts; a scan is cheap because only frames out of turn come here.
        self.closed_entry(id).map_or(State::Forgotten, |closed| closed.state)
    }

    fn closed_entry(&self, id: StreamId) -> Option<&Closed> {
        let (newer, older) = self.closed.split_at(self.oldest);
        let newest_first = newer.iter().rev().chain(older.iter().rev());
        newest_first.into_iter().find(|closed| closed.stream == id)
    }

    /// Remembers a stream that is not here yet.
    fn remember(&mut self, closed: Closed) {
        if self.closed.len() < limits::CLOSED_STREAMS_REMEMBERED {
            self.closed.push(closed);
        } else {
            self.closed[self.oldest] = closed;
            self.oldest = (self.oldest + 1) % limits::CLOSED_STREAMS_REMEMBERED;
        }
    }

    /// No stream is open: a connection that is idle remembers the newest streams, and those of which
    /// anything may still come because this side has reset them.
    fn forget_those_over(&mut self) {
        const KEPT: usize = limits::CLOSED_STREAMS_REMEMBERED_IDLE;
        if self.closed.len() < self.left.max(KEPT) + KEPT {
            return;
        }
        self.closed.rotate_left(self.oldest);
        self.oldest = 0;
        let mut newer = self.closed.len();
        self.closed.retain(|closed| {
            newer -= 1;
            newer < KEPT || closed.state == State::ResetByUs
        });
        self.left = self.closed.len();
        self.closed.shrink_to(self.left.max(KEPT) + KEPT);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: usize = limits::CLOSED_STREAMS_REMEMBERED_IDLE;

    /// Opens and closes streams one after the other, by their numbers.
    fn close(streams: &mut Streams, ids: impl IntoIterator<Item = u32>, state: State) {
        for id in ids.into_iter().map(StreamId) {
            streams.insert(id, Stream::new(1000));
            streams.close(id, state);
        }
    }

    fn remembered(streams: &Streams, state: State) -> Vec<u32> {
        (1..10_000).filter(|id| streams.closed_state(StreamId(*id)) == state).collect()
    }

    /// Of calls that come one by one the newest are remembered, in memory that stays.
    #[test]
    fn an_idle_connection_remembers_the_newest_streams() {
        let mut streams = Streams::default();
        close(&mut streams, 1..=1000, State::Ended);
        let ended = remembered(&streams, State::Ended);
        assert!((KEPT..2 * KEPT).contains(&ended.len()), "{ended:?}");
        assert_eq!(ended.last(), Some(&1000));
        assert!(ended.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{ended:?}");
        assert!(streams.closed.capacity() <= 2 * KEPT, "{}", streams.closed.capacity());
    }

    /// Those that this side has reset are remembered however many end behind them, as whatever their peer
    /// has sent before it saw that may still come; and they cost the others nothing.
    #[test]
    fn an_idle_connection_remembers_what_it_has_reset() {
        let mut streams = Streams::default();
        close(&mut streams, 1..=50, State::ResetByUs);
        close(&mut streams, 51..=1000, State::Ended);
        assert_eq!(remembered(&streams, State::ResetByUs), (1..=50).collect::<Vec<_>>());
        assert_eq!(streams.closed_state(StreamId(1000)), State::Ended);
        assert!(streams.closed.capacity() <= 50 + 3 * KEPT, "{}", streams.closed.capacity());
    }

    /// While a stream is open as many are remembered as ever are, and then the newest of them.
    #[test]
    fn a_connection_in_use_remembers_more() {
        const MAX: u32 = limits::CLOSED_STREAMS_REMEMBERED as u32;
        let mut streams = Streams::default();
        streams.insert(StreamId(1), Stream::new(1000));
        close(&mut streams, 2..=MAX + 10, State::Ended);
        assert_eq!(remembered(&streams, State::Ended), (11..=MAX + 10).collect::<Vec<_>>());
        streams.close(StreamId(1), State::Ended);
        let left = remembered(&streams, State::Ended);
        let newest: Vec<_> = (MAX + 12 - KEPT as u32..=MAX + 10).collect();
        assert_eq!(left, [&[1], &newest[..]].concat());
    }
}
