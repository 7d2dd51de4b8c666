//! serde's traits: the mapping of to_json in other formats' clothes.

use ::serde_json::json;

use crate::message::Message;
use crate::message::well_known::{
    Any, BytesValue, DoubleValue, Duration, Field, FileDescriptorProto, Int64Value, SourceContext,
    Struct, UInt64Value, Value,
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
        "invalid value for google.protobuf.SourceContext: field file_name: expected a string, got an array"
    );
    let error = serde_json::from_str::<SourceContext>("{\"fileName\": }").unwrap_err();
    assert!(error.is_syntax());
    let error = serde_json::to_string(&Value::default()).unwrap_err().to_string();
    assert!(error.starts_with("cannot serialize google.protobuf.Value: "), "{error}");
}

/// The limit of depth holds before the message is parsed.
#[test]
fn depth_through_serde_has_a_limit() {
    let nested = |levels: usize| (0..levels).fold(json!(null), |inner, _| json!([inner]));
    assert!(serde_json::from_value::<Value>(nested(50)).is_ok());
    let error = serde_json::from_value::<Value>(nested(203)).unwrap_err().to_string();
    assert_eq!(error, "expected at most 202 levels of objects and arrays, got more");
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

/// YAML: what a person writes there is what they would write in JSON, with YAML's own numbers.
#[test]
fn messages_are_yaml() {
    let text = "name: a.proto\ndependency: [b.proto, c.proto]\npublicDependency:\n- 1\n\
                messageType:\n- name: A\n  field:\n  - name: x\n    number: 1\n    type: TYPE_STRING\n";
    let file: FileDescriptorProto = serde_norway::from_str(text).unwrap();
    assert_eq!(file.dependency.len(), 2);
    assert_eq!(file.message_type[0].field[0].number, Some(1));
    let printed = serde_norway::to_string(&file).unwrap();
    assert!(printed.contains("messageType:\n- name: A\n"), "{printed}");
    assert_eq!(serde_norway::from_str::<FileDescriptorProto>(&printed).unwrap(), file);
    let error = serde_norway::from_str::<FileDescriptorProto>("name: [a]").unwrap_err();
    let expected = "field name: expected a string, got an array";
    assert!(error.to_string().ends_with(expected), "{error}");
}

/// Large numbers, numbers that are none, and bytes pass through YAML unharmed: 64-bit integers are
/// texts, as in JSON, and read as numbers too.
#[test]
fn numbers_and_bytes_pass_through_yaml() {
    let read = |text: &str| serde_norway::from_str::<Int64Value>(text).unwrap().value;
    let largest = Int64Value { value: i64::MAX, ..Default::default() };
    assert_eq!(serde_norway::to_string(&largest).unwrap(), "'9223372036854775807'\n");
    assert_eq!(read("'9223372036854775807'"), i64::MAX);
    assert_eq!(read("9223372036854775807"), i64::MAX);
    assert_eq!(read("-9223372036854775808"), i64::MIN);
    let unsigned = serde_norway::from_str::<UInt64Value>("18446744073709551615").unwrap();
    assert_eq!(unsigned.value, u64::MAX);
    assert!(serde_norway::from_str::<Int64Value>("9223372036854775808").is_err());
    assert!(serde_norway::from_str::<UInt64Value>("18446744073709551616").is_err());
    for (text, value) in [(".nan", f64::NAN), ("NaN", f64::NAN), ("-.inf", f64::NEG_INFINITY)] {
        let read = serde_norway::from_str::<DoubleValue>(text).unwrap().value;
        assert_eq!(read.to_bits(), value.to_bits(), "{text}");
    }
    for value in [f64::NAN, f64::INFINITY, 0.1, -0.0, 1e300] {
        let wrapper = DoubleValue { value, ..Default::default() };
        let text = serde_norway::to_string(&wrapper).unwrap();
        let back: DoubleValue = serde_norway::from_str(&text).unwrap();
        assert_eq!(back.value.to_bits(), value.to_bits(), "{text}");
    }
    let bytes = BytesValue { value: vec![0xfb, 0xff, 0], ..Default::default() };
    let text = serde_norway::to_string(&bytes).unwrap();
    assert_eq!(text, "+/8A\n");
    assert_eq!(serde_norway::from_str::<BytesValue>(&text).unwrap(), bytes);
}

/// TOML: keys with dots and tables are what they are in its own grammar.
#[test]
fn messages_are_toml() {
    let text = "fileName = \"a.proto\"\n";
    let context: SourceContext = toml::from_str(text).unwrap();
    assert_eq!(toml::to_string(&context).unwrap(), text);
    let object: Struct = toml::from_str("[a]\nb = [1, 2.5]\nat = true").unwrap();
    let inner = object.get("a").and_then(Value::as_struct).unwrap();
    assert_eq!(inner.get("b").and_then(Value::as_list).unwrap()[1].as_f64(), Some(2.5));
    assert_eq!(toml::from_str::<Struct>(&toml::to_string(&object).unwrap()).unwrap(), object);
}

/// Hostile YAML: levels and memory end where those of JSON do.
#[test]
fn yaml_has_the_limits_of_json() {
    let nested = format!("{}{}", "[".repeat(203), "]".repeat(203));
    assert!(serde_norway::from_str::<Value>(&nested).is_err());
    assert!(serde_norway::from_str::<Value>(&nested[153..253]).is_ok());
}
