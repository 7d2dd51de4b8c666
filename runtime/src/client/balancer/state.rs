//! What a balancer knows of its addresses: a value, without locks.
//!
//! The invariant: an address that has failed counts as failed until it is READY, whatever its attempts
//! come to (gRPC's round_robin), so that calls do not wait for each of them anew.

use std::sync::{Arc, Weak};
use std::time::Instant;

use super::resolution::Resolution;
use crate::client::connector::Connector;
use crate::grpc::{ConnectivityState, Status};
use crate::transport::backoff::Backoff;
use crate::transport::{Link, now};
use ConnectivityState::{Connecting, Idle, Shutdown, TransientFailure};

pub(super) struct State {
    /// In the order of the addresses.
    pub(super) subchannels: Vec<Subchannel>,
    /// The number of the next one.
    pub(super) next_id: u64,
    pub(super) resolution: Resolution,
    /// Of resolutions.
    pub(super) backoff: Backoff,
    /// When the last resolution ended.
    pub(super) resolved: Option<Instant>,
    /// Why there are no addresses, or what an address has failed with last.
    pub(super) cause: Option<Status>,
    /// When there was a call last, as far as was asked.
    pub(super) used: Instant,
    /// Connections to addresses that are gone, while there may be calls on them.
    pub(super) retired: Vec<Weak<Link>>,
    pub(super) is_closed: bool,
}

/// An address.
pub(super) struct Subchannel {
    pub(super) id: u64,
    pub(super) address: String,
    pub(super) connector: Arc<Connector>,
    pub(super) state: ConnectivityState,
    /// It has failed since it was READY.
    pub(super) has_failed: bool,
}

/// What calls choose from.
#[derive(Default)]
pub(super) struct Ready {
    pub(super) connectors: Vec<Arc<Connector>>,
    /// There are more, which a call is to have connected.
    pub(super) has_idle: bool,
}

impl State {
    pub(super) fn new(backoff: Backoff) -> Self {
        Self {
            subchannels: Vec::new(),
            next_id: 0,
            resolution: Resolution::Idle,
            backoff,
            resolved: None,
            cause: None,
            used: now(),
            retired: Vec::new(),
            is_closed: false,
        }
    }

    /// Keeps the state that the subchannel `id` has told; says whether it was lost or has failed.
    pub(super) fn set(&mut self, id: u64, to: ConnectivityState, cause: Option<&Status>) -> bool {
        let is_it = |subchannel: &&mut Subchannel| subchannel.id == id;
        let Some(subchannel) = self.subchannels.iter_mut().find(is_it) else { return false };
        let from = std::mem::replace(&mut subchannel.state, to);
        match to {
            ConnectivityState::Ready | Idle => subchannel.has_failed = false,
            TransientFailure => subchannel.has_failed = true,
            Connecting | Shutdown => {}
        }
        if let Some(cause) = cause {
            self.cause = Some(cause.clone());
        }
        let is_lost = from == ConnectivityState::Ready && to != ConnectivityState::Ready;
        is_lost || to == TransientFailure
    }

    /// Those that are idle, which from now on count as connecting.
    pub(super) fn take_idle(&mut self) -> Vec<Arc<Connector>> {
        let idle = self.subchannels.iter_mut().filter(|subchannel| subchannel.state == Idle);
        let taken = idle.map(|subchannel| {
            subchannel.state = Connecting;
            Arc::clone(&subchannel.connector)
        });
        taken.collect()
    }

    /// Nothing follows. Returns what is to be ended.
    pub(super) fn end(&mut self) -> (Vec<Subchannel>, Vec<Weak<Link>>, Resolution) {
        self.is_closed = true;
        let resolution = std::mem::replace(&mut self.resolution, Resolution::Idle);
        let subchannels = std::mem::take(&mut self.subchannels);
        (subchannels, std::mem::take(&mut self.retired), resolution)
    }

    pub(super) fn connectors(&self) -> Vec<Arc<Connector>> {
        self.subchannels.iter().map(|subchannel| Arc::clone(&subchannel.connector)).collect()
    }

    pub(super) fn ready(&self) -> Ready {
        let is_ready = |subchannel: &&Subchannel| subchannel.state == ConnectivityState::Ready;
        let ready = self.subchannels.iter().filter(is_ready);
        Ready {
            connectors: ready.map(|subchannel| Arc::clone(&subchannel.connector)).collect(),
            has_idle: self.subchannels.iter().any(|subchannel| subchannel.state == Idle),
        }
    }

    /// The state of the channel.
    pub(super) fn connectivity(&self) -> ConnectivityState {
        if self.is_closed {
            return Shutdown;
        }
        if self.subchannels.is_empty() {
            return match (&self.resolution, &self.cause) {
                (_, Some(_)) => TransientFailure,
                (Resolution::Running { .. }, None) => Connecting,
                (Resolution::Idle | Resolution::Scheduled(_), None) => Idle,
            };
        }
        let counted = |subchannel: &Subchannel| match subchannel.state {
            Connecting if subchannel.has_failed => TransientFailure,
            state => state,
        };
        let has = |state| self.subchannels.iter().any(|subchannel| counted(subchannel) == state);
        let by_rank = [ConnectivityState::Ready, Connecting, Idle];
        by_rank.into_iter().find(|state| has(*state)).unwrap_or(TransientFailure)
    }

    /// Why no call can be made to `target`.
    pub(super) fn failure(&self, target: &str) -> Status {
        let cause = self.cause.as_ref().map_or("it has no address", Status::message);
        Status::unavailable(match self.subchannels.len() {
            0 | 1 => cause.to_owned(),
            count => format!("no address of the {count} of {target} can be reached: {cause}"),
        })
    }
}
