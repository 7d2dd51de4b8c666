//! The addresses of a target: known, or looked up, and again when a connection is lost or fails.
//!
//! The invariant: there is one resolution at a time. The next one begins no sooner than the gap after the
//! last, and after one that failed when its backoff is over; what the last one that succeeded has found
//! stays until then.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use super::state::{State, Subchannel};
use super::{Shared, Subowner};
use crate::client::connector::{Connect, Connector, unreachable};
use crate::grpc::ConnectivityState;
use crate::limits::BALANCED_ADDRESSES_MAX;
use crate::transport::timer::{Scheduled, Timer};
use crate::transport::{self, Bound, Link, Wish, lock, now, random};

/// How the addresses of a target are found.
pub(crate) struct Addresses {
    pub(crate) look_up: LookUp,
    /// They may be others the next time, and looking them up takes time.
    pub(crate) can_change: bool,
}

/// Finds the addresses that there are now.
pub(crate) type LookUp = Box<dyn Fn(Bound) -> io::Result<Vec<Endpoint>> + Send + Sync>;

/// One address.
pub(crate) struct Endpoint {
    /// The address in words: two of the same name are one.
    pub(crate) name: String,
    pub(crate) connect: Connect,
}

/// What becomes of the question for the addresses.
pub(super) enum Resolution {
    Idle,
    Scheduled(#[allow(dead_code, reason = "dropping it cancels")] Scheduled),
    /// `again`: a connection was lost meanwhile, so that what is found may be out of date.
    Running {
        wish: Wish,
        again: bool,
    },
}

impl Resolution {
    /// Nobody wants it any more.
    pub(super) fn end(self) {
        match self {
            Self::Running { wish, .. } => wish.withdraw(),
            Self::Idle | Self::Scheduled(_) => {}
        }
    }
}

impl Shared {
    /// Finds the addresses for the first time, or once more after none were found.
    pub(super) fn begin(self: &Arc<Self>) {
        if !self.addresses.can_change {
            return self.settle((self.addresses.look_up)(Bound::default()));
        }
        let is_idle = matches!(lock(&self.state).resolution, Resolution::Idle);
        if is_idle {
            self.resolve();
        }
    }

    /// Has the addresses looked up once more, when it is time.
    pub(super) fn resolve_again(self: &Arc<Self>, state: &mut State) {
        if !self.addresses.can_change || state.is_closed {
            return;
        }
        match &mut state.resolution {
            Resolution::Idle => {
                let time = now();
                let resolved = state.resolved.unwrap_or(time);
                // A gap that ends beyond all times is never over.
                if let Some(at) = resolved.checked_add(self.resolution_gap) {
                    self.schedule(state, at.max(time));
                }
            }
            Resolution::Running { again, .. } => *again = true,
            Resolution::Scheduled(_) => {}
        }
    }

    fn schedule(self: &Arc<Self>, state: &mut State, at: Instant) {
        let shared = Arc::downgrade(self);
        let scheduled = Timer::shared().schedule(at, move || {
            if let Some(shared) = shared.upgrade() {
                shared.resolve_if_wanted();
            }
        });
        // Without a thread for the timer, the next failure or the next call asks again.
        state.resolution = scheduled.map_or(Resolution::Idle, Resolution::Scheduled);
    }

    fn resolve_if_wanted(self: &Arc<Self>) {
        if self.is_wanted(now(), self.connection.idle_timeout) {
            return self.resolve();
        }
        let mut state = lock(&self.state);
        let before = std::mem::replace(&mut state.resolution, Resolution::Idle);
        if state.subchannels.is_empty() {
            state.cause = None;
        }
        self.publish(&state);
        drop(state);
        drop(before);
    }

