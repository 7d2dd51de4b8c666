//! RFC 9113 5.2 and 6.9: flow control, both ways.

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, End, Headers, Initiator, Outgoing, Reason, SendError, StreamId};
use crate::limits::http2 as limits;

const WINDOW_MAX: u32 = (1 << 31) - 1;

/// A client whose peer grants `stream` bytes for each stream and 65,535 for the connection.
fn client_granted(stream: u32) -> Peer {
    Peer::of_client_with(Config::default(), &[(INITIAL_WINDOW_SIZE, stream)])
}

fn small_windows() -> Config {
    Config { initial_window_size: 100, connection_window_size: 65_535, ..Config::default() }
}

/// RFC 9113 6.9.1: no more is sent on a stream than its window allows, and the rest when it opens.
#[test]
fn a_stream_keeps_to_its_window() {
    let mut peer = client_granted(10);
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, b"0123456789abcdef", true), Ok(10));
    peer.expect(data(1, "0123456789")).expect_silence().tells_nothing();
    assert_eq!(peer.connection.send_data(stream, b"abcdef", true), Ok(0));
    peer.send(window_update(1, 6)).tells(Told::Writable { stream: 1 }).tells_nothing();
    assert_eq!(peer.connection.send_data(stream, b"abcdef", true), Ok(6));
    peer.expect(data(1, "abcdef").end());
}

/// RFC 9113 8.1: a response that is sent in one step is the same as head, DATA and trailers sent one by
/// one; of two heads only the first one is sent, and nothing behind the end.
#[test]
fn a_response_in_one_step_is_that_of_three() {
    let head = Headers::from_iter([(":status", "200")]);
    let trailers = Headers::from_iter([("grpc-status", "0")]);
    let stream = StreamId(1);
    let sent = |send: &dyn Fn(&mut Peer)| {
        let mut peer = Peer::of_server();
        peer.send(request(1).end()).tells(Told::Head { stream: 1, end: true });
        peer.forget();
        send(&mut peer);
        let mut more = Outgoing { head: Some(&head), data: b"x", end: End::Plain };
        assert_eq!(peer.connection.send(stream, &mut more, false), Err(SendError::Closed));
        peer.connection.take_output()
    };
    let by_three = sent(&|peer| {
        peer.connection.send_headers(stream, &head, false).unwrap();
        assert_eq!(peer.connection.send_data(stream, b"reply", false), Ok(5));
        peer.connection.send_headers(stream, &trailers, true).unwrap();
    });
    let end = End::Trailers(&trailers);
    let by_one = sent(&|peer| {
        let mut outgoing = Outgoing { head: Some(&head), data: b"reply", end };
        assert_eq!(peer.connection.send(stream, &mut outgoing, false), Ok(true));
    });
    let by_two_heads = sent(&|peer| {
        let mut outgoing = Outgoing { head: Some(&head), data: b"", end: End::Open };
        assert_eq!(peer.connection.send(stream, &mut outgoing, false), Ok(true));
        let mut outgoing = Outgoing { head: Some(&trailers), data: b"reply", end };
        assert_eq!(peer.connection.send(stream, &mut outgoing, false), Ok(true));
    });
    assert!(by_one == by_three && by_two_heads == by_three);
}

/// What is lent is framed as what is copied, windows and the end included, and acknowledgements of PING
/// leave before it.
#[test]
fn lent_data_is_framed_as_copied_data_is() {
    let data: Vec<u8> = (0..70_000_u32).map(|at| (at ^ at >> 8) as u8).collect();
    let sent = |lends: bool| {
        let mut peer = client_granted(1 << 20);
        let stream = peer.open();
        peer.forget();
        let connection = &mut peer.connection;
        assert_eq!(connection.send_data(stream, b"copied", false), Ok(6));
        let mut outgoing = Outgoing { head: None, data: &data, end: End::Plain };
        assert_eq!(connection.send(stream, &mut outgoing, lends), Ok(false));
        assert_eq!(outgoing.data.len(), 70_000 - (65_535 - 6));
        peer.hand_over(&ping(&[7; 8]).to_bytes());
        let lent = peer.connection.take_lent();
        let output = peer.connection.take_output();
        assert_eq!(lent.len(), if lends { 4 } else { 0 });
        let (mut wire, mut taken, mut at) = (Vec::new(), 0, 0);
        for piece in lent {
            wire.extend_from_slice(&output[taken..piece.at]);
            wire.extend_from_slice(&data[at..at + piece.size]);
            (taken, at) = (piece.at, at + piece.size);
        }
        wire.extend_from_slice(&output[taken..]);
        wire
    };
    assert!(sent(true) == sent(false));
}

