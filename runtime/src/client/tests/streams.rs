//! Streams of requests and replies, and how they end.

use std::time::Duration;

use super::peer::{Peer, script, stub_against};
use super::text;
use crate::grpc::{Code, Received};
use crate::http2::{Reason, StreamId};

const OK: &[(&str, &str)] = &[("grpc-status", "0")];

fn reply_to_first(peer: &mut Peer, messages: &[&str]) -> StreamId {
    let (stream, _) = peer.request();
    peer.send_head(stream, &[("x-initial", "i")]);
    for message in messages {
        peer.send_message(stream, message);
    }
    stream
}

/// Replies come in order, empty ones too; metadata before them and after them.
#[test]
fn replies_come_in_order_between_their_metadata() {
    let (stub, peers) = stub_against(script(|peer| {
        let stream = reply_to_first(peer, &["a", "", "c"]);
        peer.send_trailers(stream, &[("grpc-status", "0"), ("x-trailing", "t")]);
        peer.until_closed();
    }));
    let mut replies = stub.list(text("")).unwrap();
    assert_eq!(replies.metadata().unwrap().get("x-initial"), Some("i"));
    assert!(replies.trailing_metadata().is_none());
    assert_eq!(replies.recv().unwrap().as_deref(), Some("a"));
    let rest: Vec<String> = replies.by_ref().collect::<Result<_, _>>().unwrap();
    assert_eq!(rest, ["", "c"]);
    assert_eq!(replies.trailing_metadata().unwrap().get("x-trailing"), Some("t"));
    assert_eq!(replies.metadata().unwrap().get("x-initial"), Some("i"));
    drop((replies, stub));
    peers.join();
}

/// An error comes behind the replies before it, once; then the stream has ended.
#[test]
fn an_error_comes_behind_the_replies() {
    let (stub, peers) = stub_against(script(|peer| {
        let stream = reply_to_first(peer, &["a"]);
        peer.send_trailers(stream, &[("grpc-status", "15"), ("x-trailing", "t")]);
        peer.until_closed();
    }));
    let mut replies = stub.list(text("")).unwrap();
    assert_eq!(replies.next().unwrap().unwrap(), "a");
    assert_eq!(replies.next().unwrap().unwrap_err().code(), Code::DataLoss);
    assert!(replies.next().is_none());
    assert_eq!(replies.trailing_metadata().unwrap().get("x-trailing"), Some("t"));
    drop((replies, stub));
    peers.join();
}

/// Looking without waiting says what there is: nothing yet, a message, the end.
#[test]
fn looking_does_not_wait() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        assert_eq!(peer.data(stream), b"\0\0\0\0\x01a");
        peer.send_head(stream, &[]);
        peer.send_message(stream, "re a");
        assert_eq!(peer.rest(stream), b"");
        peer.send_trailers(stream, OK);
        peer.until_closed();
    }));
    let mut chat = stub.chat(()).unwrap();
    assert_eq!(chat.try_recv().unwrap(), Received::NotYet);
    assert_eq!(chat.recv_timeout(Duration::ZERO).unwrap(), Received::NotYet);
    chat.send(text("a")).unwrap();
    let reply = chat.recv_timeout(Duration::from_secs(20)).unwrap();
    assert_eq!(reply, Received::Message(text("re a")));
    assert_eq!(chat.try_recv().unwrap(), Received::NotYet);
    chat.close_send();
    assert_eq!(chat.recv_timeout(Duration::from_secs(20)).unwrap(), Received::End);
    assert_eq!(chat.try_recv().unwrap(), Received::End);
    drop((chat, stub));
    peers.join();
}

/// A stream of requests, none of them too: an empty DATA frame with END_STREAM ends it.
#[test]
fn requests_are_streamed_and_ended() {
    let (stub, peers) = stub_against(script(|peer| {
        for expected in [&b"\0\0\0\0\x01a\0\0\0\0\0\0\0\0\0\x01c"[..], b""] {
            let (stream, _) = peer.head();
            assert_eq!(peer.rest(stream), expected);
            peer.reply(stream, "done");
        }
        peer.until_closed();
    }));
    let messages = [text("a"), text(""), text("c")];
    assert_eq!(*stub.record(()).unwrap().send_all(&messages).unwrap().finish().unwrap(), "done");
    assert_eq!(*stub.record(()).unwrap().finish().unwrap(), "done");
    drop(stub);
    peers.join();
}

/// Early Server Closure: a status while the client still sends is what `send` returns, and it is
/// no error of the transport.
#[test]
fn sending_after_the_server_ended_returns_its_status() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        peer.send_only(
            stream,
            &[
                (":status", "200"),
                ("content-type", "application/grpc"),
                ("grpc-status", "8"),
                ("grpc-message", "enough"),
            ],
        );
        peer.reset(stream, Reason::NO_ERROR);
        peer.until_closed();
    }));
    let mut sink = stub.record(()).unwrap();
    let status = loop {
        if let Err(status) = sink.send(text("more")) {
            break status;
        }
    };
    assert_eq!(status.to_string(), "RESOURCE_EXHAUSTED: enough");
    assert_eq!(sink.finish().unwrap_err(), status);
    drop(stub);
    peers.join();
}

