//! Every Rust name, by one rule.
//!
//! **A name that is already taken in its scope gets a `_`, as often as it takes.** A scope is filled
//! in this order:
//!
//! 1. reserved words (`Self`, `i32`, the stub's `new`, a message's `unknown`, …),
//! 2. what the imports of the file hold,
//! 3. what the file declares,
//! 4. what is derived from that: `GreeterStub`, the module of a message, the enum of a oneof.
//!
//! So names depend on the file and its imports alone; adding a field or an rpc renames neither the
//! runtime's names nor those of other files. Other keywords become raw identifiers.

use std::collections::{HashMap, HashSet};

use protobuf::descriptor::{DescriptorProto, EnumDescriptorProto, FileDescriptorProto};

use super::case;
use super::source::{
    FILE_ENUM, FILE_EXTENSION, FILE_MESSAGE, FILE_PACKAGE, FILE_SERVICE, MESSAGE_ENUM,
    MESSAGE_NESTED, Path,
};
pub(crate) use crate::options::is_word;

/// The names that are taken in one Rust scope.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    taken: HashSet<String>,
}

impl Scope {
    /// A scope of fields, functions or members, where `reserved` has its meaning already.
    pub(crate) fn of_values(reserved: &[&str]) -> Self {
        let taken = UNSPEAKABLE.iter().chain(reserved);
        Self { taken: taken.map(|&name| name.to_owned()).collect() }
    }

    /// A scope of types and modules, where the names of the primitive types must keep theirs.
    pub(crate) fn of_types() -> Self {
        Self::of_values(&PRIMITIVES)
    }

    /// Gives `wanted` away, with a `_` for as long as it is taken.
    pub(crate) fn claim(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// Gives names to declared elements in order; those that keep their spelling come first.
    pub(crate) fn claim_all(
        &mut self,
        declared: &[&str],
        convert: fn(&str) -> String,
    ) -> Vec<String> {
        let wanted = declared.iter().map(|&declared| (declared, convert(declared)));
        self.claim_wanted(wanted.collect())
    }

    /// Gives away what is wanted for the declared names in front of it.
    fn claim_wanted(&mut self, wanted: Vec<(&str, String)>) -> Vec<String> {
        let kept: Vec<bool> = wanted.iter().map(|(declared, name)| declared == name).collect();
        let mut names: Vec<String> = wanted.into_iter().map(|(_, name)| name).collect();
        for turn in [true, false] {
            for (name, _) in names.iter_mut().zip(&kept).filter(|(_, kept)| **kept == turn) {
                *name = self.claim(name);
            }
        }
        names
    }

    fn hold(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }
}

/// Where a message or an enum stands in the module tree; identifiers without `r#`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeName {
    /// From the root of the tree.
    pub(crate) modules: Vec<String>,
    pub(crate) name: String,
    /// A message's own module, if something stands in it.
    pub(crate) module: Option<String>,
    /// The enums of a message's oneofs, in order; a synthetic one has a name that nobody prints.
    pub(crate) oneofs: Vec<String>,
    /// The constants of the extensions that a message declares, in order.
    pub(crate) extensions: Vec<String>,
}

/// What a service's items are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServiceName {
    pub(crate) name: String,
    pub(crate) server: String,
    pub(crate) stub: String,
    pub(crate) methods: String,
}

/// Every name that a file puts into its package's module, and those inside.
#[derive(Clone, Debug, Default)]
pub(crate) struct FileNames {
    /// By full protobuf name, without the leading dot.
    pub(crate) types: HashMap<String, TypeName>,
    /// In order of declaration.
    pub(crate) services: Vec<ServiceName>,
    /// The constants of the extensions that the file declares, in order.
    pub(crate) extensions: Vec<String>,
    /// The static that holds the file's descriptor.
    pub(crate) descriptor: String,
    /// What stands in the package's module.
    pub(crate) package_level: Vec<Held>,
}

/// A name in a package's module, and what has it.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) name: String,
    /// In words.
    pub(crate) what: String,
    pub(crate) path: Path,
}

