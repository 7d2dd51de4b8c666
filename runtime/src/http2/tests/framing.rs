//! RFC 9113 4 and 5.5: frames, header blocks, extensions.

use std::time::Duration;

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Reason, StreamId};

/// RFC 9113 4.1: unknown flags and the reserved bit are ignored on receipt.
#[test]
fn unknown_flags_and_the_reserved_bit_are_ignored() {
    let mut peer = Peer::of_server();
    peer.send(request(1).flag(0x92).on(1 | 1 << 31)).tells_head(1);
    peer.send(data(1, "x").flag(0xf6).on(1 | 1 << 31)).tells_data(1, b"x");
    peer.send(ping(b"12345678").flag(0xfe)).expect(ping_ack(b"12345678"));
}

/// RFC 9113 4.1: the reserved bit, that of other fields too, and flags without meaning are left
/// unset in what we send.
#[test]
fn reserved_bits_and_unknown_flags_are_unset() {
    let check = |peer: &mut Peer, kinds: &[u8]| {
        for kind in kinds {
            let frame = peer.next_frame().unwrap();
            assert_eq!(frame.kind, *kind, "{frame:?}");
            assert_eq!(frame.stream >> 31, 0, "{frame:?}");
            let flags = match frame.kind {
                DATA => END_STREAM,
                HEADERS => END_STREAM | END_HEADERS,
                CONTINUATION => END_HEADERS,
                SETTINGS | PING => ACK,
                _ => 0,
            };
            assert_eq!(frame.flags & !flags, 0, "{frame:?}");
            if matches!(frame.kind, WINDOW_UPDATE | GOAWAY) {
                assert_eq!(frame.payload[0] >> 7, 0, "{frame:?}");
            }
        }
        peer.expect_silence();
    };
    let mut peer = Peer::of_client();
    let value = "~".repeat(20_000);
    let long = [REQUEST, &[("x", value.as_str())]].concat();
    peer.connection.set_next_stream(StreamId((1 << 29) * 3 - 1));
    let stream = peer.connection.open(&list(&long), false).unwrap();
    peer.connection.send_data(stream, b"x", true).unwrap();
    peer.send_all([response(stream.0), data(stream.0, [0; 16_384]), settings(&[])]);
    peer.connection.release(stream, 16_384);
    peer.connection.ping(*b"12345678");
    peer.connection.reset(stream, Reason::CANCEL);
    peer.connection.go_away(Reason::NO_ERROR);
    let kinds = [HEADERS, CONTINUATION, DATA, SETTINGS, PING, RST_STREAM, GOAWAY];
    check(&mut peer, &kinds);

    let config = Config { initial_window_size: 1, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    let last = (1 << 31) - 3;
    peer.send_all([request(last), data(last, "x"), ping(b"12345678")]);
    peer.connection.release(StreamId(last), 1);
    peer.connection.send_headers(StreamId(last), &list(RESPONSE), true).unwrap();
    peer.connection.drain();
    check(&mut peer, &[PING, WINDOW_UPDATE, HEADERS, GOAWAY, PING]);
}

/// RFC 9113 4.1: frames of unknown types are skipped, on any stream, in pieces of any size.
#[test]
fn unknown_frames_are_ignored() {
    for piece in [1, 100, usize::MAX] {
        let mut peer = Peer::of_server().in_pieces_of(piece);
        for (kind, stream, length) in [(0x0a, 0, 0), (0x10, 7, 16_384), (0xff, 2, 9)] {
            peer.send(unknown(kind, stream, &vec![1; length]));
        }
        peer.expect_silence().tells_nothing().send(request(1)).tells_head(1);
    }
}

/// RFC 9113 5.5: an unknown frame inside of a header block is no exception.
#[test]
fn unknown_frames_do_not_interrupt_a_header_block() {
    let mut peer = Peer::of_server();
    peer.send(request(1).without(END_HEADERS)).send(unknown(0x0a, 1, b""));
    peer.ends_with(Violation::HeaderBlockInterrupted);
}

/// RFC 9113 4.2: a frame as long as SETTINGS_MAX_FRAME_SIZE is taken, one byte more is
/// FRAME_SIZE_ERROR as soon as its head is read.
#[test]
fn the_longest_frame_is_what_was_announced() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1);
    peer.send(data(1, vec![0; 16_384])).tells_data(1, &[0; 16_384]);
    peer.send_bytes(&data(1, vec![0; 16_385]).to_bytes()[..9]);
    peer.ends_with(Violation::FrameTooLong);

    let config = Config { max_frame_size: 20_000, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).tells_head(1);
    peer.send(data(1, vec![0; 20_000])).tells_data(1, &[0; 20_000]);
    peer.send(unknown(0xaa, 0, &[0; 20_001]));
    peer.ends_with(Violation::FrameTooLong);
}

