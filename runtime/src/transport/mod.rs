//! Sockets, clocks, threads and locks: the only folder that has them.
//!
//! ```text
//! link      one connection: opened, closed       verbs     submit and pump, which drive it
//! writing   from the core to the wire           watching  what a link's own thread runs
//! lead      which thread pumps: callers, watcher   visits    how a reactor drives a link
//! reactor   one thread for many links             reactors  those of a server, and their threads
//! entries   the links of one                      rounds    what its thread keeps from round to round
//! seat      the right to drive a reactor          poller    waiting for many descriptors
//! leading   how a caller waits and pumps          doze      how the monitor of reactors sleeps
//! ticks     and for how long
//! work      requests that it is to answer     cork      holding writes back
//! due       who wakes those that wait at an inbox
//! parking   where followers of a leader sleep     yielding  what they do before
//! sync      atomics and locks, for models          shape     which threads a process has
//! state     what its lock protects: the http2 core, and who waits for what of it
//! delivering  from events to inboxes             rests     messages that the core has not taken
//! stream    one stream as an application holds it outgoing  what is sent on it in one go
//! accepted  one that the peer has opened
//! inbox     the receiving end of a stream         received  what has come and was not taken
//! taking    a read in, event by event             filling   an inbox with what one read brings for it
//! reused    inboxes that a thread uses again
//! incoming  what an application receives
//! sending   whose turn it is to send, and the end waiting   for what comes to an inbox, or for the lead
//! endings   what happens when a stream ends       marks     what is asked without a lock
//! foreign   a response that is none of gRPC's    opening  a call that has no stream yet
//! openers   who begins calls, and when they are written    tray  what threads put down for another one
//! wire      what bytes travel over: tcp, unix (both a socket), memory
//! credentials  insecure, local, TLS              tls       TLS by rustls (feature)
//! auth_context who the peer is
//! listener  accepting connections               in_process  a place to listen without a socket
//! threads   where a server's threads are started    timer   things to be done at a time
//! workers   the pool that runs user code         plan      how many, and what if none is free
//! run       messages that were taken together     short_queue  what has come, one by one
//! batch     small messages that leave together     flusher   the thread that sends them, and calls, meanwhile
//! callbacks the thread that tells of cancellations and of replies    occasion  what it is told for
//! current   the call that a thread works for    cancellation  what a client's call ends with
//! deadlines  those of the streams of a link    turns   callers who wait for the peer to allow a stream
//! pauses    links that nobody watches for a moment
//! target    names of servers                      backoff waits between attempts to connect
//! happy_eyeballs  the first address that answers    connectivity  the states of a channel, to be waited for
//! channelz  what is told of channels, servers and connections    no_channelz stands in without the feature
//! active    the calls of a server and their threads, to look at    bound  what ends an attempt to connect
//! proxy     HTTP proxies, by CONNECT
//! socket_options  what users ask of TCP sockets
//! latch     something that happens once, and that threads wait for    agenda  what is due when
//! linux     what only Linux has                   portable what stands in elsewhere
//! linux_socket  its stream sockets                portable_socket  those of other systems
//! clock     a clock that a test moves             handover  what a test's thread hands to another
//! ```
//!
//! Locks, in the order in which they may be taken; none is held while blocking or while code of
//! another layer runs, but for what makes the last word of a stream at its deadline:
//!
//! 1. the lead of a link;
//! 2. its state, or that of a client's call;
//! 3. an inbox, or an alarm of the link;
//! 4. the session of an encrypted wire;
//! 5. the state of an in-memory wire, or what its reactor is to look at.
//!
//! The timer's lock stands alone, and so does the flusher's: no other lock is taken under it. Where the
//! monitor of a crew dozes it takes the crew's lock, and under that one those of the links that have
//! paused; who calls it takes the lock of where it dozes alone, perhaps under the lead of a link. Under
//! the lock of a worker pool inboxes are asked whether their calls are over. The lock of a channel's
//! connector comes before that of its pool of connections, and both before those of links: a connection
//! that comes into the pool takes over a queue by commands, which may write (`Pool::add`). The lock of a
//! channel's connectivity is taken under that of its connector, and the one of the pool of
//! callbacks under it. The locks of channelz are taken last, and none under them.

