//! Frames as a scripted peer writes them: every field free, nothing checked.
//!
//! Written without the code under test, so that the two judge each other.

use crate::http2::error::Reason;
use crate::http2::headers::Headers;

pub(super) const DATA: u8 = 0;
pub(super) const HEADERS: u8 = 1;
pub(super) const PRIORITY: u8 = 2;
pub(super) const RST_STREAM: u8 = 3;
pub(super) const SETTINGS: u8 = 4;
pub(super) const PUSH_PROMISE: u8 = 5;
pub(super) const PING: u8 = 6;
pub(super) const GOAWAY: u8 = 7;
pub(super) const WINDOW_UPDATE: u8 = 8;
pub(super) const CONTINUATION: u8 = 9;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY_FLAG: u8 = 0x20;

pub(super) const HEADER_TABLE_SIZE: u16 = 1;
pub(super) const ENABLE_PUSH: u16 = 2;
pub(super) const MAX_CONCURRENT_STREAMS: u16 = 3;
pub(super) const INITIAL_WINDOW_SIZE: u16 = 4;
pub(super) const MAX_FRAME_SIZE: u16 = 5;
pub(super) const MAX_HEADER_LIST_SIZE: u16 = 6;

/// One frame.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) kind: u8,
    pub(super) flags: u8,
    pub(super) stream: u32,
    pub(super) payload: Vec<u8>,
}

impl std::fmt::Debug for Frame {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const NAMES: [&str; 10] = [
            "DATA",
            "HEADERS",
            "PRIORITY",
            "RST_STREAM",
            "SETTINGS",
            "PUSH_PROMISE",
            "PING",
            "GOAWAY",
            "WINDOW_UPDATE",
            "CONTINUATION",
        ];
        let name = NAMES.get(usize::from(self.kind)).unwrap_or(&"unknown");
        let payload = &self.payload[..self.payload.len().min(48)];
        write!(
            formatter,
            "{name}(stream {}, flags {:#x}, {} bytes: {})",
            self.stream,
            self.flags,
            self.payload.len(),
            payload.escape_ascii()
        )
    }
}

impl Frame {
    pub(super) fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// With END_STREAM.
    pub(super) fn end(self) -> Self {
        self.flag(END_STREAM)
    }

    pub(super) fn flag(mut self, flag: u8) -> Self {
        self.flags |= flag;
        self
    }

    pub(super) fn without(mut self, flag: u8) -> Self {
        self.flags &= !flag;
        self
    }

    pub(super) fn on(mut self, stream: u32) -> Self {
        self.stream = stream;
        self
    }

    /// With `count` bytes of padding.
    pub(super) fn pad(mut self, count: u8) -> Self {
        self.payload.insert(0, count);
        self.payload.extend(std::iter::repeat_n(0, usize::from(count)));
        self.flag(PADDED)
    }

    /// HEADERS with the deprecated priority fields.
    pub(super) fn prioritized(mut self, depends_on: u32) -> Self {
        let mut fields = depends_on.to_be_bytes().to_vec();
        fields.push(15);
        self.payload.splice(0..0, fields);
        self.flag(PRIORITY_FLAG)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap();
        let mut bytes = length.to_be_bytes()[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(&self.payload);
        bytes
    }

    /// The first frame in `bytes`, and how long it is.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, usize)> {
        let head = bytes.get(..9)?;
        let length = usize::from(head[0]) << 16 | usize::from(head[1]) << 8 | usize::from(head[2]);
        let payload = bytes.get(9..9 + length)?;
        let stream = u32::from_be_bytes(head[5..9].try_into().unwrap());
        Some((Self::new(head[3], head[4], stream, payload), 9 + length))
    }

    /// The error code of RST_STREAM or GOAWAY.
    pub(super) fn reason(&self) -> Option<Reason> {
        let at = match self.kind {
            RST_STREAM => 0,
            GOAWAY => 4,
            _ => return None,
        };
        Some(Reason(u32::from_be_bytes(self.payload[at..at + 4].try_into().unwrap())))
    }
}

/// A field list.
pub(super) type Fields<'a> = &'a [(&'a str, &'a str)];

pub(super) const REQUEST: Fields<'static> = &[
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/test.Service/Method"),
    (":authority", "localhost"),
    ("te", "trailers"),
    ("content-type", "application/grpc"),
];
pub(super) const RESPONSE: Fields<'static> =
    &[(":status", "200"), ("content-type", "application/grpc")];
