//! Resolved edition features: the only form in which the rest of `schema` sees syntax.
//!
//! proto2 and proto3 are editions with other defaults, so proto3 goes the same way. The descriptor
//! crate is older than editions: `edition` and `features` arrive as unknown fields and are read
//! from there. Closedness belongs to the enum (its own file), not to the field that uses it.

use protobuf::descriptor::field_descriptor_proto::{Label, Type};
use protobuf::descriptor::{FieldDescriptorProto, FileDescriptorProto};
use protobuf::well_known_types::empty::Empty;
use protobuf::{Message, UnknownFields, UnknownValueRef};

/// An edition by its number in descriptor.proto.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edition(pub(crate) i32);

/// What a field, enum or file behaves like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Features {
    pub(crate) presence: Presence,
    pub(crate) enumeration: Openness,
    pub(crate) repeated: RepeatedEncoding,
    pub(crate) utf8: Utf8,
    pub(crate) message: MessageEncoding,
}

/// Whether a singular scalar field knows that it was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Explicit,
    Implicit,
    Required,
}

/// Whether an enum takes numbers that it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Openness {
    Open,
    Closed,
}

/// How repeated numbers are written; both are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RepeatedEncoding {
    Packed,
    Expanded,
}

/// Whether strings must be UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Utf8 {
    Verify,
    Unchecked,
}

/// How a submessage is framed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageEncoding {
    LengthPrefixed,
    Delimited,
}

/// Where in the descriptors a `FeatureSet` stands: the field number of `features` in each kind of
/// options.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeaturesOf {
    File = 50,
    Message = 12,
    Field = 21,
    Oneof = 1,
    Enum = 7,
}

impl Edition {
    pub(crate) const PROTO2: Self = Self(998);
    pub(crate) const PROTO3: Self = Self(999);
    pub(crate) const E2023: Self = Self(1000);
    /// The newest that the plugin answers for: edition 2026.
    pub(crate) const MAX: Self = Self(1002);

    /// Whether this version knows what it means.
    pub(crate) fn is_known(self) -> bool {
        matches!(self, Self::PROTO2 | Self::PROTO3) || (Self::E2023..=Self::MAX).contains(&self)
    }

    /// The edition of a file; proto2 and proto3 are the two before 2023.
    pub(crate) fn of(file: &FileDescriptorProto) -> Self {
        match file.syntax() {
            "proto3" => Self::PROTO3,
            "editions" => {
                let unknown = file.special_fields.unknown_fields();
                Self(last_varint(unknown, FILE_EDITION).unwrap_or(0))
            }
            _ => Self::PROTO2,
        }
    }
}

impl Features {
    /// What protoc's own table of defaults says for an edition.
    pub(crate) fn defaults(edition: Edition) -> Self {
        let newest = Self {
            presence: Presence::Explicit,
            enumeration: Openness::Open,
            repeated: RepeatedEncoding::Packed,
            utf8: Utf8::Verify,
            message: MessageEncoding::LengthPrefixed,
        };
        if edition >= Edition::E2023 {
            newest
        } else if edition == Edition::PROTO3 {
            Self { presence: Presence::Implicit, ..newest }
        } else {
            Self {
                enumeration: Openness::Closed,
                repeated: RepeatedEncoding::Expanded,
                utf8: Utf8::Unchecked,
                ..newest
            }
        }
    }

    /// What a file says for everything in it.
    pub(crate) fn of_file(file: &FileDescriptorProto) -> Self {
        let defaults = Self::defaults(Edition::of(file));
        defaults.overridden(FeaturesOf::File, file.options.special_fields.unknown_fields())
    }

    /// These features as the child whose options hold `unknown` sees them.
    pub(crate) fn overridden(mut self, of: FeaturesOf, unknown: &UnknownFields) -> Self {
        // A parser merges every occurrence of a submessage, in order.
        let number = of as u32;
        for (at, value) in unknown.iter() {
            if let UnknownValueRef::LengthDelimited(bytes) = value
                && at == number
                && let Ok(set) = Empty::parse_from_bytes(bytes)
            {
                self.merge(set.special_fields.unknown_fields());
            }
        }
        self
    }

    /// The features of a field whose parent (its oneof or message) has `self`.
    pub(crate) fn of_field(self, field: &FieldDescriptorProto) -> Self {
        let unknown = field.options.special_fields.unknown_fields();
        let mut features = self.overridden(FeaturesOf::Field, unknown);
        // What proto2 and proto3 say by syntax, editions say by features.
        let label = field.label.and_then(|label| label.enum_value().ok());
        let kind = field.type_.and_then(|kind| kind.enum_value().ok());
        if label == Some(Label::LABEL_REQUIRED) {
            features.presence = Presence::Required;
        }
        if kind == Some(Type::TYPE_GROUP) {
            features.message = MessageEncoding::Delimited;
        }
        match field.options.packed {
            Some(true) => features.repeated = RepeatedEncoding::Packed,
            Some(false) => features.repeated = RepeatedEncoding::Expanded,
            None => {}
        }
        // Submessages and members of oneofs always know that they were set.
        let always = kind == Some(Type::TYPE_MESSAGE) || field.oneof_index.is_some();
        if features.presence == Presence::Implicit && (always || field.proto3_optional()) {
            features.presence = Presence::Explicit;
        }
        features
    }

