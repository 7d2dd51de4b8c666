//! Everything that only Linux has: one system call that neither blocks nor signals, eventfd, epoll and
//! futexes.
//!
//! `portable.rs` beside it has the same names; sockets stay in blocking mode here, each call says
//! itself that it must not block.

use std::ffi::CStr;
use std::io::{self, IoSlice};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::reactors::Activity;
use crate::limits::{PARTS_MAX, PATIENCE};
use rustix::event::{EventfdFlags, eventfd};
use rustix::net::{RecvFlags, SendFlags};
use rustix::thread::futex;
use rustix::time::{ClockId, Timespec, clock_gettime};

pub(super) use super::linux_socket::Socket;
pub(super) use super::poller::{Found, Poller};

/// What a poller watches.
pub(crate) type Descriptor<'a> = BorrowedFd<'a>;

/// What a poller watches of `socket`.
pub(super) fn descriptor(socket: &Socket) -> Option<Descriptor<'_>> {
    Some(socket.as_fd())
}

/// Makes a poll return: an eventfd.
pub(super) struct Waker(OwnedFd);

impl Waker {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?))
    }

    /// Makes the descriptor readable until [`Waker::clear`].
    pub(super) fn wake(&self) {
        // EAGAIN would mean 2^64-2 unseen wakes, and then the descriptor is readable anyway.
        let _ = rustix::io::write(&self.0, &1u64.to_ne_bytes());
    }

    pub(super) fn clear(&self) {
        let _ = rustix::io::read(&self.0, &mut [0; 8]);
    }

    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// A word that up to 32 threads sleep at, each at a bit of its own: a futex.
#[derive(Default)]
pub(super) struct Word(AtomicU32);

impl Word {
    /// What [`Word::sleep`] is to be told.
    pub(super) fn ticket(&self) -> u32 {
        self.0.load(Ordering::Acquire)
    }

    /// Sleeps until one of `bits` is woken, `time` at most; not at all if somebody was woken since the
    /// ticket was taken.
    pub(super) fn sleep(&self, ticket: u32, bits: NonZeroU32, time: Option<Duration>) {
        let until = time.map(from_now);
        // Whatever ends it: whoever sleeps looks again.
        let _ = futex::wait_bitset(&self.0, futex::Flags::PRIVATE, ticket, until.as_ref(), bits);
    }

    /// Wakes whoever sleeps at `bits`, or is about to.
    pub(super) fn wake(&self, bits: NonZeroU32) {
        self.0.fetch_add(1, Ordering::Release);
        // It fails for no word of ours.
        let _ = futex::wake_bitset(&self.0, futex::Flags::PRIVATE, i32::MAX as u32, bits);
    }
}

/// The time of the clock that never goes back in `time` from now.
fn from_now(time: Duration) -> Timespec {
    clock_gettime(ClockId::Monotonic) + super::socket::timespec(time)
}

/// Makes a new socket ready for [`read`] and [`write`]; says whether for [`read_patiently`] too.
pub(super) fn prepare(socket: &Socket) -> io::Result<bool> {
    Ok(socket.set_read_timeout(Some(PATIENCE)).is_ok())
}

/// Waits for bytes, [`PATIENCE`] at most.
pub(super) fn read_patiently(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    let (read, _) = rustix::net::recv(socket, buffer, RecvFlags::empty())?;
    Ok(read)
}

pub(super) fn read(socket: &Socket, buffer: &mut [u8]) -> io::Result<usize> {
    let (read, _) = rustix::net::recv(socket, buffer, RecvFlags::DONTWAIT)?;
    Ok(read)
}

pub(super) fn write(socket: &Socket, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(socket, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}

/// The same of what several parts are together.
pub(super) fn write_parts(socket: &Socket, parts: &[IoSlice<'_>]) -> io::Result<usize> {
    let (flags, mut control) = (SendFlags::DONTWAIT | SendFlags::NOSIGNAL, Default::default());
    Ok(rustix::net::sendmsg(socket, &parts[..parts.len().min(PARTS_MAX)], &mut control, flags)?)
}

/// The address of a socket in the abstract namespace.
pub(super) fn abstract_address(name: &[u8]) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}

/// The name of such an address.
pub(super) fn abstract_name(address: &SocketAddr) -> Option<&[u8]> {
    address.as_abstract_name()
}

/// The time of day since 1970, as of the system's last tick: a few milliseconds ago at most, and a tenth
/// of the price of the exact one.
#[cfg(feature = "channelz")]
pub(super) fn time_of_day() -> Duration {
    clock_gettime(ClockId::RealtimeCoarse).try_into().unwrap_or_default()
}

/// The system's number of this thread.
pub(super) fn thread_number() -> Option<u32> {
    rustix::thread::gettid().as_raw_nonzero().get().try_into().ok()
}

/// Whether this thread may run on several processors. A container's quota is not asked for, as
/// [`std::thread::available_parallelism`] does: to read its files takes 60 us of a process that makes one
/// call.
pub(super) fn has_several_processors() -> bool {
    rustix::thread::sched_getaffinity(None).is_ok_and(|set| set.count() > 1)
}

/// Whether the thread `number` of this process sleeps, and for how long it has run; nothing if the
/// system does not tell.
pub(super) fn thread_activity(number: u32) -> Option<Activity> {
    let read = |file: &str| {
        let path = format!("/proc/self/task/{number}/{file}");
        std::fs::read_to_string(path).ok()
    };
    // Behind the name in parentheses, which may hold anything.
    let state = read("stat")?.rsplit_once(") ")?.1.chars().next()?;
    let ran = read("schedstat")?.split(' ').next()?.parse().ok()?;
    Some(Activity { is_asleep: state != 'R', ran: Duration::from_nanos(ran) })
}

/// Has tools show this thread as `name`, of which the system takes 15 bytes.
pub(super) fn set_thread_name(name: &CStr) {
    // It is only for the eye.
    let _ = rustix::thread::set_name(name);
}
