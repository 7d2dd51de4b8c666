//! HTTP/2 (RFC 9113) and HPACK (RFC 7541) as values: bytes and times in, events and bytes out.
//!
//! Invariant: nothing here imports anything of ours but limits, and nothing here has a socket, a
//! clock, a thread or a lock.

#![forbid(unsafe_code)]

mod abuse;
mod connection;
mod error;
mod frame;
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzzing;
#[allow(dead_code, reason = "tests and fuzz targets use the rest")]
mod headers;
#[allow(dead_code, unused_imports, reason = "tests and fuzz targets use the rest")]
pub(crate) mod hpack;
mod malformed;
mod settings;
mod stream;
mod streams;
#[cfg(test)]
mod tests;
mod window;

pub(crate) use connection::{Connection, Event};
#[allow(unused_imports, reason = "the type of what handle_bytes fails with")]
pub(crate) use error::Error;
pub(crate) use error::{Initiator, OpenError, Reason, SendError};
pub(crate) use headers::Headers;
pub(crate) use settings::Config;
pub(crate) use stream::StreamId;
