//! Single replies: what a response means, whatever its shape.

#[cfg(feature = "testing")]
use std::sync::Arc;
use std::time::Duration;

use super::peer::{Peer, build_against, script, stub_against};
use super::{Stub, text};
use crate::client::{Channel, Request};
use crate::grpc::{Code, Status};
use crate::http2::{Reason, StreamId};
use crate::limits::FOREIGN_BODY_MAX;
#[cfg(feature = "testing")]
use crate::{
    limits::FOREIGN_BODY_WAIT,
    transport::{Latch, clock::VirtualClock, now},
};

/// The status of a unary call that the peer answers as `answer` says.
fn status_of(answer: impl FnOnce(&mut Peer, StreamId) + Send + 'static) -> Status {
    let (stub, peers) = stub_against(script(move |peer| {
        let (stream, _) = peer.request();
        answer(peer, stream);
        peer.until_closed();
    }));
    let status = stub.unary(text("hello")).unwrap_err();
    drop(stub);
    peers.join();
    status
}

fn check(status: &Status, code: Code, text: &str) {
    assert_eq!(status.code(), code, "{status}");
    assert!(status.message().contains(text), "{status}");
}

/// The way of one unary call: head, message and half-close arrive, metadata comes back from both
/// ends of the response.
#[test]
fn a_unary_call_returns_reply_and_metadata() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, head) = peer.head();
        assert_eq!(head.get(":path"), Some(&b"/test.Test/Unary"[..]));
        assert_eq!(head.get(":authority"), Some(&b"localhost"[..]));
        assert_eq!(head.get("te"), Some(&b"trailers"[..]));
        assert_eq!(head.get("x-user"), Some(&b"alice"[..]));
        assert_eq!(head.get("t-bin"), Some(&b"/w"[..]));
        assert_eq!(head.get("grpc-timeout"), None);
        assert_eq!(peer.rest(stream), b"\0\0\0\0\x05hello");
        peer.send_head(stream, &[("x-initial", "1"), ("x-initial", "2")]);
        peer.send_message(stream, "world");
        peer.send_trailers(stream, &[("grpc-status", "0"), ("x-trailing-bin", "/w==")]);
        peer.until_closed();
    }));
    let request =
        Request::new(text("hello")).metadata("x-user", "alice").metadata_bin("t-bin", [255]);
    let response = stub.unary(request).unwrap();
    assert_eq!(*response, "world");
    assert_eq!(response.metadata().get_all("x-initial").collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(response.trailing_metadata().get_bin("x-trailing-bin"), Some(&[255][..]));
    assert_eq!(response.into_inner(), "world");
    drop(stub);
    peers.join();
}

/// DATA boundaries mean nothing: the response is the same if every byte comes alone.
#[test]
fn replies_do_not_depend_on_how_reads_are_split() {
    let (stub, peers) = stub_against(script(|peer| {
        peer.knobs().split_reads(1);
        let (stream, _) = peer.request();
        peer.send_head(stream, &[]);
        peer.send_data(stream, b"\0\0", false);
        peer.send_data(stream, b"\0\0\x03a", false);
        peer.send_data(stream, b"", false);
        peer.send_data(stream, b"bc", false);
        peer.send_trailers(stream, &[("grpc-status", "0")]);
        peer.until_closed();
    }));
    assert_eq!(*stub.unary(text("")).unwrap(), "abc");
    drop(stub);
    peers.join();
}

/// Trailers-Only: the status, its message, its details and its metadata, which is trailing.
#[test]
fn trailers_only_carries_a_whole_status() {
    let status = status_of(|peer, stream| {
        peer.send_only(
            stream,
            &[
                (":status", "200"),
                ("content-type", "application/grpc"),
                ("grpc-status", "9"),
                ("grpc-message", "%E4%BD%A0 %zz"),
                ("grpc-status-details-bin", "AQI"),
                ("x-why", "because"),
            ],
        );
    });
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert_eq!(status.message(), "你 %zz");
    assert_eq!(status.details_bytes(), [1, 2]);
    assert_eq!(status.metadata().get("x-why"), Some("because"));
}

