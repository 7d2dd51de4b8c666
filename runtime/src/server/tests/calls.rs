//! How calls are answered: the four kinds, metadata, errors, panics, interceptors.

use std::sync::mpsc;

use super::support::{Setup, Talk, TestServer};
use crate::grpc::{Code, Metadata, Received, Status};
use crate::http2::Reason;
use crate::server::{Context, Next};
use std::time::Duration;

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";
const RECORD: &str = "/test.Talk/Record";
const CHAT: &str = "/test.Talk/Chat";

fn metadata(entries: &[(&str, &str)]) -> Metadata {
    let mut metadata = Metadata::new();
    for (key, value) in entries {
        metadata.append(key, value).unwrap();
    }
    metadata
}

/// Checklist 63: a unary reply is head, message and trailers in one write.
#[test]
fn a_unary_reply_is_one_write() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    peer.call(UNARY, &[], "settings and their acknowledgement are through now");
    let before = peer.writes();
    let response = peer.call(UNARY, &[], "hello");
    assert_eq!(peer.writes() - before, 1);
    assert_eq!(response.header(":status"), Some("200"));
    assert_eq!(response.header("content-type"), Some("application/grpc"));
    assert_eq!(response.header("grpc-status"), None);
    assert_eq!(response.messages(), ["hello"]);
    assert_eq!(response.status(), ("0", ""));
    assert!(response.trailers.is_some());
}

/// Checklist 12 and 63: an error before any head is Trailers-Only.
#[test]
fn an_error_before_the_head_is_trailers_only() {
    let server = TestServer::new(Talk::unary(|_, context| {
        context.trailing_metadata_mut().insert("x-trailing", "1")?;
        Err(Status::not_found("没有 100%").with_metadata(metadata(&[("x-own", "2")])))
    }));
    let mut peer = server.connect();
    let response = peer.call(UNARY, &[], "");
    assert!(response.is_trailers_only());
    assert_eq!(response.header(":status"), Some("200"));
    // Checklist 16: percent-encoded UTF-8, upper case.
    assert_eq!(response.status(), ("5", "%E6%B2%A1%E6%9C%89 100%25"));
    assert_eq!(response.trailer("x-trailing"), Some("1"));
    assert_eq!(response.trailer("x-own"), Some("2"));
}

/// An error behind a reply goes out as trailers, with all replies before it.
#[test]
fn an_error_behind_replies_is_in_the_trailers() {
    let server = TestServer::new(Talk::list(|request, replies, _| {
        replies.send(&request)?;
        Err(Status::aborted("enough"))
    }));
    let response = server.connect().call(LIST, &[], "hello");
    assert_eq!(response.messages(), ["hello"]);
    assert_eq!(response.status(), ("10", "enough"));
}

/// An error whose code is OK contradicts itself and is INTERNAL.
#[test]
fn an_error_of_code_ok_is_internal() {
    let server = TestServer::new(Talk::unary(|_, _| Err(Status::new(Code::Ok, "fine"))));
    let response = server.connect().call(UNARY, &[], "");
    let message = "the method returned an error whose code is OK";
    assert_eq!(response.status(), ("13", message));
}

/// Server streaming: one request, any number of replies, none too.
#[test]
fn a_listing_sends_any_number_of_replies() {
    let server = TestServer::new(Talk::list(|request, replies, _| {
        let count: usize = request.parse().map_err(|_| Status::invalid_argument("a number"))?;
        (0..count).try_for_each(|number| replies.send(number.to_string()))
    }));
    let mut peer = server.connect();
    for count in [0, 1, 3] {
        let response = peer.call(LIST, &[], &count.to_string());
        assert_eq!(response.messages().len(), count);
        assert_eq!(response.header("content-type"), Some("application/grpc"));
        assert!(response.trailers.is_some(), "a success is no Trailers-Only");
        assert_eq!(response.status(), ("0", ""));
    }
}

/// Bidirectional streaming: replies go out while requests still come in.
#[test]
fn a_chat_answers_before_the_requests_end() {
    let server = TestServer::new(Talk::chat(|requests, replies, _| {
        for request in requests {
            replies.send(request?.to_uppercase())?;
        }
        replies.send("bye".to_owned())
    }));
    let mut peer = server.connect();
    let stream = peer.open(CHAT, &[], false);
    peer.send(stream, "a", false);
    peer.until(stream, |response| response.messages() == ["A"]);
    peer.send(stream, "b", false);
    peer.until(stream, |response| response.messages() == ["A", "B"]);
    peer.send_bytes(stream, &[], true);
    let response = peer.response(stream);
    assert_eq!(response.messages(), ["A", "B", "bye"]);
    assert_eq!(response.status(), ("0", ""));
}

