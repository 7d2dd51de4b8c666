//! The dynamic table (RFC 7541 2.3.2 and 4): a queue of fields of bounded size.
//!
//! Invariants: `size` is the sum of all entries' sizes and never above `size_max`; the bytes of an
//! entry stand in one piece. They are appended to a buffer that is moved to its front when it
//! reaches twice `size_max`, so that an insertion moves each byte once more on average, at most.

use std::collections::VecDeque;

use crate::http2::headers::FIELD_OVERHEAD;

/// The dynamic table of one direction of a connection.
#[derive(Debug)]
pub(super) struct Table {
    /// The bytes of evicted entries, then those of all entries, oldest first.
    bytes: Vec<u8>,
    /// Oldest first.
    entries: VecDeque<Entry>,
    size: usize,
    size_max: usize,
    /// How many entries were ever inserted, modulo 2^32.
    inserted: u32,
    /// How often the entries have changed.
    generation: u64,
}

/// Where an entry stands in the buffer.
#[derive(Clone, Copy, Debug)]
struct Entry {
    start: u32,
    name_len: u32,
    value_len: u32,
    hash: u32,
}

impl Table {
    /// An empty table, which has allocated nothing.
    pub(super) fn new(size_max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            entries: VecDeque::new(),
            size: 0,
            size_max,
            inserted: 0,
            generation: 0,
        }
    }

    /// Inserts a field at index 0 and evicts from the other end what has no room beside it.
    ///
    /// `hash` is kept for [`Table::find`] and means nothing to the table.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8], hash: u32) {
        self.generation += 1;
        let bytes_len = name.len() + value.len();
        let size = bytes_len + FIELD_OVERHEAD;
        // RFC 7541 4.4: a field larger than the table empties it, and that is not an error.
        if size > self.size_max {
            self.clear();
            return;
        }
        self.evict_to(self.size_max - size);
        if self.bytes.len() + bytes_len > 2 * self.size_max {
            self.move_to_front();
        }
        // A size_max comes from SETTINGS or a limit and is far below 4 GiB, as is twice of it.
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name);
        self.bytes.extend_from_slice(value);
        let (name_len, value_len) = (name.len() as u32, value.len() as u32);
        self.entries.push_back(Entry { start, name_len, value_len, hash });
        self.size += size;
        self.inserted = self.inserted.wrapping_add(1);
        assert!(self.size <= self.size_max && self.bytes.len() <= 2 * self.size_max);
    }

    /// Changes the maximum size and evicts what has no room any more (RFC 7541 4.3).
    pub(super) fn set_size_max(&mut self, size_max: usize) {
        self.generation += 1;
        self.size_max = size_max;
        self.evict_to(size_max);
        if self.entries.is_empty() {
            self.clear();
        }
    }

    /// Name and value of the entry at `index`, where 0 is the youngest.
    #[inline]
    pub(super) fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        let position = self.entries.len().checked_sub(index + 1)?;
        Some(self.field(&self.entries[position]))
    }

    /// The index of the youngest entry of this name and value, which was inserted with `hash`.
    pub(super) fn find(&self, name: &[u8], value: &[u8], hash: u32) -> Option<usize> {
        let is_same = |entry: &Entry| entry.hash == hash && self.field(entry) == (name, value);
        self.entries.iter().rev().position(is_same)
    }

    /// The index of the youngest entry of this name.
    pub(super) fn find_name(&self, name: &[u8]) -> Option<usize> {
        let is_same =
            |entry: &Entry| entry.name_len as usize == name.len() && self.field(entry).0 == name;
        self.entries.iter().rev().position(is_same)
    }

    /// The number of the entry at `index`, from which [`Table::index_of`] tells its later index.
    pub(super) fn number_of(&self, index: usize) -> u32 {
        self.inserted.wrapping_sub(index as u32)
    }

    /// The present index of the entry with this number, unless it was evicted.
    #[inline]
    pub(super) fn index_of(&self, number: u32) -> Option<usize> {
        let index = self.inserted.wrapping_sub(number) as usize;
        (index < self.entries.len()).then_some(index)
    }

    /// A number that is another one after every change: as long as it is the same, every index
    /// means the same.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// How many entries there are.
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The sum of the entries' sizes (RFC 7541 4.1).
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The maximum size (RFC 7541 4.2).
    pub(super) fn size_max(&self) -> usize {
        self.size_max
    }

    fn field(&self, entry: &Entry) -> (&[u8], &[u8]) {
        let start = entry.start as usize;
        let value_start = start + entry.name_len as usize;
        let end = value_start + entry.value_len as usize;
        (&self.bytes[start..value_start], &self.bytes[value_start..end])
    }

    fn evict_to(&mut self, size: usize) {
        while self.size > size {
            let entry = self.entries.pop_front().expect("the size is that of the entries");
            self.size -= entry.size();
        }
    }

    fn clear(&mut self) {
        self.entries.clear();
        self.bytes.clear();
        self.size = 0;
    }

    #[cold]
    fn move_to_front(&mut self) {
        let evicted = self.entries.front().map_or(self.bytes.len(), |entry| entry.start as usize);
        self.bytes.drain(..evicted);
        for entry in &mut self.entries {
            entry.start -= evicted as u32;
        }
    }
}