/// RFC 9113 6.9.1: nor on all streams together than the window of the connection.
#[test]
fn streams_share_the_window_of_the_connection() {
    let mut peer = client_granted(1 << 20);
    let (first, second) = (peer.open(), peer.open());
    assert_eq!(peer.connection.send_data(first, &[1; 100_000], true), Ok(65_535));
    assert_eq!(peer.connection.send_data(second, &[2; 10], true), Ok(0));
    while peer.next_frame().is_some() {}
    peer.send(window_update(1, 1000)).tells_nothing();
    // The first can use all of it, and is the first in the queue again only behind the second.
    peer.send(window_update(0, 20_000)).tells(Told::Writable { stream: 1 }).tells_nothing();
    assert_eq!(peer.connection.send_data(first, &[1; 34_465], true), Ok(20_000));
    peer.expect(data(1, [1; 16_384])).expect(data(1, [1; 3_616])).tells_nothing();
    peer.send(window_update(0, 20_000));
    peer.tells(Told::Writable { stream: 3 }).tells(Told::Writable { stream: 1 }).tells_nothing();
    assert_eq!(peer.connection.send_data(second, &[2; 10], true), Ok(10));
    peer.expect(data(3, [2; 10]).end());
    assert_eq!(peer.connection.send_data(first, &[1; 14_465], true), Ok(14_465));
}

/// RFC 9113 6.9: a grant for the connection wakes those who can use it; if one of them closes, or
/// does nothing for a moment, it is the next one's.
#[test]
fn a_grant_wakes_no_more_streams_than_can_use_it() {
    let mut peer = client_granted(1 << 20);
    let streams: Vec<StreamId> = (0..5).map(|_| peer.open()).collect();
    assert_eq!(peer.connection.send_data(streams[0], &[1; 65_535], true), Ok(65_535));
    for stream in &streams[1..] {
        assert_eq!(peer.connection.send_data(*stream, &[1; 5000], true), Ok(0));
    }
    peer.forget();
    peer.send(window_update(0, 5000)).tells(Told::Writable { stream: 3 }).tells_nothing();
    peer.send(reset(3, Reason::CANCEL)).tells(Told::Writable { stream: 5 });
    peer.tells_reset(3, Reason::CANCEL, Initiator::Remote).tells_nothing();
    assert_eq!(peer.connection.next_timeout(), Some(peer.now + limits::DATA_HELD_BACK_MAX));
    peer.wait(limits::DATA_HELD_BACK_MAX).tells(Told::Writable { stream: 7 });
    peer.tells(Told::Writable { stream: 9 }).tells_nothing();
    assert_eq!(peer.connection.send_data(streams[4], &[1; 5000], true), Ok(5000));
    peer.expect(data(9, [1; 5000]).end());
    assert_eq!(peer.connection.next_timeout(), None);
}

/// RFC 9113 6.9.1: an empty DATA frame with END_STREAM needs no window.
#[test]
fn the_end_needs_no_window() {
    let mut peer = client_granted(0);
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, b"x", true), Ok(0));
    assert_eq!(peer.connection.send_data(stream, b"", false), Ok(0));
    peer.expect_silence();
    assert_eq!(peer.connection.send_data(stream, b"", true), Ok(0));
    peer.expect(data(1, "").end());
}

