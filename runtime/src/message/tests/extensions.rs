//! Extensions: typed values among the unknown fields of the message that they extend.

use super::legacy::{Order, Part, Set, State, Strict};
use super::samples::Point;
use super::*;
use crate::generated::extension::*;
use crate::message::Extendable;
use crate::{ByteString, Enumeration as _};

const COUNT: Extension<Order, i32> = Extension::new::<Singular<Int32>>("legacy.count", 100);
const LEVEL: Extension<Order, i32> =
    Extension::new::<Singular<Sint32>>("legacy.level", 101).with_default(|| 5);
const NOTES: Extension<Order, Vec<String>> = Extension::new::<Repeated<Str>>("legacy.notes", 102);
const EXPANDED: Extension<Order, Vec<i32>> = Extension::new::<Expanded<Int32>>("legacy.e", 103);
const PACKED: Extension<Order, Vec<f32>> = Extension::new::<Packed<Float>>("legacy.p", 104);
const POINT: Extension<Order, Point> = Extension::new::<Singular<Nested<_>>>("legacy.point", 105);
const PART: Extension<Order, Part> = Extension::new::<Singular<Delimited<_>>>("legacy.part", 106);
const PARTS: Extension<Order, Vec<Part>> =
    Extension::new::<Repeated<Delimited<_>>>("legacy.parts", 107);
const STATE: Extension<Order, State> = Extension::new::<Closed<_>>("legacy.state", 108);
const STATES: Extension<Order, Vec<State>> =
    Extension::new::<ClosedExpanded<_>>("legacy.states", 109);
const PACKED_STATES: Extension<Order, Vec<State>> =
    Extension::new::<ClosedPacked<_>>("legacy.packed_states", 110);
const TEXT: Extension<Order, String> = Extension::new::<Singular<Str>>("legacy.text", 111);
const ANY_TEXT: Extension<Order, ByteString> =
    Extension::new::<Singular<ByteStr>>("legacy.any_text", 112);
const STRICT: Extension<Order, Strict> =
    Extension::new::<Singular<Nested<_>>>("legacy.strict", 113);

fn order(fields: &str) -> Order {
    Order::decode(&hex(fields)).unwrap()
}

/// Sets `value`, and checks the bytes and what comes back from them.
#[track_caller]
fn check_set<T>(extension: &Extension<Order, T>, value: impl Into<T>, bytes: &str)
where
    T: Clone + PartialEq + std::fmt::Debug,
{
    let value = value.into();
    let mut message = Order::default();
    message.set_extension(extension, value.clone());
    check_encode(&message, bytes);
    assert_eq!(order(bytes).extension(extension).unwrap(), value);
    assert!(message.has_extension(extension));
    message.clear_extension(extension);
    assert_eq!(message, Order::default());
    assert!(!message.has_extension(extension));
}

/// Every shape is written as a field of its type would be, and comes back.
#[test]
fn extensions_of_every_shape_round_trip() {
    check_set(&COUNT, -1, "a006_ffffffffffffffffff01");
    check_set(&NOTES, ["a".into(), String::new()], "b206_0161 b206_00");
    check_set(&EXPANDED, vec![1, 2], "b806_01 b806_02");
    check_set(&PACKED, vec![1.0], "c206_04_0000803f");
    check_set(&POINT, Point { x: 1, ..Default::default() }, "ca06_020802");
    let part = Part { x: Some(3), ..Default::default() };
    check_set(&PART, part.clone(), "d306_0803_d406");
    check_set(&PARTS, vec![part, Part::default()], "db06_0803_dc06 db06_dc06");
    check_set(&STATE, State::Lost, "e006_ffffffffffffffffff01");
    check_set(&STATES, vec![State::New, State::Done], "e806_01 e806_02");
    check_set(&PACKED_STATES, vec![State::New, State::Done], "f206_020102");
    check_set(&TEXT, "é", "fa06_02c3a9");
    check_set(&ANY_TEXT, vec![0xff], "8207_01ff");
}

/// An unset extension has its default: that of the declaration, the type's, or the first value of
/// a closed enum.
#[test]
fn unset_extensions_have_their_default() {
    let message = Order::default();
    assert_eq!(message.extension(&COUNT).unwrap(), 0);
    assert_eq!(message.extension(&LEVEL).unwrap(), 5);
    assert_eq!(message.extension(&STATE).unwrap(), State::New);
    assert_eq!(message.extension(&NOTES).unwrap(), Vec::<String>::new());
    assert!(!message.has_extension(&LEVEL));
}

/// The last scalar counts, messages and groups are merged, elements are gathered.
#[test]
fn occurrences_are_merged() {
    assert_eq!(order("a00601 a80602 a00603").extension(&COUNT).unwrap(), 3);
    let point = order("ca06_020802 ca06_021004").extension(&POINT).unwrap();
    assert_eq!((point.x, point.y), (1, 2));
    let part = order("d306_0801_d406 d306_13_0802_14_d406").extension(&PART).unwrap();
    assert_eq!((part.x, part.inner.x), (Some(1), Some(2)));
    assert_eq!(order("b806_01 ba06_020203 b806_04").extension(&EXPANDED).unwrap(), [1, 2, 3, 4]);
    assert_eq!(order("c506_0000803f c206_00").extension(&PACKED).unwrap(), [1.0]);
    assert!(order("ba06_00").extension(&EXPANDED).unwrap().is_empty());
    assert!(!order("ba06_00").has_extension(&EXPANDED));
}

