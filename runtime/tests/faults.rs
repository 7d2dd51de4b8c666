//! Faults of the network and of peers: every call ends exactly once with the right status, and no
//! thread, stream or descriptor is left.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "faults/echo.rs"]
mod echo;
#[path = "faults/proxy.rs"]
mod proxy;

use std::collections::HashMap;
use std::io::Read;
use std::net::TcpListener;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use echo::{CHAT, Counts, Echo, Text, UNARY};
use proxy::{Cut, Direction, Proxy};
use rust_grpc::generated::service;
use rust_grpc::{Channel, Code, Request, Response, Server, Status};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Calls that are cancelled.
const CANCELS: usize = 10_000;

/// One at a time: threads and descriptors are counted for the process.
static ALONE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve() -> (Server, Counts) {
    let echo = Echo::default();
    let counts = echo.counts();
    let server = Server::builder().add_service(echo).bind("127.0.0.1:0").unwrap().start().unwrap();
    (server, counts)
}

fn channel_to(address: &impl ToString) -> Channel {
    Channel::insecure(&address.to_string()).unwrap()
}

fn unary(channel: &Channel, request: Request<String>) -> Result<String, Status> {
    service::unary(channel, &UNARY, &Text, request).map(Response::into_inner)
}

fn patient(text: &str) -> Request<String> {
    Request::new(text.to_owned()).timeout(PATIENCE)
}

/// Entries of a folder of `/proc/self`.
fn entries(folder: &str) -> usize {
    std::fs::read_dir(format!("/proc/self/{folder}")).unwrap().count()
}

/// Waits until as many threads and descriptors are left as there were.
fn expect_nothing_left(before: (usize, usize)) {
    let start = Instant::now();
    loop {
        let now = (entries("task"), entries("fd"));
        if now.0 <= before.0 && now.1 <= before.1 {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "threads and descriptors: {before:?}, then {now:?}");
        thread::yield_now();
    }
}

fn counted() -> (usize, usize) {
    (entries("task"), entries("fd"))
}

/// A server, a channel and a call come and go once, so that what lives as long as the process is
/// there before anything is counted.
fn warm_up() {
    let (server, _) = serve();
    let channel = channel_to(&server.local_addresses()[0]);
    assert_eq!(unary(&channel, patient("warm")).unwrap(), "warm");
    let pending =
        service::unary_pending::<String, String, _>(&channel, &UNARY, &Text, patient("warm"));
    pending.unwrap().wait().unwrap();
    drop(channel);
    server.stop(Duration::ZERO);
}

/// Whatever byte of a call is the last one to arrive, in either direction, the call ends with OK
/// or UNAVAILABLE, and what the handler began it ends.
#[test]
fn a_connection_cut_at_each_byte_ends_its_call_once() {
    let _alone = alone();
    warm_up();
    let before = counted();
    let (server, counts) = serve();
    let target = server.local_addresses()[0].to_string();
    let mut ends = HashMap::new();
    for direction in [Direction::ToServer, Direction::ToClient] {
        for bytes in 0.. {
            let proxy = Proxy::start(&target, Some(Cut { direction, bytes }));
            let channel = channel_to(&proxy.address());
            let result = unary(&channel, patient("a call of some length"));
            drop(channel);
            proxy.join();
            match result {
                Ok(reply) => {
                    assert_eq!(reply, "a call of some length");
                    ends.insert((direction, Code::Ok), bytes);
                    break;
                }
                Err(status) => {
                    assert_eq!(status.code(), Code::Unavailable, "{direction:?} {bytes}: {status}");
                    *ends.entry((direction, Code::Unavailable)).or_default() += 1;
                }
            }
            assert!(bytes < 2000, "no call passed in {bytes} bytes {direction:?}");
        }
    }
    // A preface, SETTINGS and a request; SETTINGS and a response.
    assert!(ends[&(Direction::ToServer, Code::Unavailable)] > 100, "{ends:?}");
    assert!(ends[&(Direction::ToClient, Code::Unavailable)] > 60, "{ends:?}");
    server.stop(Duration::ZERO);
    drop(server);
    assert_eq!(counts.begun.load(Ordering::SeqCst), counts.ended.load(Ordering::SeqCst));
    expect_nothing_left(before);
}

/// A peer that accepts and never says a word: the deadline of the call counts.
#[test]
fn a_server_that_never_answers_is_deadline_exceeded() {
    let _alone = alone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let channel = channel_to(&listener.local_addr().unwrap());
    let soon = Request::new("a".to_owned()).timeout(Duration::from_millis(50));
    let status = unary(&channel, soon).unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
}

