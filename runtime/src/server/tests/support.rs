//! What the server's tests speak: a service made of closures, a server whose connections are wires
//! in memory, and a peer that sends whatever it is told to.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::grpc::codec::Writer;
use crate::grpc::compression;
use crate::grpc::{Codec, Method, MethodKind, Status, envelope};
use crate::http2::{Config, Connection, Event, Headers, Reason, StreamId};
use crate::server::compressing::Messages;
use crate::server::dispatch::Handlers;
use crate::server::lanes::lane_of;
use crate::server::router::Router;
use crate::server::{
    Context, GenericHandler, Lane, Parts, ReplySink, RequestStream, Server, ServerCall,
    ServerInterceptor, Service, Terms, lock, serve,
};
use crate::transport::channelz::{Account, Listed};
use crate::transport::memory::{self, MemoryWire};
use crate::transport::now;
use crate::transport::wire::{Address, Interest, Wire};
use crate::transport::{Accepting, FullPool, ThreadNames, Threads};

/// Longer than anything here takes on the slowest machine; never waited for when all is well.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// Messages that are text.
pub(super) struct Text;

impl Codec<String> for Text {
    fn encode(&self, value: &String, writer: &mut Writer) -> Result<(), Status> {
        writer.prepend(value.as_bytes());
        Ok(())
    }

    fn decode(&self, bytes: &[u8]) -> Result<String, Status> {
        String::from_utf8(bytes.to_vec()).map_err(|_| Status::internal("received text not UTF-8"))
    }
}

type Replies = ReplySink<String>;
type Requests = RequestStream<String>;
type Unary = dyn Fn(String, &mut Context) -> Result<String, Status> + Send + Sync;
type Listing = dyn Fn(String, &mut Replies, &mut Context) -> Result<(), Status> + Send + Sync;
type Recording = dyn Fn(&mut Requests, &mut Context) -> Result<String, Status> + Send + Sync;
type Chatting =
    dyn Fn(&mut Requests, &mut Replies, &mut Context) -> Result<(), Status> + Send + Sync;

/// The service `test.Talk`: a method of each kind, as the test wants it.
#[derive(Default)]
pub(super) struct Talk {
    unary: Option<Box<Unary>>,
    list: Option<Box<Listing>>,
    record: Option<Box<Recording>>,
    chat: Option<Box<Chatting>>,
}

impl Talk {
    pub(super) fn unary(
        method: impl Fn(String, &mut Context) -> Result<String, Status> + Send + Sync + 'static,
    ) -> Self {
        Self { unary: Some(Box::new(method)), ..Self::default() }
    }

    pub(super) fn list(
        method: impl Fn(String, &mut Replies, &mut Context) -> Result<(), Status>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { list: Some(Box::new(method)), ..Self::default() }
    }

    pub(super) fn record(
        method: impl Fn(&mut Requests, &mut Context) -> Result<String, Status> + Send + Sync + 'static,
    ) -> Self {
        Self { record: Some(Box::new(method)), ..Self::default() }
    }

    pub(super) fn chat(
        method: impl Fn(&mut Requests, &mut Replies, &mut Context) -> Result<(), Status>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self { chat: Some(Box::new(method)), ..Self::default() }
    }

    /// Answers every unary call with its request.
    pub(super) fn echo() -> Self {
        Self::unary(|request, _| Ok(request))
    }
}

const METHODS: &[Method] = &[
    Method::new("/test.Talk/Unary", MethodKind::Unary),
    Method::new("/test.Talk/List", MethodKind::ServerStreaming),
    Method::new("/test.Talk/Record", MethodKind::ClientStreaming),
    Method::new("/test.Talk/Chat", MethodKind::Bidirectional),
];

impl Service for Talk {
    fn name(&self) -> &str {
        "test.Talk"
    }

    fn methods(&self) -> &[Method] {
        METHODS
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        match (method, self) {
            (0, Self { unary: Some(unary), .. }) => call.unary(&Text, unary),
            (1, Self { list: Some(list), .. }) => call.server_streaming(&Text, list),
            (2, Self { record: Some(record), .. }) => call.client_streaming(&Text, record),
            (3, Self { chat: Some(chat), .. }) => call.bidirectional(&Text, chat),
            _ => call.unimplemented(),
        }
    }
}

