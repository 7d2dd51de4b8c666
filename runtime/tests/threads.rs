//! Which threads serve calls, and what becomes of all others while methods block: on real sockets, with
//! gates instead of time.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hello;
#[path = "threads/peer.rs"]
mod peer;

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{
    Channel, Code, Context, FullPool, ReplySink, Request, RequestStream, Server, ServerBuilder,
    Status,
};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// One at a time: threads and descriptors are counted for the process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Holds methods up until it is opened.
#[derive(Default)]
struct Gate {
    is_open: Mutex<bool>,
    opened: Condvar,
}

impl Gate {
    fn pass(&self) {
        let is_open = self.is_open.lock().unwrap();
        let (is_open, _) =
            self.opened.wait_timeout_while(is_open, PATIENCE, |is_open| !*is_open).unwrap();
        assert!(*is_open, "nobody has opened the gate");
    }

    fn open(&self) {
        *self.is_open.lock().unwrap() = true;
        self.opened.notify_all();
    }
}

/// Does what the name says: "hold" waits at the gate. Says which thread has answered.
struct Host {
    gate: Arc<Gate>,
    held: Mutex<Sender<()>>,
}

impl Host {
    fn hold(&self, name: &str) {
        if name == "hold" {
            self.held.lock().unwrap().send(()).unwrap();
            self.gate.pass();
        }
    }
}

impl Greeter for Host {
    fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        self.hold(&request.name);
        Ok(thread::current().name().unwrap_or_default().into())
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        requests.try_for_each(|request| {
            let name = request?.name;
            self.hold(&name);
            replies.send(HelloReply::from(name.as_str()))
        })
    }
}

/// A server, and the gate of its methods.
struct Served {
    server: Server,
    gate: Arc<Gate>,
    held: Receiver<()>,
}

