//! From one message into another of the same type, by reflection: what `merge` does over bytes.
//!
//! Fields go by their numbers, so a generated message and a dynamic one of the same type go together.

use super::singular::{FieldMut, FieldRef, SingularMut};
use super::value::{ValueError, ValueRef};
use super::{List, Map, Reflect};

/// Merges all of `from` into `into`: scalars are replaced, messages merged, repeated fields and maps
/// added to, unknown fields appended.
///
/// # Errors
///
/// If the two are of different types.
fn merge_message(from: &dyn Reflect, into: &mut dyn Reflect) -> Result<(), ValueError> {
    for field in from.descriptor().fields() {
        let value = from.field(field.index());
        if value.is_set() {
            merge_field(value, field_mut(into, field.number())?)?;
        }
    }
    into.unknown_fields_mut().push_fields(from.unknown_fields().as_bytes());
    Ok(())
}

/// Merges what a field is into another of its type; what is unset changes nothing.
///
/// # Errors
///
/// If the two are of different types.
pub(in crate::message) fn merge_field(
    from: FieldRef<'_>,
    into: FieldMut<'_>,
) -> Result<(), ValueError> {
    match (from, into) {
        (FieldRef::Unset, _) => Ok(()),
        (FieldRef::Singular(value), FieldMut::Singular(slot)) => merge_value(value, slot),
        (FieldRef::Repeated(from), FieldMut::Repeated(into)) => append(from, into),
        (FieldRef::Map(from), FieldMut::Map(into)) => insert_all(from, into),
        (from, into) => Err(ValueError::shape(into.shape(), from.shape())),
    }
}

/// The field of this number, to write to.
///
/// # Errors
///
/// If the message has none.
pub(in crate::message) fn field_mut(
    message: &mut dyn Reflect,
    number: u32,
) -> Result<FieldMut<'_>, ValueError> {
    let index = message.descriptor().field_by_number(number).map(|field| field.index());
    match index {
        Some(index) => Ok(message.field_mut(index)),
        None => Err(ValueError::shape("a field that both messages have", "one that is missing")),
    }
}

fn merge_value(value: ValueRef<'_>, mut slot: SingularMut<'_>) -> Result<(), ValueError> {
    match (value.to_value(), value) {
        (Some(value), _) => slot.set(value),
        (None, ValueRef::Message(message)) => match slot.message_mut() {
            Some(into) => merge_message(message, into),
            None => Err(no_message()),
        },
        (None, _) => Ok(()),
    }
}

fn append(from: &dyn List, into: &mut dyn List) -> Result<(), ValueError> {
    for value in from.iter() {
        match (value.to_value(), value) {
            (Some(value), _) => into.push(value)?,
            (None, ValueRef::Message(message)) => {
                merge_message(message, into.push_message().ok_or_else(no_message)?)?;
            }
            (None, _) => {}
        }
    }
    Ok(())
}

/// An entry takes the place of one with the same key, as it does on the wire.
fn insert_all(from: &dyn Map, into: &mut dyn Map) -> Result<(), ValueError> {
    for (key, value) in from.iter() {
        let Some(key) = key.to_value() else { continue };
        match (value.to_value(), value) {
            (Some(value), _) => into.insert(key, value)?,
            (None, ValueRef::Message(message)) => {
                merge_message(message, into.insert_message(key)?)?;
            }
            (None, _) => {}
        }
    }
    Ok(())
}

fn no_message() -> ValueError {
    ValueError::shape("a value that is no message", "a message")
}
