//! The messages that have a JSON form of their own, and their fields by reflection.
//!
//! A message is known by its full name, so that dynamic ones are treated like generated ones. Such a
//! name is no promise about the fields: what a descriptor of the same name lacks is an error.

use super::JsonError;
use crate::message::reflect::Resolver;
use crate::message::{FieldRef, MessageDescriptor, Reflect, ValueRef};

/// A message that JSON does not show as an object of its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WellKnown {
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    Wrapper,
}

impl WellKnown {
    /// What the message is; `None` if it is shown as an object of its fields.
    pub(super) fn of(descriptor: &MessageDescriptor<'_>) -> Option<Self> {
        Some(match descriptor.full_name().strip_prefix("google.protobuf.")? {
            "Any" => Self::Any,
            "Timestamp" => Self::Timestamp,
            "Duration" => Self::Duration,
            "FieldMask" => Self::FieldMask,
            "Struct" => Self::Struct,
            "Value" => Self::Value,
            "ListValue" => Self::ListValue,
            "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
            | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue" => Self::Wrapper,
            _ => return None,
        })
    }
}

/// The field of this number, as it stands in the message.
pub(super) fn field(message: &dyn Reflect, number: u32) -> Option<FieldRef<'_>> {
    let index = message.descriptor().field_by_number(number)?.index();
    Some(message.field(index))
}

/// The value of a singular field, its default if it is unset.
pub(super) fn singular(message: &dyn Reflect, number: u32) -> Option<ValueRef<'_>> {
    match field(message, number)? {
        FieldRef::Unset => message.descriptor().field_by_number(number)?.default_value(),
        FieldRef::Singular(value) => Some(value),
        FieldRef::Repeated(_) | FieldRef::Map(_) => None,
    }
}

/// Seconds and nanoseconds.
pub(super) fn seconds_and_nanos(message: &dyn Reflect) -> Option<(i64, i32)> {
    match (singular(message, 1)?, singular(message, 2)?) {
        (ValueRef::I64(seconds), ValueRef::I32(nanos)) => Some((seconds, nanos)),
        _ => None,
    }
}

/// A message has a well-known name, and not its fields.
#[cold]
pub(super) fn malformed(descriptor: &MessageDescriptor<'_>) -> JsonError {
    JsonError::printing(
        format!("{} to have the fields that its name promises", descriptor.full_name()),
        "other fields",
    )
}

/// The type that the URL of an Any names: what follows its last slash, and there has to be one.
pub(super) fn type_of<'a>(url: &str, resolver: &Resolver<'a>) -> Option<MessageDescriptor<'a>> {
    let (_, name) = url.rsplit_once('/')?;
    resolver.message(name)
}

/// What the URL in an Any has to be, for errors.
pub(super) const KNOWN_TYPE: &str = "a URL that ends in the name of a known type";

/// protobuf JSON: a path of a field mask in lowerCamelCase; `None` if it would not read back as the
/// same path.
pub(super) fn camel_path(path: &str) -> Option<String> {
    if !is_path(path) {
        return None;
    }
    let mut camel = String::with_capacity(path.len());
    let mut is_word = false;
    for character in path.chars() {
        match character {
            '_' => {}
            _ if is_word => camel.push(character.to_ascii_uppercase()),
            _ => camel.push(character),
        }
        is_word = character == '_';
    }
    (snake_path(&camel).as_deref() == Some(path)).then_some(camel)
}

/// protobuf JSON: the path that is written so in lowerCamelCase; `None` if none is.
pub(super) fn snake_path(camel: &str) -> Option<String> {
    if !is_path(camel) || camel.contains('_') {
        return None;
    }
    let mut path = String::with_capacity(camel.len() + 4);
    for character in camel.chars() {
        if character.is_ascii_uppercase() {
            path.push('_');
        }
        path.push(character.to_ascii_lowercase());
    }
    Some(path)
}

/// Whether it is names between points, or `*` for some of them: AIP-161 gives that a meaning.
fn is_path(path: &str) -> bool {
    path.split('.').all(|name| {
        let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = |name: &str| name.bytes().all(is_letter) && !name.is_empty();
        name == "*" || is_name(name) && !name.as_bytes()[0].is_ascii_digit()
    })
}
