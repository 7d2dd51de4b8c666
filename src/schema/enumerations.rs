//! Decides enums.

use protobuf::descriptor::EnumDescriptorProto;

use super::features::{Features, FeaturesOf, Openness};
use super::model::{EnumValue, Enumeration};
use super::names::{TypeName, enum_values, identifier};
use super::source::ENUM_VALUE;
use super::{FileBuilder, Path, type_lints};

impl FileBuilder<'_> {
    pub(super) fn enumeration(
        &self,
        full_name: String,
        enumeration: &EnumDescriptorProto,
        features: Features,
        path: &Path,
    ) -> Enumeration {
        let unknown = enumeration.options.special_fields.unknown_fields();
        let features = features.overridden(FeaturesOf::Enum, unknown);
        let TypeName { name, modules, .. } = self.index.type_name(&full_name);
        let mut header = self.header(path, enumeration.options.deprecated());
        header.attributes = self.type_attributes(&full_name, &ENUM_DERIVES);
        header.allows = type_lints(name).into_iter().collect();
        let names = enum_values(enumeration);
        let values = enumeration.value.iter().zip(names).enumerate();
        let values = values.map(|(index, (value, name))| EnumValue {
            header: self.header(&path.item(ENUM_VALUE, index), value.options.deprecated()),
            name: identifier(&name),
            proto_name: value.name().to_owned(),
            number: value.number(),
        });
        Enumeration {
            header,
            name: identifier(name),
            values: values.collect(),
            reflection: self.reflection(&full_name, modules),
            full_name,
            closed: features.enumeration == Openness::Closed,
        }
    }
}

/// What every enum derives or implements.
const ENUM_DERIVES: [&str; 9] =
    ["Clone", "Copy", "Debug", "Default", "Eq", "Hash", "Ord", "PartialEq", "PartialOrd"];
