//! What a process tells of its channels, servers and connections, for those who look at it: gRFC A14.
//!
//! Everything that is told of stands in a [`Registry`] while it lives, by its number. The registry holds
//! numbers and counts and never the thing itself, so that it keeps nothing alive; whoever owns the thing
//! owns its [`Listed`] or [`ListedSocket`], which takes it out again. The lock of a registry is taken
//! last, and nothing is done under it but to look up and to copy.
//!
//! What is counted for each call is a few words that it adds to without a lock; the rest is asked of
//! the thing when somebody looks.

mod counts;
mod registry;
mod socket;

use std::fmt;
use std::sync::Arc;

use super::connectivity::Connectivity;
use super::link::Link;
use super::wire::Address;
pub(crate) use counts::{CallCounts, Count, SocketCounts, Tally};
pub(crate) use registry::{Entity, Registry};
pub(crate) use socket::{Socket, octets};

/// Where channels and servers are listed, for [`ChannelzService`] to tell of.
///
/// Clones are the same list. Nothing is listed by itself: a channel or a server is, while it lives, if
/// its builder is given the list by [`ChannelBuilder::channelz`] or [`ServerBuilder::channelz`]. A list
/// keeps nothing alive, and calls of what is not listed cost nothing more.
///
/// [`ChannelzService`]: crate::channelz::ChannelzService
/// [`ChannelBuilder::channelz`]: crate::ChannelBuilder::channelz
/// [`ServerBuilder::channelz`]: crate::ServerBuilder::channelz
///
/// # Examples
///
/// ```
/// use rust_grpc::channelz::{Channelz, ChannelzService};
/// use rust_grpc::{Channel, InProcess, Server};
///
/// let channelz = Channelz::new();
/// let place = InProcess::new();
/// let server = Server::builder()
///     .channelz(&channelz)
///     .add_service(ChannelzService::new(&channelz))
///     .bind(&place)?
///     .start()?;
/// let channel = Channel::in_process_builder(&place).channelz(&channelz).build()?;
/// # drop((channel, server));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Channelz {
    registry: Arc<Registry>,
}

impl Channelz {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn registry(&self) -> &Registry {
        &self.registry
    }
}

impl fmt::Debug for Channelz {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.registry, out)
    }
}

/// Where something is listed that is about to be made, if anywhere.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing(Option<Channelz>);

impl Listing {
    pub(crate) fn new(channelz: &Channelz) -> Self {
        Self(Some(channelz.clone()))
    }

    /// Lists a channel to `target`.
    pub(crate) fn channel(&self, target: &str) -> Listed {
        self.list(Kind::Channel, target)
    }

    /// Lists a server that is called `name`.
    pub(crate) fn server(&self, name: &str) -> Listed {
        self.list(Kind::Server, name)
    }

    fn list(&self, kind: Kind, name: &str) -> Listed {
        Listed(self.0.as_ref().map(|list| registry::list(&list.registry, kind, name, None)))
    }
}

/// What is listed with a count of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Channel,
    Subchannel,
    Server,
}

/// A channel, subchannel or server that is in a list, or in none; it is taken out when this is dropped.
#[derive(Debug, Default)]
pub(crate) struct Listed(Option<Arc<Entity>>);

impl Listed {
    /// Where its calls are counted, and what belongs to it is listed.
    pub(crate) fn account(&self) -> Account {
        Account(self.0.clone())
    }

    /// Has its state asked of `connectivity`.
    pub(crate) fn set_connectivity(&self, connectivity: &Connectivity) {
        if let Some(entity) = &self.0 {
            entity.set_connectivity(connectivity);
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        if let Some(entity) = &self.0 {
            entity.unlist();
        }
    }
}

/// The account of a channel, subchannel or server, if it is listed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account(Option<Arc<Entity>>);

impl Account {
    /// Counts a call that begins.
    pub(crate) fn begin(&self) -> Tally {
        Tally::begin(self.0.as_ref())
    }

    /// Lists a subchannel of the channel whose account this is.
    pub(crate) fn subchannel(&self, name: &str) -> Listed {
        Listed(self.0.as_ref().map(|channel| {
            registry::list(channel.registry(), Kind::Subchannel, name, Some(channel))
        }))
    }

    /// Lists a place where the server listens whose account this is.
    pub(crate) fn listener(&self, local: &Address) -> ListedSocket {
        ListedSocket(self.0.as_ref().map(|server| registry::list_socket(server, local, None)))
    }

    /// Lists a connection of the server or subchannel whose account this is.
    pub(super) fn connection(&self, local: &Address, peer: &Address) -> ListedSocket {
        ListedSocket(self.0.as_ref().map(|owner| registry::list_socket(owner, local, Some(peer))))
    }
}

/// A socket that is in a list, or in none; it is taken out when it is over, or this is dropped.
#[derive(Debug, Default)]
pub(crate) struct ListedSocket(Option<Arc<Socket>>);

impl ListedSocket {
    /// Has what is not counted asked of `link`.
    pub(super) fn set_link(&self, link: &Arc<Link>) {
        if let Some(socket) = &self.0 {
            socket.set_link(Arc::<Link>::downgrade(link));
        }
    }

    /// Takes it out.
    pub(super) fn unlist(&self) {
        if let Some(socket) = &self.0 {
            socket.unlist();
        }
    }

    /// Counts a stream that was opened.
    pub(super) fn open_stream(&self) {
        if let Some(socket) = &self.0 {
            socket.counts().open_stream();
        }
    }

    /// Counts the messages of `framed` as sent.
    pub(super) fn send(&self, framed: &[u8]) {
        if let Some(socket) = &self.0 {
            socket.counts().send(framed);
        }
    }

    /// Counts a message that was received.
    pub(super) fn receive(&self) {
        if let Some(socket) = &self.0 {
            socket.counts().receive();
        }
    }

    /// Counts the messages of `framed` as received.
    pub(super) fn receive_all(&self, framed: &[u8]) {
        if let Some(socket) = &self.0 {
            socket.counts().receive_all(framed);
        }
    }

    /// Counts a call on the subchannel or server that the connection belongs to.
    pub(super) fn begin_call(&self) -> Tally {
        Tally::begin(self.0.as_ref().map(|socket| socket.owner()))
    }
}

impl Drop for ListedSocket {
    fn drop(&mut self) {
        self.unlist();
    }
}
