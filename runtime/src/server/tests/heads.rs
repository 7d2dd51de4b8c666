//! What the head of a request decides, before any code of a user runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::support::{Peer, Setup, Talk, TestServer};
use crate::server::{Context, Next};

const UNARY: &str = "/test.Talk/Unary";

/// A server that counts the calls that reach its interceptor.
fn counting() -> (TestServer, Arc<AtomicUsize>) {
    let seen = Arc::new(AtomicUsize::new(0));
    let count = seen.clone();
    let server = Setup::new(Talk::echo())
        .interceptor(move |context: &mut Context, next: Next<'_>| {
            count.fetch_add(1, Ordering::SeqCst);
            next.run(context)
        })
        .start();
    (server, seen)
}

/// Sends a head alone and checks that it is refused with `http` and `status` in one section that
/// ends the stream, and that no interceptor saw it.
fn check_refused(path: &str, extra: &[(&str, &str)], http: &str, status: (&str, &str)) {
    let (server, seen) = counting();
    let mut peer = server.connect();
    let stream = peer.open(path, extra, true);
    let response = peer.response(stream);
    assert!(response.is_trailers_only(), "{path} {extra:?}: {response:?}");
    assert_eq!(response.header(":status"), Some(http), "{path} {extra:?}");
    assert_eq!(response.status(), status, "{path} {extra:?}");
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    check_alive(&mut peer);
}

fn check_alive(peer: &mut Peer) {
    let response = peer.call(UNARY, &[], "still there");
    assert_eq!(response.messages(), ["still there"]);
    assert_eq!(response.status(), ("0", ""));
}

/// Checklist 3: a path without its two slashes is UNIMPLEMENTED before any interceptor sees it.
#[test]
fn malformed_paths_are_unimplemented_before_interceptors() {
    for path in ["test.Talk/Unary", "/test.TalkUnary", "*"] {
        let (server, seen) = counting();
        let mut peer = server.connect();
        let stream = peer.open(path, &[], true);
        let response = peer.response(stream);
        // HTTP/2 itself may refuse what is no path at all.
        if response.reset.is_none() {
            assert_eq!(response.trailer("grpc-status"), Some("12"), "{path}");
            assert_eq!(response.header(":status"), Some("200"), "{path}");
        }
        assert_eq!(seen.load(Ordering::SeqCst), 0, "{path}");
        check_alive(&mut peer);
    }
}

/// Checklist 3: an unknown service or method is UNIMPLEMENTED: Trailers-Only with HTTP 200; case
/// and every other byte of the path count.
#[test]
fn unknown_methods_are_unimplemented_trailers_only() {
    check_refused("/test.Nobody/Unary", &[], "200", ("12", "unknown service test.Nobody"));
    check_refused(
        "/test.Talk/unary",
        &[],
        "200",
        ("12", "unknown method unary of service test.Talk"),
    );
    check_refused(
        "/test.Talk/Unary/",
        &[],
        "200",
        ("12", "malformed path \"/test.Talk/Unary/\": expected /service/method"),
    );
}

/// Checklist 4: a missing `te` is tolerated.
#[test]
fn a_missing_te_is_tolerated() {
    let server = TestServer::new(Talk::echo());
    let response = server.connect().call(UNARY, &[("te", "")], "hello");
    assert_eq!(response.messages(), ["hello"]);
}

/// Checklist 5: content types of gRPC are accepted in any case, with a format or parameters, and
/// the format is repeated.
#[test]
fn content_types_of_grpc_are_accepted_and_repeated() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    for (sent, repeated) in [
        ("application/grpc", "application/grpc"),
        ("application/grpc+proto", "application/grpc+proto"),
        ("APPLICATION/GRPC;a=b", "application/grpc"),
    ] {
        let response = peer.call(UNARY, &[("content-type", sent)], "hello");
        assert_eq!(response.messages(), ["hello"], "{sent}");
        assert_eq!(response.header("content-type"), Some(repeated));
    }
}

/// Checklist 5: any other content type, and none, is HTTP 415.
#[test]
fn other_content_types_are_http_415() {
    for (sent, quoted) in [
        ("application/grpcx", "application/grpcx"),
        ("application/grpc-web", "application/grpc-web"),
        ("application/json", "application/json"),
        ("", ""),
    ] {
        let message = format!("received content-type \"{quoted}\", expected application/grpc");
        check_refused(UNARY, &[("content-type", sent)], "415", ("3", &message));
    }
}

/// Checklist 6: a method other than POST is HTTP 405, and the stream ends with it.
#[test]
fn other_methods_than_post_are_http_405() {
    let message = "received method \"GET\", expected POST";
    check_refused(UNARY, &[(":method", "GET")], "405", ("13", message));
}

