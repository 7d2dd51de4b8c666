//! The server: it listens, routes requests to services, and stops in good order.
//!
//! `builder` makes it, `dispatch` takes every call from its head to the end of its response,
//! `router` finds the method, `handler` those that no service declares, `interceptor` is the seam
//! around it, `call` runs it, `context` and
//! `streams` are what it holds, `reply` is the one way out. Sockets, threads, queues and timers are
//! `transport`'s.

mod builder;
mod call;
#[cfg(feature = "channelz")]
mod channelz;
mod compressing;
mod context;
mod cost;
mod dispatch;
mod handler;
mod interceptor;
mod lanes;
mod lifetime;
mod options;
mod quota;
mod reply;
mod router;
mod scoped;
mod service;
mod streams;

use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

pub use builder::ServerBuilder;
pub use call::{ServerCall, unimplemented};
pub use context::{CancellationToken, Context};
pub use handler::{GenericHandler, GenericService, MethodHandler};
pub use interceptor::{Next, ServerInterceptor};
pub use lanes::Lane;
pub use scoped::ScopedServer;
pub use service::Service;
pub use streams::{DetachedSink, ReplySink, RequestStream};

use crate::transport::channelz::{Listed, ListedSocket};
use crate::transport::{
    self, Accepting, ActiveCall, Address, Crew, Latch, Link, Listener, Listening, Pool, Reactors,
    Wire, lock, now,
};
use compressing::Messages;
use dispatch::{Call, Dispatcher, Handlers};
use lanes::Lanes;
use quota::{Place, Quota};

/// A running gRPC server.
///
/// Made by [`Server::builder`]. Dropping it stops it at once, as [`Server::stop`] with no grace.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::Server;
///
/// let server = Server::builder().bind("127.0.0.1:0")?.start()?;
/// println!("listening on {}", server.local_addresses()[0]);
/// server.stop(Duration::from_secs(5));
/// server.wait_for_termination(); // returns at once: the server has stopped
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Server {
    addresses: Vec<Address>,
    /// Each with what it is told of by.
    listening: Mutex<Vec<(Listening, ListedSocket)>>,
    connections: Arc<Mutex<Connections>>,
    pools: Vec<Arc<Pool<Call>>>,
    crew: Option<Arc<Crew>>,
    terminated: Latch,
    /// What it is told of by.
    _listed: Listed,
}

/// The connections of a server that are alive.
#[derive(Default)]
struct Connections {
    /// Those that have ended too, for as long as a method runs for a call of theirs, or until they are
    /// removed.
    links: Vec<Weak<Link>>,
    /// How many have ended since the dead ones were removed: what a dead one leaves is as large as a link.
    ended: usize,
    stopping: bool,
}

/// What the server keeps for a connection while that lives.
struct Registration {
    _place: Option<Place>,
    connections: Arc<Mutex<Connections>>,
}

impl Drop for Registration {
    fn drop(&mut self) {
        lock(&self.connections).on_end();
    }
}

impl Connections {
    /// A connection has ended.
    fn on_end(&mut self) {
        self.ended += 1;
        if self.ended > CONNECTIONS_PRUNE_MIN.max(self.links.len() / 4) {
            self.links.retain(|link| link.strong_count() > 0);
            self.ended = 0;
        }
    }
}

/// What a server is made of.
struct Parts<'s> {
    handlers: Handlers<'s>,
    /// The first one is for the methods that no other one names.
    lanes: Vec<Lane>,
    messages: Messages,
    /// How many calls and connections there may be, where that is limited.
    calls_max: Option<usize>,
    connections_max: Option<usize>,
    listed: Listed,
}

/// What every connection of a server is made with.
#[derive(Clone)]
struct Terms<'s> {
    dispatcher: Arc<Dispatcher<'s>>,
    /// Where there are none, each connection has a thread of its own.
    reactors: Option<Arc<Reactors<'s, Dispatcher<'s>>>>,
    accepting: Accepting<'s>,
    connections: Arc<Mutex<Connections>>,
    quota: Option<Arc<Quota>>,
}

impl Server {
    /// A server in the making, without services or addresses.
    pub fn builder<'s>() -> ServerBuilder<'s> {
        ServerBuilder::new()
    }

