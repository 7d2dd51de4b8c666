//! Things to be done at a time: one thread, started when the first is scheduled.
//!
//! What is scheduled runs on the timer's thread, so it must be short and never block: it resets a
//! stream or wakes somebody.

use std::io;
use std::sync::{Arc, Condvar, LazyLock, Mutex, Weak};
use std::time::Instant;

use super::agenda::{Agenda, slot_of};
use super::threads::contained;
use super::{lock, now, spawn, wait_until};

/// A timer. When the last clone is dropped its thread ends and what is scheduled never runs.
#[derive(Clone)]
pub(crate) struct Timer {
    clock: Arc<Clock>,
    /// Ends the thread with the last clone: the thread itself holds the clock.
    _owner: Arc<Owner>,
}

/// Keeps one thing scheduled; dropping it cancels.
pub(crate) struct Scheduled {
    clock: Weak<Clock>,
    key: u64,
}

struct Owner(Arc<Clock>);

struct Clock {
    name: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    agenda: Agenda,
    /// By the slots of their keys.
    actions: Vec<Option<Action>>,
    /// Slots without an action.
    free: Vec<u32>,
    /// How many were scheduled: it is the upper half of a key, so that of equal times the one that was
    /// scheduled first comes first.
    count: u32,
    running: bool,
    over: bool,
}

type Action = Box<dyn FnOnce() + Send>;

impl Timer {
    /// The timer that the whole process shares.
    pub(crate) fn shared() -> &'static Self {
        static SHARED: LazyLock<Timer> = LazyLock::new(|| Timer::new("grpc-timer"));
        &SHARED
    }

    /// A timer whose thread will be called `name`.
    pub(crate) fn new(name: &str) -> Self {
        let clock = Arc::new(Clock {
            name: name.to_owned(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        Self { _owner: Arc::new(Owner(Arc::clone(&clock))), clock }
    }

    /// The timer of this thread's virtual clock, in place of the one that the process shares.
    #[cfg(feature = "testing")]
    fn of_test(&self) -> Option<Self> {
        if std::ptr::eq(self, Self::shared()) { super::clock::timer() } else { None }
    }

    /// Has `action` run at `at`, or at once if that has passed, unless the result is dropped
    /// before.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn schedule(
        &self,
        at: Instant,
        action: impl FnOnce() + Send + 'static,
    ) -> io::Result<Scheduled> {
        #[cfg(feature = "testing")]
        if let Some(timer) = self.of_test() {
            return timer.schedule(at, action);
        }
        let key = self.insert(at, Box::new(action))?;
        Ok(Scheduled { clock: Arc::downgrade(&self.clock), key })
    }

    /// Has `action` run at `at`, or at once if that has passed; nothing cancels it.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn run_at(
        &self,
        at: Instant,
        action: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        #[cfg(feature = "testing")]
        if let Some(timer) = self.of_test() {
            return timer.run_at(at, action);
        }
        self.insert(at, Box::new(action)).map(drop)
    }

    fn insert(&self, at: Instant, action: Action) -> io::Result<u64> {
        let mut state = lock(&self.clock.state);
        if !state.running {
            let clock = Arc::clone(&self.clock);
            spawn(&self.clock.name, move || clock.run())?;
            state.running = true;
        }
        let key = state.insert(at, action);
        let is_first = state.agenda.first() == Some((at, key));
        drop(state);
        if is_first {
            self.clock.changed.notify_all();
        }
        Ok(key)
    }
}

impl Drop for Scheduled {
    fn drop(&mut self) {
        let Some(clock) = self.clock.upgrade() else { return };
        let cancelled = lock(&clock.state).remove(self.key);
        // What the action owns is dropped without the lock.
        drop(cancelled);
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let dropped = {
            let mut state = lock(&self.0.state);
            state.over = true;
            state.agenda = Agenda::default();
            std::mem::take(&mut state.actions)
        };
        self.0.changed.notify_all();
        drop(dropped);
    }
}

