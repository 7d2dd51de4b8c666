//! What one unary call costs each side: allocations, bytes allocated and time on a processor.
//!
//! Client and server run in this process, over memory and over a TCP socket, and are told apart by
//! their threads: the one that calls and those named `grpc-client…` are the client's, the rest are
//! the server's. Allocations are the same in every run; times are as good as the machine is quiet.
//!
//! ```text
//! cargo bench -p rust-grpc --bench unary                          everything
//! cargo bench -p rust-grpc --bench unary -- tcp 20000 deadline    one case, to be profiled
//! ```

#![allow(clippy::unwrap_used, reason = "a benchmark ends with its first error")]

#[path = "unary/counted.rs"]
mod counted;
#[path = "../tests/hello/mod.rs"]
mod hello;

use std::time::Duration;

use counted::Cost;
use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use rust_grpc::{Channel, Context, InProcess, Request, Server, Status};

/// What is called how.
#[derive(Clone, Copy)]
struct Case {
    is_tcp: bool,
    kind: &'static str,
    calls: u32,
}

/// The kinds of calls: without anything, with a deadline, with metadata both ways.
const KINDS: [&str; 3] = ["plain", "deadline", "metadata"];

struct Echo;

impl Greeter for Echo {
    fn say_hello(
        &self,
        request: HelloRequest,
        context: &mut Context,
    ) -> Result<HelloReply, Status> {
        if let Some(user) = context.metadata().get("x-user") {
            let user = user.to_owned();
            context.trailing_metadata_mut().insert("x-user", user)?;
        }
        Ok(HelloReply { message: request.name, ..HelloReply::default() })
    }
}

fn main() {
    // Cargo passes `--bench` along.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    println!(
        "{:<21} {:>9} {:>8} {:>10}   {:>9} {:>8} {:>10}",
        "per call", "client: n", "bytes", "ns of CPU", "server: n", "bytes", "ns of CPU"
    );
    let kinds = |kind: &str| KINDS.into_iter().find(|known| *known == kind).unwrap();
    match &arguments[..] {
        [] => {
            for is_tcp in [false, true] {
                KINDS.into_iter().for_each(|kind| run(Case { is_tcp, kind, calls: 20_000 }));
            }
        }
        [place, calls, kind] => {
            let (is_tcp, kind) = (place == "tcp", kinds(kind));
            run(Case { is_tcp, kind, calls: calls.parse().unwrap() });
        }
        _ => panic!("expected nothing, or: tcp|memory CALLS {}", KINDS.join("|")),
    }
}

fn run(case: Case) {
    let place = InProcess::new();
    let builder = Server::builder().add_service(GreeterServer::new(Echo));
    let builder = match case.is_tcp {
        true => builder.bind("127.0.0.1:0").unwrap(),
        false => builder.bind(&place).unwrap(),
    };
    let server = builder.start().unwrap();
    let channel = match case.is_tcp {
        true => Channel::insecure(&server.local_addresses()[0].to_string()).unwrap(),
        false => Channel::in_process(&place),
    };
    let stub = GreeterStub::new(channel);
    (0..case.calls / 10 + 10).for_each(|_| call(&stub, case.kind));
    let before = counted::sides();
    (0..case.calls).for_each(|_| call(&stub, case.kind));
    let after = counted::sides();
    let name = format!("{} {}", if case.is_tcp { "tcp" } else { "memory" }, case.kind);
    let [client, server] = [0, 1].map(|side| per_call(after[side] - before[side], case.calls));
    println!("{name:<21} {client}   {server}");
}

/// One call of a message of 32 bytes, echoed.
fn call(stub: &GreeterStub, kind: &str) {
    let request = HelloRequest { name: TEXT.to_owned(), ..HelloRequest::default() };
    let request = match kind {
        "deadline" => Request::new(request).timeout(Duration::from_secs(10)),
        "metadata" => Request::new(request).metadata("x-user", "alice"),
        _ => Request::new(request),
    };
    let reply = stub.say_hello(request).unwrap();
    assert_eq!(reply.message, TEXT);
}

fn per_call(cost: Cost, calls: u32) -> String {
    let calls = f64::from(calls);
    let [count, bytes, time] = [cost.allocations, cost.bytes, cost.time_ns];
    let [count, bytes, time] = [count, bytes, time].map(|sum| sum as f64 / calls);
    format!("{count:>9.2} {bytes:>8.0} {time:>10.0}")
}

const TEXT: &str = "as long as thirty-two bytes are.";
