//! gRPC's connectivity semantics and connection backoff; closing, idleness and keepalive of a
//! channel.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::peer::{Peer, Peers, Script, build_against, build_behind, script, stub_against};
use super::{Stub, text};
use crate::client::{Channel, Request};
use crate::grpc::{Code, ConnectivityState};
use crate::http2::Reason;
use crate::transport::connectivity::ConnectivitySubscription;
use crate::transport::memory;
use crate::transport::wire::Wire;
use crate::transport::{Dial, Latch, now};
use ConnectivityState::{Connecting, Idle, Ready, Shutdown, TransientFailure};

const TICK: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);

/// Answers one call.
fn answer(peer: &mut Peer) {
    let (stream, message) = peer.request();
    peer.reply(stream, &format!("re {message}"));
}

/// What a subscriber of the channel is told.
struct States(Receiver<ConnectivityState>, #[allow(dead_code)] ConnectivitySubscription);

impl States {
    fn of(stub: &Stub) -> Self {
        let (sender, states) = channel();
        // The test may have seen enough.
        let subscription = stub.0.subscribe(move |state| sender.send(state).unwrap_or(()));
        Self(states, subscription)
    }

    #[track_caller]
    fn expect(&self, expected: &[ConnectivityState]) {
        for state in expected {
            assert_eq!(self.0.recv_timeout(PATIENCE).as_ref(), Ok(state));
        }
    }
}

/// Connectivity semantics: IDLE until a call wants a connection, CONNECTING until the server's
/// SETTINGS, READY until the connection is lost, SHUTDOWN once it is closed.
#[test]
fn a_channel_goes_through_its_states() {
    let (stub, peers) = stub_against(vec![Box::new(answer), Box::new(Peer::until_closed)]);
    let states = States::of(&stub);
    states.expect(&[Idle]);
    assert_eq!(stub.0.state(), Idle);
    assert_eq!(*stub.unary(text("a")).unwrap(), "re a");
    // The script has ended, and with it the connection.
    states.expect(&[Connecting, Ready, Idle]);
    stub.0.connect();
    states.expect(&[Connecting, Ready]);
    stub.0.connect();
    assert_eq!(stub.0.state(), Ready);
    stub.0.close();
    states.expect(&[Shutdown]);
    assert_eq!(stub.0.state(), Shutdown);
    stub.0.connect();
    assert_eq!(stub.0.wait_for_state_change(Shutdown, TICK), None);
    peers.join();
}

/// The end of a channel by its last clone is SHUTDOWN too, for those who have subscribed.
#[test]
fn dropping_the_channel_is_shutdown() {
    let (stub, _) = stub_against(Vec::new());
    let states = States::of(&stub);
    drop(stub);
    states.expect(&[Idle, Shutdown]);
}

/// A channel is READY only after the server's SETTINGS: a socket that is open proves nothing.
#[test]
fn ready_needs_the_settings_of_the_server() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let (stub, peers) = stub_against(script(move |peer| {
        closed.wait(None);
        peer.until_closed();
    }));
    stub.0.connect();
    peers.until_connected();
    assert_eq!(stub.0.state(), Connecting);
    gate.open();
    assert_eq!(stub.0.wait_for_state_change(Connecting, PATIENCE), Some(Ready));
    stub.0.close();
    peers.join();
}

/// Connectivity semantics: after a failure the channel connects again by itself, once the backoff is
/// over.
#[test]
fn a_failed_attempt_is_followed_by_another() {
    let builder = Channel::builder("memory").reconnect_backoff(TICK, TICK);
    let (stub, peers) = build_against(builder, Vec::new());
    let states = States::of(&stub);
    stub.0.connect();
    states.expect(&[Idle, Connecting, TransientFailure, Connecting, TransientFailure]);
    peers.add(Peer::until_closed);
    while stub.0.state() != Ready {
        let state = stub.0.state();
        let _other = stub.0.wait_for_state_change(state, PATIENCE);
    }
    stub.0.wait_until_ready(PATIENCE).unwrap();
    stub.0.close();
    peers.join();
}

/// A channel that nobody has called for its idle timeout gives up connecting and is IDLE.
#[test]
fn an_idle_channel_stops_connecting() {
    let mut builder = Channel::builder("memory").reconnect_backoff(TICK, TICK);
    builder.connection.idle_timeout = TICK / 2;
    let (stub, peers) = build_against(builder, Vec::new());
    let states = States::of(&stub);
    stub.0.connect();
    states.expect(&[Idle, Connecting, TransientFailure, Idle]);
    assert_eq!(peers.connects(), 1);
}