impl State {
    fn insert(&mut self, at: Instant, action: Action) -> u64 {
        self.count = self.count.wrapping_add(1);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.actions.push(None);
            u32::try_from(self.actions.len() - 1).expect("a process has memory for fewer actions")
        });
        self.actions[slot as usize] = Some(action);
        let key = u64::from(self.count) << 32 | u64::from(slot);
        self.agenda.set(key, at);
        key
    }

    fn remove(&mut self, key: u64) -> Option<Action> {
        if self.agenda.remove(key) { self.take(key) } else { None }
    }

    fn take_due(&mut self, time: Instant) -> Option<Action> {
        let key = self.agenda.take_due(time)?;
        self.take(key)
    }

    /// The action of a key that is in the agenda no more.
    fn take(&mut self, key: u64) -> Option<Action> {
        self.free.push(key as u32);
        self.actions[slot_of(key)].take()
    }
}

impl Clock {
    /// What the thread runs.
    fn run(&self) {
        let mut state = lock(&self.state);
        while !state.over {
            if let Some(action) = state.take_due(now()) {
                drop(state);
                // The other actions are not to blame.
                contained(action);
                state = lock(&self.state);
                continue;
            }
            let first = state.agenda.first();
            let is_changed = |state: &State| state.over || state.agenda.first() != first;
            state = wait_until(&self.changed, state, first.map(|(at, _)| at), is_changed).0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    /// Far enough away never to come while a test runs.
    fn far() -> Instant {
        now() + Duration::from_secs(3600)
    }

    /// Actions run at their time, in the order of their times, whatever the order of scheduling.
    #[test]
    fn actions_run_in_the_order_of_their_times() {
        let timer = Timer::new("test-timer");
        let (sender, order) = channel();
        let soon = now() + Duration::from_millis(20);
        let scheduled: Vec<_> = [3u32, 1, 2]
            .into_iter()
            .map(|step| {
                let (sender, at) = (sender.clone(), soon + Duration::from_millis(1) * step);
                timer.schedule(at, move || sender.send((step, at <= now())).unwrap()).unwrap()
            })
            .collect();
        let ran: Vec<_> = order.iter().take(3).collect();
        assert_eq!(ran, [(1, true), (2, true), (3, true)]);
        drop(scheduled);
    }

    /// A time that has passed is now, also when a later one is being waited for.
    #[test]
    fn a_passed_time_runs_at_once() {
        let timer = Timer::new("test-timer");
        let later = timer.schedule(far(), || panic!("too early")).unwrap();
        let (sender, ran) = channel();
        let scheduled = timer.schedule(now(), move || sender.send(()).unwrap()).unwrap();
        ran.recv().unwrap();
        drop((scheduled, later));
    }

    /// Dropping the handle cancels and frees what the action owns.
    #[test]
    fn dropping_the_handle_cancels() {
        let timer = Timer::new("test-timer");
        let (sender, dropped) = channel::<()>();
        let scheduled = timer.schedule(far(), move || sender.send(()).unwrap()).unwrap();
        drop(scheduled);
        assert!(dropped.recv().is_err());
        assert_eq!(lock(&timer.clock.state).agenda.len(), 0);
    }

    /// A panicking action does not stop the timer.
    #[test]
    fn a_panic_ends_the_action_alone() {
        let timer = Timer::new("test-timer");
        let first = timer.schedule(now(), || panic!("expected by this test")).unwrap();
        let (sender, ran) = channel();
        let second = timer.schedule(now(), move || sender.send(()).unwrap()).unwrap();
        ran.recv().unwrap();
        drop((first, second));
    }

    /// With the last clone the thread ends and what is scheduled is dropped.
    #[test]
    fn the_last_clone_ends_the_thread() {
        let timer = Timer::new("test-timer");
        let clone = timer.clone();
        let clock = Arc::downgrade(&timer.clock);
        let (sender, dropped) = channel::<()>();
        let scheduled = timer.schedule(far(), move || drop(sender)).unwrap();
        drop(timer);
        assert!(dropped.try_recv().is_err_and(|e| e == std::sync::mpsc::TryRecvError::Empty));
        drop(clone);
        assert!(dropped.recv().is_err());
        super::super::tests::eventually(|| clock.strong_count() == 0);
        drop(scheduled);
    }
}
