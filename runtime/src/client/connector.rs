//! The connections of a channel: made when a call needs one, and made again when they are lost.
//!
//! ```text
//! Idle ──call──▶ Connecting ──SETTINGS came──▶ Idle, with one more in the pool
//!                    │  ▲
//!              error ▼  │ once the backoff is over
//!                  Failed ──nobody called for long──▶ Idle
//! ```
//!
//! The first call that needs a connection starts an attempt, which runs on a thread of its own and
//! has a time of its own; every call waits for the attempt until its own deadline, and no longer.
//! After a failure the next attempt begins by itself, when the backoff is over. Whatever happens, an
//! attempt ends with a result. The lock is held for a look at the phase, never while connecting.
//!
//! Calls take the connections of the [`Pool`]. Once there is one, nobody waits for another: it is
//! READY while there is any, and a call that finds none free has one more made, if there may be.
//!
//! One of several connectors, each of an address of its own, has an [`Owner`], which is told of its
//! states; it makes a connection again without a call that needs one.

mod attempt;
mod health;
mod options;
mod owner;

pub(in crate::client) use attempt::unreachable;
pub(crate) use health::HealthCheck;
pub(crate) use options::ConnectionOptions;
pub(crate) use owner::Owner;

use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::pool::{Picked, Pool};
use super::queueing::{self, Places};
use crate::grpc::{ConnectivityState, Status};
use crate::transport::backoff::Backoff;
use crate::transport::channelz::Listed;
use crate::transport::connectivity::Connectivity;
use crate::transport::timer::{Scheduled, Timer};
use crate::transport::wire::Wire;
use crate::transport::{Dial, Link, OpenError, Opening, Stream, lock, now};
use attempt::Attempt;
use health::Watch;

/// How a wire to the server is made: names looked up, an address connected to, a handshake made.
pub(crate) type Connect = Box<dyn Fn(Dial) -> io::Result<Box<dyn Wire>> + Send + Sync>;

/// Gives out the connections of a channel; closes them when dropped.
pub(crate) struct Connector {
    shared: Arc<Shared>,
}

/// What the channel, the threads of attempts, connections and the timer have in common.
struct Shared {
    /// The target as errors name it.
    target: String,
    connect: Connect,
    options: ConnectionOptions,
    connectivity: Connectivity,
    state: Mutex<State>,
    pool: Pool,
    /// A subchannel of its channel.
    listed: Listed,
    owner: Option<Box<dyn Owner>>,
}

struct State {
    /// Of the next connection.
    phase: Phase,
    backoff: Backoff,
    /// Attempts that have failed in a row.
    failures: usize,
    /// Of the next connection: longer each time a server complains of PINGs.
    keepalive_time: Option<Duration>,
    /// When somebody wanted one more connection last.
    wanted: Instant,
    /// The next attempt.
    retry: Option<Scheduled>,
    /// When the backoff of the last attempt is over that was begun in place of a lost connection.
    replaceable_at: Option<Instant>,
    /// Connections that take no more calls, and may still have some.
    leaving: Vec<Weak<Link>>,
    /// Those who ask connections for the health of their server.
    watches: Vec<Arc<Watch>>,
    /// Why a connection that is there takes no calls, if its server has said so.
    unwell: Option<Status>,
}

enum Phase {
    Idle,
    Connecting(Arc<Attempt>),
    Failed {
        status: Status,
        retry_at: Instant,
    },
    /// The channel is gone: what an attempt still brings is not wanted.
    Closed,
}

/// What a call that needs a connection is to do.
enum Next {
    Use(Arc<Link>),
    Wait(Arc<Attempt>),
    Back { status: Status, retry_at: Instant },
    Closed,
}

impl Connector {
    pub(crate) fn new(target: String, connect: Connect, options: ConnectionOptions) -> Self {
        Self::with(target, connect, options, None)
    }

    /// A connector that belongs to `owner`.
    pub(crate) fn owned(
        target: String,
        connect: Connect,
        options: ConnectionOptions,
        owner: impl Owner + 'static,
    ) -> Self {
        Self::with(target, connect, options, Some(Box::new(owner)))
    }

    fn with(
        target: String,
        connect: Connect,
        options: ConnectionOptions,
        owner: Option<Box<dyn Owner>>,
    ) -> Self {
        let state = Mutex::new(State {
            phase: Phase::Idle,
            backoff: options.backoff.clone(),
            failures: 0,
            keepalive_time: options.keepalive_time,
            wanted: now(),
            retry: None,
            replaceable_at: None,
            leaving: Vec::new(),
            watches: Vec::new(),
            unwell: None,
        });
        let connectivity = Connectivity::default();
        let listed = options.account.subchannel(&target);
        listed.set_connectivity(&connectivity);
        let pool = Pool::new(options.connections);
        let shared = Shared { target, connect, options, connectivity, state, pool, owner, listed };
        Self { shared: Arc::new(shared) }
    }

