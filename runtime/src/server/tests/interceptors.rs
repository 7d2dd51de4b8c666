//! Interceptors that see everything: messages of all four kinds, statuses, panics, and values for
//! the handler.

use std::sync::{Arc, Mutex, mpsc};

use super::support::{Response, Setup, Talk, Text};
use crate::grpc::{
    Code, MessageInterceptor, Metadata, MethodKind, NextReceive, NextSend, Received, Status,
};
use crate::server::{Context, MethodHandler, Next};

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";
const RECORD: &str = "/test.Talk/Record";
const CHAT: &str = "/test.Talk/Chat";

/// A talk whose methods pass messages on: all of them, of whatever kind.
fn passing_on(kind: MethodKind) -> Talk {
    match kind {
        MethodKind::Unary => Talk::echo(),
        MethodKind::ServerStreaming => Talk::list(|request, replies, _| replies.send(request)),
        MethodKind::ClientStreaming => {
            Talk::record(|requests, _| requests.collect::<Result<String, Status>>())
        }
        MethodKind::Bidirectional => Talk::chat(|requests, replies, _| {
            requests.try_for_each(|request| replies.send(request?))
        }),
    }
}

const KINDS: [(MethodKind, &str); 4] = [
    (MethodKind::Unary, UNARY),
    (MethodKind::ServerStreaming, LIST),
    (MethodKind::ClientStreaming, RECORD),
    (MethodKind::Bidirectional, CHAT),
];

/// Writes down everything that it sees.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

fn text(message: &[u8]) -> &str {
    str::from_utf8(message).unwrap()
}

impl MessageInterceptor for Log {
    fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
        let received = next.receive();
        match &received {
            Ok(Received::Message(message)) => self.add(format!("request {}", text(message))),
            Ok(Received::End) => self.add("end of requests"),
            Ok(Received::NotYet) => self.add("nothing yet"),
            Err(status) => self.add(format!("no request: {status}")),
        }
        received
    }

    fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
        self.add(format!("reply {}", text(&message)));
        next.send(message)
    }

    fn initial_metadata(&self, metadata: &mut Metadata) {
        self.add(format!("head {}", metadata.get("x-own").unwrap_or("empty")));
        metadata.insert("x-head", "seen").unwrap();
    }

    fn end(&self, outcome: Result<(), &Status>, trailing: &mut Metadata) {
        self.add(format!("end {outcome:?}"));
        trailing.insert("x-end", "seen").unwrap();
    }
}

/// Interceptors see requests and replies of all four kinds, the head and the end, and can add to
/// the metadata of both.
#[test]
fn an_interceptor_sees_the_messages_of_all_four_kinds() {
    for (kind, path) in KINDS {
        let log = Log::default();
        let logging = log.clone();
        let server = Setup::new(passing_on(kind))
            .interceptor(move |context: &mut Context, next: Next<'_>| {
                assert_eq!(context.kind(), Some(kind));
                context.intercept_messages(logging.clone());
                next.run(context)
            })
            .start();
        let response = server.connect().call(path, &[], "hello");
        assert_eq!(response.messages(), ["hello"], "{kind:?}");
        assert_eq!(response.status(), ("0", ""));
        assert_eq!(response.header("x-head"), Some("seen"), "{kind:?}");
        assert_eq!(response.trailer("x-end"), Some("seen"), "{kind:?}");
        let mut lines = log.lines();
        // When the end of the requests is seen depends on the kind.
        lines.retain(|line| line != "end of requests");
        // The one reply of a call is sent together with the head, streamed ones when they are made.
        assert_eq!(lines, ["request hello", "reply hello", "head empty", "end Ok(())"], "{kind:?}");
    }
}

/// Changes, drops, adds and refuses messages, as the messages themselves ask it to.
struct Edit;

impl MessageInterceptor for Edit {
    fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
        loop {
            match next.receive()? {
                Received::Message(message) if message == b"drop" => {}
                Received::Message(message) if message == b"refuse" => {
                    return Err(Status::invalid_argument("not this one"));
                }
                Received::Message(message) => {
                    return Ok(Received::Message(message.to_ascii_uppercase()));
                }
                other => return Ok(other),
            }
        }
    }

    fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
        if message == b"TWICE" {
            next.send(message.clone())?;
        }
        match &message[..] {
            b"SECRET" => Ok(()),
            b"FORBIDDEN" => Err(Status::permission_denied("not that one")),
            _ => next.send(message),
        }
    }
}

fn edited(kind: MethodKind, path: &str, requests: &[&str]) -> Response {
    let server = Setup::new(passing_on(kind))
        .interceptor(|context: &mut Context, next: Next<'_>| {
            context.intercept_messages(Edit);
            next.run(context)
        })
        .start();
    let mut peer = server.connect();
    let stream = peer.open(path, &[], false);
    for (index, request) in requests.iter().enumerate() {
        peer.send(stream, request, index + 1 == requests.len());
    }
    peer.response(stream)
}

