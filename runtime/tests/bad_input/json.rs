//! JSON: depth, size, and what is skipped.

use rust_grpc::Message;
use rust_grpc::message::{
    DynamicMessage, Json, JsonParseOptions, JsonPrintOptions, Reflect, ValueRef,
};
use rust_grpc::well_known::{
    Any, BytesValue, DescriptorProto, DoubleValue, FieldMask, FileDescriptorProto, Int32Value,
    ListValue, StringValue, Struct, Timestamp, Type, Value,
};

use super::allocator::peak_of;
use super::editions::editions::Mixed;
use super::maps::maps::Values;
use super::oneofs::oneofs::Sample;
use super::proto2::proto2::Plain;
use super::{MANY, nested_any, self_extending};

/// A hundred million bytes.
const HUNDRED_MEGABYTES: usize = 100_000_000;

/// A long token; its cost is in proportion to its length.
const LONG: usize = 4_000_000;

/// Checks that the text is refused for its depth, and that reading it takes next to no memory.
#[track_caller]
fn check_too_deep<M: Json>(text: &str, options: &JsonParseOptions<'_>) {
    let (result, peak) = peak_of(|| M::from_json_with(text, options));
    let error = result.unwrap_err().to_string();
    let limits = ["at most 100 levels of nested messages", "at most 202 levels"];
    assert!(limits.iter().any(|limit| error.contains(limit)), "{error}");
    assert!(peak < 1 << 20, "{peak} bytes");
}

/// Limits: messages are nested 100 deep, objects and arrays 202, be they messages, maps, values of
/// any kind or what is skipped.
#[test]
fn nesting_is_refused_when_too_deep() {
    let strict = JsonParseOptions::new();
    let skipping = JsonParseOptions::new().ignore_unknown();
    for open in ["[", "{\"a\":", "[{\"a\":"] {
        let text = open.repeat(MANY);
        check_too_deep::<Value>(&text, &strict);
        let unknown = format!("{{\"unknown\":{text}");
        check_too_deep::<Type>(&unknown, &skipping);
        check_too_deep::<Plain>(&unknown, &skipping);
    }
    check_too_deep::<ListValue>(&"[".repeat(MANY), &strict);
    check_too_deep::<Struct>(&"{\"a\":".repeat(MANY), &strict);
    check_too_deep::<DescriptorProto>(&"{\"nestedType\":[".repeat(MANY), &strict);
    check_too_deep::<Plain>(&"{\"children\":[".repeat(MANY), &strict);
    check_too_deep::<Values>(&"{\"values\":{\"a\":".repeat(MANY), &strict);
    let any = format!("{{\"any\":{}", "[".repeat(MANY));
    assert!(Any::from_json(&any).is_err());
    let inner = format!("{{\"prefixed\":{}", "{\"inner\":".repeat(MANY));
    check_too_deep::<Mixed>(&inner, &strict);
}

