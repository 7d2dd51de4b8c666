//! The connection of a channel: made when a call needs one, and made again when it is lost.
//!
//! ```text
//! Idle ──call──▶ Connecting ──SETTINGS came──▶ Ready ──lost, GOAWAY──▶ (as Idle)
//!                    │  ▲
//!              error ▼  │ call, once the wait is over
//!                  Failed
//! ```
//!
//! The thread of the first call that needs a connection makes it; others wait for it, each until
//! its own deadline. The lock is held for a look at the phase, never while connecting.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::grpc::Status;
use crate::http2;
use crate::transport::backoff::Backoff;
use crate::transport::latch::Latch;
use crate::transport::wire::Wire;
use crate::transport::{self, Link, now};

/// How a wire to the server is made.
pub(crate) type Connect = Box<dyn Fn(Option<Instant>) -> io::Result<Box<dyn Wire>> + Send + Sync>;

/// Gives out the one connection of a channel.
pub(crate) struct Connector {
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
    /// Some call's thread is at it; the latch opens when it is done.
    Connecting(Arc<Latch>),
    Ready(Arc<Link>),
    Failed {
        status: Status,
        retry_at: Instant,
    },
}

/// What a call that needs a connection is to do.
enum Next {
    Use(Arc<Link>),
    Connect(Arc<Latch>),
    Wait(Arc<Latch>),
    Back { status: Status, retry_at: Instant },
}

impl Connector {
    pub(crate) fn new(
        target: String,
        connect: Connect,
        connect_timeout: Duration,
        backoff: Backoff,
    ) -> Self {
        let state = State { phase: Phase::Idle, backoff };
        Self { target, connect, connect_timeout, state: Mutex::new(state) }
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
            match self.next() {
                Next::Use(link) => return Ok(link),
                Next::Connect(latch) => {
                    let result = self.attempt(until);
                    latch.open();
                    match result {
                        Ok(link) => return Ok(link),
                        Err(status) if !wait_for_ready => return Err(status),
                        Err(status) => cause = Some(status),
                    }
                }
                Next::Wait(latch) => {
                    if !latch.wait(until) {
                        return Err(self.too_late(cause.as_ref()));
                    }
                }
                Next::Back { status, .. } if !wait_for_ready => return Err(status),
                Next::Back { status, retry_at } => {
                    // A latch that nobody opens is a wait for a time.
                    Latch::default().wait(Some(until.map_or(retry_at, |at| at.min(retry_at))));
                    cause = Some(status);
                }
            }
            if until.is_some_and(|until| until <= now()) {
                return Err(self.too_late(cause.as_ref()));
            }
        }
    }

    /// The target as errors name it.
    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    fn next(&self) -> Next {
        let mut state = self.lock();
        match &state.phase {
            Phase::Ready(link) if link.is_usable() => return Next::Use(link.clone()),
            Phase::Connecting(latch) => return Next::Wait(latch.clone()),
            Phase::Failed { status, retry_at } if now() < *retry_at => {
                return Next::Back { status: status.clone(), retry_at: *retry_at };
            }
            Phase::Idle | Phase::Ready(_) | Phase::Failed { .. } => {}
        }
        let latch = Arc::new(Latch::default());
        state.phase = Phase::Connecting(latch.clone());
        Next::Connect(latch)
    }

    /// Connects once and keeps the result for everybody.
    fn attempt(&self, until: Option<Instant>) -> Result<Arc<Link>, Status> {
        let patience = now() + self.connect_timeout;
        let result = self.establish(Some(until.map_or(patience, |until| until.min(patience))));
        let mut state = self.lock();
        match result {
            Ok(link) => {
                state.backoff.reset();
                state.phase = Phase::Ready(link.clone());
                Ok(link)
            }
            // It was the call that had no more time: the next one tries again at once.
            Err(_) if until.is_some_and(|until| until <= now()) => {
                state.phase = Phase::Idle;
                Err(self.too_late(None))
            }
            Err(error) => {
                let status = Status::unavailable(self.in_words(&error));
                let retry_at = now() + state.backoff.next_wait(transport::random());
                state.phase = Phase::Failed { status: status.clone(), retry_at };
                Err(status)
            }
        }
    }

    /// A connection is there once the server's SETTINGS have come, not when a socket is open.
    fn establish(&self, until: Option<Instant>) -> io::Result<Arc<Link>> {
        let wire = (self.connect)(until)?;
        let link = Link::client(wire, http2::Config::default(), "grpc-client")?;
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

    fn too_late(&self, cause: Option<&Status>) -> Status {
        let target = &self.target;
        Status::deadline_exceeded(match cause {
            None => format!("deadline passed while connecting to {target}"),
            Some(cause) => format!("deadline passed while waiting: {}", cause.message()),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        if let Phase::Ready(link) = &self.lock().phase {
            link.close();
        }
    }
}
