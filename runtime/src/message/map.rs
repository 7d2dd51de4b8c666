//! Maps: on the wire a repeated message of a key (1) and a value (2).
//!
//! A missing key or value is the default, the last of two equal keys wins, and other fields in an
//! entry are dropped. Entries are written in the order of their keys, so that equal messages have
//! equal bytes.

use std::collections::{BTreeMap, HashMap, btree_map, hash_map};
use std::hash::Hash;

use super::budget::Budget;
use super::entry_order::{EntryOrder, FEW, Key, order_of_few};
use super::field_writer::{FieldWriter, Outside};
use super::kind::Kind;
use super::reader::Reader;
use super::{DecodeError, LENGTH_DELIMITED, growth};

const KEY: u32 = 1;
const VALUE: u32 = 2;

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

    /// Whether [`backwards`](Self::backwards) may be used: the entries are in order, or few enough to be
    /// put in order first.
    fn is_in_order(&self) -> bool;

    /// Gives the entries to `visit`, from the one with the largest key to that with the smallest.
    ///
    /// # Panics
    ///
    /// Perhaps, unless the map [is in order](Self::is_in_order).
    fn backwards<'m>(&'m self, visit: impl FnMut(&'m Self::Key, &'m Self::Value));

    /// A number that is the smaller of two where the key is, unless both are the same.
    fn prefix(key: &Self::Key) -> u64;

    /// How many entries there are.
    fn entry_count(&self) -> usize;

    /// Bytes that the map may allocate before it takes another entry, besides what its key and value
    /// allocate. 0 while there is room for it.
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
    (
        $map:ident, $entry:ident, [$($bound:tt)*], $self:ident, $visit:ident: $backwards:expr,
        $is_in_order:expr, $cost:expr
    ) => {
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

            fn is_in_order(&$self) -> bool {
                $is_in_order
            }

            fn prefix(key: &K) -> u64 {
                key.prefix()
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
    // Most maps are small, which takes less than to sort what was written.
    let mut few = [None; FEW];
    for entry in order_of_few(self, &mut few).iter().rev() {
        if let Some((key, value)) = *entry {
            visit(key, value);
        }
    }
}, self.len() <= FEW, growth::table_cost(self));
map_of!(BTreeMap, btree_map, [Key + Send + Sync + 'static], self, visit: {
    for (key, value) in self.iter().rev() {
        visit(key, value);
    }
}, true, growth::tree_cost(self));

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
        let cost = map.entry_cost() + V::HEAP_SIZE;
        if cost > 0 {
            reader.charge(cost)?;
        }
        let payload = reader.length_delimited()?;
        let entry = Reader::new(payload, reader.budget());
        read_entry::<K, V>(entry, map).map_err(|error| error.in_entry(tag >> 3))?;
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
        let read = if tag == KEY << 3 | K::WIRE_TYPE {
            K::read(&mut reader, &mut key)
        } else if tag == VALUE << 3 | V::WIRE_TYPE {
            V::read(&mut reader, &mut value)
        } else {
            reader.skip(tag)
        };
        read?;
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
            let room_left = write_entries::<K, V, _>(room, outside, number, map);
            self.go_on(room_left);
        }
    }
}

/// Writes the entries of a map and returns how much room is left.
#[inline(never)]
fn write_entries<'m, K: Kind, V: Kind, M: Map<Key = K::Value, Value = V::Value>>(
    room: &mut [u8],
    outside: &mut Outside<'m>,
    number: u32,
    map: &'m M,
) -> usize {
    if !map.is_in_order() {
        return write_and_sort::<K, V, M>(room, outside, number, map);
    }
    let mut writer = FieldWriter::new(room, outside);
    map.backwards(|key, value| {
        write_entry::<K, V>(&mut writer, number, key, value);
    });
    writer.room_left()
}

/// The same for entries that come in any order.
#[inline(never)]
fn write_and_sort<'m, K: Kind, V: Kind, M: Map<Key = K::Value, Value = V::Value>>(
    room: &mut [u8],
    outside: &mut Outside<'m>,
    number: u32,
    map: &'m M,
) -> usize {
    let mut order = EntryOrder::new(room, outside);
    let mut writer = FieldWriter::new(room, outside);
    for (key, value) in map.entries() {
        let key_place = write_entry::<K, V>(&mut writer, number, key, value);
        order.add(M::prefix(key), key_place, writer.reached());
    }
    let room_left = writer.room_left();
    order.sort(room, outside, room_left);
    room_left
}

