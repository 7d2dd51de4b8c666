//! gRFC A105: several connections of one channel.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use super::peer::{Peer, Script, build_against, build_behind};
use super::{Stub, text};
use crate::client::{Channel, ChannelBuilder, Request};
use crate::grpc::{Code, ConnectivityState};
use crate::http2::Reason;
use crate::transport::Latch;

const HOUR: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);

fn up_to(count: usize) -> ChannelBuilder {
    Channel::builder("memory").connections(count)
}

/// The calls that have come, on whichever connection, with what lets their peer answer them.
struct Calls {
    came: Receiver<(String, Arc<Latch>)>,
    tell: Sender<(String, Arc<Latch>)>,
}

impl Calls {
    fn new() -> Self {
        let (tell, came) = channel();
        Self { came, tell }
    }

    /// A peer that allows one call at a time, and answers each when it is told to.
    fn one_at_a_time(&self) -> Script {
        let tell = self.tell.clone();
        Box::new(move |peer| {
            peer.configure(|config| config.max_concurrent_streams = 1);
            while let Some((stream, message)) = peer.request_or_end() {
                let gate = Arc::new(Latch::default());
                tell.send((message.clone(), gate.clone())).unwrap();
                assert!(gate.wait(None));
                peer.reply(stream, &format!("re {message}"));
            }
        })
    }

    /// The next call.
    #[track_caller]
    fn next(&self) -> (String, Arc<Latch>) {
        self.came.recv_timeout(PATIENCE).expect("a call has come")
    }

    /// Whether no call has come that was not taken.
    fn is_quiet(&self) -> bool {
        self.came.try_recv().is_err()
    }
}

/// Whether as many calls as `count` wait for a stream at every connection of the channel: a call comes to
/// queue at one after the other.
fn are_queued(stub: &Stub, count: usize) -> bool {
    let links = stub.0.links();
    !links.is_empty() && links.iter().all(|link| link.queued() == count)
}

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        std::thread::yield_now();
    }
}

/// gRFC A105: calls beyond what the server allows on one connection take another one; those beyond
/// what it allows on all of them queue for whichever has room first, in order.
#[test]
fn a_call_takes_another_connection_before_it_queues() {
    let calls = Calls::new();
    let (stub, peers) = build_against(up_to(2), vec![calls.one_at_a_time(), calls.one_at_a_time()]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| stub.unary(text("a")).unwrap().into_inner());
        let (name, first_gate) = calls.next();
        assert_eq!(name, "a");
        let second = scope.spawn(|| stub.unary(text("b")).unwrap().into_inner());
        let (name, second_gate) = calls.next();
        assert_eq!(name, "b");
        assert_eq!(peers.connects(), 2);

        let third = scope.spawn(|| stub.unary(text("c")).unwrap().into_inner());
        until(|| are_queued(&stub, 1));
        let fourth = scope.spawn(|| stub.unary(text("d")).unwrap().into_inner());
        until(|| are_queued(&stub, 2));
        assert!(calls.is_quiet());
        // The connection that was made last has room first.
        second_gate.open();
        assert_eq!(second.join().unwrap(), "re b");
        let (name, gate) = calls.next();
        assert_eq!(name, "c");
        first_gate.open();
        assert_eq!(first.join().unwrap(), "re a");
        let (name, other_gate) = calls.next();
        assert_eq!(name, "d");
        gate.open();
        other_gate.open();
        assert_eq!(third.join().unwrap(), "re c");
        assert_eq!(fourth.join().unwrap(), "re d");
    });
    assert!(are_queued(&stub, 0));
    assert_eq!(peers.connects(), 2);
    drop(stub);
    peers.join();
}

/// By default a channel has one connection: the second call queues.
#[test]
fn a_channel_has_one_connection_unless_told_otherwise() {
    for builder in [Channel::builder("memory"), up_to(1), up_to(0)] {
        let calls = Calls::new();
        let (stub, peers) = build_against(builder, vec![calls.one_at_a_time()]);
        std::thread::scope(|scope| {
            let first = scope.spawn(|| stub.unary(text("a")).unwrap());
            let (_, gate) = calls.next();
            let second = scope.spawn(|| stub.unary(text("b")).unwrap());
            until(|| are_queued(&stub, 1));
            assert!(calls.is_quiet());
            gate.open();
            first.join().unwrap();
            calls.next().1.open();
            second.join().unwrap();
        });
        assert_eq!(peers.connects(), 1);
        drop(stub);
        peers.join();
    }
}

