//! What reading and writing messages takes.

/// Levels of nesting that a protobuf decoder enters below the outermost message: submessages,
/// groups and map entries, known or unknown. 100 is what every official implementation accepts;
/// [`STACK_SIZE`] is for them.
pub(crate) const MESSAGE_DEPTH_MAX: u32 = 100;

/// Objects and arrays that parsing JSON enters below each other: what printing a message of the
/// deepest nesting needs, the outermost one included. Each message below it is an object that may
/// stand in an array, and the innermost may hold one more array.
#[cfg(feature = "json")]
pub(crate) const JSON_DEPTH_MAX: usize = 2 * (MESSAGE_DEPTH_MAX as usize + 1);

/// Bytes of one encoded message: lengths are signed 32-bit numbers in every official
/// implementation.
pub(crate) const MESSAGE_SIZE_MAX: usize = i32::MAX as usize;

/// Memory that decoding one message may allocate, whatever its size on the wire: two bytes of input
/// can become a struct of several hundred, and a list has room for twice its elements when it has
/// just grown. 128 MiB is more than a message of the default receive limit (4 MiB) needs unless it is
/// made to harm.
pub(crate) const DECODE_MEMORY_MIN: usize = 128 * 1024 * 1024;

/// Memory that decoding may allocate for each byte of input where that is more than
/// [`DECODE_MEMORY_MIN`]. Honest input stays below: a packed one-byte varint becomes 8 bytes, a map
/// entry of 10 bytes about 100, and twice that when the list or map has just grown.
pub(crate) const DECODE_MEMORY_PER_BYTE: usize = 32;

/// Memory that decoding `size` bytes may allocate.
pub(crate) fn decode_memory(size: usize) -> usize {
    size.saturating_mul(DECODE_MEMORY_PER_BYTE).max(DECODE_MEMORY_MIN)
}

/// Scratch space that a thread keeps for encoding messages into vectors: larger ones are rare, and
/// what they cost is not the allocation.
pub(crate) const SCRATCH_KEPT: usize = 256 << 10;

/// How deep files may import each other: far more than any tree of .proto files has, and little
/// enough for the stack.
#[cfg(feature = "reflect")]
pub(crate) const IMPORT_DEPTH_MAX: usize = 500;

/// How many files those that come together may see in all, by public imports too: more than the
/// largest trees of .proto files have (7,000 files that import 25 others), and a few MiB of memory.
#[cfg(feature = "reflect")]
pub(crate) const IMPORT_COUNT_MAX: usize = 1 << 19;