    /// Begins to look up the addresses, on a thread of its own.
    fn resolve(self: &Arc<Self>) {
        let wish = Wish::default();
        let before = {
            let mut state = lock(&self.state);
            if state.is_closed || matches!(state.resolution, Resolution::Running { .. }) {
                return;
            }
            let running = Resolution::Running { wish: wish.clone(), again: false };
            let before = std::mem::replace(&mut state.resolution, running);
            self.publish(&state);
            before
        };
        drop(before);
        let bound = Bound::new(now().checked_add(self.connection.connect_timeout), &wish);
        let shared = Arc::clone(self);
        let run = move || {
            let found = catch_unwind(AssertUnwindSafe(|| (shared.addresses.look_up)(bound)));
            let broken = |_| Err(io::Error::other("panic while looking up addresses"));
            shared.settle(found.unwrap_or_else(broken));
        };
        if let Err(error) = transport::spawn("grpc-addresses", run) {
            self.settle(Err(error));
        }
    }

    /// Connects to the addresses that were found and are new, and leaves those that are gone.
    fn settle(self: &Arc<Self>, found: io::Result<Vec<Endpoint>>) {
        let none = || io::Error::new(io::ErrorKind::NotFound, "no address");
        let found = found.and_then(|found| if found.is_empty() { Err(none()) } else { Ok(found) });
        let mut state = lock(&self.state);
        if state.is_closed {
            return;
        }
        let time = now();
        let before = std::mem::replace(&mut state.resolution, Resolution::Idle);
        state.resolved = Some(time);
        let (new, gone) = match found {
            Ok(endpoints) => {
                state.backoff.reset();
                if let Resolution::Running { again: true, .. } = before {
                    self.resolve_again(&mut state);
                }
                self.replace(&mut state, endpoints)
            }
            Err(error) => {
                if state.subchannels.is_empty() {
                    state.cause = Some(unreachable(&self.target, &error));
                }
                let at = time + state.backoff.next_wait(random());
                self.schedule(&mut state, at);
                Default::default()
            }
        };
        self.publish(&state);
        drop(state);
        new.iter().for_each(|connector| connector.connect());
        let retired: Vec<_> = gone.iter().flat_map(|gone| gone.connector.retire()).collect();
        if !retired.is_empty() {
            self.keep_retired(&retired);
        }
    }

    /// Has a subchannel for each of `endpoints`; returns the connectors that are new, and what is gone.
    fn replace(
        self: &Arc<Self>,
        state: &mut State,
        endpoints: Vec<Endpoint>,
    ) -> (Vec<Arc<Connector>>, Vec<Subchannel>) {
        let mut before = std::mem::take(&mut state.subchannels);
        let mut new = Vec::new();
        for Endpoint { name, connect } in endpoints {
            let has_it = state.subchannels.iter().any(|subchannel| subchannel.address == name);
            if has_it || state.subchannels.len() == BALANCED_ADDRESSES_MAX {
                continue;
            }
            if let Some(place) = before.iter().position(|subchannel| subchannel.address == name) {
                state.subchannels.push(before.remove(place));
                continue;
            }
            let id = state.next_id;
            state.next_id += 1;
            let owner = Subowner { shared: Arc::downgrade(self), id };
            let options = self.connection.clone();
            let connector = Arc::new(Connector::owned(name.clone(), connect, options, owner));
            new.push(Arc::clone(&connector));
            state.subchannels.push(Subchannel {
                id,
                address: name,
                connector,
                state: ConnectivityState::Connecting,
                has_failed: false,
            });
        }
        if before.len() + new.len() > 0 {
            // What was met at addresses that are gone says nothing about those that are here.
            state.cause = None;
        }
        (new, before)
    }

    /// Keeps in mind connections that take no more calls, so that closing the channel ends those that
    /// they have.
    fn keep_retired(&self, links: &[Arc<Link>]) {
        let mut state = lock(&self.state);
        let is_closed = state.is_closed;
        state.retired.retain(|link| link.strong_count() > 0);
        state.retired.extend(links.iter().map(Arc::downgrade));
        drop(state);
        if is_closed {
            links.iter().for_each(|link| link.close());
        }
    }
}