/// A call that has room goes on at once while another connection is being made, and one that queues
/// meanwhile takes that as soon as it is there.
#[test]
fn making_a_connection_holds_nobody_up() {
    let calls = Calls::new();
    let gate = Arc::new(Latch::default());
    let (closed, number) = (gate.clone(), std::sync::atomic::AtomicUsize::new(0));
    let two_at_a_time: Script = Box::new(|peer| {
        peer.configure(|config| config.max_concurrent_streams = 2);
        let (first, _) = peer.request();
        let (second, message) = peer.request();
        peer.reply(second, &format!("re {message}"));
        peer.request();
        peer.until_closed();
        let _open = first;
    });
    let scripts = vec![two_at_a_time, calls.one_at_a_time()];
    let (stub, peers) = build_behind(up_to(2), scripts, move |_| {
        if number.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            closed.wait(None);
        }
    });
    let first = stub.pending(text("a")).unwrap();
    assert_eq!(peers.connects(), 1);
    // The second connection is not there yet.
    assert_eq!(*stub.unary(text("b")).unwrap(), "re b");
    let third = stub.pending(text("c")).unwrap();
    std::thread::scope(|scope| {
        let fourth = scope.spawn(|| stub.unary(text("d")).unwrap());
        until(|| are_queued(&stub, 1));
        assert!(calls.is_quiet());
        gate.open();
        calls.next().1.open();
        assert_eq!(*fourth.join().unwrap(), "re d");
    });
    drop((first, third, stub));
    peers.join();
}

/// A call queues at a connection that comes later without having asked there, and is out of that queue
/// too once it has a stream elsewhere.
#[test]
fn a_call_leaves_the_queue_of_a_connection_that_came_later() {
    let calls = Calls::new();
    let gate = Arc::new(Latch::default());
    let (closed, number) = (gate.clone(), std::sync::atomic::AtomicUsize::new(0));
    let takes_none: Script = Box::new(|peer| {
        peer.configure(|config| config.max_concurrent_streams = 0);
        peer.until_closed();
    });
    let scripts = vec![calls.one_at_a_time(), takes_none];
    let (stub, peers) = build_behind(up_to(2), scripts, move |_| {
        if number.fetch_add(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            closed.wait(None);
        }
    });
    std::thread::scope(|scope| {
        let first = scope.spawn(|| stub.unary(text("a")).unwrap());
        let (_, first_gate) = calls.next();
        let second = scope.spawn(|| stub.unary(text("b")).unwrap());
        until(|| are_queued(&stub, 1));
        gate.open();
        until(|| stub.0.links().len() == 2 && are_queued(&stub, 1));
        first_gate.open();
        first.join().unwrap();
        let (_, second_gate) = calls.next();
        until(|| are_queued(&stub, 0));
        second_gate.open();
        second.join().unwrap();
    });
    drop(stub);
    peers.join();
}

/// Of two connections the one with fewer calls takes the next one, and one without any is enough.
#[test]
fn a_call_takes_the_connection_with_the_fewest_calls() {
    let takes_all = || -> Script { Box::new(Peer::until_closed) };
    let (stub, peers) = build_against(up_to(3), vec![takes_all(), takes_all(), takes_all()]);
    let calls = |expected: &[usize]| {
        let links = stub.0.links();
        let mut calls: Vec<_> = links.iter().map(|link| link.open_streams()).collect();
        calls.sort_unstable();
        assert_eq!(calls, expected);
    };
    let mut open = Vec::new();
    open.push(stub.pending(text("")).unwrap());
    calls(&[1]);
    // The first one that finds no connection without calls has another one made.
    open.push(stub.pending(text("")).unwrap());
    until(|| stub.0.links().len() == 2);
    calls(&[0, 2]);
    open.push(stub.pending(text("")).unwrap());
    calls(&[1, 2]);
    assert_eq!(stub.0.links().len(), 2);
    open.push(stub.pending(text("")).unwrap());
    until(|| stub.0.links().len() == 3);
    calls(&[0, 2, 2]);
    for expected in [[1, 2, 2], [2, 2, 2], [2, 2, 3]] {
        open.push(stub.pending(text("")).unwrap());
        calls(&expected);
    }
    assert_eq!(peers.connects(), 3);
    drop((open, stub));
    peers.join();
}

