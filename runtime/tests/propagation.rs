//! A calls B calls C: the deadline and the cancellation of A's call reach C, unless B says otherwise.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hello;

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{Channel, Code, Context, ReplySink, Request, RequestStream, Server, Status};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What C tells of its calls.
#[derive(Debug, PartialEq)]
enum Seen {
    /// A call has begun, with what is left of its deadline.
    Begun(Option<Duration>),
    Cancelled,
}

/// C: tells what it sees, and waits for its cancellation if the name asks for that.
struct Last(Mutex<Sender<Seen>>);

impl Last {
    fn tell(&self, seen: Seen) {
        self.0.lock().unwrap().send(seen).unwrap();
    }

    fn serve(&self, request: &str, context: &Context) -> Result<HelloReply, Status> {
        self.tell(Seen::Begun(context.time_remaining()));
        if request.ends_with("wait") {
            assert!(context.wait_cancelled(PATIENCE));
            self.tell(Seen::Cancelled);
            return Err(Status::aborted("nobody reads this"));
        }
        Ok("C".into())
    }
}

impl Greeter for Last {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        self.serve(&request.name, context)
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        context: &mut Context,
    ) -> Result<(), Status> {
        let request = requests.recv()?.unwrap_or_default();
        replies.send(self.serve(&request.name, context)?)
    }
}

/// B: passes every call on to C, in the way that its name begins with, and tells how that ended.
struct Middle {
    next: GreeterStub,
    detached: GreeterStub,
    ended: Mutex<Sender<Status>>,
}

impl Middle {
    fn pass_on(&self, request: &HelloRequest) -> Result<HelloReply, Status> {
        let name = request.name.as_str();
        let reply = match name.split(' ').next().unwrap_or_default() {
            "detached" => self.next.say_hello(Request::new(request).detached())?,
            "channel" => self.detached.say_hello(request)?,
            "short" => {
                self.next.say_hello(Request::new(request).timeout(Duration::from_secs(2)))?
            }
            "chat" => {
                let mut chat = self.next.chat(())?;
                chat.send(request)?;
                return Ok(chat.recv()?.unwrap_or_default());
            }
            _ => self.next.say_hello(request)?,
        };
        Ok(reply.into_inner())
    }
}

impl Greeter for Middle {
    fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        let result = self.pass_on(&request);
        if let Err(status) = &result {
            self.ended.lock().unwrap().send(status.clone()).unwrap();
        }
        result
    }
}

/// A's stub of B, and what C has seen.
struct Chain {
    stub: GreeterStub,
    seen: Receiver<Seen>,
    /// How B's calls of C have failed.
    ended: Receiver<Status>,
    servers: [Server; 2],
}

impl Chain {
    fn new() -> Self {
        let ((seeing, seen), (ending, ended)) = (mpsc::channel(), mpsc::channel());
        let last = serve(Last(Mutex::new(seeing)));
        let target = last.local_addresses()[0].to_string();
        let next = GreeterStub::new(Channel::insecure(&target).unwrap());
        let detached = GreeterStub::new(Channel::builder(&target).detached().build().unwrap());
        // One worker: the thread serves every call, and must not confuse them.
        let middle = serve(Middle { next, detached, ended: Mutex::new(ending) });
        let target = middle.local_addresses()[0].to_string();
        let stub = GreeterStub::new(Channel::insecure(&target).unwrap());
        Self { stub, seen, ended, servers: [middle, last] }
    }

    fn call(&self, name: &str, timeout: Option<Duration>) -> Result<(), Status> {
        let request = Request::new(HelloRequest::from(name));
        let request = match timeout {
            None => request,
            Some(timeout) => request.timeout(timeout),
        };
        self.stub.say_hello(request).map(drop)
    }

    /// What C was left of the deadline of the next call that it sees.
    fn remaining(&self) -> Option<Duration> {
        match self.seen.recv_timeout(PATIENCE).unwrap() {
            Seen::Begun(remaining) => remaining,
            Seen::Cancelled => panic!("a call was cancelled that had not begun"),
        }
    }

    fn stop(self) {
        self.servers.iter().for_each(|server| server.stop(PATIENCE));
    }
}

fn serve(greeter: impl Greeter + 'static) -> Server {
    let builder = Server::builder().max_workers(1).add_service(GreeterServer::new(greeter));
    builder.bind("127.0.0.1:0").unwrap().start().unwrap()
}

