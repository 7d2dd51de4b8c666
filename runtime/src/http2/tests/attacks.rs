//! What a hostile peer does, and where it ends (RFC 9113 10.5). One test for each attack.
//!
//! Every one of them looks at the memory of the connection while it is attacked.

use std::time::Duration;

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Connection, Reason, StreamId};
use crate::limits::http2 as limits;

/// What a connection under attack may hold: its streams, one frame and answers of one read.
pub(super) const MEMORY_MAX: usize = 200 << 10;

/// Sends what `attack` makes until the connection is over; gives the number of rounds.
#[track_caller]
fn attack(
    peer: &mut Peer,
    rounds_max: u32,
    mut attack: impl FnMut(u32) -> Vec<Frame>,
) -> Result<u32, u32> {
    for round in 0..rounds_max {
        peer.send_all(attack(round));
        let memory = peer.connection.memory();
        assert!(memory <= MEMORY_MAX, "{memory} bytes after {round} rounds");
        peer.lists.clear();
        if peer.error.is_some() {
            return Ok(round);
        }
        peer.told.clear();
        peer.wire.clear();
    }
    Err(rounds_max)
}

/// The attack ends the connection for this reason, after `rounds` rounds at most.
#[track_caller]
fn ends(peer: &mut Peer, rounds: u32, violation: Violation, make: impl FnMut(u32) -> Vec<Frame>) {
    let after = attack(peer, rounds + 1, make).expect("the attack is stopped");
    assert!(after <= rounds, "{after}");
    peer.ends_with(violation);
}

/// CVE-2023-44487, rapid reset: streams that are reset before they are answered are counted, and
/// as many as may be open at once may be.
#[test]
fn rapid_reset_is_stopped() {
    let mut peer = Peer::of_server();
    ends(&mut peer, 100, Violation::TooManyResets, |round| {
        vec![request(2 * round + 1).end(), reset(2 * round + 1, Reason::CANCEL)]
    });

    // The same at a pace that people have, and all streams at once.
    let mut peer = Peer::of_server();
    for round in 0..1000 {
        peer.send_all([request(2 * round + 1).end(), reset(2 * round + 1, Reason::CANCEL)]);
        peer.wait(Duration::from_millis(31)).expect_silence();
        assert_eq!(peer.error, None, "{round}");
    }
    let mut peer = Peer::of_server();
    peer.send_all((0..100).map(|index| request(2 * index + 1)));
    peer.send_all((0..100).map(|index| reset(2 * index + 1, Reason::CANCEL))).expect_silence();
    assert_eq!(peer.error, None);
}

/// CVE-2025-8671, made you reset: streams that the peer makes us reset are counted like those it
/// resets itself, whichever rule it breaks.
#[test]
fn made_you_reset_is_stopped() {
    let break_a_rule: [fn(u32) -> Frame; 6] = [
        |stream| window_update(stream, 0),
        |stream| window_update(stream, (1 << 31) - 1),
        |stream| trailers(stream),
        |stream| data(stream, "x"),
        |stream| Frame::new(PRIORITY, 0, stream, [0; 4]),
        |stream| request_with(stream, &[]).end(),
    ];
    for break_rule in break_a_rule {
        let mut peer = Peer::of_server();
        ends(&mut peer, 100, Violation::TooManyResets, |round| {
            vec![request(2 * round + 1).end(), break_rule(2 * round + 1)]
        });
    }
    // A stream that depends on itself is no reason to reset it (RFC 9113 5.3.2).
    let mut peer = Peer::of_server();
    peer.send(request(1)).send(priority(1, 1)).expect_silence();
    // Malformed requests are never handed on, and counted too.
    let mut peer = Peer::of_server();
    ends(&mut peer, 100, Violation::TooManyResets, |round| {
        vec![fields(2 * round + 1, &[(":method", "POST")])]
    });
}

/// CONTINUATION flood: a header block ends after a few frames and 64 KiB, before it is decoded.
#[test]
fn a_continuation_flood_is_stopped() {
    let mut peer = Peer::of_server();
    peer.send(request(1).without(END_HEADERS));
    ends(&mut peer, 8, Violation::TooManyContinuations, |_| vec![continuation(1, &[])]);

    let mut peer = Peer::of_server();
    peer.send(request(1).without(END_HEADERS));
    ends(&mut peer, 4, Violation::HeaderBlockTooLong, |_| vec![continuation(1, &[0; 16_384])]);
}

/// CVE-2019-9515, SETTINGS flood; and one SETTINGS with many entries.
#[test]
fn a_settings_flood_is_stopped() {
    let mut peer = Peer::of_server();
    ends(&mut peer, 1000, Violation::TooManyGlitches, |_| vec![settings(&[])]);

    let mut peer = Peer::of_client();
    peer.send(settings(&[(9, 9); 32])).expect(settings_ack());
    peer.send(settings(&[(9, 9); 33]));
    peer.ends_with(Violation::TooManySettings);
}

