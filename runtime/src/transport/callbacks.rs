//! The one thread that runs what applications want done when a call is cancelled, or is done.
//!
//! Both happen anywhere: on the reader of a connection, on the timer, inside a `send` of
//! the very method whose call it is. None of them may run code that blocks or takes locks of the
//! application, so they hand it over and go on.

use std::collections::VecDeque;
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

use super::threads::contained;
use super::{lock, spawn};
use crate::limits::{CALLBACK_QUEUE_MAX, RETRY_THREADS};

type Callbacks = Box<dyn FnOnce() + Send>;

/// Has `callbacks` run, behind those that were handed over before; never blocks.
///
/// They are dropped without having run if the queue is full, because a callback has blocked for
/// long, or if the system lets no thread start.
pub(crate) fn run_soon(callbacks: impl FnOnce() + Send + 'static) {
    /// Its one thread starts with the first cancellation that somebody waits for.
    static THREAD: Pool = Pool::new("grpc-callbacks", NonZeroUsize::MIN);
    // Who wants to be sure waits for the cancellation or asks for it.
    let _ = THREAD.run(boxed(callbacks));
}

/// Has `job` run, which opens a stream once more for somebody who does not wait; never blocks. Says
/// whether it will run; it is dropped otherwise.
pub(crate) fn run_aside(job: impl FnOnce() + Send + 'static) -> bool {
    static THREADS: Pool = Pool::new("grpc-retry", RETRY_THREADS);
    THREADS.run(boxed(job)).is_ok()
}

/// Has `job` run, which answers what a call was asked that has no thread; never blocks. Says whether it
/// will run; it is dropped otherwise.
#[cfg(feature = "reflection")]
pub(crate) fn run_answer(job: impl FnOnce() + Send + 'static) -> bool {
    static THREADS: Pool = Pool::new("grpc-answers", crate::limits::ANSWER_THREADS);
    THREADS.run(boxed(job)).is_ok()
}

/// With the clock of the test that hands it over.
fn boxed(callbacks: impl FnOnce() + Send + 'static) -> Callbacks {
    #[cfg(feature = "testing")]
    let callbacks = super::clock::inherited(callbacks);
    Box::new(callbacks)
}

/// Threads that take what comes in its order. They start when they are first needed, and stay.
struct Pool {
    name: &'static str,
    threads_max: NonZeroUsize,
    state: Mutex<State>,
    /// Something has come.
    work: Condvar,
}

struct State {
    queue: VecDeque<Callbacks>,
    threads: usize,
    busy: usize,
}

impl Pool {
    const fn new(name: &'static str, threads_max: NonZeroUsize) -> Self {
        let state = State { queue: VecDeque::new(), threads: 0, busy: 0 };
        Self { name, threads_max, state: Mutex::new(state), work: Condvar::new() }
    }

    /// Gives `callbacks` back if they will not run.
    fn run(&'static self, callbacks: Callbacks) -> Result<(), Callbacks> {
        let mut state = lock(&self.state);
        let has_free_thread = state.threads - state.busy > state.queue.len();
        if !has_free_thread && state.threads < self.threads_max.get() {
            state.threads += usize::from(self.start_thread());
        }
        if state.threads == 0 || state.queue.len() >= CALLBACK_QUEUE_MAX {
            return Err(callbacks);
        }
        state.queue.push_back(callbacks);
        drop(state);
        self.work.notify_one();
        Ok(())
    }

    /// Says whether the system lets it start. It outlives whoever needs it, and so the clock of a test.
    fn start_thread(&'static self) -> bool {
        let start = || spawn(self.name, || self.work()).is_ok();
        #[cfg(feature = "testing")]
        return super::clock::outside(start);
        #[cfg(not(feature = "testing"))]
        start()
    }

    /// What each thread runs.
    fn work(&self) {
        let mut state = lock(&self.state);
        loop {
            let Some(callbacks) = state.queue.pop_front() else {
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            state.busy += 1;
            drop(state);
            // The others are not to blame.
            contained(callbacks);
            state = lock(&self.state);
            state.busy -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// One thread runs what comes in its order, and goes on after a panic.
    #[test]
    fn one_thread_keeps_the_order() {
        static POOL: Pool = Pool::new("test-callbacks", NonZeroUsize::MIN);
        let (sender, order) = channel();
        for step in 0..10 {
            let sender = sender.clone();
            let step = move || {
                sender.send(step).unwrap();
                assert_ne!(step, 3, "expected by this test");
            };
            assert!(POOL.run(Box::new(step)).is_ok());
        }
        assert_eq!(order.iter().take(10).collect::<Vec<_>>(), (0..10).collect::<Vec<_>>());
        assert_eq!(lock(&POOL.state).threads, 1);
    }

    /// What blocks keeps one thread; the others start when they are needed, and no more than may be.
    #[test]
    fn threads_start_when_they_are_needed() {
        static POOL: Pool = Pool::new("test-callbacks", NonZeroUsize::new(2).unwrap());
        let (release, blocked) = channel::<()>();
        let (sender, ran) = channel();
        assert!(POOL.run(Box::new(move || assert!(blocked.recv().is_err()))).is_ok());
        for _ in 0..3 {
            let sender = sender.clone();
            assert!(POOL.run(Box::new(move || sender.send(()).unwrap())).is_ok());
        }
        assert_eq!(ran.iter().take(3).count(), 3);
        assert_eq!(lock(&POOL.state).threads, 2);
        drop(release);
    }

    /// A full queue gives back what comes.
    #[test]
    fn a_full_queue_takes_nothing() {
        static POOL: Pool = Pool::new("test-callbacks", NonZeroUsize::MIN);
        let (release, blocked) = channel::<()>();
        let (sender, begun) = channel();
        let block = move || {
            sender.send(()).unwrap();
            assert!(blocked.recv().is_err());
        };
        assert!(POOL.run(Box::new(block)).is_ok());
        begun.recv().unwrap();
        for _ in 0..CALLBACK_QUEUE_MAX {
            assert!(POOL.run(Box::new(|| ())).is_ok());
        }
        assert!(POOL.run(Box::new(|| ())).is_err());
        drop(release);
    }
}
