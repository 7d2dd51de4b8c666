//! Connections: made when needed, lost, refused, made again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::peer::{Peer, Script, build_against, build_behind, script, stub_against};
use super::{Stub, text};
use crate::client::{Channel, Request};
use crate::grpc::Code;
use crate::http2::Reason;
use crate::limits::RETRY_BUFFER_MAX;
use crate::transport::Latch;

fn scripts(first: fn(&mut Peer), second: fn(&mut Peer)) -> Vec<Script> {
    vec![Box::new(first), Box::new(second)]
}

/// Answers one call and waits for the end.
fn answer_one(peer: &mut Peer) {
    let (stream, message) = peer.request();
    peer.reply(stream, &format!("re {message}"));
    peer.until_closed();
}

/// Nothing is connected before the first call, and the last clone closes the connection.
#[test]
fn a_channel_connects_lazily_and_closes_when_dropped() {
    let (stub, peers) = stub_against(script(answer_one));
    let clone = Stub(stub.0.clone());
    assert_eq!(peers.connects(), 0);
    assert_eq!(*stub.unary(text("a")).unwrap(), "re a");
    drop(stub);
    assert_eq!(peers.connects(), 1);
    drop(clone);
    peers.join();
}

/// No connection: UNAVAILABLE with the cause in words and the target; further calls do not dial
/// again until the wait is over.
#[test]
fn no_connection_is_unavailable_in_words() {
    let (stub, peers) = stub_against(Vec::new());
    for _ in 0..3 {
        let status = stub.unary(text("")).unwrap_err();
        assert_eq!(status.to_string(), "UNAVAILABLE: connect to memory: connection refused");
    }
    assert_eq!(peers.connects(), 1);
}

/// The words of a real system: no error numbers, lower case.
#[test]
fn causes_of_the_system_are_in_words() {
    let stub = Stub(Channel::insecure("unix:/nowhere/at/all").unwrap());
    assert_eq!(
        stub.unary(text("")).unwrap_err().to_string(),
        "UNAVAILABLE: connect to unix:/nowhere/at/all: no such file or directory"
    );
}

/// Connecting outlives the call that began it: calls with less time than it takes wait for the same
/// attempt, and the first one after it has the connection.
#[test]
fn connecting_outlives_the_call_that_began_it() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let (stub, peers) = build_behind(Channel::builder("memory"), script(answer_one), move |_| {
        closed.wait(None);
    });
    for _ in 0..3 {
        let request = Request::new(text("")).timeout(Duration::from_millis(5));
        let expected = "DEADLINE_EXCEEDED: deadline passed while connecting to memory";
        assert_eq!(stub.unary(request).unwrap_err().to_string(), expected);
    }
    gate.open();
    assert_eq!(*stub.unary(text("a")).unwrap(), "re a");
    assert_eq!(peers.connects(), 1);
    drop(stub);
    peers.join();
}

/// The outcome of an attempt counts, whoever still waits for it: after a failure calls do not dial
/// again until the wait is over.
#[test]
fn a_failure_counts_after_its_call_has_gone() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let (stub, peers) = build_behind(Channel::builder("memory"), Vec::new(), move |_| {
        closed.wait(None);
    });
    let request = Request::new(text("")).timeout(Duration::from_millis(5));
    assert_eq!(stub.unary(request).unwrap_err().code(), Code::DeadlineExceeded);
    gate.open();
    for _ in 0..3 {
        let status = stub.unary(text("")).unwrap_err();
        assert_eq!(status.to_string(), "UNAVAILABLE: connect to memory: connection refused");
    }
    assert_eq!(peers.connects(), 1);
}

/// A connection that is ready only after its channel was dropped is closed.
#[test]
fn a_connection_that_nobody_wants_is_closed() {
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    let (stub, peers) =
        build_behind(Channel::builder("memory"), script(Peer::until_closed), move |_| {
            closed.wait(None);
        });
    let request = Request::new(text("")).timeout(Duration::from_millis(5));
    assert_eq!(stub.unary(request).unwrap_err().code(), Code::DeadlineExceeded);
    drop(stub);
    gate.open();
    peers.until_connected();
    peers.join();
}

