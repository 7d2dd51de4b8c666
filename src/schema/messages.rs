//! Decides messages, their fields and oneofs.

use protobuf::descriptor::field_descriptor_proto::{Label, Type};
use protobuf::descriptor::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, OneofDescriptorProto,
};

use super::defaults;
use super::extensions::DeclaredExtensions;
use super::features::{
    Features, FeaturesOf, MessageEncoding, Openness, Presence, RepeatedEncoding, Utf8, is_redacted,
};
use super::link::Descriptor;
use super::model::{Check, Field, Getter, Member, Message, Scalar, Shape, Types};
use super::names::{Scope, TypeName, identifier};
use super::oneofs::{DeclaredOneof, real_oneof};
use super::source::{
    FIELD_TYPE_NAME, FILE_ENUM, FILE_EXTENSION, FILE_MESSAGE, MESSAGE_ENUM, MESSAGE_EXTENSION,
    MESSAGE_FIELD, MESSAGE_NESTED,
};
use super::{FileBuilder, Kind, Path, Reference, case, inner};
use super::{lints, type_lints, value_lints};
use crate::options::MapKind;
use crate::user_error::UserError;

/// A file or a message as that which holds types.
pub(super) struct Container<'a> {
    pub(super) full: String,
    pub(super) features: Features,
    pub(super) messages: &'a [DescriptorProto],
    pub(super) enums: &'a [EnumDescriptorProto],
    pub(super) extensions: &'a [FieldDescriptorProto],
    /// Of the message; `None` for the file.
    pub(super) path: Option<Path>,
}

impl Container<'_> {
    fn message_path(&self, index: usize) -> Path {
        match &self.path {
            Some(path) => path.item(MESSAGE_NESTED, index),
            None => Path::of(FILE_MESSAGE, index),
        }
    }

    fn extension_path(&self, index: usize) -> Path {
        match &self.path {
            Some(path) => path.item(MESSAGE_EXTENSION, index),
            None => Path::of(FILE_EXTENSION, index),
        }
    }

    fn enum_path(&self, index: usize) -> Path {
        match &self.path {
            Some(path) => path.item(MESSAGE_ENUM, index),
            None => Path::of(FILE_ENUM, index),
        }
    }
}

/// A message under decision.
pub(super) struct Owner<'a> {
    pub(super) full: String,
    descriptor: &'a DescriptorProto,
    pub(super) name: &'a TypeName,
    pub(super) features: Features,
    pub(super) path: Path,
}

/// A field under decision: its owner, and the module from which its types are seen.
pub(super) struct Place<'a> {
    pub(super) owner: &'a Owner<'a>,
    pub(super) modules: &'a [String],
    pub(super) path: Path,
    /// The field's full name: for the parts of a map, that of the map.
    pub(super) full: String,
}

impl<'a> FileBuilder<'a> {
    /// The types of a file or message that are generated.
    pub(super) fn types(&self, container: &Container<'a>) -> Result<Types, UserError> {
        let mut types = Types::default();
        for (index, message) in container.messages.iter().enumerate() {
            let full = inner(&container.full, message.name());
            if !message.options.map_entry() && !self.index.is_extern(&full) {
                let unknown = message.options.special_fields.unknown_fields();
                let features = container.features.overridden(FeaturesOf::Message, unknown);
                let path = container.message_path(index);
                let name = self.index.type_name(&full);
                let owner = Owner { full, descriptor: message, name, features, path };
                types.messages.push(self.message(&owner)?);
            }
        }
        for (index, enumeration) in container.enums.iter().enumerate() {
            let full = inner(&container.full, enumeration.name());
            if !self.index.is_extern(&full) {
                let path = container.enum_path(index);
                let features = container.features;
                types.enums.push(self.enumeration(full, enumeration, features, &path));
            }
        }
        let (names, modules) = match &container.path {
            None => (&self.index.names(self.file).extensions, self.modules.clone()),
            Some(_) => {
                let name = self.index.type_name(&container.full);
                let modules = name.modules.iter().chain(&name.module).cloned().collect();
                (&name.extensions, modules)
            }
        };
        let declared = DeclaredExtensions {
            fields: container.extensions,
            names,
            scope: &container.full,
            features: container.features,
            modules: &modules,
        };
        types.extensions = self.extensions(&declared, |index| container.extension_path(index))?;
        Ok(types)
    }