/// A server without sockets, and the numbers that a test may change.
pub(super) struct Setup {
    service: Talk,
    generic_handlers: Vec<Arc<dyn GenericHandler>>,
    interceptors: Vec<Arc<dyn ServerInterceptor>>,
    workers: usize,
    full: FullPool,
    lanes: Vec<Lane>,
    calls_max: Option<usize>,
    connections_max: Option<usize>,
    receive_limit: usize,
    send_limit: usize,
    compression: compression::Options,
}

pub(super) struct TestServer {
    pub(super) server: Server,
    terms: Terms<'static>,
    /// How often each connection has written, in the order in which they were made.
    writes: Mutex<Vec<Arc<AtomicUsize>>>,
}

impl Setup {
    pub(super) fn new(service: Talk) -> Self {
        Self {
            service,
            generic_handlers: Vec::new(),
            interceptors: Vec::new(),
            workers: 8,
            full: FullPool::Queue { max: 8, max_wait: PATIENCE },
            lanes: Vec::new(),
            calls_max: None,
            connections_max: None,
            receive_limit: 1024,
            send_limit: 1024,
            compression: compression::Options::default(),
        }
    }

    pub(super) fn generic_handler(mut self, handler: impl GenericHandler + 'static) -> Self {
        self.generic_handlers.push(Arc::new(handler));
        self
    }

    pub(super) fn interceptor(mut self, interceptor: impl ServerInterceptor + 'static) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    pub(super) fn workers(self, workers: usize, queue: usize) -> Self {
        self.full_pool(workers, FullPool::Queue { max: queue, max_wait: PATIENCE })
    }

    pub(super) fn full_pool(mut self, workers: usize, full: FullPool) -> Self {
        (self.workers, self.full) = (workers, full);
        self
    }

    pub(super) fn lane(mut self, lane: Lane) -> Self {
        self.lanes.push(lane);
        self
    }

    pub(super) fn max_concurrent_rpcs(mut self, calls: usize) -> Self {
        self.calls_max = Some(calls);
        self
    }

    pub(super) fn max_connections(mut self, connections: usize) -> Self {
        self.connections_max = Some(connections);
        self
    }

    pub(super) fn send_limit(mut self, bytes: usize) -> Self {
        self.send_limit = bytes;
        self
    }

    #[cfg(feature = "gzip")]
    pub(super) fn compression(mut self, change: impl FnOnce(&mut compression::Options)) -> Self {
        change(&mut self.compression);
        self
    }

    pub(super) fn start(self) -> TestServer {
        let router = Router::new(vec![Arc::new(self.service)]).unwrap();
        let mut handlers = Handlers {
            router,
            generic_handlers: self.generic_handlers,
            interceptors: self.interceptors,
            thread_names: ThreadNames::OfMethods,
        };
        let lane = Lane::new("test-worker").max_workers(self.workers).full_pool(self.full);
        let lanes = std::iter::once(lane).chain(self.lanes).collect::<Vec<_>>();
        handlers.router.assign_lanes(|path| lane_of(path, &lanes));
        let (config, receive_limit) = (Config::default(), self.receive_limit);
        let encodings = self.compression.build_handle().unwrap();
        let messages = Messages { receive_limit, send_limit: self.send_limit, encodings };
        let (calls_max, connections_max) = (self.calls_max, self.connections_max);
        let listed = Listed::default();
        let parts = Parts { handlers, lanes, messages, calls_max, connections_max, listed };
        let accepting = Accepting {
            config,
            receive_limit,
            account: Account::default(),
            threads: Threads::of_process(),
        };
        let (server, terms) = Server::start(Vec::new(), parts, accepting).unwrap();
        TestServer { server, terms, writes: Mutex::default() }
    }
}

