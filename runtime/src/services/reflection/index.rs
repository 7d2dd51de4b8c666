//! What reflection answers from: files by their names, and who declares what.
//!
//! The invariant: every file that is given out comes with all files that it names, so that a client
//! can build it. An import of which the server has no file, which generated code has none of where
//! the types are used by nobody, is taken out of what is given out.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::message::well_known::FileDescriptorProto;
use crate::message::{ByteString, FileDescriptor, Message};

/// Everything that a server tells of its files.
#[derive(Default)]
pub(super) struct Index {
    files: BTreeMap<Arc<str>, File>,
    /// Full names, without a leading dot.
    symbols: HashMap<String, Arc<str>>,
    /// By the full name of the message that is extended, then by number.
    extensions: HashMap<String, BTreeMap<i32, Arc<str>>>,
    messages: HashSet<String>,
}

struct File {
    /// The encoded `FileDescriptorProto`.
    bytes: Vec<u8>,
    imports: Vec<String>,
}

impl Index {
    /// The index of `files`, which hold all that they need.
    pub(super) fn new<'f>(files: impl Iterator<Item = &'f FileDescriptor>) -> Self {
        let files: Vec<_> = files.collect();
        let known: HashSet<&str> = files.iter().map(|file| file.name()).collect();
        let mut index = Self::default();
        for file in files {
            index.add(file, &known);
        }
        index
    }

    /// The encoded file of this name, and behind it all that it imports.
    pub(super) fn file(&self, name: &str) -> Option<Vec<Vec<u8>>> {
        let (name, _) = self.files.get_key_value(name)?;
        let mut seen = HashSet::from([&**name]);
        let mut waiting = vec![&**name];
        let mut found = Vec::new();
        while let Some(file) = waiting.pop().and_then(|name| self.files.get(name)) {
            found.push(file.bytes.clone());
            let imports = file.imports.iter().map(String::as_str);
            waiting.extend(imports.filter(|import| seen.insert(import)));
        }
        Some(found)
    }

    /// As [`Index::file`], for the file that declares `symbol`.
    pub(super) fn file_of_symbol(&self, symbol: &str) -> Option<Vec<Vec<u8>>> {
        self.file(self.symbols.get(symbol)?)
    }

    /// As [`Index::file`], for the file that declares an extension.
    pub(super) fn file_of_extension(&self, message: &str, number: i32) -> Option<Vec<Vec<u8>>> {
        self.file(self.extensions.get(message)?.get(&number)?)
    }

    /// The numbers of the extensions of `message`, ascending; `None` if there is no such message.
    pub(super) fn extension_numbers(&self, message: &str) -> Option<Vec<i32>> {
        let numbers = self.extensions.get(message).map(|of| of.keys().copied().collect());
        numbers.or_else(|| self.messages.contains(message).then(Vec::new))
    }

    fn add(&mut self, file: &FileDescriptor, known: &HashSet<&str>) {
        let proto = file.to_proto();
        let imports: Vec<String> = proto.dependency.iter().map(text).collect();
        let (bytes, imports) = match imports.iter().all(|import| known.contains(import.as_str())) {
            true => (file.bytes().to_vec(), imports),
            false => without_unknown(proto, file, known),
        };
        let name: Arc<str> = file.name().into();
        self.files.insert(name.clone(), File { bytes, imports });
        self.declare(&name, file);
    }

    /// Everything that a file declares, with its full name.
    fn declare(&mut self, name: &Arc<str>, file: &FileDescriptor) {
        for message in file.messages() {
            let scope = message.full_name();
            for field in message.fields() {
                self.declare_symbol(name, &join(scope, field.name()));
            }
            for oneof in message.oneofs() {
                self.declare_symbol(name, &join(scope, oneof.name()));
            }
            self.declare_symbol(name, scope);
            self.messages.insert(scope.to_owned());
        }
        for enumeration in file.enums() {
            // The values of an enum stand beside it, not in it.
            let full_name = enumeration.full_name();
            let scope = full_name.rsplit_once('.').map_or("", |(scope, _)| scope);
            for value in enumeration.values() {
                self.declare_symbol(name, &join(scope, value.name()));
            }
            self.declare_symbol(name, full_name);
        }
        for extension in file.extensions() {
            self.declare_symbol(name, &extension.full_name());
            let message = extension.containing_message().full_name().to_owned();
            if let Ok(number) = i32::try_from(extension.number()) {
                self.extensions.entry(message).or_default().insert(number, name.clone());
            }
        }
        for service in file.services() {
            for method in service.methods() {
                self.declare_symbol(name, &join(service.full_name(), method.name()));
            }
            self.declare_symbol(name, service.full_name());
        }
    }

    fn declare_symbol(&mut self, file: &Arc<str>, name: &str) {
        self.symbols.insert(name.to_owned(), file.clone());
    }
}

/// The file and its imports without those of which nobody has a file; what its types come from is
/// named instead.
fn without_unknown(
    mut proto: FileDescriptorProto,
    file: &FileDescriptor,
    known: &HashSet<&str>,
) -> (Vec<u8>, Vec<String>) {
    let mut places = HashMap::new();
    let mut imports = Vec::new();
    for (place, import) in proto.dependency.iter().map(text).enumerate() {
        if known.contains(import.as_str()) {
            places.insert(place, imports.len());
            imports.push(import);
        }
    }
    let moved = |place: &i32| {
        let place = places.get(&usize::try_from(*place).ok()?)?;
        i32::try_from(*place).ok()
    };
    proto.public_dependency = proto.public_dependency.iter().filter_map(moved).collect();
    proto.weak_dependency = proto.weak_dependency.iter().filter_map(moved).collect();
    // A type may have come by a public import of a file that is left out.
    for dependency in file.dependencies() {
        if !imports.iter().any(|import| import == dependency.name()) {
            imports.push(dependency.name().to_owned());
        }
    }
    proto.dependency = imports.iter().map(|import| import.as_str().into()).collect();
    (proto.encode_to_vec(), imports)
}

/// The names of files are UTF-8, as every parser of .proto files has them.
fn text(name: &ByteString) -> String {
    String::from_utf8_lossy(name).into_owned()
}

fn join(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
