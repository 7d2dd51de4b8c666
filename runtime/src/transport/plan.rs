//! How many workers a pool has, and what becomes of a job that finds none free.

use std::num::NonZeroUsize;
use std::time::Duration;

use crate::limits::{WORKER_QUEUE_MAX, WORKER_QUEUE_WAIT_MAX};

/// What a server does with a call that finds all workers busy.
///
/// Two servers that call each other can fill each other's pools, and each would then wait for the
/// other. With each of these policies such calls end: at once with `Reject`, at `max` with `Grow`,
/// after `max_wait` with `Queue`.
///
/// # Examples
///
/// ```
/// use rust_grpc::{FullPool, Server};
///
/// let builder = Server::builder().max_workers(16).full_pool(FullPool::Grow { max: 256 });
/// # drop(builder);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FullPool {
    /// Up to `max` calls wait, first come, first served, each for `max_wait` at most. What finds
    /// the queue full, or waits for too long, ends with RESOURCE_EXHAUSTED.
    Queue {
        /// How many calls may wait at once; of those that are over before they ran none counts.
        max: usize,
        /// How long one call may wait.
        max_wait: Duration,
    },
    /// No call waits for a method to return: it ends with RESOURCE_EXHAUSTED at once. A worker whose
    /// method has returned is taken for free while it sends the end of the response, so that a
    /// client that has it may call again; if that takes 100 ms, the call ends all the same.
    Reject,
    /// More workers are started, up to `max` in all; a call that finds these busy too is dealt with
    /// as by `Reject`. Workers beyond the pool's ordinary number end when they have had nothing to
    /// do for ten seconds.
    Grow {
        /// The most workers, the ordinary ones included.
        max: usize,
    },
}

impl Default for FullPool {
    /// `Queue { max: 1024, max_wait: 30 s }`.
    fn default() -> Self {
        Self::Queue { max: WORKER_QUEUE_MAX, max_wait: WORKER_QUEUE_WAIT_MAX }
    }
}

/// The job was not taken, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// All threads are busy and as many jobs wait as may, or no thread can be started.
    Full,
    /// The pool was shut down.
    Over,
}

/// What a pool is made with.
pub(crate) struct Plan<'a> {
    /// What its threads are called.
    pub(crate) name: &'a str,
    /// How many of them there are at most, unless `full` lets it grow.
    pub(crate) threads: NonZeroUsize,
    pub(crate) full: FullPool,
}
