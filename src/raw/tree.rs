//! The messages that the descriptor of a file is made of, changed as bytes.
//!
//! Invariant: what is not changed stays as it came, bytes that cannot be read too.

use super::{LENGTH_DELIMITED, Record, records};

/// What a message within a file's descriptor is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Message,
    Field,
    Oneof,
    ExtensionRange,
    Enum,
    EnumValue,
    Service,
    Method,
    /// Options, by the name of their type.
    Options(&'static str),
}

/// What becomes of a field.
pub(crate) enum Edit {
    Keep,
    Drop,
    Payload(Vec<u8>),
}

impl Kind {
    /// What the field of this number holds, if anything is to be said of it.
    fn child(self, number: u64) -> Option<Self> {
        // Field numbers of descriptor.proto.
        let child = match (self, number) {
            (Self::File, 4) | (Self::Message, 3) => Self::Message,
            (Self::File, 5) | (Self::Message, 4) => Self::Enum,
            (Self::File, 6) => Self::Service,
            (Self::File, 7) | (Self::Message, 2 | 6) => Self::Field,
            (Self::Message, 5) => Self::ExtensionRange,
            (Self::Message, 8) => Self::Oneof,
            (Self::Enum, 2) => Self::EnumValue,
            (Self::Service, 2) => Self::Method,
            (Self::File, 8) => Self::Options("google.protobuf.FileOptions"),
            (Self::Message, 7) => Self::Options("google.protobuf.MessageOptions"),
            (Self::Field, 8) => Self::Options("google.protobuf.FieldOptions"),
            (Self::Oneof, 2) => Self::Options("google.protobuf.OneofOptions"),
            (Self::ExtensionRange, 3) => Self::Options("google.protobuf.ExtensionRangeOptions"),
            (Self::Enum, 3) => Self::Options("google.protobuf.EnumOptions"),
            (Self::EnumValue, 3) => Self::Options("google.protobuf.EnumValueOptions"),
            (Self::Service, 3) => Self::Options("google.protobuf.ServiceOptions"),
            (Self::Method, 4) => Self::Options("google.protobuf.MethodOptions"),
            _ => return None,
        };
        Some(child)
    }
}

/// A message of a descriptor after `edit` has seen every message in it, inner ones first.
///
/// Options that lose all they held are left out, as by protoc; those that came empty stay.
pub(crate) fn rewritten(
    kind: Kind,
    message: &[u8],
    edit: &impl Fn(Kind, &[u8]) -> Vec<u8>,
) -> Vec<u8> {
    let inner = edited(message, |field| match (kind.child(field.number), field.payload) {
        (Some(child), Some(payload)) => match rewritten(child, payload, edit) {
            emptied if emptied.is_empty() && !payload.is_empty() => Edit::Drop,
            rewritten => Edit::Payload(rewritten),
        },
        _ => Edit::Keep,
    });
    edit(kind, &inner)
}

/// A message of which `edit` has seen every field; one that cannot be read to its end stays.
pub(crate) fn edited(message: &[u8], edit: impl Fn(&Record<'_>) -> Edit) -> Vec<u8> {
    let fields: Vec<Record<'_>> = records(message).collect();
    if fields.iter().map(|field| field.whole.len()).sum::<usize>() != message.len() {
        return message.to_vec();
    }
    let mut bytes = Vec::with_capacity(message.len());
    for field in fields {
        match edit(&field) {
            Edit::Keep => bytes.extend_from_slice(field.whole),
            Edit::Payload(payload) if field.payload == Some(&payload) => {
                bytes.extend_from_slice(field.whole);
            }
            Edit::Drop => {}
            Edit::Payload(payload) => {
                push_varint(&mut bytes, field.number << 3 | LENGTH_DELIMITED);
                push_varint(&mut bytes, payload.len() as u64);
                bytes.extend_from_slice(&payload);
            }
        }
    }
    bytes
}

pub(super) fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        bytes.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lengths are those of what is left; a message that is cut stays as it is.
    #[test]
    fn lengths_follow_what_is_left() {
        // A file with a message "M" that has the options 3 and 7.
        let file = b"\x22\x09\x0a\x01M\x3a\x04\x18\x01\x38\x01";
        let without = |numbers: &'static [u64]| {
            move |kind, part: &[u8]| match kind {
                Kind::Options("google.protobuf.MessageOptions") => {
                    edited(part, |field| match numbers.contains(&field.number) {
                        true => Edit::Drop,
                        false => Edit::Keep,
                    })
                }
                _ => part.to_vec(),
            }
        };
        let shorter = rewritten(Kind::File, file, &without(&[3]));
        assert_eq!(shorter, b"\x22\x07\x0a\x01M\x3a\x02\x38\x01");
        assert_eq!(rewritten(Kind::File, file, &without(&[3, 7])), b"\x22\x03\x0a\x01M");
        assert_eq!(rewritten(Kind::File, &file[..10], &without(&[3])), &file[..10]);
        // A length in more bytes than it takes stays, too.
        let long = b"\x22\x89\x00\x0a\x01M\x3a\x04\x18\x01\x38\x01";
        assert_eq!(rewritten(Kind::File, long, &without(&[])), long);
    }
}