impl Entry {
    fn size(&self) -> usize {
        self.name_len as usize + self.value_len as usize + FIELD_OVERHEAD
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fields(table: &Table) -> Vec<(Vec<u8>, Vec<u8>)> {
        let field = |index| {
            let (name, value) = table.get(index).expect("an index of the table");
            (name.to_vec(), value.to_vec())
        };
        (0..table.len()).map(field).collect()
    }

    /// RFC 7541 2.3.2: the table is a queue: index 0 is the youngest entry, the oldest goes first.
    #[test]
    fn the_dynamic_table_is_first_in_first_out() {
        let mut table = Table::new(2 * 34);
        table.insert(b"a", b"1", 0);
        table.insert(b"b", b"2", 0);
        assert_eq!(table.get(0), Some((&b"b"[..], &b"2"[..])));
        assert_eq!(table.get(1), Some((&b"a"[..], &b"1"[..])));
        assert_eq!(table.get(2), None);
        table.insert(b"c", b"3", 0);
        assert_eq!(table.get(0), Some((&b"c"[..], &b"3"[..])));
        assert_eq!(table.get(1), Some((&b"b"[..], &b"2"[..])));
        assert_eq!(table.len(), 2);
    }

    /// RFC 7541 2.3.2: the table may hold the same field twice.
    #[test]
    fn the_dynamic_table_may_contain_duplicates() {
        let mut table = Table::new(4096);
        table.insert(b"a", b"1", 0);
        table.insert(b"a", b"1", 0);
        assert_eq!((table.len(), table.size()), (2, 68));
    }

    /// RFC 7541 4.1: an entry's size is the length of its name and of its value and 32.
    #[test]
    fn entry_size_is_name_and_value_and_32() {
        let mut table = Table::new(4096);
        table.insert(b"", b"", 0);
        assert_eq!(table.size(), 32);
        table.insert(b"custom-key", b"custom-header", 0);
        assert_eq!(table.size(), 32 + 55);
    }

    /// RFC 7541 4.3: a smaller maximum evicts from the end until the table fits, 0 empties it.
    #[test]
    fn a_smaller_maximum_evicts_the_oldest() {
        let mut table = Table::new(4096);
        for value in [b"1", b"2", b"3"] {
            table.insert(b"a", value, 0);
        }
        table.set_size_max(3 * 34);
        assert_eq!(table.len(), 3);
        table.set_size_max(3 * 34 - 1);
        assert_eq!((table.len(), table.get(1)), (2, Some((&b"a"[..], &b"2"[..]))));
        table.set_size_max(0);
        assert_eq!((table.len(), table.size()), (0, 0));
        table.set_size_max(4096);
        assert_eq!((table.len(), table.get(0)), (0, None));
    }

    /// RFC 7541 4.4: entries are evicted until the new one fits, and no further.
    #[test]
    fn an_insertion_evicts_until_the_new_entry_fits() {
        let mut table = Table::new(100);
        table.insert(b"a", b"1", 0);
        table.insert(b"b", b"2", 0);
        table.insert(b"c", &[b'3'; 33], 0);
        assert_eq!((table.len(), table.size()), (2, 100));
        table.insert(b"d", &[b'4'; 34], 0);
        assert_eq!((table.len(), table.size()), (1, 67));
    }

    /// RFC 7541 4.4: a field larger than the table empties it; one of exactly its size stays.
    #[test]
    fn an_entry_larger_than_the_table_empties_it() {
        let mut table = Table::new(64);
        table.insert(b"a", b"1", 0);
        table.insert(b"b", &[b'x'; 31], 0);
        assert_eq!((table.len(), table.size()), (1, 64));
        table.insert(b"b", &[b'x'; 32], 0);
        assert_eq!((table.len(), table.size()), (0, 0));
        table.insert(b"a", b"1", 0);
        assert_eq!(table.len(), 1);
    }

    /// A number finds its entry for as long as it stays in the table.
    #[test]
    fn numbers_of_entries_outlive_insertions() {
        let mut table = Table::new(2 * 34);
        table.inserted = u32::MAX - 1;
        table.insert(b"a", b"1", 7);
        let number = table.number_of(0);
        assert_eq!(table.index_of(number), Some(0));
        table.insert(b"b", b"2", 8);
        assert_eq!(table.index_of(number), Some(1));
        assert_eq!(table.find(b"a", b"1", 7), Some(1));
        assert_eq!(table.find(b"a", b"2", 7), None);
        assert_eq!(table.find_name(b"a"), Some(1));
        table.insert(b"c", b"3", 9);
        assert_eq!(table.index_of(number), None);
        assert_eq!(table.find_name(b"a"), None);
    }

    /// Memory stays within twice the maximum size, however much passes through the table.
    #[test]
    fn the_buffer_stays_within_twice_the_maximum() {
        let mut table = Table::new(4096);
        for length in 0..20_000 {
            table.insert(b"name", &vec![b'v'; length % 3000], 0);
        }
        assert!(table.bytes.capacity() <= 4 * 4096, "{}", table.bytes.capacity());
    }

    proptest! {
        /// The table agrees with a list that is evicted by adding up sizes each time.
        #[test]
        fn the_table_agrees_with_a_plain_list(
            steps in proptest::collection::vec((0..40_usize, 0..200_usize, 0..20_u8), 0..200),
        ) {
            let mut table = Table::new(500);
            let mut list: Vec<(Vec<u8>, Vec<u8>)> = Vec::new();
            for (number, (name_len, value_len, change)) in steps.into_iter().enumerate() {
                if change == 0 {
                    table.set_size_max(value_len * 4);
                } else {
                    let field = (vec![number as u8; name_len], vec![change; value_len]);
                    table.insert(&field.0, &field.1, 0);
                    list.insert(0, field);
                }
                let size = |list: &[(Vec<u8>, Vec<u8>)]| -> usize {
                    list.iter().map(|(name, value)| name.len() + value.len() + 32).sum()
                };
                while size(&list) > table.size_max() {
                    list.pop();
                }
                prop_assert_eq!(size(&list), table.size());
                prop_assert_eq!(&fields(&table), &list);
            }
        }
    }
}
