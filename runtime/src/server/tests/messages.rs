//! Messages on a request's stream, and the limits on both ways.

use super::support::{Response, Talk, TestServer, framed};
use crate::grpc::Status;
use crate::http2::Reason;

const UNARY: &str = "/test.Talk/Unary";
const RECORD: &str = "/test.Talk/Record";

/// Adds up what it receives, with its lengths.
fn recorder() -> Talk {
    Talk::record(|requests, _| {
        let mut all = Vec::new();
        for request in requests {
            all.push(request?);
        }
        Ok(format!("{} of {}: {}", all.len(), all.concat().len(), all.join(",")))
    })
}

/// Sends `bytes` in pieces of `size` and then END_STREAM in a frame of its own.
fn record_in_pieces(bytes: &[u8], size: usize) -> Response {
    let server = TestServer::new(recorder());
    let mut peer = server.connect();
    let stream = peer.open(RECORD, &[], false);
    for piece in bytes.chunks(size) {
        peer.send_bytes(stream, piece, false);
    }
    peer.send_bytes(stream, &[], true);
    peer.response(stream)
}

/// Checklist 19: DATA boundaries mean nothing: prefixes split, several messages in a frame, empty
/// messages.
#[test]
fn data_boundaries_are_independent_of_messages() {
    let bytes: Vec<u8> = ["one", "", "three"].iter().flat_map(|text| framed(text)).collect();
    for size in 1..=bytes.len() {
        let response = record_in_pieces(&bytes, size);
        assert_eq!(response.messages(), ["3 of 8: one,,three"], "pieces of {size}");
        assert_eq!(response.status(), ("0", ""));
    }
}

/// Checklist 17: END_STREAM on the head, on the last DATA, and on an empty DATA frame are one.
#[test]
fn the_end_of_requests_comes_in_three_forms() {
    let server = TestServer::new(recorder());
    let mut peer = server.connect();
    let stream = peer.open(RECORD, &[], true);
    assert_eq!(peer.response(stream).messages(), ["0 of 0: "]);
    let stream = peer.open(RECORD, &[], false);
    peer.send(stream, "a", true);
    assert_eq!(peer.response(stream).messages(), ["1 of 1: a"]);
    let stream = peer.open(RECORD, &[], false);
    peer.send(stream, "b", false);
    peer.send_bytes(stream, &[], true);
    assert_eq!(peer.response(stream).messages(), ["1 of 1: b"]);
}

/// Checklist 20: END_STREAM inside a message is INTERNAL, in the prefix as in the payload.
#[test]
fn a_truncated_message_is_internal() {
    let bytes = framed("hello");
    for (path, service) in [(RECORD, recorder()), (UNARY, Talk::echo())] {
        let server = TestServer::new(service);
        let mut peer = server.connect();
        for len in [1, 4, 5, 9] {
            let stream = peer.open(path, &[], false);
            peer.send_bytes(stream, &bytes[..len], true);
            let response = peer.response(stream);
            assert_eq!(response.status().0, "13", "{len}");
            assert!(response.status().1.contains("truncated"), "{:?}", response.status());
        }
    }
}

/// Checklist 14: a unary request of no message, or of two, is INTERNAL.
#[test]
fn a_unary_request_has_exactly_one_message() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], true);
    let response = peer.response(stream);
    assert_eq!(response.status(), ("13", "received no request message, expected one"));
    let stream = peer.open(UNARY, &[], false);
    peer.send_bytes(stream, &[framed("a"), framed("b")].concat(), true);
    let response = peer.response(stream);
    assert_eq!(response.status(), ("13", "received a second request message, expected one"));
    assert_eq!(peer.call(UNARY, &[], "one").messages(), ["one"]);
}

/// Checklist 38 and 39: a compressed flag of 1 without an encoding, or above 1, is INTERNAL.
#[test]
fn compressed_flags_are_checked() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    for (flag, text) in [(1, "compressed"), (2, "flag 2"), (255, "flag 255")] {
        let mut bytes = framed("hello");
        bytes[0] = flag;
        let stream = peer.open(UNARY, &[], false);
        peer.send_bytes(stream, &bytes, true);
        let response = peer.response(stream);
        assert_eq!(response.status().0, "13", "{flag}");
        assert!(response.status().1.contains(text), "{:?}", response.status());
    }
}

/// A request that the codec cannot read is INTERNAL.
#[test]
fn an_unreadable_request_is_internal() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send_bytes(stream, &[0, 0, 0, 0, 1, 0xff], true);
    assert_eq!(peer.response(stream).status(), ("13", "received text not UTF-8"));
}

/// A request of exactly the receive limit passes; one byte more is RESOURCE_EXHAUSTED.
#[test]
fn requests_over_the_receive_limit_are_resource_exhausted() {
    let server = TestServer::new(Talk::unary(|request, _| Ok(request.len().to_string())));
    let mut peer = server.connect();
    let response = peer.call(UNARY, &[], &"x".repeat(1024));
    assert_eq!(response.messages(), ["1024"]);
    let response = peer.call(UNARY, &[], &"x".repeat(1025));
    let message = "received message of 1025 bytes, over the limit of 1024";
    assert_eq!(response.status(), ("8", message));
    assert!(response.is_trailers_only());
    assert_eq!(peer.call(UNARY, &[], "x").messages(), ["1"]);
}

/// Attack 31: a prefix that announces 4 GiB is refused at once, before any of it has come.
#[test]
fn a_huge_announcement_is_refused_before_its_bytes_come() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send_bytes(stream, &[0, 0xff, 0xff, 0xff, 0xff], false);
    let response = peer.until(stream, |response| response.reset.is_some());
    assert_eq!(response.status().0, "8");
    assert_eq!(response.reset, Some(Reason::NO_ERROR));
}

/// A reply of exactly the send limit passes; one byte more is RESOURCE_EXHAUSTED.
#[test]
fn replies_over_the_send_limit_are_resource_exhausted() {
    let server = TestServer::new(Talk::unary(|request, _| {
        let len = request.parse().map_err(|_| Status::invalid_argument("expected a number"))?;
        Ok("x".repeat(len))
    }));
    let mut peer = server.connect();
    assert_eq!(peer.call(UNARY, &[], "1024").messages(), ["x".repeat(1024)]);
    let response = peer.call(UNARY, &[], "1025");
    assert_eq!(response.status(), ("8", "message of 1025 bytes, over the send limit of 1024"));
    assert!(response.is_trailers_only());
}

/// A streamed reply over the send limit fails its `send`, and the stream can go on.
#[test]
fn a_stream_goes_on_behind_a_reply_that_was_too_large() {
    let server = TestServer::new(Talk::list(|_, replies, _| {
        replies.send("before".to_owned())?;
        let error = replies.send("x".repeat(1025)).unwrap_err();
        replies.send(error.code().to_string())
    }));
    let response = server.connect().call("/test.Talk/List", &[], "");
    assert_eq!(response.messages(), ["before", "RESOURCE_EXHAUSTED"]);
    assert_eq!(response.status(), ("0", ""));
}