    fn merge(&mut self, set: &UnknownFields) {
        match last_varint(set, FIELD_PRESENCE) {
            Some(1) => self.presence = Presence::Explicit,
            Some(2) => self.presence = Presence::Implicit,
            Some(3) => self.presence = Presence::Required,
            _ => {}
        }
        match last_varint(set, ENUM_TYPE) {
            Some(1) => self.enumeration = Openness::Open,
            Some(2) => self.enumeration = Openness::Closed,
            _ => {}
        }
        match last_varint(set, REPEATED_FIELD_ENCODING) {
            Some(1) => self.repeated = RepeatedEncoding::Packed,
            Some(2) => self.repeated = RepeatedEncoding::Expanded,
            _ => {}
        }
        match last_varint(set, UTF8_VALIDATION) {
            Some(2) => self.utf8 = Utf8::Verify,
            Some(3) => self.utf8 = Utf8::Unchecked,
            _ => {}
        }
        match last_varint(set, MESSAGE_ENCODING) {
            Some(1) => self.message = MessageEncoding::LengthPrefixed,
            Some(2) => self.message = MessageEncoding::Delimited,
            _ => {}
        }
    }
}

/// Whether the option `debug_redact` hides the field, another that the descriptor crate is too old
/// for.
pub(crate) fn is_redacted(field: &FieldDescriptorProto) -> bool {
    let options = field.options.special_fields.unknown_fields();
    last_varint(options, DEBUG_REDACT).is_some_and(|value| value != 0)
}

fn last_varint(fields: &UnknownFields, number: u32) -> Option<i32> {
    let varints = fields.iter().filter(|(at, _)| *at == number);
    let values = varints.filter_map(|(_, value)| match value {
        UnknownValueRef::Varint(value) => i32::try_from(value).ok(),
        _ => None,
    });
    values.last()
}

// Field numbers of descriptor.proto.
const FILE_EDITION: u32 = 14;
const DEBUG_REDACT: u32 = 16;
const FIELD_PRESENCE: u32 = 1;
const ENUM_TYPE: u32 = 2;
const REPEATED_FIELD_ENCODING: u32 = 3;
const UTF8_VALIDATION: u32 = 4;
const MESSAGE_ENCODING: u32 = 5;

#[cfg(test)]
mod tests {
    use protobuf::EnumOrUnknown;

    use super::*;

    fn field(kind: Type) -> FieldDescriptorProto {
        FieldDescriptorProto { type_: Some(EnumOrUnknown::new(kind)), ..Default::default() }
    }

    fn file(syntax: &str, edition: u64) -> FileDescriptorProto {
        let mut file = FileDescriptorProto::new();
        file.set_syntax(syntax.to_owned());
        file.special_fields.mut_unknown_fields().add_varint(FILE_EDITION, edition);
        file
    }

    /// The defaults are protoc's table (`--edition_defaults_out`).
    #[test]
    fn defaults_follow_protocs_table() {
        let proto2 = Features::of_file(&FileDescriptorProto::new());
        assert_eq!(proto2.presence, Presence::Explicit);
        assert_eq!(proto2.enumeration, Openness::Closed);
        assert_eq!(proto2.repeated, RepeatedEncoding::Expanded);
        assert_eq!(proto2.utf8, Utf8::Unchecked);
        let proto3 = Features::of_file(&file("proto3", 0));
        assert_eq!(proto3.presence, Presence::Implicit);
        assert_eq!(proto3.enumeration, Openness::Open);
        assert_eq!(proto3.repeated, RepeatedEncoding::Packed);
        assert_eq!(proto3.utf8, Utf8::Verify);
        for edition in [1000, 1001, 1002] {
            let features = Features::of_file(&file("editions", edition));
            assert_eq!(features, Features { presence: Presence::Explicit, ..proto3 });
        }
    }

    /// A child takes its parent's features and overrides the ones that it names itself.
    #[test]
    fn a_child_overrides_what_it_names() {
        let mut options = UnknownFields::new();
        // features { field_presence: IMPLICIT } and, in a second record, { enum_type: CLOSED }.
        options.add_length_delimited(FeaturesOf::Message as u32, vec![0x08, 2]);
        options.add_length_delimited(FeaturesOf::Message as u32, vec![0x10, 2]);
        let parent = Features::defaults(Edition::E2023);
        let child = parent.overridden(FeaturesOf::Message, &options);
        assert_eq!(child.presence, Presence::Implicit);
        assert_eq!(child.enumeration, Openness::Closed);
        assert_eq!(child.repeated, parent.repeated);
        assert_eq!(parent.overridden(FeaturesOf::Field, &options), parent);
    }

    /// What proto3 says by `optional`, by a message type or by `packed` arrives as features.
    #[test]
    fn syntax_of_a_field_becomes_features() {
        let proto3 = Features::defaults(Edition::PROTO3);
        let int32 = field(Type::TYPE_INT32);
        assert_eq!(proto3.of_field(&int32).presence, Presence::Implicit);
        let optional = FieldDescriptorProto { proto3_optional: Some(true), ..int32.clone() };
        assert_eq!(proto3.of_field(&optional).presence, Presence::Explicit);
        let member = FieldDescriptorProto { oneof_index: Some(0), ..int32.clone() };
        assert_eq!(proto3.of_field(&member).presence, Presence::Explicit);
        let message = field(Type::TYPE_MESSAGE);
        assert_eq!(proto3.of_field(&message).presence, Presence::Explicit);
        let group = field(Type::TYPE_GROUP);
        assert_eq!(proto3.of_field(&group).message, MessageEncoding::Delimited);
        let mut expanded = int32;
        expanded.options.mut_or_insert_default().set_packed(false);
        assert_eq!(proto3.of_field(&expanded).repeated, RepeatedEncoding::Expanded);
    }
}
