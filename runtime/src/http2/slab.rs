//! Streams in one piece of memory, found by their numbers, and the queues of those who wait.
//!
//! Whatever is done to one stream costs the same however many others there are, but for a hash that
//! collides; and a stream costs no allocation once as many were open before.
//!
//! Invariants: `table` has an entry for each used slot and at least as many empty ones; every slot
//! is free or used, and a used one is in the queue that its [`Wait`] names, or in none; the slot that was
//! found last is a used one.

use super::stream::{Stream, StreamId, Wait};

/// Streams by number.
#[derive(Debug, Default)]
pub(crate) struct Slab {
    slots: Vec<Slot>,
    /// Slots by the hash of their stream; linear probing.
    table: Vec<u32>,
    /// The free slots, each of which names the next.
    free: Link,
    /// The slot that was found last: whatever is done for a stream, it is looked for several times.
    last: Link,
    len: usize,
    /// How often no stream was left since more than [`SLOTS_KEPT`] were open.
    unused: u32,
    on_stream: Queue,
    on_connection: Queue,
}

#[derive(Debug)]
struct Slot {
    /// 0 in a free slot.
    id: StreamId,
    next: Link,
    previous: Link,
    stream: Stream,
}

/// Streams in the order in which they began to wait.
#[derive(Debug, Default)]
struct Queue {
    first: Link,
    last: Link,
    len: usize,
}

/// The number of a slot, or [`NONE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Link(u32);

const NONE: Link = Link(u32::MAX);
const EMPTY: u32 = u32::MAX;

/// Slots that are kept when no stream is left.
const SLOTS_KEPT: usize = 16;
/// Slots that are kept then as long as they are made use of again and again: bursts of calls.
const SLOTS_KEPT_USED: usize = 128;
/// After how many times that no stream was left they count as unused.
const UNUSED_MAX: u32 = 16;
/// The least size of the table; a power of two, as all of its sizes.
const TABLE_MIN: usize = 8;

impl Default for Link {
    fn default() -> Self {
        NONE
    }
}

impl Slab {
    /// Puts a stream in, whose number is not in yet and which waits for nothing.
    pub(crate) fn insert(&mut self, id: StreamId, stream: Stream) -> &mut Stream {
        if (self.len + 1) * 2 > self.table.len() {
            self.grow_table();
        }
        let slot = Slot { id, next: NONE, previous: NONE, stream };
        let position = match self.free {
            NONE => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
            Link(free) => {
                let free = free as usize;
                self.free = self.slots[free].next;
                self.slots[free] = slot;
                free
            }
        };
        self.enter(id, position as u32);
        self.last = Link(position as u32);
        self.len += 1;
        if self.len > SLOTS_KEPT {
            self.unused = 0;
        }
        &mut self.slots[position].stream
    }

    /// Takes a stream out, and out of where it waits.
    pub(crate) fn remove(&mut self, id: StreamId) -> Option<&Stream> {
        let entry = self.entry(id)?;
        let position = self.table[entry];
        self.unlink(self.slots[position as usize].stream.wait, position);
        self.close_gap(entry);
        let slot = &mut self.slots[position as usize];
        (slot.id, slot.next) = (StreamId::CONNECTION, self.free);
        self.free = Link(position);
        self.last = NONE;
        self.len -= 1;
        Some(&self.slots[position as usize].stream)
    }

    /// Gives memory back that many streams have left behind, if there is none now and no burst of them
    /// comes again.
    pub(crate) fn release_memory(&mut self) {
        if self.len > 0 || self.slots.len() <= SLOTS_KEPT {
            return;
        }
        self.unused += 1;
        if self.slots.len() > SLOTS_KEPT_USED || self.unused > UNUSED_MAX {
            *self = Self::default();
        }
    }

