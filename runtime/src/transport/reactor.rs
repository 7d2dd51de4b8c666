//! One thread for many connections: waits for all of them at once, reads those that have something,
//! runs short handlers itself, and writes all their responses of one round together.
//!
//! ```text
//! round   requests left (`work`) ─► answer them, one after the other ─► wait for descriptors, bells and
//!         alarms ─► visit: read once, requests are queued, but for one alone, which is the next
//! ```
//!
//! While its only link brings one short call after the other, the thread waits in that link's read
//! instead, which spares it a system call; whoever needs the reactor then has the monitor give it to
//! another thread.
//!
//! A link that a caller leads is left alone (`lead`). The thread that drives a reactor has its
//! [`Seat`]; a handler that runs for long loses it to another thread (`reactors`), and whatever the
//! next one needs stands in [`Reactor`], never on the stack of the thread. What stands there of a link
//! may outlast it for as long as such a handler runs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering, fence};
use std::sync::{Arc, Mutex};
use std::time::Instant;
use std::{any::Any, io};

use super::accepted::Accepted;
use super::agenda::Agenda;
use super::doze::Doze;
use super::entries::{Entries, Entry};
use super::link::Link;
use super::pauses::Pauses;
use super::platform::{Descriptor, Found, Poller, thread_number};
use super::rounds::Rounds;
use super::seat::{Busy, Seat, Turn};
use super::threads::contained;
use super::tray::Tray;
use super::visits::Look;
use super::wire::Interest;
use super::work::{Next, Work};
use super::{lock, now};
use crate::limits::PATIENCE_ROOM;

/// What a server does with the requests of its connections.
pub(crate) trait Serve: Send + Sync {
    /// A request that the reactor's thread is to answer itself, at once.
    type Job;

    /// Takes a request, which has waited behind so many that took long; never blocks and runs no user code.
    fn accept(&self, accepted: Accepted, delays: u32) -> Option<Self::Job>;

    /// Runs user code.
    fn run(&self, job: Self::Job);

    /// What `job` is called when it overruns.
    fn number(&self, job: &Self::Job) -> usize;

    /// A job of this number has kept its thread for so long that the reactor went on without it.
    fn overran(&self, number: usize);
}

/// The part of a reactor that its links know.
pub(super) struct Reactor {
    poller: Poller,
    entries: Mutex<Entries>,
    /// Links that want to be looked at.
    rung: Tray<u64>,
    /// When links are to be looked at at the latest: one time for each at most, its `alarm`.
    alarms: Mutex<Agenda>,
    pub(super) seat: Seat,
    /// The number of the job that runs.
    pub(super) number: AtomicUsize,
    /// Links that nobody watches for a moment.
    pub(super) pauses: Pauses,
    /// Where the monitor sleeps until there is something to look at.
    doze: Arc<Doze>,
    /// The system's number of the thread that drives; 0 if it is not known.
    pub(super) driver: AtomicU32,
    over: AtomicBool,
}

/// How a link calls its reactor.
#[derive(Clone)]
pub(crate) struct Bell {
    reactor: Arc<Reactor>,
    key: u64,
}

/// Why a thread no longer drives a reactor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stopped {
    /// The seat was taken away.
    Unseated,
    /// The reactor is over.
    Over,
}

