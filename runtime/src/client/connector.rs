//! The connection of a channel: made when a call needs one, and made again when it is lost.
//!
//! ```text
//! Idle ──call──▶ Connecting ──SETTINGS came──▶ Ready ──lost, GOAWAY──▶ (as Idle)
//!                    │  ▲
//!              error ▼  │ call, once the wait is over
//!                  Failed
//! ```
//!
//! The first call that needs a connection starts an attempt, which runs on a thread of its own and
//! has a time of its own; every call waits for the attempt until its own deadline, and no longer.
//! Whatever happens, an attempt ends with a result. The lock is held for a look at the phase, never
//! while connecting.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use crate::grpc::Status;
use crate::http2;
use crate::transport::backoff::Backoff;
use crate::transport::latch::Latch;
use crate::transport::wire::Wire;
use crate::transport::{self, Link, lock, now};

/// How a wire to the server is made.
pub(crate) type Connect = Box<dyn Fn(Option<Instant>) -> io::Result<Box<dyn Wire>> + Send + Sync>;

/// Gives out the one connection of a channel; closes it when dropped.
pub(crate) struct Connector {
    shared: Arc<Shared>,
}

/// What the channel and the thread of an attempt have in common.
struct Shared {
    /// The target as errors name it.
    target: String,
    connect: Connect,
    connect_timeout: Duration,
    state: Mutex<State>,
}

struct State {
    phase: Phase,
    backoff: Backoff,
}

enum Phase {
    Idle,
    Connecting(Arc<Attempt>),
    Ready(Arc<Link>),
    Failed {
        status: Status,
        retry_at: Instant,
    },
    /// The channel is gone: what an attempt still brings is not wanted.
    Closed,
}

/// One attempt to connect.
#[derive(Default)]
struct Attempt {
    /// The connection while it waits for SETTINGS, so that it can be closed.
    link: OnceLock<Arc<Link>>,
    /// Open once there is a result.
    done: Latch,
    result: OnceLock<Result<Arc<Link>, Status>>,
}

/// What a call that needs a connection is to do.
enum Next {
    Use(Arc<Link>),
    Wait(Arc<Attempt>),
    Back { status: Status, retry_at: Instant },
}

impl Connector {
    pub(crate) fn new(
        target: String,
        connect: Connect,
        connect_timeout: Duration,
        backoff: Backoff,
    ) -> Self {
        let state = Mutex::new(State { phase: Phase::Idle, backoff });
        Self { shared: Arc::new(Shared { target, connect, connect_timeout, state }) }
    }

    /// A connection that takes calls. Waits for one until `until`.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE with the cause in words if there is none, unless `wait_for_ready`;
    /// DEADLINE_EXCEEDED.
    pub(crate) fn link(
        &self,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<Arc<Link>, Status> {
        let mut cause = None;
        loop {
            let status = match self.next() {
                Next::Use(link) => return Ok(link),
                Next::Wait(attempt) => match attempt.wait(until) {
                    None => return Err(self.too_late(cause.as_ref())),
                    Some(Ok(link)) => return Ok(link),
                    Some(Err(status)) => status,
                },
                Next::Back { status, retry_at } => {
                    if wait_for_ready {
                        // A latch that nobody opens is a wait for a time.
                        Latch::default().wait(Some(until.map_or(retry_at, |at| at.min(retry_at))));
                    }
                    status
                }
            };
            if !wait_for_ready {
                return Err(status);
            }
            cause = Some(status);
            if until.is_some_and(|until| until <= now()) {
                return Err(self.too_late(cause.as_ref()));
            }
        }
    }

    /// The target as errors name it.
    pub(crate) fn target(&self) -> &str {
        &self.shared.target
    }

    fn next(&self) -> Next {
        let attempt = {
            let mut state = lock(&self.shared.state);
            match &state.phase {
                Phase::Ready(link) if link.is_usable() => return Next::Use(link.clone()),
                Phase::Connecting(attempt) => return Next::Wait(attempt.clone()),
                Phase::Failed { status, retry_at } if now() < *retry_at => {
                    return Next::Back { status: status.clone(), retry_at: *retry_at };
                }
                Phase::Idle | Phase::Ready(_) | Phase::Failed { .. } | Phase::Closed => {}
            }
            let attempt = Arc::<Attempt>::default();
            state.phase = Phase::Connecting(attempt.clone());
            attempt
        };
        let (shared, running) = (self.shared.clone(), attempt.clone());
        if let Err(error) = transport::spawn("grpc-connect", move || shared.run(&running)) {
            self.shared.settle(&attempt, Err(error));
        }
        Next::Wait(attempt)
    }

    fn too_late(&self, cause: Option<&Status>) -> Status {
        let target = &self.shared.target;
        Status::deadline_exceeded(match cause {
            None => format!("deadline passed while connecting to {target}"),
            Some(cause) => format!("deadline passed while waiting: {}", cause.message()),
        })
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        let before = std::mem::replace(&mut lock(&self.shared.state).phase, Phase::Closed);
        let link = match &before {
            Phase::Ready(link) => Some(link),
            Phase::Connecting(attempt) => attempt.link.get(),
            Phase::Idle | Phase::Failed { .. } | Phase::Closed => None,
        };
        if let Some(link) = link {
            link.close();
        }
    }
}

impl Shared {
    /// What the thread of an attempt runs.
    fn run(&self, attempt: &Attempt) {
        let result = catch_unwind(AssertUnwindSafe(|| self.establish(attempt)))
            .unwrap_or_else(|_| Err(io::Error::other("panic while connecting")));
        self.settle(attempt, result);
    }

