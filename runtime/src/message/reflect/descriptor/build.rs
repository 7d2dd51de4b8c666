//! From a `FileDescriptorProto` to a linked [`FileDescriptor`].
//!
//! The bytes may come from a peer: everything that handles rely on is checked here, and what is
//! wrong is a [`DescriptorError`]. Two passes: names and places of all types first, then the fields,
//! which refer to them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use super::default::default_of;
use super::enumeration::{EnumParts, ValueParts};
use super::features::{Features, edition_of};
use super::field::{Cardinality, FieldKind, FieldParts};
use super::file::{FileDescriptor, FileParts};
use super::message::{MessageParts, OneofParts, Opening};
use super::names::{
    identifier, joined, json_key, json_name, json_name_of_value, optional_text, package, text,
    texts,
};
use super::service::{MethodParts, ServiceParts};
use super::{TypeAt, TypePlace};
use crate::message::well_known::feature_set::{
    EnumType, FieldPresence, MessageEncoding, RepeatedFieldEncoding, Utf8Validation,
};
use crate::message::well_known::field_descriptor_proto::{Label, Type};
use crate::message::well_known::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
    ServiceDescriptorProto,
};
use crate::message::{ByteString, Message as _};

/// A descriptor is not one that protoc would write, or refers to what is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DescriptorError {
    file: String,
    what: String,
}

impl DescriptorError {
    #[cold]
    pub(crate) fn new(file: &str, what: impl Into<String>) -> Self {
        Self { file: file.to_owned(), what: what.into() }
    }
}

impl Display for DescriptorError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let file = if self.file.is_empty() { "descriptor" } else { &self.file };
        write!(formatter, "{file}: {}", self.what)
    }
}

impl std::error::Error for DescriptorError {}

impl FileDescriptor {
    /// The file of bytes in generated code.
    pub(crate) fn generated(
        bytes: &'static [u8],
        used: Vec<Self>,
    ) -> Result<Self, DescriptorError> {
        Self::build(Cow::Borrowed(bytes), used)
    }

    /// The file of these bytes, which uses types of `used` and of what those import publicly.
    pub(crate) fn build(
        bytes: Cow<'static, [u8]>,
        used: Vec<Self>,
    ) -> Result<Self, DescriptorError> {
        let proto = FileDescriptorProto::decode(&bytes)
            .map_err(|error| DescriptorError::new("", error.to_string()))?;
        let name = text(proto.name.as_ref(), "the file's name", "")?;
        let edition = edition_of(&proto).ok_or_else(|| {
            let syntax = proto.syntax.as_ref().map(ByteString::to_string_lossy).unwrap_or_default();
            let what = format!(
                "expected proto2, proto3 or an edition up to 2026, found syntax {syntax:?}, edition {:?}",
                proto.edition
            );
            DescriptorError::new(&name, what)
        })?;
        let package = package(proto.package.as_ref(), &name)?;
        let features = Features::defaults(edition).overridden(&proto.options.features);
        let mut builder = Builder {
            file: name,
            messages: Vec::new(),
            enums: Vec::new(),
            types: HashMap::new(),
            sources: Vec::new(),
            used,
        };
        for enumeration in &proto.enum_type {
            builder.enumeration(enumeration, &package, features)?;
        }
        for message in &proto.message_type {
            builder.message(message, &package, None, features)?;
        }
        builder.fields()?;
        let extensions = builder.extensions(&proto.extension, &package, features)?;
        let services = proto.service.iter().map(|service| builder.service(service, &package));
        let services: Vec<ServiceParts> = services.collect::<Result<_, _>>()?;
        builder.check_other_names(&extensions, &services)?;
        let Builder { file: name, messages, enums, types, used, .. } = builder;
        let parts = FileParts {
            name,
            package,
            edition,
            bytes,
            used,
            messages,
            enums,
            extensions,
            services,
            types,
        };
        Ok(Self { parts: Arc::new(parts) })
    }
}

pub(super) struct Builder<'a> {
    file: String,
    pub(super) messages: Vec<MessageParts>,
    enums: Vec<EnumParts>,
    /// By full name, without a leading dot.
    pub(super) types: HashMap<String, TypeAt>,
    /// Of each message.
    pub(super) sources: Vec<Source<'a>>,
    used: Vec<FileDescriptor>,
}

