//! The end of a call, for other threads than the one that runs its method.

use std::fmt;
use std::time::Duration;

use crate::transport::{Stream, now};

/// Tells any thread whether a call has been cancelled; made by [`Context::cancellation`](super::Context::cancellation).
///
/// Cheap to clone. It stays valid after the call, and a call that ended in the ordinary way never
/// becomes cancelled.
#[derive(Clone)]
pub struct CancellationToken {
    stream: Stream,
}

impl CancellationToken {
    pub(crate) fn new(stream: Stream) -> Self {
        Self { stream }
    }

    /// As [`Context::is_cancelled`](super::Context::is_cancelled).
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.stream.is_cancelled()
    }

    /// Waits until the call is over, `timeout` at most, and tells whether it was cancelled.
    #[must_use]
    pub fn wait(&self, timeout: Duration) -> bool {
        self.stream.wait_cancelled(now().checked_add(timeout))
    }

    /// As [`Context::on_cancel`](super::Context::on_cancel).
    pub fn on_cancel(&self, callback: impl FnOnce() + Send + 'static) {
        self.stream.on_cancel(Box::new(callback));
    }
}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("CancellationToken").field("cancelled", &self.is_cancelled()).finish()
    }
}