    fn start<'s>(
        listeners: Vec<Listener>,
        parts: Parts<'s>,
        accepting: Accepting<'s>,
    ) -> io::Result<(Self, Terms<'s>)> {
        let Parts { lanes, messages, handlers, calls_max, connections_max, listed } = parts;
        let quota = |max: usize| Arc::new(Quota::new(max));
        let handlers = Arc::new(handlers);
        let lanes = Lanes::new(lanes, &handlers, &accepting.threads);
        let pools = lanes.pools();
        let (account, calls) = (listed.account(), calls_max.map(quota));
        let dispatcher = Dispatcher::new(handlers, lanes, messages, calls, account);
        let (dispatcher, quota) = (Arc::new(dispatcher), connections_max.map(quota));
        let reactors = transport::server_reactors(&dispatcher, &accepting.threads).map(Arc::new);
        let server = Self {
            addresses: listeners.iter().map(|listener| listener.local().clone()).collect(),
            listening: Mutex::default(),
            connections: Arc::default(),
            pools,
            crew: reactors.as_ref().map(|reactors| reactors.crew().clone()),
            terminated: Latch::default(),
            _listed: listed,
        };
        let connections = server.connections.clone();
        let terms = Terms { dispatcher, reactors, accepting, connections, quota };
        for listener in listeners {
            let connection_terms = terms.clone();
            let serve = move |wire| serve(wire, &connection_terms);
            let listed = terms.accepting.account.listener(listener.local());
            let listening = listener.start("grpc-accept", &terms.accepting.threads, serve)?;
            lock(&server.listening).push((listening, listed));
        }
        Ok((server, terms))
    }

    /// Where the server listens, in the order of the calls of `bind`, with the ports that the
    /// system chose.
    ///
    /// Each is shown as a channel's target: `ipv4:127.0.0.1:50051`, `unix:/run/greeter`.
    #[must_use]
    pub fn local_addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// Stops the server and returns when all its calls and connections have ended.
    ///
    /// From now on nobody can connect, and connected clients are asked to make no more calls.
    /// Running calls have `grace` to end; those that have not ended then are cancelled, their
    /// connections are closed and their clients get UNAVAILABLE. A method that takes no notice of
    /// its cancellation goes on without a call, and is not waited for.
    ///
    /// A second call, from whichever thread, waits too; of several graces the one that ends first
    /// counts. A method that stops its own server waits for its own call too, so it should have
    /// another thread do it.
    pub fn stop(&self, grace: Duration) {
        let until = now().checked_add(grace);
        // Taken out first: ending a listener waits for its thread.
        let listening = std::mem::take(&mut *lock(&self.listening));
        drop(listening);
        let links: Vec<_> = {
            let mut connections = lock(&self.connections);
            connections.stopping = true;
            connections.links.iter().filter_map(Weak::upgrade).collect()
        };
        for link in &links {
            link.go_away();
        }
        for link in &links {
            if !link.wait_closed(until) {
                link.close();
            }
        }
        self.pools.iter().for_each(|pool| pool.shut_down());
        self.crew.iter().for_each(|crew| crew.end());
        self.terminated.open();
    }

    /// The calls that the server has at the moment, the oldest first: those that wait for a worker,
    /// those whose methods run, also without a client, and those that a detached sink keeps open.
    ///
    /// Looking costs the looker: connections are asked one after the other, so the calls of two
    /// connections may not have been there at quite the same time.
    #[must_use]
    #[inline]
    pub fn active_calls(&self) -> Vec<ActiveCall> {
        let links: Vec<_> =
            lock(&self.connections).links.iter().filter_map(Weak::upgrade).collect();
        let time = now();
        let mut calls: Vec<_> = links.iter().flat_map(|link| link.active_calls(time)).collect();
        calls.sort_by_key(|call| std::cmp::Reverse(call.age()));
        calls
    }

    /// Whether the server has been stopped: all its calls and connections have ended.
    #[must_use]
    pub fn is_terminated(&self) -> bool {
        self.terminated.wait(Some(now()))
    }

    /// Waits until the server has been stopped, by another thread or before.
    pub fn wait_for_termination(&self) {
        self.terminated.wait(None);
    }

    /// Waits until the server has been stopped, `timeout` at most, and tells whether it has.
    #[must_use]
    pub fn wait_for_termination_timeout(&self, timeout: Duration) -> bool {
        self.terminated.wait(now().checked_add(timeout))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop(Duration::ZERO);
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Server").field("addresses", &self.addresses).finish_non_exhaustive()
    }
}

/// Begins a connection that a listener has accepted.
fn serve(wire: Box<dyn Wire>, terms: &Terms<'_>) {
    let Terms { dispatcher, reactors, accepting, connections, quota } = terms;
    let place = match quota {
        None => None,
        Some(quota) => match quota.take() {
            Some(place) => Some(place),
            // Dropping the wire closes it.
            None => return,
        },
    };
    if lock(connections).stopping {
        return;
    }
    let dispatcher = dispatcher.clone();
    let registration = Registration { _place: place, connections: Arc::clone(connections) };
    let link = match reactors {
        Some(reactors) if wire.has_descriptor() => reactors.serve(wire, accepting, registration),
        _ => Link::server(wire, accepting, move |accepted| {
            let _until_the_connection_ends = &registration;
            dispatcher.accept(accepted);
        }),
    };
    // Without a thread to read it, the connection is closed: the system is at its limit.
    let Ok(link) = link else { return };
    let mut connections = lock(connections);
    if connections.stopping {
        drop(connections);
        return link.close();
    }
    connections.links.push(Arc::downgrade(&link));
}

/// For fewer dead connections looking for them is not worth it.
const CONNECTIONS_PRUNE_MIN: usize = 32;

#[cfg(test)]
mod tests;
