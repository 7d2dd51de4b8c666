//! A scripted peer: sends frames to a [`Connection`] and reads what comes back.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::frames::*;
use crate::http2::error::Violation;
use crate::http2::headers::Headers;
use crate::http2::hpack::{Decoder, Limits};
use crate::http2::{Config, Connection, Error, Event, Initiator, Reason, StreamId};

/// What the connection under test has told its application.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Told {
    Head { stream: u32, end: bool },
    Cut { stream: u32 },
    Data { stream: u32, data: Vec<u8>, end: bool },
    Trailers { stream: u32 },
    Reset { stream: u32, reason: Reason, by: Initiator },
    Writable { stream: u32 },
    StreamsAvailable,
    SettingsReceived,
    SettingsAcked,
    PingAcked([u8; 8]),
    GoAway { last_stream: u32, reason: Reason, debug: Vec<u8> },
}

/// The other end of a [`Connection`], which does as its script says.
pub(super) struct Peer {
    pub(super) connection: Connection,
    pub(super) now: Instant,
    /// What the application was told and no test has looked at.
    pub(super) told: VecDeque<Told>,
    /// The header lists that the application was given, newest last.
    pub(super) lists: Vec<Headers>,
    /// Bytes from the connection that no test has looked at.
    pub(super) wire: Vec<u8>,
    pub(super) error: Option<Error>,
    decoder: Decoder,
    /// Input is handed over in pieces of so many bytes.
    piece: usize,
}

impl Peer {
    /// A client before a server under test; prefaces and SETTINGS are exchanged.
    pub(super) fn of_server() -> Self {
        Self::of_server_with(Config::default())
    }

    pub(super) fn of_server_with(config: Config) -> Self {
        let mut peer = Self::new(Connection::server(config));
        peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        peer.exchange_settings(&[])
    }

    /// A server before a client under test; prefaces and SETTINGS are exchanged.
    pub(super) fn of_client() -> Self {
        Self::of_client_with(Config::default(), &[])
    }

