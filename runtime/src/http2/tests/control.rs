//! RFC 9113 6.5 to 6.8: SETTINGS, PUSH_PROMISE, PING, GOAWAY.

use std::time::Duration;

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Connection, Initiator, OpenError, Reason, StreamId};
use crate::limits::http2 as limits;

const LAST: u32 = (1 << 31) - 1;

/// RFC 9113 6.5.3: SETTINGS are acknowledged, each of them, and an acknowledgement is not.
#[test]
fn settings_are_acknowledged() {
    let mut peer = Peer::of_server();
    peer.send(settings(&[])).send(settings(&[(MAX_HEADER_LIST_SIZE, 9)])).send(settings_ack());
    peer.expect(settings_ack()).expect(settings_ack()).expect_silence();
    peer.tells(Told::SettingsReceived).tells(Told::SettingsReceived).tells_nothing();
    assert_eq!(peer.connection.peer_settings().max_header_list_size, 9);
}

/// RFC 9113 6.5.2: what we announce is what we were told to, and a client forbids push.
#[test]
fn settings_say_what_was_configured() {
    let config = Config {
        initial_window_size: 1,
        connection_window_size: 70_000,
        max_concurrent_streams: 3,
        max_frame_size: 16_385,
        max_header_list_size: 5,
        header_table_size: 6,
        ..Config::default()
    };
    let common = [
        (INITIAL_WINDOW_SIZE, 1),
        (MAX_FRAME_SIZE, 16_385),
        (MAX_HEADER_LIST_SIZE, 5),
        (HEADER_TABLE_SIZE, 6),
    ];
    let mut peer = Peer::new(Connection::client(config.clone()));
    peer.read().wire.drain(..24);
    peer.expect(settings(&[&[(ENABLE_PUSH, 0)], &common[..]].concat()));
    peer.expect(window_update(0, 70_000 - 65_535)).expect_silence();

    let mut peer = Peer::new(Connection::server(config));
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    peer.expect(settings(&[&[(MAX_CONCURRENT_STREAMS, 3)], &common[..]].concat()));
    peer.expect(window_update(0, 70_000 - 65_535)).expect_silence();
}

/// RFC 9113 6.5.2: values at the border are taken.
#[test]
fn settings_at_the_border_are_taken() {
    let mut peer = Peer::of_server();
    for entry in [
        (ENABLE_PUSH, 0),
        (ENABLE_PUSH, 1),
        (INITIAL_WINDOW_SIZE, LAST),
        (INITIAL_WINDOW_SIZE, 0),
        (MAX_FRAME_SIZE, 1 << 14),
        (MAX_FRAME_SIZE, (1 << 24) - 1),
        (HEADER_TABLE_SIZE, u32::MAX),
        (HEADER_TABLE_SIZE, 0),
        (MAX_CONCURRENT_STREAMS, u32::MAX),
    ] {
        peer.send(settings(&[entry])).expect(settings_ack());
    }
    let mut peer = Peer::of_client();
    peer.send(settings(&[(ENABLE_PUSH, 0)])).expect(settings_ack());
}

/// RFC 9113 6.5.2: values beyond the border end the connection.
#[test]
fn settings_beyond_the_border_end_the_connection() {
    for (entry, violation) in [
        ((ENABLE_PUSH, 2), Violation::SettingsEnablePush),
        ((INITIAL_WINDOW_SIZE, 1 << 31), Violation::SettingsInitialWindow),
        ((MAX_FRAME_SIZE, (1 << 14) - 1), Violation::SettingsMaxFrameSize),
        ((MAX_FRAME_SIZE, 1 << 24), Violation::SettingsMaxFrameSize),
    ] {
        let mut peer = Peer::of_server();
        peer.send(settings(&[entry]));
        peer.ends_with(violation);
    }
    // RFC 9113 6.5.2: a server must not even say 1.
    let mut peer = Peer::of_client();
    peer.send(settings(&[(ENABLE_PUSH, 1)]));
    peer.ends_with(Violation::SettingsEnablePush);
}

/// RFC 9113 6.5.2: unknown settings are ignored.
#[test]
fn unknown_settings_are_ignored() {
    let mut peer = Peer::of_server();
    peer.send(settings(&[(0, 7), (9, 1), (0xffff, u32::MAX)])).expect(settings_ack());
}

/// RFC 9113 6.5.3: the values of one frame are processed in order, the last one stays.
#[test]
fn the_last_value_of_a_setting_counts() {
    let mut peer = Peer::of_client();
    peer.send(settings(&[(MAX_CONCURRENT_STREAMS, 0), (MAX_CONCURRENT_STREAMS, 1)]));
    peer.expect(settings_ack()).open();
    assert_eq!(peer.connection.open(&list(REQUEST), false), Err(OpenError::StreamLimit));
}

