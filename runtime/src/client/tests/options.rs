//! What a request and a channel say about how a call is made.

use std::time::Duration;

use super::peer::{Peer, Script, build_against, script};
use super::text;
use crate::client::{
    AccessToken, Channel, ChannelBuilder, ClientNext, CompositeCallCredentials, CredentialsContext,
    OutgoingCall, Request,
};
use crate::grpc::{Code, Metadata, Status};
use crate::http2::Headers;

/// Long enough never to pass while a test runs.
const LONG: Duration = Duration::from_secs(60);

/// The head of a call that is made with `request` on a channel of `builder`.
fn head_of(builder: ChannelBuilder, request: Request<String>) -> Headers {
    let (sender, heads) = std::sync::mpsc::channel();
    let (stub, peers) = build_against(
        builder,
        script(move |peer: &mut Peer| {
            let (stream, head) = peer.head();
            peer.rest(stream);
            sender.send(head).unwrap();
            peer.reply(stream, "");
            peer.until_closed();
        }),
    );
    stub.unary(request).unwrap();
    drop(stub);
    peers.join();
    heads.recv().unwrap()
}

/// The status of a call that never leaves: nothing is connected.
fn refusal(builder: ChannelBuilder, request: Request<String>) -> Status {
    let (stub, peers) = build_against(builder, Vec::<Script>::new());
    let status = stub.unary(request).unwrap_err();
    assert_eq!(peers.connects(), 0, "{status}");
    status
}

fn memory() -> ChannelBuilder {
    Channel::builder("memory")
}

fn metadata(key: &str, value: &str) -> Metadata {
    let mut metadata = Metadata::new();
    metadata.insert(key, value).unwrap();
    metadata
}

/// A channel that requires deadlines refuses calls without one locally, of all kinds; a timeout, a
/// deadline or the channel's default is one.
#[test]
fn a_call_without_a_required_deadline_is_refused_locally() {
    let strict = || memory().require_deadline();
    let status = refusal(strict(), Request::new(text("")));
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(status.message().contains("no deadline"), "{status}");

    let (stub, peers) = build_against(strict(), Vec::new());
    let of_streams = [
        stub.list(text("")).map(drop),
        stub.record(()).map(drop),
        stub.chat(()).map(drop),
        stub.pending(text("")).map(drop),
    ];
    for result in of_streams {
        assert_eq!(result.unwrap_err().code(), Code::FailedPrecondition);
    }
    assert_eq!(peers.connects(), 0);

    head_of(strict(), Request::new(text("")).timeout(LONG));
    head_of(strict().default_timeout(LONG), Request::new(text("")));
}

/// The metadata of the channel comes before the call's own.
#[test]
fn default_metadata_comes_first() {
    let builder = memory().default_metadata(metadata("x-a", "channel"));
    let head = head_of(builder, Request::new(text("")).metadata("x-a", "call"));
    let values: Vec<_> = head.iter().filter(|f| f.name == b"x-a").map(|f| f.value).collect();
    assert_eq!(values, [&b"channel"[..], b"call"]);
}

/// A call's authority stands in place of the channel's; one that no header takes is refused.
#[test]
fn the_authority_of_a_call_wins() {
    let builder = || memory().authority("channel.test");
    let head = head_of(builder(), Request::new(text("")).authority("call.test:1"));
    assert_eq!(head.get(":authority"), Some(&b"call.test:1"[..]));
    let status = refusal(builder(), Request::new(text("")).authority("a b"));
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("authority \"a b\""), "{status}");
}

/// The size limits of a call stand in place of the channel's, larger or smaller.
#[test]
fn the_limits_of_a_call_win() {
    let small = || memory().max_send_message_size(1).max_receive_message_size(1);
    let status = refusal(small(), Request::new(text("ab")));
    assert_eq!(status.code(), Code::ResourceExhausted);
    let status = refusal(memory(), Request::new(text("ab")).max_send_message_size(1));
    assert_eq!(status.code(), Code::ResourceExhausted);

    for (limit, code) in [(2, None), (1, Some(Code::ResourceExhausted))] {
        let (stub, peers) = build_against(
            small(),
            script(|peer| {
                let (stream, message) = peer.request();
                peer.reply(stream, &message);
                peer.until_closed();
            }),
        );
        let request = Request::new(text("ab"));
        let request = request.max_send_message_size(2).max_receive_message_size(limit);
        let result = stub.unary(request);
        assert_eq!(result.err().map(|status| status.code()), code);
        drop(stub);
        peers.join();
    }
}

/// Calls of a channel that waits for connections wait, unless they say otherwise.
#[test]
fn waiting_for_a_connection_is_a_default() {
    let tick = Duration::from_millis(1);
    let waiting = || memory().default_wait_for_ready().reconnect_backoff(tick, tick);
    let (stub, _) = build_against(waiting(), Vec::new());
    let status = stub.unary(Request::new(text("")).timeout(20 * tick)).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    let (stub, _) = build_against(waiting(), Vec::new());
    let status = stub.unary(Request::new(text("")).fail_fast()).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
}

/// Credentials of the channel, then of the call: each sees the service's URL, without the port of
/// https, and the method, and what they make is sent.
#[test]
fn credentials_make_metadata_for_each_call() {
    let builder = memory().pretend_secure().authority("example.test:443").call_credentials(
        |context: &CredentialsContext<'_>| {
            assert!(context.deadline().is_some());
            Ok(metadata("authorization", context.service_url()))
        },
    );
    let request = Request::new(text("")).timeout(LONG).call_credentials(
        |context: &CredentialsContext<'_>| Ok(metadata("x-method", context.method_name())),
    );
    let head = head_of(builder, request);
    assert_eq!(head.get("authorization"), Some(&b"https://example.test/test.Test"[..]));
    assert_eq!(head.get("x-method"), Some(&b"Unary"[..]));
}

