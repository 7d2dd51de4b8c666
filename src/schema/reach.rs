//! Which files are generated when some are asked for: those, and what they need of their imports.
//!
//! protoc hands its plugins the files of its command line and nothing else; the doors that build
//! their own request ask here, so that what they write compiles.

use std::collections::{BTreeMap, BTreeSet};

use protobuf::descriptor::FileDescriptorProto;

use super::features::Edition;
use super::link::is_well_known_file;
use crate::options::{Messages, Options, lies_in};

/// The imports of `named`, directly or not, that are to be generated with it, sorted by name.
///
/// Left out is what is found elsewhere, as the runtime's own types are and those under an
/// `extern_path`, and what cannot be generated: a reference to that is refused where it stands.
pub(crate) fn needed_imports(
    files: &[FileDescriptorProto],
    named: &[String],
    options: &Options,
) -> Vec<String> {
    if options.messages != Messages::Own {
        // Imports are there for their messages, and those exist.
        return Vec::new();
    }
    let by_name: BTreeMap<&str, &FileDescriptorProto> =
        files.iter().map(|file| (file.name(), file)).collect();
    let mut known: BTreeSet<&str> = named.iter().map(String::as_str).collect();
    let mut open: Vec<&str> = known.iter().copied().collect();
    let mut needed = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(file) = by_name.get(name) else { continue };
        for import in file.dependency.iter().filter_map(|name| by_name.get(name.as_str())) {
            let elsewhere = is_well_known_file(import.name()) || is_extern(import, options);
            if !elsewhere && known.insert(import.name()) {
                open.push(import.name());
                if Edition::of(import).is_known() {
                    needed.insert(import.name().to_owned());
                }
            }
        }
    }
    needed.into_iter().collect()
}

/// Whether the user says of all that the file declares that it exists elsewhere.
fn is_extern(file: &FileDescriptorProto, options: &Options) -> bool {
    let covered = |full: &str| {
        options.extern_paths.iter().any(|path| lies_in(&format!(".{full}"), &path.proto))
    };
    let messages = file.message_type.iter().map(|message| message.name());
    let enums = file.enum_type.iter().map(|enumeration| enumeration.name());
    let mut types = messages.chain(enums).peekable();
    !file.package().is_empty() && covered(file.package())
        || types.peek().is_some() && types.all(|name| covered(&super::inner(file.package(), name)))
}