/// Gives the names of `file`; `imports` are all files that it imports, directly or not.
pub(crate) fn file_names<'a>(
    file: &FileDescriptorProto,
    imports: impl Iterator<Item = (&'a FileDescriptorProto, &'a FileNames)>,
) -> FileNames {
    let mut scope = Scope::of_types();
    for (import, names) in imports {
        if let Some(child) = child_module(file.package(), import.package()) {
            scope.hold(&child);
        }
        if import.package() == file.package() {
            names.package_level.iter().for_each(|held| scope.hold(&held.name));
        }
    }
    let services = scope.claim_declared(file);
    let mut names = FileNames { package_level: services.level, ..FileNames::default() };
    let modules = package_modules(file.package());
    let place = Place { full: file.package().to_owned(), modules, path: None };
    let nested = Nested { messages: &file.message_type, enums: &file.enum_type };
    let level = nested.claim_derived(&mut scope, &place, services.types, &mut names.types);
    names.package_level.extend(level);
    let declared = file.service.iter().zip(services.services);
    for (index, (service, name)) in declared.enumerate() {
        let server = scope.claim(&format!("{}Server", service.name()));
        let stub = scope.claim(&format!("{}Stub", service.name()));
        let methods = scope.claim(&format!("{}_METHODS", case::shouty(service.name())));
        for name in [&server, &stub, &methods] {
            let what = format!("\"{name}\" of service {}", place.inner(service.name()));
            let path = Path::of(FILE_SERVICE, index);
            names.package_level.push(Held { name: name.clone(), what, path });
        }
        names.services.push(ServiceName { name, server, stub, methods });
    }
    for (index, extension) in file.extension.iter().enumerate() {
        let name = scope.claim(&constant_name(extension.name()));
        let what = format!("extension {}", place.inner(extension.name()));
        let path = Path::of(FILE_EXTENSION, index);
        names.package_level.push(Held { name: name.clone(), what, path });
        names.extensions.push(name);
    }
    names.descriptor = scope.claim(&descriptor_name(file.name()));
    let what = format!("the descriptor of {}", file.name());
    let held = Held { name: names.descriptor.clone(), what, path: Path::plain(FILE_PACKAGE) };
    names.package_level.push(held);
    names
}

/// The constant of an extension: capitals, or the spelling where that gives no word.
fn constant_name(extension: &str) -> String {
    let shouty = case::shouty(extension);
    if is_word(&shouty) { shouty } else { extension.to_owned() }
}

/// The static of a file's descriptor: `FILE_HELLO_V1_GREETER` for `hello/v1/greeter.proto`.
fn descriptor_name(file: &str) -> String {
    let stem = file.strip_suffix(".proto").unwrap_or(file);
    let word = |letter: char| if letter.is_ascii_alphanumeric() { letter } else { '_' };
    format!("FILE_{}", stem.chars().map(word).collect::<String>().to_ascii_uppercase())
}

/// The modules of a package: its segments as they are.
pub(crate) fn package_modules(package: &str) -> Vec<String> {
    let segments = package.split('.').filter(|segment| !segment.is_empty());
    segments.map(|segment| Scope::of_types().claim(segment)).collect()
}

/// The constants of an enum: without the enum's name and in camel case, unless that leaves two of
/// them alike or one without a name; then the whole enum keeps the prefix, or else its spelling.
pub(crate) fn enum_values(enumeration: &EnumDescriptorProto) -> Vec<String> {
    let values = || enumeration.value.iter().map(|value| value.name());
    let stripped = values()
        .map(|value| case::camel(case::without_prefix(value, enumeration.name()).unwrap_or(value)));
    let whole = values().map(case::camel);
    for names in [stripped.collect::<Vec<_>>(), whole.collect()] {
        let distinct: HashSet<&String> = names.iter().collect();
        if distinct.len() == names.len() && names.iter().all(|name| is_word(name)) {
            let mut scope = Scope::of_values(&[]);
            return names.iter().map(|name| scope.claim(name)).collect();
        }
    }
    Scope::of_values(&[]).claim_all(&values().collect::<Vec<_>>(), str::to_owned)
}

/// The members of a oneof's enum: camel case, or the spelling where that gives no word.
pub(crate) fn member_name(field: &str) -> String {
    let camel = case::camel(field);
    if is_word(&camel) { camel } else { field.to_owned() }
}