    /// Keeps the result for everybody, and tells those who wait for it.
    fn settle(&self, attempt: &Attempt, result: io::Result<Arc<Link>>) {
        let result = result.map_err(|error| Status::unavailable(self.in_words(&error)));
        let mut state = lock(&self.state);
        let unwanted = match (&state.phase, &result) {
            (Phase::Closed, Ok(link)) => Some(link.clone()),
            (Phase::Closed, Err(_)) => None,
            (_, Ok(link)) => {
                state.backoff.reset();
                state.phase = Phase::Ready(link.clone());
                None
            }
            (_, Err(status)) => {
                let retry_at = now() + state.backoff.next_wait(transport::random());
                state.phase = Phase::Failed { status: status.clone(), retry_at };
                None
            }
        };
        drop(state);
        // A link writes when it closes, which nobody should wait for under the lock.
        if let Some(link) = unwanted {
            link.close();
        }
        let is_first = attempt.result.set(result).is_ok();
        assert!(is_first, "an attempt ends once");
        attempt.done.open();
    }

    /// A connection is there once the server's SETTINGS have come, not when a socket is open.
    fn establish(&self, attempt: &Attempt) -> io::Result<Arc<Link>> {
        let until = now().checked_add(self.connect_timeout);
        let wire = (self.connect)(until)?;
        let link = Link::client(wire, http2::Config::default(), "grpc-client")?;
        // Whoever drops the channel from here on sees the link; who has dropped it is seen here.
        let is_first = attempt.link.set(link.clone()).is_ok();
        assert!(is_first, "an attempt makes one connection");
        if let Phase::Closed = lock(&self.state).phase {
            link.close();
        }
        link.wait_ready(until).map_err(|error| {
            link.close();
            io::Error::other(error)
        })?;
        Ok(link)
    }

    /// `connect to 127.0.0.1:1: connection refused`, without the system's error number.
    fn in_words(&self, error: &io::Error) -> String {
        let text = error.to_string();
        let text = text.split(" (os error").next().unwrap_or(&text);
        let (place, cause) = match text.rsplit_once(": ") {
            Some((place, cause)) if place == self.target => ("", cause),
            Some((place, cause)) => (place, cause),
            None => ("", text),
        };
        let mut letters = cause.chars();
        let first = letters.next().map(|letter| letter.to_ascii_lowercase());
        let cause: String = first.into_iter().chain(letters).collect();
        match place {
            "" => format!("connect to {}: {cause}", self.target),
            place => format!("connect to {}: {place}: {cause}", self.target),
        }
    }
}

impl Attempt {
    /// Waits for the result; `None` if it is not there at `until`.
    fn wait(&self, until: Option<Instant>) -> Option<Result<Arc<Link>, Status>> {
        self.done.wait(until).then(|| self.result.get().cloned()).flatten()
    }
}
