//! The scripted peer: a server's HTTP/2 core on the other end of an in-memory wire.
//!
//! Every connection that the client makes runs the next script on a thread of its own. When the
//! script returns, the connection is closed.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::{Stub, text};
use crate::client::{Channel, ChannelBuilder};
use crate::grpc::envelope;
use crate::http2::{Config, Connection, Event, Headers, Reason, StreamId};
use crate::transport::memory::{self, Knobs, MemoryWire};
use crate::transport::wire::{Interest, Wire};
use crate::transport::{self, now};

/// What a peer does with one connection.
pub(crate) type Script = Box<dyn FnOnce(&mut Peer) + Send>;

/// A stub on a channel whose connections run `scripts`, one each; further ones are refused.
pub(crate) fn stub_against(scripts: Vec<Script>) -> (Stub, Peers) {
    build_against(Channel::builder("memory"), scripts)
}

/// As [`stub_against`], with the channel's settings.
pub(crate) fn build_against(builder: ChannelBuilder, scripts: Vec<Script>) -> (Stub, Peers) {
    build_behind(builder, scripts, |_| ())
}

/// As [`build_against`]; every attempt to connect calls `before` first.
pub(crate) fn build_behind(
    builder: ChannelBuilder,
    scripts: Vec<Script>,
    before: impl Fn(Option<Instant>) + Send + Sync + 'static,
) -> (Stub, Peers) {
    let peers = Peers(Arc::default());
    peers.0.lock().unwrap().scripts.extend(scripts);
    let dial = peers.clone();
    let connect = Box::new(move |attempt: transport::Dial| {
        before(attempt.until);
        dial.connect()
    });
    (Stub(builder.build_with(text("memory"), text("localhost"), connect).unwrap()), peers)
}

/// One script, boxed.
pub(crate) fn script(run: impl FnOnce(&mut Peer) + Send + 'static) -> Vec<Script> {
    vec![Box::new(run)]
}

/// All peers of one channel.
#[derive(Clone, Default)]
pub(crate) struct Peers(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    scripts: VecDeque<Script>,
    threads: Vec<JoinHandle<()>>,
    connects: usize,
}

impl Peers {
    /// Waits until all scripts have run, so that what they found wrong fails the test.
    pub(crate) fn join(self) {
        loop {
            let thread = self.0.lock().unwrap().threads.pop();
            match thread {
                Some(thread) => thread.join().unwrap(),
                None => break,
            }
        }
        assert!(self.0.lock().unwrap().scripts.is_empty(), "a script was not run");
    }

    /// Adds a script for a further connection.
    pub(crate) fn add(&self, run: impl FnOnce(&mut Peer) + Send + 'static) {
        self.0.lock().unwrap().scripts.push_back(Box::new(run));
    }

    /// Waits until the client has connected.
    pub(crate) fn until_connected(&self) {
        while self.connects() == 0 {
            thread::yield_now();
        }
    }

    /// How often the client has connected.
    pub(crate) fn connects(&self) -> usize {
        self.0.lock().unwrap().connects
    }

    /// What the channel does to connect.
    pub(crate) fn connect(&self) -> io::Result<Box<dyn Wire>> {
        let mut inner = self.0.lock().unwrap();
        inner.connects += 1;
        let Some(script) = inner.scripts.pop_front() else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        let (ours, theirs) = memory::pair();
        inner.threads.push(thread::spawn(move || {
            let mut peer = Peer::new(theirs, Config::default());
            peer.flush();
            script(&mut peer);
            peer.flush();
        }));
        Ok(Box::new(ours))
    }
}

/// One connection, seen from the server.
pub(crate) struct Peer {
    wire: MemoryWire,
    core: Connection,
    seen: VecDeque<Seen>,
    /// Data that is still on its way on these streams means nothing.
    refused: Vec<StreamId>,
    /// Why the client has said GOAWAY.
    farewell: Option<Reason>,
}

/// What the peer has seen the client do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seen {
    Head {
        stream: StreamId,
        headers: Headers,
        end: bool,
    },
    Data {
        stream: StreamId,
        data: Vec<u8>,
        end: bool,
    },
    Reset {
        stream: StreamId,
        reason: Reason,
    },
    /// It has answered a PING.
    Acknowledged([u8; 8]),
    Closed,
}

