//! The encoder's buffer, filled from its end towards its front.
//!
//! Whatever goes before a message (an envelope, a frame head) is prepended without moving it.
//! Invariant: `buffer[start..]` is what was written; what is before `start` is room.

use super::field_writer::{FieldWriter, Outside};

/// Bytes of the first allocation: most messages of calls are smaller, and are written in one pass.
const CAPACITY_MIN: usize = 512;

/// Bytes that stay free before what was asked for: gRPC's prefix of 5 and HTTP/2's head of 9, which
/// go before a message, would otherwise move it.
const HEADROOM: usize = 16;

/// A growing byte buffer that is written from its end towards its front.
///
/// # Examples
///
/// ```
/// use rust_grpc::message::Writer;
///
/// let mut writer = Writer::new();
/// writer.prepend(b"world");
/// writer.prepend(b"hello ");
/// assert_eq!(writer.as_slice(), b"hello world");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Writer {
    buffer: Vec<u8>,
    start: usize,
}

impl Writer {
    /// An empty writer; it allocates when it is first written to.
    pub const fn new() -> Self {
        Self { buffer: Vec::new(), start: 0 }
    }

    /// An empty writer with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { buffer: zeroed(capacity), start: capacity }
    }

    /// Puts `bytes` before what was written so far.
    #[inline]
    pub fn prepend(&mut self, bytes: &[u8]) {
        self.claim(bytes.len()).copy_from_slice(bytes);
    }

    /// Forgets what was written and keeps the room.
    pub fn clear(&mut self) {
        self.start = self.buffer.len();
    }

    /// What was written so far.
    #[inline]
    pub fn as_slice(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Count of bytes written so far.
    #[inline]
    pub fn len(&self) -> usize {
        self.buffer.len() - self.start
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that fit without another allocation, those written so far included.
    pub(crate) fn capacity(&self) -> usize {
        self.buffer.len()
    }

    /// What was written, in an allocation that is at most twice as large.
    pub fn into_vec(mut self) -> Vec<u8> {
        let size = self.len();
        if size < self.start {
            return self.as_slice().to_vec();
        }
        self.buffer.copy_within(self.start.., 0);
        self.buffer.truncate(size);
        self.buffer
    }

    /// Makes `size` bytes before what was written part of it, and returns them to be filled.
    #[inline]
    pub(crate) fn claim(&mut self, size: usize) -> &mut [u8] {
        if self.start < size {
            self.grow(size);
        }
        let end = self.start;
        self.start -= size;
        &mut self.buffer[self.start..end]
    }

    /// Makes room for `size` bytes and what goes before them. Doubling keeps the copies of a long
    /// message linear in its size.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, size: usize) {
        let needed = self.len() + size + HEADROOM;
        let capacity = needed.max(self.buffer.len() * 2).max(CAPACITY_MIN);
        let mut bigger = zeroed(capacity);
        let start = capacity - self.len();
        bigger[start..].copy_from_slice(self.as_slice());
        self.buffer = bigger;
        self.start = start;
    }
}

impl Writer {
    /// Puts what `write` writes before what was written so far, and returns how many bytes that are.
    /// It is called again, with room enough, if the room did not do; if more than `limit` bytes are
    /// needed, nothing is written.
    #[inline]
    pub(super) fn fill<'m>(
        &mut self,
        limit: usize,
        write: impl Fn(FieldWriter<'_, 'm>) -> usize,
    ) -> usize {
        if self.buffer.is_empty() {
            self.grow(0);
        }
        loop {
            let mut outside = Outside::default();
            let room_left = write(FieldWriter::new(&mut self.buffer[..self.start], &mut outside));
            let size = self.start - room_left + outside.size;
            if size > limit {
                return size;
            }
            // Nothing is lent, so that nothing is outside but what did not fit.
            if outside.size == 0 {
                self.start = room_left;
                return size;
            }
            self.grow(size);
        }
    }

    /// Puts a varint before what was written so far.
    pub(super) fn varint(&mut self, value: u64) {
        self.fields(|writer| writer.varint(value));
    }

    /// Puts fields before what was written so far.
    pub(super) fn fields<'m>(&mut self, write: impl Fn(&mut FieldWriter<'_, 'm>)) {
        self.fill(usize::MAX, |mut writer| {
            write(&mut writer);
            writer.room_left()
        });
    }
}

/// Small blocks come faster from the ordinary allocator than zeroed ones; large ones the other way
/// round, because the system hands them out zeroed.
pub(super) fn zeroed(size: usize) -> Vec<u8> {
    const SMALL_MAX: usize = 4096;
    if size > SMALL_MAX {
        return vec![0; size];
    }
    let mut bytes = Vec::new();
    bytes.reserve_exact(size);
    bytes.extend_from_slice(&[0; SMALL_MAX][..size]);
    bytes
}
