//! RFC 9113 3.4: how a connection begins.

use std::time::Duration;

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Connection};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn server() -> Peer {
    Peer::new(Connection::server(Config::default()))
}

fn client() -> Peer {
    Peer::new(Connection::client(Config::default()))
}

/// RFC 9113 3.4: a client sends the preface, then SETTINGS, before anything else.
#[test]
fn a_client_begins_with_preface_and_settings() {
    let mut peer = client();
    peer.read();
    assert!(peer.wire.starts_with(PREFACE));
    peer.wire.drain(..PREFACE.len());
    let frame = peer.next_frame().unwrap();
    assert_eq!((frame.kind, frame.flags, frame.stream), (SETTINGS, 0, 0));
}

/// RFC 9113 3.4: the first frame of a server is SETTINGS, even if the client asks for more at once.
#[test]
fn a_server_begins_with_settings() {
    let mut peer = server();
    peer.send_bytes(&[PREFACE, &settings(&[]).to_bytes(), &ping(b"overtake").to_bytes()].concat());
    let frame = peer.next_frame().unwrap();
    assert_eq!((frame.kind, frame.flags, frame.stream), (SETTINGS, 0, 0));
    assert_eq!(peer.next_frame().unwrap().kind, WINDOW_UPDATE);
    peer.expect(settings_ack()).expect(ping_ack(b"overtake"));
}

/// RFC 9113 3.4: SETTINGS comes first even if a server shuts down before it has read anything.
#[test]
fn settings_come_before_the_goaway_of_a_server() {
    for begin in [Connection::drain, |connection: &mut Connection| connection.ping([7; 8])] {
        let mut peer = server();
        begin(&mut peer.connection);
        assert_eq!(peer.next_frame().unwrap().kind, SETTINGS);
        peer.send_bytes(PREFACE).send(settings(&[]));
        while let Some(frame) = peer.next_frame() {
            assert!(frame.kind != SETTINGS || frame.flags == ACK, "SETTINGS twice");
        }
    }
}

/// RFC 9113 3.4: a client may send requests before it has seen the SETTINGS of the server.
#[test]
fn requests_may_come_with_the_preface() {
    let mut peer = server();
    let frames = [settings(&[]), request(1).end()].map(|frame| frame.to_bytes());
    peer.send_bytes(&[PREFACE, &frames.concat()].concat());
    peer.tells(Told::SettingsReceived).tells(Told::Head { stream: 1, end: true });
}

/// RFC 9113 3.4: a preface that is cut anywhere is read; one that is wrong anywhere is refused with
/// PROTOCOL_ERROR.
#[test]
fn a_wrong_preface_is_refused() {
    for wrong_at in 0..PREFACE.len() {
        for piece in [1, 5, 24] {
            let mut preface = PREFACE.to_vec();
            preface[wrong_at] ^= 0x80;
            let mut peer = server().in_pieces_of(piece);
            peer.send_bytes(&preface);
            let violation = peer.error.expect("a refusal").violation();
            let expected = [Violation::PrefaceUnknown, Violation::PrefaceHttp1];
            assert!(expected.contains(&violation), "{wrong_at} {violation:?}");
        }
    }
}

/// RFC 9113 3.4: whoever speaks HTTP/1 is told so in HTTP/1, and no more than 24 bytes are read.
#[test]
fn http1_gets_an_answer_it_can_read() {
    for request in ["GET / HTTP/1.1\r\n\r\n", "POST /x HTTP/1.1\r\n", "PRI / HTTP/1.1\r\n"] {
        let mut peer = server();
        peer.send_bytes(request.as_bytes());
        assert_eq!(
            peer.error.unwrap().to_string(),
            "PROTOCOL_ERROR: expected the HTTP/2 preface `PRI * HTTP/2.0`, peer sent an HTTP/1 \
             request"
        );
        let answer = String::from_utf8(std::mem::take(&mut peer.wire)).unwrap();
        assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("content-length: {}", body.len())));
    }
}

/// RFC 9113 3.4: after frames of ours an answer in HTTP/1 would be noise.
#[test]
fn no_http1_after_frames() {
    let mut peer = server();
    peer.connection.drain();
    peer.send_bytes(b"GET / HTTP/1.1\r\n\r\n");
    peer.ends_with(Violation::PrefaceHttp1);
}

/// RFC 9113 3.4: the words of a refusal say what came.
#[test]
fn other_protocols_are_named() {
    let mut peer = server();
    peer.send_bytes(&[0x16, 3, 1, 0, 200, 1]);
    peer.ends_with(Violation::PrefaceTls);
    let mut peer = server();
    peer.send_bytes(&[0, 1, 2, 3]);
    peer.ends_with(Violation::PrefaceUnknown);

    for (bytes, violation) in [
        (&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], Violation::ReplyHttp1),
        (&[0x15, 3, 1, 0, 2, 2, 70, 0, 0], Violation::ReplyTls),
        (b"SSH-2.0-OpenSSH_9.2", Violation::FirstFrameNotSettings),
    ] {
        let mut peer = client();
        peer.send_bytes(bytes);
        assert_eq!(peer.error.unwrap().violation(), violation);
    }
}

/// RFC 9113 3.4: SETTINGS comes first from both sides, and an acknowledgement is none.
#[test]
fn the_first_frame_must_be_settings() {
    let frames = || [ping(b"12345678"), settings_ack(), request(1), window_update(0, 1)];
    for first in frames() {
        let mut peer = server();
        peer.send_bytes(PREFACE).send(first);
        peer.ends_with(Violation::FirstFrameNotSettings);
    }
    for first in frames() {
        let mut peer = client();
        peer.send(first);
        assert_eq!(peer.error.unwrap().violation(), Violation::FirstFrameNotSettings);
    }
}

/// RFC 9113 9.1: a peer that connects and says nothing is not waited for.
#[test]
fn preface_and_settings_have_a_deadline() {
    let mut peer = server();
    peer.send_bytes(&PREFACE[..10]).wait(Duration::from_secs(19));
    assert_eq!(peer.error, None);
    peer.send_bytes(&PREFACE[10..]).wait(Duration::from_secs(1));
    peer.ends_with(Violation::PrefaceTimeout);
}

/// RFC 9113 9.1: how long a peer is waited for is the user's to say.
#[test]
fn the_deadline_of_the_preface_is_configured() {
    let preface_timeout = Duration::from_secs(3);
    let config = Config { preface_timeout, ..Config::default() };
    let mut peer = Peer::new(Connection::server(config));
    peer.send_bytes(PREFACE).wait(Duration::from_secs(2));
    assert_eq!(peer.error, None);
    peer.wait(Duration::from_secs(1));
    peer.ends_with(Violation::PrefaceTimeout);
}

/// RFC 9113 5.4.1: after an error nothing is sent or taken any more.
#[test]
fn a_connection_that_is_over_stays_over() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.send(settings_ack().end().on(1));
    let error = peer.error.unwrap();
    peer.next_frame();
    assert_eq!(peer.connection.handle_bytes(b"more", peer.now), Err(error));
    assert!(peer.connection.send_data(stream, b"x", false).is_err());
    assert!(peer.connection.open(&list(REQUEST), true).is_err());
    peer.connection.reset(stream, crate::http2::Reason::CANCEL);
    peer.connection.ping([0; 8]);
    peer.connection.release(stream, 0);
    peer.connection.drain();
    peer.expect_silence();
}
