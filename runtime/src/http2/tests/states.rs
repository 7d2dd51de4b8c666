//! RFC 9113 5.1 and 5.4: which frame is right on which stream.

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Initiator, OpenError, Reason, StreamId};

/// RFC 9113 5.1: on an idle stream only HEADERS and PRIORITY are right.
#[test]
fn idle_streams_take_headers_and_priority() {
    for frame in [data(5, "x"), reset(5, Reason::CANCEL), window_update(5, 1)] {
        let mut peer = Peer::of_server();
        peer.send(request(3)).send(frame.clone());
        peer.ends_with(Violation::IdleStream);
        let mut peer = Peer::of_client();
        peer.open();
        peer.send(frame);
        peer.ends_with(Violation::IdleStream);
    }
    let mut peer = Peer::of_server();
    peer.send(priority(5, 0)).expect_silence().send(request(5)).tells_head(5);
}

/// RFC 9113 5.1: after END_STREAM, DATA and HEADERS are a stream error STREAM_CLOSED.
#[test]
fn a_half_closed_stream_takes_no_data_and_no_headers() {
    for frame in [data(1, "x"), data(1, "").end(), trailers(1), request(1)] {
        let mut peer = Peer::of_server();
        peer.send(request(1).end()).tells(Told::Head { stream: 1, end: true });
        peer.send(frame).resets(1, Violation::HalfClosed);
        peer.tells_reset(1, Reason::STREAM_CLOSED, Initiator::Local);
    }
}

/// RFC 9113 5.1: after END_STREAM, WINDOW_UPDATE, PRIORITY and RST_STREAM are right.
#[test]
fn a_half_closed_stream_takes_control_frames() {
    let mut peer = Peer::of_server();
    peer.send(request(1).end()).tells(Told::Head { stream: 1, end: true });
    peer.send(window_update(1, 1)).send(priority(1, 0)).expect_silence().tells_nothing();
    peer.send(reset(1, Reason::CANCEL)).tells_reset(1, Reason::CANCEL, Initiator::Remote);
}

/// RFC 9113 5.1: after both sides have sent END_STREAM, DATA and HEADERS end the connection.
#[test]
fn an_ended_stream_takes_no_data_and_no_headers() {
    for frame in [data(1, "x"), trailers(1)] {
        let mut peer = Peer::of_client();
        let stream = peer.open();
        peer.connection.send_data(stream, b"", true).unwrap();
        peer.send(response(1).end()).send(frame);
        peer.ends_with(Violation::StreamEnded);
    }
}

/// RFC 9113 5.1: WINDOW_UPDATE, RST_STREAM and PRIORITY that come late are ignored.
#[test]
fn late_control_frames_are_ignored() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.connection.send_data(stream, b"", true).unwrap();
    peer.expect(data(1, "").end());
    peer.send(response(1).end()).tells(Told::Head { stream: 1, end: true });
    peer.send(window_update(1, 1)).send(window_update(1, 0)).send(priority(1, 0));
    peer.send(reset(1, Reason::NO_ERROR)).expect_silence().tells_nothing();
    assert_eq!(peer.error, None);
}

/// RFC 9113 5.1: after the peer's RST_STREAM, its DATA and HEADERS are a stream error
/// STREAM_CLOSED, once.
#[test]
fn frames_after_a_reset_of_the_peer_are_refused() {
    for frame in [data(1, "x"), trailers(1)] {
        let mut peer = Peer::of_server();
        peer.send(request(1)).send(reset(1, Reason::CANCEL)).expect_silence();
        peer.send(frame.clone()).resets(1, Violation::StreamResetByPeer);
        peer.send(frame).expect_silence();
        assert_eq!(peer.error, None);
    }
}

/// RFC 9113 5.1 and 5.4.2: what the peer had sent before it saw our RST_STREAM is discarded.
#[test]
fn frames_after_our_reset_are_discarded() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.connection.reset(stream, Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL));
    peer.send_all([response(1), data(1, "late"), window_update(1, 5), trailers(1)]);
    peer.send(reset(1, Reason::NO_ERROR)).expect_silence().tells_nothing();
    assert_eq!(peer.error, None);
}

