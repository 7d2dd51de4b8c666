//! The text format, over descriptor.proto's types and the well-known ones.

use std::borrow::Cow;

use super::{TextParseOptions, TextPrintOptions};
use crate::message::reflect::{DescriptorPool, FileDescriptor};
use crate::message::well_known::field_descriptor_proto::{Label, Type};
use crate::message::well_known::{
    Any, DescriptorProto, Duration, FieldDescriptorProto, FieldOptions, FileDescriptorProto,
    Struct, Timestamp, UninterpretedOption, Value, value,
};
use crate::message::{DynamicMessage, Message, UnknownFields, UnknownValue};

fn refusal<M: Message + crate::message::Text>(text: &str) -> String {
    let error = M::from_text(text).expect_err(text).to_string();
    error.strip_prefix("invalid text format: ").expect("all begin so").to_owned()
}

fn field(text: &str) -> Result<FieldDescriptorProto, String> {
    FieldDescriptorProto::from_text(text).map_err(|error| error.to_string())
}

/// What is printed is parsed as the same message.
#[test]
fn text_goes_both_ways() {
    let proto = crate::message::well_known::FILE_GOOGLE_PROTOBUF_DESCRIPTOR.descriptor().to_proto();
    assert_eq!(FileDescriptorProto::from_text(&proto.to_text()).unwrap(), proto);
    let single = proto.to_text_with(&TextPrintOptions::new().single_line());
    assert!(!single.contains('\n'));
    assert_eq!(FileDescriptorProto::from_text(&single).unwrap(), proto);
}

/// Fields come in the order of their numbers, messages in braces, indented.
#[test]
fn printing_is_indented() {
    let inner = DescriptorProto { name: Some("B".into()), ..Default::default() };
    let message = DescriptorProto {
        name: Some("A\"\n\u{e9}".into()),
        nested_type: vec![inner, DescriptorProto::default()],
        ..Default::default()
    };
    assert_eq!(
        message.to_text(),
        "name: \"A\\\"\\n\u{e9}\"\nnested_type {\n  name: \"B\"\n}\nnested_type {\n}\n"
    );
}

/// The options of printing: lists in one line, and further in.
#[test]
fn options_change_what_is_printed() {
    let proto = FileDescriptorProto {
        public_dependency: vec![1, 2],
        dependency: vec!["a".into()],
        message_type: vec![DescriptorProto::default()],
        ..Default::default()
    };
    let options = TextPrintOptions::new().short_lists().indent(2);
    let expected = "    dependency: \"a\"\n    message_type {\n    }\n    \
                    public_dependency: [1, 2]\n";
    assert_eq!(proto.to_text_with(&options), expected);
    assert_eq!(FileDescriptorProto::from_text(expected).unwrap(), proto);
    let single = proto.to_text_with(&options.single_line());
    assert_eq!(single, "dependency: \"a\" message_type { } public_dependency: [1, 2]");
}

/// Specification, "Fields": `{}` or `<>`, an optional `:` before a message, one separator or none.
#[test]
fn fields_are_separated() {
    let read = |text: &str| DescriptorProto::from_text(text).unwrap();
    let expected = read("name: 'a' nested_type { name: 'b' }");
    for text in [
        "name:'a',nested_type:{name:'b'}",
        "name : 'a' ; nested_type < name: 'b'; > ;",
        "# comment\nnested_type [{name: 'b'}], name: \"a\"",
        "nested_type: [ < name: 'b' > ] name: 'a'",
    ] {
        assert_eq!(read(text), expected, "{text}");
    }
    assert_eq!(read("nested_type: []"), DescriptorProto::default());
    for text in ["name: 'a',,", "name 'a'", "nested_type {", "nested_type { >", "}", ",", "name:"] {
        assert!(DescriptorProto::from_text(text).is_err(), "{text}");
    }
    for text in ["nested_type [{},]", "nested_type [{} {}]", "nested_type [,]"] {
        assert!(DescriptorProto::from_text(text).is_err(), "{text}");
    }
}

