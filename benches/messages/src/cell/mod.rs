//! One operation of one runtime on one kind of message, ready to be timed.

mod cells;
mod check;

use std::fmt;

use self::cells::Cells;
use crate::peers::{Buffa, Google, Ours, Prost, RustProtobuf};
use crate::schemas::{buffa, google, ours, prost, rust_protobuf};
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
    /// JSON in a new `String`, and its drop.
    ToJson,
    /// A new message from JSON, and its drop.
    FromJson,
}

impl Operation {
    /// All, in the order of the tables.
    pub const ALL: [Self; 6] =
        [Self::Decode, Self::Merge, Self::Encode, Self::EncodeKept, Self::ToJson, Self::FromJson];

    /// The name on the command line and in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Merge => "merge",
            Self::Encode => "encode",
            Self::EncodeKept => "encode-kept",
            Self::ToJson => "to-json",
            Self::FromJson => "from-json",
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
    /// The bytes of an encoded message or of its JSON, on average.
    pub size: f64,
    /// How many messages it goes through in turn.
    pub samples: usize,
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
            type OurPeer = Ours<ours::$package::$message>;
            type ProstPeer = Prost<prost::$package::$message>;
            type RustProtobufPeer = RustProtobuf<rust_protobuf::$package::$message>;
            let mut cells = Cells::new::<OurPeer, ProstPeer>(workload);
            cells.add::<OurPeer, ProstPeer>();
            cells.add::<ProstPeer, OurPeer>();
            cells.add::<Buffa<buffa::$package::$message>, ProstPeer>();
            cells.add::<RustProtobufPeer, ProstPeer>();
            cells.add_codec::<Google<google::$message>, ProstPeer>();
            cells.list.sort_by_key(|cell| cell.operation);
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
