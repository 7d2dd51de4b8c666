//! Length-Prefixed-Message: the five bytes before every message, and their incremental decoder.
//!
//! The receive limit is checked against the prefix, before anything is allocated, and the buffer
//! grows with the bytes that arrive, to [`GROWTH`] times as many at most: a prefix alone never costs
//! memory, but for what was kept from other messages.

use super::scratch;
use super::status::Status;

/// Bytes of the prefix: the compressed flag and a big-endian length.
pub(crate) const PREFIX_LEN: usize = 5;

/// The prefix of an uncompressed message of `len` bytes.
///
/// # Panics
///
/// If `len` does not fit 32 bits: senders check their limit first.
pub(crate) fn prefix(len: usize) -> [u8; PREFIX_LEN] {
    let len = u32::try_from(len).expect("the send limit is checked before a message is framed");
    let [a, b, c, d] = len.to_be_bytes();
    [0, a, b, c, d]
}

/// The prefix of a compressed message that takes `len` bytes.
///
/// # Panics
///
/// As [`prefix`].
pub(crate) fn compressed_prefix(len: usize) -> [u8; PREFIX_LEN] {
    let [_, length @ ..] = prefix(len);
    let [a, b, c, d] = length;
    [1, a, b, c, d]
}

/// The length of the message that `bytes` begin with, and whether it is marked as compressed; `None` if
/// its prefix is incomplete.
pub(crate) fn read_prefix(bytes: &[u8]) -> Option<(usize, bool)> {
    let (&[flag, a, b, c, d], _) = bytes.split_first_chunk::<PREFIX_LEN>()?;
    Some((u32::from_be_bytes([a, b, c, d]) as usize, flag != 0))
}

/// How many times the bytes that have come a message's buffer may be. What has come is copied when the
/// buffer grows: a third of a message at most.
const GROWTH: usize = 4;

/// Cuts the bytes of a stream into messages, wherever the DATA frames end.
#[derive(Debug)]
pub(crate) struct Decoder {
    limit: usize,
    prefix: [u8; PREFIX_LEN],
    prefix_len: usize,
    payload: Vec<u8>,
}

/// One whole message as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) payload: Vec<u8>,
    pub(crate) compressed: bool,
}