    fn message(&self, owner: &Owner<'a>) -> Result<Message, UserError> {
        let descriptor = owner.descriptor;
        let members = self.members(owner)?;
        let nested = self.types(&Container {
            full: owner.full.clone(),
            features: owner.features,
            messages: &descriptor.nested_type,
            enums: &descriptor.enum_type,
            extensions: &descriptor.extension,
            path: Some(owner.path.clone()),
        })?;
        let mut header = self.header(&owner.path, descriptor.options.deprecated());
        header.attributes = self.type_attributes(&owner.full, &MESSAGE_DERIVES);
        header.allows = type_lints(&owner.name.name).into_iter().collect();
        let values = members.iter().map(Member::name).chain(&owner.name.module);
        header.allows.extend(lints(values, value_lints));
        let uses_deprecated = descriptor.options.deprecated()
            || descriptor
                .field
                .iter()
                .any(|field| field.options.deprecated() || self.is_deprecated(field.type_name()));
        let module = owner.name.module.as_deref().map(identifier);
        Ok(Message {
            checks_required: self.index.reaches_required(&owner.full),
            shares_bytes: self.index.reaches_shared_bytes(&owner.full),
            header,
            full_name: owner.full.clone(),
            name: identifier(&owner.name.name),
            unknown: UNKNOWN,
            members,
            module,
            nested,
            uses_deprecated,
            extendable: !descriptor.extension_range.is_empty(),
            reflection: self.reflection(&owner.full, &owner.name.modules),
        })
    }

    /// The struct's fields in order of declaration, a oneof at its first member.
    fn members(&self, owner: &Owner<'a>) -> Result<Vec<Member>, UserError> {
        let descriptor = owner.descriptor;
        let mut declared: Vec<Slot<'_>> = Vec::new();
        for (index, field) in descriptor.field.iter().enumerate() {
            match real_oneof(descriptor, field) {
                None => declared.push(Slot::Field(index, field)),
                Some((at, oneof)) => {
                    let known = declared.iter_mut().find_map(|slot| match slot {
                        Slot::Oneof(known, _, fields) if *known == at => Some(fields),
                        _ => None,
                    });
                    match known {
                        Some(fields) => fields.push((index, field)),
                        None => declared.push(Slot::Oneof(at, oneof, vec![(index, field)])),
                    }
                }
            }
        }
        let mut scope = Scope::of_values(&[UNKNOWN]);
        let spelt: Vec<_> = declared.iter().map(Slot::name).collect();
        let names = scope.claim_all(&spelt, case::snake);
        let mut members = Vec::new();
        for (slot, name) in declared.iter().zip(names) {
            let name = identifier(&name);
            members.push(match slot {
                Slot::Field(index, field) => Member::Field(self.field(owner, *index, field, name)?),
                Slot::Oneof(index, oneof, fields) => {
                    let declared = DeclaredOneof { index: *index, oneof, fields };
                    Member::Oneof(self.oneof(owner, &declared, name)?)
                }
            });
        }
        defaults::name_getters(&mut members);
        Ok(members)
    }