/// A status in the trailers wins over a message that came before it, and carries the metadata from
/// both ends of the response.
#[test]
fn a_status_in_trailers_wins_over_a_message() {
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[("x-initial", "i")]);
        peer.send_message(stream, "half");
        let fields = [("grpc-status", "10"), ("grpc-message", "no"), ("x-trailing", "t")];
        peer.send_trailers(stream, &fields);
    });
    check(&status, Code::Aborted, "no");
    assert_eq!(status.initial_metadata().get("x-initial"), Some("i"));
    assert_eq!(status.metadata().get("x-trailing"), Some("t"));
}

/// OK without a message is INTERNAL, and so is more than one message.
#[test]
fn a_unary_reply_is_exactly_one_message() {
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.send_trailers(stream, &[("grpc-status", "0")]);
    });
    check(&status, Code::Internal, "expected one reply message, got none");
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.send_message(stream, "a");
        peer.send_message(stream, "b");
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
    });
    check(&status, Code::Internal, "expected one reply message, got more");
}

/// What is not gRPC gives the status of the HTTP table, and the stream is cancelled.
#[test]
fn responses_of_proxies_become_statuses() {
    for (http, code) in [("503", Code::Unavailable), ("404", Code::Unimplemented)] {
        let status = status_of(move |peer, stream| {
            let fields = [(":status", http), ("content-type", "text/html")];
            peer.send_fields(stream, fields.iter(), false);
            peer.send_data(stream, b"<html>", false);
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        });
        check(&status, code, http);
    }
    let status = status_of(|peer, stream| {
        peer.send_fields(stream, [(":status", "200")].iter(), false);
        peer.send_data(stream, b"{}", false);
        assert_eq!(peer.reset_of(stream), Reason::CANCEL);
    });
    check(&status, Code::Unknown, "no content-type");
}

/// http-grpc-status-mapping.md: what a proxy says in place of a server is in the words of the status,
/// escaped and no more than the beginning of it, whether or not the end comes with it.
#[test]
fn the_beginning_of_a_foreign_body_is_in_the_status() {
    let words = |http: &'static str, body: &'static [u8], ends: bool| {
        status_of(move |peer, stream| {
            let fields = [(":status", http), ("content-type", "text/html")];
            peer.send_fields(stream, fields.iter(), false);
            peer.send_data(stream, body, ends);
            if !ends {
                assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            }
        })
    };
    let text = "received HTTP status 503 without a grpc-status; its body begins ";
    let status = words("503", b"<html>\n\x1b no upstream", false);
    check(&status, Code::Unavailable, &format!("{text}{:?}", "<html>\n\u{1b} no upstream"));
    let status = words("503", b"<html>", true);
    check(&status, Code::Unavailable, &format!("{text}{:?}", "<html>"));
    let status = words("503", b"", true);
    assert_eq!(status.message(), "received HTTP status 503 without a grpc-status");
    let status = words("200", &[b'x'; 5000], false);
    check(&status, Code::Unknown, "content-type \"text/html\"");
    assert!(status.message().len() < 200 + FOREIGN_BODY_MAX, "{status}");
}

/// A response of a proxy that neither ends nor has a body is told soon, and not at the deadline alone.
#[cfg(feature = "testing")]
#[test]
fn a_foreign_head_without_a_body_is_told() {
    let clock = VirtualClock::new();
    let entered = clock.enter();
    let over = Arc::new(Latch::default());
    let (moved, is_over) = (clock.clone(), over.clone());
    let (stub, peers) = stub_against(script(move |peer| {
        let (stream, _) = peer.request();
        peer.send_fields(stream, [(":status", "503")].iter(), false);
        // However late the client reads that: the time goes on until the call has ended.
        while !is_over.wait(Some(now() + Duration::from_millis(1))) {
            moved.advance(FOREIGN_BODY_WAIT / 10);
        }
        peer.until_closed();
    }));
    let status = stub.unary(text("a")).unwrap_err();
    over.open();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "received HTTP status 503 without a grpc-status");
    drop(stub);
    peers.join();
    drop(entered);
    clock.end();
}

/// END_STREAM inside a message is INTERNAL "truncated"; without trailers it is UNKNOWN.
#[test]
fn ends_without_trailers_are_errors() {
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.send_data(stream, b"\0\0\0\0\x05he", true);
    });
    check(&status, Code::Internal, "truncated");
    let status = status_of(|peer, stream| {
        peer.send_head(stream, &[]);
        peer.send_data(stream, b"\0\0\0\0\0", true);
    });
    check(&status, Code::Unknown, "without trailers");
}