/// A number that a closed enum does not name is no value, and stays among the unknown fields.
#[test]
fn unknown_numbers_of_closed_enums_are_no_values() {
    let message = order("e00602 e0067f");
    assert_eq!(message.extension(&STATE).unwrap(), State::Done);
    check_encode(&message, "e00602 e0067f");
    assert!(!order("e0067f").has_extension(&STATE));
    assert_eq!(order("ea06_03017f02").extension(&STATES).unwrap(), [State::New, State::Done]);
    assert_eq!(order("f006_7f f006_01").extension(&PACKED_STATES).unwrap(), [State::New]);
}

/// A field of the extension's number with another wire type is no value of it.
#[test]
fn other_wire_types_are_no_values() {
    for (input, is_set) in [("a206_00", false), ("a506_01020304", false), ("a006_00", true)] {
        assert_eq!(order(input).has_extension(&COUNT), is_set, "{input}");
    }
    assert_eq!(order("d206_00").extension(&PART).unwrap(), Part::default());
    assert!(!order("d206_00").has_extension(&PART));
}

/// What is not a value is an error when it is asked for, and not before. It names a field of the
/// message that it names, and counts bytes from the extension's tag.
#[test]
fn invalid_values_are_errors_of_the_accessor() {
    let message = order("fa06_01ff");
    assert!(message.has_extension(&TEXT));
    let error = message.extension(&TEXT).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid legacy.Order: field 111, byte 3 of extension legacy.text: expected utf-8, \
         got something else after 0 bytes"
    );
    for (input, place) in [
        ("ca06_01ff", "byte 3"),
        ("a00601 ca06_01ff", "byte 3"),
        ("ca06_020801 ca06_0208ff", "field 1, byte 4"),
    ] {
        let expected = format!(
            "invalid sample.Point: {place} of extension legacy.point: expected 2 more bytes, got 1"
        );
        let error = order(input).extension(&POINT).unwrap_err();
        assert_eq!(error.to_string(), expected, "{input}");
    }
    assert!(order("ca06_0108").extension(&POINT).is_err());
    assert!(order("c206_03000000").extension(&PACKED).is_err());
}

/// Required fields are checked in extensions too, when they are asked for.
#[test]
fn required_fields_of_extensions_are_checked() {
    assert_eq!(order("8a07_020801").extension(&STRICT).unwrap().id, Some(1));
    assert_eq!(
        order("8a07_00").extension(&STRICT).unwrap_err().to_string(),
        "invalid legacy.Order: expected the required field (legacy.strict).id, it is not set"
    );
}

/// An extension that lacks a required field can be set and is encoded, because it is bytes then; the
/// value says so beforehand, and who reads it is told.
#[test]
fn incomplete_extensions_are_encoded() {
    let lacking = Strict::default();
    assert_eq!(lacking.check_required().unwrap_err().to_string(), "id");
    let mut message = Order::default();
    message.set_extension(&STRICT, lacking);
    assert!(message.check_required().is_ok());
    let mut writer = crate::message::Writer::new();
    message.encode(&mut writer).unwrap();
    assert_eq!(writer.as_slice(), message.encode_to_vec());
    let received = Order::decode(writer.as_slice()).unwrap();
    assert!(received.extension(&STRICT).is_err() && received.has_extension(&STRICT));
}

/// Setting and clearing touches no other unknown field, and keeps their order.
#[test]
fn other_fields_stay_as_they_are() {
    let mut message = order("a80604 a00601 a806_06 a306_0801_a406 a00602");
    message.set_extension(&COUNT, 3);
    check_encode(&message, "a80604 a80606 a00603");
    message.clear_extension(&COUNT);
    check_encode(&message, "a80604 a80606");
    message.set_extension(&NOTES, Vec::new());
    check_encode(&message, "a80604 a80606");
}

const SET_POINT: Extension<Set, Point> = Extension::new::<Item<_>>("legacy.set_point", 1000);
const SET_STRICT: Extension<Set, Strict> = Extension::new::<Item<_>>("legacy.set_strict", 1001);

fn set(fields: &str) -> Set {
    Set::decode(&hex(fields)).unwrap()
}

/// An item of a MessageSet is a group of number and message, which may come in either order.
#[test]
fn message_set_items_are_read_in_either_order() {
    let mut message = Set::default();
    message.set_extension(&SET_POINT, Point { x: 1, ..Default::default() });
    check_encode(&message, "0b_10e807_1a020802_0c");
    for input in ["0b_10e807_1a020802_0c", "0b_1a020802_10e807_0c", "c23e_020802"] {
        assert_eq!(set(input).extension(&SET_POINT).unwrap().x, 1, "{input}");
        assert!(!set(input).has_extension(&SET_STRICT), "{input}");
    }
}

/// Items of one number are merged, those of others are left alone, and an item without a message is
/// an empty one.
#[test]
fn message_set_items_are_merged() {
    let other = "0b_107f_1a0161_0c";
    let mut message = set(&format!("0b_10e807_1a020802_0c {other} 0b_1a021004_10e807_0c"));
    let point = message.extension(&SET_POINT).unwrap();
    assert_eq!((point.x, point.y), (1, 2));
    message.clear_extension(&SET_POINT);
    check_encode(&message, other);
    assert_eq!(set("0b_10e807_0c").extension(&SET_POINT).unwrap(), Point::default());
    assert!(!set("0b_1a020802_0c").has_extension(&SET_POINT));
}

/// What is wrong in an item's message is an error of the accessor, required fields included.
#[test]
fn message_set_items_are_checked() {
    assert!(set("0b_10e807_1a0108_0c").extension(&SET_POINT).is_err());
    assert!(set("0b_10e907_1a00_0c").extension(&SET_STRICT).is_err());
    assert_eq!(set("0b_10e907_1a020807_0c").extension(&SET_STRICT).unwrap().id, Some(7));
    assert_eq!(State::Done.name(), Some("DONE"));
}
