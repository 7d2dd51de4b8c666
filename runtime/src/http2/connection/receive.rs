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

/// What a piece of input came to.
pub(super) struct Step<'a> {
    pub(super) consumed: usize,
    pub(super) event: Option<Event<'a>>,
}

impl Step<'_> {
    const fn consumed(consumed: usize) -> Self {
        Step { consumed, event: None }
    }
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
    /// Takes bytes of the peer up to and including the next event, and says how many it took.
    ///
    /// Call it again with the rest until everything is consumed and there is no event.
    ///
    /// # Errors
    ///
    /// The connection is over. GOAWAY is in the output: write it and close. Every later call gives
    /// the same error.
    pub(crate) fn handle_bytes<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Instant,
    ) -> Result<(usize, Option<Event<'a>>), Error> {
        // Of one read only the first call finds something to do for the time.
        if self.times.now() != Some(now) || !self.life.has_heard(now) {
            self.times.set(now);
            if !bytes.is_empty() {
                self.life.hear(now);
            }
            self.wake_held_back(now);
        }
        let mut consumed = 0;
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok((consumed, Some(event)));
            }
            if let Some(error) = self.error {
                return Err(error);
            }
            if consumed == bytes.len() {
                return Ok((consumed, None));
            }
            match self.step(&bytes[consumed..]) {
                Ok(step) => {
                    consumed += step.consumed;
                    if step.event.is_some() {
                        return Ok((consumed, step.event));
                    }
                }
                Err(violation) => self.fail(violation),
            }
        }
    }

    /// Reads on, at most to the end of a frame. `bytes` is not empty.
    fn step<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Violation> {
        match self.input.reading {
            Reading::Preface(matched) => self.read_preface(matched, bytes),
            Reading::Head => match bytes.split_first_chunk() {
                Some((head, rest)) if self.input.partial.is_empty() => {
                    self.read_frame(Head::parse(head), rest)
                }
                _ => self.read_head(bytes),
            },
            Reading::Payload(head) => self.read_payload(head, bytes),
            Reading::Data(data) => self.read_data(data, bytes),
            Reading::Skip(left) => {
                let count = bytes.len().min(left as usize);
                self.input.reading = skip(left - count as u32);
                Ok(Step::consumed(count))
            }
        }
    }

    /// RFC 9113 3.4: a client begins with these 24 bytes. No more than those are looked at.
    fn read_preface<'a>(&mut self, matched: usize, bytes: &'a [u8]) -> Result<Step<'a>, Violation> {
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
        Ok(Step::consumed(count))
    }

    /// A head that has arrived in one piece, and its payload if that has, too.
    fn read_frame<'a>(&mut self, head: Head, rest: &'a [u8]) -> Result<Step<'a>, Violation> {
        self.check_head(head)?;
        let payload = match rest.get(..head.length as usize) {
            Some(payload) if !payload.is_empty() => payload,
            Some(_) | None => {
                self.begin_frame(head)?;
                return Ok(Step::consumed(HEAD_SIZE));
            }
        };
        let event = match head.kind {
            kind::DATA if head.has(flag::PADDED) => {
                self.begin_frame(head)?;
                return Ok(Step::consumed(HEAD_SIZE));
            }
            kind::DATA => self.on_whole_data(head, payload)?,
            kind::HEADERS..=kind::CONTINUATION => {
                self.on_frame(head, payload)?;
                None
            }
            _ => {
                self.on_unknown_frame()?;
                None
            }
        };
        Ok(Step { consumed: HEAD_SIZE + payload.len(), event })
    }

    /// A head that has arrived in pieces.
    fn read_head<'a>(&mut self, bytes: &'a [u8]) -> Result<Step<'a>, Violation> {
        let partial = &mut self.input.partial;
        let count = bytes.len().min(HEAD_SIZE - partial.len());
        partial.extend_from_slice(&bytes[..count]);
        if let Ok(head) = partial.as_slice().try_into() {
            let head = Head::parse(head);
            partial.clear();
            self.check_head(head)?;
            self.begin_frame(head)?;
        }
        Ok(Step::consumed(count))
    }

    /// Checks what the head tells.
    fn check_head(&self, head: Head) -> Result<(), Violation> {
        // RFC 9113 3.4: SETTINGS is the first frame of either side.
        let is_settings = head.kind == kind::SETTINGS && !head.has(flag::ACK);
        if !self.times.settings_received && !is_settings {
            return Err(self.wrong_first_frame(head));
        }
        // RFC 9113 4.3: a header block is not interrupted, not even by frames of unknown types.
        match (&self.input.block, head.kind) {
            (Some(block), kind::CONTINUATION) if block.stream == head.stream => {}
            (Some(_), _) => return Err(Violation::HeaderBlockInterrupted),
            (None, kind::CONTINUATION) => return Err(Violation::UnexpectedContinuation),
            (None, _) => {}
        }
        head.check(self.config.max_frame_size)
    }

    /// Decides how the payload is read.
    fn begin_frame(&mut self, head: Head) -> Result<(), Violation> {
        match head.kind {
            kind::DATA if head.length > 0 => {
                let data = self.on_data_head(head)?;
                self.input.reading = Reading::Data(data);
                Ok(())
            }
            kind::DATA => {
                self.input.reading = Reading::Head;
                self.on_empty_data(head)
            }
            kind::HEADERS..=kind::CONTINUATION if head.length > 0 => {
                self.input.reading = Reading::Payload(head);
                Ok(())
            }
            kind::HEADERS..=kind::CONTINUATION => {
                self.input.reading = Reading::Head;
                self.on_frame(head, &[])
            }
            _ => {
                self.on_unknown_frame()?;
                self.input.reading = skip(head.length);
                Ok(())
            }
        }
    }

    fn read_payload<'a>(&mut self, head: Head, bytes: &'a [u8]) -> Result<Step<'a>, Violation> {
        let length = head.length as usize;
        let partial = &mut self.input.partial;
        let count = bytes.len().min(length - partial.len());
        if count == length {
            self.input.reading = Reading::Head;
            self.on_frame(head, &bytes[..count])?;
            return Ok(Step::consumed(count));
        }
        partial.extend_from_slice(&bytes[..count]);
        if partial.len() == length {
            let payload = std::mem::take(partial);
            self.input.reading = Reading::Head;
            self.on_frame(head, &payload)?;
            self.keep_partial(payload);
        }
        Ok(Step::consumed(count))
    }

    fn read_data<'a>(&mut self, data: DataFrame, bytes: &'a [u8]) -> Result<Step<'a>, Violation> {
        let Taken { consumed, chunk, left } = self.take_data(data, bytes)?;
        self.input.reading = match left {
            Some(data) => Reading::Data(data),
            None => Reading::Head,
        };
        let event = match chunk {
            Some(chunk) => self.deliver(data.stream, chunk)?,
            None => None,
        };
        Ok(Step { consumed, event })
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
