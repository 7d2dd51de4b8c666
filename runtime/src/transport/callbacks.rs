//! The one thread that runs what applications want done when a call is cancelled, or is done.
//!
//! Both happen anywhere: on the reader of a connection, on the timer, inside a `send` of
//! the very method whose call it is. None of them may run code that blocks or takes locks of the
//! application, so they hand it over and go on.

use std::num::NonZeroUsize;
use std::sync::LazyLock;
use std::time::Duration;

use super::{FullPool, Plan, Threads, Workers};
use crate::limits::{CALLBACK_QUEUE_MAX, RETRY_THREADS};

type Callbacks = Box<dyn FnOnce() + Send>;

/// Has `callbacks` run, behind those that were handed over before; never blocks.
///
/// They are dropped without having run if the queue is full, because a callback has blocked for
/// long, or if the system lets no thread start.
pub(crate) fn run_soon(callbacks: impl FnOnce() + Send + 'static) {
    /// Its one thread starts with the first cancellation that somebody waits for.
    static THREAD: LazyLock<Workers<'static, Callbacks>> =
        LazyLock::new(|| workers("grpc-callbacks", NonZeroUsize::MIN));
    #[cfg(feature = "testing")]
    let callbacks = super::clock::inherited(callbacks);
    // Who wants to be sure waits for the cancellation or asks for it.
    let _ = start(|| THREAD.run(Box::new(callbacks)));
}

/// Has `job` run, which opens a stream once more for somebody who does not wait; never blocks. Says
/// whether it will run; it is dropped otherwise.
pub(crate) fn run_aside(job: impl FnOnce() + Send + 'static) -> bool {
    static THREADS: LazyLock<Workers<'static, Callbacks>> =
        LazyLock::new(|| workers("grpc-retry", RETRY_THREADS));
    #[cfg(feature = "testing")]
    let job = super::clock::inherited(job);
    start(|| THREADS.run(Box::new(job))).is_ok()
}

/// Has `job` run, which answers what a call was asked that has no thread; never blocks. Says whether it
/// will run; it is dropped otherwise.
#[cfg(feature = "reflection")]
pub(crate) fn run_answer(job: impl FnOnce() + Send + 'static) -> bool {
    static THREADS: LazyLock<Workers<'static, Callbacks>> =
        LazyLock::new(|| workers("grpc-answers", crate::limits::ANSWER_THREADS));
    #[cfg(feature = "testing")]
    let job = super::clock::inherited(job);
    start(|| THREADS.run(Box::new(job))).is_ok()
}

/// Runs `run`, whose threads outlive whoever started them, and so the clock of a test.
fn start<R>(run: impl FnOnce() -> R) -> R {
    #[cfg(feature = "testing")]
    return super::clock::outside(run);
    #[cfg(not(feature = "testing"))]
    run()
}

fn workers(name: &'static str, threads: NonZeroUsize) -> Workers<'static, Callbacks> {
    let full = FullPool::Queue { max: CALLBACK_QUEUE_MAX, max_wait: Duration::MAX };
    let plan = Plan { name, threads, full };
    Workers::new(&plan, Threads::of_process(), |callbacks: Callbacks, _| callbacks())
}
