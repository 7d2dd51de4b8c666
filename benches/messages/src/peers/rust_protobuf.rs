//! rust-protobuf 3.7.

use std::marker::PhantomData;

use protobuf3::{Message, MessageFull};

use super::{Codec, Json, KeptBuffer, KeptMessage};

/// Messages of protobuf-codegen 3.7.
pub struct RustProtobuf<M>(PhantomData<M>);

impl<M: Message> Codec for RustProtobuf<M> {
    const PEER: &'static str = "rust-protobuf";
    type Message = M;

    fn decode(bytes: &[u8]) -> M {
        M::parse_from_bytes(bytes).expect("the bytes of a message")
    }

    fn encode(message: &M) -> Vec<u8> {
        message.write_to_bytes().expect("required fields are set")
    }
}

impl<M: Message> KeptMessage for RustProtobuf<M> {
    fn merge(message: &mut M, bytes: &[u8]) {
        message.clear();
        message.merge_from_bytes(bytes).expect("the bytes of a message");
    }
}

impl<M: Message> KeptBuffer for RustProtobuf<M> {
    type Buffer = Vec<u8>;

    fn encode_kept(message: &M, buffer: &mut Vec<u8>) {
        buffer.clear();
        message.write_to_vec(buffer).expect("required fields are set");
    }

    fn kept_bytes(buffer: &Vec<u8>) -> &[u8] {
        buffer
    }
}

impl<M: MessageFull> Json for RustProtobuf<M> {
    fn to_json(message: &M) -> String {
        protobuf_json_mapping::print_to_string(message).expect("a message without Any")
    }

    fn from_json(text: &str) -> M {
        protobuf_json_mapping::parse_from_str(text).expect("the JSON of a message")
    }
}
