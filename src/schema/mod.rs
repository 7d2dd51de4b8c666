//! DECIDES: from descriptors to a [`Schema`] in which every name, path and shape is settled.
//!
//! What a file becomes depends on the file and its imports alone, never on what else stands in the
//! request or in which order. `emit` prints the schema and never sees a descriptor.

mod attributes;
mod boxes;
mod case;
mod defaults;
mod docs;
mod enumerations;
mod extensions;
mod features;
mod holders;
mod link;
mod messages;
pub(crate) mod model;
mod names;
mod oneofs;
mod outputs;
mod prost;
mod reach;
mod recursion;
mod reflection;
mod services;
mod source;

use std::collections::HashMap;

use protobuf::descriptor::FileDescriptorProto;
use protobuf::plugin::CodeGeneratorRequest;

use crate::options::{Messages, Options, Tree};
use crate::parallel;
use crate::raw::RawFiles;
use crate::user_error::UserError;
pub(crate) use features::Edition;
use features::Features;
use link::{Descriptor, Index, Linked};
use messages::Container;
use model::{Header, Kind, Schema, Types};
pub(crate) use reach::needed_imports;
use source::{FILE_SYNTAX, Path, Source};

/// Decides everything that is to be printed for a request.
pub(crate) fn build(
    request: &CodeGeneratorRequest,
    raw: &RawFiles,
    options: &Options,
) -> Result<Schema, UserError> {
    let index = Index::new(&request.proto_file, options)?;
    let mut files = Vec::new();
    let mut wanted: Vec<&String> = request.file_to_generate.iter().collect();
    wanted.sort();
    wanted.dedup();
    for name in wanted {
        let file = index.file(name).ok_or_else(|| {
            UserError::new(format!("file \"{name}\": the request does not describe it"))
        })?;
        check_syntax(file)?;
        files.push((file, outputs::output_path(file)?));
    }
    files.sort_by(|left, right| left.1.cmp(&right.1));
    outputs::check_distinct(&files)?;
    outputs::check_unambiguous(&index, &files, options.messages)?;
    let tree = (options.tree != Tree::No).then(|| outputs::tree(&files));
    let mut schema = Schema { files: Vec::new(), tree, runtime: options.runtime.clone() };
    if options.tree != Tree::Only {
        let built = parallel::map(&files, |(file, output)| {
            FileBuilder::new(&index, raw, options, file).build(output.clone())
        });
        schema.files = built.into_iter().collect::<Result<_, _>>()?;
    }
    Ok(schema)
}

/// Refuses what this version does not know.
fn check_syntax(file: &FileDescriptorProto) -> Result<(), UserError> {
    let edition = Edition::of(file);
    if edition.is_known() {
        return Ok(());
    }
    let message =
        format!("expected proto2, proto3 or an edition from 2023 to 2026, got {}", edition.words());
    Err(Source::new(file, false).fault(&Path::plain(FILE_SYNTAX), message))
}

impl Edition {
    /// For a person.
    fn words(self) -> String {
        match self {
            Self::PROTO2 => "proto2".to_owned(),
            Self::PROTO3 => "proto3".to_owned(),
            Self::E2023 => "edition 2023".to_owned(),
            Self(1001) => "edition 2024".to_owned(),
            Self::MAX => "edition 2026".to_owned(),
            Self(9999) => "edition UNSTABLE".to_owned(),
            Self(number) => format!("an unknown edition (number {number})"),
        }
    }
}

/// Decides one file.
struct FileBuilder<'a> {
    index: &'a Index<'a>,
    raw: &'a RawFiles,
    options: &'a Options,
    file: &'a FileDescriptorProto,
    source: Source<'a>,
    /// Of the file's package.
    modules: Vec<String>,
    places: HashMap<String, usize>,
}

/// Where a reference to a type stands.
struct Reference<'a> {
    /// The name with its leading dot, as descriptors have it.
    target: &'a str,
    /// The module from which the path leads.
    modules: &'a [String],
    /// What refers, in words, and where that stands.
    who: String,
    path: Path,
}

impl<'a> FileBuilder<'a> {
    fn new(
        index: &'a Index<'a>,
        raw: &'a RawFiles,
        options: &'a Options,
        file: &'a FileDescriptorProto,
    ) -> Self {
        let places = reflection::places(file);
        Self {
            index,
            raw,
            options,
            file,
            source: Source::new(file, options.docs),
            modules: names::package_modules(file.package()),
            places,
        }
    }

    fn build(&self, output: String) -> Result<model::File, UserError> {
        let container = Container {
            full: self.file.package().to_owned(),
            features: Features::of_file(self.file),
            messages: &self.file.message_type,
            enums: &self.file.enum_type,
            extensions: &self.file.extension,
            path: None,
        };
        Ok(model::File {
            output,
            source: printable(self.file.name()),
            types: match self.options.messages {
                Messages::Own => self.types(&container)?,
                Messages::Extern | Messages::Prost => Types::default(),
            },
            codec: match self.options.messages {
                Messages::Own | Messages::Extern => "Protobuf",
                Messages::Prost => "Prost",
            },
            services: self.services()?,
            descriptor: self.descriptor(),
            client: self.options.client,
            server: self.options.server,
            allows_lints: self.file.package().is_empty(),
        })
    }