/// Checklist 18 and 61: a method that ends early sends its trailers, then RST_STREAM(NO_ERROR) to
/// a client that has not half-closed.
#[test]
fn ending_early_sends_trailers_and_then_no_error() {
    let server = TestServer::new(Talk::record(|requests, _| {
        requests.recv()?;
        Ok("enough".to_owned())
    }));
    let mut peer = server.connect();
    let stream = peer.open(RECORD, &[], false);
    peer.send(stream, "a", false);
    let response = peer.until(stream, |response| response.reset.is_some());
    assert_eq!(response.messages(), ["enough"]);
    assert_eq!(response.status(), ("0", ""));
    assert_eq!(response.reset, Some(Reason::NO_ERROR));
}

/// Waiting for a limited time tells a message, the end and nothing apart.
#[test]
fn a_limited_wait_for_a_request_tells_what_it_found() {
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let server = TestServer::new(Talk::chat(move |requests, replies, _| {
        assert_eq!(requests.try_recv()?, Received::NotYet);
        assert_eq!(requests.recv_timeout(Duration::ZERO)?, Received::NotYet);
        replies.send("ready".to_owned())?;
        let hour = Duration::from_secs(3600);
        assert_eq!(requests.recv_timeout(hour)?, Received::Message("a".to_owned()));
        gate.lock().unwrap().recv().unwrap();
        assert_eq!(requests.recv_timeout(hour)?, Received::End);
        assert_eq!(requests.try_recv()?, Received::End);
        assert_eq!(requests.recv()?, None);
        Ok(())
    }));
    let mut peer = server.connect();
    let stream = peer.open(CHAT, &[], false);
    peer.until(stream, |response| !response.messages().is_empty());
    peer.send(stream, "a", false);
    peer.send_bytes(stream, &[], true);
    go_on.send(()).unwrap();
    assert_eq!(peer.response(stream).status(), ("0", ""));
}

/// Checklist 27: the head can be sent alone, before any reply, and once.
#[test]
fn initial_metadata_goes_out_when_it_is_sent() {
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let server = TestServer::new(Talk::unary(move |_, context| {
        context.send_initial_metadata(&metadata(&[("x-early", "1"), ("x-early", "2")]))?;
        gate.lock().unwrap().recv().unwrap();
        let again = context.send_initial_metadata(&Metadata::new()).unwrap_err();
        Ok(again.to_string())
    }));
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "", true);
    let response = peer.until(stream, |response| response.head.is_some());
    assert!(!response.ended);
    let values: Vec<_> = response.head.as_ref().unwrap().iter().collect();
    assert_eq!(values.iter().filter(|field| field.name == b"x-early").count(), 2);
    go_on.send(()).unwrap();
    let response = peer.response(stream);
    assert_eq!(response.messages(), ["FAILED_PRECONDITION: the initial metadata is already sent"]);
    assert_eq!(response.status(), ("0", ""));
}

/// An error behind a head that went ahead is in the trailers.
#[test]
fn an_error_behind_an_early_head_is_in_the_trailers() {
    let server = TestServer::new(Talk::unary(|_, context| {
        context.send_initial_metadata(&Metadata::new())?;
        Err(Status::aborted("why"))
    }));
    let response = server.connect().call(UNARY, &[], "");
    assert_eq!(response.header("grpc-status"), None);
    assert!(response.trailers.is_some());
    assert_eq!(response.status(), ("10", "why"));
}

/// Trailing metadata goes out with OK; setting it replaces what was there.
#[test]
fn trailing_metadata_goes_out_with_ok() {
    let server = TestServer::new(Talk::list(|_, replies, context| {
        context.trailing_metadata_mut().insert("x-old", "1")?;
        context.set_trailing_metadata(metadata(&[("x-new", "2")]));
        replies.send("reply".to_owned())
    }));
    let response = server.connect().call(LIST, &[], "");
    assert_eq!(response.trailer("x-old"), None);
    assert_eq!(response.trailer("x-new"), Some("2"));
    assert_eq!(response.header("x-new"), None);
}

