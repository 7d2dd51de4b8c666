//! Memory that each thread keeps from one call for the next: what a message is written into, and
//! what one came in.
//!
//! The invariant: a thread keeps one of each, of at most [`limits::CALL_SCRATCH_KEPT`] bytes, and
//! whoever has taken it owns it.

use std::cell::Cell;

use super::codec::Writer;
use crate::limits;

thread_local! {
    static WRITER: Cell<Option<Writer>> = const { Cell::new(None) };
    static PAYLOAD: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// An empty writer, with the room that the last one had.
pub(crate) fn take_writer() -> Writer {
    // A thread that is ending keeps nothing.
    let mut writer = WRITER.try_with(Cell::take).ok().flatten().unwrap_or_default();
    writer.clear();
    writer
}

/// Keeps the room of `writer`, whose message is of no use any more.
pub(crate) fn keep_writer(writer: Writer) {
    if (1..=limits::CALL_SCRATCH_KEPT).contains(&writer.capacity()) {
        let _ = WRITER.try_with(|kept| kept.set(Some(writer)));
    }
}

/// An empty buffer that has room for a message of `size` bytes, or none at all.
pub(crate) fn take_payload(size: usize) -> Vec<u8> {
    if size > limits::CALL_SCRATCH_KEPT {
        return Vec::new();
    }
    let payload = PAYLOAD.try_with(Cell::take).unwrap_or_default();
    if payload.capacity() < size { Vec::new() } else { payload }
}

/// Keeps the room of `payload`, whose message was read.
pub(crate) fn keep_payload(mut payload: Vec<u8>) {
    if (1..=limits::CALL_SCRATCH_KEPT).contains(&payload.capacity()) {
        payload.clear();
        let _ = PAYLOAD.try_with(|kept| kept.set(payload));
    }
}

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
}
