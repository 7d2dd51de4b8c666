//! The types of the tests: dynamic ones, from a descriptor that is written in JSON itself.

use crate::message::well_known::FileDescriptorProto;
use crate::message::{
    DescriptorPool, DynamicMessage, JsonError, JsonParseOptions, JsonPrintOptions, Message,
};

/// Fields of `test.All`: name, number, type, and what else the descriptor says.
const FIELDS: &[(&str, u32, &str, &str)] = &[
    ("an_int32", 1, "INT32", ""),
    ("an_int64", 2, "INT64", ""),
    ("a_uint32", 3, "UINT32", ""),
    ("a_uint64", 4, "UINT64", ""),
    ("a_float", 5, "FLOAT", ""),
    ("a_double", 6, "DOUBLE", ""),
    ("a_bool", 7, "BOOL", ""),
    ("a_string", 8, "STRING", ""),
    ("some_bytes", 9, "BYTES", ""),
    ("a_color", 10, "ENUM", ".test.Color"),
    ("child", 11, "MESSAGE", ".test.All"),
    ("numbers", 12, "INT32", "repeated"),
    ("children", 13, "MESSAGE", "repeated .test.All"),
    ("colors", 14, "ENUM", "repeated .test.Color"),
    ("maybe", 15, "INT32", "oneof 1"),
    ("text", 16, "STRING", "oneof 0"),
    ("number", 17, "INT32", "oneof 0"),
    ("chosen_null", 18, "ENUM", "oneof 0 .google.protobuf.NullValue"),
    ("chosen_value", 19, "MESSAGE", "oneof 0 .google.protobuf.Value"),
    ("by_name", 20, "MESSAGE", "repeated .test.All.ByNameEntry"),
    ("by_flag", 21, "MESSAGE", "repeated .test.All.ByFlagEntry"),
    ("by_number", 22, "MESSAGE", "repeated .test.All.ByNumberEntry"),
    ("color_by_name", 23, "MESSAGE", "repeated .test.All.ColorByNameEntry"),
    ("a_null", 24, "ENUM", ".google.protobuf.NullValue"),
    ("a_time", 25, "MESSAGE", ".google.protobuf.Timestamp"),
    ("a_span", 26, "MESSAGE", ".google.protobuf.Duration"),
    ("a_mask", 27, "MESSAGE", ".google.protobuf.FieldMask"),
    ("a_struct", 28, "MESSAGE", ".google.protobuf.Struct"),
    ("a_value", 29, "MESSAGE", ".google.protobuf.Value"),
    ("a_list", 30, "MESSAGE", ".google.protobuf.ListValue"),
    ("an_any", 31, "MESSAGE", ".google.protobuf.Any"),
    ("a_wrapper", 32, "MESSAGE", ".google.protobuf.Int64Value"),
    ("values", 33, "MESSAGE", "repeated .google.protobuf.Value"),
    ("wrappers", 34, "MESSAGE", "repeated .google.protobuf.Int64Value"),
    ("field_name1", 35, "INT32", ""),
    ("_field_name3", 36, "INT32", ""),
    ("field__name4_", 37, "INT32", ""),
    ("field0name5", 38, "INT32", ""),
    ("renamed", 39, "INT32", "json other-name"),
    ("quoted", 40, "INT32", r#"json an \"other\""#),
];

/// Maps of `test.All`: entry, type of the keys, type of the values.
const MAPS: &[(&str, &str, &str, &str)] = &[
    ("ByNameEntry", "STRING", "INT32", ""),
    ("ByFlagEntry", "BOOL", "STRING", ""),
    ("ByNumberEntry", "INT64", "MESSAGE", ".test.All"),
    ("ColorByNameEntry", "STRING", "ENUM", ".test.Color"),
];

/// A proto2 file: what only it has, and extensions.
const LEGACY: &str = r#"{
  "name": "legacy.proto", "package": "legacy", "syntax": "proto2",
  "messageType": [{
    "name": "Open",
    "field": [
      {"name": "own", "number": 1, "label": "LABEL_OPTIONAL", "type": "TYPE_INT32", "jsonName": "own"},
      {"name": "text", "number": 2, "label": "LABEL_OPTIONAL", "type": "TYPE_STRING", "jsonName": "text"},
      {"name": "state", "number": 3, "label": "LABEL_OPTIONAL", "type": "TYPE_ENUM",
       "typeName": ".legacy.State", "jsonName": "state"},
      {"name": "states", "number": 4, "label": "LABEL_REPEATED", "type": "TYPE_ENUM",
       "typeName": ".legacy.State", "jsonName": "states"}
    ],
    "extensionRange": [{"start": 100, "end": 200}],
    "extension": [
      {"name": "inner", "number": 102, "label": "LABEL_OPTIONAL", "type": "TYPE_MESSAGE",
       "typeName": ".legacy.Open", "extendee": ".legacy.Open", "jsonName": "inner"}
    ]
  }, {
    "name": "Strict",
    "field": [
      {"name": "must", "number": 1, "label": "LABEL_REQUIRED", "type": "TYPE_INT32", "jsonName": "must"}
    ]
  }],
  "enumType": [{"name": "State", "value": [{"name": "NEW", "number": 1}, {"name": "OLD", "number": 2}]}],
  "extension": [
    {"name": "extra", "number": 100, "label": "LABEL_OPTIONAL", "type": "TYPE_INT32",
     "extendee": ".legacy.Open", "jsonName": "extra"},
    {"name": "words", "number": 101, "label": "LABEL_REPEATED", "type": "TYPE_STRING",
     "extendee": ".legacy.Open", "jsonName": "words"}
  ]
}"#;

