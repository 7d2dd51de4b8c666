//! Calls that nobody blocks for: callbacks and futures.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use super::peer::{Peer, Script, build_against, build_behind, script, stub_against};
use super::text;
use crate::client::{Channel, Pending, Request, Response};
use crate::grpc::{Code, Status};
use crate::http2::Reason;
use crate::transport::Latch;

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An executor of one future, as small as they come.
fn block_on<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park_timeout(PATIENCE),
        }
    }
}

/// What a callback is told.
fn told(call: Pending<String>) -> Receiver<Result<String, Status>> {
    let (sender, results) = channel();
    call.on_done(move |result| sender.send(result.map(Response::into_inner)).unwrap());
    results
}

/// A callback gets the reply once it has come, or at once if it has come already.
#[test]
fn a_callback_gets_the_reply() {
    let (stub, peers) = stub_against(script(|peer| {
        for _ in 0..2 {
            let (stream, message) = peer.request();
            peer.reply(stream, &format!("re {message}"));
        }
        peer.until_closed();
    }));
    let result = told(stub.pending(text("a")).unwrap()).recv_timeout(PATIENCE).unwrap();
    assert_eq!(result.unwrap(), "re a");
    let mut call = stub.pending(text("b")).unwrap();
    assert_eq!(*call.wait_timeout(PATIENCE).unwrap().unwrap(), "re b");
    let result = told(call).recv_timeout(PATIENCE).unwrap();
    assert_eq!(result.unwrap_err().code(), Code::FailedPrecondition, "it was taken already");
    drop(stub);
    peers.join();
}

/// A callback is told of a cancellation and of the deadline, by nobody's waiting.
#[test]
fn a_callback_is_told_of_the_end() {
    let (stub, peers) = stub_against(script(|peer| {
        for _ in 0..2 {
            let (stream, _) = peer.request();
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        }
        peer.until_closed();
    }));
    let (sender, results) = channel();
    let call = stub.pending(text("")).unwrap();
    let canceller = call.on_done(move |result| sender.send(result.map(drop)).unwrap());
    canceller.cancel();
    let status = results.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(status.to_string(), "CANCELLED: cancelled by the caller");

    let request = Request::new(text("")).timeout(Duration::from_millis(50));
    let result = told(stub.pending(request).unwrap()).recv_timeout(PATIENCE).unwrap();
    assert_eq!(result.unwrap_err().code(), Code::DeadlineExceeded);
    drop((stub, canceller));
    peers.join();
}

/// A panic of a callback is its own: the next one is run.
#[test]
fn a_panic_of_a_callback_is_its_own() {
    let (stub, peers) = stub_against(script(|peer| {
        for _ in 0..2 {
            let (stream, _) = peer.request();
            peer.reply(stream, "r");
        }
        peer.until_closed();
    }));
    stub.pending(text("")).unwrap().on_done(|_| panic!("expected by this test"));
    let result = told(stub.pending(text("")).unwrap()).recv_timeout(PATIENCE).unwrap();
    assert_eq!(result.unwrap(), "r");
    drop(stub);
    peers.join();
}

/// A pending call is a future that any executor can await: many at once, replies in any order.
#[test]
fn pending_calls_can_be_awaited() {
    let (stub, peers) = stub_against(script(|peer| {
        let mut calls: Vec<_> = (0..3).map(|_| peer.request()).collect();
        calls.reverse();
        for (stream, message) in calls {
            peer.reply(stream, &message);
        }
        peer.until_closed();
    }));
    let calls: Vec<_> = ["a", "b", "c"].map(|name| stub.pending(text(name)).unwrap()).into();
    let replies = block_on(async {
        let mut replies = Vec::new();
        for call in calls {
            replies.push(call.await.unwrap().into_inner());
        }
        replies
    });
    assert_eq!(replies, ["a", "b", "c"]);
    drop(stub);
    peers.join();
}

/// The deadline of a call that is awaited wakes its task.
#[test]
fn an_awaited_call_ends_at_its_deadline() {
    let (stub, peers) = stub_against(script(Peer::until_closed));
    let request = Request::new(text("")).timeout(Duration::from_millis(50));
    // On a slow machine it may be over before it has begun.
    let status = stub.pending(request).and_then(block_on).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    drop(stub);
    peers.join();
}

/// A large reply, which comes only while somebody wants it, comes for an awaited call too.
#[test]
fn an_awaited_call_takes_a_reply_larger_than_its_window() {
    let large = "x".repeat(1 << 20);
    let sent = large.clone();
    let (stub, peers) = stub_against(script(move |peer| {
        let (stream, _) = peer.request();
        peer.reply(stream, &sent);
        peer.until_closed();
    }));
    let reply = block_on(stub.pending(text("")).unwrap()).unwrap();
    assert!(*reply == large);
    drop(stub);
    peers.join();
}