/// CVE-2019-9512, PING flood: answers that are not read are bounded, and so are PINGs without work.
#[test]
fn a_ping_flood_is_stopped() {
    let mut peer = Peer::of_server();
    ends(&mut peer, 1000, Violation::TooManyGlitches, |_| vec![ping(b"floooood")]);

    // Nobody reads: the transport is asked to stop, and what it reads all the same is bounded.
    let mut peer = Peer::of_server();
    let flood: Vec<u8> = (0..10_000).flat_map(|_| ping(b"floooood").to_bytes()).collect();
    let mut rest = flood.as_slice();
    let mut paused_after = None;
    while let Ok((consumed, _)) =
        peer.connection.handle_bytes(&rest[..rest.len().min(17)], peer.now)
    {
        rest = &rest[consumed..];
        if paused_after.is_none() && !peer.connection.wants_input() {
            paused_after = Some((flood.len() - rest.len()) / 17);
        }
    }
    assert_eq!(paused_after, Some(65));
    assert!(peer.connection.output_len() < 20_000, "{}", peer.connection.output_len());
}

/// A client that makes calls and reads no answer: a server stops reading before its output grows
/// without end, and goes on once the answers have left. A client never stops.
#[test]
fn answers_that_nobody_reads_stop_the_reading() {
    let mut peer = Peer::of_server();
    let message = "m".repeat(2000);
    let answer = list(&[RESPONSE, &[("grpc-status", "12"), ("grpc-message", &message)]].concat());
    let mut calls = 0;
    while peer.connection.wants_input() {
        let stream = 2 * calls + 1;
        peer.hand_over(&request(stream).end().to_bytes());
        peer.connection.send_headers(StreamId(stream), &answer, true).unwrap();
        calls += 1;
        assert!(calls < 1000, "{} bytes of output", peer.connection.output_len());
    }
    let waiting = peer.connection.output_len();
    assert!(waiting > limits::OUTPUT_BEFORE_PAUSE && waiting < (5 << 20) / 4, "{waiting}");
    assert_eq!(peer.connection.error(), None);
    peer.read();
    assert!(peer.connection.wants_input());

    let mut peer = Peer::of_client();
    let long = list(&[REQUEST, &[("grpc-message", message.as_str())]].concat());
    for _ in 0..1000 {
        let stream = peer.connection.open(&long, true).unwrap();
        peer.connection.reset(stream, Reason::CANCEL);
    }
    assert!(peer.connection.output_len() > limits::OUTPUT_BEFORE_PAUSE);
    assert!(peer.connection.wants_input());
}

/// CVE-2019-9518: DATA without data that does not end its stream is no use, padded neither.
#[test]
fn empty_data_is_stopped() {
    for padding in [None, Some(0), Some(255)] {
        let mut peer = Peer::of_server();
        peer.send(request(1));
        ends(&mut peer, 100, Violation::TooManyEmptyData, |_| {
            let empty = data(1, "");
            vec![padding.map_or_else(|| empty.clone(), |padding| empty.clone().pad(padding))]
        });
    }
    // Between frames with data it costs tokens, and they run out too.
    let mut peer = Peer::of_server();
    peer.send(request(1));
    ends(&mut peer, 2000, Violation::TooManyGlitches, |_| vec![data(1, ""), data(1, "x")]);
}

/// CVE-2019-9516: an empty name is malformed, and empty values are counted by their overhead.
#[test]
fn empty_fields_are_counted() {
    let mut peer = Peer::of_server();
    let mut many = block(REQUEST);
    many.extend([0x00, 1, b'a', 0].repeat(1000));
    peer.send(Frame::new(HEADERS, END_HEADERS, 1, many)).tells(Told::Cut { stream: 1 });
    assert_eq!(peer.lists[0].len(), limits::HEADER_FIELDS_MAX);
    let mut nameless = block(REQUEST);
    nameless.extend([0x00, 0, 0]);
    peer.send(Frame::new(HEADERS, END_HEADERS, 3, nameless)).resets(3, Violation::FieldName);
    let far_too_many = [0x00, 1, b'a', 0].repeat(4000);
    peer.send(Frame::new(HEADERS, END_HEADERS, 5, far_too_many));
    peer.ends_with(Violation::HeaderListFarTooLarge);
}

/// HPACK bomb: a large field in the table, referred to 60,000 times, ends the connection before it
/// is decoded to the end.
#[test]
fn an_hpack_bomb_is_stopped() {
    let mut peer = Peer::of_server();
    let mut bomb = vec![0x40, 1, b'a'];
    bomb.extend(&literal(b"", &[b'v'; 3900])[2..]);
    bomb.extend([0xbe].repeat(12_000));
    assert!(bomb.len() < 16_384);
    peer.send(Frame::new(HEADERS, END_HEADERS, 1, bomb));
    peer.ends_with(Violation::HeaderListFarTooLarge);
    assert!(peer.connection.memory() <= MEMORY_MAX);
}

