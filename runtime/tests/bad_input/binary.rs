//! The binary encoding: depth, lengths, UTF-8.

use rust_grpc::message::{DecodeErrorKind, DecodeOptions, DynamicMessage, Json, Text};
use rust_grpc::well_known::{DescriptorProto, Struct, Value};
use rust_grpc::{DecodeError, Extendable, Message};

use super::editions::editions::Mixed;
use super::extensions::extensions::{Host, NUMBERS, Set};
use super::extensions_editions::extensions_editions as strict;
use super::maps::maps::{Keys, Values};
use super::oneofs::oneofs::Sample;
use super::proto2::proto2::{Order, Plain};
use super::scalars::scalars::{Explicit, Implicit, Repeated};
use super::{MANY, alternating, dynamic, groups, nested, nested_any, self_extending};

/// Checks that a million levels are refused for their depth, and 100 of the same kind are not.
#[track_caller]
fn check_depth<M: Json + Text>(make: impl Fn(usize) -> Vec<u8>) {
    let is_too_deep = |error: DecodeError| {
        assert_eq!(error.kind(), DecodeErrorKind::TooDeep { limit: 100 }, "{error}");
    };
    let mut message = M::default();
    message.merge(&make(100)).unwrap();
    drop(message.clone());
    is_too_deep(M::default().merge(&make(101)).unwrap_err());
    let many = make(MANY);
    is_too_deep(M::default().merge(&many).unwrap_err());
    is_too_deep(dynamic::<M>(&many).unwrap_err());
    // What is there already makes no difference.
    message.merge(&make(100)).unwrap();
    is_too_deep(message.merge(&many).unwrap_err());
}

/// Limits: submessages, as fields, elements, members of a oneof and values of maps.
#[test]
fn submessages_are_refused_when_too_deep() {
    check_depth::<DescriptorProto>(|levels| nested(&[0x1a], levels, b""));
    check_depth::<Plain>(|levels| nested(&[0x1a], levels, b""));
    check_depth::<Mixed>(|levels| nested(&[0x12], levels - 1, b"").into_field(0x52));
    // `Values.values`: an entry and its value are two levels.
    check_depth::<Values>(|levels| alternating([0x2a, 0x12], levels));
    // `Value.list_value` and its elements.
    check_depth::<Value>(|levels| alternating([0x32, 0x0a], levels));
    // `Struct.fields`, their values, and the structs in those.
    assert!(Struct::decode(&alternating([0x0a, 0x12, 0x2a], 99)).is_ok());
    assert!(Struct::decode(&alternating([0x0a, 0x12, 0x2a], 102)).is_err());
    assert!(Struct::decode(&alternating([0x0a, 0x12, 0x2a], MANY)).is_err());
}

/// Limits: groups, known and unknown, and unknown ones where a field is only skipped.
#[test]
fn groups_are_refused_when_too_deep() {
    check_depth::<Plain>(|levels| groups(0x0b, levels));
    check_depth::<Set>(|levels| groups(0x0b, levels));
    check_depth::<Host>(|levels| groups(0x0b, levels));
    // In an entry of a map, where it is dropped.
    check_depth::<Keys>(|levels| groups(0x1b, levels - 1).into_field(0x0a));
    // In an entry with a closed enum.
    check_depth::<Order>(|levels| groups(0x1b, levels - 1).into_field(0x3a));
    // In a group that is known.
    check_depth::<Order>(|levels| [&[0x63][..], &groups(0x1b, levels - 1), &[0x64]].concat());
    for open in [0x0b, 0x63, 0x6b] {
        assert!(Order::default().merge(&vec![open; MANY]).is_err());
    }
    assert!(Mixed::default().merge(&[0x5b; MANY]).is_err());
}

