//! The shapes of extensions: how often a value stands on the wire, and behind which tags.
//!
//! A shape reads one field of its extension and adds it to what came before; [`Kind`]s read the
//! single values. Invariant: `merge` reads exactly what `is_at` saw.

use std::marker::PhantomData;

use super::budget::Budget;
use super::field_writer::FieldWriter;
use super::kind::{Enum, Kind, Nested, Packable};
use super::{
    DecodeError, Enumeration, LENGTH_DELIMITED, Message, MissingField, Reader, START_GROUP,
    UnknownFields, UnknownValue, VARINT, skip,
};

/// How the values of an extension stand among the fields of the message that it extends.
pub trait Shape {
    /// The Rust type of the extension.
    type Value;

    /// Whether what follows `tag` is of the extension `number`.
    fn is_at(_: &Reader<'_>, tag: u32, number: u32) -> bool {
        tag >> 3 == number && Self::takes(tag & 7)
    }

    /// Whether values come with this wire type; with any other the field is an unknown one.
    fn takes(wire_type: u32) -> bool;

    /// Reads what follows `tag` and adds it to `value`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    fn merge(
        reader: &mut Reader<'_>,
        tag: u32,
        value: &mut Option<Self::Value>,
    ) -> Result<(), DecodeError>;

    /// Writes the value with its tags.
    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Self::Value);

    /// Whether every required field in the value is set.
    ///
    /// # Errors
    ///
    /// The first one that is not.
    fn check(_: &Self::Value) -> Result<(), MissingField> {
        Ok(())
    }
}

/// One value: a scalar, of which the last one counts, or a message, whose parts are merged.
pub struct Singular<K>(PhantomData<K>);

/// Elements with a tag each that cannot be packed: strings, bytes, messages and groups.
pub struct Repeated<K>(PhantomData<K>);

/// Elements written with a tag each, and read packed or not.
pub struct Expanded<K>(PhantomData<K>);

/// Elements written behind one tag and length, and read packed or not.
pub struct Packed<K>(PhantomData<K>);

/// One value of a closed enum. Numbers that it does not name are no values.
pub struct Closed<E>(PhantomData<E>);

/// Values of a closed enum, written with a tag each.
pub struct ClosedExpanded<E>(PhantomData<E>);

/// Values of a closed enum, written behind one tag and length.
pub struct ClosedPacked<E>(PhantomData<E>);

/// A message in a MessageSet: a group 1 of the extension's number (2) and the message (3), in
/// either order.
pub struct Item<M>(PhantomData<M>);

impl<K: Kind> Shape for Singular<K> {
    type Value = K::Value;

    fn takes(wire_type: u32) -> bool {
        wire_type == K::WIRE_TYPE
    }

    fn merge(
        reader: &mut Reader<'_>,
        _: u32,
        value: &mut Option<K::Value>,
    ) -> Result<(), DecodeError> {
        if value.is_none() {
            reader.charge(K::HEAP_SIZE)?;
        }
        reader.optional::<K>(value)
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m K::Value) {
        writer.singular::<K>(number, value);
    }

    fn check(value: &K::Value) -> Result<(), MissingField> {
        K::check(value)
    }
}

impl<K: Kind> Shape for Repeated<K> {
    type Value = Vec<K::Value>;

    fn takes(wire_type: u32) -> bool {
        wire_type == K::WIRE_TYPE
    }

    fn merge(
        reader: &mut Reader<'_>,
        _: u32,
        value: &mut Option<Vec<K::Value>>,
    ) -> Result<(), DecodeError> {
        reader.repeated::<K>(value.get_or_insert_default())
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Vec<K::Value>) {
        writer.repeated::<K>(number, value);
    }

    fn check(value: &Vec<K::Value>) -> Result<(), MissingField> {
        let mut elements = value.iter().enumerate();
        elements.try_for_each(|(at, value)| K::check(value).map_err(|missing| missing.at(at)))
    }
}

impl<K: Packable> Shape for Expanded<K> {
    type Value = Vec<K::Value>;

    fn takes(wire_type: u32) -> bool {
        wire_type == K::WIRE_TYPE || wire_type == LENGTH_DELIMITED
    }

    fn merge(
        reader: &mut Reader<'_>,
        tag: u32,
        value: &mut Option<Vec<K::Value>>,
    ) -> Result<(), DecodeError> {
        let mut elements = value.take().unwrap_or_default();
        match tag & 7 {
            LENGTH_DELIMITED => reader.packed::<K>(&mut elements)?,
            _ => reader.repeated::<K>(&mut elements)?,
        }
        *value = Some(elements).filter(|elements| !elements.is_empty());
        Ok(())
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Vec<K::Value>) {
        writer.repeated::<K>(number, value);
    }
}

impl<K: Packable> Shape for Packed<K> {
    type Value = Vec<K::Value>;

    fn takes(wire_type: u32) -> bool {
        Expanded::<K>::takes(wire_type)
    }

