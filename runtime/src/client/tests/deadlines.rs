//! Deadlines: fixed once, over the whole call.

use std::time::Duration;

use super::peer::{script, stub_against};
use super::text;
use crate::client::Request;
use crate::grpc::Code;
use crate::http2::Reason;
use crate::transport::now;

const SHORT: Duration = Duration::from_millis(30);

fn soon<T>(message: T) -> Request<T> {
    Request::new(message).timeout(SHORT)
}

/// The client sends its deadline, gives up at it with RST_STREAM(CANCEL), and says what it was
/// waiting for.
#[test]
fn expiry_cancels_the_stream() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, head) = peer.head();
        let timeout = crate::grpc::timeout::parse(head.get("grpc-timeout").unwrap()).unwrap();
        assert!(timeout <= SHORT, "{timeout:?}");
        peer.rest(stream);
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        peer.until_closed();
    }));
    let status = stub.unary(soon(text(""))).unwrap_err();
    assert_eq!(
        status.to_string(),
        "DEADLINE_EXCEEDED: deadline passed while waiting for the server"
    );
    drop(stub);
    peers.join();
}

/// A server that cancels because of our deadline was only faster than our own clock.
#[test]
fn cancelled_after_the_deadline_is_deadline_exceeded() {
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
    let deadline = now() + Duration::from_millis(150);
    let mut call = stub.pending(Request::new(text("")).deadline(deadline)).unwrap();
    let other = stub.pending(text("")).unwrap();
    other.wait().unwrap();
    crate::transport::latch::Latch::default().wait(Some(deadline));
    let status = call.try_wait().unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    drop((call, stub));
    peers.join();
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
    let status = stub.unary(soon(text(""))).unwrap_err();
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
    let status = stub.unary(soon(text(""))).unwrap_err();
    assert_eq!(
        status.to_string(),
        "DEADLINE_EXCEEDED: deadline passed while waiting to send the request"
    );
    drop(first);
    stub.unary(text("later")).unwrap();
    drop(stub);
    peers.join();
}

/// The deadline covers a server that opens no window.
#[test]
fn flow_control_counts_against_the_deadline() {
    let (stub, peers) = stub_against(script(|peer| {
        peer.configure(|config| config.initial_window_size = 0);
        let (stream, _) = peer.head();
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        peer.until_closed();
    }));
    let mut call = stub.chat(soon(())).unwrap();
    let status = call.send(text("blocked")).unwrap_err();
    assert_eq!(status.to_string(), "DEADLINE_EXCEEDED: deadline passed while sending a message");
    assert_eq!(call.recv().unwrap_err().code(), Code::DeadlineExceeded);
    drop((call, stub));
    peers.join();
}

/// The deadline covers a stream of replies as a whole, not each reply.
#[test]
fn a_stream_has_one_deadline() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        peer.send_head(stream, &[]);
        peer.send_message(stream, "one");
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        peer.until_closed();
    }));
    let mut replies =
        stub.list(Request::new(text("")).timeout(Duration::from_millis(200))).unwrap();
    assert_eq!(replies.recv().unwrap().as_deref(), Some("one"));
    assert_eq!(replies.recv().unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(replies.recv().unwrap(), None);
    drop((replies, stub));
    peers.join();
}

/// Messages that are there do not put the deadline off, for the receiver or for the sender.
#[test]
fn the_deadline_comes_before_messages_that_wait() {
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
    let deadline = now() + Duration::from_millis(150);
    let mut receiving = stub.chat(Request::new(()).deadline(deadline)).unwrap();
    let mut sending = stub.chat(Request::new(()).deadline(deadline)).unwrap();
    stub.unary(text("")).unwrap();
    crate::transport::latch::Latch::default().wait(Some(deadline));
    assert_eq!(receiving.recv().unwrap_err().code(), Code::DeadlineExceeded);
    let status = sending.send(text("late")).unwrap_err();
    assert_eq!(status.to_string(), "DEADLINE_EXCEEDED: deadline passed while sending a message");
    drop((receiving, sending, stub));
    peers.join();
}
