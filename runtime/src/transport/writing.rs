//! From the core to the wire: one thread writes at a time, and takes along what others leave meanwhile.
//!
//! The invariant: whatever is in the core when the lock is released is written by somebody: the thread
//! that writes, the one that pumps if the wire is full, or whoever takes off the cork.

use std::io;
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::link::Link;
use super::state::{Output, State};
use super::{lock, now};
use crate::limits::LINGER_MAX;

impl Link {
    /// Writes what the wire left over when it was full.
    pub(super) fn resume_writing(&self) {
        let mut state = lock(&self.state);
        if !matches!(state.output, Output::Full(..)) {
            return;
        }
        let Output::Full(bytes, written) = std::mem::replace(&mut state.output, Output::Writing)
        else {
            unreachable!("was tested above, under the same lock");
        };
        drop(state);
        let state = self.write(bytes, written);
        self.flush(state);
    }

    /// Writes what is in the core, unless another thread does or the wire is full; then releases
    /// the lock and wakes who is due.
    pub(super) fn flush<'a>(&'a self, mut state: MutexGuard<'a, State>) {
        while state.core.has_output() && !self.cork.is_in() {
            match state.output {
                Output::Idle => {}
                // They take it along, or the pumping thread does.
                Output::Writing | Output::Full(..) => break,
                Output::Broken { .. } => {
                    let lost = state.core.take_output();
                    state.core.recycle_output(lost);
                    state.settle();
                    continue;
                }
            }
            let bytes = state.core.take_output();
            state.output = Output::Writing;
            state = {
                drop(state);
                self.write(bytes, 0)
            };
        }
        self.unlock(state);
    }

    /// Writes `bytes` from `written` on, without the lock; returns with it.
    pub(super) fn write(&self, bytes: Vec<u8>, mut written: usize) -> MutexGuard<'_, State> {
        let failure = loop {
            match self.wire.write(&bytes[written..]) {
                Ok(0) => break Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) => break Some(error),
            }
            if written == bytes.len() {
                break None;
            }
        };
        let mut state = lock(&self.state);
        match failure {
            None => {
                state.output = Output::Idle;
                state.core.recycle_output(bytes);
                state.settle();
            }
            Some(error) if error.kind() == io::ErrorKind::WouldBlock => {
                state.output = Output::Full(bytes, written);
            }
            // What the peer has sent before it went is still read, and tells more.
            Some(error) => {
                let (until, error) = (now() + LINGER_MAX, self.in_words(&error));
                state.output = Output::Broken { until, error };
            }
        }
        state
    }

    /// Releases the lock, wakes who is due, and the pumping thread if it waits for too little.
    pub(super) fn unlock(&self, mut state: MutexGuard<'_, State>) {
        let due = std::mem::take(&mut state.due);
        let called = std::mem::take(&mut state.called);
        let is_stale = state.is_stale();
        let is_usable = state.is_usable();
        if self.usable.load(Ordering::Relaxed) != is_usable {
            self.usable.store(is_usable, Ordering::Release);
        }
        let is_left = state.pumping.is_none() && matches!(state.output, Output::Full(..));
        let needs_writer = state.needs_writer();
        drop(state);
        if is_left && let Some(lead) = &self.lead {
            lead.attend_unless_led();
        }
        due.iter().for_each(|inbox| inbox.wake());
        self.call(called);
        if needs_writer && let Some(lead) = &self.lead {
            lead.call_writer();
        }
        if is_stale {
            self.wire.wake();
        }
    }
}
