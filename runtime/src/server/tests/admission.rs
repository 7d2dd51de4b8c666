//! Which calls a server lets in: full pools, lanes, and how many calls and connections there may be.

use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::support::{PATIENCE, Peer, Response, Setup, Talk, TestServer};
use crate::http2::StreamId;
use crate::server::{CONNECTIONS_PRUNE_MIN, DetachedSink, Lane, Server};
use crate::transport::{Address, FullPool, lock, now};

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";

/// A unary method that says when it runs and waits until it is let go.
struct Held {
    started: Receiver<String>,
    go_on: Sender<()>,
}

fn held() -> (Talk, Held) {
    let (start, started) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let talk = Talk::unary(move |request, _| {
        start.send(request.clone()).unwrap();
        // An error: the test is over.
        let _ = gate.lock().unwrap().recv();
        Ok(request)
    });
    (talk, Held { started, go_on })
}

impl Held {
    /// Lets one method return.
    fn release(&self) {
        self.go_on.send(()).unwrap();
    }

    fn next_started(&self) -> String {
        self.started.recv_timeout(PATIENCE).unwrap()
    }
}

fn begin(peer: &mut Peer, request: &str) -> StreamId {
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, request, true);
    stream
}

/// RESOURCE_EXHAUSTED before the method ran, with the time after which it makes sense to try again.
#[track_caller]
fn assert_busy(response: &Response, words: &str) {
    let (code, message) = response.status();
    assert_eq!(code, "8", "{message}");
    assert!(message.contains(words), "{message}");
    assert!(response.is_trailers_only());
    assert_eq!(response.trailer("grpc-retry-pushback-ms"), Some("1000"));
}

/// `Reject`: a call that finds all workers busy ends at once, and the client learns when to come
/// back.
#[test]
fn a_full_pool_that_rejects_queues_nothing() {
    let (talk, held) = held();
    let server = Setup::new(talk).full_pool(2, FullPool::Reject).start();
    let mut peer = server.connect();
    let running = [begin(&mut peer, "a"), begin(&mut peer, "b")];
    held.next_started();
    held.next_started();
    let refused = begin(&mut peer, "refused");
    assert_busy(&peer.response(refused), "every worker is busy");
    running.iter().for_each(|_| held.release());
    running.iter().for_each(|stream| assert_eq!(peer.response(*stream).status().0, "0"));
    drop(server);
    assert!(held.started.recv().is_err(), "the refused call has started");
}

/// `Grow`: more workers than the ordinary number start, up to the maximum and not beyond.
#[test]
fn a_full_pool_that_grows_starts_workers_up_to_its_maximum() {
    let (talk, held) = held();
    let server = Setup::new(talk).full_pool(1, FullPool::Grow { max: 3 }).start();
    let mut peer = server.connect();
    let running = ["a", "b", "c"].map(|request| begin(&mut peer, request));
    running.iter().for_each(|_| drop(held.next_started()));
    let refused = begin(&mut peer, "refused");
    assert_busy(&peer.response(refused), "every worker is busy");
    running.iter().for_each(|_| held.release());
    running.iter().for_each(|stream| assert_eq!(peer.response(*stream).status().0, "0"));
}

/// `Queue`: a call that has waited for as long as it may ends, though every worker is still busy,
/// and its method never runs. Those behind it have their own time.
#[test]
fn a_call_waits_for_a_worker_no_longer_than_it_may() {
    let (talk, held) = held();
    let full = FullPool::Queue { max: 8, max_wait: Duration::from_millis(5) };
    let server = Setup::new(talk).full_pool(1, full).start();
    let mut peer = server.connect();
    let running = begin(&mut peer, "running");
    held.next_started();
    for _ in 0..3 {
        let late = begin(&mut peer, "late");
        assert_busy(&peer.response(late), "no worker was free");
    }
    held.release();
    assert_eq!(peer.response(running).messages(), ["running"]);
    drop(server);
    assert!(held.started.recv().is_err(), "a call that waited too long has started");
}

/// A call that is over takes no place in the queue: the next one finds room there.
#[test]
fn a_call_that_is_over_leaves_its_place_in_the_queue() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 1).start();
    let mut peer = server.connect();
    let running = begin(&mut peer, "running");
    held.next_started();
    let cancelled = begin(&mut peer, "cancelled");
    peer.reset(cancelled);
    let waiting = begin(&mut peer, "waiting");
    let refused = begin(&mut peer, "refused");
    assert_busy(&peer.response(refused), "as many calls wait as may, 1");
    held.release();
    held.release();
    assert_eq!(peer.response(running).messages(), ["running"]);
    assert_eq!(peer.response(waiting).messages(), ["waiting"]);
    assert_eq!(held.next_started(), "waiting");
}

/// `max_concurrent_rpcs`, as grpcio's `maximum_concurrent_rpcs`: calls that wait for a worker count,
/// a call beyond the maximum is RESOURCE_EXHAUSTED, and one that has ended makes room.
#[test]
fn more_calls_than_may_be_at_once_are_resource_exhausted() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 8).max_concurrent_rpcs(2).start();
    let mut peer = server.connect();
    let running = begin(&mut peer, "running");
    held.next_started();
    let waiting = begin(&mut peer, "waiting");
    // Answered without a worker, behind the call that waits: that one has been let in.
    assert_eq!(peer.call("/test.Nobody/Unary", &[], "").status().0, "12");
    let mut other = server.connect();
    let refused = begin(&mut other, "refused");
    assert_busy(&other.response(refused), "as many calls as it may, 2");
    held.release();
    assert_eq!(peer.response(running).messages(), ["running"]);
    let let_in = begin(&mut other, "let in");
    held.release();
    held.release();
    assert_eq!(peer.response(waiting).messages(), ["waiting"]);
    assert_eq!(other.response(let_in).messages(), ["let in"]);
}