/// A compressed message that was not negotiated, and an unknown flag, are INTERNAL.
#[test]
fn unexpected_compression_is_internal() {
    for (flag, text) in [(1, "compressed"), (2, "flag 2")] {
        let status = status_of(move |peer, stream| {
            peer.send_head(stream, &[]);
            peer.send_data(stream, &[flag, 0, 0, 0, 1, 0], false);
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
        });
        check(&status, Code::Internal, text);
    }
}

/// A reply over the receive limit is RESOURCE_EXHAUSTED, and the stream is cancelled.
#[test]
fn replies_over_the_limit_are_refused() {
    let builder = Channel::builder("memory").max_receive_message_size(3);
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            let (stream, _) = peer.request();
            peer.reply(stream, "abc");
            let (stream, _) = peer.request();
            peer.send_head(stream, &[]);
            peer.send_data(stream, b"\0\0\0\0\x04", false);
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("")).unwrap(), "abc");
    let status = stub.unary(text("")).unwrap_err();
    check(&status, Code::ResourceExhausted, "received message of 4 bytes, over the limit of 3");
    drop(stub);
    peers.join();
}

/// A request over the send limit is refused before anything is sent.
#[test]
fn requests_over_the_limit_are_not_sent() {
    let builder = Channel::builder("memory").max_send_message_size(3);
    let (stub, peers) = build_against(builder, Vec::new());
    let status = stub.unary(text("abcd")).unwrap_err();
    check(&status, Code::ResourceExhausted, "message of 4 bytes, over the send limit of 3");
    assert_eq!(peers.connects(), 0);
}

/// The first invalid metadata entry is INVALID_ARGUMENT before anything is sent, for every kind.
#[test]
fn invalid_metadata_refuses_the_call() {
    let (stub, peers) = stub_against(Vec::new());
    let message = text("");
    let with = || Request::new(&message).metadata("a b", "").metadata("te", "");
    let unit = || Request::new(()).metadata("a b", "");
    for status in [
        stub.unary(with()).unwrap_err(),
        stub.pending(with()).unwrap_err(),
        stub.list(with()).unwrap_err(),
        stub.record(unit()).unwrap_err(),
        stub.chat(unit()).unwrap_err(),
    ] {
        check(&status, Code::InvalidArgument, "metadata key \"a b\"");
    }
    assert_eq!(peers.connects(), 0);
}

/// PROTOCOL-HTTP2.md, Errors: what RST_STREAM means, before and behind the head.
#[test]
fn resets_map_to_statuses() {
    for (reason, code) in [
        (Reason::NO_ERROR, Code::Internal),
        (Reason::PROTOCOL_ERROR, Code::Internal),
        (Reason::CANCEL, Code::Cancelled),
        (Reason::ENHANCE_YOUR_CALM, Code::ResourceExhausted),
        (Reason::INADEQUATE_SECURITY, Code::PermissionDenied),
    ] {
        let status = status_of(move |peer, stream| peer.reset(stream, reason));
        check(&status, code, "stream reset by the peer");
        let status = status_of(move |peer, stream| {
            peer.send_head(stream, &[]);
            peer.reset(stream, reason);
        });
        check(&status, code, "stream reset by the peer");
    }
}

/// Pending calls are under way at once; each gets its own reply, in whatever order they come.
#[test]
fn pending_calls_run_at_once() {
    let (stub, peers) = stub_against(script(|peer| {
        let calls: Vec<_> = (0..3).map(|_| peer.request()).collect();
        for (stream, text) in calls.into_iter().rev() {
            peer.reply(stream, &format!("re {text}"));
        }
        peer.until_closed();
    }));
    let calls: Vec<_> =
        ["a", "b", "c"].into_iter().map(|name| stub.pending(text(name)).unwrap()).collect();
    let replies: Vec<String> =
        calls.into_iter().map(|call| call.wait().unwrap().into_inner()).collect();
    assert_eq!(replies, ["re a", "re b", "re c"]);
    drop(stub);
    peers.join();
}