/// Specification, "Numeric Literals": decimal, octal, hexadecimal, within the type.
#[test]
fn integers_are_within_their_type() {
    assert_eq!(field("number: 0x1F").unwrap().number, Some(31));
    assert_eq!(field("number: -017").unwrap().number, Some(-15));
    assert_eq!(field("number: - 2147483648").unwrap().number, Some(i32::MIN));
    for text in ["2147483648", "-2147483649", "1.0", "1e3", "'1'", "0x", "true", "08", "1f"] {
        assert!(field(&format!("number: {text}")).is_err(), "{text}");
    }
    let unsigned = |text: &str| UninterpretedOption::from_text(text);
    assert_eq!(
        unsigned("positive_int_value: 18446744073709551615").unwrap().positive_int_value,
        Some(u64::MAX)
    );
    assert!(unsigned("positive_int_value: -1").is_err());
}

/// Specification, "Numeric Literals": floats take whole numbers, words in any case, and `f`.
#[test]
fn floats_take_words() {
    let read = |text: &str| {
        UninterpretedOption::from_text(&format!("double_value: {text}"))
            .map(|message| message.double_value.expect("it is set"))
    };
    for (text, value) in [
        ("1", 1.0),
        ("-1.5f", -1.5),
        ("10F", 10.0),
        (".5", 0.5),
        ("inf", f64::INFINITY),
        ("-Infinity", f64::NEG_INFINITY),
        ("1e999", f64::INFINITY),
    ] {
        assert_eq!(read(text).unwrap().to_bits(), f64::to_bits(value), "{text}");
    }
    assert_eq!(read("-0").unwrap().to_bits(), (-0.0_f64).to_bits());
    assert!(read("NaN").unwrap().is_nan());
    for text in ["0x1", "017", "'1'", "infx", "1.5.5", "--1"] {
        assert!(read(text).is_err(), "{text}");
    }
}

