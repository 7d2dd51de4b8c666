//! How dynamic messages show: as generated ones do, fields that are set alone.

use std::fmt::{self, Debug, Formatter};

use super::DynamicMessage;
use super::field::Slot;
use super::list::{DynamicList, Elements};
use super::map::{DynamicMap, Key};
use crate::message::redact::Redacted;
use crate::message::reflect::{Reflect as _, Value};

impl Debug for DynamicMessage {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let descriptor = self.descriptor();
        let mut shown = formatter.debug_struct(descriptor.name());
        for (index, slot) in &self.fields {
            let field = descriptor.field(*index);
            match field.is_redacted() {
                true => shown.field(field.name(), &Redacted),
                false => shown.field(field.name(), slot),
            };
        }
        shown.field("unknown", &self.unknown).finish()
    }
}

impl Debug for Slot {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => show(value, formatter),
            Self::Message(message) => message.fmt(formatter),
            Self::List(list) => list.fmt(formatter),
            Self::Map(map) => map.fmt(formatter),
        }
    }
}

impl Debug for DynamicList {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match &self.elements {
            Elements::Values(values) => {
                formatter.debug_list().entries(values.iter().map(Shown)).finish()
            }
            Elements::Messages(messages) => messages.fmt(formatter),
        }
    }
}

impl Debug for DynamicMap {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(&self.entries).finish()
    }
}

impl Debug for Key {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        show(&self.0, formatter)
    }
}

struct Shown<'a>(&'a Value);

impl Debug for Shown<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        show(self.0, formatter)
    }
}

/// The value without the name of its type.
fn show(value: &Value, formatter: &mut Formatter<'_>) -> fmt::Result {
    match value {
        Value::Bool(value) => value.fmt(formatter),
        Value::I32(value) | Value::Enum(value) => value.fmt(formatter),
        Value::I64(value) => value.fmt(formatter),
        Value::U32(value) => value.fmt(formatter),
        Value::U64(value) => value.fmt(formatter),
        Value::F32(value) => value.fmt(formatter),
        Value::F64(value) => value.fmt(formatter),
        Value::String(value) => value.fmt(formatter),
        Value::ByteString(value) => value.fmt(formatter),
        Value::Bytes(value) => value.fmt(formatter),
    }
}