/// Limits: extensions are bytes until they are asked for, and are held to the limits then.
#[test]
fn extensions_are_refused_when_too_deep() {
    use super::extensions::extensions::note::{IN_SET, NOTE};
    let deep = nested(&[0x12], MANY, b"");
    let host = Host::decode(&[&[0xb2, 0x09][..], &varint_field(&deep)].concat()).unwrap();
    assert!(host.extension(&NOTE).is_err() && host.has_extension(&NOTE));
    let item = [&[0x10, 0xfe, 0xff, 0xff, 0xff, 0x07, 0x1a][..], &varint_field(&deep)].concat();
    let set = Set::decode(&[&[0x0b][..], &item, &[0x0c]].concat()).unwrap();
    assert!(set.extension(&IN_SET).is_err());
    let _ = (host.to_text(), set.to_text());
    assert!(host.to_json().is_err() && set.to_json().is_err());

    let pool = self_extending();
    let open = pool.message("deep.Open").unwrap();
    for tag in [[0xa2, 0x06], [0xaa, 0x06]] {
        let options = DecodeOptions::new().pool(&pool);
        assert!(DynamicMessage::decode_with(open, &nested(&tag, 100, b""), &options).is_ok());
        let deep = nested(&tag, MANY, b"");
        assert!(DynamicMessage::decode_with(open, &deep, &options).is_err());
        assert!(DynamicMessage::decode(open, &deep).is_ok(), "they are bytes");
    }
}

/// Limits: a message as deep as can be is cloned, compared, shown, printed, encoded and dropped
/// within the stack of a thread.
#[test]
fn deep_messages_are_handled_within_the_stack() {
    let tree = DescriptorProto::decode(&nested(&[0x1a], 100, b"")).unwrap();
    assert_eq!(tree.clone(), tree);
    assert!(format!("{tree:#?}").len() > 100);
    assert_eq!(DescriptorProto::from_text(&tree.to_text()).unwrap(), tree);
    assert_eq!(tree.encoded_len(), nested(&[0x1a], 100, b"").len());
    let text = "[".repeat(50) + &"]".repeat(50);
    let value = Value::from_json(&text).unwrap();
    assert_eq!(value.clone(), value);
    assert_eq!(value.to_json().unwrap(), text);
    assert_eq!(Value::from_text(&value.to_text()).unwrap(), value);
    let bytes = value.encode_to_vec();
    assert_eq!(Value::decode(&bytes).unwrap(), value);
    assert_eq!(dynamic::<Value>(&bytes).unwrap().encode_to_vec().unwrap(), bytes);
    let any = nested_any(MANY);
    drop(any.clone());
    // Made by hand, not by a peer: no limit but the stack.
    let deeper = (0..200).fold(DescriptorProto::default(), |nested_type, _| DescriptorProto {
        nested_type: vec![nested_type],
        ..Default::default()
    });
    assert!(DescriptorProto::decode(&deeper.encode_to_vec()).is_err());
}

