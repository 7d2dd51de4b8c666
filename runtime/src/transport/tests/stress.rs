//! A seeded stress of `submit` and `pump`: many callers on one link over an in-memory wire that
//! splits, fills up, stalls and is cut. No call is lost, none ends twice, and all of it ends.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::http2::Reason;
use crate::transport::waiting::DeadlinePassed;
use crate::transport::{FullPool, Plan, SendError, Threads, Workers};

/// Numbers that follow from a seed (xorshift).
struct Random(u64);

impl Random {
    /// A number below `end`.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// What a server does with a call; the first byte of its first message.
const ECHO: u8 = 0;
const COLLECT: u8 = 1;
const ANSWER_EARLY: u8 = 2;
const RESET: u8 = 3;
const DROP: u8 = 4;

/// How many calls ended in which way.
#[derive(Default)]
struct Ends {
    whole: AtomicUsize,
    failed: AtomicUsize,
    refused: AtomicUsize,
}

fn request(kind: u8, size: usize) -> Vec<u8> {
    let mut bytes = crate::grpc::envelope::prefix(size.max(1)).to_vec();
    bytes.push(kind);
    bytes.resize(5 + size.max(1), 7);
    bytes
}

/// What runs on the server's workers for one call.
fn handle(stream: &Stream) -> Result<(), SendError> {
    let Ok(Incoming::Message(first, false)) = stream.receive(soon()) else { return Ok(()) };
    let kind = first[0];
    match kind {
        RESET => {
            stream.reset(Reason::INTERNAL_ERROR);
            return Ok(());
        }
        DROP => return Ok(()),
        _ => stream.send_headers(&response(), false)?,
    }
    let mut message = first;
    let mut count = 1;
    loop {
        if kind == ANSWER_EARLY {
            break;
        }
        if kind == ECHO {
            let mut framed = crate::grpc::envelope::prefix(message.len()).to_vec();
            framed.extend_from_slice(&message);
            stream.send_one_of_many(&framed, soon())?;
        }
        match stream.receive(soon()) {
            Ok(Incoming::Message(next, false)) => message = next,
            Ok(Incoming::End) => break,
            Ok(_) => return Ok(()),
            Err(DeadlinePassed) => panic!("the server waits for ever"),
        }
        count += 1;
    }
    if kind == COLLECT {
        stream.send_message(&framed(count), false, soon())?;
    }
    stream.send_headers(&trailers(), true)
}

/// One call; says whether it came to its good end. Fails if anything is missing or comes twice.
fn call(link: &Arc<Link>, random: &mut Random, ends: &Ends) {
    let kind = random.below(5) as u8;
    // Most calls are there to be whole.
    let kind = if random.one_in(3) { kind } else { kind % 2 };
    let messages = 1 + random.below(6);
    let size_max = [10, 1000, 30_000][random.below(3)];
    let until = random.one_in(8).then(|| now() + Duration::from_micros(random.below(3000) as u64));
    let cancels = random.one_in(8);
    let abandons = random.one_in(10);

    let opened = open(link, &request(kind, random.below(size_max)), false, until.or_else(soon));
    let stream = match opened {
        Ok(stream) => stream,
        Err(error) => {
            assert!(until.is_some() || error != OpenError::Deadline, "no stream for ever");
            ends.refused.fetch_add(1, Ordering::Relaxed);
            return;
        }
    };
    if abandons {
        ends.failed.fetch_add(1, Ordering::Relaxed);
        return;
    }
    if random.one_in(2) {
        stream.inbox().expect_burst();
    }
    let canceller = cancels.then(|| {
        let stream = stream.clone();
        thread::spawn(move || stream.reset(Reason::CANCEL))
    });
    let is_whole = converse(&stream, kind, messages, (random, size_max), until);
    match is_whole {
        Some(true) => ends.whole.fetch_add(1, Ordering::Relaxed),
        Some(false) => ends.failed.fetch_add(1, Ordering::Relaxed),
        None => {
            assert!(until.is_some(), "a call without a deadline hangs");
            ends.failed.fetch_add(1, Ordering::Relaxed)
        }
    };
    if let Some(canceller) = canceller {
        canceller.join().unwrap();
    }
}

/// Sends and receives the rest of a call: whole, failed, or `None` when its deadline passed.
fn converse(
    stream: &Stream,
    kind: u8,
    messages: usize,
    (random, size_max): (&mut Random, usize),
    until: Option<Instant>,
) -> Option<bool> {
    let until = until.or_else(soon);
    let mut replies = 0;
    let mut has_head = false;
    for sent in 1..=messages {
        if kind == ECHO {
            match next_reply(stream, &mut has_head, until)? {
                Reply::Message(_) => replies += 1,
                Reply::End(is_good) => {
                    assert!(!is_good, "the end came before the replies");
                    return Some(false);
                }
            }
        }
        let outcome = match sent < messages {
            true if random.one_in(2) => {
                stream.send_one_of_many(&request(kind, random.below(size_max)), until)
            }
            true => stream.send_message(&request(kind, random.below(size_max)), false, until),
            false => stream.finish(),
        };
        match outcome {
            Ok(()) => {}
            Err(SendError::Closed) => break,
            Err(SendError::Deadline) => return None,
        }
    }
    loop {
        match next_reply(stream, &mut has_head, until)? {
            Reply::Message(len) => {
                replies += 1;
                assert!(kind != COLLECT || len == messages, "{len} of {messages} arrived");
            }
            Reply::End(false) => return Some(false),
            Reply::End(true) => break,
        }
    }
    let expected = match kind {
        ECHO => messages,
        COLLECT => 1,
        _ => 0,
    };
    assert_eq!(replies, expected, "replies to a call of kind {kind}");
    Some(true)
}

enum Reply {
    Message(usize),
    /// Whether it is a good end.
    End(bool),
}

fn next_reply(stream: &Stream, has_head: &mut bool, until: Option<Instant>) -> Option<Reply> {
    loop {
        match stream.receive(until).ok()? {
            Incoming::Head { end, .. } => {
                assert!(!*has_head && !end, "one head, and trailers behind it");
                *has_head = true;
            }
            Incoming::Message(payload, false) => {
                assert!(*has_head);
                return Some(Reply::Message(payload.len()));
            }
            Incoming::Trailers(_) => {
                assert_eq!(stream.receive(until), Ok(Incoming::End), "a call ends once");
                return Some(Reply::End(true));
            }
            end @ (Incoming::Reset { .. } | Incoming::Lost(_)) => {
                assert_eq!(stream.receive(until), Ok(end), "a call ends once");
                return Some(Reply::End(false));
            }
            other => panic!("{other:?} is nothing that the server sends"),
        }
    }
}

/// What a network does now and then: it delivers nothing for a while.
fn disturb(random: &mut Random, knobs: &Knobs) {
    if random.one_in(3) {
        knobs.stall();
        (0..random.below(100)).for_each(|_| thread::yield_now());
        knobs.resume();
    }
}

fn workers() -> Workers<'static, Box<dyn FnOnce() + Send>> {
    let (threads, full) = (NonZeroUsize::new(4).unwrap(), FullPool::default());
    let plan = Plan { name: "stress", threads, full };
    Workers::new(&plan, Threads::of_process(), |job: Box<dyn FnOnce() + Send>, _| job())
}