    /// A connection that takes calls. Waits for one until `until`.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE with the cause in words if there is none, unless `wait_for_ready`;
    /// DEADLINE_EXCEEDED; CANCELLED if the channel is closed.
    pub(crate) fn link(
        &self,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<Arc<Link>, Status> {
        let mut cause = None;
        loop {
            let status = match self.shared.next() {
                Next::Use(link) => return Ok(link),
                Next::Closed => return Err(Status::cancelled(CHANNEL_CLOSED)),
                Next::Wait(attempt) => match attempt.wait(until) {
                    None => return Err(too_late(self.target(), cause.as_ref())),
                    Some(Ok(link)) => return Ok(link),
                    Some(Err(status)) => status,
                },
                Next::Back { status, retry_at } => {
                    if wait_for_ready {
                        let until = until.map_or(retry_at, |until| until.min(retry_at));
                        let from = ConnectivityState::TransientFailure;
                        // Whatever it has become, the next look tells.
                        let _other = self.connectivity().wait_change(from, Some(until));
                    }
                    status
                }
            };
            if !wait_for_ready {
                return Err(status);
            }
            cause = Some(status);
            if until.is_some_and(|until| until <= now()) {
                return Err(too_late(self.target(), cause.as_ref()));
            }
        }
    }

    /// As [`queueing::open`].
    pub(crate) fn open<E: From<OpenError>>(
        &self,
        link: Arc<Link>,
        opening: Opening<'_>,
        admits: impl Fn(&Link) -> Result<(), E>,
    ) -> Result<Stream, E> {
        queueing::open(&self.shared, link, opening, admits)
    }

    /// Begins to connect if there is no connection and no attempt; waits for nothing.
    pub(crate) fn connect(&self) {
        let _whatever_it_is = self.shared.next();
    }

    /// Ends the connection and all calls on it, for good.
    pub(crate) fn close(&self) {
        self.end().iter().for_each(|link| link.close());
    }

    /// Connects no more, and returns the connections that there are.
    fn end(&self) -> Vec<Arc<Link>> {
        let (before, retry, links, watches) = {
            let mut state = lock(&self.shared.state);
            let before = std::mem::replace(&mut state.phase, Phase::Closed);
            let leaving = std::mem::take(&mut state.leaving);
            let mut links: Vec<_> = leaving.iter().filter_map(Weak::upgrade).collect();
            links.extend(self.shared.pool.take());
            self.shared.announce(ConnectivityState::Shutdown, None);
            (before, state.retry.take(), links, std::mem::take(&mut state.watches))
        };
        drop(retry);
        watches.iter().for_each(|watch| watch.stop());
        if let Phase::Connecting(attempt) = &before {
            attempt.give_up();
        }
        links
    }

    /// Whether the channel was closed.
    pub(crate) fn is_closed(&self) -> bool {
        matches!(lock(&self.shared.state).phase, Phase::Closed)
    }

    /// The state, for those who wait for its changes.
    pub(crate) fn connectivity(&self) -> &Connectivity {
        &self.shared.connectivity
    }

    /// The keepalive time of the next connection.
    #[cfg(test)]
    pub(super) fn keepalive_time(&self) -> Option<Duration> {
        lock(&self.shared.state).keepalive_time
    }

    /// The connections that there are, the oldest first.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.shared.pool.links()
    }

    /// The target as errors name it.
    pub(crate) fn target(&self) -> &str {
        &self.shared.target
    }
}

impl Drop for Connector {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn next(self: &Arc<Self>) -> Next {
        if let Some(link) = self.pick_besides(&[]) {
            return Next::Use(link);
        }
        let mut state = lock(&self.state);
        if let Phase::Closed = state.phase {
            return Next::Closed;
        }
        // One may have come meanwhile.
        if let Some(link) = self.pool.pick().link {
            return Next::Use(link);
        }
        let time = now();
        state.wanted = time;
        if self.pool.has_resting() {
            let status = state.unwell.clone().unwrap_or_else(|| Status::unavailable("not known"));
            return Next::Back { status, retry_at: time };
        }
        match &state.phase {
            Phase::Connecting(attempt) => return Next::Wait(attempt.clone()),
            Phase::Failed { status, retry_at } if time < *retry_at => {
                return Next::Back { status: status.clone(), retry_at: *retry_at };
            }
            Phase::Idle | Phase::Failed { .. } | Phase::Closed => {}
        }
        let attempt = self.begin(&mut state, time);
        drop(state);
        self.start(&attempt);
        Next::Wait(attempt)
    }

    /// Begins to make one more connection, unless that is under way or has just failed.
    fn grow(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        let time = now();
        state.wanted = time;
        let is_due = match &state.phase {
            Phase::Idle => !self.pool.has_resting(),
            Phase::Failed { retry_at, .. } => *retry_at <= time,
            Phase::Connecting(_) | Phase::Closed => false,
        };
        if is_due && self.pool.pick().wants_more {
            let attempt = self.begin(&mut state, time);
            drop(state);
            self.start(&attempt);
        }
    }

