//! The text format: depth, size, and what is skipped.

use rust_grpc::Message;
use rust_grpc::message::{DynamicMessage, Text, TextParseOptions, TextPrintOptions};
use rust_grpc::well_known::{
    Any, BytesValue, DescriptorProto, DoubleValue, Int32Value, StringValue, Struct, Value,
};

use super::allocator::{peak_of, total_of};
use super::editions::editions::Mixed;
use super::maps::maps::Values;
use super::proto2::proto2::{Order, Plain};
use super::reserved::reserved::Thing;
use super::{MANY, nested_any, self_extending};

/// A hundred million bytes.
const HUNDRED_MEGABYTES: usize = 100_000_000;

/// A long token; its cost is in proportion to its length.
const LONG: usize = 4_000_000;

#[track_caller]
fn check_too_deep<M: Text>(text: &str, options: &TextParseOptions<'_>) {
    let (result, peak) = peak_of(|| M::from_text_with(text, options));
    let error = result.unwrap_err().to_string();
    assert!(error.ends_with("expected at most 100 levels of nesting, found more"), "{error}");
    assert!(peak < 1 << 20, "{peak} bytes");
}

/// Limits: messages are nested 100 deep: fields, elements, groups, maps, and what is skipped.
#[test]
fn nesting_is_refused_when_too_deep() {
    let strict = TextParseOptions::new();
    let skipping = TextParseOptions::new().ignore_unknown();
    for open in ["nested_type{", "nested_type<", "nested_type:[{", "nested_type: <"] {
        check_too_deep::<DescriptorProto>(&open.repeat(MANY), &strict);
    }
    check_too_deep::<Order>(&"Detail{inner{".repeat(MANY), &strict);
    check_too_deep::<Plain>(&"children{".repeat(MANY), &strict);
    check_too_deep::<Mixed>(&format!("delimited{{{}", "inner{".repeat(MANY)), &strict);
    check_too_deep::<Values>(&"values{value{".repeat(MANY), &strict);
    check_too_deep::<Value>(&"list_value{values{".repeat(MANY), &strict);
    check_too_deep::<Struct>(&"fields{value{struct_value{".repeat(MANY), &strict);
    for open in ["x{", "x<", "x:[{", "[a.b]{", "[a.b/c.d]{", "[a.b]:[{"] {
        let deep = format!("unknown {{ {}", open.repeat(MANY));
        check_too_deep::<Plain>(&deep, &skipping);
    }
    check_too_deep::<Thing>(&"foo{".repeat(MANY), &strict);
    check_too_deep::<Thing>(&format!("bar:[{}", "{x:".repeat(MANY)), &strict);
    for skipped in ["[a.b]", "[a.b/c.d]"] {
        let deep = format!("{skipped} {}", "{x".repeat(MANY));
        assert!(Any::from_text_with(&deep, &skipping).is_err());
        assert!(Plain::from_text_with(&deep, &skipping).is_err());
    }
}

/// Limits: an `Any` in an `Any` is read 100 deep, and printed 100 deep: what is below stays bytes.
#[test]
fn nested_any_is_limited() {
    check_too_deep::<Any>(&"[x/google.protobuf.Any]{".repeat(MANY), &TextParseOptions::new());
    for levels in [1, 50, 99] {
        let any = nested_any(levels);
        assert_eq!(Any::from_text(&any.to_text()).unwrap(), any);
    }
    for levels in [101, 1000, MANY] {
        let any = nested_any(levels);
        let (text, peak) = peak_of(|| any.to_text());
        assert!(peak < 36 * any.value.len() + (128 << 20), "{peak} bytes");
        // What is copied at each of 100 levels is beyond the budget of reading it.
        assert!(levels == MANY || Any::from_text(&text).unwrap() == any, "{levels} levels");
    }
}

/// Limits: an extension in an extension is read and printed 100 deep; what is below is left to the
/// unknown fields.
#[test]
fn nested_extensions_are_limited() {
    let pool = self_extending();
    let open = pool.message("deep.Open").unwrap();
    let parse = |text: &str| {
        let mut message = DynamicMessage::new(open);
        TextParseOptions::new().pool(&pool).merge(text, &mut message).map(|()| message)
    };
    for (tag, name) in [([0xa2, 0x06], "more"), ([0xaa, 0x06], "inner")] {
        let message = |levels: usize| {
            DynamicMessage::decode(open, &super::nested(&tag, levels, b"")).unwrap()
        };
        let options = TextPrintOptions::new().pool(&pool);
        assert_eq!(parse(&options.print(&message(100))).unwrap(), message(100));
        for levels in [101, MANY] {
            let text = options.print(&message(levels));
            assert!(parse(&text).is_ok() && text.matches(name).count() <= 100, "{levels}");
            let unknown = options.clone().unknown_fields().print(&message(levels));
            assert!(unknown.len() > text.len(), "what is not printed by name is unknown");
        }
        assert!(parse(&format!("[deep.{name}]{{").repeat(MANY)).is_err());
    }
}

