//! The binary encoding of messages by reflection: the bytes are those of generated code.

use std::borrow::Cow;

use super::descriptor::{FieldDescriptor, FieldKind};
use super::singular::{FieldMut, FieldRef};
use super::value::{Value, ValueRef};
use super::{List, Map, Reflect};
use crate::message::varint::{VARINT_SIZE_MAX, unzigzag32, unzigzag64, zigzag32, zigzag64};
use crate::message::{
    ByteString, DecodeError, DecodeErrorKind, END_GROUP, FIXED32, FIXED64, FieldWriter,
    LENGTH_DELIMITED, MissingField, Reader, START_GROUP, UnknownFields, UnknownValue, VARINT,
};

/// Writes all fields, the last one first.
pub(super) fn write_fields<'m>(message: &'m dyn Reflect, writer: &mut FieldWriter<'_, 'm>) {
    writer.unknown(message.unknown_fields());
    let mut fields: Vec<FieldDescriptor<'_>> = message.descriptor().fields().collect();
    fields.sort_unstable_by_key(|field| std::cmp::Reverse(field.number()));
    for field in fields {
        write_field(field, message.field(field.index()), writer);
    }
}

/// Writes a field with its tags.
pub(super) fn write_field<'m>(
    field: FieldDescriptor<'_>,
    value: FieldRef<'m>,
    writer: &mut FieldWriter<'_, 'm>,
) {
    match value {
        FieldRef::Unset => {}
        FieldRef::Singular(value) => write_single(field, value, writer),
        FieldRef::Repeated(list) if field.is_packed() => write_packed(field, list, writer),
        FieldRef::Repeated(list) => {
            for value in list.iter().rev() {
                write_single(field, value, writer);
            }
        }
        FieldRef::Map(map) => write_map(field, map, writer),
    }
}

fn write_packed<'m>(
    field: FieldDescriptor<'_>,
    list: &'m dyn List,
    writer: &mut FieldWriter<'_, 'm>,
) {
    if list.is_empty() {
        return;
    }
    let before = writer.reached();
    for value in list.iter().rev() {
        write_value(field.kind(), value, writer);
    }
    writer.length_since(before);
    writer.tag(field.number(), LENGTH_DELIMITED);
}

fn write_map<'m>(field: FieldDescriptor<'_>, map: &'m dyn Map, writer: &mut FieldWriter<'_, 'm>) {
    let Some((key_field, value_field)) = field.map_entry() else { return };
    let entries: Vec<_> = map.iter().collect();
    for (key, value) in entries.into_iter().rev() {
        let before = writer.reached();
        write_single(value_field, value, writer);
        write_single(key_field, key, writer);
        writer.length_since(before);
        writer.tag(field.number(), LENGTH_DELIMITED);
    }
}

/// A value with its tag.
fn write_single<'m>(
    field: FieldDescriptor<'_>,
    value: ValueRef<'m>,
    writer: &mut FieldWriter<'_, 'm>,
) {
    if field.kind() == FieldKind::Group {
        writer.tag(field.number(), END_GROUP);
    }
    write_value(field.kind(), value, writer);
    writer.tag(field.number(), wire_type(field.kind()));
}

fn write_value<'m>(kind: FieldKind, value: ValueRef<'m>, writer: &mut FieldWriter<'_, 'm>) {
    match (kind, value) {
        (FieldKind::Sint32, ValueRef::I32(value)) => writer.varint(zigzag32(value).into()),
        (FieldKind::Sint64, ValueRef::I64(value)) => writer.varint(zigzag64(value)),
        (FieldKind::Sfixed32, ValueRef::I32(value)) => writer.prepend_chunk(value.to_le_bytes()),
        (FieldKind::Sfixed64, ValueRef::I64(value)) => writer.prepend_chunk(value.to_le_bytes()),
        (FieldKind::Fixed32, ValueRef::U32(value)) => writer.prepend_chunk(value.to_le_bytes()),
        (FieldKind::Fixed64, ValueRef::U64(value)) => writer.prepend_chunk(value.to_le_bytes()),
        (_, ValueRef::Bool(value)) => writer.varint(value.into()),
        (_, ValueRef::I32(value) | ValueRef::Enum(value)) => {
            writer.varint(i64::from(value).cast_unsigned());
        }
        (_, ValueRef::I64(value)) => writer.varint(value.cast_unsigned()),
        (_, ValueRef::U32(value)) => writer.varint(value.into()),
        (_, ValueRef::U64(value)) => writer.varint(value),
        (_, ValueRef::F32(value)) => writer.prepend_chunk(value.to_le_bytes()),
        (_, ValueRef::F64(value)) => writer.prepend_chunk(value.to_le_bytes()),
        (_, ValueRef::String(value)) => write_bytes(value.as_bytes(), writer),
        (_, ValueRef::ByteString(value) | ValueRef::Bytes(value)) => write_bytes(value, writer),
        (FieldKind::Group, ValueRef::Message(message)) => write_fields(message, writer),
        (_, ValueRef::Message(message)) => {
            let before = writer.reached();
            write_fields(message, writer);
            writer.length_since(before);
        }
    }
}