/// Checklist 35: C sees at most what remains of A's deadline, and no deadline where A has none.
#[test]
fn the_deadline_of_the_first_call_reaches_the_last_server() {
    let chain = Chain::new();
    let begun = Instant::now();
    chain.call("plain", Some(PATIENCE)).unwrap();
    let remaining = chain.remaining().expect("C sees a deadline");
    assert!(remaining <= PATIENCE, "{remaining:?}");
    assert!(remaining + begun.elapsed() + Duration::from_secs(1) >= PATIENCE, "{remaining:?}");
    chain.call("chat", Some(PATIENCE)).unwrap();
    assert!(chain.remaining().is_some_and(|remaining| remaining <= PATIENCE));
    // The same worker serves a call without deadline next.
    chain.call("plain", None).unwrap();
    assert_eq!(chain.remaining(), None);
    chain.stop();
}

/// A deadline of B's own counts if it is the earlier one.
#[test]
fn the_earlier_deadline_counts() {
    let chain = Chain::new();
    for timeout in [None, Some(PATIENCE)] {
        chain.call("short", timeout).unwrap();
        assert!(chain.remaining().is_some_and(|remaining| remaining <= Duration::from_secs(2)));
    }
    chain.stop();
}

/// A call that is detached, by itself or by its channel, has nothing of the call that B serves.
#[test]
fn a_detached_call_inherits_nothing() {
    let chain = Chain::new();
    for name in ["detached", "channel"] {
        chain.call(name, Some(PATIENCE)).unwrap();
        assert_eq!(chain.remaining(), None, "{name}");
    }
    chain.stop();
}

/// Checklist 35: a cancellation at A reaches C, whatever kind of call B waits on.
#[test]
fn a_cancellation_of_the_first_call_reaches_the_last_server() {
    let chain = Chain::new();
    for name in ["plain wait", "chat wait", "short wait"] {
        let pending = chain.stub.say_hello_pending(HelloRequest::from(name)).unwrap();
        chain.remaining();
        pending.cancel();
        assert_eq!(chain.seen.recv_timeout(PATIENCE).unwrap(), Seen::Cancelled, "{name}");
        let status = chain.ended.recv_timeout(PATIENCE).unwrap();
        assert_eq!(
            status.to_string(),
            "CANCELLED: the call that this one was made for is cancelled"
        );
        assert_eq!(pending.wait().unwrap_err().code(), Code::Cancelled);
    }
    chain.stop();
}

/// A cancellation at A ends a call of B that has no connection yet: C takes connections and says
/// nothing on them.
#[test]
fn a_cancellation_of_the_first_call_ends_connecting() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let channel = Channel::insecure(&silent.local_addr().unwrap().to_string()).unwrap();
    let (ending, ended) = mpsc::channel();
    let [next, detached] = [channel.clone(), channel].map(GreeterStub::new);
    let middle = serve(Middle { next, detached, ended: Mutex::new(ending) });
    let target = middle.local_addresses()[0].to_string();
    let stub = GreeterStub::new(Channel::insecure(&target).unwrap());
    let pending = stub.say_hello_pending(HelloRequest::from("plain")).unwrap();
    let _connection = silent.accept().unwrap();
    pending.cancel();
    // Connecting alone would take 20 s.
    let status = ended.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(status.to_string(), "CANCELLED: the call that this one was made for is cancelled");
    middle.stop(PATIENCE);
}

/// A deadline that passes at A ends the call at C. What B is told of that call depends on what comes
/// first: the deadline that B inherited, counted from when the request arrived there, or the reset
/// that A sends when its own has passed.
#[test]
fn a_deadline_that_passes_ends_the_whole_chain() {
    let chain = Chain::new();
    let status = chain.call("plain wait", Some(Duration::from_millis(200))).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!(chain.remaining().is_some_and(|left| left <= Duration::from_millis(200)));
    assert_eq!(chain.seen.recv_timeout(PATIENCE).unwrap(), Seen::Cancelled);
    let code = chain.ended.recv_timeout(PATIENCE).unwrap().code();
    assert!(matches!(code, Code::DeadlineExceeded | Code::Cancelled), "{code:?}");
    chain.stop();
}

/// A call that B detached goes on when A cancels.
#[test]
fn a_detached_call_goes_on_when_the_first_is_cancelled() {
    let chain = Chain::new();
    let pending = chain.stub.say_hello_pending(HelloRequest::from("detached wait")).unwrap();
    chain.remaining();
    pending.cancel();
    assert!(chain.seen.recv_timeout(Duration::from_millis(50)).is_err());
    // C is stopped without grace, which ends the call in its own way.
    chain.servers[1].stop(Duration::ZERO);
    assert_eq!(chain.seen.recv_timeout(PATIENCE).unwrap(), Seen::Cancelled);
    assert_eq!(chain.ended.recv_timeout(PATIENCE).unwrap().code(), Code::Unavailable);
    chain.stop();
}
