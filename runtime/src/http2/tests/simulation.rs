//! Two cores in one thread, with virtual time: a client and a server exchange random calls over a
//! wire that hands over random pieces, stalls and breaks, as a seed says.
//!
//! What must hold: everything arrives whole and in order unless its stream was reset; no window is
//! broken; nobody waits for ever; in the end every window is given back.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use super::frames::{REQUEST, RESPONSE, TRAILERS, list};
use super::monitor::Monitor;
use super::random::Random;
use crate::http2::{Config, Connection, Event, Headers, OpenError, Reason, StreamId};
use crate::limits::http2::INITIAL_WINDOW_SIZE;

/// How many seeds are tried; `SIMULATION_SEEDS` asks for more. A seed that fails is printed.
const SEEDS: u64 = 200;

/// One call as one side sees it.
#[derive(Debug, Default)]
struct Call {
    head_sent: bool,
    /// Bytes that this side sends, and how many it has.
    total: usize,
    sent: usize,
    end_sent: bool,
    /// Waits for Writable.
    is_blocked: bool,
    /// Bytes that the other side says it sends, and how many have come.
    expected: usize,
    received: usize,
    /// Received and not released.
    held: usize,
    end_received: bool,
    is_reset: bool,
}

/// One side of the simulation: a core and its application.
struct Side {
    core: Connection,
    calls: BTreeMap<StreamId, Call>,
    /// Bytes on their way to this side.
    wire: VecDeque<u8>,
    monitor: Monitor,
    is_client: bool,
    to_open: usize,
    waits_for_streams: bool,
    body_max: usize,
}

struct Simulation {
    random: Random,
    now: Instant,
    sides: [Side; 2],
    /// Streams that an application has reset, or that the server has refused.
    reset: BTreeSet<StreamId>,
    resets_left: usize,
    is_drained: bool,
}

impl Side {
    fn new(is_client: bool, config: Config, random: &mut Random) -> Self {
        let body_max = (config.initial_window_size as usize * 40).clamp(100, 100_000);
        Self {
            core: if is_client { Connection::client(config) } else { Connection::server(config) },
            calls: BTreeMap::new(),
            wire: VecDeque::new(),
            monitor: Monitor::new(),
            is_client,
            to_open: if is_client { 1 + random.below(30) } else { 0 },
            waits_for_streams: false,
            body_max,
        }
    }

    /// The byte at `offset` of what a side sends on a stream.
    fn byte(is_client: bool, stream: StreamId, offset: usize) -> u8 {
        (offset * 7 + stream.0 as usize * 13 + usize::from(is_client)) as u8
    }

    fn head(&self, total: usize) -> Headers {
        let mut head = list(if self.is_client { REQUEST } else { RESPONSE });
        head.push("x-total", total.to_string());
        head
    }

    /// Reads `count` bytes from the wire.
    fn read(&mut self, count: usize, now: Instant, reset: &mut BTreeSet<StreamId>) {
        let bytes: Vec<u8> = self.wire.drain(..count).collect();
        self.monitor.on_received(&bytes);
        let mut rest = bytes.as_slice();
        loop {
            let (consumed, event) = match self.core.handle_bytes(rest, now) {
                Ok(taken) => taken,
                Err(error) => panic!("the other side is blamed: {error}"),
            };
            rest = &rest[consumed..];
            let Some(event) = event else { break };
            Self::take(&mut self.calls, event, self.is_client, &mut self.waits_for_streams, reset);
        }
        assert!(rest.is_empty());
    }

    fn poll(&mut self, reset: &mut BTreeSet<StreamId>) {
        while let Some(event) = self.core.poll_event() {
            Self::take(&mut self.calls, event, self.is_client, &mut self.waits_for_streams, reset);
        }
    }

    fn take(
        calls: &mut BTreeMap<StreamId, Call>,
        event: Event<'_>,
        is_client: bool,
        waits_for_streams: &mut bool,
        reset: &mut BTreeSet<StreamId>,
    ) {
        match event {
            Event::Headers { stream, headers, end_stream, truncated } => {
                assert!(!truncated);
                let call = calls.entry(stream).or_default();
                let total = headers.get("x-total").unwrap();
                call.expected = std::str::from_utf8(total).unwrap().parse().unwrap();
                call.end(stream, end_stream);
            }
            Event::Data { stream, data, end_stream } => {
                let call = calls.get_mut(&stream).expect("data after the head");
                let wrong = data.iter().enumerate().find(|(index, byte)| {
                    **byte != Self::byte(!is_client, stream, call.received + index)
                });
                assert_eq!(wrong, None, "{stream:?} after {} bytes", call.received);
                call.received += data.len();
                call.held += data.len();
                call.end(stream, end_stream);
            }
            Event::Trailers { stream, headers, truncated } => {
                assert!(!truncated && headers == list(TRAILERS));
                calls.get_mut(&stream).expect("trailers after the head").end(stream, true);
            }
            Event::Reset { stream, reason, .. } => {
                if reason == Reason::REFUSED_STREAM {
                    reset.insert(stream);
                }
                assert!(reset.contains(&stream), "{stream:?} was reset by nobody: {reason}");
                calls.get_mut(&stream).expect("a stream that is known").is_reset = true;
            }
            Event::Writable { stream } => {
                calls.get_mut(&stream).expect("a stream that is known").is_blocked = false;
            }
            // Whoever waits for a stream after GOAWAY waits in vain.
            Event::StreamsAvailable | Event::GoAway { .. } => *waits_for_streams = false,
            Event::SettingsReceived | Event::SettingsAcked | Event::PingAcked(_) => {}
        }
    }

