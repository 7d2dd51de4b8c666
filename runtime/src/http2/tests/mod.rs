//! Conversation tests: a scripted peer speaks to a [`Connection`](super::Connection), and the test
//! reads what comes back. Each test is a rule of RFC 9113; `docs/http2-rules.md` lists them.

mod attacks;
mod control;
mod exchange;
mod flow;
mod frames;
mod framing;
mod growth;
mod honest;
mod hostile;
mod lifetime;
mod messages;
mod monitor;
mod peer;
mod preface;
mod random;
mod repeated;
mod simulation;
mod states;
