//! Messages in all formats. The types are those of the generator's golden files, where every construct
//! of the .proto language has its place.

#[path = "../../../golden/editions/mod.rs"]
mod editions;
#[path = "../../../golden/extensions/mod.rs"]
mod extensions;
#[path = "../../../golden/maps/mod.rs"]
mod maps;
#[path = "../../../golden/proto2/mod.rs"]
mod proto2;
#[path = "../../../golden/scalars/mod.rs"]
mod scalars;

use self::editions::editions::Mixed;
use self::extensions::extensions::{Host, ITEM, LEVELS, PART, Set, item, note};
use self::maps::maps::{Keys, Values};
use self::proto2::proto2::Order;
use self::scalars::scalars::{Explicit, Repeated};
use crate::Extendable;
use crate::message::{
    DecodeOptions, DescriptorPool, DynamicMessage, Json, JsonParseOptions, Message, Text,
    TextPrintOptions,
};
use crate::well_known::{Any, Api, FileDescriptorProto, Type, Value};

/// Calls a function with each type.
macro_rules! with_each_type {
    ($function:ident($input:expr)) => {
        $function::<Value>($input);
        $function::<Type>($input);
        $function::<Api>($input);
        $function::<Order>($input);
        $function::<Mixed>($input);
        $function::<Host>($input);
        $function::<Set>($input);
        $function::<Keys>($input);
        $function::<Values>($input);
        $function::<Explicit>($input);
        $function::<Repeated>($input);
    };
}

/// Decodes a message of a peer as several types: recursive ones, with maps, oneofs, groups, closed
/// enums, required fields and extensions, generated and known only at run time.
///
/// What must hold: nothing panics, what was decoded encodes to bytes that mean the same, and both
/// kinds of messages agree.
///
/// # Panics
///
/// If any of that does not hold.
pub fn message(input: &[u8]) {
    with_each_type!(fixed_point(input));
    fixed_point::<FileDescriptorProto>(input);
    extensions(input);
}

/// What is decoded encodes to bytes that decode to the same and encode to themselves.
fn fixed_point<M: Json + Text>(input: &[u8]) {
    let decoded = M::decode(input);
    let descriptor = M::default();
    let dynamic = DynamicMessage::decode(descriptor.descriptor(), input);
    let Ok(message) = decoded else { return };
    let encoded = message.encode_to_vec();
    assert_eq!(message.encoded_len(), encoded.len());
    let again = M::decode(&encoded).expect("our own message");
    // By bytes, because NaN is not equal to itself.
    assert_eq!(again.encode_to_vec(), encoded);
    let mut twice = message.clone();
    twice.merge(&encoded).expect("our own message");
    // Messages that are known only at run time take more memory, and nothing else is refused.
    match dynamic {
        Ok(dynamic) => assert_eq!(dynamic.encode_to_vec().expect("it was decoded"), encoded),
        Err(error) => assert!(error.to_string().contains("memory"), "{error}"),
    }
}

/// Reads, sets and clears extensions, whatever the bytes under their numbers are.
fn extensions(input: &[u8]) {
    let Ok(mut host) = Host::decode(input) else { return };
    let level = host.extension(&LEVELS);
    let part = host.extension(&PART);
    let notes = host.extension(&note::NOTES);
    let item = host.extension(&ITEM);
    let options = DecodeOptions::new();
    let pool = DescriptorPool::of::<Host>();
    let checked = Host::decode_with(input, &options.pool(&pool));
    if checked.is_ok() {
        assert!(level.is_ok() && part.is_ok() && notes.is_ok() && item.is_ok());
    }
    if let (Ok(level), Ok(notes)) = (level, notes) {
        host.set_extension(&LEVELS, level.clone());
        host.set_extension(&note::NOTES, notes.clone());
        let host = Host::decode(&host.encode_to_vec()).expect("our own message");
        assert_eq!(host.extension(&LEVELS).expect("it was set"), level);
        assert_eq!(host.extension(&note::NOTES).expect("it was set"), notes);
    }
    host.clear_extension(&PART);
    assert!(!host.has_extension(&PART));
    let Ok(mut set) = Set::decode(input) else { return };
    if let Ok(note) = set.extension(&note::IN_SET) {
        set.set_extension(&note::IN_SET, note.clone());
        assert_eq!(set.extension(&note::IN_SET).expect("it was set"), note);
    }
    set.clear_extension(&item::IN_SET);
    assert!(!set.has_extension(&item::IN_SET));
}

