//! gRFC A17: connections take calls only while their server is SERVING.

use std::sync::Arc;
use std::time::Duration;

use super::balancing::{Servers, builder, share, until, until_links, until_shares};
use super::peer::Peer;
use super::text;
use crate::client::{ChannelBuilder, Request, Response};
use crate::grpc::{Code, ConnectivityState, envelope};
use crate::http2::StreamId;
use crate::transport::Latch;

const HOUR: Duration = Duration::from_secs(3600);

const SERVING: &str = "\u{8}\u{1}";
const NOT_SERVING: &str = "\u{8}\u{2}";

fn checked() -> ChannelBuilder {
    builder().service_config(r#"{"healthCheckConfig": {"serviceName": "a.B"}}"#)
}

/// Takes the call of a watch, and answers it with its head.
fn watched(peer: &mut Peer) -> StreamId {
    let (stream, headers) = peer.head();
    assert_eq!(headers.get(":path"), Some(&b"/grpc.health.v1.Health/Watch"[..]));
    assert_eq!(headers.get(":authority"), Some(&b"localhost"[..]));
    assert_eq!(peer.rest(stream)[envelope::PREFIX_LEN..], *b"\n\x03a.B");
    peer.send_head(stream, &[]);
    stream
}

/// Answers each call with `name`.
fn answer(peer: &mut Peer, name: &str) {
    while let Some((stream, headers)) = peer.head_or_end() {
        assert_eq!(headers.get(":path"), Some(&b"/test.Test/Unary"[..]));
        peer.rest(stream);
        peer.reply(stream, name);
    }
}

/// A17: no call is made on a connection before its server has said SERVING; the channel is CONNECTING until
/// one has.
#[test]
fn calls_wait_for_serving() {
    let servers = Servers::new(["a", "b"]);
    let gates = ["a", "b"].map(|name| {
        let gate = Arc::new(Latch::default());
        let closed = gate.clone();
        servers.server(name).peers.add(move |peer| {
            let watch = watched(peer);
            closed.wait(None);
            peer.send_message(watch, SERVING);
            answer(peer, name);
        });
        gate
    });
    let stub = servers.stub(checked());
    until_links(&stub, 2);
    assert_eq!(stub.0.state(), ConnectivityState::Connecting);
    gates[1].open();
    until(|| stub.0.state() == ConnectivityState::Ready);
    until_shares(&stub, 4, &[share("b", 4)]);
    gates[0].open();
    until_shares(&stub, 4, &[share("a", 2), share("b", 2)]);
    servers.join(stub);
}

/// A17: NOT_SERVING is TRANSIENT_FAILURE, in words, and so is a status that is not known.
#[test]
fn servers_that_do_not_serve_get_no_calls() {
    let servers = Servers::new(["a"]);
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    servers.server("a").peers.add(move |peer| {
        let watch = watched(peer);
        peer.send_message(watch, NOT_SERVING);
        closed.wait(None);
        peer.send_message(watch, SERVING);
        let (stream, _) = peer.request();
        // An empty message is UNKNOWN. It comes before the reply, and the call goes on.
        peer.send_message(watch, "");
        peer.reply(stream, "a");
        peer.until_closed();
    });
    let stub = servers.stub(checked());
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "a: its service \"a.B\" is not serving");
    assert_eq!(stub.0.state(), ConnectivityState::TransientFailure);
    gate.open();
    until(|| stub.0.state() == ConnectivityState::Ready);
    assert_eq!(*stub.unary(text("")).unwrap(), "a");
    until(|| stub.0.state() == ConnectivityState::TransientFailure);
    assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
    assert_eq!(servers.server("a").peers.connects(), 1);
    servers.join(stub);
}

/// A17: a server without health is healthy, and is not asked again.
#[test]
fn a_server_without_health_is_healthy() {
    let servers = Servers::new(["a", "b"]);
    servers.server("a").peers.add(|peer| {
        let (stream, _) = peer.request();
        let fields =
            [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "12")];
        peer.send_only(stream, &fields);
        answer(peer, "a");
    });
    servers.server("b").peers.add(|peer| {
        let watch = watched(peer);
        peer.send_trailers(watch, &[("grpc-status", "12")]);
        answer(peer, "b");
    });
    let stub = servers.stub(checked());
    until_links(&stub, 2);
    until_shares(&stub, 4, &[share("a", 2), share("b", 2)]);
    servers.join(stub);
}

/// A17: a watch that ends otherwise is followed by another one, and nobody knows the health meanwhile.
#[test]
fn a_watch_that_ends_is_followed_by_another() {
    let servers = Servers::new(["a"]);
    servers.server("a").peers.add(move |peer| {
        let watch = watched(peer);
        peer.send_trailers(watch, &[("grpc-status", "13"), ("grpc-message", "broken")]);
        let watch = watched(peer);
        peer.send_trailers(watch, &[("grpc-status", "0")]);
        let watch = watched(peer);
        // No message of health.
        peer.send_message(watch, "\u{8}");
        peer.reset_of(watch);
        let watch = watched(peer);
        peer.send_message(watch, SERVING);
        answer(peer, "a");
    });
    let stub = servers.stub(checked());
    stub.0.wait_until_ready(Duration::from_secs(20)).unwrap();
    assert_eq!(*stub.unary(text("")).unwrap(), "a");
    servers.join(stub);

    let servers = Servers::new(["a"]);
    servers.server("a").peers.add(move |peer| {
        let watch = watched(peer);
        peer.send_trailers(watch, &[("grpc-status", "13"), ("grpc-message", "broken")]);
        peer.until_closed();
    });
    let stub = servers.stub(checked().reconnect_backoff(HOUR, HOUR));
    assert_eq!(stub.unary(text("")).unwrap_err().message(), "a: broken");
    servers.join(stub);
}

