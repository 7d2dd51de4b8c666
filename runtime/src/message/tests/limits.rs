//! Depth, memory and sizes: each limit reached, and kept one before it.

use std::collections::BTreeMap;

use super::legacy::Order;
use super::samples::{Lists, Point, Scalars, Tree};
use super::*;
use crate::generated::message::Int32;
use crate::limits;
use crate::message::{Budget, DecodeOptions, Writer};

const DEPTH: usize = limits::MESSAGE_DEPTH_MAX as usize;

/// `levels` messages in one another, each behind `tag`.
fn nest(tag: &str, levels: usize, innermost: &str) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.prepend(&hex(innermost));
    for _ in 0..levels {
        writer.varint(writer.len() as u64);
        writer.prepend(&hex(tag));
    }
    writer.into_vec()
}

fn groups(levels: usize) -> Vec<u8> {
    [vec![0x0b; levels], vec![0x0c; levels]].concat()
}

#[track_caller]
fn check_depth(make: impl Fn(usize) -> Vec<u8>) {
    assert!(Tree::decode(&make(DEPTH)).is_ok());
    let error = Tree::decode(&make(DEPTH + 1)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooDeep { limit: limits::MESSAGE_DEPTH_MAX });
    assert!(Tree::decode(&make(20_000)).is_err());
}

/// Submessages may be nested 100 deep, as fields, elements, and members of a oneof.
#[test]
fn submessages_are_limited_in_depth() {
    check_depth(|levels| nest("12", levels, ""));
    check_depth(|levels| nest("1a", levels, ""));
    check_depth(|levels| nest("3a", levels, ""));
}

/// The stack of the deepest message of a type with a dozen fields, without optimisation too, is a
/// small part of a thread's.
#[cfg(feature = "reflect")]
#[test]
fn a_level_takes_little_stack() {
    use crate::message::well_known::DescriptorProto;

    const STACK: usize = 640 << 10;
    let read = || {
        let mut message = DescriptorProto::default();
        for _ in 0..DEPTH {
            message = DescriptorProto { nested_type: vec![message], ..Default::default() };
        }
        let bytes = message.encode_to_vec();
        assert_eq!(DescriptorProto::decode(&bytes).unwrap(), message);
    };
    let thread = std::thread::Builder::new().stack_size(STACK);
    thread.spawn(read).unwrap().join().unwrap();
}

/// Groups count like submessages, and together with them.
#[test]
fn groups_are_limited_in_depth() {
    check_depth(groups);
    check_depth(|levels| {
        let inner = groups(levels - 50);
        nest("12", 50, &to_hex(&inner))
    });
}

/// An entry of a map and the message in it are one level each.
#[test]
fn map_entries_are_limited_in_depth() {
    let entries = |levels| {
        let mut bytes = Vec::new();
        for level in 0..levels {
            let mut writer = Writer::new();
            writer.prepend(&bytes);
            writer.varint(writer.len() as u64);
            writer.prepend(if level % 2 == 0 { &[0x12] } else { &[0x52] });
            bytes = writer.into_vec();
        }
        bytes
    };
    assert!(Tree::decode(&entries(DEPTH)).is_ok());
    let error = Tree::decode(&entries(DEPTH + 2)).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooDeep { limit: limits::MESSAGE_DEPTH_MAX });
}

/// Depth is given back on the way out: siblings are no deeper than one of them.
#[test]
fn siblings_do_not_add_depth() {
    let one = [nest("12", DEPTH, ""), groups(DEPTH), hex("5a020807")].concat();
    assert!(Tree::decode(&one.repeat(3)).is_ok());
}

fn decode_within<M: Message>(bytes: &[u8], memory: usize) -> Result<M, DecodeError> {
    let mut message = M::default();
    message.merge_fields(Budget::with_limits(bytes, 100, memory).reader(bytes))?;
    Ok(message)
}

/// Checks that decoding `bytes` is charged exactly `memory`.
#[track_caller]
fn check_charge<M: Message>(bytes: &[u8], memory: usize) {
    decode_within::<M>(bytes, memory).unwrap();
    let error = decode_within::<M>(bytes, memory - 1).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooMuchMemory { limit: memory - 1 });
}