/// Writes one entry and returns how far the writer had come before the field of its key and after.
#[inline(always)]
fn write_entry<'m, K: Kind, V: Kind>(
    writer: &mut FieldWriter<'_, 'm>,
    number: u32,
    key: &'m K::Value,
    value: &'m V::Value,
) -> (usize, usize) {
    let before = writer.reached();
    writer.singular::<V>(VALUE, value);
    let key_end = writer.reached();
    writer.singular::<K>(KEY, key);
    let key_start = writer.reached();
    writer.head(number, LENGTH_DELIMITED, before.wrapping_sub(key_start) as u64);
    (key_end, key_start)
}

#[cfg(test)]
mod tests {
    use super::super::kind::{Int64, Str};
    use super::super::well_known::value::Kind;
    use super::super::well_known::{Struct, Value};
    use super::super::{Message, scratch, writer::Writer};
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

    /// A map of any size is written in the order of its keys, as an ordered one is, however little
    /// room there is at first and however long its values are.
    #[test]
    fn entries_are_written_in_the_order_of_their_keys() {
        for size in [0, 1, 2, 16, 17, 1000] {
            for beginning in ["", "common beginning ", "\0\0\0\0\0\0\0"] {
                let key = |number| format!("{beginning}{}{}", "\0".repeat(number % 3), number / 3);
                let value = |number: usize| "v".repeat(if number % 100 == 17 { 5000 } else { 1 });
                let entries = (0..size).map(|number| (key(number), value(number)));
                let map: HashMap<_, _> = entries.collect();
                let tree: BTreeMap<_, _> = map.clone().into_iter().collect();
                assert!(written(&map, 0) == written(&tree, 1), "{size}, {beginning}");
            }
        }
    }

    /// Keys of any length are in order, from none to those whose length takes three bytes, and whatever
    /// their octets are.
    #[test]
    fn keys_of_any_length_are_in_order() {
        let lengths = [0, 1, 2, 7, 8, 9, 63, 64, 127, 128, 8191, 8192, 16_383, 16_384];
        let keys =
            ["a", "\0", "é", "\u{10ffff}"].map(|text| lengths.map(|count| text.repeat(count)));
        let map: HashMap<_, _> =
            keys.into_iter().flatten().map(|key| (key, String::new())).collect();
        let tree: BTreeMap<_, _> = map.clone().into_iter().collect();
        assert!(written(&map, 0) == written(&tree, 1));
    }

    /// A large map of large maps is written as often as wanted in one way, and read as it was.
    #[test]
    fn maps_in_maps_are_in_order() {
        let of = |value| Value { kind: Some(value), ..Default::default() };
        let map = |value: &dyn Fn(usize) -> Value| {
            let fields = (0..50).map(|number| (format!("key {number}"), value(number))).collect();
            Struct { fields, ..Default::default() }
        };
        let long = |number| of(Kind::StringValue("v".repeat(number * 200)));
        let outer = || map(&|_| of(Kind::StructValue(map(&long))));
        let bytes = outer().encode_to_vec();
        assert!(bytes == outer().encode_to_vec(), "each map has an order of its own");
        assert!(Struct::decode(&bytes).unwrap() == outer());
    }

    /// Numbers are in their own order, which is not that of their bytes.
    #[test]
    fn numbers_are_written_in_their_order() {
        let numbers = (-500..500_i64).map(|number| number.wrapping_mul(1 << 50));
        let map: HashMap<_, _> = numbers.map(|number| (number, String::new())).collect();
        let tree: BTreeMap<_, _> = map.clone().into_iter().collect();
        let mut writers = [Writer::with_capacity(0), Writer::new()];
        writers[0].fields(|writer| writer.map::<Int64, Str>(1, &map));
        writers[1].fields(|writer| writer.map::<Int64, Str>(1, &tree));
        assert_eq!(writers[0].as_slice(), writers[1].as_slice());
    }

    fn written(map: &impl Map<Key = String, Value = String>, capacity: usize) -> Vec<u8> {
        let mut writer = Writer::with_capacity(capacity);
        writer.prepend(b"behind the map");
        writer.fields(|writer| writer.map::<Str, Str>(1, map));
        let mut bytes = Vec::new();
        let lending = scratch::append(&mut bytes, &|mut writer: FieldWriter<'_, '_>| {
            writer.map::<Str, Str>(1, map);
            writer.room_left()
        });
        lending.unwrap();
        assert!(writer.as_slice().strip_suffix(b"behind the map") == Some(&bytes[..]));
        bytes
    }
}
