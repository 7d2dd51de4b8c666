//! What a reader calls and does not inline: the rest of the input goes in, and how much is left comes
//! out.

use super::{Reader, push_default};
use crate::limits;
use crate::message::budget::Budget;
use crate::message::error::DecodeErrorKind;
use crate::message::growth;
use crate::message::kind::{Kind, Packable};
use crate::message::varint::{self, Fault};
use crate::message::{DecodeError, Message};

#[inline(never)]
pub(super) fn read_repeated<K: Kind>(
    rest: &[u8],
    budget: &mut Budget,
    tag: u32,
    values: &mut Vec<K::Value>,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::after(tag, rest, budget);
    loop {
        reader.make_room(values, 1)?;
        if K::HEAP_SIZE > 0 {
            reader.charge(K::HEAP_SIZE)?;
        }
        K::read(&mut reader, push_default(values))?;
        if !reader.same_tag_follows() {
            return Ok(reader.rest.len());
        }
    }
}

/// Makes room in a list, which is taken from the memory budget.
#[cold]
#[inline(never)]
pub(super) fn grow<T>(
    list: &mut Vec<T>,
    additional: usize,
    budget: &mut Budget,
    rest: &[u8],
    tag: u32,
) -> Result<(), DecodeError> {
    budget.charge(growth::cost(list, additional), rest, tag)?;
    growth::grow(list, additional);
    Ok(())
}

#[inline(never)]
pub(super) fn read_packed<K: Packable>(
    rest: &[u8],
    budget: &mut Budget,
    tag: u32,
    values: &mut Vec<K::Value>,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::after(tag, rest, budget);
    let payload = reader.length_delimited()?;
    K::read_packed(reader.within(payload), values)?;
    Ok(reader.rest.len())
}

pub(super) fn read_nested<M: Message>(
    rest: &[u8],
    budget: &mut Budget,
    tag: u32,
    message: &mut M,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::after(tag, rest, budget);
    let payload = reader.length_delimited()?;
    reader.within(payload).merge_all(message)?;
    Ok(reader.rest.len())
}

#[inline(never)]
pub(super) fn read_bytes(
    rest: &[u8],
    budget: &mut Budget,
    tag: u32,
    value: &mut Vec<u8>,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::after(tag, rest, budget);
    let bytes = reader.length_delimited()?;
    if value.capacity() < bytes.len() {
        *value = bytes.to_vec();
    } else {
        value.clear();
        value.extend_from_slice(bytes);
    }
    Ok(reader.rest.len())
}

#[inline(never)]
pub(super) fn read_text(
    rest: &[u8],
    budget: &mut Budget,
    tag: u32,
    value: &mut String,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::after(tag, rest, budget);
    let text = reader.text()?;
    if value.capacity() < text.len() {
        *value = text.to_owned();
    } else {
        value.clear();
        value.push_str(text);
    }
    Ok(reader.rest.len())
}

/// A tag of more than two bytes, and its size.
#[cold]
#[inline(never)]
pub(super) fn long_tag(
    budget: &Budget,
    rest: &[u8],
    before: u32,
) -> Result<(u32, usize), DecodeError> {
    match varint::split(rest) {
        Ok((value, after)) => {
            // protobuf encoding: a tag is a 32-bit varint, so 5 bytes at most.
            let size = rest.len() - after.len();
            let tag = u32::try_from(value).ok().filter(|_| size <= TAG_SIZE_MAX);
            tag.map(|tag| (tag, size))
                .ok_or_else(|| budget.error(DecodeErrorKind::TagTooLong, rest, before))
        }
        Err(Fault::TooLong) => Err(budget.error(DecodeErrorKind::TagTooLong, rest, before)),
        Err(Fault::Truncated) => Err(truncated(budget, rest, before, rest.len() as u64 + 1)),
    }
}

/// That `rest` does not begin with `expected` bytes.
#[cold]
#[inline(never)]
pub(in crate::message) fn truncated(
    budget: &Budget,
    rest: &[u8],
    tag: u32,
    expected: u64,
) -> DecodeError {
    let kind = match usize::try_from(expected) {
        Ok(expected) if expected <= limits::MESSAGE_SIZE_MAX => {
            DecodeErrorKind::Truncated { expected, got: rest.len() }
        }
        _ => DecodeErrorKind::LengthTooLarge(expected),
    };
    budget.error(kind, rest, tag)
}

/// That `rest` does not begin with a varint.
#[cold]
#[inline(never)]
pub(in crate::message) fn varint_error(budget: &Budget, rest: &[u8], tag: u32) -> DecodeError {
    match varint::split(rest) {
        Err(Fault::Truncated) => truncated(budget, rest, tag, rest.len() as u64 + 1),
        _ => budget.error(DecodeErrorKind::VarintTooLong, rest, tag),
    }
}

#[cold]
#[inline(never)]
pub(super) fn not_utf8(budget: &Budget, bytes: &[u8], tag: u32) -> DecodeError {
    let valid_up_to = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
    budget.error(DecodeErrorKind::InvalidUtf8 { valid_up_to }, bytes, tag)
}

/// Bytes that the longest tag takes.
const TAG_SIZE_MAX: usize = 5;
