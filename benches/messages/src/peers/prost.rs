//! prost 0.14.

use std::marker::PhantomData;

use prost::Message;

use super::{Codec, KeptBuffer};

/// Messages of prost-build.
pub struct Prost<M>(PhantomData<M>);

impl<M: Message + Default + PartialEq + 'static> Codec for Prost<M> {
    const PEER: &'static str = "prost";
    type Message = M;

    fn decode(bytes: &[u8]) -> M {
        M::decode(bytes).expect("the bytes of a message")
    }

    fn merge(message: &mut M, bytes: &[u8]) {
        message.clear();
        message.merge(bytes).expect("the bytes of a message");
    }

    fn encode(message: &M) -> Vec<u8> {
        message.encode_to_vec()
    }
}

impl<M: Message + Default + PartialEq + 'static> KeptBuffer for Prost<M> {
    type Buffer = Vec<u8>;

    fn encode_kept(message: &M, buffer: &mut Vec<u8>) {
        buffer.clear();
        message.encode(buffer).expect("a buffer that grows");
    }

    fn kept_bytes(buffer: &Vec<u8>) -> &[u8] {
        buffer
    }
}
