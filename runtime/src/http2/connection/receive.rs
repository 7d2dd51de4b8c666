//! From bytes to frames.
//!
//! Input may be cut anywhere. DATA is handed on as it arrives and unknown frames are skipped as
//! they arrive; every other payload is taken from the input if it is whole, else collected. What is
//! collected is at most one frame, and grows with the bytes that came and not with what a head says.

use std::time::Instant;

use super::data::{DataFrame, Taken};
use super::headers::OpenBlock;
use super::{Connection, Event, Role};
use crate::http2::error::{Error, Violation};
use crate::http2::frame::{HEAD_SIZE, Head, PREFACE, flag, kind};

/// Where the input stands.
#[derive(Debug)]
pub(super) struct Input {
    reading: Reading,
    /// A head or a payload of which a part has arrived.
    partial: Vec<u8>,
    /// The header block that CONTINUATION goes on with.
    pub(super) block: Option<OpenBlock>,
}

/// What the next bytes are.
#[derive(Clone, Copy, Debug)]
enum Reading {
    /// The preface of the client, of which so many bytes have arrived.
    Preface(usize),
    Head,
    Payload(Head),
    Data(DataFrame),
    /// Bytes that nobody wants.
    Skip(u32),
}

impl Input {
    pub(super) fn new(role: Role) -> Self {
        let reading = match role {
            Role::Client => Reading::Head,
            Role::Server => Reading::Preface(0),
        };
        Self { reading, partial: Vec::new(), block: None }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.partial.capacity() + self.block.as_ref().map_or(0, OpenBlock::capacity)
    }
}