/// RFC 9113 5.4.2: RST_STREAM is never answered with RST_STREAM.
#[test]
fn a_reset_is_not_answered() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).send(reset(1, Reason::INTERNAL_ERROR));
    peer.send(reset(1, Reason::INTERNAL_ERROR)).expect_silence();
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    peer.expect_silence();
}

/// RFC 9113 5.1.1: clients open odd streams, in rising order; numbers that are skipped are closed.
#[test]
fn identifiers_rise() {
    let mut peer = Peer::of_server();
    peer.send(request(5)).tells_head(5);
    peer.send(request(3));
    peer.ends_with(Violation::StreamIdDecreased);

    let mut peer = Peer::of_server();
    peer.send(request(2));
    peer.ends_with(Violation::StreamIdParity);

    // A skipped number is closed and no longer idle.
    let mut peer = Peer::of_server();
    peer.send(request(5)).tells_head(5).send(window_update(3, 1)).expect_silence();
    assert_eq!(peer.error, None);
}

/// RFC 9113 5.1.1: the streams that we open are odd and rise, whatever becomes of those before.
#[test]
fn our_identifiers_are_odd_and_rise() {
    let mut peer = Peer::of_client_with(Config::default(), &[(MAX_CONCURRENT_STREAMS, 2)]);
    for expected in (1..100).step_by(4) {
        assert_eq!(peer.open().0, expected);
        assert_eq!(peer.open().0, expected + 2);
        assert_eq!(peer.connection.open(&list(REQUEST), true), Err(OpenError::StreamLimit));
        peer.connection.reset(StreamId(expected), Reason::CANCEL);
        peer.expect(reset(expected, Reason::CANCEL));
        peer.send(reset(expected + 2, Reason::REFUSED_STREAM)).expect_silence();
    }
}

/// RFC 9113 5.1.1: a number is not used twice.
#[test]
fn identifiers_are_not_used_again() {
    let mut peer = Peer::of_server();
    peer.send(request(1).end()).tells(Told::Head { stream: 1, end: true });
    peer.connection.send_headers(StreamId(1), &list(RESPONSE), true).unwrap();
    peer.send(request(1));
    peer.ends_with(Violation::StreamEnded);
}

/// RFC 9113 5.1.1: a server opens no stream towards a client that forbids push.
#[test]
fn a_server_opens_no_streams() {
    for stream in [2, 7] {
        let mut peer = Peer::of_client();
        peer.open();
        peer.send(response(stream));
        peer.ends_with(Violation::IdleStream);
    }
}

/// RFC 9113 5.1.1: a client that runs out of numbers opens no more streams, long before the end.
#[test]
fn a_client_runs_out_of_identifiers() {
    let mut peer = Peer::of_client();
    peer.connection.set_next_stream(StreamId((1 << 29) * 3 - 1));
    assert!(peer.connection.can_open());
    let last = peer.open();
    assert_eq!(last.0, 1_610_612_735);
    assert_eq!(peer.connection.open(&list(REQUEST), true), Err(OpenError::IdsExhausted));
    peer.send(response(last.0)).tells_head(last.0);
}

/// RFC 9113 5.1.1: a server takes numbers up to 2^31-1 and then sends GOAWAY.
#[test]
fn a_server_says_when_identifiers_run_out() {
    const LAST: u32 = (1 << 31) - 1;
    let mut peer = Peer::of_server();
    peer.send(request(LAST)).tells_head(LAST);
    peer.expect(go_away_after(LAST, Reason::NO_ERROR));
    peer.connection.send_headers(StreamId(LAST), &list(RESPONSE), true).unwrap();
}

/// RFC 9113 5.1.2: streams above our SETTINGS_MAX_CONCURRENT_STREAMS are refused, and taken again
/// when one has ended.
#[test]
fn streams_above_the_limit_are_refused() {
    let config = Config { max_concurrent_streams: 2, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).tells_head(1).send(request(3).end());
    peer.tells(Told::Head { stream: 3, end: true });
    peer.send(request(5)).resets(5, Violation::StreamRefused).tells_nothing();
    // What the client had sent for it already is discarded.
    peer.send(data(5, "x").end()).expect_silence();
    // A half-closed stream counts, an ended one does not.
    peer.connection.send_headers(StreamId(3), &list(RESPONSE), true).unwrap();
    peer.next_frame();
    peer.send(request(7)).tells_head(7).expect_silence();
}