/// A panic while connecting is the failure of one attempt.
#[test]
fn a_panic_while_connecting_is_a_failed_attempt() {
    let first = AtomicBool::new(true);
    let tick = Duration::from_millis(1);
    let builder = Channel::builder("memory").reconnect_backoff(tick, tick);
    let (stub, peers) = build_behind(builder, script(answer_one), move |_| {
        assert!(!first.swap(false, Ordering::Relaxed), "the first attempt panics");
    });
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.to_string(), "UNAVAILABLE: connect to memory: panic while connecting");
    assert_eq!(*stub.unary(Request::new(text("a")).wait_for_ready()).unwrap(), "re a");
    drop(stub);
    peers.join();
}

/// The longest durations are as good as for ever.
#[test]
fn the_longest_durations_are_for_ever() {
    let max = Duration::MAX;
    let builder = Channel::builder("memory").connect_timeout(max).reconnect_backoff(max, max);
    let (stub, peers) = build_behind(builder, script(answer_one), |until| {
        assert_eq!(until, None);
    });
    assert_eq!(*stub.unary(Request::new(text("a")).timeout(max)).unwrap(), "re a");
    stub.0.wait_until_ready(max).unwrap();
    drop(stub);
    peers.join();
    let builder = Channel::builder("memory").connect_timeout(max).reconnect_backoff(max, max);
    let (stub, _) = build_against(builder, Vec::new());
    for _ in 0..2 {
        assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
    }
}

/// A call that waits for readiness ends at its deadline, with the cause.
#[test]
fn waiting_for_readiness_ends_at_the_deadline() {
    let (stub, _) = stub_against(Vec::new());
    let timeout = Duration::from_millis(30);
    let request = Request::new(text("")).wait_for_ready().timeout(timeout);
    let expected = "DEADLINE_EXCEEDED: deadline passed while waiting: \
                    connect to memory: connection refused";
    assert_eq!(stub.unary(request).unwrap_err().to_string(), expected);
    assert_eq!(stub.0.wait_until_ready(timeout).unwrap_err().to_string(), expected);
}

/// A call that waits for readiness outlives failed attempts, and is sent once there is a server.
#[test]
fn waiting_for_readiness_outlives_failed_attempts() {
    let tick = Duration::from_millis(1);
    let builder = Channel::builder("memory").reconnect_backoff(tick, tick);
    let (stub, peers) = build_against(builder, Vec::new());
    stub.unary(text("")).unwrap_err();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| stub.unary(Request::new(text("a")).wait_for_ready()));
        // Two more attempts have failed once the count is three.
        while peers.connects() < 3 {
            std::thread::yield_now();
        }
        peers.add(answer_one);
        assert_eq!(*waiting.join().unwrap().unwrap(), "re a");
    });
    drop(stub);
    peers.join();
}

/// A lost connection is UNAVAILABLE for the calls on it, and the next call makes a new one.
#[test]
fn a_lost_connection_is_unavailable_and_made_again() {
    let (stub, peers) = stub_against(scripts(
        |peer| {
            let (stream, _) = peer.request();
            peer.send_head(stream, &[]);
            peer.knobs().cut();
        },
        answer_one,
    ));
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().starts_with("connection to memory lost: "), "{status}");
    assert_eq!(*stub.unary(text("b")).unwrap(), "re b");
    drop(stub);
    peers.join();
}

/// gRFC A6: a refused stream is sent once more, behind the scenes; a second refusal is the
/// call's status.
#[test]
fn a_refused_stream_is_retried_once() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        peer.refuse(stream);
        let (stream, message) = peer.request();
        peer.reply(stream, &format!("re {message}"));
        for _ in 0..2 {
            let (stream, _) = peer.request();
            peer.refuse(stream);
        }
        peer.until_closed();
    }));
    assert_eq!(*stub.unary(text("a")).unwrap(), "re a");
    let status = stub.unary(text("b")).unwrap_err();
    assert_eq!(status.to_string(), "UNAVAILABLE: stream reset by the peer: REFUSED_STREAM");
    drop(stub);
    peers.join();
}

