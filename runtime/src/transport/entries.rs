//! The links of a reactor.

use std::any::Any;
use std::sync::{Arc, Mutex};

use super::agenda::slot_of;
use super::link::Link;
use super::lock;

/// The links of a reactor, by keys of which none comes again before 2^32 others.
#[derive(Default)]
pub(super) struct Entries {
    slots: Vec<Slot>,
    free: Vec<usize>,
    pub(super) count: usize,
}

#[derive(Default)]
struct Slot {
    /// Tells the link apart from the one that had the slot before it.
    generation: u32,
    entry: Option<Arc<Entry>>,
}

/// One link.
pub(super) struct Entry {
    pub(super) link: Arc<Link>,
    /// What the server keeps for as long as the connection lives.
    kept: Mutex<Option<Kept>>,
}

type Kept = Box<dyn Any + Send + Sync>;

impl Entry {
    pub(super) fn new(link: &Arc<Link>, kept: impl Any + Send + Sync) -> Self {
        Self { link: Arc::clone(link), kept: Mutex::new(Some(Box::new(kept))) }
    }

    /// The connection is over: a thread whose handler runs may have the entry for long.
    pub(super) fn let_go(&self) {
        let kept = lock(&self.kept).take();
        drop(kept);
    }
}

impl Entries {
    pub(super) fn insert(&mut self, entry: Arc<Entry>) -> u64 {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot::default());
            self.slots.len() - 1
        });
        let slot = &mut self.slots[index];
        slot.generation = slot.generation.wrapping_add(1);
        slot.entry = Some(entry);
        self.count += 1;
        u64::from(slot.generation) << 32 | index as u64
    }

    pub(super) fn get(&self, key: u64) -> Option<Arc<Entry>> {
        let slot = self.slots.get(slot_of(key))?;
        slot.entry.as_ref().filter(|_| u64::from(slot.generation) == key >> 32).cloned()
    }

    pub(super) fn remove(&mut self, key: u64) -> Option<Arc<Entry>> {
        let slot = self.slots.get_mut(slot_of(key))?;
        let entry = slot.entry.take_if(|_| u64::from(slot.generation) == key >> 32)?;
        self.free.push(slot_of(key));
        self.count -= 1;
        Some(entry)
    }
}
