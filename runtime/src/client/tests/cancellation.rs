//! A cancellation that is made before its calls ends them at whatever stage they are.

use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use super::peer::{Peer, Script, build_against, build_behind, script, stub_against};
use super::{Stub, text};
use crate::client::{Channel, Request, RetryPolicy};
use crate::grpc::{Code, ConnectivityState, Status};
use crate::http2::Reason;
use crate::transport::cancellation::Cancellation;
use crate::transport::{Latch, now};

const HOUR: Duration = Duration::from_secs(3600);

fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::yield_now();
    }
}

fn request(cancellation: &Cancellation) -> Request<String> {
    Request::new(text("cancelled")).cancellation(cancellation)
}

/// Whether the call that `caller` waits for was cancelled.
#[track_caller]
fn expect_cancelled(caller: ScopedJoinHandle<'_, Status>) {
    let status = caller.join().unwrap();
    assert_eq!(status.to_string(), "CANCELLED: cancelled by the caller");
}

fn queued(stub: &Stub) -> usize {
    stub.0.links().iter().map(|link| link.queued()).max().unwrap_or(0)
}

/// Takes one call at a time, and answers it when `gate` is open.
fn one_at_a_time(gate: &Arc<Latch>) -> Script {
    let gate = gate.clone();
    Box::new(move |peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        let (stream, message) = peer.request();
        gate.wait(None);
        peer.reply(stream, &format!("re {message}"));
        peer.until_closed();
    })
}

/// A call that queues for a stream is cancelled there; the one that has the stream goes on.
#[test]
fn a_call_that_queues_is_cancelled() {
    for connections in 1..=2 {
        let gate = Arc::new(Latch::default());
        let scripts = (0..connections).map(|_| one_at_a_time(&gate)).collect();
        let builder = Channel::builder("memory").connections(connections);
        let (stub, peers) = build_against(builder, scripts);
        let running: Vec<_> = (0..connections).map(|_| stub.pending(text("a")).unwrap()).collect();
        let cancellation = Cancellation::new();
        thread::scope(|scope| {
            let caller = scope.spawn(|| stub.unary(request(&cancellation)).unwrap_err());
            let beginning = scope.spawn(|| stub.chat(Request::new(()).cancellation(&cancellation)));
            until(|| queued(&stub) == 2);
            cancellation.cancel();
            expect_cancelled(caller);
            assert_eq!(beginning.join().unwrap().unwrap_err().code(), Code::Cancelled);
        });
        assert_eq!(queued(&stub), 0);
        gate.open();
        for call in running {
            assert_eq!(*call.wait().unwrap(), "re a");
        }
        drop(stub);
        peers.join();
    }
}

/// A call that waits for a connection is cancelled, be it that one is being made or that the last
/// attempt has failed.
#[test]
fn a_call_that_waits_for_readiness_is_cancelled() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let connecting = build_behind(Channel::builder("memory"), Vec::new(), move |_| {
        closed.wait(None);
    });
    let builder = Channel::builder("memory").reconnect_backoff(HOUR, HOUR);
    let failed = build_against(builder, Vec::new());
    failed.0.unary(text("")).unwrap_err();
    for ((stub, _), state) in
        [(connecting, ConnectivityState::Connecting), (failed, ConnectivityState::TransientFailure)]
    {
        let cancellation = Cancellation::new();
        thread::scope(|scope| {
            let caller =
                scope.spawn(|| stub.unary(request(&cancellation).wait_for_ready()).unwrap_err());
            until(|| stub.0.state() == state);
            cancellation.cancel();
            expect_cancelled(caller);
        });
    }
    gate.open();
}

