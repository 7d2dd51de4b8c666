//! What the tests of links share: two links over an in-memory wire, or one link and a peer that a
//! test plays itself.

#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
mod alone;
mod closing;
mod current;
mod edges;
mod ends;
mod filling;
mod flow;
mod gathering;
mod leading;
#[cfg(feature = "testing")]
mod lifetime;
mod pauses;
#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
mod reactors;
mod sockets;
mod stress;

use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::channelz::Account;
use super::memory::{Knobs, MemoryWire, pair};
use super::wire::Interest;
use super::{
    Accepted, Accepting, Beginning, Incoming, Link, OpenError, Parents, Stream, Threads, Wire, now,
};
use crate::http2::{Config, Connection, Event, Headers, StreamId};

/// The receive limit of all tests: small, so that it is reached.
const LIMIT: usize = 1 << 20;

/// A client's link and a server's link over one wire.
struct Pair {
    client: Arc<Link>,
    server: Arc<Link>,
    /// What the server has accepted.
    requests: Receiver<Accepted>,
    /// The directions in which the client and the server write.
    up: Knobs,
    down: Knobs,
}

impl Pair {
    fn new() -> Self {
        Self::with(Config::default())
    }

    /// Both sides with the same `config`.
    fn with(config: Config) -> Self {
        let (client, server) = pair();
        let (up, down) = (client.knobs(), server.knobs());
        let (sender, requests) = channel();
        let server = Link::server(Box::new(server), &accepting(config.clone()), move |accepted| {
            // The test may have seen enough.
            let _ = sender.send(accepted);
        });
        let client = Link::client(Box::new(client), config, "test-client").unwrap();
        Self { client, server: server.unwrap(), requests, up, down }
    }

    /// A call that sends `first`, as both sides hold it.
    fn call(&self, first: &[u8], end: bool) -> (Stream, Accepted) {
        let stream = open(&self.client, first, end, None).unwrap();
        (stream, self.requests.recv_timeout(PATIENCE).expect("the request arrives"))
    }

    /// Closes both sides and shows that nothing is left of them.
    fn end(self) {
        let links = [Arc::downgrade(&self.client), Arc::downgrade(&self.server)];
        self.client.close();
        self.server.close();
        assert!(self.client.wait_closed(soon()) && self.server.wait_closed(soon()));
        drop(self);
        eventually(|| links.iter().all(|link: &Weak<Link>| link.strong_count() == 0));
    }
}

/// How the servers of the tests take connections.
fn accepting(config: Config) -> Accepting<'static> {
    Accepting {
        config,
        receive_limit: LIMIT,
        account: Account::default(),
        threads: Threads::of_process(),
    }
}

/// The other side of a client's link, played by the test.
struct Peer {
    core: Connection,
    wire: MemoryWire,
    /// The direction in which the link writes.
    up: Knobs,
    bytes: Vec<u8>,
}

impl Peer {
    /// A server that allows `max` streams, and a client's link to it.
    fn server(max: u32) -> (Arc<Link>, Self) {
        let (client, wire) = pair();
        let up = client.knobs();
        let config = Config { max_concurrent_streams: max, ..Config::default() };
        let link = Link::client(Box::new(client), Config::default(), "test-client").unwrap();
        let mut peer = Self { core: Connection::server(config), wire, up, bytes: Vec::new() };
        peer.expect(|event| matches!(event, Event::SettingsReceived).then_some(()));
        link.wait_ready(soon()).unwrap();
        (link, peer)
    }

    /// The next event that `select` wants; others are skipped.
    fn expect<T>(&mut self, select: impl Fn(&Event<'_>) -> Option<T>) -> T {
        loop {
            let (consumed, event) = self.core.handle_bytes(&self.bytes, now()).unwrap();
            let found = event.as_ref().and_then(&select);
            let is_idle = event.is_none() && consumed == self.bytes.len();
            self.bytes.drain(..consumed);
            self.flush();
            if let Some(found) = found {
                return found;
            }
            if is_idle {
                let readable = self.wire.wait(Interest::READ, Some(PATIENCE)).unwrap();
                assert!(readable.read, "nothing came");
                let mut buffer = [0; 4096];
                let count = self.wire.read(&mut buffer).unwrap();
                assert!(count > 0, "the link ended the wire");
                self.bytes.extend_from_slice(&buffer[..count]);
            }
        }
    }

    /// The next request.
    fn request(&mut self) -> StreamId {
        self.expect(|event| match event {
            Event::Headers { stream, .. } => Some(*stream),
            _ => None,
        })
    }

    /// Writes what the core has to say.
    fn flush(&mut self) {
        let bytes = self.core.take_output();
        let mut written = 0;
        while written < bytes.len() {
            match self.wire.write(&bytes[written..]) {
                Ok(count) => written += count,
                Err(_) => {
                    let writing = Interest { read: false, write: true };
                    self.wire.wait(writing, Some(PATIENCE)).unwrap();
                }
            }
        }
    }
}

/// Opens a stream with a valid request.
fn open(
    link: &Arc<Link>,
    first: &[u8],
    end: bool,
    until: Option<Instant>,
) -> Result<Stream, OpenError> {
    let head = &request();
    let parents = &Parents::default();
    link.open(Beginning { head, first, end, receive_limit: LIMIT, until, parents })
}

fn request() -> Headers {
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/test.Test/Test"),
        (":authority", "test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    fields.into_iter().collect()
}

fn response() -> Headers {
    [(":status", "200"), ("content-type", "application/grpc")].into_iter().collect()
}

fn trailers() -> Headers {
    [("grpc-status", "0")].into_iter().collect()
}

/// A message of `len` bytes behind its prefix.
fn framed(len: usize) -> Vec<u8> {
    let mut bytes = crate::grpc::envelope::prefix(len).to_vec();
    bytes.extend((0..len).map(|index| index as u8));
    bytes
}

/// What is received for [`framed`].
fn message(len: usize) -> Incoming {
    Incoming::Message((0..len).map(|index| index as u8).collect(), false)
}

/// What `stream` receives next.
fn receive(stream: &Stream) -> Incoming {
    stream.receive(soon()).expect("something comes")
}

/// A response that ends the call at once: what a handler without messages does.
fn answer(stream: &Stream) {
    stream.send_response(Some(&response()), &[], Some(&trailers()), soon()).unwrap();
}

/// The text of a lost connection.
fn lost(incoming: Incoming) -> String {
    match incoming {
        Incoming::Lost(text) => text.to_string(),
        other => panic!("expected a loss, got {other:?}"),
    }
}

/// A deadline that only a fault reaches.
#[allow(clippy::unnecessary_wraps, reason = "every deadline is optional")]
fn soon() -> Option<Instant> {
    Some(now() + PATIENCE)
}

/// Waits until `is_over` holds; fails after far more time than anything here needs.
pub(super) fn eventually(is_over: impl Fn() -> bool) {
    let until = now() + PATIENCE;
    while !is_over() {
        assert!(now() < until, "it did not happen");
        std::thread::yield_now();
    }
}

const PATIENCE: Duration = Duration::from_secs(20);