/// Parses text as the same types. What is no UTF-8 is taken for a message, and printed.
///
/// What must hold: nothing panics, and what was parsed is printed, reads back and is printed the
/// same.
///
/// # Panics
///
/// If any of that does not hold.
pub fn text(input: &[u8]) {
    with_each_type!(through_text(input));
    through_text::<FileDescriptorProto>(input);
    through_text::<Any>(input);
}

/// What is printed is parsed, and printed the same.
fn through_text<M: Text>(input: &[u8]) {
    let message = match std::str::from_utf8(input) {
        Ok(text) => M::from_text(text).ok(),
        Err(_) => M::decode(input).ok(),
    };
    let Some(message) = message else { return };
    let printed = message.to_text();
    let again = M::from_text(&printed).expect("what was printed is parsed");
    assert_eq!(again.to_text(), printed);
    let line = TextPrintOptions::new().single_line();
    let again = M::from_text(&message.to_text_with(&line)).expect("a line is a text");
    assert_eq!(again.to_text(), printed);
    let again = M::decode(&message.encode_to_vec()).expect("our own message");
    assert_eq!(again.to_text(), printed);
}

/// Decodes a message of a peer as the same types, and sends it through JSON and text.
///
/// What must hold: the message that comes back is the one that was sent, as far as these formats
/// can say it.
///
/// # Panics
///
/// If any of that does not hold.
pub fn round_trip(input: &[u8]) {
    with_each_type!(formats(input));
}

/// From binary to text and back, and from binary to JSON and back.
fn formats<M: Json + Text>(input: &[u8]) {
    let Ok(message) = M::decode(input) else { return };
    let encoded = message.encode_to_vec();
    let text = message.to_text();
    // Neither format says unknown fields, nor how extensions were encoded, nor which of all NaNs one
    // is.
    let is_all_said = message.unknown_fields().is_empty()
        && message.to_text_with(&TextPrintOptions::new().unknown_fields()) == text
        && !text.contains("nan");
    let again = M::from_text(&text).expect("what was printed is parsed");
    assert_eq!(again.to_text(), text);
    assert!(!is_all_said || again.encode_to_vec() == encoded, "{text}");

    let Ok(json) = message.to_json() else { return };
    let deep = JsonParseOptions::new().depth_limit(1000);
    let again = M::from_json_with(&json, &deep).expect("what was printed is parsed");
    assert_eq!(again.to_json().as_ref(), Ok(&json));
    // Every number of `NullValue` is null.
    let is_all_said = is_all_said && !json.contains("null");
    assert!(!is_all_said || again.encode_to_vec() == encoded, "{json}");
}

/// Parses JSON as several types: any JSON, a recursive type with closed enums and extensions, a
/// type with lists and an `Any`. What is no text is taken for a message, and printed.
///
/// What must hold: nothing panics, what was parsed is printed, and what was printed reads back and
/// is printed the same.
///
/// # Panics
///
/// If any of that does not hold.
pub fn json(input: &[u8]) {
    fn there_and_back<M: Json>(input: &[u8]) {
        let printed = match std::str::from_utf8(input) {
            Ok(text) => match M::from_json(text) {
                Ok(message) => message.to_json().expect("what was parsed is printed"),
                Err(_) => return,
            },
            Err(_) => match M::decode(input).map(|message| message.to_json()) {
                Ok(Ok(text)) => text,
                Ok(Err(_)) | Err(_) => return,
            },
        };
        let again = M::from_json(&printed).expect("what was printed is parsed");
        assert_eq!(again.to_json().as_ref(), Ok(&printed));
    }
    there_and_back::<Value>(input);
    there_and_back::<FileDescriptorProto>(input);
    there_and_back::<Type>(input);
    there_and_back::<Any>(input);
}
