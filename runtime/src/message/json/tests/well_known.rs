//! The messages that have a JSON form of their own.

use super::schema::{check, parse, pool, print, refused};
use crate::message::json::well_known::{camel_path, snake_path};
use crate::message::well_known::{
    Any, BytesValue, DoubleValue, Duration, Empty, FieldMask, Int64Value, ListValue, Struct,
    Timestamp, Value,
};
use crate::message::{DynamicMessage, JsonPrintOptions, Message};

fn same(texts: &[&str]) {
    for text in texts {
        check(text, text);
    }
}

/// timestamp.proto and duration.proto: texts, within their ranges both ways.
#[test]
fn times_are_texts() {
    same(&[
        r#"{"aTime":"1970-01-01T00:00:00Z"}"#,
        r#"{"aTime":"2026-01-31T12:00:00.000000001Z"}"#,
        r#"{"aSpan":"-1.500s"}"#,
        r#"{"aSpan":"0s"}"#,
    ]);
    check(r#"{"aTime":"1970-01-01T01:00:00.5+01:00"}"#, r#"{"aTime":"1970-01-01T00:00:00.500Z"}"#);
    refused(&[
        r#"{"aTime":"1970-01-01"}"#,
        r#"{"aTime":0}"#,
        r#"{"aTime":{"seconds":1}}"#,
        r#"{"aSpan":"1"}"#,
        r#"{"aSpan":1}"#,
    ]);
    assert!(Timestamp { seconds: i64::MAX, ..Default::default() }.to_json().is_err());
    assert!(Timestamp { nanos: -1, ..Default::default() }.to_json().is_err());
    let error = Duration { seconds: 1, nanos: -1, ..Default::default() }.to_json().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot print google.protobuf.Duration as JSON: expected seconds and nanoseconds of \
         one sign, got 1 seconds and -1 nanoseconds"
    );
}