/// RFC 9113 6.5.3: a peer that never acknowledges our SETTINGS is left with SETTINGS_TIMEOUT.
#[test]
fn settings_must_be_acknowledged_in_time() {
    let mut peer = Peer::new(Connection::client(Config::default()));
    peer.send(settings(&[])).wait(limits::SETTINGS_ACK_TIMEOUT - Duration::from_millis(1));
    assert_eq!(peer.error, None);
    assert_eq!(peer.connection.next_timeout(), Some(peer.now + Duration::from_millis(1)));
    peer.wait(Duration::from_millis(1));
    assert_eq!(peer.error.unwrap().reason(), Reason::SETTINGS_TIMEOUT);

    let mut peer = Peer::of_client();
    assert_eq!(peer.connection.next_timeout(), None);
    peer.wait(Duration::from_secs(1 << 20));
    assert_eq!(peer.error, None);
}

/// RFC 9113 6.6 and 8.4: a server must not push, we have forbidden it; a client never may.
#[test]
fn push_promise_ends_the_connection() {
    let mut peer = Peer::of_client();
    peer.open();
    peer.send(push_promise(1, 2));
    peer.ends_with(Violation::PushPromise);
    let mut peer = Peer::of_server();
    peer.send(request(1)).send(push_promise(1, 2));
    peer.ends_with(Violation::PushPromise);
}

/// RFC 9113 6.7: PING is answered with its own bytes, and an acknowledgement is not answered.
#[test]
fn pings_are_answered() {
    let mut peer = Peer::of_server();
    peer.send(ping(b"\0\x01abcd\xfe\xff")).expect(ping_ack(b"\0\x01abcd\xfe\xff"));
    peer.send(ping_ack(b"unwanted")).expect_silence().tells_nothing();
}

/// RFC 9113 6.7: the acknowledgement of PING goes before DATA that waits.
#[test]
fn the_answer_to_ping_overtakes_data() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.connection.send_data(stream, b"data", false).unwrap();
    peer.send(ping(b"12345678")).expect(ping_ack(b"12345678")).expect(data(1, "data"));
}

/// RFC 9113 6.7: the answer to our PING is told, once, and only if we have asked.
#[test]
fn answers_to_our_pings_are_told() {
    let mut peer = Peer::of_server();
    peer.connection.ping(*b"question");
    peer.connection.ping(*b"another1");
    peer.expect(ping(b"question")).expect(ping(b"another1"));
    peer.send(ping_ack(b"question")).send(ping_ack(b"question")).send(ping_ack(b"nonsense"));
    peer.tells(Told::PingAcked(*b"question")).tells_nothing();
    peer.send(ping_ack(b"another1")).tells(Told::PingAcked(*b"another1")).expect_silence();
}

/// RFC 9113 6.8: streams above the last one of a GOAWAY were not processed; those below go on, and
/// new ones are not opened.
#[test]
fn goaway_ends_streams_that_were_not_processed() {
    let mut peer = Peer::of_client();
    let (first, second, third) = (peer.open(), peer.open(), peer.open());
    let goaway = go_away_after(first.0, Reason::NO_ERROR);
    peer.send(Frame { payload: [&goaway.payload[..], b"bye"].concat(), ..goaway });
    let debug = b"bye".to_vec();
    peer.tells(Told::GoAway { last_stream: 1, reason: Reason::NO_ERROR, debug });
    peer.tells_reset(second.0, Reason::REFUSED_STREAM, Initiator::Remote);
    peer.tells_reset(third.0, Reason::REFUSED_STREAM, Initiator::Remote);
    assert!(peer.connection.is_going_away());
    assert_eq!(peer.connection.open(&list(REQUEST), true), Err(OpenError::GoingAway));
    assert_eq!(peer.connection.send_data(first, b"x", false), Ok(1));
    peer.expect(data(1, "x")).send(response(1).end()).tells(Told::Head { stream: 1, end: true });
}

/// RFC 9113 6.8: a later GOAWAY may lower the last stream and must not raise it.
#[test]
fn goaway_must_not_raise_the_last_stream() {
    let mut peer = Peer::of_client();
    let (_, second) = (peer.open(), peer.open());
    peer.send(go_away_after(LAST, Reason::NO_ERROR));
    peer.tells(Told::GoAway { last_stream: LAST, reason: Reason::NO_ERROR, debug: vec![] });
    peer.send(go_away_after(1, Reason::NO_ERROR));
    peer.tells(Told::GoAway { last_stream: 1, reason: Reason::NO_ERROR, debug: vec![] });
    peer.tells_reset(second.0, Reason::REFUSED_STREAM, Initiator::Remote);
    peer.send(go_away_after(1, Reason::NO_ERROR));
    peer.tells(Told::GoAway { last_stream: 1, reason: Reason::NO_ERROR, debug: vec![] });
    peer.send(go_away_after(3, Reason::NO_ERROR));
    peer.ends_with(Violation::GoAwayRaised);
}

