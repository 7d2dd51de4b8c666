//! Input that grows in memory: small on the wire, large when decoded. A budget of 16 bytes for each
//! byte of input, half of the default, holds it, and the allocator says so: what is kept is within the budget, and what a
//! list or map was before it grew comes on top for a moment.

use std::collections::BTreeMap;

use rust_grpc::message::{
    DecodeErrorKind, DecodeOptions, DynamicMessage, Json, JsonParseOptions, Reflect, Text,
    TextParseOptions,
};
use rust_grpc::well_known::{
    Any, FieldMask, FileDescriptorProto, FileDescriptorSet, ListValue, Struct, Value,
};
use rust_grpc::{Extendable, Message};

use super::allocator::memory_of;
use super::editions::editions::Mixed;
use super::extensions::extensions::{Host, note::NOTES};
use super::maps::maps::{Keys, Values};
use super::proto2::proto2::{Order, Plain};
use super::scalars::scalars::Repeated;
use super::{self_extending, varint};

/// Bytes of input.
const INPUT: usize = 1 << 20;

/// The budget for so much input.
const BUDGET: usize = 16 * INPUT;

/// What an error takes, and what a thread keeps.
const BESIDES: usize = 1 << 12;

/// As many of `unit` as make up the input.
fn filled(unit: &[u8]) -> Vec<u8> {
    unit.repeat(INPUT / unit.len())
}

/// Whether the input may be decoded, or must be refused.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Decoded,
    Refused,
}
use End::{Decoded, Refused};

/// Does what is to be done within a budget, and checks that it is.
#[track_caller]
fn within<T>(budget: usize, what: &str, work: impl FnOnce() -> T) -> T {
    let (result, peak, kept) = memory_of(work);
    assert!(kept <= budget + BESIDES, "{what}: {kept} bytes are kept, allowed are {budget}");
    // A list or map is twice as large then as it was, at least.
    let limit = budget + budget / 2;
    assert!(peak <= limit + BESIDES, "{what}: {peak} bytes, allowed are {limit}");
    result
}

/// Decodes within the budget; `end` is what becomes of it.
#[track_caller]
fn check<M: Json + Text>(input: &[u8], end: End) {
    check_within::<M>(input, BUDGET, end);
}

/// The same within another budget.
#[track_caller]
fn check_within<M: Json + Text>(input: &[u8], budget: usize, end: End) {
    let options = DecodeOptions::new().memory_limit(budget);
    let what = format!("{}: {} ...", M::FULL_NAME, input[..input.len().min(8)].escape_ascii());
    // Strings and bytes are not charged: there is no more of them than of the input.
    let memory = budget + input.len();
    let result = within(memory, &what, || M::decode_with(input, &options));
    let got = match result.map_err(|error| error.kind()) {
        Err(DecodeErrorKind::TooMuchMemory { limit }) if limit == budget => Refused,
        Ok(_) | Err(DecodeErrorKind::MissingField) => Decoded,
        Err(other) => panic!("{what}: {other}"),
    };
    assert_eq!(got, end, "{what}");
    let message = M::default();
    let descriptor = message.descriptor();
    drop(within(memory, &format!("dynamic {what}"), || {
        DynamicMessage::decode_with(descriptor, input, &options)
    }));
}

/// A message that comes again takes no more memory, in dynamic messages as in others.
#[test]
fn a_message_that_comes_again_is_charged_once() {
    let input = [0x42, 0].repeat(1000);
    let options = DecodeOptions::new().memory_limit(10_000);
    let file = FileDescriptorProto::decode_with(&input, &options).unwrap();
    assert!(DynamicMessage::decode_with(file.descriptor(), &input, &options).is_ok());
}

/// The least limit within which input without strings can be decoded is what the allocator counts, be
/// it a byte or megabytes: no list or map has more than was charged, and is refused for less.
#[test]
fn the_limit_is_what_is_allocated() {
    #[track_caller]
    fn check<M: Json + Text>(input: &[u8]) {
        let decode =
            |limit: usize| M::decode_with(input, &DecodeOptions::new().memory_limit(limit));
        let (message, _, kept) = memory_of(|| M::decode(input).unwrap());
        let start = input[..input.len().min(8)].escape_ascii();
        let what = format!("{}: {kept} bytes of {start} ...", M::FULL_NAME);
        drop(message);
        assert!(decode(kept).is_ok(), "{what}");
        assert!(kept == 0 || decode(kept - 1).is_err(), "{what}");
    }
    for count in [0, 1, 3, 4, 5, 7, 8, 9, 14, 15, 100, 10_000, 33_001] {
        let many = |unit: &[u8]| unit.repeat(count);
        check::<FieldMask>(&many(b"\x0a\x00"));
        check::<FileDescriptorProto>(&many(b"\x22\x00"));
        check::<Plain>(&many(b"\xa0\x1f\x01"));
        check::<Repeated>(&many(b"\x22\x03\x01\x02\x03"));
        check::<Repeated>(&many(b"\x68\x01"));
        check::<Keys>(&entries(count, b"\x12\x00"));
        check::<Values>(&entries_of(0x22, count, b"\x12\x00"));
    }
}

