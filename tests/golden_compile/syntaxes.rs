//! What proto2 and editions have besides proto3, on the wire and beside protoc.

use std::collections::HashMap;

use rust_grpc::message::{
    DecodeErrorKind, DescriptorPool, JsonParseOptions, JsonPrintOptions, TextParseOptions,
    TextPrintOptions,
};
use rust_grpc::{Enumeration, Extendable, Message, MessageField, UnknownFields};

use crate::oracle::check;
use crate::proto2::proto2::{Item, Level, Order, Plain, State, order};

fn order() -> Order {
    let main = Item { id: Some("a".into()), ..Default::default() };
    Order { name: Some("order".into()), count: Some(0), main: main.into(), ..Default::default() }
}

/// Everything of proto2 means to protoc what it means to us.
#[test]
fn proto2_means_to_protoc_what_it_means_to_us() {
    let item = || Item { id: Some("b".into()), ..Default::default() };
    let whole = Order {
        state: Some(State::Below),
        states: vec![State::New, State::Old],
        packed_states: vec![State::Old, State::Below],
        named: HashMap::from([("x".into(), Level::High)]),
        raw: Some(vec![0, 255]),
        numbers: vec![1, -1],
        packed: vec![2, 3],
        words: vec!["w".into()],
        detail: order::Detail {
            text: Some("in a group".into()),
            inner: order().into(),
            ..Default::default()
        }
        .into(),
        line: vec![order::Line { price: Some(5), ..Default::default() }; 2],
        items: HashMap::from([(-1, item())]),
        plain_field: Plain { flag: Some(false), ..Default::default() }.into(),
        ratio: Some(0.0),
        more: vec![item()],
        ..order()
    };
    check("proto2", &whole);
    for choice in [
        order::Choice::Chosen(State::New),
        order::Choice::Item(item().into()),
        order::Choice::Pack(order::Pack { size: Some(3), ..Default::default() }),
        order::Choice::Free("free".into()),
        order::Choice::Plain(Plain::default()),
    ] {
        check("proto2", &Order { choice: Some(choice), ..order() });
    }
}

/// The features of editions decide field by field, and mean to protoc what they mean to us.
#[test]
fn editions_mean_to_protoc_what_they_mean_to_us() {
    use crate::editions::editions::{Closed, ClosedZero, Inner, Mixed, Open, mixed};
    let inner =
        || Inner { text: Some("t".into()), inner: Inner::default().into(), ..Default::default() };
    let mixed = Mixed {
        implicit: 0,
        explicit: Some(0),
        required: Some(0),
        loose: Some("loose".into()),
        strict: Some("strict".into()),
        open: Open::One,
        closed: Some(Closed::Six),
        packed: vec![1, 2],
        expanded: vec![1, 2],
        prefixed: inner().into(),
        delimited: inner().into(),
        delimiteds: vec![inner(), Inner::default()],
        map: HashMap::from([("k".into(), inner())]),
        choice: Some(mixed::Choice::One(inner())),
        closeds: vec![Closed::Five],
        closed_map: HashMap::from([("k".into(), ClosedZero::Yes)]),
        unknown: UnknownFields::default(),
    };
    check("editions", &mixed);
    assert!(!mixed.encode_to_vec().starts_with(&[8]), "an implicit zero is not written");
}

/// A closed enum has its first value as default, and the names of the .proto for its numbers.
#[test]
fn closed_enums_are_rust_enums() {
    assert_eq!(State::default(), State::New);
    assert_eq!(State::from_number(2), Some(State::Old));
    assert_eq!(State::Ancient, State::Old);
    assert_eq!(State::from_number(7), None);
    assert_eq!(State::from_name("STATE_ANCIENT"), Some(State::Old));
    assert_eq!(State::Below.number(), -3);
}

/// A number that a closed enum does not name is unknown wherever it comes: the field, the element,
/// the entry and the oneof are left alone, and the bytes travel on.
#[test]
fn unknown_numbers_of_closed_enums_are_unknown_fields() {
    let decode = |bytes: &[u8]| {
        let mut message = Order { state: Some(State::Old), ..Default::default() };
        message.merge(bytes).unwrap();
        message
    };
    let kept = |bytes: &[u8], unknown: &[u8]| {
        let message = decode(bytes);
        assert_eq!(message.unknown.as_bytes(), unknown, "{bytes:02x?}");
        message
    };
    assert_eq!(kept(&[0x20, 9], &[0x20, 9]).state, Some(State::Old));
    assert_eq!(kept(&[0x28, 1, 0x28, 9, 0x28, 2], &[0x28, 9]).states, [State::New, State::Old]);
    let packed = kept(&[0x32, 3, 1, 9, 2], &[0x30, 9]);
    assert_eq!(packed.packed_states, [State::New, State::Old]);
    let entry = [0x3a, 5, 0x0a, 1, b'x', 0x10, 9];
    assert!(kept(&entry, &entry).named.is_empty());
    let free = [0x8a, 1, 1, b'f'];
    let chosen = [0x70, 9];
    let message = kept(&[&free[..], &chosen].concat(), &chosen);
    assert_eq!(message.choice, Some(order::Choice::Free("f".into())));
}