impl Served {
    fn new(change: impl FnOnce(ServerBuilder<'static>) -> ServerBuilder<'static>) -> Self {
        let (gate, (sender, held)) = (Arc::new(Gate::default()), mpsc::channel());
        let host = Host { gate: gate.clone(), held: Mutex::new(sender) };
        let builder = change(Server::builder()).add_service(GreeterServer::new(host));
        Self { server: builder.bind("127.0.0.1:0").unwrap().start().unwrap(), gate, held }
    }

    fn address(&self) -> String {
        self.server.local_addresses()[0].to_string()
    }

    /// A stub with a connection of its own.
    fn stub(&self) -> GreeterStub {
        GreeterStub::new(Channel::insecure(&self.address()).unwrap())
    }

    /// Waits until `count` more methods wait at the gate.
    fn expect_held(&self, count: usize) {
        (0..count).for_each(|_| self.held.recv_timeout(PATIENCE).expect("the method begins"));
    }
}

/// Makes a call; returns which thread has answered.
fn call(stub: &GreeterStub, name: &str) -> Result<String, Status> {
    let request = Request::new(HelloRequest::from(name)).timeout(PATIENCE);
    stub.say_hello(request).map(|reply| reply.into_inner().message)
}

/// Whether servers have reactors in this process.
fn has_reactors() -> bool {
    let is_asked_for_readers =
        std::env::var_os("RUST_GRPC_THREADS").is_some_and(|it| it == "readers");
    !is_asked_for_readers && !cfg!(rust_grpc_portable)
}

fn entries(folder: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{folder}")).unwrap().count()
}

/// While all methods but one that may run at once are blocked, calls on the same connections and on
/// others go on, and those that were blocked end when they can.
#[test]
fn calls_go_on_beside_blocked_methods() {
    let _alone = alone();
    let served = Served::new(|builder| builder.max_workers(4));
    let (one, two) = (served.stub(), served.stub());
    thread::scope(|scope| {
        let held = [&one, &one, &two].map(|stub| {
            let held = scope.spawn(|| call(stub, "hold"));
            served.expect_held(1);
            held
        });
        for _ in 0..20 {
            for stub in [&one, &two, &served.stub()] {
                call(stub, "fast").unwrap();
            }
        }
        served.gate.open();
        held.into_iter().for_each(|thread| drop(thread.join().unwrap().unwrap()));
    });
}

/// With as many methods blocked as may run, the policy answers further calls, on every connection.
#[test]
fn the_policy_answers_when_all_workers_are_blocked() {
    let _alone = alone();
    let served = Served::new(|builder| builder.max_workers(2).full_pool(FullPool::Reject));
    let (one, two) = (served.stub(), served.stub());
    thread::scope(|scope| {
        let held = [&one, &two].map(|stub| {
            let held = scope.spawn(|| call(stub, "hold"));
            served.expect_held(1);
            held
        });
        for stub in [&one, &two, &served.stub()] {
            assert_eq!(call(stub, "fast").unwrap_err().code(), Code::ResourceExhausted);
        }
        served.gate.open();
        held.into_iter().for_each(|thread| drop(thread.join().unwrap().unwrap()));
    });
    // The last word of a call may be read before its worker is free, and then it is as good as free.
    for stub in [&one, &two] {
        call(stub, "fast").unwrap();
    }
}

/// A method that waits for the next message of its client leaves the connection to other calls.
#[test]
fn a_waiting_stream_leaves_its_connection_to_others() {
    let _alone = alone();
    let served = Served::new(|builder| builder);
    let stub = served.stub();
    let mut chat = stub.chat(Request::new(()).timeout(PATIENCE)).unwrap();
    for round in 0..20 {
        let name = format!("round {round}");
        chat.send(HelloRequest::from(name.as_str())).unwrap();
        assert_eq!(chat.recv().unwrap().unwrap().message, name);
        // The method waits now, or is about to.
        call(&stub, "fast").unwrap();
    }
    chat.close_send();
    assert!(chat.recv().unwrap().is_none());
}

/// A method that works on one message for long, after others that were short, leaves the connection to
/// other calls, and to the end of the peer's messages.
#[test]
fn a_working_stream_leaves_its_connection_to_others() {
    let _alone = alone();
    let served = Served::new(|builder| builder);
    let stub = served.stub();
    let mut chat = stub.chat(Request::new(()).timeout(PATIENCE)).unwrap();
    for name in ["one", "two", "three"] {
        chat.send(HelloRequest::from(name)).unwrap();
        assert_eq!(chat.recv().unwrap().unwrap().message, name);
    }
    chat.send(HelloRequest::from("hold")).unwrap();
    served.expect_held(1);
    for _ in 0..3 {
        call(&stub, "fast").unwrap();
    }
    served.gate.open();
    assert_eq!(chat.recv().unwrap().unwrap().message, "hold");
    chat.close_send();
    assert!(chat.recv().unwrap().is_none());
    call(&stub, "fast").unwrap();
}

/// A method whose handlers are short runs on the thread that has read its request; once one was long it
/// runs on workers, until it is short again.
#[test]
fn a_method_runs_where_its_length_says() {
    if !has_reactors() {
        return;
    }
    let _alone = alone();
    let served = Served::new(|builder| builder);
    let stub = served.stub();
    // What the machine does meanwhile may make a short method long; it is short again soon.
    let becomes = |thread: &str| {
        let start = Instant::now();
        while call(&stub, "fast").unwrap() != thread {
            assert!(start.elapsed() < PATIENCE, "no call was answered by {thread}");
        }
    };
    becomes("grpc-reactor");
    thread::scope(|scope| {
        let held = scope.spawn(|| call(&stub, "hold").unwrap());
        served.expect_held(1);
        // The reactor goes on without the thread that has it, and knows why.
        becomes("grpc-worker");
        served.gate.open();
        held.join().unwrap();
    });
    becomes("grpc-reactor");
}

/// A thousand connections that are idle hold one descriptor each and no thread, and each serves a call
/// when one comes.
#[test]
fn idle_connections_hold_a_descriptor_and_no_thread() {
    if !has_reactors() {
        return;
    }
    let _alone = alone();
    let served = Served::new(|builder| builder);
    call(&served.stub(), "fast").unwrap();
    let before = (entries("task"), entries("fd"));
    let count = connections();
    let mut peers: Vec<_> = (0..count).map(|_| peer::Peer::connect(&served.address())).collect();
    peers.iter_mut().for_each(|peer| peer.expect_settings());
    let now = (entries("task"), entries("fd"));
    // Each has two ends in this process.
    assert!(now.1 <= before.1 + 2 * count, "{before:?}, then {now:?} of {count} connections");
    // On a worker, if the machine was so slow that the method was taken for a long one.
    let is_ours = |reply: &str| reply.ends_with("grpc-reactor") || reply.ends_with("grpc-worker");
    for peer in &mut peers {
        let replies = peer.call("/hello.Greeter/SayHello", &["peer"]);
        assert!(replies.iter().all(|reply| is_ours(reply)), "{replies:?}");
    }
    let now = (entries("task"), entries("fd"));
    let threads_max = before.0 + thread::available_parallelism().unwrap().get() + 4;
    assert!(now.0 <= threads_max, "{before:?}, then {now:?} of {count} connections");
    assert!(now.1 <= before.1 + 2 * count, "{before:?}, then {now:?} of {count} connections");
}

/// A connection of a client has one thread, which has made it: a process that makes one call starts no
/// other.
#[test]
fn a_connection_of_a_client_has_one_thread() {
    let _alone = alone();
    let served = Served::new(|builder| builder);
    let first = served.stub();
    call(&first, "fast").unwrap();
    let before = threads_of_clients();
    let second = served.stub();
    call(&second, "fast").unwrap();
    let now = threads_of_clients();
    // Those of tests before this one may still end.
    assert!(now <= before + 1, "{before}, then {now}");
}

fn threads_of_clients() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|name| name.starts_with("grpc-client")).count()
}

/// A thousand, or what the system lets this process have.
fn connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let files = line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX);
    ((files - 200) / 2).min(1000)
}

/// A server that is stopped tells all clients at once, also those whose method has just begun and takes
/// no notice, and also those that share a connection or a thread with it.
#[test]
fn a_stopped_server_waits_for_no_method() {
    let _alone = alone();
    for _ in 0..5 {
        let served = Served::new(|builder| builder.max_workers(4));
        let (one, two) = (served.stub(), served.stub());
        // Both are connected.
        call(&one, "fast").unwrap();
        call(&two, "fast").unwrap();
        thread::scope(|scope| {
            let held = [&one, &two].map(|stub| scope.spawn(|| call(stub, "hold")));
            served.expect_held(1);
            served.server.stop(Duration::ZERO);
            for thread in held {
                assert_eq!(thread.join().unwrap().unwrap_err().code(), Code::Unavailable);
            }
            served.gate.open();
        });
    }
}
