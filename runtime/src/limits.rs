//! Every default limit of the runtime, with its reason.

use std::time::Duration;

// Transport.

/// Connections that wait to be accepted: what servers usually ask for; systems cut it to their own.
pub(crate) const LISTEN_BACKLOG: i32 = 1024;

/// After an error of accept that concerns all connections, as a lack of descriptors: long enough
/// not to spin, short enough not to be noticed.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes in one direction of an in-memory wire: like a small socket buffer.
pub(crate) const MEMORY_PIPE_CAPACITY: usize = 64 * 1024;

/// gRPC's connection backoff protocol: the wait after the first failure.
pub(crate) const BACKOFF_BASE: Duration = Duration::from_secs(1);

/// gRPC's connection backoff protocol: no wait is longer.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(120);

/// gRPC's connection backoff protocol: an attempt to connect gets at least this long.
pub(crate) const CONNECT_TIMEOUT_MIN: Duration = Duration::from_secs(20);

/// Calls that wait for a worker: a burst, and not a minute's arrears.
pub(crate) const WORKER_QUEUE_MAX: usize = 1024;
