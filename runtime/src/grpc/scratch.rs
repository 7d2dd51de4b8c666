//! Memory that is kept from one call for the next: what a message is written into, and what one came
//! in.
//!
//! The invariant: a thread keeps one of each, of at most [`limits::CALL_SCRATCH_KEPT`] bytes, and
//! whoever has taken it owns it. A large one goes when messages have become small. Of what small
//! messages came in it keeps several. What large messages
//! came in is kept by the process, because the thread that reads a message from the wire is often not
//! the one that decodes it.

use std::cell::Cell;
use std::sync::{Mutex, PoisonError};

use super::codec::Writer;
use super::shelf::Shelf;
use crate::limits;

thread_local! {
    static WRITER: Kept<Writer> = const { Kept::new() };
    static PAYLOAD: Kept<Vec<u8>> = const { Kept::new() };
    /// All of [`limits::PAYLOAD_SMALL`] bytes.
    static SMALL: Shelf<Vec<u8>> = const { Shelf::new() };
    /// How many messages in a row were small.
    static SMALL_PAYLOADS: Cell<u32> = const { Cell::new(0) };
}

/// What large messages came in. They go when a thread has seen none for a while.
static LARGE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

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
    if size <= limits::PAYLOAD_SMALL {
        return if size == 0 { Vec::new() } else { take_small() };
    }
    if size > limits::CALL_SCRATCH_KEPT {
        return Vec::new();
    }
    if size > limits::PAYLOAD_SHARED_MIN {
        return take_large(&mut LARGE.lock().unwrap_or_else(PoisonError::into_inner), size);
    }
    let take = |kept: &Kept<Vec<u8>>| {
        let payload = kept.buffer.take()?;
        if payload.capacity() < size { None } else { Some(payload) }
    };
    PAYLOAD.try_with(take).ok().flatten().unwrap_or_default()
}

fn take_small() -> Vec<u8> {
    let kept = SMALL.try_with(Shelf::take).ok().flatten();
    kept.unwrap_or_else(|| Vec::with_capacity(limits::PAYLOAD_SMALL))
}

/// Keeps the room of `payload`, whose message was read.
pub(crate) fn keep_payload(mut payload: Vec<u8>) {
    let (capacity, used) = (payload.capacity(), payload.len());
    payload.clear();
    if capacity > limits::PAYLOAD_SHARED_MIN {
        SMALL_PAYLOADS.try_with(|count| count.set(0)).unwrap_or_default();
        let mut large = LARGE.lock().unwrap_or_else(PoisonError::into_inner);
        return keep_large(&mut large, payload);
    }
    let _ = match capacity == limits::PAYLOAD_SMALL {
        true => SMALL.try_with(|shelf| shelf.give_back(payload)),
        false => PAYLOAD.try_with(|kept| kept.keep(payload, capacity, used)),
    };
    let is_time = SMALL_PAYLOADS.try_with(|count| {
        count.set(count.get().wrapping_add(1));
        count.get() % SMALL_MESSAGES_MAX == 0
    });
    if is_time == Ok(true) {
        *LARGE.lock().unwrap_or_else(PoisonError::into_inner) = Vec::new();
    }
}

/// Takes the smallest buffer that has room for a message of `size` bytes.
fn take_large(large: &mut Vec<Vec<u8>>, size: usize) -> Vec<u8> {
    let fits = large.iter().enumerate().filter(|(_, payload)| payload.capacity() >= size);
    match fits.min_by_key(|(_, payload)| payload.capacity()) {
        Some((index, _)) => large.swap_remove(index),
        None => Vec::new(),
    }
}

/// Keeps the largest buffers.
fn keep_large(large: &mut Vec<Vec<u8>>, payload: Vec<u8>) {
    if payload.capacity() > limits::CALL_SCRATCH_KEPT {
        return;
    }
    large.push(payload);
    if large.len() > limits::PAYLOADS_SHARED_MAX {
        let smallest = large.iter().enumerate().min_by_key(|(_, payload)| payload.capacity());
        if let Some((index, _)) = smallest {
            large.swap_remove(index);
        }
    }
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

        keep_payload(vec![7; 1000]);
        let payload = take_payload(1000);
        assert!(payload.is_empty() && payload.capacity() >= 1000);
        assert_eq!(take_payload(1000).capacity(), 0);
    }

    /// Of small buffers as many are used again as were in use at a time.
    #[test]
    fn small_buffers_are_used_again() {
        let payloads: Vec<_> = (0..3).map(|_| take_payload(1)).collect();
        let places = |payloads: &[Vec<u8>]| {
            let mut places: Vec<_> = payloads.iter().map(|payload| payload.as_ptr()).collect();
            places.sort_unstable();
            places
        };
        let before = places(&payloads);
        payloads.into_iter().for_each(keep_payload);
        let payloads: Vec<_> = (0..3).map(|_| take_payload(limits::PAYLOAD_SMALL)).collect();
        assert_eq!(places(&payloads), before);
    }

    /// Nothing large is kept, and nothing is handed out that is too small.
    #[test]
    fn large_buffers_are_let_go() {
        let max = limits::CALL_SCRATCH_KEPT;
        keep_writer(Writer::with_capacity(max + 1));
        assert_eq!(take_writer().capacity(), 0);
        keep_payload(Vec::with_capacity(10));
        assert_eq!(take_payload(1000).capacity(), 0);
    }

    /// A large buffer is kept for large messages, and goes when only small ones come.
    #[test]
    fn a_large_buffer_goes_when_messages_are_small() {
        let large = limits::CALL_SCRATCH_KEPT;
        let kept = Kept::new();
        for count in 0..=SMALL_MESSAGES_MAX {
            kept.keep(vec![0; large], large, 1);
            assert_eq!(kept.buffer.take().is_some(), count + 1 < SMALL_MESSAGES_MAX, "{count}");
        }
    }

    /// What one thread has read a large message from serves the next large message of any thread.
    #[test]
    fn large_payloads_are_shared() {
        let mut large = Vec::new();
        let size = |payloads: &[Vec<u8>]| payloads.iter().map(Vec::capacity).collect::<Vec<_>>();
        for capacity in [300_000, 100_000, 200_000] {
            keep_large(&mut large, Vec::with_capacity(capacity));
        }
        assert_eq!(size(&large), [300_000, 200_000], "the smallest is one too many");
        keep_large(&mut large, Vec::with_capacity(limits::CALL_SCRATCH_KEPT + 1));
        assert_eq!(size(&large), [300_000, 200_000], "one over the limit is not kept");
        assert_eq!(take_large(&mut large, 150_000).capacity(), 200_000);
        assert_eq!(take_large(&mut large, 400_000).capacity(), 0);
        assert_eq!(take_large(&mut large, 300_000).capacity(), 300_000);
        assert!(large.is_empty());
    }
}
