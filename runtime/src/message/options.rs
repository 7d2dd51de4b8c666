//! How messages are decoded, where the defaults do not do.

#[cfg(feature = "reflect")]
mod pool;

use super::{Budget, DecodeError, DecodeErrorKind, Reader};
use crate::limits;

/// Options of decoding: limits, and the extensions that are known.
///
/// Only those with a `pool` need reflection of the messages that they decode.
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
pub struct DecodeOptions<P = ()> {
    limits: DecodeLimits,
    pool: P,
}

/// The limits alone, so that what goes by them is the same for all options.
#[derive(Clone, Debug)]
pub(super) struct DecodeLimits {
    depth: u32,
    memory: Option<usize>,
    size: usize,
}

impl DecodeOptions {
    /// The defaults: 2 GiB - 1 bytes of input; 100 levels; 128 MiB or 32 bytes for each byte of input,
    /// whichever is more; no extension is looked into.
    pub const fn new() -> Self {
        let limits = DecodeLimits {
            depth: limits::MESSAGE_DEPTH_MAX,
            memory: None,
            size: limits::MESSAGE_SIZE_MAX,
        };
        Self { limits, pool: () }
    }
}

impl<P: Copy> DecodeOptions<P> {
    /// Messages, groups and map entries are nested at most `levels` deep. Each level takes stack.
    #[must_use]
    pub const fn depth_limit(mut self, levels: u32) -> Self {
        self.limits.depth = levels;
        self
    }

    /// Lists, maps, boxed messages and unknown fields take at most `bytes` of memory, counted as it is
    /// allocated: a list has room for twice its elements when it has just grown.
    ///
    /// Strings and bytes come on top, of which there is no more than of the input, and the message
    /// itself. While a list or map grows, what it had before comes on top too: half of `bytes` at most
    /// if the message was empty. Checking the extensions that a `pool` knows takes up to as much
    /// again for the moment.
    ///
    /// In a message that is merged into, what is there already does not count. A map that entries were
    /// taken out of before may then grow further than was counted.
    #[must_use]
    pub const fn memory_limit(mut self, bytes: usize) -> Self {
        self.limits.memory = Some(bytes);
        self
    }

    /// An encoded message is at most `bytes` long, at most 2 GiB - 1. From a stream of messages no
    /// more is read.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::message::DecodeOptions;
    /// use rust_grpc::well_known::StringValue;
    ///
    /// let options = DecodeOptions::new().size_limit(4);
    /// let mut stream = &b"\x03\x0a\x01a\x7f"[..];
    /// let first = StringValue::read_length_delimited_with(&mut stream, &options)?;
    /// assert_eq!(first, Some("a".into()));
    /// let error = StringValue::read_length_delimited_with(&mut stream, &options).unwrap_err();
    /// assert_eq!(error.to_string(), "expected a message of at most 4 bytes, got one of 127");
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[must_use]
    pub const fn size_limit(mut self, bytes: usize) -> Self {
        let most = limits::MESSAGE_SIZE_MAX;
        self.limits.size = if bytes < most { bytes } else { most };
        self
    }
}

impl<P> DecodeOptions<P> {
    pub(super) fn limits(&self) -> &DecodeLimits {
        &self.limits
    }

    /// What the pool, if there is one, says of the extensions in `message`.
    pub(super) fn check_extensions<M>(&self, message: &M) -> Result<(), DecodeError>
    where
        P: ExtensionCheck<M>,
    {
        self.pool.check(message, self.limits.depth, self.limits.memory)
    }
}

impl DecodeLimits {
    /// The most bytes that a message may have.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The budget for `bytes`, which are not more than a message may have: every decoding begins here.
    #[inline]
    pub(super) fn budget(&self, bytes: &[u8]) -> Result<Budget, DecodeError> {
        if bytes.len() > self.size {
            return Err(self.too_large(bytes.len()));
        }
        let memory = self.memory.unwrap_or_else(|| limits::decode_memory(bytes.len()));
        Ok(Budget::with_limits(bytes, self.depth, memory))
    }

    #[cold]
    fn too_large(&self, size: usize) -> DecodeError {
        let kind = match self.size {
            limits::MESSAGE_SIZE_MAX => DecodeErrorKind::LengthTooLarge(size as u64),
            limit => DecodeErrorKind::MessageTooLarge { limit, got: size },
        };
        DecodeError::new(kind, 0, 0)
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
}

impl Default for DecodeOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// What [`DecodeOptions`] check of the extensions in messages `M`: nothing, or, with a pool, those
/// that it knows.
///
/// Messages have it with a pool if they have reflection. It is not for other types to implement.
pub trait ExtensionCheck<M>: sealed::Sealed {
    /// Whether the extensions in `message` and in what it holds can be decoded, at most `depth` levels
    /// deep and within this `memory`, and have their required fields.
    ///
    /// # Errors
    ///
    /// What is wrong with the first that does not.
    #[doc(hidden)]
    fn check(&self, message: &M, depth: u32, memory: Option<usize>) -> Result<(), DecodeError>;
}

impl<M> ExtensionCheck<M> for () {
    fn check(&self, _: &M, _: u32, _: Option<usize>) -> Result<(), DecodeError> {
        Ok(())
    }
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for () {}
}
