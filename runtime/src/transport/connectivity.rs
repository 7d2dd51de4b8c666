//! The connectivity of a channel, as those see it who wait for its changes.
//!
//! The one who owns the connection sets it; nobody else does. Subscribers are told on the thread of
//! `callbacks`, in order, so that setting never runs code of an application.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::time::Instant;

use super::{callbacks, lock, wait_until};
use crate::grpc::ConnectivityState;

/// A state that can be waited for; IDLE at first. Clones are the same state.
#[derive(Clone, Default)]
pub(crate) struct Connectivity {
    inner: Arc<Inner>,
}

#[derive(Default)]
struct Inner {
    watched: Mutex<Watched>,
    changed: Condvar,
}

struct Watched {
    state: ConnectivityState,
    /// How often it has changed, or might have.
    changes: u64,
    subscribers: Vec<Arc<Subscriber>>,
}

struct Subscriber {
    /// The handle is there.
    wants: AtomicBool,
    tell: Mutex<Box<dyn FnMut(ConnectivityState) + Send>>,
}

/// Keeps a subscription to the states of a channel; made by
/// [`Channel::subscribe`](crate::Channel::subscribe).
///
/// Dropping it unsubscribes: no call of the callback begins after that, though one that has begun
/// may still run.
#[must_use = "dropping it unsubscribes"]
pub struct ConnectivitySubscription {
    inner: Weak<Inner>,
    subscriber: Arc<Subscriber>,
}

impl Connectivity {
    /// Sets the state, and tells those who want to know if it is another one. SHUTDOWN stays.
    pub(crate) fn set(&self, state: ConnectivityState) {
        let mut watched = lock(&self.inner.watched);
        if watched.state == state || watched.state == ConnectivityState::Shutdown {
            return;
        }
        watched.state = state;
        watched.changes += 1;
        // Under the lock, so that the order is that of the changes.
        watched.subscribers.iter().for_each(|subscriber| tell(subscriber, state));
        drop(watched);
        self.inner.changed.notify_all();
    }

    /// Has those look again who wait beyond the changes that they have seen, though the state is the same.
    pub(crate) fn stir(&self) {
        lock(&self.inner.watched).changes += 1;
        self.inner.changed.notify_all();
    }

    /// The state as it is now.
    pub(crate) fn get(&self) -> ConnectivityState {
        lock(&self.inner.watched).state
    }

    /// The state as it is now, and how often it has changed or was stirred.
    pub(crate) fn seen(&self) -> (ConnectivityState, u64) {
        let watched = lock(&self.inner.watched);
        (watched.state, watched.changes)
    }

    /// Waits until the state has changed, or was stirred, more often than `changes`, be it back to what it
    /// was; `until` at most. Says whether it has.
    pub(crate) fn wait_beyond(&self, changes: u64, until: Option<Instant>) -> bool {
        let watched = lock(&self.inner.watched);
        wait_until(&self.inner.changed, watched, until, |watched| watched.changes > changes).1
    }

    /// Waits until the state is another one than `from`, `until` at most, and returns it.
    pub(crate) fn wait_change(
        &self,
        from: ConnectivityState,
        until: Option<Instant>,
    ) -> Option<ConnectivityState> {
        let watched = lock(&self.inner.watched);
        let is_other = |watched: &Watched| watched.state != from;
        let (watched, is_over) = wait_until(&self.inner.changed, watched, until, is_other);
        is_over.then_some(watched.state)
    }

    /// Has `tell` called with the state as it is now, and then with every other one.
    pub(crate) fn subscribe(
        &self,
        tell_state: impl FnMut(ConnectivityState) + Send + 'static,
    ) -> ConnectivitySubscription {
        let tell_state = Mutex::new(Box::new(tell_state) as Box<_>);
        let subscriber = Arc::new(Subscriber { wants: AtomicBool::new(true), tell: tell_state });
        let mut watched = lock(&self.inner.watched);
        tell(&subscriber, watched.state);
        watched.subscribers.push(Arc::clone(&subscriber));
        drop(watched);
        ConnectivitySubscription { inner: Arc::downgrade(&self.inner), subscriber }
    }
}

