//! A client of a few bytes, without a thread: what a thousand connections are made with.

#![allow(dead_code, reason = "tests take what they need")]

use std::io::{Read, Write};
use std::net::TcpStream;

/// One connection.
pub(crate) struct Peer {
    connection: TcpStream,
    read: Vec<u8>,
    /// The stream of the last call.
    stream: u32,
}

/// A frame's type and payload (RFC 9113 4.1).
struct Frame {
    kind: u8,
    payload: Vec<u8>,
}

impl Peer {
    /// Connects to `address`, as servers show it, and begins.
    pub(crate) fn connect(address: &str) -> Self {
        let address = address.strip_prefix("ipv4:").expect("the server listens at IPv4");
        let mut connection = TcpStream::connect(address).unwrap();
        let settings = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
        connection.write_all(&[PREFACE, &settings].concat()).unwrap();
        Self { connection, read: Vec::new(), stream: u32::MAX }
    }

    /// Waits until the server has said its first word.
    pub(crate) fn expect_settings(&mut self) {
        while self.next_frame().kind != SETTINGS {}
    }

    /// Calls the method at `path` with requests of one text each, of which each is sent when the reply to
    /// the one before has come; returns the texts of the replies. Of a method of one request that is the
    /// last one.
    pub(crate) fn call(&mut self, path: &str, requests: &[&str]) -> Vec<String> {
        self.stream = self.stream.wrapping_add(2);
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "test"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ] {
            // RFC 7541 6.2.2: a literal with a new name, not indexed.
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.bytes());
            }
        }
        let mut bytes = self.frame(HEADERS, END_HEADERS, &block);
        let (mut replies, mut rest) = (Vec::new(), requests.iter());
        loop {
            let last = rest.len() == 1;
            let Some(text) = rest.next() else { return replies };
            let message = framed(text);
            let pieces = message.chunks(FRAME_SIZE_MAX);
            let count = pieces.len();
            for (place, piece) in pieces.enumerate() {
                let flags = if last && place + 1 == count { END_STREAM } else { 0 };
                bytes.extend(self.frame(DATA, flags, piece));
            }
            self.connection.write_all(&std::mem::take(&mut bytes)).unwrap();
            replies.push(self.next_reply());
            if last {
                while self.next_frame().kind != HEADERS {}
            }
        }
    }

    /// Keeps the connection alone, over which no more calls are made.
    pub(crate) fn into_connection(self) -> TcpStream {
        self.connection
    }

    /// The text of the next message.
    fn next_reply(&mut self) -> String {
        let mut message = Vec::new();
        // What is before the text: the prefix, the tag of the field and the length.
        while message.len() < 5 || message.len() < 5 + size_of_message(&message) {
            let Frame { kind, payload, .. } = self.next_frame();
            if kind == DATA {
                message.extend(payload);
            }
        }
        let text = message[6..].iter().position(|byte| byte & 0x80 == 0).unwrap();
        String::from_utf8(message.split_off(6 + text + 1)).unwrap()
    }

    fn frame(&self, kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        let mut bytes = vec![len[1], len[2], len[3], kind, flags];
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend(payload);
        bytes
    }

    fn next_frame(&mut self) -> Frame {
        loop {
            if let [a, b, c, kind, _, _, _, _, _, rest @ ..] = &self.read[..] {
                let len = u32::from_be_bytes([0, *a, *b, *c]) as usize;
                if let Some(payload) = rest.get(..len) {
                    let frame = Frame { kind: *kind, payload: payload.to_vec() };
                    self.read.drain(..9 + len);
                    return frame;
                }
            }
            let mut buffer = [0; 4096];
            let count = self.connection.read(&mut buffer).unwrap();
            assert!(count > 0, "the server has closed the connection");
            self.read.extend(&buffer[..count]);
        }
    }
}

/// A message of one text, field 1, behind its prefix.
fn framed(text: &str) -> Vec<u8> {
    let mut message = vec![0x0a];
    let mut len = text.len();
    while len >= 0x80 {
        message.push(u8::try_from(len % 0x80).unwrap() | 0x80);
        len /= 0x80;
    }
    message.push(u8::try_from(len).unwrap());
    message.extend(text.bytes());
    let mut framed = vec![0];
    framed.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    framed.extend(message);
    framed
}

/// What the prefix of `message` says.
fn size_of_message(message: &[u8]) -> usize {
    u32::from_be_bytes(message[1..5].try_into().unwrap()) as usize
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// RFC 9113 6.5.2: what every peer takes.
const FRAME_SIZE_MAX: usize = 16_384;