/// Interceptors change, drop, add and refuse messages on their way, in both directions.
#[test]
fn an_interceptor_changes_drops_adds_and_refuses_messages() {
    let chat = |requests: &[&str]| edited(MethodKind::Bidirectional, CHAT, requests);
    let response = chat(&["a", "drop", "secret", "twice", "b"]);
    assert_eq!(response.messages(), ["A", "TWICE", "TWICE", "B"]);
    assert_eq!(response.status(), ("0", ""));
    let response = chat(&["a", "refuse", "b"]);
    assert_eq!(response.messages(), ["A"]);
    assert_eq!(response.status(), ("3", "not this one"));
    let response = chat(&["a", "forbidden", "b"]);
    assert_eq!(response.messages(), ["A"]);
    assert_eq!(response.status(), ("7", "not that one"));

    let unary = |request| edited(MethodKind::Unary, UNARY, &[request]);
    assert_eq!(unary("a").messages(), ["A"]);
    assert_eq!(unary("twice").messages(), ["TWICE"]);
    assert_eq!(unary("refuse").status(), ("3", "not this one"));
    assert_eq!(unary("drop").status(), ("13", "received no request message, expected one"));
    let swallowed = "an interceptor answered OK without a reply";
    assert_eq!(unary("secret").status(), ("13", swallowed));
}

/// A reply that an interceptor makes too large is over the send limit as any other.
#[test]
fn what_an_interceptor_sends_is_within_the_send_limit() {
    struct Grow;
    impl MessageInterceptor for Grow {
        fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
            next.send(message.repeat(100))
        }
    }
    let server = Setup::new(Talk::echo())
        .interceptor(|context: &mut Context, next: Next<'_>| {
            context.intercept_messages(Grow);
            next.run(context)
        })
        .send_limit(100)
        .start();
    let mut peer = server.connect();
    assert_eq!(peer.call(UNARY, &[], "x").messages(), ["x".repeat(100)]);
    let words = "message of 200 bytes, over the send limit of 100";
    assert_eq!(peer.call(UNARY, &[], "xx").status(), ("8", words));
}

/// The end of detached replies is seen when it comes, which is after the method's return.
#[test]
fn an_interceptor_sees_the_end_of_detached_replies() {
    let log = Log::default();
    let logging = log.clone();
    let (returned, wait) = mpsc::channel::<()>();
    let wait = Mutex::new(Some(wait));
    let server = Setup::new(Talk::list(move |request, replies, _| {
        let mut replies = replies.detach();
        let wait = wait.lock().unwrap().take().unwrap();
        std::thread::spawn(move || {
            let _ = wait.recv();
            replies.send(&request).unwrap();
            replies.finish(Err(Status::aborted("late")));
        });
        Ok(())
    }))
    .interceptor(move |context: &mut Context, next: Next<'_>| {
        context.intercept_messages(logging.clone());
        let result = next.run(context);
        logging.add("returned");
        let _ = returned.send(());
        result
    })
    .start();
    let response = server.connect().call(LIST, &[], "hello");
    assert_eq!(response.status(), ("10", "late"));
    assert_eq!(response.trailer("x-end"), Some("seen"));
    let lines = log.lines();
    let at = |line: &str| lines.iter().position(|known| known == line).unwrap();
    assert!(at("returned") < at("end Err(ABORTED: late)"), "{lines:?}");
}

/// Code of an interceptor that panics at the head or the end spoils neither.
#[test]
fn a_panic_of_an_interceptor_of_messages_leaves_the_response_whole() {
    struct Panics(&'static str);
    impl MessageInterceptor for Panics {
        fn initial_metadata(&self, _: &mut Metadata) {
            assert_ne!(self.0, "head", "expected by this test");
        }
        fn end(&self, _: Result<(), &Status>, _: &mut Metadata) {
            assert_ne!(self.0, "end", "expected by this test");
        }
        fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
            assert_ne!(self.0, "send", "expected by this test");
            next.send(message)
        }
    }
    for (what, code) in [("head", "0"), ("end", "0"), ("send", "13")] {
        let server = Setup::new(Talk::echo())
            .interceptor(move |context: &mut Context, next: Next<'_>| {
                context.intercept_messages(Panics(what));
                next.run(context)
            })
            .start();
        let response = server.connect().call(UNARY, &[], "x");
        assert_eq!(response.trailer("grpc-status"), Some(code), "{what}");
    }
}

