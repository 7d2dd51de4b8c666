//! The runtimes, each driven as its documentation tells its users to.

mod buffa;
mod ours;
mod prost;

pub use self::buffa::Buffa;
pub use self::ours::Ours;
pub use self::prost::Prost;

/// What every runtime can do with a message of the type that the implementor names.
pub trait Codec: 'static {
    /// The runtime's name in tables.
    const PEER: &'static str;

    /// The generated type.
    type Message: PartialEq;

    /// A new message from its bytes.
    fn decode(bytes: &[u8]) -> Self::Message;

    /// Clears a message and decodes into it.
    fn merge(message: &mut Self::Message, bytes: &[u8]);

    /// The bytes in a new `Vec`.
    fn encode(message: &Self::Message) -> Vec<u8>;
}

/// A runtime that encodes into a buffer that is kept from message to message.
pub trait KeptBuffer: Codec {
    /// The buffer.
    type Buffer: Default;

    /// Encodes into the buffer, over what is in it.
    fn encode_kept(message: &Self::Message, buffer: &mut Self::Buffer);

    /// What was encoded last.
    fn kept_bytes(buffer: &Self::Buffer) -> &[u8];
}
