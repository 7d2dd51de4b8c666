//! Messages that were taken from their senders whole, and that the core has not taken yet.
//!
//! The invariant: the rest of a message goes before everything else on its stream, and what has gathered
//! before what is sent later; an end waits behind both.

use super::inbox::Inbox;
use super::state::State;
use crate::http2::{self, End, Headers, StreamId};

/// The rest of a message, on its way.
pub(super) struct Rest {
    pub(super) bytes: Vec<u8>,
    pub(super) sent: usize,
    pub(super) end: RestEnd,
}

/// What follows behind the rest of a message.
pub(super) enum RestEnd {
    /// Nothing yet.
    Open,
    /// END_STREAM.
    Plain,
    /// Trailers, and a reset behind them if there is a reason for one.
    Trailers(Headers, Option<http2::Reason>),
}

impl State {
    /// Takes all of `data` if the core takes some of it, and keeps what the core does not take.
    pub(super) fn send_whole(
        &mut self,
        id: StreamId,
        data: &[u8],
        inbox: &Inbox,
    ) -> Result<bool, http2::SendError> {
        if self.lost.is_some() {
            return Err(http2::SendError::Closed);
        }
        if !self.drain(id, inbox)? {
            return Ok(false);
        }
        let sent = self.core.send_data(id, data, false)?;
        if sent < data.len() {
            inbox.set_blocked();
        }
        if (1..data.len()).contains(&sent) {
            let rest = Rest { bytes: data[sent..].to_vec(), sent: 0, end: RestEnd::Open };
            self.rests.insert(id, rest);
        }
        Ok(sent > 0)
    }

    /// Gives the core what has gathered at `inbox`; says whether nothing is left of it, nor of what was
    /// sent before it. What the core does not take goes on when the core tells that it takes more.
    pub(super) fn drain(&mut self, id: StreamId, inbox: &Inbox) -> Result<bool, http2::SendError> {
        if self.lost.is_some() {
            return Err(http2::SendError::Closed);
        }
        if self.rest_of(id).is_some() {
            inbox.set_blocked();
            return Ok(false);
        }
        if !inbox.sends_many() {
            return Ok(true);
        }
        let bytes = inbox.take_gathered();
        if bytes.is_empty() {
            return Ok(true);
        }
        inbox.counts().add_sent(bytes.len());
        let sent = self.core.send_data(id, &bytes, false)?;
        if sent < bytes.len() {
            inbox.set_stuck();
            self.rests.insert(id, Rest { bytes, sent, end: RestEnd::Open });
            return Ok(false);
        }
        inbox.keep_room(bytes);
        Ok(true)
    }

    /// The core takes more of a stream: sends the rest of what it had not taken, then what has gathered
    /// meanwhile. Says whether some of it is left.
    pub(super) fn send_more(&mut self, id: StreamId) -> bool {
        if self.send_rest(id) {
            return true;
        }
        let Some(inbox) = self.inboxes.get(&id).cloned() else { return false };
        // An error means that the stream is over; its receiver learns how.
        !self.drain(id, &inbox).unwrap_or(true)
    }

    /// The rest of a message that waits on a stream.
    pub(super) fn rest_of(&mut self, id: StreamId) -> Option<&mut Rest> {
        // Most connections have none, and then nothing is looked up.
        if self.rests.is_empty() { None } else { self.rests.get_mut(&id) }
    }

    /// Sends more of the rest of a message, and what follows it; says whether some of it is left.
    pub(super) fn send_rest(&mut self, id: StreamId) -> bool {
        let Some(rest) = self.rests.get_mut(&id) else { return false };
        let is_last = matches!(rest.end, RestEnd::Plain);
        let sent = self.core.send_data(id, &rest.bytes[rest.sent..], is_last);
        rest.sent += sent.unwrap_or(0);
        if sent.is_ok() && rest.sent < rest.bytes.len() {
            return true;
        }
        if let Some(Rest { end: RestEnd::Trailers(trailers, reset), .. }) = self.rests.remove(&id)
            && self.core.send_headers(id, &trailers, true).is_ok()
            && let Some(reason) = reset
        {
            self.core.reset(id, reason);
        }
        false
    }
}

impl From<End<'_>> for RestEnd {
    fn from(end: End<'_>) -> Self {
        match end {
            End::Open => Self::Open,
            End::Plain => Self::Plain,
            // Who has sent a part of a message has sent a head.
            End::Trailers(trailers) | End::Outcome { behind_head: trailers, .. } => {
                Self::Trailers(trailers.clone(), None)
            }
        }
    }
}
