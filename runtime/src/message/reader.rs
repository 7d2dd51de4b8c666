//! The decoder: one contiguous slice, read once from front to back.
//!
//! Concrete on purpose: generated code is compiled once, where the message is defined. Invariant:
//! `rest` is a part of `input` and ends where the message that is being read ends; depth and memory
//! only ever run down on the way in, and depth is given back on the way out.

use super::error::DecodeErrorKind;
use super::kind::{Kind, Packable};
use super::varint::{self, Fault};
use super::{DecodeError, END_GROUP, FIXED32, FIXED64, LENGTH_DELIMITED, START_GROUP, VARINT};
use super::{Message, MessageField, UnknownFields};
use crate::limits;

/// Reads the fields of a message from a slice, within limits of depth and memory.
pub struct Reader<'a> {
    input: &'a [u8],
    rest: &'a [u8],
    /// The last tag read; it tells where an error happened.
    tag: u32,
    depth_left: u32,
    depth_max: u32,
    memory_left: usize,
    memory_max: usize,
    /// Number of the group that is being read; 0 if what is being read has a length.
    group: u32,
    /// What follows the group whose end tag was read.
    after_group: &'a [u8],
}

/// What is left to read around a nested message.
#[derive(Clone, Copy)]
pub(super) struct Around<'a> {
    rest: &'a [u8],
    group: u32,
}

impl<'a> Reader<'a> {
    /// A reader with the default limits: 100 levels of nesting, and 64 MiB of memory or 16 bytes
    /// for each byte of `input`, whichever is more.
    pub fn new(input: &'a [u8]) -> Self {
        let memory = limits::decode_memory(input.len());
        Self::with_limits(input, limits::MESSAGE_DEPTH_MAX, memory)
    }

    /// A reader that enters at most `depth` levels of nesting and allocates at most about `memory`
    /// bytes.
    pub fn with_limits(input: &'a [u8], depth: u32, memory: usize) -> Self {
        Self {
            input,
            rest: input,
            tag: 0,
            depth_left: depth,
            depth_max: depth,
            memory_left: memory,
            memory_max: memory,
            group: 0,
            after_group: &[],
        }
    }
}

