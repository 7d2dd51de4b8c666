//! What gives a channel its connections: one connector, or a balancer that has one for each address.
//!
//! The invariant: a channel of one connector pays nothing for the other kind but a look at which it is.

use std::sync::Arc;
use std::time::Instant;

use super::balancer::Balancer;
use super::connector::Connector;
use crate::grpc::Status;
use crate::transport::connectivity::Connectivity;
use crate::transport::{Link, OpenError, Opening, Stream};

/// Gives out the connections of a channel; closes them when dropped.
pub(crate) enum Connections {
    PickFirst(Connector),
    RoundRobin(Balancer),
}

impl Connections {
    /// A connection that takes calls. Waits for one until `until`.
    ///
    /// # Errors
    ///
    /// As [`Connector::link`].
    pub(crate) fn link(
        &self,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<Arc<Link>, Status> {
        match self {
            Self::PickFirst(connector) => connector.link(until, wait_for_ready),
            Self::RoundRobin(balancer) => balancer.link(until, wait_for_ready),
        }
    }

    /// Opens the stream of `opening` at `link`, or if there is no room, at another connection that
    /// `admits` the call.
    ///
    /// # Errors
    ///
    /// What `admits` says, and [`OpenError`].
    pub(crate) fn open<E: From<OpenError>>(
        &self,
        link: Arc<Link>,
        opening: Opening<'_>,
        admits: impl Fn(&Link) -> Result<(), E>,
    ) -> Result<Stream, E> {
        match self {
            Self::PickFirst(connector) => connector.open(link, opening, admits),
            Self::RoundRobin(balancer) => balancer.open(link, opening, admits),
        }
    }

    /// Begins to connect where there is no connection and no attempt; waits for nothing.
    pub(crate) fn connect(&self) {
        match self {
            Self::PickFirst(connector) => connector.connect(),
            Self::RoundRobin(balancer) => balancer.connect(),
        }
    }

    /// Ends the connections and all calls on them, for good.
    pub(crate) fn close(&self) {
        match self {
            Self::PickFirst(connector) => connector.close(),
            Self::RoundRobin(balancer) => balancer.close(),
        }
    }

    /// Whether the channel was closed.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::PickFirst(connector) => connector.is_closed(),
            Self::RoundRobin(balancer) => balancer.is_closed(),
        }
    }

    /// The state, for those who wait for its changes.
    pub(crate) fn connectivity(&self) -> &Connectivity {
        match self {
            Self::PickFirst(connector) => connector.connectivity(),
            Self::RoundRobin(balancer) => balancer.connectivity(),
        }
    }

    /// The keepalive time of the next connection of the one connector.
    #[cfg(test)]
    pub(super) fn keepalive_time(&self) -> Option<std::time::Duration> {
        match self {
            Self::PickFirst(connector) => connector.keepalive_time(),
            Self::RoundRobin(_) => None,
        }
    }

    /// The connections that there are.
    pub(crate) fn links(&self) -> Vec<Arc<Link>> {
        match self {
            Self::PickFirst(connector) => connector.links(),
            Self::RoundRobin(balancer) => balancer.links(),
        }
    }

    /// The target as errors name it.
    pub(crate) fn target(&self) -> &str {
        match self {
            Self::PickFirst(connector) => connector.target(),
            Self::RoundRobin(balancer) => balancer.target(),
        }
    }
}
