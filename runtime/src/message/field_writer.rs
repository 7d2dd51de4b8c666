//! The encoder: one slice, filled from its end towards its front.
//!
//! Back to front, the length of a submessage is known when its prefix is written: one pass, no
//! sizes computed beforehand. A [`FieldWriter`] is passed by value, so that the room that is left
//! stays in registers; what is inlined into generated code is a check and a store, all else is a
//! function that takes the room and returns what is left of it. It never grows: what does not fit is
//! counted and not written, so that a message that was too large once is written into room of the
//! right size the second time. Long strings and bytes need not be copied into the room: they are
//! lent to whoever puts the output together. Without optimisation what generated code calls is not
//! inlined: a message's function would keep room on the stack for each of its fields. Invariant: what was written takes `room.len()` at the
//! beginning less `room.len()` now plus `outside.size` bytes.

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
/// use rust_grpc::message::{FieldWriter, Outside};
///
/// let (name, mut room, mut outside) = ("Ada".to_owned(), [0; 10], Outside::default());
/// let mut writer = FieldWriter::new(&mut room, &mut outside);
/// writer.singular::<Uint32>(2, &150);
/// writer.singular::<Str>(1, &name);
/// assert_eq!(writer.room_left(), 2);
/// assert_eq!(room[2..], *b"\x0a\x03Ada\x10\x96\x01");
/// ```
pub struct FieldWriter<'a, 'm> {
    /// What is left, to be filled from its end.
    room: &'a mut [u8],
    outside: &'a mut Outside<'m>,
}

/// What was written and does not stand in the room.
#[derive(Default)]
pub struct Outside<'m> {
    /// Bytes that were lent, or counted because they did not fit. Nothing is put into the room any
    /// more once something did not fit.
    pub(super) size: usize,
    /// Whether long strings and bytes are lent.
    pub(super) lends: bool,
    pub(super) lent: Lending<'m>,
}

/// A part of a message that is not copied into the room.
#[derive(Clone, Copy)]
pub(super) struct Lent<'m> {
    /// Bytes of the room that were left, and came before it.
    pub(super) room_left: usize,
    pub(super) bytes: &'m [u8],
}

/// What was lent, from the last part of the output to the first. Most messages lend none or one,
/// which takes no allocation.
#[derive(Default)]
pub(super) struct Lending<'m> {
    last: Option<Lent<'m>>,
    others: Vec<Lent<'m>>,
}

impl<'m> Lending<'m> {
    /// Lends a part that comes before all others.
    fn push(&mut self, part: Lent<'m>) {
        match self.last {
            None => self.last = Some(part),
            Some(_) => self.others.push(part),
        }
    }

    /// The parts from the first to the last.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Lent<'m>> {
        self.others.iter().rev().chain(&self.last)
    }
}

impl<'a, 'm> FieldWriter<'a, 'm> {
    /// A writer that fills `room` from its end; what does not fit is counted in `outside`.
    #[inline(always)]
    pub fn new(room: &'a mut [u8], outside: &'a mut Outside<'m>) -> Self {
        Self { room, outside }
    }

    /// Bytes of the room that are left.
    #[inline(always)]
    pub fn room_left(self) -> usize {
        self.room.len()
    }
}

/// What generated code calls.
impl<'m> FieldWriter<'_, 'm> {
    /// Fields that the message type does not know. They come last, so they are written first.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn unknown(&mut self, unknown: &'m UnknownFields) {
        if !unknown.is_empty() {
            self.with(|room, outside| {
                let mut writer = FieldWriter { room, outside };
                writer.prepend(unknown.as_bytes());
                writer.room_left()
            });
        }
    }

    /// A field without presence: not written when it is zero, `false` or empty.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn implicit<K: Scalar>(&mut self, number: u32, value: &'m K::Value) {
        if !K::is_default(value) {
            self.singular::<K>(number, value);
        }
    }

    /// A field with presence: written when set, be it to zero.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn optional<K: Kind>(&mut self, number: u32, value: &'m Option<K::Value>) {
        if let Some(value) = value {
            self.singular::<K>(number, value);
        }
    }

    /// A field that is always written.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn singular<K: Kind>(&mut self, number: u32, value: &'m K::Value) {
        K::write_field(self, number, value);
    }

    /// A message field: written when set.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn field<M: Message>(&mut self, number: u32, field: &'m MessageField<M>) {
        if let Some(message) = field.as_ref() {
            self.nested(number, message);
        }
    }

    /// Each element with a tag of its own.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn repeated<K: Kind>(&mut self, number: u32, values: &'m [K::Value]) {
        if !values.is_empty() {
            let room_left = write_repeated::<K>(self.room, self.outside, number, values);
            self.go_on(room_left);
        }
    }

    /// All elements behind one tag and length; nothing when there is none.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn packed<K: Packable>(&mut self, number: u32, values: &'m [K::Value]) {
        if !values.is_empty() {
            let room_left = write_packed::<K>(self.room, self.outside, number, values);
            self.go_on(room_left);
        }
    }
}

