//! One attempt to connect, on a thread of its own, which drives the connection that it makes.
//!
//! The invariant: whatever happens, it ends with a result, which everybody sees who waits for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::{CHANNEL_CLOSED, Phase, Shared, State};
use crate::grpc::Status;
use crate::http2::{self, Keepalive, Lifetime};
use crate::transport::latch::Latch;
use crate::transport::{self, Dial, Link, lock};

/// One attempt to connect.
pub(super) struct Attempt {
    dial: Dial,
    retry_at: Instant,
    keepalive_time: Option<Duration>,
    /// The connection while it waits for SETTINGS, so that it can be closed.
    link: OnceLock<Arc<Link>>,
    /// Open once there is a result.
    done: Latch,
    result: OnceLock<Result<Arc<Link>, Status>>,
}

impl Attempt {
    /// When the next one begins if this one fails.
    pub(super) fn retry_at(&self) -> Instant {
        self.retry_at
    }

    /// Waits for the result; `None` if it is not there at `until`.
    pub(super) fn wait(&self, until: Option<Instant>) -> Option<Result<Arc<Link>, Status>> {
        self.done.wait(until).then(|| self.result.get().cloned()).flatten()
    }

    /// Ends it because the channel is closed.
    pub(super) fn give_up(&self) {
        self.dial.wish.withdraw();
        self.end(Err(Status::cancelled(CHANNEL_CLOSED)));
        self.link.get().into_iter().for_each(|link| link.close());
    }

    /// Ends it with `result`, unless the channel was closed before.
    fn end(&self, result: Result<Arc<Link>, Status>) {
        // The first result is the one that everybody has seen.
        let _ = self.result.set(result);
        self.done.open();
    }
}

impl Shared {
    /// A new attempt, which is to be started.
    ///
    /// gRPC's connection backoff: the wait counts from the beginning of the attempt, which has as
    /// much time if that is more than the timeout.
    pub(super) fn begin(&self, state: &mut State, time: Instant) -> Arc<Attempt> {
        let wait = state.backoff.next_wait(transport::random());
        let until = time.checked_add(self.options.connect_timeout.max(wait));
        let attempt = Arc::new(Attempt {
            dial: Dial {
                until,
                failures: state.failures,
                proxy: self.options.proxy.clone(),
                socket: self.options.socket,
                ..Dial::default()
            },
            retry_at: time + wait,
            keepalive_time: state.keepalive_time,
            link: OnceLock::new(),
            done: Latch::default(),
            result: OnceLock::new(),
        });
        state.leave(&self.pool.take_unusable());
        state.phase = Phase::Connecting(attempt.clone());
        self.tell(state);
        attempt
    }

    pub(super) fn start(self: &Arc<Self>, attempt: &Arc<Attempt>) {
        let (shared, running) = (self.clone(), attempt.clone());
        if let Err(error) = transport::spawn("grpc-client", move || shared.run(running)) {
            self.settle(attempt, Err(error));
        }
    }

    /// What the thread of an attempt runs, which is that of the connection from then on.
    fn run(self: Arc<Self>, attempt: Arc<Attempt>) {
        let link = catch_unwind(AssertUnwindSafe(|| self.establish(&attempt)))
            .unwrap_or_else(|_| Err(io::Error::other("panic while connecting")));
        let link = match link {
            Ok(link) => link,
            Err(error) => return self.settle(&attempt, Err(error)),
        };
        let made = link.clone();
        // A connection is there once the server's SETTINGS have come, not when a socket is open.
        link.drive(attempt.dial.until, move |ready| {
            let result = ready.map(|()| made.clone()).map_err(|error| {
                made.close();
                io::Error::other(error)
            });
            let settling = AssertUnwindSafe(|| self.settle(&attempt, result));
            if catch_unwind(settling).is_err() {
                // The panic hook has reported it; those who wait go on.
                attempt.end(Err(Status::internal("panic while connecting")));
            }
        });
    }

