//! Requests that a reactor has read and is to answer, and when what they are answered with is written.
//!
//! ```text
//! one request of a link            answered, and written at once
//! several, one after the other     the first ─► the link holds back ─► 32 or all are answered ─► written
//! ```
//!
//! Of requests that are left it is known how many before them have taken their thread for long: they may do
//! the same, and what comes behind them would wait for each.
//!
//! The invariant: at most one link holds back because of this, and the thread that drives the reactor
//! writes for it before it waits; one that takes the seat over writes before anything else.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use super::accepted::{Accepted, Arrived};
use super::link::Link;
use super::lock;
use crate::limits::REQUESTS_BETWEEN_WRITES;

/// The part of a reactor that only its threads know.
#[derive(Default)]
pub(super) struct Work {
    queue: Mutex<Queue>,
    /// Requests wait; set under the lock.
    is_left: AtomicBool,
}

/// Requests that wait for their turn.
#[derive(Default)]
struct Queue {
    /// Each is taken in when it is its turn: the calls of a burst then use the same memory, one
    /// after the other.
    requests: VecDeque<Arrived>,
    /// How many have taken their thread for long since none was left.
    delays: u32,
    /// The link that holds back what it is answered with: from the first of several requests on, never
    /// before, for its streams and workers may have something to send while it waits.
    corked: Option<Corked>,
}

/// A request whose turn it is.
pub(super) struct Next {
    pub(super) request: Accepted,
    /// [`Work::write`] is due once it is answered.
    pub(super) is_due: bool,
    /// How many have taken their thread for long that it has waited behind.
    pub(super) delays: u32,
}

struct Corked {
    link: Arc<Link>,
    /// How many requests were taken from the queue since it wrote.
    unwritten: usize,
}

impl Work {
    pub(super) fn add(&self, requests: impl IntoIterator<Item = Arrived>) {
        let mut queue = lock(&self.queue);
        queue.requests.extend(requests);
        self.is_left.store(!queue.requests.is_empty(), Ordering::Release);
    }

    /// A request has taken its thread for long: those that are left have waited behind it.
    pub(super) fn add_delay(&self) {
        let mut queue = lock(&self.queue);
        if !queue.requests.is_empty() {
            queue.delays += 1;
        }
    }

    /// Whether requests wait for their turn.
    pub(super) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Acquire)
    }

    /// The next request. One alone is answered at once; with others of its link behind it, together with
    /// them.
    pub(super) fn next(&self) -> Option<Next> {
        if !self.is_left() {
            return None;
        }
        let mut queue = lock(&self.queue);
        let request = queue.requests.pop_front()?;
        let delays = queue.delays;
        if queue.requests.is_empty() {
            queue.delays = 0;
            self.is_left.store(false, Ordering::Release);
        }
        let link = &request.handle.link;
        let is_last = !queue.is_next(link);
        let mut is_due = false;
        if let Some(corked) = &mut queue.corked {
            corked.unwritten += 1;
            is_due = is_last || corked.unwritten == REQUESTS_BETWEEN_WRITES;
        } else if !is_last {
            queue.corked = Some(Corked { link: Arc::clone(link), unwritten: 1 });
            drop(queue);
            link.hold_back();
        }
        Some(Next { request: request.accept(), is_due, delays })
    }

    /// Writes what is held back; the link goes on holding back if the next request is its, too.
    pub(super) fn write(&self) {
        let mut queue = lock(&self.queue);
        let Some(Corked { link, .. }) = queue.corked.take() else { return };
        let goes_on = queue.is_next(&link);
        if goes_on {
            queue.corked = Some(Corked { link: Arc::clone(&link), unwritten: 0 });
        }
        drop(queue);
        link.uncork();
        if goes_on {
            link.hold_back();
        }
    }
}

impl Queue {
    /// Whether the next request is one of `link`.
    fn is_next(&self, link: &Arc<Link>) -> bool {
        self.requests.front().is_some_and(|next| Arc::ptr_eq(&next.handle.link, link))
    }
}
