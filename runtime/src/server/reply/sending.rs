//! The messages of a response, and its head before them.
//!
//! The invariant: a head counts as sent once it is, whoever has sent it.

use super::{Progress, Reply, Sending, finished};
use crate::grpc::codec::{self, Writer};
use crate::grpc::{Codec, Metadata, NextSend, RawBytes, Status};
use crate::http2::Headers;
use crate::transport::{SendError, now};

impl Reply {
    /// Sends one message of a stream of replies.
    ///
    /// # Errors
    ///
    /// As [`Reply::send`], and the call's status if it is over.
    pub(crate) fn send_streamed<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        sending: &mut Sending,
    ) -> Result<(), Status> {
        let Sending { writer, has_head } = sending;
        self.send(codec, message, writer, |framed| {
            // Behind a head nothing but the stream decides, which refuses once it has ended.
            if *has_head && self.stream.gather(framed.as_slice()) {
                return Ok(());
            }
            self.send_message(framed.as_slice())?;
            *has_head = true;
            Ok(())
        })
    }

    /// As [`Reply::send_streamed`], if flow control takes the message now; says whether it does.
    pub(crate) fn try_send_streamed<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        writer: &mut Writer,
    ) -> Result<bool, Status> {
        let mut is_sent = false;
        self.send(codec, message, writer, |framed| {
            is_sent = self.try_send_message(framed.as_slice())?;
            Ok(())
        })?;
        Ok(is_sent)
    }

    /// Has `message` framed for `wire`, behind the interceptors of messages; `writer` is used for it.
    ///
    /// # Errors
    ///
    /// What the codec, an interceptor or `wire` says; RESOURCE_EXHAUSTED if the message is over the
    /// send limit.
    pub(crate) fn send<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        writer: &mut Writer,
        mut wire: impl FnMut(&mut Writer) -> Result<(), Status>,
    ) -> Result<(), Status> {
        let interceptors = self.interceptors();
        if interceptors.is_empty() {
            self.frame(codec, message, writer)?;
            return wire(writer);
        }
        writer.clear();
        codec.encode(message, writer)?;
        let payload = writer.as_slice().to_vec();
        let mut framed = |payload: Vec<u8>| {
            self.frame(&RawBytes, &payload, writer)?;
            wire(writer)
        };
        NextSend::new(interceptors, &mut framed).send(payload)
    }

    /// Encodes `message` behind its prefix into `writer`, whose contents are replaced, and compresses
    /// it if it is to be.
    ///
    /// # Errors
    ///
    /// What the codec says; RESOURCE_EXHAUSTED if the message is over the send limit.
    fn frame<T>(
        &self,
        codec: &dyn Codec<T>,
        message: &T,
        writer: &mut Writer,
    ) -> Result<(), Status> {
        codec::frame(codec, message, self.terms.send_limit, writer)?;
        self.terms.compressing.compress(writer)
    }

    /// Sends the head alone.
    pub(crate) fn send_head(&self, metadata: &Metadata) -> Result<(), Status> {
        let head = self.head(metadata);
        if let Some(excess) = self.stream.header_excess(&head) {
            return Err(Status::resource_exhausted(format!("metadata too large: {excess}")));
        }
        match self.progress() {
            Progress::Nothing => {}
            Progress::HeadSent => {
                return Err(Status::failed_precondition("the initial metadata is already sent"));
            }
            Progress::Ended => return Err(finished()),
        }
        self.send_first(&head, &[])
    }

    /// Sends one framed message, and the head with it if that is still to come; waits for flow
    /// control.
    fn send_message(&self, framed: &[u8]) -> Result<(), Status> {
        match self.progress() {
            Progress::Nothing => self.send_first(&self.head(&Metadata::new()), framed),
            Progress::HeadSent => {
                let sent = self.stream.send_one_of_many(framed, self.terms.deadline);
                sent.map_err(|_: SendError| self.over())
            }
            Progress::Ended => Err(finished()),
        }
    }

    /// Sends a head, unless somebody else has sent one meanwhile, and a framed message or nothing.
    fn send_first(&self, head: &Headers, framed: &[u8]) -> Result<(), Status> {
        let sent = self.stream.send_response(Some(head), framed, None, self.terms.deadline);
        // Not before: who ends the call or sends meanwhile must not count on a head.
        self.advance(Progress::HeadSent);
        sent.map_err(|_: SendError| self.over())
    }

    /// Sends one framed message if flow control takes it now, or the beginning of it; says whether
    /// it did.
    fn try_send_message(&self, framed: &[u8]) -> Result<bool, Status> {
        match self.progress() {
            Progress::Nothing => self.send_first(&self.head(&Metadata::new()), &[])?,
            Progress::HeadSent => {}
            Progress::Ended => return Err(finished()),
        }
        match self.stream.send_whole(framed, Some(now())) {
            Ok(()) => Ok(true),
            Err(SendError::Deadline) if !self.stream.is_cancelled() => Ok(false),
            Err(SendError::Deadline | SendError::Closed) => Err(self.over()),
        }
    }
}