impl TestServer {
    /// A server with `service` and small limits: messages of 1 KiB both ways.
    pub(super) fn new(service: Talk) -> Self {
        Setup::new(service).start()
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Peer {
        self.connect_with(Config::default())
    }

    /// A new connection of a client whose streams begin with a window of `size` bytes, and which
    /// gives back what it has read.
    pub(super) fn connect_with_window(&self, size: u32) -> Peer {
        self.connect_with(Config { initial_window_size: size, ..Config::default() })
    }

    fn connect_with(&self, config: Config) -> Peer {
        let (ours, theirs) = memory::pair();
        let writes = Arc::new(AtomicUsize::new(0));
        lock(&self.writes).push(writes.clone());
        let wire = Counted { wire: theirs, writes: writes.clone() };
        serve(Box::new(wire), &self.terms);
        let connection = Connection::client(config);
        let mut peer = Peer {
            connection,
            wire: ours,
            streams: HashMap::new(),
            writes,
            farewells: 0,
            over: false,
        };
        peer.flush();
        peer
    }
}

/// A wire that counts writes.
struct Counted {
    wire: MemoryWire,
    writes: Arc<AtomicUsize>,
}

impl Wire for Counted {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.wire.read(buffer)
    }
    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.writes.fetch_add(1, Ordering::SeqCst);
        self.wire.write(bytes)
    }
    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        self.wire.wait(interest, timeout)
    }
    fn wake(&self) {
        self.wire.wake();
    }
    fn end_writing(&self) {
        self.wire.end_writing();
    }
    fn shutdown(&self) {
        self.wire.shutdown();
    }
    fn peer(&self) -> &Address {
        self.wire.peer()
    }
    fn local(&self) -> &Address {
        self.wire.local()
    }
}

/// A client that speaks HTTP/2 well and gRPC as it is told to.
pub(super) struct Peer {
    connection: Connection,
    wire: MemoryWire,
    streams: HashMap<StreamId, Response>,
    writes: Arc<AtomicUsize>,
    /// How many GOAWAYs have come.
    farewells: usize,
    over: bool,
}

/// What has come on one stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Response {
    pub(super) head: Option<Headers>,
    pub(super) bytes: Vec<u8>,
    pub(super) trailers: Option<Headers>,
    pub(super) reset: Option<Reason>,
    /// The peer has sent END_STREAM.
    pub(super) ended: bool,
}

impl Peer {
    /// Begins a call of `path`, with the fields of `extra` added or, where the name is there
    /// already, changed; an empty value removes the field.
    pub(super) fn open(&mut self, path: &str, extra: &[(&str, &str)], end: bool) -> StreamId {
        let mut fields = vec![
            (":method", "POST"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "test"),
            ("te", "trailers"),
            ("content-type", "application/grpc"),
        ];
        for (name, value) in extra {
            match fields.iter_mut().find(|field| field.0 == *name) {
                Some(field) => field.1 = value,
                None => fields.push((name, value)),
            }
        }
        let headers: Headers = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let stream = self.connection.open(&headers, end).unwrap();
        self.streams.insert(stream, Response::default());
        self.flush();
        stream
    }

    /// Sends bytes as they are.
    pub(super) fn send_bytes(&mut self, stream: StreamId, bytes: &[u8], end: bool) {
        let sent = self.connection.send_data(stream, bytes, end).unwrap();
        assert_eq!(sent, bytes.len(), "the peers of tests stay inside the window");
        self.flush();
    }

    /// Sends one message.
    pub(super) fn send(&mut self, stream: StreamId, message: &str, end: bool) {
        self.send_bytes(stream, &framed(message), end);
    }

    pub(super) fn reset(&mut self, stream: StreamId) {
        self.connection.reset(stream, Reason::CANCEL);
        self.flush();
    }

    /// One whole call: a head, one message with END_STREAM, the whole response.
    pub(super) fn call(&mut self, path: &str, extra: &[(&str, &str)], request: &str) -> Response {
        let stream = self.open(path, extra, false);
        self.send(stream, request, true);
        self.response(stream)
    }

    /// Whether a call of `path` comes to an end before the connection does.
    pub(super) fn calls(&mut self, path: &str) -> bool {
        let stream = self.open(path, &[], false);
        self.send(stream, "", true);
        while !self.over && !self.streams[&stream].ended {
            self.turn();
        }
        self.streams[&stream].ended
    }

    /// Waits for the end of a response, however it ends.
    pub(super) fn response(&mut self, stream: StreamId) -> Response {
        self.until(stream, |response| response.ended || response.reset.is_some())
    }

    /// Waits until what has come on `stream` is enough.
    pub(super) fn until(
        &mut self,
        stream: StreamId,
        is_enough: impl Fn(&Response) -> bool,
    ) -> Response {
        while !is_enough(&self.streams[&stream]) {
            assert!(!self.over, "the connection ended: {:?}", self.streams[&stream]);
            self.turn();
        }
        self.streams[&stream].clone()
    }

    /// Waits for the end of the connection.
    pub(super) fn until_closed(&mut self) {
        while !self.over {
            self.turn();
        }
    }

