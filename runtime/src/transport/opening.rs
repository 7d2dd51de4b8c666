//! A call that waits for its stream, or for the beginning of its request to be taken: it ends with
//! the call that it is made for, as its stream will once it has one.

use std::sync::Arc;

use super::current::{Adopted, Child, CurrentCall};
use super::inbox::Inbox;
use super::link::Link;
use crate::http2::Reason;

struct Opening {
    link: Arc<Link>,
    inbox: Arc<Inbox>,
}

/// What holds a call to its parent while it waits.
pub(super) struct Tie {
    // Before the opening, so that the parent finds that or has nothing to look for.
    _adopted: Adopted,
    _opening: Arc<Opening>,
}

impl Tie {
    /// Has the call that is about to wait at `inbox` end with `parent`, until this is dropped.
    pub(super) fn new(parent: &CurrentCall, link: &Arc<Link>, inbox: &Arc<Inbox>) -> Self {
        inbox.set_shared();
        let opening = Arc::new(Opening { link: Arc::clone(link), inbox: Arc::clone(inbox) });
        let child = Arc::downgrade(&opening);
        Self { _adopted: parent.adopt_child(child), _opening: opening }
    }
}

impl Child for Opening {
    fn cancel(self: Arc<Self>) {
        self.inbox.reset(Reason::CANCEL);
        // Under the link's lock, so that one who leads meanwhile is told too.
        self.link.submit(|state| {
            if self.inbox.give_turn() && self.inbox.set_due() {
                state.due.push(Arc::clone(&self.inbox));
            }
        });
    }
}
