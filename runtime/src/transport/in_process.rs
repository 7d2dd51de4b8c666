//! A place within the process where a server listens and channels connect, without a socket.
//!
//! The invariant: a connection is given out only while a server is bound to the place, and waits in
//! the place's backlog until the server accepts it, as with sockets.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use super::listener::Door;
use super::memory::{self, MemoryWire};
use super::wire::{Address, Wire};
use super::{lock, wait_until};
use crate::limits::IN_PROCESS_BACKLOG_MAX;

/// A place within this process where one server listens and any number of channels connect,
/// without sockets.
///
/// A server is bound to it as to an address, [`ServerBuilder::bind`], and [`Channel::in_process`]
/// makes a channel to that server. Between the two is the same HTTP/2 as over a socket, in memory:
/// deadlines, cancellation, metadata, streams and flow control are what they are elsewhere, and
/// messages are encoded and decoded. What a method sees as its caller is [`Address::InProcess`].
///
/// Clones are the same place. When its server has stopped, or was dropped, another one can be bound
/// to it; until then channels get UNAVAILABLE.
///
/// [`ServerBuilder::bind`]: crate::ServerBuilder::bind
/// [`Channel::in_process`]: crate::Channel::in_process
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::{Channel, InProcess, Server};
///
/// let place = InProcess::new();
/// let server = Server::builder().bind(&place)?.start()?;
/// let channel = Channel::in_process(&place);
/// channel.wait_until_ready(Duration::from_secs(5))?;
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct InProcess {
    place: Arc<Place>,
}

/// A server's hold on a place; dropping it makes the place free.
pub(super) struct InProcessDoor {
    place: Arc<Place>,
    over: AtomicBool,
}

#[derive(Default)]
struct Place {
    state: Mutex<State>,
    /// A connection has come, or the end.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    bound: bool,
    backlog: VecDeque<MemoryWire>,
}

impl InProcess {
    /// A new place, to which nothing is bound.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes it the place of one server.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::AddrInUse`] if it is another server's.
    pub(super) fn open(&self) -> io::Result<InProcessDoor> {
        let mut state = lock(&self.place.state);
        if state.bound {
            let words = "cannot listen in-process: another server is bound to the place";
            return Err(io::Error::new(io::ErrorKind::AddrInUse, words));
        }
        state.bound = true;
        Ok(InProcessDoor { place: self.place.clone(), over: AtomicBool::new(false) })
    }

    /// A connection to the server that is bound to the place.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::ConnectionRefused`] if there is none, or if it accepts nothing.
    pub(crate) fn connect(&self) -> io::Result<Box<dyn Wire>> {
        let refused = |words| io::Error::new(io::ErrorKind::ConnectionRefused, words);
        let mut state = lock(&self.place.state);
        if !state.bound {
            return Err(refused("no server is bound to the place"));
        }
        if state.backlog.len() >= IN_PROCESS_BACKLOG_MAX {
            return Err(refused("the server accepts no connections"));
        }
        let (ours, theirs) = memory::pair();
        state.backlog.push_back(theirs);
        drop(state);
        self.place.changed.notify_all();
        Ok(Box::new(ours))
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = lock(&self.place.state).bound;
        out.debug_struct("InProcess").field("bound", &bound).finish()
    }
}

impl Door for InProcessDoor {
    fn local(&self) -> &Address {
        &Address::InProcess
    }

    fn accept_until_over(&self, serve: &mut dyn FnMut(Box<dyn Wire>)) {
        let is_over = || self.over.load(Ordering::Acquire);
        loop {
            let something = |state: &State| is_over() || !state.backlog.is_empty();
            let state = lock(&self.place.state);
            let mut state = wait_until(&self.place.changed, state, None, something).0;
            if is_over() {
                return;
            }
            let wire = state.backlog.pop_front();
            drop(state);
            if let Some(wire) = wire {
                serve(Box::new(wire));
            }
        }
    }

    fn close(&self) {
        // Under the lock, so that the end does not come between a look and a wait.
        let state = lock(&self.place.state);
        self.over.store(true, Ordering::Release);
        drop(state);
        self.place.changed.notify_all();
    }
}

impl Drop for InProcessDoor {
    fn drop(&mut self) {
        let mut state = lock(&self.place.state);
        state.bound = false;
        let refused = std::mem::take(&mut state.backlog);
        drop(state);
        // Dropping an end closes its wire, which takes a lock of its own.
        drop(refused);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind<T>(result: io::Result<T>) -> io::ErrorKind {
        result.err().expect("it is refused").kind()
    }

    /// A place is one server's at a time, and free again when that server is gone.
    #[test]
    fn a_place_has_one_server_at_a_time() {
        let place = InProcess::new();
        assert_eq!(kind(place.connect()), io::ErrorKind::ConnectionRefused);
        let door = place.open().unwrap();
        assert_eq!(kind(place.clone().open()), io::ErrorKind::AddrInUse);
        let waiting = place.connect().unwrap();
        drop(door);
        assert_eq!(waiting.read(&mut [0; 1]).unwrap(), 0, "what waited is closed");
        assert_eq!(kind(place.connect()), io::ErrorKind::ConnectionRefused);
        assert!(place.open().is_ok());
    }

    /// Style 15: connections that nobody accepts are bounded.
    #[test]
    fn the_backlog_is_bounded() {
        let place = InProcess::new();
        let _door = place.open().unwrap();
        let connected: Vec<_> =
            (0..IN_PROCESS_BACKLOG_MAX).map(|_| place.connect().unwrap()).collect();
        assert_eq!(kind(place.connect()), io::ErrorKind::ConnectionRefused);
        drop(connected);
    }

    /// Connections come out in the order in which they were made, those from before too; the end
    /// is found at once.
    #[test]
    fn a_door_gives_out_what_waits_until_it_is_closed() {
        let place = InProcess::new();
        let door = place.open().unwrap();
        let ends = [place.connect().unwrap(), place.connect().unwrap()];
        ends[0].write(b"a").unwrap();
        ends[1].write(b"b").unwrap();
        let mut read = Vec::new();
        door.accept_until_over(&mut |wire| {
            let mut byte = [0];
            wire.read(&mut byte).unwrap();
            read.push(byte[0]);
            if read.len() == 2 {
                door.close();
            }
        });
        assert_eq!(read, b"ab");
    }
}
