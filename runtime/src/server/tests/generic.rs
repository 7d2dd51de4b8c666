//! Generic handlers and services put together at run time.

use super::support::{Setup, Talk, Text};
use crate::grpc::{MethodKind, RawBytes, Status};
use crate::server::{
    Context, GenericService, Lane, MethodHandler, Next, ReplySink, RequestStream, Service,
};
use std::sync::{Arc, Mutex};
use std::thread;

fn echo() -> MethodHandler {
    MethodHandler::unary_unary(&RawBytes, |request: Vec<u8>, _: &mut Context| Ok(request))
}

fn repeat() -> MethodHandler {
    let method = |request: String, replies: &mut ReplySink<String>, _: &mut Context| {
        replies.send(&request)?;
        replies.send(&request)
    };
    MethodHandler::unary_stream(&Text, method)
}

fn join() -> MethodHandler {
    let method = |requests: &mut RequestStream<String>, _: &mut Context| {
        requests.collect::<Result<String, Status>>()
    };
    MethodHandler::stream_unary(&Text, method)
}

fn chat() -> MethodHandler {
    let method =
        |requests: &mut RequestStream<String>, replies: &mut ReplySink<String>, _: &mut Context| {
            requests.try_for_each(|request| replies.send(request?))
        };
    MethodHandler::stream_stream(&Text, method)
}

/// A generic handler answers methods that no service declares, of all four kinds.
#[test]
fn a_generic_handler_answers_calls_of_all_four_kinds() {
    let server = Setup::new(Talk::echo())
        .generic_handler(|context: &Context| match context.method() {
            "/any.Service/Echo" => Some(echo()),
            "/any.Service/Repeat" => Some(repeat()),
            "/any.Service/Join" => Some(join()),
            "/any.Service/Chat" => Some(chat()),
            _ => None,
        })
        .start();
    let mut peer = server.connect();
    let check = |response: &super::support::Response, messages: &[&str]| {
        assert_eq!(response.messages(), messages);
        assert_eq!(response.status(), ("0", ""));
    };
    check(&peer.call("/any.Service/Echo", &[], "hello"), &["hello"]);
    check(&peer.call("/any.Service/Repeat", &[], "hello"), &["hello", "hello"]);
    for (path, expected) in
        [("/any.Service/Join", &["ab"] as &[&str]), ("/any.Service/Chat", &["a", "b"])]
    {
        let stream = peer.open(path, &[], false);
        peer.send(stream, "a", false);
        peer.send(stream, "b", true);
        check(&peer.response(stream), expected);
    }
}

/// The services come first, then the generic handlers in order; if none knows the method the call
/// is UNIMPLEMENTED in the words that it would have had without them.
#[test]
fn the_first_handler_found_answers() {
    let says = |word: &'static str| {
        MethodHandler::unary_unary(&Text, move |_: String, _: &mut Context| Ok(word.to_owned()))
    };
    let server = Setup::new(Talk::echo())
        .generic_handler(move |context: &Context| {
            (context.method() != "/any.Service/Second")
                .then(|| says("first"))
                .filter(|_| context.metadata().get("x-none").is_none())
        })
        .generic_handler(move |context: &Context| {
            context.metadata().get("x-none").is_none().then(|| says("second"))
        })
        .start();
    let mut peer = server.connect();
    assert_eq!(peer.call("/test.Talk/Unary", &[], "own").messages(), ["own"]);
    assert_eq!(peer.call("/test.Talk/More", &[], "").messages(), ["first"]);
    assert_eq!(peer.call("/any.Service/First", &[], "").messages(), ["first"]);
    assert_eq!(peer.call("/any.Service/Second", &[], "").messages(), ["second"]);
    let none = [("x-none", "1")];
    let check = |path: &str, words: &str, peer: &mut super::support::Peer| {
        let response = peer.call(path, &none, "");
        assert_eq!(response.status(), ("12", words));
        assert!(response.is_trailers_only());
    };
    check("/any.Service/First", "unknown service any.Service", &mut peer);
    check("/test.Talk/More", "unknown method More of service test.Talk", &mut peer);
}

/// Checklist 3: a malformed path is refused before interceptors and generic handlers see it; an
/// unknown one passes the interceptors if a generic handler may know it.
#[test]
fn interceptors_and_generic_handlers_never_see_a_malformed_path() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (outer, inner) = (seen.clone(), seen.clone());
    let server = Setup::new(Talk::echo())
        .interceptor(move |context: &mut Context, next: Next<'_>| {
            assert_eq!(context.kind(), None);
            let before = context.method().to_owned();
            let result = next.run(context);
            assert_eq!(context.kind(), Some(MethodKind::Unary));
            outer.lock().unwrap().push(before);
            result
        })
        .generic_handler(move |context: &Context| {
            inner.lock().unwrap().push(context.method().to_owned());
            Some(echo())
        })
        .start();
    let mut peer = server.connect();
    for path in ["/a", "/a/", "//b", "/a/b/c", "/a/b c", "/a/\u{e4}", "/a/b\u{7f}"] {
        let response = peer.call(path, &[], "");
        assert_eq!(response.trailer("grpc-status"), Some("12"), "{path:?}");
    }
    assert!(seen.lock().unwrap().is_empty());
    assert_eq!(peer.call("/a/b", &[], "hello").messages(), ["hello"]);
    assert_eq!(*seen.lock().unwrap(), ["/a/b", "/a/b"]);
}

/// A generic handler that panics ends its call with INTERNAL, and nothing else.
#[test]
fn a_panic_of_a_generic_handler_is_internal() {
    let server = Setup::new(Talk::echo())
        .generic_handler(|_: &Context| -> Option<MethodHandler> {
            panic!("a handler's panic, expected by this test")
        })
        .start();
    let mut peer = server.connect();
    assert_eq!(peer.call("/a/b", &[], "").status(), ("13", "the method panicked"));
    assert_eq!(peer.call("/test.Talk/Unary", &[], "on").messages(), ["on"]);
}

/// A service put together at run time is routed as any other; names that make no path are refused.
#[test]
fn a_generic_service_has_the_methods_that_it_was_given() {
    let service = GenericService::new("any.Service");
    let service = service.method("Echo", echo()).unwrap().method("Chat", chat()).unwrap();
    let methods: Vec<_> =
        service.methods().iter().map(|method| (method.path(), method.kind())).collect();
    let expected = [
        ("/any.Service/Echo", MethodKind::Unary),
        ("/any.Service/Chat", MethodKind::Bidirectional),
    ];
    assert_eq!(methods, expected);
    assert!(service.clone().method("a/b", echo()).is_err());
    assert!(GenericService::new("a b").method("Echo", echo()).is_err());
    assert!(format!("{service:?}").contains("any.Service"));
}

/// A method that only a generic handler knows runs in the lane that names its service, or in that of
/// all others.
#[test]
fn a_lane_takes_in_what_generic_handlers_answer() {
    let thread = MethodHandler::unary_unary(&RawBytes, |_: Vec<u8>, _: &mut Context| {
        Ok(thread::current().name().unwrap_or_default().as_bytes().to_vec())
    });
    let server = Setup::new(Talk::echo())
        .generic_handler(move |_: &Context| Some(thread.clone()))
        .lane(Lane::new("apart").serves("any.Service"))
        .start();
    let mut peer = server.connect();
    assert_eq!(peer.call("/any.Service/Get", &[], "").messages(), ["apart"]);
    assert_eq!(peer.call("/other.Service/Get", &[], "").messages(), ["test-worker"]);
}
