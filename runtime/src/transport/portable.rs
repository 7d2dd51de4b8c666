//! What stands in for `linux.rs` on other systems: sockets in non-blocking mode, and a waker made
//! of a UDP socket that is connected to itself.
//!
//! The flag `--cfg rust_grpc_portable` selects this file on Linux too, so that the tests can run
//! on it.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::marker::PhantomData;
use std::net::{Ipv4Addr, UdpSocket};
use std::num::NonZeroU32;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use rustix::fd::{AsFd, BorrowedFd};

use super::lock;
use super::reactors::Activity;
use super::wire::Interest;
use crate::limits::PARTS_MAX;

pub(super) use super::portable_socket::Socket;

/// Makes a poll return: a socket that sends to itself.
pub(super) struct Waker(UdpSocket);

impl Waker {
    pub(super) fn new() -> io::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.connect(socket.local_addr()?)?;
        socket.set_nonblocking(true)?;
        Ok(Self(socket))
    }

    /// Makes the descriptor readable until [`Waker::clear`].
    pub(super) fn wake(&self) {
        // A full buffer holds earlier wakes, so the descriptor is readable anyway.
        let _ = self.0.send(&[1]);
    }

    pub(super) fn clear(&self) {
        while self.0.recv(&mut [0; 8]).is_ok() {}
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A word that up to 32 threads sleep at, each at a bit of its own: conditions under one lock.
#[derive(Default)]
pub(super) struct Word {
    woken: Mutex<u32>,
    bits: [Condvar; u32::BITS as usize],
}

impl Word {
    /// What [`Word::sleep`] is to be told.
    pub(super) fn ticket(&self) -> u32 {
        *lock(&self.woken)
    }

    /// Sleeps until one of `bits` is woken, which is one, `time` at most; not at all if somebody was
    /// woken since the ticket was taken.
    pub(super) fn sleep(&self, ticket: u32, bits: NonZeroU32, time: Option<Duration>) {
        let woken = lock(&self.woken);
        if *woken == ticket {
            let changed = &self.bits[bits.trailing_zeros() as usize];
            // Whatever ends it: whoever sleeps looks again.
            match time {
                None => drop(changed.wait(woken).unwrap_or_else(PoisonError::into_inner)),
                Some(time) => drop(changed.wait_timeout(woken, time)),
            }
        }
    }

    /// Wakes whoever sleeps at `bits`, or is about to.
    pub(super) fn wake(&self, bits: NonZeroU32) {
        let mut woken = lock(&self.woken);
        *woken = woken.wrapping_add(1);
        drop(woken);
        let is_called = |bit: &usize| bits.get() >> bit & 1 == 1;
        (0..self.bits.len()).filter(is_called).for_each(|bit| self.bits[bit].notify_all());
    }
}

/// Makes a new socket ready for [`read`] and [`write`], and not for [`read_patiently`].
pub(super) fn prepare(socket: &Socket) -> io::Result<bool> {
    socket.set_nonblocking(true).map(|()| false)
}

/// Would wait for bytes: these sockets never wait.
pub(super) fn read_patiently(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    read(socket, buffer)
}

pub(super) fn read(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    socket.read(buffer)
}

pub(super) fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    socket.write(bytes)
}

/// The same of what several parts are together.
pub(super) fn write_parts(socket: &Socket, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    socket.write_parts(&parts[..parts.len().min(PARTS_MAX)])
}

/// The address of a socket in the abstract namespace: only Linux has one.
#[cfg(unix)]
pub(super) fn abstract_address(_name: &[u8]) -> io::Result<std::os::unix::net::SocketAddr> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "unix-abstract: addresses exist on Linux only"))
}

/// The name of such an address.
#[cfg(unix)]
pub(super) fn abstract_name(_address: &std::os::unix::net::SocketAddr) -> Option<&[u8]> {
    None
}

/// The time of day since 1970.
#[cfg(feature = "channelz")]
pub(super) fn time_of_day() -> Duration {
    let epoch = std::time::SystemTime::UNIX_EPOCH;
    // A clock that is set to before 1970 tells no time.
    std::time::SystemTime::now().duration_since(epoch).unwrap_or_default()
}

/// The system's number of this thread: not known here.
pub(super) fn thread_number() -> Option<u32> {
    None
}

/// Whether this process may run on several processors.
pub(super) fn has_several_processors() -> bool {
    std::thread::available_parallelism().is_ok_and(|count| count.get() > 1)
}

/// What a thread is at: not known here.
pub(super) fn thread_activity(_number: u32) -> Option<Activity> {
    None
}

/// Would have tools show this thread as `name`; there is no common way.
pub(super) fn set_thread_name(_name: &std::ffi::CStr) {}

/// What a poller would watch of a socket.
pub(super) fn descriptor(_socket: &Socket) -> Option<Descriptor<'_>> {
    None
}

/// What a poller would watch: there is none here.
#[derive(Clone, Copy)]
pub(crate) struct Descriptor<'a>(Infallible, PhantomData<&'a ()>);

/// Waiting for many sockets at once, which no standard call does on every system: servers have a
/// thread for each connection here.
pub(super) struct Poller(Infallible);

/// What a poller would have found.
pub(super) struct Found;

impl Poller {
    pub(super) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn add(&self, _descriptor: Descriptor<'_>, _key: u64) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn set(&self, _descriptor: Descriptor<'_>, _key: u64, _interest: Interest) {
        match self.0 {}
    }

    pub(super) fn remove(&self, _descriptor: Descriptor<'_>) {
        match self.0 {}
    }

    pub(super) fn wait(&self, _found: &mut Found, _timeout: Option<Duration>) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn wake(&self) {
        match self.0 {}
    }
}

impl Found {
    pub(super) fn new() -> Self {
        Self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, Interest)> {
        std::iter::empty()
    }
}