pub(super) const TRAILERS: Fields<'static> = &[("grpc-status", "0")];

pub(super) fn list(fields: Fields<'_>) -> Headers {
    fields.iter().copied().collect()
}

/// A header block of literals without indexing (RFC 7541 6.2.2), which fits anywhere.
pub(super) fn block(fields: Fields<'_>) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.extend(literal(name.as_bytes(), value.as_bytes()));
    }
    block
}

/// One literal field; any bytes.
pub(super) fn literal(name: &[u8], value: &[u8]) -> Vec<u8> {
    let mut field = vec![0];
    for string in [name, value] {
        // RFC 7541 5.1, with a prefix of 7 bits.
        match string.len() {
            length @ ..127 => field.push(length as u8),
            length => {
                field.push(127);
                let mut rest = length - 127;
                while rest >= 128 {
                    field.push((rest % 128) as u8 | 128);
                    rest /= 128;
                }
                field.push(rest as u8);
            }
        }
        field.extend(string);
    }
    field
}

/// HEADERS of any fields, with END_HEADERS.
pub(super) fn fields(stream: u32, fields: Fields<'_>) -> Frame {
    Frame::new(HEADERS, END_HEADERS, stream, block(fields))
}

/// HEADERS of an ordinary request.
pub(super) fn request(stream: u32) -> Frame {
    fields(stream, REQUEST)
}

/// HEADERS of an ordinary request with more fields.
pub(super) fn request_with(stream: u32, more: Fields<'_>) -> Frame {
    fields(stream, &[REQUEST, more].concat())
}

pub(super) fn response(stream: u32) -> Frame {
    fields(stream, RESPONSE)
}

pub(super) fn response_with(stream: u32, more: Fields<'_>) -> Frame {
    fields(stream, &[RESPONSE, more].concat())
}

pub(super) fn trailers(stream: u32) -> Frame {
    fields(stream, TRAILERS).end()
}

pub(super) fn continuation(stream: u32, block: &[u8]) -> Frame {
    Frame::new(CONTINUATION, 0, stream, block)
}

pub(super) fn data(stream: u32, data: impl AsRef<[u8]>) -> Frame {
    Frame::new(DATA, 0, stream, data.as_ref())
}

pub(super) fn settings(entries: &[(u16, u32)]) -> Frame {
    let entries = entries.iter();
    let payload = entries.flat_map(|(id, value)| {
        let mut entry = id.to_be_bytes().to_vec();
        entry.extend(value.to_be_bytes());
        entry
    });
    Frame::new(SETTINGS, 0, 0, payload.collect::<Vec<u8>>())
}

pub(super) fn settings_ack() -> Frame {
    Frame::new(SETTINGS, ACK, 0, [])
}

pub(super) fn ping(payload: &[u8; 8]) -> Frame {
    Frame::new(PING, 0, 0, payload.as_slice())
}

pub(super) fn ping_ack(payload: &[u8; 8]) -> Frame {
    ping(payload).flag(ACK)
}

pub(super) fn reset(stream: u32, reason: Reason) -> Frame {
    Frame::new(RST_STREAM, 0, stream, reason.0.to_be_bytes())
}

pub(super) fn go_away_after(last_stream: u32, reason: Reason) -> Frame {
    let mut payload = last_stream.to_be_bytes().to_vec();
    payload.extend(reason.0.to_be_bytes());
    Frame::new(GOAWAY, 0, 0, payload)
}

pub(super) fn window_update(stream: u32, increment: u32) -> Frame {
    Frame::new(WINDOW_UPDATE, 0, stream, increment.to_be_bytes())
}

pub(super) fn priority(stream: u32, depends_on: u32) -> Frame {
    let mut payload = depends_on.to_be_bytes().to_vec();
    payload.push(15);
    Frame::new(PRIORITY, 0, stream, payload)
}

pub(super) fn push_promise(stream: u32, promised: u32) -> Frame {
    let mut payload = promised.to_be_bytes().to_vec();
    payload.extend(block(REQUEST));
    Frame::new(PUSH_PROMISE, END_HEADERS, stream, payload)
}

pub(super) fn unknown(kind: u8, stream: u32, payload: &[u8]) -> Frame {
    Frame::new(kind, 0xff, stream, payload)
}