/// RFC 9113 4.2: no frame of ours is longer than the peer's SETTINGS_MAX_FRAME_SIZE.
#[test]
fn we_send_no_longer_frames_than_the_peer_takes() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, &[7; 40_000], true), Ok(40_000));
    peer.expect(data(1, [7; 16_384])).expect(data(1, [7; 16_384]));
    peer.expect(data(1, [7; 7_232]).end());

    let settings = [(MAX_FRAME_SIZE, 30_000)];
    let mut peer = Peer::of_client_with(Config::default(), &settings);
    let stream = peer.open();
    assert_eq!(peer.connection.send_data(stream, &[7; 40_000], true), Ok(40_000));
    peer.expect(data(1, [7; 30_000])).expect(data(1, [7; 10_000]).end());
}

/// RFC 9113 4.2 and 6: frames of a fixed length have it, or the connection ends with
/// FRAME_SIZE_ERROR.
#[test]
fn fixed_lengths_are_enforced() {
    let frames = [
        Frame::new(RST_STREAM, 0, 1, [0; 3]),
        Frame::new(RST_STREAM, 0, 1, [0; 5]),
        Frame::new(SETTINGS, 0, 0, [0; 5]),
        Frame::new(SETTINGS, 0, 0, [0; 7]),
        Frame::new(SETTINGS, ACK, 0, [0; 6]),
        Frame::new(PING, 0, 0, [0; 7]),
        Frame::new(PING, ACK, 0, [0; 9]),
        Frame::new(GOAWAY, 0, 0, [0; 7]),
        Frame::new(WINDOW_UPDATE, 0, 0, [0; 3]),
        Frame::new(WINDOW_UPDATE, 0, 1, [0; 5]),
        Frame::new(DATA, PADDED, 1, []),
        Frame::new(HEADERS, PADDED | END_HEADERS, 3, []),
        Frame::new(HEADERS, PRIORITY_FLAG | END_HEADERS, 3, [0; 4]),
    ];
    for frame in frames {
        let mut peer = Peer::of_server();
        peer.send(request(1)).tells_head(1).send(frame);
        peer.ends_with(Violation::FrameLength);
    }
}

/// RFC 9113 6: frames of a stream do not stand on stream 0, frames of the connection nowhere else.
#[test]
fn frames_stand_on_the_right_stream() {
    let of_a_stream =
        [data(0, "x"), request(0), priority(0, 1), reset(0, Reason::CANCEL), push_promise(0, 2)];
    for frame in of_a_stream {
        let mut peer = Peer::of_server();
        peer.send(frame);
        peer.ends_with(Violation::StreamFrameOnConnection);
    }
    let reason = Reason::NO_ERROR;
    let of_the_connection =
        [settings(&[]), settings_ack(), ping(b"12345678"), go_away_after(0, reason)];
    for frame in of_the_connection {
        let mut peer = Peer::of_server();
        peer.send(request(1)).send(frame.on(1));
        peer.ends_with(Violation::ConnectionFrameOnStream);
    }
    let mut peer = Peer::of_server();
    peer.send(continuation(0, b""));
    peer.ends_with(Violation::UnexpectedContinuation);
}

/// RFC 9113 4.3: a header block may be cut into frames anywhere, also into empty ones.
#[test]
fn a_header_block_may_be_cut_anywhere() {
    let whole = block(REQUEST);
    for cut in 0..=whole.len() {
        let (first, second) = whole.split_at(cut);
        let mut peer = Peer::of_server();
        peer.send(Frame::new(HEADERS, END_STREAM, 1, first)).tells_nothing();
        peer.send(continuation(1, second).flag(END_HEADERS));
        peer.tells(Told::Head { stream: 1, end: true });
        assert_eq!(peer.lists[0], list(REQUEST));
    }
}

/// RFC 9113 4.3 and 6.10: nothing stands between the frames of a header block.
#[test]
fn a_header_block_is_not_interrupted() {
    let others = [
        data(1, "x"),
        request(1),
        request(3),
        settings(&[]),
        ping(b"12345678"),
        priority(1, 0),
        window_update(0, 1),
        continuation(3, b""),
    ];
    for other in others {
        let mut peer = Peer::of_server();
        peer.send(request(1).without(END_HEADERS)).send(other);
        peer.ends_with(Violation::HeaderBlockInterrupted);
    }
}

/// RFC 9113 6.10: CONTINUATION follows HEADERS without END_HEADERS and nothing else.
#[test]
fn a_continuation_needs_an_open_block() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).send(continuation(1, b"").flag(END_HEADERS));
    peer.ends_with(Violation::UnexpectedContinuation);
}

