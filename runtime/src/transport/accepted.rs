//! A stream that the peer has opened, from its arrival to whoever serves it.
//!
//! Requests come in bursts and are served one after the other: one that waits for its turn has no
//! allocation of its own, so that those of a burst use the same memory.

use std::sync::Arc;
use std::time::Instant;

use super::stream::{Handle, Stream};
use crate::http2::Headers;

/// A request as it has come, before its turn; dropped, its stream is reset.
pub(super) struct Arrived {
    pub(super) handle: Handle,
    pub(super) headers: Headers,
    pub(super) truncated: bool,
    pub(super) received: Instant,
}

/// A request to be served.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: Stream,
    pub(crate) headers: Headers,
    /// The header list was over the limit and was cut.
    pub(crate) truncated: bool,
    /// When it came.
    pub(crate) received: Instant,
}

impl Arrived {
    /// It is its turn.
    pub(super) fn accept(self) -> Accepted {
        let Self { handle, headers, truncated, received } = self;
        Accepted { stream: Stream::from(handle), headers, truncated, received }
    }
}

impl Accepted {
    /// Puts the request back until it is whole: it comes again then, or when it never will be. Returns
    /// it if that has happened.
    ///
    /// # Panics
    ///
    /// If its stream was cloned.
    pub(crate) fn hold(self) -> Option<Self> {
        let link = Arc::clone(self.stream.link());
        let arrived = self.into_arrived();
        link.submit(|state| state.hold(arrived)).map(Arrived::accept)
    }

    /// It waits again.
    pub(super) fn into_arrived(self) -> Arrived {
        let Self { stream, headers, truncated, received } = self;
        let handle = Arc::into_inner(stream.handle).expect("nobody has the stream yet");
        Arrived { handle, headers, truncated, received }
    }
}