/// Specification, "Scalar values": booleans by word, letter or number; enums by name or number.
#[test]
fn words_stand_for_values() {
    for (text, value) in
        [("true", true), ("True", true), ("t", true), ("1", true), ("false", false), ("0x0", false)]
    {
        let read = field(&format!("proto3_optional: {text}")).unwrap();
        assert_eq!(read.proto3_optional, Some(value), "{text}");
    }
    assert!(field("proto3_optional: TRUE").is_err());
    assert!(field("proto3_optional: 2").is_err());
    assert_eq!(field("label: LABEL_REPEATED").unwrap().label, Some(Label::Repeated));
    assert_eq!(field("type: 0x9").unwrap().r#type, Some(Type::String));
    assert_eq!(
        field("label: 7").unwrap_err(),
        "invalid text format: line 1, column 8: field label: \
         expected a value of google.protobuf.FieldDescriptorProto.Label, found `7`"
    );
    assert!(field("label: label_repeated").is_err());
}

/// An error shows the whole token, and the range where an integer is out of it.
#[test]
fn errors_show_the_whole_token() {
    for (text, expected) in [
        ("1.5", "a value of type int64, found `1.5`"),
        ("1e3", "a value of type int64, found `1e3`"),
        ("- 2.0f", "a value of type int64, found `-` and `2.0f`"),
        ("'a\\'b'", "a value of type int64, found `'a\\'b'`"),
        (
            "9223372036854775808",
            "a value of type int64 from -9223372036854775808 to 9223372036854775807, \
             found `9223372036854775808`",
        ),
    ] {
        let error = refusal::<Duration>(&format!("seconds: {text}"));
        assert!(error.ends_with(&format!("field seconds: expected {expected}")), "{error}");
    }
    let error = refusal::<Timestamp>("nanos: -0x80000001");
    let expected = "expected a value of type int32 from -2147483648 to 2147483647, \
                    found `-` and `0x80000001`";
    assert!(error.ends_with(expected), "{error}");
}

/// Specification, "Numeric Literals": white space may stand behind a sign.
#[test]
fn signs_may_stand_apart() {
    assert_eq!(Duration::from_text("seconds: - 5").unwrap().seconds, -5);
    assert_eq!(Duration::from_text("seconds: - # a comment\n5").unwrap().seconds, -5);
}

/// Specification, "String Literals": several are one; strings that must be UTF-8 are.
#[test]
fn strings_are_joined() {
    assert_eq!(field("name: 'a' \"b\"\n# c\n'\\x64'").unwrap().name, Some("abd".into()));
    assert_eq!(
        refusal::<Struct>("fields { key: '\\xff' }"),
        "line 1, column 15: field fields: expected a string that is UTF-8, found `'\\xff'`"
    );
    let any_bytes = field("name: '\\xff'").unwrap().name.expect("it is set");
    assert_eq!(any_bytes.as_bytes(), b"\xff", "a string of proto2 need not be UTF-8");
}

/// Specification, "Fields": what is not repeated stands once, one member of a oneof, by whatever name.
#[test]
fn what_is_singular_stands_once() {
    assert_eq!(
        refusal::<Duration>("seconds: 1 seconds: 1"),
        "line 1, column 12: expected seconds once, found it again"
    );
    assert_eq!(
        refusal::<Value>("number_value: 1 bool_value: true"),
        "line 1, column 17: expected one member of kind, found bool_value after number_value"
    );
    assert!(FieldDescriptorProto::from_text("options {} options {}").is_err());
}

/// Specification, "Map fields": entries are messages of key and value; the last of a key counts.
#[test]
fn maps_are_messages_of_key_and_value() {
    let read = Struct::from_text(
        "fields { key: 'a' value { bool_value: true } }
         fields: [{ value { number_value: 2 } key: 'b' }, { value { number_value: 1 } key: 'a' }, {}]",
    )
    .unwrap();
    let number =
        |number| Value { kind: Some(value::Kind::NumberValue(number)), ..Value::default() };
    let fields =
        [("a".into(), number(1.0)), ("b".into(), number(2.0)), (String::new(), Value::default())];
    assert_eq!(read, Struct { fields: fields.into(), ..Struct::default() });
    assert!(
        read.to_text()
            .starts_with("fields {\n  key: \"\"\n  value {\n  }\n}\nfields {\n  key: \"a\"")
    );
    for text in ["key: 'a' key: 'b'", "other: 1", "key 'a'"] {
        assert!(Struct::from_text(&format!("fields {{ {text} }}")).is_err(), "{text}");
    }
}

/// Specification, "Any fields": the message in place of its bytes, its type found by its name.
#[test]
fn any_is_expanded() {
    let duration = Duration { seconds: 3, ..Duration::default() };
    let any = Any {
        type_url: "type.googleapis.com/google.protobuf.Duration".to_owned(),
        value: duration.encode_to_vec(),
        ..Any::default()
    };
    let text = "[type.googleapis.com/google.protobuf.Duration] {\n  seconds: 3\n}\n";
    assert_eq!(any.to_text(), text);
    assert_eq!(Any::from_text(text).unwrap(), any);
    let plain = any.to_text_with(&TextPrintOptions::new().raw_any());
    assert_eq!(plain, format!("type_url: \"{}\"\nvalue: \"\\010\\003\"\n", any.type_url));
    assert_eq!(Any::from_text(&plain).unwrap(), any);
    for text in [
        "[a/b.None] {}",
        "[a/google.protobuf.Duration] {} type_url: 'x'",
        "[a/google.protobuf.Duration] { seconds: 'x' }",
        "[a%2/google.protobuf.Duration] {}",
        "[/google.protobuf.Duration] {}",
        "[a/google.protobuf.Duration]: 1",
    ] {
        assert!(Any::from_text(text).is_err(), "{text}");
    }
    assert!(Duration::from_text("[a/google.protobuf.Duration] {}").is_err());
}

/// The type in an `Any` is looked for among the files of the outermost message: that of `Any` itself
/// knows none.
#[test]
fn types_in_any_are_those_that_the_outermost_message_knows() {
    let subject = FieldDescriptorProto {
        name: Some("subject".into()),
        number: Some(1),
        label: Some(Label::Optional),
        r#type: Some(Type::Message),
        type_name: Some(".google.protobuf.Any".into()),
        ..Default::default()
    };
    let note = FieldDescriptorProto {
        name: Some("text".into()),
        r#type: Some(Type::String),
        type_name: None,
        ..subject.clone()
    };
    let message = |name: &str, field| DescriptorProto {
        name: Some(name.into()),
        field: vec![field],
        ..Default::default()
    };
    let file = FileDescriptorProto {
        name: Some("event.proto".into()),
        package: Some("event".into()),
        dependency: vec!["google/protobuf/any.proto".into()],
        message_type: vec![message("Event", subject), message("Note", note)],
        ..Default::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_files([&*file.encode_to_vec()]).unwrap();
    let event = pool.message("event.Event").unwrap();
    let text = "subject {\n  [a/event.Note] {\n    text: \"x\"\n  }\n}\n";
    let message = DynamicMessage::from_text(event, text).unwrap();
    assert_eq!(message.to_text(), text);
}

fn extended() -> DescriptorPool {
    let extension = |name: &str, number, kind, label| FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        label: Some(label),
        r#type: Some(kind),
        extendee: Some(".google.protobuf.FieldOptions".into()),
        ..Default::default()
    };
    let message = FieldDescriptorProto {
        type_name: Some(".google.protobuf.UninterpretedOption.NamePart".into()),
        ..extension("part", 5002, Type::Message, Label::Optional)
    };
    let file = FileDescriptorProto {
        name: Some("extended.proto".into()),
        package: Some("test".into()),
        extension: vec![
            extension("note", 5000, Type::String, Label::Optional),
            extension("sizes", 5001, Type::Sint32, Label::Repeated),
            message,
        ],
        ..Default::default()
    };
    let descriptor = crate::message::well_known::FILE_GOOGLE_PROTOBUF_DESCRIPTOR.descriptor();
    let bytes = Cow::Owned(file.encode_to_vec());
    let file = FileDescriptor::build(bytes, vec![descriptor.clone()]).unwrap();
    let mut pool = DescriptorPool::new();
    pool.add_file(&file).unwrap();
    pool
}

/// Specification, "Extension fields": by their full name in brackets, kept as bytes.
#[test]
fn extensions_have_names_in_brackets() {
    let pool = extended();
    let parse = TextParseOptions::new().pool(&pool);
    let print = TextPrintOptions::new().pool(&pool);
    let text = "lazy: true\n[test.note]: \"x\"\n[test.sizes]: -1\n[test.sizes]: 2\n\
                [test.part] {\n  name_part: \"p\"\n  is_extension: false\n}\n";
    let read = FieldOptions::from_text_with(text, &parse).unwrap();
    assert_eq!(read.to_text_with(&print), text);
    let sizes = read.unknown.iter().filter(|(number, _)| *number == 5001);
    let varint = |value| (5001, UnknownValue::Varint(value));
    assert_eq!(sizes.collect::<Vec<_>>(), [varint(1), varint(4)]);
    assert_eq!(read.to_text(), "lazy: true\n", "without the pool nobody knows them");
    for text in ["[test.note]: 1", "[test.none]: 1", "[test.note]: 'a' [test.note]: 'b'"] {
        assert!(FieldOptions::from_text_with(text, &parse).is_err(), "{text}");
    }
    let lenient = TextParseOptions::new().ignore_unknown();
    let read =
        FieldOptions::from_text_with("[test.none] { a: [1, {b: 'c' 'd'}] } lazy: 1", &lenient);
    assert_eq!(read.unwrap().lazy, Some(true));
}

/// Unknown fields are printed by their numbers if that is wanted.
#[test]
fn unknown_fields_have_numbers() {
    let mut unknown = UnknownFields::new();
    unknown.push(7, UnknownValue::Varint(5));
    unknown.push(8, UnknownValue::Fixed32(1));
    unknown.push(9, UnknownValue::LengthDelimited(b"\x08\x01"));
    unknown.push(10, UnknownValue::LengthDelimited(b"text"));
    let duration = Duration { unknown, ..Duration::default() };
    assert_eq!(duration.to_text(), "");
    assert_eq!(
        duration.to_text_with(&TextPrintOptions::new().unknown_fields()),
        "7: 5\n8: 0x00000001\n9 {\n  1: 1\n}\n10: \"text\"\n"
    );
}

/// Specification, "Fields": a group is known by the name of its type and by that of its field, and
/// printed by the former; a delimited field that is not declared like a group has its own name.
#[test]
fn groups_have_the_name_of_their_type() {
    let file = "name: 'group.proto' package: 'group' edition: EDITION_2023 syntax: 'editions' \
        options { features { message_encoding: DELIMITED } } message_type { name: 'Outer' \
        nested_type { name: 'LikeThis' } \
        field { name: 'likethis' number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE \
            type_name: '.group.Outer.LikeThis' } \
        field { name: 'other' number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE \
            type_name: '.group.Outer.LikeThis' } }";
    let file = FileDescriptorProto::from_text(file).unwrap().encode_to_vec();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.as_slice()]).unwrap();
    let parse = |text: &str| {
        let mut message = DynamicMessage::new(pool.message("group.Outer").unwrap());
        TextParseOptions::new().merge(text, &mut message).map(|()| message)
    };
    let printed = |text: &str| TextPrintOptions::new().single_line().print(&parse(text).unwrap());
    assert_eq!(printed("LikeThis {} other {}"), "LikeThis { } other { }");
    assert_eq!(printed("likethis: <>"), "LikeThis { }");
    assert_eq!(parse("LikeThis {}").unwrap().encode_to_vec().unwrap(), [0x0b, 0x0c]);
    for text in ["Likethis {}", "LIKETHIS {}", "Other {}", "LikeThis {} likethis {}"] {
        assert!(parse(text).is_err(), "{text}");
    }
}

