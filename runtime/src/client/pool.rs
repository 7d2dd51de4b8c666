//! The connections of a channel that take calls.
//!
//! The invariants: there are `max` at most, and who queues for a stream queues at all of them (gRFC
//! A105), those included that come later.

use std::sync::{Arc, Mutex};

use crate::limits;
use crate::transport::{Link, OpenError, Opening, lock};

/// Connections to one target, among which calls choose.
pub(super) struct Pool {
    links: Mutex<Vec<Arc<Link>>>,
    /// Those that are there and take no calls for now. Its lock is taken alone, or under the other one.
    resting: Mutex<Vec<Arc<Link>>>,
    max: usize,
}

/// What there is for a call.
pub(super) struct Picked {
    pub(super) link: Option<Arc<Link>>,
    /// No connection is without calls, and there may be one more.
    pub(super) wants_more: bool,
}

impl Pool {
    /// A pool of at most `max` connections.
    pub(super) fn new(max: usize) -> Self {
        Self {
            links: Mutex::default(),
            resting: Mutex::default(),
            max: max.clamp(1, limits::CONNECTIONS_MAX),
        }
    }

    /// Adds a connection; those who queue at the others queue there too, or if there are none, those who
    /// queue at `relative`.
    pub(super) fn add(&self, link: &Arc<Link>, relative: Option<&Arc<Link>>) {
        let mut links = lock(&self.links);
        if let Some(other) = links.iter().find(|link| link.is_usable()).or(relative) {
            link.share_queue_of(other);
        }
        links.push(Arc::clone(link));
        lock(&self.resting).retain(|resting| !Arc::ptr_eq(resting, link));
    }

    /// Has a connection take no calls until it is added, again or for the first time; calls that it has
    /// go on, and those that queue there look elsewhere.
    pub(super) fn rest(&self, link: &Arc<Link>) {
        let mut links = lock(&self.links);
        links.retain(|other| !Arc::ptr_eq(other, link));
        let mut resting = lock(&self.resting);
        if !resting.iter().any(|other| Arc::ptr_eq(other, link)) {
            resting.push(Arc::clone(link));
        }
        drop((links, resting));
        // Who comes to queue here from now on sees that it rests.
        link.dismiss_queue();
    }

    /// Whether a connection takes no calls for now.
    pub(super) fn is_resting(&self, link: &Arc<Link>) -> bool {
        lock(&self.resting).iter().any(|other| Arc::ptr_eq(other, link))
    }

    /// Whether there are connections that take no calls for now, and may later.
    pub(super) fn has_resting(&self) -> bool {
        lock(&self.resting).iter().any(|link| link.is_usable())
    }

    /// Whether calls choose among connections of which this is one.
    pub(super) fn takes_calls_at(&self, link: &Arc<Link>) -> bool {
        lock(&self.links).iter().any(|other| Arc::ptr_eq(other, link))
    }

    /// Takes out those that take no more calls.
    pub(super) fn take_unusable(&self) -> Vec<Arc<Link>> {
        let mut links = lock(&self.links);
        let mut unusable: Vec<_> = links.extract_if(.., |link| !link.is_usable()).collect();
        unusable.extend(lock(&self.resting).extract_if(.., |link| !link.is_usable()));
        unusable
    }

    /// Takes out all.
    pub(super) fn take(&self) -> Vec<Arc<Link>> {
        let mut links = lock(&self.links);
        let mut all = std::mem::take(&mut *links);
        all.append(&mut lock(&self.resting));
        all
    }

    /// The connection with the fewest calls, and one with room before one without.
    pub(super) fn pick(&self) -> Picked {
        self.pick_besides(&[])
    }

    /// As [`pick`](Self::pick), but none of `asked`.
    pub(super) fn pick_besides(&self, asked: &[Arc<Link>]) -> Picked {
        let links = lock(&self.links);
        if let ([link], 1, []) = (&links[..], self.max, asked)
            && link.is_usable()
        {
            // There is no choice, and so nothing to be compared.
            return Picked { link: Some(Arc::clone(link)), wants_more: false };
        }
        let (mut best, mut usable, mut is_busy) = (None, 0, true);
        for link in &*links {
            let Some(load) = link.load() else { continue };
            usable += 1;
            is_busy &= load.is_full || load.calls > 0;
            let is_asked = asked.iter().any(|asked| Arc::ptr_eq(asked, link));
            if !is_asked && best.is_none_or(|(least, _)| load < least) {
                best = Some((load, link));
            }
        }
        let link = best.map(|(_, link)| Arc::clone(link));
        Picked { link, wants_more: is_busy && usable < self.max }
    }

    /// Whether some connection takes calls.
    pub(super) fn has_usable(&self) -> bool {
        lock(&self.links).iter().any(|link| link.is_usable())
    }

    /// The oldest connection that takes calls.
    pub(super) fn first_usable(&self) -> Option<Arc<Link>> {
        lock(&self.links).iter().find(|link| link.is_usable()).cloned()
    }

    /// All connections that take calls, the oldest first, and then those that rest.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        let links = lock(&self.links);
        let mut all = links.clone();
        all.extend_from_slice(&lock(&self.resting));
        all
    }

    /// Takes a call out of all queues, also those of connections that have come since it looked: it queues
    /// there without having asked.
    pub(super) fn leave_queues(&self, opening: &mut Opening<'_>) {
        // First where a further connection would find it.
        let left = opening.leave_queues();
        self.links().iter().for_each(|link| left.leave_queue_of(link));
    }

    /// Waits until one of the connections may take the call, which queues at all of them.
    ///
    /// # Errors
    ///
    /// As [`Opening::wait`].
    pub(super) fn wait(&self, opening: &mut Opening<'_>) -> Result<(), OpenError> {
        match self.max {
            1 => opening.wait(),
            _ => opening.wait_for_any(),
        }
    }
}
