//! The encoded descriptors of files, as they came: what generated code embeds is never encoded
//! anew, so nothing that a newer protoc wrote is lost.

mod retention;
mod tree;

use std::collections::HashMap;

use protobuf::descriptor::FileDescriptorProto;

pub(crate) use tree::{Kind, rewritten};

/// The bytes of each file's `FileDescriptorProto`, without source code info, by the file's name.
#[derive(Debug, Default)]
pub(crate) struct RawFiles(HashMap<Vec<u8>, Vec<u8>>);

impl RawFiles {
    /// The files of an encoded `CodeGeneratorRequest`.
    pub(crate) fn of_request(request: &[u8]) -> Self {
        Self::of(request, REQUEST_PROTO_FILE)
    }

    /// The files of an encoded `FileDescriptorSet`.
    pub(crate) fn of_set(set: &[u8]) -> Self {
        Self::of(set, SET_FILE)
    }

    /// These files without the options that are meant for the source alone; `files` declare them.
    pub(crate) fn without_source_options(self, files: &[FileDescriptorProto]) -> Self {
        let options = retention::OptionFields::of(files);
        self.each(|file| rewritten(Kind::File, file, &|kind, part| options.stripped(kind, part)))
    }

    /// Each file as `edit` makes it.
    pub(crate) fn each(self, edit: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        Self(self.0.into_iter().map(|(name, file)| (name, edit(&file))).collect())
    }

    /// The bytes of this file.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.as_bytes()).map(Vec::as_slice)
    }

    fn of(container: &[u8], number: u64) -> Self {
        let files = records(container).filter(|record| record.number == number);
        let named = files.filter_map(|file| file.payload).map(|file| {
            let mut names = records(file).filter(|record| record.number == FILE_NAME);
            let name = names.next().and_then(|name| name.payload).unwrap_or_default();
            (name.to_vec(), without_source(file))
        });
        Self(named.collect())
    }
}

/// A file without its source code info and without what buf adds for itself.
fn without_source(file: &[u8]) -> Vec<u8> {
    let dropped = [FILE_SOURCE_CODE_INFO, FILE_OF_BUF];
    let kept = records(file).filter(|record| !dropped.contains(&record.number));
    kept.flat_map(|record| record.whole).copied().collect()
}

/// One field as it stands in a message.
pub(crate) struct Record<'a> {
    pub(crate) number: u64,
    /// With its tag.
    pub(crate) whole: &'a [u8],
    /// Of a length-delimited field.
    pub(crate) payload: Option<&'a [u8]>,
}

/// The fields of a message up to the first that cannot be read.
pub(crate) fn records(mut rest: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let before = rest;
        let tag = varint(&mut rest)?;
        let payload = match tag & 7 {
            START_GROUP => {
                skip_group(&mut rest)?;
                None
            }
            wire_type => value(wire_type, &mut rest)?,
        };
        let whole = &before[..before.len() - rest.len()];
        Some(Record { number: tag >> 3, whole, payload })
    })
}

/// Takes a value that is no group, and gives the payload of a length-delimited one.
fn value<'a>(wire_type: u64, rest: &mut &'a [u8]) -> Option<Option<&'a [u8]>> {
    match wire_type {
        VARINT => drop(varint(rest)?),
        FIXED64 => *rest = rest.get(8..)?,
        LENGTH_DELIMITED => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (payload, after) = rest.split_at_checked(length)?;
            *rest = after;
            return Some(Some(payload));
        }
        FIXED32 => *rest = rest.get(4..)?,
        _ => return None,
    }
    Some(None)
}

/// Takes the rest of a group, with those in it and its end.
fn skip_group(rest: &mut &[u8]) -> Option<()> {
    let mut open = 1_usize;
    while open > 0 {
        match varint(rest)? & 7 {
            START_GROUP => open += 1,
            END_GROUP => open -= 1,
            wire_type => drop(value(wire_type, rest)?),
        }
    }
    Some(())
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

// Field numbers of plugin.proto and descriptor.proto.
const REQUEST_PROTO_FILE: u64 = 15;
const SET_FILE: u64 = 1;
const FILE_NAME: u64 = 1;
const FILE_SOURCE_CODE_INFO: u64 = 9;
/// Where `buf build` notes which files are imports.
const FILE_OF_BUF: u64 = 8042;

// The wire types.
const VARINT: u64 = 0;
const FIXED64: u64 = 1;
const LENGTH_DELIMITED: u64 = 2;
const START_GROUP: u64 = 3;
const END_GROUP: u64 = 4;
const FIXED32: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;

    /// Source code info goes, what is not known stays as it came, and in its order.
    #[test]
    fn bytes_stay_as_they_came() {
        // name = "a", 99: varint 1, source_code_info = "x", syntax = "proto3"
        let file = b"\x0a\x01a\x98\x06\x01\x4a\x01x\x62\x06proto3";
        let mut set = vec![0x0a, file.len() as u8];
        set.extend_from_slice(file);
        let raw = RawFiles::of_set(&set);
        assert_eq!(raw.file("a"), Some(&b"\x0a\x01a\x98\x06\x01\x62\x06proto3"[..]));
        assert_eq!(raw.file("b"), None);
        set[0] = 15 << 3 | 2;
        assert_eq!(RawFiles::of_request(&set).file("a"), raw.file("a"));
    }

    /// A group, as options may hold one, is one field with all that is in it.
    #[test]
    fn a_group_is_one_field() {
        let message = b"\x0b\x08\x01\x13\x1a\x01x\x14\x0c\x10\x05";
        let fields: Vec<_> = records(message).map(|field| (field.number, field.whole)).collect();
        assert_eq!(fields, [(1, &message[..9]), (2, &message[9..])]);
        assert_eq!(records(&message[..8]).count(), 0);
    }

    /// Bytes that end too early give the files before them.
    #[test]
    fn what_is_cut_is_left_out() {
        let raw = RawFiles::of_set(b"\x0a\x03\x0a\x01a\x0a\x7f");
        assert_eq!(raw.file("a"), Some(&b"\x0a\x01a"[..]));
        assert_eq!(raw.0.len(), 1);
    }
}
