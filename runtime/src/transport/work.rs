//! Requests that a reactor has read and is to answer, and when what they are answered with is written.
//!
//! ```text
//! one request of a link            answered, and written at once
//! several, one after the other     the first ─► the link holds back ─► 32 or all are answered ─► written
//! ```
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
    /// The link that holds back what it is answered with: from the first of several requests on, never
    /// before, for its streams and workers may have something to send while it waits.
    corked: Option<Corked>,
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

    /// Whether requests wait for their turn.
    pub(super) fn is_left(&self) -> bool {
        self.is_left.load(Ordering::Acquire)
    }

    /// The next request, and whether [`write`](Self::write) is due once it is answered. A request
    /// alone is answered at once; with others of its link behind it, together with them.
    pub(super) fn next(&self) -> Option<(Accepted, bool)> {
        if !self.is_left() {
            return None;
        }
        let mut queue = lock(&self.queue);
        let request = queue.requests.pop_front()?;
        if queue.requests.is_empty() {
            self.is_left.store(false, Ordering::Release);
        }
        let link = &request.handle.link;
        let is_last = !queue.is_next(link);
        if let Some(corked) = &mut queue.corked {
            corked.unwritten += 1;
            let is_due = is_last || corked.unwritten == REQUESTS_BETWEEN_WRITES;
            return Some((request.accept(), is_due));
        }
        if !is_last {
            queue.corked = Some(Corked { link: Arc::clone(link), unwritten: 1 });
            drop(queue);
            link.hold_back();
        }
        Some((request.accept(), false))
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
