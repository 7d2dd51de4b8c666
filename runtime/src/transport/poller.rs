//! Waiting for many descriptors at once: epoll, level-triggered.
//!
//! What is watched has a key of the caller's choice. Watching nothing of a descriptor leaves it in
//! the set, so that turning it on and off is one system call.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use super::platform::{Descriptor, Waker};
use super::socket::timespec;
use super::wire::Interest;

/// A set of descriptors, and what wakes who waits for them.
pub(super) struct Poller {
    epoll: OwnedFd,
    waker: Waker,
}

/// What one wait has found.
pub(super) struct Found {
    events: Vec<Event>,
}

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        let poller = Self { epoll: epoll::create(CreateFlags::CLOEXEC)?, waker: Waker::new()? };
        let descriptor = poller.waker.descriptor();
        epoll::add(&poller.epoll, descriptor, EventData::new_u64(WAKER), EventFlags::IN)?;
        Ok(poller)
    }

    /// Begins to watch `descriptor`, for nothing yet.
    pub(super) fn add(&self, descriptor: Descriptor<'_>, key: u64) -> io::Result<()> {
        let data = EventData::new_u64(key);
        Ok(epoll::add(&self.epoll, descriptor, data, EventFlags::empty())?)
    }

    /// Watches `descriptor`, which is in the set, for `interest` from now on.
    pub(super) fn set(&self, descriptor: Descriptor<'_>, key: u64, interest: Interest) {
        let mut flags = EventFlags::empty();
        flags.set(EventFlags::IN, interest.read);
        flags.set(EventFlags::OUT, interest.write);
        // It can only fail for want of the descriptor in the set, and then nobody watches it.
        let _ = epoll::modify(&self.epoll, descriptor, EventData::new_u64(key), flags);
    }

    /// Watches `descriptor` no longer.
    pub(super) fn remove(&self, descriptor: Descriptor<'_>) {
        // As above.
        let _ = epoll::delete(&self.epoll, descriptor);
    }

    /// Waits, `timeout` at most, until something is found or somebody calls [`Poller::wake`].
    pub(super) fn wait(&self, found: &mut Found, timeout: Option<Duration>) -> io::Result<()> {
        found.events.clear();
        #[cfg(feature = "testing")]
        let timeout = timeout.map(super::clock::slice);
        let timeout = timeout.map(timespec);
        match epoll::wait(&self.epoll, spare_capacity(&mut found.events), timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if found.events.iter().any(|event| event.data.u64() == WAKER) {
            self.waker.clear();
        }
        Ok(())
    }

    /// Makes the present or the next wait return.
    pub(super) fn wake(&self) {
        self.waker.wake();
    }
}

impl Found {
    pub(super) fn new() -> Self {
        Self { events: Vec::with_capacity(EVENTS_MAX) }
    }

    /// The keys of what was found, and what of it. An error is found as whatever is waited for.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Interest)> {
        let ended = EventFlags::ERR | EventFlags::HUP;
        self.events.iter().filter(|event| event.data.u64() != WAKER).map(move |event| {
            let (key, flags) = (event.data.u64(), event.flags);
            let read = flags.intersects(EventFlags::IN | ended);
            (key, Interest { read, write: flags.intersects(EventFlags::OUT | ended) })
        })
    }
}

/// The key of the waker; no descriptor has it.
const WAKER: u64 = u64::MAX;

/// How much one wait finds at most.
const EVENTS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    use super::*;

    fn found(poller: &Poller) -> Vec<(u64, Interest)> {
        let mut found = Found::new();
        poller.wait(&mut found, Some(Duration::ZERO)).unwrap();
        found.iter().collect()
    }

    /// What is ready is found again until it is taken or no longer wanted.
    #[test]
    fn readiness_is_found_while_it_is_wanted() {
        let (poller, (one, mut two)) = (Poller::new().unwrap(), UnixStream::pair().unwrap());
        two.write_all(b"x").unwrap();
        poller.add(one.as_fd(), 7).unwrap();
        assert_eq!(found(&poller), []);
        poller.set(one.as_fd(), 7, Interest::READ);
        assert_eq!(found(&poller), [(7, Interest::READ)]);
        assert_eq!(found(&poller), [(7, Interest::READ)]);
        poller.set(one.as_fd(), 7, Interest { read: true, write: true });
        assert_eq!(found(&poller), [(7, Interest { read: true, write: true })]);
        poller.set(one.as_fd(), 7, Interest::NONE);
        assert_eq!(found(&poller), []);
        poller.set(one.as_fd(), 7, Interest::READ);
        poller.remove(one.as_fd());
        assert_eq!(found(&poller), []);
    }

    /// A wake that came before the wait counts, once.
    #[test]
    fn a_wake_ends_one_wait() {
        let poller = Poller::new().unwrap();
        poller.wake();
        let mut nothing = Found::new();
        poller.wait(&mut nothing, None).unwrap();
        assert_eq!(nothing.iter().count(), 0);
    }
}
