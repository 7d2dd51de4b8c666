//! The encoder: one slice, filled from its end towards its front.
//!
//! Back to front, the length of a submessage is known when its prefix is written: one pass, no
//! sizes computed beforehand. A [`FieldWriter`] is passed by value and its functions are inlined, so
//! that the place in the output stays in registers. It never grows: what does not fit is counted and
//! not written, so that a message that was too large once is written into room of the right size
//! the second time. Long strings and bytes need not be copied into the room: they are lent to whoever
//! puts the output together. Invariant: what was written takes `room.len()` at the beginning less
//! `room.len()` now plus `elsewhere` bytes.

use super::kind::{Kind, Packable, Scalar};
use super::varint::{self, VARINT_SIZE_MAX};
use super::{LENGTH_DELIMITED, Message, MessageField, UnknownFields};

/// Writes the fields of a message `'m` into a slice, the last one first.
///
/// Generated code does; [`Message::encode`] and [`Message::encode_to_vec`] provide the slice.
///
/// # Examples
///
/// ```
/// use rust_grpc::generated::message::{Str, Uint32};
/// use rust_grpc::message::FieldWriter;
///
/// let (name, mut room) = ("Ada".to_owned(), [0; 10]);
/// let mut writer = FieldWriter::new(&mut room);
/// writer.singular::<Uint32>(2, &150);
/// writer.singular::<Str>(1, &name);
/// writer.place();
/// assert_eq!(room[2..], *b"\x0a\x03Ada\x10\x96\x01");
/// ```
pub struct FieldWriter<'a, 'm> {
    /// What is left, to be filled from its end.
    room: &'a mut [u8],
    /// Bytes that were written but do not stand in the room: lent, or counted because they did not
    /// fit. Nothing is put into the room any more once something did not fit.
    elsewhere: usize,
    lent: Option<&'a mut Vec<Lent<'m>>>,
}

/// A part of a message that is not copied into the room.
#[derive(Clone, Copy)]
pub(super) struct Lent<'m> {
    /// Bytes of the room that were left, and came before it.
    pub(super) room_left: usize,
    pub(super) bytes: &'m [u8],
}

/// Where a writer ended, for the writer around it to go on.
#[derive(Clone, Copy)]
pub struct Place {
    room_left: usize,
    elsewhere: usize,
}

impl Place {
    /// Bytes of the room that are left.
    pub(super) fn room_left(self) -> usize {
        self.room_left
    }

    /// Bytes that were written but do not stand in the room.
    pub(super) fn elsewhere(self) -> usize {
        self.elsewhere
    }
}

impl<'a, 'm> FieldWriter<'a, 'm> {
    /// A writer that fills `room` from its end.
    pub fn new(room: &'a mut [u8]) -> Self {
        Self { room, elsewhere: 0, lent: None }
    }

    /// A writer that fills `room` from its end, but for long strings and bytes.
    pub(super) fn lending(room: &'a mut [u8], lent: &'a mut Vec<Lent<'m>>) -> Self {
        Self { room, elsewhere: 0, lent: Some(lent) }
    }

    /// The place that was reached.
    #[inline(always)]
    pub fn place(self) -> Place {
        Place { room_left: self.room.len(), elsewhere: self.elsewhere }
    }
}

