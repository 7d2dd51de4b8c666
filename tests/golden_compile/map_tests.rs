//! The option `map`: maps in the order of their keys are read, written and reflected as others are.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_grpc::Message;
use rust_grpc::message::{FieldMut, FieldRef, Reflect, Value, ValueRef};

use crate::btree_maps::btree_maps::{Key, Kind, Shelf};

/// A map of the option is a `BTreeMap`, and one that it leaves out a `HashMap`.
#[test]
fn maps_are_kept_as_the_option_says() {
    let Shelf { counts, plain, .. } = shelf();
    let _: (BTreeMap<_, _>, HashMap<_, _>) = (counts, plain);
    // What only a message without hash maps can be.
    let key = Key { parts: BTreeMap::from([(1, -1)]), ..Default::default() };
    assert!(HashSet::from([key.clone()]).contains(&key));
}

/// Both kinds of map have the same bytes, and survive them.
#[test]
fn maps_round_trip() {
    let bytes = shelf().encode_to_vec();
    assert_eq!(Shelf::decode(&bytes).unwrap(), shelf());
    let plain = Shelf { plain: HashMap::from([("a".into(), 1)]), ..Default::default() };
    let mut expected = plain.encode_to_vec();
    expected[0] = 1 << 3 | 2;
    let sorted = Shelf { counts: BTreeMap::from([("a".into(), 1)]), ..Default::default() };
    assert_eq!(sorted.encode_to_vec(), expected);
    assert_eq!(Shelf::from_json(&shelf().to_json().unwrap()).unwrap(), shelf());
    assert_eq!(Shelf::from_text(&shelf().to_text()).unwrap(), shelf());
}

/// An entry whose value the closed enum does not name is kept among the unknown fields.
#[test]
fn closed_enums_in_sorted_maps_keep_unknown_values() {
    let bytes = b"\x12\x04\x08\x01\x10\x01\x12\x04\x08\x02\x10\x07";
    let shelf = Shelf::decode(bytes).unwrap();
    assert_eq!(shelf.kinds, BTreeMap::from([(1, Kind::Large)]));
    assert_eq!(shelf.unknown.as_bytes(), b"\x12\x04\x08\x02\x10\x07");
    assert_eq!(shelf.encode_to_vec(), bytes);
}

/// Reflection reads and writes a sorted map.
#[test]
fn sorted_maps_are_reflected() {
    let mut shelf = shelf();
    let FieldRef::Map(counts) = Reflect::field(&shelf, 0) else { panic!("a map") };
    let keys: Vec<_> = counts.iter().map(|(key, _)| key.to_value().unwrap()).collect();
    assert_eq!(keys, ["a", "b"].map(|key| Value::ByteString(key.into())));
    let FieldMut::Map(counts) = shelf.field_mut(0) else { panic!("a map") };
    counts.insert(Value::String("c".into()), Value::I32(3)).unwrap();
    assert!(matches!(counts.get(&Value::String("c".into())), Some(ValueRef::I32(3))));
    assert!(counts.remove(&Value::String("a".into())));
    assert_eq!(shelf.counts, BTreeMap::from([("b".into(), 2), ("c".into(), 3)]));
}

fn shelf() -> Shelf {
    let inner = Shelf { counts: BTreeMap::from([("x".into(), -1)]), ..Default::default() };
    Shelf {
        counts: BTreeMap::from([("b".into(), 2), ("a".into(), 1)]),
        kinds: BTreeMap::from([(7, Kind::Large), (-7, Kind::Small)]),
        blobs: BTreeMap::from([(true, vec![0xff]), (false, Vec::new())]),
        shelves: BTreeMap::from([("inner".into(), inner)]),
        plain: HashMap::from([("p".into(), 5)]),
        ..Default::default()
    }
}