/// `test.proto` in the mapping that is being tested.
fn descriptor() -> String {
    let fields: Vec<String> = FIELDS
        .iter()
        .map(|(name, number, kind, more)| {
            let label = if more.contains("repeated") { "REPEATED" } else { "OPTIONAL" };
            let mut field = format!(
                r#"{{"name": "{name}", "number": {number}, "label": "LABEL_{label}", "type": "TYPE_{kind}""#
            );
            if let Some(at) = more.find('.') {
                field.push_str(&format!(r#", "typeName": "{}""#, &more[at..]));
            }
            if more.contains("oneof 0") {
                field.push_str(r#", "oneofIndex": 0"#);
            }
            if more.contains("oneof 1") {
                field.push_str(r#", "oneofIndex": 1, "proto3Optional": true"#);
            }
            let json_name = match more.strip_prefix("json ") {
                Some(json_name) => json_name.to_owned(),
                None => lower_camel(name),
            };
            field + &format!(r#", "jsonName": "{json_name}"}}"#)
        })
        .collect();
    let maps: Vec<String> = MAPS
        .iter()
        .map(|(name, key, value, of)| {
            let of = if of.is_empty() { String::new() } else { format!(r#", "typeName": "{of}""#) };
            format!(
                r#"{{"name": "{name}", "options": {{"mapEntry": true}}, "field": [
                {{"name": "key", "number": 1, "label": "LABEL_OPTIONAL", "type": "TYPE_{key}", "jsonName": "key"}},
                {{"name": "value", "number": 2, "label": "LABEL_OPTIONAL", "type": "TYPE_{value}", "jsonName": "value"{of}}}]}}"#
            )
        })
        .collect();
    let imports: Vec<String> = ["any", "duration", "field_mask", "struct", "timestamp", "wrappers"]
        .iter()
        .map(|name| format!(r#""google/protobuf/{name}.proto""#))
        .collect();
    format!(
        r#"{{"name": "test.proto", "package": "test", "syntax": "proto3", "dependency": [{}],
        "messageType": [{{"name": "All", "field": [{}], "nestedType": [{}],
        "oneofDecl": [{{"name": "choice"}}, {{"name": "_maybe"}}]}}],
        "enumType": [{{"name": "Color", "options": {{"allowAlias": true}}, "value": [
        {{"name": "NONE", "number": 0}}, {{"name": "RED", "number": 1}}, {{"name": "CRIMSON", "number": 1}}]}}]}}"#,
        imports.join(","),
        fields.join(","),
        maps.join(",")
    )
}

/// As protoc makes it.
fn lower_camel(name: &str) -> String {
    let mut camel = String::new();
    let mut is_word = false;
    for character in name.chars() {
        match character {
            '_' => {}
            _ if is_word => camel.push(character.to_ascii_uppercase()),
            _ => camel.push(character),
        }
        is_word = character == '_';
    }
    camel
}

pub(super) fn pool() -> DescriptorPool {
    let files: Vec<Vec<u8>> = [descriptor(), LEGACY.to_owned()]
        .iter()
        .map(|text| FileDescriptorProto::from_json(text).unwrap().encode_to_vec())
        .collect();
    let mut pool = DescriptorPool::new();
    pool.add_files(files.iter().map(Vec::as_slice)).unwrap();
    pool
}

/// A message of the type, parsed with the options.
pub(super) fn parse_with(
    name: &str,
    text: &str,
    options: JsonParseOptions<'_>,
) -> Result<DynamicMessage, JsonError> {
    let pool = pool();
    let mut message = DynamicMessage::new(pool.message(name).unwrap());
    options.pool(&pool).merge(text, &mut message)?;
    Ok(message)
}

pub(super) fn parse(text: &str) -> Result<DynamicMessage, JsonError> {
    parse_with("test.All", text, JsonParseOptions::new())
}

pub(super) fn print(message: &DynamicMessage) -> String {
    JsonPrintOptions::new().pool(&pool()).print(message).unwrap()
}

/// The text reads as a message that is printed like `expected`, which reads back as the same.
pub(super) fn check(text: &str, expected: &str) {
    let message = parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let printed = print(&message);
    assert_eq!(printed, expected, "{text}");
    let again = parse(&printed).unwrap_or_else(|error| panic!("{printed}: {error}"));
    assert_eq!(
        again.encode_to_vec().unwrap(),
        message.encode_to_vec().unwrap(),
        "{text} reads back"
    );
}

/// None of the texts is a `test.All`.
pub(super) fn refused(texts: &[&str]) {
    for text in texts {
        if let Ok(message) = parse(text) {
            panic!("{text} was read as {}", print(&message));
        }
    }
}
