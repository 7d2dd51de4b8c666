//! Input that grows in memory: small on the wire, large when decoded. A budget of 16 bytes for each
//! byte of input, which is the default for large input, holds it, and the allocator says so.

use rust_grpc::message::{
    DecodeErrorKind, DecodeOptions, DynamicMessage, Json, JsonParseOptions, Text, TextParseOptions,
};
use rust_grpc::well_known::{Any, FileDescriptorProto, ListValue, Struct, Value};
use rust_grpc::{Extendable, Message};

use super::allocator::peak_of;
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

/// A vector holds twice its elements while it grows to twice its size; a hash table is at most
/// half full then. Strings and bytes are not charged, being no longer than the input.
const FACTOR: usize = 4;

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

#[track_caller]
fn check_peak(peak: usize, input: usize, what: &str) {
    let limit = FACTOR * BUDGET + 2 * input;
    assert!(peak <= limit, "{what}: {} KiB, allowed are {} KiB", peak >> 10, limit >> 10);
}

/// Decodes within the budget; `end` is what becomes of it.
#[track_caller]
fn check<M: Json + Text>(input: &[u8], end: End) {
    let options = DecodeOptions::new().memory_limit(BUDGET);
    let (result, peak) = peak_of(|| M::decode_with(input, &options));
    check_peak(peak, input.len(), M::FULL_NAME);
    let got = match result.map_err(|error| error.kind()) {
        Err(DecodeErrorKind::TooMuchMemory { limit: BUDGET }) => Refused,
        Ok(_) | Err(DecodeErrorKind::MissingField) => Decoded,
        Err(other) => panic!("{}: {other}", M::FULL_NAME),
    };
    let start = input[..input.len().min(8)].escape_ascii();
    assert_eq!(got, end, "{}: {start} ...", M::FULL_NAME);
    let message = M::default();
    let (_, peak) =
        peak_of(|| DynamicMessage::decode_with(message.descriptor(), input, &options).map(drop));
    check_peak(peak, input.len(), &format!("dynamic {}: {start} ...", M::FULL_NAME));
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
    check::<Keys>(&filled(b"\x62\x00"), Refused);
    check::<Values>(&filled(b"\x2a\x00"), Refused);
    check::<Struct>(&filled(b"\x0a\x00"), Refused);
    check::<Order>(&filled(b"\x3a\x02\x10\x09"), Refused);
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
    let (result, peak) = peak_of(|| host.extension(&NOTES).map(drop));
    check_peak(peak, INPUT, "extensions.Note.notes");
    assert!(result.is_ok(), "24 bytes for each three");
    let pool = self_extending();
    let open = pool.message("deep.Open").unwrap();
    let message = DynamicMessage::decode(open, &filled(b"\xa2\x06\x00")).unwrap();
    let options = rust_grpc::message::JsonPrintOptions::new().pool(&pool);
    let (_, peak) = peak_of(|| options.print(&message).map(drop));
    check_peak(peak, INPUT, "extensions, printed");
}

/// Limits: a length is a claim; memory grows with the bytes that come.
#[test]
fn lengths_that_lie_take_no_memory() {
    let claim = b"\xff\xff\xff\xff\x07";
    let stream = [claim.as_slice(), &[0x0a; 1000]].concat();
    let (read, peak) = peak_of(|| Repeated::read_length_delimited(&mut stream.as_slice()));
    assert!(read.is_err() && peak < 1 << 14, "{peak} bytes of a stream");
    for number in 1..=15 {
        let field = [&[number << 3 | 2][..], claim, &[0; 1000]].concat();
        let (read, peak) = peak_of(|| Repeated::decode(&field));
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
        let (read, peak) = peak_of(|| M::from_json_with(&text, &options).map(drop));
        check_peak(peak, text.len(), &format!("{} of {unit}", M::FULL_NAME));
        if let Err(error) = read {
            let error = error.to_string();
            assert!(error.contains("expected to need at most"), "{unit}: {error}");
        }
        let mut message = DynamicMessage::new(M::default().descriptor());
        let (_, peak) = peak_of(|| options.merge(&text, &mut message).map(drop));
        check_peak(peak, text.len(), &format!("dynamic {} of {unit}", M::FULL_NAME));
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
    let (_, peak) = peak_of(|| Struct::from_json_with(&text, &options).map(drop));
    check_peak(peak, text.len(), "google.protobuf.Struct");
    let members: String = (0..INPUT / 8).map(|key| format!("\"{key}\":\"\",")).collect();
    let text = format!("{{\"int64\":{{{members}\"-1\":\"\"}}}}");
    let (_, peak) = peak_of(|| Keys::from_json_with(&text, &options).map(drop));
    check_peak(peak, text.len(), "maps.Keys");
    let text = format!(
        "{{\"@type\":\"x/google.protobuf.ListValue\",\"value\":[{}0]}}",
        filled_text("[],")
    );
    let (_, peak) = peak_of(|| Any::from_json_with(&text, &options).map(drop));
    check_peak(peak, text.len(), "google.protobuf.Any");
}

/// Limits: text of many elements, each of a few letters.
#[test]
fn text_elements_are_charged() {
    #[track_caller]
    fn check<M: Text>(before: &str, unit: &str, after: &str) {
        let options = TextParseOptions::new().memory_limit(BUDGET);
        let text = format!("{before}{}{after}", filled_text(unit));
        let (read, peak) = peak_of(|| M::from_text_with(&text, &options).map(drop));
        check_peak(peak, text.len(), &format!("{} of {unit}", M::FULL_NAME));
        if let Err(error) = read {
            let error = error.to_string();
            assert!(error.contains("expected to need at most"), "{unit}: {error}");
        }
        let mut message = DynamicMessage::new(M::default().descriptor());
        let (_, peak) = peak_of(|| options.merge(&text, &mut message).map(drop));
        check_peak(peak, text.len(), &format!("dynamic {} of {unit}", M::FULL_NAME));
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
