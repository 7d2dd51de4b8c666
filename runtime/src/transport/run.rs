//! Messages that were taken from an inbox together, in the bytes that they came in.
//!
//! Whoever receives one message after the other takes all that are there at once, and looks at each
//! without a lock. They are credited to the peer as they are looked at, and not before, so that a run
//! is bounded by the stream's window.

use super::stream::Stream;
use crate::grpc::envelope::{self, PREFIX_LEN};

/// Whole messages of a stream, some of them not looked at yet.
#[derive(Debug, Default)]
pub(crate) struct Run {
    bytes: Vec<u8>,
    /// Where the next message begins.
    at: usize,
    /// Where the last one ends.
    end: usize,
    /// Bytes of messages that were looked at and not credited.
    looked_at: usize,
    /// The least of them worth telling the core about.
    credit_min: usize,
    /// Where they came from, while there are any.
    stream: Option<Stream>,
}

impl Run {
    /// Whether there is no message that was not looked at.
    pub(crate) fn is_empty(&self) -> bool {
        self.at == self.end
    }

    /// The payload of the next message, and whether it is marked as compressed.
    pub(crate) fn next(&mut self) -> Option<(&[u8], bool)> {
        if self.is_empty() || self.stream.as_ref().is_none_or(Stream::is_reset) {
            self.clear();
            return None;
        }
        let (length, is_compressed) = envelope::read_prefix(&self.bytes[self.at..])?;
        let payload = self.at + PREFIX_LEN;
        self.looked_at += PREFIX_LEN + length;
        self.at = payload + length;
        if self.looked_at >= self.credit_min
            && let Some(stream) = &self.stream
        {
            stream.credit(std::mem::take(&mut self.looked_at));
        }
        Some((&self.bytes[payload..self.at], is_compressed))
    }

    /// Forgets what is left.
    pub(crate) fn clear(&mut self) {
        self.at = self.end;
        self.stream = None;
    }

    /// The messages that were not looked at, as they came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes[self.at..self.end]
    }

    /// Replaces what there was by the messages of `bytes[at..end]`, and returns the old buffer.
    pub(super) fn fill(&mut self, bytes: Vec<u8>, at: usize, end: usize) -> Vec<u8> {
        (self.at, self.end) = (at, end);
        std::mem::replace(&mut self.bytes, bytes)
    }

    /// The messages came from `stream`, and `credit_min` bytes of them are worth a credit.
    pub(super) fn set_origin(&mut self, stream: Stream, credit_min: usize) {
        self.stream = Some(stream);
        self.credit_min = credit_min;
    }

    /// Bytes that were looked at and not credited, which whoever calls this credits.
    pub(super) fn take_looked_at(&mut self) -> usize {
        std::mem::take(&mut self.looked_at)
    }
}
