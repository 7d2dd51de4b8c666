//! Resolved features: the only form in which the builder sees syntax and editions.
//!
//! Source: "Feature settings for editions" of the protobuf documentation, and protoc's own table of
//! defaults (`--edition_defaults_out`).

use crate::message::well_known::feature_set::{
    EnumType, FieldPresence, MessageEncoding, RepeatedFieldEncoding, Utf8Validation,
};
use crate::message::well_known::field_descriptor_proto::{Label, Type};
use crate::message::well_known::{Edition, FeatureSet, FieldDescriptorProto, FileDescriptorProto};
use crate::message::{Enumeration as _, MessageField, UnknownValue};

/// What a field, enum or file behaves like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Features {
    pub(super) presence: FieldPresence,
    pub(super) enumeration: EnumType,
    pub(super) repeated: RepeatedFieldEncoding,
    pub(super) utf8: Utf8Validation,
    pub(super) encoding: MessageEncoding,
}

/// The edition of a file; proto2 and proto3 are the two before 2023. `None` if this version does not
/// know it.
pub(super) fn edition_of(file: &FileDescriptorProto) -> Option<Edition> {
    match file.syntax.as_deref() {
        None | Some(b"" | b"proto2") => Some(Edition::EditionProto2),
        Some(b"proto3") => Some(Edition::EditionProto3),
        Some(b"editions") => {
            let known = Edition::Edition2023.number()..=Edition::Edition2026.number();
            // The conformance suite's own edition behaves like the newest.
            file.edition.filter(|edition| {
                known.contains(&edition.number()) || *edition == Edition::EditionUnstable
            })
        }
        Some(_) => None,
    }
}

/// What a file says of its syntax and edition, for a person.
pub(super) fn edition_words(file: &FileDescriptorProto) -> String {
    let syntax = file.syntax.as_deref().unwrap_or_default();
    if syntax != b"editions" {
        return format!("syntax {:?}", String::from_utf8_lossy(syntax));
    }
    // A number that this version's enum does not name is among what the file does not know.
    let unknown = file.unknown.iter().filter_map(|field| match field {
        (FILE_EDITION, UnknownValue::Varint(number)) => Some(number as i32),
        _ => None,
    });
    match (file.edition, unknown.last()) {
        (Some(edition), None) => match edition.name() {
            Some(name) => format!("edition {}", name.trim_start_matches("EDITION_")),
            None => format!("an unknown edition (number {})", edition.number()),
        },
        (_, Some(number)) => format!("an unknown edition (number {number})"),
        (None, None) => "no edition".to_owned(),
    }
}

/// `FileDescriptorProto.edition`.
const FILE_EDITION: u32 = 14;

impl Features {
    /// What an edition says where nothing else is said.
    pub(super) fn defaults(edition: Edition) -> Self {
        let newest = Self {
            presence: FieldPresence::Explicit,
            enumeration: EnumType::Open,
            repeated: RepeatedFieldEncoding::Packed,
            utf8: Utf8Validation::Verify,
            encoding: MessageEncoding::LengthPrefixed,
        };
        match edition {
            Edition::EditionProto2 => Self {
                enumeration: EnumType::Closed,
                repeated: RepeatedFieldEncoding::Expanded,
                utf8: Utf8Validation::None,
                ..newest
            },
            Edition::EditionProto3 => Self { presence: FieldPresence::Implicit, ..newest },
            _ => newest,
        }
    }

    /// These features as a child sees them whose options name `set`.
    pub(super) fn overridden(self, set: &MessageField<FeatureSet>) -> Self {
        let Some(set) = set.as_ref() else { return self };
        Self {
            presence: said(set.field_presence, self.presence),
            enumeration: said(set.enum_type, self.enumeration),
            repeated: said(set.repeated_field_encoding, self.repeated),
            utf8: said(set.utf8_validation, self.utf8),
            encoding: said(set.message_encoding, self.encoding),
        }
    }

    /// The features of a field whose parent (its oneof, its message or an extension's scope) has
    /// these.
    pub(super) fn of_field(self, field: &FieldDescriptorProto) -> Self {
        let mut features = self.overridden(&field.options.features);
        // What proto2 and proto3 say by syntax, editions say by features.
        if field.label == Some(Label::Required) {
            features.presence = FieldPresence::LegacyRequired;
        }
        if field.r#type == Some(Type::Group) {
            features.encoding = MessageEncoding::Delimited;
        }
        match field.options.packed {
            Some(true) => features.repeated = RepeatedFieldEncoding::Packed,
            Some(false) => features.repeated = RepeatedFieldEncoding::Expanded,
            None => {}
        }
        let always = matches!(field.r#type, Some(Type::Message | Type::Group))
            || field.oneof_index.is_some()
            || field.extendee.is_some()
            || field.proto3_optional == Some(true);
        if features.presence == FieldPresence::Implicit && always {
            features.presence = FieldPresence::Explicit;
        }
        features
    }
}

/// What is said, unless it is the enum's value for nothing said.
fn said<E: crate::message::Enumeration>(here: Option<E>, above: E) -> E {
    here.filter(|value| value.number() != 0).unwrap_or(above)
}