/// As an identifier in source text: keywords become raw.
pub(crate) fn identifier(name: &str) -> String {
    if KEYWORDS.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

/// The path of `name` in `modules`, as seen from the module `from`.
pub(crate) fn relative_path(from: &[String], modules: &[String], name: &str) -> String {
    let shared = from.iter().zip(modules).take_while(|(left, right)| left == right).count();
    let up = std::iter::repeat_n("super".to_owned(), from.len() - shared);
    let down = modules[shared..].iter().map(String::as_str).chain([name]).map(identifier);
    up.chain(down).collect::<Vec<_>>().join("::")
}

/// The module that `other` begins with below `package`.
fn child_module(package: &str, other: &str) -> Option<String> {
    let below = match package {
        "" => other,
        _ => other.strip_prefix(package)?.strip_prefix('.')?,
    };
    package_modules(below).into_iter().next()
}

/// What a file declares at the level of its package.
struct Declared {
    types: Vec<String>,
    services: Vec<String>,
    level: Vec<Held>,
}

impl Scope {
    fn claim_declared(&mut self, file: &FileDescriptorProto) -> Declared {
        let place = Place { full: file.package().to_owned(), modules: Vec::new(), path: None };
        let nested = Nested { messages: &file.message_type, enums: &file.enum_type };
        let types = self.claim_wanted(nested.wanted());
        let services: Vec<_> = file.service.iter().map(|service| service.name()).collect();
        let declared = [nested.declared(), services.clone()].concat();
        let services = self.claim_all(&services, str::to_owned);
        let service_paths = (0..file.service.len()).map(|index| Path::of(FILE_SERVICE, index));
        let paths = nested.paths(&place).into_iter().chain(service_paths);
        let names = types.iter().chain(&services).cloned();
        let level = names.zip(declared).zip(paths).map(|((name, declared), path)| Held {
            name,
            what: place.inner(declared),
            path,
        });
        Declared { level: level.collect(), types, services }
    }
}

/// A module and the protobuf name that it belongs to.
struct Place {
    full: String,
    modules: Vec<String>,
    /// Of the message; `None` for the file.
    path: Option<Path>,
}

impl Place {
    fn message_path(&self, index: usize) -> Path {
        match &self.path {
            Some(path) => path.item(MESSAGE_NESTED, index),
            None => Path::of(FILE_MESSAGE, index),
        }
    }

    fn enum_path(&self, index: usize) -> Path {
        match &self.path {
            Some(path) => path.item(MESSAGE_ENUM, index),
            None => Path::of(FILE_ENUM, index),
        }
    }

    fn inner(&self, name: &str) -> String {
        if self.full.is_empty() { name.to_owned() } else { format!("{}.{name}", self.full) }
    }
}

/// The types that stand in a file or in a message.
struct Nested<'a> {
    messages: &'a [DescriptorProto],
    enums: &'a [EnumDescriptorProto],
}

impl<'a> Nested<'a> {
    fn messages(&self) -> impl Iterator<Item = &'a DescriptorProto> + use<'a> {
        self.numbered_messages().map(|(_, message)| message)
    }

    /// The messages that are no entries of maps, with their indices among all.
    fn numbered_messages(&self) -> impl Iterator<Item = (usize, &'a DescriptorProto)> + use<'a> {
        self.messages.iter().enumerate().filter(|(_, message)| !message.options.map_entry())
    }

    /// Where each of [`Nested::declared`] stands.
    fn paths(&self, place: &Place) -> Vec<Path> {
        let messages = self.numbered_messages().map(|(index, _)| place.message_path(index));
        let enums = (0..self.enums.len()).map(|index| place.enum_path(index));
        messages.chain(enums).collect()
    }

    fn declared(&self) -> Vec<&'a str> {
        let enums = self.enums.iter().map(|enumeration| enumeration.name());
        self.messages().map(|message| message.name()).chain(enums).collect()
    }

    /// The declared names and what is wanted for each: an enum is a tuple struct, whose name no
    /// binding can shadow, so it steps aside for those of the generated functions.
    fn wanted(&self) -> Vec<(&'a str, String)> {
        let messages = self.messages().map(|message| (message.name(), message.name().to_owned()));
        let enums = self.enums.iter().map(|enumeration| {
            let name = enumeration.name();
            let aside = if BINDINGS.contains(&name) { "_" } else { "" };
            (name, format!("{name}{aside}"))
        });
        messages.chain(enums).collect()
    }

    /// Gives the messages their modules and fills those; returns the modules with what has them.
    fn claim_derived(
        &self,
        scope: &mut Scope,
        place: &Place,
        declared: Vec<String>,
        types: &mut HashMap<String, TypeName>,
    ) -> Vec<Held> {
        let mut level = Vec::new();
        let mut declared = declared.into_iter();
        for ((index, message), name) in self.numbered_messages().zip(declared.by_ref()) {
            let path = place.message_path(index);
            let full = place.inner(message.name());
            let modules = place.modules.clone();
            let mut given = TypeName { modules, name, ..TypeName::default() };
            if has_module(message) {
                let module = scope.claim(&case::snake(message.name()));
                let what = format!("the module of message {full}");
                level.push(Held { name: module.clone(), what, path: path.clone() });
                let modules = [place.modules.as_slice(), std::slice::from_ref(&module)].concat();
                let inside = Place { full: full.clone(), modules, path: Some(path) };
                (given.oneofs, given.extensions) = claim_inside(message, &inside, types);
                given.module = Some(module);
            }
            types.insert(full, given);
        }
        for (enumeration, name) in self.enums.iter().zip(declared) {
            let modules = place.modules.clone();
            let given = TypeName { modules, name, ..TypeName::default() };
            types.insert(place.inner(enumeration.name()), given);
        }
        level
    }
}

