//! What channels take.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How often a call that waits for a connection looks whether it was cancelled meanwhile: soon enough
/// for whoever cancels, seldom enough to cost nothing beside a connection that is being made.
pub(crate) const CANCELLATION_LOOK: Duration = Duration::from_millis(50);

/// Connections of one channel: more than machines have processors to drive them with.
pub(crate) const CONNECTIONS_MAX: usize = 256;

/// Connections that one call tries before it gives up, if each takes no more streams just when the
/// call wants one: more than restarting servers ever cause, fewer than an endless loop.
pub(crate) const OPEN_ATTEMPTS_MAX: u32 = 5;

/// Threads that send calls again for those who do not wait for them: all of one channel wait for
/// the same connection, so few are enough.
pub(crate) const RETRY_THREADS: NonZeroUsize = NonZeroUsize::new(4).expect("not zero");

/// Bytes of streamed requests that a call keeps, to send them again should the server refuse the
/// stream: what leaves before a refusal can come back, and little beside the connection.
pub(crate) const RETRY_BUFFER_MAX: usize = 64 * 1024;

/// gRFC A6: a call with a retry policy is sent at most so often, whatever the policy says.
pub(crate) const RETRY_ATTEMPTS_MAX: u32 = 5;

/// The wait before the first retry: the example of gRFC A6, a little more than a server's restart of
/// a worker takes and less than people notice.
pub(crate) const RETRY_BACKOFF_INITIAL: Duration = Duration::from_millis(100);

/// The longest wait between retries: the example of gRFC A6.
pub(crate) const RETRY_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How waits between retries grow: the example of gRFC A6.
pub(crate) const RETRY_BACKOFF_MULTIPLIER: f64 = 2.0;

/// The most tokens of retry throttling: more would let a server go down before retries stop. All
/// implementations have the same.
pub(crate) const RETRY_TOKENS_MAX: u32 = 1000;
