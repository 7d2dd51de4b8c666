//! Where types and extensions are looked for: in the pool that the user gives, among the files that
//! a message's own file uses, and among protobuf's own.

use super::descriptor::{FieldDescriptor, FileDescriptor, MessageDescriptor};
use super::pool::DescriptorPool;
use crate::message::GeneratedFile;
use crate::message::well_known;

/// Looks for descriptors by name.
#[derive(Clone, Copy)]
pub(in crate::message) struct Resolver<'a> {
    pool: Option<&'a DescriptorPool>,
    file: &'a FileDescriptor,
}
impl<'a> Resolver<'a> {
    pub(in crate::message) fn new(
        pool: Option<&'a DescriptorPool>,
        file: &'a FileDescriptor,
    ) -> Self {
        Self { pool, file }
    }

    /// The message of this full name.
    pub(in crate::message) fn message(&self, full_name: &str) -> Option<MessageDescriptor<'a>> {
        self.pool
            .and_then(|pool| pool.message(full_name))
            .or_else(|| self.find(|file| file.message_by_name(full_name)))
            .or_else(|| {
                let mut files = WELL_KNOWN.iter().map(|file| file.descriptor());
                files.find_map(|file| file.message_by_name(full_name))
            })
    }

    /// The extension of this full name.
    pub(in crate::message) fn extension(&self, full_name: &str) -> Option<FieldDescriptor<'a>> {
        let in_pool = self.pool.and_then(|pool| pool.extension(full_name));
        in_pool.or_else(|| self.file.known_extension(full_name))
    }

    /// The extension of the message by its number.
    pub(in crate::message) fn extension_of(
        &self,
        message: MessageDescriptor<'_>,
        number: u32,
    ) -> Option<FieldDescriptor<'a>> {
        let in_pool = self.pool.and_then(|pool| pool.extension_of(message.full_name(), number));
        in_pool.or_else(|| self.file.known_extension_of(message.full_name(), number))
    }

    /// Asks every file that the message's own uses, once.
    fn find<T>(&self, find: impl Fn(&'a FileDescriptor) -> Option<T>) -> Option<T> {
        self.file.known_files().into_iter().find_map(find)
    }
}

/// The runtime's own file of this name.
pub(super) fn well_known_file(name: &str) -> Option<&'static FileDescriptor> {
    // Only then are their descriptors built.
    name.strip_prefix("google/protobuf/")?;
    WELL_KNOWN.iter().map(|file| file.descriptor()).find(|file| file.name() == name)
}

#[cfg(test)]
pub(super) fn well_known_names() -> impl Iterator<Item = &'static str> {
    WELL_KNOWN.iter().map(|file| file.descriptor().name())
}

static WELL_KNOWN: [&GeneratedFile; 11] = [
    &well_known::FILE_GOOGLE_PROTOBUF_ANY,
    &well_known::FILE_GOOGLE_PROTOBUF_API,
    &well_known::FILE_GOOGLE_PROTOBUF_DESCRIPTOR,
    &well_known::FILE_GOOGLE_PROTOBUF_DURATION,
    &well_known::FILE_GOOGLE_PROTOBUF_EMPTY,
    &well_known::FILE_GOOGLE_PROTOBUF_FIELD_MASK,
    &well_known::FILE_GOOGLE_PROTOBUF_SOURCE_CONTEXT,
    &well_known::FILE_GOOGLE_PROTOBUF_STRUCT,
    &well_known::FILE_GOOGLE_PROTOBUF_TIMESTAMP,
    &well_known::FILE_GOOGLE_PROTOBUF_TYPE,
    &well_known::FILE_GOOGLE_PROTOBUF_WRAPPERS,
];
