//! gRPC's round_robin: calls take the addresses of a target in turn.

use std::collections::HashMap;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::yield_now;
use std::time::Duration;

use super::peer::{Peer, Peers};
use super::{Stub, text};
use crate::client::balancer::{Addresses, Endpoint};
use crate::client::{Channel, ChannelBuilder, Request};
use crate::grpc::{Code, ConnectivityState};
use crate::transport::memory::Knobs;
use crate::transport::{Latch, now};
use ConnectivityState::{Connecting, Idle, Ready, Shutdown, TransientFailure};

pub(super) const TICK: Duration = Duration::from_millis(1);
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Servers by name, and what a look-up of their common name finds.
pub(super) struct Servers {
    servers: HashMap<&'static str, Server>,
    found: Arc<Mutex<Vec<&'static str>>>,
    look_ups: Arc<Mutex<usize>>,
}

/// A server that takes as many connections as it was told to.
pub(super) struct Server {
    name: &'static str,
    pub(super) peers: Peers,
    tell: Sender<Knobs>,
    came: Receiver<Knobs>,
}

impl Server {
    /// Takes one more connection, and answers each call on it with its name.
    pub(super) fn up(&self) {
        let (name, tell) = (self.name, self.tell.clone());
        self.peers.add(move |peer| {
            tell.send(peer.knobs()).unwrap();
            while let Some((stream, _)) = peer.request_or_end() {
                peer.reply(stream, name);
            }
        });
    }

    /// What can cut the next connection, once it is there.
    pub(super) fn connected(&self) -> Knobs {
        self.came.recv_timeout(PATIENCE).expect("the client connects")
    }
}