fn write_bytes<'m>(bytes: &'m [u8], writer: &mut FieldWriter<'_, 'm>) {
    writer.prepend(bytes);
    writer.varint(bytes.len() as u64);
}

/// Reads fields up to the end of the message.
pub(super) fn merge_fields(
    message: &mut dyn Reflect,
    mut reader: Reader<'_>,
) -> Result<(), DecodeError> {
    let file = message.descriptor().file().clone();
    let descriptor = file.message(message.descriptor().index());
    while let Some(tag) = reader.next_tag()? {
        let field = descriptor.field_by_number(tag >> 3).filter(|field| takes(*field, tag));
        match field {
            None => reader.unknown(tag, message.unknown_fields_mut())?,
            Some(field) => {
                if let Some(cost) = message.slot_cost(field.index()) {
                    reader.charge(cost)?;
                }
                let (mut kept, is_set) =
                    (UnknownFields::new(), message.field(field.index()).is_set());
                let target = message.field_mut(field.index());
                merge_field(field, target, is_set, &mut reader, &mut kept)?;
                if !kept.is_empty() {
                    let unknown = message.unknown_fields_mut();
                    reader.charge(unknown.cost(kept.as_bytes().len()))?;
                    unknown.push_fields(kept.as_bytes());
                }
            }
        }
    }
    Ok(())
}

/// Whether what follows the tag can be read into the field.
pub(super) fn takes(field: FieldDescriptor<'_>, tag: u32) -> bool {
    let expected = if field.is_map() { LENGTH_DELIMITED } else { wire_type(field.kind()) };
    tag & 7 == expected
        || field.is_repeated() && tag & 7 == LENGTH_DELIMITED && is_packable(field.kind())
}

/// Reads what follows a tag that the field takes; numbers that a closed enum does not name go to
/// `unknown`. A message takes memory unless the field `is_set`.
pub(super) fn merge_field(
    field: FieldDescriptor<'_>,
    target: FieldMut<'_>,
    is_set: bool,
    reader: &mut Reader<'_>,
    unknown: &mut UnknownFields,
) -> Result<(), DecodeError> {
    match target {
        FieldMut::Singular(mut slot) => match field.message() {
            Some(_) => {
                let message = slot.message_mut().expect("the field holds messages");
                if !is_set {
                    reader.charge(message.instance_size())?;
                }
                merge_message(field, message, reader)
            }
            None => match read_value(field, reader, unknown)? {
                Some(value) => {
                    slot.set(value).expect("the value is of the field's type");
                    Ok(())
                }
                None => Ok(()),
            },
        },
        FieldMut::Repeated(list) => merge_element(field, list, reader, unknown),
        FieldMut::Map(map) => merge_entry(field, map, reader, unknown),
    }
}

fn merge_element(
    field: FieldDescriptor<'_>,
    list: &mut dyn List,
    reader: &mut Reader<'_>,
    unknown: &mut UnknownFields,
) -> Result<(), DecodeError> {
    if field.message().is_some() {
        reader.charge(list.element_cost())?;
        let message = list.push_message().expect("the elements are messages");
        return merge_message(field, message, reader);
    }
    let is_packed = reader.tag() & 7 == LENGTH_DELIMITED && is_packable(field.kind());
    let mut element = |reader: &mut Reader<'_>| {
        if let Some(value) = read_value(field, reader, unknown)? {
            reader.charge(list.element_cost())?;
            list.push(value).expect("the value is of the field's type");
        }
        Ok(())
    };
    if !is_packed {
        return element(reader);
    }
    let payload = reader.length_delimited()?;
    if let Some(width) = width(field.kind()).filter(|width| !payload.len().is_multiple_of(*width)) {
        let kind = DecodeErrorKind::UnevenPackedLength { length: payload.len(), width };
        return Err(reader.error(kind));
    }
    let mut elements = reader.within(payload);
    while !elements.rest().is_empty() {
        element(&mut elements)?;
    }
    Ok(())
}