    pub(super) fn of_client_with(config: Config, entries: &[(u16, u32)]) -> Self {
        let mut peer = Self::new(Connection::client(config));
        peer.wire = peer.connection.take_output();
        assert!(peer.wire.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
        peer.wire.drain(..24);
        peer.exchange_settings(entries)
    }

    /// Nothing has been sent yet.
    pub(super) fn new(connection: Connection) -> Self {
        Self {
            connection,
            now: Instant::now(),
            told: VecDeque::new(),
            lists: Vec::new(),
            wire: Vec::new(),
            error: None,
            decoder: Decoder::new(4096),
            piece: usize::MAX,
        }
    }

    fn exchange_settings(mut self, entries: &[(u16, u32)]) -> Self {
        self.send(settings(entries));
        self.send(settings_ack());
        while let Some(frame) = self.next_frame() {
            assert!(matches!(frame.kind, SETTINGS | WINDOW_UPDATE), "{frame:?}");
        }
        self.told.clear();
        self
    }

    /// From now on the connection gets its input in pieces of `piece` bytes.
    pub(super) fn in_pieces_of(mut self, piece: usize) -> Self {
        self.piece = piece;
        self
    }

    #[allow(clippy::needless_pass_by_value, reason = "frames are made where they are sent")]
    pub(super) fn send(&mut self, frame: Frame) -> &mut Self {
        self.send_bytes(&frame.to_bytes())
    }

    pub(super) fn send_all(&mut self, frames: impl IntoIterator<Item = Frame>) -> &mut Self {
        let bytes: Vec<u8> = frames.into_iter().flat_map(|frame| frame.to_bytes()).collect();
        self.send_bytes(&bytes)
    }

    pub(super) fn send_bytes(&mut self, bytes: &[u8]) -> &mut Self {
        for piece in bytes.chunks(self.piece.min(bytes.len().max(1))) {
            self.hand_over(piece);
        }
        self.read()
    }

    /// Hands bytes over and leaves the output where it is.
    pub(super) fn hand_over(&mut self, mut bytes: &[u8]) {
        while self.error.is_none() {
            match self.connection.handle_bytes(bytes, self.now) {
                Ok((consumed, event)) => {
                    bytes = &bytes[consumed..];
                    match event {
                        Some(event) => {
                            let told = tell(event, &mut self.lists);
                            self.told.push_back(told);
                        }
                        None => {
                            assert!(bytes.is_empty(), "input is left without an event");
                            return;
                        }
                    }
                }
                Err(error) => self.error = Some(error),
            }
        }
    }

    /// Reads what the connection has written, and the events that wait.
    pub(super) fn read(&mut self) -> &mut Self {
        self.wire.extend(self.connection.take_output());
        while let Some(event) = self.connection.poll_event() {
            let told = tell(event, &mut self.lists);
            self.told.push_back(told);
        }
        self
    }

    /// Drops what was told and written and no test has looked at.
    pub(super) fn forget(&mut self) -> &mut Self {
        self.read();
        self.told.clear();
        self.lists.clear();
        self.wire.clear();
        self
    }

    /// Lets time pass.
    pub(super) fn wait(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.connection.on_time(self.now);
        self.error = self.error.or_else(|| self.connection.error());
        self.read()
    }

    pub(super) fn next_frame(&mut self) -> Option<Frame> {
        self.read();
        let (frame, length) = Frame::parse(&self.wire)?;
        self.wire.drain(..length);
        Some(frame)
    }

    /// The next frame on the wire is this one.
    #[allow(clippy::needless_pass_by_value, reason = "frames are made where they are named")]
    #[track_caller]
    pub(super) fn expect(&mut self, expected: Frame) -> &mut Self {
        match self.next_frame() {
            Some(frame) if frame == expected => self,
            frame => panic!("expected {expected:?}, got {frame:?}, error {:?}", self.error),
        }
    }

    /// The next frame on the wire is HEADERS with these fields.
    #[track_caller]
    pub(super) fn expect_fields(
        &mut self,
        stream: u32,
        flags: u8,
        fields: Fields<'_>,
    ) -> &mut Self {
        let frame = self.next_frame().expect("HEADERS on the wire");
        assert_eq!((frame.kind, frame.stream, frame.flags), (HEADERS, stream, flags), "{frame:?}");
        assert_eq!(self.decode(&frame.payload), list(fields));
        self
    }

    pub(super) fn decode(&mut self, block: &[u8]) -> Headers {
        let limits =
            Limits { list_size_max: 1 << 20, fields_max: 1 << 20, decoded_size_max: 1 << 20 };
        let mut headers = Headers::new();
        self.decoder.decode(block, &limits, &mut headers).unwrap();
        headers
    }

    /// Nothing else is on the wire.
    #[track_caller]
    pub(super) fn expect_silence(&mut self) -> &mut Self {
        let frame = self.next_frame();
        assert!(frame.is_none(), "expected nothing, got {frame:?}");
        self
    }

    /// The application is told this next.
    #[track_caller]
    pub(super) fn tells(&mut self, expected: Told) -> &mut Self {
        self.read();
        assert_eq!(self.told.pop_front(), Some(expected), "error {:?}", self.error);
        self
    }

    #[track_caller]
    pub(super) fn tells_head(&mut self, stream: u32) -> &mut Self {
        self.tells(Told::Head { stream, end: false })
    }

    #[track_caller]
    pub(super) fn tells_data(&mut self, stream: u32, data: &[u8]) -> &mut Self {
        self.tells(Told::Data { stream, data: data.to_vec(), end: false })
    }

    #[track_caller]
    pub(super) fn tells_reset(&mut self, stream: u32, reason: Reason, by: Initiator) -> &mut Self {
        self.tells(Told::Reset { stream, reason, by })
    }

    /// The application is told nothing else.
    #[track_caller]
    pub(super) fn tells_nothing(&mut self) -> &mut Self {
        self.read();
        assert_eq!(self.told.pop_front(), None);
        self
    }

    /// The connection is over for this reason, and GOAWAY says so.
    #[track_caller]
    pub(super) fn ends_with(&mut self, violation: Violation) {
        let error = self.error.expect("the connection is over");
        assert_eq!(error.violation(), violation);
        let mut last = None;
        while let Some(frame) = self.next_frame() {
            last = Some(frame);
        }
        let last = last.expect("GOAWAY on the wire");
        assert_eq!((last.kind, last.reason()), (GOAWAY, Some(error.reason())), "{last:?}");
        assert_eq!(&last.payload[8..], error.text().as_bytes());
        assert!(self.wire.is_empty());
    }

    /// The stream is reset for this reason, and nothing else is said.
    #[track_caller]
    pub(super) fn resets(&mut self, stream: u32, violation: Violation) -> &mut Self {
        let reason = violation.row().1;
        self.expect(reset(stream, reason)).expect_silence();
        assert_eq!(self.error, None);
        self
    }

    /// Opens a stream on the client under test.
    pub(super) fn open(&mut self) -> StreamId {
        let stream = self.connection.open(&list(REQUEST), false).unwrap();
        self.expect_fields(stream.0, END_HEADERS, REQUEST);
        stream
    }
}

fn tell(event: Event<'_>, lists: &mut Vec<Headers>) -> Told {
    match event {
        Event::Headers { stream, headers, end_stream, truncated } => {
            lists.push(headers);
            match truncated {
                true => Told::Cut { stream: stream.0 },
                false => Told::Head { stream: stream.0, end: end_stream },
            }
        }
        Event::Data { stream, data, end_stream } => {
            Told::Data { stream: stream.0, data: data.to_vec(), end: end_stream }
        }
        Event::Trailers { stream, headers, .. } => {
            lists.push(headers);
            Told::Trailers { stream: stream.0 }
        }
        Event::Reset { stream, reason, by } => Told::Reset { stream: stream.0, reason, by },
        Event::Writable { stream } => Told::Writable { stream: stream.0 },
        Event::StreamsAvailable => Told::StreamsAvailable,
        Event::SettingsReceived => Told::SettingsReceived,
        Event::SettingsAcked => Told::SettingsAcked,
        Event::PingAcked(payload) => Told::PingAcked(payload),
        Event::GoAway { last_stream, reason, debug } => {
            Told::GoAway { last_stream: last_stream.0, reason, debug }
        }
    }
}