/// Everything that follows from `seed`. Returns how many calls were whole.
fn run(seed: u64) -> usize {
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let config = Config {
        initial_window_size: 4096 << random.below(8),
        max_concurrent_streams: 1 + random.below(20) as u32,
        ..Config::default()
    };
    let (client, server) = pair();
    let (up, down) = (client.knobs(), server.knobs());
    for knobs in [&up, &down] {
        knobs.set_capacity(1 << (9 + random.below(9)));
        if random.one_in(3) {
            knobs.split_reads(50 + random.below(1000));
        }
    }
    let workers = Arc::new(workers());
    let pool = Arc::clone(&workers);
    let server = Link::server(Box::new(server), &accepting(config.clone()), move |accepted| {
        // Without a worker the request is dropped, which resets it.
        let _ = pool.run(Box::new(move || {
            // An error is the client's doing, and the client knows.
            let _ = handle(&accepted.stream);
        }));
    })
    .unwrap();
    let client = Link::client(Box::new(client), config, "stress-client").unwrap();
    let ends = Ends::default();
    let cut_at = random.one_in(4).then(|| random.below(CALLS));
    thread::scope(|scope| {
        for caller in 0..CALLERS {
            let mut random = Random(random.0.wrapping_add(caller as u64 * 7919) | 1);
            let (client, ends, up, down) = (&client, &ends, &up, &down);
            scope.spawn(move || {
                for number in 0..CALLS {
                    let direction = if random.one_in(2) { up } else { down };
                    disturb(&mut random, direction);
                    if caller == 0 && cut_at == Some(number) {
                        up.cut();
                    }
                    call(client, &mut random, ends);
                }
            });
        }
    });
    let Ends { whole, failed, refused } = ends;
    let whole = whole.into_inner();
    assert_eq!(whole + failed.into_inner() + refused.into_inner(), CALLERS * CALLS, "seed {seed}");
    let links = [Arc::downgrade(&client), Arc::downgrade(&server)];
    client.close();
    server.close();
    assert!(client.wait_closed(soon()) && server.wait_closed(soon()), "seed {seed}");
    workers.pool().shut_down();
    assert!(workers.pool().join(soon()), "a handler hangs: seed {seed}");
    drop((client, server, workers));
    eventually(|| links.iter().all(|link| link.strong_count() == 0));
    whole
}

/// Whatever callers and network do, every call ends once, in good order or with a reason, and
/// nothing is left of any of them.
#[test]
fn every_call_ends_once_under_stress() {
    let whole: usize = SEEDS.map(run).sum();
    assert!(whole > 500, "only {whole} calls came to their good end");
}

const CALLERS: usize = 6;
const CALLS: usize = 15;
const SEEDS: std::ops::Range<u64> = 1..31;