impl Peer {
    fn new(wire: MemoryWire, config: Config) -> Self {
        Self {
            wire,
            core: Connection::server(config),
            seen: VecDeque::new(),
            refused: Vec::new(),
            farewell: None,
        }
    }

    /// The knobs of what the client reads.
    pub(crate) fn knobs(&self) -> Knobs {
        self.wire.knobs()
    }

    /// Begins the connection anew with other settings; before anything was received.
    pub(crate) fn configure(&mut self, change: impl FnOnce(&mut Config)) {
        let mut config = Config::default();
        change(&mut config);
        self.core = Connection::server(config);
    }

    /// Takes what a client begins with, and answers with SETTINGS.
    pub(crate) fn greet(&mut self) {
        assert!(self.read(), "the client says something first");
        self.flush();
    }

    /// Waits for what the client does next.
    pub(crate) fn next(&mut self) -> Seen {
        loop {
            self.flush();
            match self.seen.pop_front() {
                Some(Seen::Data { stream, .. } | Seen::Reset { stream, .. })
                    if self.refused.contains(&stream) =>
                {
                    continue;
                }
                Some(seen) => return seen,
                None => {}
            }
            if !self.read() {
                return Seen::Closed;
            }
        }
    }

    /// Waits for a request's head.
    pub(crate) fn head(&mut self) -> (StreamId, Headers) {
        match self.next() {
            Seen::Head { stream, headers, .. } => (stream, headers),
            other => panic!("expected a head, got {other:?}"),
        }
    }

    /// As [`head`](Self::head), whatever is reset before; `None` once the client is gone.
    #[cfg(feature = "json")]
    pub(crate) fn head_or_end(&mut self) -> Option<(StreamId, Headers)> {
        loop {
            match self.next() {
                Seen::Closed => return None,
                Seen::Head { stream, headers, .. } => return Some((stream, headers)),
                Seen::Reset { .. } => {}
                other => panic!("expected a head, got {other:?}"),
            }
        }
    }

    /// Waits for a request of one message and its end.
    pub(crate) fn request(&mut self) -> (StreamId, String) {
        let (stream, _) = self.head();
        let bytes = self.rest(stream);
        assert!(bytes.len() >= envelope::PREFIX_LEN, "expected a message, got {bytes:?}");
        (stream, String::from_utf8(bytes[envelope::PREFIX_LEN..].to_vec()).unwrap())
    }

    /// As [`request`](Self::request); `None` once the client is gone.
    pub(crate) fn request_or_end(&mut self) -> Option<(StreamId, String)> {
        match self.next() {
            Seen::Closed => None,
            seen => {
                self.seen.push_front(seen);
                Some(self.request())
            }
        }
    }

