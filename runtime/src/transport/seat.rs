//! The right to drive a reactor: one lock-free word between the thread that has it and the monitor,
//! which takes it away from a thread whose handler runs for long.
//!
//! ```text
//! word    turn (23 bits) │ handler's number (40 bits) │ a handler runs (1 bit)
//! ```
//!
//! The invariant: the word changes hands only while a handler runs. A thread whose turn has passed
//! learns it from [`Seat::leave`], before it touches anything of the reactor again.

use super::sync::{AtomicU64, Ordering};

/// Who drives a reactor, and whether it runs a handler.
#[derive(Default)]
pub(super) struct Seat(AtomicU64);

/// What the monitor has seen of a seat: a handler that runs.
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
        Turn { word: self.0.load(Ordering::Acquire) }
    }

    /// A handler is about to run.
    pub(super) fn enter(&self, turn: &mut Turn) {
        let number = turn.word.wrapping_add(HANDLER) & HANDLERS;
        turn.word = (turn.word & TURNS) | number | RUNS;
        // Nobody else writes while no handler runs.
        self.0.store(turn.word, Ordering::Release);
    }

    /// The handler has returned; says whether the turn is still this thread's.
    pub(super) fn leave(&self, turn: &mut Turn) -> bool {
        let idle = turn.word & !RUNS;
        let is_left =
            self.0.compare_exchange(turn.word, idle, Ordering::AcqRel, Ordering::Acquire).is_ok();
        turn.word = idle;
        is_left
    }

    /// The handler that runs, if one does.
    pub(super) fn busy(&self) -> Option<Busy> {
        let word = self.0.load(Ordering::Acquire);
        (word & RUNS != 0).then_some(Busy(word))
    }

    /// Takes the seat away from the thread whose handler is `busy`; nothing if that has returned.
    pub(super) fn take(&self, busy: Busy) -> Option<Turn> {
        let word = (busy.0.wrapping_add(TURN)) & !RUNS;
        let taken = self.0.compare_exchange(busy.0, word, Ordering::AcqRel, Ordering::Acquire);
        taken.is_ok().then_some(Turn { word })
    }
}

const RUNS: u64 = 1;
const HANDLER: u64 = 1 << 1;
const TURN: u64 = 1 << 41;
const TURNS: u64 = !(TURN - 1);
const HANDLERS: u64 = !TURNS & !RUNS;

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

    /// The numbers wrap around without touching each other.
    #[test]
    fn numbers_wrap_around() {
        let seat = Seat(AtomicU64::new(!RUNS));
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