/// RFC 9113 5.1.2: a client opens no more streams than the server allows, and is told when it may.
#[test]
fn a_client_keeps_to_the_servers_limit() {
    let settings_of_two = [(MAX_CONCURRENT_STREAMS, 2)];
    let mut peer = Peer::of_client_with(Config::default(), &settings_of_two);
    let (first, _) = (peer.open(), peer.open());
    assert!(!peer.connection.can_open());
    assert_eq!(peer.connection.open(&list(REQUEST), false), Err(OpenError::StreamLimit));
    assert_eq!(peer.connection.open(&list(REQUEST), false), Err(OpenError::StreamLimit));
    peer.tells_nothing();
    peer.connection.reset(first, Reason::CANCEL);
    peer.tells(Told::StreamsAvailable).tells_nothing().expect(reset(1, Reason::CANCEL));
    peer.open();

    // A limit of 0 lets nobody in; streams in progress go on.
    peer.send(settings(&[(MAX_CONCURRENT_STREAMS, 0)])).expect(settings_ack());
    peer.tells(Told::SettingsReceived);
    peer.send(response(3).end()).tells(Told::Head { stream: 3, end: true });
    assert_eq!(peer.connection.open(&list(REQUEST), false), Err(OpenError::StreamLimit));
    peer.send(settings(&[(MAX_CONCURRENT_STREAMS, 5)])).expect(settings_ack());
    peer.tells(Told::SettingsReceived).tells(Told::StreamsAvailable);
}

/// RFC 9113 4.3 and 5.4.2: a stream that is reset before its head has left is reset by RST_STREAM
/// alone on its own stream, and the header tables of both sides stay the same.
#[test]
fn a_stream_reset_before_it_has_left_keeps_the_header_tables() {
    let mut peer = Peer::of_client();
    let first = peer.connection.open(&list(REQUEST), false).unwrap();
    let second = peer.connection.open(&list(REQUEST), false).unwrap();
    peer.connection.reset(first, Reason::CANCEL);
    let third = peer.connection.open(&list(REQUEST), false).unwrap();
    let mut frames = std::iter::from_fn(|| peer.next_frame()).collect::<Vec<_>>();
    let reset = frames.iter().position(|frame| *frame == reset(first.0, Reason::CANCEL));
    assert!(reset.is_some_and(|at| at > 0), "behind the head of the stream: {frames:?}");
    frames.retain(|frame| frame.kind == HEADERS);
    let streams: Vec<u32> = frames.iter().map(|frame| frame.stream).collect();
    assert_eq!(streams, [first.0, second.0, third.0]);
    for frame in frames {
        assert_eq!(peer.decode(&frame.payload), list(REQUEST));
    }
    assert_eq!(peer.error, None);
}

/// RFC 9113 5.1.2: before the server's SETTINGS a client opens a hundred streams at most; without
/// the setting there is no limit.
#[test]
fn a_hundred_streams_before_settings() {
    let mut peer = Peer::new(crate::http2::Connection::client(Config::default()));
    for _ in 0..100 {
        peer.connection.open(&list(REQUEST), true).unwrap();
    }
    assert_eq!(peer.connection.open(&list(REQUEST), true), Err(OpenError::StreamLimit));
    peer.send(settings(&[])).tells(Told::SettingsReceived).tells(Told::StreamsAvailable);
    for _ in 0..1000 {
        peer.connection.open(&list(REQUEST), true).unwrap();
    }
}

/// RFC 9113 5.3: priority signals are ignored, a stream that depends on itself too.
#[test]
fn priorities_are_ignored() {
    let mut peer = Peer::of_server();
    peer.send(request(1).prioritized(1)).tells_head(1);
    peer.send(priority(1, 1)).send(priority(9, 9)).expect_silence().tells_nothing();
    assert_eq!(peer.error, None);
}

