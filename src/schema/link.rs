//! Links the files of a request: every type by its full name, with the Rust path it has.
//!
//! All files are linked, those of proto2 and editions too: whether a file can be generated is asked
//! elsewhere. Names are words that protoc's own lexer would take, so that what follows can build
//! identifiers from them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use super::boxes::Boxes;
use super::features::{Features, FeaturesOf};
use super::holders;
use super::names::{self, FileNames, TypeName, identifier, relative_path};
use super::source::{
    ENUM_VALUE, FILE_ENUM, FILE_EXTENSION, FILE_MESSAGE, FILE_PACKAGE, FILE_SERVICE, MESSAGE_ENUM,
    MESSAGE_EXTENSION, MESSAGE_FIELD, MESSAGE_NESTED, MESSAGE_ONEOF, Path, SERVICE_METHOD, Source,
};
use crate::options::{ExternPath, Options, lies_in};
use crate::user_error::UserError;

/// The files and types of a request.
pub(crate) struct Index<'a> {
    files: BTreeMap<&'a str, &'a FileDescriptorProto>,
    /// By full name, without the leading dot.
    types: HashMap<String, Linked<'a>>,
    names: HashMap<&'a str, FileNames>,
    /// The messages that have required fields, or can hold a message that has.
    required: HashSet<String>,
    /// Those that have fields which share a buffer, or can hold a message that has.
    shared_bytes: HashSet<String>,
    boxes: Boxes,
    options: &'a Options,
}

/// A message or an enum and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Linked<'a> {
    pub(crate) file: &'a FileDescriptorProto,
    pub(crate) descriptor: Descriptor<'a>,
    /// The features that what stands in the type inherits.
    pub(crate) features: Features,
}