    /// Returns the attempt that is to be started if the connection is gone already.
    fn set_ready(self: &Arc<Self>, state: &mut State, link: &Arc<Link>) -> Option<Arc<Attempt>> {
        state.phase = Phase::Idle;
        self.add(link);
        self.announce(ConnectivityState::Ready, None);
        // It may have left before it was here to be left.
        if link.is_usable() { None } else { self.replace(state) }
    }

    /// Takes out the connections that take no more calls; returns the attempt that is to be started if
    /// there is to be another one in their place.
    fn replace(self: &Arc<Self>, state: &mut State) -> Option<Arc<Attempt>> {
        state.leave(&self.pool.take_unusable());
        let attempt = self.stay_connected(state);
        if attempt.is_none() {
            self.tell(state);
        }
        attempt
    }

    fn set_failed(self: &Arc<Self>, state: &mut State, status: Status, retry_at: Instant) {
        state.phase = Phase::Failed { status, retry_at };
        state.failures = state.failures.wrapping_add(1);
        self.tell(state);
        let shared = Arc::downgrade(self);
        let retry = Timer::shared().schedule(retry_at, move || {
            if let Some(shared) = shared.upgrade() {
                shared.retry();
            }
        });
        // Without a thread for the timer, the next call begins the next attempt.
        state.retry = retry.ok();
    }

    /// Tells the state of the channel: READY while there is a connection, whatever becomes of another.
    fn tell(&self, state: &State) {
        match &state.phase {
            Phase::Closed => self.announce(ConnectivityState::Shutdown, None),
            _ if self.pool.has_usable() => self.announce(ConnectivityState::Ready, None),
            Phase::Idle if self.pool.has_resting() => match &state.unwell {
                None => self.announce(ConnectivityState::Connecting, None),
                unwell => self.announce(ConnectivityState::TransientFailure, unwell.as_ref()),
            },
            Phase::Idle => self.announce(ConnectivityState::Idle, None),
            Phase::Connecting(_) => self.announce(ConnectivityState::Connecting, None),
            Phase::Failed { status, .. } => {
                self.announce(ConnectivityState::TransientFailure, Some(status));
            }
        }
    }

    /// The next attempt after a failure, unless nobody has wanted a connection for long.
    fn retry(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        if !matches!(state.phase, Phase::Failed { .. }) {
            return;
        }
        let time = now();
        if !self.is_wanted(&state, time) {
            state.backoff.reset();
            state.phase = Phase::Idle;
            return self.tell(&state);
        }
        if !self.pool.pick().wants_more {
            // Those that there are do.
            state.phase = Phase::Idle;
            return;
        }
        let attempt = self.begin(&mut state, time);
        drop(state);
        self.start(&attempt);
    }

    /// `link`, whose keepalive time was the one given, takes no more calls.
    fn left(self: &Arc<Self>, link: &Link, keepalive_time: Option<Duration>) {
        let is_too_chatty = link.is_too_chatty();
        let mut state = lock(&self.state);
        if is_too_chatty {
            // gRFC A8: the keepalive time is doubled when the server complains.
            let doubled = keepalive_time.map(|time| time.saturating_mul(2));
            state.keepalive_time = state.keepalive_time.max(doubled);
        }
        let attempt = self.replace(&mut state);
        let watches = state.take_left();
        drop(state);
        watches.iter().for_each(|watch| watch.stop());
        attempt.iter().for_each(|attempt| self.start(attempt));
    }
}

impl Places for Arc<Shared> {
    /// If none is without calls, another one is on its way from now on.
    fn pick_besides(&self, asked: &[Arc<Link>]) -> Option<Arc<Link>> {
        let Picked { link, wants_more } = self.pool.pick_besides(asked);
        if wants_more && (link.is_some() || !asked.is_empty()) {
            self.grow();
        }
        link
    }

    fn is_resting(&self, link: &Arc<Link>) -> bool {
        self.pool.is_resting(link)
    }

    fn wait(&self, opening: &mut Opening<'_>) -> Result<(), OpenError> {
        self.pool.wait(opening)
    }

    fn leave_queues(&self, opening: &mut Opening<'_>) {
        self.pool.leave_queues(opening);
    }
}

impl State {
    /// Keeps in mind connections that take no more calls, and may still have some.
    fn leave(&mut self, links: &[Arc<Link>]) {
        if !links.is_empty() {
            self.leaving.retain(|link| link.strong_count() > 0);
            self.leaving.extend(links.iter().map(Arc::downgrade));
        }
    }
}

/// The deadline of a call passed before there was a connection to `target`; `cause` is what was met last.
pub(super) fn too_late(target: &str, cause: Option<&Status>) -> Status {
    Status::deadline_exceeded(match cause {
        None => format!("deadline passed while connecting to {target}"),
        Some(cause) => format!("deadline passed while waiting: {}", cause.message()),
    })
}

/// Why a call ends, or does not begin, once its channel was closed.
pub(super) const CHANNEL_CLOSED: &str = "the channel is closed";
