//! Files.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, OnceLock};

use super::enumeration::EnumParts;
use super::field::FieldParts;
use super::known_extensions::KnownExtensions;
use super::message::MessageParts;
use super::service::ServiceParts;
use super::{
    EnumDescriptor, FieldDescriptor, MessageDescriptor, ServiceDescriptor, TypeAt, TypePlace,
};
use crate::message::Message as _;
use crate::message::well_known::{Edition, FileDescriptorProto};

/// A .proto file. Cloning it costs a counter.
#[derive(Clone)]
pub struct FileDescriptor {
    pub(super) parts: Arc<FileParts>,
}

/// What a file declares.
pub(super) struct FileParts {
    pub(super) name: String,
    pub(super) package: String,
    pub(super) edition: Edition,
    /// The encoded `FileDescriptorProto`.
    pub(super) bytes: Cow<'static, [u8]>,
    /// The files whose types this one uses, and its imports.
    pub(super) used: Vec<FileDescriptor>,
    /// Nested messages follow the one that holds them.
    pub(super) messages: Vec<MessageParts>,
    /// Those of the file, then those of its messages in their order.
    pub(super) enums: Vec<EnumParts>,
    /// Those of the file, then those of its messages in their order.
    pub(super) extensions: Vec<FieldParts>,
    pub(super) services: Vec<ServiceParts>,
    /// All messages and enums by their full names.
    pub(super) types: HashMap<String, TypeAt>,
    /// Made when somebody asks.
    pub(super) known_extensions: OnceLock<KnownExtensions>,
}

impl FileDescriptor {
    /// The path by which others import it, such as `google/protobuf/any.proto`.
    pub fn name(&self) -> &str {
        &self.parts.name
    }

    /// The package; empty if the file names none.
    pub fn package(&self) -> &str {
        &self.parts.package
    }

    /// The edition; `EDITION_PROTO2` or `EDITION_PROTO3` for files that say `syntax`.
    pub fn edition(&self) -> Edition {
        self.parts.edition
    }

    /// The encoded `FileDescriptorProto`.
    pub fn bytes(&self) -> &[u8] {
        &self.parts.bytes
    }

    /// The `FileDescriptorProto`, options included.
    pub fn to_proto(&self) -> FileDescriptorProto {
        FileDescriptorProto::decode(&self.parts.bytes).expect("it was decoded when it was built")
    }

    /// The files whose types this one uses, and those that it imports as far as they are known.
    pub fn dependencies(&self) -> &[Self] {
        &self.parts.used
    }

    /// All messages, nested ones behind the one that holds them, map entries included.
    pub fn messages(&self) -> impl ExactSizeIterator<Item = MessageDescriptor<'_>> {
        (0..self.parts.messages.len()).map(|place| self.message(place))
    }

    /// All enums: those of the file, then those of its messages.
    pub fn enums(&self) -> impl ExactSizeIterator<Item = EnumDescriptor<'_>> {
        (0..self.parts.enums.len()).map(|place| self.enumeration(place))
    }

    /// All extensions that the file declares: its own, then those in its messages.
    pub fn extensions(&self) -> impl ExactSizeIterator<Item = FieldDescriptor<'_>> {
        (0..self.parts.extensions.len()).map(|place| FieldDescriptor::extension(self, place))
    }

    /// The services in their order.
    pub fn services(&self) -> impl ExactSizeIterator<Item = ServiceDescriptor<'_>> {
        (0..self.parts.services.len()).map(|place| ServiceDescriptor { file: self, place })
    }

    /// The message of this full name, such as `google.protobuf.Any`, if this file declares it.
    pub fn message_by_name(&self, full_name: &str) -> Option<MessageDescriptor<'_>> {
        match self.parts.types.get(full_name) {
            Some(TypeAt::Message(place)) => Some(self.message(*place)),
            _ => None,
        }
    }

    /// The enum of this full name, if this file declares it.
    pub fn enum_by_name(&self, full_name: &str) -> Option<EnumDescriptor<'_>> {
        match self.parts.types.get(full_name) {
            Some(TypeAt::Enum(place)) => Some(self.enumeration(*place)),
            _ => None,
        }
    }

    /// The message at this place of [`FileDescriptor::messages`].
    pub(crate) fn message(&self, place: usize) -> MessageDescriptor<'_> {
        assert!(place < self.parts.messages.len(), "{} has no message {place}", self.name());
        MessageDescriptor { file: self, place }
    }

    /// The enum at this place of [`FileDescriptor::enums`].
    pub(crate) fn enumeration(&self, place: usize) -> EnumDescriptor<'_> {
        assert!(place < self.parts.enums.len(), "{} has no enum {place}", self.name());
        EnumDescriptor { file: self, place }
    }

    pub(super) fn message_at(&self, at: TypePlace) -> MessageDescriptor<'_> {
        self.file_at(at).message(at.place)
    }

    pub(super) fn enumeration_at(&self, at: TypePlace) -> EnumDescriptor<'_> {
        self.file_at(at).enumeration(at.place)
    }

    fn file_at(&self, at: TypePlace) -> &Self {
        at.file.map_or(self, |used| &self.parts.used[used])
    }

    /// What all clones of this file share.
    pub(in crate::message::reflect) fn identity(&self) -> &impl Sized {
        &*self.parts
    }

    /// Whether both are the same, not merely equal.
    pub(in crate::message::reflect) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.parts, &other.parts)
    }
}

impl Debug for FileDescriptor {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileDescriptor({})", self.name())
    }
}
