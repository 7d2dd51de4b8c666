//! buffa 0.9.

use std::marker::PhantomData;

use buffa::{Message, SizeCache};

use super::{Codec, KeptBuffer};

/// Messages of buffa-build, with their own strings and bytes.
pub struct Buffa<M>(PhantomData<M>);

/// The bytes, and the sizes of submessages that buffa computes first: it can keep both.
#[derive(Default)]
pub struct Buffer {
    bytes: Vec<u8>,
    sizes: SizeCache,
}

impl<M: Message + Default + 'static> Codec for Buffa<M> {
    const PEER: &'static str = "buffa";
    type Message = M;

    fn decode(bytes: &[u8]) -> M {
        M::decode_from_slice(bytes).expect("the bytes of a message")
    }

    fn merge(message: &mut M, bytes: &[u8]) {
        message.clear();
        message.merge_from_slice(bytes).expect("the bytes of a message");
    }

    fn encode(message: &M) -> Vec<u8> {
        message.encode_to_vec()
    }
}

impl<M: Message + Default + 'static> KeptBuffer for Buffa<M> {
    type Buffer = Buffer;

    fn encode_kept(message: &M, buffer: &mut Buffer) {
        buffer.bytes.clear();
        message.encode_with_cache(&mut buffer.sizes, &mut buffer.bytes);
    }

    fn kept_bytes(buffer: &Buffer) -> &[u8] {
        &buffer.bytes
    }
}
