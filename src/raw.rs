//! The encoded descriptors of files, as they came: what generated code embeds is never encoded
//! anew, so nothing that a newer protoc wrote is lost.

use std::collections::HashMap;

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

    /// The bytes of this file.
    pub(crate) fn file(&self, name: &str) -> Option<&[u8]> {
        self.0.get(name.as_bytes()).map(Vec::as_slice)
    }

    fn of(container: &[u8], number: u64) -> Self {
        let files = records(container).filter(|record| record.number == number);
        let named = files.map(|file| {
            let mut names = records(file.payload).filter(|record| record.number == FILE_NAME);
            let name = names.next().map(|name| name.payload).unwrap_or_default();
            (name.to_vec(), without_source(file.payload))
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
struct Record<'a> {
    number: u64,
    /// With its tag.
    whole: &'a [u8],
    /// Of a length-delimited field; empty for others.
    payload: &'a [u8],
}

/// The fields of a message up to the first that cannot be read; descriptors have no groups.
fn records(mut rest: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let before = rest;
        let tag = varint(&mut rest)?;
        let mut payload: &[u8] = &[];
        match tag & 7 {
            VARINT => drop(varint(&mut rest)?),
            FIXED64 => rest = rest.get(8..)?,
            LENGTH_DELIMITED => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                (payload, rest) = rest.split_at_checked(length)?;
            }
            FIXED32 => rest = rest.get(4..)?,
            _ => return None,
        }
        let whole = &before[..before.len() - rest.len()];
        Some(Record { number: tag >> 3, whole, payload })
    })
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

    /// Bytes that end too early give the files before them.
    #[test]
    fn what_is_cut_is_left_out() {
        let raw = RawFiles::of_set(b"\x0a\x03\x0a\x01a\x0a\x7f");
        assert_eq!(raw.file("a"), Some(&b"\x0a\x01a"[..]));
        assert_eq!(raw.0.len(), 1);
    }
}
