//! Where threads sleep that follow the leader of a connection: any number of them is woken by one system
//! call for each word that they sleep at.
//!
//! The invariant: of a thread that looks whether something is there and then sleeps, and one that puts
//! it there and then wakes, the first sees it or is woken. It takes a ticket before it looks, and sleeps
//! only while nobody has woken at that word since; whoever wakes does so behind what it has put.

use std::num::NonZeroU32;
use std::ops::BitOrAssign;
use std::time::Duration;

use super::sync::Word;

/// Where the followers of one leader sleep.
#[derive(Default)]
pub(super) struct Parking {
    words: [Word; WORDS],
}

/// A place in a [`Parking`]. Two threads may have the same one, and are woken together then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Space(u32);

/// Places whose threads are to be woken, or that are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spaces([u32; WORDS]);

/// What a thread has seen of the word that it is about to sleep at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u32);

impl Parking {
    /// To be taken before the thread looks for what it would be woken for.
    pub(super) fn ticket(&self, space: Space) -> Ticket {
        Ticket(self.word(space).ticket())
    }

    /// Sleeps at `space` until it is woken there, `time` at most; not at all if somebody was woken at
    /// the same word since the ticket was taken. May return early.
    pub(super) fn sleep(&self, space: Space, ticket: Ticket, time: Option<Duration>) {
        self.word(space).sleep(ticket.0, space.bit(), time);
    }

    /// Wakes whoever sleeps at `spaces`, or is about to.
    pub(super) fn wake(&self, spaces: Spaces) {
        // Most often there is nobody.
        if spaces == Spaces::NONE {
            return;
        }
        for (word, bits) in self.words.iter().zip(spaces.0) {
            if let Some(bits) = NonZeroU32::new(bits) {
                word.wake(bits);
            }
        }
    }

    fn word(&self, space: Space) -> &Word {
        &self.words[space.word()]
    }
}

impl Space {
    fn word(self) -> usize {
        (self.0 / SPACES_OF_WORD) as usize % WORDS
    }

    fn bit(self) -> NonZeroU32 {
        NonZeroU32::new(1 << (self.0 % SPACES_OF_WORD)).expect("a one stays a one")
    }
}

impl Spaces {
    pub(super) const NONE: Self = Self([0; WORDS]);

    /// Takes a space that is free, the lowest one; if there is none, one that somebody has.
    /// `count`: how many have one.
    pub(super) fn take(&mut self, count: usize) -> Space {
        let free = (0..).zip(&self.0).find(|(_, taken)| **taken != u32::MAX);
        let space = match free {
            Some((word, taken)) => Space(word * SPACES_OF_WORD + taken.trailing_ones()),
            None => Space(count as u32 % SPACES),
        };
        *self |= Self::from(space);
        space
    }

    /// Gives `space` back. Whoever else has it keeps it, and may come to share it.
    pub(super) fn give_back(&mut self, space: Space) {
        self.0[space.word()] &= !space.bit().get();
    }
}

impl From<Space> for Spaces {
    fn from(space: Space) -> Self {
        let mut spaces = Self::NONE;
        spaces.0[space.word()] = space.bit().get();
        spaces
    }
}

impl BitOrAssign for Spaces {
    fn bitor_assign(&mut self, other: Self) {
        self.0.iter_mut().zip(other.0).for_each(|(taken, bits)| *taken |= bits);
    }
}

/// Threads of their own word each would be woken by a call each; more words than these would be copied
/// for nothing by nearly everybody.
const WORDS: usize = 8;
const SPACES_OF_WORD: u32 = u32::BITS;
/// How many spaces there are.
const SPACES: u32 = WORDS as u32 * SPACES_OF_WORD;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    /// Threads have spaces of their own as long as there are enough, and a free one is used again.
    #[test]
    fn spaces_are_shared_when_there_are_too_many_threads() {
        let mut taken = Spaces::NONE;
        let spaces: Vec<_> = (0..SPACES as usize).map(|count| taken.take(count)).collect();
        assert!(spaces.iter().enumerate().all(|(number, space)| space.0 == number as u32));
        assert_eq!(taken.take(SPACES as usize + 3), Space(3));
        taken.give_back(Space(77));
        assert_eq!(taken.take(5), Space(77));
        assert_eq!(taken, Spaces([u32::MAX; WORDS]));
    }

    /// Nobody sleeps who was woken after its ticket, and a wait without a wake ends with its time.
    #[test]
    fn a_ticket_is_good_until_somebody_wakes() {
        let parking = Parking::default();
        for space in [Space(0), Space(31), Space(32), Space(SPACES - 1)] {
            let ticket = parking.ticket(space);
            parking.sleep(space, ticket, Some(Duration::from_nanos(1)));
            parking.wake(space.into());
            parking.sleep(space, ticket, None);
        }
    }

    /// One wake reaches threads at every word.
    #[test]
    fn all_are_woken_at_once() {
        let parking = Arc::new(Parking::default());
        let mut called = Spaces::NONE;
        let sleepers = [Space(1), Space(2), Space(40), Space(SPACES - 1)].map(|space| {
            called |= space.into();
            let (parking, ticket) = (Arc::clone(&parking), parking.ticket(space));
            thread::spawn(move || parking.sleep(space, ticket, None))
        });
        parking.wake(called);
        sleepers.into_iter().for_each(|sleeper| sleeper.join().unwrap());
    }
}
