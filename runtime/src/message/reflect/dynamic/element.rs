//! Single values, checked against the field that they are for.

use crate::message::ByteString;
use crate::message::reflect::descriptor::{FieldDescriptor, FieldKind};
use crate::message::reflect::value::{Value, ValueError};

/// The value, as the field stores it.
pub(super) fn checked(field: FieldDescriptor<'_>, value: Value) -> Result<Value, ValueError> {
    let fits = match (field.kind(), &value) {
        (FieldKind::Bool, Value::Bool(_))
        | (FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32, Value::I32(_))
        | (FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64, Value::I64(_))
        | (FieldKind::Uint32 | FieldKind::Fixed32, Value::U32(_))
        | (FieldKind::Uint64 | FieldKind::Fixed64, Value::U64(_))
        | (FieldKind::Float, Value::F32(_))
        | (FieldKind::Double, Value::F64(_))
        | (FieldKind::Bytes, Value::Bytes(_)) => true,
        (FieldKind::String, Value::String(_)) => field.is_utf8(),
        (FieldKind::String, Value::ByteString(_)) => !field.is_utf8(),
        (FieldKind::Enum, Value::Enum(number)) => field.enumeration().is_some_and(|enumeration| {
            !enumeration.is_closed() || enumeration.value_by_number(*number).is_some()
        }),
        _ => false,
    };
    match value {
        value if fits => Ok(value),
        Value::String(text) if field.kind() == FieldKind::String => {
            Ok(Value::ByteString(ByteString::from(text)))
        }
        value => Err(ValueError::new(expected(field.kind()), &value)),
    }
}

/// In words.
fn expected(kind: FieldKind) -> &'static str {
    match kind {
        FieldKind::Bool => "bool",
        FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => "a signed 32-bit integer",
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => "a signed 64-bit integer",
        FieldKind::Uint32 | FieldKind::Fixed32 => "an unsigned 32-bit integer",
        FieldKind::Uint64 | FieldKind::Fixed64 => "an unsigned 64-bit integer",
        FieldKind::Float => "float",
        FieldKind::Double => "double",
        FieldKind::String => "string",
        FieldKind::Bytes => "bytes",
        FieldKind::Enum => "Enum, of a number that a closed enum has",
        FieldKind::Message | FieldKind::Group => "a message",
    }
}