/// Lists are charged with the room that they have in memory, whatever their elements take on the
/// wire.
#[test]
fn lists_are_charged() {
    check_charge::<Tree>(&hex("1a00").repeat(10), 16 * size_of::<Tree>());
    check_charge::<Lists>(&hex("9201_00").repeat(8), 8 * size_of::<Point>());
    check_charge::<Lists>(&hex("7200").repeat(9), 16 * size_of::<String>());
    check_charge::<Lists>(&hex("1801").repeat(10), 16 * size_of::<i32>());
    check_charge::<Lists>(&hex("220a_00010203040506070809"), 10 * size_of::<i64>());
    check_charge::<Lists>(&hex("220a_00010203040506070809 220100"), 20 * size_of::<i64>());
    check_charge::<Lists>(&hex("6a02_0001"), 8);
    check_charge::<Lists>(&hex("4a08_0000000000000000"), 4 * 4);
}

/// Strings and bytes are not charged: there is no more of them than of the input.
#[test]
fn strings_are_not_charged() {
    decode_within::<Tree>(&hex("0a03_616263 0a01_61 0a04_61626364"), 0).unwrap();
    check_charge::<Lists>(&hex("7203_616263"), 4 * size_of::<String>());
}

/// Maps are charged with their table, which has room for three entries at first.
#[test]
fn maps_are_charged() {
    let table =
        |buckets: usize, entry: usize| (buckets * entry).next_multiple_of(16) + buckets + 16;
    let entry = size_of::<(i32, String)>();
    let entries = |count| (0..count).flat_map(|key| [0x5a, 2, 8, key]).collect::<Vec<u8>>();
    check_charge::<Tree>(&entries(3), table(4, entry));
    check_charge::<Tree>(&entries(3).repeat(3), table(8, entry));
    check_charge::<Tree>(&entries(10), table(16, entry));
    check_charge::<Tree>(&hex("5200"), table(4, size_of::<(String, Tree)>()));
}

/// What is boxed is charged when it is made, and not again when it is merged into.
#[test]
fn boxes_are_charged_once() {
    check_charge::<Tree>(&hex("1200 1200"), size_of::<Tree>());
    check_charge::<Tree>(&hex("3a00 3a00"), size_of::<Tree>());
    decode_within::<Tree>(&hex("2200 3200"), 0).unwrap();
}

/// Unknown fields are charged with the room that their bytes have, and a vector in a box.
#[test]
fn unknown_fields_are_charged() {
    check_charge::<Tree>(&hex("a00601"), 24 + 8);
    check_charge::<Tree>(&hex("a00601").repeat(9), 24 + 32);
    check_charge::<Tree>(&hex("a206_03_616263"), 24 + 9);
}

/// Two bytes become a struct of hundreds: the default budget stops that long before memory runs
/// out.
#[test]
fn empty_submessages_cannot_amplify() {
    let elements = (limits::DECODE_MEMORY_MIN / size_of::<Tree>() + 1).next_power_of_two() / 2;
    assert!(Tree::decode(&hex("1a00").repeat(elements)).is_ok());
    let error = Tree::decode(&hex("1a00").repeat(elements + 1)).unwrap_err();
    let limit = limits::DECODE_MEMORY_MIN;
    assert_eq!(error.kind(), DecodeErrorKind::TooMuchMemory { limit });
}

/// The budget grows with the input, so that large honest messages pass.
#[test]
fn budget_grows_with_the_input() {
    let lists = Lists { uint64: vec![1; limits::DECODE_MEMORY_MIN / 8 + 1], ..Default::default() };
    assert_eq!(Lists::decode(&lists.encode_to_vec()).unwrap().uint64.len(), lists.uint64.len());
}

/// A length over 2 GiB is refused for what it is, before it is compared with what is left.
#[test]
fn lengths_over_two_gibibytes_are_refused() {
    check_refused::<Scalars>("7280808080 08", DecodeErrorKind::LengthTooLarge(1 << 31));
    check_refused::<Scalars>("72ffffffffffffffffff01", DecodeErrorKind::LengthTooLarge(u64::MAX));
    check_refused::<Scalars>(
        "72ffffffff07",
        DecodeErrorKind::Truncated { expected: i32::MAX as usize, got: 0 },
    );
}

