//! How messages become bytes: the one place where calls meet messages.
//!
//! Stubs and servers speak to [`Codec`], so other message types than the runtime's can be called
//! with. A codec writes back to front, so the envelope's prefix goes before the message without
//! moving it.

use super::status::Status;
use super::{envelope, scratch};
use crate::message::Message;

pub(crate) use crate::message::Writer;

/// Turns messages of `T` into bytes and back.
///
/// [`Protobuf`] is the codec of generated code.
pub trait Codec<T>: Send + Sync {
    /// Writes `value` before what `writer` holds.
    ///
    /// # Errors
    ///
    /// The status that the call ends with.
    fn encode(&self, value: &T, writer: &mut Writer) -> Result<(), Status>;

    /// Reads a message that takes all of `bytes`.
    ///
    /// # Errors
    ///
    /// The status that the call ends with.
    fn decode(&self, bytes: &[u8]) -> Result<T, Status>;

    /// Reads a message as [`decode`](Self::decode) does, from a buffer that it may keep: what came
    /// over the wire is handed to this function.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    fn decode_vec(&self, bytes: Vec<u8>) -> Result<T, Status> {
        self.decode(&bytes)
    }

    /// Reads a message as [`decode_vec`](Self::decode_vec) does. What is left in `bytes` is memory for
    /// the next message, if the one that was read does not keep it.
    ///
    /// # Errors
    ///
    /// As [`decode`](Self::decode).
    fn decode_reusing(&self, bytes: &mut Vec<u8>) -> Result<T, Status> {
        self.decode_vec(std::mem::take(bytes))
    }
}

/// The codec of messages that implement [`Message`]: binary protobuf.
#[derive(Clone, Copy, Debug, Default)]
pub struct Protobuf;

impl<M: Message> Codec<M> for Protobuf {
    fn encode(&self, value: &M, writer: &mut Writer) -> Result<(), Status> {
        value.encode(writer).map_err(|error| Status::internal(error.to_string()))
    }

    fn decode(&self, bytes: &[u8]) -> Result<M, Status> {
        M::decode(bytes).map_err(|error| Status::internal(error.to_string()))
    }

    #[cfg(feature = "bytes")]
    fn decode_vec(&self, bytes: Vec<u8>) -> Result<M, Status> {
        match M::SHARES_BYTES {
            true => {
                M::decode_bytes(bytes.into()).map_err(|error| Status::internal(error.to_string()))
            }
            false => self.decode(&bytes),
        }
    }

    fn decode_reusing(&self, bytes: &mut Vec<u8>) -> Result<M, Status> {
        match M::SHARES_BYTES {
            true => self.decode_vec(std::mem::take(bytes)),
            false => self.decode(bytes),
        }
    }
}

/// The codec of messages that are their own bytes, whatever their schema is: for proxies, caches and
/// recorders.
///
/// It carries `Vec<u8>` without a copy on receipt and, with the feature `bytes`, `bytes::Bytes`.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Codec, RawBytes};
///
/// let message: Vec<u8> = RawBytes.decode(b"\x0a\x03Ada")?;
/// assert_eq!(message, b"\x0a\x03Ada");
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RawBytes;

impl Codec<Vec<u8>> for RawBytes {
    fn encode(&self, value: &Vec<u8>, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value);
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, Status> {
        Ok(bytes.to_vec())
    }

    fn decode_vec(&self, bytes: Vec<u8>) -> Result<Vec<u8>, Status> {
        Ok(bytes)
    }
}

#[cfg(feature = "bytes")]
impl Codec<bytes::Bytes> for RawBytes {
    fn encode(&self, value: &bytes::Bytes, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value);
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<bytes::Bytes, Status> {
        Ok(bytes::Bytes::copy_from_slice(bytes))
    }

    fn decode_vec(&self, bytes: Vec<u8>) -> Result<bytes::Bytes, Status> {
        Ok(bytes.into())
    }
}

/// Reads a message that came over the wire; its buffer is kept for the next one, if it can be.
///
/// # Errors
///
/// What the codec says.
pub(crate) fn read<T>(codec: &dyn Codec<T>, mut payload: Vec<u8>) -> Result<T, Status> {
    let message = codec.decode_reusing(&mut payload);
    scratch::keep_payload(payload);
    message
}

/// Replaces what `writer` holds by `value` behind its prefix.
///
/// # Errors
///
/// RESOURCE_EXHAUSTED if the message has more than `limit` bytes; what the codec says.
pub(crate) fn frame<T>(
    codec: &dyn Codec<T>,
    value: &T,
    limit: usize,
    writer: &mut Writer,
) -> Result<(), Status> {
    writer.clear();
    codec.encode(value, writer)?;
    let len = writer.len();
    if len > limit.min(u32::MAX as usize) {
        let message = format!("message of {len} bytes, over the send limit of {limit}");
        return Err(Status::resource_exhausted(message));
    }
    writer.prepend(&envelope::prefix(len));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::status::Code;
    use super::*;

    /// A message stands behind its prefix, and one of exactly the send limit passes.
    #[test]
    fn messages_are_framed_up_to_the_send_limit() {
        let mut writer = Writer::new();
        frame(&RawBytes, &vec![7u8; 3], 3, &mut writer).unwrap();
        assert_eq!(writer.as_slice(), [0, 0, 0, 0, 3, 7, 7, 7]);
        frame(&RawBytes, &Vec::<u8>::new(), 3, &mut writer).unwrap();
        assert_eq!(writer.as_slice(), [0; 5]);

        let status = frame(&RawBytes, &vec![7u8; 4], 3, &mut writer).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "message of 4 bytes, over the send limit of 3");
    }
}
