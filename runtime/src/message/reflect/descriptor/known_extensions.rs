//! The extensions that a file knows: its own and those of all files that it uses.
//!
//! Unknown fields ask for them, as many of them as a peer sends; so they are looked for once.
//! Invariant: of several of one number or name, the first one counts.

use std::collections::{HashMap, HashSet};
use std::ptr;

use super::field::FieldDescriptor;
use super::file::FileDescriptor;

/// The extensions of a file and of those that it uses, by number and by name.
#[derive(Default)]
pub(super) struct KnownExtensions {
    by_number: HashMap<u32, Vec<Declared>>,
    by_name: HashMap<String, Declared>,
}

/// An extension: the file that declares it, and its place there. `None`: the file that is asked,
/// which cannot hold itself.
#[derive(Clone)]
struct Declared {
    file: Option<FileDescriptor>,
    place: usize,
}

impl KnownExtensions {
    fn of(asked: &FileDescriptor) -> Self {
        let mut known = Self::default();
        for file in asked.known_files() {
            for (place, extension) in file.extensions().enumerate() {
                let declared = Declared { file: (!file.is(asked)).then(|| file.clone()), place };
                known.by_number.entry(extension.number()).or_default().push(declared.clone());
                known.by_name.entry(extension.full_name()).or_insert(declared);
            }
        }
        known
    }
}

impl FileDescriptor {
    /// This file and all that it uses, each once.
    pub(in crate::message) fn known_files(&self) -> Vec<&Self> {
        let (mut known, mut seen) = (Vec::new(), HashSet::new());
        let mut open = vec![self];
        while let Some(file) = open.pop() {
            if seen.insert(ptr::from_ref(file.identity()).addr()) {
                known.push(file);
                open.extend(file.dependencies());
            }
        }
        known
    }

    /// The extension of this full name, if this file or one that it uses declares it.
    pub(in crate::message) fn known_extension(
        &self,
        full_name: &str,
    ) -> Option<FieldDescriptor<'_>> {
        self.known_extensions().by_name.get(full_name).map(|declared| self.declared(declared))
    }

    /// The extension of the message by its number, if this file or one that it uses declares it.
    pub(in crate::message) fn known_extension_of(
        &self,
        message: &str,
        number: u32,
    ) -> Option<FieldDescriptor<'_>> {
        let of_number = self.known_extensions().by_number.get(&number)?;
        let mut extensions = of_number.iter().map(|declared| self.declared(declared));
        extensions.find(|extension| extension.containing_message().full_name() == message)
    }

    fn known_extensions(&self) -> &KnownExtensions {
        self.parts.known_extensions.get_or_init(|| KnownExtensions::of(self))
    }

    fn declared<'a>(&'a self, declared: &'a Declared) -> FieldDescriptor<'a> {
        FieldDescriptor::extension(declared.file.as_ref().unwrap_or(self), declared.place)
    }
}