/// Fills a message's module; returns the enums of its oneofs.
fn claim_inside(
    message: &DescriptorProto,
    place: &Place,
    types: &mut HashMap<String, TypeName>,
) -> (Vec<String>, Vec<String>) {
    let mut scope = Scope::of_types();
    let nested = Nested { messages: &message.nested_type, enums: &message.enum_type };
    let declared = scope.claim_wanted(nested.wanted());
    let oneofs = message.oneof_decl.iter();
    let oneofs = oneofs.map(|oneof| scope.claim(&member_name(oneof.name()))).collect();
    nested.claim_derived(&mut scope, place, declared, types);
    let extensions = message.extension.iter();
    let extensions = extensions.map(|field| scope.claim(&constant_name(field.name()))).collect();
    (oneofs, extensions)
}

/// Whether anything stands in the message's module: a type, an extension or the enum of a oneof.
fn has_module(message: &DescriptorProto) -> bool {
    message.nested_type.iter().any(|nested| !nested.options.map_entry())
        || !message.enum_type.is_empty()
        || !message.extension.is_empty()
        || message.field.iter().any(|field| field.oneof_index.is_some() && !field.proto3_optional())
}

/// Words that cannot be identifiers, not even raw ones.
const UNSPEAKABLE: [&str; 5] = ["_", "self", "Self", "super", "crate"];

/// Types that generated code calls by their short names.
const PRIMITIVES: [&str; 17] = [
    "bool", "char", "str", "f32", "f64", "i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16",
    "u32", "u64", "u128", "usize",
];

/// The parameters and variables of generated functions.
const BINDINGS: [&str; 15] = [
    "call",
    "channel",
    "context",
    "formatter",
    "method",
    "number",
    "other",
    "reader",
    "replies",
    "request",
    "requests",
    "service",
    "tag",
    "value",
    "writer",
];

/// Keywords of every edition, the reserved ones too.
const KEYWORDS: [&str; 48] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use",
    "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn values(name: &str, values: &[&str]) -> Vec<String> {
        let mut enumeration = EnumDescriptorProto::new();
        enumeration.set_name(name.to_owned());
        for value in values {
            let mut descriptor = protobuf::descriptor::EnumValueDescriptorProto::new();
            descriptor.set_name((*value).to_owned());
            enumeration.value.push(descriptor);
        }
        enum_values(&enumeration)
    }

    /// A taken name gets a `_`, and again while it is taken.
    #[test]
    fn a_taken_name_gets_underscores() {
        let mut scope = Scope::of_values(&["new"]);
        assert_eq!(scope.claim("new"), "new_");
        assert_eq!(scope.claim("new"), "new__");
        assert_eq!(scope.claim("self"), "self_");
        assert_eq!(Scope::of_types().claim("i32"), "i32_");
    }

    /// Of two declared names that come out alike, the one spelt so keeps it.
    #[test]
    fn the_name_that_is_spelt_so_keeps_it() {
        let mut scope = Scope::of_values(&[]);
        let names = scope.claim_all(&["GetFoo", "get_foo", "getFoo"], case::snake);
        assert_eq!(names, ["get_foo_", "get_foo", "get_foo__"]);
    }

    /// Keywords become raw identifiers; what cannot be raw was never given away.
    #[test]
    fn keywords_become_raw() {
        assert_eq!(identifier("type"), "r#type");
        assert_eq!(identifier("types"), "types");
        assert_eq!(package_modules("a.type.super"), ["a", "type", "super_"]);
    }

    /// One value that cannot be shortened leaves the whole enum unshortened.
    #[test]
    fn values_of_an_enum_fall_back_together() {
        assert_eq!(values("Mood", &["MOOD_UNSPECIFIED", "HAPPY"]), ["Unspecified", "Happy"]);
        assert_eq!(values("Version", &["VERSION_NONE", "VERSION_1"]), ["VersionNone", "Version1"]);
        assert_eq!(values("Mood", &["MOOD_GLAD", "GLAD"]), ["MoodGlad", "Glad"]);
        assert_eq!(values("Mood", &["MOOD_A_1", "MOOD_A1"]), ["MOOD_A_1", "MOOD_A1"]);
        assert_eq!(values("Mood", &["MOOD_SELF", "MOOD_TYPE"]), ["Self_", "Type"]);
    }

    /// Paths climb to the shared module and descend from there.
    #[test]
    fn paths_are_relative() {
        let modules = package_modules;
        assert_eq!(relative_path(&modules("a.b"), &modules("a.c"), "X"), "super::c::X");
        assert_eq!(relative_path(&modules("a"), &modules("a.type"), "X"), "r#type::X");
        assert_eq!(relative_path(&modules("a.b"), &modules(""), "X"), "super::super::X");
        assert_eq!(relative_path(&modules("a"), &modules("a"), "X"), "X");
    }
}
