//! What the fuzz targets in `fuzz/` run, and the replay of their kept inputs.
//!
//! A target is a function of bytes that panics if something is wrong with them. It exists in builds
//! with `--cfg fuzzing` and in tests, nowhere else.

#[cfg(all(feature = "json", feature = "text"))]
mod formats;

#[cfg(all(feature = "json", feature = "text"))]
pub use formats::{json, message, round_trip, text};

use crate::grpc::codec::Writer;
use crate::grpc::compression::{Encoding, Options};
use crate::grpc::envelope;
use crate::http2::Headers;
use crate::http2::hpack::{Decoder, Encoder, Limits};

/// Decodes header blocks of a peer, as one connection would.
///
/// The first octet chooses the size of the table; a block follows another, each behind its length
/// in two octets. What must hold: nothing panics, the limits are kept, and a list that was handed
/// out whole survives being encoded and decoded again.
///
/// # Panics
///
/// If any of that does not hold.
pub fn hpack(input: &[u8]) {
    let Some((&size, mut rest)) = input.split_first() else { return };
    let mut decoder = Decoder::new(usize::from(size) * 32);
    let mut encoder = Encoder::default();
    let mut peer = Decoder::new(4096);
    let limits = Limits::default();
    while let Some((length, octets)) = rest.split_first_chunk::<2>() {
        let length = usize::from(u16::from_be_bytes(*length)).min(octets.len());
        let (block, others) = octets.split_at(length);
        rest = others;
        let mut headers = Headers::new();
        let Ok(decoded) = decoder.decode(block, &limits, &mut headers) else { return };
        assert!(headers.size() <= limits.list_size_max && headers.len() <= limits.fields_max);
        assert!(decoded.list_size <= limits.decoded_size_max);
        assert_eq!(decoded.truncated, decoded.list_size != headers.size());

        let mut encoded = Vec::new();
        encoder.encode(&headers, &mut encoded);
        let mut received = Headers::new();
        let again = peer.decode(&encoded, &limits, &mut received).expect("our own block");
        assert!(!again.truncated);
        assert_eq!(received.len(), headers.len());
        for (sent, got) in headers.iter().zip(&received) {
            assert_eq!((sent.name, sent.value), (got.name, got.value));
            assert!(got.sensitive || !sent.sensitive, "the mark of a secret was lost");
        }
    }
}

/// Feeds one side of an HTTP/2 connection with the bytes of a peer.
///
/// What must hold stands in `http2/fuzzing.rs`.
///
/// # Panics
///
/// If any of that does not hold.
pub fn connection(input: &[u8]) {
    crate::http2::fuzzing::connection(input);
}

/// Undoes the compression of a message of a peer, with the algorithm that the first octet chooses.
///
/// What must hold: nothing panics, no more than the limit comes out, and what came out is compressed
/// and comes back.
///
/// # Panics
///
/// If any of that does not hold.
pub fn compression(input: &[u8]) {
    const LIMIT: usize = 1 << 16;
    let Some((&choice, payload)) = input.split_first() else { return };
    let options = Options { size_min: 0, ..Options::default() };
    let encodings = options.build().expect("the built-in algorithms");
    // One more than there are: no encoding at all.
    let code = choice % (encodings.len() + 1);
    let encoding = Encoding::from_code(code);
    let Ok(message) = encodings.decompress(encoding, payload, LIMIT) else { return };
    assert!(message.len() <= LIMIT && message.capacity() <= LIMIT);
    let encoding = encoding.expect("nothing is read without an encoding");
    let mut writer = Writer::new();
    writer.prepend(&message);
    writer.prepend(&envelope::prefix(message.len()));
    encodings.compress(encoding, &mut writer).expect("a message that came is compressed");
    let (prefix, payload) = writer.as_slice().split_at(envelope::PREFIX_LEN);
    match prefix[0] {
        0 => assert_eq!(payload, message),
        _ => {
            assert!(payload.len() < message.len());
            let again = encodings.decompress(Some(encoding), payload, message.len());
            assert_eq!(again.expect("what was compressed"), message);
        }
    }
}

/// A target, and the name of its folder in `fuzz/corpus`.
#[cfg(test)]
type Target = (&'static str, fn(&[u8]));

#[cfg(test)]
const TARGETS: &[Target] = &[
    #[cfg(feature = "gzip")]
    ("compression", compression),
    ("connection", connection),
    ("hpack", hpack),
    #[cfg(all(feature = "json", feature = "text"))]
    ("json", json),
    #[cfg(all(feature = "json", feature = "text"))]
    ("message", message),
    #[cfg(all(feature = "json", feature = "text"))]
    ("round_trip", round_trip),
    #[cfg(all(feature = "json", feature = "text"))]
    ("text", text),
];

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The kept inputs of a target, in the order of their names.
    fn corpus(target: &str) -> Vec<Vec<u8>> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
        let folder = root.join(target);
        let entries = fs::read_dir(&folder).expect("a folder for every target");
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        assert!(!paths.is_empty(), "{} is empty", folder.display());
        paths.iter().map(|path| fs::read(path).expect("a kept input")).collect()
    }

    /// How many mutations of its corpus each target gets. `make fuzz-smoke` asks for more.
    fn mutation_count() -> u64 {
        let count = std::env::var("FUZZ_SMOKE_INPUTS").ok();
        count.map_or(2000, |count| count.parse().expect("FUZZ_SMOKE_INPUTS is a number"))
    }

    /// The generator of G. Marsaglia's xorshift64, with a finalizer.
    struct Random(u64);

    impl Random {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            self.0.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 16
        }

        fn below(&mut self, bound: usize) -> usize {
            (self.next() % bound.max(1) as u64) as usize
        }
    }

    fn mutate(input: &mut Vec<u8>, others: &[Vec<u8>], random: &mut Random) {
        for _ in 0..=random.below(8) {
            let at = random.below(input.len());
            let end = (at + random.below(16)).min(input.len());
            match random.below(8) {
                0 if !input.is_empty() => input[at] ^= 1 << random.below(8),
                1 if !input.is_empty() => input[at] = random.next() as u8,
                2 if !input.is_empty() => {
                    input[at] = [0x00, 0x1f, 0x3f, 0x7f, 0x80, 0xbe, 0xff][random.below(7)];
                }
                3 => input.insert(at, random.next() as u8),
                4 => drop(input.drain(at..end)),
                5 => input.extend_from_within(at..end),
                6 => {
                    let other = &others[random.below(others.len())];
                    let from = random.below(other.len());
                    let until = (from + random.below(64)).min(other.len());
                    input.splice(at..end, other[from..until].iter().copied());
                }
                _ => input.truncate(input.len() - random.below(4).min(input.len())),
            }
        }
    }

    /// Every kept input passes its target, whole and cut at every byte.
    #[test]
    fn kept_inputs_pass() {
        for (name, target) in TARGETS {
            for input in corpus(name) {
                // The largest inputs are cut at about 500 places.
                for end in (0..input.len()).step_by(input.len() / 500 + 1) {
                    target(&input[..end]);
                }
                target(&input);
            }
        }
    }

    /// Mutations of the kept inputs pass too. They are the same in every run.
    #[test]
    fn mutations_of_kept_inputs_pass() {
        for (name, target) in TARGETS {
            let corpus = corpus(name);
            for seed in 1..=mutation_count() {
                let mut random = Random(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
                let mut input = corpus[random.below(corpus.len())].clone();
                mutate(&mut input, &corpus, &mut random);
                let result = std::panic::catch_unwind(|| target(&input));
                assert!(result.is_ok(), "{name}, seed {seed}: {}", input.escape_ascii());
            }
        }
    }
}
