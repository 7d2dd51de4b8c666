//! Decides extensions: constants in the scope of their declaration.

use protobuf::descriptor::FieldDescriptorProto;
use protobuf::descriptor::field_descriptor_proto::Label;

use super::features::{Features, RepeatedEncoding};
use super::link::Descriptor;
use super::messages::label;
use super::model::{Extension, ExtensionShape, Kind};
use super::names::identifier;
use super::source::FIELD_EXTENDEE;
use super::{FileBuilder, Path, Reference, defaults, inner};
use crate::user_error::UserError;

/// The extensions that a file or a message declares.
pub(super) struct DeclaredExtensions<'a> {
    pub(super) fields: &'a [FieldDescriptorProto],
    /// Of their constants.
    pub(super) names: &'a [String],
    /// The full name of the file's package or of the message.
    pub(super) scope: &'a str,
    pub(super) features: Features,
    /// The module in which the constants stand.
    pub(super) modules: &'a [String],
}

impl FileBuilder<'_> {
    /// The constants; `path` leads to the extension at an index.
    pub(super) fn extensions(
        &self,
        declared: &DeclaredExtensions<'_>,
        path: impl Fn(usize) -> Path,
    ) -> Result<Vec<Extension>, UserError> {
        let fields = declared.fields.iter().zip(declared.names).enumerate();
        let extensions = fields.map(|(index, (field, name))| {
            self.declared_extension(declared, field, name, &path(index))
        });
        extensions.collect()
    }

    fn declared_extension(
        &self,
        declared: &DeclaredExtensions<'_>,
        field: &FieldDescriptorProto,
        name: &str,
        path: &Path,
    ) -> Result<Extension, UserError> {
        let full_name = inner(declared.scope, field.name());
        let who = format!("extension {full_name}");
        let extendee = Reference {
            target: field.extendee(),
            modules: declared.modules,
            who: who.clone(),
            path: path.child(FIELD_EXTENDEE),
        };
        let extendee_path = self.message_path(&extendee)?;
        let in_set = match self.index.linked(field.extendee()).map(|linked| linked.descriptor) {
            Some(Descriptor::Message(message)) => message.options.message_set_wire_format(),
            _ => false,
        };
        let number_max = if in_set { i32::MAX } else { FIELD_NUMBER_MAX };
        let number = match u32::try_from(field.number()) {
            Ok(number @ 1..) if field.number() <= number_max => number,
            _ => {
                let got = field.number();
                let message = format!("{who}: expected a number from 1 to {number_max}, got {got}");
                return Err(self.source.fault(path, message));
            }
        };
        let features = declared.features.of_field(field);
        let (kind, enumeration) =
            self.kind_of_value(&who, path, declared.modules, field, features)?;
        let is_repeated = label(field) == Some(Label::LABEL_REPEATED);
        let shape = match &kind {
            _ if is_repeated => {
                let packed = features.repeated == RepeatedEncoding::Packed && kind.is_packable();
                ExtensionShape::Repeated { packed }
            }
            Kind::Message { .. } if in_set => ExtensionShape::Item,
            _ => ExtensionShape::Singular,
        };
        let default = defaults::of_field(field, &kind, enumeration)
            .map_err(|message| self.source.fault(path, message))?;
        let deprecated = field.options.deprecated();
        let uses_deprecated = self.is_deprecated(field.extendee())
            || !field.type_name().is_empty() && self.is_deprecated(field.type_name());
        Ok(Extension {
            header: self.header(path, deprecated),
            name: identifier(name),
            extendee: extendee_path,
            full_name,
            number,
            kind,
            shape,
            default,
            uses_deprecated,
        })
    }
}

/// The highest number of a field outside MessageSets.
const FIELD_NUMBER_MAX: i32 = (1 << 29) - 1;