mod accepted;
pub(crate) mod active;
mod agenda;
pub(crate) mod auth_context;
pub(crate) mod backoff;
mod batch;
pub(crate) mod bound;
pub(crate) mod callbacks;
pub(crate) mod cancellation;
#[cfg(feature = "channelz")]
pub(crate) mod channelz;
#[cfg(not(feature = "channelz"))]
#[path = "no_channelz.rs"]
pub(crate) mod channelz;
#[cfg(feature = "testing")]
pub(crate) mod clock;
pub(crate) mod connectivity;
mod cork;
pub(crate) mod credentials;
pub(crate) mod current;
mod deadlines;
mod delivering;
mod doze;
mod due;
mod endings;
mod entries;
mod filling;
mod flusher;
mod foreign;
#[cfg(feature = "testing")]
pub(crate) mod handover;
mod happy_eyeballs;
pub(crate) mod in_process;
mod inbox;
mod incoming;
pub(crate) mod latch;
mod lead;
mod leading;
mod link;
pub(crate) mod listener;
mod marks;
pub(crate) mod memory;
mod occasion;
mod openers;
mod opening;
mod outgoing;
mod parking;
mod pauses;
pub(crate) mod plan;
pub(crate) mod proxy;
mod reactor;
mod reactors;
mod received;
mod rests;
mod reused;
mod rounds;
mod run;
mod seat;
mod sending;
mod shape;
mod short_queue;
mod socket;
pub(crate) mod socket_options;
mod state;
mod stream;
mod sync;
mod taking;
pub(crate) mod target;
pub(crate) mod tcp;
#[cfg(test)]
mod tests;
pub(crate) mod threads;
mod ticks;
pub(crate) mod timer;
#[cfg(feature = "tls-rustls")]
pub(crate) mod tls;
mod tray;
mod turns;
#[cfg(unix)]
pub(crate) mod unix;
mod verbs;
mod visits;
mod waiting;
mod watching;
pub(crate) mod wire;
mod work;
pub(crate) mod workers;
mod writing;
mod yielding;

#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
mod linux;
#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
mod linux_socket;
#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
mod poller;
#[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
use linux as platform;
#[cfg(not(all(target_os = "linux", not(rust_grpc_portable))))]
mod portable;
#[cfg(not(all(target_os = "linux", not(rust_grpc_portable))))]
mod portable_socket;
#[cfg(not(all(target_os = "linux", not(rust_grpc_portable))))]
use portable as platform;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::Instant;

use crate::limits;

pub(crate) use accepted::Accepted;
pub(crate) use active::{ActiveCall, Facts, ThreadNames};
pub(crate) use bound::{Bound, Wish};
pub(crate) use cancellation::{CANCELLED, Parents, Tied};
pub(crate) use current::{Child, CurrentCall};
pub(crate) use in_process::InProcess;
pub(crate) use incoming::{Incoming, Whole};
pub(crate) use latch::Latch;
pub(crate) use link::{Accepting, Link, OpenError};
pub(crate) use listener::{Listener, Listening};
pub(crate) use opening::{Beginning, Opened, Opening};
pub(crate) use outgoing::SendError;
pub(crate) use plan::{FullPool, Plan, Refusal};
pub(crate) use proxy::Proxy;
pub(crate) use reactor::Serve;
pub(crate) use reactors::{Crew, Reactors, server_reactors};
pub(crate) use run::Run;
pub(crate) use shape::check_shape;
pub(crate) use socket_options::SocketOptions;
pub(crate) use stream::Stream;
pub(crate) use target::{Place, Target};
pub(crate) use threads::{Threads, contained};
pub(crate) use wire::{Address, Wire};
pub(crate) use workers::{Job, Pool, Turn, Workers};

/// The only clock: every other layer gets the time as an argument.
#[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
pub(crate) fn now() -> Instant {
    #[cfg(feature = "testing")]
    if let Some(now) = clock::now() {
        return now;
    }
    Instant::now()
}

