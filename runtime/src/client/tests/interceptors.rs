//! What interceptors see of calls of all four kinds, and what they can do.

use std::sync::{Arc, Mutex};

use super::peer::{Peer, build_against, script};
use super::{Stub, Text, text};
use crate::client::{Answer, Channel, ChannelBuilder, ClientCall, ClientNext, OutgoingCall};
use crate::grpc::{
    Code, MessageInterceptor, Metadata, Method, MethodKind, NextReceive, NextSend, Protobuf,
    RawBytes, Received, Sent, Status,
};
use crate::http2::Reason;
use crate::message::well_known::StringValue;

const OK: &[(&str, &str)] = &[("grpc-status", "0"), ("x-trailing", "t")];

fn memory() -> ChannelBuilder {
    Channel::builder("memory")
}

/// What happened, in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn add(&self, line: impl Into<String>) {
        self.0.lock().unwrap().push(line.into());
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Writes down all that passes, and puts its name behind every message.
struct Spy {
    name: &'static str,
    log: Log,
}

impl MessageInterceptor for Spy {
    fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
        let received = next.receive()?;
        let Received::Message(mut message) = received else { return Ok(received) };
        self.log.add(format!("{} got {}", self.name, String::from_utf8_lossy(&message)));
        message.extend_from_slice(self.name.as_bytes());
        Ok(Received::Message(message))
    }

    fn send(&self, mut message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
        self.log.add(format!("{} sends {}", self.name, String::from_utf8_lossy(&message)));
        message.extend_from_slice(self.name.as_bytes());
        next.send(message)
    }

    fn initial_metadata(&self, metadata: &mut Metadata) {
        metadata.append("x-initial", self.name).unwrap();
    }

    fn end(&self, outcome: Result<(), &Status>, trailing: &mut Metadata) {
        self.log.add(format!("{} ends {:?}", self.name, outcome.map_err(Status::code)));
        trailing.append("x-trailing", self.name).unwrap();
    }
}

/// A channel with two spies; 1 was added first.
fn spied() -> (ChannelBuilder, Log) {
    let log = Log::default();
    let spy = |name: &'static str| {
        let log = log.clone();
        move |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            call.intercept_messages(Spy { name, log: log.clone() });
            next.run(call)
        }
    };
    (memory().interceptor(spy("1")).interceptor(spy("2")), log.clone())
}

/// Interceptors see every kind of call, in order, may change metadata, and may refuse.
#[test]
fn interceptors_see_every_call_and_may_refuse_it() {
    let builder = memory()
        .interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            let name = call.method().name();
            call.metadata_mut().insert("x-method", name)?;
            next.run(call)
        })
        .interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            match call.metadata().get("x-method") {
                Some("Unary") => next.run(call),
                name => Err(Status::permission_denied(format!("{name:?} at {}", call.authority()))),
            }
        });
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            let (stream, head) = peer.head();
            assert_eq!(head.get("x-method"), Some(&b"Unary"[..]));
            peer.rest(stream);
            peer.reply(stream, "");
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("")).unwrap(), "");
    let status = stub.list(text("")).unwrap_err();
    assert_eq!(status.to_string(), "PERMISSION_DENIED: Some(\"List\") at localhost");
    assert_eq!(stub.record(()).unwrap_err().code(), Code::PermissionDenied);
    assert_eq!(stub.chat(()).unwrap_err().code(), Code::PermissionDenied);
    drop(stub);
    peers.join();
}

