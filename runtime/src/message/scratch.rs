//! Encoding into a vector: by way of a buffer that each thread keeps.
//!
//! The size of a message is known once it is written. So it is written into the thread's scratch
//! buffer first, but for long strings and bytes, and put together in a vector of the right size:
//! one allocation, and a copy that costs less than a pass for the size would. Invariant: a thread
//! keeps at most [`limits::SCRATCH_KEPT`] bytes.

use std::cell::RefCell;

use super::field_writer::{FieldWriter, Lent, Place};
use super::writer::zeroed;
use crate::limits;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What `write` writes, in an allocation of its size.
///
/// # Errors
///
/// Its size, if that is more than `limit` bytes.
#[inline]
pub(super) fn to_vec<'m>(
    limit: usize,
    write: impl Fn(FieldWriter<'_, 'm>) -> Place,
) -> Result<Vec<u8>, usize> {
    with_written(limit, write, |written| {
        // Nothing but the copy, for the messages that are so small that more would show.
        if written.lent.is_empty() {
            return written.room.to_vec();
        }
        let mut bytes = Vec::with_capacity(written.size);
        written.append_to(&mut bytes);
        bytes
    })
}

/// Appends what `write` writes to `bytes`.
///
/// # Errors
///
/// Its size, if that is more than `limit` bytes; nothing is appended then.
pub(super) fn append<'m>(
    bytes: &mut Vec<u8>,
    limit: usize,
    write: impl Fn(FieldWriter<'_, 'm>) -> Place,
) -> Result<(), usize> {
    with_written(limit, write, |written| {
        bytes.reserve(written.size);
        written.append_to(bytes);
    })
}

/// What was written.
struct Written<'a, 'm> {
    /// The part of the room that was filled.
    room: &'a [u8],
    /// What was lent, from the last to the first.
    lent: &'a [Lent<'m>],
    /// Bytes before the room that was filled.
    start: usize,
    size: usize,
}

#[inline]
fn with_written<'m, R>(
    limit: usize,
    write: impl Fn(FieldWriter<'_, 'm>) -> Place,
    take: impl FnOnce(Written<'_, 'm>) -> R,
) -> Result<R, usize> {
    let mut take = Some(take);
    let mut run = |room: &mut Vec<u8>| {
        let mut lent = Vec::new();
        let (start, size) = write_into(room, &mut lent, limit, &write)?;
        let take = take.take().expect("it is asked once");
        let taken = take(Written { room: &room[start..], lent: &lent, start, size });
        if room.len() > limits::SCRATCH_KEPT {
            *room = Vec::new();
        }
        Ok(taken)
    };
    // No scratch is kept while a thread ends, nor is it free while a message that is being written
    // asks for another one to be.
    let kept = SCRATCH.try_with(|scratch| scratch.try_borrow_mut().map(|mut room| run(&mut room)));
    match kept {
        Ok(Ok(taken)) => taken,
        Err(_) | Ok(Err(_)) => run(&mut Vec::new()),
    }
}

/// Writes into `room`, which grows until all fits; returns where what was written begins, and its
/// size with what was lent.
#[inline]
fn write_into<'m>(
    room: &mut Vec<u8>,
    lent: &mut Vec<Lent<'m>>,
    limit: usize,
    write: &impl Fn(FieldWriter<'_, 'm>) -> Place,
) -> Result<(usize, usize), usize> {
    if room.is_empty() {
        *room = zeroed(SIZE_FIRST);
    }
    loop {
        let place = write(FieldWriter::lending(room, lent));
        let size = room.len() - place.room_left() + place.elsewhere();
        if size > limit {
            return Err(size);
        }
        let size_lent: usize = lent.iter().map(|part| part.bytes.len()).sum();
        if place.elsewhere() == size_lent {
            return Ok((place.room_left(), size));
        }
        // Some did not fit.
        lent.clear();
        *room = zeroed((size - size_lent).max(2 * room.len()));
    }
}

impl Written<'_, '_> {
    /// Appends what stands in the room, with what was lent in its places.
    fn append_to(&self, bytes: &mut Vec<u8>) {
        let mut at = 0;
        for part in self.lent.iter().rev() {
            let until = part.room_left - self.start;
            bytes.extend_from_slice(&self.room[at..until]);
            bytes.extend_from_slice(part.bytes);
            at = until;
        }
        bytes.extend_from_slice(&self.room[at..]);
    }
}

/// Bytes of a thread's first scratch buffer: most messages are smaller.
const SIZE_FIRST: usize = 4096;
