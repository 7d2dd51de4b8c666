//! rust-grpc's own messages.

use std::marker::PhantomData;

use rust_grpc::Message;
use rust_grpc::message::{self, Writer};

use super::{Codec, Json, KeptBuffer, KeptMessage};

/// Messages of rust-grpc-codegen.
pub struct Ours<M>(PhantomData<M>);

impl<M: Message> Codec for Ours<M> {
    const PEER: &'static str = "rust-grpc";
    type Message = M;

    fn decode(bytes: &[u8]) -> M {
        M::decode(bytes).expect("the bytes of a message")
    }

    fn encode(message: &M) -> Vec<u8> {
        message.encode_to_vec()
    }
}

impl<M: Message> KeptMessage for Ours<M> {
    fn merge(message: &mut M, bytes: &[u8]) {
        message.clear();
        message.merge(bytes).expect("the bytes of a message");
    }
}

impl<M: Message> KeptBuffer for Ours<M> {
    type Buffer = Writer;

    fn encode_kept(message: &M, buffer: &mut Writer) {
        buffer.clear();
        message.encode(buffer).expect("a message of less than 2 GiB");
    }

    fn kept_bytes(buffer: &Writer) -> &[u8] {
        buffer.as_slice()
    }
}

impl<M: Message + message::Json> Json for Ours<M> {
    fn to_json(message: &M) -> String {
        message.to_json().expect("a message that JSON can say")
    }

    fn from_json(text: &str) -> M {
        M::from_json(text).expect("the JSON of a message")
    }
}