/// The context tells the method, the peer, the metadata, and that there is no deadline.
#[test]
fn the_context_tells_about_the_call() {
    let server = TestServer::new(Talk::unary(|_, context| {
        assert_eq!((context.deadline(), context.time_remaining()), (None, None));
        assert!(context.is_active() && !context.is_cancelled());
        let user = context.metadata().get("x-user").unwrap_or_default();
        Ok(format!("{} {} {user}", context.method(), context.peer()))
    }));
    let response = server.connect().call(UNARY, &[("x-user", "alice")], "");
    assert_eq!(response.messages(), ["/test.Talk/Unary in-process: alice"]);
}

/// Checklist 64: a panic is INTERNAL, its words stay in the process, the connection goes on.
#[test]
fn a_panic_is_internal_and_the_connection_goes_on() {
    let server = TestServer::new(Talk::unary(|request, _| match request.as_str() {
        "panic" => panic!("a secret, expected by this test"),
        _ => Ok(request),
    }));
    let mut peer = server.connect();
    for _ in 0..20 {
        let response = peer.call(UNARY, &[], "panic");
        assert!(response.is_trailers_only());
        assert_eq!(response.status(), ("13", "the method panicked"));
    }
    assert_eq!(peer.call(UNARY, &[], "calm").messages(), ["calm"]);
}

/// A panic behind replies ends the stream with INTERNAL in the trailers.
#[test]
fn a_panic_behind_replies_is_in_the_trailers() {
    let server = TestServer::new(Talk::list(|_, replies, _| {
        replies.send("first".to_owned())?;
        panic!("expected by this test");
    }));
    let response = server.connect().call(LIST, &[], "");
    assert_eq!(response.messages(), ["first"]);
    assert_eq!(response.status(), ("13", "the method panicked"));
}

/// A method that nobody has written is UNIMPLEMENTED.
#[test]
fn a_method_without_code_is_unimplemented() {
    let server = TestServer::new(Talk::echo());
    let response = server.connect().call(LIST, &[], "");
    assert_eq!(response.status(), ("12", "/test.Talk/List is not implemented"));
}

/// Interceptors run in the order in which they were added, around the method, and see its outcome.
#[test]
fn the_first_interceptor_is_the_outermost() {
    let (log, lines) = mpsc::channel();
    let logging = |name: &'static str| {
        let log = log.clone();
        move |context: &mut Context, next: Next<'_>| {
            log.send(format!("{name} in {}", context.method())).unwrap();
            let outcome = next.run(context);
            log.send(format!("{name} out {outcome:?}")).unwrap();
            outcome
        }
    };
    let server = Setup::new(Talk::unary(|_, _| Err(Status::aborted("x"))))
        .interceptor(logging("outer"))
        .interceptor(logging("inner"))
        .start();
    server.connect().call(UNARY, &[], "");
    let error = "Err(ABORTED: x)";
    let expected = [
        "outer in /test.Talk/Unary".to_owned(),
        "inner in /test.Talk/Unary".to_owned(),
        format!("inner out {error}"),
        format!("outer out {error}"),
    ];
    assert_eq!(lines.iter().take(4).collect::<Vec<_>>(), expected);
}

/// An interceptor refuses a call before its method runs, and replaces an outcome behind it.
#[test]
fn interceptors_refuse_calls_and_replace_outcomes() {
    let server = Setup::new(Talk::echo())
        .interceptor(|context: &mut Context, next: Next<'_>| match context.metadata().get("x-do") {
            Some("refuse") => Err(Status::unauthenticated("who are you")),
            Some("swallow") => Ok(()),
            Some("panic") => panic!("expected by this test"),
            Some("replace") => {
                next.run(context)?;
                context.trailing_metadata_mut().insert("x-seen", "yes")?;
                Err(Status::data_loss("on second thoughts"))
            }
            _ => next.run(context),
        })
        .start();
    let mut peer = server.connect();
    for (what, status) in [
        ("refuse", ("16", "who are you")),
        ("swallow", ("13", "an interceptor answered OK without a reply")),
        ("panic", ("13", "the method panicked")),
        ("replace", ("15", "on second thoughts")),
    ] {
        let response = peer.call(UNARY, &[("x-do", what)], "hello");
        assert!(response.is_trailers_only(), "{what}: {response:?}");
        assert_eq!(response.status(), status, "{what}");
        assert_eq!(response.trailer("x-seen"), (what == "replace").then_some("yes"));
    }
    assert_eq!(peer.call(UNARY, &[], "hello").messages(), ["hello"]);
}
