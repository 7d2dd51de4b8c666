//! RFC 9113 8: what a message is made of. The malformed ones are a stream error PROTOCOL_ERROR.

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation::{self, *};
use crate::http2::{Initiator, Reason};

/// The request is refused without a word to the application.
#[track_caller]
fn refuses_request(fields_of_request: Fields<'_>, violation: Violation) {
    let mut peer = Peer::of_server();
    peer.send(fields(1, fields_of_request)).resets(1, violation).tells_nothing();
    peer.send(request(3)).tells_head(3);
}

/// The response ends its stream.
#[track_caller]
fn refuses_response(frames: &[Frame], violation: Violation) {
    let mut peer = Peer::of_client();
    peer.open();
    peer.send_all(frames.iter().cloned());
    peer.resets(1, violation);
    while let Some(told) = peer.told.pop_front() {
        if let Told::Reset { by, reason, .. } = told {
            assert_eq!((by, reason), (Initiator::Local, violation.row().1));
            return peer.tells_nothing().send(trailers(1)).expect_silence().tells_nothing().done();
        }
    }
    panic!("the application is not told");
}

impl Peer {
    fn done(&mut self) {
        assert_eq!(self.error, None);
    }
}

fn without(name: &str) -> Vec<(&'static str, &'static str)> {
    REQUEST.iter().copied().filter(|field| field.0 != name).collect()
}

fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
    let replace = |field: &(_, _)| if field.0 == name { (name, value) } else { *field };
    REQUEST.iter().map(replace).collect()
}

/// RFC 9113 8.3.1: :method, :scheme and :path stand in every request, :authority may be missing.
#[test]
fn requests_have_their_pseudo_header_fields() {
    for name in [":method", ":scheme", ":path"] {
        refuses_request(&without(name), PseudoMissing);
        refuses_request(&with(name, ""), PseudoValue);
    }
    let mut peer = Peer::of_server();
    peer.send(fields(1, &without(":authority"))).tells_head(1);
    refuses_request(&[], PseudoMissing);
}

/// RFC 9113 8.3: pseudo-header fields stand before the others, once each, and only those defined.
#[test]
fn pseudo_header_fields_come_first_and_once() {
    refuses_request(&[&[("a", "b")], REQUEST].concat(), PseudoAfterRegular);
    for field in &REQUEST[..4] {
        refuses_request(&[&[*field], REQUEST].concat(), PseudoRepeated);
    }
    for name in [":status", ":protocol", ":", ":Path", ":x"] {
        refuses_request(&[&[(name, "200")], REQUEST].concat(), PseudoUnknown);
    }
}

/// RFC 9113 8.3.1: :authority has no user information.
#[test]
fn an_authority_has_no_user_information() {
    refuses_request(&with(":authority", "user@host"), PseudoValue);
}

/// RFC 9113 8.5: a tunnel is not offered.
#[test]
fn connect_is_refused() {
    refuses_request(&[(":method", "CONNECT"), (":authority", "host:1")], ConnectMethod);
    refuses_request(&with(":method", "CONNECT"), ConnectMethod);
}

/// RFC 9113 8.2.1: of all 256 bytes these may stand in a name: no control characters, no space, no
/// upper case, no colon, nothing beyond ASCII. An empty name is none.
#[test]
fn names_have_no_forbidden_bytes() {
    for byte in 0..=255_u8 {
        let mut block = block(REQUEST);
        block.extend(literal(&[b'a', byte], b"v"));
        let mut peer = Peer::of_server();
        peer.send(Frame::new(HEADERS, END_HEADERS, 1, block));
        match byte {
            0..=0x20 | b'A'..=b'Z' | b':' | 0x7f.. => peer.resets(1, FieldName).tells_nothing(),
            _ => peer.tells_head(1),
        };
    }
    refuses_request(&[REQUEST, &[("", "v")]].concat(), FieldName);
}

