//! Client and server in one process without sockets: what holds over a socket holds here.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rust_grpc::generated::service::{self, ServerCall};
use rust_grpc::message::Writer;
use rust_grpc::{
    Address, Channel, Code, Codec, Context, InProcess, Method, MethodKind, Request, Server,
    Service, Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Messages that are bytes.
struct Bytes;

impl Codec<Vec<u8>> for Bytes {
    fn encode(&self, value: &Vec<u8>, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value);
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<Vec<u8>, Status> {
        Ok(bytes.to_vec())
    }
}

const METHODS: &[Method] = &[
    Method::new("/test.Place/Peer", MethodKind::Unary),
    Method::new("/test.Place/Chat", MethodKind::Bidirectional),
    Method::new("/test.Place/Hang", MethodKind::Unary),
];

/// Tells how its method `Hang` ended.
struct Place {
    ended: Mutex<Sender<bool>>,
}

impl Service for Place {
    fn name(&self) -> &str {
        "test.Place"
    }

    fn methods(&self) -> &[Method] {
        METHODS
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        match method {
            0 => call.unary(&Bytes, |_: Vec<u8>, context| {
                assert_eq!(*context.peer(), Address::InProcess);
                let user = context.metadata().get("x-user").unwrap_or_default();
                Ok(format!("{} {user}", context.peer()).into_bytes())
            }),
            1 => call.bidirectional(&Bytes, |requests, replies, _| {
                for request in requests {
                    replies.send(request?)?;
                }
                Ok(())
            }),
            2 => call.unary(&Bytes, |request: Vec<u8>, context: &mut Context| {
                let cancelled = context.wait_cancelled(PATIENCE);
                let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
                ended.send(cancelled).unwrap();
                Ok(request)
            }),
            _ => call.unimplemented(),
        }
    }
}

fn start(place: &InProcess) -> (Server, Receiver<bool>) {
    let (ended, end) = channel();
    let service = Place { ended: Mutex::new(ended) };
    (Server::builder().add_service(service).bind(place).unwrap().start().unwrap(), end)
}

fn peer_of(channel: &Channel) -> Result<Vec<u8>, Status> {
    let request = Request::new(Vec::new()).metadata("x-user", "alice").timeout(PATIENCE);
    service::unary(channel, &METHODS[0], &Bytes, request).map(|reply| reply.into_inner())
}

/// A call goes to the server that is bound to the place, and names this process as its caller.
#[test]
fn a_call_reaches_the_server_of_the_place() {
    let place = InProcess::new();
    let (server, _) = start(&place);
    assert_eq!(server.local_addresses(), [Address::InProcess]);
    assert_eq!(peer_of(&Channel::in_process(&place)).unwrap(), b"in-process: alice");
}

/// Flow control: a stream of many windows passes while both sides send, in order and whole.
#[test]
fn a_stream_of_many_windows_passes_both_ways() {
    let place = InProcess::new();
    let (_server, _) = start(&place);
    let channel = Channel::in_process(&place);
    let chat = service::bidirectional::<Vec<u8>, Vec<u8>, _>(&channel, &METHODS[1], &Bytes, ());
    let (mut requests, replies) = chat.unwrap().split();
    let message = |number: u8| vec![number; 100_000];
    thread::scope(|scope| {
        scope.spawn(move || {
            for number in 0..50 {
                requests.send(message(number)).unwrap();
            }
            requests.close_send();
        });
        let replies = replies.map(Result::unwrap).collect::<Vec<_>>();
        assert!(replies == (0..50).map(message).collect::<Vec<_>>());
    });
}

/// A deadline ends the call on both sides.
#[test]
fn a_deadline_ends_both_sides() {
    let place = InProcess::new();
    let (_server, end) = start(&place);
    let channel = Channel::in_process(&place);
    let hang = service::unary::<Vec<u8>, Vec<u8>, _>;
    // A call whose deadline passes before its method began never runs.
    let told = [20, 200, 2000, 10_000].into_iter().find_map(|timeout_ms| {
        let request = Request::new(Vec::new()).timeout(Duration::from_millis(timeout_ms));
        let status = hang(&channel, &METHODS[2], &Bytes, request).unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        end.recv_timeout(Duration::from_millis(500)).ok()
    });
    assert_eq!(told, Some(true), "the method is told");
}

/// A client that drops its call cancels the method.
#[test]
fn a_dropped_call_cancels_the_method() {
    let place = InProcess::new();
    let (_server, end) = start(&place);
    let channel = Channel::in_process(&place);
    let hang = service::unary_pending::<Vec<u8>, Vec<u8>, _>;
    drop(hang(&channel, &METHODS[2], &Bytes, Vec::new()).unwrap());
    // A call that was cancelled before its method began never runs.
    if let Ok(cancelled) = end.recv_timeout(Duration::from_millis(200)) {
        assert!(cancelled);
    }
}

/// Without a server calls end with UNAVAILABLE; the next server of the place gets the next call.
#[test]
fn a_channel_finds_the_next_server_of_its_place() {
    let place = InProcess::new();
    let builder = Channel::in_process_builder(&place);
    let shortest = Duration::from_millis(1);
    let channel = builder.reconnect_backoff(shortest, shortest).build().unwrap();
    let status = peer_of(&channel).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(status.message().ends_with("no server is bound to the place"), "{status:?}");
    for _ in 0..2 {
        let (server, _) = start(&place);
        channel.wait_until_ready(PATIENCE).unwrap();
        assert!(peer_of(&channel).is_ok());
        server.stop(PATIENCE);
    }
    assert_eq!(peer_of(&channel).unwrap_err().code(), Code::Unavailable);
}