/// What a type is.
#[derive(Clone, Copy)]
pub(crate) enum Descriptor<'a> {
    Message(&'a DescriptorProto),
    Enum(&'a EnumDescriptorProto),
}

impl<'a> Index<'a> {
    /// Links `files`, whatever their order.
    pub(crate) fn new(
        files: &'a [FileDescriptorProto],
        options: &'a Options,
    ) -> Result<Self, UserError> {
        let files: BTreeMap<_, _> = files.iter().map(|file| (file.name(), file)).collect();
        let mut index = Self {
            files,
            types: HashMap::new(),
            names: HashMap::new(),
            required: HashSet::new(),
            shared_bytes: HashSet::new(),
            boxes: Boxes::default(),
            options,
        };
        let all: Vec<_> = index.files.values().copied().collect();
        for &file in &all {
            check_words(file)?;
            let features = Features::of_file(file);
            let types = Types { file, scope: file.package().to_owned(), features };
            types.link(&file.message_type, &file.enum_type, &mut index.types);
        }
        index.required = holders::reaching(&index.types, holders::has_required);
        index.shared_bytes = holders::reaching(&index.types, |full, _, message| {
            holders::has_shared_bytes(full, message, options)
        });
        index.boxes = Boxes::new(&index.types);
        for file in all {
            index.give_names(file, &mut BTreeSet::new())?;
        }
        Ok(index)
    }

    /// The file of this name.
    pub(crate) fn file(&self, name: &str) -> Option<&'a FileDescriptorProto> {
        self.files.get(name).copied()
    }

    /// The type that a descriptor names, with its leading dot.
    pub(crate) fn linked(&self, name: &str) -> Option<Linked<'a>> {
        self.types.get(name.strip_prefix('.')?).copied()
    }

    /// Whether the message of this full name has required fields, or can hold one that has.
    pub(crate) fn reaches_required(&self, full: &str) -> bool {
        self.required.contains(full)
    }

    /// Whether the message of this full name has fields that share a buffer, or can hold one that
    /// has.
    pub(crate) fn reaches_shared_bytes(&self, full: &str) -> bool {
        self.shared_bytes.contains(full)
    }

    /// Which message fields need a box.
    pub(crate) fn boxes(&self) -> &Boxes {
        &self.boxes
    }

    /// The names in `file`, which is one of the index.
    pub(crate) fn names(&self, file: &FileDescriptorProto) -> &FileNames {
        &self.names[file.name()]
    }

    /// The name of a type that was linked, without the leading dot.
    pub(crate) fn type_name(&self, full: &str) -> &TypeName {
        &self.names(self.types[full].file).types[full]
    }

    /// Whether the user says that the type exists elsewhere: then it is not generated.
    pub(crate) fn is_extern(&self, full: &str) -> bool {
        let dotted = format!(".{full}");
        self.options.extern_paths.iter().any(|path| lies_in(&dotted, &path.proto))
    }

    /// The Rust path of a linked type, as seen from `modules` in the file `from`.
    pub(crate) fn path(
        &self,
        full: &str,
        from: &FileDescriptorProto,
        modules: &[String],
    ) -> String {
        let dotted = format!(".{full}");
        let paths = self.options.extern_paths.iter();
        let longest =
            paths.filter(|path| lies_in(&dotted, &path.proto)).max_by_key(|path| path.proto.len());
        let is_well_known = self.is_well_known(full, from);
        // The path of everything is not that of the runtime's own types.
        if let Some(path) = longest.filter(|path| !is_well_known || path.proto != ".") {
            return self.extern_path(path, full);
        }
        if is_well_known {
            let rust = format!("{}::well_known", self.options.runtime);
            return self
                .extern_path(&ExternPath { proto: WELL_KNOWN_PACKAGE.to_owned(), rust }, full);
        }
        let name = self.type_name(full);
        relative_path(modules, &name.modules, &name.name)
    }

    /// The path of a type that lies in what `path` says is elsewhere.
    fn extern_path(&self, path: &ExternPath, full: &str) -> String {
        let (name, file) = (self.type_name(full), self.types[full].file);
        let segments = path.proto.split('.').filter(|segment| !segment.is_empty()).count();
        let package = file.package().split('.').filter(|segment| !segment.is_empty()).count();
        let rust = path.rust.as_str();
        let (start, modules) = if path.proto[1..] == *full {
            return rust.to_owned();
        } else if segments <= package {
            (rust, &name.modules[segments..])
        } else {
            // A message that holds the type: its module stands beside it.
            let beside = rust.rsplit_once("::").map_or("", |(beside, _)| beside);
            (beside, &name.modules[segments - 1..])
        };
        let rest = modules.iter().map(String::as_str).chain([name.name.as_str()]).map(identifier);
        [start.to_owned()].into_iter().chain(rest).collect::<Vec<_>>().join("::")
    }

    /// Whether a reference in `from` means the runtime's own well-known type. Among themselves they
    /// refer to each other as any types do: that is how the runtime gets them.
    pub(crate) fn is_well_known(&self, full: &str, from: &FileDescriptorProto) -> bool {
        !is_well_known_file(from.name()) && is_well_known_file(self.types[full].file.name())
    }

    /// Names a file after its imports, each once.
    fn give_names(
        &mut self,
        file: &'a FileDescriptorProto,
        above: &mut BTreeSet<&'a str>,
    ) -> Result<(), UserError> {
        if self.names.contains_key(file.name()) {
            return Ok(());
        }
        if !above.insert(file.name()) {
            return Err(UserError::at(file.name(), None, "imports itself"));
        }
        for import in &file.dependency {
            if let Some(import) = self.file(import) {
                self.give_names(import, above)?;
            }
        }
        above.remove(file.name());
        let imports = self.imports(file);
        let imports = imports.iter().map(|&name| (self.files[name], &self.names[name]));
        let names = names::file_names(file, imports);
        self.names.insert(file.name(), names);
        Ok(())
    }

    /// Every file that `file` imports, directly or not, by name.
    pub(crate) fn imports(&self, file: &'a FileDescriptorProto) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        let mut open = vec![file];
        while let Some(file) = open.pop() {
            for import in file.dependency.iter().filter_map(|name| self.file(name)) {
                if found.insert(import.name()) {
                    open.push(import);
                }
            }
        }
        found
    }
}

/// Whether the types of the file of this name stand in the runtime's `well_known`.
pub(super) fn is_well_known_file(name: &str) -> bool {
    WELL_KNOWN_FILES.contains(&name)
}

/// The types below one protobuf name.
struct Types<'a> {
    file: &'a FileDescriptorProto,
    scope: String,
    features: Features,
}

