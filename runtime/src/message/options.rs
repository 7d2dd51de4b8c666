//! How messages are decoded, where the defaults do not do.

use super::reflect::{DescriptorPool, Reflect, check_extensions};
use super::{Budget, DecodeError, DecodeErrorKind, Reader};
use crate::limits;

/// Options of decoding: limits, and the extensions that are known.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::DecodeOptions;
/// use rust_grpc::well_known::Struct;
///
/// let options = DecodeOptions::new().depth_limit(10).memory_limit(1 << 20);
/// let message = Struct::decode_with(b"", &options)?;
/// assert_eq!(message, Struct::default());
/// # Ok::<(), rust_grpc::DecodeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct DecodeOptions<'p> {
    depth: u32,
    memory: Option<usize>,
    pool: Option<&'p DescriptorPool>,
}

impl<'p> DecodeOptions<'p> {
    /// The defaults: 100 levels; 64 MiB or 16 bytes for each byte of input, whichever is more; no
    /// extension is looked into.
    pub const fn new() -> Self {
        Self { depth: limits::MESSAGE_DEPTH_MAX, memory: None, pool: None }
    }

    /// Messages, groups and map entries are nested at most `levels` deep. Each level takes stack.
    #[must_use]
    pub const fn depth_limit(mut self, levels: u32) -> Self {
        self.depth = levels;
        self
    }

    /// Elements and unknown fields take at most `bytes` of memory.
    #[must_use]
    pub const fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Extensions that `pool` knows are checked: one that cannot be decoded, or that holds a message
    /// without a required field, is an error. They stay where they are, among the unknown fields.
    #[must_use]
    pub const fn pool(mut self, pool: &'p DescriptorPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// The budget for `bytes`, which are not more than a message may have: every decoding begins here.
    #[inline]
    pub(super) fn budget(&self, bytes: &[u8]) -> Result<Budget, DecodeError> {
        if bytes.len() > limits::MESSAGE_SIZE_MAX {
            let kind = DecodeErrorKind::LengthTooLarge(bytes.len() as u64);
            return Err(DecodeError::new(kind, 0, 0));
        }
        let memory = self.memory.unwrap_or_else(|| limits::decode_memory(bytes.len()));
        Ok(Budget::with_limits(bytes, self.depth, memory))
    }

    /// Reads `bytes`, a message of the type `name`, by `merge`. It is not generic, so that a program
    /// has it once and not for each message type.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub(super) fn decode(
        &self,
        bytes: &[u8],
        name: &'static str,
        merge: &mut dyn FnMut(Reader<'_>) -> Result<(), DecodeError>,
    ) -> Result<(), DecodeError> {
        let merged = self.budget(bytes).and_then(|mut budget| merge(budget.reader(bytes)));
        merged.map_err(|error| error.within(name))
    }

    pub(super) fn check_extensions(&self, message: &dyn Reflect) -> Result<(), DecodeError> {
        match self.pool {
            Some(pool) => check_extensions(message, pool, self.depth, None),
            None => Ok(()),
        }
    }
}

impl Default for DecodeOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}
