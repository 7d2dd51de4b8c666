//! What a stream of messages gives to somebody who does not wait for ever.

use super::codec::{Codec, Protobuf, Writer};
use super::status::Status;

/// What `recv_timeout` and `try_recv` of a stream of messages found, on either side of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received<T> {
    /// The next message.
    Message(T),
    /// The other side has sent all its messages.
    End,
    /// Nothing has come so far; the stream goes on.
    NotYet,
}

impl<T> Received<T> {
    /// The message, if there is one.
    #[must_use]
    pub fn message(self) -> Option<T> {
        match self {
            Self::Message(message) => Some(message),
            Self::End | Self::NotYet => None,
        }
    }

    /// The same with what `change` makes of the message, if there is one.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Received<U> {
        match self {
            Self::Message(message) => Received::Message(change(message)),
            Self::End => Received::End,
            Self::NotYet => Received::NotYet,
        }
    }

    /// What an interceptor of messages gives on: the message encoded, if there is one.
    ///
    /// # Errors
    ///
    /// INTERNAL if the message cannot be encoded.
    pub fn encode(self) -> Result<Received<Vec<u8>>, Status>
    where
        Protobuf: Codec<T>,
    {
        Ok(match self {
            Self::Message(message) => Received::Message(encoded(&message)?),
            Self::End => Received::End,
            Self::NotYet => Received::NotYet,
        })
    }
}

/// `message` as protobuf has it.
pub(super) fn encoded<M>(message: &M) -> Result<Vec<u8>, Status>
where
    Protobuf: Codec<M>,
{
    let mut writer = Writer::new();
    Protobuf.encode(message, &mut writer)?;
    Ok(writer.into_vec())
}
