//! The decoder: one contiguous slice, read once from front to back.
//!
//! Concrete on purpose: generated code is compiled once, where the message is defined. A [`Reader`]
//! is passed by value and each of its functions that a loop over fields calls is inlined, so that
//! the place in the input stays in registers; whatever is long or rare is a function of the
//! [`Budget`] and of slices, which never take the reader's address. Invariant: `rest` ends where
//! the message that is being read ends.

mod calls;

use super::budget::Budget;
use super::error::DecodeErrorKind;
use super::kind::{Kind, Packable};
use super::varint;
use super::{DecodeError, Message, MessageField, UnknownFields, growth, skip};
use calls::{
    grow, long_tag, not_utf8, read_bytes, read_nested, read_packed, read_repeated, read_text,
};
pub(super) use calls::{truncated, varint_error};

/// Reads the fields of a message from a slice, within a [`Budget`].
pub struct Reader<'a> {
    rest: &'a [u8],
    budget: &'a mut Budget,
    /// The last tag read; it tells where an error happened.
    tag: u32,
    /// Number of the group that is being read; 0 if what is being read has a length.
    group: u32,
}

impl<'a> Reader<'a> {
    /// A reader of `input`, a part of what `budget` was made for.
    pub fn new(input: &'a [u8], budget: &'a mut Budget) -> Self {
        Self { rest: input, budget, tag: 0, group: 0 }
    }

    /// A reader of what follows `tag`.
    #[inline(always)]
    pub(super) fn after(tag: u32, rest: &'a [u8], budget: &'a mut Budget) -> Self {
        Self { rest, budget, tag, group: 0 }
    }

    /// A reader of the group that `tag` begins.
    #[inline(always)]
    pub(super) fn of_group(tag: u32, rest: &'a [u8], budget: &'a mut Budget) -> Self {
        // No tag of the group's own fields was read yet.
        Self { rest, budget, tag: 0, group: tag >> 3 }
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
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn next_tag(&mut self) -> Result<Option<u32>, DecodeError> {
        match *self.rest {
            [] => return Ok(None),
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                self.tag = u32::from(byte);
            }
            [low, high, ref rest @ ..] if high < 0x80 => {
                self.rest = rest;
                self.tag = u32::from(low & 0x7f) | u32::from(high) << 7;
            }
            _ => {
                let (tag, size) = long_tag(self.budget, self.rest, self.tag)?;
                self.tag = tag;
                self.rest = self.rest.get(size..).unwrap_or_default();
            }
        }
        Ok(Some(self.tag))
    }

    /// Reads a value into its place; a message is merged into.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn singular<K: Kind>(&mut self, value: &mut K::Value) -> Result<(), DecodeError> {
        K::read(self, value)
    }

    /// Reads a value with presence.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn optional<K: Kind>(&mut self, value: &mut Option<K::Value>) -> Result<(), DecodeError> {
        K::read(self, value.get_or_insert_default())
    }

    /// Reads the elements of a repeated field that follow each other.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn repeated<K: Kind>(&mut self, values: &mut Vec<K::Value>) -> Result<(), DecodeError> {
        let left = read_repeated::<K>(self.rest, self.budget, self.tag, values)?;
        self.go_on(left);
        Ok(())
    }

    /// Reads a packed field and appends its elements.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn packed<K: Packable>(&mut self, values: &mut Vec<K::Value>) -> Result<(), DecodeError> {
        let left = read_packed::<K>(self.rest, self.budget, self.tag, values)?;
        self.go_on(left);
        Ok(())
    }

    /// Reads a member of a oneof and puts it in the place of whatever is there.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
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
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn field<M: Message>(&mut self, field: &mut MessageField<M>) -> Result<(), DecodeError> {
        if M::HEAP_SIZE > 0 && field.is_none() {
            self.charge(M::HEAP_SIZE)?;
        }
        self.merge_into(field.get_or_insert_default())
    }

    /// Reads a length and that many bytes of fields into `message`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn merge_into<M: Message>(&mut self, message: &mut M) -> Result<(), DecodeError> {
        let left = read_nested(self.rest, self.budget, self.tag, message)?;
        self.go_on(left);
        Ok(())
    }

    /// Reads all that is left into `message`, one level deeper.
    pub(super) fn merge_all<M: Message>(self, message: &mut M) -> Result<(), DecodeError> {
        let Self { rest, budget, tag, .. } = self;
        budget.descend(rest, tag)?;
        match message.merge_fields(Reader::new(rest, budget)) {
            Ok(()) => {
                budget.ascend();
                Ok(())
            }
            Err(error) => Err(error.within(M::FULL_NAME)),
        }
    }

    /// Keeps a field that the message does not know, or knows with another wire type.
    ///
    /// # Errors
    ///
    /// What is wrong with the input; field number 0; a wire type that does not exist; the end of a
    /// group that was not opened.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn unknown(&mut self, tag: u32, unknown: &mut UnknownFields) -> Result<(), DecodeError> {
        self.rest = skip::keep(self.rest, self.budget, tag, self.group, unknown)?;
        Ok(())
    }
}