/// Specification, "Fields": names that the message reserves are skipped with their values.
#[test]
fn reserved_names_are_skipped() {
    let file = "name: 'reserved.proto' package: 'reserved' message_type { name: 'Thing' \
        reserved_name: 'old' \
        field { name: 'new' number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 } }";
    let file = FileDescriptorProto::from_text(file).unwrap().encode_to_vec();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.as_slice()]).unwrap();
    let parse = |text: &str| {
        let mut message = DynamicMessage::new(pool.message("reserved.Thing").unwrap());
        TextParseOptions::new().merge(text, &mut message).map(|()| message)
    };
    let message = parse("old: 5 old { a: 'b' < } > new: 1");
    assert!(message.is_err(), "brackets match also in what is skipped");
    let message = parse("old: -5, old { a: 'b' c < > } new: 1; old: [1, {}] old: 'x' 'y'").unwrap();
    assert_eq!(message.encode_to_vec().unwrap(), [8, 1]);
    assert!(parse("other: 5").is_err());
}

/// Items of a MessageSet that no extension explains are unknown fields beside those that one does.
#[test]
fn unknown_items_of_a_message_set_are_printed() {
    let file = "name: 'set.proto' package: 'set' message_type { name: 'Set' \
        options { message_set_wire_format: true } extension_range { start: 4 end: 536870912 } } \
        extension { name: 'known' number: 5 label: LABEL_OPTIONAL type: TYPE_MESSAGE \
            type_name: '.set.Set' extendee: '.set.Set' }";
    let file = FileDescriptorProto::from_text(file).unwrap().encode_to_vec();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.as_slice()]).unwrap();
    let items = b"\x0b\x10\x05\x1a\x00\x0c\x0b\x10\x06\x1a\x00\x0c";
    let set = DynamicMessage::decode(pool.message("set.Set").unwrap(), items).unwrap();
    let options = TextPrintOptions::new().pool(&pool).unknown_fields();
    assert_eq!(options.print(&set), "[set.known] {\n}\n1 {\n  2: 6\n  3: \"\"\n}\n");
}

