//! The fields of a `FileDescriptorProto`: linked to their types, with their features resolved.

use super::build::{Builder, DescriptorError, Source};
use super::default::default_of;
use super::features::Features;
use super::field::{Cardinality, FieldKind, FieldParts};
use super::message::Opening;
use super::names::{JsonKey, identifier, joined, json_name, optional_text, text};
use super::{TypeAt, TypePlace};
use crate::message::well_known::FieldDescriptorProto;
use crate::message::well_known::feature_set::{
    FieldPresence, MessageEncoding, RepeatedFieldEncoding, Utf8Validation,
};
use crate::message::well_known::field_descriptor_proto::{Label, Type};

impl Builder<'_> {
    /// The fields of all messages.
    pub(super) fn fields(&mut self) -> Result<(), DescriptorError> {
        for place in 0..self.messages.len() {
            let Source { proto, features } = self.sources[place];
            for (index, field) in proto.field.iter().enumerate() {
                let parts = self.field(field, place, features)?;
                if let Some(oneof) = parts.oneof {
                    let oneof = &mut self.messages[place].oneofs[oneof];
                    oneof.fields.push(index);
                    oneof.is_synthetic = field.proto3_optional.unwrap_or_default();
                }
                let message = &mut self.messages[place];
                let twice = message.by_number.insert(parts.number, index).is_some()
                    || message.by_name.insert(parts.name.clone(), index).is_some();
                message.fields.push(parts);
                if twice {
                    let (name, field) = (&message.full_name, &message.fields[index]);
                    let what = format!("{name}.{} = {} is there twice", field.name, field.number);
                    return Err(self.error(what));
                }
            }
            self.check_map_entry(place)?;
            let message = &mut self.messages[place];
            message.give_json_names();
            let indexes = 0..message.fields.len();
            message.openings = indexes.map(|index| Opening::of(message, index)).collect();
        }
        Ok(())
    }

    /// Map entries have the two fields that others rely on.
    fn check_map_entry(&self, place: usize) -> Result<(), DescriptorError> {
        let entry = &self.messages[place];
        let is_key = |kind| {
            use FieldKind::{Bytes, Double, Enum, Float, Group, Message};
            !matches!(kind, Bytes | Double | Enum | Float | Group | Message)
        };
        let whole = match entry.fields.as_slice() {
            [key, value] => {
                (key.number, value.number) == (1, 2)
                    && is_key(key.kind)
                    && value.kind != FieldKind::Group
                    && [key, value].iter().all(|field| field.cardinality == Cardinality::Singular)
                    && entry.oneofs.is_empty()
            }
            _ => false,
        };
        if entry.is_map_entry && !whole {
            let what = format!("{} is a map entry without key = 1 and value = 2", entry.full_name);
            return Err(self.error(what));
        }
        Ok(())
    }

    fn field(
        &self,
        proto: &FieldDescriptorProto,
        message: usize,
        features: Features,
    ) -> Result<FieldParts, DescriptorError> {
        let parent = &self.messages[message];
        let oneof = match proto.oneof_index {
            None => None,
            Some(index) => match usize::try_from(index).ok().filter(|at| *at < parent.oneofs.len())
            {
                Some(index) => Some(index),
                None => {
                    let what = format!("{} has no oneof {index}", parent.full_name);
                    return Err(self.error(what));
                }
            },
        };
        let features = match oneof {
            Some(oneof) => {
                let declared = &self.sources[message].proto.oneof_decl[oneof];
                features.overridden(&declared.options.features)
            }
            None => features,
        };
        let mut parts = self.parts(proto, &parent.full_name, features, parent.is_map_entry)?;
        self.check_number(&parts, &parent.full_name, FIELD_NUMBER_MAX)?;
        if oneof.is_some() && parts.cardinality != Cardinality::Singular {
            let what = format!("{}.{} is repeated, and in a oneof", parent.full_name, parts.name);
            return Err(self.error(what));
        }
        parts.oneof = oneof;
        Ok(parts)
    }

    /// What fields and extensions have in common.
    pub(super) fn parts(
        &self,
        proto: &FieldDescriptorProto,
        scope: &str,
        features: Features,
        in_map_entry: bool,
    ) -> Result<FieldParts, DescriptorError> {
        let name = identifier(proto.name.as_ref(), "a field's name", self.file())?;
        let fault = |what: String| self.error(format!("{} {what}", joined(scope, &name)));
        let number = proto.number.unwrap_or_default();
        let number = u32::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| fault(format!("has the number {number}, which no field may have")))?;
        let features = features.of_field(proto);
        let type_name = optional_text(proto.type_name.as_ref(), "a type's name", self.file())?;
        let (type_place, found) = match type_name.as_str() {
            "" => (None, None),
            type_name => {
                let (file, at) = self.find(type_name)?;
                (Some(TypePlace { file, place: at.place() }), Some((file, at)))
            }
        };
        let is_map = proto.label == Some(Label::Repeated)
            && matches!(found, Some((None, TypeAt::Message(at))) if self.sources[at].is_map_entry());
        let is_delimited =
            features.encoding == MessageEncoding::Delimited && !is_map && !in_map_entry;
        let kind = match (proto.r#type, found) {
            (Some(Type::Message | Type::Group) | None, Some((_, TypeAt::Message(_)))) => {
                if is_delimited {
                    FieldKind::Group
                } else {
                    FieldKind::Message
                }
            }
            (Some(Type::Enum) | None, Some((_, TypeAt::Enum(_)))) => FieldKind::Enum,
            (Some(kind), None) => scalar_kind(kind)
                .ok_or_else(|| fault(format!("is of type {kind:?}, which needs a type name")))?,
            (None, None) => return Err(fault("has no type".to_owned())),
            (kind, _) => {
                return Err(fault(format!("is of type {kind:?}, but names {type_name:?}")));
            }
        };
        let cardinality = match proto.label {
            _ if is_map => Cardinality::Map,
            Some(Label::Repeated) => Cardinality::Repeated,
            _ => Cardinality::Singular,
        };
        let is_singular = cardinality == Cardinality::Singular;
        let enumeration = match found {
            Some((file, TypeAt::Enum(place))) => Some(self.enum_parts(file, place)),
            _ => None,
        };
        let default = match is_singular {
            true => default_of(proto, kind, enumeration, features.utf8 == Utf8Validation::Verify)
                .map_err(fault)?,
            false => None,
        };
        let json_name = match &proto.json_name {
            Some(name) => text(Some(name), "a name in JSON", self.file())?,
            None => json_name(&name),
        };
        let is_packable = !matches!(
            kind,
            FieldKind::String | FieldKind::Bytes | FieldKind::Message | FieldKind::Group
        );
        Ok(FieldParts {
            full_name: String::new(),
            json_key: JsonKey::new(&json_name),
            json_name,
            number,
            kind,
            cardinality,
            type_place,
            extendee: None,
            has_presence: is_singular && features.presence != FieldPresence::Implicit,
            is_required: is_singular && features.presence == FieldPresence::LegacyRequired,
            is_packed: cardinality == Cardinality::Repeated
                && is_packable
                && features.repeated == RepeatedFieldEncoding::Packed,
            is_utf8: features.utf8 == Utf8Validation::Verify,
            is_redacted: proto.options.debug_redact.unwrap_or_default(),
            oneof: None,
            default,
            name,
        })
    }

    pub(super) fn check_number(
        &self,
        parts: &FieldParts,
        scope: &str,
        number_max: u32,
    ) -> Result<(), DescriptorError> {
        if parts.number <= number_max {
            return Ok(());
        }
        let (name, number) = (joined(scope, &parts.name), parts.number);
        Err(self.error(format!("{name} has the number {number}, which no field may have")))
    }
}

/// Field numbers end at 2^29 - 1, save those of extensions of a MessageSet.
pub(super) const FIELD_NUMBER_MAX: u32 = (1 << 29) - 1;

fn scalar_kind(kind: Type) -> Option<FieldKind> {
    Some(match kind {
        Type::Double => FieldKind::Double,
        Type::Float => FieldKind::Float,
        Type::Int64 => FieldKind::Int64,
        Type::Uint64 => FieldKind::Uint64,
        Type::Int32 => FieldKind::Int32,
        Type::Fixed64 => FieldKind::Fixed64,
        Type::Fixed32 => FieldKind::Fixed32,
        Type::Bool => FieldKind::Bool,
        Type::String => FieldKind::String,
        Type::Bytes => FieldKind::Bytes,
        Type::Uint32 => FieldKind::Uint32,
        Type::Sfixed32 => FieldKind::Sfixed32,
        Type::Sfixed64 => FieldKind::Sfixed64,
        Type::Sint32 => FieldKind::Sint32,
        Type::Sint64 => FieldKind::Sint64,
        Type::Group | Type::Message | Type::Enum => return None,
    })
}
