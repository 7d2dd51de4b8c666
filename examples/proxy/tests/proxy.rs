//! A client, the proxy and a server behind it, in one process.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use rust_grpc::{
    Channel, Code, Context, GenericService, Metadata, Method, MethodHandler, MethodKind, RawBytes,
    ReplySink, Request, RequestStream, Server, Status,
};

#[path = "../src/proxy.rs"]
mod proxy;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What the server behind the proxy has to tell.
#[derive(Debug, PartialEq)]
enum Seen {
    Waits(Option<Duration>),
    Cancelled,
}

/// The service `any.Service`, with a method of each kind.
fn service(seen: Sender<Seen>) -> GenericService {
    let unary = |request: Vec<u8>, context: &mut Context| {
        let mut initial = Metadata::new();
        initial.insert("x-initial", context.metadata().get("x-user").unwrap_or("-"))?;
        context.send_initial_metadata(&initial)?;
        context.trailing_metadata_mut().insert("x-trailing", "1")?;
        match &request[..] {
            b"refuse" => Err(Status::not_found("nobody is 没有人").with_details_bytes(b"details")),
            _ => Ok(request),
        }
    };
    let list = |request: Vec<u8>, replies: &mut ReplySink<Vec<u8>>, _: &mut Context| {
        request.iter().try_for_each(|byte| replies.send(vec![*byte]))
    };
    let record = |requests: &mut RequestStream<Vec<u8>>, _: &mut Context| {
        let first = requests.recv()?.unwrap_or_default();
        if first == b"enough" {
            return Ok(first);
        }
        requests.try_fold(first, |all, request| Ok([all, request?].concat()))
    };
    let seen = Mutex::new(seen);
    let chat = move |requests: &mut RequestStream<Vec<u8>>,
                     replies: &mut ReplySink<Vec<u8>>,
                     context: &mut Context| {
        while let Some(request) = requests.recv()? {
            if request == b"wait" {
                let tell = |what| seen.lock().unwrap().send(what).unwrap();
                tell(Seen::Waits(context.time_remaining()));
                assert!(context.wait_cancelled(PATIENCE));
                tell(Seen::Cancelled);
            }
            replies.send(request)?;
        }
        Ok(())
    };
    let service = GenericService::new("any.Service")
        .method("Unary", MethodHandler::unary_unary(&RawBytes, unary))
        .and_then(|service| service.method("List", MethodHandler::unary_stream(&RawBytes, list)))
        .and_then(|service| {
            service.method("Record", MethodHandler::stream_unary(&RawBytes, record))
        })
        .and_then(|service| service.method("Chat", MethodHandler::stream_stream(&RawBytes, chat)));
    service.unwrap()
}

/// A channel to the proxy, and what the server behind it has seen.
struct Chain {
    channel: Channel,
    seen: Receiver<Seen>,
    servers: [Server; 2],
}

impl Chain {
    fn new() -> Self {
        let (sender, seen) = mpsc::channel();
        let upstream = Server::builder().add_service(service(sender));
        let upstream = upstream.bind("127.0.0.1:0").unwrap().start().unwrap();
        let proxy = proxy::proxy(channel(&upstream));
        let proxy = Server::builder().generic_handler(proxy).bind("127.0.0.1:0").unwrap();
        let proxy = proxy.start().unwrap();
        Self { channel: channel(&proxy), seen, servers: [proxy, upstream] }
    }

    fn next(&self) -> Seen {
        self.seen.recv_timeout(PATIENCE).unwrap()
    }

    fn stop(self) {
        self.servers.iter().for_each(|server| server.stop(PATIENCE));
    }
}

fn channel(server: &Server) -> Channel {
    Channel::insecure(&server.local_addresses()[0].to_string()).unwrap()
}

fn method(name: &str, kind: MethodKind) -> Method {
    Method::from_path(format!("/any.Service/{name}"), kind).unwrap()
}

fn bytes(text: &str) -> Vec<u8> {
    text.as_bytes().to_vec()
}