/// gRFC A6: a refused stream of requests is sent again with all that was sent on it, whether the
/// sender or the receiver notices; both halves go on with the second stream.
#[test]
fn a_refused_stream_of_requests_is_sent_again() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        assert_eq!(peer.data(stream), b"\0\0\0\0\x01a");
        peer.refuse(stream);
        let (stream, _) = peer.head();
        let rest = peer.rest(stream);
        assert!(rest.starts_with(b"\0\0\0\0\x01a\0\0\0\0\x01b\0\0\0\0\x01b"), "{rest:?}");
        peer.reply(stream, &(rest.len() / 6).to_string());

        let (stream, _) = peer.head();
        assert_eq!(peer.data(stream), b"\0\0\0\0\x01a");
        peer.refuse(stream);
        let (stream, _) = peer.head();
        assert_eq!(peer.data(stream), b"\0\0\0\0\x01a");
        peer.send_head(stream, &[]);
        peer.send_message(stream, "re a");
        assert_eq!(peer.rest(stream), b"\0\0\0\0\x01b");
        peer.send_trailers(stream, &[("grpc-status", "0")]);

        let (stream, _) = peer.head();
        assert_eq!(peer.rest(stream), b"");
        peer.refuse(stream);
        let (stream, _) = peer.head();
        // Nothing is to follow: the head has END_STREAM.
        peer.reply(stream, "none");
        peer.until_closed();
    }));
    let mut sink = stub.record(()).unwrap();
    sink.send(text("a")).unwrap();
    for _ in 0..1000 {
        sink.send(text("b")).unwrap();
    }
    assert_eq!(*sink.finish().unwrap(), "1001");

    let (mut sender, mut receiver) = stub.chat(()).unwrap().split();
    sender.send(text("a")).unwrap();
    assert_eq!(receiver.recv().unwrap().as_deref(), Some("re a"));
    sender.send(text("b")).unwrap();
    sender.close_send();
    assert_eq!(receiver.recv().unwrap(), None);
    drop(receiver);

    assert_eq!(*stub.record(()).unwrap().finish().unwrap(), "none");
    drop(stub);
    peers.join();
}

/// More requests than are kept cannot be sent again: the refusal is the call's status.
#[test]
fn more_than_is_kept_is_not_sent_again() {
    for (size, is_retried) in [(RETRY_BUFFER_MAX - 5, true), (RETRY_BUFFER_MAX - 4, false)] {
        let (stub, peers) = stub_against(script(move |peer| {
            let (stream, _) = peer.head();
            let mut size_seen = 0;
            while size_seen < size + 5 {
                size_seen += peer.data(stream).len();
            }
            peer.refuse(stream);
            if is_retried {
                let (stream, _) = peer.head();
                assert_eq!(peer.rest(stream).len(), size + 5);
                peer.reply(stream, "again");
            }
            peer.until_closed();
        }));
        let mut sink = stub.record(()).unwrap();
        sink.send("x".repeat(size)).unwrap();
        let result = sink.finish();
        assert_eq!(result.is_ok(), is_retried, "{result:?}");
        drop(stub);
        peers.join();
    }
}

/// gRFC A6: never after the head of a response.
#[test]
fn nothing_is_retried_after_the_head() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        peer.send_head(stream, &[]);
        peer.refuse(stream);
        peer.until_closed();
    }));
    let status = stub.unary(text("a")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    drop(stub);
    peers.join();
}

