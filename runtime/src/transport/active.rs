//! The calls that a server has at the moment, as somebody from outside sees them, and the threads
//! that run them.
//!
//! The invariant: a call pays for being seen with a few words that it stores without a lock and
//! without an allocation; who looks pays for the rest.

use std::cell::Cell;
use std::ffi::CStr;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::platform;
use super::stream::Stream;
use super::wire::Address;
use crate::grpc::Method;

/// One call that a server has at the moment; made by
/// [`Server::active_calls`](crate::Server::active_calls).
///
/// It says how things stood when it was made. Shown, it is a line for a log.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::Server;
///
/// /// Prints what has been running for long: `thread_id` is what `top -H` and gdb show.
/// fn report(server: &Server) {
///     for call in server.active_calls() {
///         if call.age() > Duration::from_secs(10) {
///             println!("{call}");
///         }
///     }
/// }
/// # let server = Server::builder().bind("127.0.0.1:0")?.start()?;
/// # report(&server);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct ActiveCall {
    pub(super) facts: Facts,
    pub(super) peer: Arc<Address>,
    pub(super) age: Duration,
    pub(super) time_remaining: Option<Duration>,
    pub(super) bytes_received: u64,
    pub(super) bytes_sent: u64,
    pub(super) thread: u32,
    pub(super) is_cancelled: bool,
}

/// What does not change while a call lives.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) method: Method,
    pub(crate) received: Instant,
    pub(crate) deadline: Option<Instant>,
}

/// What is counted while a call lives.
#[derive(Debug, Default)]
pub(super) struct Counts {
    received: AtomicU64,
    sent: AtomicU64,
    /// The number of the thread that runs the call's method.
    thread: AtomicU32,
}

impl ActiveCall {
    /// The path of the method: `/hello.Greeter/SayHello`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.facts.method.path()
    }

    /// Where the call came from.
    #[must_use]
    pub fn peer(&self) -> &Address {
        &self.peer
    }

    /// How long ago the request arrived; time in the server's queue is included.
    #[must_use]
    pub fn age(&self) -> Duration {
        self.age
    }

    /// What was left until the deadline, zero once it has passed; `None` if there is none.
    #[must_use]
    pub fn time_remaining(&self) -> Option<Duration> {
        self.time_remaining
    }

    /// How many bytes of messages and their prefixes have come, taken by the method or not.
    #[must_use]
    pub fn bytes_received(&self) -> u64 {
        self.bytes_received
    }

    /// How many bytes of messages and their prefixes have been sent.
    #[must_use]
    pub fn bytes_sent(&self) -> u64 {
        self.bytes_sent
    }

    /// Whether a worker runs the method; if not, the call waits for one, or its method has returned
    /// and left its replies to a [`DetachedSink`](crate::DetachedSink).
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.thread != NO_THREAD
    }

    /// The system's number of the thread that runs the method, as `ps -L`, `top -H` and debuggers
    /// show it; `None` if none does, and on systems other than Linux.
    #[must_use]
    pub fn thread_id(&self) -> Option<u32> {
        (self.thread != NO_THREAD && self.thread != NAMELESS_THREAD).then_some(self.thread)
    }

    /// Whether the call is over for its client, and only its method goes on.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.is_cancelled
    }
}

impl fmt::Display for ActiveCall {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} from {} for {:?}", self.method(), self.peer, self.age)?;
        if let Some(left) = self.time_remaining {
            write!(out, ", {left:?} left")?;
        }
        write!(out, ", {} bytes received, {} sent", self.bytes_received, self.bytes_sent)?;
        match (self.is_running(), self.thread_id()) {
            (true, Some(thread)) => write!(out, ", on thread {thread}")?,
            (true, None) => write!(out, ", running")?,
            (false, _) => write!(out, ", on no thread")?,
        }
        match self.is_cancelled {
            true => write!(out, ", cancelled"),
            false => Ok(()),
        }
    }
}

impl Counts {
    /// Bytes have come. One thread at a time calls it, under the inbox's lock.
    pub(super) fn add_received(&self, bytes: usize) {
        add(&self.received, bytes);
    }

    /// Bytes have been sent. One thread at a time calls it, the one whose turn it is.
    pub(super) fn add_sent(&self, bytes: usize) {
        add(&self.sent, bytes);
    }

    pub(super) fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    pub(super) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Whether a thread runs the call's method.
    pub(super) fn is_running(&self) -> bool {
        self.thread() != NO_THREAD
    }

    pub(super) fn thread(&self) -> u32 {
        self.thread.load(Ordering::Relaxed)
    }
}

/// Whether a worker's thread is called like the method that it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadNames {
    Kept,
    OfMethods,
}

impl Stream {
    /// This thread runs the method of the stream's call from now on.
    pub(crate) fn begin_running(&self, method: &Method, names: ThreadNames) {
        self.counts().thread.store(this_thread(), Ordering::Relaxed);
        if names == ThreadNames::OfMethods {
            rename_this_thread(method.name());
        }
    }

    /// The method has returned, or panicked.
    pub(crate) fn end_running(&self) {
        self.counts().thread.store(NO_THREAD, Ordering::Relaxed);
    }
}

/// Calls this thread `name` again, if it has been called like a method.
pub(super) fn restore_thread_name(name: &str) {
    if THREAD.get().name != UNNAMED {
        rename_this_thread(name);
        THREAD.set(Thread { name: UNNAMED, ..THREAD.get() });
    }
}

fn rename_this_thread(name: &str) {
    let mut text = UNNAMED;
    let shown = name.len().min(text.len() - 1);
    text[..shown].copy_from_slice(&name.as_bytes()[..shown]);
    let thread = THREAD.get();
    if thread.name == text {
        return;
    }
    if let Ok(text) = CStr::from_bytes_until_nul(&text) {
        platform::set_thread_name(text);
    }
    THREAD.set(Thread { name: text, ..thread });
}

fn this_thread() -> u32 {
    let mut thread = THREAD.get();
    if thread.number == NO_THREAD {
        thread.number = platform::thread_number().unwrap_or(NAMELESS_THREAD);
        THREAD.set(thread);
    }
    thread.number
}

/// What a thread knows of itself, so that it asks the system once.
#[derive(Clone, Copy)]
struct Thread {
    number: u32,
    /// What it was called by [`rename_this_thread`], ended by 0; Linux takes 15 bytes.
    name: [u8; 16],
}

thread_local! {
    static THREAD: Cell<Thread> = const { Cell::new(Thread { number: NO_THREAD, name: UNNAMED }) };
}

const NO_THREAD: u32 = 0;
/// A thread whose number is not known.
const NAMELESS_THREAD: u32 = u32::MAX;
const UNNAMED: [u8; 16] = [0; 16];

/// Adds where only one thread adds at a time.
fn add(count: &AtomicU64, bytes: usize) {
    count.store(count.load(Ordering::Relaxed) + bytes as u64, Ordering::Relaxed);
}