/// Names that nobody knows are errors that say where, or are skipped with their values if asked for.
#[test]
fn unknown_names_are_refused() {
    assert_eq!(
        refusal::<Duration>("seconds: 1\n  hours: 2"),
        "line 2, column 3: expected a field of google.protobuf.Duration, found `hours`"
    );
    let lenient = TextParseOptions::new().ignore_unknown();
    let text = "a: 1 b { c <d: 'e'> } f: [-1.5, x] g: 'h' 'i', seconds: 2";
    assert_eq!(Duration::from_text_with(text, &lenient).unwrap().seconds, 2);
    for text in ["a", "a:", "a {", "a { ] }", "a: [1", "a: ]"] {
        assert!(Duration::from_text_with(text, &lenient).is_err(), "{text}");
    }
}

/// Required fields are checked when the text is read.
#[test]
fn required_fields_are_checked() {
    assert_eq!(
        refusal::<UninterpretedOption>("name { name_part: 'a' }"),
        "line 1, column 24: expected the required field name[0].is_extension, it is not set"
    );
}

/// Limits: 100 levels however deep the text goes, and the memory of elements.
#[test]
fn limits_hold() {
    let nested = |levels: usize| "nested_type{".repeat(levels) + &"}".repeat(levels);
    assert!(DescriptorProto::from_text(&nested(100)).is_ok());
    for levels in [101, 1_000_000] {
        let error = DescriptorProto::from_text(&nested(levels)).unwrap_err().to_string();
        assert!(error.ends_with("expected at most 100 levels of nesting, found more"), "{levels}");
    }
    let lenient = TextParseOptions::new().ignore_unknown();
    let unknown = "x{".repeat(1_000_000);
    assert!(DescriptorProto::from_text_with(&unknown, &lenient).is_err());
    assert!(DescriptorProto::from_text_with(&"x[".repeat(1_000_000), &lenient).is_err());
    let little = TextParseOptions::new().memory_limit(10_000);
    let error = DescriptorProto::from_text_with(&"field{}".repeat(1000), &little).unwrap_err();
    let expected = "expected to need at most 10000 bytes of memory, needs more";
    assert!(error.to_string().ends_with(expected), "{error}");
}

