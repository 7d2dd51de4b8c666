//! Extensions by reflection: read from the unknown fields of a message, and written back to them.

use std::collections::BTreeMap;

use super::dynamic::DynamicExtension;
use super::pool::DescriptorPool;
use super::resolve::Resolver;
use super::singular::FieldRef;
use super::value::ValueRef;
use super::{FieldDescriptor, Reflect, wire};
use crate::limits;
use crate::message::shape::{ITEM, MESSAGE, parse_item, write_item};
use crate::message::{Budget, DecodeError, START_GROUP, UnknownFields, UnknownValue, Writer};

/// The extensions of `message` that the resolver knows, in the order of their numbers. Messages in
/// them may be nested `depth` deep; what they take is taken from `memory`, which is the budget of the
/// bytes at hand unless extensions around them have left less.
///
/// # Errors
///
/// If one cannot be decoded.
pub(in crate::message) fn extension_fields(
    message: &dyn Reflect,
    resolver: &Resolver<'_>,
    depth: u32,
    memory: &mut Option<usize>,
) -> Result<Vec<DynamicExtension>, DecodeError> {
    let unknown = message.unknown_fields();
    let descriptor = message.descriptor();
    let mut found: BTreeMap<u32, DynamicExtension> = BTreeMap::new();
    if unknown.is_empty() || descriptor.extension_ranges().is_empty() {
        return Ok(Vec::new());
    }
    let size = unknown.as_bytes().len();
    let memory_max = memory.unwrap_or_else(|| limits::decode_memory(size));
    let mut budget = Budget::with_limits(unknown.as_bytes(), depth, memory_max);
    let mut reader = budget.reader(unknown.as_bytes());
    let named = |error: DecodeError| error.within(descriptor.full_name().to_owned());
    // What is opaque in them is copied, and not charged by the byte.
    reader.charge(size).map_err(named)?;
    loop {
        let start = size - reader.rest().len();
        let Some(tag) = reader.next_tag().map_err(named)? else { break };
        let in_extension = |extension: FieldDescriptor<'_>, error: DecodeError| {
            error.in_extension(descriptor.full_name().to_owned(), extension.full_name(), start)
        };
        if descriptor.is_message_set() && tag == ITEM << 3 | START_GROUP {
            let (number, payload) = parse_item(reader.group(ITEM).map_err(named)?);
            let number = number.and_then(|number| u32::try_from(number).ok());
            let extension = number.and_then(|number| resolver.extension_of(descriptor, number));
            if let (Some(extension), Some(payload)) = (extension, payload) {
                let field = found.entry(extension.number());
                let field = field.or_insert_with(|| DynamicExtension::new(extension));
                let memory = reader.memory_left();
                let budget =
                    Budget::with_limits(unknown.as_bytes(), depth.saturating_sub(1), memory);
                let merged = merge_item(field, payload, budget);
                let memory_left = merged.map_err(|error| in_extension(extension, error))?;
                reader.charge(memory - memory_left).map_err(named)?;
            }
            continue;
        }
        let extension = resolver.extension_of(descriptor, tag >> 3);
        match extension.filter(|extension| wire::takes(*extension, tag)) {
            None => reader.skip(tag).map_err(named)?,
            Some(extension) => {
                let field = found.entry(extension.number());
                let field = field.or_insert_with(|| DynamicExtension::new(extension));
                // What a closed enum refuses is where it belongs already.
                let refused = &mut UnknownFields::new();
                let is_set = field.get().is_set();
                wire::merge_field(extension, field.get_mut(), is_set, &mut reader, refused)
                    .map_err(|error| in_extension(extension, error))?;
            }
        }
    }
    *memory = Some(budget.memory_left());
    Ok(found.into_values().filter(|field| field.get().is_set()).collect())
}

/// Reads the message of a MessageSet's item; gives the memory that it leaves of `budget`.
fn merge_item(
    field: &mut DynamicExtension,
    payload: &[u8],
    mut budget: Budget,
) -> Result<usize, DecodeError> {
    use super::FieldMut;
    if let FieldMut::Singular(slot) = field.get_mut()
        && let Some(message) = slot.message_mut()
    {
        wire::merge_fields(message, budget.reader(payload))
            .map_err(|error| error.within(message.descriptor().full_name().to_owned()))?;
    }
    Ok(budget.memory_left())
}

/// Writes an extension into the unknown fields of `message`, in place of what is there.
pub(in crate::message) fn set_extension(message: &mut dyn Reflect, field: &DynamicExtension) {
    let descriptor = field.descriptor();
    let in_set = message.descriptor().is_message_set();
    let mut writer = Writer::new();
    writer.fields(|writer| match field.get() {
        FieldRef::Singular(ValueRef::Message(item)) if in_set => {
            write_item(writer, descriptor.number(), |writer| {
                let before = writer.reached();
                wire::write_fields(item, writer);
                writer.length_since(before);
                writer.tag(MESSAGE, crate::message::LENGTH_DELIMITED);
            });
        }
        value => wire::write_field(descriptor, value, writer),
    });
    let unknown = message.unknown_fields_mut();
    let mut kept = UnknownFields::new();
    for (number, value) in unknown.iter() {
        if !is_of(descriptor, in_set, number, &value) {
            kept.push(number, value);
        }
    }
    kept.push_fields(writer.as_slice());
    *unknown = kept;
}

fn is_of(
    extension: FieldDescriptor<'_>,
    in_set: bool,
    number: u32,
    value: &UnknownValue<'_>,
) -> bool {
    match value {
        UnknownValue::Group(fields) if in_set && number == ITEM => {
            parse_item(fields.as_bytes()).0 == Some(u64::from(extension.number()))
        }
        _ => number == extension.number(),
    }
}

/// Whether every extension in `message` and in what it holds can be decoded and has its required
/// fields. `memory` is as for [`extension_fields`].
///
/// # Errors
///
/// What is wrong with the first that does not.
pub(in crate::message) fn check_extensions(
    message: &dyn Reflect,
    pool: &DescriptorPool,
    depth: u32,
    mut memory: Option<usize>,
) -> Result<(), DecodeError> {
    if !pool.has_extensions() {
        return Ok(());
    }
    let descriptor = message.descriptor();
    let resolver = Resolver::new(Some(pool), descriptor.file());
    for extension in extension_fields(message, &resolver, depth, &mut memory)? {
        let field = extension.descriptor();
        wire::check_whole(extension.get()).map_err(|missing| {
            let extendee = descriptor.full_name().to_owned();
            DecodeError::missing_in_extension(extendee, &field.full_name(), missing)
        })?;
        for_each_message(extension.get(), |message| {
            check_extensions(message, pool, depth.saturating_sub(1), memory)
        })?;
    }
    for field in descriptor.fields().filter(|field| field.message().is_some()) {
        for_each_message(message.field(field.index()), |message| {
            check_extensions(message, pool, depth.saturating_sub(1), memory)
        })?;
    }
    Ok(())
}

/// Calls `check` with each message in the field.
fn for_each_message(
    field: FieldRef<'_>,
    check: impl Fn(&dyn Reflect) -> Result<(), DecodeError>,
) -> Result<(), DecodeError> {
    let check = |value: ValueRef<'_>| match value {
        ValueRef::Message(message) => check(message),
        _ => Ok(()),
    };
    match field {
        FieldRef::Unset => Ok(()),
        FieldRef::Singular(value) => check(value),
        FieldRef::Repeated(list) => list.iter().try_for_each(check),
        FieldRef::Map(map) => map.iter().try_for_each(|(_, value)| check(value)),
    }
}
