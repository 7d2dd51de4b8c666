//! prost 0.14.

use std::marker::PhantomData;

use prost::Message;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Codec, Json, KeptBuffer, KeptMessage};

/// Messages of prost-build.
pub struct Prost<M>(PhantomData<M>);

impl<M: Message + Default + PartialEq + 'static> Codec for Prost<M> {
    const PEER: &'static str = "prost";
    type Message = M;

    fn decode(bytes: &[u8]) -> M {
        M::decode(bytes).expect("the bytes of a message")
    }

    fn encode(message: &M) -> Vec<u8> {
        message.encode_to_vec()
    }
}

impl<M: Message + Default + PartialEq + 'static> KeptMessage for Prost<M> {
    fn merge(message: &mut M, bytes: &[u8]) {
        message.clear();
        message.merge(bytes).expect("the bytes of a message");
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

/// By pbjson.
impl<M: Message + Default + PartialEq + Serialize + DeserializeOwned + 'static> Json for Prost<M> {
    fn to_json(message: &M) -> String {
        serde_json::to_string(message).expect("a message that JSON can say")
    }

    fn from_json(text: &str) -> M {
        serde_json::from_str(text).expect("the JSON of a message")
    }
}