/// A client that has its response may call again at once: the place was given back before.
#[test]
fn calls_one_after_the_other_always_find_the_only_place() {
    let server = Setup::new(Talk::echo()).max_concurrent_rpcs(1).start();
    let mut peer = server.connect();
    for _ in 0..200 {
        assert_eq!(peer.call(UNARY, &[], "x").status(), ("0", ""));
    }
}

/// A call that was cancelled in the queue holds no place, whether or not a worker has found it.
#[test]
fn a_call_cancelled_in_the_queue_gives_its_place_back() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 8).max_concurrent_rpcs(2).start();
    let mut peer = server.connect();
    let running = begin(&mut peer, "running");
    held.next_started();
    let cancelled = begin(&mut peer, "cancelled");
    peer.reset(cancelled);
    let waiting = begin(&mut peer, "waiting");
    // Answered without a worker: what came before it has been read.
    assert_eq!(peer.call("/test.Nobody/Get", &[], "").status().0, "12");
    held.release();
    held.release();
    assert_eq!(peer.response(running).messages(), ["running"]);
    assert_eq!(peer.response(waiting).messages(), ["waiting"]);
}

/// A detached sink keeps its call's place, though no worker, until it is finished.
#[test]
fn a_detached_sink_keeps_the_place_of_its_call() {
    let (give, given) = mpsc::channel::<DetachedSink<String>>();
    let talk = Talk::list(move |_, replies, _| {
        give.send(replies.detach()).unwrap();
        Ok(())
    });
    // The second call waits for the worker behind the first one's method, so that has returned.
    let server = Setup::new(talk).workers(1, 8).max_concurrent_rpcs(2).start();
    let mut peer = server.connect();
    let list = |peer: &mut Peer| {
        let stream = peer.open(LIST, &[], false);
        peer.send(stream, "", true);
        stream
    };
    let streams = [list(&mut peer), list(&mut peer)];
    let sinks = [given.recv().unwrap(), given.recv().unwrap()];
    let refused = list(&mut peer);
    assert_busy(&peer.response(refused), "as many calls as it may, 2");
    for (sink, stream) in sinks.into_iter().zip(streams) {
        sink.finish(Ok(()));
        assert_eq!(peer.response(stream).status(), ("0", ""));
    }
    let let_in = list(&mut peer);
    given.recv().unwrap().finish(Ok(()));
    assert_eq!(peer.response(let_in).status(), ("0", ""));
}

/// Calls of a lane never wait for workers of another: one answers while all others are blocked, and
/// a full lane leaves the others alone.
#[test]
fn a_lane_has_workers_of_its_own() {
    let (talk, held) = held();
    let lane = Lane::new("lists").serves(LIST).full_pool(FullPool::Reject);
    let server = Setup::new(talk).full_pool(1, FullPool::Reject).lane(lane).start();
    let mut peer = server.connect();
    let running = begin(&mut peer, "running");
    held.next_started();
    // The method is not written, which is an answer by a worker.
    assert_eq!(peer.call(LIST, &[], "").status().0, "12");
    let refused = begin(&mut peer, "refused");
    assert_busy(&peer.response(refused), "every worker is busy");
    held.release();
    assert_eq!(peer.response(running).messages(), ["running"]);
}

/// `max_connections`: a connection beyond the maximum is closed at once, and the end of one makes
/// room.
#[test]
fn more_connections_than_may_be_are_closed() {
    let server = Setup::new(Talk::echo()).max_connections(2).start();
    let mut first = server.connect();
    let mut second = server.connect();
    assert_eq!(first.call(UNARY, &[], "x").messages(), ["x"]);
    server.connect().until_closed();
    assert_eq!(second.call(UNARY, &[], "x").messages(), ["x"]);
    first.cut();
    let until = now() + PATIENCE;
    while !is_let_in(&server) {
        assert!(now() < until, "the place of a lost connection stays taken");
    }
}

fn is_let_in(server: &TestServer) -> bool {
    server.connect().calls(UNARY)
}

/// What is left of connections that have ended is removed, though no new ones come: a server of many
/// clients would hold kilobytes for each that has gone.
#[test]
fn ended_connections_are_forgotten() {
    let server = Server::builder().bind("127.0.0.1:0").unwrap().start().unwrap();
    let known = || lock(&server.connections).links.len();
    let [Address::Tcp(address)] = server.local_addresses() else { panic!("one address") };
    let sockets: Vec<_> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
    let until = now() + PATIENCE;
    while known() < sockets.len() {
        assert!(now() < until, "{} connections, expected {}", known(), sockets.len());
        std::thread::yield_now();
    }
    drop(sockets);
    while known() > 2 * CONNECTIONS_PRUNE_MIN {
        assert!(now() < until, "{} are left of connections that have ended", known());
        std::thread::yield_now();
    }
}