    /// Keeps the result for everybody, and tells those who wait for it.
    fn settle(self: &Arc<Self>, attempt: &Attempt, result: io::Result<Arc<Link>>) {
        let result = result.map_err(|error| unreachable(&self.target, &error));
        let mut state = lock(&self.state);
        let (mut next, mut watch) = (None, None);
        let unwanted = match (&state.phase, &result) {
            (Phase::Closed, Ok(link)) => Some(link.clone()),
            (Phase::Closed, Err(_)) => None,
            (_, Ok(link)) => {
                state.backoff.reset();
                state.failures = 0;
                match &self.options.health {
                    None => next = self.set_ready(&mut state, link),
                    // It has left before it was here to be left.
                    Some(_) if !link.is_usable() => {
                        state.phase = Phase::Idle;
                        state.leave(std::slice::from_ref(link));
                        next = self.replace(&mut state);
                    }
                    Some(check) => watch = Some(self.rest(&mut state, check, link)),
                }
                None
            }
            (_, Err(status)) => {
                self.set_failed(&mut state, status.clone(), attempt.retry_at);
                None
            }
        };
        drop(state);
        // A link writes when it closes, which nobody should wait for under the lock.
        if let Some(link) = unwanted {
            link.close();
        }
        attempt.end(result);
        watch.iter().for_each(|watch| watch.begin_aside());
        next.iter().for_each(|attempt| self.start(attempt));
    }

    /// Makes a connection, which is to be driven.
    fn establish(self: &Arc<Self>, attempt: &Attempt) -> io::Result<Arc<Link>> {
        let wire = (self.connect)(attempt.dial.clone())?;
        let shared = Arc::downgrade(self);
        let keepalive_time = attempt.keepalive_time;
        let leaves = move |link: &Link| {
            if let Some(shared) = shared.upgrade() {
                shared.left(link, keepalive_time);
            }
        };
        let config = self.config(keepalive_time);
        let link = Link::of_client(wire, config, &self.listed.account(), leaves);
        // Whoever drops the channel from here on sees the link; who has dropped it is seen here.
        let is_first = attempt.link.set(link.clone()).is_ok();
        assert!(is_first, "an attempt makes one connection");
        if let Phase::Closed = lock(&self.state).phase {
            link.close();
        }
        Ok(link)
    }

    fn config(&self, keepalive_time: Option<Duration>) -> http2::Config {
        let keepalive = keepalive_time.map(|time| Keepalive {
            time,
            timeout: self.options.keepalive_timeout,
            without_streams: self.options.keepalive_without_calls,
        });
        let idle_max = Some(self.options.idle_timeout);
        let lifetime = Lifetime { keepalive, idle_max, ..Lifetime::default() };
        http2::Config { lifetime, ..self.options.http2.clone() }
    }
}

/// `connect to 127.0.0.1:1: connection refused`, without the system's error number.
pub(in crate::client) fn unreachable(target: &str, error: &io::Error) -> Status {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or(&text);
    let (place, cause) = match text.rsplit_once(": ") {
        Some((place, cause)) if place == target => ("", cause),
        Some((place, cause)) => (place, cause),
        None => ("", text),
    };
    let mut letters = cause.chars();
    let first = letters.next().map(|letter| letter.to_ascii_lowercase());
    let cause: String = first.into_iter().chain(letters).collect();
    Status::unavailable(match place {
        "" => format!("connect to {target}: {cause}"),
        place => format!("connect to {target}: {place}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::connector::{ConnectionOptions, Connector, HealthCheck};
    use crate::grpc::ConnectivityState;
    use crate::transport::{memory, now};

    /// gRFC A17: a connection that is lost between its SETTINGS and the end of its attempt is not watched:
    /// nobody would ever stop that.
    #[test]
    fn a_connection_that_is_lost_at_once_is_not_watched() {
        let health = HealthCheck::new("a.B", "http", "localhost", "test");
        let health = Some(Arc::new(health));
        let options = ConnectionOptions { health, ..ConnectionOptions::default() };
        let refuse = |_| Err(io::ErrorKind::ConnectionRefused.into());
        let connector = Connector::new("memory".into(), Box::new(refuse), options);
        let shared = &connector.shared;
        let attempt = shared.begin(&mut lock(&shared.state), now());
        let (wire, _peer) = memory::pair();
        let link = Link::client(Box::new(wire), http2::Config::default(), "test").unwrap();
        link.close();
        shared.settle(&attempt, Ok(link));
        assert!(lock(&shared.state).watches.is_empty());
        assert_eq!(connector.connectivity().get(), ConnectivityState::Idle);
        assert!(!shared.pool.has_resting());
    }
}
