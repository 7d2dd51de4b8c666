//! Every default limit of the runtime, with its reason.

mod calls;
mod client;
mod hpack;
pub(crate) mod http2;
mod messages;
mod server;
mod transport;

#[cfg(feature = "testing")]
use std::time::Duration;

pub(crate) use calls::*;
pub(crate) use client::*;
pub(crate) use hpack::*;
pub(crate) use messages::*;
pub(crate) use server::*;
pub(crate) use transport::*;

// Testing.

/// Calls of a fake server that wait for the test: more than any test makes, and it is told.
#[cfg(feature = "testing")]
pub(crate) const TEST_CALLS_MAX: usize = 10_000;

/// How long a test waits for what another thread is to do at once: never, unless it has failed.
#[cfg(feature = "testing")]
pub(crate) const TEST_PATIENCE: Duration = Duration::from_secs(30);

// Services.

/// Calls of Watch that one health service has open: thousands of load balancers, and some
/// megabytes of memory.
#[cfg(feature = "health")]
pub(crate) const HEALTH_WATCHERS_MAX: usize = 10_000;

/// Bytes of the name that a watcher asks for, since names of unknown services are kept, too: no
/// service's name is longer than the identifiers that protobuf's own tools accept.
#[cfg(feature = "health")]
pub(crate) const HEALTH_NAME_MAX: usize = 1024;

/// Services in one answer to List: what health.proto says.
#[cfg(feature = "health")]
pub(crate) const HEALTH_LIST_MAX: usize = 100;

/// Channels, servers or sockets in one answer of channelz, as C-core has it: all of them are looked at
/// under one lock, and an answer is held in memory.
#[cfg(feature = "channelz")]
pub(crate) const CHANNELZ_RESULTS_MAX: usize = 100;
