//! The messages that are encoded and decoded: the same in every run.

mod codec;
mod documents;
mod numbers;

use crate::random::Random;

/// Encoded messages of one type; operations go through them in turn.
pub struct Workload {
    /// The message's name.
    pub name: &'static str,
    /// Fields in the order of their numbers, entries of maps in that of their keys.
    pub samples: Vec<Vec<u8>>,
    /// Whether there are maps, of which every runtime has an order of its own.
    pub has_maps: bool,
}

impl Workload {
    /// The bytes of a message, on average.
    pub fn size(&self) -> f64 {
        self.samples.iter().map(Vec::len).sum::<usize>() as f64 / self.samples.len() as f64
    }
}

/// M1 to M5 of codec.proto and the messages of shapes.proto.
pub fn all() -> Vec<Workload> {
    let mut all = codec::all();
    all.extend(documents::all());
    all.extend(numbers::all());
    all
}

/// `count` messages of a type, each made anew.
fn flat<M: ::prost::Message>(
    name: &'static str,
    count: usize,
    make: fn(&mut Random) -> M,
) -> Workload {
    let mut random = Random::new(SEED);
    let samples = (0..count).map(|_| make(&mut random).encode_to_vec()).collect();
    Workload { name, samples, has_maps: false }
}

/// The same of a type with maps: their entries are put in order by `sort`.
fn with_maps<M: ::prost::Message>(
    name: &'static str,
    count: usize,
    make: fn(&mut Random) -> M,
    sort: fn(&[u8]) -> Vec<u8>,
) -> Workload {
    let workload = flat(name, count, make);
    let samples = workload.samples.iter().map(|sample| sort(sample)).collect();
    Workload { samples, has_maps: true, ..workload }
}

const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

#[cfg(test)]
mod tests {
    /// Names are what the filters of the command line go by.
    #[test]
    fn each_name_is_there_once() {
        let mut names: Vec<_> = super::all().iter().map(|workload| workload.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 13);
    }

    /// The data comes from a seed: two runs have the same bytes, maps too.
    #[test]
    fn samples_are_the_same_in_every_run() {
        for (one, other) in super::all().iter().zip(super::all()) {
            assert!(one.samples == other.samples, "{}", one.name);
        }
    }
}
