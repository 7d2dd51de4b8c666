//! Which threads begin calls on a connection, and how: several in turn, or one alone that begins one after
//! the other and waits for none of them.
//!
//! ```text
//! several     each lets the others run once before it writes, so that they share a write
//! one alone   writes each call by itself, but for the fourth that comes right behind the one before it
//!             and those behind that: they are written together when there are enough, when anybody
//!             writes or waits on the connection, and whenever the flusher looks (see `flusher`)
//! ```
//!
//! The invariant: calls are left unwritten only while the flusher looks at the connection.

use std::time::Instant;

use super::sending::this_thread;
use crate::limits::{BURST_GAP_MAX, BURST_MESSAGES_MIN, CALLS_HELD_MAX, LONE_MESSAGES_MAX};

/// Who has begun calls, and how.
#[derive(Debug, Default)]
pub(super) struct Openers {
    /// The thread that has begun the last one.
    last: usize,
    pace: Pace,
    count: u64,
    /// Calls that it has begun right behind each other, without a wait.
    quick: usize,
    /// When the last of those was begun, if the time was taken.
    at: Option<Instant>,
    /// The flusher looks at the connection.
    is_watched: bool,
    /// Calls that were begun since it looked last.
    begun: usize,
}

/// When a call is to be written that has just been begun.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once.
    #[default]
    Alone,
    /// When others had time to begin one: the one before was another thread's.
    AmongOthers,
    /// Together with others, soon.
    Held,
    /// As `Held`; the flusher is to look at the connection from now on.
    Begun,
}

impl Openers {
    /// This thread has begun a call.
    pub(super) fn add(&mut self, now: impl Fn() -> Instant) {
        let here = this_thread();
        let is_other = self.last != here && self.count > 0;
        self.last = here;
        self.count += 1;
        self.begun += 1;
        self.pace = match (self.is_watched, is_other) {
            (true, _) if self.begun.is_multiple_of(CALLS_HELD_MAX) => Pace::Alone,
            (true, _) => Pace::Held,
            (false, true) => {
                self.quick = 0;
                Pace::AmongOthers
            }
            (false, false) => self.add_quick(now),
        };
    }

    fn add_quick(&mut self, now: impl Fn() -> Instant) -> Pace {
        // The first one needs no time: of threads that wait in between there are no others.
        let at = (self.quick > 0).then(now);
        let gap = at.zip(self.at).map(|(at, last)| at.saturating_duration_since(last));
        if gap.is_some_and(|gap| gap > BURST_GAP_MAX) {
            self.quick = 0;
        }
        self.at = at;
        if self.quick >= LONE_MESSAGES_MAX {
            self.is_watched = true;
            // The flusher may look at once, and has seen too little then to say that the burst is over.
            self.begun = BURST_MESSAGES_MIN;
            return Pace::Begun;
        }
        self.quick += 1;
        Pace::Alone
    }

    /// When the call that was begun last is to be written; asked once.
    pub(super) fn take_pace(&mut self) -> Pace {
        std::mem::take(&mut self.pace)
    }

    /// This thread waits for something on the connection.
    pub(super) fn on_wait(&mut self) {
        if self.quick > 0 && self.last == this_thread() {
            self.quick = 0;
        }
    }

    /// The flusher looks; says whether it is to look again.
    pub(super) fn look(&mut self) -> bool {
        self.is_watched = self.begun >= BURST_MESSAGES_MIN;
        self.begun = 0;
        self.quick = 0;
        self.is_watched
    }

    /// The next call is taken for one of a burst, whenever it is begun.
    #[cfg(test)]
    pub(super) fn expect_burst(&mut self, now: Instant) {
        self.quick = LONE_MESSAGES_MAX;
        self.at = Some(now + std::time::Duration::from_secs(3600));
        self.last = this_thread();
    }

    /// How many calls were begun.
    pub(super) fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::transport::now;

    const SOON: Duration = Duration::from_micros(1);
    const LATE: Duration = Duration::from_micros(11);

    /// Openers and the time, and how often that was asked for.
    struct Caller {
        openers: Openers,
        time: Cell<Instant>,
        asked: Cell<usize>,
    }

    impl Caller {
        fn new() -> Self {
            let (openers, time) = (Openers::default(), Cell::new(now()));
            Self { openers, time, asked: Cell::default() }
        }

        /// Begins a call `gap` after the one before.
        fn begin(&mut self, gap: Duration) -> Pace {
            self.time.set(self.time.get() + gap);
            self.openers.add(|| {
                self.asked.set(self.asked.get() + 1);
                self.time.get()
            });
            self.openers.take_pace()
        }
    }

    /// Calls of threads that take turns are among others; those of one alone are written at once each, if
    /// it waits in between or takes its time.
    #[test]
    fn a_call_is_written_at_once_unless_others_are_near() {
        let mut caller = Caller::new();
        assert_eq!(caller.begin(SOON), Pace::Alone);
        thread::scope(|scope| {
            let pace = scope.spawn(|| {
                caller.openers.add(|| unreachable!("no time is needed"));
                caller.openers.take_pace()
            });
            assert_eq!(pace.join().unwrap(), Pace::AmongOthers);
        });
        assert_eq!(caller.begin(SOON), Pace::AmongOthers);
        for _ in 0..100 {
            assert_eq!(caller.begin(SOON), Pace::Alone);
            caller.openers.on_wait();
        }
        assert_eq!(caller.asked.get(), 0, "who waits needs no clock");
        for _ in 0..100 {
            assert_eq!(caller.begin(LATE), Pace::Alone);
        }
        assert_eq!(caller.openers.count(), 203);
    }

    /// A few calls leave at once each; those right behind them are held until there are many, and the
    /// flusher is asked once.
    #[test]
    fn a_burst_begins_behind_a_few_calls() {
        let mut caller = Caller::new();
        for _ in 0..LONE_MESSAGES_MAX {
            assert_eq!(caller.begin(SOON), Pace::Alone);
        }
        assert_eq!(caller.begin(SOON), Pace::Begun);
        let asked = caller.asked.get();
        assert!(caller.openers.look(), "too soon to say");
        for _ in 1..CALLS_HELD_MAX {
            assert_eq!(caller.begin(SOON), Pace::Held);
        }
        assert_eq!(caller.begin(SOON), Pace::Alone, "enough to be written");
        assert_eq!(caller.begin(SOON), Pace::Held);
        assert_eq!(caller.asked.get(), asked, "a burst needs no clock");
        assert!(caller.openers.look(), "the burst goes on");
        assert_eq!(caller.begin(SOON), Pace::Held);
        assert!(!caller.openers.look(), "it is over");
        assert_eq!(caller.begin(SOON), Pace::Alone);
    }
}
