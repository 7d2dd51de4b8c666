//! What one unary call may cost while nothing else is going on, counted and not timed.
//!
//! The test runs itself again as a child, which makes calls over a TCP socket to a server of its own
//! and counts allocations; and follows the system calls of the child's threads by ptrace, which asks
//! for no privilege. On a machine that forbids it only the allocations are looked at.

#![cfg(all(target_os = "linux", target_env = "gnu", not(rust_grpc_portable)))]
#![cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../benches/unary/counted.rs"]
mod counted;
mod hello;
#[path = "budget/traced.rs"]
mod traced;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use hello::{Greeter, GreeterServer, GreeterStub, HelloReply, HelloRequest};
use nix::errno::Errno;
use rust_grpc::{Channel, Context, Server, Status};

/// Calls that are looked at. What counts is what most of them looked like.
const CALLS: usize = 200;
const ROUNDS: usize = 10;
/// Says to a child that it is one.
const CHILD: &str = "RUST_GRPC_BUDGET_CHILD";
const NAME: &str = "a_lone_unary_call_costs_no_more_than_its_budget";
const TEXT: &str = "as long as thirty-two bytes are.";

/// What a call costs a side.
#[derive(Debug)]
struct Budget {
    system_calls: usize,
    /// Those that take part.
    threads: usize,
    allocations: u64,
}

const CLIENT: Budget = Budget { system_calls: 2, threads: 1, allocations: 3 };
const SERVER: Budget = Budget { system_calls: 3, threads: 1, allocations: 4 };

/// A lone call is a send and a receive of the client, and a wait, a receive and a send of the
/// server, which spares the wait while its calls come soon. It wakes no other thread than the one of the
/// server that reads it. Of the allocations one of each side is the text of its message; of the client's
/// the others are the call and its stream, of the server's the stream, the call and its response.
#[test]
fn a_lone_unary_call_costs_no_more_than_its_budget() {
    if std::env::var_os(CHILD).is_some() {
        // Its name is that of the client's threads, for `counted`.
        let caller = thread::Builder::new().name("grpc-client-caller".to_owned());
        return caller.spawn(make_calls).unwrap().join().unwrap();
    }
    let (mut child, mut lines) = start_child();
    let allocations = line(&mut lines, "allocations");
    let mut allocations = allocations.split(' ').map(|number| number.parse().unwrap());
    let begin = |child: &mut Child| child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let trace = match traced::follow(&mut child, begin) {
        Err(Errno::EPERM) => {
            println!("ptrace is forbidden here: system calls are not counted");
            child.kill().unwrap();
            child.wait().unwrap();
            None
        }
        trace => Some(trace.unwrap()),
    };
    if let Some(trace) = &trace {
        assert_eq!(trace.calls(), CALLS);
        println!("most calls were\n{trace}");
    }
    for (side, budget) in [("client", CLIENT), ("server", SERVER)] {
        let cost = Budget {
            allocations: allocations.next().unwrap(),
            system_calls: trace.as_ref().map_or(0, |trace| trace.system_calls(side == "client")),
            threads: trace.as_ref().map_or(0, |trace| trace.threads(side == "client")),
        };
        println!("{side}: {cost:?}");
        assert!(cost.system_calls <= budget.system_calls, "{side}: {cost:?}, {budget:?}");
        assert!(cost.threads <= budget.threads, "{side}: {cost:?}, {budget:?}");
        assert!(cost.allocations <= budget.allocations, "{side}: {cost:?}, {budget:?}");
    }
}

fn start_child() -> (Child, impl BufRead) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME, "--nocapture"])
        .env(CHILD, "1")
        .env_remove("RUST_GRPC_THREADS")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap());
    (child, lines)
}

/// What follows `name` on its line of the child's output.
fn line(lines: &mut impl BufRead, name: &str) -> String {
    let mut line = String::new();
    loop {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the child ended without {name}");
        if let Some((_, rest)) = line.split_once(&format!("{name}: ")) {
            return rest.trim().to_owned();
        }
    }
}

struct Echo;

impl Greeter for Echo {
    fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        Ok(HelloReply { message: request.name, ..HelloReply::default() })
    }
}

/// The child: prints its allocations for each call, waits for a word, and makes calls between marks.
fn make_calls() {
    let service = GreeterServer::new(Echo);
    let server =
        Server::builder().add_service(service).bind("127.0.0.1:0").unwrap().start().unwrap();
    let channel = Channel::insecure(&server.local_addresses()[0].to_string()).unwrap();
    let stub = GreeterStub::new(channel);
    let request = HelloRequest { name: TEXT.to_owned(), ..HelloRequest::default() };
    let call = || assert_eq!(stub.say_hello(&request).unwrap().message, TEXT);
    (0..CALLS).for_each(|_| call());
    let [client, server] = fewest_allocations(call);
    println!("allocations: {client} {server}");
    std::io::stdin().lines().next();
    for _ in 0..CALLS {
        traced::mark();
        call();
    }
    traced::mark();
}

/// Of each side for each call, in the round that had the fewest: on a loaded machine calls go other
/// ways. Looking itself allocates, less than once for each call.
fn fewest_allocations(call: impl Fn()) -> [u64; 2] {
    let mut fewest = [u64::MAX; 2];
    for _ in 0..ROUNDS {
        let before = counted::sides();
        (0..CALLS).for_each(|_| call());
        let after = counted::sides();
        for side in [0, 1] {
            let allocations = (after[side] - before[side]).allocations;
            fewest[side] = fewest[side].min(allocations / CALLS as u64);
        }
    }
    fewest
}
