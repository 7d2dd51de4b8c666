//! A wire over a socket, TCP or Unix.
//!
//! Only [`Wire::wait`] blocks, in one `poll` over the socket and its waker.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::sync::OnceLock;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::AsFd;

use super::platform::{self, Descriptor, Socket, Waker};
use super::reactor::Bell;
use super::wire::{Address, Interest, Wire};

/// A connected socket and what wakes its reader.
pub(super) struct SocketWire {
    socket: Socket,
    /// Made when somebody waits here: a connection of a reactor has none.
    waker: OnceLock<Waker>,
    bell: OnceLock<Bell>,
    /// A read can wait by itself, and not for long.
    is_patient: bool,
    peer: Address,
    local: Address,
}

impl SocketWire {
    pub(super) fn new(socket: Socket, peer: Address, local: Address) -> io::Result<Self> {
        let is_patient = platform::prepare(&socket)?;
        let (waker, bell) = (OnceLock::new(), OnceLock::new());
        Ok(Self { socket, waker, bell, is_patient, peer, local })
    }
}

impl Wire for SocketWire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        uninterrupted(|| platform::read(&self.socket, buffer))
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        uninterrupted(|| platform::write(&self.socket, bytes))
    }

    fn takes_parts(&self) -> bool {
        true
    }

    fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        uninterrupted(|| platform::write_parts(&self.socket, parts))
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, interest.read);
        flags.set(PollFlags::OUT, interest.write);
        self.prepare_wait();
        let found = match self.waker.get() {
            Some(waker) => poll_with_waker(&self.socket, flags, waker, timeout)?,
            // The system has no descriptor left: what a wake would tell is looked for now and then.
            None => {
                let mut polled = [PollFd::new(&self.socket, flags)];
                let timeout = timeout.map_or(UNWOKEN_WAIT_MAX, |time| time.min(UNWOKEN_WAIT_MAX));
                poll_once(&mut polled, Some(timeout))?;
                polled[0].revents()
            }
        };
        Ok(Interest {
            read: interest.read && found.intersects(PollFlags::IN | ENDED),
            write: interest.write && found.intersects(PollFlags::OUT | ENDED),
        })
    }

    fn is_patient(&self) -> bool {
        self.is_patient
    }

    fn read_patiently(&self, buffer: &mut [u8]) -> io::Result<usize> {
        // Whoever waits looks again: a signal must not make it wait for longer.
        platform::read_patiently(&self.socket, buffer).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => io::ErrorKind::WouldBlock.into(),
            _ => error,
        })
    }

    fn wait_writable(&self, timeout: Duration) {
        // What it meets, the writer meets too.
        let _ = poll_writable([&self.socket].into_iter(), Some(timeout));
    }

    fn stop_reading(&self) {
        // As for `end_writing`.
        let _ = self.socket.shutdown(Shutdown::Read);
    }

    fn prepare_wait(&self) {
        if self.waker.get().is_none()
            && let Ok(waker) = Waker::new()
        {
            // One thread at a time waits.
            let _ = self.waker.set(waker);
        }
    }

    fn wake(&self) {
        self.waker.get().into_iter().for_each(Waker::wake);
        self.bell.get().into_iter().for_each(Bell::ring);
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        platform::descriptor(&self.socket)
    }

    fn attach(&self, bell: &Bell) {
        // A connection has one reactor, for good.
        let _ = self.bell.set(bell.clone());
    }

    fn end_writing(&self) {
        // The peer may be gone already; reading tells.
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    fn shutdown(&self) {
        // As above: a socket that is no longer connected has nothing left to end.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    fn peer(&self) -> &Address {
        &self.peer
    }

    fn local(&self) -> &Address {
        &self.local
    }
}

/// Waits for `flags` on `socket` or for a wake, and says what was found on the socket.
///
/// With no flags the socket is left out, so that its errors cannot end the wait.
pub(super) fn poll_with_waker(
    socket: &Socket,
    flags: PollFlags,
    waker: &Waker,
    timeout: Option<Duration>,
) -> io::Result<PollFlags> {
    let mut polled =
        [PollFd::from_borrowed_fd(waker.descriptor(), PollFlags::IN), PollFd::new(socket, flags)];
    #[cfg(feature = "testing")]
    let timeout = timeout.map(super::clock::slice);
    let polled = if flags.is_empty() { &mut polled[..1] } else { &mut polled[..] };
    poll_once(polled, timeout)?;
    if !polled[0].revents().is_empty() {
        waker.clear();
    }
    Ok(polled.get(1).map_or(PollFlags::empty(), PollFd::revents))
}

/// One poll: an interruption is an early return, which callers allow for.
fn poll_once(polled: &mut [PollFd<'_>], timeout: Option<Duration>) -> io::Result<()> {
    match poll(polled, timeout.map(timespec).as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Waits, `timeout` at most, until a socket of `sockets` can be written or has failed; says which,
/// by their places.
pub(super) fn poll_writable<'a>(
    sockets: impl Iterator<Item = &'a Socket>,
    timeout: Option<Duration>,
) -> io::Result<Vec<usize>> {
    let mut polled: Vec<_> = sockets.map(|socket| PollFd::new(socket, PollFlags::OUT)).collect();
    poll_once(&mut polled, timeout)?;
    let is_ready = |polled: &PollFd<'_>| polled.revents().intersects(PollFlags::OUT | ENDED);
    Ok((0..polled.len()).filter(|index| is_ready(&polled[*index])).collect())
}

/// Waits, `timeout` at most, until `flags` hold on `socket` or it has failed.
pub(super) fn poll_socket(
    socket: &impl AsFd,
    flags: PollFlags,
    timeout: Option<Duration>,
) -> io::Result<()> {
    poll_once(&mut [PollFd::new(socket, flags)], timeout)
}

/// Repeats a call that a signal interrupted.
fn uninterrupted(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

pub(super) fn timespec(timeout: Duration) -> Timespec {
    // Longer than anybody waits: more would overflow on systems with 32-bit seconds.
    let timeout = timeout.min(Duration::from_secs(1 << 30));
    Timespec {
        tv_sec: timeout.as_secs().try_into().expect("at most 2^30"),
        tv_nsec: timeout.subsec_nanos().into(),
    }
}

/// How long a thread waits that nothing can wake.
const UNWOKEN_WAIT_MAX: Duration = Duration::from_millis(50);

/// The peer is gone or the socket is broken: reading or writing says which.
const ENDED: PollFlags = PollFlags::HUP.union(PollFlags::ERR).union(PollFlags::NVAL);