fn merge_entry(
    field: FieldDescriptor<'_>,
    map: &mut dyn Map,
    reader: &mut Reader<'_>,
    unknown: &mut UnknownFields,
) -> Result<(), DecodeError> {
    let (key_field, value_field) = field.map_entry().expect("the field is a map");
    reader.charge(map.entry_cost())?;
    let tag = reader.tag();
    let before = reader.rest();
    let payload = reader.length_delimited()?;
    let entry = Reader::new(payload, reader.budget());
    let refused = merge_entry_fields(key_field, value_field, map, entry);
    if refused.map_err(|error| error.in_entry(field.number()))? {
        // A number that the closed enum does not name: the whole entry is kept.
        let payload = &before[..before.len() - reader.rest().len()];
        reader.charge(unknown.cost(payload.len()))?;
        unknown.push_raw(tag, payload);
    }
    Ok(())
}

/// Reads an entry up to its end; whether its value is a number that the closed enum does not name.
fn merge_entry_fields(
    key_field: FieldDescriptor<'_>,
    value_field: FieldDescriptor<'_>,
    map: &mut dyn Map,
    mut entry: Reader<'_>,
) -> Result<bool, DecodeError> {
    let payload = entry.rest();
    entry.descend()?;
    let value_tag = 2 << 3 | wire_type(value_field.kind());
    let mut key = key_field.default_value().and_then(ValueRef::to_value);
    let mut value = value_field.default_value().and_then(ValueRef::to_value);
    let (mut refused, mut scratch) = (false, UnknownFields::new());
    while let Some(tag) = entry.next_tag()? {
        if tag == 1 << 3 | wire_type(key_field.kind()) {
            key = read_value(key_field, &mut entry, &mut scratch)?;
        } else if tag == value_tag && value_field.message().is_none() {
            value = read_value(value_field, &mut entry, &mut scratch)?;
            refused = value.is_none();
        } else {
            entry.skip(tag)?;
        }
    }
    let key = key.expect("keys are no messages");
    if value_field.message().is_some() {
        // Once more for the value, now that the key says where it goes.
        let message = map.insert_message(key).expect("the values are messages");
        let mut entry = Reader::new(payload, entry.budget());
        while let Some(tag) = entry.next_tag()? {
            match tag == value_tag {
                true => merge_message(value_field, message, &mut entry)?,
                false => entry.skip(tag)?,
            }
        }
    } else if let Some(value) = value {
        map.insert(key, value).expect("key and value are of the map's types");
    }
    entry.ascend();
    Ok(refused)
}

fn merge_message(
    field: FieldDescriptor<'_>,
    message: &mut dyn Reflect,
    reader: &mut Reader<'_>,
) -> Result<(), DecodeError> {
    let named = |error: DecodeError| match field.message() {
        Some(descriptor) => error.within(Cow::Owned(descriptor.full_name().to_owned())),
        None => error,
    };
    if field.kind() == FieldKind::Group {
        return reader.group_with(|reader| merge_fields(message, reader)).map_err(named);
    }
    let payload = reader.length_delimited()?;
    let mut nested = reader.within(payload);
    nested.descend()?;
    merge_fields(message, Reader::new(payload, nested.budget())).map_err(named)?;
    nested.ascend();
    Ok(())
}

