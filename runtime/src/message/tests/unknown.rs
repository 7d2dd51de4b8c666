//! Unknown fields: every wire type, in order, groups included; and what is refused.

use super::samples::{Lists, Point, Scalars, Tree};
use super::*;
use crate::message::{UnknownFields, UnknownValue};

/// Decodes and encodes again: unknown fields come out as they came in, after the known ones.
#[track_caller]
fn check_kept(input: &str, expected: &str) {
    let tree = Tree::decode(&hex(input)).unwrap();
    assert_eq!(to_hex(&tree.encode_to_vec()), to_hex(&hex(expected)), "{tree:?}");
}

/// Unknown fields of all wire types are kept in their order, and written last.
#[test]
fn unknown_fields_keep_their_order() {
    let unknown = "a00605 a106_0102030405060708 a20602_6162 a306_a406 a506_01020304 a00606";
    check_kept(unknown, unknown);
    check_kept("a00605 0a0161 a206_00 22020802 a00601", "0a0161 22020802 a00605 a20600 a00601");
}

/// A known number with another wire type is an unknown field.
#[test]
fn other_wire_type_is_unknown() {
    for input in ["0805", "0d_01020304", "09_0102030405060708", "0b_0c", "1005", "13_14"] {
        check_kept(input, input);
        assert_eq!(Tree::decode(&hex(input)).unwrap().name, "");
    }
    let scalars = Scalars::decode(&hex("1a00 1801")).unwrap();
    assert_eq!((scalars.int32, scalars.unknown.as_bytes()), (1, &hex("1a00")[..]));
    let lists = Lists::decode(&hex("1d_01020304 1801")).unwrap();
    assert_eq!((&lists.int32[..], lists.unknown.as_bytes()), (&[1][..], &hex("1d_01020304")[..]));
}

/// Groups are kept with what they contain, nested ones too.
#[test]
fn unknown_groups_are_kept() {
    for group in
        ["a306_a406", "a306_0801_a406", "a306_0b_0b_0c_1801_0c_a406", "a306_12036162_63_a406"]
    {
        check_kept(group, group);
    }
    let tree = Tree::decode(&hex("a306_0b_1801_0c_1005_a406")).unwrap();
    assert_eq!(format!("{:?}", tree.unknown), "{100: {1: {3: 1}, 2: 5}}");
}

/// An end of a group must be that of the innermost open one, within the same message.
#[test]
fn groups_must_match() {
    let unmatched = |expected, got| DecodeErrorKind::UnmatchedEndGroup { expected, got };
    check_refused::<Tree>("a406", unmatched(0, 100));
    check_refused::<Tree>("0c", unmatched(0, 1));
    check_refused::<Tree>("a306_0c", unmatched(100, 1));
    check_refused::<Tree>("a306_0b_a406_0c", unmatched(1, 100));
    check_refused::<Tree>("a306", DecodeErrorKind::UnterminatedGroup(100));
    check_refused::<Tree>("a306_0801", DecodeErrorKind::UnterminatedGroup(100));
    check_refused::<Tree>("1202_a306 a406", DecodeErrorKind::UnterminatedGroup(100));
    check_refused::<Tree>("1202_a406", unmatched(0, 100));
}

/// Field number 0 is refused with every wire type, in a group and in a map entry too.
#[test]
fn field_number_zero_is_refused() {
    for input in ["0000", "01_0102030405060708", "0200", "03_04", "04", "05_01020304", "06", "07"] {
        check_refused::<Tree>(input, DecodeErrorKind::FieldNumberZero);
    }
    check_refused::<Tree>("8000_00", DecodeErrorKind::FieldNumberZero);
    check_refused::<Tree>("a306_0000_a406", DecodeErrorKind::FieldNumberZero);
    check_refused::<Tree>("5a02_0000", DecodeErrorKind::FieldNumberZero);
}

/// Wire types 6 and 7 do not exist, on known numbers or unknown ones.
#[test]
fn wire_types_six_and_seven_are_refused() {
    check_refused::<Tree>("0e", DecodeErrorKind::UnknownWireType(6));
    check_refused::<Tree>("0f", DecodeErrorKind::UnknownWireType(7));
    check_refused::<Tree>("a606", DecodeErrorKind::UnknownWireType(6));
    check_refused::<Tree>("a306_a706", DecodeErrorKind::UnknownWireType(7));
    check_refused::<Tree>("5a01_0f", DecodeErrorKind::UnknownWireType(7));
}

/// A tag has at most five bytes and 32 bits; within them it may be longer than needed.
#[test]
fn tag_fits_five_bytes() {
    check_kept("f8ffffff0f_01", "f8ffffff0f_01");
    check_refused::<Tree>("f8ffffff1f_01", DecodeErrorKind::TagTooLong);
    check_refused::<Tree>("8a8080808000_00", DecodeErrorKind::TagTooLong);
    check_refused::<Tree>("ffffffffffffffffffffff00_01", DecodeErrorKind::TagTooLong);
    check_refused::<Tree>("8880", DecodeErrorKind::Truncated { expected: 3, got: 2 });
    check_decode("8a80808000_0161", &Tree { name: "a".into(), ..Default::default() });
    check_kept("a086808000_05", "a00605");
}

/// A varint has at most ten bytes and 64 bits.
#[test]
fn varint_fits_ten_bytes() {
    check_refused::<Scalars>("20_ffffffffffffffffff02", DecodeErrorKind::VarintTooLong);
    check_refused::<Scalars>("20_80808080808080808080_01", DecodeErrorKind::VarintTooLong);
    check_refused::<Tree>("a006_80808080808080808080_01", DecodeErrorKind::VarintTooLong);
}

/// The two-way door: what is pushed is what is iterated, and what is decoded.
#[test]
fn unknown_fields_can_be_made_by_hand() {
    let mut inner = UnknownFields::new();
    inner.push(1, UnknownValue::Varint(u64::MAX));
    let mut unknown = UnknownFields::new();
    unknown.push(100, UnknownValue::Varint(5));
    unknown.push((1 << 29) - 1, UnknownValue::Fixed64(1));
    unknown.push(17, UnknownValue::LengthDelimited(b"a\n"));
    unknown.push(18, UnknownValue::Group(inner.iter()));
    unknown.push(19, UnknownValue::Fixed32(2));
    let tree = Tree { unknown: unknown.clone(), ..Default::default() };
    assert_eq!(Tree::decode(&tree.encode_to_vec()).unwrap(), tree);
    assert_eq!(
        format!("{unknown:?}"),
        "{100: 5, 536870911: 0x0000000000000001, 17: b\"a\\n\", \
         18: {1: 18446744073709551615}, 19: 0x00000002}"
    );
    assert_eq!(unknown.iter().map(|(number, _)| number).max(), Some((1 << 29) - 1));
    unknown.clear();
    assert!(unknown.is_empty());
    assert_eq!(unknown.iter().next(), None);
}

/// A number that no field can have is a bug of the caller.
#[test]
#[should_panic(expected = "expected a field number from 1 to 536870911, got 0")]
fn pushing_field_number_zero_panics() {
    UnknownFields::new().push(0, UnknownValue::Varint(1));
}

/// No unknown fields cost one word and no allocation; an error is one word too.
#[test]
fn small_things_are_one_word() {
    assert_eq!(size_of::<UnknownFields>(), size_of::<usize>());
    assert_eq!(size_of::<DecodeError>(), size_of::<usize>());
    assert_eq!(size_of::<Result<(), DecodeError>>(), size_of::<usize>());
    assert_eq!(size_of::<Point>(), 16);
}