/// What kinds and maps are made of.
impl<'m> FieldWriter<'_, 'm> {
    /// Goes on where `write` ended.
    #[inline(always)]
    fn with(&mut self, write: impl FnOnce(&mut [u8], &mut Outside<'m>) -> usize) {
        let room_left = write(&mut *self.room, &mut *self.outside);
        self.go_on(room_left);
    }

    /// The room that is left, and what does not stand in it: for a function that is not inlined.
    #[inline(always)]
    pub(super) fn parts(&mut self) -> (&mut [u8], &mut Outside<'m>) {
        (self.room, self.outside)
    }

    /// Goes on where a function ended that is not inlined: it returns how much room is left.
    #[inline(always)]
    pub(super) fn go_on(&mut self, room_left: usize) {
        self.room = std::mem::take(&mut self.room).get_mut(..room_left).unwrap_or_default();
    }

    /// A message behind its length and its tag.
    #[inline(always)]
    pub(super) fn nested<M: Message>(&mut self, number: u32, message: &'m M) {
        let room_left = write_nested(self.room, self.outside, number, message);
        self.go_on(room_left);
    }

    /// Bytes behind their length and their tag. Few of them are copied without a call.
    #[inline(always)]
    pub(super) fn length_delimited(&mut self, number: u32, bytes: &'m [u8]) {
        let (tag, size) = (number << 3 | LENGTH_DELIMITED, bytes.len());
        let head_size = if tag < 0x80 { 2 } else { 3 };
        if (SHORT_MIN..=SHORT_MAX).contains(&size)
            && tag < 0x4000
            && let Some(left) = self.room.len().checked_sub(size + head_size)
        {
            let (room, place) = std::mem::take(&mut self.room).split_at_mut(left);
            if tag < 0x80 {
                place[0] = tag as u8;
            } else {
                place[0] = tag as u8 | 0x80;
                place[1] = (tag >> 7) as u8;
            }
            place[head_size - 1] = size as u8;
            copy_short(&mut place[head_size..], bytes);
            self.room = room;
        } else {
            self.with(|room, outside| write_bytes(room, outside, number, bytes));
        }
    }

    /// A tag and the varint that follows it.
    #[inline(always)]
    pub(super) fn head(&mut self, number: u32, wire_type: u32, value: u64) {
        let tag = number << 3 | wire_type;
        if value < 0x80 && tag < 0x80 {
            self.prepend_chunk([tag as u8, value as u8]);
        } else if value < 0x80 && tag < 0x4000 {
            self.prepend_chunk([tag as u8 | 0x80, (tag >> 7) as u8, value as u8]);
        } else {
            self.with(|room, outside| write_head(room, outside, tag, value));
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

    /// Puts `bytes` before what was written so far.
    #[inline(always)]
    pub(super) fn prepend_chunk<const N: usize>(&mut self, bytes: [u8; N]) {
        if self.room.len() < N {
            self.miss(N);
        } else if let Some((room, place)) = std::mem::take(&mut self.room).split_last_chunk_mut() {
            *place = bytes;
            self.room = room;
        }
    }

    /// Puts `bytes` before what was written so far, or lends them.
    #[inline(always)]
    pub(super) fn prepend(&mut self, bytes: &'m [u8]) {
        if bytes.len() >= LENT_MIN && self.outside.lends {
            self.outside.lent.push(Lent { room_left: self.room.len(), bytes });
            self.outside.size += bytes.len();
        } else {
            self.copy(bytes);
        }
    }

    /// How far the writer has come, for [`FieldWriter::length_since`].
    #[inline(always)]
    pub(super) fn reached(&self) -> usize {
        self.room.len().wrapping_sub(self.outside.size)
    }

    /// The length of what was written since the place `before`.
    #[inline(always)]
    #[cfg(feature = "reflect")]
    pub(super) fn length_since(&mut self, before: usize) {
        self.varint(before.wrapping_sub(self.reached()) as u64);
    }

    /// A varint, whatever its size, without a branch for it.
    #[inline(always)]
    pub(super) fn varint(&mut self, value: u64) {
        let (word, size) = varint::spread_to_end(value);
        let left = self.room.len().wrapping_sub(size);
        match self.room.last_chunk_mut() {
            Some(place) if size <= 8 => {
                *place = word.to_le_bytes();
                self.room = std::mem::take(&mut self.room).get_mut(..left).unwrap_or_default();
            }
            _ => self.with(|room, outside| write_varint(room, outside, value)),
        }
    }

    /// The end of the room, if it has so many bytes.
    #[inline(always)]
    pub(super) fn last_chunk_mut<const N: usize>(&mut self) -> Option<&mut [u8; N]> {
        self.room.last_chunk_mut()
    }

    /// Makes the last `size` bytes of the room part of what was written.
    #[inline(always)]
    pub(super) fn take(&mut self, size: usize) {
        self.go_on(self.room.len().wrapping_sub(size));
    }

    /// Elements of `N` bytes one after the other, each made from its value by `encode`.
    #[inline(always)]
    pub(super) fn chunks<T: Copy, const N: usize>(
        &mut self,
        values: &[T],
        encode: impl Fn(T) -> [u8; N],
    ) {
        let size = N * values.len();
        let Some(left) = self.room.len().checked_sub(size) else { return self.miss(size) };
        let (room, place) = std::mem::take(&mut self.room).split_at_mut(left);
        let (chunks, _) = place.as_chunks_mut();
        for (chunk, value) in chunks.iter_mut().zip(values) {
            *chunk = encode(*value);
        }
        self.room = room;
    }

    #[inline(always)]
    fn copy(&mut self, bytes: &[u8]) {
        let size = bytes.len();
        let Some(left) = self.room.len().checked_sub(size) else { return self.miss(size) };
        let (room, place) = std::mem::take(&mut self.room).split_at_mut(left);
        place.copy_from_slice(bytes);
        self.room = room;
    }

    /// Counts what does not fit.
    #[inline(always)]
    fn miss(&mut self, size: usize) {
        let room = std::mem::take(&mut self.room);
        miss(self.outside, size, room.len());
    }
}

#[cold]
#[inline(never)]
fn miss(outside: &mut Outside<'_>, size: usize, room: usize) {
    outside.size = outside.size.wrapping_add(size).wrapping_sub(room);
}

/// A tag and the varint behind it, of any size, most often of two or three bytes.
#[inline(never)]
fn write_head(room: &mut [u8], outside: &mut Outside<'_>, tag: u32, value: u64) -> usize {
    let mut writer = FieldWriter { room, outside };
    // Of a value of two or three bytes; the second has to say whether there is a third.
    let (first, second, third) = (value as u8 | 0x80, (value >> 7) as u8, (value >> 14) as u8);
    match (tag, value) {
        (0..0x80, 0x80..0x4000) => writer.prepend_chunk([tag as u8, first, second]),
        (0..0x80, 0x4000..0x20_0000) => {
            writer.prepend_chunk([tag as u8, first, second | 0x80, third]);
        }
        (0x80..0x4000, 0x80..0x4000) => {
            writer.prepend_chunk([tag as u8 | 0x80, (tag >> 7) as u8, first, second]);
        }
        _ => {
            writer.varint(value);
            writer.tag(tag >> 3, tag & 7);
        }
    }
    writer.room_left()
}

/// A varint near the front of the room, or one of nine or ten bytes.
#[cold]
#[inline(never)]
fn write_varint(room: &mut [u8], outside: &mut Outside<'_>, value: u64) -> usize {
    let mut bytes = [0; VARINT_SIZE_MAX];
    let bytes = &mut bytes[..varint::size(value)];
    varint::fill(bytes, value);
    let mut writer = FieldWriter { room, outside };
    writer.copy(bytes);
    writer.room_left()
}

#[inline(never)]
fn write_bytes<'m>(
    room: &mut [u8],
    outside: &mut Outside<'m>,
    number: u32,
    bytes: &'m [u8],
) -> usize {
    let mut writer = FieldWriter { room, outside };
    writer.prepend(bytes);
    writer.head(number, LENGTH_DELIMITED, bytes.len() as u64);
    writer.room_left()
}

fn write_nested<'m, M: Message>(
    room: &mut [u8],
    outside: &mut Outside<'m>,
    number: u32,
    message: &'m M,
) -> usize {
    let mut writer = FieldWriter { room, outside };
    let before = writer.reached();
    let (room, outside) = writer.parts();
    let room_left = message.write_fields(FieldWriter { room, outside });
    writer.go_on(room_left);
    writer.head(number, LENGTH_DELIMITED, before.wrapping_sub(writer.reached()) as u64);
    writer.room_left()
}

