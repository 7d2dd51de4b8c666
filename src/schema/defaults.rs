//! The values of `[default = …]`: from the text in the descriptor to a Rust expression.
//!
//! Source: descriptor.proto, `FieldDescriptorProto.default_value`: numbers and names as text, strings
//! as they are, bytes with the escapes of C.

use protobuf::descriptor::{EnumDescriptorProto, FieldDescriptorProto};

use super::model::{Getter, Kind, Member, Scalar};
use super::names::{Scope, enum_values, identifier};

/// The default of a field that says one; an error says what the text is not.
pub(super) fn of_field(
    field: &FieldDescriptorProto,
    kind: &Kind,
    enumeration: Option<&EnumDescriptorProto>,
) -> Result<Option<String>, String> {
    let Some(text) = field.default_value.as_deref() else { return Ok(None) };
    let fault =
        |what: &str| format!("field {}: expected {what} as default, got {text:?}", field.name());
    match kind {
        Kind::Scalar(scalar) => {
            of_scalar(*scalar, text).map(Some).ok_or_else(|| fault("such a value"))
        }
        Kind::Enum { path, .. } => {
            let values =
                enumeration.into_iter().flat_map(|of| of.value.iter().zip(enum_values(of)));
            let mut named = values.filter(|(value, _)| value.name() == text);
            let (_, constant) = named.next().ok_or_else(|| fault("a value of its enum"))?;
            Ok(Some(format!("{path}::{}", identifier(&constant))))
        }
        Kind::Message { .. } => Err(fault("none")),
    }
}

/// Names the getters after their fields, but for names that every message has already.
pub(super) fn name_getters(members: &mut [Member]) {
    let (mut getters, mut of_oneofs): (Vec<(String, &mut Getter)>, Vec<_>) = Default::default();
    for member in members {
        match member {
            Member::Field(field) => {
                let name = field.name.trim_start_matches("r#").to_owned();
                getters.extend(field.getter.as_mut().map(|getter| (name, getter)));
            }
            Member::Oneof(oneof) => {
                let in_oneof = oneof.members.iter_mut().filter_map(|of| of.getter.as_mut());
                of_oneofs.extend(in_oneof.map(|getter| (getter.method.clone(), getter)));
            }
        }
    }
    getters.append(&mut of_oneofs);
    let fields: Vec<&str> = getters.iter().map(|(name, _)| name.as_str()).collect();
    let methods = Scope::of_values(&[]).claim_all(&fields, |field| {
        let taken = TAKEN.contains(&field);
        if taken { format!("{field}_") } else { field.to_owned() }
    });
    for ((_, getter), method) in getters.into_iter().zip(methods) {
        getter.method = identifier(&method);
    }
}

fn of_scalar(scalar: Scalar, text: &str) -> Option<String> {
    match scalar {
        Scalar::Int32 | Scalar::Sint32 | Scalar::Sfixed32 => {
            text.parse::<i32>().ok().map(|value| value.to_string())
        }
        Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => {
            text.parse::<i64>().ok().map(|value| value.to_string())
        }
        Scalar::Uint32 | Scalar::Fixed32 => text.parse::<u32>().ok().map(|value| value.to_string()),
        Scalar::Uint64 | Scalar::Fixed64 => text.parse::<u64>().ok().map(|value| value.to_string()),
        Scalar::Bool => text.parse::<bool>().ok().map(|value| value.to_string()),
        Scalar::Float => text
            .parse::<f32>()
            .ok()
            .map(|value| of_float("f32", value.into(), format!("{value:?}"))),
        Scalar::Double => {
            text.parse::<f64>().ok().map(|value| of_float("f64", value, format!("{value:?}")))
        }
        Scalar::Str => Some(format!("{text:?}")),
        Scalar::ByteStr => Some(format!("b\"{}\"", text.as_bytes().escape_ascii())),
        Scalar::Bytes | Scalar::SharedBytes => {
            unescape(text).map(|bytes| format!("b\"{}\"", bytes.escape_ascii()))
        }
    }
}

