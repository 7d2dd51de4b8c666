//! Dynamic messages beside generated ones: descriptor.proto has most of what there is, and its own
//! descriptor is at hand.

use crate::message::reflect::{DescriptorPool, DynamicMessage, FieldMut, Reflect, Value};
use crate::message::well_known::{
    Any, DescriptorProto, FieldDescriptorProto, FileDescriptorProto, Struct, Value as Json, value,
};
use crate::message::{DecodeOptions, Message};

fn dynamic<M: Message + Reflect>(message: &M) -> DynamicMessage {
    DynamicMessage::decode(message.descriptor(), &message.encode_to_vec()).unwrap()
}

fn example() -> Struct {
    let number = |number| Json { kind: Some(value::Kind::NumberValue(number)), ..Json::default() };
    let inner = Struct { fields: [("b".to_owned(), number(2.0))].into(), ..Struct::default() };
    let inner = Json { kind: Some(value::Kind::StructValue(inner)), ..Json::default() };
    let fields = [("a".to_owned(), number(1.5)), ("z".to_owned(), inner)];
    Struct { fields: fields.into(), ..Struct::default() }
}

/// Reflection: a dynamic message has the bytes of the generated one.
#[test]
fn bytes_are_those_of_generated_code() {
    for file in super::super::resolve::well_known_names() {
        let file = super::super::resolve::well_known_file(file).expect("it is one of them");
        let proto = file.to_proto();
        assert_eq!(dynamic(&proto).encode_to_vec().unwrap(), proto.encode_to_vec());
    }
    let example = example();
    assert_eq!(dynamic(&example).encode_to_vec().unwrap(), example.encode_to_vec());
}

/// Unknown fields, repeated scalars and messages: what comes again is merged as by generated code.
#[test]
fn merging_is_that_of_generated_code() {
    // 7: string name, twice; an unknown varint; a repeated message; a message merged from two parts.
    let bytes = b"\x0a\x01a\x98\x3f\x05\x0a\x01b\x22\x03\x0a\x01M\x42\x02\x18\x01\x42\x02\x50\x01";
    let generated = FileDescriptorProto::decode(bytes).unwrap();
    let read = DynamicMessage::decode(generated.descriptor(), bytes).unwrap();
    assert_eq!(read.encode_to_vec().unwrap(), generated.encode_to_vec());
}

/// Every truncation and every flipped bit is read, or refused, as generated code does.
#[test]
fn faults_are_those_of_generated_code() {
    let bytes = example().encode_to_vec();
    let mut inputs: Vec<Vec<u8>> = (0..bytes.len()).map(|end| bytes[..end].to_vec()).collect();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        inputs.push(flipped);
    }
    for input in inputs {
        let generated = Struct::decode(&input);
        let read = DynamicMessage::decode(Struct::default().descriptor(), &input);
        match (generated, read) {
            (Ok(generated), Ok(read)) => {
                assert_eq!(read.encode_to_vec().unwrap(), generated.encode_to_vec(), "{input:?}");
            }
            (Err(_), Err(_)) => {}
            (generated, read) => panic!("{input:?}: {generated:?}, {read:?}"),
        }
    }
}

/// An error says the same place as one of generated code: in messages, in map entries and before the
/// first tag of either.
#[test]
fn places_of_errors_are_those_of_generated_code() {
    for input in [
        &b"\x0a"[..],
        b"\x0a\x01\xff",
        b"\x0a\x03\x0a\x01\xff",
        b"\x0a\x02\x12\x05",
        b"\x0a\x03\x12\x01\xff",
        b"\x0a\x04\x12\x02\x1a\x05",
        b"\x0a\x02\x22\x05",
        b"\x13\x1a\x05\x14",
    ] {
        let generated = Struct::decode(input).unwrap_err();
        let read = DynamicMessage::decode(Struct::default().descriptor(), input).unwrap_err();
        assert_eq!(read.to_string(), generated.to_string(), "{input:02x?}");
    }
}

