//! Calls take the addresses of a target in turn: gRPC's round_robin.
//!
//! ```text
//! target ──resolution──▶ addresses ──a connector each──▶ connections
//!              ▲                            │ states
//!              └──lost, failed──────────────┤
//!                                           ▼
//! call ──turn──▶ those that are READY ◀── state of the channel
//! ```
//!
//! The invariant: what calls choose from is the connectors whose state is READY, as they have told. No
//! connector is called under a lock of the balancer, because connectors tell under theirs. The order of
//! locks: a connector, `joining`, `state`, and last `ready` and the connectivity.

mod options;
mod resolution;
mod state;

pub(crate) use options::BalancerOptions;
pub use options::LoadBalancing;
pub(crate) use resolution::{Addresses, Endpoint};

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use super::connector::{CHANNEL_CLOSED, ConnectionOptions, Connector, Owner, too_late};
use super::queueing::{self, Places};
use crate::grpc::{ConnectivityState, Status};
use crate::transport::connectivity::Connectivity;
use crate::transport::{Link, OpenError, Opening, Stream, lock, random};
use state::{Ready, State};

/// Gives out connections to the addresses of a target in turn; closes them when dropped.
pub(crate) struct Balancer {
    shared: Arc<Shared>,
}

/// What the channel, the connectors, resolutions and the timer have in common.
struct Shared {
    /// The target as errors name it.
    target: String,
    addresses: Addresses,
    connection: ConnectionOptions,
    /// How long at least after a resolution the next one begins.
    resolution_gap: Duration,
    connectivity: Connectivity,
    state: Mutex<State>,
    /// What calls choose from.
    ready: Mutex<Arc<Ready>>,
    /// Whose turn it is.
    turn: AtomicUsize,
    /// There was a call since somebody asked last.
    is_used: AtomicBool,
    /// Held while a connection takes over the queue of another one, and while a call leaves all queues.
    joining: Mutex<()>,
}

/// Belongs to the connector of one address.
struct Subowner {
    shared: Weak<Shared>,
    id: u64,
}