/// protobuf encoding: a string is UTF-8 wherever it stands, where the .proto says so.
#[test]
fn text_that_is_not_utf8_is_refused_everywhere() {
    #[track_caller]
    fn refused<M: Json + Text>(bytes: &[u8]) {
        for result in [M::decode(bytes).map(drop), dynamic::<M>(bytes).map(drop)] {
            let kind = result.expect_err(M::FULL_NAME).kind();
            assert!(matches!(kind, DecodeErrorKind::InvalidUtf8 { .. }), "{kind:?}");
        }
    }
    let wrong: [&[u8]; 6] =
        [b"\xff", b"a\x80", b"\xc3", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"];
    for text in wrong {
        let field = |tag: u8| text.to_vec().into_field(tag);
        refused::<Implicit>(&field(0x72));
        refused::<Explicit>(&field(0x72));
        refused::<Repeated>(&[b"\x72\x01a", &field(0x72)[..]].concat());
        refused::<Sample>(&field(ONEOF_TEXT));
        refused::<Keys>(&field(0x12).into_field(0x0a));
        refused::<Keys>(&field(0x0a).into_field(0x62));
        refused::<Value>(&field(0x1a));
        refused::<Value>(&field(0x1a).into_field(0x0a).into_field(0x32));
        refused::<Mixed>(&[&field(0x2a)[..], b"\x18\x01"].concat());
        // Where it need not be UTF-8, it is kept as it is.
        let loose = [&field(0x22)[..], b"\x18\x01"].concat();
        let mixed = Mixed::decode(&loose).unwrap();
        assert_eq!(mixed.loose.as_ref().unwrap().as_ref() as &[u8], text);
        assert!(mixed.to_json().is_err());
        assert_eq!(Mixed::from_text(&mixed.to_text()).unwrap(), mixed);
        let plain = Plain::decode(&field(0x0a)).unwrap();
        assert_eq!(plain.encode_to_vec(), field(0x0a));
    }
}

/// protobuf encoding: nothing reaches beyond the end of what holds it, and a length over 2 GiB is
/// refused, whatever field it stands before.
#[test]
fn lengths_past_the_end_are_refused() {
    fn refused<M: Json + Text>() {
        for number in 1..=40_u32 {
            let tag = varint_of(number << 3 | 2);
            for length in
                [&[1][..], &[0x7f], &[0xff, 0xff, 0xff, 0xff, 0x07], &[0x80; 4], &[0xff; 9]]
            {
                let alone = [&tag[..], length].concat();
                assert!(M::default().merge(&alone).is_err(), "{} {number}", M::FULL_NAME);
                assert!(dynamic::<M>(&alone).is_err());
                // In an unknown field that is long enough for it, it is only bytes.
                let inside = alone.clone().into_field(0x7a);
                let _ = M::default().merge(&inside);
            }
            for length in [&[0xff, 0xff, 0xff, 0xff, 0x0f][..], &[0x80, 0x80, 0x80, 0x80, 0x08]] {
                let over = [&tag[..], length].concat();
                let kind = M::default().merge(&over).unwrap_err().kind();
                assert!(matches!(kind, DecodeErrorKind::LengthTooLarge(_)), "{kind:?}");
            }
        }
    }
    refused::<Order>();
    refused::<Mixed>();
    refused::<Keys>();
    refused::<Values>();
    refused::<Sample>();
    refused::<Implicit>();
    refused::<Repeated>();
    refused::<Host>();
    // A length that is right for the whole input and not for the message around it.
    assert!(DescriptorProto::decode(b"\x1a\x02\x0a\x03abc").is_err());
    assert!(Values::decode(b"\x22\x02\x12\x03\x08\x01\x08").is_err());
}

/// Extensions whose bytes are no such values are errors when they are asked for.
#[test]
fn broken_extensions_are_errors_when_read() {
    // Three bytes of a packed field that ends within a varint.
    let host = Host::decode(b"\xda\x06\x01\x80").unwrap();
    assert!(host.extension(&NUMBERS).is_err());
    let checked = strict::Host::decode(&b"\xff".to_vec().into_long_field(strict::TEXT.number()));
    assert!(checked.unwrap().extension(&strict::TEXT).is_err());
}

/// The tag of `Sample.text`, a member of a oneof.
const ONEOF_TEXT: u8 = 0x4a;

fn varint_field(bytes: &[u8]) -> Vec<u8> {
    [super::varint(bytes.len()).as_slice(), bytes].concat()
}

fn varint_of(value: u32) -> Vec<u8> {
    super::varint(value as usize)
}

trait IntoField {
    /// These bytes behind a tag and their length.
    fn into_field(self, tag: u8) -> Vec<u8>;
    /// These bytes behind the tag of a larger number and their length.
    fn into_long_field(self, number: u32) -> Vec<u8>;
}

impl IntoField for Vec<u8> {
    fn into_field(self, tag: u8) -> Vec<u8> {
        [&[tag][..], &varint_field(&self)].concat()
    }

    fn into_long_field(self, number: u32) -> Vec<u8> {
        [varint_of(number << 3 | 2), varint_field(&self)].concat()
    }
}
