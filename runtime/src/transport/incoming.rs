//! What an application receives on a stream, and what looking for it finds.

use std::sync::Arc;

use crate::grpc::envelope;
use crate::http2::{Headers, Initiator, Reason};

/// What an application receives on a stream, in the order in which it came.
///
/// After trailers, [`Incoming::End`] or a head with `end`, every further one is [`Incoming::End`];
/// after the last three kinds, the same again; after [`Incoming::Foreign`] the end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Incoming {
    /// The head of a response; only clients receive it. `end`: nothing follows.
    Head { headers: Headers, end: bool, truncated: bool },
    /// A response that is none of gRPC's, and the beginning of its body. The stream may still be open.
    Foreign { headers: Headers, body: Vec<u8> },
    /// A message's payload, and whether it is marked as compressed.
    Message(Vec<u8>, bool),
    /// Messages, in the [`Run`] that was given to be filled.
    Run,
    /// The peer's last word.
    Trailers(Headers),
    /// The peer's last word was over the limit for header lists and was cut: not to be read.
    CutTrailers,
    /// The peer has ended the stream without trailers.
    End,
    /// The stream was reset.
    Reset { reason: Reason, by: Initiator },
    /// The connection was lost: how, in words.
    Lost(Arc<str>),
    /// The peer's bytes are not messages, or one is too large. The stream is still open.
    Invalid(envelope::Error),
}

impl Incoming {
    pub(super) fn is_head(&self) -> bool {
        matches!(self, Self::Head { .. })
    }

    pub(super) fn is_message(&self) -> bool {
        matches!(self, Self::Message(..))
    }
}

/// What looking for the next thing finds.
pub(super) enum Found {
    /// Something for the application, and bytes to be credited to the peer.
    Incoming(Incoming, usize),
    /// Nothing yet, but bytes to be credited.
    Credit(usize),
    Nothing,
}

/// A response of one message, as most are.
#[derive(Debug, Default)]
pub(crate) struct Whole {
    pub(crate) head: Headers,
    pub(crate) payload: Vec<u8>,
    /// The payload is marked as compressed.
    pub(crate) is_compressed: bool,
    pub(crate) trailers: Headers,
}

/// What looking for a whole response of one message finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// All of it, and bytes to be credited to the peer.
    Whole(usize),
    /// Something else, which is to be taken one by one.
    Other,
    Nothing,
}