/// Reading many elements of an extension takes time in proportion to them.
#[test]
fn spread_extensions_are_read_in_linear_time() {
    let pool = self_extending();
    let open = pool.message("deep.Open").unwrap();
    let options = TextParseOptions::new().pool(&pool);
    let allocated = |count: usize| {
        let mut message = DynamicMessage::new(open);
        let text = "[deep.numbers]: 7 [deep.more] {} ".repeat(count);
        let (read, total) = total_of(|| options.merge(&text, &mut message));
        read.unwrap();
        assert_eq!(message.encode_to_vec().unwrap().len(), count * (3 + 3));
        total
    };
    let (few, many) = (allocated(300), allocated(1200));
    assert!(many < 6 * few, "four times the elements: {few} bytes, then {many}");
}

/// Limits: 100 MB of brackets end early, whatever is read and however.
#[test]
fn a_hundred_megabytes_of_brackets_end_at_once() {
    let skipping = TextParseOptions::new().ignore_unknown();
    for bracket in ["{", "<", "}", "[", "x{", "children{"] {
        let text = bracket.repeat(HUNDRED_MEGABYTES / bracket.len());
        let (_, peak) = peak_of(|| {
            assert!(Plain::from_text_with(&text, &skipping).is_err(), "{bracket}");
            assert!(Plain::from_text(&text).is_err(), "{bracket}");
        });
        assert!(peak < 1 << 20, "{peak} bytes for {bracket}");
    }
    for open in ["foo {", "foo <", "foo [", "text: {", "children [", "children [{"] {
        let last = open.chars().last().unwrap().to_string();
        let text = open.to_owned() + &last.repeat(HUNDRED_MEGABYTES);
        let (_, peak) = peak_of(|| {
            assert!(Thing::from_text(&text).is_err(), "{open}");
            assert!(Plain::from_text(&text).is_err(), "{open}");
        });
        assert!(peak < 1 << 20, "{peak} bytes for {open}");
    }
}

/// Megabytes of one sign end with an error that shows no more than the beginning.
#[test]
fn long_runs_of_one_sign_are_refused() {
    for sign in ["\"", "'", "#", "-", ":", "a", "0", "\\", "é"] {
        let text = sign.repeat(LONG / sign.len());
        let value = format!("text: {text}");
        let (_, peak) = peak_of(|| {
            for (text, is_fine) in [(&text, sign == "#"), (&value, "\"'".contains(sign))] {
                let refused = Plain::from_text(text).err().map(|error| error.to_string().len());
                assert_eq!(refused.is_none(), is_fine, "{sign}");
                assert!(refused.is_none_or(|length| length < 1000), "{sign}");
            }
        });
        assert!(peak < 5 * LONG, "{peak} bytes for {sign}");
    }
}

/// Numbers, strings and names of megabytes cost no more than a few times their length, and errors show
/// no more than their beginning.
#[test]
fn giant_tokens_cost_their_length() {
    let digits = format!("value: {}", "1".repeat(LONG));
    let (_, peak) = peak_of(|| {
        assert!(Int32Value::from_text(&digits).unwrap_err().to_string().len() < 1000);
        assert!(DoubleValue::from_text(&digits).unwrap().value.is_infinite());
    });
    assert!(peak < 3 * LONG, "{peak} bytes");
    let text = format!("value: \"{}\"", "a".repeat(LONG));
    let (value, peak) = peak_of(|| StringValue::from_text(&text).unwrap());
    assert!(value.value.len() == LONG && peak < 4 * LONG, "{peak} bytes");
    let bytes = format!("value: '{}'", "\\xff".repeat(LONG / 4));
    let (value, peak) = peak_of(|| BytesValue::from_text(&bytes).unwrap());
    assert!(value.value.len() == LONG / 4 && peak < LONG, "{peak} bytes");
    let parts = format!("value: {}", "'' ".repeat(LONG / 30));
    assert_eq!(StringValue::from_text(&parts).unwrap().value, "");
    for name in ["a".repeat(LONG), format!("[{}]{{}}", "a".repeat(LONG))] {
        let (error, peak) = peak_of(|| Plain::from_text(&name).unwrap_err().to_string());
        assert!(error.len() < 1000 && peak < 5 * LONG, "{peak} bytes: {}", error.len());
    }
    let url = format!("[{}/a]{{}}", "a".repeat(LONG));
    let (error, peak) = peak_of(|| Any::from_text(&url).unwrap_err().to_string());
    assert!(error.len() < 1000 && peak < 5 * LONG, "{peak} bytes: {}", error.len());
}

/// Specification, "String Literals": what is no UTF-8 is refused for strings, wherever they stand.
#[test]
fn text_that_is_not_utf8_is_refused_everywhere() {
    for literal in [r"'\xff'", r"'\303'", r"'\355\240\200'", r"'a' '\x80'"] {
        assert!(StringValue::from_text(&format!("value: {literal}")).is_err(), "{literal}");
        assert!(Values::from_text(&format!("numbers {{ key: {literal} }}")).is_err());
        assert!(Value::from_text(&format!("string_value: {literal}")).is_err());
        assert!(Thing::from_text(&format!("name: {literal}")).is_err());
        assert!(Mixed::from_text(&format!("required: 1 strict: {literal}")).is_err());
        assert!(Mixed::from_text(&format!("required: 1 loose: {literal}")).is_ok());
        assert!(BytesValue::from_text(&format!("value: {literal}")).is_ok());
    }
}
