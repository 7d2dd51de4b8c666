//! Decides what generated code says for reflection: the file's descriptor, and where in it each
//! type stands.

use std::collections::{BTreeMap, HashMap};

use protobuf::descriptor::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};

use super::model::{FileDescriptor, Reflection};
use super::names::relative_path;
use super::{FileBuilder, inner};
use crate::options::Messages;

/// The place of each message of a file: nested messages follow the one that holds them, the entries
/// of maps count.
pub(super) fn places(file: &FileDescriptorProto) -> HashMap<String, usize> {
    let mut places = HashMap::new();
    for message in &file.message_type {
        place(message, &inner(file.package(), message.name()), &mut places);
    }
    places
}

fn place(message: &DescriptorProto, full: &str, places: &mut HashMap<String, usize>) {
    places.insert(full.to_owned(), places.len());
    for nested in &message.nested_type {
        place(nested, &inner(full, nested.name()), places);
    }
}

impl FileBuilder<'_> {
    /// The descriptor that the file embeds.
    pub(super) fn descriptor(&self) -> Option<FileDescriptor> {
        // Where the types are, there is the descriptor.
        let wanted = self.options.descriptor && self.options.messages == Messages::Own;
        let bytes = self.raw.file(self.file.name()).filter(|_| wanted)?;
        let dependencies = self.dependencies();
        Some(FileDescriptor {
            name: self.index.names(self.file).descriptor.clone(),
            bytes: bytes.to_vec(),
            uses_deprecated: dependencies.iter().any(|name| self.is_deprecated(name)),
            dependencies: dependencies
                .iter()
                .map(|name| self.index.path(&name[1..], self.file, &self.modules))
                .collect(),
        })
    }

    /// What a type in `modules` says of itself.
    pub(super) fn reflection(&self, full: &str, modules: &[String]) -> Option<Reflection> {
        let name = &self.index.names(self.file).descriptor;
        let place = self.places.get(full).copied().unwrap_or_default();
        self.options.descriptor.then(|| Reflection {
            file: relative_path(modules, &self.modules, name),
            place,
            formats: self.options.formats(),
        })
    }

    /// For every other file whose types this one uses the name of one of them, with its dot.
    fn dependencies(&self) -> Vec<&str> {
        let mut open: Vec<&DescriptorProto> = self.file.message_type.iter().collect();
        let mut names: Vec<&str> = self.file.extension.iter().flat_map(names_of).collect();
        while let Some(message) = open.pop() {
            open.extend(&message.nested_type);
            names.extend(message.field.iter().chain(&message.extension).flat_map(names_of));
        }
        for method in self.file.service.iter().flat_map(|service| &service.method) {
            names.extend([method.input_type(), method.output_type()]);
        }
        names.sort_unstable();
        let mut used = BTreeMap::new();
        for name in names {
            if let Some(linked) = self.index.linked(name)
                && linked.file.name() != self.file.name()
            {
                used.entry(linked.file.name()).or_insert(name);
            }
        }
        used.into_values().collect()
    }
}

/// The types that a field names.
fn names_of(field: &FieldDescriptorProto) -> impl Iterator<Item = &str> {
    [field.type_name(), field.extendee()].into_iter().filter(|name| !name.is_empty())
}