/// Messages and metadata pass in both directions, and so does a status with all that it carries.
#[test]
fn unary_calls_pass_with_metadata_and_status() {
    let chain = Chain::new();
    let unary = method("Unary", MethodKind::Unary);
    let call = |text: &str| {
        let request = Request::new(bytes(text)).metadata("x-user", "ada").timeout(PATIENCE);
        chain.channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&unary, &RawBytes, request)
    };
    let reply = call("hello").unwrap();
    assert_eq!(*reply, b"hello");
    assert_eq!(reply.metadata().get("x-initial"), Some("ada"));
    assert_eq!(reply.trailing_metadata().get("x-trailing"), Some("1"));
    let status = call("refuse").unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "nobody is 没有人"));
    assert_eq!(status.details_bytes(), b"details");
    assert_eq!(status.metadata().get("x-trailing"), Some("1"));
    let nobody = method("Nobody", MethodKind::Unary);
    let reply = chain.channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&nobody, &RawBytes, bytes(""));
    assert_eq!(reply.unwrap_err().code(), Code::Unimplemented);
    chain.stop();
}

/// Streams of both directions pass, and a server that answers early ends the call.
#[test]
fn streams_pass_in_both_directions() {
    let chain = Chain::new();
    let list = method("List", MethodKind::ServerStreaming);
    let replies = chain.channel.unary_stream::<Vec<u8>, Vec<u8>, _>(&list, &RawBytes, bytes("abc"));
    let replies: Result<Vec<_>, Status> = replies.unwrap().collect();
    assert_eq!(replies.unwrap(), [b"a", b"b", b"c"]);

    let record = method("Record", MethodKind::ClientStreaming);
    let begin =
        || chain.channel.stream_unary::<Vec<u8>, Vec<u8>, _>(&record, &RawBytes, ()).unwrap();
    let reply = begin().send_all([bytes("a"), bytes("b"), bytes("c")]).unwrap().finish();
    assert_eq!(*reply.unwrap(), b"abc");
    let mut enough = begin();
    enough.send(bytes("enough")).unwrap();
    // The server has answered: sooner or later nothing more can be sent.
    let ended = loop {
        match enough.send(bytes("more")) {
            Ok(()) => std::thread::yield_now(),
            Err(status) => break status,
        }
    };
    assert_eq!(ended.code(), Code::Ok);
    assert_eq!(*enough.finish().unwrap(), b"enough");

    let chat = method("Chat", MethodKind::Bidirectional);
    let mut chat =
        chain.channel.stream_stream::<Vec<u8>, Vec<u8>, _>(&chat, &RawBytes, ()).unwrap();
    for word in ["one", "two"] {
        chat.send(bytes(word)).unwrap();
        assert_eq!(chat.recv().unwrap().unwrap(), bytes(word));
    }
    chat.close_send();
    assert_eq!(chat.recv().unwrap(), None);
    chain.stop();
}

/// The server behind the proxy sees what is left of the client's deadline, and is cancelled when
/// the client cancels or its deadline passes.
#[test]
fn deadlines_and_cancellations_pass() {
    let chain = Chain::new();
    let method = method("Chat", MethodKind::Bidirectional);
    for timeout in [PATIENCE, Duration::from_millis(200)] {
        let request = Request::new(()).timeout(timeout);
        let mut chat = chain
            .channel
            .stream_stream::<Vec<u8>, Vec<u8>, _>(&method, &RawBytes, request)
            .unwrap();
        chat.send(bytes("wait")).unwrap();
        let Seen::Waits(left) = chain.next() else { panic!("a call was cancelled that never was") };
        assert!(left.is_some_and(|left| left <= timeout), "{left:?}");
        let expected = if timeout == PATIENCE {
            chat.cancel();
            Code::Cancelled
        } else {
            Code::DeadlineExceeded
        };
        assert_eq!(chat.recv().unwrap_err().code(), expected);
        assert_eq!(chain.next(), Seen::Cancelled);
    }
    chain.stop();
}

/// What a proxy needs is little: no more than thirty lines of code, without `use` and comments.
#[test]
fn the_proxy_has_thirty_lines() {
    let source = include_str!("../src/proxy.rs");
    let (_, code) = source.split_once("};\n").expect("the end of `use`");
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    let lines = code.lines().filter(is_code).count();
    assert!(lines <= 30, "{lines} lines");
}
