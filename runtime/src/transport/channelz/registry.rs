//! The numbers of everything that is listed, and what belongs to what.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use super::{CallCounts, Kind, Socket};
use crate::grpc::ConnectivityState;
use crate::transport::connectivity::Connectivity;
use crate::transport::lock;
use crate::transport::wire::Address;

/// Everything that is listed.
#[derive(Default)]
pub(crate) struct Registry {
    things: Mutex<Things>,
}

#[derive(Default)]
struct Things {
    /// The number that was given last; numbers of all kinds are from one row.
    last: i64,
    channels: BTreeMap<i64, Arc<Entity>>,
    subchannels: BTreeMap<i64, Arc<Entity>>,
    servers: BTreeMap<i64, Arc<Entity>>,
    sockets: BTreeMap<i64, Arc<Socket>>,
}

/// A channel, a subchannel or a server.
pub(crate) struct Entity {
    id: i64,
    kind: Kind,
    name: String,
    registry: Arc<Registry>,
    calls: CallCounts,
    /// A channel's or a subchannel's.
    connectivity: OnceLock<Connectivity>,
    /// A subchannel's channel.
    owner: Option<Arc<Self>>,
    children: Mutex<Children>,
}

/// The numbers of what belongs to an entity.
#[derive(Default)]
struct Children {
    subchannels: BTreeSet<i64>,
    connections: BTreeSet<i64>,
    listeners: BTreeSet<i64>,
}

/// Some of many, in order.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Nothing follows them.
    pub(crate) is_last: bool,
}

impl Registry {
    /// Up to `max` channels, from the number `start` on.
    pub(crate) fn channels(&self, start: i64, max: usize) -> Page<Arc<Entity>> {
        page(&lock(&self.things).channels, start, max)
    }

    /// Up to `max` servers, from the number `start` on.
    pub(crate) fn servers(&self, start: i64, max: usize) -> Page<Arc<Entity>> {
        page(&lock(&self.things).servers, start, max)
    }

    pub(crate) fn channel(&self, id: i64) -> Option<Arc<Entity>> {
        lock(&self.things).channels.get(&id).cloned()
    }

    pub(crate) fn subchannel(&self, id: i64) -> Option<Arc<Entity>> {
        lock(&self.things).subchannels.get(&id).cloned()
    }

    pub(crate) fn server(&self, id: i64) -> Option<Arc<Entity>> {
        lock(&self.things).servers.get(&id).cloned()
    }

    pub(crate) fn socket(&self, id: i64) -> Option<Arc<Socket>> {
        lock(&self.things).sockets.get(&id).cloned()
    }

    fn unlist(&self, kind: Kind, id: i64) {
        lock(&self.things).of(kind).remove(&id);
    }

    pub(super) fn unlist_socket(&self, id: i64) {
        lock(&self.things).sockets.remove(&id);
    }
}

impl Things {
    fn of(&mut self, kind: Kind) -> &mut BTreeMap<i64, Arc<Entity>> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Subchannel => &mut self.subchannels,
            Kind::Server => &mut self.servers,
        }
    }

    fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let things = lock(&self.things);
        out.debug_struct("Channelz")
            .field("channels", &things.channels.len())
            .field("servers", &things.servers.len())
            .field("sockets", &things.sockets.len())
            .finish()
    }
}

impl Entity {
    pub(crate) fn id(&self) -> i64 {
        self.id
    }

    /// A channel's target, a server's addresses.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn calls(&self) -> &CallCounts {
        &self.calls
    }

    /// How a channel or a subchannel stands with its server, once that is known.
    pub(crate) fn state(&self) -> Option<ConnectivityState> {
        self.connectivity.get().map(Connectivity::get)
    }

    /// The subchannels of a channel.
    pub(crate) fn subchannels(&self) -> Vec<Arc<Self>> {
        let ids = lock(&self.children).subchannels.clone();
        ids.into_iter().filter_map(|id| self.registry.subchannel(id)).collect()
    }

    /// The places where a server listens.
    pub(crate) fn listeners(&self) -> Vec<Arc<Socket>> {
        let ids = lock(&self.children).listeners.clone();
        ids.into_iter().filter_map(|id| self.registry.socket(id)).collect()
    }

    /// Up to `max` connections of a subchannel or a server, from the number `start` on.
    pub(crate) fn connections(&self, start: i64, max: usize) -> Page<Arc<Socket>> {
        let ids: Vec<_> = lock(&self.children).connections.range(start..).copied().collect();
        let mut found = ids.into_iter().filter_map(|id| self.registry.socket(id));
        let items = found.by_ref().take(max).collect();
        Page { items, is_last: found.next().is_none() }
    }

    pub(super) fn registry(&self) -> &Arc<Registry> {
        &self.registry
    }

    pub(super) fn set_connectivity(&self, connectivity: &Connectivity) {
        // It is set once, by whoever has listed it.
        let _ = self.connectivity.set(connectivity.clone());
    }

    pub(super) fn unlist(&self) {
        self.registry.unlist(self.kind, self.id);
        if let Some(owner) = &self.owner {
            lock(&owner.children).subchannels.remove(&self.id);
        }
    }

    pub(super) fn forget_socket(&self, id: i64) {
        let mut children = lock(&self.children);
        children.connections.remove(&id);
        children.listeners.remove(&id);
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:?} {} ({})", self.kind, self.id, self.name)
    }
}

/// Lists something that counts calls.
pub(super) fn list(
    registry: &Arc<Registry>,
    kind: Kind,
    name: &str,
    owner: Option<&Arc<Entity>>,
) -> Arc<Entity> {
    let mut things = lock(&registry.things);
    let entity = Arc::new(Entity {
        id: things.next(),
        kind,
        name: name.to_owned(),
        registry: Arc::clone(registry),
        calls: CallCounts::default(),
        connectivity: OnceLock::new(),
        owner: owner.cloned(),
        children: Mutex::default(),
    });
    things.of(kind).insert(entity.id, Arc::clone(&entity));
    drop(things);
    if let Some(owner) = owner {
        lock(&owner.children).subchannels.insert(entity.id);
    }
    entity
}

/// Lists a connection of `owner` with `peer`, or a place where it listens.
pub(super) fn list_socket(
    owner: &Arc<Entity>,
    local: &Address,
    peer: Option<&Address>,
) -> Arc<Socket> {
    let mut things = lock(&owner.registry.things);
    let id = things.next();
    let socket = Arc::new(Socket::new(id, owner, local, peer));
    things.sockets.insert(id, Arc::clone(&socket));
    drop(things);
    let mut children = lock(&owner.children);
    match peer {
        Some(_) => children.connections.insert(id),
        None => children.listeners.insert(id),
    };
    socket
}

fn page<T: Clone>(all: &BTreeMap<i64, T>, start: i64, max: usize) -> Page<T> {
    let mut found = all.range(start..).map(|(_, item)| item.clone());
    let items = found.by_ref().take(max).collect();
    Page { items, is_last: found.next().is_none() }
}
