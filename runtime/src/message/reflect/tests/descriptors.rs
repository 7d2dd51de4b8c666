//! Descriptors built from protos that are written here field by field.

use std::borrow::Cow;

use crate::message::reflect::{Cardinality, FieldKind, FileDescriptor, ValueRef};
use crate::message::well_known::field_descriptor_proto::{Label, Type};
use crate::message::well_known::{
    DescriptorProto, Edition, EnumDescriptorProto, EnumValueDescriptorProto, FeatureSet,
    FieldDescriptorProto, FileDescriptorProto, MessageOptions, OneofDescriptorProto, feature_set,
};
use crate::message::{DescriptorError, DynamicMessage, Message, UnknownValue};

fn field(name: &str, number: i32, kind: Type) -> FieldDescriptorProto {
    FieldDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        r#type: Some(kind),
        label: Some(Label::Optional),
        ..Default::default()
    }
}

fn typed(name: &str, number: i32, kind: Type, type_name: &str) -> FieldDescriptorProto {
    FieldDescriptorProto { type_name: Some(type_name.into()), ..field(name, number, kind) }
}

fn repeated(field: FieldDescriptorProto) -> FieldDescriptorProto {
    FieldDescriptorProto { label: Some(Label::Repeated), ..field }
}

fn with_default(field: FieldDescriptorProto, text: &str) -> FieldDescriptorProto {
    FieldDescriptorProto { default_value: Some(text.into()), ..field }
}

fn message(name: &str, field: Vec<FieldDescriptorProto>) -> DescriptorProto {
    DescriptorProto { name: Some(name.into()), field, ..Default::default() }
}

fn mood() -> EnumDescriptorProto {
    let value = |name: &str, number| EnumValueDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        ..Default::default()
    };
    EnumDescriptorProto {
        name: Some("Mood".into()),
        value: vec![value("GLAD", 3), value("SAD", 1), value("MERRY", 3)],
        ..Default::default()
    }
}

fn file(syntax: &str, message_type: Vec<DescriptorProto>) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some("test.proto".into()),
        package: Some("test".into()),
        syntax: Some(syntax.into()),
        message_type,
        enum_type: vec![mood()],
        ..Default::default()
    }
}

fn built(file: &FileDescriptorProto) -> Result<FileDescriptor, DescriptorError> {
    FileDescriptor::build(Cow::Owned(file.encode_to_vec()), Vec::new())
}

fn refusal(file: &FileDescriptorProto) -> String {
    built(file).expect_err("the descriptor is wrong").to_string()
}

/// Editions, feature defaults: proto2 has presence, closed enums and expanded repeated fields.
#[test]
fn proto2_has_its_defaults() {
    let fields = vec![
        field("plain", 1, Type::Int32),
        repeated(field("many", 2, Type::Int32)),
        field("name", 3, Type::String),
        FieldDescriptorProto { label: Some(Label::Required), ..field("must", 4, Type::Bool) },
    ];
    let file = built(&file("proto2", vec![message("M", fields)])).unwrap();
    let message = file.message_by_name("test.M").expect("it is declared");
    assert!(message.field(0).has_presence());
    assert!(!message.field(1).is_packed());
    assert!(!message.field(2).is_utf8());
    assert!(message.field(3).is_required());
    assert!(file.enum_by_name("test.Mood").expect("it is declared").is_closed());
}

/// Editions, feature defaults: proto3 has none of them.
#[test]
fn proto3_has_its_defaults() {
    let optional = FieldDescriptorProto {
        proto3_optional: Some(true),
        oneof_index: Some(0),
        ..field("maybe", 4, Type::Int32)
    };
    let fields = vec![
        field("plain", 1, Type::Int32),
        repeated(field("many", 2, Type::Int32)),
        field("name", 3, Type::String),
        optional,
        typed("child", 5, Type::Message, ".test.M"),
    ];
    let mut declared = message("M", fields);
    declared.oneof_decl =
        vec![OneofDescriptorProto { name: Some("_maybe".into()), ..Default::default() }];
    let file = built(&file("proto3", vec![declared])).unwrap();
    let message = file.message_by_name("test.M").expect("it is declared");
    assert!(!message.field(0).has_presence());
    assert!(message.field(1).is_packed());
    assert!(message.field(2).is_utf8());
    assert!(message.field(3).has_presence());
    assert_eq!(message.field(3).oneof(), None, "the oneof is protoc's own");
    assert_eq!(message.oneofs().count(), 0);
    assert!(message.field(4).has_presence());
    assert_eq!(message.field(4).message(), Some(message));
    assert!(!file.enum_by_name("test.Mood").expect("it is declared").is_closed());
}

