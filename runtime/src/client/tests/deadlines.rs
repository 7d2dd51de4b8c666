//! Deadlines: fixed once, over the whole call.

use std::time::Duration;

use super::peer::{script, stub_against};
use super::text;
use crate::client::Request;
use crate::grpc::Code;
use crate::http2::Reason;
use crate::transport::now;

const SHORT: Duration = Duration::from_millis(30);

/// Runs `test` with ever longer timeouts until it says that the call came as far as it was to come
/// before its deadline: how long that takes is the machine's affair.
fn with_time_enough(test: impl Fn(Duration) -> bool) {
    let mut timeout = SHORT;
    while !test(timeout) {
        timeout *= 4;
        assert!(timeout < Duration::from_secs(60), "the call does not come so far");
    }
}

/// The client sends its deadline, gives up at it with RST_STREAM(CANCEL), and says what it was
/// waiting for.
#[test]
fn expiry_cancels_the_stream() {
    with_time_enough(|timeout| {
        let (stub, peers) = stub_against(script(move |peer| {
            let (stream, head) = peer.head();
            let sent = crate::grpc::timeout::parse(head.get("grpc-timeout").unwrap()).unwrap();
            assert!(sent <= timeout, "{sent:?}");
            peer.rest(stream);
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.until_closed();
        }));
        let status = stub.unary(Request::new(text("")).timeout(timeout)).unwrap_err();
        drop(stub);
        let expected = "DEADLINE_EXCEEDED: deadline passed while waiting for the server";
        let has_begun = status.to_string() == expected;
        if has_begun {
            peers.join();
        } else {
            assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
        }
        has_begun
    });
}

/// A server that cancels because of our deadline was only faster than our own clock.
#[test]
fn cancelled_after_the_deadline_is_deadline_exceeded() {
    with_time_enough(|timeout| {
        let (stub, peers) = stub_against(script(|peer| {
            let (stream, _) = peer.request();
            // Nobody reads until the deadline is long over.
            let (late, _) = peer.request();
            peer.send_only(
                stream,
                &[(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "1")],
            );
            peer.reply(late, "");
            peer.until_closed();
        }));
        let deadline = now() + timeout;
        let Ok(mut call) = stub.pending(Request::new(text("")).deadline(deadline)) else {
            return false;
        };
        let other = stub.pending(text("")).unwrap();
        other.wait().unwrap();
        crate::transport::latch::Latch::default().wait(Some(deadline));
        let status = call.try_wait().unwrap().unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        drop((call, stub));
        peers.join();
        true
    });
}

/// So was one that resets the stream: RST_STREAM(CANCEL) behind the deadline is the deadline.
#[test]
fn a_reset_after_the_deadline_is_deadline_exceeded() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        let (late, _) = peer.request();
        peer.reset(stream, Reason::CANCEL);
        peer.reply(late, "");
        peer.until_closed();
    }));
    let deadline = now() + Duration::from_millis(150);
    let mut call = stub.pending(Request::new(text("")).deadline(deadline)).unwrap();
    stub.unary(text("")).unwrap();
    crate::transport::latch::Latch::default().wait(Some(deadline));
    let status = call.try_wait().unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    drop((call, stub));
    peers.join();
}

/// A sender, too, is told of the deadline and not of what the server did because of it.
#[test]
fn a_sender_cancelled_after_the_deadline_is_told_of_the_deadline() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        let (late, _) = peer.request();
        peer.send_head(stream, &[]);
        peer.send_trailers(stream, &[("grpc-status", "1")]);
        peer.reply(late, "");
        peer.until_closed();
    }));
    let deadline = now() + Duration::from_millis(150);
    let mut sink = stub.record(Request::new(()).deadline(deadline)).unwrap();
    stub.unary(text("")).unwrap();
    crate::transport::latch::Latch::default().wait(Some(deadline));
    let status = sink.send(text("late")).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    drop((sink, stub));
    peers.join();
}

/// A deadline that has passed fails the call before anything is sent.
#[test]
fn an_elapsed_deadline_sends_nothing() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, text) = peer.request();
        assert_eq!(text, "first");
        peer.reply(stream, "");
        peer.until_closed();
    }));
    stub.unary(text("first")).unwrap();
    for request in
        [Request::new(text("")).timeout(Duration::ZERO), Request::new(text("")).deadline(now())]
    {
        let status = stub.unary(request).unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    }
    drop(stub);
    peers.join();
}

