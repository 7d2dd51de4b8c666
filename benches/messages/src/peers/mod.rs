//! The runtimes, each driven as its documentation tells its users to.

mod buffa;
mod google;
mod ours;
mod prost;
mod rust_protobuf;

pub use self::buffa::Buffa;
pub use self::google::Google;
pub use self::ours::Ours;
pub use self::prost::Prost;
pub use self::rust_protobuf::RustProtobuf;

/// What every runtime can do with a message of the type that the implementor names.
pub trait Codec: 'static {
    /// The runtime's name in tables.
    const PEER: &'static str;

    /// The generated type.
    type Message;

    /// A new message from its bytes.
    fn decode(bytes: &[u8]) -> Self::Message;

    /// The bytes in a new `Vec`.
    fn encode(message: &Self::Message) -> Vec<u8>;
}

/// A runtime that decodes into a message that was used before.
pub trait KeptMessage: Codec<Message: PartialEq> {
    /// Clears a message and decodes into it.
    fn merge(message: &mut Self::Message, bytes: &[u8]);
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

/// A runtime with protobuf's JSON, its own or a crate's beside it.
pub trait Json: Codec {
    /// The message as JSON.
    fn to_json(message: &Self::Message) -> String;

    /// The message that JSON says.
    fn from_json(text: &str) -> Self::Message;
}