/// What kinds, maps and unknown fields are made of.
impl<'a> Reader<'a> {
    /// Goes on where a function ended that is not inlined: it returns how much is left.
    #[inline(always)]
    pub(super) fn go_on(&mut self, left: usize) {
        let at = self.rest.len().wrapping_sub(left);
        self.rest = self.rest.get(at..).unwrap_or_default();
    }

    /// What decoding may still use.
    #[inline(always)]
    pub(super) fn budget(&mut self) -> &mut Budget {
        self.budget
    }

    /// A length and that many bytes, which become `value`.
    #[inline(always)]
    pub(super) fn bytes_into(&mut self, value: &mut Vec<u8>) -> Result<(), DecodeError> {
        let left = read_bytes(self.rest, self.budget, self.tag, value)?;
        self.go_on(left);
        Ok(())
    }

    /// A length and that many bytes of UTF-8, which become `value`.
    #[inline(always)]
    pub(super) fn text_into(&mut self, value: &mut String) -> Result<(), DecodeError> {
        let left = read_text(self.rest, self.budget, self.tag, value)?;
        self.go_on(left);
        Ok(())
    }

    /// What is left of the message that is being read.
    #[inline(always)]
    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// A reader of `part`, which is a part of what was read already, on the same level.
    #[inline(always)]
    pub(super) fn within<'b>(&'b mut self, part: &'b [u8]) -> Reader<'b> {
        Reader { rest: part, budget: &mut *self.budget, tag: self.tag, group: 0 }
    }

    /// Enters a level of nesting, which is left by [`Reader::ascend`].
    ///
    /// # Errors
    ///
    /// More levels than the limit.
    pub(super) fn descend(&mut self) -> Result<(), DecodeError> {
        self.budget.descend(self.rest, self.tag)
    }

    /// Leaves a level of nesting.
    pub(super) fn ascend(&mut self) {
        self.budget.ascend();
    }

    /// Reads the fields of the group whose start tag came last, and its end tag, by `merge`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input; the message around ends before the group does.
    #[inline(always)]
    pub(super) fn group_with(
        &mut self,
        merge: impl FnOnce(Reader<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        self.rest = skip::merge_group(self.rest, self.budget, self.tag, merge)?;
        Ok(())
    }

    /// Reads past the value that follows `tag`.
    pub(super) fn skip(&mut self, tag: u32) -> Result<(), DecodeError> {
        self.rest = skip::skip(self.rest, self.budget, tag, self.group)?;
        Ok(())
    }

    /// The fields of the group `number`, up to its end tag, which is read too.
    pub(super) fn group(&mut self, number: u32) -> Result<&'a [u8], DecodeError> {
        let fields = skip::group(self.rest, self.budget, number);
        let (fields, rest) = fields.map_err(|error| error.below(number))?;
        self.rest = rest;
        Ok(fields)
    }

    /// What is left of the memory budget.
    #[cfg(feature = "reflect")]
    pub(super) fn memory_left(&self) -> usize {
        self.budget.memory_left()
    }

    /// The tag that was read last.
    pub(super) fn tag(&self) -> u32 {
        self.tag
    }

    /// The field number of the tag that was read last.
    #[inline(always)]
    pub(super) fn field_number(&self) -> u32 {
        self.tag >> 3
    }

    /// Whether the tag that was read last comes once more; it is read then.
    #[inline(always)]
    pub(super) fn same_tag_follows(&mut self) -> bool {
        let after = match *self.rest {
            [byte, ref after @ ..] if self.tag < 0x80 && u32::from(byte) == self.tag => after,
            [low, high, ref after @ ..]
                if (0x80..0x4000).contains(&self.tag)
                    && low == self.tag as u8 | 0x80
                    && u32::from(high) == self.tag >> 7 =>
            {
                after
            }
            _ => return false,
        };
        self.rest = after;
        true
    }

