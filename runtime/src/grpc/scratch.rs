//! Memory that each thread keeps from one call for the next: what a message is written into, and
//! what one came in.
//!
//! The invariant: a thread keeps one of each, of at most [`limits::CALL_SCRATCH_KEPT`] bytes, and
//! whoever has taken it owns it. A large one goes when messages have become small.

use std::cell::Cell;

use super::codec::Writer;
use crate::limits;

thread_local! {
    static WRITER: Kept<Writer> = const { Kept::new() };
    static PAYLOAD: Kept<Vec<u8>> = const { Kept::new() };
}

/// A place for one buffer.
struct Kept<T> {
    buffer: Cell<Option<T>>,
    /// How many messages in a row were much smaller than the buffer.
    small: Cell<u32>,
}

impl<T> Kept<T> {
    const fn new() -> Self {
        Self { buffer: Cell::new(None), small: Cell::new(0) }
    }

    /// Keeps `buffer` of `capacity` bytes, of which `used` were used, unless it is too large, for good
    /// or for what it is used for.
    fn keep(&self, buffer: T, capacity: usize, used: usize) {
        let is_small = capacity > limits::CALL_SCRATCH_SMALL && used < capacity / 4;
        self.small.set(if is_small { self.small.get() + 1 } else { 0 });
        let is_wanted = self.small.get() < SMALL_MESSAGES_MAX;
        if (1..=limits::CALL_SCRATCH_KEPT).contains(&capacity) && is_wanted {
            self.buffer.set(Some(buffer));
        }
    }
}

/// An empty writer, with the room that the last one had.
pub(crate) fn take_writer() -> Writer {
    // A thread that is ending keeps nothing.
    let mut writer = WRITER.try_with(|kept| kept.buffer.take()).ok().flatten().unwrap_or_default();
    writer.clear();
    writer
}

/// Keeps the room of `writer`, whose message is of no use any more.
pub(crate) fn keep_writer(writer: Writer) {
    let (capacity, used) = (writer.capacity(), writer.len());
    let _ = WRITER.try_with(|kept| kept.keep(writer, capacity, used));
}

/// An empty buffer that has room for a message of `size` bytes, or none at all.
pub(crate) fn take_payload(size: usize) -> Vec<u8> {
    if size > limits::CALL_SCRATCH_KEPT {
        return Vec::new();
    }
    let take = |kept: &Kept<Vec<u8>>| {
        let payload = kept.buffer.take()?;
        if payload.capacity() < size { None } else { Some(payload) }
    };
    PAYLOAD.try_with(take).ok().flatten().unwrap_or_default()
}

/// Keeps the room of `payload`, whose message was read.
pub(crate) fn keep_payload(mut payload: Vec<u8>) {
    let (capacity, used) = (payload.capacity(), payload.len());
    payload.clear();
    let _ = PAYLOAD.try_with(|kept| kept.keep(payload, capacity, used));
}

/// After so many messages in a row that did not need it a large buffer goes.
const SMALL_MESSAGES_MAX: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is kept is handed out once, empty and with its room.
    #[test]
    fn room_is_used_again() {
        let mut writer = take_writer();
        writer.prepend(b"message");
        let room = writer.capacity();
        keep_writer(writer);
        let writer = take_writer();
        assert_eq!((writer.capacity(), writer.len()), (room, 0));
        assert_eq!(take_writer().capacity(), 0);

        keep_payload(vec![7; 100]);
        let payload = take_payload(100);
        assert!(payload.is_empty() && payload.capacity() >= 100);
        assert_eq!(take_payload(1).capacity(), 0);
    }

    /// Nothing large is kept, and nothing is handed out that is too small.
    #[test]
    fn large_buffers_are_let_go() {
        let max = limits::CALL_SCRATCH_KEPT;
        keep_writer(Writer::with_capacity(max + 1));
        assert_eq!(take_writer().capacity(), 0);
        keep_payload(Vec::with_capacity(max + 1));
        assert_eq!(take_payload(1).capacity(), 0);
        keep_payload(Vec::with_capacity(max));
        assert_eq!(take_payload(max + 1).capacity(), 0);
        assert!(take_payload(max).capacity() >= max);
        keep_payload(Vec::with_capacity(10));
        assert_eq!(take_payload(1000).capacity(), 0);
    }

    /// A large buffer is kept for large messages, and goes when only small ones come.
    #[test]
    fn a_large_buffer_goes_when_messages_are_small() {
        let large = limits::CALL_SCRATCH_KEPT;
        keep_payload(vec![0; large]);
        for _ in 1..SMALL_MESSAGES_MAX {
            let mut payload = take_payload(1);
            assert_eq!(payload.capacity(), large);
            payload.push(1);
            keep_payload(payload);
        }
        let mut payload = take_payload(1);
        payload.push(1);
        keep_payload(payload);
        assert_eq!(take_payload(1).capacity(), 0);
    }
}