/// A B-tree is charged with no less than its nodes take, in whatever order its entries come.
#[test]
fn trees_are_within_their_charge() {
    use rust_grpc::generated::message::{Int32, Int64, Str};
    use rust_grpc::message::Budget;
    let orders: [fn(usize) -> usize; 4] =
        [|key| key, |key| 5000 - key, |key| key * 7919 % 5003, |key| key * 2 % 4999];
    for order in orders {
        for count in (1..200).chain([1000, 5000]) {
            let bytes: Vec<u8> = (0..count)
                .flat_map(|number| {
                    let key = varint(order(number));
                    [&[0x0a, key.len() as u8 + 1, 0x08][..], &key].concat()
                })
                .collect();
            let read = |limit, is_large: bool| {
                let (mut small, mut large) = (BTreeMap::<i32, i32>::new(), BTreeMap::new());
                let mut budget = Budget::with_limits(&bytes, 100, limit);
                let mut reader = budget.reader(&bytes);
                reader.next_tag().unwrap();
                let result = match is_large {
                    true => reader.map::<Int64, Str>(&mut large),
                    false => reader.map::<Int32, Int32>(&mut small),
                };
                result.map(|()| (small, large))
            };
            for is_large in [true, false] {
                let (result, _, kept) = memory_of(|| read(usize::MAX, is_large));
                assert!(result.is_ok() && read(kept - 1, is_large).is_err(), "{count}: {kept}");
                assert!(read(4 * kept, is_large).is_ok(), "{count}: {kept}");
            }
        }
    }
}

/// An entry for each number, with this value.
fn entries(count: usize, value: &[u8]) -> Vec<u8> {
    entries_of(0x12, count, value)
}

/// The same in another field.
fn entries_of(tag: u8, count: usize, value: &[u8]) -> Vec<u8> {
    let entry = |number| {
        let key = varint(number);
        [&[tag, (key.len() + 1 + value.len()) as u8, 0x08][..], &key, value].concat()
    };
    (0..count).flat_map(entry).collect()
}

/// Limits: lists and maps that have just grown, which is when they have the most room.
#[test]
fn room_is_charged() {
    const MIB: usize = 1 << 20;
    for (count, end) in [(2, Decoded), (3000, Refused), (100_000, Refused)] {
        check_within::<FileDescriptorProto>(&b"\x22\x00".repeat(count), MIB, end);
    }
    check_within::<FieldMask>(&b"\x0a\x00".repeat(33_001), 1_000_000, Refused);
    check_within::<FieldMask>(&b"\x0a\x00".repeat(33_001), 2_000_000, Decoded);
    check_within::<Keys>(&entries(14_000, b"\x12\x00"), MIB, Decoded);
    check_within::<Keys>(&entries(15_000, b"\x12\x00"), 3 * MIB / 2, Decoded);
    check_within::<Keys>(&entries(40_000, b"\x12\x00"), MIB, Refused);
    // Not only in large ones: many messages with a list of one, and with one unknown field.
    check_within::<FileDescriptorSet>(&b"\x0a\x02\x1a\x00".repeat(10_000), MIB, Refused);
    check_within::<ListValue>(&b"\x0a\x03\xa0\x1f\x01".repeat(30_000), 4 * MIB, Decoded);
}