#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) proto: &'a DescriptorProto,
    pub(super) features: Features,
}

impl<'a> Builder<'a> {
    pub(super) fn file(&self) -> &str {
        &self.file
    }

    pub(super) fn error(&self, what: impl Into<String>) -> DescriptorError {
        DescriptorError::new(&self.file, what)
    }

    /// Gives a type its place.
    fn declare(&mut self, full_name: &str, at: TypeAt) -> Result<(), DescriptorError> {
        match self.types.insert(full_name.to_owned(), at) {
            None => Ok(()),
            Some(_) => Err(self.error(format!("{full_name} is declared twice"))),
        }
    }

    fn enumeration(
        &mut self,
        proto: &EnumDescriptorProto,
        scope: &str,
        features: Features,
    ) -> Result<(), DescriptorError> {
        let name = identifier(proto.name.as_ref(), "an enum's name", &self.file)?;
        let full_name = joined(scope, &name);
        let mut values = Vec::with_capacity(proto.value.len());
        let mut by_number = Vec::with_capacity(proto.value.len());
        let mut by_name = HashMap::new();
        for (place, value) in proto.value.iter().enumerate() {
            let name = identifier(value.name.as_ref(), "an enum value's name", &self.file)?;
            let number = value.number.unwrap_or_default();
            by_number.push((number, place));
            if by_name.insert(name.clone(), place).is_some() {
                return Err(self.error(format!("{full_name} has two values {name}")));
            }
            let json_name = json_name_of_value(value, &self.file)?;
            values.push(ValueParts { name, number, json_name });
        }
        // Stable: the first of several values of one number stays the first.
        by_number.sort_by_key(|(number, _)| *number);
        by_number.dedup_by_key(|(number, _)| *number);
        if values.is_empty() {
            return Err(self.error(format!("enum {full_name} has no values")));
        }
        let is_closed =
            features.overridden(&proto.options.features).enumeration == EnumType::Closed;
        let reserved_names = texts(&proto.reserved_name, "a reserved name", &self.file)?;
        let with_json_name = values.iter().enumerate().filter_map(|(place, value)| {
            value.json_name.as_ref().map(|json_name| (json_name.clone(), place))
        });
        let by_json_name = with_json_name.collect();
        self.declare(&full_name, TypeAt::Enum(self.enums.len()))?;
        self.enums.push(EnumParts {
            name,
            full_name,
            values,
            by_number,
            by_name,
            by_json_name,
            reserved_names,
            is_closed,
        });
        Ok(())
    }

    /// The message without its fields, then what is nested in it. The depth is that of the decoded
    /// descriptor, which the decoder limits.
    fn message(
        &mut self,
        proto: &'a DescriptorProto,
        scope: &str,
        parent: Option<usize>,
        features: Features,
    ) -> Result<(), DescriptorError> {
        let name = identifier(proto.name.as_ref(), "a message's name", &self.file)?;
        let full_name = joined(scope, &name);
        let features = features.overridden(&proto.options.features);
        let place = self.messages.len();
        self.declare(&full_name, TypeAt::Message(place))?;
        let mut extension_ranges = Vec::with_capacity(proto.extension_range.len());
        for range in &proto.extension_range {
            let (start, end) = (range.start.unwrap_or_default(), range.end.unwrap_or_default());
            match (u32::try_from(start), u32::try_from(end)) {
                (Ok(start), Ok(end)) if start < end => extension_ranges.push(start..end),
                _ => {
                    let what = format!("{full_name}: extensions {start} to {end} is no range");
                    return Err(self.error(what));
                }
            }
        }
        let mut oneofs = Vec::with_capacity(proto.oneof_decl.len());
        let mut oneof_names = HashSet::new();
        for oneof in &proto.oneof_decl {
            let name = identifier(oneof.name.as_ref(), "a oneof's name", &self.file)?;
            if !oneof_names.insert(name.clone()) {
                return Err(self.error(format!("{full_name} has two oneofs {name}")));
            }
            oneofs.push(OneofParts { name, fields: Vec::new(), is_synthetic: false });
        }
        self.messages.push(MessageParts {
            name,
            full_name: full_name.clone(),
            parent,
            fields: Vec::new(),
            oneofs,
            by_number: HashMap::new(),
            by_name: HashMap::new(),
            by_json_name: HashMap::new(),
            openings: Vec::new(),
            extension_ranges,
            reserved_names: texts(&proto.reserved_name, "a reserved name", &self.file)?,
            is_map_entry: proto.options.map_entry.unwrap_or_default(),
            is_message_set: proto.options.message_set_wire_format.unwrap_or_default(),
        });
        self.sources.push(Source { proto, features });
        for enumeration in &proto.enum_type {
            self.enumeration(enumeration, &full_name, features)?;
        }
        for nested in &proto.nested_type {
            self.message(nested, &full_name, Some(place), features)?;
        }
        Ok(())
    }

