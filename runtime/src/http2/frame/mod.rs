//! The frames of RFC 9113 4.1 and 6: their head, and how each is written and parsed.
//!
//! Invariant: nothing here knows a connection. A parser takes one payload and says what stands in
//! it; a writer appends one whole frame.

mod parse;
mod write;

pub(crate) use parse::{GoAway, data_padding, go_away, headers, ping, reset, window_update};
pub(crate) use write::{
    write_data, write_data_head, write_go_away, write_header_block, write_ping, write_reset,
    write_settings, write_settings_ack, write_window_update,
};

use super::error::Violation;
use super::stream::StreamId;

/// The nine bytes before every payload (RFC 9113 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Bytes of payload that follow; 24 bits on the wire.
    pub(crate) length: u32,
    pub(crate) kind: u8,
    pub(crate) flags: u8,
    pub(crate) stream: StreamId,
}

/// Frame types (RFC 9113 6).
pub(crate) mod kind {
    pub(crate) const DATA: u8 = 0x0;
    pub(crate) const HEADERS: u8 = 0x1;
    pub(crate) const PRIORITY: u8 = 0x2;
    pub(crate) const RST_STREAM: u8 = 0x3;
    pub(crate) const SETTINGS: u8 = 0x4;
    pub(crate) const PUSH_PROMISE: u8 = 0x5;
    pub(crate) const PING: u8 = 0x6;
    pub(crate) const GOAWAY: u8 = 0x7;
    pub(crate) const WINDOW_UPDATE: u8 = 0x8;
    pub(crate) const CONTINUATION: u8 = 0x9;
}

/// Frame flags. Which frame has which one: RFC 9113 6.
pub(crate) mod flag {
    pub(crate) const END_STREAM: u8 = 0x1;
    pub(crate) const ACK: u8 = 0x1;
    pub(crate) const END_HEADERS: u8 = 0x4;
    pub(crate) const PADDED: u8 = 0x8;
    pub(crate) const PRIORITY: u8 = 0x20;
}

impl Head {
    /// Reads a head. RFC 9113 4.1: the reserved bit is ignored, and so are unknown flags.
    pub(crate) fn parse(bytes: &[u8; HEAD_SIZE]) -> Self {
        Self {
            length: u32::from_be_bytes([0, bytes[0], bytes[1], bytes[2]]),
            kind: bytes[3],
            flags: bytes[4],
            stream: StreamId(
                u32::from_be_bytes([bytes[5], bytes[6], bytes[7], bytes[8]]) & STREAM_ID_MAX,
            ),
        }
    }

    /// The nine bytes of the wire.
    pub(crate) const fn to_bytes(self) -> [u8; HEAD_SIZE] {
        let length = self.length.to_be_bytes();
        let stream = self.stream.0.to_be_bytes();
        [
            length[1], length[2], length[3], self.kind, self.flags, stream[0], stream[1],
            stream[2], stream[3],
        ]
    }

    /// Whether `flag` is set.
    pub(crate) const fn has(self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// What the head alone tells to be wrong: the length and the stream of a frame of its type.
    ///
    /// # Errors
    ///
    /// A violation of RFC 9113 4.2 or of the section of the frame in RFC 9113 6.
    pub(crate) fn check(self, frame_size_max: u32) -> Result<(), Violation> {
        // RFC 9113 4.2: an endpoint answers a frame that is too long with FRAME_SIZE_ERROR. A
        // stream error would do for DATA; then its payload had to be read to be thrown away.
        if self.length > frame_size_max {
            return Err(Violation::FrameTooLong);
        }
        let on_connection = self.stream == StreamId::CONNECTION;
        match self.kind {
            kind::DATA
            | kind::HEADERS
            | kind::PRIORITY
            | kind::RST_STREAM
            | kind::PUSH_PROMISE
            | kind::CONTINUATION
                if on_connection =>
            {
                Err(Violation::StreamFrameOnConnection)
            }
            kind::SETTINGS | kind::PING | kind::GOAWAY if !on_connection => {
                Err(Violation::ConnectionFrameOnStream)
            }
            // RFC 9113 6.5: an acknowledgement is empty, other SETTINGS hold entries of 6 bytes.
            kind::SETTINGS if self.has(flag::ACK) && self.length != 0 => {
                Err(Violation::FrameLength)
            }
            kind::SETTINGS if !self.length.is_multiple_of(SETTING_SIZE) => {
                Err(Violation::FrameLength)
            }
            kind::RST_STREAM | kind::WINDOW_UPDATE if self.length != 4 => {
                Err(Violation::FrameLength)
            }
            kind::PING if self.length != 8 => Err(Violation::FrameLength),
            kind::GOAWAY if self.length < 8 => Err(Violation::FrameLength),
            // Room for the length of the padding (RFC 9113 6.1, 6.2).
            kind::DATA | kind::HEADERS if self.has(flag::PADDED) && self.length == 0 => {
                Err(Violation::FrameLength)
            }
            _ => Ok(()),
        }
    }
}

/// Bytes of a frame head.
pub(crate) const HEAD_SIZE: usize = 9;
/// The highest stream identifier (RFC 9113 5.1.1).
pub(crate) const STREAM_ID_MAX: u32 = (1 << 31) - 1;
/// The smallest SETTINGS_MAX_FRAME_SIZE, which is the initial one (RFC 9113 6.5.2).
pub(crate) const FRAME_SIZE_MIN: u32 = 1 << 14;
/// The largest SETTINGS_MAX_FRAME_SIZE (RFC 9113 6.5.2).
pub(crate) const FRAME_SIZE_MAX: u32 = (1 << 24) - 1;
/// Bytes of an entry of SETTINGS (RFC 9113 6.5.1).
pub(crate) const SETTING_SIZE: u32 = 6;
/// What a client sends first (RFC 9113 3.4).
pub(crate) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
