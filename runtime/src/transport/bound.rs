//! How long an attempt to connect goes on: until a time, and as long as somebody wants it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::now;
use crate::limits::CANCELLATION_LOOK;

/// What ends an attempt to connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bound {
    until: Option<Instant>,
    wish: Option<Wish>,
}

/// Whether an attempt is wanted: it is, until it is withdrawn. The attempt looks now and then.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish {
    is_withdrawn: Arc<AtomicBool>,
}

impl Wish {
    pub(crate) fn withdraw(&self) {
        self.is_withdrawn.store(true, Ordering::Release);
    }
}

impl Bound {
    pub(crate) fn new(until: Option<Instant>, wish: &Wish) -> Self {
        Self { until, wish: Some(wish.clone()) }
    }

    /// Whether the time is up.
    pub(super) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| until <= now())
    }

    /// Whether the attempt is still wanted.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::ConnectionAborted`] if it is not.
    pub(super) fn check_wanted(&self) -> io::Result<()> {
        match self.wish.as_ref().is_some_and(|wish| wish.is_withdrawn.load(Ordering::Acquire)) {
            true => {
                Err(io::Error::new(io::ErrorKind::ConnectionAborted, "nobody wants it any more"))
            }
            false => Ok(()),
        }
    }

    /// How long to wait for something that may come sooner; then it is time to look again.
    pub(super) fn wait(&self) -> Option<Duration> {
        let left = self.until.map(|until| until.saturating_duration_since(now()));
        let look = self.wish.as_ref().map(|_| CANCELLATION_LOOK);
        [left, look].into_iter().flatten().min()
    }
}

impl From<Option<Instant>> for Bound {
    fn from(until: Option<Instant>) -> Self {
        Self { until, wish: None }
    }
}