    /// Waits for the first GOAWAY of a shutdown, which refuses nothing yet.
    pub(super) fn until_going_away(&mut self) {
        self.until_farewells(1);
    }

    /// Waits for the last GOAWAY of a shutdown, which names the last stream.
    pub(super) fn until_gone_away(&mut self) {
        self.until_farewells(2);
    }

    fn until_farewells(&mut self, count: usize) {
        while self.farewells < count {
            assert!(!self.over, "the connection ended with {} GOAWAYs", self.farewells);
            self.turn();
        }
    }

    /// Cuts the connection.
    pub(super) fn cut(&self) {
        self.wire.knobs().cut();
    }

    /// How often the server has written so far.
    pub(super) fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    /// Waits for bytes and takes them in.
    fn turn(&mut self) {
        let mut buffer = [0; 4096];
        match self.wire.read(&mut buffer) {
            Ok(0) => self.over = true,
            Ok(count) => self.take(&buffer[..count]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let found = self.wire.wait(Interest::READ, Some(PATIENCE)).unwrap();
                assert!(found.read, "the server has sent nothing for {PATIENCE:?}");
            }
            Err(_) => self.over = true,
        }
    }

    fn take(&mut self, mut bytes: &[u8]) {
        loop {
            let (count, event) = self.connection.handle_bytes(bytes, now()).unwrap();
            bytes = &bytes[count..];
            let Some(event) = event else { break };
            let mut credit = None;
            match event {
                Event::Headers { stream, headers, end_stream, .. } => {
                    let response = self.streams.get_mut(&stream).unwrap();
                    (response.head, response.ended) = (Some(headers), end_stream);
                }
                Event::Data { stream, data, end_stream } => {
                    let response = self.streams.get_mut(&stream).unwrap();
                    response.bytes.extend_from_slice(data);
                    response.ended = end_stream;
                    credit = Some((stream, data.len()));
                }
                Event::Trailers { stream, headers, .. } => {
                    let response = self.streams.get_mut(&stream).unwrap();
                    (response.trailers, response.ended) = (Some(headers), true);
                }
                Event::Reset { stream, reason, .. } => {
                    self.streams.get_mut(&stream).unwrap().reset = Some(reason);
                }
                Event::GoAway { .. } => self.farewells += 1,
                _ => {}
            }
            if let Some((stream, count)) = credit {
                self.connection.release(stream, count);
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        let output = self.connection.take_output();
        let mut rest = &output[..];
        while !rest.is_empty() {
            match self.wire.write(rest) {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.wire.wait(Interest { read: false, write: true }, Some(PATIENCE)).unwrap();
                }
                // The server has closed: reading finds out.
                Err(_) => return,
            }
        }
    }
}

impl Response {
    /// The messages, each of which must be whole.
    pub(super) fn messages(&self) -> Vec<String> {
        let mut decoder = envelope::Decoder::new(usize::MAX);
        let (mut rest, mut messages) = (&self.bytes[..], Vec::new());
        while let (count, Some(message)) = decoder.decode(rest).unwrap() {
            rest = &rest[count..];
            messages.push(String::from_utf8(message.payload).unwrap());
        }
        decoder.finish().unwrap();
        messages
    }

    /// A field of the trailers, or of the one header section of Trailers-Only.
    pub(super) fn trailer(&self, name: &str) -> Option<&str> {
        let section = self.trailers.as_ref().or(self.head.as_ref())?;
        section.get(name).map(|value| str::from_utf8(value).unwrap())
    }

    /// A field of the head.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.head.as_ref()?.get(name).map(|value| str::from_utf8(value).unwrap())
    }

    /// `grpc-status` and `grpc-message`.
    pub(super) fn status(&self) -> (&str, &str) {
        let message = self.trailer("grpc-message").unwrap_or_default();
        (self.trailer("grpc-status").expect("a response without grpc-status"), message)
    }

    /// Whether the response is one header section with END_STREAM.
    pub(super) fn is_trailers_only(&self) -> bool {
        self.head.is_some() && self.trailers.is_none() && self.bytes.is_empty() && self.ended
    }
}

/// A message behind its prefix.
pub(super) fn framed(message: &str) -> Vec<u8> {
    let mut bytes = envelope::prefix(message.len()).to_vec();
    bytes.extend_from_slice(message.as_bytes());
    bytes
}
