//! One operation of one runtime on one kind of message, ready to be timed.

use std::fmt;
use std::hint::black_box;
use std::rc::Rc;

use crate::peers::{Buffa, Codec, KeptBuffer, Ours, Prost};
use crate::schemas::{buffa, ours, prost};
use crate::workloads::Workload;

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// A new message from bytes, and its drop.
    Decode,
    /// Bytes into a message that is cleared and used again.
    Merge,
    /// Bytes in a new `Vec`, and its drop.
    Encode,
    /// Bytes in a buffer that is used again.
    EncodeKept,
}

impl Operation {
    /// All, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Decode, Self::Merge, Self::Encode, Self::EncodeKept];

    /// The name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Merge => "merge",
            Self::Encode => "encode",
            Self::EncodeKept => "encode-kept",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.name())
    }
}

/// One operation of one runtime on one kind of message.
pub struct Cell {
    /// The message.
    pub message: &'static str,
    /// What is done.
    pub operation: Operation,
    /// The runtime that does it.
    pub peer: &'static str,
    /// The bytes of an encoded message, on average.
    pub size: f64,
    run: Box<dyn FnMut(u64)>,
}

impl Cell {
    /// Does the operation `count` times, on one sample after the other.
    pub fn run(&mut self, count: u64) {
        (self.run)(count);
    }
}

/// The cells of a workload for all peers, after their results were found equal.
///
/// # Panics
///
/// If a peer decodes or encodes something else than the others: nothing is to be timed then.
pub fn of_workload(workload: &Workload) -> Vec<Cell> {
    macro_rules! peers {
        ($package:ident :: $message:ident) => {{
            let mut cells = Cells::new(workload);
            cells.add::<Ours<ours::$package::$message>, Prost<prost::$package::$message>>();
            cells.add::<Prost<prost::$package::$message>, Ours<ours::$package::$message>>();
            cells.add::<Buffa<buffa::$package::$message>, Prost<prost::$package::$message>>();
            cells.list
        }};
    }
    match workload.name {
        "M1" => peers!(codec::Small),
        "M2" => peers!(codec::Medium),
        "M3" => peers!(codec::Large),
        "M4" => peers!(codec::Packed),
        "M5" => peers!(codec::Blob),
        "ApiResponse" => peers!(shapes::ApiResponse),
        "LogRecord" => peers!(shapes::LogRecord),
        "AnalyticsEvent" => peers!(shapes::AnalyticsEvent),
        "GoogleMessage1" => peers!(shapes::GoogleMessage1),
        "TriangleMesh" => peers!(shapes::TriangleMesh),
        "PackedTile" => peers!(shapes::PackedTile),
        "ColumnBatch" => peers!(shapes::ColumnBatch),
        "MediaFrame" => peers!(shapes::MediaFrame),
        name => panic!("no message {name}"),
    }
}

struct Cells<'a> {
    workload: &'a Workload,
    samples: Rc<[Vec<u8>]>,
    list: Vec<Cell>,
}

impl<'a> Cells<'a> {
    fn new(workload: &'a Workload) -> Self {
        Self { workload, samples: workload.samples.clone().into(), list: Vec::new() }
    }

    fn add<C: KeptBuffer, Judge: Codec>(&mut self) {
        check::<C, Judge>(self.workload);
        let mut turn = Turn::new(self.samples.clone());
        self.push::<C>(Operation::Decode, move |count| {
            for _ in 0..count {
                black_box(C::decode(black_box(turn.next())));
            }
        });
        let mut turn = Turn::new(self.samples.clone());
        let mut message = C::decode(turn.next());
        self.push::<C>(Operation::Merge, move |count| {
            for _ in 0..count {
                C::merge(black_box(&mut message), black_box(turn.next()));
            }
        });
        let mut turn = Turn::new(self.decoded::<C>());
        self.push::<C>(Operation::Encode, move |count| {
            for _ in 0..count {
                black_box(C::encode(black_box(turn.next())));
            }
        });
        let mut turn = Turn::new(self.decoded::<C>());
        let mut buffer = C::Buffer::default();
        self.push::<C>(Operation::EncodeKept, move |count| {
            for _ in 0..count {
                C::encode_kept(black_box(turn.next()), black_box(&mut buffer));
            }
        });
    }

    fn decoded<C: Codec>(&self) -> Rc<[C::Message]> {
        self.samples.iter().map(|sample| C::decode(sample)).collect()
    }

    fn push<C: Codec>(&mut self, operation: Operation, run: impl FnMut(u64) + 'static) {
        self.list.push(Cell {
            message: self.workload.name,
            operation,
            peer: C::PEER,
            size: self.workload.size(),
            run: Box::new(run),
        });
    }
}

/// Goes round and round through samples.
struct Turn<T> {
    samples: Rc<[T]>,
    index: usize,
}

impl<T> Turn<T> {
    fn new(samples: Rc<[T]>) -> Self {
        Self { samples, index: 0 }
    }

    fn next(&mut self) -> &T {
        let index = self.index;
        self.index = if index + 1 == self.samples.len() { 0 } else { index + 1 };
        &self.samples[index]
    }
}

/// Every operation of a peer gives what the input says; the other runtime judges its bytes.
fn check<C: KeptBuffer, Judge: Codec>(workload: &Workload) {
    let mut merged = C::decode(&workload.samples[0]);
    let mut buffer = C::Buffer::default();
    for sample in &workload.samples {
        let message = C::decode(sample);
        C::merge(&mut merged, sample);
        assert!(message == merged, "{} {}: merged is not decoded", C::PEER, workload.name);
        check_bytes::<C, Judge>(workload, sample, &C::encode(&message));
        C::encode_kept(&message, &mut buffer);
        check_bytes::<C, Judge>(workload, sample, C::kept_bytes(&buffer));
    }
}

fn check_bytes<C: Codec, Judge: Codec>(workload: &Workload, sample: &[u8], bytes: &[u8]) {
    let what = format!("{} {}", C::PEER, workload.name);
    assert!(Judge::decode(bytes) == Judge::decode(sample), "{what}: encoded to another message");
    assert!(workload.has_maps || bytes == sample, "{what}: encoded to other bytes");
}