impl Decoder {
    /// A decoder that refuses messages of more than `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, prefix: [0; PREFIX_LEN], prefix_len: 0, payload: Vec::new() }
    }

    /// Makes it as new, but for its limit.
    pub(crate) fn clear(&mut self) {
        self.prefix_len = 0;
        self.payload = Vec::new();
    }

    /// Refuses messages of more than `limit` bytes from now on.
    pub(crate) fn set_limit(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Takes bytes of `chunk` up to the end of the next message.
    ///
    /// Returns how many bytes were consumed, and the message if it is whole. Call again with the
    /// rest until everything is consumed and no message came.
    ///
    /// # Errors
    ///
    /// The stream is over: its bytes have no meaning from here on.
    pub(crate) fn decode(&mut self, chunk: &[u8]) -> Result<(usize, Option<Message>), Error> {
        // Most messages come in one piece.
        if self.prefix_len == 0
            && let Some((length, compressed)) = read_prefix(chunk)
            && let Some(whole) = chunk[PREFIX_LEN..].get(..length)
        {
            check(chunk[0], length, self.limit)?;
            let mut payload = scratch::take_payload(length);
            payload.reserve_exact(length);
            payload.extend_from_slice(whole);
            return Ok((PREFIX_LEN + length, Some(Message { payload, compressed })));
        }
        let mut consumed = 0;
        if self.prefix_len < PREFIX_LEN {
            consumed = (PREFIX_LEN - self.prefix_len).min(chunk.len());
            let end = self.prefix_len + consumed;
            self.prefix[self.prefix_len..end].copy_from_slice(&chunk[..consumed]);
            self.prefix_len = end;
            if end < PREFIX_LEN {
                return Ok((consumed, None));
            }
            self.check_prefix()?;
            self.payload = scratch::take_payload(self.length());
        }
        let rest = &chunk[consumed..];
        let part = &rest[..self.missing().min(rest.len())];
        self.grow(part.len());
        self.payload.extend_from_slice(part);
        consumed += part.len();
        if self.missing() > 0 {
            return Ok((consumed, None));
        }
        self.prefix_len = 0;
        let payload = std::mem::take(&mut self.payload);
        Ok((consumed, Some(Message { payload, compressed: self.prefix[0] == 1 })))
    }

    /// How many bytes at the beginning of `bytes` are whole messages, and what is wrong with the one
    /// behind them, if anything is. It must not have taken a part of a message.
    pub(crate) fn measure(&self, bytes: &[u8]) -> (usize, Option<Error>) {
        debug_assert!(self.prefix_len == 0, "inside a message");
        let mut end = 0;
        while let Some((length, _)) = read_prefix(&bytes[end..]) {
            if let Err(error) = check(bytes[end], length, self.limit) {
                return (end, Some(error));
            }
            match bytes.len() - end - PREFIX_LEN {
                rest if length <= rest => end += PREFIX_LEN + length,
                _ => break,
            }
        }
        (end, None)
    }

    /// Whether it has taken a part of a message.
    pub(crate) fn is_inside(&self) -> bool {
        self.prefix_len > 0
    }

    /// The stream has ended.
    ///
    /// # Errors
    ///
    /// [`Error::Truncated`] if it ended inside a message.
    pub(crate) fn finish(&self) -> Result<(), Error> {
        if self.prefix_len == 0 {
            return Ok(());
        }
        let got = self.prefix_len + self.payload.len();
        Err(Error::Truncated { got, missing: self.missing() })
    }

    /// Bytes that the message being received still lacks, as far as that is known.
    pub(crate) fn missing(&self) -> usize {
        match self.prefix_len {
            0 => 0,
            PREFIX_LEN => self.length() - self.payload.len(),
            len => PREFIX_LEN - len,
        }
    }

    fn length(&self) -> usize {
        let [_, a, b, c, d] = self.prefix;
        u32::from_be_bytes([a, b, c, d]) as usize
    }

    fn check_prefix(&self) -> Result<(), Error> {
        check(self.prefix[0], self.length(), self.limit)
    }

    /// Makes room for `more` bytes, and for those that may follow; never beyond the message's length.
    fn grow(&mut self, more: usize) {
        let needed = self.payload.len() + more;
        if needed > self.payload.capacity() {
            let target = needed.saturating_mul(GROWTH).min(self.length());
            self.payload.reserve_exact(target - self.payload.len());
        }
    }
}

fn check(flag: u8, length: usize, limit: usize) -> Result<(), Error> {
    if flag > 1 {
        return Err(Error::InvalidFlag(flag));
    }
    if length > limit {
        return Err(Error::TooLarge { length, limit });
    }
    Ok(())
}

