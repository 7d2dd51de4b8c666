//! Frames that are nearly right, in any order, by seed: a peer that wants to find a way in.

use super::frames::*;
use super::random::Random;
use crate::http2::Reason;
use crate::http2::fuzzing;

const SEEDS: u64 = 2000;

/// A frame that may be right at some time.
fn frame(random: &mut Random) -> Frame {
    let stream = random.pick(&[0, 1, 1, 3, 3, 5, 7, 2, 9, 101, (1 << 31) - 1]);
    let length = random.size(300);
    match random.below(16) {
        0..3 => request(stream),
        3 => response(stream),
        4 => trailers(stream),
        5..8 => data(stream, vec![b'x'; length]),
        8 => settings(&[(random.below(8) as u16, random.next() as u32 >> random.below(32))]),
        9 => settings_ack(),
        10 => random.pick(&[ping, ping_ack])(b"12345678"),
        11 => reset(stream, Reason(random.below(20) as u32)),
        12 => window_update(stream, random.next() as u32 >> random.below(32)),
        13 => continuation(stream, &block(REQUEST)[..length.min(50)]),
        14 => go_away_after(stream, Reason(random.below(3) as u32)),
        _ => Frame::new(random.below(12) as u8, 0, stream, vec![random.next() as u8; length]),
    }
}

fn changed(mut frame: Frame, random: &mut Random) -> Frame {
    match random.below(8) {
        0 => frame.flags ^= 1 << random.below(8),
        1 if random.once_in(3) => frame = frame.pad(random.below(256) as u8),
        2 => frame = frame.end(),
        3 if random.once_in(3) => frame.payload.truncate(random.below(20)),
        4 if random.once_in(3) && !frame.payload.is_empty() => {
            let at = random.below(frame.payload.len());
            frame.payload[at] = random.next() as u8;
        }
        _ => {}
    }
    frame
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
        let mut random = Random::new(seed);
        let mut input = vec![random.below(2) as u8, random.pick(&[0, 1, 9, 100, 255])];
        for _ in 0..1 + random.below(60) {
            let frame = frame(&mut random);
            input.extend(changed(frame, &mut random).to_bytes());
        }
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
