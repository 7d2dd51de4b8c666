//! What unit tests of clients and servers need: a server that the test plays itself, calls of a
//! service's methods without a client, and a clock that the test moves.
//!
//! Behind the feature `testing`, meant for `[dev-dependencies]`. Everything runs within the process,
//! without sockets, over the same code as real calls: metadata, deadlines, cancellation and flow
//! control are what they are in service. A real server is tested over
//! [`InProcess`](crate::InProcess), which needs no feature.
//!
//! | to test | there is |
//! |---|---|
//! | a client, and what it does with answers and errors | [`FakeServer`] |
//! | one method of a service | [`TestCall`] |
//! | deadlines, backoff, keepalive | [`Clock`] |
//!
//! A whole page of examples: docs/testing.md.

mod call;
mod clock;
mod fake;
#[cfg(test)]
mod tests;

pub use call::{Outcome, TestCall};
pub use clock::Clock;
pub use fake::{FakeCall, FakeServer};
