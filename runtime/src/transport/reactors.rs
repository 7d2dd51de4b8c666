//! The reactors of a server, and the threads that drive them.
//!
//! ```text
//! driver    drives one reactor; unseated by the monitor, it finishes what it is at and stands by
//! standby   waits for a reactor whose driver was unseated
//! monitor   looks whether a handler keeps its reactor, or a link from being watched: every millisecond, and
//!           more rarely while none has done so for long; at once when somebody needs a reactor whose
//!           driver waits at its only link; sleeps when there is nothing to look at
//! ```
//!
//! The invariant: every reactor has one driver, or is handed over to whoever stands by next.

use std::any::Any;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use super::doze::Doze;
use super::link::{Accepting, Link};
use super::platform::thread_activity;
use super::reactor::{Reactor, Serve, Stopped};
use super::seat::{Busy, Turn};
use super::shape::{ThreadShape, shape};
use super::threads::Threads;
use super::ticks::{Sight, Ticks};
use super::wire::Wire;
use super::work::Work;
use super::{lock, now, wait_until};
use crate::limits::{MONITOR_TICK, REACTORS_MAX, STANDBY_IDLE_MAX};

/// The reactors of a server, for those who give them connections.
pub(crate) struct Reactors<'s, S: Serve> {
    crew: Arc<Crew>,
    threads: Arc<Drivers<'s, S>>,
    next: AtomicUsize,
}

/// The reactors of a server, for whoever ends them.
pub(crate) struct Crew {
    reactors: Vec<Arc<Reactor>>,
    state: Mutex<State>,
    /// There is a reactor to be driven, or the end.
    work: Condvar,
    /// Where the monitor sleeps, between two looks or until a handler begins.
    doze: Arc<Doze>,
}

#[derive(Default)]
struct State {
    /// Reactors without a driver, by their places.
    handed_over: VecDeque<(usize, Turn)>,
    standing_by: usize,
    is_over: bool,
}

/// What a thread is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Activity {
    /// It waits for something, and not for a processor.
    pub(super) is_asleep: bool,
    /// How long it has run since it began.
    pub(super) ran: Duration,
}

/// What the monitor has seen a thread at.
#[derive(Clone, Copy, Debug)]
struct Seen {
    busy: Busy,
    /// What its thread had run when it was seen for the second time.
    ran: Option<Duration>,
}

/// What the threads of the reactors run with.
struct Drivers<'s, S: Serve> {
    crew: Arc<Crew>,
    /// Of each reactor.
    work: Vec<Work>,
    serve: Arc<S>,
    threads: Threads<'s>,
}

/// The reactors of a new server whose requests go to `serve`; none where each connection is to have a
/// thread of its own.
pub(crate) fn server_reactors<'s, S: Serve + 's>(
    serve: &Arc<S>,
    threads: &Threads<'s>,
) -> Option<Reactors<'s, S>> {
    #[cfg(feature = "testing")]
    if super::clock::is_virtual() {
        // Its threads would have the clock of one test.
        return None;
    }
    if shape() == ThreadShape::Readers {
        return None;
    }
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    Reactors::start(count.min(REACTORS_MAX), Arc::clone(serve), threads).ok()
}

impl<'s, S: Serve + 's> Reactors<'s, S> {
    /// `count` reactors for the connections of a server, driven by threads that `threads` starts.
    ///
    /// # Errors
    ///
    /// If the system has none, or a thread cannot be started.
    pub(crate) fn start(count: usize, serve: Arc<S>, threads: &Threads<'s>) -> io::Result<Self> {
        let doze = Arc::new(Doze::default());
        let reactor = |_| Reactor::new(Arc::clone(&doze)).map(Arc::new);
        let reactors: Vec<_> = (0..count).map(reactor).collect::<io::Result<_>>()?;
        let crew = Arc::new(Crew { reactors, state: Mutex::default(), work: Condvar::new(), doze });
        let work = (0..count).map(|_| Work::default()).collect();
        let drivers = Drivers { crew: Arc::clone(&crew), work, serve, threads: threads.clone() };
        let reactors = Self { crew, threads: Arc::new(drivers), next: AtomicUsize::new(0) };
        let started = reactors.start_threads();
        if started.is_err() {
            reactors.crew.end();
        }
        started.map(|()| reactors)
    }

    fn start_threads(&self) -> io::Result<()> {
        for (place, reactor) in self.crew.reactors.iter().enumerate() {
            lock(&self.crew.state).handed_over.push_back((place, reactor.seat.first_turn()));
            self.threads.start()?;
        }
        let monitor = Arc::clone(&self.threads);
        self.threads.threads.spawn("grpc-monitor", move || monitor.watch())
    }

    /// Serves a new connection over `wire`, and keeps `kept` for as long as it lives.
    ///
    /// # Errors
    ///
    /// The wire, if no reactor can wait for it; nothing if the system cannot.
    pub(crate) fn serve(
        &self,
        wire: Box<dyn Wire>,
        accepting: &Accepting<'_>,
        kept: impl Any + Send + Sync,
    ) -> io::Result<Arc<Link>> {
        let link = Link::of_reactor(wire, accepting);
        let count = self.crew.reactors.len();
        let reactor = &self.crew.reactors[self.next.fetch_add(1, Ordering::Relaxed) % count];
        // The core's deadlines count from here, also if the peer never says a word.
        link.submit(|state| state.core.on_time(now()));
        reactor.add(&link, kept)?;
        Ok(link)
    }

    /// The reactors, for whoever ends them.
    pub(crate) fn crew(&self) -> &Arc<Crew> {
        &self.crew
    }
}