    /// Takes `size` bytes from the memory budget.
    #[inline(always)]
    pub(super) fn charge(&mut self, size: usize) -> Result<(), DecodeError> {
        self.budget.charge(size, self.rest, self.tag)
    }

    /// Makes room in a list for `additional` elements, which is taken from the memory budget.
    #[inline(always)]
    pub(super) fn make_room<T>(
        &mut self,
        list: &mut Vec<T>,
        additional: usize,
    ) -> Result<(), DecodeError> {
        if growth::has_room(list, additional) {
            return Ok(());
        }
        grow(list, additional, self.budget, self.rest, self.tag)
    }

    #[inline(always)]
    pub(super) fn varint(&mut self) -> Result<u64, DecodeError> {
        match *self.rest {
            [byte, ref rest @ ..] if byte < 0x80 => {
                self.rest = rest;
                Ok(u64::from(byte))
            }
            _ => {
                let (value, size) = varint::long(self.rest);
                match self.rest.get(size..) {
                    Some(rest) if size > 0 => {
                        self.rest = rest;
                        Ok(value)
                    }
                    _ => Err(varint_error(self.budget, self.rest, self.tag)),
                }
            }
        }
    }

    /// The next `N` bytes.
    #[inline(always)]
    pub(super) fn chunk<const N: usize>(&mut self) -> Result<&'a [u8; N], DecodeError> {
        match self.rest.split_first_chunk() {
            Some((chunk, rest)) => {
                self.rest = rest;
                Ok(chunk)
            }
            None => Err(truncated(self.budget, self.rest, self.tag, N as u64)),
        }
    }

    /// A length and that many bytes.
    #[inline(always)]
    pub(super) fn length_delimited(&mut self) -> Result<&'a [u8], DecodeError> {
        let length = self.varint()?;
        // What is left is at most as long as an address, so that no bit of the length is lost.
        match self.rest.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX)) {
            Some((bytes, rest)) => {
                self.rest = rest;
                Ok(bytes)
            }
            None => Err(truncated(self.budget, self.rest, self.tag, length)),
        }
    }

    /// A length and that many bytes: a share of the buffer that is being read, or a copy.
    #[cfg(feature = "bytes")]
    pub(super) fn shared_bytes(&mut self) -> Result<bytes::Bytes, DecodeError> {
        let bytes = self.length_delimited()?;
        Ok(super::shared_bytes::share(self.budget.buffer.as_ref(), bytes))
    }

    /// A length and that many bytes of UTF-8.
    #[inline(always)]
    pub(super) fn text(&mut self) -> Result<&'a str, DecodeError> {
        let bytes = self.length_delimited()?;
        super::utf8::text(bytes).ok_or_else(|| self.not_utf8(bytes))
    }

    /// That `bytes`, which were read last, are not UTF-8.
    #[inline(always)]
    pub(super) fn not_utf8(&self, bytes: &[u8]) -> DecodeError {
        not_utf8(self.budget, bytes, self.tag)
    }

    /// That no varint stands at the front of `rest`.
    #[inline(always)]
    pub(super) fn varint_error(&self, rest: &[u8]) -> DecodeError {
        varint_error(self.budget, rest, self.tag)
    }

    /// An error at the place that was reached.
    #[inline(always)]
    pub(super) fn error(&self, kind: DecodeErrorKind) -> DecodeError {
        self.budget.error(kind, self.rest, self.tag)
    }
}

/// Appends a default value and gives it: made where it stays, because messages can be large.
#[inline(always)]
fn push_default<T: Default>(values: &mut Vec<T>) -> &mut T {
    values.extend(Some(()).into_iter().map(|()| T::default()));
    values.last_mut().expect("an element was just pushed")
}

/// Reads a member of a oneof that is a message: it is merged if it is the current member, and takes
/// the oneof over otherwise. For generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! merge_member {
    ($reader:ident, $self:ident.$field:ident, $($member:ident)::+, $kind:ident) => {
        match &mut $self.$field {
            ::core::option::Option::Some($($member)::+(value)) => {
                $reader.singular::<$kind<_>>(value)
            }
            other => $reader.oneof::<$kind<_>, _>(other, $($member)::+),
        }
    };
}

/// Reads a member of a oneof that is a closed enum. For generated code.
#[doc(hidden)]
#[macro_export]
macro_rules! closed_member {
    ($reader:ident, $self:ident.$field:ident, $($member:ident)::+, $unknown:ident) => {
        $reader.closed_oneof(&mut $self.$field, $($member)::+, &mut $self.$unknown)
    };
}
