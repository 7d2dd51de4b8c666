//! What is sent on a call that streams its requests.
//!
//! The invariant: a message goes out on the stream that the call is on, or is kept for the one that
//! follows; a sender that fails is told how the call ended.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::{Call, Wait, closed, is_refused, read_ending};
use crate::client::attempts::{Number, too_late};
use crate::client::handle::Packing;
use crate::grpc::codec::Writer;
use crate::grpc::{Metadata, Sent, Status};
use crate::transport::{Incoming, SendError, Stream};

impl Call {
    /// Compresses the framed message in `writer`, if requests of this call are compressed.
    ///
    /// # Errors
    ///
    /// INTERNAL if that cannot be done.
    pub(crate) fn pack(&self, writer: &mut Writer, packing: Packing) -> Result<(), Status> {
        match (packing, self.attempts.head.encoding) {
            (Packing::Plain, _) | (_, None) => Ok(()),
            (Packing::Compressed, Some(encoding)) => {
                self.attempts.channel.encodings().compress(encoding, writer)
            }
        }
    }

    /// Sends one framed message. Waits while the server reads more slowly than this sends.
    ///
    /// # Errors
    ///
    /// The call's outcome if it is over; [`Code::Ok`] if the server has ended it well.
    pub(crate) fn send(&self, framed: &[u8]) -> Result<(), Status> {
        if let Some(outcome) = self.outcome.get() {
            return Err(closed(outcome));
        }
        if self.attempts.gather(framed) {
            return Ok(());
        }
        let Some((stream, number)) = self.attempts.keep_until(framed, self.deadline()) else {
            self.fail(too_late("sending a message"));
            return Err(self.closed());
        };
        if self.is_late() && stream.ending().is_none() {
            self.fail(too_late("sending a message"));
            return Err(self.closed());
        }
        match stream.send_one_of_many(framed, self.deadline()) {
            Ok(()) => Ok(()),
            Err(SendError::Closed) if self.retry(&stream, number, Wait::AsLongAsItTakes) => {
                // The message was kept and went out with the next stream.
                self.outcome.get().map_or(Ok(()), |outcome| Err(closed(outcome)))
            }
            Err(SendError::Closed) => Err(self.closed()),
            Err(SendError::Deadline) => {
                self.fail(too_late("sending a message"));
                Err(self.closed())
            }
        }
    }

    /// As [`send`](Self::send), but waits `until` at most, and then has sent nothing.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub(crate) fn send_until(&self, framed: &[u8], until: Instant) -> Result<Sent, Status> {
        if let Some(outcome) = self.outcome.get() {
            return Err(closed(outcome));
        }
        let until = self.deadline().map_or(until, |deadline| deadline.min(until));
        let Some((stream, number)) = self.attempts.keep_until(framed, Some(until)) else {
            self.check_deadline();
            return Ok(Sent::NotYet);
        };
        match stream.send_whole(framed, Some(until)) {
            Ok(()) => Ok(Sent::Taken),
            Err(SendError::Closed) if self.retry(&stream, number, Wait::Until(until)) => {
                self.outcome.get().map_or(Ok(Sent::Taken), |outcome| Err(closed(outcome)))
            }
            Err(SendError::Closed) => Err(self.closed()),
            Err(SendError::Deadline) if self.is_late() => {
                self.fail(too_late("sending a message"));
                Err(self.closed())
            }
            // What another stream takes along is sent, whatever this one took.
            Err(SendError::Deadline) => match self.attempts.give_back(number, framed.len()) {
                true => Ok(Sent::NotYet),
                false => Ok(Sent::Taken),
            },
        }
    }

    /// Sends END_STREAM: no message follows. Does nothing on a call that is over.
    pub(crate) fn end_requests(&self) {
        if !self.requests_ended.swap(true, Ordering::AcqRel) && self.outcome.get().is_none() {
            self.attempts.end_requests();
        }
    }

    /// Sends the call once more if `stream`, on which nothing can be sent, has failed so that it may
    /// be; says whether to go on with another stream.
    pub(super) fn retry(&self, stream: &Stream, number: Number, wait: Wait) -> bool {
        let Some(ending) = stream.ending() else { return false };
        let is_refused = is_refused(&ending);
        // Without a policy a refusal alone counts, and what the receiver has not taken yet is a head
        // of a response too.
        if !is_refused && (!self.attempts.has_policy() || stream.has_head()) {
            return false;
        }
        self.read_failure(&ending)
            .is_some_and(|status| self.goes_on(number, is_refused, &status, wait))
    }

    /// The status of a call on which nothing can be sent.
    pub(super) fn closed(&self) -> Status {
        if let Some(outcome) = self.outcome.get() {
            return closed(outcome);
        }
        match self.attempts.stream().ending() {
            // The receiver has taken the ending and is about to set the outcome.
            None | Some(Incoming::End) => closed(&Ok(Metadata::new())),
            Some(ending) => closed(&read_ending(ending, &self.attempts)),
        }
    }
}