    fn field(
        &self,
        owner: &Owner<'a>,
        index: usize,
        field: &FieldDescriptorProto,
        name: String,
    ) -> Result<Field, UserError> {
        let path = owner.path.item(MESSAGE_FIELD, index);
        let full = inner(&owner.full, field.name());
        let place = Place { owner, modules: &owner.name.modules, path, full };
        let features = owner.features.of_field(field);
        let mut header = self.header(&place.path, field.options.deprecated());
        header.attributes = self.field_attributes(&place.full);
        let number = self.number(&place, field)?;
        let proto_name = field.name().to_owned();
        let redacted = is_redacted(field);
        let repeated = label(field) == Some(Label::LABEL_REPEATED);
        if repeated && let Some((key, value)) = self.map_entry(field) {
            // Entries are never delimited, nor is what stands in them: editions, message_encoding.
            let message = MessageEncoding::LengthPrefixed;
            let kind = self.kind(&place, value, Features { message, ..features })?.unboxed();
            let key = self.kind(&place, key, features)?;
            let check = self.whole(value);
            let sorted = self.options.map_kind(&format!(".{}", place.full)) == MapKind::Btree;
            let shape = Shape::Map { key, sorted };
            let getter = None;
            return Ok(Field {
                index,
                header,
                name,
                proto_name,
                number,
                kind,
                shape,
                check,
                redacted,
                getter,
            });
        }
        let kind = self.kind(&place, field, features)?;
        let check = match (self.whole(field), features.presence) {
            (whole, Presence::Required) if !repeated => {
                Check::Required { message: whole == Check::Whole }
            }
            (whole, _) => whole,
        };
        let (kind, shape) = match (&kind, features.presence) {
            _ if repeated => {
                let packed = features.repeated == RepeatedEncoding::Packed && kind.is_packable();
                (kind.unboxed(), Shape::Repeated { packed })
            }
            (Kind::Message { .. }, _) => (kind, Shape::Message),
            (_, Presence::Implicit) => (kind, Shape::Implicit),
            (_, Presence::Explicit | Presence::Required) => (kind, Shape::Optional),
        };
        let getter = self.getter(&place, field, &kind)?;
        Ok(Field { index, header, name, proto_name, number, kind, shape, check, redacted, getter })
    }

    /// The getter of a field that has a default; `kind` is as the message's module sees it.
    pub(super) fn getter(
        &self,
        place: &Place<'_>,
        field: &FieldDescriptorProto,
        kind: &Kind,
    ) -> Result<Option<Getter>, UserError> {
        let enumeration = match self.index.linked(field.type_name()).map(|linked| linked.descriptor)
        {
            Some(Descriptor::Enum(enumeration)) => Some(enumeration),
            _ => None,
        };
        let default = defaults::of_field(field, kind, enumeration)
            .map_err(|message| self.source.fault(&place.path, message))?;
        let method = case::snake(field.name());
        Ok(default.map(|default| Getter { method, default, kind: kind.clone() }))
    }

    /// Whether what the field holds is to be checked for required fields.
    pub(super) fn whole(&self, field: &FieldDescriptorProto) -> Check {
        let message = field.type_name().strip_prefix('.');
        match message.is_some_and(|full| self.index.reaches_required(full)) {
            true => Check::Whole,
            false => Check::Nothing,
        }
    }

    /// What one value of the field is; a message is boxed as [`Boxes`](super::boxes::Boxes) says.
    pub(super) fn kind(
        &self,
        place: &Place<'_>,
        field: &FieldDescriptorProto,
        features: Features,
    ) -> Result<Kind, UserError> {
        let who = format!("field {}", place.full);
        let (mut kind, _) =
            self.kind_of_value(&who, &place.path, place.modules, field, features)?;
        match &mut kind {
            Kind::Message { boxed, .. } => {
                *boxed = self.index.boxes().needs_box(&place.owner.full, field.number());
            }
            Kind::Scalar(scalar @ Scalar::Bytes)
                if self.options.shares_bytes(&format!(".{}", place.full)) =>
            {
                *scalar = Scalar::SharedBytes;
            }
            Kind::Scalar(_) | Kind::Enum { .. } => {}
        }
        Ok(kind)
    }

