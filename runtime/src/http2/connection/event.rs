//! What a connection tells the layer above it.

use crate::http2::error::{Initiator, Reason};
use crate::http2::headers::Headers;
use crate::http2::stream::StreamId;

/// Something the peer did, in the order of the wire.
///
/// `'a` is the input: data is borrowed from it, so that it is copied once, by its reader.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event<'a> {
    /// The head of a request (server) or of a response (client; informational ones are skipped).
    Headers {
        stream: StreamId,
        headers: Headers,
        end_stream: bool,
        /// The list was larger than our limit and was cut. What it still has was checked, but
        /// pseudo-header fields may be missing: refuse the call.
        truncated: bool,
    },
    /// Bytes of a message body: a frame, or the part of it that has arrived.
    Data { stream: StreamId, data: &'a [u8], end_stream: bool },
    /// Trailers. They end the stream.
    Trailers { stream: StreamId, headers: Headers, truncated: bool },
    /// The stream is closed in both directions: by the peer, or by us because the peer broke a
    /// rule. A stream that the peer never processed is reset with REFUSED_STREAM.
    Reset { stream: StreamId, reason: Reason, by: Initiator },
    /// More can be sent, after `send_data` accepted less than it was offered.
    Writable { stream: StreamId },
    /// A stream can be opened, after `open` gave StreamLimit. It does not come after GoAway.
    StreamsAvailable,
    /// The peer's SETTINGS are in force.
    SettingsReceived,
    /// Our SETTINGS are in force at the peer.
    SettingsAcked,
    /// The answer to a PING of ours.
    PingAcked([u8; 8]),
    /// The peer takes no more streams. Those of ours above `last_stream` were never processed;
    /// a Reset with REFUSED_STREAM follows for each.
    GoAway { last_stream: StreamId, reason: Reason, debug: Vec<u8> },
}
