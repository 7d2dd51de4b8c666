//! A client of a few bytes, without a thread: what a thousand connections are made with.

use std::io::{Read, Write};
use std::net::TcpStream;

/// One connection.
pub(crate) struct Peer {
    connection: TcpStream,
    read: Vec<u8>,
}

/// A frame's type, flags and payload (RFC 9113 4.1).
struct Frame {
    kind: u8,
    flags: u8,
    payload: Vec<u8>,
}

impl Peer {
    /// Connects to `address`, as servers show it, and begins.
    pub(crate) fn connect(address: &str) -> Self {
        let address = address.strip_prefix("ipv4:").expect("the server listens at IPv4");
        let mut connection = TcpStream::connect(address).unwrap();
        let settings = [0, 0, 0, SETTINGS, 0, 0, 0, 0, 0];
        connection.write_all(&[PREFACE, &settings].concat()).unwrap();
        Self { connection, read: Vec::new() }
    }

    /// Waits until the server has said its first word.
    pub(crate) fn expect_settings(&mut self) {
        while self.next_frame().kind != SETTINGS {}
    }

    /// Calls SayHello on stream 1, with the name "peer"; returns the bytes of the reply as text.
    pub(crate) fn call(&mut self) -> String {
        let mut block = Vec::new();
        for (name, value) in [
            (":method", "POST"),
            (":scheme", "http"),
            (":path", "/hello.Greeter/SayHello"),
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
        let message = b"\0\0\0\0\x06\x0a\x04peer";
        let mut bytes = frame(HEADERS, END_HEADERS, &block);
        bytes.extend(frame(DATA, END_STREAM, message));
        self.connection.write_all(&bytes).unwrap();
        let mut reply = Vec::new();
        loop {
            let Frame { kind, flags, payload } = self.next_frame();
            match kind {
                DATA => reply.extend(payload),
                HEADERS if flags & END_STREAM != 0 => break,
                _ => {}
            }
        }
        String::from_utf8_lossy(&reply).into_owned()
    }

    fn next_frame(&mut self) -> Frame {
        loop {
            if let [a, b, c, kind, flags, _, _, _, _, rest @ ..] = &self.read[..] {
                let len = u32::from_be_bytes([0, *a, *b, *c]) as usize;
                if let Some(payload) = rest.get(..len) {
                    let frame = Frame { kind: *kind, flags: *flags, payload: payload.to_vec() };
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

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![len[1], len[2], len[3], kind, flags, 0, 0, 0, 1];
    bytes.extend(payload);
    bytes
}

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