fn of_float(of: &str, value: f64, digits: String) -> String {
    if value.is_nan() {
        format!("::core::{of}::NAN")
    } else if value == f64::INFINITY {
        format!("::core::{of}::INFINITY")
    } else if value == f64::NEG_INFINITY {
        format!("::core::{of}::NEG_INFINITY")
    } else {
        digits
    }
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
        let (&escape, mut after) = after.split_first()?;
        bytes.push(match escape {
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'v' => 11,
            b'\\' | b'\'' | b'"' | b'?' => escape,
            b'x' | b'X' => {
                let digits =
                    after.iter().take(2).take_while(|digit| digit.is_ascii_hexdigit()).count();
                let (number, left) = after.split_at(digits);
                after = left;
                u8::from_str_radix(std::str::from_utf8(number).ok()?, 16).ok()?
            }
            b'0'..=b'7' => {
                let octal = |digit: &&u8| (b'0'..=b'7').contains(*digit);
                let more = after.iter().take(2).take_while(octal).count();
                let (number, left) = after.split_at(more);
                after = left;
                let digits = number.iter().fold(u32::from(escape - b'0'), |value, digit| {
                    value * 8 + u32::from(digit - b'0')
                });
                u8::try_from(digits).ok()?
            }
            _ => return None,
        });
        rest = after;
    }
    Some(bytes)
}

/// Methods and functions that a message has by its traits.
const TAKEN: [&str; 59] = [
    "borrow",
    "borrow_mut",
    "check_required",
    "clear",
    "clear_extension",
    "clone",
    "clone_from",
    "clone_into",
    "decode",
    "decode_bytes",
    "decode_with",
    "default",
    "default_instance",
    "descriptor",
    "deserialize",
    "encode",
    "encode_into",
    "encode_to_vec",
    "encoded_len",
    "eq",
    "extension",
    "extension_fields",
    "extension_fields_mut",
    "field",
    "field_mut",
    "file",
    "fmt",
    "from",
    "from_json",
    "from_json_with",
    "from_text",
    "from_text_with",
    "has_extension",
    "instance_size",
    "into",
    "merge",
    "merge_bytes",
    "merge_fields",
    "merge_json",
    "merge_with",
    "ne",
    "read_length_delimited",
    "read_length_delimited_with",
    "serialize",
    "set_extension",
    "slot_cost",
    "to_json",
    "to_json_with",
    "to_owned",
    "to_text",
    "to_text_with",
    "try_from",
    "try_into",
    "type_id",
    "unknown_fields",
    "unknown_fields_mut",
    "visit_set",
    "write_fields",
    "write_length_delimited",
];

#[cfg(test)]
mod tests {
    use super::*;

    /// No getter hides what the runtime's traits give a message.
    #[test]
    fn what_the_traits_have_is_taken() {
        let runtime = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/src/message");
        for file in ["message.rs", "reflect/mod.rs", "reflect/file.rs"] {
            let source = std::fs::read_to_string(runtime.join(file)).unwrap();
            let functions = source.lines().filter_map(|line| line.strip_prefix("    fn "));
            for function in functions {
                let name = function.split(['(', '<']).next().unwrap();
                assert!(TAKEN.contains(&name), "{name} of {file} could be hidden by a getter");
            }
        }
    }

    /// Bytes come with the escapes of C: names, octal with up to three digits, hex with two.
    #[test]
    fn bytes_are_unescaped() {
        for (text, bytes) in [
            ("plain", &b"plain"[..]),
            (r"\000\001\377", &[0, 1, 255]),
            (r"\0001", b"\x001"),
            (r"\x41\xff", b"A\xff"),
            (r#"\n\r\t\\\'\"\?"#, b"\n\r\t\\'\"?"),
            (r"\a\b\f\v", &[7, 8, 12, 11]),
        ] {
            assert_eq!(unescape(text).as_deref(), Some(bytes), "{text}");
        }
        for text in [r"\", r"\q", r"\x", r"\400"] {
            assert_eq!(unescape(text), None, "{text}");
        }
    }

    /// Numbers are those of the field's type, infinities and NaN have names.
    #[test]
    fn numbers_are_those_of_the_type() {
        let value = of_scalar;
        assert_eq!(value(Scalar::Int64, "-9223372036854775808").unwrap(), "-9223372036854775808");
        assert_eq!(value(Scalar::Uint32, "4294967296"), None);
        assert_eq!(value(Scalar::Float, "inf").unwrap(), "::core::f32::INFINITY");
        assert_eq!(value(Scalar::Double, "-inf").unwrap(), "::core::f64::NEG_INFINITY");
        assert_eq!(value(Scalar::Double, "nan").unwrap(), "::core::f64::NAN");
        assert_eq!(value(Scalar::Double, "1e+20").unwrap(), "1e20");
        assert_eq!(value(Scalar::Float, "0.1").unwrap(), "0.1");
        assert_eq!(value(Scalar::Bool, "maybe"), None);
        assert_eq!(value(Scalar::Str, "a\"b\n").unwrap(), r#""a\"b\n""#);
    }
}