    /// The application does something.
    fn act(&mut self, random: &mut Random) {
        if self.to_open > 0 && !self.waits_for_streams && random.once_in(4) {
            self.open(random);
        }
        if random.once_in(50) {
            self.core.ping(random.next().to_be_bytes());
        }
        let streams: Vec<StreamId> = self.calls.keys().copied().collect();
        for stream in streams {
            let call = self.calls.get_mut(&stream).expect("just listed");
            if call.held > 0 && random.once_in(3) {
                let count = 1 + random.below(call.held);
                call.held -= count;
                self.core.release(stream, count);
            }
            if !call.is_reset && !call.end_sent && !call.is_blocked && random.once_in(2) {
                self.send(stream, random);
            }
        }
    }

    fn open(&mut self, random: &mut Random) {
        let total = random.size(self.body_max);
        match self.core.open(&self.head(total), false) {
            Ok(stream) => {
                let call = Call { head_sent: true, total, ..Call::default() };
                assert!(self.calls.insert(stream, call).is_none());
                self.to_open -= 1;
            }
            Err(OpenError::StreamLimit) => self.waits_for_streams = true,
            Err(OpenError::GoingAway) => self.to_open = 0,
            Err(refusal) => panic!("{refusal}"),
        }
    }

    fn send(&mut self, stream: StreamId, random: &mut Random) {
        let total = random.size(self.body_max);
        let head = self.head(total);
        let call = self.calls.get_mut(&stream).expect("a call in progress");
        if !call.head_sent {
            call.head_sent = true;
            call.total = total;
            self.core.send_headers(stream, &head, false).expect("an open stream");
            return;
        }
        let left = call.total - call.sent;
        if left == 0 {
            call.end_sent = true;
            // A client ends with an empty DATA, a server with trailers.
            if self.is_client {
                assert_eq!(self.core.send_data(stream, &[], true), Ok(0));
            } else {
                self.core.send_headers(stream, &list(TRAILERS), true).expect("an open stream");
            }
            return;
        }
        let count = 1 + random.size(left - 1);
        let range = call.sent..call.sent + count;
        let data: Vec<u8> = range.map(|at| Self::byte(self.is_client, stream, at)).collect();
        let end = self.is_client && count == left && random.once_in(2);
        let accepted = self.core.send_data(stream, &data, end).expect("an open stream");
        call.sent += accepted;
        call.is_blocked = accepted < count;
        call.end_sent = end && accepted == count;
    }

    fn is_done(&self) -> bool {
        self.to_open == 0 && self.calls.values().all(|call| call.is_over() && call.held == 0)
    }
}

impl Call {
    fn is_over(&self) -> bool {
        self.is_reset || (self.end_sent && self.end_received)
    }

    fn end(&mut self, stream: StreamId, end: bool) {
        assert!(!self.end_received && !self.is_reset, "{stream:?} goes on after its end");
        assert!(self.received <= self.expected);
        if end {
            assert_eq!(self.received, self.expected, "{stream:?} is not whole");
            self.end_received = true;
        }
    }
}