/// A connection that is lost takes its own calls along, leaves the channel READY, and is replaced when
/// another one is wanted; those who queue go on.
#[test]
fn a_lost_connection_of_several_is_replaced() {
    let calls = Calls::new();
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let is_cut: Script = Box::new(move |peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        peer.request();
        closed.wait(None);
        peer.knobs().cut();
    });
    let scripts = vec![calls.one_at_a_time(), is_cut, calls.one_at_a_time()];
    let (stub, peers) = build_against(up_to(2), scripts);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| stub.unary(text("a")).unwrap());
        let (_, first_gate) = calls.next();
        let second = scope.spawn(|| stub.unary(text("b")).unwrap_err());
        until(|| stub.0.links().iter().map(|link| link.open_streams()).sum::<usize>() == 2);
        let third = scope.spawn(|| stub.unary(text("c")).unwrap());
        until(|| are_queued(&stub, 1));
        gate.open();
        assert_eq!(second.join().unwrap().code(), Code::Unavailable);
        assert_eq!(stub.0.state(), ConnectivityState::Ready);
        let (name, third_gate) = calls.next();
        assert_eq!((&*name, peers.connects()), ("c", 3));
        third_gate.open();
        assert_eq!(*third.join().unwrap(), "re c");
        first_gate.open();
        assert_eq!(*first.join().unwrap(), "re a");
    });
    drop(stub);
    peers.join();
}

/// GOAWAY on one connection: its calls go on, later ones are made on others, and the channel is READY
/// as long as there is any.
#[test]
fn goaway_of_one_connection_leaves_the_others() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let stays: Script = Box::new(|peer| {
        let (stream, _) = peer.request();
        let (other, message) = peer.request();
        peer.reply(other, &format!("re {message}"));
        peer.reply(stream, "first");
        peer.until_closed();
    });
    let goes: Script = Box::new(move |peer| {
        let (stream, _) = peer.request();
        closed.wait(None);
        peer.core().go_away(Reason::NO_ERROR);
        peer.flush();
        peer.reply(stream, "old");
        peer.until_closed();
    });
    let (stub, peers) = build_against(up_to(2), vec![stays, goes]);
    let first = stub.pending(text("a")).unwrap();
    stub.0.connect();
    until(|| stub.0.links().len() == 2);
    let second = stub.pending(text("b")).unwrap();
    gate.open();
    assert_eq!(*second.wait().unwrap(), "old");
    until(|| stub.0.links().len() == 1);
    assert_eq!(stub.0.state(), ConnectivityState::Ready);
    assert_eq!(*stub.unary(text("c")).unwrap(), "re c");
    assert_eq!(*first.wait().unwrap(), "first");
    drop(stub);
    peers.join();
}

/// A failure to make another connection ends no call and changes nothing about the channel; the next
/// attempt waits for the backoff.
#[test]
fn a_failure_to_make_another_connection_is_nobodys() {
    let calls = Calls::new();
    let builder = up_to(2).reconnect_backoff(HOUR, HOUR);
    let (stub, peers) = build_against(builder, vec![calls.one_at_a_time()]);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| stub.unary(text("a")).unwrap());
        let (_, first_gate) = calls.next();
        let second = scope.spawn(|| stub.unary(text("b")).unwrap());
        until(|| are_queued(&stub, 1) && peers.connects() == 2);
        let third = scope.spawn(|| stub.unary(Request::new(text("c")).wait_for_ready()).unwrap());
        until(|| are_queued(&stub, 2));
        assert_eq!(stub.0.state(), ConnectivityState::Ready);
        first_gate.open();
        first.join().unwrap();
        calls.next().1.open();
        second.join().unwrap();
        calls.next().1.open();
        third.join().unwrap();
    });
    assert_eq!(peers.connects(), 2);
    drop(stub);
    peers.join();
}

