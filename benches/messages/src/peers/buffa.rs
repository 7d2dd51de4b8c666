//! buffa 0.9.

use std::marker::PhantomData;

use buffa::{Message, SizeCache};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, Json, KeptBuffer, KeptMessage};

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

    fn encode(message: &M) -> Vec<u8> {
        message.encode_to_vec()
    }
}

impl<M: Message + Default + 'static> KeptMessage for Buffa<M> {
    fn merge(message: &mut M, bytes: &[u8]) {
        message.clear();
        message.merge_from_slice(bytes).expect("the bytes of a message");
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

impl<M: Message + Default + Serialize + DeserializeOwned + 'static> Json for Buffa<M> {
    fn to_json(message: &M) -> String {
        serde_json::to_string(message).expect("a message that JSON can say")
    }

    fn from_json(text: &str) -> M {
        serde_json::from_str(text).expect("the JSON of a message")
    }
}
