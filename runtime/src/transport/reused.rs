//! Inboxes that a thread uses for one stream after the other.
//!
//! The invariant: an inbox is kept only by who has it alone, as if it were new but for its limits.

use std::sync::{Arc, PoisonError};

use super::active::Counts;
use super::due::Due;
use super::filling::Filling;
use super::inbox::{Inbox, State};
use super::marks::Marks;
use super::parking::Space;
use super::sending::Sending;
use crate::grpc::shelf::Shelf;

thread_local! {
    /// Inboxes of streams that are over.
    static USED: Shelf<Arc<Inbox>> = const { Shelf::new() };
}

impl Inbox {
    /// An inbox as [`new`](Self::new) makes it, with what `begin` does to it. Streams come in bursts, and
    /// a thread uses their inboxes again.
    fn shelved<R>(
        receive_limit: usize,
        window: u32,
        begin: impl FnOnce(&mut Self) -> R,
    ) -> (Arc<Self>, R) {
        let kept = USED.try_with(Shelf::take).ok().flatten();
        // Who keeps one may not have let go of it yet.
        let kept = kept.filter(|kept| Arc::strong_count(kept) == 1);
        let mut inbox = kept.unwrap_or_else(|| Arc::new(Self::new(receive_limit, window)));
        let alone = Arc::get_mut(&mut inbox).expect("a shelf has what nobody else has any more");
        let state = alone.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.received.set_limits(receive_limit, window);
        let begun = begin(alone);
        (inbox, begun)
    }

    /// The inbox of a stream that a peer has opened, with what `fill` puts in.
    pub(super) fn of_peer<R>(
        receive_limit: usize,
        window: u32,
        fill: impl FnOnce(Filling<'_>) -> R,
    ) -> (Arc<Self>, R) {
        Self::shelved(receive_limit, window, |inbox| fill(inbox.filling()))
    }

    /// Keeps an inbox that nobody else has, if this thread uses them again; what is in it goes.
    pub(super) fn keep(inbox: &mut Arc<Self>) {
        let has_place = USED.try_with(Shelf::has_place).unwrap_or(false);
        if has_place && let Some(used) = Arc::get_mut(inbox) {
            used.clear();
            let _ = USED.try_with(|shelf| shelf.give_back(Arc::clone(inbox)));
        }
    }

    /// Makes it as new, but for its limits.
    fn clear(&mut self) {
        let Self {
            state,
            changed: _,
            place,
            offered,
            due,
            is_shared,
            counts,
            is_reset,
            is_released,
            sends_many,
            marks,
        } = self;
        state.get_mut().unwrap_or_else(PoisonError::into_inner).clear();
        *place.get_mut() = 0;
        *due = Due::default();
        *counts = Counts::default();
        for flag in [offered, is_shared, is_reset, is_released, sends_many] {
            *flag.get_mut() = false;
        }
        *marks.get_mut() = 0;
    }

    /// The inbox of a caller, who expects a reply whether or not anybody waits for it yet: a server
    /// that answers with a message larger than the window is not held up until somebody does.
    /// `ends`: the whole request is about to be sent.
    pub(super) fn of_caller(receive_limit: usize, window: u32, ends: bool) -> Arc<Self> {
        let begin = |inbox: &mut Self| {
            let state = inbox.state.get_mut().unwrap_or_else(PoisonError::into_inner);
            // Nothing has come that could be credited.
            let _nothing = state.received.expect();
            if ends {
                state.sending = Sending::Ended;
                *inbox.marks.get_mut() = Marks::SENT | Marks::CLOSED;
            }
        };
        Self::shelved(receive_limit, window, begin).0
    }
}

impl State {
    /// Makes it as new, but for its limits.
    fn clear(&mut self) {
        let Self {
            received,
            sending,
            facts,
            batch,
            writable,
            busy,
            is_cut,
            turn,
            cancelled,
            told,
            deadline,
            waiting,
            following,
            space,
            waker,
        } = self;
        received.clear();
        *sending = Sending::Open;
        *facts = None;
        *batch = None;
        *writable = true;
        (*busy, *is_cut, *turn, *cancelled) = (false, false, false, false);
        (*told, *deadline, *waker) = (None, None, None);
        (*waiting, *following) = (0, 0);
        *space = Space::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::waiting::Awaited;

    /// An inbox is made ready for another stream on a thread that has taken one alone: others drop it as
    /// it is.
    #[test]
    fn an_inbox_is_kept_where_one_was_taken() {
        let filled = || {
            let mut inbox = Arc::new(Inbox::new(1000, 1000));
            let _nobody = inbox.put(|received| _ = received.push_data(b"\0\0\0\0\0", true));
            Inbox::keep(&mut inbox);
            inbox
        };
        assert!(filled().has(Awaited::Incoming));
        let of_peer = || Inbox::of_peer(1000, 1000, |_| ()).0;
        let taken = of_peer();
        let kept = filled();
        assert!(!kept.has(Awaited::Incoming));
        let place = Arc::as_ptr(&kept);
        drop((taken, kept));
        assert_eq!(Arc::as_ptr(&of_peer()), place);
    }
}
