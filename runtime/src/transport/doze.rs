//! How the monitor of a server's reactors sleeps: between two looks, and for as long as no handler runs,
//! when the first one wakes it.
//!
//! The invariant: of one that begins something and one that is about to sleep, at least one sees the
//! other. Beginning costs a fence and a load, unless there is somebody to wake.

use std::sync::PoisonError;
use std::time::Duration;

use super::lock;
use super::sync::{AtomicBool, Condvar, Mutex, Ordering, fence, wait_for};

/// Where one thread sleeps.
#[derive(Default)]
pub(super) struct Doze {
    is_asleep: AtomicBool,
    /// Whether somebody has called since it slept last.
    bed: Mutex<bool>,
    woken: Condvar,
}

impl Doze {
    /// Sleeps for `time` at most; not at all if somebody has called. Says whether somebody has.
    pub(super) fn nap(&self, time: Duration) -> bool {
        let mut is_called = lock(&self.bed);
        if !*is_called {
            is_called = wait_for(&self.woken, &self.bed, is_called, time);
        }
        std::mem::take(&mut *is_called)
    }

    /// Ends the nap or the sleep that there is, or the next one, whatever it is for.
    pub(super) fn call(&self) {
        let mut is_called = lock(&self.bed);
        *is_called = true;
        self.is_asleep.store(false, Ordering::Relaxed);
        drop(is_called);
        self.woken.notify_one();
    }

    /// Sleeps until [`wake`](Self::wake) or [`call`](Self::call); not at all if `is_needed` holds once everybody
    /// who begins something would wake.
    pub(super) fn sleep(&self, is_needed: impl FnOnce() -> bool) {
        let mut bed = lock(&self.bed);
        self.is_asleep.store(true, Ordering::Relaxed);
        // Of this fence and the one in `wake` one is the first: what stands before it is seen behind the
        // other one.
        fence(Ordering::SeqCst);
        if *bed || is_needed() {
            self.is_asleep.store(false, Ordering::Relaxed);
            return;
        }
        while self.is_asleep.load(Ordering::Relaxed) {
            bed = self.woken.wait(bed).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Something has begun that the sleeper is to see.
    pub(super) fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::Relaxed) {
            // Under the lock, so that the sleeper either waits or looks again before it does.
            let bed = lock(&self.bed);
            self.is_asleep.store(false, Ordering::Relaxed);
            drop(bed);
            self.woken.notify_one();
        }
    }
}