    #[inline]
    pub(crate) fn get(&self, id: StreamId) -> Option<&Stream> {
        match self.slots.get(self.last.0 as usize) {
            Some(last) if last.id == id => Some(&last.stream),
            _ => self.look_up(id).map(|position| &self.slots[position].stream),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: StreamId) -> Option<&mut Stream> {
        let last = self.last.0 as usize;
        let position = match self.slots.get(last) {
            Some(slot) if slot.id == id => last,
            _ => self.look_up(id)?,
        };
        self.last = Link(position as u32);
        Some(&mut self.slots[position].stream)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// All streams, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (StreamId, &Stream)> {
        let used = self.slots.iter().filter(|slot| slot.id != StreamId::CONNECTION);
        used.map(|slot| (slot.id, &slot.stream))
    }

    /// Lets a stream wait behind those who wait for the same, unless it does already.
    pub(crate) fn set_wait(&mut self, id: StreamId, wait: Wait) {
        let Some(entry) = self.entry(id) else { return };
        let position = self.table[entry];
        let was = std::mem::replace(&mut self.slots[position as usize].stream.wait, wait);
        if was != wait {
            self.unlink(was, position);
            self.append(wait, position);
        }
    }

    /// How many streams wait for `wait`, which is something.
    pub(crate) fn waiting(&self, wait: Wait) -> usize {
        self.queue(wait).map_or(0, |queue| queue.len)
    }

    /// The stream that has waited longest for `wait`.
    pub(crate) fn first(&self, wait: Wait) -> Option<StreamId> {
        let Link(first) = self.queue(wait)?.first;
        self.slots.get(first as usize).map(|slot| slot.id)
    }

    /// Lets the first of those who wait for `wait` be the last.
    pub(crate) fn rotate(&mut self, wait: Wait) {
        let Some(Link(first)) = self.queue(wait).map(|queue| queue.first) else { return };
        if Link(first) != NONE {
            self.unlink(wait, first);
            self.append(wait, first);
        }
    }

    /// Those who wait for `wait`, in order.
    pub(crate) fn waiters(&self, wait: Wait) -> impl Iterator<Item = (StreamId, &Stream)> {
        let mut next = self.queue(wait).map_or(NONE, |queue| queue.first);
        std::iter::from_fn(move || {
            let slot = self.slots.get(next.0 as usize)?;
            next = slot.next;
            Some((slot.id, &slot.stream))
        })
    }

    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.slots.capacity() * size_of::<Slot>() + self.table.capacity() * size_of::<u32>()
    }

    fn queue(&self, wait: Wait) -> Option<&Queue> {
        match wait {
            Wait::Nothing => None,
            Wait::Stream => Some(&self.on_stream),
            Wait::Connection => Some(&self.on_connection),
        }
    }

    fn append(&mut self, wait: Wait, position: u32) {
        let Self { slots, on_stream, on_connection, .. } = self;
        let queue = match wait {
            Wait::Nothing => return,
            Wait::Stream => on_stream,
            Wait::Connection => on_connection,
        };
        let slot = &mut slots[position as usize];
        (slot.previous, slot.next) = (queue.last, NONE);
        match queue.last {
            NONE => queue.first = Link(position),
            Link(last) => slots[last as usize].next = Link(position),
        }
        queue.last = Link(position);
        queue.len += 1;
    }

    fn unlink(&mut self, wait: Wait, position: u32) {
        let Self { slots, on_stream, on_connection, .. } = self;
        let queue = match wait {
            Wait::Nothing => return,
            Wait::Stream => on_stream,
            Wait::Connection => on_connection,
        };
        let Slot { next, previous, .. } = slots[position as usize];
        match previous {
            NONE => queue.first = next,
            Link(previous) => slots[previous as usize].next = next,
        }
        match next {
            NONE => queue.last = previous,
            Link(next) => slots[next as usize].previous = previous,
        }
        queue.len -= 1;
    }

    /// The slot of `id`.
    fn look_up(&self, id: StreamId) -> Option<usize> {
        self.entry(id).map(|entry| self.table[entry] as usize)
    }

    /// Where the table says in which slot `id` is.
    #[inline]
    fn entry(&self, id: StreamId) -> Option<usize> {
        let mask = self.table.len().checked_sub(1)?;
        let mut entry = home(id, mask);
        loop {
            let position = self.table[entry];
            if position == EMPTY {
                return None;
            }
            if self.slots[position as usize].id == id {
                return Some(entry);
            }
            entry = (entry + 1) & mask;
        }
    }

    fn enter(&mut self, id: StreamId, position: u32) {
        let mask = self.table.len() - 1;
        let mut entry = home(id, mask);
        while self.table[entry] != EMPTY {
            entry = (entry + 1) & mask;
        }
        self.table[entry] = position;
    }

    /// Empties an entry, and moves those up that stand behind it because it was not empty.
    fn close_gap(&mut self, mut gap: usize) {
        let mask = self.table.len() - 1;
        let mut entry = gap;
        loop {
            entry = (entry + 1) & mask;
            let position = self.table[entry];
            if position == EMPTY {
                break;
            }
            let home = home(self.slots[position as usize].id, mask);
            // It may stand in the gap if its way from home leads over it.
            if (entry.wrapping_sub(home) & mask) >= (entry.wrapping_sub(gap) & mask) {
                self.table[gap] = position;
                gap = entry;
            }
        }
        self.table[gap] = EMPTY;
    }