/// access_token_call_credentials and composite_call_credentials: a token is sent as the bearer's,
/// several credentials are sent in their order, and a token that no header takes is not repeated.
#[test]
fn tokens_and_composites_are_credentials() {
    let both = CompositeCallCredentials::new()
        .with(AccessToken::new("secret"))
        .with(|_: &CredentialsContext<'_>| Ok(metadata("x-second", "2")));
    let request = Request::new(text("")).call_credentials(both);
    let head = head_of(memory().pretend_secure(), request);
    assert_eq!(head.get("authorization"), Some(&b"Bearer secret"[..]));
    assert_eq!(head.get("x-second"), Some(&b"2"[..]));
    let request = Request::new(text("")).call_credentials(AccessToken::new("secret\n"));
    let status = refusal(memory().pretend_secure(), request);
    assert_eq!(status.code(), Code::Internal);
    assert!(!status.message().contains("secret"), "{status}");
}

/// ClientCallDetails.credentials: an interceptor adds credentials, and they are sent.
#[test]
fn interceptors_add_credentials() {
    let sign = |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
        call.add_call_credentials(AccessToken::new("secret"));
        next.run(call)
    };
    let head = head_of(memory().pretend_secure().interceptor(sign), Request::new(text("")));
    assert_eq!(head.get("authorization"), Some(&b"Bearer secret"[..]));
}

/// ClientCallDetails.wait_for_ready: an interceptor sees it, with the channel's default, and
/// decides.
#[test]
fn interceptors_decide_whether_a_call_waits() {
    let patient = |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
        assert!(!call.is_wait_for_ready());
        call.set_wait_for_ready();
        next.run(call)
    };
    let (stub, _) = build_against(memory().interceptor(patient), Vec::new());
    let request = Request::new(text("")).timeout(Duration::from_millis(30));
    assert_eq!(stub.unary(request).unwrap_err().code(), Code::DeadlineExceeded);

    let hasty = |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
        assert!(call.is_wait_for_ready());
        call.set_fail_fast();
        next.run(call)
    };
    let builder = memory().default_wait_for_ready().interceptor(hasty);
    let (stub, _) = build_against(builder, Vec::new());
    assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
}

/// grpc.max_metadata_size: a channel takes as much as it says, and 16 KiB if it says nothing.
#[test]
fn a_channel_takes_as_much_metadata_as_it_says() {
    let code_with = |builder: ChannelBuilder| {
        let large = "x".repeat(20 << 10);
        let (stub, peers) = build_against(
            builder,
            script(move |peer: &mut Peer| {
                let (stream, _) = peer.request();
                peer.send_head(stream, &[("x-large", &large)]);
                peer.send_message(stream, "");
                peer.send_trailers(stream, &[("grpc-status", "0")]);
                peer.until_closed();
            }),
        );
        let code = stub.unary(text("")).map_or_else(|status| status.code(), |_| Code::Ok);
        drop(stub);
        peers.join();
        code
    };
    assert_eq!(code_with(memory()), Code::ResourceExhausted);
    assert_eq!(code_with(memory().max_metadata_size(32 << 10)), Code::Ok);
}

/// RFC 9113 6.5.2, 6.9.1: numbers outside what HTTP/2 allows build no channel; those at its edges
/// do.
#[test]
fn numbers_outside_http2_build_no_channel() {
    let refused = |builder: ChannelBuilder, expected: &str| {
        let status = builder.build().unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::InvalidArgument, expected));
    };
    let target = || Channel::builder("localhost:1");
    refused(target().max_metadata_size(0), "max_metadata_size is 0: expected at least 1");
    refused(
        target().initial_stream_window_size(1 << 31),
        "initial_stream_window_size is 2147483648: expected 1 to 2147483647 bytes",
    );
    refused(
        target().initial_connection_window_size(65_534),
        "initial_connection_window_size is 65534: expected 65535 to 2147483647 bytes",
    );
    refused(
        target().max_frame_size(1 << 24),
        "max_frame_size is 16777216: expected 16384 to 16777215 bytes",
    );
    target()
        .initial_stream_window_size(1)
        .initial_connection_window_size(65_535)
        .max_frame_size((1 << 24) - 1)
        .header_table_size(0)
        .build()
        .unwrap();
}

/// Credentials are neither made nor sent over a connection that is not encrypted.
#[test]
fn credentials_are_refused_on_plain_connections() {
    let request = Request::new(text("")).call_credentials(|_: &CredentialsContext<'_>| {
        panic!("the token must not be made");
    });
    let status = refusal(memory(), request);
    assert_eq!(status.code(), Code::Unauthenticated);
    assert!(status.message().contains("not encrypted"), "{status}");
}

/// gRFC A54: credentials that fail end the call with their status, but codes that speak of the
/// application become INTERNAL.
#[test]
fn failing_credentials_end_the_call() {
    for (given, code) in [
        (Code::Unauthenticated, Code::Unauthenticated),
        (Code::Unavailable, Code::Unavailable),
        (Code::NotFound, Code::Internal),
        (Code::Ok, Code::Internal),
    ] {
        let request = Request::new(text("")).call_credentials(move |_: &CredentialsContext<'_>| {
            Err(Status::new(given, "no token"))
        });
        let status = refusal(memory().pretend_secure(), request);
        assert_eq!(status.code(), code);
        assert!(status.message().contains("no token"), "{status}");
    }
}