/// An error names the innermost message, the field, the place, what was expected and what came.
#[test]
fn errors_say_where_and_what() {
    for (input, expected) in [
        ("1205_0a01", "invalid sample.Tree: field 2, byte 2: expected 5 more bytes, got 2"),
        ("1203_2201_08", "invalid sample.Point: field 1, byte 5: expected 1 more bytes, got 0"),
        ("0000", "invalid sample.Tree: byte 1: expected a field number from 1 to 536870911, got 0"),
        ("0e", "invalid sample.Tree: field 1, byte 1: expected a wire type from 0 to 5, got 6"),
        (
            "0a02_61ff",
            "invalid sample.Tree: field 1, byte 2: expected utf-8, \
             got something else after 1 bytes",
        ),
        (
            "0c",
            "invalid sample.Tree: field 1, byte 1: expected no end of a group, \
             got the end of group 1",
        ),
        (
            "0b14",
            "invalid sample.Tree: field 1, byte 2: expected the end of group 1, \
             got the end of group 2",
        ),
        ("0b_1b_2205_1c_0c", "invalid sample.Tree: field 1, byte 4: expected 5 more bytes, got 2"),
        ("1201_ff", "invalid sample.Tree: byte 2: expected 2 more bytes, got 1"),
        ("1202_22_01", "invalid sample.Tree: field 4, byte 4: expected 1 more bytes, got 0"),
        (
            "0b",
            "invalid sample.Tree: field 1, byte 1: expected the end of group 1, \
             got the end of the message around it",
        ),
        ("ffffffffffff", "invalid sample.Tree: byte 0: expected 7 more bytes, got 6"),
    ] {
        assert_eq!(refusal::<Tree>(input).to_string(), expected, "{input}");
    }
    let deep = Tree::decode(&nest("12", 101, "")).unwrap_err().to_string();
    assert!(deep.ends_with("expected at most 100 levels of nesting, got more"), "{deep}");
    assert_eq!(refusal::<Tree>("0e").field_number(), Some(1));
    assert_eq!(refusal::<Tree>("ff").field_number(), None);
    assert_eq!(refusal::<Tree>("1203_2201_08").message_name(), "sample.Point");
}

/// The fields of a map's entry are no fields of the message: an error in them says the map's number.
#[test]
fn errors_in_map_entries_name_the_map() {
    for (input, expected) in [
        (
            "52_03_0a01ff",
            "key of field 10, byte 4: expected utf-8, got something else after 0 bytes",
        ),
        (
            "5a_04_1202_61ff",
            "value of field 11, byte 4: expected utf-8, got something else after 1 bytes",
        ),
        ("5a_02_1205", "value of field 11, byte 4: expected 5 more bytes, got 0"),
        ("5a_02_2205", "field 11, byte 4: expected 5 more bytes, got 0"),
        ("5a_01_ff", "field 11, byte 2: expected 2 more bytes, got 1"),
        ("52_03_1201ff", "byte 4: expected 2 more bytes, got 1"),
        ("52_04_1202_2201", "field 4, byte 6: expected 1 more bytes, got 0"),
    ] {
        let error = refusal::<Tree>(input);
        assert_eq!(error.to_string(), format!("invalid sample.Tree: {expected}"), "{input}");
    }
    assert_eq!(refusal::<Tree>("52_03_0a01ff").field_number(), Some(10));
    assert_eq!(
        refusal::<Order>("22_02_1080").to_string(),
        "invalid legacy.Order: value of field 4, byte 3: expected 2 more bytes, got 1"
    );
    let shallow = DecodeOptions::new().depth_limit(0);
    let mut tree = Tree::default();
    assert_eq!(
        tree.merge_with(&hex("52_00"), &shallow).unwrap_err().to_string(),
        "invalid sample.Tree: field 10, byte 2: expected at most 0 levels of nesting, got more"
    );
}

/// A B-tree is charged with its nodes: the first entry with a leaf of eleven.
#[test]
fn the_leaf_of_a_tree_is_charged() {
    let entry = hex("02_0801");
    let read = |memory| {
        let mut map = BTreeMap::<i32, i32>::new();
        let mut budget = Budget::with_limits(&entry, 100, memory);
        budget.reader(&entry).map::<Int32, Int32>(&mut map)
    };
    assert_eq!(read(LEAF), Ok(()));
    let error = read(LEAF - 1).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::TooMuchMemory { limit: LEAF - 1 });
}

/// The same in the formats that go by reflection, which ask the map what its next entry takes.
#[cfg(feature = "reflect")]
#[test]
fn the_leaf_of_a_tree_is_known_to_reflection() {
    use std::collections::HashMap;

    use crate::message::reflect;

    let mut tree = BTreeMap::<i32, i32>::new();
    assert_eq!(reflect::Map::entry_cost(&tree), LEAF);
    tree.insert(1, 1);
    assert_eq!(reflect::Map::entry_cost(&tree), 0);
    assert_eq!(reflect::Map::entry_cost(&HashMap::<i32, i32>::new()), 4 * 8 + 4 + 16);
}

/// Bytes of a leaf with eleven entries of eight bytes.
const LEAF: usize = 11 * 8 + 16;