/// Queueing at several connections counts against the deadline, and leaves nothing in their queues.
#[test]
fn queueing_at_several_connections_ends_at_the_deadline() {
    let calls = Calls::new();
    let (stub, peers) = build_against(up_to(2), vec![calls.one_at_a_time(), calls.one_at_a_time()]);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..2)
            .map(|_| {
                let call = scope.spawn(|| stub.unary(text("a")).unwrap());
                (call, calls.next().1)
            })
            .collect();
        let request = Request::new(text("b")).timeout(Duration::from_millis(20));
        assert_eq!(stub.unary(request).unwrap_err().code(), Code::DeadlineExceeded);
        assert!(are_queued(&stub, 0));
        running.into_iter().for_each(|(call, gate)| {
            gate.open();
            call.join().unwrap();
        });
    });
    drop(stub);
    peers.join();
}

/// Closing ends the calls on all connections, those that queue, and the attempt to make another one.
#[test]
fn closing_ends_all_connections() {
    let calls = Calls::new();
    let gate = Arc::new(Latch::default());
    let (closed, number) = (gate.clone(), std::sync::atomic::AtomicUsize::new(0));
    let takes_one = || -> Script {
        Box::new(|peer| {
            peer.configure(|config| config.max_concurrent_streams = 1);
            peer.until_closed();
            assert_eq!(peer.farewell(), Some(Reason::NO_ERROR));
        })
    };
    let (stub, peers) = build_behind(up_to(3), vec![takes_one(), takes_one()], move |_| {
        if number.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 2 {
            closed.wait(None);
        }
    });
    let first = stub.pending(text("a")).unwrap();
    let second = stub.pending(text("b")).unwrap();
    std::thread::scope(|scope| {
        let queued_call = scope.spawn(|| stub.unary(text("c")).unwrap_err());
        until(|| are_queued(&stub, 1));
        stub.0.close();
        assert_eq!(queued_call.join().unwrap().code(), Code::Cancelled);
    });
    assert_eq!(first.wait().unwrap_err().code(), Code::Cancelled);
    assert_eq!(second.wait().unwrap_err().code(), Code::Cancelled);
    assert_eq!(stub.0.state(), ConnectivityState::Shutdown);
    assert!(stub.0.links().is_empty() && calls.is_quiet());
    gate.open();
    drop(stub);
    peers.join();
}

/// Each connection is closed on its own when it had no call for the idle timeout, the others go on.
#[test]
fn an_idle_connection_of_several_is_closed() {
    let mut builder = up_to(2);
    builder.connection.idle_timeout = Duration::from_millis(100);
    let takes_all = || -> Script { Box::new(Peer::until_closed) };
    let answers: Script = Box::new(|peer| {
        let (stream, _) = peer.request();
        peer.reply(stream, "");
        peer.until_closed();
    });
    let (stub, peers) = build_against(builder, vec![takes_all(), answers]);
    let first = stub.pending(text("a")).unwrap();
    stub.0.connect();
    until(|| stub.0.links().len() == 2);
    stub.unary(text("b")).unwrap();
    until(|| stub.0.links().len() == 1);
    assert_eq!(stub.0.state(), ConnectivityState::Ready);
    assert!(format!("{:?}", stub.0).contains("connections: [Link("));
    drop((first, stub));
    peers.join();
}

/// Those who ask for the state of a channel see READY as long as there is a connection, and IDLE when
/// the last one has gone.
#[test]
fn the_last_connection_takes_readiness_along() {
    let gates: Vec<Arc<Latch>> = (0..2).map(|_| Arc::default()).collect();
    let leaves = |gate: &Arc<Latch>| -> Script {
        let gate = gate.clone();
        Box::new(move |peer| {
            peer.request();
            gate.wait(None);
        })
    };
    let (stub, peers) = build_against(up_to(2), gates.iter().map(leaves).collect());
    let first = stub.pending(text("a")).unwrap();
    stub.0.connect();
    until(|| stub.0.links().len() == 2);
    let second = stub.pending(text("b")).unwrap();
    gates[0].open();
    assert_eq!(first.wait().unwrap_err().code(), Code::Unavailable);
    until(|| stub.0.links().len() == 1);
    assert_eq!(stub.0.state(), ConnectivityState::Ready);
    gates[1].open();
    assert_eq!(second.wait().unwrap_err().code(), Code::Unavailable);
    let next = stub.0.wait_for_state_change(ConnectivityState::Ready, PATIENCE);
    assert_eq!(next, Some(ConnectivityState::Idle));
    drop(stub);
    peers.join();
}
