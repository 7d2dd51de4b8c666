//! The call that a thread works for, and what calls made meanwhile inherit of it.
//!
//! The invariant: a thread has a current call while it runs the code of that call and no longer, and
//! a stream that was opened for a call is reset when that call is cancelled.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Weak};
use std::time::Instant;

use super::inbox::Inbox;
use super::stream::Stream;

thread_local! {
    static CURRENT: RefCell<Option<CurrentCall>> = const { RefCell::new(None) };
}

/// A call that is being served, as the calls see it that are made for it: its deadline, and its end.
///
/// The thread that runs a method has it as its current call already: calls that it makes have at
/// most what is left of the deadline and are cancelled with the call, unless they are
/// [detached](crate::Request::detached). [`Context::current_call`](crate::Context::current_call) is
/// for the other threads of a method. Cheap to clone; it stays valid after the call.
///
/// # Examples
///
/// ```
/// use std::thread;
/// use rust_grpc::Context;
///
/// fn ask_two(context: &Context, ask: impl Fn(&str) + Sync) {
///     let call = context.current_call();
///     thread::scope(|scope| {
///         for target in ["one", "two"] {
///             let (call, ask) = (call.clone(), &ask);
///             scope.spawn(move || {
///                 let _entered = call.enter(); // what `ask` calls belongs to this call too
///                 ask(target);
///             });
///         }
///     });
/// }
/// ```
#[derive(Clone)]
pub struct CurrentCall {
    inbox: Arc<Inbox>,
    deadline: Option<Instant>,
}

impl CurrentCall {
    /// The call of `stream`.
    pub(crate) fn new(stream: &Stream, deadline: Option<Instant>) -> Self {
        Self { inbox: stream.inbox().clone(), deadline }
    }

    /// The call that this thread works for.
    #[must_use]
    pub fn of_this_thread() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// Makes this the call that this thread works for, until what is returned is dropped; then it is
    /// again the one that it was before.
    #[must_use = "dropping it leaves the call at once"]
    pub fn enter(self) -> Entered {
        let before = CURRENT.replace(Some(self));
        Entered { before, on_this_thread: PhantomData }
    }

    /// When the call must be over; `None` if its client waits for ever.
    #[must_use]
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Whether the call was cancelled, as [`Context::is_cancelled`](crate::Context::is_cancelled).
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inbox.is_cancelled()
    }

    /// What tells its end.
    pub(super) fn inbox(&self) -> &Arc<Inbox> {
        &self.inbox
    }
}

impl fmt::Debug for CurrentCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CurrentCall")
            .field("deadline", &self.deadline)
            .field("cancelled", &self.is_cancelled())
            .finish()
    }
}

/// The time during which a thread works for a call, from [`CurrentCall::enter`] until this is
/// dropped. It stays on its thread.
#[derive(Debug)]
pub struct Entered {
    before: Option<CurrentCall>,
    on_this_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

/// The tie between a call and what ends with it.
pub(super) struct Adopted {
    parent: Arc<Inbox>,
    child: Weak<dyn Child>,
}

impl Adopted {
    /// Has `child` end when the stream of `parent` is cancelled, until this is dropped; here if that
    /// has happened.
    pub(super) fn new(parent: &Arc<Inbox>, child: Weak<dyn Child>) -> Self {
        parent.add_child(Weak::clone(&child));
        Self { parent: Arc::clone(parent), child }
    }
}

/// What ends with the call that it was begun for.
pub(crate) trait Child: Send + Sync {
    /// The call is cancelled. Runs on whatever thread has cancelled it, and must not block.
    fn cancel(self: Arc<Self>);
}

impl Drop for Adopted {
    fn drop(&mut self) {
        self.parent.remove_child(&self.child);
    }
}