/// RFC 9113 4.3: a header block that cannot be decoded ends the connection with COMPRESSION_ERROR.
#[test]
fn a_broken_header_block_ends_the_connection() {
    for broken in [&[0x80][..], &[0xff, 0xff], &[0x40, 0x85], &[0xbe]] {
        let mut peer = Peer::of_server();
        peer.send(Frame::new(HEADERS, END_HEADERS, 1, broken));
        peer.ends_with(Violation::Compression);
    }
}

/// RFC 9113 4.3: blocks of streams that nobody wants are decoded too, or the tables differ.
#[test]
fn discarded_header_blocks_are_decoded() {
    let config = Config { max_concurrent_streams: 1, ..Config::default() };
    let mut peer = Peer::of_server_with(config);
    peer.send(request(1)).tells_head(1);
    // Refused, but it puts a field into the table (RFC 7541 6.2.1) ...
    let mut refused = block(REQUEST);
    refused.extend(b"\x40\x01a\x01b");
    peer.send(Frame::new(HEADERS, END_HEADERS, 3, refused));
    peer.resets(3, Violation::StreamRefused);
    // ... to which trailers of the first stream refer.
    peer.send(Frame::new(HEADERS, END_HEADERS | END_STREAM, 1, [0xbe]));
    peer.tells(Told::Trailers { stream: 1 });
    assert_eq!(peer.lists[1], list(&[("a", "b")]));

    // The same with trailers of a stream that we have reset ...
    let inserted =
        |stream, block: &[u8]| Frame::new(HEADERS, END_HEADERS | END_STREAM, stream, block);
    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1).send(request(3)).tells_head(3);
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    peer.expect(reset(1, Reason::CANCEL));
    peer.send(inserted(1, b"\x40\x01c\x01d")).expect_silence().tells_nothing();
    // ... and with a request that comes after our last GOAWAY.
    peer.connection.go_away(Reason::NO_ERROR);
    peer.expect(go_away_after(3, Reason::NO_ERROR));
    peer.send(inserted(5, &[&block(REQUEST)[..], b"\x40\x01e\x01f"].concat()));
    peer.expect_silence().tells_nothing();
    peer.send(inserted(3, &[0xbe, 0xbf])).tells(Told::Trailers { stream: 3 });
    assert_eq!(peer.lists[2], list(&[("e", "f"), ("c", "d")]));
}

/// RFC 9113 4.3.1: a smaller SETTINGS_HEADER_TABLE_SIZE is in force once it is acknowledged; then a
/// block that does not follow it is COMPRESSION_ERROR.
#[test]
fn a_smaller_table_must_be_followed() {
    let config = Config { header_table_size: 100, ..Config::default() };
    let mut peer = Peer::of_server_with(config.clone());
    peer.send(request(1));
    peer.ends_with(Violation::Compression);

    let mut peer = Peer::of_server_with(config);
    let mut followed = vec![0x20 | 31, 100 - 31];
    followed.extend(block(REQUEST));
    peer.send(Frame::new(HEADERS, END_HEADERS, 1, followed)).tells_head(1);
}

/// RFC 9113 4.3.1: our encoder follows the peer's table size with an update at the next block.
#[test]
fn our_encoder_follows_the_peers_table_size() {
    let mut peer = Peer::of_client();
    peer.open();
    peer.send(settings(&[(HEADER_TABLE_SIZE, 0)])).expect(settings_ack());
    let stream = peer.connection.open(&list(REQUEST), true).unwrap();
    let frame = peer.next_frame().unwrap();
    assert_eq!((frame.kind, frame.stream), (HEADERS, stream.0));
    assert_eq!(frame.payload[0], 0x20, "a table size update to 0");
    assert_eq!(peer.decode(&frame.payload), list(REQUEST));

    // RFC 9113 6.5.3: lowered and raised within one frame, both are processed, and the next block
    // tells of both (RFC 7541 4.2), though the size is what it was.
    let mut peer = Peer::of_client();
    peer.open();
    let there_and_back = [(HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 4096)];
    peer.send(settings(&there_and_back)).expect(settings_ack());
    peer.connection.open(&list(REQUEST), true).unwrap();
    let frame = peer.next_frame().unwrap();
    assert_eq!(frame.payload[..4], [0x20, 0x3f, 0xe1, 0x1f], "size updates to 0 and to 4096");
    assert_eq!(peer.decode(&frame.payload), list(REQUEST));
}

