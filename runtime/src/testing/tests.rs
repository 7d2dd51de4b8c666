//! The testing kit, used as its users do.

use std::thread;
use std::time::Duration;

use super::{Clock, FakeServer, TestCall};
use crate::client::stub::{bidirectional, server_streaming, unary, unary_pending};
use crate::client::{BidiStream, Channel, Pending, Request, Response};
use crate::grpc::{Code, Metadata, Method, MethodKind, Protobuf, Status};
use crate::message::well_known::StringValue as Text;
use crate::server::{Context, Server};
use crate::transport::InProcess;

const METHODS: &[Method] = &[
    Method::new("/test.Talk/Say", MethodKind::Unary),
    Method::new("/test.Talk/List", MethodKind::ServerStreaming),
    Method::new("/test.Talk/Chat", MethodKind::Bidirectional),
];

const HOUR: Duration = Duration::from_secs(3600);

fn text(value: &str) -> Text {
    Text { value: value.to_owned(), ..Default::default() }
}

fn say(channel: &Channel, request: Request<Text>) -> Pending<Text> {
    unary_pending::<Text, Text, _>(channel, &METHODS[0], &Protobuf, request).unwrap()
}

/// The test sees request and metadata, and the client what the test answers.
#[test]
fn a_fake_server_answers_what_the_test_says() {
    let server = FakeServer::new(METHODS);
    let pending = say(&server.channel(), Request::new(text("hi")).metadata("x-user", "alice"));
    let mut call = server.take::<Text, Text>("Say");
    assert_eq!(call.request(), text("hi"));
    assert_eq!(call.metadata().get("x-user"), Some("alice"));
    assert_eq!(call.context().method(), "/test.Talk/Say");
    let mut metadata = Metadata::new();
    metadata.insert("x-before", "1").unwrap();
    call.send_initial_metadata(&metadata).unwrap();
    call.trailing_metadata_mut().insert("x-after", "2").unwrap();
    call.reply(&text("hello"));
    let response = pending.wait().unwrap();
    assert_eq!(response.metadata().get("x-before"), Some("1"));
    assert_eq!(response.trailing_metadata().get("x-after"), Some("2"));
    assert_eq!(response.into_inner(), text("hello"));
}

/// Replies before an error arrive, and then the error.
#[test]
fn a_stream_ends_where_the_test_ends_it() {
    let server = FakeServer::new(METHODS);
    let list =
        server_streaming::<Text, Text, _>(&server.channel(), &METHODS[1], &Protobuf, text("all"));
    let mut list = list.unwrap();
    let mut call = server.take::<Text, Text>("/test.Talk/List");
    call.send(&text("one")).unwrap();
    call.send(&text("two")).unwrap();
    call.fail(Status::data_loss("the rest is gone"));
    assert_eq!(list.recv().unwrap(), Some(text("one")));
    assert_eq!(list.recv().unwrap(), Some(text("two")));
    assert_eq!(list.recv().unwrap_err().code(), Code::DataLoss);
}

/// A call that the test drops ends with UNKNOWN, one that is nobody's with UNIMPLEMENTED.
#[test]
fn a_dropped_call_ends() {
    let server = FakeServer::new(METHODS);
    let channel = server.channel();
    let pending = say(&channel, Request::new(text("hi")));
    drop(server.take::<Text, Text>("Say"));
    assert_eq!(pending.wait().unwrap_err().code(), Code::Unknown);
    let other = Method::new("/test.Other/Say", MethodKind::Unary);
    let result: Result<Response<Text>, _> =
        unary::<Text, Text, _>(&channel, &other, &Protobuf, text("hi"));
    assert_eq!(result.unwrap_err().code(), Code::Unimplemented);
}

/// Calls are taken by name; those of other methods stay.
#[test]
fn calls_are_taken_by_name() {
    let server = FakeServer::of(&[METHODS, &[Method::new("/test.B/Get", MethodKind::Unary)]]);
    let channel = server.channel();
    assert!(server.take_timeout::<Text, Text>("Say", Duration::ZERO).is_none());
    let first = say(&channel, Request::new(text("first")));
    let chat: BidiStream<Text, Text> = bidirectional(&channel, &METHODS[2], &Protobuf, ()).unwrap();
    let chatting = server.take::<Text, Text>("Chat");
    server.take::<Text, Text>("Say").reply(&text("said"));
    assert_eq!(first.wait().unwrap().into_inner(), text("said"));
    drop(chat);
    assert!(chatting.wait_cancelled());
}

