//! The one thread that sends what has gathered, messages of streams and calls of connections, while
//! their senders go on.
//!
//! A stream or a connection is handed over when a burst begins and is looked at every [`FLUSH_INTERVAL`]
//! until the burst is over, so that a sender wakes this thread once for each burst. Without bursts it
//! sleeps.

use std::sync::{Condvar, LazyLock, Mutex, Weak};
use std::time::Duration;

use super::link::Link;
use super::stream::Handle;
use super::{lock, spawn, wait_until};
use crate::limits::FLUSH_INTERVAL;

/// Where something gathers.
pub(super) trait Gathers: Send + Sync {
    /// Sends what has gathered; says whether the burst goes on.
    fn look(&self) -> bool;
}

/// The messages of a stream.
impl Gathers for Handle {
    fn look(&self) -> bool {
        let look = self.inbox.look();
        if look.is_due {
            self.drain();
        }
        look.is_watched
    }
}

/// The calls that one thread begins on a connection.
impl Gathers for Link {
    fn look(&self) -> bool {
        let is_watched = lock(&self.state).openers.look();
        self.write_held_calls();
        is_watched
    }
}

struct Flusher {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Those that were handed over and not looked at so far.
    begun: Vec<Weak<dyn Gathers>>,
    is_running: bool,
    is_asleep: bool,
}

static FLUSHER: LazyLock<Flusher> =
    LazyLock::new(|| Flusher { state: Mutex::default(), changed: Condvar::new() });

/// Has what gathers at `place` sent soon, and again and again while there is much; never blocks.
/// Says whether that will happen: the system may let no thread start.
pub(super) fn flush_soon(place: Weak<dyn Gathers>) -> bool {
    let mut state = lock(&FLUSHER.state);
    if !state.is_running {
        // It outlives whoever starts it, and so the clock of a test.
        #[cfg(feature = "testing")]
        let started = super::clock::outside(|| spawn("grpc-flusher", run));
        #[cfg(not(feature = "testing"))]
        let started = spawn("grpc-flusher", run);
        if started.is_err() {
            return false;
        }
        state.is_running = true;
    }
    state.begun.push(place);
    let is_asleep = std::mem::take(&mut state.is_asleep);
    drop(state);
    if is_asleep {
        FLUSHER.changed.notify_one();
    }
    true
}

fn run() {
    let mut watched = Vec::new();
    loop {
        let mut state = lock(&FLUSHER.state);
        if watched.is_empty() && state.begun.is_empty() {
            state.is_asleep = true;
            let is_over = |state: &State| !state.begun.is_empty();
            state = wait_until(&FLUSHER.changed, state, None, is_over).0;
        }
        watched.append(&mut state.begun);
        drop(state);
        watched.retain(|place| Weak::upgrade(place).is_some_and(|place| place.look()));
        if !watched.is_empty() {
            pause(FLUSH_INTERVAL);
        }
    }
}

/// Not by `sleep`: rustc 1.95 leaves it out of programs built with thin LTO, and they do not link.
fn pause(interval: Duration) {
    static NEVER: Condvar = Condvar::new();
    static BED: Mutex<()> = Mutex::new(());
    drop(NEVER.wait_timeout(lock(&BED), interval));
}
