//! Frames that are nearly right, in any order, by seed: a peer that wants to find a way in.

use super::frames::*;
use super::random::Random;
use crate::http2::Reason;
use crate::http2::fuzzing;

const SEEDS: u64 = 2000;

/// A peer that mostly does what is allowed, so that it comes far before it breaks a rule.
struct Hostile {
    random: Random,
    is_client: bool,
    /// The highest stream that was opened.
    highest: u32,
}

impl Hostile {
    fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let is_client = random.once_in(2);
        // A client under test has opened four streams when it begins to read.
        Self { random, is_client, highest: if is_client { 1 } else { 7 } }
    }

    fn script(&mut self) -> Vec<u8> {
        let side = u8::from(!self.is_client);
        let mut input = vec![side, self.random.pick(&[0, 1, 9, 100, 255])];
        if self.is_client {
            input.extend(request(1).to_bytes());
        }
        for _ in 0..1 + self.random.below(100) {
            let frame = self.frame();
            let frame = if self.random.once_in(40) { self.wrong(frame) } else { frame };
            input.extend(frame.to_bytes());
        }
        input
    }

    /// A frame that may be right.
    fn frame(&mut self) -> Frame {
        let stream = 1 + 2 * self.random.below(1 + self.highest as usize / 2) as u32;
        let bytes = vec![b'x'; self.random.size(300)];
        match self.random.below(40) {
            0..12 if self.is_client => self.new_request(),
            0..12 => response(stream),
            12..16 => trailers(stream),
            16..26 => data(stream, bytes),
            26..29 => data(stream, bytes).end(),
            29 => data(stream, bytes).pad(self.random.below(256) as u8),
            30 => {
                let value = self.random.next() as u32 >> (1 + self.random.below(31));
                settings(&[(self.random.pick(&[1, 3, 4, 6, 9]), value)])
            }
            31 => settings_ack(),
            32 => self.random.pick(&[ping, ping_ack])(b"12345678"),
            33 => reset(stream, Reason(self.random.below(20) as u32)),
            34..37 => {
                let stream = self.random.pick(&[0, stream]);
                window_update(
                    stream,
                    1 + (self.random.next() as u32 >> (3 + self.random.below(28))),
                )
            }
            37 => priority(stream, stream),
            38 => unknown(0x20, stream, &bytes),
            _ => fields(stream, &[(":status", "100")]),
        }
    }

    fn new_request(&mut self) -> Frame {
        self.highest += 2;
        let request = request(self.highest);
        if self.random.once_in(2) { request.end() } else { request }
    }

    fn wrong(&mut self, mut frame: Frame) -> Frame {
        let random = &mut self.random;
        match random.below(9) {
            0 => frame.flags ^= 1 << random.below(8),
            1 => frame.stream = random.pick(&[0, 2, 9, 101, (1 << 31) - 1]),
            2 => frame.kind = random.below(12) as u8,
            3 => frame.payload.truncate(random.below(20)),
            4 if !frame.payload.is_empty() => {
                let at = random.below(frame.payload.len());
                frame.payload[at] = random.next() as u8;
            }
            5 => frame = continuation(frame.stream, b"").flag(random.pick(&[0, END_HEADERS])),
            6 => frame = go_away_after(random.below(9) as u32, Reason(random.below(3) as u32)),
            7 => frame = window_update(frame.stream, random.pick(&[0, (1 << 31) - 1])),
            _ => frame = settings(&[(random.below(7) as u16, random.next() as u32)]),
        }
        frame
    }
}

/// What must hold stands in [`fuzzing::connection`].
#[track_caller]
fn survives(seed: u64, input: &[u8]) {
    if let Err(panic) = std::panic::catch_unwind(|| fuzzing::connection(input)) {
        eprintln!("seed {seed} fails");
        std::panic::resume_unwind(panic);
    }
}

/// RFC 9113 10.5: frames of any kind in any order give events or an error, never a panic.
#[test]
fn hostile_frames_never_panic() {
    for seed in 1..=SEEDS {
        let input = Hostile::new(seed).script();
        survives(seed, &input);
    }
}

/// RFC 9113 10.5: bytes without any sense do not either.
#[test]
fn random_bytes_never_panic() {
    for seed in 1..=SEEDS {
        let mut random = Random::new(seed);
        let length = random.size(2000);
        let input: Vec<u8> = (0..length).map(|_| random.next() as u8 >> random.below(8)).collect();
        survives(seed, &input);
    }
}