/// RFC 9113 4.3: a header list that is longer than a frame goes on in CONTINUATION.
#[test]
fn a_long_header_list_is_cut_into_frames() {
    let mut peer = Peer::of_client();
    let value = "~".repeat(40_000);
    let long = [REQUEST, &[("x", value.as_str())]].concat();
    peer.connection.open(&list(&long), true).unwrap();
    peer.connection.open(&list(REQUEST), true).unwrap();

    let first = peer.next_frame().unwrap();
    assert_eq!((first.kind, first.flags, first.payload.len()), (HEADERS, END_STREAM, 16_384));
    let mut block = first.payload;
    loop {
        let next = peer.next_frame().unwrap();
        assert_eq!((next.kind, next.stream), (CONTINUATION, 1));
        block.extend(next.payload);
        if next.flags == END_HEADERS {
            break;
        }
        assert_eq!(next.flags, 0);
    }
    assert_eq!(peer.decode(&block), list(&long));
    peer.expect_fields(3, END_HEADERS | END_STREAM, REQUEST);
}

/// RFC 9113 6.1 and 6.2: padding is taken off, up to all of the payload.
#[test]
fn padding_is_taken_off() {
    for piece in [1, 3, usize::MAX] {
        let mut peer = Peer::of_server().in_pieces_of(piece);
        peer.send(request(1).prioritized(0).pad(255)).tells_head(1);
        peer.send(data(1, "").pad(9)).tells_nothing();
        peer.send(data(1, "").pad(0).end());
        peer.tells(Told::Data { stream: 1, data: vec![], end: true });
        peer.send(request(3)).tells_head(3);
        let whole = data(3, "abc").pad(200).to_bytes();
        peer.send_bytes(&whole);
        let got: Vec<u8> = std::iter::from_fn(|| peer.told.pop_front())
            .flat_map(|told| match told {
                Told::Data { data, end: false, .. } => data,
                told => panic!("{told:?}"),
            })
            .collect();
        assert_eq!(got, b"abc");
        assert_eq!(peer.error, None);
    }
}

/// RFC 9113 6.1: padding as long as the payload or longer ends the connection.
#[test]
fn too_much_padding_ends_the_connection() {
    for frame in [
        Frame::new(DATA, PADDED, 1, [1]),
        Frame::new(DATA, PADDED, 1, [9, 0, 0, 0]),
        Frame::new(HEADERS, PADDED | END_HEADERS, 3, [1]),
        Frame::new(HEADERS, PADDED | END_HEADERS, 3, [4, 0, 0, 0]),
    ] {
        let mut peer = Peer::of_server();
        peer.send(request(1)).send(frame);
        peer.ends_with(Violation::PaddingTooLong);
    }
}

/// RFC 9113 6.2: padding that leaves no room for the priority fields is PROTOCOL_ERROR; a frame
/// that is too short for both without padding is FRAME_SIZE_ERROR.
#[test]
fn padding_leaves_room_for_the_priority_fields() {
    let frame = |padding: u8, length: usize| {
        let payload = [vec![padding], vec![0; length - 1]].concat();
        Frame::new(HEADERS, PADDED | PRIORITY_FLAG | END_HEADERS, 1, payload)
    };
    for (padding, length, violation) in [
        (0, 1, Violation::FrameLength),
        (0, 5, Violation::FrameLength),
        (1, 6, Violation::PaddingTooLong),
        (3, 8, Violation::PaddingTooLong),
        (7, 8, Violation::PaddingTooLong),
        (8, 8, Violation::PaddingTooLong),
    ] {
        let mut peer = Peer::of_server();
        peer.send(frame(padding, length));
        peer.ends_with(violation);
    }
    // All of it is taken up: the block is empty, and the message malformed.
    for (padding, length) in [(0, 6), (2, 8)] {
        let mut peer = Peer::of_server();
        peer.send(frame(padding, length)).resets(1, Violation::PseudoMissing);
    }
}

/// RFC 9113 6.1: a DATA frame that ends its stream says so once, however it is cut.
#[test]
fn the_end_of_a_frame_in_pieces_is_told_once() {
    for piece in 1..16 {
        let mut peer = Peer::of_server().in_pieces_of(piece);
        peer.send(request(1)).tells_head(1).send(data(1, "0123456789").pad(3).end());
        let mut got = Vec::new();
        let mut ends = 0;
        while let Some(Told::Data { data, end, .. }) = peer.told.pop_front() {
            assert_eq!(ends, 0, "nothing comes after the end");
            got.extend(data);
            ends += usize::from(end);
        }
        assert_eq!((got.as_slice(), ends), (&b"0123456789"[..], 1), "pieces of {piece}");
        peer.connection.release(StreamId(1), 10);
    }
}

/// RFC 9113 10.5: a header block that is begun must be ended in time.
#[test]
fn a_header_block_has_a_deadline() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).wait(Duration::from_secs(3600));
    assert_eq!(peer.error, None);
    peer.send(request(3).without(END_HEADERS)).wait(Duration::from_secs(9));
    peer.send(continuation(3, b"")).wait(Duration::from_secs(1));
    peer.ends_with(Violation::HeaderBlockTimeout);
}