/// RFC 9113 6.8: a call above GOAWAY's last stream was not seen and goes to a new connection;
/// those up to it go on.
#[test]
fn calls_above_goaway_move_to_a_new_connection() {
    let (stub, peers) = stub_against(scripts(
        |peer| {
            let (first, _) = peer.request();
            let (second, _) = peer.request();
            assert!(first < second);
            // GOAWAY, last stream 1, NO_ERROR.
            peer.raw(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
            peer.reply(first, "old");
            peer.until_closed();
        },
        answer_one,
    ));
    let first = stub.pending(text("a")).unwrap();
    let second = stub.list(text("b")).unwrap();
    assert_eq!(second.collect::<Result<Vec<_>, _>>().unwrap(), ["re b"]);
    assert_eq!(*first.wait().unwrap(), "old");
    drop(stub);
    peers.join();
}

/// gRFC A6: a call that never left is sent on the next connection, more than once if need be.
#[test]
fn a_call_that_never_left_takes_the_next_connection() {
    let gates: Vec<Arc<Latch>> = (0..3).map(|_| Arc::default()).collect();
    let leaves = |gate: &Arc<Latch>| -> Script {
        let gate = gate.clone();
        Box::new(move |peer| {
            peer.configure(|config| config.max_concurrent_streams = 0);
            peer.greet();
            gate.wait(None);
            peer.core().go_away(Reason::NO_ERROR);
            peer.until_closed();
        })
    };
    let mut scripts: Vec<Script> = gates.iter().map(leaves).collect();
    scripts.push(Box::new(answer_one));
    let (stub, peers) = stub_against(scripts);
    std::thread::scope(|scope| {
        let call = scope.spawn(|| stub.unary(text("a")));
        for (number, gate) in gates.iter().enumerate() {
            let waits_here = || {
                let link = stub.0.link(None, false).unwrap();
                peers.connects() == number + 1 && link.queued() == 1
            };
            while !waits_here() {
                assert!(!call.is_finished(), "{:?}", call.join());
                std::thread::yield_now();
            }
            gate.open();
        }
        assert_eq!(*call.join().unwrap().unwrap(), "re a");
    });
    assert_eq!(peers.connects(), gates.len() + 1);
    drop(stub);
    peers.join();
}

/// RFC 9113 6.8: after GOAWAY new calls go to a new connection; calls before it go on.
#[test]
fn calls_after_goaway_use_a_new_connection() {
    let (stub, peers) = stub_against(scripts(
        |peer| {
            let (first, _) = peer.request();
            peer.core().go_away(Reason::NO_ERROR);
            peer.flush();
            peer.reply(first, "old");
            peer.until_closed();
        },
        answer_one,
    ));
    let old = stub.pending(text("a")).unwrap();
    assert_eq!(*old.wait().unwrap(), "old");
    assert_eq!(*stub.unary(text("b")).unwrap(), "re b");
    drop(stub);
    peers.join();
}

/// A server that never gets to SETTINGS is no connection.
#[test]
fn a_peer_that_closes_before_settings_is_unavailable() {
    let (stub, peers) = stub_against(script(|peer| peer.knobs().cut()));
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().starts_with("connect to memory: "), "{status}");
    drop(stub);
    peers.join();
}

/// Cancelling ends a call that opens its second stream: it is not opened, and who waits for it on
/// the other half is let go.
#[test]
fn cancelling_ends_a_call_that_is_sent_again() {
    let gate = Arc::new(Latch::default());
    let again = Arc::new(Latch::default());
    let first = AtomicBool::new(true);
    let (closed, begun) = (gate.clone(), again.clone());
    let refuse = |peer: &mut Peer| {
        peer.head();
        // GOAWAY, last stream 0, NO_ERROR: the call has to move to another connection.
        peer.raw(&[0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        peer.until_closed();
    };
    let (stub, peers) =
        build_behind(Channel::builder("memory"), scripts(refuse, Peer::until_closed), move |_| {
            if !first.swap(false, Ordering::Relaxed) {
                begun.open();
                closed.wait(None);
            }
        });
    let (sender, mut receiver) = stub.chat(()).unwrap().split();
    std::thread::scope(|scope| {
        let receiving = scope.spawn(move || receiver.recv().unwrap_err().code());
        again.wait(None);
        sender.canceller().cancel();
        // Waits for the second stream no longer: the gate is still closed.
        let mut sender = sender;
        assert_eq!(sender.send(text("a")).unwrap_err().code(), Code::Cancelled);
        gate.open();
        assert_eq!(receiving.join().unwrap(), Code::Cancelled);
    });
    drop(stub);
    peers.join();
}
