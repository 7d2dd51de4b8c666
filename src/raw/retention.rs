//! Options that are meant for the source alone, as protoc knows them by `RETENTION_SOURCE`.
//!
//! protoc keeps them from its plugins and, unless asked to retain them, from descriptor sets; buf
//! writes them into its images and gives plugins those that lie within other options. As in protoc,
//! what lies in a group or in an `Any` stays.

use std::collections::HashMap;

use protobuf::UnknownValueRef::Varint;
use protobuf::descriptor::field_descriptor_proto::Type;
use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::tree::{Edit, Kind, edited};

/// The fields of option types that matter here, by the type's name and their number.
pub(super) struct OptionFields(HashMap<String, HashMap<u64, Fate>>);

/// What becomes of an option.
enum Fate {
    /// It is meant for the source.
    Dropped,
    /// It is a message of this type, in which options may be dropped.
    Searched(String),
}

impl OptionFields {
    /// Those of protobuf and those that the files declare.
    pub(super) fn of(files: &[FileDescriptorProto]) -> Self {
        let mut fields = Self(HashMap::new());
        for (options, number) in FEATURES {
            let options = format!("google.protobuf.{options}");
            fields.add(&options, number, Fate::Searched(FEATURE_SET.to_owned()));
        }
        for (of, number) in FOR_THE_SOURCE {
            fields.add(of, number, Fate::Dropped);
        }
        for file in files {
            file.extension.iter().for_each(|field| fields.add_field(None, field));
            for message in &file.message_type {
                fields.add_message(file.package(), message);
            }
        }
        fields
    }

    /// A message of a descriptor without the options that are meant for the source.
    pub(super) fn stripped(&self, kind: Kind, message: &[u8]) -> Vec<u8> {
        match kind {
            Kind::Options(of) => self.options(of, message, DEPTH_MAX),
            _ => message.to_vec(),
        }
    }

    fn options(&self, of: &str, message: &[u8], depth: usize) -> Vec<u8> {
        let Some(fates) = self.0.get(of).filter(|_| depth > 0) else { return message.to_vec() };
        edited(message, |field| match (fates.get(&field.number), field.payload) {
            (Some(Fate::Dropped), _) => Edit::Drop,
            (Some(Fate::Searched(of)), Some(payload)) => {
                Edit::Payload(self.options(of, payload, depth - 1))
            }
            _ => Edit::Keep,
        })
    }

    fn add_message(&mut self, scope: &str, message: &DescriptorProto) {
        let full = match scope {
            "" => message.name().to_owned(),
            scope => format!("{scope}.{}", message.name()),
        };
        message.field.iter().for_each(|field| self.add_field(Some(&full), field));
        message.extension.iter().for_each(|field| self.add_field(None, field));
        message.nested_type.iter().for_each(|nested| self.add_message(&full, nested));
    }

    /// A field of the message `owner` or, without one, an extension.
    fn add_field(&mut self, owner: Option<&str>, field: &FieldDescriptorProto) {
        let owner = owner.unwrap_or_else(|| without_dot(field.extendee()));
        let number = u64::try_from(field.number()).unwrap_or_default();
        if is_for_the_source(field) {
            self.add(owner, number, Fate::Dropped);
        } else if field.type_() == Type::TYPE_MESSAGE {
            let of = without_dot(field.type_name()).to_owned();
            self.add(owner, number, Fate::Searched(of));
        }
    }

    fn add(&mut self, owner: &str, number: u64, fate: Fate) {
        self.0.entry(owner.to_owned()).or_default().insert(number, fate);
    }
}

/// `retention = RETENTION_SOURCE`, which the descriptor crate is too old for.
fn is_for_the_source(field: &FieldDescriptorProto) -> bool {
    let option = field.options.special_fields.unknown_fields().get(FIELD_RETENTION);
    matches!(option, Some(Varint(RETENTION_SOURCE)))
}

fn without_dot(name: &str) -> &str {
    name.strip_prefix('.').unwrap_or(name)
}

const FEATURE_SET: &str = "google.protobuf.FeatureSet";