    /// What one value of a field or an extension is, and its enum; a message is not boxed.
    pub(super) fn kind_of_value(
        &self,
        who: &str,
        path: &Path,
        modules: &[String],
        field: &FieldDescriptorProto,
        features: Features,
    ) -> Result<(Kind, Option<&'a EnumDescriptorProto>), UserError> {
        let Some(kind) = field.type_.and_then(|kind| kind.enum_value().ok()) else {
            let message = format!("{who}: its type is unknown to this version");
            return Err(self.source.fault(path, message));
        };
        match scalar(kind) {
            Some(Scalar::Str) if features.utf8 == Utf8::Unchecked => {
                return Ok((Kind::Scalar(Scalar::ByteStr), None));
            }
            Some(scalar) => return Ok((Kind::Scalar(scalar), None)),
            None => {}
        }
        let path = path.child(FIELD_TYPE_NAME);
        let reference = Reference { target: field.type_name(), modules, who: who.to_owned(), path };
        let target = self.target(&reference)?;
        let path = self.path(&reference);
        Ok(match target.descriptor {
            Descriptor::Enum(enumeration) => {
                let closed = target.features.enumeration == Openness::Closed;
                (Kind::Enum { path, closed }, Some(enumeration))
            }
            Descriptor::Message(_) => {
                let delimited = features.message == MessageEncoding::Delimited;
                (Kind::Message { path, boxed: false, delimited }, None)
            }
        })
    }

    /// The key and the value of a map field.
    fn map_entry(
        &self,
        field: &FieldDescriptorProto,
    ) -> Option<(&'a FieldDescriptorProto, &'a FieldDescriptorProto)> {
        match self.index.linked(field.type_name())?.descriptor {
            Descriptor::Message(entry) if entry.options.map_entry() => {
                let numbered = |number| entry.field.iter().find(|field| field.number() == number);
                Some((numbered(1)?, numbered(2)?))
            }
            _ => None,
        }
    }

    pub(super) fn number(
        &self,
        place: &Place<'_>,
        field: &FieldDescriptorProto,
    ) -> Result<u32, UserError> {
        let number = u32::try_from(field.number()).ok();
        number.filter(|number| (1..=NUMBER_MAX).contains(number)).ok_or_else(|| {
            let message = format!(
                "field {}: expected a number from 1 to {NUMBER_MAX}, got {}",
                place.full,
                field.number()
            );
            self.source.fault(&place.path, message)
        })
    }
}

/// A struct's field before it is decided, with indices into the descriptor.
enum Slot<'a> {
    Field(usize, &'a FieldDescriptorProto),
    Oneof(usize, &'a OneofDescriptorProto, Vec<(usize, &'a FieldDescriptorProto)>),
}

impl Slot<'_> {
    fn name(&self) -> &str {
        match self {
            Self::Field(_, field) => field.name(),
            Self::Oneof(_, oneof, _) => oneof.name(),
        }
    }
}

pub(super) fn label(field: &FieldDescriptorProto) -> Option<Label> {
    field.label.and_then(|label| label.enum_value().ok())
}

fn scalar(kind: Type) -> Option<Scalar> {
    Some(match kind {
        Type::TYPE_INT32 => Scalar::Int32,
        Type::TYPE_INT64 => Scalar::Int64,
        Type::TYPE_UINT32 => Scalar::Uint32,
        Type::TYPE_UINT64 => Scalar::Uint64,
        Type::TYPE_SINT32 => Scalar::Sint32,
        Type::TYPE_SINT64 => Scalar::Sint64,
        Type::TYPE_FIXED32 => Scalar::Fixed32,
        Type::TYPE_FIXED64 => Scalar::Fixed64,
        Type::TYPE_SFIXED32 => Scalar::Sfixed32,
        Type::TYPE_SFIXED64 => Scalar::Sfixed64,
        Type::TYPE_FLOAT => Scalar::Float,
        Type::TYPE_DOUBLE => Scalar::Double,
        Type::TYPE_BOOL => Scalar::Bool,
        Type::TYPE_STRING => Scalar::Str,
        Type::TYPE_BYTES => Scalar::Bytes,
        Type::TYPE_MESSAGE | Type::TYPE_GROUP | Type::TYPE_ENUM => return None,
    })
}

/// The field of every message that keeps what the schema does not know.
const UNKNOWN: &str = "unknown";

/// What every message derives.
const MESSAGE_DERIVES: [&str; 4] = ["Clone", "Debug", "Default", "PartialEq"];

/// The highest field number there is.
const NUMBER_MAX: u32 = (1 << 29) - 1;
