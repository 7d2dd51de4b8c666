//! What is due when: a heap whose entries can be moved and taken out.
//!
//! A key's lower half is its slot, a small number that no other key in the agenda has; the upper half
//! tells it apart from those that had the slot before.
//!
//! The invariant: `places[slot]` is where the slot's entry stands in the heap, and [`NOWHERE`] if it
//! has none; no entry of the heap is due before the one above it.

use std::time::Instant;

/// Times, one for each key at most.
#[derive(Default)]
pub(super) struct Agenda {
    /// Below the entry at `place` stand those at `2 * place + 1` and `2 * place + 2`.
    heap: Vec<Entry>,
    places: Vec<u32>,
}

/// Earlier ones come first, and of equal times smaller keys.
type Entry = (Instant, u64);

impl Agenda {
    /// Has `key` due at `at`, whenever it was due before.
    pub(super) fn set(&mut self, key: u64, at: Instant) {
        self.remove_slot(slot_of(key));
        if self.places.len() <= slot_of(key) {
            self.places.resize(slot_of(key) + 1, NOWHERE);
        }
        self.heap.push((at, key));
        self.rise(self.heap.len() - 1);
    }

    /// Says whether `key` was there.
    pub(super) fn remove(&mut self, key: u64) -> bool {
        let is_there = self.place(slot_of(key)).is_some_and(|place| self.heap[place].1 == key);
        if is_there {
            self.remove_slot(slot_of(key));
        }
        is_there
    }

    /// The key that is due first, if that is not after `time`. It is there no longer.
    pub(super) fn take_due(&mut self, time: Instant) -> Option<u64> {
        let (_, key) = self.first().filter(|(at, _)| *at <= time)?;
        self.remove_slot(slot_of(key));
        Some(key)
    }

    /// What is due first, and when.
    pub(super) fn first(&self) -> Option<(Instant, u64)> {
        self.heap.first().copied()
    }

    /// How many keys there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.heap.len()
    }

    fn place(&self, slot: usize) -> Option<usize> {
        self.places.get(slot).filter(|place| **place != NOWHERE).map(|place| *place as usize)
    }

    fn remove_slot(&mut self, slot: usize) {
        let Some(place) = self.place(slot) else { return };
        self.places[slot] = NOWHERE;
        self.heap.swap_remove(place);
        if place < self.heap.len() {
            // What stood last is put where it belongs, above or below.
            let place = self.rise(place);
            self.sink(place);
        }
    }

    /// Moves an entry up until it is not due before the one above it; says where it is then.
    fn rise(&mut self, mut place: usize) -> usize {
        while let Some(above) = place.checked_sub(1).map(|below| below / 2)
            && self.heap[place] < self.heap[above]
        {
            self.heap.swap(place, above);
            self.note(place);
            place = above;
        }
        self.note(place);
        place
    }

    /// Moves an entry down until none below it is due before it.
    fn sink(&mut self, mut place: usize) {
        loop {
            let mut first = place;
            for below in [2 * place + 1, 2 * place + 2] {
                if below < self.heap.len() && self.heap[below] < self.heap[first] {
                    first = below;
                }
            }
            if first == place {
                return;
            }
            self.heap.swap(place, first);
            self.note(place);
            self.note(first);
            place = first;
        }
    }

    /// Writes down where the entry at `place` stands.
    fn note(&mut self, place: usize) {
        let slot = slot_of(self.heap[place].1);
        self.places[slot] = u32::try_from(place).expect("a slot is the lower half of a key");
    }
}

/// The lower half of a key.
pub(super) fn slot_of(key: u64) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

/// The place of a slot without an entry.
const NOWHERE: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::transport::now;

    /// Keys come out in the order of their times, whatever was moved and taken out meanwhile: a sorted
    /// map is the oracle.
    #[test]
    fn keys_come_out_in_the_order_of_their_times() {
        let (base, mut agenda, mut oracle) = (now(), Agenda::default(), BTreeMap::new());
        let mut whim = 1u64;
        for step in 0..20_000 {
            whim = whim
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let (key, at) = (whim >> 59 | 7 << 32, base + Duration::from_millis(whim >> 32 & 63));
            match whim >> 40 & 3 {
                0 | 1 => {
                    agenda.set(key, at);
                    oracle.insert(key, at);
                }
                2 => assert_eq!(agenda.remove(key), oracle.remove(&key).is_some(), "{step}"),
                _ => {
                    let first = oracle.iter().map(|(key, due)| (*due, *key)).min();
                    let due = first.filter(|(due, _)| *due <= at).map(|(_, key)| key);
                    assert_eq!(agenda.take_due(at), due, "{step}");
                    due.map(|key| oracle.remove(&key));
                }
            }
            let first = oracle.iter().map(|(key, at)| (*at, *key)).min();
            assert_eq!((agenda.first(), agenda.len()), (first, oracle.len()), "{step}");
        }
    }

    /// A key that is not there is not taken for the one that has its slot now.
    #[test]
    fn a_former_key_of_a_slot_removes_nothing() {
        let mut agenda = Agenda::default();
        agenda.set(2 << 32 | 5, now());
        assert!(!agenda.remove(1 << 32 | 5));
        assert!(!agenda.remove(6));
        assert!(agenda.remove(2 << 32 | 5));
        assert_eq!((agenda.first(), agenda.len()), (None, 0));
    }
}
