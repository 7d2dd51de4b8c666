//! What a connection of a server holds while nothing is going on over it, counted and not measured: every
//! byte of the process's heap.

#![cfg(all(target_os = "linux", not(rust_grpc_portable)))]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod hello;
#[path = "idle_memory/live.rs"]
mod live;
#[path = "threads/peer.rs"]
mod peer;

use std::thread;
use std::time::{Duration, Instant};

use hello::{Greeter, GreeterServer, HelloReply, HelloRequest};
use peer::Peer;
use rust_grpc::{Context, ReplySink, RequestStream, Server, Status};

const CONNECTIONS: usize = 100;
/// So many bring about what the process keeps for all of them, and each of its threads.
const FIRST: usize = 20;
/// The most that one may hold over which nothing was ever done.
const FRESH_MAX: usize = 4 << 10;
/// And one that has header sections to recognise and to repeat.
const USED_MAX: usize = 6 << 10;
/// What is done over a connection.
type Use = fn(&mut Peer);

const PATIENCE: Duration = Duration::from_secs(60);
const HELLO: &str = "/hello.Greeter/SayHello";
const CHAT: &str = "/hello.Greeter/Chat";

/// Says what it hears.
struct Echo;

impl Greeter for Echo {
    fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        Ok(request.name.as_str().into())
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        requests.try_for_each(|request| replies.send(HelloReply::from(request?.name.as_str())))
    }
}

/// A connection holds a few KiB while it is idle, whatever was done over it before: nothing, small calls, a
/// large one, a stream whose handler has waited for its client.
#[test]
fn an_idle_connection_holds_little() {
    if std::env::var_os("RUST_GRPC_THREADS").is_some_and(|shape| shape == "readers") {
        // There each has a thread, and what that reads into.
        return;
    }
    // One worker: each has memory of its own for large messages.
    let server = Server::builder().max_workers(1).add_service(GreeterServer::new(Echo));
    let server = server.bind("127.0.0.1:0").unwrap().start().unwrap();
    let address = server.local_addresses()[0].to_string();
    let uses: [(&str, usize, Use); 4] = [
        ("fresh", FRESH_MAX, |_| ()),
        ("after small calls", USED_MAX, |peer| {
            (0..20).for_each(|_| assert_eq!(peer.call(HELLO, &["peer"]), ["peer"]));
        }),
        ("after a large call", USED_MAX, |peer| {
            let name = "large".repeat(10_000);
            assert!(peer.call(HELLO, &[&name]) == [name]);
        }),
        ("after a stream", USED_MAX, |peer| {
            assert_eq!(peer.call(CHAT, &["a", "b", "c"]), ["a", "b", "c"]);
        }),
    ];
    let connection = |makes_use: Use| {
        let mut peer = Peer::connect(&address);
        peer.expect_settings();
        makes_use(&mut peer);
        peer.into_connection()
    };
    // Held to the end: what one of them lets go of must not be counted for others.
    let mut connections = Vec::with_capacity(uses.len() * (FIRST + CONNECTIONS));
    for (what, max, makes_use) in uses {
        connections.extend((0..FIRST).map(|_| connection(makes_use)));
        let before = live::settled();
        connections.extend((0..CONNECTIONS).map(|_| connection(makes_use)));
        let held = || live::bytes().saturating_sub(before) / CONNECTIONS;
        let start = Instant::now();
        // The last call of each has its reply before it has let go of everything.
        while held() > max && start.elapsed() < PATIENCE {
            thread::yield_now();
        }
        println!("{what}: {} bytes", held());
        assert!(held() <= max, "{what}: {} bytes, expected at most {max}", held());
    }
}