/// A header list up to our limit is whole, one byte more is cut, and a list far beyond it ends the
/// connection.
#[test]
fn a_large_header_list_is_cut() {
    let size = |value: usize| list(REQUEST).size() + 1 + value + 32;
    let limit = limits::MAX_HEADER_LIST_SIZE as usize;
    let fits = limit - size(0);
    let request_of = |stream, length: usize| {
        let value = "v".repeat(length);
        let whole = fields(stream, &[REQUEST, &[("a", value.as_str())]].concat());
        let (first, rest) = whole.payload.split_at(10_000.min(whole.payload.len()));
        let mut frames = vec![Frame::new(HEADERS, 0, stream, first)];
        frames.extend(rest.chunks(16_384).map(|piece| continuation(stream, piece)));
        let last = frames.len() - 1;
        frames[last].flags |= END_HEADERS;
        frames
    };
    let mut peer = Peer::of_server();
    peer.send_all(request_of(1, fits)).tells_head(1);
    assert_eq!(peer.lists[0].size(), limit);
    peer.send_all(request_of(3, fits + 1)).tells(Told::Cut { stream: 3 });
    assert_eq!(peer.lists[1], list(REQUEST));
    // The connection lives, its table is in step.
    peer.send(request(5)).tells_head(5).expect_silence();
    peer.send_all(request_of(7, 65_000)).tells(Told::Cut { stream: 7 });
    peer.send_all(request_of(9, 66_000));
    peer.ends_with(Violation::HeaderBlockTooLong);

    // The same on a client, in a response and in trailers.
    let mut peer = Peer::of_client();
    peer.open();
    let value = "v".repeat(limit);
    let long = [("a", &value[..8150]), ("b", &value[..8150]), ("c", "")];
    peer.send(response_with(1, &long)).tells(Told::Cut { stream: 1 });
    peer.send(fields(1, &long).end()).tells(Told::Trailers { stream: 1 });
    assert_eq!(peer.lists[1].len(), 2);
}

/// CVE-2019-9511, data dribble: a peer that grants byte by byte is left after some thousand frames.
#[test]
fn a_dribbling_window_is_stopped() {
    let mut peer = Peer::of_client_with(Config::default(), &[(INITIAL_WINDOW_SIZE, 1)]);
    let stream = peer.open();
    let response = vec![0; 1 << 20];
    let mut sent = 0;
    while let Ok(count) = peer.connection.send_data(stream, &response[sent..], true) {
        assert_eq!(count, 1);
        sent += count;
        if peer.connection.error().is_some() {
            break;
        }
        assert!(sent <= 10_001, "the dribble goes on");
        peer.send(window_update(1, 1));
        peer.wire.clear();
        peer.told.clear();
    }
    peer.error = peer.connection.error();
    peer.read();
    peer.ends_with(Violation::TooManyGlitches);
}

/// Streams that wait for the window of the connection and are reset leave nothing behind.
#[test]
fn streams_reset_while_they_wait_cost_no_memory() {
    let mut peer = Peer::of_server();
    peer.send(request(1));
    peer.connection.send_headers(StreamId(1), &list(RESPONSE), false).unwrap();
    assert_eq!(peer.connection.send_data(StreamId(1), &[0; 65_535], false), Ok(65_535));
    let mut memory = Vec::new();
    for round in 1..5000 {
        let stream = 2 * round + 1;
        peer.send(request(stream));
        peer.connection.send_headers(StreamId(stream), &list(RESPONSE), false).unwrap();
        assert_eq!(peer.connection.send_data(StreamId(stream), b"x", false), Ok(0));
        peer.send(reset(stream, Reason::CANCEL)).forget();
        assert_eq!(peer.error, None, "{round}");
        memory.push(peer.connection.memory());
    }
    assert_eq!(memory[500], memory[4900]);
}

/// A flood of WINDOW_UPDATE that no DATA of ours has asked for.
#[test]
fn a_window_update_flood_is_stopped() {
    let mut peer = Peer::of_server();
    peer.send(request(1).end());
    ends(&mut peer, 10_011, Violation::TooManyGlitches, |_| vec![window_update(0, 1)]);
}

