//! The call that a thread works for, and what calls made meanwhile inherit of it.
//!
//! The invariant: a thread has a current call while it runs the code of that call and no longer, and
//! a stream that was opened for a call is reset when that call is cancelled.

use std::cell::RefCell;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::inbox::Inbox;
use super::stream::{Handle, Stream};

thread_local! {
    static CURRENT: RefCell<Option<CurrentCall>> = const { RefCell::new(None) };
}

/// A call that is being served, as the calls see it that are made for it.
#[derive(Clone)]
pub(crate) struct CurrentCall {
    inbox: Arc<Inbox>,
    deadline: Option<Instant>,
}

impl CurrentCall {
    /// The call of `stream`.
    pub(crate) fn new(stream: &Stream, deadline: Option<Instant>) -> Self {
        Self { inbox: stream.inbox().clone(), deadline }
    }

    /// The call that this thread works for.
    pub(crate) fn of_this_thread() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Makes this the call of this thread, until what is returned is dropped.
    pub(crate) fn enter(self) -> Entered {
        let before = CURRENT.replace(Some(self));
        Entered { before, on_this_thread: PhantomData }
    }

    /// When the call must be over.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the call is cancelled.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.inbox.is_cancelled()
    }

    /// Has `child` reset when the call is cancelled, until what is returned is dropped; resets it
    /// here if the call is cancelled already.
    pub(crate) fn adopt(&self, child: &Stream) -> Adopted {
        let child = child.downgrade();
        self.inbox.add_child(Weak::clone(&child));
        Adopted { parent: self.inbox.clone(), child }
    }
}

/// The time during which a thread works for a call; ends when it is dropped.
pub(crate) struct Entered {
    before: Option<CurrentCall>,
    on_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

/// The tie between a call and a stream that was opened for it.
pub(crate) struct Adopted {
    parent: Arc<Inbox>,
    child: Weak<Handle>,
}

impl Drop for Adopted {
    fn drop(&mut self) {
        self.parent.remove_child(&self.child);
    }
}
