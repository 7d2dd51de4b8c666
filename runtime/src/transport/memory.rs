//! An in-memory pair of wires: a connection within the process.
//!
//! Each direction is a pipe of bounded capacity, as a socket's buffer is. In tests `Knobs` split
//! reads, hold bytes back and cut the wire, so that a test can be the network at its worst.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::wire::{Address, Interest, Wire};
use super::{lock, now, wait_until};
use crate::limits::MEMORY_PIPE_CAPACITY;

/// Two ends of one wire.
pub(crate) fn pair() -> (MemoryWire, MemoryWire) {
    let network = Arc::new(Network { state: Mutex::default(), changed: Condvar::new() });
    let end = |side| MemoryWire { network: Arc::clone(&network), side };
    (end(0), end(1))
}

/// One end of an in-memory pair. Dropping it is like a shutdown.
pub(crate) struct MemoryWire {
    network: Arc<Network>,
    side: usize,
}

struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// `pipes[side]` holds what `side` has written.
    pipes: [Pipe; 2],
    /// Whether `side` was woken since its last wait.
    woken: [bool; 2],
}

struct Pipe {
    bytes: VecDeque<u8>,
    capacity: usize,
    read_max: usize,
    stalled: bool,
    /// The writer has ended: the reader finds the end after the last byte.
    ended: bool,
    /// Writing fails: the reader is gone.
    broken: bool,
    /// Reading fails after the last byte.
    reset: bool,
    /// How many bytes were ever written.
    #[cfg(test)]
    passed: u64,
    /// The most parts that were written together.
    #[cfg(test)]
    parts_max: usize,
}

impl Default for Pipe {
    fn default() -> Self {
        Self {
            bytes: VecDeque::new(),
            capacity: MEMORY_PIPE_CAPACITY,
            read_max: usize::MAX,
            stalled: false,
            ended: false,
            broken: false,
            reset: false,
            #[cfg(test)]
            passed: 0,
            #[cfg(test)]
            parts_max: 0,
        }
    }
}

impl Wire for MemoryWire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let pipe = &mut state.pipes[1 - self.side];
        if pipe.stalled {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = pipe.bytes.len().min(buffer.len()).min(pipe.read_max);
        let (front, back) = pipe.bytes.as_slices();
        let (of_front, of_back) = (front.len().min(count), count.saturating_sub(front.len()));
        buffer[..of_front].copy_from_slice(&front[..of_front]);
        buffer[of_front..count].copy_from_slice(&back[..of_back]);
        pipe.bytes.drain(..count);
        match pipe {
            _ if count > 0 => {}
            Pipe { reset: true, .. } => return Err(io::ErrorKind::ConnectionReset.into()),
            Pipe { ended: true, .. } => {}
            _ => return Err(io::ErrorKind::WouldBlock.into()),
        }
        drop(state);
        self.network.changed.notify_all();
        Ok(count)
    }

    fn takes_parts(&self) -> bool {
        true
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.write_parts(&[IoSlice::new(bytes)])
    }

    fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut state = self.state();
        let pipe = &mut state.pipes[self.side];
        if pipe.broken || pipe.ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let size = parts.iter().map(|part| part.len()).sum::<usize>();
        let count = size.min(pipe.capacity.saturating_sub(pipe.bytes.len()));
        if count == 0 && size > 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let mut left = count;
        for part in parts {
            let taken = part.len().min(left);
            pipe.bytes.extend(&part[..taken]);
            left -= taken;
        }
        #[cfg(test)]
        {
            pipe.passed += count as u64;
            pipe.parts_max = pipe.parts_max.max(parts.len());
        }
        drop(state);
        self.network.changed.notify_all();
        Ok(count)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        let until = timeout.map(|timeout| now() + timeout);
        let is_ready = |state: &State| {
            state.woken[self.side] || state.found(self.side, interest) != Interest::NONE
        };
        let (mut state, _) = wait_until(&self.network.changed, self.state(), until, is_ready);
        state.woken[self.side] = false;
        Ok(state.found(self.side, interest))
    }

    fn wake(&self) {
        self.state().woken[self.side] = true;
        self.network.changed.notify_all();
    }

    fn end_writing(&self) {
        self.state().pipes[self.side].ended = true;
        self.network.changed.notify_all();
    }

    fn shutdown(&self) {
        let mut state = self.state();
        state.pipes[self.side].ended = true;
        let incoming = &mut state.pipes[1 - self.side];
        (incoming.broken, incoming.ended, incoming.stalled) = (true, true, false);
        incoming.bytes.clear();
        drop(state);
        self.network.changed.notify_all();
    }

    fn peer(&self) -> &Address {
        &Address::InProcess
    }

    fn local(&self) -> &Address {
        &Address::InProcess
    }
}

impl Drop for MemoryWire {
    fn drop(&mut self) {
        self.shutdown();
    }
}

impl MemoryWire {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.network.state)
    }
}

impl State {
    /// What of `interest` is there for `side`.
    fn found(&self, side: usize, interest: Interest) -> Interest {
        let (incoming, outgoing) = (&self.pipes[1 - side], &self.pipes[side]);
        let can_read = !incoming.bytes.is_empty() || incoming.ended || incoming.reset;
        let can_write =
            outgoing.bytes.len() < outgoing.capacity || outgoing.broken || outgoing.ended;
        Interest {
            read: interest.read && !incoming.stalled && can_read,
            write: interest.write && can_write,
        }
    }
}

#[cfg(test)]
pub(crate) use knobs::Knobs;

#[cfg(test)]
mod knobs {
    use super::*;