/// Editions, inheritance: file, message, field; what is nearer wins.
#[test]
fn features_are_inherited() {
    let features = |set| FeatureSet { message_encoding: Some(set), ..Default::default() };
    let mut declared = message("M", vec![typed("child", 1, Type::Message, ".test.M")]);
    declared.options = MessageOptions {
        features: features(feature_set::MessageEncoding::Delimited).into(),
        ..Default::default()
    }
    .into();
    let mut editions = file("editions", vec![declared]);
    editions.edition = Some(Edition::Edition2023);
    let kind = |file: &FileDescriptorProto| built(file).unwrap().message(0).field(0).kind();
    assert_eq!(kind(&editions), FieldKind::Group);
    let nearer = features(feature_set::MessageEncoding::LengthPrefixed);
    editions.message_type[0].field[0].options.get_or_insert_default().features = nearer.into();
    assert_eq!(kind(&editions), FieldKind::Message);
}

/// Editions: one that is not known is refused by its name, or by its number.
#[test]
fn later_editions_are_refused() {
    let mut later = file("editions", Vec::new());
    later.edition = Some(Edition::Edition99998TestOnly);
    let expected = "test.proto: expected proto2, proto3 or an edition from 2023 to 2026, got";
    assert_eq!(refusal(&later), format!("{expected} edition 99998_TEST_ONLY"));
    later.edition = None;
    assert_eq!(refusal(&later), format!("{expected} no edition"));
    later.unknown.push(14, UnknownValue::Varint(1003));
    assert_eq!(refusal(&later), format!("{expected} an unknown edition (number 1003)"));
    assert_eq!(refusal(&file("proto4", Vec::new())), format!("{expected} syntax \"proto4\""));
}

/// descriptor.proto, default_value: text by the field's type, escapes of C for bytes.
#[test]
fn defaults_are_read() {
    let fields = vec![
        with_default(field("number", 1, Type::Sint64), "-9223372036854775808"),
        with_default(field("ratio", 2, Type::Double), "-inf"),
        with_default(field("raw", 3, Type::Bytes), "a\\000\\377\\\"\\x41b"),
        with_default(typed("mood", 4, Type::Enum, ".test.Mood"), "SAD"),
        typed("first", 5, Type::Enum, ".test.Mood"),
        with_default(field("flag", 6, Type::Bool), "true"),
        with_default(field("name", 7, Type::String), "\"quoted\""),
    ];
    let file = built(&file("proto2", vec![message("M", fields)])).unwrap();
    let default = |index| file.message(0).field(index).default_value();
    assert!(matches!(default(0), Some(ValueRef::I64(i64::MIN))));
    assert!(matches!(default(1), Some(ValueRef::F64(f64::NEG_INFINITY))));
    assert!(matches!(default(2), Some(ValueRef::Bytes(b"a\x00\xff\"Ab"))));
    assert!(matches!(default(3), Some(ValueRef::Enum(1))));
    assert!(matches!(default(4), Some(ValueRef::Enum(3))), "the first value, not zero");
    assert!(matches!(default(5), Some(ValueRef::Bool(true))));
    assert!(matches!(default(6), Some(ValueRef::ByteString(b"\"quoted\""))));
}

/// descriptor.proto: maps are repeated fields of an entry message.
#[test]
fn maps_are_known_by_their_entry() {
    let fields = vec![repeated(typed("named", 1, Type::Message, ".test.M.NamedEntry"))];
    let mut declared = message("M", fields);
    let mut entry =
        message("NamedEntry", vec![field("key", 1, Type::String), field("value", 2, Type::Int32)]);
    entry.options = MessageOptions { map_entry: Some(true), ..Default::default() }.into();
    declared.nested_type.push(entry.clone());
    let file = built(&file("proto3", vec![declared.clone()])).unwrap();
    let field = file.message(0).field(0);
    assert_eq!(field.cardinality(), Cardinality::Map);
    let (key, value) = field.map_entry().expect("it is a map");
    assert_eq!((key.kind(), value.kind()), (FieldKind::String, FieldKind::Int32));
    assert!(!field.has_presence());

    declared.nested_type[0].field.pop();
    let broken = self::file("proto3", vec![declared]);
    assert_eq!(
        refusal(&broken),
        "test.proto: test.M.NamedEntry is a map entry without key = 1 and value = 2"
    );
}