/// SETTINGS_INITIAL_WINDOW_SIZE from 0 to 2^31-1 and back, with a hundred streams: no loop over
/// the streams, no window that is wrong.
#[test]
fn flipping_the_initial_window_is_cheap() {
    let mut peer = Peer::of_client();
    let streams: Vec<StreamId> = (0..100).map(|_| peer.open()).collect();
    let rounds = attack(&mut peer, 499, |_| {
        vec![
            settings(&[(INITIAL_WINDOW_SIZE, 0)]),
            settings(&[(INITIAL_WINDOW_SIZE, (1 << 31) - 1)]),
        ]
    });
    assert_eq!(rounds, Err(499));
    assert_eq!(peer.connection.send_data(streams[0], b"x", false), Ok(1));
    ends(&mut peer, 10, Violation::TooManyGlitches, |_| vec![settings(&[]); 2]);
}

/// CVE-2019-9513: PRIORITY without end, on streams of any kind.
#[test]
fn a_priority_flood_is_stopped() {
    let mut peer = Peer::of_server();
    ends(&mut peer, 5000, Violation::TooManyGlitches, |round| vec![priority(2 * round + 1, 0)]);
    let mut peer = Peer::of_server();
    peer.send(request(1));
    ends(&mut peer, 5000, Violation::TooManyGlitches, |_| vec![priority(1, 3)]);
}

/// Frames of unknown types without end are skipped without a buffer, and then stopped.
#[test]
fn a_flood_of_unknown_frames_is_stopped() {
    let mut peer = Peer::of_server();
    let frame = unknown(0xee, 1, &[0; 16_384]);
    ends(&mut peer, 1000, Violation::TooManyGlitches, |_| vec![frame.clone()]);
    assert!(peer.connection.memory() < 4096, "{}", peer.connection.memory());
}

/// Streams above the limit without end: refused, none of them known, and then stopped.
#[test]
fn a_flood_of_streams_is_stopped() {
    let mut peer = Peer::of_server();
    peer.send_all((0..100).map(|index| request(2 * index + 1)));
    ends(&mut peer, 2000, Violation::TooManyGlitches, |round| vec![request(2 * round + 201)]);
    assert_eq!(peer.connection.open_streams(), 100);
    // A thousand at once, from a client that has not seen our limit yet, are refused one by one.
    let mut peer = Peer::new(Connection::server(Config::default()));
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(settings(&[]));
    peer.send_all((0..1000).map(|index| request(2 * index + 1)));
    assert_eq!(peer.error, None);
    assert_eq!(peer.connection.open_streams(), 100);
}

/// DATA for a stream that we have reset is bounded by the window it had.
#[test]
fn late_data_without_end_is_stopped() {
    let mut peer = Peer::of_server();
    peer.send(request(1));
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    let frames = limits::INITIAL_WINDOW_SIZE / 16_384;
    ends(&mut peer, frames + 1000, Violation::TooManyGlitches, |_| vec![data(1, [0; 16_384])]);

    let empty: [fn() -> Frame; 2] = [|| data(1, ""), || data(1, "").end()];
    for frame in empty {
        let mut peer = Peer::of_server();
        peer.send(request(1));
        peer.connection.reset(StreamId(1), Reason::CANCEL);
        ends(&mut peer, 10_000, Violation::TooManyGlitches, |_| vec![frame()]);
    }
    // A stream that closed so long ago that its window is not known.
    let mut peer = Peer::of_server();
    peer.send(request(1001));
    ends(&mut peer, 10_000, Violation::TooManyGlitches, |_| vec![data(1, "x")]);
}

/// HEADERS for a stream that we have reset, and late RST_STREAM, without end.
#[test]
fn late_headers_without_end_are_stopped() {
    let late: [fn() -> Frame; 2] = [|| trailers(1), || reset(1, Reason::CANCEL)];
    for frame in late {
        let mut peer = Peer::of_client();
        let stream = peer.open();
        peer.connection.reset(stream, Reason::CANCEL);
        ends(&mut peer, 10_000, Violation::TooManyGlitches, |_| vec![frame()]);
    }
}

/// GOAWAY without end; its debug data is kept up to a few words.
#[test]
fn a_goaway_flood_is_stopped() {
    let mut peer = Peer::of_client();
    let long = Frame { payload: vec![0; 16_384], ..go_away_after(0, Reason::NO_ERROR) };
    peer.send(long);
    let Some(Told::GoAway { debug, .. }) = peer.told.pop_front() else { panic!("GOAWAY") };
    assert_eq!(debug.len(), limits::GO_AWAY_DEBUG_MAX);
    let goaway = go_away_after(0, Reason::NO_ERROR);
    ends(&mut peer, 100, Violation::TooManyGlitches, |_| vec![goaway.clone()]);
}

/// A frame that is announced and never sent holds no memory for what it announces.
#[test]
fn a_frame_that_does_not_come_costs_nothing() {
    let mut peer = Peer::of_server();
    let head = Frame::new(GOAWAY, 0, 0, vec![0; 16_384]).to_bytes();
    peer.send_bytes(&head[..20]);
    assert!(peer.connection.memory() < 8192, "{}", peer.connection.memory());
}