impl Servers {
    /// Servers that are all found, and down.
    pub(super) fn new<const N: usize>(names: [&'static str; N]) -> Self {
        let server = |name| {
            let (tell, came) = channel();
            (name, Server { name, peers: Peers::default(), tell, came })
        };
        Self {
            servers: names.into_iter().map(server).collect(),
            found: Arc::new(Mutex::new(names.to_vec())),
            look_ups: Arc::default(),
        }
    }

    /// As [`new`](Self::new), each ready for one connection.
    pub(super) fn up<const N: usize>(names: [&'static str; N]) -> Self {
        let servers = Self::new(names);
        servers.servers.values().for_each(Server::up);
        servers
    }

    pub(super) fn server(&self, name: &str) -> &Server {
        &self.servers[name]
    }

    pub(super) fn stub(&self, builder: ChannelBuilder) -> Stub {
        let (found, look_ups) = (self.found.clone(), self.look_ups.clone());
        let peers: HashMap<_, _> =
            self.servers.values().map(|server| (server.name, server.peers.clone())).collect();
        let look_up = Box::new(move |_| {
            *look_ups.lock().unwrap() += 1;
            let endpoint = |name: &&'static str| {
                let peers = peers[name].clone();
                Endpoint { name: text(name), connect: Box::new(move |_| peers.connect()) }
            };
            let found = found.lock().unwrap();
            match found.contains(&"error") {
                true => Err(io::Error::other("look-up of servers: no answer")),
                false => Ok(found.iter().map(endpoint).collect()),
            }
        });
        let addresses = Addresses { look_up, can_change: true };
        Stub(builder.build_balanced(text("servers"), text("localhost"), addresses).unwrap())
    }

    pub(super) fn find(&self, names: &[&'static str]) {
        *self.found.lock().unwrap() = names.to_vec();
    }

    pub(super) fn look_ups(&self) -> usize {
        *self.look_ups.lock().unwrap()
    }

    pub(super) fn join(self, stub: Stub) {
        drop(stub);
        self.servers.into_values().for_each(|server| server.peers.join());
    }
}

pub(super) fn builder() -> ChannelBuilder {
    Channel::builder("memory").reconnect_backoff(TICK, TICK).min_time_between_resolutions(TICK)
}

pub(super) fn until(is_so: impl Fn() -> bool) {
    let deadline = now() + PATIENCE;
    while !is_so() {
        assert!(now() < deadline, "has not come about");
        yield_now();
    }
}

/// Waits until the channel has so many connections.
pub(super) fn until_links(stub: &Stub, count: usize) {
    stub.0.connect();
    until(|| stub.0.links().len() == count);
}

/// Who has answered `count` calls, and how many each.
fn shares(stub: &Stub, count: usize) -> Vec<(String, usize)> {
    let mut shares = HashMap::new();
    for _ in 0..count {
        *shares.entry(stub.unary(text("")).unwrap().into_inner()).or_default() += 1;
    }
    let mut shares: Vec<_> = shares.into_iter().collect();
    shares.sort();
    shares
}

/// Waits until `count` calls in a row are shared like that: a connection is there a moment before calls
/// choose it, and gone a moment before they do not.
pub(super) fn until_shares(stub: &Stub, count: usize, expected: &[(String, usize)]) {
    until(|| shares(stub, count) == expected);
}

pub(super) fn share(name: &str, count: usize) -> (String, usize) {
    (text(name), count)
}

/// Load balancing, round_robin: there is a connection to each address, and calls take them in turn.
#[test]
fn calls_take_the_addresses_in_turn() {
    let servers = Servers::up(["a", "b", "c"]);
    let stub = servers.stub(builder());
    assert_eq!(stub.0.state(), Idle);
    until_links(&stub, 3);
    until_shares(&stub, 30, &[share("a", 10), share("b", 10), share("c", 10)]);
    assert_eq!(stub.0.target(), "servers");
    servers.join(stub);
}

/// The first call has all addresses connected to, and takes the first that answers.
#[test]
fn the_first_call_connects_to_all() {
    let servers = Servers::up(["a", "b"]);
    let stub = servers.stub(builder());
    stub.unary(text("")).unwrap();
    until(|| stub.0.links().len() == 2);
    assert_eq!(servers.look_ups(), 1);
    servers.join(stub);
}

/// round_robin: a lost connection is made again by itself, and calls take the others meanwhile, in turn.
#[test]
fn a_lost_address_is_connected_to_again() {
    let servers = Servers::up(["a", "b", "c"]);
    let stub = servers.stub(builder());
    until_links(&stub, 3);
    servers.server("b").connected().cut();
    until(|| stub.0.links().len() == 2);
    until_shares(&stub, 20, &[share("a", 10), share("c", 10)]);
    assert_eq!(stub.0.state(), Ready);
    servers.server("b").up();
    until(|| stub.0.links().len() == 3);
    until_shares(&stub, 30, &[share("a", 10), share("b", 10), share("c", 10)]);
    servers.join(stub);
}

/// Connectivity semantics: TRANSIENT_FAILURE once all addresses have failed, READY once any answers. Calls
/// fail meanwhile with what was met, and those that wait for readiness wait.
#[test]
fn all_are_down_and_come_back() {
    let servers = Servers::up(["a", "b"]);
    let stub = servers.stub(builder());
    until_links(&stub, 2);
    servers.server("a").connected().cut();
    servers.server("b").connected().cut();
    until(|| stub.0.state() == TransientFailure);
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let known = "no address of the 2 of servers can be reached: connect to ";
    assert!(status.message().starts_with(known), "{status}");
    let late = Request::new(text("")).wait_for_ready().timeout(20 * TICK);
    let status = stub.unary(late).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(status.message().contains(known), "{status}");
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| stub.unary(Request::new(text("")).wait_for_ready()).unwrap());
        servers.server("b").up();
        assert_eq!(*waiting.join().unwrap(), "b");
    });
    assert_eq!(stub.0.state(), Ready);
    servers.server("a").up();
    until(|| stub.0.links().len() == 2);
    until_shares(&stub, 10, &[share("a", 5), share("b", 5)]);
    servers.join(stub);
}

/// round_robin: an address that has failed counts as failed until it is READY, so that calls do not wait
/// for attempts that fail as the last ones did.
#[test]
fn attempts_after_a_failure_are_no_hope() {
    let servers = Servers::new(["a", "b"]);
    let stub = servers.stub(builder());
    let (sender, states) = channel();
    let subscription = stub.0.subscribe(move |state| sender.send(state).unwrap_or(()));
    assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
    until(|| servers.server("a").peers.connects() > 5 && servers.server("b").peers.connects() > 5);
    let expected = [Idle, Connecting, TransientFailure];
    let seen = expected.map(|_| states.recv_timeout(PATIENCE).unwrap());
    assert_eq!(seen, expected);
    assert!(states.try_recv().is_err());
    drop(subscription);
    servers.join(stub);
}

/// A server that takes connections and drops them is not connected to in a loop: once at once, and then
/// with the backoff.
#[test]
fn a_connection_that_is_lost_at_once_waits_for_the_backoff() {
    let servers = Servers::new(["a"]);
    let server = servers.server("a");
    (0..3).for_each(|_| server.up());
    let stub = servers.stub(builder().reconnect_backoff(HOUR, HOUR));
    stub.0.connect();
    for connects in 1..=2 {
        until(|| server.peers.connects() == connects && stub.0.state() == Ready);
        server.connected().cut();
    }
    until(|| stub.0.state() == TransientFailure);
    assert_eq!(server.peers.connects(), 2);
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.message(), "a: the connection was lost as soon as it was made");
    drop(stub);
}