/// A field that is not set gives the default of the .proto, one that is set gives its value.
#[test]
fn defaults_are_what_unset_fields_give() {
    use crate::defaults::defaults::{Color, Defaults, defaults};
    let mut unset = Defaults::default();
    assert_eq!((unset.int32(), unset.int64()), (i32::MIN, i64::MIN));
    assert_eq!((unset.uint32(), unset.uint64()), (u32::MAX, u64::MAX));
    assert_eq!((unset.float(), unset.double()), (1.5e-3, 1e20));
    assert_eq!((unset.infinite(), unset.negative()), (f64::INFINITY, f32::NEG_INFINITY));
    assert!(unset.not().is_nan() && unset.bool());
    assert_eq!(unset.string(), "a \"quoted\" word\n and ü".as_bytes());
    assert_eq!(unset.bytes(), b"\x00\x01\xff \"x\" \\");
    assert_eq!(unset.color(), Color::Green);
    assert_eq!((unset.clear_(), unset.clear__()), (8, 7));
    assert_eq!((unset.decode_(), unset.default_()), (9, 10));
    assert_eq!(Defaults::decode(&[0x88, 1, 6]).map(|read| read.r#type()), Ok(3));
    assert_eq!(Defaults::default().decode, None);
    assert!(unset.empty().is_empty());
    assert_eq!(unset.size(), defaults::inner::Size::Large);
    assert_eq!(unset.encoded_len(), 0);
    unset.int32 = Some(1);
    unset.string = Some("set".into());
    unset.color = Some(Color::Red);
    assert_eq!((unset.int32(), unset.string()), (1, &b"set"[..]));
    assert_eq!(unset.color(), Color::Red);
}

/// A member of a oneof that is not set gives its default, whatever else is set.
#[test]
fn members_of_oneofs_have_defaults() {
    use crate::defaults::defaults::Defaults;
    use crate::defaults::defaults::defaults::{Choice, inner::Size};
    use crate::editions::editions::Choosing;
    let set = |choice| Defaults { choice: Some(choice), ..Default::default() };
    for other in [Defaults::default(), set(Choice::Plain(1.0))] {
        assert_eq!((other.count(), other.words(), other.data()), (-5, &b"none"[..], &b"\x01"[..]));
        assert_eq!((other.choice_size(), other.merge_()), (Size::Large, true));
        #[allow(deprecated)]
        let infinite = other.r#match();
        assert_eq!(infinite, f32::INFINITY);
    }
    assert_eq!(set(Choice::Count(3)).count(), 3);
    assert_eq!(set(Choice::Words("set".into())).words(), b"set");
    assert_eq!(set(Choice::Data(vec![2])).data(), [2]);
    assert_eq!(set(Choice::ChoiceSize(Size::Small)).choice_size(), Size::Small);
    assert!(!set(Choice::Merge(false)).merge_());
    assert_eq!(Choosing::default().text(), "x");
}

/// Strings of proto2 hold any bytes; those whose feature says VERIFY do not.
#[test]
fn strings_that_need_not_be_utf8_hold_any_bytes() {
    use crate::editions::editions::Mixed;
    let plain = Plain::decode(&[0x0a, 2, b'a', 0xff]).unwrap();
    assert_eq!(plain.text.as_ref().unwrap().as_bytes(), [b'a', 0xff]);
    assert_eq!(plain.encode_to_vec(), [0x0a, 2, b'a', 0xff]);
    let mut mixed = Mixed::default();
    mixed.merge(&[0x22, 1, 0xff]).unwrap();
    let error = mixed.merge(&[0x2a, 1, 0xff]).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::InvalidUtf8 { valid_up_to: 0 });
}

/// Required fields are checked when a message is decoded and when it is encoded, however deep they
/// lie; merging leaves the rest for later.
#[test]
fn required_fields_are_checked_recursively() {
    let error = |order: &Order| {
        let mut bytes = rust_grpc::message::Writer::new();
        order.encode(&mut bytes).unwrap_err().to_string()
    };
    let whole = order();
    assert_eq!(Order::decode(&whole.encode_to_vec()), Ok(whole.clone()));
    let said = Order::decode(&[]).unwrap_err();
    assert_eq!(said.kind(), DecodeErrorKind::MissingField);
    let text = "invalid proto2.Order: expected the required field name, it is not set";
    assert_eq!(said.to_string(), text);
    assert!(Order::default().merge(&[]).is_ok());

    let bad = Item::default;
    let item = || Item { id: Some("b".into()), ..Item::default() };
    let path = |order: Order| {
        let said = error(&order);
        let start = "cannot encode proto2.Order: expected the required field ";
        said.strip_prefix(start).unwrap().strip_suffix(", it is not set").unwrap().to_owned()
    };
    assert_eq!(path(Order { main: MessageField::none(), ..order() }), "main");
    assert_eq!(path(Order { main: bad().into(), ..order() }), "main.id");
    assert_eq!(path(Order { more: vec![item(), bad()], ..order() }), "more[1].id");
    assert_eq!(path(Order { items: HashMap::from([(1, bad())]), ..order() }), "items.id");
    let line = vec![order::Line::default()];
    assert_eq!(path(Order { line, ..order() }), "line[0].price");
    let choice = Some(order::Choice::Item(bad().into()));
    assert_eq!(path(Order { choice, ..order() }), "item.id");
    let inner = order::Detail { inner: Order::default().into(), ..Default::default() };
    assert_eq!(path(Order { detail: inner.into(), ..order() }), "detail.inner.name");
}

/// A group ends with the end tag of its own number: not before, not with another, not without.
#[test]
fn groups_end_with_their_own_end_tag() {
    let decode = |bytes: &[u8]| {
        let mut message = Order::default();
        message.merge(bytes).map(|()| message).map_err(|error| error.kind())
    };
    // Group 12 with field 1 "x", then field 2 of the message around.
    let message = decode(&[0x63, 0x0a, 1, b'x', 0x64, 0x10, 7]).unwrap();
    assert_eq!(message.detail.text, Some("x".into()));
    assert_eq!(message.count, Some(7));
    // Twice: the group is merged.
    let twice = decode(&[0x63, 0x0a, 1, b'x', 0x64, 0x63, 0x12, 0, 0x64]).unwrap();
    assert!(twice.detail.text.is_some() && twice.detail.inner.is_some());
    // With a length, it is not the group.
    let length = decode(&[0x62, 2, 0x08, 1]).unwrap();
    assert!(length.detail.is_none() && !length.unknown.is_empty());
    let unmatched = |expected, got| Err(DecodeErrorKind::UnmatchedEndGroup { expected, got });
    assert_eq!(decode(&[0x63]), Err(DecodeErrorKind::UnterminatedGroup(12)));
    assert_eq!(decode(&[0x63, 0x6c]), unmatched(12, 13));
    assert_eq!(decode(&[0x64]), unmatched(0, 12));
    // An end tag in a message with a length inside the group does not end the group.
    assert_eq!(decode(&[0x63, 0x12, 1, 0x64, 0x64]), unmatched(0, 12));
}

/// Editions: what the file says holds for what stands in it, maps aside; an extension has the
/// features of the file that declares it. protoc reads and writes the same.
#[test]
fn features_come_from_the_file_around() {
    use crate::editions_scopes::editions_scopes::{self as scopes, Host, Part, host};
    use crate::editions_scopes::editions_scopes_plain::{Leaf, Plain};

    let part = || Part { size: 1, ..Default::default() };
    let leaf = Leaf { leaf: Box::new(Leaf::default()).into(), ..Default::default() };
    let message = Host {
        parts: [("k".into(), part())].into(),
        part: part().into(),
        more: vec![part()],
        choice: Some(host::Choice::One(part())),
        numbers: vec![1, 2],
        leaf: leaf.into(),
        ..Default::default()
    };
    let bytes = b"\x0a\x07\x0a\x01k\x12\x02\x08\x01\x13\x08\x01\x14\x1b\x08\x01\x1c\
                  \x2b\x08\x01\x2c\x48\x01\x48\x02\x63\x12\x00\x64";
    assert_eq!(message.encode_to_vec(), bytes);
    check("editions_scopes", &message);
    let mut plain = Plain::default();
    plain.set_extension(&scopes::DELIMITED, part());
    plain.set_extension(&scopes::EXPANDED, vec![1, 2]);
    plain.set_extension(&scopes::NUMBER, 0);
    plain.set_extension(&scopes::scope::INNER, part());
    let bytes =
        b"\xa3\x06\x08\x01\xa4\x06\xa8\x06\x01\xa8\x06\x02\xb8\x06\x00\xf3\x06\x08\x01\xf4\x06";
    assert_eq!(plain.encode_to_vec(), bytes);
    assert!(
        plain.has_extension(&scopes::NUMBER),
        "an extension has presence, whatever its file says"
    );
    // Extensions of another file are known by a pool alone.
    let pool = DescriptorPool::of::<Host>();
    let text = plain.to_text_with(&TextPrintOptions::new().pool(&pool));
    assert!(text.starts_with("[editions_scopes.delimited] {"), "{text}");
    let read = Plain::from_text_with(&text, &TextParseOptions::new().pool(&pool));
    assert_eq!(read.unwrap(), plain);
    let json = plain.to_json_with(&JsonPrintOptions::new().pool(&pool)).unwrap();
    let read = Plain::from_json_with(&json, &JsonParseOptions::new().pool(&pool));
    assert_eq!(read.unwrap(), plain);
}

/// json_format LEGACY_BEST_EFFORT: fields of one name in JSON are let be; the one that is called so
/// has that name, the other one its own.
#[test]
fn fields_may_share_a_name_in_json_by_best_effort() {
    use crate::editions_scopes::editions_scopes::Host;

    let first = Host { json_name: 7, ..Default::default() };
    assert_eq!(first.to_json().unwrap(), "{\"json_name\":7}");
    assert_eq!(Host::from_json("{\"json_name\":7}").unwrap(), first);
    assert_ne!(Host::from_json("{\"jsonName\":7}").unwrap(), first);
}
