//! Bytes for the network.
//!
//! Invariant: each buffer holds whole frames, so acknowledgements of PING may overtake the rest.

use super::Connection;
use crate::http2::error::Violation;
use crate::http2::frame::{self, flag};
use crate::http2::stream::StreamId;
use crate::limits::http2 as limits;

/// What waits for the network.
#[derive(Debug, Default)]
pub(super) struct Output {
    /// Frames in order.
    pub(super) frames: Vec<u8>,
    /// What is to be put between them.
    lent: Vec<Lent>,
    /// Acknowledgements of PING: they leave before DATA that waits, because the peer measures
    /// the round trip by them.
    pongs: Vec<u8>,
    /// The preface and our SETTINGS have left; nothing may overtake them (RFC 9113 3.4).
    preface_left: bool,
    /// Acknowledgements that wait.
    pub(super) replies: u32,
    /// How many times in a row a buffer came back almost empty.
    unused: u32,
}

/// Data that is not in the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lent {
    /// How many bytes of the output come before it.
    pub(crate) at: usize,
    pub(crate) size: usize,
}

impl Output {
    /// Appends the head of a DATA frame whose data comes from elsewhere.
    pub(super) fn lend_data(&mut self, stream: StreamId, size: usize, end: bool) {
        frame::write_data_head(&mut self.frames, stream, size, end);
        self.lent.push(Lent { at: self.frames.len(), size });
    }

    /// No stream is open any more.
    pub(super) fn release(&mut self) {
        if self.frames.is_empty() && self.frames.capacity() > BUFFER_KEPT_IDLE {
            self.frames = Vec::new();
        }
    }
}

#[cfg(test)]
impl Output {
    pub(super) fn capacity(&self) -> usize {
        self.frames.capacity() + self.pongs.capacity()
    }
}

impl Connection {
    /// Whether there is something to write.
    pub(crate) fn has_output(&self) -> bool {
        self.output_len() > 0
    }

    /// How many bytes wait to be written.
    pub(crate) fn output_len(&self) -> usize {
        self.output.frames.len() + self.output.pongs.len()
    }

    /// Where data is to be put that was lent: take this first, and then the output.
    pub(crate) fn take_lent(&mut self) -> Vec<Lent> {
        let Output { lent, pongs, .. } = &mut self.output;
        // They leave first.
        lent.iter_mut().for_each(|piece| piece.at += pongs.len());
        std::mem::take(lent)
    }

    /// Takes everything that waits. Take it when it can be written: `send_data` judges by what is
    /// left here how far the network has fallen behind.
    pub(crate) fn take_output(&mut self) -> Vec<u8> {
        let Output { frames, pongs, preface_left, replies, .. } = &mut self.output;
        *replies = 0;
        *preface_left |= !frames.is_empty();
        let taken = if pongs.is_empty() {
            std::mem::take(frames)
        } else {
            pongs.append(frames);
            std::mem::take(pongs)
        };
        if !taken.is_empty() {
            self.wake_connection_waiters();
        }
        taken
    }

    /// Gives a written buffer back to be filled again. A large one is kept only while streams are open, and
    /// as long as it is made use of now and then: a connection that is idle holds little.
    pub(crate) fn recycle_output(&mut self, mut buffer: Vec<u8>) {
        let is_used = buffer.len() >= buffer.capacity() / 8;
        self.output.unused = if is_used { 0 } else { self.output.unused.saturating_add(1) };
        let is_kept = !self.streams.is_empty() && self.output.unused < UNUSED_MAX;
        let kept_max = if is_kept { BUFFER_KEPT_MAX } else { BUFFER_KEPT_IDLE };
        let wanted = self.output.frames.capacity()..=kept_max;
        if self.output.frames.is_empty() && wanted.contains(&buffer.capacity()) {
            buffer.clear();
            self.output.frames = buffer;
        }
    }

    /// Appends the acknowledgement of PING.
    ///
    /// # Errors
    ///
    /// If the peer does not read its acknowledgements.
    pub(super) fn reply_ping(&mut self, payload: [u8; 8]) -> Result<(), Violation> {
        let Output { frames, pongs, preface_left, .. } = &mut self.output;
        let output = if *preface_left { pongs } else { frames };
        frame::write_ping(output, flag::ACK, payload);
        self.count_reply()
    }

    /// Appends the acknowledgement of SETTINGS. It keeps its place: frames before it follow the
    /// old settings, frames behind it the new ones (RFC 9113 6.5.3).
    ///
    /// # Errors
    ///
    /// If the peer does not read its acknowledgements.
    pub(super) fn reply_settings(&mut self) -> Result<(), Violation> {
        frame::write_settings_ack(&mut self.output.frames);
        self.count_reply()
    }

    fn count_reply(&mut self) -> Result<(), Violation> {
        self.output.replies += 1;
        if self.output.replies > limits::REPLIES_MAX {
            return Err(Violation::TooManyReplies);
        }
        Ok(())
    }
}

/// The largest buffer that is kept for the next output: a few large messages.
const BUFFER_KEPT_MAX: usize = 256 << 10;
/// The same while no stream is open, or if it was almost empty [`UNUSED_MAX`] times: what a dozen small
/// calls send.
const BUFFER_KEPT_IDLE: usize = 2 << 10;
const UNUSED_MAX: u32 = 16;