/// Limits: 100 levels, the memory budget, and what the options say.
#[test]
fn limits_hold() {
    let mut bytes = Vec::new();
    for _ in 0..101 {
        let length = u32::try_from(bytes.len()).unwrap();
        let mut outer = vec![0x1a];
        let mut rest = length;
        while rest >= 0x80 {
            outer.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        outer.push(rest as u8);
        outer.extend_from_slice(&bytes);
        bytes = outer;
    }
    let default = DescriptorProto::default();
    let descriptor = default.descriptor();
    let error = DynamicMessage::decode(descriptor, &bytes).unwrap_err();
    assert!(error.to_string().ends_with("expected at most 100 levels of nesting, got more"));
    let deep = DecodeOptions::new().depth_limit(101);
    assert!(DynamicMessage::decode_with(descriptor, &bytes, &deep).is_ok());
    assert!(DescriptorProto::decode_with(&bytes, &deep).is_ok());

    let many = b"\x1a\x00".repeat(5000);
    let little = DecodeOptions::new().memory_limit(100_000);
    let error = DynamicMessage::decode_with(descriptor, &many, &little).unwrap_err();
    let expected = "expected to need at most 100000 bytes of memory, needs more";
    assert!(error.to_string().ends_with(expected), "{error}");
}

/// Fields without presence: a zero that was set is one that was not.
#[test]
fn zeros_without_presence_are_equal_to_none() {
    use crate::message::well_known::Duration;
    let duration = Duration::default();
    let set = DynamicMessage::from_json(duration.descriptor(), "\"3s\"").unwrap();
    assert_eq!(set, DynamicMessage::decode(duration.descriptor(), b"\x08\x03").unwrap());
    assert_ne!(set, DynamicMessage::decode(duration.descriptor(), b"\x08\x04").unwrap());
}

/// Required fields: the path has the index of an element and the key of an entry.
#[test]
fn paths_of_required_fields_have_indexes_and_keys() {
    let text = "name: 'a.proto' package: 'a' message_type { name: 'M'
        field { name: 'id' number: 1 type: TYPE_INT32 label: LABEL_REQUIRED }
        field { name: 'kids' number: 2 type: TYPE_MESSAGE type_name: '.a.M' label: LABEL_REPEATED }
        field { name: 'by' number: 3 type: TYPE_MESSAGE type_name: '.a.M.ByEntry'
            label: LABEL_REPEATED }
        field { name: 'at' number: 4 type: TYPE_MESSAGE type_name: '.a.M.AtEntry'
            label: LABEL_REPEATED }
        nested_type { name: 'ByEntry' options { map_entry: true }
            field { name: 'key' number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
            field { name: 'value' number: 2 type: TYPE_MESSAGE type_name: '.a.M'
                label: LABEL_OPTIONAL } }
        nested_type { name: 'AtEntry' options { map_entry: true }
            field { name: 'key' number: 1 type: TYPE_SINT32 label: LABEL_OPTIONAL }
            field { name: 'value' number: 2 type: TYPE_MESSAGE type_name: '.a.M'
                label: LABEL_OPTIONAL } } }";
    let file = FileDescriptorProto::from_text(text).unwrap().encode_to_vec();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.as_slice()]).unwrap();
    let descriptor = pool.message("a.M").unwrap();
    for (text, path) in [
        ("id: 1 kids { id: 2 } kids { }", "kids[1].id"),
        ("id: 1 by { key: 'k\"' value { } }", "by[\"k\\\"\"].id"),
        ("id: 1 at { key: -1 value { id: 1 kids { } } }", "at[-1].kids[0].id"),
    ] {
        let error = DynamicMessage::from_text(descriptor, text).unwrap_err().to_string();
        let expected = format!("expected the required field {path}, it is not set");
        assert!(error.ends_with(&expected), "{error}");
    }
}

/// Required fields: checked in dynamic messages too, and the error names the path.
#[test]
fn required_fields_are_checked() {
    use crate::message::well_known::UninterpretedOption;
    let pool = DescriptorPool::of::<FileDescriptorProto>();
    let descriptor = pool.message("google.protobuf.UninterpretedOption").unwrap();
    let name = pool.message("google.protobuf.UninterpretedOption.NamePart").unwrap();
    let error = DynamicMessage::decode(name, b"").unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid google.protobuf.UninterpretedOption.NamePart: \
         expected the required field name_part, it is not set"
    );
    let error = DynamicMessage::decode(descriptor, b"\x12\x03\x0a\x01x").unwrap_err();
    assert_eq!(
        error.to_string(),
        UninterpretedOption::decode(b"\x12\x03\x0a\x01x").unwrap_err().to_string()
    );
    let mut message = DynamicMessage::new(descriptor);
    let FieldMut::Repeated(names) = message.field_mut(0) else { panic!("it is repeated") };
    names.push_message().expect("the elements are messages");
    let error = message.encode_to_vec().unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot encode google.protobuf.UninterpretedOption: \
         expected the required field name[0].name_part, it is not set"
    );
}

