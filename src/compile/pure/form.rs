//! Brings descriptors of the pure parser into the form that protoc gives them.
//!
//! The parser encodes fields in the order of their declaration in descriptor.proto, spells out
//! `syntax = "proto2"`, gives empty options to a field with `json_name` or `default`, drops the empty
//! options of an rpc with braces, and ends a reserved range of an enum at the highest field number.

use std::collections::BTreeSet;

use protobuf::MessageField;
use protobuf::descriptor::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FieldOptions, FileDescriptorProto,
};

use crate::compile::scan::{Token, tokens};
use crate::raw::{Kind, records, rewritten};

/// Makes a file say what protoc says; `source` is its text.
pub(super) fn mend(file: &mut FileDescriptorProto, source: &str) {
    if file.syntax() == "proto2" {
        file.syntax = None;
    }
    file.extension.iter_mut().for_each(mend_field);
    file.message_type.iter_mut().for_each(mend_message);
    file.enum_type.iter_mut().for_each(mend_enum);
    let with_braces = rpcs_with_braces(source);
    for service in &mut file.service {
        for method in &mut service.method {
            let rpc = (service.name.as_deref().unwrap_or_default(), method.name());
            if with_braces.contains(&rpc) {
                method.options.mut_or_insert_default();
            }
        }
    }
}

/// The bytes of a file with the fields of every message in the order of their numbers.
pub(crate) fn sorted(file: &[u8]) -> Vec<u8> {
    rewritten(Kind::File, file, &|_, message| {
        let mut fields: Vec<_> = records(message).collect();
        fields.sort_by_key(|field| field.number);
        fields.iter().flat_map(|field| field.whole).copied().collect()
    })
}

fn mend_message(message: &mut DescriptorProto) {
    message.field.iter_mut().chain(&mut message.extension).for_each(mend_field);
    message.nested_type.iter_mut().for_each(mend_message);
    message.enum_type.iter_mut().for_each(mend_enum);
}

fn mend_enum(declared: &mut EnumDescriptorProto) {
    for range in declared.reserved_range.iter_mut().filter(|range| range.end() == FIELD_MAX) {
        range.set_end(i32::MAX);
    }
}

fn mend_field(field: &mut FieldDescriptorProto) {
    if field.options.as_ref().is_some_and(|options| *options == FieldOptions::new()) {
        field.options = MessageField::none();
    }
}

/// The services and rpcs of a file whose rpc ends with braces.
fn rpcs_with_braces(source: &str) -> BTreeSet<(&str, &str)> {
    let mut found = BTreeSet::new();
    let (mut depth, mut service, mut rpc) = (0_usize, "", None);
    let tokens = tokens(source);
    for (index, located) in tokens.iter().enumerate() {
        let next = tokens.get(index + 1).map(|located| located.token);
        match (located.token, next) {
            (Token::Word("service"), Some(Token::Word(name))) if depth == 0 => service = name,
            (Token::Word("rpc"), Some(Token::Word(name))) if depth == 1 && !service.is_empty() => {
                rpc = Some(name);
            }
            (Token::Sign(';'), _) => rpc = None,
            (Token::Sign('{'), _) => {
                depth += 1;
                found.extend(rpc.take().map(|rpc| (service, rpc)));
            }
            (Token::Sign('}'), _) => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    service = "";
                }
            }
            _ => {}
        }
    }
    found
}

/// What the parser takes for `max`, which for an enum is the highest number of 32 bits.
const FIELD_MAX: i32 = (1 << 29) - 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// An rpc has braces if they come before its semicolon, whatever else is called `rpc`.
    #[test]
    fn rpcs_with_braces_are_found() {
        let source = "message rpc { optional int32 rpc = 1; } message service {}
            service A { option (x) = { rpc: 1 }; rpc B(rpc) returns (stream C) {}
            rpc D(.e.F) returns (G); rpc H(I) returns (J) { option (rpc) = 1; } }
            service K { rpc B(C) returns (D); } message X { rpc B = 1 [(o) = { a: 1 }]; }";
        assert_eq!(rpcs_with_braces(source), BTreeSet::from([("A", "B"), ("A", "H")]));
    }

    /// Fields are sorted by number in every message, those of one number keep their order.
    #[test]
    fn fields_are_sorted() {
        // syntax, message { options {}, name "M", fields { number, name } of "b" and "a" }, name
        let file = b"\x62\x06proto3\x22\x11\x3a\x00\x12\x05\x18\x01\x0a\x01b\x12\x03\x0a\x01a\x0a\x01M\x0a\x01f";
        let expected = b"\x0a\x01f\x22\x11\x0a\x01M\x12\x05\x0a\x01b\x18\x01\x12\x03\x0a\x01a\x3a\x00\x62\x06proto3";
        assert_eq!(sorted(file).escape_ascii().to_string(), expected.escape_ascii().to_string());
    }
}