/// A value that is no message; `None` for a number that a closed enum does not name.
fn read_value(
    field: FieldDescriptor<'_>,
    reader: &mut Reader<'_>,
    unknown: &mut UnknownFields,
) -> Result<Option<Value>, DecodeError> {
    Ok(Some(match field.kind() {
        FieldKind::Bool => Value::Bool(reader.varint()? != 0),
        FieldKind::Int32 => Value::I32(reader.varint()? as i32),
        FieldKind::Int64 => Value::I64(reader.varint()?.cast_signed()),
        FieldKind::Uint32 => Value::U32(reader.varint()? as u32),
        FieldKind::Uint64 => Value::U64(reader.varint()?),
        FieldKind::Sint32 => Value::I32(unzigzag32(reader.varint()? as u32)),
        FieldKind::Sint64 => Value::I64(unzigzag64(reader.varint()?)),
        FieldKind::Fixed32 => Value::U32(u32::from_le_bytes(*reader.chunk()?)),
        FieldKind::Fixed64 => Value::U64(u64::from_le_bytes(*reader.chunk()?)),
        FieldKind::Sfixed32 => Value::I32(i32::from_le_bytes(*reader.chunk()?)),
        FieldKind::Sfixed64 => Value::I64(i64::from_le_bytes(*reader.chunk()?)),
        FieldKind::Float => Value::F32(f32::from_le_bytes(*reader.chunk()?)),
        FieldKind::Double => Value::F64(f64::from_le_bytes(*reader.chunk()?)),
        FieldKind::String if field.is_utf8() => Value::String(reader.text()?.to_owned()),
        FieldKind::String => Value::ByteString(ByteString::from(reader.length_delimited()?)),
        FieldKind::Bytes => Value::Bytes(reader.length_delimited()?.to_vec()),
        FieldKind::Enum => {
            let (at, raw) = (reader.field_number(), reader.varint()?);
            let number = raw as i32;
            let enumeration = field.enumeration().expect("the field is of an enum");
            if enumeration.is_closed() && enumeration.value_by_number(number).is_none() {
                reader.charge(unknown.cost(VARINT_SIZE_MAX))?;
                unknown.push(at, UnknownValue::Varint(raw));
                return Ok(None);
            }
            Value::Enum(number)
        }
        FieldKind::Message | FieldKind::Group => unreachable!("messages are read in place"),
    }))
}

/// Whether every required field is set, in this message and in those that it holds.
pub(super) fn check_required(message: &dyn Reflect) -> Result<(), MissingField> {
    for field in message.descriptor().fields() {
        let found = message.field(field.index());
        if field.is_required() && !found.is_set() {
            return Err(MissingField::new(field.name().to_owned()));
        }
        if field.message().is_some() {
            check_whole(found).map_err(|missing| missing.within(field.name().to_owned()))?;
        }
    }
    Ok(())
}

/// Whether the messages in a field are whole.
pub(super) fn check_whole(found: FieldRef<'_>) -> Result<(), MissingField> {
    let check = |value: ValueRef<'_>| match value {
        ValueRef::Message(message) => check_required(message),
        _ => Ok(()),
    };
    match found {
        FieldRef::Unset => Ok(()),
        FieldRef::Singular(value) => check(value),
        FieldRef::Repeated(list) => {
            let mut elements = list.iter().enumerate();
            elements.try_for_each(|(at, value)| check(value).map_err(|missing| missing.at(at)))
        }
        FieldRef::Map(map) => map.iter().try_for_each(|(key, value)| {
            check(value).map_err(|missing| match key {
                ValueRef::Bool(key) => missing.at(key),
                ValueRef::I32(key) => missing.at(key),
                ValueRef::I64(key) => missing.at(key),
                ValueRef::U32(key) => missing.at(key),
                ValueRef::U64(key) => missing.at(key),
                ValueRef::String(key) => missing.at(format_args!("{key:?}")),
                ValueRef::ByteString(key) => {
                    missing.at(format_args!("{:?}", String::from_utf8_lossy(key)))
                }
                key => missing.at(format_args!("{key:?}")),
            })
        }),
    }
}

fn wire_type(kind: FieldKind) -> u32 {
    match kind {
        FieldKind::Bool
        | FieldKind::Int32
        | FieldKind::Int64
        | FieldKind::Uint32
        | FieldKind::Uint64
        | FieldKind::Sint32
        | FieldKind::Sint64
        | FieldKind::Enum => VARINT,
        FieldKind::Fixed64 | FieldKind::Sfixed64 | FieldKind::Double => FIXED64,
        FieldKind::String | FieldKind::Bytes | FieldKind::Message => LENGTH_DELIMITED,
        FieldKind::Group => START_GROUP,
        FieldKind::Fixed32 | FieldKind::Sfixed32 | FieldKind::Float => FIXED32,
    }
}

fn is_packable(kind: FieldKind) -> bool {
    !matches!(wire_type(kind), LENGTH_DELIMITED | START_GROUP)
}

fn width(kind: FieldKind) -> Option<usize> {
    match wire_type(kind) {
        FIXED32 => Some(4),
        FIXED64 => Some(8),
        _ => None,
    }
}
