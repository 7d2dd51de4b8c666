//! The only names that generated code may use.

/// What generated message types use: no client, no server.
pub mod message {}

/// What generated service traits, servers and stubs use.
pub mod service {}