/// Checklist 7: a missing `:authority` is taken from `host`; beside one, `host` is discarded.
#[test]
fn host_stands_in_for_a_missing_authority() {
    let server = TestServer::new(Talk::unary(|_, context| {
        assert!(!context.metadata().contains_key("host"));
        Ok(context.authority().to_owned())
    }));
    let mut peer = server.connect();
    let response = peer.call(UNARY, &[(":authority", ""), ("host", "by-host")], "");
    assert_eq!(response.messages(), ["by-host"]);
    let response = peer.call(UNARY, &[(":authority", "by-authority")], "");
    assert_eq!(response.messages(), ["by-authority"]);
}

/// Checklist 8: a connection-specific field is malformed: the stream is reset with PROTOCOL_ERROR
/// and the connection goes on.
#[test]
fn connection_specific_fields_reset_the_stream() {
    let (server, seen) = counting();
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[("keep-alive", "timeout=5")], true);
    let response = peer.response(stream);
    assert_eq!(response.reset, Some(crate::http2::Reason::PROTOCOL_ERROR));
    assert_eq!(seen.load(Ordering::SeqCst), 0);
    check_alive(&mut peer);
}

/// Checklist 30: a timeout of no or nine digits, with a sign, a space or a foreign unit is INTERNAL
/// with HTTP 400.
#[test]
fn malformed_timeouts_are_http_400() {
    for timeout in ["S", "123456789S", "-1S", "+1S", "1 S", "1", "1s", "0x1S"] {
        let message = format!(
            "received grpc-timeout \"{timeout}\", expected 1 to 8 digits and one of H M S m u n"
        );
        check_refused(UNARY, &[("grpc-timeout", timeout)], "400", ("13", &message));
    }
}

/// Checklist 32: the largest timeout overflows nothing.
#[test]
fn the_largest_timeout_is_accepted() {
    let server = TestServer::new(Talk::unary(|_, context| {
        Ok(format!("{}", context.time_remaining().is_some_and(|left| left.as_secs() > 86_400)))
    }));
    let response = server.connect().call(UNARY, &[("grpc-timeout", "99999999H")], "");
    assert_eq!(response.messages(), ["true"]);
}

/// Checklist 36: an unknown encoding is UNIMPLEMENTED and the response says what is accepted;
/// `identity` is known.
#[test]
fn unknown_encodings_are_unimplemented_and_accepted_ones_listed() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[("grpc-encoding", "snappy")], true);
    let response = peer.response(stream);
    assert!(response.is_trailers_only());
    let (code, message) = response.status();
    let expected = "received message encoding \"snappy\", expected one of identity";
    assert_eq!((code, message.starts_with(expected)), ("12", true), "{message}");
    assert!(response.header("grpc-accept-encoding").unwrap().starts_with("identity"));
    let response = peer.call(UNARY, &[("grpc-encoding", "identity")], "hello");
    assert_eq!(response.messages(), ["hello"]);
}

/// Checklist 22: a `-bin` value that is not base64 is HTTP 400, and no panic.
#[test]
fn malformed_binary_metadata_is_http_400() {
    let message = "received metadata \"trace-bin\": expected base64";
    check_refused(UNARY, &[("trace-bin", "*")], "400", ("13", message));
}

/// Checklist 25: fields of the protocol are hidden from metadata, `user-agent` is not.
#[test]
fn protocol_fields_are_not_metadata() {
    let server = TestServer::new(Talk::unary(|_, context| {
        let keys: Vec<_> = context.metadata().iter().map(|(key, _)| key.to_owned()).collect();
        Ok(keys.join(" "))
    }));
    let extra = [("grpc-timeout", "1H"), ("user-agent", "me"), ("x-user", "alice")];
    let response = server.connect().call(UNARY, &extra, "");
    assert_eq!(response.messages(), ["user-agent x-user"]);
}

/// Attack 11: a header list over the soft limit is RESOURCE_EXHAUSTED, Trailers-Only, and the
/// connection goes on.
#[test]
fn a_header_list_over_the_limit_is_resource_exhausted() {
    let value = "x".repeat(crate::http2::Config::default().max_header_list_size as usize);
    let message = "the request's header list is over the limit";
    check_refused(UNARY, &[("x-large", &value)], "200", ("8", message));
}

/// Early Server Closure: a refused client that still sends is told to stop with NO_ERROR.
#[test]
fn a_refused_client_that_still_sends_is_told_to_stop() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    let stream = peer.open("/test.Nobody/Unary", &[], false);
    let response = peer.until(stream, |response| response.reset.is_some());
    assert_eq!(response.status().0, "12");
    assert_eq!(response.reset, Some(crate::http2::Reason::NO_ERROR));
    check_alive(&mut peer);
}
