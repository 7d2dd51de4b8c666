//! The server against a scripted peer: one test a rule.

mod active;
mod admission;
mod calls;
#[cfg(feature = "gzip")]
mod compression;
mod context;
mod ends;
mod generic;
mod heads;
mod interceptors;
mod messages;
mod slow;
mod support;