/// Where features stand in each kind of options.
const FEATURES: [(&str, u64); 9] = [
    ("FileOptions", 50),
    ("MessageOptions", 12),
    ("FieldOptions", 21),
    ("OneofOptions", 1),
    ("ExtensionRangeOptions", 50),
    ("EnumOptions", 7),
    ("EnumValueOptions", 2),
    ("ServiceOptions", 34),
    ("MethodOptions", 35),
];

/// What descriptor.proto itself marks, for sets that leave it out: `enforce_naming_style`,
/// `default_symbol_visibility`, `enforce_proto_limits`; `declaration`, `verification`.
const FOR_THE_SOURCE: [(&str, u64); 5] = [
    (FEATURE_SET, 7),
    (FEATURE_SET, 8),
    (FEATURE_SET, 9),
    ("google.protobuf.ExtensionRangeOptions", 2),
    ("google.protobuf.ExtensionRangeOptions", 3),
];

// Of descriptor.proto.
const FIELD_RETENTION: u32 = 17;
const RETENTION_SOURCE: u64 = 2;

/// How deep options may lie in options: as deep as protobuf's parsers read messages.
const DEPTH_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use protobuf::EnumOrUnknown;

    use super::*;

    fn field(name: &str, number: i32, of: Type) -> FieldDescriptorProto {
        let mut field = FieldDescriptorProto::new();
        field.set_name(name.to_owned());
        field.set_number(number);
        field.type_ = Some(EnumOrUnknown::new(of));
        field
    }

    /// `Rule { secret = 1 [retention = RETENTION_SOURCE]; kept = 2; Rule inner = 3; }`, as the
    /// option 16 of a message.
    fn fields() -> OptionFields {
        let mut secret = field("secret", 1, Type::TYPE_STRING);
        let options = secret.options.mut_or_insert_default();
        options.special_fields.mut_unknown_fields().add_varint(FIELD_RETENTION, RETENTION_SOURCE);
        let mut inner = field("inner", 3, Type::TYPE_MESSAGE);
        inner.set_type_name(".Rule".to_owned());
        let mut rule = DescriptorProto::new();
        rule.set_name("Rule".to_owned());
        rule.field = vec![secret, field("kept", 2, Type::TYPE_STRING), inner.clone()];
        let mut extension = inner;
        extension.set_number(16);
        extension.set_extendee(".google.protobuf.MessageOptions".to_owned());
        let mut file = FileDescriptorProto::new();
        file.message_type.push(rule);
        file.extension.push(extension);
        OptionFields::of(&[file])
    }

    fn stripped(options: &[u8]) -> Vec<u8> {
        fields().stripped(Kind::Options("google.protobuf.MessageOptions"), options)
    }

    /// What is marked is dropped however deep it lies, what is not stays in its order, and what
    /// cannot be read stays whole.
    #[test]
    fn marked_options_are_dropped_at_every_depth() {
        // rule { inner { secret: "x" kept: "y" } secret: "z" }, 17: 1
        let rule = b"\x82\x01\x0b\x1a\x06\x0a\x01x\x12\x01y\x0a\x01z\x88\x01\x01";
        assert_eq!(stripped(rule), b"\x82\x01\x05\x1a\x03\x12\x01y\x88\x01\x01");
        assert_eq!(stripped(b"\x82\x01\x04\x0a\x01x\x0a"), b"\x82\x01\x04\x0a\x01x\x0a");
        // features { enforce_naming_style: 2 field_presence: 1 }
        assert_eq!(stripped(b"\x62\x04\x38\x02\x08\x01"), b"\x62\x02\x08\x01");
    }

    /// Options are searched to the limit of parsers and no deeper.
    #[test]
    fn depth_is_limited() {
        let nested = |depth: usize| {
            let mut rule = b"\x0a\x01x".to_vec();
            for level in (0..depth).rev() {
                let tag: &[u8] = if level == 0 { b"\x82\x01" } else { b"\x1a" };
                let mut length = Vec::new();
                super::super::tree::push_varint(&mut length, rule.len() as u64);
                rule = [tag, &length, &rule].concat();
            }
            rule
        };
        assert!(!stripped(&nested(DEPTH_MAX - 1)).ends_with(b"\x0a\x01x"));
        assert_eq!(stripped(&nested(DEPTH_MAX)), nested(DEPTH_MAX));
        assert_eq!(stripped(&nested(10_000)), nested(10_000));
    }
}
