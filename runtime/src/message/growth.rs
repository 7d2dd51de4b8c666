//! How lists and maps grow: how much memory they get is known, and charged, before they get it.
//!
//! Invariants: a list that grows has the capacity that its growth was charged for; a map never takes
//! more than was charged, unless entries were taken out of it before.

use std::collections::{BTreeMap, HashMap};

/// Bytes that a list allocates beyond what it has before it takes `additional` elements more: 0 if
/// there is room for them.
#[inline]
pub(in crate::message) fn cost<T>(list: &Vec<T>, additional: usize) -> usize {
    if has_room(list, additional) {
        return 0;
    }
    let capacity = capacity_for(list, additional);
    (capacity - list.capacity()).saturating_mul(size_of::<T>())
}

/// Makes room for `additional` elements.
#[inline]
pub(in crate::message) fn grow<T>(list: &mut Vec<T>, additional: usize) {
    if !has_room(list, additional) {
        list.reserve_exact(capacity_for(list, additional) - list.len());
    }
}

/// Whether a list takes `additional` elements without growing.
#[inline(always)]
pub(in crate::message) fn has_room<T>(list: &Vec<T>, additional: usize) -> bool {
    additional <= list.capacity() - list.len()
}

/// The capacity that a list grows to: twice what it was, so that growing takes little time in all, or
/// what it needs if that is more. A few elements have room from the beginning, as in the standard
/// library.
fn capacity_for<T>(list: &Vec<T>, additional: usize) -> usize {
    let few = match size_of::<T>() {
        0 | 1 => 8,
        2..=1024 => 4,
        _ => 1,
    };
    let needed = list.len().saturating_add(additional);
    list.capacity().saturating_mul(2).max(needed).max(few)
}

/// Bytes that a hash table allocates beyond what it has before it takes one entry more: 0 if there is
/// room for it.
#[inline]
pub(in crate::message) fn table_cost<K, V>(table: &HashMap<K, V>) -> usize {
    if table.len() < table.capacity() {
        0
    } else {
        grown_table(table.capacity(), size_of::<(K, V)>())
    }
}

/// Bytes that a full table of this capacity grows by.
#[cold]
#[inline(never)]
fn grown_table(capacity: usize, entry_size: usize) -> usize {
    // Of eight buckets one is free at least; each has a byte besides, and the table a group of them.
    let size = |buckets: usize| {
        let entries = buckets.saturating_mul(entry_size).checked_next_multiple_of(GROUP);
        entries.unwrap_or(usize::MAX).saturating_add(buckets + GROUP)
    };
    match (capacity, entry_size) {
        (0, 0 | 1) => size(16),
        (0, 2 | 3) => size(8),
        (0, _) => size(4),
        _ => {
            let free = if capacity < 8 { 1 } else { capacity / 7 };
            let buckets = (capacity + free).next_power_of_two();
            size(2 * buckets) - size(buckets)
        }
    }
}

/// Bytes that a B-tree may allocate before it takes one entry more.
///
/// Nodes have room for eleven entries and, but for the root, at least five. So there is a leaf for
/// each six entries at most, with the one above it, and an inner node for each five leaves, with the
/// root. They are charged when the first of the six comes.
#[inline]
pub(in crate::message) fn tree_cost<K, V>(tree: &BTreeMap<K, V>) -> usize {
    if !tree.len().is_multiple_of(6) {
        return 0;
    }
    let leaf = (NODE_ENTRIES * (size_of::<K>() + size_of::<V>()) + NODE_HEAD).next_multiple_of(8);
    let inner = leaf + (NODE_ENTRIES + 1) * size_of::<usize>();
    let leaves = tree.len() / 6 + 1;
    if leaves == 2 || leaves.is_multiple_of(5) { leaf + inner } else { leaf }
}

/// Bytes of a hash table that are looked at together.
const GROUP: usize = 16;

/// Entries that a node of a B-tree has room for.
const NODE_ENTRIES: usize = 11;

/// Bytes of a node that are no entries: where its parent is, and how many entries it has.
const NODE_HEAD: usize = size_of::<usize>() + 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// A list of any size of elements grows to what was said, and to no more.
    #[test]
    fn lists_grow_by_what_they_cost() {
        fn check<T: Clone + Default>(additional: usize) {
            let mut list: Vec<T> = Vec::new();
            for _ in 0..100 {
                let (before, cost) = (list.capacity(), cost(&list, additional));
                grow(&mut list, additional);
                assert_eq!((list.capacity() - before) * size_of::<T>(), cost);
                assert!(has_room(&list, additional) && (list.capacity() > before || cost == 0));
                list.resize(list.len() + additional, T::default());
            }
            assert!(list.capacity() <= (2 * list.len()).max(8));
        }
        for additional in [1, 3, 100] {
            check::<u8>(additional);
            check::<u64>(additional);
            check::<[u64; 32]>(additional);
            check::<[[u64; 32]; 8]>(additional);
        }
        assert_eq!(cost(&Vec::<()>::new(), 1000), 0);
    }

    /// The charge for a full hash table is what makes it as large as it becomes.
    #[test]
    fn tables_cost_what_their_buckets_take() {
        fn check<V: Default>(least: usize) {
            let mut table: HashMap<u16, V> = HashMap::new();
            let (mut charged, mut capacity) = (0, 0);
            for key in 0..5000 {
                charged += table_cost(&table);
                table.insert(key, V::default());
                if table.capacity() != capacity {
                    capacity = table.capacity();
                    let buckets = (capacity + 1).next_power_of_two();
                    let entries = (buckets * size_of::<(u16, V)>()).next_multiple_of(GROUP);
                    assert_eq!(charged, entries + buckets + GROUP, "{capacity} entries");
                    assert!(buckets >= least);
                }
            }
        }
        check::<()>(8);
        check::<u16>(4);
        check::<String>(4);
        check::<[u64; 30]>(4);
    }
}