/// Messages of all four kinds pass both ways, a request from the first interceptor to the last and a
/// reply back; so do metadata, and each is told of the end once.
#[test]
fn messages_of_all_kinds_pass_the_interceptors() {
    let (builder, log) = spied();
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            for _ in 0..4 {
                let (stream, _) = peer.head();
                assert_eq!(peer.rest(stream), b"\0\0\0\0\x03a12");
                peer.send_head(stream, &[("x-initial", "i")]);
                peer.send_message(stream, "b");
                peer.send_trailers(stream, OK);
            }
            peer.until_closed();
        }),
    );
    let expected =
        ["1 sends a", "2 sends a1", "2 got b", "1 got b2", "2 ends Ok(())", "1 ends Ok(())"];
    let values =
        |metadata: &Metadata, key: &str| metadata.get_all(key).collect::<Vec<_>>().join("");

    let reply = stub.unary(text("a")).unwrap();
    assert_eq!(*reply, "b21");
    assert_eq!(values(reply.metadata(), "x-initial"), "i21");
    assert_eq!(values(reply.trailing_metadata(), "x-trailing"), "t21");
    assert_eq!(log.take(), expected);

    let mut replies = stub.list(text("a")).unwrap();
    assert_eq!(values(replies.metadata().unwrap(), "x-initial"), "i21");
    assert_eq!(replies.by_ref().collect::<Result<Vec<_>, _>>().unwrap(), ["b21"]);
    assert_eq!(values(replies.trailing_metadata().unwrap(), "x-trailing"), "t21");
    assert_eq!(log.take(), expected);

    assert_eq!(*stub.record(()).unwrap().send_all([text("a")]).unwrap().finish().unwrap(), "b21");
    assert_eq!(log.take(), expected);

    let mut chat = stub.chat(()).unwrap();
    assert_eq!(chat.try_send(text("a")).unwrap(), Sent::Taken);
    chat.close_send();
    assert_eq!(chat.recv().unwrap().as_deref(), Some("b21"));
    assert_eq!(chat.recv().unwrap(), None);
    assert_eq!(log.take(), expected);
    drop((replies, chat, stub));
    peers.join();
}

/// A status passes with its trailing metadata, of trailers alone too; a call that is dropped has been
/// cancelled for its interceptors.
#[test]
fn interceptors_are_told_of_every_end() {
    let (builder, log) = spied();
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            let (stream, _) = peer.request();
            let fields = [(":status", "200"), ("content-type", "application/grpc")];
            let status = [("grpc-status", "5"), ("x-trailing", "t")];
            peer.send_only(stream, &[fields, status].concat());
            let (stream, _) = peer.head();
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.until_closed();
        }),
    );
    let status = stub.unary(text("a")).unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.metadata().get_all("x-trailing").collect::<Vec<_>>(), ["t", "2", "1"]);
    assert_eq!(log.take()[2..], ["2 ends Err(NotFound)", "1 ends Err(NotFound)"]);
    drop(stub.chat(()).unwrap());
    assert_eq!(log.take(), ["2 ends Err(Cancelled)", "1 ends Err(Cancelled)"]);
    drop(stub);
    peers.join();
}

/// An interceptor of messages may refuse one: the sender gets the status, and a reply that is refused
/// ends the call with it.
#[test]
fn a_message_may_be_refused() {
    struct Strict;
    impl MessageInterceptor for Strict {
        fn receive(&self, next: &mut NextReceive<'_>) -> Result<Received<Vec<u8>>, Status> {
            match next.receive()? {
                Received::Message(message) if message == b"bad" => {
                    Err(Status::data_loss("a bad reply"))
                }
                received => Ok(received),
            }
        }

        fn send(&self, message: Vec<u8>, next: &mut NextSend<'_>) -> Result<(), Status> {
            match &message[..] {
                b"bad" => Err(Status::invalid_argument("a bad request")),
                _ => next.send(message),
            }
        }
    }
    let (stub, peers) = build_against(
        memory().interceptor(|call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            call.intercept_messages(Strict);
            next.run(call)
        }),
        script(|peer| {
            let (stream, _) = peer.head();
            assert_eq!(peer.data(stream), b"\0\0\0\0\x04good");
            peer.send_head(stream, &[]);
            peer.send_message(stream, "bad");
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.until_closed();
        }),
    );
    assert_eq!(stub.unary(text("bad")).unwrap_err().code(), Code::InvalidArgument);
    let mut chat = stub.chat(()).unwrap();
    assert_eq!(chat.send(text("bad")).unwrap_err().code(), Code::InvalidArgument);
    chat.send(text("good")).unwrap();
    assert_eq!(chat.recv().unwrap_err().to_string(), "DATA_LOSS: a bad reply");
    assert_eq!(chat.recv().unwrap(), None);
    drop((chat, stub));
    peers.join();
}