impl Connection {
    /// Takes bytes of the peer up to and including the next event, and says how many it took: the two
    /// steps below in one, for those who read one piece at a time.
    ///
    /// Call it again with the rest until everything is consumed and there is no event.
    ///
    /// # Errors
    ///
    /// As [`next_event`](Self::next_event).
    #[cfg(any(fuzzing, test))]
    pub(crate) fn handle_bytes<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Instant,
    ) -> Result<(usize, Option<Event<'a>>), Error> {
        self.hear(bytes, now);
        let mut rest = bytes;
        let event = self.next_event(&mut rest)?;
        Ok((bytes.len() - rest.len(), event))
    }

    /// `bytes` of the peer were read, which [`next_event`](Self::next_event) is to be given.
    pub(crate) fn hear(&mut self, bytes: &[u8], now: Instant) {
        self.times.set(now);
        if !bytes.is_empty() {
            self.life.hear(now);
        }
        if self.times.held_back_since.is_some() {
            self.wake_held_back(now);
        }
    }

    /// The next event of `bytes`, which is cut to what follows it. Without an event nothing is left.
    ///
    /// # Errors
    ///
    /// The connection is over. GOAWAY is in the output: write it and close. Every later call gives
    /// the same error.
    pub(crate) fn next_event<'a>(
        &mut self,
        bytes: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, Error> {
        loop {
            if !self.events.is_empty() {
                return Ok(self.events.pop_front());
            }
            if let Some(error) = self.error {
                return Err(error);
            }
            if bytes.is_empty() {
                return Ok(None);
            }
            match self.step(bytes) {
                Ok(None) => {}
                Ok(event) => return Ok(event),
                Err(violation) => self.fail(violation),
            }
        }
    }

    /// Reads on, at most to the end of a frame. `bytes` is not empty.
    fn step<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Event<'a>>, Violation> {
        match self.input.reading {
            Reading::Head => match bytes.split_first_chunk() {
                Some((head, rest)) if self.input.partial.is_empty() => {
                    *bytes = rest;
                    self.read_frame(Head::parse(head), bytes)
                }
                _ => self.read_head(bytes),
            },
            _ => self.go_on(bytes),
        }
    }

    /// Goes on with what has arrived in pieces.
    fn go_on<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Event<'a>>, Violation> {
        match self.input.reading {
            Reading::Preface(matched) => self.read_preface(matched, bytes)?,
            Reading::Head => return self.read_head(bytes),
            Reading::Payload(head) => return self.read_payload(head, bytes),
            Reading::Data(data) => return self.read_data(data, bytes),
            Reading::Skip(left) => {
                let count = bytes.len().min(left as usize);
                self.input.reading = skip(left - count as u32);
                *bytes = &bytes[count..];
            }
        }
        Ok(None)
    }

    /// RFC 9113 3.4: a client begins with these 24 bytes. No more than those are looked at.
    fn read_preface(&mut self, matched: usize, bytes: &mut &[u8]) -> Result<(), Violation> {
        let count = bytes.len().min(PREFACE.len() - matched);
        let expected = &PREFACE[matched..matched + count];
        if bytes[..count] != *expected {
            let mut start = PREFACE[..matched].to_vec();
            start.extend_from_slice(&bytes[..count]);
            return Err(wrong_preface(&start));
        }
        if matched + count < PREFACE.len() {
            self.input.reading = Reading::Preface(matched + count);
        } else {
            self.input.reading = Reading::Head;
            self.begin();
        }
        *bytes = &bytes[count..];
        Ok(())
    }

    /// A head that has arrived in one piece, and its payload if that has, too.
    #[inline]
    fn read_frame<'a>(
        &mut self,
        head: Head,
        bytes: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        self.check_head(head)?;
        let is_plain = head.kind != kind::DATA || !head.has(flag::PADDED);
        match bytes.split_at_checked(head.length as usize) {
            Some((payload, rest)) if !payload.is_empty() && is_plain => {
                *bytes = rest;
                match head.kind {
                    kind::DATA => self.on_whole_data(head, payload),
                    kind::HEADERS..=kind::CONTINUATION => self.on_frame(head, payload),
                    _ => self.on_unknown_frame().map(|()| None),
                }
            }
            Some(_) | None => self.begin_frame(head),
        }
    }

    /// A head that has arrived in pieces.
    fn read_head<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Event<'a>>, Violation> {
        let partial = &mut self.input.partial;
        let count = bytes.len().min(HEAD_SIZE - partial.len());
        partial.extend_from_slice(&bytes[..count]);
        *bytes = &bytes[count..];
        let Ok(head) = partial.as_slice().try_into() else { return Ok(None) };
        let head = Head::parse(head);
        partial.clear();
        self.check_head(head)?;
        self.begin_frame(head)
    }

    /// Checks what the head tells.
    #[inline]
    fn check_head(&self, head: Head) -> Result<(), Violation> {
        let is_in_block = self.input.block.is_some() || head.kind == kind::CONTINUATION;
        if is_in_block || !self.times.settings_received {
            self.check_order(head)?;
        }
        head.check(self.config.max_frame_size)
    }

    /// Checks that the frame may come here.
    #[cold]
    fn check_order(&self, head: Head) -> Result<(), Violation> {
        // RFC 9113 3.4: SETTINGS is the first frame of either side.
        let is_settings = head.kind == kind::SETTINGS && !head.has(flag::ACK);
        if !self.times.settings_received && !is_settings {
            return Err(self.wrong_first_frame(head));
        }
        // RFC 9113 4.3: a header block is not interrupted, not even by frames of unknown types.
        match (&self.input.block, head.kind) {
            (Some(block), kind::CONTINUATION) if block.stream == head.stream => Ok(()),
            (Some(_), _) => Err(Violation::HeaderBlockInterrupted),
            (None, kind::CONTINUATION) => Err(Violation::UnexpectedContinuation),
            (None, _) => Ok(()),
        }
    }

    /// Decides how the payload is read.
    fn begin_frame<'a>(&mut self, head: Head) -> Result<Option<Event<'a>>, Violation> {
        match head.kind {
            kind::DATA if head.length > 0 => {
                let data = self.on_data_head(head)?;
                self.input.reading = Reading::Data(data);
                Ok(None)
            }
            kind::DATA => {
                self.input.reading = Reading::Head;
                self.on_empty_data(head)
            }
            kind::HEADERS..=kind::CONTINUATION if head.length > 0 => {
                self.input.reading = Reading::Payload(head);
                Ok(None)
            }
            kind::HEADERS..=kind::CONTINUATION => {
                self.input.reading = Reading::Head;
                self.on_frame(head, &[])
            }
            _ => {
                self.on_unknown_frame()?;
                self.input.reading = skip(head.length);
                Ok(None)
            }
        }
    }

    fn read_payload<'a>(
        &mut self,
        head: Head,
        bytes: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        let length = head.length as usize;
        let partial = &mut self.input.partial;
        let (piece, rest) = bytes.split_at(bytes.len().min(length - partial.len()));
        *bytes = rest;
        if piece.len() == length {
            self.input.reading = Reading::Head;
            return self.on_frame(head, piece);
        }
        partial.extend_from_slice(piece);
        if partial.len() < length {
            return Ok(None);
        }
        let payload = std::mem::take(partial);
        self.input.reading = Reading::Head;
        let event = self.on_frame(head, &payload)?;
        self.keep_partial(payload);
        Ok(event)
    }

    fn read_data<'a>(
        &mut self,
        data: DataFrame,
        bytes: &mut &'a [u8],
    ) -> Result<Option<Event<'a>>, Violation> {
        let Taken { consumed, chunk, left } = self.take_data(data, bytes)?;
        *bytes = &bytes[consumed..];
        self.input.reading = match left {
            Some(data) => Reading::Data(data),
            None => Reading::Head,
        };
        match chunk {
            Some(chunk) => self.deliver(data.stream, chunk),
            None => Ok(None),
        }
    }

    /// Keeps a small buffer for the next frame that arrives in parts.
    fn keep_partial(&mut self, mut payload: Vec<u8>) {
        if payload.capacity() <= PARTIAL_KEPT_MAX {
            payload.clear();
            self.input.partial = payload;
        }
    }

    /// A frame that begins nothing: perhaps the peer does not speak HTTP/2 at all.
    fn wrong_first_frame(&self, head: Head) -> Violation {
        if self.role == Role::Server {
            return Violation::FirstFrameNotSettings;
        }
        match head.to_bytes() {
            [b'H', b'T', b'T', b'P', b'/', ..] => Violation::ReplyHttp1,
            [0x14..=0x17, 3, ..] => Violation::ReplyTls,
            _ => Violation::FirstFrameNotSettings,
        }
    }
}

/// What a client that does not send the preface seems to speak.
fn wrong_preface(start: &[u8]) -> Violation {
    let method = start.split(|byte| *byte == b' ').next().unwrap_or(start);
    if start[0] == 0x16 {
        Violation::PrefaceTls
    } else if !method.is_empty() && method.iter().all(u8::is_ascii_uppercase) {
        Violation::PrefaceHttp1
    } else {
        Violation::PrefaceUnknown
    }
}

fn skip(left: u32) -> Reading {
    if left == 0 { Reading::Head } else { Reading::Skip(left) }
}

/// The largest buffer that an idle connection keeps for frames in parts.
const PARTIAL_KEPT_MAX: usize = 4 << 10;
