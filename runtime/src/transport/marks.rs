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

    /// Sets the marks of `state`, whose lock the caller has.
    pub(super) fn mark(&self, state: &State) {
        let mut marks = match state.sending {
            Sending::Open => 0,
            Sending::Ended => Marks::SENT | Marks::CLOSED,
            Sending::Closed => Marks::CLOSED,
        };
        for (is_set, mark) in [
            (state.cancelled, Marks::CANCELLED),
            (state.received.has_ended(), Marks::RECEIVED),
            (state.received.is_settled(), Marks::SETTLED),
        ] {
            marks |= if is_set { mark } else { 0 };
        }
        self.marks.store(marks, Ordering::Release);
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
}
