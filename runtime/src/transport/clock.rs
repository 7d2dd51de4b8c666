//! A clock that stands still until a test moves it, in place of the system's.
//!
//! The invariant: a thread that has such a clock gives it to every thread of the runtime that it
//! starts, and so on. So a server, its connections and its calls have the clock of the test that
//! started them, and tests with clocks of their own run beside each other.

use std::cell::RefCell;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::lock;
use super::timer::Timer;

thread_local! {
    static CURRENT: RefCell<Option<VirtualClock>> = const { RefCell::new(None) };
}

/// A clock of a test; clones are the same clock.
#[derive(Clone)]
pub(crate) struct VirtualClock {
    shared: Arc<Shared>,
}

struct Shared {
    time: Mutex<Instant>,
    /// Ended with the test: its thread has this clock.
    timer: Mutex<Option<Timer>>,
}

/// Gives the thread back the clock that it had.
pub(crate) struct Entered {
    before: Option<VirtualClock>,
}

impl VirtualClock {
    /// A clock that stands at the present moment.
    #[allow(clippy::disallowed_methods, reason = "a virtual clock begins at the real time")]
    pub(crate) fn new() -> Self {
        let timer = Mutex::new(Some(Timer::new("grpc-test-timer")));
        Self { shared: Arc::new(Shared { time: Mutex::new(Instant::now()), timer }) }
    }

    pub(crate) fn now(&self) -> Instant {
        *lock(&self.shared.time)
    }

    /// Moves the time on; waits notice it within a millisecond.
    pub(crate) fn advance(&self, by: Duration) {
        let mut time = lock(&self.shared.time);
        *time = time.checked_add(by).expect("a test stays within the time that can be expressed");
    }

    /// Makes it the clock of this thread until the result is dropped.
    pub(crate) fn enter(&self) -> Entered {
        Entered { before: CURRENT.replace(Some(self.clone())) }
    }

    /// Ends the thread of its timer: nothing that is scheduled will run.
    pub(crate) fn end(&self) {
        let timer = lock(&self.shared.timer).take();
        drop(timer);
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.before.take();
        // Threads that end have no clock any more.
        let _ = CURRENT.try_with(|current| current.replace(before));
    }
}

/// The time of this thread's clock, if it has one.
pub(super) fn now() -> Option<Instant> {
    current().map(|clock| clock.now())
}

/// Whether this thread has such a clock.
pub(super) fn is_virtual() -> bool {
    current().is_some()
}

/// The timer of this thread's clock, if it has one.
pub(super) fn timer() -> Option<Timer> {
    current().and_then(|clock| lock(&clock.shared.timer).clone())
}

/// How long to wait before the time is looked at again, of a wait for `left`.
pub(super) fn slice(left: Duration) -> Duration {
    if current().is_some() { left.min(SLICE) } else { left }
}

/// `run`, to be run with the clock that this thread has.
pub(super) fn inherited<R>(run: impl FnOnce() -> R) -> impl FnOnce() -> R {
    let clock = current();
    move || {
        let _entered = clock.as_ref().map(VirtualClock::enter);
        run()
    }
}

/// Runs `run` with the system's clock: what it starts outlives a test.
pub(crate) fn outside<R>(run: impl FnOnce() -> R) -> R {
    let _before = Entered { before: CURRENT.take() };
    run()
}

fn current() -> Option<VirtualClock> {
    CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
}

/// Short enough that no test feels it, long enough that waiting threads cost nothing to speak of.
const SLICE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;
    use crate::transport::{Latch, spawn};

    /// A thread with a virtual clock sees that time alone, and so do the threads that it starts.
    #[test]
    fn threads_have_the_clock_of_who_started_them() {
        let clock = VirtualClock::new();
        let entered = clock.enter();
        let begin = crate::transport::now();
        clock.advance(Duration::from_secs(3600));
        assert_eq!(crate::transport::now() - begin, Duration::from_secs(3600));
        spawn("test", move || {
            assert_eq!(crate::transport::now() - begin, Duration::from_secs(3600));
        })
        .unwrap()
        .join()
        .unwrap();
        drop(entered);
        assert!(crate::transport::now() - begin < Duration::from_secs(3600));
    }

    /// A wait for an hour ends when the clock is moved by an hour, and not before.
    #[test]
    fn a_wait_ends_with_the_virtual_time() {
        let clock = VirtualClock::new();
        let _entered = clock.enter();
        let until = crate::transport::now() + Duration::from_secs(3600);
        clock.advance(Duration::from_secs(3599));
        let waiting = spawn("test", move || {
            assert!(!Latch::default().wait(Some(until)));
            assert!(crate::transport::now() >= until);
        });
        thread::yield_now();
        clock.advance(Duration::from_secs(1));
        waiting.unwrap().join().unwrap();
        clock.end();
    }
}
