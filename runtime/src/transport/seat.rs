//! The right to drive a reactor: one lock-free word between the thread that has it and the monitor,
//! which takes it away from a thread whose handler runs for long.
//!
//! ```text
//! word    turn (23 bits) │ number (39 bits) │ the thread waits at its only link (1 bit) │ it is away (1 bit)
//! ```
//!
//! Away is a thread that runs a handler, or that waits at the only link of its reactor where nothing else
//! can reach it. The invariant: the word changes hands only while its thread is away. A thread whose turn
//! has passed learns it from [`Seat::leave`], before it touches anything of the reactor again; and what it
//! has written before it went away is seen by whoever finds it away.

use super::sync::{AtomicU64, Ordering};

/// Who drives a reactor, and whether that thread is away.
#[derive(Default)]
pub(super) struct Seat(AtomicU64);

/// What the monitor has seen of a seat: a handler that runs, or a thread that waits at a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Busy(u64);

/// A thread's right to drive, until it is taken away.
#[derive(Debug)]
pub(super) struct Turn {
    /// The word as this thread has left it.
    word: u64,
}

impl Seat {
    /// The first turn. Only the thread that a reactor was made for takes it.
    pub(super) fn first_turn(&self) -> Turn {
        // Nobody has driven so far.
        Turn { word: self.0.load(Ordering::Relaxed) }
    }

    /// A handler is about to run.
    pub(super) fn enter(&self, turn: &mut Turn) {
        self.go_away(turn, AWAY);
    }

    /// The thread is about to wait at the only link.
    pub(super) fn enter_wait(&self, turn: &mut Turn) {
        self.go_away(turn, AWAY | WAITS);
    }

    fn go_away(&self, turn: &mut Turn, why: u64) {
        let number = turn.word.wrapping_add(NUMBER) & NUMBERS;
        turn.word = (turn.word & TURNS) | number | why;
        // Nobody else writes while its thread is not away. `busy` acquires what stands before it.
        self.0.store(turn.word, Ordering::Release);
    }

    /// The thread is back; says whether the turn is still its own.
    pub(super) fn leave(&self, turn: &mut Turn) -> bool {
        let idle = turn.word & !(AWAY | WAITS);
        // Whoever has kept the turn has written all of it itself, and whoever has lost it touches nothing.
        // What is written from here on is released by the next `go_away`: until then nobody takes it.
        let is_left =
            self.0.compare_exchange(turn.word, idle, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        turn.word = idle;
        is_left
    }

    /// What its thread is at, if it is away.
    pub(super) fn busy(&self) -> Option<Busy> {
        let word = self.0.load(Ordering::Acquire);
        (word & AWAY != 0).then_some(Busy(word))
    }

    /// Takes the seat away from the thread that is at `busy`; nothing if that is back.
    pub(super) fn take(&self, busy: Busy) -> Option<Turn> {
        let word = (busy.0.wrapping_add(TURN)) & !(AWAY | WAITS);
        // `busy` has acquired what stands before this word: it was stored once, for it comes again after
        // 2^39 handlers only. Who loses the turn by it looks at nothing behind it.
        let taken = self.0.compare_exchange(busy.0, word, Ordering::Relaxed, Ordering::Relaxed);
        taken.is_ok().then_some(Turn { word })
    }
}

impl Busy {
    /// Whether the thread waits at a link, and runs no handler.
    pub(super) fn is_waiting(self) -> bool {
        self.0 & WAITS != 0
    }
}

const AWAY: u64 = 1;
const WAITS: u64 = 1 << 1;
const NUMBER: u64 = 1 << 2;
const TURN: u64 = 1 << 41;
const TURNS: u64 = !(TURN - 1);
const NUMBERS: u64 = !TURNS & !(AWAY | WAITS);

#[cfg(test)]
mod tests {
    use super::*;

    /// A thread drives for as long as its handlers return before the monitor acts.
    #[test]
    fn a_turn_lasts_while_handlers_return() {
        let seat = Seat::default();
        let mut turn = seat.first_turn();
        assert_eq!(seat.busy(), None);
        for _ in 0..3 {
            seat.enter(&mut turn);
            let busy = seat.busy().unwrap();
            assert!(seat.leave(&mut turn));
            assert!(seat.take(busy).is_none());
        }
    }

    /// A handler that runs when the monitor acts costs its thread the turn, and no other one's.
    #[test]
    fn the_monitor_takes_the_seat_from_a_running_handler() {
        let seat = Seat::default();
        let mut first = seat.first_turn();
        seat.enter(&mut first);
        let mut second = seat.take(seat.busy().unwrap()).unwrap();
        seat.enter(&mut second);
        assert!(!seat.leave(&mut first));
        assert!(seat.leave(&mut second));
    }

    /// Two handlers of one thread are told apart, so that the monitor measures one and not both.
    #[test]
    fn handlers_are_told_apart() {
        let seat = Seat::default();
        let mut turn = seat.first_turn();
        seat.enter(&mut turn);
        let first = seat.busy();
        assert!(seat.leave(&mut turn));
        seat.enter(&mut turn);
        assert_ne!(seat.busy(), first);
    }

    /// One that waits at its link is told apart from one that runs a handler, and loses its turn alike.
    #[test]
    fn a_thread_that_waits_loses_its_turn_too() {
        let seat = Seat::default();
        let mut first = seat.first_turn();
        seat.enter(&mut first);
        assert!(!seat.busy().unwrap().is_waiting());
        assert!(seat.leave(&mut first));
        seat.enter_wait(&mut first);
        let busy = seat.busy().unwrap();
        assert!(busy.is_waiting());
        let mut second = seat.take(busy).unwrap();
        assert_eq!(seat.busy(), None);
        seat.enter(&mut second);
        assert!(!seat.leave(&mut first));
        assert!(!seat.busy().unwrap().is_waiting());
        assert!(seat.leave(&mut second));
    }

    /// The numbers wrap around without touching each other.
    #[test]
    fn numbers_wrap_around() {
        let seat = Seat(AtomicU64::new(!(AWAY | WAITS)));
        let mut turn = seat.first_turn();
        seat.enter(&mut turn);
        assert!(seat.leave(&mut turn));
        assert_eq!(turn.word, TURNS);
        seat.enter(&mut turn);
        let next = seat.take(seat.busy().unwrap()).unwrap();
        assert_eq!(next.word & TURNS, 0);
        assert!(!seat.leave(&mut turn));
    }
}
