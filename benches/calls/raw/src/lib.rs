//! A frame: the length of its body and a kind, four bytes each, little-endian, and the body.

use std::io::{self, Read};
use std::net::TcpStream;

pub const HEADER: usize = 8;
/// The body comes back.
pub const ECHO: u32 = 0;
/// The body is `count` and `size`, four bytes each: so many frames of that size come back.
pub const STREAM: u32 = 1;
/// What is written at once of a stream of short frames.
pub const BATCH: usize = 64 << 10;

/// Writes a header and `body` to the end of `out`.
pub fn put(out: &mut Vec<u8>, kind: u32, body: &[u8]) {
    out.extend_from_slice(&(body.len() as u32).to_le_bytes());
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(body);
}

/// The number at `place`.
pub fn number(bytes: &[u8], place: usize) -> u32 {
    let digits = bytes[place..place + 4].try_into().expect("a range of four bytes");
    u32::from_le_bytes(digits)
}

/// Reads as much as there is, and hands out whole frames.
pub struct Frames {
    socket: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Frames {
    pub fn new(socket: TcpStream) -> Self {
        Self { socket, buffer: vec![0; 256 << 10], start: 0, end: 0 }
    }

    /// The next frame with its header, `None` once the peer has closed.
    ///
    /// # Errors
    ///
    /// If the connection is lost.
    pub fn next(&mut self) -> io::Result<Option<&[u8]>> {
        if !self.fill(HEADER)? {
            return Ok(None);
        }
        let size = HEADER + number(&self.buffer, self.start) as usize;
        if !self.fill(size)? {
            return Ok(None);
        }
        let frame = self.start..self.start + size;
        self.start = frame.end;
        Ok(Some(&self.buffer[frame]))
    }

    fn fill(&mut self, size: usize) -> io::Result<bool> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start + size > self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
            self.buffer.resize(self.buffer.len().max(size), 0);
        }
        while self.end - self.start < size {
            let count = self.socket.read(&mut self.buffer[self.end..])?;
            if count == 0 {
                return Ok(false);
            }
            self.end += count;
        }
        Ok(true)
    }
}
