//! The encoder's buffer, filled from its end towards its front.
//!
//! Back to front, the length of a submessage is known when its prefix is written: one pass, no
//! sizes computed beforehand, and whatever goes before the message (an envelope, a frame head) is
//! prepended without moving it. Invariant: `buffer[start..]` is what was written; what is before
//! `start` is room.

use super::kind::{Kind, Packable, Scalar};
use super::varint;
use super::{Message, MessageField, UnknownFields};

/// Bytes of the first allocation.
const CAPACITY_MIN: usize = 64;

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
    /// An empty writer; it allocates with the first byte.
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
    pub(super) fn claim(&mut self, size: usize) -> &mut [u8] {
        if self.start < size {
            self.grow(size);
        }
        let end = self.start;
        self.start -= size;
        &mut self.buffer[self.start..end]
    }

    /// Doubling keeps the copies of a long message linear in its size.
    #[cold]
    #[inline(never)]
    fn grow(&mut self, size: usize) {
        let capacity = (self.len() + size).max(self.buffer.len() * 2).max(CAPACITY_MIN);
        let mut bigger = zeroed(capacity);
        let start = capacity - self.len();
        bigger[start..].copy_from_slice(self.as_slice());
        self.buffer = bigger;
        self.start = start;
    }
}

/// What generated code calls.
impl Writer {
    /// Fields that the message type does not know. They come last, so they are written first.
    #[inline]
    pub fn unknown(&mut self, unknown: &UnknownFields) {
        if !unknown.is_empty() {
            self.prepend(unknown.as_bytes());
        }
    }

    /// A field without presence: not written when it is zero, `false` or empty.
    #[inline]
    pub fn implicit<K: Scalar>(&mut self, number: u32, value: &K::Value) {
        if !K::is_default(value) {
            self.singular::<K>(number, value);
        }
    }

    /// A field with presence: written when set, be it to zero.
    #[inline]
    pub fn optional<K: Kind>(&mut self, number: u32, value: &Option<K::Value>) {
        if let Some(value) = value {
            self.singular::<K>(number, value);
        }
    }

    /// A field that is always written.
    #[inline]
    pub fn singular<K: Kind>(&mut self, number: u32, value: &K::Value) {
        K::write_field(self, number, value);
    }

    /// A message field: written when set.
    #[inline]
    pub fn field<M: Message>(&mut self, number: u32, field: &MessageField<M>) {
        if let Some(message) = field.as_ref() {
            self.nested(message);
            self.tag(number, super::LENGTH_DELIMITED);
        }
    }

    /// Each element with a tag of its own.
    pub fn repeated<K: Kind>(&mut self, number: u32, values: &[K::Value]) {
        for value in values.iter().rev() {
            self.singular::<K>(number, value);
        }
    }

    /// All elements behind one tag and length; nothing when there is none.
    pub fn packed<K: Packable>(&mut self, number: u32, values: &[K::Value]) {
        if values.is_empty() {
            return;
        }
        let end = self.len();
        K::write_packed(self, values);
        self.length_since(end);
        self.tag(number, super::LENGTH_DELIMITED);
    }
}

/// What kinds and maps are made of.
impl Writer {
    #[inline]
    pub(super) fn tag(&mut self, number: u32, wire_type: u32) {
        self.varint(u64::from(number << 3 | wire_type));
    }

    #[inline]
    pub(super) fn nested<M: Message>(&mut self, message: &M) {
        let end = self.len();
        message.write_fields(self);
        self.length_since(end);
    }

    #[inline]
    pub(super) fn length_delimited(&mut self, bytes: &[u8]) {
        self.prepend(bytes);
        self.varint(bytes.len() as u64);
    }

    /// The length of what was written since the writer was `end` bytes long.
    #[inline]
    pub(super) fn length_since(&mut self, end: usize) {
        self.varint((self.len() - end) as u64);
    }

    #[inline]
    pub(super) fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.claim(1)[0] = value as u8;
        } else {
            self.long_varint(value);
        }
    }

    fn long_varint(&mut self, value: u64) {
        fill_varint(self.claim(varint::size(value)), value);
    }

    /// Varints one after the other, each made from its value by `encode`.
    pub(super) fn varints<T: Copy>(&mut self, values: &[T], encode: impl Fn(T) -> u64) {
        // In blocks, so that the room is checked once for many elements.
        for block in values.rchunks(64) {
            let room_size = block.len() * varint::VARINT_SIZE_MAX;
            if self.start < room_size {
                self.grow(room_size);
            }
            let room = &mut self.buffer[..self.start];
            let mut start = room.len();
            for &value in block.iter().rev() {
                let value = encode(value);
                let end = start;
                if value < 0x80 {
                    start -= 1;
                    room[start] = value as u8;
                } else {
                    start -= varint::size(value);
                    fill_varint(&mut room[start..end], value);
                }
            }
            self.start = start;
        }
    }
}

/// Small blocks come faster from the ordinary allocator than zeroed ones; large ones the other way
/// round, because the system hands them out zeroed.
fn zeroed(size: usize) -> Vec<u8> {
    const SMALL_MAX: usize = 4096;
    if size > SMALL_MAX {
        return vec![0; size];
    }
    let mut bytes = Vec::new();
    bytes.reserve_exact(size);
    bytes.extend_from_slice(&[0; SMALL_MAX][..size]);
    bytes
}

/// Fills all of `bytes` with `value`, whose varint is that long.
#[inline]
fn fill_varint(bytes: &mut [u8], mut value: u64) {
    for byte in bytes.iter_mut() {
        *byte = value as u8 | 0x80;
        value >>= 7;
    }
    if let Some(last) = bytes.last_mut() {
        *last &= 0x7f;
    }
}