    /// The linked type of a reference, if code can refer to it.
    fn target(&self, reference: &Reference<'_>) -> Result<Linked<'a>, UserError> {
        let Reference { target, who, path, .. } = reference;
        let fault = |message| Err(self.source.fault(path, message));
        let Some(linked) = self.index.linked(target) else {
            return fault(format!("{who}: the request does not describe its type {target}"));
        };
        match linked.descriptor {
            Descriptor::Message(message) if message.options.map_entry() => {
                fault(format!("{who}: expected a message, got the entry of a map"))
            }
            Descriptor::Message(_) | Descriptor::Enum(_) => Ok(linked),
        }
    }

    /// The path to the message that an rpc names.
    fn message_path(&self, reference: &Reference<'_>) -> Result<String, UserError> {
        match self.target(reference)?.descriptor {
            Descriptor::Message(_) => self.path_of_message(reference),
            Descriptor::Enum(_) => {
                let message = format!("{}: expected a message, got an enum", reference.who);
                Err(self.source.fault(&reference.path, message))
            }
        }
    }

    /// The path to a message that exists, here or elsewhere.
    fn path_of_message(&self, reference: &Reference<'_>) -> Result<String, UserError> {
        let full = &reference.target[1..];
        let found = match self.options.messages {
            Messages::Own => return Ok(self.path(reference)),
            Messages::Extern => {
                let known = self.index.is_extern(full) || self.index.is_well_known(full, self.file);
                known.then(|| self.path(reference))
            }
            Messages::Prost => prost::path(full, self.options),
        };
        found.ok_or_else(|| {
            let word = self.options.messages.word();
            let who = &reference.who;
            let message = format!("{who}: messages={word} needs an extern_path for .{full}");
            self.source.fault(&reference.path, message)
        })
    }

    fn path(&self, reference: &Reference<'_>) -> String {
        self.index.path(&reference.target[1..], self.file, reference.modules)
    }

    /// Whether the type that a descriptor names is deprecated.
    fn is_deprecated(&self, target: &str) -> bool {
        match self.index.linked(target).map(|linked| linked.descriptor) {
            Some(Descriptor::Message(message)) => message.options.deprecated(),
            Some(Descriptor::Enum(enumeration)) => enumeration.options.deprecated(),
            None => false,
        }
    }

    fn header(&self, path: &Path, deprecated: bool) -> Header {
        Header { docs: self.source.docs(path), deprecated, ..Header::default() }
    }

    /// The user's attributes for a type that derives `derived` anyway.
    fn type_attributes(&self, full: &str, derived: &[&str]) -> Vec<String> {
        attributes::without_derived(covering(&self.options.type_attributes, full), derived)
    }

    fn field_attributes(&self, full: &str) -> Vec<String> {
        covering(&self.options.field_attributes, full)
    }
}

fn covering(attributes: &[crate::options::Attribute], full: &str) -> Vec<String> {
    let dotted = format!(".{full}");
    let covering = attributes.iter().filter(|attribute| attribute.covers(&dotted));
    covering.map(|attribute| attribute.rust.clone()).collect()
}

/// A file's name as it can stand in a comment: with escapes for what would end the line, or what
/// rustc refuses.
fn printable(name: &str) -> String {
    let letters = name.chars().map(|letter| match docs::is_harmless(letter) && letter != '\n' {
        true => letter.to_string(),
        false => letter.escape_default().to_string(),
    });
    letters.collect()
}

/// `name` in the protobuf scope `full`.
fn inner(full: &str, name: &str) -> String {
    if full.is_empty() { name.to_owned() } else { format!("{full}.{name}") }
}

/// The lints that a type's name sets off.
fn type_lints(name: &str) -> Option<&'static str> {
    let camel = name.starts_with(|first: char| first.is_ascii_uppercase()) && !name.contains('_');
    (!camel).then_some("non_camel_case_types")
}

/// The lints that the name of a field, function or module sets off.
fn value_lints(name: &str) -> Option<&'static str> {
    let snake = !name.contains("__") && !name.contains(|letter: char| letter.is_ascii_uppercase());
    (!snake).then_some("non_snake_case")
}

/// The lints of `names`, each once.
fn lints<'a>(
    names: impl Iterator<Item = &'a String>,
    of: fn(&str) -> Option<&'static str>,
) -> Vec<&'static str> {
    let mut found: Vec<_> = names.filter_map(|name| of(name)).collect();
    found.sort_unstable();
    found.dedup();
    found
}