    /// What a test does to a pair; a copy of the wire's insides, so it can be kept beside the wire.
    #[derive(Clone)]
    pub(crate) struct Knobs {
        network: Arc<Network>,
        side: usize,
    }

    impl MemoryWire {
        /// The knobs of the direction in which this end writes.
        pub(crate) fn knobs(&self) -> Knobs {
            Knobs { network: Arc::clone(&self.network), side: self.side }
        }
    }

    impl Knobs {
        /// Gives at most `max` bytes to each read.
        pub(crate) fn split_reads(&self, max: usize) {
            self.change(|pipe| pipe.read_max = max);
        }

        /// Holds at most `capacity` bytes that are written and not yet read.
        pub(crate) fn set_capacity(&self, capacity: usize) {
            self.change(|pipe| pipe.capacity = capacity);
        }

        /// Gives nothing to the reader until [`Knobs::resume`].
        pub(crate) fn stall(&self) {
            self.change(|pipe| pipe.stalled = true);
        }

        /// Ends a stall.
        pub(crate) fn resume(&self) {
            self.change(|pipe| pipe.stalled = false);
        }

        /// Makes writing fail as to a peer that has closed; what was written can still be read.
        pub(crate) fn break_writing(&self) {
            self.change(|pipe| pipe.broken = true);
        }

        /// Makes both directions fail as after a reset by the peer.
        pub(crate) fn cut(&self) {
            let mut state = lock(&self.network.state);
            for pipe in &mut state.pipes {
                (pipe.broken, pipe.reset, pipe.stalled) = (true, true, false);
            }
            drop(state);
            self.network.changed.notify_all();
        }

        /// How many bytes were ever written.
        pub(crate) fn passed(&self) -> u64 {
            lock(&self.network.state).pipes[self.side].passed
        }

        /// The most parts that were ever written together.
        pub(crate) fn parts_max(&self) -> usize {
            lock(&self.network.state).pipes[self.side].parts_max
        }

        fn change(&self, change: impl FnOnce(&mut Pipe)) {
            change(&mut lock(&self.network.state).pipes[self.side]);
            self.network.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: Interest = Interest { read: true, write: true };

    fn is_blocked(result: io::Result<usize>) -> bool {
        result.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// What several parts are together is written at once, as far as there is room for it.
    #[test]
    fn parts_are_written_as_one() {
        let (one, two) = pair();
        one.knobs().set_capacity(8);
        let parts = [&b"abc"[..], b"", b"def", b"ghi"].map(IoSlice::new);
        assert_eq!(one.write_parts(&parts).unwrap(), 8);
        assert!(is_blocked(one.write_parts(&parts[3..])));
        let mut buffer = [0; 9];
        assert_eq!(two.read(&mut buffer).unwrap(), 8);
        assert_eq!(&buffer, b"abcdefgh\0");
        one.shutdown();
        let error = one.write_parts(&parts).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }

    /// What one end writes the other end reads, once, in order.
    #[test]
    fn bytes_come_out_as_they_went_in() {
        let (one, two) = pair();
        let mut buffer = [0; 8];
        assert!(is_blocked(two.read(&mut buffer)));
        assert_eq!(one.write(b"hello").unwrap(), 5);
        assert_eq!(two.read(&mut buffer[..3]).unwrap(), 3);
        assert_eq!(two.read(&mut buffer[3..]).unwrap(), 2);
        assert_eq!(&buffer[..5], b"hello");
        assert!(is_blocked(two.read(&mut buffer)));
    }

    /// A full pipe takes nothing until something was read.
    #[test]
    fn a_full_pipe_blocks_the_writer() {
        let (one, two) = pair();
        one.knobs().set_capacity(3);
        assert_eq!(one.write(b"hello").unwrap(), 3);
        assert!(is_blocked(one.write(b"lo")));
        assert_eq!(one.wait(BOTH, Some(Duration::ZERO)).unwrap(), Interest::NONE);
        two.read(&mut [0; 1]).unwrap();
        assert_eq!(one.wait(BOTH, None).unwrap(), Interest { read: false, write: true });
        assert_eq!(one.write(b"lo").unwrap(), 1);
    }

    /// A wake makes the next wait return, once.
    #[test]
    fn a_wake_counts_for_one_wait() {
        let (one, _two) = pair();
        let reading = Interest { read: true, write: false };
        one.wake();
        assert_eq!(one.wait(reading, None).unwrap(), Interest::NONE);
        assert_eq!(one.wait(reading, Some(Duration::ZERO)).unwrap(), Interest::NONE);
    }

    /// The end of writing is found after the last byte; the other direction goes on.
    #[test]
    fn the_end_comes_after_the_last_byte() {
        let (one, two) = pair();
        one.write(b"a").unwrap();
        one.end_writing();
        assert_eq!(two.read(&mut [0; 8]).unwrap(), 1);
        assert_eq!(two.read(&mut [0; 8]).unwrap(), 0);
        two.write(b"b").unwrap();
        assert_eq!(one.read(&mut [0; 8]).unwrap(), 1);
    }

    /// A cut is found as a reset after what had arrived.
    #[test]
    fn a_cut_resets_both_ends() {
        let (one, two) = pair();
        one.write(b"a").unwrap();
        one.knobs().cut();
        assert_eq!(two.read(&mut [0; 8]).unwrap(), 1);
        let error = two.read(&mut [0; 8]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(one.write(b"b").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }

    /// Dropping an end is the end for the other one.
    #[test]
    fn a_dropped_end_is_the_end() {
        let (one, two) = pair();
        drop(one);
        assert_eq!(two.read(&mut [0; 8]).unwrap(), 0);
        assert_eq!(two.write(b"b").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