/// RFC 9113 6.9.1: the peer's end needs no window either, though ours has made its window negative.
#[test]
fn the_end_of_the_peer_needs_no_window() {
    let mut peer = Peer::new(crate::http2::Connection::server(small_windows()));
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(settings(&[]));
    peer.send(request(1)).send(data(1, [0; 200])).send(settings_ack());
    peer.told.clear();
    peer.send(data(1, "").end()).tells(Told::Data { stream: 1, data: vec![], end: true });
}

/// RFC 9113 6.9: HEADERS need no window.
#[test]
fn headers_need_no_window() {
    let mut peer = client_granted(0);
    let stream = peer.open();
    peer.connection.send_headers(stream, &list(TRAILERS), true).unwrap();
    peer.expect_fields(1, END_HEADERS | END_STREAM, TRAILERS);
}

/// RFC 9113 6.9.1: a WINDOW_UPDATE that lifts a window beyond 2^31-1 is an error of its scope.
#[test]
fn window_overflow_is_an_error_of_its_scope() {
    let mut peer = Peer::of_client();
    peer.open();
    peer.send(window_update(1, WINDOW_MAX - 65_535)).expect_silence();
    peer.send(window_update(1, 1)).resets(1, Violation::StreamWindowOverflow);
    peer.tells_reset(1, Reason::FLOW_CONTROL_ERROR, Initiator::Local);
    peer.send(window_update(0, WINDOW_MAX - 65_535)).expect_silence();
    peer.send(window_update(0, 1));
    peer.ends_with(Violation::ConnectionWindowOverflow);
}

/// RFC 9113 6.9: a WINDOW_UPDATE of 0 is an error of its scope; the reserved bit is ignored.
#[test]
fn zero_increment_is_an_error_of_its_scope() {
    let mut peer = Peer::of_client();
    peer.open();
    peer.open();
    peer.send(window_update(1, 1 | 1 << 31)).expect_silence();
    peer.send(window_update(1, 1 << 31)).resets(1, Violation::StreamWindowZeroIncrement);
    peer.send(window_update(0, 0));
    peer.ends_with(Violation::ConnectionWindowZeroIncrement);
}

/// RFC 9113 6.9.2: a new SETTINGS_INITIAL_WINDOW_SIZE moves the windows of streams in progress, and
/// not that of the connection.
#[test]
fn a_new_initial_window_moves_every_stream() {
    let mut peer = client_granted(10);
    let (first, second) = (peer.open(), peer.open());
    assert_eq!(peer.connection.send_data(first, &[1; 30], true), Ok(10));
    assert_eq!(peer.connection.send_data(second, &[2; 5], false), Ok(5));
    peer.expect(data(1, [1; 10])).expect(data(3, [2; 5]));
    // 10 - 10 + 4 for the first, 10 - 5 + 4 for the second stream.
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, 14)])).expect(settings_ack());
    peer.tells(Told::Writable { stream: 1 }).tells(Told::SettingsReceived).tells_nothing();
    assert_eq!(peer.connection.send_data(first, &[1; 20], true), Ok(4));
    assert_eq!(peer.connection.send_data(second, &[2; 20], true), Ok(9));
    peer.expect(data(1, [1; 4])).expect(data(3, [2; 9]));
    // The connection still has 65,535 less what was sent.
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, 1 << 20)])).expect(settings_ack());
    assert_eq!(peer.connection.send_data(first, &[1; 100_000], true), Ok(65_535 - 28));
}

/// RFC 9113 6.9.2: a window may be negative, and nothing is sent until it is positive again.
#[test]
fn a_window_may_be_negative() {
    let mut peer = client_granted(10);
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, &[1; 30], true), Ok(10));
    peer.expect(data(1, [1; 10]));
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, 8)])).expect(settings_ack());
    assert_eq!(peer.connection.send_data(stream, &[1; 20], true), Ok(0));
    peer.send(window_update(1, 2)).tells(Told::SettingsReceived).tells_nothing();
    // 1 of 8 is a crumb.
    peer.send(window_update(1, 1)).expect_silence().tells_nothing();
    peer.wait(limits::DATA_HELD_BACK_MAX).tells(Told::Writable { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, &[1; 20], true), Ok(1));
    peer.expect(data(1, [1]));
}