impl<'a> Types<'a> {
    fn link(
        &self,
        messages: &'a [DescriptorProto],
        enums: &'a [EnumDescriptorProto],
        types: &mut HashMap<String, Linked<'a>>,
    ) {
        for enumeration in enums {
            let descriptor = Descriptor::Enum(enumeration);
            let unknown = enumeration.options.special_fields.unknown_fields();
            let features = self.features.overridden(FeaturesOf::Enum, unknown);
            let linked = Linked { file: self.file, descriptor, features };
            types.insert(self.inner(enumeration.name()), linked);
        }
        for message in messages {
            let full = self.inner(message.name());
            let descriptor = Descriptor::Message(message);
            let unknown = message.options.special_fields.unknown_fields();
            let features = self.features.overridden(FeaturesOf::Message, unknown);
            types.insert(full.clone(), Linked { file: self.file, descriptor, features });
            let inside = Self { file: self.file, scope: full, features };
            inside.link(&message.nested_type, &message.enum_type, types);
        }
    }

    fn inner(&self, name: &str) -> String {
        if self.scope.is_empty() { name.to_owned() } else { format!("{}.{name}", self.scope) }
    }
}

/// Refuses names that protoc would never let through: they could not become identifiers.
fn check_words(file: &FileDescriptorProto) -> Result<(), UserError> {
    let check = |name: &str, path: &Path| {
        if names::is_word(name) {
            return Ok(());
        }
        let message = format!("expected a protobuf name, got \"{name}\"");
        Err(Source::new(file, false).fault(path, message))
    };
    let package = Path::plain(FILE_PACKAGE);
    let segments = file.package().split('.').filter(|_| !file.package().is_empty());
    segments.into_iter().try_for_each(|segment| check(segment, &package))?;
    let mut open = Vec::new();
    for (index, message) in file.message_type.iter().enumerate() {
        open.push((message, Path::of(FILE_MESSAGE, index)));
    }
    let mut enums = Vec::new();
    for (index, enumeration) in file.enum_type.iter().enumerate() {
        enums.push((enumeration, Path::of(FILE_ENUM, index)));
    }
    while let Some((message, path)) = open.pop() {
        check(message.name(), &path)?;
        for (index, field) in message.field.iter().enumerate() {
            check(field.name(), &path.item(MESSAGE_FIELD, index))?;
        }
        for (index, extension) in message.extension.iter().enumerate() {
            check(extension.name(), &path.item(MESSAGE_EXTENSION, index))?;
        }
        for (index, oneof) in message.oneof_decl.iter().enumerate() {
            check(oneof.name(), &path.item(MESSAGE_ONEOF, index))?;
        }
        let nested = message.nested_type.iter().enumerate();
        open.extend(nested.map(|(index, nested)| (nested, path.item(MESSAGE_NESTED, index))));
        let nested = message.enum_type.iter().enumerate();
        enums.extend(nested.map(|(index, nested)| (nested, path.item(MESSAGE_ENUM, index))));
    }
    for (enumeration, path) in enums {
        check(enumeration.name(), &path)?;
        for (index, value) in enumeration.value.iter().enumerate() {
            check(value.name(), &path.item(ENUM_VALUE, index))?;
        }
    }
    for (index, extension) in file.extension.iter().enumerate() {
        check(extension.name(), &Path::of(FILE_EXTENSION, index))?;
    }
    for (index, service) in file.service.iter().enumerate() {
        let path = Path::of(FILE_SERVICE, index);
        check(service.name(), &path)?;
        for (index, method) in service.method.iter().enumerate() {
            check(method.name(), &path.item(SERVICE_METHOD, index))?;
        }
    }
    Ok(())
}

/// The package of the files below, with its leading dot.
const WELL_KNOWN_PACKAGE: &str = ".google.protobuf";

/// The files whose types stand in the runtime's `well_known`.
const WELL_KNOWN_FILES: [&str; 11] = [
    "google/protobuf/any.proto",
    "google/protobuf/api.proto",
    "google/protobuf/descriptor.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/source_context.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/type.proto",
    "google/protobuf/wrappers.proto",
];