/// gRPC's connection backoff: an attempt has as much time as the wait that would follow it, if that
/// is more than the timeout.
#[test]
fn an_attempt_has_as_much_time_as_the_backoff() {
    let builder = Channel::builder("memory").connect_timeout(TICK).reconnect_backoff(HOUR, HOUR);
    let (stub, _) = build_behind(builder, Vec::new(), |until| {
        let left = until.unwrap() - now();
        assert!(left > HOUR / 2 && left < 2 * HOUR, "{left:?}");
    });
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.message(), "connect to memory: connection refused");
}

/// gRPC's connection backoff: a socket that opens ends no series of failures; the server's SETTINGS
/// do.
#[test]
fn the_backoff_starts_again_with_the_settings_and_not_with_the_socket() {
    let peers = Peers::default();
    let (tell, failures) = channel();
    let dial = peers.clone();
    let connect = move |attempt: Dial| -> io::Result<Box<dyn Wire>> {
        tell.send(attempt.failures).unwrap();
        match attempt.failures {
            // A wire that opens, and ends before anything has come.
            0 | 1 => Ok(Box::new(memory::pair().0)),
            _ => dial.connect(),
        }
    };
    let builder = Channel::builder("memory").reconnect_backoff(TICK, TICK);
    let connect = Box::new(connect);
    let stub = Stub(builder.build_with(text("memory"), text("localhost"), connect).unwrap());
    peers.add(answer);
    let request = || Request::new(text("a")).wait_for_ready().timeout(PATIENCE);
    assert_eq!(*stub.unary(request()).unwrap(), "re a");
    // The script has ended, and with it the connection.
    while stub.0.state() == Ready {
        let _other = stub.0.wait_for_state_change(Ready, PATIENCE);
    }
    peers.add(answer);
    assert_eq!(*stub.unary(request()).unwrap(), "re a");
    let failures: Vec<usize> = failures.try_iter().collect();
    assert_eq!(failures, [0, 1, 2, 0, 1, 2]);
    drop(stub);
    peers.join();
}

/// gRFC A8: keepalive is off unless it is asked for; a PING has 20 seconds to be answered, and none
/// is sent without calls.
#[test]
fn keepalive_of_a_channel_has_the_defaults_of_grpc() {
    let options = Channel::builder("memory").connection;
    assert_eq!(options.keepalive_time, None);
    assert_eq!(options.keepalive_timeout, Duration::from_secs(20));
    assert!(!options.keepalive_without_calls);
    let asked = Channel::builder("memory").keepalive_time(TICK).connection;
    assert_eq!(asked.keepalive_time, Some(Duration::from_secs(10)), "the least time");
}

/// A channel that closes says GOAWAY with NO_ERROR before it hangs up.
#[test]
fn a_channel_that_closes_says_goaway() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        peer.reply(stream, "");
        peer.until_closed();
        assert_eq!(peer.farewell(), Some(Reason::NO_ERROR));
    }));
    stub.unary(text("")).unwrap();
    stub.0.close();
    peers.join();
}

/// GOAWAY leaves the channel IDLE at once, while calls on the old connection go on.
#[test]
fn goaway_leaves_the_channel_idle() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let first: Script = Box::new(move |peer| {
        let (stream, _) = peer.request();
        peer.core().go_away(Reason::NO_ERROR);
        peer.flush();
        closed.wait(None);
        peer.reply(stream, "old");
        peer.until_closed();
    });
    let (stub, peers) = stub_against(vec![first, Box::new(answer)]);
    let states = States::of(&stub);
    let old = stub.pending(text("a")).unwrap();
    states.expect(&[Idle, Connecting, Ready, Idle]);
    assert_eq!(*stub.unary(text("b")).unwrap(), "re b");
    gate.open();
    assert_eq!(*old.wait().unwrap(), "old");
    drop(stub);
    peers.join();
}

/// A closed channel ends its calls with CANCELLED, on whichever connection, and takes no others.
#[test]
fn closing_cancels_every_call() {
    let goes_away = |peer: &mut Peer| {
        peer.head();
        peer.core().go_away(Reason::NO_ERROR);
        peer.flush();
        peer.until_closed();
    };
    let takes_one = |peer: &mut Peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        peer.until_closed();
    };
    let (stub, peers) = stub_against(vec![Box::new(goes_away), Box::new(takes_one)]);
    let states = States::of(&stub);
    let old = stub.pending(text("a")).unwrap();
    states.expect(&[Idle, Connecting, Ready, Idle]);
    let new = stub.pending(text("b")).unwrap();
    let expected = "CANCELLED: the channel is closed";
    std::thread::scope(|scope| {
        let queued = scope.spawn(|| stub.unary(text("c")).unwrap_err().to_string());
        stub.0.close();
        assert_eq!(queued.join().unwrap(), expected);
    });
    assert_eq!(old.wait().unwrap_err().to_string(), expected);
    assert_eq!(new.wait().unwrap_err().to_string(), expected);
    let request = Request::new(text("d")).wait_for_ready();
    assert_eq!(stub.unary(request).unwrap_err().to_string(), expected);
    assert_eq!(stub.0.wait_until_ready(HOUR).unwrap_err().to_string(), expected);
    peers.join();
}