impl Balancer {
    pub(crate) fn new(
        target: String,
        addresses: Addresses,
        connection: ConnectionOptions,
        options: &BalancerOptions,
    ) -> Self {
        let state = Mutex::new(State::new(connection.backoff.clone()));
        // Clients that begin together are not to begin with the same server.
        let turn = AtomicUsize::new((random() * f64::from(u32::MAX)) as usize);
        let shared = Shared {
            target,
            addresses,
            connection,
            resolution_gap: options.resolution_gap,
            connectivity: Connectivity::default(),
            state,
            ready: Mutex::default(),
            turn,
            is_used: AtomicBool::new(false),
            joining: Mutex::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// A connection of the address whose turn it is. Waits for one until `until`.
    ///
    /// # Errors
    ///
    /// UNAVAILABLE with the cause in words if no address can be reached, unless `wait_for_ready`;
    /// DEADLINE_EXCEEDED; CANCELLED if the channel is closed.
    pub(crate) fn link(
        &self,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<Arc<Link>, Status> {
        let mut cause = None;
        loop {
            let (state, changes) = self.shared.connectivity.seen();
            if let Some(link) = self.shared.pick_besides(&[]) {
                return Ok(link);
            }
            match state {
                ConnectivityState::Shutdown => return Err(Status::cancelled(CHANNEL_CLOSED)),
                ConnectivityState::TransientFailure => {
                    let status = self.shared.failure();
                    if !wait_for_ready {
                        return Err(status);
                    }
                    cause = Some(status);
                }
                ConnectivityState::Idle
                | ConnectivityState::Connecting
                | ConnectivityState::Ready => {}
            }
            self.shared.connect();
            if !self.shared.connectivity.wait_beyond(changes, until) {
                return Err(too_late(&self.shared.target, cause.as_ref()));
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

    /// Begins to connect wherever there is no connection and no attempt; waits for nothing.
    pub(crate) fn connect(&self) {
        self.shared.is_used.store(true, Ordering::Relaxed);
        self.shared.connect();
    }

    /// Ends the connections and all calls on them, for good.
    pub(crate) fn close(&self) {
        let (subchannels, retired, resolution) = {
            let mut state = lock(&self.shared.state);
            let ended = state.end();
            self.shared.publish(&state);
            ended
        };
        subchannels.iter().for_each(|subchannel| subchannel.connector.close());
        retired.iter().filter_map(Weak::upgrade).for_each(|link| link.close());
        resolution.end();
    }

    /// Whether the channel was closed.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.shared.state).is_closed
    }

    /// The state, for those who wait for its changes.
    pub(crate) fn connectivity(&self) -> &Connectivity {
        &self.shared.connectivity
    }

    /// The connections that there are, address by address.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        self.shared.links()
    }

    /// How many addresses calls are known to be taken by.
    #[cfg(test)]
    pub(crate) fn ready(&self) -> usize {
        lock(&self.shared.ready).connectors.len()
    }

    /// The target as errors name it.
    pub(crate) fn target(&self) -> &str {
        &self.shared.target
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    /// Connects wherever there is no connection and no attempt; asks for the addresses first if there
    /// are none.
    fn connect(self: &Arc<Self>) {
        let connectors = {
            let state = lock(&self.state);
            if state.is_closed {
                return;
            }
            state.connectors()
        };
        if connectors.is_empty() {
            return self.begin();
        }
        connectors.iter().for_each(|connector| connector.connect());
    }

    /// Connects to the addresses that are idle, and asks whether they are still the right ones.
    #[cold]
    fn connect_idle(self: &Arc<Self>) {
        let idle = {
            let mut state = lock(&self.state);
            let idle = state.take_idle();
            self.resolve_again(&mut state);
            self.publish(&state);
            idle
        };
        idle.iter().for_each(|connector| connector.connect());
    }

    /// Tells calls what there is to choose from, and everybody the state.
    fn publish(&self, state: &State) {
        let ready = Arc::new(state.ready());
        let before = std::mem::replace(&mut *lock(&self.ready), ready);
        drop(before);
        self.connectivity.set(state.connectivity());
    }

    /// The connector `id` is in another state.
    fn on_state(self: &Arc<Self>, id: u64, to: ConnectivityState, cause: Option<&Status>) {
        let mut state = lock(&self.state);
        if state.set(id, to, cause) {
            self.resolve_again(&mut state);
        }
        self.publish(&state);
        if to == ConnectivityState::Ready {
            // The channel may have been READY all along, by connections that calls have found lost.
            self.connectivity.stir();
        }
    }

    /// A connection of the first of `connectors` that has one besides those `asked`, beginning with the
    /// one whose turn it is.
    fn in_turn(&self, connectors: &[Arc<Connector>], asked: &[Arc<Link>]) -> Option<Arc<Link>> {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(connectors.len())?;
        let (before, after) = connectors.split_at(turn);
        after.iter().chain(before).find_map(|connector| connector.pick_besides(asked))
    }

    /// Why there is no connection.
    fn failure(&self) -> Status {
        lock(&self.state).failure(&self.target)
    }

    /// Whether there was a call within the last `idle`, roughly: since it was asked last, if that was not
    /// long ago.
    fn is_wanted(&self, time: Instant, idle: Duration) -> bool {
        let mut state = lock(&self.state);
        if self.is_used.swap(false, Ordering::Relaxed) {
            state.used = time;
        }
        time.saturating_duration_since(state.used) < idle
    }

    fn links(&self) -> Vec<Arc<Link>> {
        let connectors = lock(&self.state).connectors();
        connectors.iter().flat_map(|connector| connector.links()).collect()
    }
}

impl Places for Arc<Shared> {
    fn pick_besides(&self, asked: &[Arc<Link>]) -> Option<Arc<Link>> {
        if !self.is_used.load(Ordering::Relaxed) {
            self.is_used.store(true, Ordering::Relaxed);
        }
        if !asked.is_empty() {
            // A connection calls those who queue before its connector is known to be READY.
            let connectors = lock(&self.state).connectors();
            return self.in_turn(&connectors, asked);
        }
        let ready = lock(&self.ready).clone();
        if ready.has_idle {
            self.connect_idle();
        }
        self.in_turn(&ready.connectors, asked)
    }

    fn is_resting(&self, link: &Arc<Link>) -> bool {
        let connectors = lock(&self.state).connectors();
        connectors.iter().any(|connector| connector.is_resting(link))
    }

    fn wait(&self, opening: &mut Opening<'_>) -> Result<(), OpenError> {
        opening.wait_for_any()
    }

    fn leave_queues(&self, opening: &mut Opening<'_>) {
        // No connection takes over a queue meanwhile that the call has not left yet.
        let _joining = lock(&self.joining);
        let left = opening.leave_queues();
        self.links().iter().for_each(|link| left.leave_queue_of(link));
    }
}

impl Owner for Subowner {
    fn on_state(&self, state: ConnectivityState, cause: Option<&Status>) {
        if let Some(shared) = self.shared.upgrade() {
            shared.on_state(self.id, state, cause);
        }
    }

    fn join(&self, add: &mut dyn FnMut(Option<&Arc<Link>>)) {
        let Some(shared) = self.shared.upgrade() else { return add(None) };
        let _joining = lock(&shared.joining);
        let connectors = lock(&shared.state).connectors();
        let relative = connectors.iter().find_map(|connector| connector.any_usable());
        add(relative.as_ref());
    }

    fn is_wanted(&self, time: Instant, idle: Duration) -> bool {
        self.shared.upgrade().is_some_and(|shared| shared.is_wanted(time, idle))
    }
}
