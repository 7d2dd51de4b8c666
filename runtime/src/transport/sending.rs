//! Sending on a stream, as its inbox sees it: whose turn it is, what has gathered, and the end.
//!
//! The invariant: one thread at a time sends, and nothing is sent behind the end.

use std::sync::atomic::Ordering;

use super::batch::{Look, Offered};
use super::deadlines::{Deadline, LastWord};
use super::inbox::Inbox;
use super::link::Link;
use super::occasion::SentEnd;
use super::{lock, now};

/// Whether the application may still send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sending {
    Open,
    /// This side has ended the stream.
    Ended,
    /// The peer takes nothing more.
    Closed,
}

/// Somebody else is sending on the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy;

/// The right to send on a stream; dropping it lets the next one send, and ends the stream if its deadline
/// has passed meanwhile.
pub(super) struct SendingTurn<'a> {
    link: &'a Link,
    inbox: &'a Inbox,
}

impl Link {
    /// Begins to send, and makes others wait; `None` if nothing can be sent.
    ///
    /// # Errors
    ///
    /// [`Busy`] if somebody else sends.
    pub(super) fn begin_sending_now<'a>(
        &'a self,
        inbox: &'a Inbox,
    ) -> Result<Option<SendingTurn<'a>>, Busy> {
        let mut state = lock(&inbox.state);
        if state.sending != Sending::Open {
            return Ok(None);
        }
        if state.busy {
            return Err(Busy);
        }
        state.busy = true;
        Ok(Some(SendingTurn { link: self, inbox }))
    }

    /// As [`begin_sending_now`](Self::begin_sending_now), for the last word that `deadline` has. If
    /// somebody else sends, it is left to them: `None`.
    ///
    /// # Errors
    ///
    /// [`Busy`] if they wait for the peer to take the rest of a message.
    pub(super) fn begin_last_word<'a>(
        &'a self,
        inbox: &'a Inbox,
        deadline: Deadline,
    ) -> Result<Option<(SendingTurn<'a>, LastWord)>, Busy> {
        let mut state = lock(&inbox.state);
        match (state.sending, state.busy) {
            (Sending::Ended | Sending::Closed, _) => Ok(None),
            (Sending::Open, true) if !state.writable && state.is_cut => Err(Busy),
            (Sending::Open, true) => {
                state.deadline = Some(Deadline { is_left: true, ..deadline });
                Ok(None)
            }
            (Sending::Open, false) => {
                state.busy = true;
                Ok(Some((SendingTurn { link: self, inbox }, deadline.last_word)))
            }
        }
    }
}

impl Inbox {
    /// Takes `framed`, a whole message, if it is one of a burst and nothing else is to be done.
    pub(super) fn gather(&self, framed: &[u8]) -> bool {
        let mut state = lock(&self.state);
        let is_free = state.sending == Sending::Open && !state.busy;
        is_free && state.batch.as_mut().is_some_and(|batch| batch.gather(framed))
    }

    /// Takes `framed`, a whole message, if it is one of a burst; `None` if nothing can be sent.
    pub(super) fn offer(&self, framed: &[u8]) -> Option<Offered> {
        self.sends_many.store(true, Ordering::Release);
        let mut state = lock(&self.state);
        match state.sending {
            Sending::Open if state.busy => Some(Offered::Refused),
            Sending::Open => Some(state.batch().offer(framed, now)),
            Sending::Ended | Sending::Closed => None,
        }
    }

    /// This thread has sent a message that was refused.
    pub(super) fn on_lone(&self) {
        lock(&self.state).batch().on_lone(this_thread(), now);
    }

    /// This thread is about to wait for what comes; says whether messages have gathered.
    pub(super) fn on_wait(&self) -> bool {
        if !self.sends_many() {
            return false;
        }
        let mut state = lock(&self.state);
        let batch = state.batch();
        batch.on_wait(this_thread());
        batch.is_due()
    }

    /// The next message is taken for one of a burst.
    #[cfg(test)]
    pub(super) fn expect_burst(&self) {
        self.sends_many.store(true, Ordering::Release);
        lock(&self.state).batch().expect_burst(now());
    }

    /// Whether messages may have gathered: not on a stream of single messages.
    pub(super) fn sends_many(&self) -> bool {
        self.sends_many.load(Ordering::Acquire)
    }

    /// What the flusher finds.
    pub(super) fn look(&self) -> Look {
        lock(&self.state).batch().look()
    }

    /// Takes what has gathered, to be given to the core under the link's lock.
    pub(super) fn take_gathered(&self) -> Vec<u8> {
        lock(&self.state).batch().take()
    }

    /// What was taken is of no use any more.
    pub(super) fn keep_room(&self, bytes: Vec<u8>) {
        lock(&self.state).batch().keep_room(bytes);
    }

    /// As [`set_blocked`](Self::set_blocked), of what had gathered.
    pub(super) fn set_stuck(&self) {
        let mut state = lock(&self.state);
        state.batch().set_stuck();
        state.writable = state.sending != Sending::Open;
    }

    /// Whether messages wait that the core was not offered.
    #[cfg(test)]
    pub(super) fn has_gathered(&self) -> bool {
        !lock(&self.state).batch().is_empty()
    }

    /// The core has taken less than was offered: set under the link's lock, so that no event that
    /// says otherwise is missed.
    pub(super) fn set_blocked(&self) {
        self.set_blocked_amid(false);
    }

    /// The same, in the middle of a message if `is_cut`: a part of it has left, now or before.
    pub(super) fn set_blocked_amid(&self, is_cut: bool) {
        let mut state = lock(&self.state);
        state.is_cut |= is_cut;
        state.writable = state.sending != Sending::Open;
    }

    /// Whether a sender has to wait.
    #[cfg(test)]
    pub(super) fn is_blocked(&self) -> bool {
        !lock(&self.state).writable
    }

    /// This side has ended the stream: from now on it cannot be cancelled.
    ///
    /// Set under the link's lock, before the end leaves: whatever the peer does upon it, such as to
    /// close the connection, comes behind it. What is returned is told without that lock.
    #[must_use]
    pub(super) fn set_sent_end(&self) -> Option<SentEnd> {
        let mut state = lock(&self.state);
        if state.sending != Sending::Open {
            return None;
        }
        state.sending = Sending::Ended;
        self.mark(&state);
        Some(SentEnd {
            awaited: state.threads(),
            is_over: state.received.has_ended() && !self.counts.is_running(),
            told: state.told.take(),
            _deadline: state.deadline.take(),
        })
    }

    /// What was about to be sent was not: the stream is not open yet, or takes more time.
    pub(super) fn set_unsent(&self) {
        let mut state = lock(&self.state);
        if state.sending == Sending::Ended {
            state.sending = Sending::Open;
        }
        self.mark(&state);
    }
}

impl SendingTurn<'_> {
    /// The stream has ended meanwhile, and [`SentEnd::tell`] does the rest: there is no next one.
    pub(super) fn forget(self) {
        std::mem::forget(self);
    }
}

impl Drop for SendingTurn<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.inbox.state);
        state.busy = false;
        state.is_cut = false;
        let is_due = state.waiting > 0;
        let left = state.deadline.take_if(|deadline| deadline.is_left);
        drop(state);
        if is_due {
            self.inbox.changed.notify_all();
        }
        if let Some(deadline) = left {
            self.link.expire(self.inbox, deadline);
        }
    }
}

/// A number that no other thread has that runs at the same time.
pub(super) fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}
