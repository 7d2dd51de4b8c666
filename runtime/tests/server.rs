//! The server over real sockets, called by the real client through code in the generated shape.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hello;

use std::net::TcpListener;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{
    Channel, Code, Context, InProcess, Metadata, ReplySink, Request, RequestStream, Server, Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// Greets; what it does beyond that is asked for by the name.
struct Host {
    /// Gets the name of every call that waits for its cancellation.
    waiting: Mutex<Sender<String>>,
}

impl Greeter for Host {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        match request.name.as_str() {
            "nobody" => Err(Status::not_found("nobody is 没有人")),
            "panic" => panic!("expected by this test"),
            "wait" => {
                self.waiting.lock().unwrap().send(request.name).unwrap();
                assert!(context.wait_cancelled(PATIENCE));
                Err(Status::cancelled("nobody reads this"))
            }
            "metadata" => {
                let mut initial = Metadata::new();
                initial.insert("x-initial", context.metadata().get("x-user").unwrap_or("-"))?;
                context.send_initial_metadata(&initial)?;
                context.trailing_metadata_mut().insert_bin("x-trailing-bin", [0, 255])?;
                Ok(HelloReply::default())
            }
            name => Ok(format!("Hello, {name}!").as_str().into()),
        }
    }

    fn list(
        &self,
        request: HelloRequest,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        for name in request.name.split(' ') {
            replies.send(HelloReply::from(name))?;
        }
        Ok(())
    }

    fn record(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        _: &mut Context,
    ) -> Result<HelloReply, Status> {
        let names: Result<Vec<_>, _> = requests.map(|request| Ok(request?.name)).collect();
        names.map(|names: Vec<String>| names.join(" ").as_str().into())
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        for request in requests {
            replies.send(HelloReply::from(request?.name.as_str()))?;
        }
        Ok(())
    }
}

fn host() -> (GreeterServer<Host>, mpsc::Receiver<String>) {
    let (waiting, waits) = mpsc::channel();
    (GreeterServer::new(Host { waiting: Mutex::new(waiting) }), waits)
}

fn start() -> Server {
    Server::builder().add_service(host().0).bind("127.0.0.1:0").unwrap().start().unwrap()
}

fn stub(server: &Server) -> GreeterStub {
    stub_of(&server.local_addresses()[0].to_string())
}

fn stub_of(target: &str) -> GreeterStub {
    GreeterStub::new(Channel::insecure(target).unwrap())
}

fn hello(name: &str) -> HelloRequest {
    HelloRequest::from(name)
}

/// All four kinds of rpc over TCP.
#[test]
fn all_four_kinds_over_tcp() {
    let server = start();
    let greeter = stub(&server);
    assert_eq!(greeter.say_hello(hello("Alice")).unwrap().message, "Hello, Alice!");
    let listed: Vec<_> =
        greeter.list(hello("a b c")).unwrap().map(|reply| reply.unwrap().message).collect();
    assert_eq!(listed, ["a", "b", "c"]);
    let mut record = greeter.record(()).unwrap();
    for name in ["d", "e"] {
        record.send(hello(name)).unwrap();
    }
    assert_eq!(record.finish().unwrap().message, "d e");
    let (mut sender, mut receiver) = greeter.chat(()).unwrap().split();
    for name in ["f", "g"] {
        sender.send(hello(name)).unwrap();
        assert_eq!(receiver.recv().unwrap().unwrap().message, name);
    }
    sender.close_send();
    assert_eq!(receiver.recv().unwrap(), None);
}

/// Metadata goes both ways: with the request, ahead of the reply, and behind it.
#[test]
fn metadata_goes_both_ways() {
    let server = start();
    let request = Request::new(hello("metadata")).metadata("x-user", "alice");
    let response = stub(&server).say_hello(request).unwrap();
    assert_eq!(response.metadata().get("x-initial"), Some("alice"));
    assert_eq!(response.trailing_metadata().get_bin("x-trailing-bin"), Some(&[0, 255][..]));
}

/// An error arrives with its code and its message, whatever the language.
#[test]
fn errors_arrive_with_code_and_message() {
    let server = start();
    let error = stub(&server).say_hello(hello("nobody")).unwrap_err();
    assert_eq!((error.code(), error.message()), (Code::NotFound, "nobody is 没有人"));
}

/// A panic is INTERNAL, and the connection serves on.
#[test]
fn a_panic_is_internal_and_the_connection_serves_on() {
    let server = start();
    let greeter = stub(&server);
    assert_eq!(greeter.say_hello(hello("panic")).unwrap_err().code(), Code::Internal);
    assert_eq!(greeter.say_hello(hello("calm")).unwrap().message, "Hello, calm!");
}

/// The default limit of requests is 4 MiB.
#[test]
fn requests_over_four_mebibytes_are_refused() {
    let server = start();
    let greeter = stub(&server);
    // The field's tag and length take five bytes.
    let largest = "x".repeat(4 * 1024 * 1024 - 5);
    assert!(greeter.say_hello(hello(&largest)).is_err_and(|error| {
        // The reply is as large, and the client's own limit refuses it.
        error.code() == Code::ResourceExhausted && error.message().contains("received message")
    }));
    let error = greeter.say_hello(hello(&format!("{largest}x"))).unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    assert_eq!(greeter.say_hello(hello("small")).unwrap().message, "Hello, small!");
}

