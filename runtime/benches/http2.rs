//! What a unary call costs in the HTTP/2 core alone: two connections back to back, in memory.
//!
//! `cargo bench -p rust-grpc --bench http2`, best behind `taskset -c 0`; with `-- WORD` only the
//! cases whose name has that word. Prints nanoseconds (the fastest of many rounds) and allocations
//! of a call, by phase: the client opens (head and message), the server takes that in, answers
//! (head, message, trailers), and the client takes that in. Nothing here reads, writes or sleeps.

// The module is compiled again here, because it is no part of what the crate shows.
#![allow(dead_code, unused_imports, unreachable_pub, unsafe_code)]

#[path = "../src/http2/mod.rs"]
mod http2;
#[path = "../src/limits/mod.rs"]
mod limits;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::time::Instant;

use http2::{Config, Connection, Event, Headers, StreamId};

fn main() {
    let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
    let is_chosen = |name: &str| filter.as_ref().is_none_or(|word| name.contains(word.as_str()));
    println!(
        "{:>30} {:>22} {:>16} {:>16} {:>16} {:>16}",
        "", "call", "open", "serve", "answer", "receive"
    );
    for case in CASES.iter().filter(|case| is_chosen(case.name)) {
        case.run();
    }
}

/// A kind of call.
struct Case {
    name: &'static str,
    /// Calls go round so many methods.
    methods: usize,
    /// A `grpc-timeout`, of another value in every call.
    deadline: bool,
    /// Metadata of the request: one field that stays and one that is new in every call.
    metadata: bool,
    /// Bytes of a message, of the request and of the response.
    message: usize,
    /// Streams that are open beside the call.
    open: usize,
}

const PLAIN: Case =
    Case { name: "unary", methods: 1, deadline: false, metadata: false, message: 37, open: 0 };

const CASES: [Case; 7] = [
    PLAIN,
    Case { name: "unary, deadline", deadline: true, ..PLAIN },
    Case { name: "unary, metadata", metadata: true, ..PLAIN },
    Case { name: "unary, 8 methods", methods: 8, ..PLAIN },
    Case { name: "unary, 10000 open streams", open: 10_000, ..PLAIN },
    Case { name: "unary, 10000 open, deadline", open: 10_000, deadline: true, ..PLAIN },
    Case { name: "unary, 64 KiB", message: 64 << 10, ..PLAIN },
];

const ROUNDS: usize = 200;
const CALLS: usize = 500;
const PHASES: usize = 4;

impl Case {
    fn run(&self) {
        let (mut pair, clock) = (Pair::new(), clock());
        let heads: Vec<Headers> = (0..4096).map(|number| self.request(number)).collect();
        for _ in 0..self.open {
            pair.begin(&heads[0]);
        }
        let message = vec![7; self.message];
        let calls = if self.message > 1000 { CALLS / 20 } else { CALLS };
        let mut best = [u64::MAX; PHASES + 1];
        let mut allocations = [0; PHASES + 1];
        for round in 0..ROUNDS {
            let (mut times, before) = ([0; PHASES + 1], pair.allocations);
            let started = Instant::now();
            for call in 0..calls {
                pair.call(&heads[call % heads.len()], &message, &mut times, round % 2 == 0);
            }
            times[PHASES] = started.elapsed().as_nanos() as u64;
            times[..PHASES].iter_mut().for_each(|time| *time -= clock * calls as u64);
            for (phase, best) in best.iter_mut().enumerate() {
                // Rounds with and without a clock between the phases take turns.
                if (round % 2 == 0) == (phase < PHASES) {
                    *best = (*best).min(times[phase] / calls as u64);
                }
            }
            for (phase, allocations) in allocations.iter_mut().enumerate().take(PHASES) {
                *allocations = (pair.allocations[phase] - before[phase]) * 10 / calls as u64;
            }
        }
        allocations[PHASES] = allocations[..PHASES].iter().sum();
        let cell = |at: usize| format!("{} ns {:.1} al", best[at], allocations[at] as f64 / 10.0);
        print!("{:>30} {:>22}", self.name, cell(PHASES));
        (0..PHASES).for_each(|phase| print!(" {:>16}", cell(phase)));
        println!();
    }

    fn request(&self, number: usize) -> Headers {
        let mut headers = Headers::new();
        headers.push(":method", "POST");
        headers.push(":scheme", "http");
        headers.push(":path", format!("/helloworld.Greeter/SayHello{}", number % self.methods));
        headers.push(":authority", "localhost:50051");
        headers.push("te", "trailers");
        if self.deadline {
            headers.push("grpc-timeout", format!("{}u", 1_000_000 - number * 17));
        }
        headers.push("content-type", "application/grpc");
        headers.push("grpc-accept-encoding", "identity,deflate,gzip");
        headers.push("user-agent", "grpc-rust-sync/0.1.0");
        if self.metadata {
            headers.push("x-tenant", "example");
            headers.push("x-request-id", format!("{number:08x}-4a5b-4c6d-8e9f-0123456789ab"));
        }
        headers
    }
}