/// RFC 9113 6.3: PRIORITY of another length than 5 is a stream error FRAME_SIZE_ERROR, and one of
/// the connection where no stream can be reset.
#[test]
fn priority_has_five_bytes() {
    for length in [0, 4, 6] {
        let mut peer = Peer::of_server();
        peer.send(request(1)).tells_head(1);
        peer.send(Frame::new(PRIORITY, 0, 1, vec![0; length])).resets(1, Violation::PriorityLength);
        peer.send(Frame::new(PRIORITY, 0, 1, vec![0; length])).expect_silence();
        peer.send(Frame::new(PRIORITY, 0, 3, vec![0; length]));
        peer.ends_with(Violation::PriorityLengthOnIdle);
    }
}

/// RFC 9113 6.4: RST_STREAM is never sent on an idle stream: that is a bug of the caller.
#[test]
#[should_panic(expected = "was never opened")]
fn an_idle_stream_is_not_reset() {
    Peer::of_client().connection.reset(StreamId(1), Reason::CANCEL);
}

/// RFC 9113 5.1: nothing but RST_STREAM and WINDOW_UPDATE is sent after our END_STREAM.
#[test]
fn nothing_is_sent_after_the_end() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.connection.send_data(stream, b"x", true).unwrap();
    peer.expect(data(1, "x").end());
    assert!(peer.connection.send_data(stream, b"y", false).is_err());
    assert!(peer.connection.send_data(stream, b"", true).is_err());
    assert!(peer.connection.send_headers(stream, &list(TRAILERS), true).is_err());
    peer.expect_silence();
    peer.connection.reset(stream, Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL)).expect_silence();
}

/// RFC 9113 6.4: after the peer's RST_STREAM nothing is sent on its stream, but PRIORITY, which we
/// never send.
#[test]
fn nothing_is_sent_after_a_reset_of_the_peer() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).send(data(1, [0; 16_384]));
    peer.connection.send_headers(StreamId(1), &list(RESPONSE), false).unwrap();
    assert_eq!(peer.connection.send_data(StreamId(1), &[0; 70_000], true), Ok(65_535));
    peer.forget();
    peer.send(reset(1, Reason::CANCEL)).tells_reset(1, Reason::CANCEL, Initiator::Remote);
    assert!(peer.connection.send_data(StreamId(1), b"x", false).is_err());
    assert!(peer.connection.send_data(StreamId(1), b"", true).is_err());
    assert!(peer.connection.send_headers(StreamId(1), &list(TRAILERS), true).is_err());
    peer.connection.release(StreamId(1), 16_384);
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    peer.send_all([window_update(0, 1 << 20), window_update(1, 1 << 20)]);
    peer.expect_silence().tells_nothing();
    assert_eq!(peer.error, None);
}

/// RFC 9113 7: an error code that nobody knows is handed on and means nothing more.
#[test]
fn unknown_error_codes_are_handed_on() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.send(go_away_after(stream.0, Reason(0xdead)));
    peer.tells(Told::GoAway { last_stream: 1, reason: Reason(0xdead), debug: vec![] });
    peer.send(reset(1, Reason(0xbeef))).tells_reset(1, Reason(0xbeef), Initiator::Remote);
    assert_eq!(Reason(0xbeef).to_string(), "error code 0xbeef");
    assert_eq!(Reason::HTTP_1_1_REQUIRED.to_string(), "HTTP_1_1_REQUIRED");
}

/// RFC 9113 5.4: the table of faults has words for each, and no fault has the code NO_ERROR; what
/// only the time brings about has.
#[test]
fn every_fault_has_a_code_and_words() {
    // gRFC A8 prescribes these words.
    assert_eq!(Violation::TooManyPings.row().2, "too_many_pings");
    for violation in Violation::ALL.iter().filter(|one| **one != Violation::TooManyPings) {
        let (_, reason, text) = violation.row();
        let is_of_time = matches!(violation, Violation::KeepaliveTimeout | Violation::AgeGraceOver);
        assert_eq!(reason == Reason::NO_ERROR, is_of_time, "{violation:?}");
        let first = text.chars().next().unwrap();
        assert!(first.is_lowercase() && !text.ends_with('.'), "{text}");
        assert!(text.contains("peer"), "{text}");
    }
}