/// An interceptor answers calls of all four kinds by itself: nothing is connected.
#[test]
fn interceptors_answer_by_themselves() {
    let answer = |call: &mut OutgoingCall<'_>, _: ClientNext<'_>| {
        let mut metadata = Metadata::new();
        metadata.insert("x-initial", call.method().name())?;
        let answer = Answer::reply(&Text, &text("own"))?.with_metadata(metadata.clone());
        Ok(answer.with_outcome(Ok(metadata)).into())
    };
    let (stub, peers) = build_against(memory().interceptor(answer), Vec::new());
    let reply = stub.unary(text("a")).unwrap();
    assert_eq!(*reply, "own");
    assert_eq!(reply.metadata().get("x-initial"), Some("Unary"));
    assert_eq!(reply.trailing_metadata().get("x-initial"), Some("Unary"));
    let replies = stub.list(text("a")).unwrap().collect::<Result<Vec<_>, _>>();
    assert_eq!(replies.unwrap(), ["own"]);
    let mut sink = stub.record(()).unwrap();
    assert_eq!(sink.send(text("a")).unwrap_err().code(), Code::Ok);
    assert_eq!(*sink.finish().unwrap(), "own");
    let mut chat = stub.chat(()).unwrap();
    assert_eq!(chat.recv().unwrap().as_deref(), Some("own"));
    assert_eq!(chat.recv().unwrap(), None);
    let (sender, results) = std::sync::mpsc::channel();
    let pending = stub.pending(text("a")).unwrap();
    pending.on_done(move |result| sender.send(result.unwrap().into_inner()).unwrap());
    assert_eq!(results.recv().unwrap(), "own");
    assert_eq!(peers.connects(), 0);
}

/// Calls once more what failed with UNAVAILABLE.
fn retry(call: &mut OutgoingCall<'_>, next: ClientNext<'_>) -> Result<ClientCall, Status> {
    let answer = next.run(call)?.wait();
    match answer.outcome() {
        Err(status) if status.code() == Code::Unavailable => next.run(call),
        _ => Ok(answer.into()),
    }
}

/// An interceptor runs a call again; those behind it see both, those before it one.
#[test]
fn interceptors_run_a_call_again() {
    let (builder, log) = spied();
    let outer = log.clone();
    let builder = builder.interceptor(retry).interceptor(
        move |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            let log = outer.clone();
            call.intercept_messages(Spy { name: "3", log });
            next.run(call)
        },
    );
    let (stub, peers) = build_against(
        builder,
        script(|peer: &mut Peer| {
            let (stream, message) = peer.request();
            assert_eq!(message, "a123");
            peer.send_head(stream, &[]);
            peer.send_trailers(stream, &[("grpc-status", "14")]);
            let (stream, message) = peer.request();
            assert_eq!(message, "a123");
            peer.reply(stream, "b");
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("a")).unwrap(), "b321");
    let ends: Vec<_> = log.take().into_iter().filter(|line| line.contains(" ends ")).collect();
    let once = ["2 ends Ok(())", "1 ends Ok(())"];
    assert_eq!(ends[..2], ["3 ends Err(Unavailable)", "3 ends Ok(())"]);
    assert_eq!(ends[2..], once);
    drop(stub);
    peers.join();
}

