//! What decoding one message may use: levels of nesting and memory.
//!
//! One budget goes along with all readers of an input, the nested ones too. Invariant: both only
//! ever run down on the way in, and depth is given back on the way out.

use super::error::DecodeErrorKind;
use super::{DecodeError, Reader};
use crate::limits;

/// The levels of nesting and the memory that decoding an input may still use.
///
/// The memory is that of lists, maps, boxed messages and unknown fields, as they allocate it and before
/// they do; strings and bytes do not count, being no longer than the input.
///
/// Decoding makes one for each input; [`DecodeOptions`](super::DecodeOptions) say how large.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::Budget;
/// use rust_grpc::well_known::Timestamp;
///
/// let input = b"\x08\x07";
/// let mut time = Timestamp::default();
/// time.merge_fields(Budget::new(input).reader(input))?;
/// assert_eq!(time.seconds, 7);
/// # Ok::<(), rust_grpc::DecodeError>(())
/// ```
pub struct Budget {
    /// Address of the input, to tell where an error happened.
    input: usize,
    depth_left: u32,
    depth_max: u32,
    memory_left: usize,
    memory_max: usize,
    /// Bytes that follow the group whose end tag was read, until its reader is told.
    pub(super) after_group: Option<usize>,
    /// The buffer that the input is, where fields may share it.
    #[cfg(feature = "bytes")]
    pub(super) buffer: Option<bytes::Bytes>,
}

impl Budget {
    /// The default limits for `input`: 100 levels of nesting, and 128 MiB of memory or 32 bytes for
    /// each byte of input, whichever is more.
    pub fn new(input: &[u8]) -> Self {
        let memory = limits::decode_memory(input.len());
        Self::with_limits(input, limits::MESSAGE_DEPTH_MAX, memory)
    }

    /// At most `depth` levels of nesting, and `memory` bytes of memory.
    pub fn with_limits(input: &[u8], depth: u32, memory: usize) -> Self {
        Self {
            input: input.as_ptr().addr(),
            depth_left: depth,
            depth_max: depth,
            memory_left: memory,
            memory_max: memory,
            after_group: None,
            #[cfg(feature = "bytes")]
            buffer: None,
        }
    }

    /// For bytes that were decoded before: no limits.
    pub(super) fn unlimited(input: &[u8]) -> Self {
        Self::with_limits(input, u32::MAX, usize::MAX)
    }

    /// A reader of `input`, which this budget is for.
    pub fn reader<'a>(&'a mut self, input: &'a [u8]) -> Reader<'a> {
        Reader::new(input, self)
    }

    /// The memory that is left.
    #[cfg(feature = "reflect")]
    pub(super) fn memory_left(&self) -> usize {
        self.memory_left
    }

    /// Enters a level of nesting.
    #[inline(always)]
    pub(super) fn descend(&mut self, rest: &[u8], tag: u32) -> Result<(), DecodeError> {
        match self.depth_left.checked_sub(1) {
            Some(left) => {
                self.depth_left = left;
                Ok(())
            }
            None => Err(self.too_deep(rest, tag)),
        }
    }

    /// Leaves a level of nesting.
    #[inline(always)]
    pub(super) fn ascend(&mut self) {
        self.depth_left += 1;
    }

    /// Takes `size` bytes of memory.
    #[inline(always)]
    pub(super) fn charge(&mut self, size: usize, rest: &[u8], tag: u32) -> Result<(), DecodeError> {
        match self.memory_left.checked_sub(size) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => Err(self.too_much(rest, tag)),
        }
    }

    /// An error where `rest` begins, below the field of `tag`.
    #[cold]
    #[inline(never)]
    pub(super) fn error(&self, kind: DecodeErrorKind, rest: &[u8], tag: u32) -> DecodeError {
        DecodeError::new(kind, rest.as_ptr().addr().wrapping_sub(self.input), tag >> 3)
    }

    #[cold]
    #[inline(never)]
    fn too_deep(&self, rest: &[u8], tag: u32) -> DecodeError {
        self.error(DecodeErrorKind::TooDeep { limit: self.depth_max }, rest, tag)
    }

    #[cold]
    #[inline(never)]
    fn too_much(&self, rest: &[u8], tag: u32) -> DecodeError {
        self.error(DecodeErrorKind::TooMuchMemory { limit: self.memory_max }, rest, tag)
    }
}