/// Closing ends the wait for a connection, though nothing ends the attempt before its time.
#[test]
fn closing_ends_the_wait_for_a_connection() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let (stub, peers) = build_behind(Channel::builder("memory"), Vec::new(), move |_| {
        closed.wait(None);
    });
    let states = States::of(&stub);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| stub.unary(text("")).unwrap_err());
        states.expect(&[Idle, Connecting]);
        stub.0.close();
        assert_eq!(waiting.join().unwrap().code(), Code::Cancelled);
    });
    gate.open();
    peers.join();
}

/// Closing ends the wait for the end of the backoff.
#[test]
fn closing_ends_the_wait_for_the_backoff() {
    let builder = Channel::builder("memory").reconnect_backoff(HOUR, HOUR);
    let (stub, _) = build_against(builder, Vec::new());
    assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
    std::thread::scope(|scope| {
        let request = Request::new(text("")).wait_for_ready();
        let waiting = scope.spawn(|| stub.unary(request).unwrap_err());
        stub.0.close();
        assert_eq!(waiting.join().unwrap().code(), Code::Cancelled);
    });
}

/// A channel without calls closes its connection after the idle timeout; the next call makes
/// another one.
#[test]
fn an_idle_channel_closes_its_connection() {
    let mut builder = Channel::builder("memory");
    // Longer than a slow machine takes from the connection to the call.
    builder.connection.idle_timeout = 100 * TICK;
    let once = |peer: &mut Peer| {
        answer(peer);
        peer.until_closed();
    };
    let (stub, peers) = build_against(builder, vec![Box::new(once), Box::new(once)]);
    let states = States::of(&stub);
    assert_eq!(*stub.unary(text("a")).unwrap(), "re a");
    states.expect(&[Idle, Connecting, Ready, Idle]);
    assert_eq!(*stub.unary(text("b")).unwrap(), "re b");
    states.expect(&[Connecting, Ready, Idle]);
    peers.join();
}

/// gRFC A8: calls to a server that does not answer the keepalive PING are UNAVAILABLE.
#[test]
fn a_silent_server_is_given_up() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let mut builder = Channel::builder("memory");
    builder.connection.keepalive_time = Some(10 * TICK);
    builder.connection.keepalive_timeout = 10 * TICK;
    let (stub, peers) = build_against(
        builder,
        script(move |peer| {
            peer.request();
            closed.wait(None);
        }),
    );
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    let words = "peer sent nothing in time after a keepalive PING";
    assert!(status.message().ends_with(words), "{status}");
    gate.open();
    drop(stub);
    peers.join();
}

/// gRFC A8: a server that complains of too many PINGs has the next connection send half as many;
/// any other GOAWAY changes nothing.
#[test]
fn a_complaint_doubles_the_keepalive_time() {
    let leaves = |peer: &mut Peer, reason: Reason, debug: &[u8]| {
        answer(peer);
        let length = 8 + debug.len() as u8;
        let head = [0, 0, length, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, reason.0 as u8];
        peer.raw(&[&head[..], debug].concat());
        peer.until_closed();
    };
    let calm = Reason::ENHANCE_YOUR_CALM;
    let builder = Channel::builder("memory").keepalive_time(TICK);
    let scripts: Vec<Script> = vec![
        Box::new(move |peer| leaves(peer, calm, b"too_many_pings")),
        Box::new(move |peer| leaves(peer, calm, b"too_many_resets")),
        Box::new(move |peer| leaves(peer, Reason::NO_ERROR, b"too_many_pings")),
        Box::new(move |peer| leaves(peer, calm, b"too_many_pings")),
    ];
    let (stub, peers) = build_against(builder, scripts);
    let states = States::of(&stub);
    states.expect(&[Idle]);
    let times = [(); 4].map(|()| {
        stub.unary(text("")).unwrap();
        states.expect(&[Connecting, Ready, Idle]);
        stub.0.keepalive_time().unwrap().as_secs()
    });
    assert_eq!(times, [20, 20, 20, 40], "the least keepalive time is 10 s");
    drop(stub);
    peers.join();
}
