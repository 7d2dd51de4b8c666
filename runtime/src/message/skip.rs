//! Fields that are read past: unknown ones, which are kept, and groups.
//!
//! All by value, so that the readers which call it stay in registers: what is left of the input goes
//! in and comes out.

use super::budget::Budget;
use super::error::DecodeErrorKind;
use super::reader::{Reader, truncated, varint_error};
use super::{
    DecodeError, END_GROUP, FIXED32, FIXED64, LENGTH_DELIMITED, START_GROUP, UnknownFields, VARINT,
    varint,
};

/// Keeps the field of `tag` among `unknown` and returns what is left. The end tag of the group that
/// is being read, `group`, leaves nothing.
#[inline(never)]
pub(super) fn keep<'a>(
    rest: &'a [u8],
    budget: &mut Budget,
    tag: u32,
    group: u32,
    unknown: &mut UnknownFields,
) -> Result<&'a [u8], DecodeError> {
    if tag == group << 3 | END_GROUP && group != 0 {
        budget.after_group = Some(rest.len());
        return Ok(&[]);
    }
    let after = skip(rest, budget, tag, group)?;
    let payload = &rest[..rest.len() - after.len()];
    budget.charge(unknown.cost(payload.len()), rest, tag)?;
    unknown.push_raw(tag, payload);
    Ok(after)
}

/// What is left after the value that follows `tag`, in the group `group` (0 if in none).
pub(super) fn skip<'a>(
    rest: &'a [u8],
    budget: &mut Budget,
    tag: u32,
    group: u32,
) -> Result<&'a [u8], DecodeError> {
    if tag >> 3 == 0 {
        return Err(budget.error(DecodeErrorKind::FieldNumberZero, rest, tag));
    }
    let fixed = |size: usize, budget: &Budget| {
        rest.get(size..).ok_or_else(|| truncated(budget, rest, tag, size as u64))
    };
    match tag & 7 {
        VARINT => Ok(varint::split(rest).map_err(|_| varint_error(budget, rest, tag))?.1),
        FIXED64 => fixed(8, budget),
        LENGTH_DELIMITED => {
            let mut reader = Reader::after(tag, rest, budget);
            reader.length_delimited()?;
            let left = reader.rest().len();
            Ok(&rest[rest.len() - left..])
        }
        START_GROUP => match self::group(rest, budget, tag >> 3) {
            Ok((_, after)) => Ok(after),
            Err(error) => Err(error.below(tag >> 3)),
        },
        FIXED32 => fixed(4, budget),
        END_GROUP => {
            let kind = DecodeErrorKind::UnmatchedEndGroup { expected: group, got: tag >> 3 };
            Err(budget.error(kind, rest, tag))
        }
        other => Err(budget.error(DecodeErrorKind::UnknownWireType(other), rest, tag)),
    }
}

/// The fields of the group `number`, and what is left after its end tag.
pub(super) fn group<'a>(
    rest: &'a [u8],
    budget: &mut Budget,
    number: u32,
) -> Result<(&'a [u8], &'a [u8]), DecodeError> {
    let (mut at, mut before) = (rest, number << 3 | START_GROUP);
    budget.descend(rest, before)?;
    loop {
        let mut reader = Reader::after(before, at, budget);
        let (tag, left) = (reader.next_tag()?, reader.rest().len());
        let after = &at[at.len() - left..];
        let Some(tag) = tag else {
            let kind = DecodeErrorKind::UnterminatedGroup(number);
            return Err(budget.error(kind, after, before));
        };
        if tag == number << 3 | END_GROUP {
            budget.ascend();
            return Ok((&rest[..rest.len() - at.len()], after));
        }
        at = skip(after, budget, tag, number)?;
        before = tag;
    }
}

/// Reads the group that `tag` began by `merge`, and returns what is left after its end tag.
pub(super) fn merge_group<'a>(
    rest: &'a [u8],
    budget: &mut Budget,
    tag: u32,
    merge: impl FnOnce(Reader<'_>) -> Result<(), DecodeError>,
) -> Result<&'a [u8], DecodeError> {
    budget.descend(rest, tag)?;
    merge(Reader::of_group(tag, rest, budget))?;
    budget.ascend();
    match budget.after_group.take() {
        Some(left) => Ok(&rest[rest.len() - left..]),
        None => {
            let end = &rest[rest.len()..];
            Err(budget.error(DecodeErrorKind::UnterminatedGroup(tag >> 3), end, tag))
        }
    }
}
