//! What is sent on a stream in one go, and the ways of sending.
//!
//! Every wait for flow control is here. The invariant: a message of which a part has left is sent to its
//! end, or its stream is reset: the peer never takes a part for the whole.

use std::time::Instant;

use super::batch::Offered;
use super::flusher::flush_soon;
use super::stream::{Handle, Stream};
use super::waiting::{Awaited, DeadlinePassed};
use crate::http2::{self, End, Headers, Outgoing, Reason};

/// Why a stream took nothing, or not everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SendError {
    /// The stream takes nothing more; [`Stream::receive`] has the reason.
    Closed,
    /// The deadline passed. If a part of a message was sent before, the stream has been reset.
    Deadline,
}

impl Stream {
    /// Sends a head, or trailers with `end`. Never waits.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`].
    pub(crate) fn send_headers(&self, headers: &Headers, end: bool) -> Result<(), SendError> {
        let end = if end { End::Trailers(headers) } else { End::Open };
        let head = if let End::Open = end { Some(headers) } else { None };
        self.send(Outgoing { head, data: &[], end }, None)
    }

    /// Sends whole framed messages; waits for flow control, `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: some of the bytes may have been sent.
    pub(crate) fn send_message(
        &self,
        framed: &[u8],
        end: bool,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let end = if end { End::Plain } else { End::Open };
        self.send(Outgoing { head: None, data: framed, end }, until)?;
        self.count_sent(framed);
        Ok(())
    }

    /// As [`Stream::send_message`], of one message behind which others may come soon: it is sent at once,
    /// or within a moment together with them, and in any case before whatever is sent later on the
    /// stream. Waits only if the peer has not taken what came before, `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: some of the bytes may have been sent.
    pub(crate) fn send_one_of_many(
        &self,
        framed: &[u8],
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let inbox = &self.handle.inbox;
        let offered = inbox.offer(framed).ok_or(SendError::Closed)?;
        if offered != Offered::Refused {
            self.count_sent(framed);
        }
        match offered {
            Offered::Taken => {}
            Offered::Full => self.handle.drain(),
            Offered::Begun if flush_soon(self.downgrade()) => {}
            // Without a thread for it nothing may gather.
            Offered::Begun => {
                inbox.look();
                self.handle.drain();
            }
            Offered::Refused => {
                self.send_message(framed, false, until)?;
                inbox.on_lone();
            }
        }
        Ok(())
    }

    /// As [`Stream::send_one_of_many`], if that is nothing but to leave the message with others; says
    /// whether it is. Now and then it is not, so that whoever sends looks after other things too.
    pub(crate) fn gather(&self, framed: &[u8]) -> bool {
        let is_gathered = self.handle.inbox.gather(framed);
        if is_gathered {
            self.count_sent(framed);
        }
        is_gathered
    }

    /// Sends what has gathered, before this thread waits for what comes.
    pub(super) fn flush_before_waiting(&self) {
        if self.handle.inbox.on_wait() {
            self.handle.drain();
        }
    }

    /// Takes a whole framed message once the peer takes the beginning of it, and waits for that,
    /// `until` at most. What the peer does not take yet is sent behind the caller's back; nothing
    /// else is sent before it, and an end or trailers alone follow it without anybody waiting.
    ///
    /// # Errors
    ///
    /// [`SendError`]: nothing of it was taken.
    pub(crate) fn send_whole(
        &self,
        framed: &[u8],
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let Handle { link, id, inbox } = &*self.handle;
        let _turn = link.begin_sending(inbox, until)?.ok_or(SendError::Closed)?;
        loop {
            let taken = link.submit(|state| state.send_whole(*id, framed, inbox));
            if taken.map_err(|http2::SendError::Closed| SendError::Closed)? {
                inbox.counts().add_sent(framed.len());
                self.count_sent(framed);
                return Ok(());
            }
            link.wait(inbox, Awaited::Writable, until)?;
        }
    }

    /// Sends a head, framed messages and trailers, or as much of that as there is, in as few
    /// writes as flow control lets it; waits `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: some of it may have been sent.
    pub(crate) fn send_response(
        &self,
        head: Option<&Headers>,
        framed: &[u8],
        trailers: Option<&Headers>,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let end = trailers.map_or(End::Open, End::Trailers);
        self.send(Outgoing { head, data: framed, end }, until)?;
        self.count_sent(framed);
        Ok(())
    }

    /// Ends the stream with trailers: `behind_head`, or `alone` if no head was sent. Never waits but
    /// for whoever sends meanwhile, `until` at most.
    ///
    /// # Errors
    ///
    /// [`SendError`]: nothing was sent.
    pub(crate) fn send_outcome(
        &self,
        behind_head: &Headers,
        alone: &Headers,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let end = End::Outcome { behind_head, alone };
        self.send(Outgoing { head: None, data: &[], end }, until)
    }

    /// Ends the sending side with nothing more.
    ///
    /// # Errors
    ///
    /// [`SendError::Closed`].
    pub(crate) fn finish(&self) -> Result<(), SendError> {
        self.send_message(&[], true, None)
    }

    pub(super) fn send(
        &self,
        mut outgoing: Outgoing<'_>,
        until: Option<Instant>,
    ) -> Result<(), SendError> {
        let Handle { link, id, inbox } = &*self.handle;
        let turn = link.begin_sending(inbox, until)?.ok_or(SendError::Closed)?;
        let all = outgoing.data.len();
        loop {
            let before = outgoing.data.len();
            let mut ended = None;
            let sent = link.submit_lending(outgoing.data, |state, lends| {
                let is_sent = state.send(*id, &mut outgoing, inbox, lends)?;
                inbox.counts().add_sent(before - outgoing.data.len());
                if is_sent && outgoing.is_last() {
                    ended = inbox.set_sent_end();
                    if let Some(ended) = &ended {
                        state.tell(inbox, ended.awaited);
                        if ended.is_over {
                            state.release(*id, inbox);
                        }
                    }
                }
                Ok(is_sent)
            });
            if sent.map_err(|http2::SendError::Closed| SendError::Closed)? {
                if let Some(ended) = ended {
                    turn.forget();
                    ended.tell();
                }
                return Ok(());
            }
            if link.wait(inbox, Awaited::Writable, until).is_err() {
                if outgoing.data.len() < all {
                    // The peer has the beginning of a message and will never get the rest.
                    self.reset(Reason::CANCEL);
                }
                return Err(SendError::Deadline);
            }
            // The core may not know yet.
            if inbox.is_closed() {
                return Err(SendError::Closed);
            }
        }
    }
}

impl From<DeadlinePassed> for SendError {
    fn from(DeadlinePassed: DeadlinePassed) -> Self {
        Self::Deadline
    }
}