/// A call that the server refused unseen is sent again for somebody who does not wait, and looking
/// never waits for the second connection.
#[test]
fn a_refused_call_is_sent_again_without_anybody_waiting() {
    let may_connect = Arc::new(Latch::default());
    let dials = Arc::new(AtomicUsize::new(0));
    let (held, dialled) = (may_connect.clone(), dials.clone());
    let scripts: Vec<Script> = vec![
        Box::new(|peer: &mut Peer| {
            let (stream, _) = peer.request();
            // Or else the call could be sent again on the connection that is about to be closed.
            peer.core().go_away(Reason::NO_ERROR);
            peer.refuse(stream);
            peer.until_closed();
        }),
        Box::new(|peer: &mut Peer| {
            let (stream, message) = peer.request();
            peer.reply(stream, &format!("second {message}"));
            peer.until_closed();
        }),
    ];
    let (stub, peers) = build_behind(Channel::builder("memory"), scripts, move |_| {
        if dialled.fetch_add(1, Ordering::AcqRel) > 0 {
            held.wait(None);
        }
    });
    let mut call = stub.pending(text("a")).unwrap();
    while dials.load(Ordering::Acquire) < 2 {
        assert!(call.try_wait().is_none(), "looking does not wait for the connection");
        thread::yield_now();
    }
    assert!(call.try_wait().is_none(), "looking does not wait for the connection");
    may_connect.open();
    assert_eq!(*block_on(call).unwrap(), "second a");
    drop(stub);
    peers.join();
}

/// A channel whose calls are all pending uses its limits as any other.
#[test]
fn a_pending_call_keeps_the_channels_rules() {
    let (stub, peers) = build_against(Channel::builder("memory").require_deadline(), Vec::new());
    let status = stub.pending(text("")).map(drop).unwrap_err();
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(peers.connects(), 0);
}

/// A call with a stream of requests can be waited for later, in each of the ways of a pending call.
#[test]
fn a_stream_of_requests_can_be_waited_for_later() {
    let (stub, peers) = stub_against(script(|peer| {
        for _ in 0..5 {
            let (stream, _) = peer.head();
            let requests = peer.rest(stream);
            peer.reply(stream, &(requests.len() / 6).to_string());
        }
        let (stream, _) = peer.head();
        assert_eq!(peer.rest(stream), b"");
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        let (stream, _) = peer.head();
        assert_eq!(peer.rest(stream), b"");
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        peer.until_closed();
    }));
    let begin = |count| {
        let sink = stub.record(()).unwrap();
        sink.send_all((0..count).map(|_| text("a"))).unwrap().finish_pending()
    };
    let (one, mut two, mut three, four) = (begin(1), begin(2), begin(3), begin(4));
    // The replies come in order, so that all others are there with the last.
    assert_eq!(*four.wait().unwrap(), "4");
    assert_eq!(*one.wait().unwrap(), "1");
    assert_eq!(*two.wait_timeout(PATIENCE).unwrap().unwrap(), "2");
    assert_eq!(*three.try_wait().unwrap().unwrap(), "3");
    assert_eq!(three.try_wait().unwrap().unwrap_err().code(), Code::FailedPrecondition);

    assert_eq!(*block_on(begin(5)).unwrap(), "5");

    let (sender, results) = channel();
    let canceller = begin(0).on_done(move |result| sender.send(result.map(drop)).unwrap());
    canceller.cancel();
    let result = results.recv_timeout(PATIENCE).unwrap();
    assert_eq!(result.unwrap_err().code(), Code::Cancelled);
    drop(begin(0));
    drop((two, three, canceller, stub));
    peers.join();
}

/// What a look has taken of a reply is kept for whoever waits for the rest.
#[test]
fn a_reply_that_was_looked_for_is_waited_for() {
    let looked = Arc::new(Latch::default());
    let waits = looked.clone();
    let (stub, peers) = stub_against(script(move |peer| {
        let (stream, _) = peer.request();
        peer.send_head(stream, &[("a", "1")]);
        waits.wait(None);
        peer.send_message(stream, "r");
        peer.send_trailers(stream, &[("grpc-status", "0")]);
        peer.until_closed();
    }));
    let mut call = stub.pending(text("")).unwrap();
    assert!(call.wait_timeout(Duration::from_millis(20)).is_none());
    looked.open();
    let reply = call.wait().unwrap();
    assert_eq!((reply.metadata().get("a"), &**reply), (Some("1"), "r"));
    drop(stub);
    peers.join();
}