/// A connection whose address is gone, or whose server is going away, is not kept for its watch.
#[test]
fn a_watch_keeps_no_connection() {
    let servers = Servers::new(["a", "b"]);
    servers.server("a").peers.add(|peer| {
        let watch = watched(peer);
        peer.send_message(watch, SERVING);
        let (stream, _) = peer.request();
        peer.reply(stream, "a");
        peer.core().go_away(crate::http2::Reason::NO_ERROR);
        peer.flush();
        // The end of the watch, RST_STREAM, may come before that of its connection.
        peer.until_closed();
    });
    servers.find(&["a"]);
    let stub = servers.stub(checked());
    assert_eq!(*stub.unary(text("")).unwrap(), "a");
    servers.find(&["b"]);
    servers.server("b").peers.add(|peer| {
        let watch = watched(peer);
        peer.send_message(watch, SERVING);
        answer(peer, "b");
    });
    until(|| stub.unary(text("")).is_ok_and(|reply| *reply == "b"));
    servers.join(stub);
}

/// `grpc.inhibit_health_checking`: nobody is asked.
#[test]
fn health_checks_can_be_disabled() {
    let servers = Servers::new(["a"]);
    servers.server("a").peers.add(|peer| answer(peer, "a"));
    let stub = servers.stub(checked().disable_health_checking());
    until_shares(&stub, 2, &[share("a", 2)]);
    servers.join(stub);
}

/// A17: once a server has said how it is, the next watch begins at once; one that says nothing is followed
/// after the backoff.
#[test]
fn a_watch_that_was_answered_is_followed_at_once() {
    let servers = Servers::new(["a"]);
    let last = Arc::new(Latch::default());
    let last_ = Arc::clone(&last);
    servers.server("a").peers.add(move |peer| {
        for _ in 0..3 {
            let watch = watched(peer);
            peer.send_message(watch, SERVING);
            peer.send_trailers(watch, &[("grpc-status", "14")]);
        }
        let watch = watched(peer);
        last_.open();
        peer.send_trailers(watch, &[("grpc-status", "13"), ("grpc-message", "broken")]);
        peer.until_closed();
    });
    let stub = servers.stub(checked().reconnect_backoff(HOUR, HOUR));
    stub.0.connect();
    // Not before: while the server serves, a call would reach it.
    last.wait(None);
    until(|| stub.unary(text("")).is_err_and(|status| status.message() == "a: broken"));
    servers.join(stub);
}

/// A17, A105: a call that queues at a server which serves no more takes another one.
#[test]
fn a_call_does_not_queue_where_nobody_serves() {
    let servers = Servers::new(["a", "b"]);
    let [full, freed, serves] = [(); 3].map(|()| Arc::new(Latch::default()));
    let [full_, freed_, serves_] = [&full, &freed, &serves].map(Arc::clone);
    servers.server("a").peers.add(move |peer| {
        peer.configure(|config| config.max_concurrent_streams = 2);
        let watch = watched(peer);
        peer.send_message(watch, SERVING);
        let (stream, _) = peer.request();
        full_.wait(None);
        peer.send_message(watch, NOT_SERVING);
        freed_.wait(None);
        peer.reply(stream, "a");
        peer.until_closed();
    });
    servers.server("b").peers.add(move |peer| {
        let watch = watched(peer);
        serves_.wait(None);
        peer.send_message(watch, SERVING);
        answer(peer, "b");
    });
    let stub = servers.stub(checked());
    until_links(&stub, 2);
    until(|| stub.0.state() == ConnectivityState::Ready);
    std::thread::scope(|scope| {
        let first = scope.spawn(|| stub.unary(text("")).unwrap().into_inner());
        until(|| stub.0.links().iter().any(|link| link.open_streams() == 2));
        let bounded = Request::new(text("")).timeout(Duration::from_secs(20));
        let second = scope.spawn(|| stub.unary(bounded).map(Response::into_inner));
        until(|| stub.0.links().iter().any(|link| link.queued() == 1));
        full.open();
        until(|| stub.0.state() == ConnectivityState::Connecting);
        serves.open();
        let second = second.join();
        freed.open();
        assert_eq!(second.unwrap().unwrap(), "b");
        assert_eq!(first.join().unwrap(), "a");
    });
    servers.join(stub);
}

/// `connections(n)`: a connection that has its watch alone is free, so that no other one is made.
#[test]
fn a_watch_is_no_call() {
    let servers = Servers::new(["a"]);
    servers.server("a").peers.add(|peer| {
        let watch = watched(peer);
        peer.send_message(watch, SERVING);
        answer(peer, "a");
    });
    let stub = servers.stub(checked().connections(2));
    until_shares(&stub, 4, &[share("a", 4)]);
    let calls: Vec<_> =
        stub.0.links().iter().map(|link| link.load().map(|load| load.calls)).collect();
    assert_eq!(calls, [Some(0)]);
    servers.join(stub);
}