/// RFC 9113 8.2.1 and 10.3: of all 256 bytes NUL, LF and CR may not stand in a value, wherever.
#[test]
fn values_have_no_nul_and_no_line_ends() {
    for byte in 0..=255_u8 {
        for value in [vec![byte, b'v'], vec![b'v', byte], vec![b'a', byte, b'z']] {
            let mut block = block(REQUEST);
            block.extend(literal(b"name", &value));
            let mut peer = Peer::of_server();
            peer.send(Frame::new(HEADERS, END_HEADERS, 1, block));
            match byte {
                0 | b'\n' | b'\r' => peer.resets(1, FieldValue).tells_nothing(),
                _ => peer.tells_head(1),
            };
        }
    }
    refuses_request(&with(":path", "/a\r\nb"), FieldValue);
}

/// RFC 9113 8.2.1 forbids white space around a value and gRPC allows it: it is kept as it came.
#[test]
fn outer_white_space_is_kept() {
    let mut peer = Peer::of_server();
    peer.send(request_with(1, &[("a", " b\t")])).tells_head(1);
    assert_eq!(peer.lists[0].get("a"), Some(&b" b\t"[..]));
}

/// RFC 9113 8.2.2: fields that speak of the connection make a message malformed, trailers too.
#[test]
fn connection_specific_fields_are_refused() {
    let names = ["connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade"];
    for name in names {
        let more = [(name, "x")];
        refuses_request(&[REQUEST, &more].concat(), ConnectionSpecificField);
        refuses_response(&[response_with(1, &more)], ConnectionSpecificField);
        refuses_response(&[response(1), fields(1, &more).end()], ConnectionSpecificField);
    }
}

/// RFC 9113 8.2.2: te has no other value than trailers.
#[test]
fn te_is_trailers() {
    refuses_request(&with("te", "gzip"), TeNotTrailers);
    refuses_request(&with("te", "trailers, deflate;q=0.5"), TeNotTrailers);
    refuses_request(&with("te", ""), TeNotTrailers);
    let mut peer = Peer::of_server();
    peer.send(fields(1, &without("te"))).tells_head(1);
    peer.send(fields(3, &with("te", "Trailers"))).tells_head(3);
}

/// RFC 9113 8.3.2: a response has one :status of three digits and no other pseudo-header field.
#[test]
fn responses_have_a_status() {
    refuses_response(&[fields(1, &[("a", "b")])], PseudoMissing);
    refuses_response(&[fields(1, &[("a", "b"), (":status", "200")])], PseudoAfterRegular);
    refuses_response(&[fields(1, &[(":status", "200"), (":status", "200")])], PseudoRepeated);
    refuses_response(&[fields(1, &[(":status", "200"), (":path", "/")])], PseudoUnknown);
    for status in ["", "20", "2000", "abc", "099", "600", "999", "+20", "2 0"] {
        refuses_response(&[fields(1, &[(":status", status)])], PseudoValue);
    }
    let mut peer = Peer::of_client();
    peer.open();
    peer.send(fields(1, &[(":status", "404")])).tells_head(1);
    peer.open();
    peer.send(fields(3, &[(":status", "599")])).tells_head(3);
}

/// RFC 9113 8.1: trailers end the stream and have no pseudo-header fields.
#[test]
fn trailers_end_the_stream() {
    refuses_response(&[response(1), fields(1, TRAILERS)], TrailersWithoutEnd);
    refuses_response(&[response(1), data(1, "x"), response(1)], PseudoInTrailers);
    refuses_response(&[response(1), fields(1, &[(":status", "200")]).end()], PseudoInTrailers);
    refuses_response(&[response(1), fields(1, &[("A", "b")]).end()], FieldName);

    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1).send(request(1)).resets(1, PseudoInTrailers);
    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1).send(trailers(1)).tells(Told::Trailers { stream: 1 });
}

/// RFC 9113 8.1: a second trailer section comes after the end.
#[test]
fn there_is_one_trailer_section() {
    let mut peer = Peer::of_server();
    peer.send(request(1)).tells_head(1).send(trailers(1)).tells(Told::Trailers { stream: 1 });
    peer.send(trailers(1)).resets(1, HalfClosed);
}

/// RFC 9113 8.1: a response begins with its head.
#[test]
fn data_does_not_come_before_the_head() {
    refuses_response(&[data(1, "x")], DataBeforeHead);
    refuses_response(&[data(1, "").end()], DataBeforeHead);
    refuses_response(&[fields(1, &[(":status", "100")]), data(1, "x")], DataBeforeHead);
}