impl Reactor {
    /// A reactor whose monitor sleeps at `doze`.
    pub(super) fn new(doze: Arc<Doze>) -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            entries: Mutex::default(),
            rung: Tray::default(),
            alarms: Mutex::default(),
            seat: Seat::default(),
            number: AtomicUsize::new(0),
            pauses: Pauses::default(),
            doze,
            driver: AtomicU32::new(0),
            over: AtomicBool::new(false),
        })
    }

    /// Takes `link` in, and keeps `kept` for as long as it lives.
    ///
    /// # Errors
    ///
    /// If the system cannot watch one more descriptor, or the reactor has ended.
    pub(super) fn add(
        self: &Arc<Self>,
        link: &Arc<Link>,
        kept: impl Any + Send + Sync,
    ) -> io::Result<()> {
        let entry = Arc::new(Entry::new(link, kept));
        let key = {
            let mut entries = lock(&self.entries);
            if self.over.load(Ordering::Acquire) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            entries.insert(entry)
        };
        if let Some(descriptor) = link.wire.descriptor()
            && let Err(error) = self.poller.add(descriptor, key)
        {
            lock(&self.entries).remove(key);
            return Err(error);
        }
        link.attach(&Bell { reactor: Arc::clone(self), key });
        // The client waits for the SETTINGS: they need not wait for the reactor.
        let greeting = AssertUnwindSafe(|| link.submit(|state| state.core.on_time(now())));
        if catch_unwind(greeting).is_err() {
            // The panic hook has reported it: it ends this link alone.
            link.end("connection closed after a panic when it began".into());
        }
        self.ring(key);
        Ok(())
    }

    /// Ends once the last link has ended; takes no more.
    pub(super) fn end(&self) {
        // Under the lock, so that no link comes in that nobody would look at.
        let entries = lock(&self.entries);
        self.over.store(true, Ordering::Release);
        drop(entries);
        self.call();
    }

    pub(super) fn ring(&self, key: u64) {
        if self.rung.put([key]) {
            self.call();
        }
    }

    /// Has the thread that drives look at what there is, or another one if it cannot be reached.
    fn call(&self) {
        self.poller.wake();
        // Of this fence and the one before such a wait one is the first.
        fence(Ordering::SeqCst);
        if self.seat.busy().is_some_and(Busy::is_waiting) {
            self.doze.call();
        }
    }

    /// Whether somebody needs the reactor.
    pub(super) fn is_called(&self) -> bool {
        self.rung.is_filled() || self.over.load(Ordering::Acquire)
    }

    /// Whether it was ended and has no link left.
    pub(super) fn is_over(&self) -> bool {
        self.over.load(Ordering::Acquire) && self.count() == 0
    }

    /// Drives until another thread does, or everything is over.
    pub(super) fn drive<S: Serve>(
        self: &Arc<Self>,
        serve: &S,
        work: &Work,
        mut turn: Turn,
    ) -> Stopped {
        self.driver.store(thread_number().unwrap_or(0), Ordering::Relaxed);
        let mut found = Found::new();
        let mut rounds = Rounds::new(self, work);
        let mut time = now();
        // The thread that had the seat may have left answers.
        work.write();
        loop {
            while let Some(Next { request, is_due, delays }) = rounds.next_request() {
                // The panic hook has reported it; a request is dropped with its stream, and a job
                // with its call.
                let accepted = catch_unwind(AssertUnwindSafe(|| serve.accept(request, delays)));
                if let Some(job) = accepted.unwrap_or_default() {
                    self.number.store(serve.number(&job), Ordering::Relaxed);
                    self.seat.enter(&mut turn);
                    self.doze.wake();
                    contained(|| serve.run(job));
                    if !self.seat.leave(&mut turn) {
                        return Stopped::Unseated;
                    }
                }
                if is_due {
                    work.write();
                }
            }
            if self.is_over() {
                return Stopped::Over;
            }
            // From when the last round began, which spares a look at the clock: an alarm may be late by
            // as much as a round takes.
            let until = rounds.next_alarm();
            let is_far = until.is_none_or(|until| time + PATIENCE_ROOM < until);
            if is_far && let Some(only) = rounds.only_link() {
                let look = || rounds.look(&only.entry.link, Look::Patient);
                let (looked, is_seated) = self.wait_at_link(&mut turn, look);
                if !is_seated {
                    rounds.leave(&only, looked.as_ref());
                    return Stopped::Unseated;
                }
                time = rounds.take_only(only, looked);
                continue;
            }
            // Streams of large messages are half as fast where reactors wait without a time: the system wakes
            // them up at a higher price.
            let timeout = until.map(|until| until.saturating_duration_since(time));
            if self.poller.wait(&mut found, timeout).is_err() {
                // Only a broken descriptor of our own could bring it about; nothing is lost by trying
                // again, but it must not be tried at once.
                std::thread::yield_now();
            }
            let before = std::mem::replace(&mut time, now());
            let quiet = |key| (key, Interest::NONE);
            let called = rounds.due(time).into_iter().chain(self.rung.take());
            rounds.begin();
            for (key, interest) in found.iter().chain(called.map(quiet)) {
                rounds.visit(key, interest);
            }
            rounds.end(time - before);
        }
    }

    /// Has `look` wait at the only link, unless somebody needs the reactor. Tells besides whether the seat is
    /// still this thread's.
    fn wait_at_link<R>(&self, turn: &mut Turn, look: impl FnOnce() -> R) -> (Option<R>, bool) {
        self.seat.enter_wait(turn);
        // Of the fence in it and the one of whoever calls one is the first.
        self.doze.wake();
        let looked = (!self.is_called()).then(look);
        (looked, self.seat.leave(turn))
    }

    /// How many links there are.
    pub(super) fn count(&self) -> usize {
        lock(&self.entries).count
    }

    /// The link whose key is `key`.
    pub(super) fn entry(&self, key: u64) -> Option<Arc<Entry>> {
        lock(&self.entries).get(key)
    }

    /// When the first alarm goes off.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        lock(&self.alarms).first().map(|(at, _)| at)
    }

    /// The links whose alarms go off.
    pub(super) fn due(&self, time: Instant) -> Vec<u64> {
        let mut alarms = lock(&self.alarms);
        let mut due = Vec::new();
        while let Some(key) = alarms.take_due(time) {
            due.push(key);
        }
        drop(alarms);
        for key in &due {
            if let Some(entry) = self.entry(*key) {
                *lock(&entry.link.alarm) = None;
            }
        }
        due
    }

    /// Has `link` looked at `at` this time, unless that will happen sooner; returns when it will.
    pub(super) fn set_alarm(&self, link: &Link, key: u64, at: Instant) -> Instant {
        let mut alarm = lock(&link.alarm);
        match *alarm {
            Some(sooner) if sooner <= at => sooner,
            _ => {
                *alarm = Some(at);
                lock(&self.alarms).set(key, at);
                at
            }
        }
    }

    /// `link` is over: lets go of all that is kept for it.
    pub(super) fn remove(&self, link: &Link, key: u64) {
        if let Some(descriptor) = link.wire.descriptor() {
            self.poller.remove(descriptor);
        }
        link.finish();
        if lock(&link.alarm).take().is_some() {
            lock(&self.alarms).remove(key);
        }
        let removed = lock(&self.entries).remove(key);
        removed.inspect(|entry| entry.let_go());
        // A caller may have read them while the link was looked at; their streams are lost.
        drop(link.take_unserved());
    }

    /// How many links will be looked at at a time.
    #[cfg(all(test, target_os = "linux", not(rust_grpc_portable)))]
    pub(super) fn alarms(&self) -> usize {
        lock(&self.alarms).len()
    }
}

impl Bell {
    /// Has the reactor look at the link.
    pub(super) fn ring(&self) {
        self.reactor.ring(self.key);
    }

    /// Has the monitor look at what `add` adds.
    pub(super) fn list(&self, add: impl FnOnce(&Pauses)) {
        add(&self.reactor.pauses);
        self.reactor.doze.wake();
    }

    /// Has the reactor watch `descriptor`, the link's, for `interest` from now on.
    pub(super) fn watch(&self, descriptor: Descriptor<'_>, interest: Interest) {
        self.reactor.poller.set(descriptor, self.key, interest);
    }
}
