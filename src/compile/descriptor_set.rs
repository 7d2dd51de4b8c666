//! A descriptor set that protoc or buf wrote to a file.
//!
//! Invariant: every error names the file, and the place in it where that is known.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use protobuf::descriptor::{FileDescriptorProto, FileDescriptorSet};
use protobuf::{CodedInputStream, Message};

use super::Parsed;
use super::inputs::OWN_OF_PROTOBUF;
use crate::Error;
use crate::raw::RawFiles;

/// Reads the set in the file at `path`, for the files of these names in it or, where none is named,
/// for all but protobuf's own.
pub(super) fn read(path: &Path, protos: &[PathBuf]) -> Result<Parsed, Error> {
    let shown = path.display();
    let bytes = std::fs::read(path).map_err(|error| Error::new(format!("{shown}: {error}")))?;
    let set = parse(&bytes).map_err(|words| Error::new(format!("{shown}: {words}")))?;
    let held: BTreeSet<&str> = set.file.iter().map(FileDescriptorProto::name).collect();
    for file in &set.file {
        if let Some(import) = file.dependency.iter().find(|name| !held.contains(name.as_str())) {
            return Err(Error::new(format!(
                "{shown}: {} imports {import}, which is not in the set; make it with \
                 --include_imports",
                file.name()
            )));
        }
    }
    let mut to_generate = Vec::new();
    for proto in protos {
        match proto.to_str().filter(|name| held.contains(name)) {
            Some(name) => to_generate.push(name.to_owned()),
            None => {
                let held = held.iter().copied().collect::<Vec<_>>().join(", ");
                let proto = proto.display();
                return Err(Error::new(format!("{proto}: not in {shown}, which holds: {held}")));
            }
        }
    }
    if protos.is_empty() {
        let wanted = |file: &&FileDescriptorProto| {
            !file.name().starts_with(OWN_OF_PROTOBUF) && !is_import_of_buf(file)
        };
        to_generate.extend(set.file.iter().filter(wanted).map(|file| file.name().to_owned()));
    }
    let inputs = vec![path.to_path_buf()];
    let raw = RawFiles::of_set(&bytes).without_source_options(&set.file);
    Ok(Parsed { files: set.file, raw, to_generate, inputs, notes: Vec::new() })
}

/// The set; the error says where it is none, and what came instead.
fn parse(bytes: &[u8]) -> Result<FileDescriptorSet, String> {
    let mut input = CodedInputStream::from_bytes(bytes);
    let mut set = FileDescriptorSet::new();
    if let Err(error) = set.merge_from(&mut input) {
        let (place, got) = match text(bytes) {
            Some(text) => (0, format!("the text {text:?}")),
            None => (input.pos(), error.to_string().to_lowercase()),
        };
        return Err(format!("byte {place}: expected {EXPECTED}, got {got}"));
    }
    let unnamed = set.file.iter().position(|file| file.name().is_empty());
    match unnamed {
        _ if set.file.is_empty() => {
            Err(format!("expected {EXPECTED}, got {} bytes without a file in them", bytes.len()))
        }
        Some(index) => Err(format!("expected {EXPECTED}, got no name for file {index} of it")),
        None => Ok(set),
    }
}

/// The beginning of a file that a person can read.
fn text(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    let is_text = text.chars().all(|letter| !letter.is_control() || letter.is_whitespace());
    is_text.then(|| text.chars().take(SHOWN_MAX).collect())
}

/// Whether `buf build` put the file into the set only because others import it: its extension of a
/// file, number 8042, then begins with `is_import = true`.
fn is_import_of_buf(file: &FileDescriptorProto) -> bool {
    use protobuf::UnknownValueRef::LengthDelimited;
    let extension = file.special_fields.unknown_fields().get(8042);
    matches!(extension, Some(LengthDelimited(bytes)) if bytes.starts_with(&[0x08, 0x01]))
}

const EXPECTED: &str = "a serialized FileDescriptorSet, as --descriptor_set_out writes it";

/// How many letters of a text that is no set are shown: enough to recognise it.
const SHOWN_MAX: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    /// What is no set is told with its place, and with what it seems to be.
    #[test]
    fn bytes_that_are_no_set_are_told_with_their_place() {
        let set = b"\x0a\x09\x0a\x07a.proto";
        assert_eq!(parse(set).unwrap().file[0].name(), "a.proto");
        for (bytes, expected) in [
            (&b""[..], "expected _, got 0 bytes without a file in them"),
            (b"\x12\x01a", "expected _, got 3 bytes without a file in them"),
            (b"\x0a\x00", "expected _, got no name for file 0 of it"),
            (
                b"syntax = \"proto3\";",
                "byte 0: expected _, got the text \"syntax = \\\"proto3\\\";\"",
            ),
            (&set[..6], "byte 4: expected _, got unexpected eof"),
            (b"\x0a\x01\x0a", "byte 3: expected _, got unexpected eof"),
            (
                b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "byte 1: expected _, got incorrect varint",
            ),
            (b"\x00\x00", "byte 1: expected _, got incorrect tag"),
        ] {
            assert_eq!(parse(bytes).unwrap_err(), expected.replace('_', EXPECTED));
        }
    }
}
