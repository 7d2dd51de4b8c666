//! The well-known types on the wire.

use super::{check_both, check_decode};
use crate::Enumeration;
use crate::well_known::{
    Any, Duration, Empty, Field, FieldMask, Int64Value, ListValue, NullValue, StringValue, Struct,
    Syntax, Timestamp, Type, Value, field, value,
};

fn value(kind: value::Kind) -> Value {
    Value { kind: Some(kind), ..Default::default() }
}

/// Seconds may be negative in both, nanoseconds in a duration too.
#[test]
fn times_are_seconds_and_nanoseconds() {
    let time = Timestamp { seconds: -1, nanos: 999_999_999, ..Default::default() };
    check_both(&time, "08_ffffffffffffffffff01 10_ff93ebdc03");
    let duration = Duration { seconds: -1, nanos: -1, ..Default::default() };
    check_both(&duration, "08_ffffffffffffffffff01 10_ffffffffffffffffff01");
}

/// A value contains structs and lists of values, to any depth, without a box in sight.
#[test]
fn values_are_recursive() {
    let list = ListValue {
        values: vec![value(value::Kind::NullValue(NullValue::NullValue)), Value::default()],
        ..Default::default()
    };
    let fields = [("a".into(), value(value::Kind::ListValue(list)))].into();
    let message = value(value::Kind::StructValue(Struct { fields, ..Default::default() }));
    check_both(&message, "2a0f_0a0d_0a0161_1208_3206_0a02_0800_0a00");
}

/// An any is a type URL and bytes; a mask a list of paths; a wrapper is there even when empty.
#[test]
fn plain_ones_have_plain_bytes() {
    let any = Any { type_url: "/a.B".into(), value: vec![8, 1], ..Default::default() };
    check_both(&any, "0a04_2f612e42 1202_0801");
    let mask = FieldMask { paths: vec!["a".into(), "b.c".into()], ..Default::default() };
    check_both(&mask, "0a01_61 0a03_622e63");
    check_both(&Empty::default(), "");
    check_both(&StringValue::default(), "");
    check_decode("08_2a", &Int64Value { value: 42, ..Default::default() });
}

/// A type named `Option` beside them does not disturb messages that have optional parts.
#[test]
fn a_message_may_be_called_option() {
    let option = crate::well_known::Option { name: "o".into(), ..Default::default() };
    let kind = field::Kind::TypeSint64;
    let field = Field { kind, options: vec![option], ..Default::default() };
    let message = Type { fields: vec![field], syntax: Syntax::Proto3, ..Default::default() };
    check_both(&message, "1207_0812_4a03_0a016f 3001");
    assert_eq!(kind.name(), Some("TYPE_SINT64"));
    assert!(message.source_context.file_name.is_empty());
}
