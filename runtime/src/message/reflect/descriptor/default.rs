//! What unset fields read as: `FieldDescriptorProto.default_value`, or zero.
//!
//! Source: descriptor.proto: numbers and names as text, strings as they are, bytes with the escapes
//! of C.

use super::enumeration::EnumParts;
use super::field::FieldKind;
use crate::message::ByteString;
use crate::message::reflect::Value;
use crate::message::well_known::FieldDescriptorProto;

/// The default of a singular field; `None` for messages. An error says what is wrong with it.
pub(super) fn default_of(
    field: &FieldDescriptorProto,
    kind: FieldKind,
    enumeration: Option<&EnumParts>,
    is_utf8: bool,
) -> Result<Option<Value>, String> {
    let Some(bytes) = &field.default_value else { return Ok(zero(kind, enumeration, is_utf8)) };
    let fault = || format!("has a default {:?} that its type cannot have", bytes.to_string_lossy());
    if kind == FieldKind::String && !is_utf8 {
        return Ok(Some(Value::ByteString(bytes.clone())));
    }
    let text = bytes.to_str().map_err(|_| fault())?;
    let value = match kind {
        FieldKind::Bool => text.parse().ok().map(Value::Bool),
        FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => {
            text.parse().ok().map(Value::I32)
        }
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
            text.parse().ok().map(Value::I64)
        }
        FieldKind::Uint32 | FieldKind::Fixed32 => text.parse().ok().map(Value::U32),
        FieldKind::Uint64 | FieldKind::Fixed64 => text.parse().ok().map(Value::U64),
        FieldKind::Float => text.parse().ok().map(Value::F32),
        FieldKind::Double => text.parse().ok().map(Value::F64),
        FieldKind::String => Some(Value::String(text.to_owned())),
        FieldKind::Bytes => unescape(text).map(Value::Bytes),
        FieldKind::Enum => enumeration
            .and_then(|of| of.by_name.get(text).map(|place| Value::Enum(of.values[*place].number))),
        FieldKind::Message | FieldKind::Group => None,
    };
    value.map(Some).ok_or_else(fault)
}

fn zero(kind: FieldKind, enumeration: Option<&EnumParts>, is_utf8: bool) -> Option<Value> {
    Some(match kind {
        FieldKind::Bool => Value::Bool(false),
        FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => Value::I32(0),
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => Value::I64(0),
        FieldKind::Uint32 | FieldKind::Fixed32 => Value::U32(0),
        FieldKind::Uint64 | FieldKind::Fixed64 => Value::U64(0),
        FieldKind::Float => Value::F32(0.0),
        FieldKind::Double => Value::F64(0.0),
        FieldKind::String if is_utf8 => Value::String(String::new()),
        FieldKind::String => Value::ByteString(ByteString::new()),
        FieldKind::Bytes => Value::Bytes(Vec::new()),
        FieldKind::Enum => Value::Enum(enumeration?.values.first()?.number),
        FieldKind::Message | FieldKind::Group => return None,
    })
}

/// The bytes of a text with the escapes of C, as protoc writes them.
fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        if first != b'\\' {
            bytes.push(first);
            rest = after;
            continue;
        }
        let (&escape, after) = after.split_first()?;
        let (byte, used) = match escape {
            b'n' => (b'\n', 0),
            b'r' => (b'\r', 0),
            b't' => (b'\t', 0),
            b'a' => (7, 0),
            b'b' => (8, 0),
            b'f' => (12, 0),
            b'v' => (11, 0),
            b'\\' | b'\'' | b'"' | b'?' => (escape, 0),
            b'x' | b'X' => digits(after, 16, 2)?,
            b'0'..=b'7' => {
                let (byte, used) = digits(&rest[1..], 8, 3)?;
                (byte, used - 1)
            }
            _ => return None,
        };
        bytes.push(byte);
        rest = &after[used..];
    }
    Some(bytes)
}

/// The number at the beginning, and how many digits it has.
fn digits(text: &[u8], radix: u32, most: usize) -> Option<(u8, usize)> {
    let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
    let used = text.iter().take(most).take_while(is_digit).count();
    let digits = std::str::from_utf8(&text[..used]).ok()?;
    Some((u8::from_str_radix(digits, radix).ok()?, used))
}