impl Default for Watched {
    fn default() -> Self {
        Self { state: ConnectivityState::Idle, changes: 0, subscribers: Vec::new() }
    }
}

impl Drop for ConnectivitySubscription {
    fn drop(&mut self) {
        self.subscriber.wants.store(false, Ordering::Release);
        let Some(inner) = self.inner.upgrade() else { return };
        let is_other = |other: &Arc<Subscriber>| !Arc::ptr_eq(other, &self.subscriber);
        // The callback is dropped without the lock, with the last of its handles.
        lock(&inner.watched).subscribers.retain(is_other);
    }
}

impl fmt::Debug for ConnectivitySubscription {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ConnectivitySubscription").finish_non_exhaustive()
    }
}

/// Has the subscriber told, soon.
fn tell(subscriber: &Arc<Subscriber>, state: ConnectivityState) {
    let subscriber = Arc::clone(subscriber);
    callbacks::run_soon(move || {
        if subscriber.wants.load(Ordering::Acquire) {
            lock(&subscriber.tell)(state);
        }
    });
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;
    use crate::transport::now;
    use ConnectivityState::{Connecting, Idle, Ready, Shutdown};

    /// Connectivity semantics: who waits for a change gets the state that it changed to.
    #[test]
    fn a_change_ends_the_wait() {
        let connectivity = Connectivity::default();
        assert_eq!(connectivity.wait_change(Idle, Some(now())), None);
        assert_eq!(connectivity.wait_change(Ready, None), Some(Idle));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| connectivity.wait_change(Idle, None));
            connectivity.set(Connecting);
            assert_eq!(waiting.join().unwrap(), Some(Connecting));
        });
    }

    /// Who waits beyond changes looks again when stirred; who waits for another state, or is told of each,
    /// does not.
    #[test]
    fn stirring_is_no_change_of_state() {
        let connectivity = Connectivity::default();
        let (state, changes) = connectivity.seen();
        let (sender, told) = channel();
        let subscription = connectivity.subscribe(move |state| sender.send(state).unwrap());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| connectivity.wait_beyond(changes, None));
            connectivity.stir();
            assert!(waiting.join().unwrap());
        });
        assert_eq!(connectivity.seen(), (state, changes + 1));
        assert_eq!(connectivity.wait_change(state, Some(now())), None);
        connectivity.set(Ready);
        let patience = Duration::from_secs(20);
        assert_eq!([(); 2].map(|()| told.recv_timeout(patience).unwrap()), [Idle, Ready]);
        drop(subscription);
    }

    /// Connectivity semantics: SHUTDOWN is never left.
    #[test]
    fn shutdown_stays() {
        let connectivity = Connectivity::default();
        connectivity.set(Shutdown);
        connectivity.set(Idle);
        assert_eq!(connectivity.get(), Shutdown);
    }

    /// A subscriber is told the state at once and every change in order, until it unsubscribes.
    #[test]
    fn a_subscriber_is_told_until_it_unsubscribes() {
        let connectivity = Connectivity::default();
        let (sender, told) = channel();
        let subscription = connectivity.subscribe(move |state| sender.send(state).unwrap());
        for state in [Connecting, Connecting, Ready, Idle] {
            connectivity.set(state);
        }
        let patience = Duration::from_secs(20);
        let states = [(); 4].map(|()| told.recv_timeout(patience).unwrap());
        assert_eq!(states, [Idle, Connecting, Ready, Idle]);
        drop(subscription);
        connectivity.set(Connecting);
        // The callback is gone, and with it the sender.
        assert!(told.recv_timeout(patience).is_err());
        assert!(lock(&connectivity.inner.watched).subscribers.is_empty());
    }

    /// A subscription may outlive its channel.
    #[test]
    fn a_subscription_may_outlive_its_channel() {
        let connectivity = Connectivity::default();
        let subscription = connectivity.subscribe(|_| ());
        drop(connectivity);
        drop(subscription);
    }
}
