//! One compression algorithm, and the buffer that it writes into.
//!
//! The invariant: an [`Output`] never holds more than it was made for, whatever an algorithm writes;
//! so a message that would decompress to gigabytes costs no more than the largest that is allowed.

use std::fmt;
use std::io;

use crate::limits::COMPRESSION_ROOM_MIN;

/// An algorithm that compresses messages and undoes it.
///
/// Given to [`ChannelBuilder::compressor`] and [`ServerBuilder::compressor`]; both sides of a call
/// must have it. It is then offered to the peer, and used where [`Compression::Custom`] with its
/// name is asked for. One whose name is that of a built-in algorithm takes its place: this is how a
/// level is chosen, `compressor(Gzip::new(9))`.
///
/// It is called by many threads at the same time, for one message each time, and keeps nothing of a
/// message.
///
/// [`ChannelBuilder::compressor`]: crate::ChannelBuilder::compressor
/// [`ServerBuilder::compressor`]: crate::ServerBuilder::compressor
/// [`Compression::Custom`]: crate::Compression::Custom
///
/// # Examples
///
/// ```
/// use std::io::{self, Write};
/// use rust_grpc::compression::{Compressor, Output};
/// use rust_grpc::{Channel, Compression};
///
/// /// Pairs of a count and a byte: good for long runs and nothing else.
/// struct RunLength;
///
/// impl Compressor for RunLength {
///     fn name(&self) -> &str {
///         "run-length"
///     }
///
///     fn compress(&self, message: &[u8], output: &mut Output) -> io::Result<()> {
///         for run in message.chunk_by(|a, b| a == b) {
///             for part in run.chunks(255) {
///                 output.write_all(&[part.len() as u8, part[0]])?;
///             }
///         }
///         Ok(())
///     }
///
///     fn decompress(&self, compressed: &[u8], output: &mut Output) -> io::Result<()> {
///         let (pairs, rest) = compressed.as_chunks::<2>();
///         for [count, byte] in pairs {
///             output.write_all(&[*byte; 255][..usize::from(*count)])?;
///         }
///         match rest {
///             [] => Ok(()),
///             _ => Err(io::Error::other("expected pairs of bytes")),
///         }
///     }
/// }
///
/// let channel = Channel::builder("localhost:50051")
///     .compressor(RunLength)
///     .compression(Compression::Custom("run-length"))
///     .build()?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
pub trait Compressor: Send + Sync {
    /// The name on the wire: lower-case letters, digits, `-`, `_` and `.`.
    ///
    /// The answer must not change.
    fn name(&self) -> &str;

    /// Writes `message` in its compressed form.
    ///
    /// The room of `output` is smaller than the message. When it does not do, writing fails, the
    /// error is to be returned, and the message is sent as it is.
    ///
    /// # Errors
    ///
    /// That of `output`. Any other ends the call with INTERNAL.
    fn compress(&self, message: &[u8], output: &mut Output) -> io::Result<()>;

    /// Writes the message whose compressed form is `compressed`, all of it.
    ///
    /// What the peer sent may be anything: every error in it is to be found, and memory beside
    /// `output` is to be bounded.
    ///
    /// # Errors
    ///
    /// That of `output`, which means that the message is over the receive limit: the call ends with
    /// RESOURCE_EXHAUSTED. Any other ends the call with INTERNAL.
    fn decompress(&self, compressed: &[u8], output: &mut Output) -> io::Result<()>;
}

/// Where a [`Compressor`] writes to: a buffer with a largest size.
///
/// Memory is allocated as bytes are written, at most for the largest size.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use rust_grpc::compression::Output;
///
/// let mut output = Output::new(5);
/// output.write_all(b"hello")?;
/// assert!(output.write_all(b"!").is_err());
/// assert_eq!(output.as_slice(), b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct Output {
    bytes: Vec<u8>,
    size_max: usize,
    exceeded: bool,
}

impl Output {
    /// An empty buffer for at most `size_max` bytes; nothing is allocated yet.
    #[must_use]
    pub const fn new(size_max: usize) -> Self {
        Self { bytes: Vec::new(), size_max, exceeded: false }
    }

    /// As [`new`](Self::new), with the memory of `scratch`, which may be more than `size_max`.
    pub(crate) fn reusing(mut scratch: Vec<u8>, size_max: usize) -> Self {
        scratch.clear();
        Self { bytes: scratch, size_max, exceeded: false }
    }

    /// What was written so far.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes more fit.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.size_max.saturating_sub(self.bytes.len())
    }

    /// What was written.
    #[must_use]
    pub fn into_vec(self) -> Vec<u8> {
        self.bytes
    }

    /// Makes room for `size` bytes more at once, if so many fit: a hint for algorithms that know
    /// the size of what they will write.
    pub fn reserve(&mut self, size: usize) {
        if size <= self.remaining() {
            self.bytes.reserve_exact(size);
        }
    }

    /// Whether more was written than fits.
    pub(crate) fn is_exceeded(&self) -> bool {
        self.exceeded
    }

    /// The error of writing more than fits.
    pub(super) fn exceed(&mut self) -> io::Error {
        self.exceeded = true;
        io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("more than the largest size of {} bytes", self.size_max),
        )
    }

    /// The buffer with room for one byte at least; without any if all that fits was written.
    ///
    /// Doubles the room, so that copies stay linear in the size, and never makes more than fits.
    #[cfg(feature = "gzip")]
    pub(super) fn room(&mut self) -> &mut Vec<u8> {
        if self.bytes.len() == self.bytes.capacity() {
            let more = self.bytes.len().max(COMPRESSION_ROOM_MIN);
            self.bytes.reserve_exact(more.min(self.remaining()));
        }
        &mut self.bytes
    }

    /// The buffer, empty and with room for `size` bytes, or for all that fits if that is less.
    #[cfg(feature = "zstd")]
    pub(super) fn cleared(&mut self, size: usize) -> &mut Vec<u8> {
        self.bytes.clear();
        self.bytes.reserve_exact(size.min(self.size_max));
        &mut self.bytes
    }

    /// Fails if an algorithm that writes into the buffer itself has written more than fits.
    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(super) fn check(&mut self) -> io::Result<()> {
        match self.bytes.len() > self.size_max {
            true => Err(self.exceed()),
            false => Ok(()),
        }
    }
}

impl io::Write for Output {
    /// Takes all of `bytes`, or nothing if they do not fit.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.remaining() {
            return Err(self.exceed());
        }
        let needed = self.bytes.len() + bytes.len();
        if needed > self.bytes.capacity() {
            let doubled = (self.bytes.capacity() * 2).max(COMPRESSION_ROOM_MIN);
            let capacity = needed.max(doubled).min(self.size_max);
            self.bytes.reserve_exact(capacity - self.bytes.len());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} of {} bytes)", self.bytes.len(), self.size_max)
    }
}
