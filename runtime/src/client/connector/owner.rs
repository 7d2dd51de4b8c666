//! A connector that is one of several, each of which connects to an address of its own.
//!
//! The invariant: while its owner wants connections there is one, or an attempt to make one, or a wait for
//! the next attempt. A connection that is lost is made again at once, and if that one is lost soon, after
//! the backoff.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::{Connector, Phase, Shared, State};
use crate::client::queueing::Places;
use crate::grpc::{ConnectivityState, Status};
use crate::transport::{Link, now};

/// The one who has several connectors.
///
/// It is called under the lock of a connector, and so must not call one that belongs to it.
pub(crate) trait Owner: Send + Sync {
    /// The state of the connector; `cause` is why it has failed.
    fn on_state(&self, state: ConnectivityState, cause: Option<&Status>);

    /// Runs `add`, which adds a connection, with one of another connector if any has one; while nobody
    /// leaves the queues of connections.
    fn join(&self, add: &mut dyn FnMut(Option<&Arc<Link>>));

    /// Whether there was a call within the last `idle`.
    fn is_wanted(&self, time: Instant, idle: Duration) -> bool;
}

impl Connector {
    /// The best connection for a call besides those that it has `asked`; never waits.
    pub(crate) fn pick_besides(&self, asked: &[Arc<Link>]) -> Option<Arc<Link>> {
        self.shared.pick_besides(asked)
    }

    /// A connection that takes calls.
    pub(crate) fn any_usable(&self) -> Option<Arc<Link>> {
        self.shared.pool.first_usable()
    }

    /// Whether a connection takes no calls for now.
    pub(crate) fn is_resting(&self, link: &Arc<Link>) -> bool {
        self.shared.is_resting(link)
    }

    /// Takes no more calls, for good. Returns the connections that it had: each closes when its last
    /// call has ended.
    pub(crate) fn retire(&self) -> Vec<Arc<Link>> {
        let links = self.end();
        links.iter().for_each(|link| link.go_away());
        links
    }
}

impl Shared {
    /// Sets the state, for those who wait for it and for the owner.
    pub(super) fn announce(&self, state: ConnectivityState, cause: Option<&Status>) {
        self.connectivity.set(state);
        if let Some(owner) = &self.owner {
            owner.on_state(state, cause);
        }
    }

    /// Adds a connection to those that take calls.
    pub(super) fn add(&self, link: &Arc<Link>) {
        match &self.owner {
            None => self.pool.add(link, None),
            Some(owner) => owner.join(&mut |relative| self.pool.add(link, relative)),
        }
    }

    /// Whether somebody has wanted a connection within the idle timeout.
    pub(super) fn is_wanted(&self, state: &State, time: Instant) -> bool {
        let idle = self.options.idle_timeout;
        match &self.owner {
            None => time.saturating_duration_since(state.wanted) < idle,
            Some(owner) => owner.is_wanted(time, idle),
        }
    }

    /// Begins to connect again if the owner wants a connection and there is none; what is returned is to
    /// be started.
    pub(super) fn stay_connected(self: &Arc<Self>, state: &mut State) -> Option<Arc<Attempt>> {
        let time = now();
        let has_any = self.pool.has_usable() || self.pool.has_resting();
        let is_lost = matches!(state.phase, Phase::Idle) && !has_any;
        if self.owner.is_none() || !is_lost || !self.is_wanted(state, time) {
            return None;
        }
        if let Some(retry_at) = state.replaceable_at
            && time < retry_at
        {
            let text = format!("{}: the connection was lost as soon as it was made", self.target);
            self.set_failed(state, Status::unavailable(text), retry_at);
            return None;
        }
        let attempt = self.begin(state, time);
        state.replaceable_at = Some(attempt.retry_at());
        Some(attempt)
    }
}