/// What generated code calls.
impl<'m> FieldWriter<'_, 'm> {
    /// Fields that the message type does not know. They come last, so they are written first.
    #[inline(always)]
    pub fn unknown(&mut self, unknown: &'m UnknownFields) {
        if !unknown.is_empty() {
            self.prepend(unknown.as_bytes());
        }
    }

    /// A field without presence: not written when it is zero, `false` or empty.
    #[inline(always)]
    pub fn implicit<K: Scalar>(&mut self, number: u32, value: &'m K::Value) {
        if !K::is_default(value) {
            self.singular::<K>(number, value);
        }
    }

    /// A field with presence: written when set, be it to zero.
    #[inline(always)]
    pub fn optional<K: Kind>(&mut self, number: u32, value: &'m Option<K::Value>) {
        if let Some(value) = value {
            self.singular::<K>(number, value);
        }
    }

    /// A field that is always written.
    #[inline(always)]
    pub fn singular<K: Kind>(&mut self, number: u32, value: &'m K::Value) {
        K::write_field(self, number, value);
    }

    /// A message field: written when set.
    #[inline(always)]
    pub fn field<M: Message>(&mut self, number: u32, field: &'m MessageField<M>) {
        if let Some(message) = field.as_ref() {
            self.nested(number, message);
        }
    }

    /// Each element with a tag of its own.
    #[inline(always)]
    pub fn repeated<K: Kind>(&mut self, number: u32, values: &'m [K::Value]) {
        for value in values.iter().rev() {
            self.singular::<K>(number, value);
        }
    }

    /// All elements behind one tag and length; nothing when there is none.
    #[inline(always)]
    pub fn packed<K: Packable>(&mut self, number: u32, values: &'m [K::Value]) {
        if !values.is_empty() {
            let before = self.reached();
            self.with(|writer| K::write_packed(writer, values));
            self.length_since(before);
            self.tag(number, LENGTH_DELIMITED);
        }
    }
}

/// What kinds and maps are made of.
impl<'m> FieldWriter<'_, 'm> {
    /// Puts `bytes` before what was written so far, or lends them.
    #[inline(always)]
    pub(super) fn prepend(&mut self, bytes: &'m [u8]) {
        if bytes.len() >= LENT_MIN
            && let Some(lent) = &mut self.lent
        {
            lent.push(Lent { room_left: self.room.len(), bytes });
            self.elsewhere += bytes.len();
        } else {
            self.copy(bytes);
        }
    }

    /// Puts `bytes` before what was written so far.
    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        match self.room.len().checked_sub(bytes.len()) {
            Some(left) => {
                let (room, place) = std::mem::take(&mut self.room).split_at_mut(left);
                copy_short(place, bytes);
                self.room = room;
            }
            None => self.miss(bytes.len()),
        }
    }

    /// Puts `bytes` before what was written so far.
    #[inline(always)]
    pub(super) fn prepend_chunk<const N: usize>(&mut self, bytes: [u8; N]) {
        match self.room.len().checked_sub(N) {
            Some(_) => {
                if let Some((room, place)) = std::mem::take(&mut self.room).split_last_chunk_mut() {
                    *place = bytes;
                    self.room = room;
                }
            }
            None => self.miss(N),
        }
    }

    /// A message behind its length and its tag.
    #[inline(always)]
    pub(super) fn nested<M: Message>(&mut self, number: u32, message: &'m M) {
        let before = self.reached();
        self.with(|writer| message.write_fields(writer));
        self.head(number, LENGTH_DELIMITED, before.wrapping_sub(self.reached()) as u64);
    }

    /// Bytes behind their length and their tag.
    #[inline(always)]
    pub(super) fn length_delimited(&mut self, number: u32, bytes: &'m [u8]) {
        self.prepend(bytes);
        self.head(number, LENGTH_DELIMITED, bytes.len() as u64);
    }

    /// A tag and the varint that follows it.
    #[inline(always)]
    pub(super) fn head(&mut self, number: u32, wire_type: u32, value: u64) {
        let tag = number << 3 | wire_type;
        if value < 0x80 && tag < 0x80 {
            self.prepend_chunk([tag as u8, value as u8]);
        } else {
            self.varint(value);
            self.tag(number, wire_type);
        }
    }

    #[inline(always)]
    pub(super) fn tag(&mut self, number: u32, wire_type: u32) {
        let tag = number << 3 | wire_type;
        if tag < 0x80 {
            self.prepend_chunk([tag as u8]);
        } else if tag < 0x4000 {
            self.prepend_chunk([tag as u8 | 0x80, (tag >> 7) as u8]);
        } else {
            self.varint(tag.into());
        }
    }

    /// How far the writer has come, for [`FieldWriter::length_since`].
    #[inline(always)]
    pub(super) fn reached(&self) -> usize {
        self.room.len().wrapping_sub(self.elsewhere)
    }

    /// The length of what was written since the place `before`.
    #[inline(always)]
    pub(super) fn length_since(&mut self, before: usize) {
        self.varint(before.wrapping_sub(self.reached()) as u64);
    }

    #[inline(always)]
    pub(super) fn varint(&mut self, value: u64) {
        if value < 0x80 {
            self.prepend_chunk([value as u8]);
        } else {
            self.varint_of_any_size(value);
        }
    }

    /// Goes on where `write`, which is not inlined, ended.
    #[inline(always)]
    pub(super) fn with(&mut self, write: impl FnOnce(FieldWriter<'_, 'm>) -> Place) {
        let writer = FieldWriter {
            room: &mut *self.room,
            elsewhere: self.elsewhere,
            lent: self.lent.as_deref_mut(),
        };
        let Place { room_left, elsewhere } = write(writer);
        self.room = std::mem::take(&mut self.room).get_mut(..room_left).unwrap_or_default();
        self.elsewhere = elsewhere;
    }

    /// Counts what does not fit.
    #[inline(always)]
    fn miss(&mut self, size: usize) {
        self.elsewhere = self.elsewhere.wrapping_add(size).wrapping_sub(self.room.len());
        self.room = &mut [];
    }

    /// A varint, whatever its size, without a branch for it.
    #[inline(always)]
    fn varint_of_any_size(&mut self, value: u64) {
        let (word, size) = varint::spread_to_end(value);
        let left = self.room.len().wrapping_sub(size);
        match self.room.last_chunk_mut() {
            Some(place) if size <= 8 => {
                *place = word.to_le_bytes();
                self.room = std::mem::take(&mut self.room).get_mut(..left).unwrap_or_default();
            }
            _ => self.with(|writer| long_varint(writer, value)),
        }
    }

    /// Varints one after the other, each made from its value by `encode`.
    #[inline(always)]
    pub(super) fn varints<T: Copy>(mut self, values: &[T], encode: impl Fn(T) -> u64) -> Place {
        for &value in values.iter().rev() {
            self.varint_of_any_size(encode(value));
        }
        self.place()
    }

    /// Elements of `N` bytes one after the other, each made from its value by `encode`.
    #[inline(always)]
    pub(super) fn chunks<T: Copy, const N: usize>(
        mut self,
        values: &[T],
        encode: impl Fn(T) -> [u8; N],
    ) -> Place {
        let size = N * values.len();
        match self.room.len().checked_sub(size) {
            Some(left) => {
                let (chunks, _) = self.room[left..].as_chunks_mut();
                for (chunk, value) in chunks.iter_mut().zip(values) {
                    *chunk = encode(*value);
                }
                self.room = &mut self.room[..left];
            }
            None => self.miss(size),
        }
        self.place()
    }
}

