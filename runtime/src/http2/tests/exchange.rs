//! Whole calls in both roles.

use super::frames::*;
use super::peer::*;
use crate::http2::{Initiator, Reason, StreamId};

/// RFC 9113 8.1: a request is HEADERS and DATA, a response HEADERS, DATA and trailers.
#[test]
fn a_server_answers_a_call() {
    for piece in [1, 2, 7, usize::MAX] {
        let mut peer = Peer::of_server().in_pieces_of(piece);
        peer.send_all([request(1), data(1, "").end()]);
        peer.tells_head(1).tells(Told::Data { stream: 1, data: vec![], end: true });

        let stream = StreamId(1);
        peer.connection.send_headers(stream, &list(RESPONSE), false).unwrap();
        assert_eq!(peer.connection.send_data(stream, b"hello", false), Ok(5));
        peer.connection.send_headers(stream, &list(TRAILERS), true).unwrap();
        peer.expect_fields(1, END_HEADERS, RESPONSE).expect(data(1, "hello"));
        peer.expect_fields(1, END_HEADERS | END_STREAM, TRAILERS);
        assert_eq!(peer.connection.open_streams(), 0);
        peer.expect_silence().tells_nothing();
    }
}

/// RFC 9113 8.1: a client sends HEADERS and DATA and is given the response, piece by piece.
#[test]
fn a_client_makes_a_call() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    assert_eq!(stream, StreamId(1));
    assert_eq!(peer.connection.send_data(stream, b"question", true), Ok(8));
    peer.expect(data(1, "question").end());

    peer.send(response(1)).tells_head(1);
    peer.send(data(1, "answer")).tells_data(1, b"answer");
    peer.send(trailers(1)).tells(Told::Trailers { stream: 1 });
    assert_eq!(peer.lists[1], list(TRAILERS));
    assert_eq!(peer.connection.open_streams(), 0);
    peer.expect_silence().tells_nothing();
}

/// RFC 9113 8.1: a response of trailers alone is one HEADERS with END_STREAM.
#[test]
fn trailers_only_is_one_frame() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.connection.send_data(stream, b"", true).unwrap();
    peer.expect(data(1, "").end());
    peer.send(response_with(1, TRAILERS).end()).tells(Told::Head { stream: 1, end: true });
    assert_eq!(peer.connection.open_streams(), 0);
}

/// RFC 9113 5.4.2: RST_STREAM ends one stream and leaves the others alone.
#[test]
fn a_reset_ends_one_stream() {
    let mut peer = Peer::of_client();
    let (first, second) = (peer.open(), peer.open());
    peer.connection.reset(first, Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL)).tells_nothing();
    peer.send(reset(3, Reason(0x77)));
    peer.tells_reset(3, Reason(0x77), Initiator::Remote).expect_silence();
    assert!(peer.connection.send_data(first, b"x", false).is_err());
    assert!(peer.connection.send_data(second, b"x", false).is_err());
    assert_eq!(peer.open(), StreamId(5));
}