/// Values are of the type that the field has, and messages equal by what is set.
#[test]
fn values_are_checked() {
    let pool = DescriptorPool::of::<FileDescriptorProto>();
    let descriptor = pool.message(FieldDescriptorProto::FULL_NAME).unwrap();
    let mut message = DynamicMessage::new(descriptor);
    let mut set = |name: &str, value| {
        let index = descriptor.field_by_name(name).expect("it is declared").index();
        let FieldMut::Singular(mut field) = message.field_mut(index) else { panic!("{name}") };
        field.set(value).map_err(|error| error.to_string())
    };
    set("name", Value::String("x".to_owned())).expect("a string without UTF-8 takes one with it");
    set("number", Value::I32(1)).expect("it is of that type");
    assert_eq!(
        set("number", Value::U32(1)),
        Err("expected a signed 32-bit integer, found U32(1)".to_owned())
    );
    assert_eq!(
        set("label", Value::Enum(9)),
        Err("expected Enum, of a number that a closed enum has, found Enum(9)".to_owned())
    );
    let same = FieldDescriptorProto {
        name: Some("x".into()),
        number: Some(1),
        ..FieldDescriptorProto::default()
    };
    let bytes = same.encode_to_vec();
    assert_eq!(message, DynamicMessage::decode(descriptor, &bytes).unwrap());
    let index = descriptor.field_by_name("options").expect("it is declared").index();
    assert!(matches!(message.field_mut(index), FieldMut::Singular(_)));
    assert_eq!(message.encode_to_vec().unwrap(), bytes, "asking for a field sets nothing");
}

/// A message in a `Box` or behind a name only is the same message.
#[test]
fn any_is_a_message_as_others() {
    let any = Any { type_url: "x/y".to_owned(), value: vec![1], ..Any::default() };
    let read = dynamic(&any);
    assert_eq!(format!("{read:?}"), "Any { type_url: \"x/y\", value: [1], unknown: {} }");
    assert_eq!(read, dynamic(&Box::new(any)));
}

/// JSON and text of a dynamic message are those of the generated one, required fields included.
#[test]
fn dynamic_messages_have_both_texts() {
    use crate::message::well_known::UninterpretedOption;
    let generated = example();
    let read = dynamic(&generated);
    let descriptor = read.descriptor();
    let json = generated.to_json().unwrap();
    assert_eq!(read.to_json().as_ref(), Ok(&json));
    assert_eq!(DynamicMessage::from_json(descriptor, &json).as_ref(), Ok(&read));
    let text = generated.to_text();
    assert_eq!(read.to_text(), text);
    assert_eq!(DynamicMessage::from_text(descriptor, &text).as_ref(), Ok(&read));

    let default = UninterpretedOption::default();
    let json = DynamicMessage::from_json(default.descriptor(), "{\"name\":[{}]}");
    let expected = UninterpretedOption::from_json("{\"name\":[{}]}").unwrap_err();
    assert_eq!(json.unwrap_err().to_string(), expected.to_string());
    let text = DynamicMessage::from_text(default.descriptor(), "name {}").unwrap_err();
    assert_eq!(
        text.to_string(),
        UninterpretedOption::from_text("name {}").unwrap_err().to_string()
    );
}

/// Dynamic messages show as generated ones do, without what is unset.
#[test]
fn dynamic_messages_show_what_is_set() {
    let object = Struct::from_iter([(
        "a",
        [1, 2].into_iter().collect::<crate::message::well_known::Value>(),
    )]);
    let number = |value: &str| format!("Value {{ number_value: {value}, unknown: {{}} }}");
    assert_eq!(
        format!("{:?}", dynamic(&object)),
        format!(
            "Struct {{ fields: {{\"a\": Value {{ list_value: ListValue {{ values: [{}, {}], \
             unknown: {{}} }}, unknown: {{}} }}}}, unknown: {{}} }}",
            number("1.0"),
            number("2.0")
        )
    );
}

/// A message in a box is the message, dynamic or generated: what it has and what it costs.
#[test]
fn a_boxed_message_is_the_message() {
    let (generated, dynamic) = (example(), dynamic(&example()));
    let boxes: [(&dyn Reflect, &dyn Reflect); 2] =
        [(&Box::new(generated.clone()), &generated), (&Box::new(dynamic.clone()), &dynamic)];
    for (boxed, message) in boxes {
        assert_eq!(boxed.descriptor(), message.descriptor());
        assert_eq!(boxed.instance_size(), message.instance_size());
        assert!(boxed.field(0).is_set() && message.field(0).is_set());
    }
}
