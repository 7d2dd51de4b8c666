//! The states of a channel's connection, as gRPC's connectivity semantics name them.

use std::fmt;

/// How a channel stands with its server.
///
/// ```text
/// IDLE ──call──▶ CONNECTING ──▶ READY ──lost, GOAWAY, idle──▶ IDLE
///                  ▲      │
///     backoff over │      ▼ failed
///               TRANSIENT_FAILURE                 any ──closed──▶ SHUTDOWN
/// ```
///
/// Source: gRPC's document on connectivity semantics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ConnectivityState {
    /// There is no connection, and nobody wants one; the next call makes it.
    Idle,
    /// A connection is being made.
    Connecting,
    /// The server has sent its SETTINGS: calls leave at once.
    Ready,
    /// The last attempt to connect has failed; the next one begins when the backoff is over.
    TransientFailure,
    /// The channel is closed, for good.
    Shutdown,
}

impl fmt::Display for ConnectivityState {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Idle => "IDLE",
            Self::Connecting => "CONNECTING",
            Self::Ready => "READY",
            Self::TransientFailure => "TRANSIENT_FAILURE",
            Self::Shutdown => "SHUTDOWN",
        })
    }
}
