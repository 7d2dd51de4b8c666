//! serde's traits: the mapping of to_json in other formats' clothes.

use ::serde_json::json;

use crate::message::Message;
use crate::message::well_known::{
    Any, BytesValue, DoubleValue, Duration, Field, FileDescriptorProto, SourceContext, Struct,
    Value,
};

/// A message is to serde what to_json prints, and reads back.
#[test]
fn messages_serialize_as_they_print() {
    let file = FileDescriptorProto {
        name: Some("a.proto".into()),
        public_dependency: vec![1, 2],
        ..Default::default()
    };
    let expected = json!({"name": "a.proto", "publicDependency": [1, 2]});
    assert_eq!(serde_json::to_value(&file).unwrap(), expected);
    assert_eq!(serde_json::to_string(&file).unwrap(), file.to_json().unwrap());
    assert_eq!(serde_json::from_value::<FileDescriptorProto>(expected).unwrap(), file);

    let span = Duration { seconds: 1, ..Default::default() };
    assert_eq!(serde_json::to_value(&span).unwrap(), json!("1s"));
    assert_eq!(serde_json::from_str::<Duration>("\"1s\"").unwrap(), span);
    let packed = json!({"@type": "x/google.protobuf.Duration", "value": "1s"});
    let any = Any { type_url: "x/google.protobuf.Duration".into(), ..Any::pack(&span).unwrap() };
    assert_eq!(serde_json::to_value(&any).unwrap(), packed);
    assert_eq!(serde_json::from_value::<Any>(packed).unwrap(), any);
}

/// Numbers keep their value, whole, broken, tiny, or none at all.
#[test]
fn numbers_pass_through_serde() {
    for number in [0.0, -0.0, 1.0, -1.5, 1e300, 5e-324, 9e18, 1e19, f64::NAN, f64::INFINITY] {
        let wrapper = DoubleValue { value: number, ..Default::default() };
        let text = serde_json::to_string(&wrapper).unwrap();
        let back = serde_json::from_str::<DoubleValue>(&text).unwrap().value;
        assert_eq!(back.to_bits(), number.to_bits(), "{text}");
    }
    assert_eq!(serde_json::to_string(&DoubleValue::default()).unwrap(), "0");
}

/// Any JSON passes through a Value.
#[test]
fn values_pass_through_serde() {
    let json = json!({"a": [null, true, 1, -0.5, "x", {}], "\u{e9}\"": {"b": []}});
    let value: Value = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&value).unwrap(), json);
    assert_eq!(serde_json::to_value(Struct::default()).unwrap(), json!({}));
}

/// Errors name the field, and no line of a text that nobody wrote.
#[test]
fn errors_through_serde_name_the_field() {
    let wrong = json!({"fileName": [1]});
    let error = serde_json::from_value::<SourceContext>(wrong).unwrap_err().to_string();
    assert_eq!(
        error,
        "invalid JSON for google.protobuf.SourceContext: field file_name: expected a string, got an array"
    );
    let error = serde_json::from_str::<SourceContext>("{\"fileName\": }").unwrap_err();
    assert!(error.is_syntax());
    let error = serde_json::to_string(&Value::default()).unwrap_err().to_string();
    assert!(error.starts_with("cannot print google.protobuf.Value as JSON: "), "{error}");
}

/// The limit of depth holds before the message is parsed.
#[test]
fn depth_through_serde_has_a_limit() {
    let nested = |levels: usize| (0..levels).fold(json!(null), |inner, _| json!([inner]));
    assert!(serde_json::from_value::<Value>(nested(50)).is_ok());
    let error = serde_json::from_value::<Value>(nested(101)).unwrap_err().to_string();
    assert_eq!(error, "expected at most 100 levels of objects and arrays, got more");
}

/// Other formats have other types: keys that are numbers, bytes that are no text.
#[test]
fn other_formats_have_other_types() {
    use ::serde::Deserialize as _;
    use ::serde::de::value::{BytesDeserializer, Error, MapDeserializer};

    let bytes = BytesValue::deserialize(BytesDeserializer::<Error>::new(b"\xfb\xff")).unwrap();
    assert_eq!(bytes.value, b"\xfb\xff");
    let members = [(1_u8, true), (2, false)].into_iter();
    let object = Struct::deserialize(MapDeserializer::<_, Error>::new(members)).unwrap();
    assert_eq!(object.get("1").and_then(Value::as_bool), Some(true));
    let field =
        Field::deserialize(MapDeserializer::<_, Error>::new(std::iter::once(("number", 7))));
    assert_eq!(field.unwrap().number, 7);
}
