//! gRPC's http2-interop-test-descriptions: what a misbehaving server does to a client, case by case.

use super::peer::{Peer, Script, Seen, script, stub_against};
use super::text;
use crate::grpc::{Code, Status, envelope};
use crate::http2::{Reason, StreamId};

/// Answers each request until the client is gone.
fn answer_all(peer: &mut Peer) {
    loop {
        let Seen::Head { stream, .. } = peer.next() else { return };
        peer.rest(stream);
        peer.reply(stream, "re");
    }
}

/// Calls once against a server that answers by `answer`; the next call finds it in order.
fn status_of(answer: impl FnOnce(&mut Peer, StreamId) + Send + 'static) -> Status {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        answer(peer, stream);
        answer_all(peer);
    }));
    let status = stub.unary(text("a")).unwrap_err();
    assert_eq!(*stub.unary(text("b")).unwrap(), "re", "the connection lives");
    drop(stub);
    peers.join();
    status
}

/// goaway: "sends GOAWAY after the first response; the client must use a new connection".
#[test]
fn goaway() {
    let scripts: Vec<Script> = vec![
        Box::new(|peer| {
            let (stream, _) = peer.request();
            peer.reply(stream, "first");
            peer.core().go_away(Reason::NO_ERROR);
            peer.until_closed();
        }),
        Box::new(answer_all),
    ];
    let (stub, peers) = stub_against(scripts);
    assert_eq!(*stub.unary(text("a")).unwrap(), "first");
    assert_eq!(*stub.unary(text("b")).unwrap(), "re");
    assert_eq!(peers.connects(), 2);
    drop(stub);
    peers.join();
}

/// rst_after_header: "resets the stream directly after the response headers".
#[test]
fn rst_after_header() {
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.reset(stream, Reason::INTERNAL_ERROR);
    });
    assert_eq!(status.code(), Code::Internal, "{status}");
}

/// rst_after_data: "resets the stream directly after sending data", a whole message of it: a reply
/// without a status is none.
#[test]
fn rst_after_data() {
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.send_message(stream, "a whole reply");
        peer.reset(stream, Reason::INTERNAL_ERROR);
    });
    assert_eq!(status.code(), Code::Internal, "{status}");
}

/// rst_during_data: "resets the stream halfway through sending data".
#[test]
fn rst_during_data() {
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.send_data(stream, &envelope::prefix(1000), false);
        peer.send_data(stream, &[1; 500], false);
        peer.reset(stream, Reason::INTERNAL_ERROR);
    });
    assert_eq!(status.code(), Code::Internal, "{status}");
}

/// ping: "pings at various times; the client must acknowledge them and the call must pass".
#[test]
fn ping() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, _) = peer.request();
        peer.core().ping([1; 8]);
        peer.flush();
        peer.core().ping([2; 8]);
        peer.send_head(stream, &[]);
        peer.core().ping([3; 8]);
        peer.send_message(stream, "re");
        peer.core().ping([4; 8]);
        peer.send_trailers(stream, &[("grpc-status", "0")]);
        for payload in 1..=4 {
            assert_eq!(peer.next(), Seen::Acknowledged([payload; 8]));
        }
        peer.until_closed();
    }));
    assert_eq!(*stub.unary(text("a")).unwrap(), "re");
    drop(stub);
    peers.join();
}

/// max_streams: "allows one stream at a time; fifteen calls at once must all pass".
#[test]
fn max_streams() {
    let (stub, peers) = stub_against(script(|peer| {
        peer.configure(|config| config.max_concurrent_streams = 1);
        answer_all(peer);
    }));
    assert_eq!(*stub.unary(text("the settings have come")).unwrap(), "re");
    std::thread::scope(|scope| {
        for _ in 0..15 {
            scope.spawn(|| assert_eq!(*stub.unary(text("one of many")).unwrap(), "re"));
        }
    });
    assert_eq!(peers.connects(), 1);
    drop(stub);
    peers.join();
}
