//! Encoding into a vector: by way of a buffer that each thread keeps.
//!
//! The size of a message is known once it is written. So it is written into the thread's scratch
//! buffer first, but for long strings and bytes, and put together in a vector of the right size:
//! one allocation, and a copy that costs less than a pass for the size would. Invariant: a thread
//! keeps at most [`limits::SCRATCH_KEPT`] bytes.

use std::cell::RefCell;

use super::field_writer::{FieldWriter, Lending, Outside};
use super::writer::zeroed;
use crate::limits;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Appends what `write` writes to `bytes`; a vector without an allocation gets one of the size.
///
/// `write` is not generic, so that a program has this once and not for each message type.
///
/// # Errors
///
/// Its size, if that is more than `limit` bytes; nothing is appended then.
pub(super) fn append<'m>(
    bytes: &mut Vec<u8>,
    limit: usize,
    write: &dyn Fn(FieldWriter<'_, 'm>) -> usize,
) -> Result<(), usize> {
    let mut run = |room: &mut Vec<u8>| {
        let (start, size, outside) = write_into(room, limit, write)?;
        // Where all fitted, what is outside is lent.
        if outside.size == 0 && bytes.capacity() == 0 {
            // Nothing but the copy, for the messages that are so small that more would show.
            *bytes = room[start..].to_vec();
        } else {
            bytes.reserve(size);
            put_together(bytes, room, start, &outside.lent);
        }
        if room.len() > limits::SCRATCH_KEPT {
            *room = Vec::new();
        }
        Ok(())
    };
    // No scratch is kept while a thread ends, nor is it free while a message that is being written
    // asks for another one to be.
    let kept = SCRATCH.try_with(|scratch| scratch.try_borrow_mut().map(|mut room| run(&mut room)));
    match kept {
        Ok(Ok(appended)) => appended,
        Err(_) | Ok(Err(_)) => run(&mut Vec::new()),
    }
}

/// Writes into `room`, which grows until all fits; returns where what was written begins, its size
/// with what was lent, and what was lent.
#[inline]
fn write_into<'m>(
    room: &mut Vec<u8>,
    limit: usize,
    write: &dyn Fn(FieldWriter<'_, 'm>) -> usize,
) -> Result<(usize, usize, Outside<'m>), usize> {
    if room.is_empty() {
        *room = zeroed(SIZE_FIRST);
    }
    loop {
        let mut outside = Outside { lends: true, ..Default::default() };
        let room_left = write(FieldWriter::new(room, &mut outside));
        let size = room.len() - room_left + outside.size;
        if size > limit {
            return Err(size);
        }
        let size_lent: usize = outside.lent.iter().map(|part| part.bytes.len()).sum();
        if outside.size == size_lent {
            return Ok((room_left, size, outside));
        }
        // Some did not fit.
        *room = zeroed((size - size_lent).max(2 * room.len()));
    }
}

/// Appends what stands in `room` from `start` on, with what was lent in its places.
fn put_together(bytes: &mut Vec<u8>, room: &[u8], start: usize, lent: &Lending<'_>) {
    let mut at = start;
    for part in lent.iter() {
        bytes.extend_from_slice(&room[at..part.room_left]);
        bytes.extend_from_slice(part.bytes);
        at = part.room_left;
    }
    bytes.extend_from_slice(&room[at..]);
}

/// Bytes of a thread's first scratch buffer: most messages are smaller.
const SIZE_FIRST: usize = 4096;
