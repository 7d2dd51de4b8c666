//! The pure parser: `protobuf-parse`, for machines without any protoc, asked for by name.
//!
//! Invariant: what it is known to read wrongly is refused here, with the file and the protoc to
//! use instead; nothing that differs from protoc's reading is generated. Comments it does not
//! keep, so that generated code has no documentation.

mod check;
mod refuse;

use protobuf::descriptor::FileDescriptorProto;

use super::inputs::Inputs;
use crate::Error;

/// Reads the files and what they import, each after its imports.
pub(crate) fn parse(inputs: &Inputs) -> Result<Vec<FileDescriptorProto>, Error> {
    let sources = inputs.reachable(None);
    refuse::circles(&sources)?;
    for (input, _) in &sources {
        refuse::source(input)?;
    }
    let mut parser = protobuf_parse::Parser::new();
    parser.pure().includes(&inputs.includes);
    parser.inputs(inputs.files.iter().map(|input| &input.path));
    let parsed = parser.parse_and_typecheck().map_err(|error| {
        // The chain says the same thing three times, from the outside in: "using pure parser", the
        // file with the fault, the fault.
        let words = error.chain().nth(1).map_or_else(|| error.to_string(), ToString::to_string);
        let words = words.strip_prefix("error in ").unwrap_or(&words).replace('`', "");
        Error::new(format!("the pure parser refuses {}:\n{words}\n{HINT}", named(inputs)))
    })?;
    let on_disk = |file: &&FileDescriptorProto| inputs.find(file.name()).is_some();
    let mut names = check::Names::default();
    for file in parsed.file_descriptors.iter().filter(on_disk) {
        names.add(file).map_err(|words| {
            Error::new(format!("the pure parser lets this pass, protoc does not:\n{words}"))
        })?;
        refuse::descriptor(file)?;
    }
    Ok(parsed.file_descriptors)
}

fn named(inputs: &Inputs) -> String {
    match inputs.files.as_slice() {
        [input] => input.name.clone(),
        files => format!("{} files", files.len()),
    }
}

/// Where its own words are all there is.
const HINT: &str = "protoc explains more and knows more: leave the pure parser out to use it";