/// RFC 9113 8.1: informational responses come before the response, do not end it, and are skipped.
#[test]
fn informational_responses_are_skipped() {
    let early = || fields(1, &[(":status", "103"), ("link", "x")]);
    let mut peer = Peer::of_client();
    peer.open();
    for _ in 0..8 {
        peer.send(early()).tells_nothing();
    }
    peer.send(response(1)).tells_head(1).send(trailers(1)).tells(Told::Trailers { stream: 1 });

    refuses_response(&[early().end()], InformationalEnd);
    refuses_response(&[fields(1, &[(":status", "100"), ("Bad", "x")])], FieldName);
    refuses_response(&vec![early(); 9], TooManyInformational);
}

/// RFC 9113 8.6: status 101 does not exist.
#[test]
fn switching_protocols_is_refused() {
    refuses_response(&[fields(1, &[(":status", "101")])], SwitchingProtocols);
}

/// RFC 9113 8.1.1: content-length is the sum of the DATA, without padding.
#[test]
fn content_length_is_the_sum_of_the_data() {
    let head = || response_with(1, &[("content-length", "5")]);
    for frames in [
        vec![head(), data(1, "12345").end()],
        vec![head(), data(1, "123").pad(7), data(1, "45"), data(1, "").end()],
        vec![head(), data(1, "12345"), trailers(1)],
        vec![response_with(1, &[("content-length", "0")]).end()],
        vec![fields(1, &[(":status", "304"), ("content-length", "7")]).end()],
        vec![fields(1, &[(":status", "204"), ("content-length", "7")]), data(1, "").end()],
    ] {
        let mut peer = Peer::of_client();
        peer.open();
        peer.send_all(frames.clone()).expect_silence().done();
        assert!(!peer.told.iter().any(|told| matches!(told, Told::Reset { .. })), "{frames:?}");
    }
    for frames in [
        vec![head(), data(1, "123456")],
        vec![head(), data(1, "1234").end()],
        vec![head(), data(1, "1234"), trailers(1)],
        vec![head(), data(1, "12345"), data(1, "6").end()],
        vec![head().end()],
    ] {
        refuses_response(&frames, ContentLengthMismatch);
    }
    let mut peer = Peer::of_server();
    peer.send(request_with(1, &[("content-length", "1")]).end()).resets(1, ContentLengthMismatch);
    peer.send(request_with(3, &[("content-length", "1")])).tells_head(3);
    peer.send(data(3, "").end()).resets(3, ContentLengthMismatch);
}

/// RFC 9113 8.1.1 and RFC 9110 8.6: content-length is one number of digits.
#[test]
fn content_length_is_a_number() {
    for value in ["", "-1", "+1", " 1", "1,1", "0x1", "18446744073709551616", "1e3"] {
        refuses_request(&[REQUEST, &[("content-length", value)]].concat(), ContentLengthValue);
    }
    let twice = [("content-length", "1"), ("content-length", "1")];
    refuses_request(&[REQUEST, &twice].concat(), ContentLengthValue);
}

/// RFC 9113 8.7: a refused stream was not processed: REFUSED_STREAM says so, and only then.
#[test]
fn refused_streams_were_not_processed() {
    let mut peer = Peer::of_client();
    peer.open();
    peer.send(reset(1, Reason::REFUSED_STREAM));
    peer.tells_reset(1, Reason::REFUSED_STREAM, Initiator::Remote).expect_silence();
}

/// RFC 9113 8.1: a response may be complete before its request is; the rest of that can be
/// cancelled, and NO_ERROR from the server is no failure of what has arrived.
#[test]
fn a_response_may_end_before_the_request() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.send_all([response(1), data(1, "x"), trailers(1)]);
    peer.tells_head(1).tells_data(1, b"x").tells(Told::Trailers { stream: 1 });
    assert_eq!(peer.connection.send_data(stream, b"more", false), Ok(4));
    peer.send(reset(1, Reason::NO_ERROR)).tells_reset(1, Reason::NO_ERROR, Initiator::Remote);
    assert!(peer.connection.send_data(stream, b"more", false).is_err());
}