/// An interceptor sees the status of a panic, and the words that the client is not told, be it of
/// the method or of an interceptor behind.
#[test]
fn an_interceptor_sees_what_a_panic_said() {
    let log = Log::default();
    let logging = log.clone();
    let server = Setup::new(Talk::unary(|_, _| panic!("the method: {}", 7)))
        .interceptor(move |context: &mut Context, next: Next<'_>| {
            let result = next.run(context);
            logging.add(format!("{:?}: {:?}", context.panic_message(), result));
            result
        })
        .interceptor(|context: &mut Context, next: Next<'_>| {
            assert!(context.metadata().get("x-panic").is_none(), "the interceptor");
            next.run(context)
        })
        .start();
    let mut peer = server.connect();
    for extra in [&[] as &[(&str, &str)], &[("x-panic", "1")]] {
        assert_eq!(peer.call(UNARY, extra, "").status(), ("13", "the method panicked"));
    }
    let internal = "Err(INTERNAL: the method panicked)";
    assert_eq!(
        log.lines(),
        [
            format!("Some(\"the method: 7\"): {internal}"),
            format!("Some(\"the interceptor\"): {internal}")
        ]
    );
}

/// An interceptor may answer a call by itself, for every kind; what is behind it does not run.
#[test]
fn an_interceptor_may_answer_by_itself() {
    let server = Setup::new(Talk::unary(|_, _| panic!("the method must not run")))
        .interceptor(|context: &mut Context, next: Next<'_>| {
            let handler = match context.kind() {
                Some(MethodKind::Unary) => {
                    MethodHandler::unary_unary(&Text, |request: String, _: &mut Context| {
                        Ok(format!("cached {request}"))
                    })
                }
                _ => MethodHandler::unary_stream(
                    &Text,
                    |_: String, replies: &mut crate::server::ReplySink<String>, _: &mut Context| {
                        replies.send("cached".to_owned())
                    },
                ),
            };
            next.answer(context, &handler)
        })
        .interceptor(|_: &mut Context, _: Next<'_>| panic!("nor what is behind"))
        .start();
    let mut peer = server.connect();
    assert_eq!(peer.call(UNARY, &[], "x").messages(), ["cached x"]);
    assert_eq!(peer.call(LIST, &[], "").messages(), ["cached"]);
}

/// Values go from interceptors to the handler by their type, and metadata may be changed on the way.
#[test]
fn an_interceptor_leaves_typed_values_and_metadata_for_the_handler() {
    struct User(String);
    let server = Setup::new(Talk::unary(|_, context| {
        assert!(context.metadata().get("authorization").is_none());
        let user = context.extensions().get::<User>().expect("the interceptor has left it");
        Ok(format!("{} {}", user.0, context.metadata().get("x-role").unwrap_or_default()))
    }))
    .interceptor(|context: &mut Context, next: Next<'_>| {
        let name = context.metadata().get("authorization").unwrap_or_default().to_owned();
        context.metadata_mut().remove("authorization");
        context.metadata_mut().insert("x-role", "admin")?;
        context.extensions_mut().insert(User(name));
        next.run(context)
    })
    .start();
    let response = server.connect().call(UNARY, &[("authorization", "ada")], "");
    assert_eq!(response.messages(), ["ada admin"]);
}

/// The status that a method has chosen beside its reply is what interceptors see.
#[test]
fn an_interceptor_sees_a_chosen_status() {
    let log = Log::default();
    let logging = log.clone();
    let server = Setup::new(Talk::unary(|request, context| {
        context.set_code(Code::Aborted);
        Ok(request)
    }))
    .interceptor(move |context: &mut Context, next: Next<'_>| {
        let result = next.run(context);
        logging.add(format!("{result:?}"));
        result
    })
    .start();
    let response = server.connect().call(UNARY, &[], "kept");
    assert_eq!(response.messages(), ["kept"]);
    assert_eq!(response.status(), ("10", ""));
    assert_eq!(log.lines(), ["Err(ABORTED)"]);
}

/// Holds the initial metadata back until it is let go.
struct Gate {
    reached: mpsc::Sender<()>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl MessageInterceptor for Gate {
    fn initial_metadata(&self, _: &mut Metadata) {
        self.reached.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
    }
}

/// A method that fails while a detached sink is about to send the first reply: the client gets one
/// response, and the sink is told that it was too late.
#[test]
fn an_error_overtakes_the_first_reply_of_a_detached_sink() {
    let (reached, reaches) = mpsc::channel();
    let (open, go_on) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let gate = Mutex::new(Some(Gate { reached, go_on: Mutex::new(go_on) }));
    let reaches = Mutex::new(reaches);
    let server = Setup::new(Talk::list(move |_, replies, _| {
        let (mut replies, tell) = (replies.detach(), tell.clone());
        std::thread::spawn(move || tell.send(replies.send("late".to_owned())));
        reaches.lock().unwrap().recv().unwrap();
        Err(Status::aborted("first"))
    }))
    .interceptor(move |context: &mut Context, next: Next<'_>| {
        context.intercept_messages(gate.lock().unwrap().take().unwrap());
        next.run(context)
    })
    .start();
    let response = server.connect().call(LIST, &[], "");
    open.send(()).unwrap();
    assert!(response.is_trailers_only());
    assert_eq!((response.messages(), response.status()), (vec![], ("10", "first")));
    assert!(told.recv().unwrap().is_err());
}