/// Why a stream's bytes are not messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Error {
    /// The prefix announces more than the receiver's limit.
    TooLarge { length: usize, limit: usize },
    /// The compressed flag is neither 0 nor 1.
    InvalidFlag(u8),
    /// The stream ended inside a message.
    Truncated { got: usize, missing: usize },
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TooLarge { length, limit } => {
                write!(f, "received message of {length} bytes, over the limit of {limit}")
            }
            Self::InvalidFlag(flag) => {
                write!(f, "received message with compressed flag {flag}, expected 0 or 1")
            }
            Self::Truncated { got, missing } => {
                write!(f, "received truncated message: {got} bytes came, {missing} are missing")
            }
        }
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        match error {
            Error::TooLarge { .. } => Self::resource_exhausted(error.to_string()),
            Error::InvalidFlag(_) | Error::Truncated { .. } => Self::internal(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::Code;
    use super::*;

    fn framed(flag: u8, payload: &[u8]) -> Vec<u8> {
        let mut bytes = prefix(payload.len()).to_vec();
        bytes[0] = flag;
        bytes.extend_from_slice(payload);
        bytes
    }

    /// Everything in `chunks`, decoded one chunk after the other.
    fn decode_all<'a>(
        decoder: &mut Decoder,
        chunks: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<Message>, Error> {
        let mut messages = Vec::new();
        for mut chunk in chunks {
            loop {
                let (consumed, message) = decoder.decode(chunk)?;
                chunk = &chunk[consumed..];
                let done = message.is_none();
                messages.extend(message);
                if done {
                    assert!(chunk.is_empty(), "no message, but bytes are left");
                    break;
                }
            }
        }
        Ok(messages)
    }

    fn message(payload: &[u8], compressed: bool) -> Message {
        Message { payload: payload.to_vec(), compressed }
    }

    /// DATA boundaries mean nothing: messages, the empty one too, come out whole wherever the
    /// stream is split, at every byte and at every pair of places.
    #[test]
    fn messages_do_not_depend_on_chunk_boundaries() {
        let mut stream = framed(0, b"hello");
        stream.extend(framed(0, b""));
        stream.extend(framed(1, b"xyz"));
        let expected = [message(b"hello", false), message(b"", false), message(b"xyz", true)];
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let chunks = [&stream[..first], &stream[first..second], &stream[second..]];
                let mut decoder = Decoder::new(5);
                assert_eq!(decode_all(&mut decoder, chunks).unwrap(), expected);
                assert_eq!(decoder.finish(), Ok(()));
            }
        }
        let mut decoder = Decoder::new(5);
        assert_eq!(decode_all(&mut decoder, stream.chunks(1)).unwrap(), expected);
    }

    /// A message over the receive limit is refused from its prefix, before anything is
    /// allocated; one of exactly the limit passes.
    #[test]
    fn the_receive_limit_is_checked_before_allocation() {
        let mut decoder = Decoder::new(3);
        assert_eq!(decode_all(&mut decoder, [&framed(0, b"abc")[..]]).unwrap().len(), 1);
        let error = decoder.decode(&framed(0, b"abcd")).unwrap_err();
        assert_eq!(error, Error::TooLarge { length: 4, limit: 3 });
        assert_eq!(decoder.payload.capacity(), 0);
        let status = Status::from(error);
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "received message of 4 bytes, over the limit of 3");
    }

    /// The buffer grows with the bytes received, not with the length announced.
    #[test]
    fn a_prefix_alone_costs_no_memory() {
        let mut decoder = Decoder::new(usize::MAX);
        decoder.decode(&prefix(u32::MAX as usize)).unwrap();
        assert_eq!(decoder.payload.capacity(), 0);
        assert_eq!(decoder.missing(), u32::MAX as usize);
        decoder.decode(&[7; 1000]).unwrap();
        assert!(decoder.payload.capacity() <= GROWTH * 1000);
    }

    /// A message that arrives in one piece takes one exact allocation; small ones take the same room.
    #[test]
    fn a_whole_message_is_allocated_exactly() {
        let small = crate::limits::PAYLOAD_SMALL;
        for (size, capacity) in [(0, 0), (1, small), (small, small), (small + 1, small + 1)] {
            let (_, message) = Decoder::new(1000).decode(&framed(0, &vec![1; size])).unwrap();
            assert_eq!(message.unwrap().payload.capacity(), capacity);
        }
    }

    /// PROTOCOL-HTTP2.md: the compressed flag is 0 or 1; another value is INTERNAL.
    #[test]
    fn an_unknown_flag_is_internal() {
        let error = Decoder::new(9).decode(&framed(2, b"a")).unwrap_err();
        assert_eq!(error, Error::InvalidFlag(2));
        assert_eq!(Status::from(error).code(), Code::Internal);
    }

    /// A stream that ends inside a prefix or a message is INTERNAL "truncated".
    #[test]
    fn an_end_inside_a_message_is_truncated() {
        let bytes = framed(0, b"abc");
        for end in 0..=bytes.len() {
            let mut decoder = Decoder::new(9);
            decoder.decode(&bytes[..end]).unwrap();
            let whole = end == 0 || end == bytes.len();
            assert_eq!(decoder.finish().is_ok(), whole, "{end}");
            if let Err(error) = decoder.finish() {
                assert_eq!(Status::from(error).code(), Code::Internal);
                assert!(error.to_string().contains("truncated"), "{error}");
            }
        }
    }
}