/// Any fields: a URL that brackets cannot hold stays a string, whatever a peer has put there.
#[test]
fn urls_that_are_no_names_stay_strings() {
    for url in [
        "a b/google.protobuf.Duration",
        "x] {} type_url: 'y' [a/google.protobuf.Duration",
        "a:80/google.protobuf.Duration",
        "a%2/google.protobuf.Duration",
        "/google.protobuf.Duration",
        "é/google.protobuf.Duration",
    ] {
        let any = Any { type_url: url.to_owned(), value: vec![8, 1], ..Default::default() };
        let text = any.to_text();
        assert!(text.starts_with("type_url: \""), "{text}");
        assert_eq!(Any::from_text(&text), Ok(any));
    }
    let any = Any { type_url: "a%2F.b/c/google.protobuf.Duration".into(), ..Default::default() };
    assert!(any.to_text().starts_with("[a%2F.b/c/google.protobuf.Duration] {"));
    assert_eq!(Any::from_text(&any.to_text()), Ok(any));
}

/// A text that is to redact shows no bytes of an Any: nobody knows which of them are secret.
#[test]
fn bytes_of_any_are_redacted() {
    let redact = TextPrintOptions::new().single_line().redact();
    for url in ["a/unknown.Type", "a b/google.protobuf.Duration"] {
        let any = Any { type_url: url.into(), value: vec![8, 1], ..Default::default() };
        assert_eq!(any.to_text_with(&redact), format!("type_url: \"{url}\" value: [REDACTED]"));
    }
    let url = "a/google.protobuf.Duration";
    let any = Any { type_url: url.into(), value: vec![8, 1], ..Default::default() };
    assert_eq!(any.to_text_with(&redact), format!("[{url}] {{ seconds: 1 }}"));
    let raw = redact.raw_any();
    assert_eq!(any.to_text_with(&raw), format!("type_url: \"{url}\" value: [REDACTED]"));
}

/// Map entries: a value behind its key is read like any other message, at any depth and with
/// whatever names it has; each stands once.
#[test]
fn values_of_maps_are_read_like_other_messages() {
    let value = |inner: &str| format!("fields {{ key: 'a' value {{ {inner} }} }}");
    // The innermost of 100 levels has its elements in brackets.
    let lists = |inner: &str| "list_value { values { ".repeat(48) + inner + &" } }".repeat(48);
    let deep = value(&lists("list_value { values: [{ bool_value: true }, {}] }"));
    let read = Struct::from_text(&deep).unwrap();
    assert_eq!(Struct::from_text(&read.to_text()), Ok(read));
    assert!(
        Struct::from_text(&value(&lists("list_value { values { struct_value {} } }"))).is_err()
    );
    for text in [
        "fields { key: 'a' value {} value {} }",
        "fields { value {} value {} key: 'a' }",
        "fields { key: 'a' value {} key: 'b' }",
        "fields { key: 'a' key: 'b' value {} }",
    ] {
        assert!(Struct::from_text(text).is_err(), "{text}");
    }
    let one = Struct::from_text("fields { value { bool_value: true } key: 'a' }").unwrap();
    assert_eq!(one, Struct::from_iter([("a", true)]));
}

/// Whatever the text, the answer is a message or an error.
#[test]
fn no_text_panics() {
    let text = "name: 'a\\x41' field { number: -0x1F type: TYPE_INT32 } # c\nnested_type [<>, {}]";
    for end in 0..text.len() {
        let _ = DescriptorProto::from_text(&text[..end]);
    }
    for at in 0..text.len() {
        for byte in 0..128_u8 {
            let mut changed = text.as_bytes().to_vec();
            changed[at] = byte;
            let _ = DescriptorProto::from_text(std::str::from_utf8(&changed).expect("it is ASCII"));
        }
    }
}
