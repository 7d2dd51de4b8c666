//! The clock that a test moves.

use std::fmt;
use std::time::{Duration, Instant};

use crate::transport::clock::{Entered, VirtualClock};

/// A clock that stands still until the test moves it.
///
/// From [`Clock::start`] until it is dropped it is the clock of the thread that called, and of
/// everything of this library that the thread starts meanwhile: channels, servers, the threads that
/// run their methods. Deadlines, timeouts, backoff and keepalive then pass as the test says, and an
/// hour takes no time. Tests with clocks of their own run beside each other.
///
/// A thread that the test starts itself begins with the system's clock; [`Clock::run`] gives it this
/// one. `Instant::now` and `thread::sleep` know nothing of it; code under test asks
/// [`Context::time_remaining`](crate::Context::time_remaining).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::testing::{Clock, FakeServer};
/// use rust_grpc::health::v1::{HEALTH_METHODS, HealthCheckRequest, HealthCheckResponse, HealthStub};
/// use rust_grpc::{Code, Request};
///
/// let clock = Clock::start();
/// let server = FakeServer::new(HEALTH_METHODS);
/// let stub = HealthStub::new(server.channel());
///
/// let request = Request::new(HealthCheckRequest::default()).timeout(Duration::from_secs(3600));
/// let pending = stub.check_pending(request)?;
/// let call = server.take::<HealthCheckRequest, HealthCheckResponse>("Check");
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(pending.wait().unwrap_err().code(), Code::DeadlineExceeded);
/// assert!(call.wait_cancelled());
/// # Ok::<(), rust_grpc::Status>(())
/// ```
pub struct Clock {
    clock: VirtualClock,
    /// Belongs to the thread that started the clock, so that this is not `Send`.
    _entered: Entered,
    _of_this_thread: std::marker::PhantomData<*const ()>,
}

impl Clock {
    /// A clock that stands at the present moment, for this thread.
    #[must_use = "dropping it gives the thread the system's clock again"]
    pub fn start() -> Self {
        let clock = VirtualClock::new();
        let entered = clock.enter();
        Self { clock, _entered: entered, _of_this_thread: std::marker::PhantomData }
    }

    /// The time that it shows.
    #[must_use]
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// Moves the time on by `time`.
    ///
    /// What becomes due is done by other threads, within about a millisecond: wait for its effect,
    /// the end of a call or of a stream, and not for the clock.
    ///
    /// # Panics
    ///
    /// If the time can no longer be expressed.
    pub fn advance(&self, time: Duration) {
        self.clock.advance(time);
    }

    /// `run`, made to be run by another thread with this clock.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::testing::Clock;
    ///
    /// let clock = Clock::start();
    /// let thread = std::thread::spawn(clock.run(|| println!("on the test's time")));
    /// thread.join().unwrap();
    /// ```
    pub fn run<F, R>(&self, run: F) -> impl FnOnce() -> R + use<F, R>
    where
        F: FnOnce() -> R,
    {
        let clock = self.clock.clone();
        move || {
            let _entered = clock.enter();
            run()
        }
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.clock.end();
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Clock").field("now", &self.now()).finish_non_exhaustive()
    }
}
