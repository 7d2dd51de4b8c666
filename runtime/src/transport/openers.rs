//! Which threads begin calls on a connection, and how: several in turn, or one that begins call after
//! call and waits for none of them.
//!
//! ```text
//! another thread's call came before   the others may run once, and then it is written with theirs
//! one thread's, the first three       each is written at once
//! the fourth right behind them        is held, and so are those behind it: they are written when there
//!                                     are 32 of them or 32 KiB, when anybody writes, waits or looks on
//!                                     the connection, and whenever the flusher looks (see `flusher`)
//! ```
//!
//! The invariant: calls are held only while the flusher looks at the connection.

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
    /// Calls that it has begun right behind each other, without leading the connection in between.
    quick: usize,
    /// When the last of those was begun, if the time was taken.
    at: Option<Instant>,
    /// The flusher looks at the connection.
    is_watched: bool,
    /// It has not looked so far.
    is_new: bool,
    /// Calls that came right behind one of the same thread since it looked last.
    begun: usize,
    /// Calls of the burst.
    burst: usize,
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
        self.pace = match (is_other, self.is_watched) {
            (true, _) => {
                self.quick = 0;
                Pace::AmongOthers
            }
            (false, true) => {
                self.begun += 1;
                self.burst += 1;
                match self.burst.is_multiple_of(CALLS_HELD_MAX) {
                    true => Pace::Alone,
                    false => Pace::Held,
                }
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
            (self.is_watched, self.is_new) = (true, true);
            (self.begun, self.burst) = (1, 1);
            return Pace::Begun;
        }
        self.quick += 1;
        Pace::Alone
    }

    /// When the call that was begun last is to be written; asked once.
    pub(super) fn take_pace(&mut self) -> Pace {
        std::mem::take(&mut self.pace)
    }

    /// The call that was begun last is written at once, whatever its pace.
    pub(super) fn write_at_once(&mut self) {
        if self.take_pace() == Pace::Begun {
            // Nobody has told the flusher.
            self.end_burst();
        }
    }

    /// This thread leads the connection, to wait for something.
    pub(super) fn on_wait(&mut self) {
        if self.quick > 0 && self.last == this_thread() {
            self.quick = 0;
        }
    }

    /// The flusher looks; says whether it is to look again.
    pub(super) fn look(&mut self) -> bool {
        // At first it may look at once, too soon to say that the burst is over.
        let is_new = std::mem::take(&mut self.is_new);
        if !is_new && self.begun < BURST_MESSAGES_MIN {
            self.end_burst();
        }
        self.begun = 0;
        self.is_watched
    }

    /// Nobody looks at the connection: nothing is to be held.
    pub(super) fn end_burst(&mut self) {
        (self.is_watched, self.is_new) = (false, false);
        self.quick = 0;
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

    /// Calls that are written at once whatever their pace begin no burst: the flusher is not told of one.
    #[test]
    fn what_is_written_at_once_begins_no_burst() {
        let mut caller = Caller::new();
        for _ in 0..3 * LONE_MESSAGES_MAX {
            caller.openers.add(|| caller.time.get());
            caller.openers.write_at_once();
        }
        assert_eq!(caller.begin(SOON), Pace::Alone);
    }

    /// A burst of one thread does not hold calls of others, and ends when it is one among them.
    #[test]
    fn a_burst_holds_nobody_elses_calls() {
        let mut caller = Caller::new();
        (0..LONE_MESSAGES_MAX).for_each(|_| assert_eq!(caller.begin(SOON), Pace::Alone));
        assert_eq!(caller.begin(SOON), Pace::Begun);
        assert!(caller.openers.look());
        for _ in 0..BURST_MESSAGES_MIN {
            thread::scope(|scope| scope.spawn(|| caller.begin(SOON)).join().unwrap());
            assert_eq!(caller.begin(SOON), Pace::AmongOthers);
        }
        assert!(!caller.openers.look());
        assert_eq!(caller.begin(SOON), Pace::Alone);
    }

    /// Without a flusher nothing is held, and it is asked again when a burst begins once more.
    #[test]
    fn nothing_is_held_without_a_flusher() {
        let mut caller = Caller::new();
        for _ in 0..3 {
            for _ in 0..LONE_MESSAGES_MAX {
                assert_eq!(caller.begin(SOON), Pace::Alone);
            }
            assert_eq!(caller.begin(SOON), Pace::Begun);
            caller.openers.end_burst();
        }
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
        for _ in 2..CALLS_HELD_MAX {
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