/// A deadline ends the call at both ends.
#[test]
fn a_deadline_ends_the_call_at_both_ends() {
    let (service, waits) = host();
    let server =
        Server::builder().add_service(service).bind("127.0.0.1:0").unwrap().start().unwrap();
    let request = Request::new(hello("wait")).timeout(Duration::from_millis(50));
    let error = stub(&server).say_hello(request).unwrap_err();
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert_eq!(waits.recv().unwrap(), "wait");
}

/// One server listens at several ports, at a listener that somebody else has bound, and at a Unix
/// socket, whose file goes with it.
#[test]
fn one_server_listens_at_many_places() {
    let socket = std::env::temp_dir().join(format!("rust-grpc-server-test-{}", std::process::id()));
    let unix = format!("unix:{}", socket.display());
    let server = Server::builder()
        .add_service(host().0)
        .bind("127.0.0.1:0")
        .unwrap()
        .bind("localhost:0".to_owned())
        .unwrap()
        .bind(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap()
        .bind(&unix)
        .unwrap()
        .start()
        .unwrap();
    let addresses: Vec<_> = server.local_addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses.len(), 4);
    assert_eq!(addresses[3], unix);
    for address in &addresses {
        assert!(!address.ends_with(":0"), "{address}");
        assert_eq!(stub_of(address).say_hello(hello("x")).unwrap().message, "Hello, x!");
    }
    server.stop(Duration::ZERO);
    assert!(!socket.exists());
}

/// A stopped server is UNAVAILABLE to its clients, old and new.
#[test]
fn a_stopped_server_is_unavailable() {
    let server = start();
    let greeter = stub(&server);
    greeter.say_hello(hello("x")).unwrap();
    server.stop(PATIENCE);
    server.wait_for_termination();
    let timeout = Duration::from_secs(5);
    for greeter in [&greeter, &stub(&server)] {
        let request = Request::new(hello("x")).timeout(timeout);
        assert_eq!(greeter.say_hello(request).unwrap_err().code(), Code::Unavailable);
    }
}

/// Checklist 53: a hard stop is UNAVAILABLE to the client of a running call.
#[test]
fn a_hard_stop_is_unavailable_to_running_calls() {
    let (service, waits) = host();
    let server =
        Server::builder().add_service(service).bind("127.0.0.1:0").unwrap().start().unwrap();
    let greeter = stub(&server);
    thread::scope(|scope| {
        let call = scope.spawn(|| greeter.say_hello(hello("wait")).unwrap_err());
        waits.recv().unwrap();
        server.stop(Duration::ZERO);
        assert_eq!(call.join().unwrap().code(), Code::Unavailable);
    });
}

/// Sixteen threads on one channel: every call gets its own reply.
#[test]
fn many_threads_share_a_connection() {
    let server = start();
    let greeter = stub(&server);
    let barrier = Arc::new(Barrier::new(16));
    let threads: Vec<_> = (0..16)
        .map(|thread| {
            let (greeter, barrier) = (greeter.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                for call in 0..50 {
                    let name = format!("{thread}/{call}");
                    let reply = greeter.say_hello(hello(&name)).unwrap();
                    assert_eq!(reply.message, format!("Hello, {name}!"));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

/// What cannot be served says why.
#[test]
fn faults_of_the_builder_say_why() {
    let error = Server::builder().start().unwrap_err();
    assert_eq!(error.to_string(), "no address to listen at: expected a call of bind");
    let error = Server::builder()
        .add_service(host().0)
        .add_service(host().0)
        .bind("127.0.0.1:0")
        .unwrap()
        .start()
        .unwrap_err();
    assert_eq!(error.to_string(), "two methods answer /hello.Greeter/SayHello: expected one");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let error = Server::builder().bind(&address).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
    assert!(error.to_string().contains(&address), "{error}");
    let error = Server::builder().bind("localhost").err().unwrap();
    assert!(error.to_string().contains("port is missing"), "{error}");
}

/// grpc.dscp, grpc.tcp_receive_buffer_size: calls travel over sockets that have them, of listeners that
/// were bound before and elsewhere too; what is no socket of TCP goes without.
#[test]
fn calls_travel_over_sockets_with_options() {
    let place = InProcess::new();
    let mut builder = Server::builder()
        .add_service(GreeterServer::new(Host { waiting: Mutex::new(mpsc::channel().0) }))
        .bind("127.0.0.1:0")
        .unwrap()
        .bind(TcpListener::bind("127.0.0.1:0").unwrap())
        .unwrap()
        .bind(&place)
        .unwrap();
    let path = std::env::temp_dir().join(format!("rust-grpc-options-{}", std::process::id()));
    if cfg!(unix) {
        builder = builder.bind(format!("unix:{}", path.display())).unwrap();
    }
    let server = builder.dscp(46).receive_buffer_size(64 << 10).start().unwrap();
    let addresses = server.local_addresses().iter();
    let targets = addresses.map(ToString::to_string).filter(|target| target != "in-process:");
    let builders = targets.map(|target| Channel::builder(&target));
    for builder in builders.chain([Channel::in_process_builder(&place)]) {
        let channel = builder.dscp(46).receive_buffer_size(64 << 10).build().unwrap();
        let reply = GreeterStub::new(channel).say_hello(HelloRequest::from("Ada")).unwrap();
        assert_eq!(reply.message, "Hello, Ada!");
    }
}
