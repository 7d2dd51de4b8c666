//! Calls of all four kinds over loopback, with messages of prost on both sides.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashMap;
use std::net::TcpListener;

use prost::Message as _;
use prost::bytes::Bytes;
use prost_types::Timestamp;
use rust_grpc::{Channel, Code, Context, ReplySink, Request, RequestStream, Server, Status};
use rust_grpc_interop_prost::pb::messages_prost::r#type::Kind;
use rust_grpc_interop_prost::pb::messages_prost::v1_beta::HttpRequest;
use rust_grpc_interop_prost::pb::messages_prost::v1_beta::http_request::inner::Self_;
use rust_grpc_interop_prost::pb::messages_prost::v1_beta::http_request::{Choice, Inner};
use rust_grpc_interop_prost::services::messages_prost::v1Beta::{
    Speaker, SpeakerServer, SpeakerStub,
};

struct Prose;

impl Speaker for Prose {
    fn ask(&self, request: HttpRequest, _: &mut Context) -> Result<Inner, Status> {
        match request.choice {
            Some(Choice::Inner(inner)) => Ok(inner),
            Some(Choice::Number(number)) => Ok(Inner { number }),
            None => Err(Status::invalid_argument("nothing was chosen")),
        }
    }

    fn list(
        &self,
        request: Inner,
        replies: &mut ReplySink<Self_>,
        _: &mut Context,
    ) -> Result<(), Status> {
        (0..request.number).try_for_each(|number| replies.send(Self_ { number }))
    }

    fn sum(&self, requests: &mut RequestStream<Self_>, _: &mut Context) -> Result<i32, Status> {
        let mut sum = 0;
        while let Some(part) = requests.recv()? {
            sum += part.number;
        }
        Ok(sum)
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HttpRequest>,
        replies: &mut ReplySink<Kind>,
        _: &mut Context,
    ) -> Result<(), Status> {
        while let Some(request) = requests.recv()? {
            let number = request.counts[&request.text] + request.data.len() as i32;
            replies.send(Kind { number })?;
        }
        Ok(())
    }

    fn now(&self, (): (), _: &mut Context) -> Result<Timestamp, Status> {
        Ok(Timestamp { seconds: 7, nanos: 1 })
    }
}

/// A server on a port of its own, stopped when it is dropped, and a stub for it.
struct Served {
    server: Server,
    stub: SpeakerStub,
}

impl Served {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = listener.local_addr().unwrap().to_string();
        let service = SpeakerServer::new(Prose);
        let server = Server::builder().add_service(service).bind(listener).unwrap();
        let stub = SpeakerStub::new(Channel::insecure(&target).unwrap());
        Self { server: server.start().unwrap(), stub }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.server.stop(std::time::Duration::ZERO);
    }
}

fn asking(choice: Option<Choice>) -> HttpRequest {
    HttpRequest { choice, ..Default::default() }
}

/// One request and one reply, waited for and not, owned and borrowed, with a status in return.
#[test]
fn unary_calls_carry_messages_of_prost() {
    let Served { stub, .. } = &Served::new();
    let inner = Inner { number: 5 };
    assert_eq!(*stub.ask(asking(Some(Choice::Inner(inner)))).unwrap(), inner);
    let request = asking(Some(Choice::Number(-1)));
    let pending = stub.ask_pending(Request::new(&request).metadata("x-user", "ada")).unwrap();
    assert_eq!(pending.wait().unwrap().into_inner(), Inner { number: -1 });
    let status = stub.ask(asking(None)).unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::InvalidArgument, "nothing was chosen"));
    assert_eq!(*stub.now(()).unwrap(), Timestamp { seconds: 7, nanos: 1 });
}

/// A stream of replies.
#[test]
fn server_streams_carry_messages_of_prost() {
    let Served { stub, .. } = &Served::new();
    let replies = stub.list(Inner { number: 3 }).unwrap();
    let numbers: Vec<i32> = replies.map(|reply| reply.unwrap().number).collect();
    assert_eq!(numbers, [0, 1, 2]);
}

/// A stream of requests; the reply is a plain number, which prost takes a wrapper to be.
#[test]
fn client_streams_carry_messages_of_prost() {
    let Served { stub, .. } = &Served::new();
    let parts = [1, 2, 39].map(|number| Self_ { number });
    let reply = stub.sum(()).unwrap().send_all(parts).unwrap().finish().unwrap();
    assert_eq!(*reply, 42);
}

/// Streams both ways, with maps and bytes in the messages.
#[test]
fn bidirectional_streams_carry_messages_of_prost() {
    let Served { stub, .. } = &Served::new();
    let (mut requests, mut replies) = stub.chat(()).unwrap().split();
    for (text, count, size) in [("a", 1, 100_000), ("b", -2, 0)] {
        let request = HttpRequest {
            text: text.to_owned(),
            data: Bytes::from(vec![0; size]),
            counts: HashMap::from([(text.to_owned(), count)]),
            ..Default::default()
        };
        requests.send(&request).unwrap();
        assert_eq!(replies.recv().unwrap().unwrap().number, count + size as i32);
    }
    requests.close_send();
    assert_eq!(replies.recv().unwrap(), None);
}

/// A message that prost cannot read ends the call with a status, on the server as on the client.
#[test]
fn broken_messages_are_a_status() {
    use rust_grpc::Codec as _;
    let bytes = asking(Some(Choice::Number(1))).encode_to_vec();
    let cut: Result<HttpRequest, Status> = rust_grpc::Prost.decode(&bytes[..bytes.len() - 1]);
    assert_eq!(cut.unwrap_err().code(), Code::Internal);
}