    /// The fields of all messages.
    fn fields(&mut self) -> Result<(), DescriptorError> {
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
        let name = identifier(proto.name.as_ref(), "a field's name", &self.file)?;
        let fault = |what: String| self.error(format!("{} {what}", joined(scope, &name)));
        let number = proto.number.unwrap_or_default();
        let number = u32::try_from(number)
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| fault(format!("has the number {number}, which no field may have")))?;
        let features = features.of_field(proto);
        let type_name = optional_text(proto.type_name.as_ref(), "a type's name", &self.file)?;
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
            Some(name) => text(Some(name), "a name in JSON", &self.file)?,
            None => json_name(&name),
        };
        let is_packable = !matches!(
            kind,
            FieldKind::String | FieldKind::Bytes | FieldKind::Message | FieldKind::Group
        );
        Ok(FieldParts {
            full_name: String::new(),
            json_key: json_key(&json_name),
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

    fn service(
        &self,
        proto: &ServiceDescriptorProto,
        scope: &str,
    ) -> Result<ServiceParts, DescriptorError> {
        let name = identifier(proto.name.as_ref(), "a service's name", &self.file)?;
        let mut methods = Vec::with_capacity(proto.method.len());
        for method in &proto.method {
            methods.push(MethodParts {
                name: identifier(method.name.as_ref(), "a method's name", &self.file)?,
                input: self.message_type(method.input_type.as_ref())?,
                output: self.message_type(method.output_type.as_ref())?,
                client_streaming: method.client_streaming(),
                server_streaming: method.server_streaming(),
            });
        }
        Ok(ServiceParts { full_name: joined(scope, &name), name, methods })
    }

    fn message_type(&self, name: Option<&ByteString>) -> Result<TypePlace, DescriptorError> {
        let name = text(name, "a message type", &self.file)?;
        match self.find(&name)? {
            (file, TypeAt::Message(place)) => Ok(TypePlace { file, place }),
            (_, TypeAt::Enum(_)) => Err(self.error(format!("{name} is no message"))),
        }
    }

    /// The file and the place of a type, by its name with a leading dot.
    pub(super) fn find(&self, name: &str) -> Result<(Option<usize>, TypeAt), DescriptorError> {
        let bare = name.strip_prefix('.').unwrap_or(name);
        if let Some(at) = self.types.get(bare) {
            return Ok((None, *at));
        }
        let in_used = |(place, file): (usize, &FileDescriptor)| {
            file.parts.types.get(bare).map(|at| (Some(place), *at))
        };
        let found = self.used.iter().enumerate().find_map(in_used);
        found.ok_or_else(|| self.error(format!("{name} is declared neither here nor in an import")))
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

    pub(super) fn message_parts(&self, at: TypePlace) -> &MessageParts {
        match at.file {
            None => &self.messages[at.place],
            Some(used) => &self.used[used].parts.messages[at.place],
        }
    }

    fn enum_parts(&self, file: Option<usize>, place: usize) -> &EnumParts {
        match file {
            None => &self.enums[place],
            Some(used) => &self.used[used].parts.enums[place],
        }
    }
}

impl Source<'_> {
    fn is_map_entry(&self) -> bool {
        self.proto.options.map_entry.unwrap_or_default()
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