    fn merge(
        reader: &mut Reader<'_>,
        tag: u32,
        value: &mut Option<Vec<K::Value>>,
    ) -> Result<(), DecodeError> {
        Expanded::<K>::merge(reader, tag, value)
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Vec<K::Value>) {
        writer.packed::<K>(number, value);
    }
}

impl<E: Enumeration> Shape for Closed<E> {
    type Value = E;

    fn takes(wire_type: u32) -> bool {
        wire_type == VARINT
    }

    fn merge(reader: &mut Reader<'_>, _: u32, value: &mut Option<E>) -> Result<(), DecodeError> {
        // What is not known stays where it is: among the unknown fields that are being read.
        reader.closed(value, &mut UnknownFields::new())
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m E) {
        writer.singular::<Enum<E>>(number, value);
    }
}

impl<E: Enumeration> Shape for ClosedExpanded<E> {
    type Value = Vec<E>;

    fn takes(wire_type: u32) -> bool {
        Expanded::<Enum<E>>::takes(wire_type)
    }

    fn merge(
        reader: &mut Reader<'_>,
        tag: u32,
        value: &mut Option<Vec<E>>,
    ) -> Result<(), DecodeError> {
        let mut elements = value.take().unwrap_or_default();
        let unknown = &mut UnknownFields::new();
        match tag & 7 {
            LENGTH_DELIMITED => reader.closed_packed(&mut elements, unknown)?,
            _ => reader.closed_repeated(&mut elements, unknown)?,
        }
        *value = Some(elements).filter(|elements| !elements.is_empty());
        Ok(())
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Vec<E>) {
        writer.repeated::<Enum<E>>(number, value);
    }
}

impl<E: Enumeration> Shape for ClosedPacked<E> {
    type Value = Vec<E>;

    fn takes(wire_type: u32) -> bool {
        Expanded::<Enum<E>>::takes(wire_type)
    }

    fn merge(
        reader: &mut Reader<'_>,
        tag: u32,
        value: &mut Option<Vec<E>>,
    ) -> Result<(), DecodeError> {
        ClosedExpanded::<E>::merge(reader, tag, value)
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Vec<E>) {
        writer.packed::<Enum<E>>(number, value);
    }
}

// protobuf encoding, MessageSet: repeated group Item = 1 { int32 type_id = 2; bytes message = 3; }
pub(super) const ITEM: u32 = 1;
const TYPE_ID: u32 = 2;
pub(super) const MESSAGE: u32 = 3;

impl<M: Message> Shape for Item<M> {
    type Value = M;

    fn is_at(reader: &Reader<'_>, tag: u32, number: u32) -> bool {
        if tag != ITEM << 3 | START_GROUP {
            return tag >> 3 == number && Self::takes(tag & 7);
        }
        // Only looked at: the bytes are well formed, because they came from unknown fields.
        let fields = reader.rest();
        let item = skip::group(fields, &mut Budget::unlimited(fields), ITEM);
        item.is_ok_and(|(item, _)| parse_item(item).0 == Some(u64::from(number)))
    }

    fn takes(wire_type: u32) -> bool {
        // Every implementation also takes the message as an ordinary field.
        wire_type == LENGTH_DELIMITED
    }

    fn merge(reader: &mut Reader<'_>, tag: u32, value: &mut Option<M>) -> Result<(), DecodeError> {
        if tag & 7 == LENGTH_DELIMITED {
            return Singular::<Nested<M>>::merge(reader, tag, value);
        }
        if value.is_none() {
            reader.charge(M::HEAP_SIZE)?;
        }
        let message = value.get_or_insert_default();
        match parse_item(reader.group(ITEM)?).1 {
            Some(payload) => reader.within(payload).merge_all(message),
            None => Ok(()),
        }
    }

    fn write<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m M) {
        write_item(writer, number, |writer| writer.singular::<Nested<M>>(MESSAGE, value));
    }

    fn check(value: &M) -> Result<(), MissingField> {
        Nested::<M>::check(value)
    }
}

/// Writes an item around its message.
pub(super) fn write_item<'a, 'm>(
    writer: &mut FieldWriter<'a, 'm>,
    number: u32,
    message: impl FnOnce(&mut FieldWriter<'a, 'm>),
) {
    writer.tag(ITEM, super::END_GROUP);
    message(writer);
    writer.varint(u64::from(number));
    writer.tag(TYPE_ID, VARINT);
    writer.tag(ITEM, START_GROUP);
}

/// The number and the message in an item; of several the first.
pub(super) fn parse_item(item: &[u8]) -> (Option<u64>, Option<&[u8]>) {
    let (mut number, mut message) = (None, None);
    for field in UnknownFields::iter_bytes(item) {
        match field {
            (TYPE_ID, UnknownValue::Varint(value)) => number = number.or(Some(value)),
            (MESSAGE, UnknownValue::LengthDelimited(payload)) => {
                message = message.or(Some(payload));
            }
            _ => {}
        }
    }
    (number, message)
}
