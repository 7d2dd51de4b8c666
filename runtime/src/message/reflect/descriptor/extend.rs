//! Extensions of a `FileDescriptorProto`: linked to the messages that they extend, and checked against
//! what those leave to them.

use std::collections::HashSet;

use super::build::{Builder, DescriptorError};
use super::build_fields::FIELD_NUMBER_MAX;
use super::features::Features;
use super::field::{Cardinality, FieldKind, FieldParts};
use super::names::{JsonKey, joined, text};
use super::service::ServiceParts;
use super::{TypeAt, TypePlace};
use crate::message::well_known::FieldDescriptorProto;

impl Builder<'_> {
    /// Those of the file, then those in its messages.
    pub(super) fn extensions(
        &self,
        declared: &[FieldDescriptorProto],
        package: &str,
        features: Features,
    ) -> Result<Vec<FieldParts>, DescriptorError> {
        let mut extensions = Vec::new();
        for extension in declared {
            extensions.push(self.extension(extension, package, features)?);
        }
        for (message, source) in self.messages.iter().zip(&self.sources) {
            for extension in &source.proto.extension {
                extensions.push(self.extension(extension, &message.full_name, source.features)?);
            }
        }
        Ok(extensions)
    }

    /// Extensions and services: the names are nobody else's, and the numbers no other extension's.
    pub(super) fn check_other_names(
        &self,
        extensions: &[FieldParts],
        services: &[ServiceParts],
    ) -> Result<(), DescriptorError> {
        let (mut names, mut numbers) = (HashSet::new(), HashSet::new());
        let extension_names = extensions.iter().map(|extension| &extension.full_name);
        for name in extension_names.chain(services.iter().map(|service| &service.full_name)) {
            if self.types.contains_key(name) || !names.insert(name) {
                return Err(self.error(format!("{name} is declared twice")));
            }
        }
        for extension in extensions {
            let extendee = extension.extendee.map(|at| (at.file, at.place));
            if !numbers.insert((extendee, extension.number)) {
                let number = extension.number;
                let extended = extension.extendee.map(|at| self.message_parts(at));
                let extended = extended.map_or("", |message| &message.full_name);
                return Err(self.error(format!("{extended} has two extensions {number}")));
            }
        }
        Ok(())
    }

    fn extension(
        &self,
        proto: &FieldDescriptorProto,
        scope: &str,
        features: Features,
    ) -> Result<FieldParts, DescriptorError> {
        let mut parts = self.parts(proto, scope, features, false)?;
        let extendee = text(proto.extendee.as_ref(), "an extendee", self.file())?;
        let at = match self.find(&extendee)? {
            (file, TypeAt::Message(place)) => TypePlace { file, place },
            (_, TypeAt::Enum(_)) => {
                return Err(self.error(format!("{extendee} is no message to extend")));
            }
        };
        let extended = self.message_parts(at);
        parts.extendee = Some(at);
        parts.full_name = joined(scope, &parts.name);
        let number_max = if extended.is_message_set { u32::MAX } else { FIELD_NUMBER_MAX };
        self.check_number(&parts, scope, number_max)?;
        if !extended.extension_ranges.iter().any(|range| range.contains(&parts.number)) {
            let (name, number, of) = (&parts.full_name, parts.number, &extended.full_name);
            let what = format!("{name} = {number} is outside of the extension ranges of {of}");
            return Err(self.error(what));
        }
        let is_message = parts.kind == FieldKind::Message;
        let is_item = is_message && parts.cardinality == Cardinality::Singular;
        if extended.is_message_set && !is_item {
            let name = &parts.full_name;
            let what = format!("{name} extends a MessageSet, which holds optional messages alone");
            return Err(self.error(what));
        }
        parts.json_name = format!("[{}]", parts.full_name);
        parts.json_key = JsonKey::new(&parts.json_name);
        parts.has_presence = parts.cardinality == Cardinality::Singular;
        Ok(parts)
    }
}