#[inline(never)]
fn write_repeated<'m, K: Kind>(
    room: &mut [u8],
    outside: &mut Outside<'m>,
    number: u32,
    values: &'m [K::Value],
) -> usize {
    let mut writer = FieldWriter { room, outside };
    for value in values.iter().rev() {
        writer.singular::<K>(number, value);
    }
    writer.room_left()
}

#[inline(never)]
fn write_packed<K: Packable>(
    room: &mut [u8],
    outside: &mut Outside<'_>,
    number: u32,
    values: &[K::Value],
) -> usize {
    let mut writer = FieldWriter { room, outside };
    let before = writer.reached();
    K::write_packed(&mut writer, values);
    writer.head(number, LENGTH_DELIMITED, before.wrapping_sub(writer.reached()) as u64);
    writer.room_left()
}

/// Copies 4 to 32 bytes without a call.
#[inline(always)]
fn copy_short(place: &mut [u8], bytes: &[u8]) {
    match bytes.len() {
        8..=16 => copy_ends::<8>(place, bytes),
        17.. => copy_ends::<16>(place, bytes),
        _ => copy_ends::<4>(place, bytes),
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

/// Strings that are copied without a call.
const SHORT_MIN: usize = 4;
const SHORT_MAX: usize = 32;

/// Strings and bytes of this length are lent: a copy that is saved outweighs keeping account of it.
const LENT_MIN: usize = 4096;
