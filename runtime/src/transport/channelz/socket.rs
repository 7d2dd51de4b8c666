//! A connection, or a place where a server listens, as it is listed.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock, Weak};

use super::{Entity, SocketCounts};
use crate::http2::Facts;
use crate::transport::auth_context::AuthContext;
use crate::transport::link::{Link, Side};
use crate::transport::lock;
use crate::transport::wire::Address;

/// A socket that is listed.
pub(crate) struct Socket {
    id: i64,
    owner: Arc<Entity>,
    local: Address,
    /// `None` where a server listens.
    peer: Option<Address>,
    counts: SocketCounts,
    link: OnceLock<Weak<Link>>,
}

/// What is asked of a connection when somebody looks.
pub(crate) struct About {
    pub(crate) facts: Facts,
    /// Who the peer is.
    pub(crate) peer: AuthContext,
    /// Streams are opened by this side, and not by the peer.
    pub(crate) opens_streams: bool,
}

impl Socket {
    pub(super) fn new(
        id: i64,
        owner: &Arc<Entity>,
        local: &Address,
        peer: Option<&Address>,
    ) -> Self {
        Self {
            id,
            owner: Arc::clone(owner),
            local: local.clone(),
            peer: peer.cloned(),
            counts: SocketCounts::default(),
            link: OnceLock::new(),
        }
    }

    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    pub(crate) fn local(&self) -> &Address {
        &self.local
    }

    /// The other end; `None` where a server listens.
    pub(crate) fn peer(&self) -> Option<&Address> {
        self.peer.as_ref()
    }

    pub(crate) fn counts(&self) -> &SocketCounts {
        &self.counts
    }

    /// What is not counted, while the connection is there.
    pub(crate) fn about(&self) -> Option<About> {
        let link = self.link.get()?.upgrade()?;
        let facts = lock(&link.state).core.facts();
        Some(About { facts, peer: link.auth_context(), opens_streams: link.side() == Side::Client })
    }

    pub(super) fn owner(&self) -> &Arc<Entity> {
        &self.owner
    }

    pub(super) fn set_link(&self, link: Weak<Link>) {
        // A socket is one connection's.
        let _ = self.link.set(link);
    }

    pub(super) fn unlist(&self) {
        self.owner.registry().unlist_socket(self.id);
        self.owner.forget_socket(self.id);
    }
}

impl fmt::Display for Socket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.peer {
            Some(peer) => write!(out, "{} -> {peer}", self.local),
            None => write!(out, "{}", self.local),
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Socket {} ({self})", self.id)
    }
}

/// The address alone, in network order.
pub(crate) fn octets(address: &SocketAddr) -> Vec<u8> {
    match address.ip() {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    }
}