/// field_mask.proto: paths in lowerCamelCase, and only those that read back.
#[test]
fn field_masks_are_camel_case() {
    same(&[r#"{"aMask":""}"#, r#"{"aMask":"a,fooBar.bazQux,f1"}"#]);
    let mask = FieldMask::from_json(r#""fooBar,a.bC""#).unwrap();
    assert_eq!(mask.paths, ["foo_bar", "a.b_c"]);
    refused(&[
        r#"{"aMask":"foo_bar"}"#,
        r#"{"aMask":"a,,b"}"#,
        r#"{"aMask":"a,"}"#,
        r#"{"aMask":" a"}"#,
        r#"{"aMask":"a[0]"}"#,
        r#"{"aMask":["a"]}"#,
    ]);
    for path in ["fooBar", "foo_3_bar", "foo__bar", "foo_", "", "a..b", "a b", "1a", "a*", "**"] {
        assert_eq!(camel_path(path), None, "{path}");
        let mask = FieldMask { paths: vec![path.into()], ..Default::default() };
        assert!(mask.to_json().is_err(), "{path}");
    }
    for (path, camel) in [
        ("foo_bar", "fooBar"),
        ("a.b_c", "a.bC"),
        ("foo3_bar", "foo3Bar"),
        // AIP-161: all fields, and all elements of a list or map.
        ("*", "*"),
        ("foo_bar.*.a_b", "fooBar.*.aB"),
    ] {
        assert_eq!(camel_path(path).as_deref(), Some(camel));
        assert_eq!(snake_path(camel).as_deref(), Some(path));
    }
}

/// struct.proto: any JSON; null is a value, a number is finite.
#[test]
fn structs_hold_any_json() {
    same(&[
        r#"{"aStruct":{}}"#,
        r#"{"aStruct":{"":null,"a":[1.5,"x",true,{"b":[]}]}}"#,
        r#"{"aValue":null}"#,
        r#"{"aValue":0}"#,
        r#"{"aValue":""}"#,
        r#"{"aValue":{}}"#,
        r#"{"aList":[]}"#,
        r#"{"aList":[null,[null]]}"#,
        r#"{"values":[null,1,{"a":null}]}"#,
    ]);
    check(r#"{"aNull":null,"aValue":1e2}"#, r#"{"aValue":100}"#);
    refused(&[
        r#"{"aStruct":[]}"#,
        r#"{"aStruct":1}"#,
        r#"{"aStruct":{"a":1,"a":2}}"#,
        r#"{"aList":{}}"#,
        r#"{"aValue":1e999}"#,
        r#"{"aNull":"x"}"#,
    ]);
    assert_eq!(Value::from_json("null"), Ok(Value::null()));
    assert_eq!(Value::from_json("\"x\""), Ok(Value::from("x")));
    assert_eq!(Struct::from_json("{}"), Ok(Struct::default()));
    assert_eq!(ListValue::from_json("[]"), Ok(ListValue::default()));
    assert!(Struct::from_json("null").is_err() && ListValue::from_json("null").is_err());
    assert!(Value::default().to_json().is_err());
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(Value::from(number).to_json().is_err());
    }
}

/// wrappers.proto: the bare value; null is a field that is not set.
#[test]
fn wrappers_are_bare() {
    same(&[r#"{"aWrapper":"0"}"#, r#"{"aWrapper":"-7"}"#, r#"{"wrappers":["1","0"]}"#]);
    check(r#"{"aWrapper":5}"#, r#"{"aWrapper":"5"}"#);
    refused(&[r#"{"aWrapper":{"value":1}}"#, r#"{"aWrapper":1.5}"#]);
    assert_eq!(Int64Value::default().to_json().unwrap(), "\"0\"");
    assert_eq!(DoubleValue { value: f64::NAN, ..Default::default() }.to_json().unwrap(), "\"NaN\"");
    assert_eq!(BytesValue::from_json("\"AQ\"").unwrap().value, [1]);
    assert_eq!(Empty::default().to_json().unwrap(), "{}");
    assert!(Empty::from_json(r#"{"a":1}"#).is_err());
}

/// any.proto: the members of the message with `@type` among them, wherever it stands; what has a
/// form of its own stands under `value`.
#[test]
fn any_holds_messages_of_known_types() {
    same(&[
        r#"{"anAny":{}}"#,
        r#"{"anAny":{"@type":"type.googleapis.com/test.All","anInt32":1,"child":{}}}"#,
        r#"{"anAny":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"1s"}}"#,
        r#"{"anAny":{"@type":"type.googleapis.com/google.protobuf.Value","value":null}}"#,
        r#"{"anAny":{"@type":"type.googleapis.com/google.protobuf.Empty"}}"#,
        r#"{"anAny":{"@type":"type.googleapis.com/google.protobuf.Any","value":{"@type":"a/test.All","aBool":true}}}"#,
        r#"{"anAny":{"@type":"x/legacy.Open","[legacy.extra]":1}}"#,
        r#"{"anAny":{"@type":"x/test.All","anAny":{"@type":"x/test.All","anInt32":5}}}"#,
    ]);
    check(
        r#"{"anAny":{"an_int32":1,"child":{"@type":1,"@type":2},"@type":"x/test.All"}}"#.replace(r#"{"@type":1,"@type":2}"#, "{}").as_str(),
        r#"{"anAny":{"@type":"x/test.All","anInt32":1,"child":{}}}"#,
    );
    check(
        r#"{"anAny":{"value":"1s","@type":"x/google.protobuf.Duration"}}"#,
        r#"{"anAny":{"@type":"x/google.protobuf.Duration","value":"1s"}}"#,
    );
    refused(&[
        r#"{"anAny":{"anInt32":1}}"#,
        r#"{"anAny":{"@type":"","anInt32":1}}"#,
        r#"{"anAny":{"@type":"test.All"}}"#,
        r#"{"anAny":{"@type":"x/no.Such"}}"#,
        r#"{"anAny":{"@type":1}}"#,
        r#"{"anAny":{"@type":"x/test.All","@type":"x/test.All"}}"#,
        r#"{"anAny":{"@type":"x/test.All","nothing":1}}"#,
        r#"{"anAny":{"@type":"x/test.All","anInt32":1,"an_int32":1}}"#,
        r#"{"anAny":{"@type":"x/google.protobuf.Duration"}}"#,
        r#"{"anAny":{"@type":"x/google.protobuf.Duration","value":"1"}}"#,
        r#"{"anAny":{"@type":"x/google.protobuf.Duration","value":"1s","other":1}}"#,
        r#"{"anAny":{"@type":"x/google.protobuf.Duration","value":"1s","value":"1s"}}"#,
        r#"{"anAny":{"@type":"x/legacy.Strict"}}"#,
        r#"{"anAny":[]}"#,
        r#"{"anAny":{"@type":"x/test.All""#,
    ]);
}

/// any.proto: without a pool, protobuf's own types are known and those that the file uses.
#[test]
fn any_finds_what_its_file_uses() {
    let any = Any::pack(&Duration { seconds: 2, ..Default::default() }).unwrap();
    let text = r#"{"@type":"type.googleapis.com/google.protobuf.Duration","value":"2s"}"#;
    assert_eq!(any.to_json().unwrap(), text);
    assert_eq!(Any::from_json(text), Ok(any));
    assert!(Any::from_json(r#"{"@type":"x/test.All"}"#).is_err());

    let message = parse(r#"{"anAny":{"@type":"x/test.All","anInt32":5}}"#).unwrap();
    let printed = JsonPrintOptions::new().print(&message).unwrap();
    assert_eq!(printed, r#"{"anAny":{"@type":"x/test.All","anInt32":5}}"#);
}

/// any.proto: bytes that are no such message, and types that nobody knows, are not printed.
#[test]
fn any_prints_only_what_it_can_decode() {
    let any = |url: &str, value: &[u8]| Any {
        type_url: url.into(),
        value: value.into(),
        ..Default::default()
    };
    for wrong in [
        any("x/test.All", b""),
        any("", b"\x08"),
        any("google.protobuf.Empty", b""),
        any("x/google.protobuf.Empty", b"\x0a"),
    ] {
        assert!(wrong.to_json().is_err(), "{wrong:?}");
    }
    assert_eq!(Any::default().to_json().unwrap(), "{}");
}

/// The limit of nesting counts through Any, whose messages are decoded on the way.
#[test]
fn any_in_any_has_a_limit() {
    let nested = |levels: usize| {
        (0..levels)
            .fold(Any::pack(&Empty::default()).unwrap(), |inner, _| Any::pack(&inner).unwrap())
    };
    assert!(nested(98).to_json().is_ok());
    let error = nested(120).to_json().unwrap_err().to_string();
    assert!(error.contains("levels of nested messages"), "{error}");
}

/// A dynamic message prints as the generated one of the same type.
#[test]
fn dynamic_messages_print_alike() {
    let pool = pool();
    let time = Timestamp { seconds: 5, nanos: 7, ..Default::default() };
    let descriptor = pool.message("google.protobuf.Timestamp").unwrap();
    let dynamic = DynamicMessage::decode(descriptor, &time.encode_to_vec()).unwrap();
    assert_eq!(print(&dynamic), time.to_json().unwrap());
}