/// RFC 9113 6.9.2: a SETTINGS_INITIAL_WINDOW_SIZE that lifts a stream beyond 2^31-1 ends the
/// connection.
#[test]
fn a_new_initial_window_must_not_overflow() {
    let mut peer = Peer::of_client();
    peer.open();
    peer.send(window_update(1, 1));
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX - 1)])).expect(settings_ack());
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX)]));
    peer.ends_with(Violation::SettingsWindowOverflow);
    // A stream that has ended does not count any more.
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.send(window_update(1, 1));
    peer.connection.reset(stream, Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL));
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, WINDOW_MAX)])).expect(settings_ack());
}

/// RFC 9113 6.9.1: a peer may use the window of a stream to the last byte, and what it was given
/// back too; one byte more ends the stream.
#[test]
fn the_peer_keeps_to_our_windows() {
    let mut peer = Peer::of_server_with(small_windows());
    peer.send(request(1)).tells_head(1).send(data(1, [0; 100])).tells_data(1, &[0; 100]);
    peer.send(data(1, "x")).resets(1, Violation::StreamWindowExceeded);
    peer.tells_reset(1, Reason::FLOW_CONTROL_ERROR, Initiator::Local);

    let mut peer = Peer::of_server_with(small_windows());
    peer.send(request(1)).tells_head(1).send(data(1, [0; 100])).tells_data(1, &[0; 100]);
    peer.connection.release(StreamId(1), 60);
    peer.expect(window_update(1, 60)).send(data(1, [0; 60])).tells_data(1, &[0; 60]);
    // What is given back and not told yet is not granted.
    peer.connection.release(StreamId(1), 49);
    peer.send(data(1, "x")).resets(1, Violation::StreamWindowExceeded);
}

/// RFC 9113 6.9.1: the window of the connection is charged by what is on its way.
#[test]
fn the_window_of_the_connection_is_enforced() {
    let config = Config {
        initial_window_size: 1 << 20,
        connection_window_size: 65_535,
        max_frame_size: 1 << 17,
        ..Config::default()
    };
    let mut peer = Peer::of_server_with(config.clone());
    peer.send(request(1)).tells_head(1);
    peer.send_bytes(&data(1, [0; 65_535]).to_bytes()[..9]);
    assert_eq!(peer.error, None);
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).tells_head(1);
    peer.send_bytes(&data(1, [0; 65_536]).to_bytes()[..9]);
    peer.ends_with(Violation::ConnectionWindowExceeded);
}

/// RFC 9113 6.9.3: until it has acknowledged our SETTINGS a peer may use the initial window.
#[test]
fn the_initial_window_holds_until_our_settings_are_acknowledged() {
    let mut peer = Peer::new(crate::http2::Connection::server(small_windows()));
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(settings(&[]));
    peer.tells(Told::SettingsReceived).send(request(1)).tells_head(1);
    peer.send(data(1, [0; 16_384])).tells_data(1, &[0; 16_384]);
    peer.send(settings_ack()).tells(Told::SettingsAcked);
    while peer.next_frame().is_some() {}
    // The window is 100 - 16,384 now.
    peer.send(data(1, "x")).resets(1, Violation::StreamWindowExceeded);
}

/// RFC 9113 6.9: what the application has taken is given back, in one WINDOW_UPDATE at half the
/// window; what it keeps is not.
#[test]
fn a_stream_is_credited_when_the_application_has_taken() {
    let mut peer = Peer::of_server_with(small_windows());
    peer.send(request(1)).tells_head(1).send(data(1, [0; 100])).expect_silence();
    peer.connection.release(StreamId(1), 49);
    peer.expect_silence();
    peer.connection.release(StreamId(1), 1);
    peer.expect(window_update(1, 50));
    peer.connection.release(StreamId(1), 50);
    peer.expect(window_update(1, 50)).send(data(1, [0; 100])).expect_silence();
    // A stream that the peer has ended gets no more, nor one that is closed.
    peer.connection.release(StreamId(1), 40);
    peer.send(data(1, "").end());
    peer.connection.release(StreamId(1), 60);
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    peer.connection.release(StreamId(1), 1000);
    peer.expect(reset(1, Reason::CANCEL)).expect_silence();
}