/// Half-open: from some byte on nothing passes, and nobody is told. The deadline ends the call at
/// the client, and its copy at the server ends the handler.
#[test]
fn a_half_open_connection_is_deadline_exceeded_on_both_sides() {
    let _alone = alone();
    let (server, counts) = serve();
    let proxy = Proxy::start(&server.local_addresses()[0].to_string(), None);
    let channel = channel_to(&proxy.address());
    let request = Request::new(()).timeout(Duration::from_millis(300));
    let mut chat =
        service::bidirectional::<String, String, _>(&channel, &CHAT, &Text, request).unwrap();
    chat.send("ping".to_owned()).unwrap();
    assert_eq!(chat.recv().unwrap().as_deref(), Some("ping"));
    proxy.freeze();
    // It may be late already.
    let _ = chat.send("lost".to_owned());
    let status = chat.recv().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    let start = Instant::now();
    while counts.ended.load(Ordering::SeqCst) == 0 {
        assert!(start.elapsed() < PATIENCE, "the handler was not told");
        thread::yield_now();
    }
    drop((chat, channel));
    proxy.join();
    server.stop(Duration::ZERO);
}

/// A server that closes at once, as one behind a dead proxy does, is UNAVAILABLE each time.
#[test]
fn a_peer_that_hangs_up_is_unavailable() {
    let _alone = alone();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = mpsc::channel::<()>();
    let peer = thread::spawn(move || {
        while stopped.try_recv().is_err() {
            let (mut connection, _) = listener.accept().unwrap();
            let _ = connection.read(&mut [0; 24]);
        }
    });
    let tick = Duration::from_millis(1);
    let channel =
        Channel::builder(&address.to_string()).reconnect_backoff(tick, tick).build().unwrap();
    for _ in 0..20 {
        let status = unary(&channel, patient("a")).unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status}");
    }
    stop.send(()).unwrap();
    // The last one wakes the peer up to see that it is over.
    drop(std::net::TcpStream::connect(address));
    peer.join().unwrap();
}

/// Ten thousand calls of two kinds, cancelled at random moments by another thread: each ends once,
/// with its reply or as CANCELLED, and so do the handlers.
#[test]
fn cancels_at_random_moments_leave_nothing() {
    let _alone = alone();
    warm_up();
    let before = counted();
    let (server, counts) = serve();
    let channel = channel_to(&server.local_addresses()[0]);
    let (send, receive) = mpsc::sync_channel::<rust_grpc::Canceller>(8);
    let canceller = thread::spawn(move || {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        for canceller in receive {
            for _ in 0..random.below(400) {
                std::hint::spin_loop();
            }
            canceller.cancel();
        }
    });
    let mut ends: HashMap<Code, usize> = HashMap::new();
    let mut random = Random(42);
    for number in 0..CANCELS {
        let result = match number % 2 {
            0 => cancelled_unary(&channel, &send),
            _ => cancelled_chat(&channel, &send, random.below(4)),
        };
        let code = result.err().map_or(Code::Ok, |status| {
            assert_eq!(status.code(), Code::Cancelled, "{status}");
            status.code()
        });
        *ends.entry(code).or_default() += 1;
    }
    drop(send);
    canceller.join().unwrap();
    assert_eq!(ends.values().sum::<usize>(), CANCELS);
    assert!(ends[&Code::Cancelled] > 0, "{ends:?}");
    // The connection has lived through all of it.
    assert_eq!(unary(&channel, patient("alive")).unwrap(), "alive");
    drop(channel);
    server.stop(Duration::from_secs(5));
    server.wait_for_termination();
    drop(server);
    let (begun, ended) = (counts.begun.load(Ordering::SeqCst), counts.ended.load(Ordering::SeqCst));
    assert_eq!(begun, ended);
    expect_nothing_left(before);
}

/// A server may end right behind a handler that has received a message: nobody watches the connection of
/// such a one for a moment, and nothing of it is left all the same.
#[test]
fn a_server_that_ends_behind_a_handler_leaves_nothing() {
    let _alone = alone();
    warm_up();
    let before = counted();
    for _ in 0..20 {
        let (server, _) = serve();
        let channel = channel_to(&server.local_addresses()[0]);
        let request = Request::new(()).timeout(PATIENCE);
        let mut chat =
            service::bidirectional::<String, String, _>(&channel, &CHAT, &Text, request).unwrap();
        for _ in 0..3 {
            chat.send("x".to_owned()).unwrap();
            chat.recv().unwrap();
        }
        drop((chat, channel));
        server.stop(PATIENCE);
        server.wait_for_termination();
    }
    expect_nothing_left(before);
}

fn cancelled_unary(
    channel: &Channel,
    cancel: &mpsc::SyncSender<rust_grpc::Canceller>,
) -> Result<(), Status> {
    let call = service::unary_pending::<String, String, _>(channel, &UNARY, &Text, patient("x"))?;
    cancel.send(call.canceller()).unwrap();
    call.wait().map(drop)
}

fn cancelled_chat(
    channel: &Channel,
    cancel: &mpsc::SyncSender<rust_grpc::Canceller>,
    messages: u64,
) -> Result<(), Status> {
    let request = Request::new(()).timeout(PATIENCE);
    let mut chat = service::bidirectional::<String, String, _>(channel, &CHAT, &Text, request)?;
    cancel.send(chat.canceller()).unwrap();
    for _ in 0..messages {
        chat.send("x".to_owned())?;
        chat.recv()?;
    }
    chat.close_send();
    chat.recv().map(drop)
}

/// xorshift64: the same numbers every time.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}