/// A deadline of an hour passes on both sides when the clock is moved, and not before.
#[test]
fn deadlines_pass_with_the_clock_of_the_test() {
    let clock = Clock::start();
    let server = FakeServer::new(METHODS);
    let pending = say(&server.channel(), Request::new(text("hi")).timeout(HOUR));
    let call = server.take::<Text, Text>("Say");
    clock.advance(HOUR - Duration::from_secs(1));
    assert!(call.context().time_remaining().unwrap() <= Duration::from_secs(1));
    assert!(!call.is_cancelled());
    clock.advance(Duration::from_secs(2));
    assert_eq!(pending.wait().unwrap_err().code(), Code::DeadlineExceeded);
    assert!(call.wait_cancelled());
}

/// A channel that could not connect tries again when the clock says so.
#[test]
fn backoff_passes_with_the_clock_of_the_test() {
    let clock = Clock::start();
    let place = InProcess::new();
    let channel = Channel::in_process(&place);
    let code = || {
        let result: Result<Response<Text>, _> =
            unary::<Text, Text, _>(&channel, &METHODS[0], &Protobuf, text("hi"));
        result.unwrap_err().code()
    };
    assert_eq!(code(), Code::Unavailable);
    let _server = Server::builder().bind(&place).unwrap().start().unwrap();
    assert_eq!(code(), Code::Unavailable, "it waits before the next attempt");
    clock.advance(Duration::from_secs(2));
    assert_eq!(code(), Code::Unimplemented, "the server has been asked");
}

/// Each test has its own time, and other threads have the system's unless they are given it.
#[test]
fn clocks_are_independent() {
    let clock = Clock::start();
    let begin = clock.now();
    clock.advance(HOUR);
    let now = crate::transport::now;
    assert_eq!(now() - begin, HOUR);
    thread::scope(|scope| {
        scope.spawn(|| assert!(now() - begin < HOUR));
        let other = clock.run(move || now() - begin);
        assert_eq!(scope.spawn(other).join().unwrap(), HOUR);
    });
    drop(clock);
    assert!(now() - begin < HOUR);
}

/// A method is called by the test itself, and what the client gets is seen behind it.
#[test]
fn a_method_is_called_without_a_client() {
    fn shout(context: &mut Context) -> Result<(), Status> {
        let user = context.metadata().get("x-user").unwrap_or_default().to_owned();
        let mut metadata = Metadata::new();
        metadata.insert("x-head", "1").unwrap();
        context.send_initial_metadata(&metadata)?;
        context.trailing_metadata_mut().insert("x-user", &user).unwrap();
        Ok(())
    }
    let request = Request::new(()).metadata("x-user", "alice").timeout(HOUR);
    let mut call = TestCall::<Text, Text>::with(request);
    call.send(&text("a"));
    call.send(&text("b"));
    call.close_send();
    assert!(call.context().time_remaining().unwrap() > Duration::from_secs(3000));
    let (requests, replies, context) = call.parts();
    let result = shout(context);
    for request in requests {
        replies.send(text(&request.unwrap().value.to_uppercase())).unwrap();
    }
    assert_eq!(call.recv().unwrap(), Some(text("A")));
    let outcome = call.finish(result);
    assert_eq!(outcome.replies, [text("B")]);
    assert!(outcome.status.is_ok());
    assert_eq!(outcome.metadata.get("x-head"), Some("1"));
    assert_eq!(outcome.trailing_metadata.get("x-user"), Some("alice"));
}

/// A method that waits for its cancellation sees it; its error is what the client gets otherwise.
#[test]
fn a_called_method_sees_cancellation_and_errors_arrive() {
    let mut call = TestCall::<Text, Text>::new();
    assert!(!call.context().is_cancelled());
    call.cancel();
    assert!(call.context().wait_cancelled(HOUR));

    let outcome = TestCall::<Text, Text>::new().finish(Err(Status::not_found("no such thing")));
    assert_eq!(outcome.status.unwrap_err().code(), Code::NotFound);
    assert!(outcome.replies.is_empty());
}