/// RFC 9113 6.9: releasing what was never received is a bug of the caller.
#[test]
#[should_panic(expected = "more bytes are released than were received")]
fn releasing_too_much_is_a_bug() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).send(data(1, "abc"));
    peer.connection.release(StreamId(1), 4);
}

/// RFC 9113 5.2.2 and 6.9: the window of the connection is given back on receipt, so a stream that
/// nobody reads does not hold up the others.
#[test]
fn the_connection_is_credited_on_receipt() {
    let config = Config { connection_window_size: 65_535, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).send(request(3));
    for _ in 0..4 {
        peer.send(data(1, [0; 16_384])).expect_silence();
        peer.send(data(3, [0; 16_384])).expect(window_update(0, 32_768));
    }
}

/// RFC 9113 6.9.1: padding counts, and is given back by itself; so is DATA that nobody wants.
#[test]
fn padding_and_discarded_data_are_credited() {
    let config =
        Config { initial_window_size: 1000, connection_window_size: 65_535, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).tells_head(1);
    // Each frame charges 256 bytes, of which the application is given one.
    let mut credited = 0;
    for _ in 0..100 {
        peer.send(data(1, "d").pad(254)).tells_data(1, b"d");
        peer.connection.release(StreamId(1), 1);
        while let Some(frame) = peer.next_frame() {
            assert_eq!((frame.kind, frame.stream), (WINDOW_UPDATE, 1));
            credited += u32::from_be_bytes(frame.payload.try_into().unwrap());
        }
    }
    assert!((25_100..=25_600).contains(&credited), "{credited}");
    // 25,600 bytes were charged to the connection so far.
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL));
    // Half of 65,535 is reached with the 29th frame of 255 bytes that is discarded.
    for _ in 0..28 {
        peer.send(data(1, [0; 245]).pad(9)).expect_silence();
    }
    peer.send(data(1, [0; 245]).pad(9)).expect(window_update(0, 25_600 + 29 * 255));
    peer.expect_silence().tells_nothing();
    assert_eq!((peer.error, peer.connection.connection_bytes_held()), (None, 0));
}

/// RFC 9113 6.9: DATA on a stream that we have reset is given back to the connection, all of it.
#[test]
fn late_data_is_credited_to_the_connection() {
    let config = Config { connection_window_size: 65_535, ..Config::default() };
    for piece in [1000, usize::MAX] {
        let mut peer = Peer::of_client_with(config.clone(), &[]).in_pieces_of(piece);
        let stream = peer.open();
        peer.send(response(1));
        peer.connection.reset(stream, Reason::CANCEL);
        peer.expect(reset(1, Reason::CANCEL));
        peer.send(data(1, [0; 16_384])).expect_silence();
        peer.send(data(1, [0; 16_000]).pad(255)).expect_silence();
        peer.send(data(1, [0; 126]).pad(0).end()).expect(window_update(0, 32_767));
        peer.expect_silence();
        assert_eq!(peer.error, None);
    }
}

/// RFC 9113 6.9: a stream that is reset between two pieces of a DATA frame gives the rest back too.
#[test]
fn a_frame_is_credited_though_its_stream_ends_within_it() {
    let config = Config { connection_window_size: 65_535, ..Config::default() };
    let mut peer = Peer::of_client_with(config, &[]);
    let stream = peer.open();
    peer.send(response(1)).tells_head(1);
    let frame = data(1, [0; 16_384]).to_bytes();
    peer.send_bytes(&frame[..5000]).tells_data(1, &[0; 4991]);
    peer.connection.reset(stream, Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL)).send_bytes(&frame[5000..]).tells_nothing();
    peer.send(data(1, [0; 16_383])).expect(window_update(0, 32_767));
}

