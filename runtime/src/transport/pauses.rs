//! Links of a server that nobody watches for a moment, because a handler that has just received a
//! message will be back for the next one.
//!
//! The invariant: a link whose lead is paused is among those that the monitor looks at, and while there is
//! one it does so every [`MONITOR_TICK`](crate::limits::MONITOR_TICK): whatever else comes over it waits for
//! two looks at most.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, Weak};

use super::lead::Lead;
use super::link::Link;
use super::lock;

/// The links of one reactor at which the monitor looks.
#[derive(Default)]
pub(super) struct Pauses {
    /// With the turns of each when it was seen last. A link has its reactor, whose list this is, and must
    /// not be kept by it.
    links: Mutex<Vec<(Weak<Link>, u64)>>,
}

impl Pauses {
    fn add(&self, link: &Arc<Link>) {
        // A turn that no link has had: it is looked at twice before anything is done.
        lock(&self.links).push((Arc::downgrade(link), u64::MAX));
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.links).is_empty()
    }

    /// The monitor looks at all. A panic ends the link that is looked at alone.
    pub(super) fn look(&self) {
        let mut links = std::mem::take(&mut *lock(&self.links));
        links.retain_mut(|(link, seen)| {
            let Some(link) = link.upgrade() else { return false };
            let look = catch_unwind(AssertUnwindSafe(|| link.look(seen)));
            if look.is_err() {
                // The panic hook has reported it.
                link.close();
            }
            look.unwrap_or(false)
        });
        lock(&self.links).append(&mut links);
    }
}

impl Link {
    /// A caller stops leading.
    pub(super) fn stop_leading(self: &Arc<Self>, lead: &Lead, buffer: Vec<u8>) {
        let bell = self.bell.get().filter(|_| self.wire.descriptor().is_some());
        let may_pause = bell.is_some() && lock(&self.state).is_quiet();
        let (next, watch) = (|| self.next_watch(), |interest| self.watch(interest));
        if lead.pass_on(buffer, may_pause, next, watch)
            && let Some(bell) = bell
        {
            bell.list(|pauses| pauses.add(self));
        }
    }

    /// A handler is done with its call, so that it will not be back.
    pub(super) fn end_pause(&self) {
        if let Some(lead) = &self.lead {
            lead.end_pause(|| self.next_watch(), |interest| self.watch(interest));
        }
    }

    /// The monitor looks at the link; says whether it is to look again.
    fn look(&self, seen: &mut u64) -> bool {
        self.lead.as_ref().is_some_and(|lead| {
            lead.look(seen, || self.next_watch(), |interest| self.watch(interest))
        })
    }
}