/// Two connections that have nothing between them.
struct Pair {
    client: Connection,
    server: Connection,
    head: Headers,
    trailers: Headers,
    now: Instant,
    allocations: [u64; PHASES],
}

impl Pair {
    fn new() -> Self {
        let config = Config { max_concurrent_streams: 20_000, ..Config::default() };
        let mut head = Headers::new();
        head.push(":status", "200");
        head.push("content-type", "application/grpc");
        let mut trailers = Headers::new();
        trailers.push("grpc-status", "0");
        let mut pair = Self {
            client: Connection::client(config.clone()),
            server: Connection::server(config),
            head,
            trailers,
            now: Instant::now(),
            allocations: [0; PHASES],
        };
        for _ in 0..3 {
            carry(&mut pair.client, &mut pair.server, pair.now, |_, _| ());
            carry(&mut pair.server, &mut pair.client, pair.now, |_, _| ());
        }
        pair
    }

    /// Opens a stream that stays open.
    fn begin(&mut self, head: &Headers) {
        self.client.open(head, false).expect("streams are left");
        carry(&mut self.client, &mut self.server, self.now, |_, _| ());
    }

    /// One call. With `is_split` the time of each phase is added to `times`.
    fn call(&mut self, head: &Headers, message: &[u8], times: &mut [u64], is_split: bool) {
        let mut clock = Clock { started: self.now, counted: allocations() };
        if is_split {
            clock.started = Instant::now();
        }
        let mut next = |phase: usize, counted: &mut [u64; PHASES]| {
            counted[phase] += allocations() - clock.counted;
            clock.counted = allocations();
            if is_split {
                let now = Instant::now();
                times[phase] += (now - clock.started).as_nanos() as u64;
                clock.started = Instant::now();
            }
        };

        let stream = self.client.open(head, false).expect("streams are left");
        let sent = self.client.send_data(stream, message, true).expect("the stream is open");
        assert_eq!(sent, message.len());
        next(0, &mut self.allocations);

        let mut received = 0;
        let (mut has_head, mut has_ended) = (false, false);
        carry(&mut self.client, &mut self.server, self.now, |server, event| match event {
            Event::Headers { headers, .. } => has_head = headers.len() >= 8,
            Event::Data { stream, data, end_stream } => {
                received += data.len();
                has_ended = end_stream;
                server.release(stream, data.len());
            }
            _ => {}
        });
        assert!(has_head && has_ended && received == message.len());
        next(1, &mut self.allocations);

        self.server.send_headers(stream, &self.head, false).expect("the stream is open");
        let sent = self.server.send_data(stream, message, false).expect("the stream is open");
        assert_eq!(sent, message.len());
        self.server.send_headers(stream, &self.trailers, true).expect("the stream is open");
        next(2, &mut self.allocations);

        let (mut received, mut fields) = (0, 0);
        carry(&mut self.server, &mut self.client, self.now, |client, event| match event {
            Event::Headers { headers, .. } | Event::Trailers { headers, .. } => {
                fields += headers.len();
            }
            Event::Data { stream, data, .. } => {
                received += data.len();
                client.release(stream, data.len());
            }
            _ => {}
        });
        assert!(fields == 3 && received == message.len());
        next(3, &mut self.allocations);
        // What windows ask for on the way back is nobody's phase.
        if self.client.has_output() {
            carry(&mut self.client, &mut self.server, self.now, |_, _| ());
        }
    }
}

/// What reading the clock costs.
fn clock() -> u64 {
    let look = |_| {
        let started = Instant::now();
        (Instant::now() - started).as_nanos() as u64
    };
    (0..10_000).map(look).min().unwrap_or_default()
}

struct Clock {
    started: Instant,
    counted: u64,
}

/// Takes what `from` has for the network to `to`.
fn carry(
    from: &mut Connection,
    to: &mut Connection,
    now: Instant,
    mut take: impl FnMut(&mut Connection, Event<'_>),
) {
    let output = from.take_output();
    let mut rest = output.as_slice();
    loop {
        let (consumed, event) = to.handle_bytes(rest, now).expect("no rule is broken");
        rest = &rest[consumed..];
        match event {
            Some(event) => take(to, event),
            None if rest.is_empty() => break,
            None => {}
        }
    }
    from.recycle_output(output);
}

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn allocations() -> u64 {
    ALLOCATIONS.get()
}

/// The system's allocator, which counts what this thread asks of it.
struct Counting;

// SAFETY: everything is passed on to the system's allocator as it came.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
