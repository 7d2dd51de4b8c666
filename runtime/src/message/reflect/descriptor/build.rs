//! From a `FileDescriptorProto` to a linked [`FileDescriptor`].
//!
//! The bytes may come from a peer: everything that handles rely on is checked here, and what is
//! wrong is a [`DescriptorError`]. Two passes: names and places of all types first, then the fields,
//! which refer to them.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::{self, Display, Formatter};
use std::sync::{Arc, OnceLock};

use super::enumeration::{EnumParts, ValueParts};
use super::features::{Features, edition_of, edition_words};
use super::file::{FileDescriptor, FileParts};
use super::message::{MessageParts, OneofParts};
use super::names::{identifier, joined, json_name_of_value, package, text, texts};
use super::service::{MethodParts, ServiceParts};
use super::{TypeAt, TypePlace};
use crate::message::error::shortened;
use crate::message::well_known::feature_set::EnumType;
use crate::message::well_known::{
    DescriptorProto, EnumDescriptorProto, FileDescriptorProto, ServiceDescriptorProto,
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
            let what = "expected proto2, proto3 or an edition from 2023 to 2026";
            DescriptorError::new(&name, format!("{what}, got {}", edition_words(&proto)))
        })?;
        let package = package(proto.package.as_ref(), &name)?;
        let features = Features::defaults(edition).overridden(&proto.options.features);
        let mut builder = Builder {
            file: name,
            imports: &proto.dependency,
            messages: Vec::new(),
            enums: Vec::new(),
            types: HashMap::new(),
            sources: Vec::new(),
            used,
            index: None,
        };
        for enumeration in &proto.enum_type {
            builder.enumeration(enumeration, &package, features)?;
        }
        for message in &proto.message_type {
            builder.message(message, &package, None, features)?;
        }
        builder.index_used(&proto);
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
            known_extensions: OnceLock::new(),
        };
        Ok(Self { parts: Arc::new(parts) })
    }
}

pub(super) struct Builder<'a> {
    file: String,
    imports: &'a [ByteString],
    pub(super) messages: Vec<MessageParts>,
    enums: Vec<EnumParts>,
    /// By full name, without a leading dot.
    pub(super) types: HashMap<String, TypeAt>,
    /// Of each message.
    pub(super) sources: Vec<Source<'a>>,
    used: Vec<FileDescriptor>,
    /// The types of all used files, where asking each file for each name costs more.
    index: Option<HashMap<String, (usize, TypeAt)>>,
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

    /// Makes the index if that takes less than doing without: a file of many fields that imports many
    /// others may come from a peer.
    fn index_used(&mut self, proto: &FileDescriptorProto) {
        let fields = self.sources.iter().map(|of| of.proto.field.len() + of.proto.extension.len());
        let methods = proto.service.iter().map(|service| 2 * service.method.len());
        let names: usize = fields.chain(methods).chain([proto.extension.len()]).sum();
        let types: usize = self.used.iter().map(|file| file.parts.types.len()).sum();
        if names.saturating_mul(self.used.len()) <= types.saturating_mul(INDEXED_COST) {
            return;
        }
        let mut index = HashMap::with_capacity(types);
        for (place, file) in self.used.iter().enumerate() {
            for (name, at) in &file.parts.types {
                // The first file that has a name is asked first.
                index.entry(name.clone()).or_insert((place, *at));
            }
        }
        self.index = Some(index);
    }

    /// The file and the place of a type, by its name with a leading dot.
    pub(super) fn find(&self, name: &str) -> Result<(Option<usize>, TypeAt), DescriptorError> {
        let bare = name.strip_prefix('.').unwrap_or(name);
        if let Some(at) = self.types.get(bare) {
            return Ok((None, *at));
        }
        let in_used = |(place, file): (usize, &FileDescriptor)| {
            file.parts.types.get(bare).map(|at| (place, *at))
        };
        let found = match &self.index {
            Some(index) => index.get(bare).copied(),
            None => self.used.iter().enumerate().find_map(in_used),
        };
        let found = found.map(|(place, at)| (Some(place), at));
        found.ok_or_else(|| self.error(self.undeclared(name)))
    }

    #[cold]
    fn undeclared(&self, name: &str) -> String {
        let used: HashSet<&[u8]> = self.used.iter().map(|file| file.name().as_bytes()).collect();
        let mut text = format!("{name} is declared neither here nor in an import");
        // Of so few that the one looked for is likely among them; a peer may have named any number.
        let missing = self.imports.iter().filter(|import| !used.contains(import.as_bytes()));
        for (index, import) in missing.take(MISSING_NAMED_MAX).enumerate() {
            text.push_str(if index == 0 { "; not given: " } else { ", " });
            let import = String::from_utf8_lossy(import.as_bytes());
            text.extend(shortened(&import, MISSING_SHOWN_MAX).escape_debug());
        }
        text
    }

    pub(super) fn message_parts(&self, at: TypePlace) -> &MessageParts {
        match at.file {
            None => &self.messages[at.place],
            Some(used) => &self.used[used].parts.messages[at.place],
        }
    }

    pub(super) fn enum_parts(&self, file: Option<usize>, place: usize) -> &EnumParts {
        match file {
            None => &self.enums[place],
            Some(used) => &self.used[used].parts.enums[place],
        }
    }
}

impl Source<'_> {
    pub(super) fn is_map_entry(&self) -> bool {
        self.proto.options.map_entry.unwrap_or_default()
    }
}

/// Imports that an error names, and how many letters of each.
const MISSING_NAMED_MAX: usize = 4;
const MISSING_SHOWN_MAX: usize = 200;

/// What putting a name into the index costs, in look-ups.
const INDEXED_COST: usize = 8;