/// The deadline covers waiting for the server's SETTINGS, without which there is no connection.
#[test]
fn connecting_counts_against_the_deadline() {
    let (stub, peers) = stub_against(script(|peer| {
        peer.knobs().stall();
        peer.until_closed();
    }));
    let status = stub.unary(Request::new(text("")).timeout(SHORT)).unwrap_err();
    assert_eq!(status.to_string(), "DEADLINE_EXCEEDED: deadline passed while connecting to memory");
    peers.until_connected();
    drop(stub);
    peers.join();
}

/// The deadline covers queueing beyond the server's MAX_CONCURRENT_STREAMS.
#[test]
fn queueing_counts_against_the_deadline() {
    let (stub, peers) = stub_against(script(|peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        let (stream, _) = peer.request();
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        let (second, text) = peer.request();
        assert_eq!(text, "later");
        peer.reply(second, "");
        peer.until_closed();
    }));
    let first = stub.pending(text("")).unwrap();
    with_time_enough(|timeout| {
        let status = stub.unary(Request::new(text("")).timeout(timeout)).unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
        status.message() == "deadline passed while waiting to send the request"
    });
    drop(first);
    stub.unary(text("later")).unwrap();
    drop(stub);
    peers.join();
}

/// The deadline covers a server that opens no window.
#[test]
fn flow_control_counts_against_the_deadline() {
    with_time_enough(|timeout| {
        let (stub, peers) = stub_against(script(|peer| {
            peer.configure(|config| config.initial_window_size = 0);
            let (stream, _) = peer.head();
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.until_closed();
        }));
        let Ok(mut call) = stub.chat(Request::new(()).timeout(timeout)) else { return false };
        let status = call.send(text("blocked")).unwrap_err();
        let expected = "DEADLINE_EXCEEDED: deadline passed while sending a message";
        assert_eq!(status.to_string(), expected);
        assert_eq!(call.recv().unwrap_err().code(), Code::DeadlineExceeded);
        drop((call, stub));
        peers.join();
        true
    });
}

/// The deadline covers a stream of replies as a whole, not each reply.
#[test]
fn a_stream_has_one_deadline() {
    with_time_enough(|timeout| {
        let (stub, peers) = stub_against(script(|peer| {
            let (stream, _) = peer.request();
            peer.send_head(stream, &[]);
            peer.send_message(stream, "one");
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.until_closed();
        }));
        let Ok(mut replies) = stub.list(Request::new(text("")).timeout(timeout)) else {
            return false;
        };
        let Ok(first) = replies.recv() else { return false };
        assert_eq!(first.as_deref(), Some("one"));
        assert_eq!(replies.recv().unwrap_err().code(), Code::DeadlineExceeded);
        assert_eq!(replies.recv().unwrap(), None);
        drop((replies, stub));
        peers.join();
        true
    });
}

/// Messages that are there do not put the deadline off, for the receiver or for the sender.
#[test]
fn the_deadline_comes_before_messages_that_wait() {
    with_time_enough(|timeout| {
        let (stub, peers) = stub_against(script(|peer| {
            let (stream, _) = peer.head();
            peer.send_head(stream, &[]);
            peer.send_message(stream, "one");
            let (second, _) = peer.head();
            let (other, _) = peer.request();
            peer.reply(other, "");
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            assert_eq!(peer.reset_of(second), Reason::CANCEL);
            peer.until_closed();
        }));
        let deadline = now() + timeout;
        let Ok(mut receiving) = stub.chat(Request::new(()).deadline(deadline)) else {
            return false;
        };
        let Ok(mut sending) = stub.chat(Request::new(()).deadline(deadline)) else { return false };
        stub.unary(text("")).unwrap();
        crate::transport::latch::Latch::default().wait(Some(deadline));
        assert_eq!(receiving.recv().unwrap_err().code(), Code::DeadlineExceeded);
        let status = sending.send(text("late")).unwrap_err();
        let expected = "DEADLINE_EXCEEDED: deadline passed while sending a message";
        assert_eq!(status.to_string(), expected);
        drop((receiving, sending, stub));
        peers.join();
        true
    });
}
