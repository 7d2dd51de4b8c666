//! Compression of messages, each by itself: algorithms, and who may use which.
//!
//! `compressor` is the trait of an algorithm and the bounded buffer that it writes into, `gzip` and
//! `zstd` are the algorithms, `encodings` is what one side has and accepts, and the two operations
//! on messages. PROTOCOL-HTTP2.md, Message-Encoding, and compression.md of the gRPC project.

mod compressor;
mod encodings;
#[cfg(feature = "gzip")]
mod gzip;
#[cfg(test)]
#[cfg(feature = "gzip")]
mod tests;
#[cfg(feature = "zstd")]
mod zstd;

use std::fmt;

pub use compressor::{Compressor, Output};
pub(crate) use encodings::{Accepted, CODES_MAX, Encoding, Encodings, EncodingsHandle, Options};
#[cfg(feature = "gzip")]
pub use gzip::{Deflate, Gzip};
#[cfg(feature = "zstd")]
pub use zstd::Zstd;

/// How messages are compressed before they are sent.
///
/// Set for a channel ([`ChannelBuilder::compression`]), a call ([`Request::compression`]), a server
/// ([`ServerBuilder::compression`]) or a response ([`Context::set_compression`]); what is set closer
/// to the message wins. Without any of them nothing is compressed. Every message is compressed by
/// itself, and one that is small or would not become smaller is sent as it is.
///
/// Compression makes the size of a message depend on its contents: a message that holds a secret
/// beside text that an attacker chooses should not be compressed, because its length then tells
/// something about the secret (CRIME, BREACH).
///
/// [`ChannelBuilder::compression`]: crate::ChannelBuilder::compression
/// [`Request::compression`]: crate::Request::compression
/// [`ServerBuilder::compression`]: crate::ServerBuilder::compression
/// [`Context::set_compression`]: crate::Context::set_compression
///
/// # Examples
///
/// ```
/// use rust_grpc::{Compression, Request};
///
/// let request = Request::new("a long message").compression(Compression::Gzip);
/// assert_eq!(Compression::Gzip.name(), "gzip");
/// # drop(request);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// No compression.
    #[default]
    Identity,
    /// RFC 1952; needs the feature `gzip`, which is on by default. Every implementation of gRPC
    /// has it.
    Gzip,
    /// The zlib format of RFC 1950, as HTTP's `deflate`; needs the feature `gzip`.
    Deflate,
    /// RFC 8878; needs the feature `zstd`.
    Zstd,
    /// The [`Compressor`] of this name, which the builder of the channel or server was given.
    Custom(&'static str),
}

impl Compression {
    /// The name on the wire: what stands in `grpc-encoding`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Identity => IDENTITY,
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Zstd => "zstd",
            Self::Custom(name) => name,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The name of no compression.
pub(crate) const IDENTITY: &str = "identity";
