//! Decides oneofs: the enum, its members and the struct's field.

use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto, OneofDescriptorProto};

use super::features::{FeaturesOf, is_redacted};
use super::messages::{Owner, Place};
use super::model::{Oneof, OneofMember};
use super::names::{Scope, identifier, member_name};
use super::source::{MESSAGE_FIELD, MESSAGE_ONEOF};
use super::{FileBuilder, inner, lints, type_lints};
use crate::user_error::UserError;

/// A oneof and its fields, with their indices.
pub(super) struct DeclaredOneof<'a> {
    pub(super) index: usize,
    pub(super) oneof: &'a OneofDescriptorProto,
    pub(super) fields: &'a [(usize, &'a FieldDescriptorProto)],
}

/// The oneof of a field, unless protoc made it up for `optional`.
pub(super) fn real_oneof<'a>(
    message: &'a DescriptorProto,
    field: &FieldDescriptorProto,
) -> Option<(usize, &'a OneofDescriptorProto)> {
    let index = usize::try_from(field.oneof_index.filter(|_| !field.proto3_optional())?).ok()?;
    Some((index, message.oneof_decl.get(index)?))
}

impl<'a> FileBuilder<'a> {
    /// The field and the enum.
    pub(super) fn oneof(
        &self,
        owner: &Owner<'a>,
        declared: &DeclaredOneof<'_>,
        field: String,
    ) -> Result<Oneof, UserError> {
        let DeclaredOneof { index, oneof, fields } = declared;
        let unknown = oneof.options.special_fields.unknown_fields();
        let features = owner.features.overridden(FeaturesOf::Oneof, unknown);
        let module = owner.name.module.iter();
        let modules: Vec<_> = owner.name.modules.iter().chain(module).cloned().collect();
        let spelt: Vec<_> = fields.iter().map(|(_, field)| field.name()).collect();
        let names = Scope::of_values(&[]).claim_all(&spelt, member_name);
        let mut members = Vec::new();
        let mut uses_deprecated = false;
        for ((index, field), name) in fields.iter().zip(&names) {
            let path = owner.path.item(MESSAGE_FIELD, *index);
            let full = inner(&owner.full, field.name());
            let place = Place { owner, modules: &modules, path, full };
            let deprecated = field.options.deprecated();
            uses_deprecated |= deprecated || self.is_deprecated(field.type_name());
            let mut header = self.header(&place.path, deprecated);
            header.attributes = self.field_attributes(&place.full);
            let number = self.number(&place, field)?;
            let kind = self.kind(&place, field, features.of_field(field))?;
            let beside = Place { modules: &owner.name.modules, ..place };
            let seen = self.kind(&beside, field, features.of_field(field))?;
            let getter = self.getter(&beside, field, &seen)?;
            let (name, check) = (identifier(name), self.whole(field));
            let (index, proto_name) = (*index, field.name().to_owned());
            members.push(OneofMember {
                index,
                header,
                name,
                proto_name,
                number,
                kind,
                check,
                redacted: is_redacted(field),
                getter,
            });
        }
        let full = inner(&owner.full, oneof.name());
        let name = &owner.name.oneofs[*index];
        let mut header = self.header(&owner.path.item(MESSAGE_ONEOF, *index), false);
        header.attributes = self.type_attributes(&full, &ONEOF_DERIVES);
        header.allows = lints([name].into_iter().chain(&names), type_lints);
        Ok(Oneof {
            header,
            field_attributes: self.field_attributes(&full),
            field,
            name: identifier(name),
            local: identifier(&Scope::of_values(&BODY_NAMES).claim(name)),
            members,
            uses_deprecated,
        })
    }
}

/// What the enum of a oneof derives.
const ONEOF_DERIVES: [&str; 3] = ["Clone", "Debug", "PartialEq"];

/// What the bodies of generated functions call by short names.
const BODY_NAMES: [&str; 24] = [
    "Int32",
    "Int64",
    "Uint32",
    "Uint64",
    "Sint32",
    "Sint64",
    "Fixed32",
    "Fixed64",
    "Sfixed32",
    "Sfixed64",
    "Float",
    "Double",
    "Bool",
    "Str",
    "Bytes",
    "Enum",
    "Nested",
    "Some",
    "None",
    "Ok",
    "Err",
    "ByteStr",
    "Delimited",
    "SharedBytes",
];
