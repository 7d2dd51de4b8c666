//! The pure parser: `protobuf-parse`, for machines without any protoc, asked for by name.
//!
//! Invariant: what it is known to read wrongly is refused here, with the file and the protoc to
//! use instead; nothing that differs from protoc's reading is generated. Comments it does not
//! keep, so that generated code has no documentation.

mod check;
mod form;
mod refuse;

use std::fs;
use std::path::Path;

use protobuf::descriptor::FileDescriptorProto;

use super::inputs::{Input, Inputs, OWN_OF_PROTOBUF};
use super::scan::Facts;
use super::temporary::TemporaryFolder;
use crate::Error;
pub(crate) use form::sorted;

/// Reads the files and what they import, each after its imports.
pub(crate) fn parse(inputs: &Inputs) -> Result<Vec<FileDescriptorProto>, Error> {
    let mut sources = inputs.reachable(None);
    sources.retain(|(input, _)| !is_built_in(&input.name) || inputs.files.contains(input));
    refuse::circles(&sources)?;
    for (input, _) in &sources {
        refuse::source(input)?;
    }
    let folder = gather(&sources)?;
    let mut parser = protobuf_parse::Parser::new();
    parser.pure().include(folder.path());
    parser.inputs(inputs.files.iter().map(|input| folder.path().join(&input.name)));
    let mut parsed = parser.parse_and_typecheck().map_err(|error| {
        // The chain says the same thing three times, from the outside in: "using pure parser", the
        // file with the fault, the fault.
        let words = error.chain().nth(1).map_or_else(|| error.to_string(), ToString::to_string);
        Error::new(format!(
            "the pure parser refuses {}:\n{}\n{HINT}",
            named(inputs),
            readable(&words, folder.path())
        ))
    })?;
    let is_source =
        |file: &&FileDescriptorProto| sources.iter().any(|(input, _)| input.name == file.name());
    let mut names = check::Names::default();
    for file in parsed.file_descriptors.iter().filter(is_source) {
        names.add(file).map_err(|words| {
            Error::new(format!("the pure parser lets this pass, protoc does not:\n{words}"))
        })?;
        refuse::descriptor(file)?;
    }
    for file in &mut parsed.file_descriptors {
        if let Some((input, _)) = sources.iter().find(|(input, _)| input.name == file.name()) {
            form::mend(file, &read(input)?);
        }
    }
    Ok(parsed.file_descriptors)
}

/// The text of a file.
fn read(input: &Input) -> Result<String, Error> {
    let path = input.path.display();
    let bytes = fs::read(&input.path).map_err(|error| Error::new(format!("{path}: {error}")))?;
    String::from_utf8(bytes)
        .map_err(|_| Error::new(format!("{path}: expected UTF-8, got other bytes")))
}

/// The files alone, by their names, in a folder of their own: the parser would take a newer copy of
/// protobuf's files, which it cannot read, before the ones that are built into it.
fn gather(sources: &[(Input, Facts)]) -> Result<TemporaryFolder, Error> {
    let at =
        |path: &Path, error: std::io::Error| Error::new(format!("{}: {error}", path.display()));
    let folder = TemporaryFolder::new().map_err(|error| Error::new(error.to_string()))?;
    for (input, _) in sources {
        let copy = folder.path().join(&input.name);
        if let Some(parent) = copy.parent() {
            fs::create_dir_all(parent).map_err(|error| at(parent, error))?;
        }
        fs::copy(&input.path, &copy).map_err(|error| at(&input.path, error))?;
    }
    Ok(folder)
}

/// Whether the parser carries this file with it.
fn is_built_in(name: &str) -> bool {
    let own = name.strip_prefix(OWN_OF_PROTOBUF).and_then(|name| name.strip_suffix(".proto"));
    own.is_some_and(|name| BUILT_IN.contains(&name))
}

/// The parser's words without its quotes, and without the folder that nobody knows.
fn readable(words: &str, folder: &Path) -> String {
    let words = words.strip_prefix("error in ").unwrap_or(words).replace('`', "");
    let words = words.replace(&format!("{}/", folder.display()), "");
    words.split(" in import path [").next().unwrap_or(&words).to_owned()
}

fn named(inputs: &Inputs) -> String {
    match inputs.files.as_slice() {
        [input] => input.name.clone(),
        files => format!("{} files", files.len()),
    }
}

const BUILT_IN: [&str; 11] = [
    "any",
    "api",
    "descriptor",
    "duration",
    "empty",
    "field_mask",
    "source_context",
    "struct",
    "timestamp",
    "type",
    "wrappers",
];

/// Where its own words are all there is.
const HINT: &str = "protoc explains more and knows more: leave the pure parser out to use it";