/// RFC 9113 6.9: while the output is full nothing more is taken, and who waited is told when it has
/// been taken.
#[test]
fn a_full_output_takes_no_more_data() {
    let settings = [(INITIAL_WINDOW_SIZE, WINDOW_MAX)];
    let mut peer = Peer::of_client_with(Config::default(), &settings);
    peer.send(window_update(0, WINDOW_MAX - 65_535));
    let stream = peer.open();
    let offered = vec![0; 3 * limits::OUTPUT_BUFFER_MAX];
    let accepted = peer.connection.send_data(stream, &offered, false).unwrap();
    assert!(accepted <= limits::OUTPUT_BUFFER_MAX, "{accepted}");
    assert_eq!(peer.connection.send_data(stream, &offered, false), Ok(0));
    assert!(peer.connection.output_len() < limits::OUTPUT_BUFFER_MAX + 1024);
    assert_eq!(peer.connection.poll_event(), None);
    let output = peer.connection.take_output();
    peer.connection.recycle_output(output);
    peer.tells(Told::Writable { stream: 1 }).tells_nothing();
    assert!(peer.connection.send_data(stream, &offered, false).unwrap() > 0);
}

/// RFC 9113 6.9: DATA is not cut to crumbs: a small grant out of a large window waits for more, but
/// not longer than a moment.
#[test]
fn crumbs_of_a_large_window_wait() {
    let mut peer = client_granted(65_535);
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, &[0; 65_535 + 5000], false), Ok(65_535));
    while peer.next_frame().is_some() {}
    peer.send(window_update(0, 1 << 20)).send(window_update(1, 1023)).tells_nothing();
    assert_eq!(peer.connection.send_data(stream, &[0; 5000], false), Ok(0));
    assert_eq!(peer.connection.next_timeout(), Some(peer.now + limits::DATA_HELD_BACK_MAX));
    // Enough for all of it, or for a frame worth sending, does not wait.
    peer.send(window_update(1, 1)).tells(Told::Writable { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, &[0; 5000], false), Ok(1024));
    peer.expect(data(1, [0; 1024]));
    // A peer that grants no more gets what it has granted.
    peer.send(window_update(1, 10));
    assert_eq!(peer.connection.send_data(stream, &[0; 5000], false), Ok(0));
    peer.wait(limits::DATA_HELD_BACK_MAX).tells(Told::Writable { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, &[0; 5000], false), Ok(10));
    peer.expect(data(1, [0; 10])).expect_silence();
    assert_eq!(peer.connection.next_timeout(), None);
}

/// RFC 9113 6.9: a stream that was held back, and whose window shrank to nothing meanwhile, is told
/// of the next grant, and what a smaller initial window grants is no crumb.
#[test]
fn a_stream_held_back_twice_is_told_twice() {
    let mut peer = client_granted(10_000);
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, &[0; 9_500], false), Ok(9_500));
    assert_eq!(peer.connection.send_data(stream, &[0; 5_000], false), Ok(0));
    peer.send(settings(&[(INITIAL_WINDOW_SIZE, 600)])).forget();
    peer.wait(limits::DATA_HELD_BACK_MAX).tells(Told::Writable { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, &[0; 5_000], false), Ok(0));
    // 600 - 9,500 + 8,901 is one byte.
    peer.send(window_update(1, 8_901)).tells_nothing();
    peer.wait(limits::DATA_HELD_BACK_MAX).tells(Told::Writable { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, &[0; 5_000], false), Ok(1));
    assert_eq!(peer.connection.send_data(stream, &[0; 5_000], false), Ok(0));
    // A quarter of the window is worth a frame at once.
    peer.send(window_update(1, 150)).tells(Told::Writable { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, &[0; 5_000], false), Ok(150));
}