    #[cold]
    fn grow_table(&mut self) {
        let size = (self.table.len() * 2).max(TABLE_MIN);
        self.table.clear();
        self.table.resize(size, EMPTY);
        for position in 0..self.slots.len() {
            let id = self.slots[position].id;
            if id != StreamId::CONNECTION {
                self.enter(id, position as u32);
            }
        }
    }
}

/// Where a stream stands in the table, if nothing else does: streams that follow each other stand
/// far from each other, so that new ones do not meet a row of old ones. The peer chooses the
/// numbers, but only in rising order and only as many as may be open at once: collisions are
/// harmless and speed decides.
#[inline]
fn home(id: StreamId, mask: usize) -> usize {
    // Fibonacci hashing: the middle of the product depends on every bit.
    (u64::from(id.0).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize & mask
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use proptest::prelude::*;

    use super::*;

    fn stream(window: u32) -> Stream {
        Stream::new(window)
    }

    proptest! {
        /// The slab agrees with a map and two queues, whatever numbers come, go and wait.
        #[test]
        fn the_slab_agrees_with_a_map_and_queues(
            steps in proptest::collection::vec((0..6_u8, 1..40_u32, any::<bool>()), 0..300),
        ) {
            let mut slab = Slab::default();
            let mut map = BTreeMap::new();
            let mut queues = [VecDeque::new(), VecDeque::new()];
            for (step, (action, number, spread)) in steps.into_iter().enumerate() {
                // Numbers that collide, and numbers that follow each other.
                let id = StreamId(if spread { number * 256 + 1 } else { number });
                let leave = |queues: &mut [VecDeque<StreamId>; 2]| {
                    queues.iter_mut().for_each(|queue| queue.retain(|waiter| *waiter != id));
                };
                match action {
                    0 | 1 => {
                        if map.insert(id, step as u32).is_none() {
                            slab.insert(id, stream(step as u32));
                        } else {
                            slab.get_mut(id).unwrap().wanted = step as u32;
                        }
                        slab.get_mut(id).unwrap().wanted = step as u32;
                    }
                    2 => {
                        leave(&mut queues);
                        prop_assert_eq!(slab.remove(id).is_some(), map.remove(&id).is_some());
                        slab.release_memory();
                    }
                    3 => {
                        leave(&mut queues);
                        slab.set_wait(id, Wait::Nothing);
                    }
                    _ => {
                        let (wait, at) = [(Wait::Stream, 0), (Wait::Connection, 1)][usize::from(action) - 4];
                        slab.set_wait(id, wait);
                        if map.contains_key(&id) && !queues[at].contains(&id) {
                            leave(&mut queues);
                            queues[at].push_back(id);
                        }
                        if spread {
                            slab.rotate(wait);
                            if !queues[at].is_empty() {
                                queues[at].rotate_left(1);
                            }
                        }
                    }
                }
                prop_assert_eq!(slab.len(), map.len());
                // First what was found last, or has just gone.
                prop_assert_eq!(slab.get(id).map(|stream| stream.wanted), map.get(&id).copied());
                for (id, wanted) in &map {
                    prop_assert_eq!(slab.get(*id).map(|stream| stream.wanted), Some(*wanted));
                }
                prop_assert!(slab.get(StreamId::CONNECTION).is_none());
                if spread {
                    prop_assert_eq!(slab.get_mut(id).is_some(), map.contains_key(&id));
                }
                let listed: BTreeMap<_, _> = slab.iter().map(|(id, stream)| (id, stream.wanted)).collect();
                prop_assert_eq!(&listed, &map);
                for (wait, queue) in [Wait::Stream, Wait::Connection].into_iter().zip(&queues) {
                    prop_assert_eq!(slab.waiting(wait), queue.len());
                    prop_assert_eq!(slab.first(wait), queue.front().copied());
                    let waiters: VecDeque<_> = slab.waiters(wait).map(|(id, _)| id).collect();
                    prop_assert_eq!(&waiters, queue);
                }
            }
        }
    }

    /// A stream that opens where another has closed allocates nothing, and the memory of a crowd is
    /// given back when it has gone.
    #[test]
    fn slots_are_used_again() {
        let mut slab = Slab::default();
        for number in 0..10_000 {
            slab.insert(StreamId(number * 2 + 1), stream(1));
            if number >= 10 {
                slab.remove(StreamId((number - 10) * 2 + 1));
            }
        }
        assert_eq!((slab.len(), slab.slots.len()), (10, 11));
        for number in 0..1_000 {
            slab.insert(StreamId(number * 2 + 100_001), stream(1));
        }
        let ids: Vec<_> = slab.iter().map(|(id, _)| id).collect();
        ids.into_iter().for_each(|id| assert!(slab.remove(id).is_some()));
        slab.release_memory();
        assert_eq!(slab.memory(), 0);
    }
}