/// Copies without a call where that is a few words.
#[inline(always)]
fn copy_short(place: &mut [u8], bytes: &[u8]) {
    match bytes.len() {
        8..=16 => copy_ends::<8>(place, bytes),
        17..=32 => copy_ends::<16>(place, bytes),
        4..8 => copy_ends::<4>(place, bytes),
        _ => place.copy_from_slice(bytes),
    }
}

/// Copies `N` to `2 * N` bytes: the first `N` and the last `N`, which may overlap.
#[inline(always)]
fn copy_ends<const N: usize>(place: &mut [u8], bytes: &[u8]) {
    if let (Some(first), Some(last)) = (bytes.first_chunk::<N>(), bytes.last_chunk::<N>()) {
        let (first, last) = (*first, *last);
        if let Some(place) = place.first_chunk_mut() {
            *place = first;
        }
        if let Some(place) = place.last_chunk_mut() {
            *place = last;
        }
    }
}

/// A varint near the front of the room, or one of nine or ten bytes.
#[cold]
#[inline(never)]
fn long_varint(mut writer: FieldWriter<'_, '_>, value: u64) -> Place {
    let mut bytes = [0; VARINT_SIZE_MAX];
    let bytes = &mut bytes[..varint::size(value)];
    varint::fill(bytes, value);
    writer.copy(bytes);
    writer.place()
}

/// Strings and bytes of this length are lent: a copy that is saved outweighs keeping account of it.
const LENT_MIN: usize = 4096;