/// Limits: two bytes become a struct of hundreds, as submessage, group, or member of a oneof.
#[test]
fn empty_messages_are_charged() {
    check::<FileDescriptorProto>(&filled(b"\x22\x00"), Refused);
    check::<FileDescriptorProto>(&filled(b"\x2a\x00"), Refused);
    check::<Plain>(&filled(b"\x1a\x00"), Refused);
    check::<Mixed>(&filled(b"\x63\x64"), Refused);
    check::<Order>(&filled(b"\x6b\x6c"), Decoded);
    // One message, merged into again and again.
    check::<Order>(&filled(b"\x63\x64"), Decoded);
    check::<Order>(&filled(b"\x1a\x00"), Decoded);
    check::<Order>(&filled(b"\x92\x01\x00"), Decoded);
    check::<ListValue>(&filled(b"\x0a\x00"), Refused);
    check::<ListValue>(&filled(b"\x0a\x02\x32\x00"), Refused);
    // In messages in messages: what is deep is not cheaper.
    let inner = b"\x1a\x00".repeat(500);
    let deep = [&[0x1a][..], &varint(inner.len()), &inner].concat();
    check::<Plain>(&filled(&deep), Refused);
}

/// Limits: numbers, strings and bytes of no length, packed and not.
#[test]
fn small_elements_are_charged() {
    let packed = |tag: u8| [&[tag][..], &varint(INPUT), &vec![1; INPUT]].concat();
    for number in 1..=13 {
        check::<Repeated>(&packed(number << 3 | 2), Decoded);
    }
    check::<Repeated>(&filled(b"\x20\x01"), Decoded);
    check::<Repeated>(&filled(b"\x72\x00"), Decoded);
    check::<Repeated>(&filled(b"\x7a\x00"), Decoded);
    check::<Repeated>(&filled(b"\x72\x01a"), Decoded);
    check::<Order>(&filled(b"\x5a\x00"), Decoded);
    check::<FileDescriptorProto>(&filled(b"\x1a\x00"), Decoded);
}

/// Limits: entries of maps, alike and different, and those that a closed enum turns away.
#[test]
fn map_entries_are_charged() {
    check::<Keys>(&filled(b"\x0a\x00"), Decoded);
    check::<Keys>(&filled(b"\x62\x00"), Decoded);
    check::<Values>(&filled(b"\x2a\x00"), Decoded);
    check::<Struct>(&filled(b"\x0a\x00"), Decoded);
    check::<Order>(&filled(b"\x3a\x02\x10\x09"), Decoded);
    check::<Order>(&filled(b"\x9a\x01\x00"), Decoded);
    let mut different = Vec::new();
    let mut key = 0_usize;
    while different.len() < INPUT {
        let number = varint(key + (1 << 14));
        different.extend([&[0x0a, number.len() as u8 + 1, 0x08][..], &number].concat());
        key += 1;
    }
    check::<Keys>(&different, Decoded);
}

/// Limits: unknown fields of every wire type, and the numbers that a closed enum does not know.
#[test]
fn unknown_fields_are_charged() {
    for unit in [&b"\xa0\x1f\x01"[..], b"\xa2\x1f\x00", b"\xa3\x1f\xa4\x1f", b"\xa5\x1f\0\0\0\0"] {
        check::<Plain>(&filled(unit), Decoded);
        check::<Host>(&filled(unit), Decoded);
    }
    check::<Order>(&filled(b"\x20\x63"), Decoded);
    check::<Order>(&filled(b"\x28\x63"), Decoded);
    let packed = [&[0x32][..], &varint(INPUT), &vec![0x63; INPUT]].concat();
    check::<Order>(&packed, Decoded);
}

/// Limits: an extension is charged when it is asked for, as bytes before.
#[test]
fn extensions_are_charged() {
    let host = Host::decode(&filled(b"\xba\x09\x00")).unwrap();
    let result = within(2 * BUDGET, "extensions.Note.notes", || host.extension(&NOTES).map(drop));
    assert!(result.is_ok(), "24 bytes for each three");
    let pool = self_extending();
    let open = pool.message("deep.Open").unwrap();
    let message = DynamicMessage::decode(open, &filled(b"\xa2\x06\x00")).unwrap();
    let options = rust_grpc::message::JsonPrintOptions::new().pool(&pool);
    within(2 * BUDGET, "extensions, printed", || options.print(&message).map(drop)).unwrap();
}

/// Limits: a length is a claim; memory grows with the bytes that come.
#[test]
fn lengths_that_lie_take_no_memory() {
    let claim = b"\xff\xff\xff\xff\x07";
    let stream = [claim.as_slice(), &[0x0a; 1000]].concat();
    let (read, peak, _) = memory_of(|| Repeated::read_length_delimited(&mut stream.as_slice()));
    assert!(read.is_err() && peak < 1 << 14, "{peak} bytes of a stream");
    for number in 1..=15 {
        let field = [&[number << 3 | 2][..], claim, &[0; 1000]].concat();
        let (read, peak, _) = memory_of(|| Repeated::decode(&field));
        assert!(read.is_err() && peak < 1 << 12, "{peak} bytes of field {number}");
    }
}