/// Limits: an `Any` in an `Any`, with the type before or behind what is in it, read and printed.
#[test]
fn nested_any_is_refused_when_too_deep() {
    let strict = JsonParseOptions::new();
    check_too_deep::<Any>(&r#"{"@type":"x/google.protobuf.Any","value":"#.repeat(MANY), &strict);
    check_too_deep::<Any>(&r#"{"value":"#.repeat(MANY), &strict);
    let behind = r#"{"value":"#.repeat(60) + "{}";
    let behind = behind + &r#","@type":"x/google.protobuf.Any"}"#.repeat(60);
    assert!(Any::from_json(&behind).is_ok());
    for (levels, is_fine) in [(50, true), (99, true), (101, false), (MANY, false)] {
        let any = nested_any(levels);
        let (printed, peak) = peak_of(|| any.to_json());
        assert_eq!(printed.is_ok(), is_fine, "{levels} levels");
        assert!(peak < 36 * any.value.len() + (128 << 20), "{peak} bytes for {levels} levels");
    }
}

/// Limits: an extension in an extension, printed and read.
#[test]
fn nested_extensions_are_refused_when_too_deep() {
    let pool = self_extending();
    let open = pool.message("deep.Open").unwrap();
    let print = |levels: usize| {
        let bytes = super::nested(&[0xaa, 0x06], levels, b"");
        let message = DynamicMessage::decode(open, &bytes).unwrap();
        JsonPrintOptions::new().pool(&pool).print(&message)
    };
    let printed = print(99).unwrap();
    let mut message = DynamicMessage::new(open);
    JsonParseOptions::new().pool(&pool).merge(&printed, &mut message).unwrap();
    assert!(print(MANY).is_err());
    let text = r#"{"[deep.inner]":"#.repeat(MANY);
    let mut message = DynamicMessage::new(open);
    assert!(JsonParseOptions::new().pool(&pool).merge(&text, &mut message).is_err());
}

/// Limits: 100 MB of brackets end at the hundredth, whatever is read and however.
#[test]
fn a_hundred_megabytes_of_brackets_end_at_once() {
    let skipping = JsonParseOptions::new().ignore_unknown();
    for bracket in ["[", "{", "]", "{\"\":"] {
        let text = bracket.repeat(HUNDRED_MEGABYTES / bracket.len());
        let (_, peak) = peak_of(|| {
            assert!(Value::from_json(&text).is_err(), "{bracket}");
            assert!(Type::from_json(&text).is_err());
            assert!(Any::from_json(&text).is_err());
            assert!(FieldMask::from_json_with(&text, &skipping).is_err());
        });
        assert!(peak < 1 << 20, "{peak} bytes for {bracket}");
    }
    let unknown = format!("{{\"unknown\":{}", "[".repeat(HUNDRED_MEGABYTES));
    check_too_deep::<Type>(&unknown, &skipping);
}

/// A number of megabytes is a number, and costs no more than its length.
#[test]
fn a_giant_number_is_read_once() {
    let digits = "1".repeat(LONG);
    let (_, peak) = peak_of(|| {
        assert!(Int32Value::from_json(&digits).is_err());
        assert!(DoubleValue::from_json(&digits).is_err(), "it is beyond the type");
        assert!(Timestamp::from_json(&digits).is_err());
        assert!(Value::from_json(&digits).is_err());
    });
    assert!(peak < 1 << 20, "{peak} bytes");
    let zeros = format!("1.{}", "0".repeat(LONG));
    assert_eq!(Int32Value::from_json(&zeros).unwrap().value, 1);
    assert_eq!(DoubleValue::from_json(&zeros).unwrap().value.to_bits(), 1_f64.to_bits());
    for exponent in ["1e", "1e-", "0e", "1.5E+"] {
        let text = format!("{exponent}{}", "9".repeat(LONG / 10));
        let integer = Int32Value::from_json(&text);
        assert_eq!(integer.is_ok(), exponent == "0e", "{exponent}");
    }
}

/// A string of megabytes is one string: it costs its length, and no more than twice that with escapes.
#[test]
fn a_giant_string_costs_its_length() {
    for (unit, length) in [("a", 1), ("\\u0041", 1), ("\\ud83d\\ude00", 4)] {
        let count = LONG / unit.len();
        let text = format!("\"{}\"", unit.repeat(count));
        let (value, peak) = peak_of(|| StringValue::from_json(&text).unwrap());
        assert_eq!(value.value.len(), count * length);
        assert!(peak < 4 * count * length + (1 << 20), "{peak} bytes for {unit}");
        let (error, peak) = peak_of(|| Int32Value::from_json(&text).unwrap_err().to_string());
        assert!(error.len() < 1000, "an error shows no more than the beginning");
        assert!(peak < 4 * count * length + (1 << 20), "{peak} bytes for {unit}");
    }
    let base64 = format!("\"{}\"", "QUJD".repeat(LONG / 4));
    let (bytes, peak) = peak_of(|| BytesValue::from_json(&base64).unwrap());
    assert_eq!(bytes.value.len(), LONG / 4 * 3);
    assert!(peak < 3 * LONG, "{peak} bytes");
    let name = format!("{{\"{}\":1}}", "n".repeat(LONG));
    let (error, peak) = peak_of(|| Type::from_json(&name).unwrap_err().to_string());
    assert!(error.len() < 1000 && peak < 3 * LONG, "{peak} bytes: {}", error.len());
}

/// RFC 8259 8.1: what is no UTF-8 never becomes a text; lone surrogates in escapes are refused.
#[test]
fn surrogates_are_refused_everywhere() {
    for text in [r#""\ud800""#, r#""\udc00""#, r#""\udc00\ud800""#, r#""\ud800\u0041""#] {
        assert!(StringValue::from_json(text).is_err(), "{text}");
        assert!(Value::from_json(text).is_err());
        assert!(Value::from_json(&format!("{{{text}:1}}")).is_err());
        assert!(Sample::from_json(&format!("{{\"text\":{text}}}")).is_err());
        assert!(Sample::from_json(&format!("{{{text}:1}}")).is_err());
        let skipping = JsonParseOptions::new().ignore_unknown();
        assert!(Sample::from_json_with(&format!("{{\"x\":[{text}]}}"), &skipping).is_err());
    }
}

/// A value as deep as can be is handled within the stack, and dropped.
#[test]
fn deep_values_are_handled_within_the_stack() {
    let objects = "{\"a\":".repeat(33) + "0" + &"}".repeat(33);
    let value = Value::from_json(&objects).unwrap();
    assert_eq!(value.to_json().unwrap().len(), objects.len());
    assert!(format!("{value:#?}").contains("Number"));
    assert!(Value::from_json(&("{\"a\":".repeat(34) + "0" + &"}".repeat(34))).is_err());
    let descriptor = value.descriptor();
    let mut dynamic = DynamicMessage::new(descriptor);
    JsonParseOptions::new().merge(&objects, &mut dynamic).unwrap();
    assert_eq!(dynamic.clone(), dynamic);
    let number = descriptor.field_by_number(5).unwrap();
    let set = dynamic.field(number.index());
    assert!(matches!(set, rust_grpc::message::FieldRef::Singular(ValueRef::Message(_))));
    let file = r#"{"messageType":[{"nestedType":[{"nestedType":[{}]}]}]}"#;
    assert!(FileDescriptorProto::from_json(file).is_ok());
}
