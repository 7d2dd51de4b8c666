//! The server against a scripted peer: one test a rule.

mod calls;
mod ends;
mod heads;
mod messages;
mod support;
