//! Links the files of a request: every type by its full name, with the Rust path it has.
//!
//! All files are linked, those of proto2 and editions too: whether a file can be generated is asked
//! elsewhere. Names are words that protoc's own lexer would take, so that what follows can build
//! identifiers from them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use super::names::{self, FileNames, TypeName, identifier, relative_path};
use crate::options::{Options, lies_in};
use crate::user_error::UserError;

/// The files and types of a request.
pub(crate) struct Index<'a> {
    files: BTreeMap<&'a str, &'a FileDescriptorProto>,
    /// By full name, without the leading dot.
    types: HashMap<String, Linked<'a>>,
    names: HashMap<&'a str, FileNames>,
    options: &'a Options,
}

/// A message or an enum and where it stands.
#[derive(Clone, Copy)]
pub(crate) struct Linked<'a> {
    pub(crate) file: &'a FileDescriptorProto,
    pub(crate) descriptor: Descriptor<'a>,
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
        let mut index = Self { files, types: HashMap::new(), names: HashMap::new(), options };
        let all: Vec<_> = index.files.values().copied().collect();
        for &file in &all {
            check_words(file)?;
            let types = Types { file, scope: file.package().to_owned() };
            types.link(&file.message_type, &file.enum_type, &mut index.types);
        }
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
        self.options.extern_paths.iter().any(|path| lies_in(&format!(".{full}"), &path.proto))
    }

    /// The Rust path of a linked type, as seen from `modules` in a file of `package`; `None` where
    /// the reference leaves the generated code and nobody said where to.
    pub(crate) fn path(&self, full: &str, package: &str, modules: &[String]) -> String {
        let name = self.type_name(full);
        let dotted = format!(".{full}");
        let paths = self.options.extern_paths.iter();
        let longest =
            paths.filter(|path| lies_in(&dotted, &path.proto)).max_by_key(|path| path.proto.len());
        if let Some(path) = longest {
            return extern_path(&path.proto, &path.rust, full, name, self.types[full].file);
        }
        if self.is_well_known(full, package) {
            let rust = format!("{}::well_known", self.options.runtime);
            let file = self.types[full].file;
            return extern_path(".google.protobuf", &rust, full, name, file);
        }
        relative_path(modules, &name.modules, &name.name)
    }

    /// Whether a reference from `package` means the runtime's own well-known type. Within their own
    /// package they refer to each other as any types do: that is how the runtime gets them.
    pub(crate) fn is_well_known(&self, full: &str, package: &str) -> bool {
        package != WELL_KNOWN_PACKAGE && WELL_KNOWN_FILES.contains(&self.types[full].file.name())
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

/// The path of a type that lies in `proto`, which is found at `rust`.
fn extern_path(
    proto: &str,
    rust: &str,
    full: &str,
    name: &TypeName,
    file: &FileDescriptorProto,
) -> String {
    let segments = proto.split('.').filter(|segment| !segment.is_empty()).count();
    let package = file.package().split('.').filter(|segment| !segment.is_empty()).count();
    let (start, modules) = if proto[1..] == *full {
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

/// The types below one protobuf name.
struct Types<'a> {
    file: &'a FileDescriptorProto,
    scope: String,
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
            types.insert(self.inner(enumeration.name()), Linked { file: self.file, descriptor });
        }
        for message in messages {
            let full = self.inner(message.name());
            let descriptor = Descriptor::Message(message);
            types.insert(full.clone(), Linked { file: self.file, descriptor });
            let inside = Self { file: self.file, scope: full };
            inside.link(&message.nested_type, &message.enum_type, types);
        }
    }

    fn inner(&self, name: &str) -> String {
        if self.scope.is_empty() { name.to_owned() } else { format!("{}.{name}", self.scope) }
    }
}

/// Refuses names that protoc would never let through: they could not become identifiers.
fn check_words(file: &FileDescriptorProto) -> Result<(), UserError> {
    let check = |name: &str| {
        if names::is_word(name) {
            return Ok(());
        }
        Err(UserError::at(file.name(), None, format!("expected a protobuf name, got \"{name}\"")))
    };
    file.package().split('.').filter(|_| !file.package().is_empty()).try_for_each(check)?;
    let mut open: Vec<&DescriptorProto> = file.message_type.iter().collect();
    let mut enums: Vec<&EnumDescriptorProto> = file.enum_type.iter().collect();
    while let Some(message) = open.pop() {
        check(message.name())?;
        message.field.iter().try_for_each(|field| check(field.name()))?;
        message.oneof_decl.iter().try_for_each(|oneof| check(oneof.name()))?;
        open.extend(&message.nested_type);
        enums.extend(&message.enum_type);
    }
    for enumeration in enums {
        check(enumeration.name())?;
        enumeration.value.iter().try_for_each(|value| check(value.name()))?;
    }
    for service in &file.service {
        check(service.name())?;
        service.method.iter().try_for_each(|method| check(method.name()))?;
    }
    Ok(())
}

const WELL_KNOWN_PACKAGE: &str = "google.protobuf";

/// The files whose types stand in the runtime's `well_known`.
const WELL_KNOWN_FILES: [&str; 10] = [
    "google/protobuf/any.proto",
    "google/protobuf/api.proto",
    "google/protobuf/duration.proto",
    "google/protobuf/empty.proto",
    "google/protobuf/field_mask.proto",
    "google/protobuf/source_context.proto",
    "google/protobuf/struct.proto",
    "google/protobuf/timestamp.proto",
    "google/protobuf/type.proto",
    "google/protobuf/wrappers.proto",
];