impl Seen {
    /// Whether the thread, which has been away for a tick at least, sleeps or computes. If it waits for a
    /// processor, another one would do so too.
    fn keeps_its_thread(&mut self, reactor: &Reactor) -> bool {
        let Some(activity) = thread_activity(reactor.driver.load(Ordering::Relaxed)) else {
            return true;
        };
        let ran_before = *self.ran.get_or_insert(activity.ran);
        activity.is_asleep || activity.ran.saturating_sub(ran_before) >= MONITOR_TICK / 2
    }
}

impl Crew {
    /// Takes no more connections; the threads end with the last one that there is.
    pub(crate) fn end(&self) {
        lock(&self.state).is_over = true;
        self.work.notify_all();
        self.doze.call();
        self.reactors.iter().for_each(|reactor| reactor.end());
    }

    /// How many connections will be looked at at a time.
    #[cfg(all(test, target_os = "linux", not(rust_grpc_portable)))]
    pub(super) fn alarms(&self) -> usize {
        self.reactors.iter().map(|reactor| reactor.alarms()).sum()
    }

    fn is_over(&self) -> bool {
        lock(&self.state).is_over
    }

    /// Whether there is something for the monitor to look at.
    fn is_any_busy(&self) -> bool {
        let is_busy =
            |reactor: &Arc<Reactor>| reactor.seat.busy().is_some() || !reactor.pauses.is_empty();
        self.reactors.iter().any(is_busy)
    }
}

impl<'s, S: Serve + 's> Drivers<'s, S> {
    /// Starts a thread that drives what there is to drive.
    fn start(self: &Arc<Self>) -> io::Result<()> {
        let driver = Arc::clone(self);
        self.threads.spawn("grpc-reactor", move || driver.run())
    }

    fn run(&self) {
        while let Some((place, turn)) = self.stand_by() {
            let (crew, work) = (&self.crew, &self.work[place]);
            match crew.reactors[place].drive(&*self.serve, work, turn) {
                Stopped::Unseated => {}
                Stopped::Over => return,
            }
        }
    }

    /// Waits for a reactor to drive; nothing if there is none for long, or never more.
    fn stand_by(&self) -> Option<(usize, Turn)> {
        let mut state = lock(&self.crew.state);
        state.standing_by += 1;
        let until = now().checked_add(STANDBY_IDLE_MAX);
        let is_due = |state: &State| !state.handed_over.is_empty() || state.is_over;
        let (mut state, _) = wait_until(&self.crew.work, state, until, is_due);
        state.standing_by -= 1;
        state.handed_over.pop_front()
    }

    /// What the monitor runs.
    fn watch(self: Arc<Self>) {
        let crew = &self.crew;
        let mut seen: Vec<Option<Seen>> = vec![None; crew.reactors.len()];
        let mut ticks = Ticks::default();
        // Handlers may run for long at the end too.
        while !crew.is_over() || !crew.reactors.iter().all(|reactor| reactor.is_over()) {
            if ticks.is_idle() {
                crew.doze.sleep(|| crew.is_any_busy() || crew.is_over());
            }
            // Whoever calls has reactors handed over, and brings no other look forward or puts it off.
            let next = now() + ticks.next();
            loop {
                let left = next.saturating_duration_since(now());
                if left.is_zero() || !crew.doze.nap(left) || crew.is_over() {
                    break;
                }
                self.hand_over_called();
            }
            self.hand_over_called();
            let mut sight = Sight::Nothing;
            if crew.reactors.iter().any(|reactor| !reactor.pauses.is_empty()) {
                crew.reactors.iter().for_each(|reactor| reactor.pauses.look());
                sight = Sight::Long;
            }
            for (place, reactor) in crew.reactors.iter().enumerate() {
                sight = sight.max(self.look(place, reactor, &mut seen[place]));
            }
            ticks.count(sight);
        }
    }

    /// Looks at one reactor, of which this was `seen` last, and hands it over if its thread keeps it.
    fn look(self: &Arc<Self>, place: usize, reactor: &Reactor, seen: &mut Option<Seen>) -> Sight {
        let Some(busy) = reactor.seat.busy() else {
            *seen = None;
            return Sight::Nothing;
        };
        let Some(before) = seen.as_mut().filter(|seen| seen.busy == busy) else {
            *seen = Some(Seen { busy, ran: None });
            return if busy.is_waiting() { Sight::Waits } else { Sight::Runs };
        };
        if before.keeps_its_thread(reactor)
            && let Some(turn) = reactor.seat.take(busy)
        {
            if !busy.is_waiting() {
                self.serve.overran(reactor.number.load(Ordering::Relaxed));
                self.work[place].add_delay();
            }
            self.find_driver(place, turn);
        }
        if busy.is_waiting() { Sight::Waits } else { Sight::Long }
    }

    /// Hands those reactors over that are called and whose threads wait where nothing can reach them.
    fn hand_over_called(self: &Arc<Self>) {
        for (place, reactor) in self.crew.reactors.iter().enumerate() {
            if let Some(busy) = reactor.seat.busy()
                && busy.is_waiting()
                && reactor.is_called()
                && let Some(turn) = reactor.seat.take(busy)
            {
                self.find_driver(place, turn);
            }
        }
    }

    /// Has a thread that stands by, or a new one, drive the reactor at `place`.
    fn find_driver(self: &Arc<Self>, place: usize, turn: Turn) {
        let mut state = lock(&self.crew.state);
        state.handed_over.push_back((place, turn));
        if state.standing_by >= state.handed_over.len() {
            return self.crew.work.notify_one();
        }
        drop(state);
        // Without a thread the driver that was unseated takes it when it is back.
        let _ = self.start();
    }
}