/// Early Server Closure: a server that ends a call whose requests still come, and does not reset
/// the stream itself, is told by RST_STREAM(NO_ERROR) that no more will come.
#[test]
fn a_client_that_is_answered_early_stops_with_no_error() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        peer.reply(stream, "early");
        assert_eq!(peer.reset_of(stream), Reason::NO_ERROR);
        peer.until_closed();
    }));
    let mut call = stub.chat(()).unwrap();
    assert_eq!(call.recv().unwrap().as_deref(), Some("early"));
    assert_eq!(call.recv().unwrap(), None);
    drop((call, stub));
    peers.join();
}

/// Early Server Closure with OK: sending stops, and the reply that came before is not lost.
#[test]
fn a_reply_before_the_requests_ended_is_not_lost() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        peer.reply(stream, "early");
        peer.reset(stream, Reason::NO_ERROR);
        peer.until_closed();
    }));
    let sink = stub.record(()).unwrap().send_all(std::iter::repeat(text("more"))).unwrap();
    assert_eq!(*sink.finish().unwrap(), "early");
    drop(stub);
    peers.join();
}

/// The two halves work on two threads; a sender that learns of the end does not take it, or the
/// replies before it, from the receiver.
#[test]
fn halves_do_not_take_from_each_other() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.head();
        peer.send_head(stream, &[]);
        for number in 0..100 {
            peer.send_message(stream, &number.to_string());
        }
        peer.send_trailers(stream, &[("grpc-status", "0")]);
        peer.until_closed();
    }));
    let (mut sender, receiver) = stub.chat(()).unwrap().split();
    let sending = std::thread::spawn(move || {
        loop {
            if let Err(status) = sender.send(text("more")) {
                return status.code();
            }
        }
    });
    assert_eq!(sending.join().unwrap(), Code::Ok);
    let replies: Vec<String> = receiver.collect::<Result<_, _>>().unwrap();
    assert_eq!(replies.len(), 100);
    drop(stub);
    peers.join();
}

/// Dropping a stream before its end cancels the call at once: replies, requests, both.
#[test]
fn dropping_a_stream_cancels_its_call() {
    let (stub, peers) = stub_against(script(|peer| {
        for _ in 0..4 {
            let (stream, _) = peer.head();
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        }
        peer.until_closed();
    }));
    drop(stub.list(text("")).unwrap());
    drop(stub.record(()).unwrap());
    drop(stub.chat(()).unwrap());
    let (sender, mut receiver) = stub.chat(()).unwrap().split();
    drop(sender);
    let status = receiver.recv().unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
    assert!(status.message().contains("before it was closed"), "{status}");
    drop((receiver, stub));
    peers.join();
}

/// A canceller works from another thread and wakes whoever waits.
#[test]
fn a_canceller_wakes_the_receiver() {
    let (stub, peers) = stub_against(script(|peer| {
        let stream = reply_to_first(peer, &["a"]);
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        peer.until_closed();
    }));
    let mut replies = stub.list(text("")).unwrap();
    let canceller = replies.canceller();
    assert_eq!(replies.recv().unwrap().as_deref(), Some("a"));
    let cancelling = std::thread::spawn(move || canceller.cancel());
    assert_eq!(replies.recv().unwrap_err().code(), Code::Cancelled);
    cancelling.join().unwrap();
    drop((replies, stub));
    peers.join();
}

/// A message that the codec cannot read ends the call with its status and cancels the stream.
#[test]
fn an_unreadable_reply_ends_the_call() {
    let (stub, peers) = stub_against(script(|peer| {
        let stream = reply_to_first(peer, &[]);
        peer.send_data(stream, &[0, 0, 0, 0, 1, 0xff], false);
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        peer.until_closed();
    }));
    let mut replies = stub.list(text("")).unwrap();
    let status = replies.recv().unwrap_err();
    assert_eq!(status.to_string(), "INTERNAL: the message is not UTF-8");
    drop((replies, stub));
    peers.join();
}

/// Large messages pass in both directions, beyond every window.
#[test]
fn large_messages_pass_flow_control() {
    const SIZE: usize = 3 << 20;
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, message) = peer.request();
        assert_eq!(message.len(), SIZE);
        peer.reply(stream, &message);
        peer.until_closed();
    }));
    let message = "x".repeat(SIZE);
    assert_eq!(*stub.unary(&message).unwrap(), message);
    drop(stub);
    peers.join();
}
