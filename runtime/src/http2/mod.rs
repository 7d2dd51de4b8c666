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
mod headers;
pub(crate) mod hpack;
mod lifetime;
mod malformed;
mod memo;
mod settings;
mod slab;
mod stream;
mod stream_map;
mod streams;
mod template;
#[cfg(test)]
mod tests;
mod window;

#[cfg(feature = "channelz")]
pub(crate) use connection::Facts;
pub(crate) use connection::{Connection, End, Event, Lent, Outgoing};
#[cfg(test)]
pub(crate) use error::Error;
pub(crate) use error::{Initiator, OpenError, Reason, SendError};
pub(crate) use headers::Headers;
pub(crate) use lifetime::{Keepalive, Lifetime, PingPolicy};
pub(crate) use settings::Config;
pub(crate) use stream::StreamId;
pub(crate) use stream_map::StreamMap;
