//! Maps: on the wire a repeated message of a key (1) and a value (2).
//!
//! A missing key or value is the default, the last of two equal keys wins, and other fields in an
//! entry are dropped. Entries are written in the order of their keys, so that equal messages have
//! equal bytes.

use std::collections::{BTreeMap, HashMap, btree_map, hash_map};
use std::hash::Hash;

use super::budget::Budget;
use super::field_writer::{FieldWriter, Outside};
use super::kind::Kind;
use super::reader::Reader;
use super::{ByteString, DecodeError, LENGTH_DELIMITED};

const KEY: u32 = 1;
const VALUE: u32 = 2;

/// Entries whose order is found without an allocation.
const FEW: usize = 16;

/// What a map field may be. Its functions have names that no map has itself.
pub trait Map: Send + Sync + 'static {
    /// Of the keys.
    type Key;
    /// Of the values.
    type Value;

    /// Puts `value` in the place of what is there.
    fn put(&mut self, key: Self::Key, value: Self::Value);

    /// Puts `value` in the place of what is there, to write to.
    fn renew(&mut self, key: Self::Key, value: Self::Value) -> &mut Self::Value;

    /// The entries in any order.
    fn entries(&self) -> impl Iterator<Item = (&Self::Key, &Self::Value)>;

    /// Gives the entries to `visit`, from the one with the largest key to that with the smallest.
    fn backwards<'m>(&'m self, visit: impl FnMut(&'m Self::Key, &'m Self::Value));

    /// How many entries there are.
    fn entry_count(&self) -> usize;

    /// Bytes that the next entry takes in the map, besides what its key and value allocate.
    fn entry_cost(&self) -> usize;

    /// The value of the key.
    fn find(&self, key: &Self::Key) -> Option<&Self::Value>;

    /// The value of the key, to write to.
    fn find_mut(&mut self, key: &Self::Key) -> Option<&mut Self::Value>;

    /// Removes the entry of the key; whether there was one.
    fn discard(&mut self, key: &Self::Key) -> bool;

    /// Removes all entries.
    fn discard_all(&mut self);
}

macro_rules! map_of {
    ($map:ident, $entry:ident, [$($bound:tt)*], $self:ident, $visit:ident: $backwards:expr, $cost:expr) => {
        impl<K: $($bound)*, V: Send + Sync + 'static> Map for $map<K, V> {
            type Key = K;
            type Value = V;

            fn put(&mut self, key: K, value: V) {
                self.insert(key, value);
            }

            fn renew(&mut self, key: K, value: V) -> &mut V {
                match self.entry(key) {
                    $entry::Entry::Occupied(entry) => {
                        let place = entry.into_mut();
                        *place = value;
                        place
                    }
                    $entry::Entry::Vacant(entry) => entry.insert(value),
                }
            }

            fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
                self.iter()
            }

            fn backwards<'m>(&'m $self, mut $visit: impl FnMut(&'m K, &'m V)) {
                $backwards
            }

            fn entry_count(&self) -> usize {
                self.len()
            }

            fn entry_cost(&$self) -> usize {
                $cost
            }

            fn find(&self, key: &K) -> Option<&V> {
                self.get(key)
            }

            fn find_mut(&mut self, key: &K) -> Option<&mut V> {
                self.get_mut(key)
            }

            fn discard(&mut self, key: &K) -> bool {
                self.remove(key).is_some()
            }

            fn discard_all(&mut self) {
                self.clear();
            }
        }
    };
}

map_of!(HashMap, hash_map, [Eq + Hash + Key + Send + Sync + 'static], self, visit: {
    // Most maps are small: their order needs no allocation.
    let (mut few, many) = ([None; FEW], if self.len() > FEW { order_of_many(self) } else { Vec::new() });
    let entries = if self.len() > FEW { many.as_slice() } else { order_of_few(self, &mut few) };
    for entry in entries.iter().rev() {
        if let Some((key, value)) = *entry {
            visit(key, value);
        }
    }
}, size_of::<(K, V)>());
map_of!(BTreeMap, btree_map, [Ord + Send + Sync + 'static], self, visit: {
    for (key, value) in self.iter().rev() {
        visit(key, value);
    }
}, tree_entry_cost(self));

