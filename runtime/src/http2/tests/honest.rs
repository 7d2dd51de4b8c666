//! What honest peers do that looks like an attack (RFC 9113 10.5), and is none.
//!
//! Each test goes on far longer than the tokens of `http2::abuse` would last.

use super::attacks::MEMORY_MAX;
use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Event, Initiator, Reason, StreamId};
use crate::limits::http2 as limits;

/// A stream that we had begun to answer may be cancelled: that is what subscriptions do.
#[test]
fn cancelling_after_the_head_is_cheap() {
    let mut peer = Peer::of_server();
    for round in 0..5000 {
        let stream = 2 * round + 1;
        peer.send(request(stream).end());
        peer.connection.send_headers(StreamId(stream), &list(RESPONSE), false).unwrap();
        peer.send(reset(stream, Reason::CANCEL));
        assert_eq!(peer.error, None, "{round}");
    }
}

/// PINGs that go with work are cheap: peers estimate their bandwidth by them.
#[test]
fn pings_with_work_are_not_a_flood() {
    let mut peer = Peer::of_server();
    peer.send(request(1));
    for round in 0..5000 {
        peer.send(data(1, "x")).send(ping(b"estimate"));
        peer.connection.release(StreamId(1), 1);
        assert_eq!(peer.error, None, "{round}");
    }
}

/// Tiny DATA frames are how small messages are sent: a million of them is no attack, and costs no
/// memory.
#[test]
fn tiny_data_costs_no_memory() {
    let mut peer = Peer::of_server();
    peer.send(request(1));
    let thousand: Vec<u8> = (0..1000).flat_map(|_| data(1, "x").to_bytes()).collect();
    let mut output = 0;
    for _ in 0..1000 {
        let (mut rest, mut taken) = (thousand.as_slice(), 0);
        while let Ok((consumed, Some(event))) = peer.connection.handle_bytes(rest, peer.now) {
            rest = &rest[consumed..];
            taken += usize::from(matches!(event, Event::Data { .. }));
        }
        assert_eq!(taken, 1000);
        peer.connection.release(StreamId(1), taken);
        output += peer.connection.take_output().len();
        assert!(peer.connection.memory() <= MEMORY_MAX);
    }
    assert_eq!(peer.connection.error(), None);
    assert!(output < 1000, "{output} bytes of WINDOW_UPDATE for a million bytes");
}

/// RFC 9113 8.1: a server may answer before the request has ended and reset the rest of it; the
/// ends of those requests were on their way and cost their client nothing.
#[test]
fn ends_of_requests_answered_early_cost_no_tokens() {
    let mut peer = Peer::of_server();
    for round in 0..20_000 {
        let stream = 2 * round + 1;
        peer.send(request(stream));
        peer.connection.send_headers(StreamId(stream), &list(RESPONSE), true).unwrap();
        peer.connection.reset(StreamId(stream), Reason::NO_ERROR);
        peer.send(data(stream, "").end()).forget();
        assert_eq!(peer.error, None, "{round}");
    }
}

/// RFC 9113 5.1: answers to calls that we have cancelled were on their way and cost their server
/// nothing, one call at a time or more at once than we remember.
#[test]
fn answers_to_cancelled_calls_cost_no_tokens() {
    for at_once in [1, 3 * limits::CLOSED_STREAMS_REMEMBERED] {
        let mut peer = Peer::of_client_with(Config::default(), &[(MAX_CONCURRENT_STREAMS, 1000)]);
        for round in 0..20_000 / at_once {
            let calls: Vec<u32> = (0..at_once).map(|_| peer.open().0).collect();
            for call in &calls {
                peer.connection.reset(StreamId(*call), Reason::CANCEL);
            }
            for call in calls {
                peer.send_all([response(call), data(call, "answer"), trailers(call)]).forget();
            }
            assert_eq!(peer.error, None, "{round}");
        }
    }
}

/// Deadlines that expire, as many as calls that end well, are no rapid reset; twice as many are.
#[test]
fn calls_that_end_pay_for_those_that_are_cancelled() {
    let calls_taken = |cancelled: fn(u32) -> bool| {
        let mut peer = Peer::of_server();
        for call in 0..20_000 {
            let stream = 2 * call + 1;
            peer.send(request(stream).end());
            if cancelled(call) {
                peer.send(reset(stream, Reason::CANCEL));
            } else {
                peer.connection.send_headers(StreamId(stream), &list(RESPONSE), true).unwrap();
            }
            if peer.error.is_some() {
                peer.ends_with(Violation::TooManyResets);
                return call;
            }
            peer.forget();
        }
        20_000
    };
    assert_eq!(calls_taken(|call| call % 2 == 0), 20_000);
    assert!(calls_taken(|call| call % 3 != 0) <= 300);
}

/// A peer that grants after each DATA frame of ours, stream and connection, floods nobody.
#[test]
fn grants_after_each_frame_are_paid_for() {
    let settings = [(INITIAL_WINDOW_SIZE, 1 << 30)];
    let mut peer = Peer::of_client_with(Config::default(), &settings);
    peer.send(window_update(0, 1 << 30));
    let stream = peer.open();
    let megabyte = vec![0; 1 << 20];
    for round in 0..400 {
        assert_eq!(peer.connection.send_data(stream, &megabyte, false), Ok(1 << 20));
        for _ in 0..64 {
            peer.send_all([window_update(0, 16_384), window_update(1, 16_384)]);
        }
        peer.forget();
        assert_eq!(peer.error, None, "after {round} MiB");
    }
}

/// A long life of ordinary calls, each with late WINDOW_UPDATE and RST_STREAM, costs nothing.
#[test]
fn ordinary_calls_cost_no_tokens() {
    let mut peer = Peer::of_server();
    for round in 0..20_000 {
        let stream = 2 * round + 1;
        peer.send_all([request(stream), data(stream, "question").end()]);
        peer.connection.release(StreamId(stream), 8);
        peer.connection.send_headers(StreamId(stream), &list(RESPONSE), false).unwrap();
        peer.connection.send_data(StreamId(stream), b"answer", false).unwrap();
        peer.connection.send_headers(StreamId(stream), &list(TRAILERS), true).unwrap();
        peer.send_all([window_update(stream, 6), window_update(0, 6), priority(stream, 0)]);
        peer.send(reset(stream, Reason::NO_ERROR));
        assert_eq!(peer.error, None, "{round}");
        peer.lists.clear();
        peer.told.clear();
        peer.wire.clear();
    }
    assert_eq!(peer.connection.open_streams(), 0);
    assert!(peer.connection.memory() <= MEMORY_MAX, "{}", peer.connection.memory());
}

/// A server that resets every call hurts nobody but itself.
#[test]
fn a_server_may_reset_every_call() {
    let mut peer = Peer::of_client();
    for _ in 0..5000 {
        let stream = peer.open();
        peer.send(reset(stream.0, Reason::CANCEL));
        peer.tells_reset(stream.0, Reason::CANCEL, Initiator::Remote);
    }
    assert_eq!(peer.error, None);
}