/// What generated code calls.
impl<'a> Reader<'a> {
    /// The next tag, or `None` at the end of the message.
    ///
    /// # Errors
    ///
    /// A tag of more than 5 bytes or 32 bits. Field number 0 and wire types that do not exist are
    /// never those of a known field; [`Reader::unknown`] refuses them.
    // Every field of every message passes here; a call would cost more than the work.
    #[inline(always)]
    pub fn next_tag(&mut self) -> Result<Option<u32>, DecodeError> {
        match self.rest.split_first() {
            None => return Ok(None),
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                self.tag = u32::from(byte);
            }
            Some(_) => self.long_tag()?,
        }
        Ok(Some(self.tag))
    }

    /// Reads a value into its place; a message is merged into.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[inline]
    pub fn singular<K: Kind>(&mut self, value: &mut K::Value) -> Result<(), DecodeError> {
        K::read(self, value)
    }

    /// Reads a value with presence.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[inline]
    pub fn optional<K: Kind>(&mut self, value: &mut Option<K::Value>) -> Result<(), DecodeError> {
        K::read(self, value.get_or_insert_default())
    }

    /// Reads one element of a repeated field.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[inline]
    pub fn repeated<K: Kind>(&mut self, values: &mut Vec<K::Value>) -> Result<(), DecodeError> {
        self.charge(size_of::<K::Value>() + K::HEAP_SIZE)?;
        values.push(K::Value::default());
        K::read(self, values.last_mut().expect("an element was just pushed"))
    }

    /// Reads a packed field and appends its elements.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[inline]
    pub fn packed<K: Packable>(&mut self, values: &mut Vec<K::Value>) -> Result<(), DecodeError> {
        K::read_packed(self, values)
    }

    /// Reads a member of a oneof and puts it in the place of whatever is there.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[inline]
    pub fn oneof<K: Kind, O>(
        &mut self,
        slot: &mut Option<O>,
        member: impl FnOnce(K::Value) -> O,
    ) -> Result<(), DecodeError> {
        self.charge(K::HEAP_SIZE)?;
        let mut value = K::Value::default();
        K::read(self, &mut value)?;
        *slot = Some(member(value));
        Ok(())
    }

    /// Reads a message field and merges it into what is there.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[inline]
    pub fn field<M: Message>(&mut self, field: &mut MessageField<M>) -> Result<(), DecodeError> {
        if field.is_none() {
            self.charge(M::HEAP_SIZE)?;
        }
        self.merge_into(field.get_or_insert_default())
    }

    /// Reads a length and that many bytes of fields into `message`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn merge_into<M: Message>(&mut self, message: &mut M) -> Result<(), DecodeError> {
        let around = self.enter_nested()?;
        let result = message.merge_fields(self);
        self.leave_nested(around);
        result.map_err(|error| error.within(M::FULL_NAME))
    }

    /// Keeps a field that the message does not know, or knows with another wire type.
    ///
    /// # Errors
    ///
    /// What is wrong with the input; field number 0; a wire type that does not exist; the end of a
    /// group that was not opened.
    pub fn unknown(&mut self, tag: u32, unknown: &mut UnknownFields) -> Result<(), DecodeError> {
        if tag == self.group << 3 | END_GROUP && self.group != 0 {
            // The end of the group that is being read: nothing more to read in it.
            self.after_group = std::mem::take(&mut self.rest);
            self.group = 0;
            return Ok(());
        }
        let before = self.rest;
        self.skip(tag)?;
        let payload = &before[..before.len() - self.rest.len()];
        self.charge(limits::UNKNOWN_FIELD_COST + payload.len())?;
        unknown.push_raw(tag, payload);
        Ok(())
    }
}