/// A call that waits to be sent again is cancelled, and so is one that queues to be sent again.
#[test]
fn a_call_that_is_sent_again_is_cancelled() {
    let policy = RetryPolicy::new([Code::Unavailable]).initial_backoff(HOUR).max_backoff(HOUR);
    let failed = Arc::new(Latch::default());
    let told = failed.clone();
    let fails = script(move |peer| {
        let (stream, _) = peer.request();
        peer.send_only(
            stream,
            &[(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14")],
        );
        told.open();
        peer.until_closed();
    });
    let (stub, peers) = build_against(Channel::builder("memory").retry_policy(policy), fails);
    let cancellation = Cancellation::new();
    thread::scope(|scope| {
        let caller = scope.spawn(|| stub.unary(request(&cancellation)).unwrap_err());
        failed.wait(None);
        cancellation.cancel();
        expect_cancelled(caller);
    });
    drop(stub);
    peers.join();

    let gates = [Arc::new(Latch::default()), Arc::new(Latch::default())];
    let [refuses, replies] = gates.clone();
    let (stub, peers) = stub_against(script(move |peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        let (first, _) = peer.request();
        refuses.wait(None);
        peer.refuse(first);
        let (second, message) = peer.request();
        assert_eq!(message, "next");
        replies.wait(None);
        peer.reply(second, "re next");
        peer.until_closed();
    }));
    let cancellation = Cancellation::new();
    let first = stub.pending(request(&cancellation)).unwrap();
    thread::scope(|scope| {
        let next = scope.spawn(|| stub.pending(text("next")).unwrap());
        until(|| queued(&stub) == 1);
        gates[0].open();
        let next = next.join().unwrap();
        let caller = scope.spawn(|| first.wait().unwrap_err());
        until(|| queued(&stub) == 1);
        cancellation.cancel();
        expect_cancelled(caller);
        gates[1].open();
        assert_eq!(*next.wait().unwrap(), "re next");
    });
    assert_eq!(queued(&stub), 0);
    drop(stub);
    peers.join();
}

/// All calls that have it end with it, at the server too; one that is begun later does not begin.
#[test]
fn a_cancellation_ends_all_its_calls() {
    let (stub, peers) = stub_against(script(|peer| {
        let streams = [(); 3].map(|()| peer.request().0);
        let (other, _) = peer.request();
        for stream in streams {
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        }
        peer.reply(other, "other");
        peer.until_closed();
    }));
    let cancellation = Cancellation::new();
    let calls = [(); 3].map(|()| stub.pending(request(&cancellation)).unwrap());
    let other = stub.pending(text("other")).unwrap();
    assert!(!cancellation.is_cancelled());
    cancellation.clone().cancel();
    assert!(cancellation.is_cancelled());
    for call in calls {
        let status = call.wait().unwrap_err();
        assert_eq!(status.to_string(), "CANCELLED: cancelled by the caller");
    }
    assert_eq!(stub.unary(request(&cancellation)).unwrap_err().code(), Code::Cancelled);
    assert_eq!(*other.wait().unwrap(), "other");
    drop(stub);
    peers.join();

    let (stub, peers) = stub_against(Vec::new());
    assert_eq!(stub.unary(request(&cancellation)).unwrap_err().code(), Code::Cancelled);
    assert_eq!(peers.connects(), 0, "it does not even connect");
}

/// A call that the server has ended keeps its reply, though nobody has taken it yet.
#[test]
fn a_cancellation_leaves_what_has_ended() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, message) = peer.request();
        peer.reply(stream, &format!("re {message}"));
        let (stream, _) = peer.request();
        peer.reply(stream, "behind it");
        peer.until_closed();
    }));
    let cancellation = Cancellation::new();
    let first = stub.pending(request(&cancellation).timeout(HOUR)).unwrap();
    assert_eq!(*stub.unary(text("")).unwrap(), "behind it");
    cancellation.cancel();
    assert_eq!(*first.wait().unwrap(), "re cancelled");
    drop(stub);
    peers.join();
}

/// An executor that awaits a call is woken by its cancellation.
#[test]
fn a_cancellation_wakes_who_awaits_the_call() {
    let (stub, peers) = stub_against(script(|peer: &mut Peer| {
        peer.request();
        peer.until_closed();
    }));
    let cancellation = Cancellation::new();
    let begin = now();
    let call = stub.pending(request(&cancellation).timeout(HOUR)).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let canceller = call.on_done(move |result| tell.send(result.unwrap_err().code()).unwrap());
    cancellation.cancel();
    assert_eq!(told.recv().unwrap(), Code::Cancelled);
    assert!(begin.elapsed() < HOUR);
    drop((canceller, stub));
    peers.join();
}