/// Bytes that the next entry takes in a B-tree, which begins with a leaf of eleven.
pub(super) fn tree_entry_cost<K, V>(tree: &BTreeMap<K, V>) -> usize {
    let entries = if tree.is_empty() { 11 } else { 1 };
    entries * size_of::<(K, V)>()
}

/// The entries of a map in the order of their keys, which is plain code on purpose: each adapter of
/// an iterator would be compiled once for every type of maps.
type Order<'m, K, V> = [Option<(&'m K, &'m V)>];

/// The order of at most [`FEW`] entries, in `few`.
#[inline(always)]
fn order_of_few<'f, 'm, K: Key, V>(
    map: &'m HashMap<K, V>,
    few: &'f mut Order<'m, K, V>,
) -> &'f Order<'m, K, V> {
    let mut prefixes = [0; FEW];
    let mut count = 0;
    for entry in map {
        let prefix = entry.0.prefix();
        let mut at = count;
        while at > 0
            && few[at - 1].is_some_and(|(key, _)| is_after(prefixes[at - 1], key, prefix, entry.0))
        {
            (prefixes[at], few[at]) = (prefixes[at - 1], few[at - 1]);
            at -= 1;
        }
        (prefixes[at], few[at]) = (prefix, Some(entry));
        count += 1;
    }
    &few[..count]
}

/// Whether the one key comes after the other.
#[inline(always)]
fn is_after<K: Key>(prefix: u64, key: &K, other_prefix: u64, other: &K) -> bool {
    prefix > other_prefix || (prefix == other_prefix && key > other)
}

/// The order of any number of entries.
#[inline(never)]
fn order_of_many<K: Key, V>(map: &HashMap<K, V>) -> Vec<Option<(&K, &V)>> {
    let mut keys = Vec::with_capacity(map.len());
    let mut values = Vec::with_capacity(map.len());
    for (key, value) in map {
        keys.push((key.prefix(), key, values.len()));
        values.push(value);
    }
    sort(&mut keys);
    let mut order = Vec::with_capacity(keys.len());
    for (_, key, index) in keys {
        order.push(Some((key, values[index])));
    }
    order
}

/// Puts keys, each with its prefix and its index, in order. Sorting is much code: it knows nothing of
/// the values, so that a program has it once for each type of keys.
#[inline(never)]
fn sort<K: Key>(keys: &mut [(u64, &K, usize)]) {
    keys.sort_unstable_by_key(|(prefix, key, _)| (*prefix, *key));
}

/// What the key of a map may be.
pub trait Key: Ord {
    /// A number that is the smaller of two where the key is, unless both are the same: most keys are
    /// told apart by it, without a look at memory elsewhere.
    fn prefix(&self) -> u64;
}

macro_rules! keys {
    ($($type:ty, $self:ident: $prefix:expr;)*) => {$(
        impl Key for $type {
            #[inline]
            fn prefix(&$self) -> u64 {
                $prefix
            }
        }
    )*};
}

keys! {
    bool, self: u64::from(*self);
    u32, self: u64::from(*self);
    u64, self: *self;
    i32, self: i64::from(*self).prefix();
    i64, self: self.cast_unsigned() ^ 1 << 63;
    String, self: prefix_of(self.as_bytes());
    ByteString, self: prefix_of(self.as_bytes());
}

/// The first octets, the first one in the highest place.
#[inline]
fn prefix_of(octets: &[u8]) -> u64 {
    match octets.first_chunk() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => octets.iter().rev().fold(0, |prefix, octet| prefix >> 8 | u64::from(*octet) << 56),
    }
}

impl Reader<'_> {
    /// Reads the entries of a map that follow each other.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn map<K: Kind, V: Kind>(
        &mut self,
        map: &mut impl Map<Key = K::Value, Value = V::Value>,
    ) -> Result<(), DecodeError> {
        let (rest, tag) = (self.rest(), self.tag());
        let left = read_entries::<K, V>(rest, self.budget(), tag, map)?;
        self.go_on(left);
        Ok(())
    }
}