/// A call that is run again begins as it did the first time: what those behind have added to its
/// metadata is not added twice.
#[test]
fn a_call_that_is_run_again_begins_as_before() {
    let builder = memory().interceptor(retry).interceptor(
        |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            call.metadata_mut().append("x-token", "t")?;
            next.run(call)
        },
    );
    let (stub, peers) = build_against(
        builder,
        script(|peer: &mut Peer| {
            for status in ["14", "0"] {
                let (stream, head) = peer.head();
                assert_eq!(head.iter().filter(|field| field.name == b"x-token").count(), 1);
                peer.rest(stream);
                peer.send_head(stream, &[]);
                peer.send_message(stream, "b");
                peer.send_trailers(stream, &[("grpc-status", status)]);
            }
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("a")).unwrap(), "b");
    drop(stub);
    peers.join();
}

/// An interceptor that panics when it is told of the end is told once all the same, and nothing about
/// the end changes, for the caller and for the other interceptors.
#[test]
fn a_panic_at_the_end_changes_nothing() {
    struct Panics(Log);
    impl MessageInterceptor for Panics {
        fn end(&self, _: Result<(), &Status>, _: &mut Metadata) {
            self.0.add("panics");
            panic!("expected by this test");
        }
    }
    let (builder, log) = spied();
    let told = log.clone();
    let builder = builder.interceptor(move |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
        call.intercept_messages(Panics(told.clone()));
        next.run(call)
    });
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            let (stream, _) = peer.request();
            peer.reply(stream, "b");
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("a")).unwrap(), "b21");
    let lines = log.take();
    let ends = ["panics", "2 ends Ok(())", "1 ends Ok(())"];
    assert_eq!(lines[lines.len() - ends.len()..], ends);
    assert_eq!(lines.iter().filter(|line| *line == "panics").count(), 1);
    drop(stub);
    peers.join();
}

/// What an interceptor says of the deadline counts; a required one may come from it.
#[test]
fn interceptors_set_deadlines() {
    let builder = memory().require_deadline().interceptor(
        |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            assert_eq!(call.deadline(), None);
            call.set_deadline(crate::transport::now());
            next.run(call)
        },
    );
    let stub = Stub(build_against(builder, script(Peer::until_closed)).0.0);
    assert_eq!(stub.unary(text("a")).unwrap_err().code(), Code::DeadlineExceeded);
}

/// An interceptor sees and replaces the one request of a call as a message, and the one reply of an
/// answer; a stream of requests has none, and what is no such message is INTERNAL.
#[test]
fn the_one_message_of_a_call_is_seen_as_such() {
    let text = |value: &str| StringValue { value: value.into(), ..Default::default() };
    let shout = move |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
        let Some(request) = call.request_message::<StringValue>()? else {
            let status = Status::not_found("no one request");
            return Ok(Answer::new().with_outcome(Err(status)).into());
        };
        call.set_request_message(&text(&request.value.to_uppercase()))?;
        let answer = next.run(call)?.wait();
        let reply = answer.message::<StringValue>()?.map(|reply| reply.value);
        assert_eq!(reply.as_deref(), Some("TEA, please"));
        Ok(answer.into())
    };
    let answer = move |call: &mut OutgoingCall<'_>, _: ClientNext<'_>| {
        let request = call.request_message::<StringValue>()?.unwrap();
        Ok(Answer::reply(&Protobuf, &text(&format!("{}, please", request.value)))?.into())
    };
    let builder = memory().interceptor(shout).interceptor(answer);
    let (stub, peers) = build_against(builder, Vec::new());
    let method = Method::new("/test.Test/Unary", MethodKind::Unary);
    let reply = stub.0.unary_unary::<StringValue, StringValue, _>(&method, &Protobuf, text("tea"));
    assert_eq!(reply.unwrap().value, "TEA, please");
    let bytes = stub.0.unary_unary::<Vec<u8>, Vec<u8>, _>(&method, &RawBytes, vec![0xff]);
    assert_eq!(bytes.unwrap_err().code(), Code::Internal);
    assert_eq!(stub.record(()).unwrap().finish().unwrap_err().code(), Code::NotFound);
    assert_eq!(Answer::new().message::<StringValue>().unwrap(), None);
    peers.join();
}
