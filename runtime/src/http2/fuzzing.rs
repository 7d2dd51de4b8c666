//! A connection between a hostile peer and a careless application, for fuzz targets and tests.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::frame::PREFACE;
use super::{Config, Connection, Event, Headers, Reason, StreamId};

/// What a connection may hold whatever its peer does, with the windows of [`config`].
#[cfg(test)]
const MEMORY_MAX: usize = 3 << 20;

/// Streams that a client opens before it reads more.
const STREAMS_AT_ONCE: usize = 4;

/// What the application knows of a stream.
#[derive(Default)]
struct Known {
    held: usize,
    is_ended: bool,
}

/// The application, whose whims depend on how much it has seen.
struct Application {
    core: Connection,
    streams: BTreeMap<StreamId, Known>,
    whim: u64,
    is_client: bool,
    now: Instant,
}

/// Feeds `input` to one side of a connection and lets an application do everything it can.
///
/// The first byte chooses the side, the second into which pieces the input is cut. What must hold:
/// nothing panics, all input is consumed or the connection is over, events are in order, what is
/// written is whole frames, and memory is bounded.
///
/// # Panics
///
/// If any of that does not hold.
pub(crate) fn connection(input: &[u8]) {
    let [choice, piece, bytes @ ..] = input else { return };
    let mut application = Application::new(choice & 1 == 1);
    if choice & 2 == 0 {
        application.begin();
    }
    for piece in bytes.chunks(usize::from(*piece).max(1)) {
        if !application.read(piece) {
            break;
        }
        application.act();
    }
    application.write();
}

fn config() -> Config {
    Config { initial_window_size: 1000, max_concurrent_streams: 10, ..Config::default() }
}

impl Application {
    fn new(is_client: bool) -> Self {
        let core = match is_client {
            true => Connection::client(config()),
            false => Connection::server(config()),
        };
        let now = Instant::now();
        Self { core, streams: BTreeMap::new(), whim: 1, is_client, now }
    }

    /// What an honest peer begins with.
    fn begin(&mut self) {
        if !self.is_client {
            assert!(self.read(PREFACE));
        }
        assert!(self.read(b"\0\0\0\x04\0\0\0\0\0"), "empty SETTINGS");
        for _ in 0..if self.is_client { STREAMS_AT_ONCE } else { 0 } {
            let stream = self.core.open(&Headers::new(), false).expect("no limit");
            self.streams.insert(stream, Known::default());
        }
        self.act();
    }

    /// Hands bytes over. False if the connection is over.
    fn read(&mut self, mut bytes: &[u8]) -> bool {
        let is_progress =
            |consumed: usize, event: &Option<Event<'_>>| consumed > 0 || event.is_some();
        loop {
            match self.core.handle_bytes(bytes, self.now) {
                Ok((consumed, event)) => {
                    assert!(bytes.is_empty() || is_progress(consumed, &event), "no progress");
                    bytes = &bytes[consumed..];
                    match event {
                        Some(event) => Self::take(&mut self.streams, &event),
                        None => {
                            assert!(bytes.is_empty(), "input is left");
                            return true;
                        }
                    }
                }
                Err(error) => {
                    assert_eq!(self.core.error(), Some(error));
                    assert!(self.core.has_output(), "GOAWAY says why");
                    return false;
                }
            }
        }
    }

    fn take(streams: &mut BTreeMap<StreamId, Known>, event: &Event<'_>) {
        let mut live = |stream: &StreamId| {
            let known = streams.entry(*stream).or_default();
            assert!(!known.is_ended, "{stream:?} goes on after its end: {event:?}");
            known.is_ended = matches!(
                event,
                Event::Headers { end_stream: true, .. }
                    | Event::Data { end_stream: true, .. }
                    | Event::Trailers { .. }
            );
            if let Event::Data { data, .. } = event {
                known.held += data.len();
            }
        };
        match event {
            Event::Headers { stream, .. }
            | Event::Data { stream, .. }
            | Event::Trailers { stream, .. } => live(stream),
            Event::Reset { stream, .. } => {
                assert!(streams.remove(stream).is_some(), "{stream:?} was not known");
            }
            Event::Writable { .. }
            | Event::StreamsAvailable
            | Event::SettingsReceived
            | Event::SettingsAcked
            | Event::PingAcked(_)
            | Event::GoAway { .. } => {}
        }
    }

    fn next(&mut self) -> u64 {
        self.whim = self.whim.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e);
        self.whim >> 33
    }

    fn act(&mut self) {
        let pause = Duration::from_millis(self.next() % 20);
        self.now += pause;
        self.core.on_time(self.now);
        let headers: Headers = [(":status", "200"), ("a", "b")].into_iter().collect();
        if self.is_client
            && self.next().is_multiple_of(3)
            && let Ok(stream) = self.core.open(&headers, self.whim.is_multiple_of(5))
        {
            self.streams.insert(stream, Known::default());
        }
        let streams: Vec<StreamId> = self.streams.keys().copied().collect();
        for stream in streams {
            let held = self.streams.get(&stream).map_or(0, |known| known.held);
            match self.next() % 8 {
                0 => self.give_up(stream),
                1 => drop(self.core.send_headers(stream, &headers, false)),
                2 => drop(self.core.send_headers(stream, &headers, true)),
                3 => drop(self.core.send_data(stream, &[7; 3000], self.whim.is_multiple_of(7))),
                4 => {
                    self.core.release(stream, held);
                    self.streams.insert(stream, Known { held: 0, ..self.known(stream) });
                }
                _ => {}
            }
        }
        match self.next() % 200 {
            0 => self.core.drain(),
            1 => self.core.go_away(Reason::NO_ERROR),
            2..20 => self.core.ping([1; 8]),
            20..120 => self.write(),
            _ => {}
        }
        while let Some(event) = self.core.poll_event() {
            Self::take(&mut self.streams, &event);
        }
        #[cfg(test)]
        assert!(self.core.memory() < MEMORY_MAX, "{}", self.core.memory());
        assert!(self.core.open_streams() <= 100);
    }

    fn known(&self, stream: StreamId) -> Known {
        let is_ended = self.streams.get(&stream).is_some_and(|known| known.is_ended);
        Known { held: 0, is_ended }
    }

    fn give_up(&mut self, stream: StreamId) {
        self.core.reset(stream, Reason::CANCEL);
        self.streams.remove(&stream);
    }

    /// Takes the output, which is whole frames.
    fn write(&mut self) {
        let output = self.core.take_output();
        let mut rest = output.as_slice();
        rest = rest.strip_prefix(PREFACE).unwrap_or(rest);
        if rest.starts_with(b"HTTP/1.1 400") {
            return;
        }
        while let [high, middle, low, kind, _, _, _, _, _, behind @ ..] = rest {
            let length = u32::from_be_bytes([0, *high, *middle, *low]) as usize;
            assert!(length <= behind.len() && *kind < 10, "a broken frame of type {kind}");
            rest = &behind[length..];
        }
        assert!(rest.is_empty(), "a part of a frame");
        self.core.recycle_output(output);
    }
}