/// A number in `0.0..1.0`, for spreading waits; nothing secret may be made of it.
pub(crate) fn random() -> f64 {
    // Every RandomState has keys of its own, from the system's random numbers at first.
    let bits = RandomState::new().hash_one(0u8) >> 11;
    bits as f64 / (1u64 << 53) as f64
}

/// One attempt to connect.
#[derive(Clone, Debug, Default)]
pub(crate) struct Dial {
    /// When it is given up.
    pub(crate) until: Option<Instant>,
    /// How many have failed before it in a row. An address that takes connections and then says
    /// nothing would be the first to answer each time, so each begins with another address.
    pub(crate) failures: usize,
    /// Withdrawn, it ends the attempt.
    pub(crate) wish: Wish,
    /// What it goes through.
    pub(crate) proxy: Option<Arc<Proxy>>,
    /// What its sockets are made with.
    pub(crate) socket: SocketOptions,
}

impl Dial {
    /// What ends the attempt.
    pub(crate) fn bound(&self) -> Bound {
        Bound::new(self.until, &self.wish)
    }
}

/// Connects to the first place of `target` that answers.
///
/// # Errors
///
/// What the last attempt met, in words, or [`io::ErrorKind::TimedOut`].
pub(crate) fn connect(target: &Target, dial: &Dial) -> io::Result<Box<dyn Wire>> {
    if let Some(proxy) = &dial.proxy {
        return proxy::connect(target, proxy, dial);
    }
    let until = dial.until;
    match target.place() {
        // Looked up each time: after a failure the name may lead elsewhere.
        Place::Host(name, port) => tcp::connect(&tcp::resolve(name, *port, dial.bound())?, dial),
        Place::Addresses(addresses) => tcp::connect(addresses, dial),
        #[cfg(unix)]
        Place::Unix(path) => unix::connect(path, until).map_err(|error| named(target, &error)),
        #[cfg(unix)]
        Place::UnixAbstract(name) => {
            unix::connect_abstract(name).map_err(|error| named(target, &error))
        }
        #[cfg(not(unix))]
        Place::Unix(_) | Place::UnixAbstract(_) => Err(no_unix_sockets()),
    }
}

/// The target once for each of its addresses, as they are now.
///
/// # Errors
///
/// What the look-up of its name met, or [`io::ErrorKind::TimedOut`].
pub(crate) fn look_up(target: &Target, bound: Bound) -> io::Result<Vec<Target>> {
    match (target.place(), target.addresses()) {
        (Place::Host(name, port), None) => {
            Ok(tcp::resolve(name, *port, bound)?.into_iter().map(Target::from).collect())
        }
        (_, addresses) => Ok(addresses.unwrap_or_default()),
    }
}

/// Starts a thread called `name`; those of a server are started by [`Threads`].
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    #[cfg(feature = "testing")]
    let run = clock::inherited(run);
    spawn_boxed(name, Box::new(run))
}

/// Compiled once for all that is run.
fn spawn_boxed(name: &str, run: Box<dyn FnOnce() + Send>) -> io::Result<JoinHandle<()>> {
    builder(name).spawn(run)
}

/// What every thread of the runtime is made with.
fn builder(name: &str) -> Builder {
    Builder::new().name(name.to_owned()).stack_size(limits::STACK_SIZE)
}

/// Locks whether or not a panic happened under the lock: no state here is left half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The earlier of two times, of which neither need be.
#[inline]
pub(crate) fn earliest(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Waits on `changed` until `is_over` holds or `until` has passed; says whether it holds.
fn wait_until<'a, T>(
    changed: &Condvar,
    mut guard: MutexGuard<'a, T>,
    until: Option<Instant>,
    is_over: impl Fn(&T) -> bool,
) -> (MutexGuard<'a, T>, bool) {
    loop {
        if is_over(&guard) {
            return (guard, true);
        }
        guard = match until {
            None => changed.wait(guard).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(now());
                if left.is_zero() {
                    return (guard, false);
                }
                #[cfg(feature = "testing")]
                let left = clock::slice(left);
                changed.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0
            }
        };
    }
}

#[cfg(unix)]
fn named(target: &Target, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{target}: {error}"))
}

#[cfg(not(unix))]
fn no_unix_sockets() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this system has no Unix sockets")
}
