//! What can be asked of an inbox without its lock.
//!
//! The invariant: marks are set under the lock, before it is released, so that who has seen a change under
//! the lock sees its mark; none of them goes again once the stream is open.

use std::sync::atomic::Ordering;

use super::inbox::{Inbox, State};
use super::sending::Sending;

/// What is known of a stream, a bit each; none of them goes again once the stream is open.
pub(super) struct Marks;

impl Inbox {
    /// Whether everything has come that the peer will send, be it good or not.
    pub(super) fn is_settled(&self) -> bool {
        self.has_mark(Marks::SETTLED | Marks::CLOSED)
    }

    /// Whether the last thing that will be received has come, as was seen when it came.
    pub(super) fn is_ended(&self) -> bool {
        self.has_mark(Marks::SETTLED)
    }

    /// Whether there is nothing left that anybody could wait for here: all has come that will, and
    /// nothing can be sent.
    pub(super) fn is_done(&self) -> bool {
        let all = Marks::SETTLED | Marks::CLOSED;
        self.marks.load(Ordering::Acquire) & all == all
    }

    /// Whether one of `marks` is set.
    pub(super) fn has_mark(&self, marks: u8) -> bool {
        self.marks.load(Ordering::Acquire) & marks != 0
    }

    /// Whether there is something to take, if that can be said without the lock: nothing has become of the
    /// stream so far, or the end has come, which is there for whoever asks again.
    pub(super) fn has_incoming(&self) -> Option<bool> {
        match self.marks.load(Ordering::Acquire) & (Marks::CHANGED | Marks::SETTLED) {
            0 => Some(false),
            marks if marks & Marks::SETTLED != 0 => Some(true),
            _ => None,
        }
    }

    /// Sets the marks of `state`, whose lock the caller has.
    pub(super) fn mark(&self, state: &State) {
        self.marks.store(Marks::of(state), Ordering::Release);
    }

    /// Whether the stream ended before this side had said its last word.
    pub(super) fn is_cancelled(&self) -> bool {
        self.has_mark(Marks::CANCELLED)
    }

    /// Whether the peer has ended the stream in good order.
    pub(super) fn is_received(&self) -> bool {
        self.has_mark(Marks::RECEIVED)
    }

    /// Whether nothing can be sent any more.
    pub(super) fn is_closed(&self) -> bool {
        self.has_mark(Marks::CLOSED)
    }

    /// Whether this side has ended the stream.
    pub(super) fn is_sent(&self) -> bool {
        self.has_mark(Marks::SENT)
    }
}

impl Marks {
    /// The marks of `state`.
    pub(super) fn of(state: &State) -> u8 {
        let mut marks = match state.sending {
            Sending::Open => Self::CHANGED,
            Sending::Ended => Self::CHANGED | Self::SENT | Self::CLOSED,
            Sending::Closed => Self::CHANGED | Self::CLOSED,
        };
        for (is_set, mark) in [
            (state.cancelled, Self::CANCELLED),
            (state.received.has_ended(), Self::RECEIVED),
            (state.received.is_settled(), Self::SETTLED),
        ] {
            marks |= if is_set { mark } else { 0 };
        }
        marks
    }

    /// It ended before this side had said its last word.
    const CANCELLED: u8 = 1;
    /// This side has ended it.
    pub(super) const SENT: u8 = 2;
    /// Nothing can be sent any more.
    pub(super) const CLOSED: u8 = 4;
    /// The peer has ended it in good order.
    const RECEIVED: u8 = 8;
    /// The last thing that will be received has come.
    const SETTLED: u8 = 16;
    /// Something has come, or this side has done something, since it was opened.
    const CHANGED: u8 = 32;
}
