//! From the core to the wire: one thread writes at a time, and takes along what others leave meanwhile.
//!
//! The invariant: whatever is in the core when the lock is released is written by somebody: the thread
//! that writes, the one that pumps if the wire is full, or whoever takes off the cork.

use std::io::{self, IoSlice};
use std::sync::MutexGuard;
use std::sync::atomic::Ordering;

use super::link::Link;
use super::state::{Output, State};
use super::{lock, now};
use crate::http2::Lent;
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
        self.end_writing(failure, bytes, |bytes| Output::Full(bytes, written))
    }

    /// The same with `data` put between `bytes` where the core has lent it. What the wire does not take
    /// is copied: the caller goes on with something else.
    pub(super) fn write_parts(
        &self,
        bytes: Vec<u8>,
        lent: &[Lent],
        data: &[u8],
    ) -> MutexGuard<'_, State> {
        let mut parts = parts_of(&bytes, lent, data);
        let mut left = &mut parts[..];
        let failure = loop {
            match self.wire.write_parts(left) {
                Ok(0) => break Some(io::ErrorKind::WriteZero.into()),
                Ok(count) => IoSlice::advance_slices(&mut left, count),
                Err(error) => break Some(error),
            }
            if left.is_empty() {
                break None;
            }
        };
        let size = left.iter().map(|part| part.len()).sum();
        let left = left.iter().fold(Vec::with_capacity(size), |mut left, part| {
            left.extend_from_slice(part);
            left
        });
        drop(parts);
        self.end_writing(failure, bytes, |_| Output::Full(left, 0))
    }

    /// Takes the lock when `bytes` were written, or else because of `failure`; `full` is what is left if
    /// that is for want of room.
    fn end_writing(
        &self,
        failure: Option<io::Error>,
        bytes: Vec<u8>,
        full: impl FnOnce(Vec<u8>) -> Output,
    ) -> MutexGuard<'_, State> {
        let mut state = lock(&self.state);
        match failure {
            None => {
                state.output = Output::Idle;
                state.core.recycle_output(bytes);
                state.settle();
            }
            Some(error) if error.kind() == io::ErrorKind::WouldBlock => {
                state.output = full(bytes);
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
        // Whoever takes off the cork looks at the rest then.
        let is_stale = match self.cork.is_in() {
            true => state.has_come(),
            false => state.is_stale(),
        };
        let is_usable = state.is_usable();
        if self.usable.load(Ordering::Relaxed) != is_usable {
            self.usable.store(is_usable, Ordering::Release);
        }
        let is_left = matches!(state.output, Output::Full(..)) && state.pumping.is_none();
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

/// The parts of an output: its `bytes`, and between them those of `data` that were lent.
fn parts_of<'a>(bytes: &'a [u8], lent: &[Lent], data: &'a [u8]) -> Vec<IoSlice<'a>> {
    let mut parts = Vec::with_capacity(2 * lent.len() + 1);
    let (mut bytes_at, mut data_at) = (0, 0);
    for Lent { at, size } in lent {
        parts.push(IoSlice::new(&bytes[bytes_at..*at]));
        parts.push(IoSlice::new(&data[data_at..data_at + size]));
        (bytes_at, data_at) = (*at, data_at + size);
    }
    if bytes_at < bytes.len() {
        parts.push(IoSlice::new(&bytes[bytes_at..]));
    }
    parts
}
