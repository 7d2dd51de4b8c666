//! Input that is made to harm: too deep, too large for its size, cut short or no UTF-8, as binary,
//! JSON and text. Each ends with an error or a message, within the stack of a thread and within the
//! memory that the limits promise, which a counting allocator measures.

#![allow(clippy::unwrap_used, reason = "clippy takes the helpers of tests for other code")]

mod allocator;
mod binary;
mod damaged;
mod json;
mod memory;
mod text;

#[path = "../../../golden/editions/mod.rs"]
mod editions;
#[path = "../../../golden/extensions/mod.rs"]
mod extensions;
#[path = "../../../golden/extensions_editions/mod.rs"]
mod extensions_editions;
#[path = "../../../golden/maps/mod.rs"]
mod maps;
#[path = "../../../golden/oneofs/mod.rs"]
mod oneofs;
#[path = "../../../golden/packed/mod.rs"]
mod packed;
#[path = "../../../golden/proto2/mod.rs"]
mod proto2;
#[path = "../../../golden/reserved/mod.rs"]
mod reserved;
#[path = "../../../golden/scalars/mod.rs"]
mod scalars;

use rust_grpc::Message;
use rust_grpc::message::{DescriptorPool, DynamicMessage, Json, Text};
use rust_grpc::well_known::{Any, FileDescriptorProto};

/// More levels than any stack would hold.
const MANY: usize = 1_000_000;

/// `levels` length-delimited fields in one another, all behind `tag`.
fn nested(tag: &[u8], levels: usize, innermost: &[u8]) -> Vec<u8> {
    wrap(innermost, (0..levels).map(|_| tag))
}

/// `levels` length-delimited fields in one another; from the outermost on, their tags take turns.
fn alternating<const N: usize>(tags: [u8; N], levels: usize) -> Vec<u8> {
    wrap(b"", (0..levels).rev().map(|level| std::slice::from_ref(&tags[level % N])))
}

/// Bytes in length-delimited fields, from the innermost tag to the outermost.
fn wrap<'a>(innermost: &[u8], tags: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    // Back to front, so that no level moves what is in it.
    let mut reversed: Vec<u8> = innermost.iter().rev().copied().collect();
    for tag in tags {
        reversed.extend(varint(reversed.len()).iter().rev());
        reversed.extend(tag.iter().rev());
    }
    reversed.reverse();
    reversed
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// `levels` groups in one another, of the field whose start tag is `start`.
fn groups(start: u8, levels: usize) -> Vec<u8> {
    [vec![start; levels], vec![start + 1; levels]].concat()
}

/// An `Any` in an `Any`, `levels` times.
fn nested_any(levels: usize) -> Any {
    let url = b"\x0a\x15x/google.protobuf.Any\x12";
    // The innermost is as it would be printed: without its empty value.
    Any::decode(&nested(url, levels, &url[..url.len() - 1])).unwrap()
}

/// A message that extends itself: `deep.Open` has an extension 100 of its own type.
fn self_extending() -> DescriptorPool {
    let file = "name: 'deep.proto' package: 'deep' syntax: 'proto2' \
        message_type { name: 'Open' extension_range { start: 100 end: 200 } } \
        extension { name: 'more' number: 100 label: LABEL_REPEATED type: TYPE_MESSAGE \
            type_name: '.deep.Open' extendee: '.deep.Open' } \
        extension { name: 'inner' number: 101 label: LABEL_OPTIONAL type: TYPE_MESSAGE \
            type_name: '.deep.Open' extendee: '.deep.Open' } \
        extension { name: 'numbers' number: 102 label: LABEL_REPEATED type: TYPE_INT32 \
            extendee: '.deep.Open' }";
    let file = FileDescriptorProto::from_text(file).unwrap().encode_to_vec();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.as_slice()]).unwrap();
    pool
}

/// The same type, known only at run time.
fn dynamic<M: Json + Text>(bytes: &[u8]) -> Result<DynamicMessage, rust_grpc::DecodeError> {
    DynamicMessage::decode(M::default().descriptor(), bytes)
}
