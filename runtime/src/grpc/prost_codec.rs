//! The feature `prost`: calls with messages of the crate prost.

use prost::Message;
use prost::bytes::Bytes;

use super::codec::{Codec, Writer};
use super::status::Status;
use crate::limits;

/// The codec of messages that prost-build generated: services of the generator's option
/// `messages=prost` speak it.
///
/// prost decodes at most 100 levels of nesting, and without a budget of memory: what a message
/// takes is limited by the size of what is received.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Codec, Prost};
///
/// // Plain Rust types are messages of prost: those that protobuf wraps.
/// let text: String = Prost.decode(b"\x0a\x03Ada")?;
/// assert_eq!(text, "Ada");
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Prost;

impl<M: Message + Default> Codec<M> for Prost {
    fn encode(&self, value: &M, writer: &mut Writer) -> Result<(), Status> {
        let size = value.encoded_len();
        if size > limits::MESSAGE_SIZE_MAX {
            let message = format!("a message of {size} bytes, over 2 GiB - 1");
            return Err(Status::internal(message));
        }
        let mut room = writer.claim(size);
        value.encode(&mut room).map_err(|error| Status::internal(error.to_string()))
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, Status> {
        M::decode(bytes).map_err(|error| Status::internal(error.to_string()))
    }

    /// Fields that prost-build was told to make `Bytes` are slices of the buffer.
    fn decode_vec(&self, bytes: Vec<u8>) -> Result<M, Status> {
        M::decode(Bytes::from(bytes)).map_err(|error| Status::internal(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::codec;
    use super::super::status::Code;
    use super::*;

    /// A message of prost, as prost-build generates them.
    #[derive(Clone, PartialEq, Message)]
    struct Note {
        #[prost(string, tag = "1")]
        text: String,
        #[prost(bytes = "bytes", tag = "2")]
        data: Bytes,
    }

    fn note() -> Note {
        Note { text: "a".into(), data: Bytes::from_static(&[7; 40]) }
    }

    /// A message of prost is framed as any other is, and read back.
    #[test]
    fn messages_of_prost_are_framed() {
        let mut writer = Writer::new();
        codec::frame(&Prost, &note(), 1000, &mut writer).unwrap();
        let (prefix, payload) = writer.as_slice().split_at(5);
        assert_eq!(prefix, [0, 0, 0, 0, 45]);
        assert_eq!(payload, note().encode_to_vec());
        assert_eq!(Prost.decode(payload), Ok(note()));
    }

    /// What is decoded from a buffer of its own shares it.
    #[test]
    fn buffers_are_shared() {
        let bytes = note().encode_to_vec();
        let range = bytes.as_ptr_range();
        let decoded: Note = Prost.decode_vec(bytes).unwrap();
        assert!(range.contains(&decoded.data.as_ptr()));
    }

    /// Bytes that are no message are a status, never a panic.
    #[test]
    fn faults_are_a_status() {
        let result: Result<Note, Status> = Prost.decode(b"\x0a\x05a");
        let status = result.unwrap_err();
        assert_eq!(status.code(), Code::Internal);
        assert!(status.message().contains("Protobuf"), "{}", status.message());
    }
}
