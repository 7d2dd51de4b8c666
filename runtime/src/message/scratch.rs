//! Encoding into a vector: by way of a buffer that each thread keeps.
//!
//! The size of a message is known once it is written. So it is written into the thread's scratch
//! buffer first, but for long strings and bytes, and put together in a vector of the right size:
//! one allocation, and a copy that costs less than a pass for the size would. Invariant: a thread
//! keeps at most [`limits::SCRATCH_KEPT`] bytes.

use std::cell::RefCell;

use super::field_writer::{FieldWriter, Outside};
use super::writer::zeroed;
use crate::limits;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Writes the fields of a message. It is not generic, so that a program has what calls it once and
/// not for each message type.
pub(super) type Write<'w, 'm> = dyn Fn(FieldWriter<'_, 'm>) -> usize + 'w;

/// Appends what `write` writes to `bytes`; a vector without an allocation gets one of the size.
///
/// # Errors
///
/// Its size, if that is more than a message may have; nothing is appended then.
#[inline(never)]
pub(super) fn append<'m>(bytes: &mut Vec<u8>, write: &Write<'_, 'm>) -> Result<(), usize> {
    let kept = SCRATCH.try_with(|scratch| match scratch.try_borrow_mut() {
        Ok(mut room) => append_by(&mut room, bytes, write),
        Err(_) => append_by_new(bytes, write),
    });
    // No scratch is kept while a thread ends, nor is it free while a message that is being written
    // asks for another one to be.
    kept.unwrap_or_else(|_| append_by_new(bytes, write))
}

#[cold]
#[inline(never)]
fn append_by_new<'m>(bytes: &mut Vec<u8>, write: &Write<'_, 'm>) -> Result<(), usize> {
    append_by(&mut Vec::new(), bytes, write)
}

/// The same by way of `room`.
#[inline(always)]
fn append_by<'m>(
    room: &mut Vec<u8>,
    bytes: &mut Vec<u8>,
    write: &Write<'_, 'm>,
) -> Result<(), usize> {
    let mut outside = lending();
    let start = write(FieldWriter::new(room, &mut outside));
    if outside.size > 0 {
        return put_together(room, bytes, write, Written { start, outside });
    }
    // Nothing but the copy, for the messages that are so small that more would show.
    let written = &room[start..];
    if bytes.capacity() == 0 {
        *bytes = Vec::with_capacity(written.len());
    }
    bytes.extend_from_slice(written);
    Ok(())
}

/// What a message came to.
struct Written<'m> {
    /// Where it begins in the room.
    start: usize,
    outside: Outside<'m>,
}

/// Appends what was written, with what was lent in its places. What did not fit is written again.
#[inline(never)]
fn put_together<'m>(
    room: &mut Vec<u8>,
    bytes: &mut Vec<u8>,
    write: &Write<'_, 'm>,
    mut written: Written<'m>,
) -> Result<(), usize> {
    loop {
        let Written { start, outside } = &written;
        let size = room.len() - start + outside.size;
        if size > limits::MESSAGE_SIZE_MAX {
            return Err(size);
        }
        let size_lent: usize = outside.lent.iter().map(|part| part.bytes.len()).sum();
        if outside.size == size_lent {
            bytes.reserve(size);
            break;
        }
        *room = zeroed((size - size_lent).max(2 * room.len()).max(SIZE_FIRST));
        let mut outside = lending();
        let start = write(FieldWriter::new(room, &mut outside));
        written = Written { start, outside };
    }
    let mut at = written.start;
    for part in written.outside.lent.iter() {
        bytes.extend_from_slice(&room[at..part.room_left]);
        bytes.extend_from_slice(part.bytes);
        at = part.room_left;
    }
    bytes.extend_from_slice(&room[at..]);
    if room.len() > limits::SCRATCH_KEPT {
        *room = Vec::new();
    }
    Ok(())
}

fn lending<'m>() -> Outside<'m> {
    Outside { lends: true, ..Default::default() }
}

/// Bytes of a thread's first scratch buffer: most messages are smaller.
const SIZE_FIRST: usize = 4096;
