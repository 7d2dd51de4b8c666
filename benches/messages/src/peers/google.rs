//! Google's protobuf 4, on upb.

use std::marker::PhantomData;

use protobuf4::Message;

use super::Codec;

/// Messages that protoc generates for Google's runtime.
///
/// There is no [`KeptMessage`](super::KeptMessage): a message's memory is an arena, which `clear` does not empty, so
/// that a message that is merged into again and again grows without end.
/// There is no [`KeptBuffer`](super::KeptBuffer): `serialize` gives a new `Vec`. There is no JSON.
pub struct Google<M>(PhantomData<M>);

impl<M: Message> Codec for Google<M> {
    const PEER: &'static str = "google-protobuf";
    type Message = M;

    fn decode(bytes: &[u8]) -> M {
        M::parse(bytes).expect("the bytes of a message")
    }

    fn encode(message: &M) -> Vec<u8> {
        message.serialize().expect("required fields are set")
    }
}