/// A server that allows one call at a time, and answers each when it is told to.
fn one_at_a_time(server: &Server, tell: &Sender<(&'static str, Arc<Latch>)>) {
    let (name, tell) = (server.name, tell.clone());
    server.peers.add(move |peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        while let Some((stream, _)) = peer.request_or_end() {
            let gate = Arc::new(Latch::default());
            tell.send((name, gate.clone())).unwrap();
            assert!(gate.wait(None));
            peer.reply(stream, name);
        }
    });
}

/// gRFC A105: a call whose address allows no more calls takes another one that does; with all full it
/// queues, and takes the first that has room, be it an address that was connected to meanwhile.
#[test]
fn a_call_takes_the_address_that_has_room() {
    let servers = Servers::new(["a", "b", "c"]);
    let (tell, came) = channel();
    one_at_a_time(servers.server("a"), &tell);
    one_at_a_time(servers.server("b"), &tell);
    let stub = servers.stub(builder());
    until_links(&stub, 2);
    let next = || came.recv_timeout(PATIENCE).expect("a call has come");
    let queued = || stub.0.links().iter().map(|link| link.queued()).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let call = || scope.spawn(|| stub.unary(text("")).unwrap().into_inner());
        let (first, second) = (call(), call());
        let [(one, gate), (other, other_gate)] = [next(), next()];
        assert_ne!(one, other, "each allows one");
        let third = call();
        until(|| queued() == [1, 1]);
        let fourth = call();
        until(|| queued() == [2, 2]);
        assert!(came.try_recv().is_err());
        // An address that comes later takes the call that waits longest.
        one_at_a_time(servers.server("c"), &tell);
        let (name, late_gate) = next();
        assert_eq!(name, "c");
        gate.open();
        let (name, last_gate) = next();
        assert_eq!(name, one);
        [&other_gate, &late_gate, &last_gate].into_iter().for_each(|gate| gate.open());
        let mut names = [first, second, third, fourth].map(|call| call.join().unwrap());
        names.sort();
        let mut expected = [text("a"), text("b"), text("c"), text(one)];
        expected.sort();
        assert_eq!(names, expected);
    });
    assert_eq!(queued(), [0, 0, 0]);
    servers.join(stub);
}

/// `connections(n)` is for each address.
#[test]
fn each_address_may_have_several_connections() {
    let servers = Servers::new(["a", "b"]);
    for name in ["a", "b"] {
        for _ in 0..2 {
            servers.server(name).peers.add(Peer::until_closed);
        }
    }
    let stub = servers.stub(builder().connections(2));
    until_links(&stub, 2);
    let calls: Vec<_> = (0..8).map(|_| stub.pending(text("")).unwrap()).collect();
    until(|| stub.0.links().len() == 4);
    drop(calls);
    servers.join(stub);
}

/// A channel that nobody has called for its idle timeout gives up connecting; the next call begins anew.
#[test]
fn an_idle_channel_stops_connecting() {
    let servers = Servers::new(["a", "b"]);
    let mut builder = builder();
    builder.connection.idle_timeout = 20 * TICK;
    let stub = servers.stub(builder);
    stub.unary(text("")).unwrap_err();
    until(|| stub.0.state() == Idle);
    servers.server("a").up();
    assert_eq!(*stub.unary(Request::new(text("")).wait_for_ready()).unwrap(), "a");
    servers.join(stub);
}

/// Closing the channel ends all connections, all attempts and all calls.
#[test]
fn closing_ends_everything() {
    let servers = Servers::new(["a", "b"]);
    servers.server("a").peers.add(Peer::until_closed);
    let stub = servers.stub(builder().reconnect_backoff(HOUR, HOUR));
    let call = stub.pending(Request::new(text("")).wait_for_ready()).unwrap();
    stub.0.close();
    assert_eq!(call.wait().unwrap_err().code(), Code::Cancelled);
    assert_eq!(stub.unary(text("")).unwrap_err().message(), "the channel is closed");
    assert_eq!(stub.0.state(), Shutdown);
    assert!(stub.0.is_closed());
    stub.0.connect();
    assert_eq!(stub.0.state(), Shutdown);
    servers.join(stub);
}