    /// Waits for all data of a stream up to its end.
    pub(crate) fn rest(&mut self, wanted: StreamId) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                Seen::Data { stream, data, end } => {
                    assert_eq!(stream, wanted);
                    bytes.extend(data);
                    if end {
                        return bytes;
                    }
                }
                other => panic!("expected data of {wanted:?}, got {other:?}"),
            }
        }
    }

    /// Waits for data of a stream.
    pub(crate) fn data(&mut self, wanted: StreamId) -> Vec<u8> {
        match self.next() {
            Seen::Data { stream, data, .. } if stream == wanted => data,
            other => panic!("expected data of {wanted:?}, got {other:?}"),
        }
    }

    /// Waits for the client's reset of a stream; what comes before it does not matter.
    pub(crate) fn reset_of(&mut self, wanted: StreamId) -> Reason {
        loop {
            match self.next() {
                Seen::Reset { stream, reason } if stream == wanted => return reason,
                Seen::Closed => panic!("closed before {wanted:?} was reset"),
                _ => {}
            }
        }
    }

    /// Why the client has said GOAWAY, if it has.
    pub(crate) fn farewell(&self) -> Option<Reason> {
        self.farewell
    }

    /// Waits until the client is gone.
    pub(crate) fn until_closed(&mut self) {
        while self.next() != Seen::Closed {}
    }

    pub(crate) fn send_head(&mut self, stream: StreamId, extra: &[(&str, &str)]) {
        let head = [(":status", "200"), ("content-type", "application/grpc")];
        self.send_fields(stream, head.iter().chain(extra), false);
    }

    pub(crate) fn send_message(&mut self, stream: StreamId, payload: &str) {
        let mut framed = envelope::prefix(payload.len()).to_vec();
        framed.extend_from_slice(payload.as_bytes());
        self.send_data(stream, &framed, false);
    }

    pub(crate) fn send_data(&mut self, stream: StreamId, data: &[u8], end: bool) {
        let mut rest = data;
        loop {
            let count = self.core.send_data(stream, rest, end).unwrap();
            rest = &rest[count..];
            self.flush();
            if rest.is_empty() {
                return;
            }
            assert!(self.read(), "closed before all was sent");
        }
    }

    pub(crate) fn send_trailers(&mut self, stream: StreamId, fields: &[(&str, &str)]) {
        self.send_fields(stream, fields.iter(), true);
    }

    /// Answers a call with one message and OK.
    pub(crate) fn reply(&mut self, stream: StreamId, payload: &str) {
        self.send_head(stream, &[]);
        self.send_message(stream, payload);
        self.send_trailers(stream, &[("grpc-status", "0")]);
    }

    /// Answers a call with a section of fields that is all there is.
    pub(crate) fn send_only(&mut self, stream: StreamId, fields: &[(&str, &str)]) {
        self.send_fields(stream, fields.iter(), true);
    }

    pub(crate) fn send_fields<'a>(
        &mut self,
        stream: StreamId,
        fields: impl Iterator<Item = &'a (&'a str, &'a str)>,
        end: bool,
    ) {
        let headers: Headers = fields.copied().collect();
        self.core.send_headers(stream, &headers, end).unwrap();
        self.flush();
    }

    pub(crate) fn reset(&mut self, stream: StreamId, reason: Reason) {
        self.core.reset(stream, reason);
        self.flush();
    }

    /// Resets a stream as one that the server has not looked at.
    pub(crate) fn refuse(&mut self, stream: StreamId) {
        self.refuse_data_of(stream);
        self.reset(stream, Reason::REFUSED_STREAM);
    }

    /// Data that is still on its way on a stream means nothing.
    pub(crate) fn refuse_data_of(&mut self, stream: StreamId) {
        self.refused.push(stream);
    }

    /// What the script does to the core itself.
    pub(crate) fn core(&mut self) -> &mut Connection {
        &mut self.core
    }

    pub(crate) fn flush(&mut self) {
        let output = self.core.take_output();
        let mut rest = &output[..];
        while !rest.is_empty() {
            match self.wire.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let writing = Interest { read: false, write: true };
                    let found = self.wire.wait(writing, Some(PATIENCE)).unwrap();
                    assert!(found.write, "the client read nothing for {PATIENCE:?}");
                }
                Err(_) => return,
            }
        }
    }

    /// Writes bytes past the core.
    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.flush();
        assert_eq!(self.wire.write(bytes).unwrap(), bytes.len());
    }

    /// Reads once, waiting for bytes; says whether the client is still there.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.wire.read(&mut buffer) {
                Ok(0) => return false,
                Ok(count) => {
                    self.receive(&buffer[..count]);
                    return true;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let reading = Interest { read: true, write: false };
                    let found = self.wire.wait(reading, Some(PATIENCE)).unwrap();
                    assert!(found.read, "the client did nothing for {PATIENCE:?}");
                }
                Err(_) => return false,
            }
        }
    }

    fn receive(&mut self, mut bytes: &[u8]) {
        let mut credits = Vec::new();
        loop {
            let (count, event) = self.core.handle_bytes(bytes, now()).unwrap();
            bytes = &bytes[count..];
            match event {
                None if bytes.is_empty() => break,
                None => {}
                Some(Event::Headers { stream, headers, end_stream, .. }) => {
                    self.seen.push_back(Seen::Head { stream, headers, end: end_stream });
                }
                Some(Event::Data { stream, data, end_stream }) => {
                    credits.push((stream, data.len()));
                    self.seen.push_back(Seen::Data {
                        stream,
                        data: data.to_vec(),
                        end: end_stream,
                    });
                }
                Some(Event::Reset { stream, reason, .. }) => {
                    self.seen.push_back(Seen::Reset { stream, reason });
                }
                Some(Event::PingAcked(payload)) => {
                    self.seen.push_back(Seen::Acknowledged(payload));
                }
                Some(Event::GoAway { reason, .. }) => self.farewell = Some(reason),
                Some(_) => {}
            }
        }
        for (stream, count) in credits {
            self.core.release(stream, count);
        }
    }
}

/// Longer than any step of a test takes; a step that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(20);