impl Simulation {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut config = || Config {
            initial_window_size: random.pick(&[20, 300, 5000, 65_535, INITIAL_WINDOW_SIZE]),
            connection_window_size: random.pick(&[65_535, 100_000, 1 << 20]),
            max_concurrent_streams: random.pick(&[1, 3, 100]),
            max_frame_size: random.pick(&[16_384, 16_385, 60_000]),
            header_table_size: random.pick(&[4096, 4096, 200]),
            ..Config::default()
        };
        let configs = [config(), config()];
        let [client, server] = configs;
        // A body is measured by the window of who receives it, or tiny windows take for ever.
        let mut client = Side::new(true, client, &mut random);
        let mut server = Side::new(false, server, &mut random);
        std::mem::swap(&mut client.body_max, &mut server.body_max);
        let resets_left = random.pick(&[0, 0, 3, 20]);
        let now = Instant::now();
        let sides = [client, server];
        Self { random, now, sides, reset: BTreeSet::new(), resets_left, is_drained: false }
    }

    /// Moves bytes one way: what is taken from `from` goes to the wire, a piece of that is read.
    fn move_bytes(&mut self, from: usize) -> bool {
        let random = &mut self.random;
        let mut moved = false;
        if self.sides[from].core.has_output() && !random.once_in(4) {
            let output = self.sides[from].core.take_output();
            self.sides[from].monitor.on_sent(&output);
            self.sides[1 - from].wire.extend(&output);
            self.sides[from].core.recycle_output(output);
            moved = true;
        }
        let to = &mut self.sides[1 - from];
        // One read in five stalls.
        if !to.wire.is_empty() && !random.once_in(5) {
            let piece = random.pick(&[1, 9, 100, 5000, 100_000]);
            let count = (1 + random.below(piece)).min(to.wire.len());
            to.read(count, self.now, &mut self.reset);
            moved = true;
        }
        moved
    }

    /// An application gives up a call.
    fn reset_a_stream(&mut self) {
        if self.resets_left == 0 || !self.random.once_in(60) {
            return;
        }
        let side = &mut self.sides[self.random.below(2)];
        let open: Vec<StreamId> = side
            .calls
            .iter()
            .filter(|(_, call)| !call.is_over())
            .map(|(stream, _)| *stream)
            .collect();
        if !open.is_empty() {
            self.resets_left -= 1;
            let stream = self.random.pick(&open);
            side.core.reset(stream, self.random.pick(&[Reason::CANCEL, Reason::NO_ERROR]));
            side.calls.get_mut(&stream).expect("just listed").is_reset = true;
            self.reset.insert(stream);
        }
    }

    fn run(&mut self, may_drain: bool, cut_after: Option<usize>) {
        let mut idle = 0;
        for step in 0.. {
            assert!(step < 100_000, "the calls never end: {:?}", self.stuck());
            if cut_after.is_some_and(|cut| step >= cut) {
                return;
            }
            self.now += Duration::from_micros(self.random.below(3000) as u64);
            let mut moved = false;
            for side in 0..2 {
                self.sides[side].core.on_time(self.now);
                self.sides[side].poll(&mut self.reset);
                self.sides[side].act(&mut self.random);
                moved |= self.move_bytes(side);
            }
            self.reset_a_stream();
            if may_drain && !self.is_drained && self.random.once_in(300) {
                self.is_drained = true;
                self.sides[1].core.drain();
            }
            let is_quiet =
                self.sides.iter().all(|side| side.wire.is_empty() && !side.core.has_output());
            if is_quiet && self.sides.iter().all(Side::is_done) {
                return;
            }
            idle = if moved { 0 } else { idle + 1 };
            assert!(idle < 20_000, "everybody waits: {:?}", self.stuck());
        }
    }

    fn stuck(&self) -> Vec<(&StreamId, &Call)> {
        let calls = self.sides.iter().flat_map(|side| &side.calls);
        calls.filter(|(_, call)| !call.is_reset && !call.end_sent).collect()
    }

    /// What must hold when all is quiet.
    fn check(&self) {
        for side in &self.sides {
            assert_eq!(side.core.error(), None);
            assert_eq!(side.core.open_streams(), 0, "streams are left");
            assert_eq!(side.core.connection_bytes_held(), 0, "the connection window leaks");
            for (stream, call) in &side.calls {
                if !self.reset.contains(stream) {
                    assert!(call.end_sent && call.end_received, "{stream:?} {call:?}");
                    assert_eq!(call.received, call.expected);
                    assert_eq!(call.sent, call.total);
                }
            }
        }
        if self.is_drained {
            assert!(self.sides[1].core.is_drained());
        }
    }
}

/// Runs `test` for every seed and names the one that fails.
fn for_every_seed(test: impl Fn(u64) + std::panic::RefUnwindSafe) {
    let seeds = std::env::var("SIMULATION_SEEDS").ok();
    let seeds = seeds.map_or(SEEDS, |seeds| seeds.parse().expect("a number of seeds"));
    for seed in 1..=seeds {
        if let Err(panic) = std::panic::catch_unwind(|| test(seed)) {
            eprintln!("seed {seed} fails");
            std::panic::resume_unwind(panic);
        }
    }
}

/// RFC 9113 5.2 and 8.1: whatever the wire does to the bytes, calls arrive whole and in order, and
/// every window is given back.
#[test]
fn calls_survive_any_wire() {
    for_every_seed(|seed| {
        let mut simulation = Simulation::new(seed);
        simulation.run(seed % 3 == 0, None);
        simulation.check();
    });
}

/// A wire that breaks anywhere leaves both sides as they were.
#[test]
fn a_cut_wire_breaks_nothing() {
    for_every_seed(|seed| {
        let mut simulation = Simulation::new(seed);
        let cut_after = Random::new(seed).below(300);
        simulation.run(true, Some(cut_after));
        for side in &mut simulation.sides {
            side.core.on_time(simulation.now + Duration::from_secs(3600));
            for stream in side.calls.keys() {
                side.core.reset(*stream, Reason::CANCEL);
            }
            side.core.take_output();
        }
    });
}