/// RFC 9113 6.8: a graceful shutdown refuses nothing until the client must have seen it, then names
/// the last stream, and ends when that has ended.
#[test]
fn a_graceful_shutdown_has_two_goaways() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1);
    peer.connection.drain();
    peer.connection.drain();
    peer.expect(go_away_after(LAST, Reason::NO_ERROR));
    let probe = peer.next_frame().unwrap();
    assert_eq!((probe.kind, probe.flags), (PING, 0));
    peer.expect_silence();
    // Sent before the client has seen the first GOAWAY.
    peer.send(request(3).end()).tells(Told::Head { stream: 3, end: true });
    peer.send(probe.flag(ACK)).expect(go_away_after(3, Reason::NO_ERROR)).tells_nothing();
    // Sent in spite of it.
    peer.send(request(5)).send(data(5, "x")).expect_silence().tells_nothing();
    assert!(!peer.connection.is_drained());
    for stream in [1, 3] {
        peer.connection.send_headers(StreamId(stream), &list(RESPONSE), true).unwrap();
    }
    peer.send(data(1, "").end());
    assert!(peer.connection.is_drained());
    assert_eq!(peer.error, None);
}

/// RFC 9113 6.8: a client that does not answer the PING of a shutdown does not hold it up.
#[test]
fn a_graceful_shutdown_does_not_wait_for_ever() {
    let mut peer = Peer::of_server();
    peer.connection.drain();
    peer.wait(limits::DRAIN_TIMEOUT);
    peer.expect(go_away_after(LAST, Reason::NO_ERROR));
    assert_eq!(peer.next_frame().unwrap().kind, PING);
    peer.expect(go_away_after(0, Reason::NO_ERROR)).expect_silence();
    assert!(peer.connection.is_drained());

    // A shutdown that began before anything was told begins with the first time.
    let mut peer = Peer::new(Connection::server(Config::default()));
    peer.connection.drain();
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(settings(&[])).send(settings_ack());
    assert_eq!(peer.connection.next_timeout(), Some(peer.now + limits::DRAIN_TIMEOUT));
    assert!(!peer.connection.is_drained());
    peer.wait(limits::DRAIN_TIMEOUT);
    assert!(peer.connection.is_drained());
    assert_eq!(peer.connection.next_timeout(), None);
}

/// RFC 9113 6.8: no GOAWAY of ours raises the last stream, whatever the client opens in between.
#[test]
fn our_last_stream_is_never_raised() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1);
    peer.connection.go_away(Reason::NO_ERROR);
    peer.expect(go_away_after(1, Reason::NO_ERROR));
    peer.send(request(3));
    peer.connection.go_away(Reason::NO_ERROR);
    peer.expect(go_away_after(1, Reason::NO_ERROR));
    // Nor does a drain, which begins with the highest number, nor the end for a fault.
    peer.connection.drain();
    peer.expect_silence().send(request(5)).send(data(7, "x"));
    let last = peer.next_frame().unwrap();
    assert_eq!((last.kind, &last.payload[..4]), (GOAWAY, &[0, 0, 0, 1][..]));

    let mut peer = Peer::of_server();
    peer.connection.drain();
    peer.expect(go_away_after(LAST, Reason::NO_ERROR));
    peer.send(request(1)).wait(limits::DRAIN_TIMEOUT);
    assert_eq!(peer.next_frame().unwrap().kind, PING);
    peer.expect(go_away_after(1, Reason::NO_ERROR)).send(request(3)).send(data(5, "x"));
    let last = peer.next_frame().unwrap();
    assert_eq!((last.kind, &last.payload[..4]), (GOAWAY, &[0, 0, 0, 1][..]));
}

/// RFC 9113 6.8: the window of the connection is given back for DATA of streams that our GOAWAY
/// has refused.
#[test]
fn refused_streams_after_goaway_still_count() {
    let config = Config { connection_window_size: 65_535, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).tells_head(1);
    peer.connection.go_away(Reason::NO_ERROR);
    peer.expect(go_away_after(1, Reason::NO_ERROR));
    peer.send(request(3)).send(data(3, [0; 16_384])).send(data(3, [0; 16_384]));
    peer.expect(window_update(0, 32_768)).expect_silence().tells_nothing();
}

/// RFC 9113 6.8: a client that says GOAWAY opens no streams and goes on with those it has.
#[test]
fn a_client_may_go_away() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.connection.go_away(Reason::NO_ERROR);
    peer.expect(go_away_after(0, Reason::NO_ERROR));
    assert_eq!(peer.connection.open(&list(REQUEST), true), Err(OpenError::GoingAway));
    peer.send(response(stream.0))
        .tells_head(1)
        .send(trailers(1))
        .tells(Told::Trailers { stream: 1 });
    // A server takes it as news and no more.
    let mut peer = Peer::of_server();
    peer.send(go_away_after(0, Reason::NO_ERROR)).send(request(1));
    peer.tells(Told::GoAway { last_stream: 0, reason: Reason::NO_ERROR, debug: vec![] });
    peer.tells_head(1);
}