/// JSON mapping: names are lowerCamelCase unless the descriptor says another.
#[test]
fn names_in_json_are_found() {
    let named =
        FieldDescriptorProto { json_name: Some("other".into()), ..field("b", 2, Type::Bool) };
    let fields = vec![field("a_long__name_1x", 1, Type::Bool), named];
    let file = built(&file("proto3", vec![message("M", fields)])).unwrap();
    let message = file.message(0);
    assert_eq!(message.field_by_json_name("aLongName1x").map(|field| field.index()), Some(0));
    assert_eq!(message.field_by_json_name("other").map(|field| field.index()), Some(1));
    assert_eq!(message.field_by_name("b").map(|field| field.number()), Some(2));
    assert_eq!(message.field_by_number(3), None);
}

/// Enums: of several values of one number the first gives the name, all are parsed.
#[test]
fn aliases_are_parsed() {
    let file = built(&file("proto2", Vec::new())).unwrap();
    let mood = file.enum_by_name("test.Mood").expect("it is declared");
    assert_eq!(mood.value_by_number(3).map(|value| value.name()), Some("GLAD"));
    assert_eq!(mood.value_by_name("MERRY").map(|value| value.number()), Some(3));
    assert!(mood.value_by_name("merry").is_none());
}

/// Descriptors of peers: what handles rely on is checked, and the error says where.
#[test]
fn broken_descriptors_are_refused() {
    let one = |field| file("proto3", vec![message("M", vec![field])]);
    for (file, error) in [
        (one(field("", 1, Type::Int32)), "a field's name is missing"),
        (one(field("a", 0, Type::Int32)), "test.M.a has the number 0, which no field may have"),
        (one(field("a", -1, Type::Int32)), "test.M.a has the number -1, which no field may have"),
        (one(field("a", 1, Type::Message)), "test.M.a is of type Message, which needs a type name"),
        (
            one(typed("a", 1, Type::Message, ".test.N")),
            ".test.N is declared neither here nor in an import",
        ),
        (
            one(typed("a", 1, Type::Message, ".test.Mood")),
            "test.M.a is of type Some(Message), but names \".test.Mood\"",
        ),
        (
            one(FieldDescriptorProto { oneof_index: Some(7), ..field("a", 1, Type::Bool) }),
            "test.M has no oneof 7",
        ),
        (
            one(with_default(field("a", 1, Type::Int32), "x")),
            "test.M.a has a default \"x\" that its type cannot have",
        ),
        (
            file("proto3", vec![message("M", Vec::new()), message("M", Vec::new())]),
            "test.M is declared twice",
        ),
        (
            file(
                "proto3",
                vec![message("M", vec![field("a", 1, Type::Bool), field("a", 2, Type::Bool)])],
            ),
            "test.M.a = 2 is there twice",
        ),
    ] {
        assert_eq!(refusal(&file), format!("test.proto: {error}"));
    }
}

/// Editions: a map and its values are never groups, whatever the feature of the file says.
#[test]
fn maps_are_never_delimited() {
    let text = "name: 'map.proto' package: 'map' edition: EDITION_2023 syntax: 'editions' \
        options { features { message_encoding: DELIMITED } } message_type { name: 'Holder' \
        field { name: 'map' number: 1 label: LABEL_REPEATED type: TYPE_MESSAGE \
            type_name: '.map.Holder.MapEntry' } \
        field { name: 'one' number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE \
            type_name: '.map.Holder' } \
        nested_type { name: 'MapEntry' options { map_entry: true } \
            field { name: 'key' number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 } \
            field { name: 'value' number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE \
                type_name: '.map.Holder' } } }";
    let file = FileDescriptorProto::from_text(text).unwrap().encode_to_vec();
    let file = FileDescriptor::build(Cow::Owned(file), Vec::new()).unwrap();
    let holder = file.message_by_name("map.Holder").unwrap();
    let map = holder.field_by_name("map").unwrap();
    assert_eq!((map.kind(), map.cardinality()), (FieldKind::Message, Cardinality::Map));
    assert_eq!(map.map_entry().unwrap().1.kind(), FieldKind::Message);
    assert_eq!(holder.field_by_name("one").unwrap().kind(), FieldKind::Group);
    let bytes = [0x0a, 6, 8, 7, 0x12, 2, 0x13, 0x14];
    let message = DynamicMessage::decode(holder, &bytes).unwrap();
    assert_eq!(message.encode_to_vec().unwrap(), bytes);
}
