//! Replies to clients that do not read: what is accepted reaches a client that reads later, and the
//! status behind it, and nobody waits for that.

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::support::{PATIENCE, Peer, Talk, TestServer};
use crate::grpc::Status;
use crate::http2::{Reason, StreamId};
use crate::server::DetachedSink;

const CHAT: &str = "/test.Talk/Chat";

/// What a stream's window begins with, and a reply that is larger and no multiple of it.
const WINDOW: u32 = 300;
const REPLY: usize = 1000;

/// A call whose replies the test has, of a client that reads when the test has it read.
struct SlowCall {
    sink: DetachedSink<String>,
    stream: StreamId,
    peer: Peer,
    server: TestServer,
}

/// A call whose client sends nothing more if it `ends`, and has sent a head with `extra`.
fn slow_call(extra: &[(&str, &str)], ends: bool) -> SlowCall {
    let (give, given) = mpsc::channel();
    let server = TestServer::new(Talk::chat(move |_, replies, _| {
        give.send(replies.detach()).unwrap();
        Ok(())
    }));
    let mut peer = server.connect_with_window(WINDOW);
    let stream = peer.open(CHAT, extra, ends);
    SlowCall { sink: given.recv_timeout(PATIENCE).unwrap(), stream, peer, server }
}

fn long() -> String {
    "x".repeat(REPLY)
}

/// A reply of which the window takes the beginning is taken whole, the next one is not, and the call
/// goes on.
#[test]
fn a_reply_is_taken_whole_or_not_at_all() {
    let SlowCall { mut sink, stream, mut peer, server: _server } = slow_call(&[], true);
    assert!(sink.try_send(long()).unwrap());
    assert!(!sink.try_send("not taken".to_owned()).unwrap());
    peer.until(stream, |response| response.bytes.len() == 5 + REPLY);
    // The window is open again once the server has seen that.
    sink.send("after".to_owned()).unwrap();
    sink.finish(Ok(()));
    let response = peer.response(stream);
    assert_eq!(response.messages(), [long(), "after".to_owned()]);
    assert_eq!((response.status(), response.reset), (("0", ""), None));
}

/// The status of a call that is given up because its client does not read follows all replies that
/// were taken, however late the client reads. Who gives up waits for nothing.
#[test]
fn the_status_follows_the_replies_however_late_they_are_read() {
    let SlowCall { mut sink, stream, mut peer, server: _server } = slow_call(&[], true);
    assert!(sink.try_send(long()).unwrap());
    assert!(!sink.try_send(long()).unwrap());
    sink.trailing_metadata_mut().insert("x-sink", "2").unwrap();
    sink.finish(Err(Status::resource_exhausted("slow")));
    let response = peer.response(stream);
    assert_eq!(response.messages(), [long()]);
    assert_eq!((response.status(), response.reset), (("8", "slow"), None));
    assert_eq!(response.trailer("x-sink"), Some("2"));
}

/// RFC 9113 8.1: a client that still sends is asked for no more by NO_ERROR, behind the status.
#[test]
fn no_more_is_asked_for_behind_the_status_alone() {
    let SlowCall { mut sink, stream, mut peer, server: _server } = slow_call(&[], false);
    assert!(sink.try_send(long()).unwrap());
    drop(sink);
    let response = peer.until(stream, |response| response.reset.is_some());
    assert_eq!(response.messages(), [long()]);
    assert_eq!(response.trailer("grpc-status"), Some("2"));
    assert_eq!(response.reset, Some(Reason::NO_ERROR));
}

/// A deadline that passes in the middle of a reply resets the stream: trailers there would make a
/// message of half a message.
#[test]
#[cfg(feature = "testing")]
fn a_deadline_inside_a_reply_resets_the_stream() {
    let clock = crate::testing::Clock::start();
    let deadline = [("grpc-timeout", "50m")];
    let SlowCall { mut sink, stream, mut peer, server: _server } = slow_call(&deadline, true);
    assert!(sink.try_send(long()).unwrap());
    clock.advance(Duration::from_millis(50));
    assert!(sink.cancellation().wait(PATIENCE));
    let response = peer.response(stream);
    assert_eq!((response.trailers, response.reset), (None, Some(Reason::CANCEL)));
}

/// A server that stops waits for what a client has not read yet, and not for a client that has gone.
#[test]
fn stopping_waits_for_what_is_left_to_be_read() {
    for is_gone in [false, true] {
        let SlowCall { mut sink, stream, mut peer, server } = slow_call(&[], true);
        assert!(sink.try_send(long()).unwrap());
        sink.finish(Ok(()));
        thread::scope(|scope| {
            scope.spawn(|| server.server.stop(Duration::MAX));
            peer.until_going_away();
            assert!(!server.server.wait_for_termination_timeout(Duration::ZERO));
            match is_gone {
                true => peer.reset(stream),
                false => assert_eq!(peer.response(stream).status(), ("0", "")),
            }
            peer.until_closed();
        });
    }
}
