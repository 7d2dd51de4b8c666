//! The one thread that runs what applications want done when a call is cancelled.
//!
//! Cancellations happen anywhere: on the reader of a connection, on the timer, inside a `send` of
//! the very method whose call it is. None of them may run code that blocks or takes locks of the
//! application, so they hand it over and go on.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::time::Duration;

use super::{FullPool, Plan, Threads, Workers};
use crate::limits::CALLBACK_QUEUE_MAX;

type Callbacks = Box<dyn FnOnce() + Send>;

/// Has `callbacks` run, behind those that were handed over before; never blocks.
///
/// They are dropped without having run if the queue is full, because a callback has blocked for
/// long, or if the system lets no thread start.
pub(super) fn run_soon(callbacks: impl FnOnce() + Send + 'static) {
    /// Its one thread starts with the first cancellation that somebody waits for.
    static THREAD: LazyLock<Workers<'static, Callbacks>> = LazyLock::new(|| {
        let full = FullPool::Queue { max: CALLBACK_QUEUE_MAX, max_wait: Duration::MAX };
        let plan = Plan { name: "grpc-callbacks", threads: NonZeroUsize::MIN, full };
        Workers::new(&plan, Threads::of_process(), |callbacks: Callbacks| callbacks())
    });
    // Who wants to be sure waits for the cancellation or asks for it.
    let _ = THREAD.run(Box::new(callbacks));
}
