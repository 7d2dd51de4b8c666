//! Models of the places where threads of the transport meet: the very source files of the runtime, with
//! loom's atomics and locks in place of the system's, which try every order in which threads can get
//! there, and every value that memory may show them.
//!
//! A thread that is never woken is found as a deadlock, two that have what only one may have by an
//! assertion. Orders with more than [`PREEMPTIONS_MAX`] preemptions are left out: nearly every fault
//! known of such code needs two at most.

#[path = "../../runtime/src/transport/cork.rs"]
mod cork;
#[path = "../../runtime/src/transport/doze.rs"]
mod doze;
#[path = "../../runtime/src/transport/due.rs"]
mod due;
mod inbox;
#[allow(dead_code, reason = "what only callers without models use")]
#[path = "../../runtime/src/transport/lead.rs"]
mod lead;
mod network;
#[path = "../../runtime/src/transport/parking.rs"]
mod parking;
#[path = "../../runtime/src/transport/seat.rs"]
mod seat;
mod sync;
#[path = "../../runtime/src/transport/tray.rs"]
mod tray;
mod wire;
mod words;

pub use network::*;
pub use words::*;

use sync::{Mutex, MutexGuard};

/// How often a thread is stopped in favour of another one though it could go on.
pub const PREEMPTIONS_MAX: usize = 2;

/// Runs `model` in every order.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(PREEMPTIONS_MAX);
    builder.check(model);
}

/// Waits until all `threads` of a model have ended.
fn join<T>(threads: impl IntoIterator<Item = loom::thread::JoinHandle<T>>) {
    for thread in threads {
        thread.join().expect("a panic ends the model");
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("a panic ends the model")
}

/// Stands in for the runtime's.
mod limits {
    use std::time::Duration;

    pub(crate) const PAUSES_SKIPPED: u32 = 1;
    pub(crate) const READ_BUFFER_SIZE: usize = 1;
    pub(crate) const WATCH_DELAY: Duration = Duration::ZERO;
}