/// A pending call can be looked at without waiting, and gives its reply once.
#[test]
fn a_pending_reply_is_given_once() {
    let (stub, peers) = stub_against(script(|peer| {
        let (first, _) = peer.request();
        let (second, _) = peer.request();
        peer.reply(second, "second");
        peer.reply(first, "first");
        peer.until_closed();
    }));
    let mut call = stub.pending(text("")).unwrap();
    assert!(call.try_wait().is_none());
    assert!(call.wait_timeout(Duration::ZERO).is_none());
    assert_eq!(*stub.unary(text("")).unwrap(), "second");
    let reply = call.wait_timeout(Duration::from_secs(20)).unwrap().unwrap();
    assert_eq!(*reply, "first");
    check(&call.try_wait().unwrap().unwrap_err(), Code::FailedPrecondition, "already taken");
    drop((call, stub));
    peers.join();
}

/// Cancelling, by handle and by drop, sends RST_STREAM(CANCEL) for this stream alone.
#[test]
fn cancelling_resets_the_stream_alone() {
    let (stub, peers) = stub_against(script(|peer| {
        let (first, _) = peer.request();
        assert_eq!(peer.reset_of(first), Reason::CANCEL);
        let (second, _) = peer.request();
        assert_eq!(peer.reset_of(second), Reason::CANCEL);
        let (third, _) = peer.request();
        peer.reply(third, "alive");
        peer.until_closed();
    }));
    let call = stub.pending(text("")).unwrap();
    call.cancel();
    check(&call.wait().unwrap_err(), Code::Cancelled, "cancelled by the caller");
    drop(stub.pending(text("")).unwrap());
    assert_eq!(*stub.unary(text("")).unwrap(), "alive");
    drop(stub);
    peers.join();
}

/// A stub is for many threads at once: each gets its own replies over the one connection.
#[test]
fn many_threads_share_one_connection() {
    let (stub, peers) = stub_against(script(|peer| {
        for _ in 0..THREADS * CALLS {
            let (stream, text) = next_request(peer);
            peer.reply(stream, &text);
        }
        peer.until_closed();
    }));
    const THREADS: usize = 8;
    const CALLS: usize = 25;
    let call = |stub: &Stub, thread| {
        for number in 0..CALLS {
            let message = format!("{thread}.{number}");
            assert_eq!(*stub.unary(&message).unwrap(), message);
        }
    };
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let stub = &stub;
            scope.spawn(move || call(stub, thread));
        }
    });
    assert_eq!(peers.connects(), 1);
    drop(stub);
    peers.join();
}

/// Head and data of a small call leave in one write, so no other call comes between them.
fn next_request(peer: &mut Peer) -> (StreamId, String) {
    peer.request()
}

/// Metadata over what the server takes is RESOURCE_EXHAUSTED with the sizes, and nothing is sent;
/// the connection and its other calls live.
#[test]
fn metadata_over_the_servers_limit_is_not_sent() {
    let (stub, peers) = stub_against(script(|peer| {
        peer.configure(|config| config.max_header_list_size = 2000);
        let (other, _) = peer.request();
        let (stream, message) = peer.request();
        assert_eq!(message, "fits");
        peer.reply(stream, "");
        peer.reply(other, "lives");
        peer.until_closed();
    }));
    let other = stub.pending(text("other")).unwrap();
    for size in [2000, 70_000, 200_000] {
        let request = Request::new(text("")).metadata("x-large", "v".repeat(size));
        let status = stub.unary(request).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        assert!(status.message().starts_with("metadata too large: header list of "), "{status}");
    }
    stub.unary(Request::new(text("fits")).metadata("x-large", "v".repeat(1500))).unwrap();
    assert_eq!(*other.wait().unwrap(), "lives");
    drop(stub);
    peers.join();
}

/// So is metadata of more entries than any header block may have.
#[test]
fn more_metadata_than_a_block_may_have_is_not_sent() {
    let (stub, peers) = stub_against(script(|peer| {
        let (stream, message) = peer.request();
        assert_eq!(message, "fits");
        peer.reply(stream, "");
        peer.until_closed();
    }));
    let with = |message: &str, entries: usize| {
        let request = Request::new(text(message));
        stub.unary((0..entries).fold(request, |request, n| request.metadata(format!("k{n}"), "v")))
    };
    let status = with("", 128).unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted);
    assert!(status.message().ends_with("in 128 fields"), "{status}");
    with("fits", 110).unwrap();
    drop(stub);
    peers.join();
}
