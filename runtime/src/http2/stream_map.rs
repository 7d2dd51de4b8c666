//! Maps by stream identifiers, for those who keep something of their own for each stream.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::stream::StreamId;

/// A map whose hash costs two instructions.
pub(crate) type StreamMap<T> = HashMap<StreamId, T, BuildHasherDefault<IdHasher>>;

/// A hash of stream identifiers. The peer chooses them, but only in rising order and only as many
/// as may be open at once, so that collisions are harmless and speed decides.
#[derive(Debug, Default)]
pub(crate) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u32(u32::from(*byte)));
    }

    fn write_u32(&mut self, id: u32) {
        // Fibonacci hashing: the high bits, which the table looks at, depend on every bit.
        self.0 = (self.0 ^ u64::from(id)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn finish(&self) -> u64 {
        self.0 ^ (self.0 >> 32)
    }
}