/// Limits: JSON of many elements, each of a few letters.
#[test]
fn json_elements_are_charged() {
    #[track_caller]
    fn check<M: Json>(before: &str, unit: &str, after: &str) {
        let options = JsonParseOptions::new().memory_limit(BUDGET);
        let text = format!("{before}{}{after}", filled_text(unit));
        let what = format!("{} of {unit}", M::FULL_NAME);
        // What describes the type is made once.
        let mut message = DynamicMessage::new(M::default().descriptor());
        drop((M::from_json("{}"), options.merge("{}", &mut message)));
        let read = within(BUDGET, &what, || M::from_json_with(&text, &options));
        if let Err(error) = read {
            let error = error.to_string();
            assert!(error.contains("expected to need at most"), "{unit}: {error}");
        }
        let _ = within(BUDGET, &format!("dynamic {what}"), || options.merge(&text, &mut message));
    }
    check::<FileDescriptorProto>("{\"messageType\":[", "{},", "{}]}");
    check::<FileDescriptorProto>("{\"dependency\":[", "\"\",", "\"\"]}");
    check::<FileDescriptorProto>("{\"publicDependency\":[", "0,", "0]}");
    check::<Plain>("{\"children\":[", "{},", "{}]}");
    check::<Repeated>("{\"bytes\":[", "\"\",", "\"\"]}");
    check::<Repeated>("{\"uint64\":[", "0,", "0]}");
    for unit in ["[],", "{},", "\"\",", "0,", "null,", "[[]],", "{\"\":0},"] {
        check::<Value>("[", unit, "0]");
        check::<ListValue>("[", unit, "0]");
    }
}

/// Limits: JSON of many members with names of their own.
#[test]
fn json_members_are_charged() {
    let options = JsonParseOptions::new().memory_limit(BUDGET);
    let members: String = (0..INPUT / 8).map(|key| format!("\"{key:x}\":{{}},")).collect();
    let text = format!("{{{members}\"z\":0}}");
    let _ = within(BUDGET, "google.protobuf.Struct", || Struct::from_json_with(&text, &options));
    let members: String = (0..INPUT / 8).map(|key| format!("\"{key}\":\"\",")).collect();
    let text = format!("{{\"int64\":{{{members}\"-1\":\"\"}}}}");
    let _ = within(BUDGET, "maps.Keys", || Keys::from_json_with(&text, &options));
    let text = format!(
        "{{\"@type\":\"x/google.protobuf.ListValue\",\"value\":[{}0]}}",
        filled_text("[],")
    );
    let _ = within(BUDGET, "google.protobuf.Any", || Any::from_json_with(&text, &options));
}

/// Limits: text of many elements, each of a few letters.
#[test]
fn text_elements_are_charged() {
    #[track_caller]
    fn check<M: Text>(before: &str, unit: &str, after: &str) {
        let options = TextParseOptions::new().memory_limit(BUDGET);
        let text = format!("{before}{}{after}", filled_text(unit));
        let what = format!("{} of {unit}", M::FULL_NAME);
        // What describes the type is made once.
        let mut message = DynamicMessage::new(M::default().descriptor());
        drop((M::from_text(""), options.merge("", &mut message)));
        let read = within(BUDGET, &what, || M::from_text_with(&text, &options));
        if let Err(error) = read {
            let error = error.to_string();
            assert!(error.contains("expected to need at most"), "{unit}: {error}");
        }
        let _ = within(BUDGET, &format!("dynamic {what}"), || options.merge(&text, &mut message));
    }
    check::<FileDescriptorProto>("message_type:[", "<>,", "{}]");
    check::<FileDescriptorProto>("", "message_type{}", "");
    check::<FileDescriptorProto>("dependency:[", "'',", "'']");
    check::<FileDescriptorProto>("public_dependency:[", "0,", "0]");
    check::<Plain>("children:[", "{},", "{}]");
    check::<Struct>("fields:[", "{},", "{}]");
    check::<Values>("values:[", "{},", "{}]");
    check::<ListValue>("values:[", "{},", "{}]");
    check::<ListValue>("values:[", "{list_value{}},", "{}]");
}

fn filled_text(unit: &str) -> String {
    unit.repeat(INPUT / unit.len())
}