/// Reads the entries that follow each other and returns how much is left.
#[inline(never)]
fn read_entries<K: Kind, V: Kind>(
    rest: &[u8],
    budget: &mut Budget,
    tag: u32,
    map: &mut impl Map<Key = K::Value, Value = V::Value>,
) -> Result<usize, DecodeError> {
    let mut reader = Reader::after(tag, rest, budget);
    loop {
        reader.charge(map.entry_cost() + V::HEAP_SIZE)?;
        let payload = reader.length_delimited()?;
        read_entry::<K, V>(reader.within(payload), map)?;
        if !reader.same_tag_follows() {
            return Ok(reader.rest().len());
        }
    }
}

/// Reads an entry up to its end.
fn read_entry<K: Kind, V: Kind>(
    mut reader: Reader<'_>,
    map: &mut impl Map<Key = K::Value, Value = V::Value>,
) -> Result<(), DecodeError> {
    let mut key = K::Value::default();
    let mut value = V::Value::default();
    reader.descend()?;
    while let Some(tag) = reader.next_tag()? {
        if tag == KEY << 3 | K::WIRE_TYPE {
            K::read(&mut reader, &mut key)?;
        } else if tag == VALUE << 3 | V::WIRE_TYPE {
            V::read(&mut reader, &mut value)?;
        } else {
            reader.skip(tag)?;
        }
    }
    reader.ascend();
    map.put(key, value);
    Ok(())
}

impl<'m> FieldWriter<'_, 'm> {
    /// A map, in the order of its keys.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn map<K: Kind, V: Kind>(
        &mut self,
        number: u32,
        map: &'m impl Map<Key = K::Value, Value = V::Value>,
    ) {
        if map.entry_count() > 0 {
            let (room, outside) = self.parts();
            let room_left = write_entries::<K, V>(room, outside, number, map);
            self.go_on(room_left);
        }
    }
}

/// Writes the entries of a map and returns how much room is left.
#[inline(never)]
fn write_entries<'m, K: Kind, V: Kind>(
    room: &mut [u8],
    outside: &mut Outside<'m>,
    number: u32,
    map: &'m impl Map<Key = K::Value, Value = V::Value>,
) -> usize {
    let mut writer = FieldWriter::new(room, outside);
    map.backwards(|key, value| {
        let before = writer.reached();
        writer.singular::<V>(VALUE, value);
        writer.singular::<K>(KEY, key);
        let size = before.wrapping_sub(writer.reached());
        writer.head(number, LENGTH_DELIMITED, size as u64);
    });
    writer.room_left()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The prefixes of any two keys are in the order of the keys, or equal.
    #[test]
    fn prefixes_have_the_order_of_their_keys() {
        fn check<K: Key + std::fmt::Debug>(keys: &[K]) {
            for (one, other) in keys.iter().flat_map(|one| keys.iter().map(move |it| (one, it))) {
                let by_prefix = one.prefix().cmp(&other.prefix());
                assert!(by_prefix.is_eq() || by_prefix == one.cmp(other), "{one:?}, {other:?}");
            }
        }
        check(&[false, true]);
        check(&[0, 1, u32::MAX]);
        check(&[0, 1, u64::MAX]);
        check(&[0, 1, -1, i32::MIN, i32::MAX]);
        check(&[0, 1, -1, i64::MIN, i64::MAX]);
        let texts =
            ["", "\0", "\0\0", "a", "a\0", "ab", "b", "é", "12345678", "123456789", "1234567z"];
        check(&texts.map(String::from));
        assert_ne!("ab".to_owned().prefix(), "b".to_owned().prefix());
        assert_ne!("1234567z".to_owned().prefix(), "12345678".to_owned().prefix());
    }

    /// A map of any size is visited from its largest key to its smallest.
    #[test]
    fn entries_are_visited_backwards() {
        for size in [0, 1, 2, 16, 17, 1000] {
            let keys = (0..size).map(|number| format!("{}common beginning {number}", number % 3));
            let map: HashMap<_, _> = keys.map(|key| (key.clone(), key)).collect();
            let mut seen = Vec::new();
            map.backwards(|key, value| {
                assert_eq!(key, value);
                seen.push(key);
            });
            assert!(seen.len() == size && seen.is_sorted_by(|one, other| one > other));
        }
    }
}