/// What kinds, maps and unknown fields are made of.
impl<'a> Reader<'a> {
    /// What is left of the message that is being read.
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads a length, enters that many bytes, and returns what is left after them.
    #[inline]
    pub(super) fn enter_nested(&mut self) -> Result<Around<'a>, DecodeError> {
        let payload = self.length_delimited()?;
        self.descend()?;
        let rest = std::mem::replace(&mut self.rest, payload);
        Ok(Around { rest, group: std::mem::take(&mut self.group) })
    }

    /// Reads `part`, which is a part of what was read already, into `message`.
    pub(super) fn merge_part<M: Message>(
        &mut self,
        part: &'a [u8],
        message: &mut M,
    ) -> Result<(), DecodeError> {
        self.descend()?;
        let rest = std::mem::replace(&mut self.rest, part);
        let around = Around { rest, group: std::mem::take(&mut self.group) };
        let result = message.merge_fields(self);
        self.leave_nested(around);
        result.map_err(|error| error.within(M::FULL_NAME))
    }

    /// Goes on after what [`Reader::enter_nested`] entered.
    #[inline]
    pub(super) fn leave_nested(&mut self, around: Around<'a>) {
        self.rest = around.rest;
        self.group = around.group;
        self.depth_left += 1;
    }

    /// Enters the group whose start tag came last.
    pub(super) fn enter_group(&mut self) -> Result<Around<'a>, DecodeError> {
        self.descend()?;
        let group = std::mem::replace(&mut self.group, self.tag >> 3);
        Ok(Around { rest: &[], group })
    }

    /// Goes on after the group; says whether its end tag was read.
    pub(super) fn leave_group(&mut self, around: Around<'a>) -> bool {
        let ended = self.group == 0;
        if ended {
            self.rest = std::mem::take(&mut self.after_group);
        }
        self.group = around.group;
        self.depth_left += 1;
        ended
    }

    /// Goes on in the elements of a packed field; returns what is left after them.
    pub(super) fn enter_packed(&mut self, payload: &'a [u8]) -> &'a [u8] {
        std::mem::replace(&mut self.rest, payload)
    }

    /// Goes on after what [`Reader::enter_packed`] entered.
    pub(super) fn leave_packed(&mut self, around: &'a [u8]) {
        self.rest = around;
    }

    /// The tag that was read last.
    pub(super) fn tag(&self) -> u32 {
        self.tag
    }

    /// The field number of the tag that was read last.
    pub(super) fn field_number(&self) -> u32 {
        self.tag >> 3
    }

    /// Takes `size` bytes from the memory budget.
    #[inline]
    pub(super) fn charge(&mut self, size: usize) -> Result<(), DecodeError> {
        match self.memory_left.checked_sub(size) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(self.error(DecodeErrorKind::TooMuchMemory { limit: self.memory_max })),
        }
    }

    #[inline]
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        match self.rest.split_first() {
            Some((&byte, rest)) if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => self.long_varint(),
        }
    }

    /// The next `N` bytes.
    #[inline]
    pub(super) fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(chunk)
            }
            None => Err(self.truncated(N)),
        }
    }

    /// A length and that many bytes.
    #[inline]
    pub(super) fn length_delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        if length > limits::MESSAGE_SIZE_MAX as u64 {
            return Err(self.error(DecodeErrorKind::LengthTooLarge(length)));
        }
        let length = length as usize;
        match self.rest.split_at_checked(length) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(self.truncated(length)),
        }
    }

    /// A length and that many bytes of UTF-8.
    #[inline]
    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.length_delimited()?;
        std::str::from_utf8(bytes).map_err(|error| {
            let offset = self.offset_of(bytes);
            let kind = DecodeErrorKind::InvalidUtf8 { valid_up_to: error.valid_up_to() };
            DecodeError::new(kind, offset, self.tag >> 3)
        })
    }

    /// A packed field of varints, each decoded by `decode`.
    pub(super) fn varints<T>(
        &mut self,
        values: &mut Vec<T>,
        decode: impl Fn(u64) -> T,
    ) -> Result<(), DecodeError> {
        let payload = self.length_delimited()?;
        let count = payload.iter().filter(|byte| **byte < 0x80).count();
        self.charge(count.saturating_mul(size_of::<T>()))?;
        values.reserve(count);
        if count == payload.len() {
            values.extend(payload.iter().map(|byte| decode(u64::from(*byte))));
            return Ok(());
        }
        let mut packed = payload;
        while !packed.is_empty() {
            match varint::split(packed) {
                Ok((value, rest)) => {
                    values.push(decode(value));
                    packed = rest;
                }
                Err(fault) => {
                    self.rest = packed;
                    return Err(self.varint_error(fault));
                }
            }
        }
        Ok(())
    }

    /// A packed field of elements of `N` bytes, each decoded by `decode`.
    pub(super) fn chunks<T, const N: usize>(
        &mut self,
        values: &mut Vec<T>,
        decode: impl Fn([u8; N]) -> T,
    ) -> Result<(), DecodeError> {
        let payload = self.length_delimited()?;
        let (chunks, remainder) = payload.as_chunks::<N>();
        if !remainder.is_empty() {
            let kind = DecodeErrorKind::UnevenPackedLength { length: payload.len(), width: N };
            return Err(self.error(kind));
        }
        self.charge(payload.len())?;
        values.extend(chunks.iter().map(|chunk| decode(*chunk)));
        Ok(())
    }

    /// Reads past the value that follows `tag`.
    pub(super) fn skip(&mut self, tag: u32) -> Result<(), DecodeError> {
        if tag >> 3 == 0 {
            return Err(self.error(DecodeErrorKind::FieldNumberZero));
        }
        match tag & 7 {
            VARINT => self.varint().map(drop),
            FIXED64 => self.chunk::<8>().map(drop),
            LENGTH_DELIMITED => self.length_delimited().map(drop),
            START_GROUP => self.group(tag >> 3).map(drop),
            FIXED32 => self.chunk::<4>().map(drop),
            END_GROUP => {
                let (expected, got) = (self.group, tag >> 3);
                Err(self.error(DecodeErrorKind::UnmatchedEndGroup { expected, got }))
            }
            other => Err(self.error(DecodeErrorKind::UnknownWireType(other))),
        }
    }

    /// The fields of the group `number`, up to its end tag, which is read too.
    pub(super) fn group(&mut self, number: u32) -> Result<&'a [u8], DecodeError> {
        self.descend()?;
        let start = self.rest;
        loop {
            let left = self.rest.len();
            match self.next_tag()? {
                None => return Err(self.error(DecodeErrorKind::UnterminatedGroup(number))),
                Some(tag) if tag & 7 == END_GROUP => {
                    if tag >> 3 != number {
                        let got = tag >> 3;
                        let kind = DecodeErrorKind::UnmatchedEndGroup { expected: number, got };
                        return Err(self.error(kind));
                    }
                    self.depth_left += 1;
                    return Ok(&start[..start.len() - left]);
                }
                Some(tag) => self.skip(tag)?,
            }
        }
    }

    #[inline]
    fn descend(&mut self) -> Result<(), DecodeError> {
        match self.depth_left.checked_sub(1) {
            Some(left) => {
                self.depth_left = left;
                Ok(())
            }
            None => Err(self.error(DecodeErrorKind::TooDeep { limit: self.depth_max })),
        }
    }

    #[inline(never)]
    fn long_varint(&mut self) -> Result<u64, DecodeError> {
        match varint::split(self.rest) {
            Ok((value, rest)) => {
                self.rest = rest;
                Ok(value)
            }
            Err(fault) => Err(self.varint_error(fault)),
        }
    }

    #[inline(never)]
    fn long_tag(&mut self) -> Result<(), DecodeError> {
        match varint::split(self.rest) {
            Ok((value, rest)) => {
                // protobuf encoding: a tag is a 32-bit varint, so 5 bytes at most.
                let size = self.rest.len() - rest.len();
                let tag = u32::try_from(value).ok().filter(|_| size <= TAG_SIZE_MAX);
                self.tag = tag.ok_or_else(|| self.error(DecodeErrorKind::TagTooLong))?;
                self.rest = rest;
                Ok(())
            }
            Err(Fault::TooLong) => Err(self.error(DecodeErrorKind::TagTooLong)),
            Err(Fault::Truncated) => Err(self.truncated(self.rest.len() + 1)),
        }
    }

    fn offset_of(&self, part: &[u8]) -> usize {
        part.as_ptr().addr() - self.input.as_ptr().addr()
    }

    #[cold]
    pub(super) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        DecodeError::new(kind, self.offset_of(self.rest), self.tag >> 3)
    }

    #[cold]
    fn truncated(&self, expected: usize) -> DecodeError {
        self.error(DecodeErrorKind::Truncated { expected, got: self.rest.len() })
    }

    #[cold]
    fn varint_error(&self, fault: Fault) -> DecodeError {
        match fault {
            Fault::Truncated => self.truncated(self.rest.len() + 1),
            Fault::TooLong => self.error(DecodeErrorKind::VarintTooLong),
        }
    }
}

/// Bytes that the longest tag takes: 29 bits of field number and 3 of wire type.
const TAG_SIZE_MAX: usize = 5;

/// Reads a member of a oneof that is a message: it is merged if it is the current member, and takes
/// the oneof over otherwise. For generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! merge_member {
    ($reader:ident, $self:ident.$field:ident, $($member:ident)::+, $kind:ident) => {
        match &mut $self.$field {
            ::core::option::Option::Some($($member)::+(value)) => {
                $reader.singular::<$kind<_>>(value)?
            }
            other => $reader.oneof::<$kind<_>, _>(other, $($member)::+)?,
        }
    };
}

/// Reads a member of a oneof that is a closed enum. For generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! closed_member {
    ($reader:ident, $self:ident.$field:ident, $($member:ident)::+, $unknown:ident) => {
        $reader.closed_oneof(&mut $self.$field, $($member)::+, &mut $self.$unknown)?
    };
}
