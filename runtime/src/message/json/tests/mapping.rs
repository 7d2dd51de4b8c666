//! The mapping of fields, both ways.

use super::schema::{check, parse, parse_with, pool, print, refused};
use crate::message::{DynamicMessage, JsonParseOptions, JsonPrintOptions};

/// Every text that is printed is the one that came, and `{}` is the message with nothing set.
fn same(texts: &[&str]) {
    for text in texts {
        check(text, text);
    }
}

/// Each type of scalar has its form: 64-bit integers in quotes, bytes as base64.
#[test]
fn scalars_have_their_forms() {
    same(&[
        "{}",
        r#"{"anInt32":-2147483648}"#,
        r#"{"anInt64":"-9223372036854775808"}"#,
        r#"{"aUint32":4294967295}"#,
        r#"{"aUint64":"18446744073709551615"}"#,
        r#"{"aFloat":0.1}"#,
        r#"{"aFloat":-0}"#,
        r#"{"aDouble":1e300}"#,
        r#"{"aDouble":"NaN"}"#,
        r#"{"aFloat":"Infinity"}"#,
        r#"{"aDouble":"-Infinity"}"#,
        r#"{"aBool":true}"#,
        r#"{"aString":"a\"\\\n\u0000\u0001é😀"}"#,
        r#"{"someBytes":"+/8="}"#,
        r#"{"aColor":"RED"}"#,
        r#"{"aColor":7}"#,
        r#"{"child":{}}"#,
        r#"{"child":{"child":{"anInt32":1}}}"#,
    ]);
}

/// Fields without presence are not printed when they hold their default; others are.
#[test]
fn defaults_are_omitted_without_presence() {
    check(
        r#"{"anInt32":0,"aString":"","aColor":"NONE","numbers":[],"byName":{},"aBool":false}"#,
        "{}",
    );
    same(&[r#"{"maybe":0}"#, r#"{"text":""}"#, r#"{"number":0}"#]);
}

/// Names: lowerCamelCase, or what `json_name` says; the .proto's own spelling is read too.
#[test]
fn fields_have_two_names() {
    same(&[r#"{"fieldName1":1,"FieldName3":3,"fieldName4":4,"field0name5":5,"other-name":6}"#]);
    check(
        r#"{"field_name1":1,"_field_name3":3,"field__name4_":4,"field0name5":5,"renamed":6}"#,
        r#"{"fieldName1":1,"FieldName3":3,"fieldName4":4,"field0name5":5,"other-name":6}"#,
    );
    check(r#"{"\u0061nInt32":1}"#, r#"{"anInt32":1}"#);
    same(&[r#"{"aBool":true,"an \"other\"":1}"#]);
    refused(&[
        r#"{"AnInt32":1}"#,
        r#"{"anInt32":1,"anInt32":1}"#,
        r#"{"anInt32":1,"an_int32":1}"#,
        r#"{"anInt32":null,"an_int32":1}"#,
    ]);
}

/// Integers are read in every notation, quoted or not, within their range.
#[test]
fn integers_are_checked() {
    for text in ["1", "1.0", "1e0", "\"1\"", "\"1.0\"", "\"10e-1\"", "\"1E0\""] {
        for field in ["anInt32", "aUint32"] {
            check(&format!(r#"{{"{field}":{text}}}"#), &format!(r#"{{"{field}":1}}"#));
        }
        for field in ["anInt64", "aUint64"] {
            check(&format!(r#"{{"{field}":{text}}}"#), &format!(r#"{{"{field}":"1"}}"#));
        }
    }
    for text in [
        "1.5", "\"\"", "\" 1\"", "\"1 \"", "\"+1\"", "\"01\"", "\"0x1\"", "true", "[1]", "{}",
        "\"a\"", "1e40", "\"NaN\"",
    ] {
        for field in ["anInt32", "anInt64", "aUint32", "aUint64"] {
            refused(&[&format!(r#"{{"{field}":{text}}}"#)]);
        }
    }
    refused(&[
        r#"{"anInt32":2147483648}"#,
        r#"{"anInt32":-2147483649}"#,
        r#"{"aUint32":4294967296}"#,
        r#"{"aUint32":-1}"#,
        r#"{"anInt64":9223372036854775808}"#,
        r#"{"anInt64":"-9223372036854775809"}"#,
        r#"{"aUint64":18446744073709551616}"#,
    ]);
}

/// Floats may be quoted; what is no number is quoted, in one spelling.
#[test]
fn floats_are_checked() {
    check(r#"{"aFloat":"1.5","aDouble":"-2e2"}"#, r#"{"aFloat":1.5,"aDouble":-200}"#);
    check(r#"{"aFloat":1e-60}"#, "{}");
    refused(&[
        r#"{"aFloat":NaN}"#,
        r#"{"aFloat":Infinity}"#,
        r#"{"aFloat":"nan"}"#,
        r#"{"aFloat":"inf"}"#,
        r#"{"aFloat":"+Infinity"}"#,
        r#"{"aFloat":3.502823e38}"#,
        r#"{"aFloat":"-3.502823e38"}"#,
        r#"{"aDouble":1.89769e308}"#,
        r#"{"aDouble":""}"#,
        r#"{"aDouble":" 1"}"#,
        r#"{"aDouble":true}"#,
    ]);
}

/// Booleans, strings, bytes and messages take their own kind of JSON and no other.
#[test]
fn kinds_do_not_mix() {
    refused(&[
        r#"{"aBool":"true"}"#,
        r#"{"aBool":1}"#,
        r#"{"aString":1}"#,
        r#"{"aString":{}}"#,
        r#"{"someBytes":"a"}"#,
        r#"{"someBytes":[1]}"#,
        r#"{"child":1}"#,
        r#"{"child":[]}"#,
        r#"{"numbers":1}"#,
        r#"{"numbers":{}}"#,
        r#"{"numbers":["a"]}"#,
        r#"{"numbers":[[1]]}"#,
        r#"{"children":{}}"#,
        r#"{"byName":[]}"#,
        r#"{"aColor":true}"#,
        "null",
        "[]",
        "1",
        r#""""#,
    ]);
    check(r#"{"someBytes":"-_8"}"#, r#"{"someBytes":"+/8="}"#);
}

/// Enums: by name or number, case-sensitive; of several names of a number the first is printed.
#[test]
fn enums_have_names_and_numbers() {
    check(r#"{"colors":["CRIMSON",1,0,-5,1.0]}"#, r#"{"colors":["RED","RED","NONE",-5,"RED"]}"#);
    refused(&[
        r#"{"aColor":"red"}"#,
        r#"{"aColor":"BLUE"}"#,
        r#"{"aColor":"1"}"#,
        r#"{"aColor":2147483648}"#,
        r#"{"aColor":0.5}"#,
    ]);
}

/// proto2 lets two fields have one name in JSON: each is printed under a name that reads back as it.
#[test]
fn fields_of_one_json_name_are_told_apart() {
    use crate::message::well_known::FileDescriptorProto;
    use crate::message::{DescriptorPool, DynamicMessage, Message as _};

    let file = FileDescriptorProto::from_text(
        r#"name: "twice.proto" package: "twice" syntax: "proto2"
        message_type { name: "Twice"
            field { name: "foo_bar" number: 1 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "fooBar" }
            field { name: "fooBar" number: 2 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "fooBar" }
            field { name: "foo__bar" number: 3 type: TYPE_INT32 label: LABEL_OPTIONAL json_name: "fooBar" }
        }"#,
    );
    let mut pool = DescriptorPool::new();
    pool.add_files([&*file.unwrap().encode_to_vec()]).unwrap();
    let twice = pool.message("twice.Twice").unwrap();
    let message = DynamicMessage::decode(twice, b"\x08\x01\x10\x02\x18\x03").unwrap();
    let text = message.to_json().unwrap();
    assert_eq!(text, r#"{"foo_bar":1,"fooBar":2,"foo__bar":3}"#);
    assert_eq!(DynamicMessage::from_json(twice, &text), Ok(message));
}

/// json_enumvalue_options.proto: `(pb.enumvalue.json).string` is what JSON has for a value; its name
/// is read too, and all else keeps the name.
#[test]
fn enum_values_have_names_of_their_own_in_json() {
    use crate::message::well_known::FileDescriptorProto;
    use crate::message::{
        DescriptorPool, DynamicMessage, JsonPrintOptions, Message as _, UnknownValue,
    };

    let mut file = FileDescriptorProto::from_text(
        r#"name: "level.proto" package: "level" syntax: "editions" edition: EDITION_2026
        message_type { name: "Log"
            field { name: "level" number: 1 type: TYPE_ENUM type_name: ".level.Level" }
            field { name: "all" number: 2 type: TYPE_ENUM type_name: ".level.Level" label: LABEL_REPEATED } }
        enum_type { name: "Level"
            value { name: "LEVEL_UNSPECIFIED" number: 0 }
            value { name: "LEVEL_WARN" number: 1 options {} }
            value { name: "swapped" number: 2 options {} }
            value { name: "LEVEL_SWAPPED" number: 3 options {} } }"#,
    )
    .unwrap();
    let names: [&[u8]; 3] = [b"\x0a\x04warn", b"\x0a\x01x", b"\x0a\x07swapped"];
    for (value, name) in file.enum_type[0].value[1..].iter_mut().zip(names) {
        let options = value.options.get_or_insert_default();
        options.unknown.push(998, UnknownValue::LengthDelimited(name));
    }
    let mut pool = DescriptorPool::new();
    pool.add_files([&*file.encode_to_vec()]).unwrap();
    let log = pool.message("level.Log").unwrap();
    let read = |text: &str| DynamicMessage::from_json(log, text);
    let message = read(r#"{"level":"LEVEL_WARN","all":["warn","x","swapped",0]}"#).unwrap();
    let text = r#"{"level":"warn","all":["warn","x","swapped","LEVEL_UNSPECIFIED"]}"#;
    assert_eq!(message.to_json().unwrap(), text);
    assert_eq!(read(text), Ok(message.clone()));
    assert_eq!(message.encode_to_vec().unwrap(), b"\x08\x01\x12\x04\x01\x02\x03\x00");
    assert!(message.to_text().starts_with("level: LEVEL_WARN\n"));
    let numbers = JsonPrintOptions::new().enums_as_numbers().print(&message).unwrap();
    assert_eq!(numbers, r#"{"level":1,"all":[1,2,3,0]}"#);
    assert!(read(r#"{"level":"WARN"}"#).is_err());
    let any_case = JsonParseOptions::new().enums_in_any_case();
    let warned = DynamicMessage::from_json_with(log, r#"{"level":"WARN"}"#, &any_case).unwrap();
    assert_eq!(warned.to_json().unwrap(), r#"{"level":"warn"}"#);

    let options = file.enum_type[0].value[1].options.get_or_insert_default();
    options.unknown.push(998, UnknownValue::LengthDelimited(b"\x0a\x05x"));
    assert!(DescriptorPool::new().add_files([&*file.encode_to_vec()]).is_err());
}

/// Closed enums have no numbers but their own.
#[test]
fn closed_enums_refuse_other_numbers() {
    let parse = |text: &str| parse_with("legacy.Open", text, JsonParseOptions::new());
    assert_eq!(
        print(&parse(r#"{"state":2,"states":["NEW",2]}"#).unwrap()),
        r#"{"state":"OLD","states":["NEW","OLD"]}"#
    );
    assert!(parse(r#"{"state":3}"#).is_err());
    assert!(parse(r#"{"states":[1,0]}"#).is_err());
}

/// Keys of maps are strings, whatever they are in the message; values follow their own type.
#[test]
fn maps_are_objects() {
    same(&[
        r#"{"byName":{"":0,"a":1}}"#,
        r#"{"byFlag":{"false":"","true":"x"}}"#,
        r#"{"byNumber":{"-1":{},"7":{"anInt32":1}}}"#,
        r#"{"colorByName":{"a":"RED","b":9}}"#,
    ]);
    refused(&[
        r#"{"byFlag":{"True":"x"}}"#,
        r#"{"byFlag":{"1":"x"}}"#,
        r#"{"byNumber":{"a":{}}}"#,
        r#"{"byNumber":{"1.5":{}}}"#,
        r#"{"byNumber":{"":{}}}"#,
        r#"{"byName":{"a":1,"a":2}}"#,
        r#"{"byNumber":{"1":{},"1.0":{}}}"#,
        r#"{"byName":{"a":null}}"#,
        r#"{"byName":{null:1}}"#,
        r#"{"byNumber":{"1":null}}"#,
    ]);
}

/// Null is the field's default; elements of lists and maps are never null.
#[test]
fn null_unsets_fields() {
    let fields = [
        "anInt32",
        "aString",
        "someBytes",
        "aColor",
        "child",
        "numbers",
        "children",
        "maybe",
        "text",
        "byName",
        "aTime",
        "aSpan",
        "aMask",
        "aStruct",
        "aList",
        "anAny",
        "aWrapper",
        "values",
    ];
    for field in fields {
        check(&format!(r#"{{"{field}":null}}"#), "{}");
    }
    let mut message = parse(r#"{"numbers":[1],"maybe":5,"text":"x","anInt64":2}"#).unwrap();
    JsonParseOptions::new()
        .merge(r#"{"numbers":null,"maybe":null,"number":null}"#, &mut message)
        .unwrap();
    assert_eq!(print(&message), r#"{"anInt64":"2","text":"x"}"#);
    refused(&[
        r#"{"numbers":[null]}"#,
        r#"{"children":[null]}"#,
        r#"{"colors":[null]}"#,
        r#"{"wrappers":[null]}"#,
    ]);
}

/// Oneofs are set once; a null does not count but where null is a value.
#[test]
fn oneofs_are_set_once() {
    same(&[r#"{"chosenNull":null}"#, r#"{"chosenValue":null}"#, r#"{"chosenValue":[1]}"#]);
    check(r#"{"text":"a","number":null}"#, r#"{"text":"a"}"#);
    check(r#"{"number":null,"text":"a"}"#, r#"{"text":"a"}"#);
    refused(&[
        r#"{"text":"a","number":1}"#,
        r#"{"text":"a","chosenNull":null}"#,
        r#"{"chosenValue":null,"text":"a"}"#,
    ]);
}

/// What is unknown is refused, or skipped whatever it is when asked to.
#[test]
fn unknown_names_are_refused_or_ignored() {
    let unknown = [
        r#"{"nothing":1}"#,
        r#"{"nothing":{"a":[1,{"b":null}],"a":""}}"#,
        r#"{"nothing":null,"nothing":true}"#,
        r#"{"[no.extension]":1}"#,
        r#"{"aColor":"BLUE"}"#,
        r#"{"child":{"nothing":1},"an_int32":0}"#,
    ];
    refused(&unknown);
    let ignoring =
        |text: &str| parse_with("test.All", text, JsonParseOptions::new().ignore_unknown());
    for (text, expected) in
        unknown.into_iter().zip(["{}", "{}", "{}", "{}", "{}", r#"{"child":{}}"#])
    {
        assert_eq!(print(&ignoring(text).unwrap()), expected, "{text}");
    }
    let colors = r#"{"colors":["RED","BLUE",0],"colorByName":{"a":"BLUE","b":"RED"}}"#;
    let expected = r#"{"colors":["RED","NONE"],"colorByName":{"b":"RED"}}"#;
    assert_eq!(print(&ignoring(colors).unwrap()), expected);
    for text in [r#"{"nothing":}"#, r#"{"nothing":[}]}"#, r#"{"nothing":01}"#, r#"{"aColor":1.5}"#]
    {
        assert!(ignoring(text).is_err(), "{text}");
    }
}

/// The options of printing: names, numbers, unset fields and line breaks.
#[test]
fn options_change_what_is_printed() {
    let pool = pool();
    let message = parse(r#"{"anInt32":1,"aColor":"RED","aNull":null,"child":{}}"#).unwrap();
    let print = |options: JsonPrintOptions<'_>| options.print(&message).unwrap();
    let options = JsonPrintOptions::new().pool(&pool);
    assert_eq!(print(options.clone()), r#"{"anInt32":1,"aColor":"RED","child":{}}"#);
    assert_eq!(
        print(options.clone().original_names()),
        r#"{"an_int32":1,"a_color":"RED","child":{}}"#
    );
    assert_eq!(print(options.clone().enums_as_numbers()), r#"{"anInt32":1,"aColor":1,"child":{}}"#);
    assert_eq!(
        print(options.pretty()),
        "{\n  \"anInt32\": 1,\n  \"aColor\": \"RED\",\n  \"child\": {}\n}"
    );

    let empty = DynamicMessage::new(pool.message("test.All").unwrap());
    let all = JsonPrintOptions::new().fields_without_presence();
    assert_eq!(
        all.print(&empty).unwrap(),
        r#"{"anInt32":0,"anInt64":"0","aUint32":0,"aUint64":"0","aFloat":0,"aDouble":0,"aBool":false,"aString":"","someBytes":"","aColor":"NONE","numbers":[],"children":[],"colors":[],"byName":{},"byFlag":{},"byNumber":{},"colorByName":{},"aNull":null,"values":[],"wrappers":[],"fieldName1":0,"FieldName3":0,"fieldName4":0,"field0name5":0,"other-name":0,"an \"other\"":0}"#
    );
}

/// 64-bit integers go without quotes as far as every reader understands them, if they are to.
#[test]
fn integers_go_without_quotes_if_asked() {
    let pool = pool();
    let text =
        r#"{"anInt64":"-9007199254740992","aUint64":"9007199254740993","byNumber":{"5":{}}}"#;
    let message = parse(text).unwrap();
    let printed = JsonPrintOptions::new().pool(&pool).bare_integers().print(&message).unwrap();
    let expected =
        r#"{"anInt64":-9007199254740992,"aUint64":"9007199254740993","byNumber":{"5":{}}}"#;
    assert_eq!(printed, expected);
    let read = parse(&printed).unwrap();
    assert_eq!(read.encode_to_vec(), message.encode_to_vec());
}

/// Names of enum values are those of the .proto, in any case if the options say so.
#[test]
fn enums_are_read_in_any_case_if_asked() {
    let text = r#"{"aColor":"red","colors":["Red","RED"]}"#;
    assert!(parse(text).is_err());
    let options = JsonParseOptions::new().enums_in_any_case();
    let read = parse_with("test.All", text, options.clone()).unwrap();
    let expected = parse(r#"{"aColor":"RED","colors":["RED","RED"]}"#).unwrap();
    assert_eq!(read.encode_to_vec(), expected.encode_to_vec());
    assert!(parse_with("test.All", r#"{"aColor":"read"}"#, options).is_err());
}

/// Extensions are members in brackets, in whatever message they are declared.
#[test]
fn extensions_stand_in_brackets() {
    let parse = |text: &str| parse_with("legacy.Open", text, JsonParseOptions::new());
    let text = r#"{"own":1,"[legacy.extra]":7,"[legacy.words]":["a","b"],"[legacy.Open.inner]":{"[legacy.extra]":-1}}"#;
    let message = parse(text).unwrap();
    assert_eq!(print(&message), text);
    let again = parse(&print(&message)).unwrap();
    assert_eq!(again.encode_to_vec(), message.encode_to_vec());
    assert_eq!(print(&parse(r#"{"[legacy.extra]":null,"[legacy.words]":[]}"#).unwrap()), "{}");
    for text in [
        r#"{"[legacy.extra]":"a"}"#,
        r#"{"[legacy.extra]":1,"[legacy.extra]":1}"#,
        r#"{"[legacy.inner]":{}}"#,
        r#"{"legacy.extra":1}"#,
        r#"{"[extra]":1}"#,
        r#"{"[]":1}"#,
    ] {
        assert!(parse(text).is_err(), "{text}");
    }
    let error = parse(r#"{"[legacy.Open.inner]":{"own":true}}"#).unwrap_err();
    assert_eq!(error.path(), "[legacy.Open.inner].own");
}

/// proto2 strings need not be UTF-8 on the wire; JSON cannot say those that are not.
#[test]
fn strings_that_are_no_utf8_are_not_printed() {
    let pool = pool();
    let open = pool.message("legacy.Open").unwrap();
    let message = DynamicMessage::decode(open, b"\x12\x01a").unwrap();
    assert_eq!(print(&message), r#"{"text":"a"}"#);
    let message = DynamicMessage::decode(open, b"\x12\x02a\xff").unwrap();
    assert_eq!(
        JsonPrintOptions::new().print(&message).unwrap_err().to_string(),
        "cannot print legacy.Open as JSON: field text: expected a string of utf-8, got something else after 1 bytes"
    );
}

/// Errors name the place in the text, the path of the field, what was expected and what came.
#[test]
fn errors_name_the_field() {
    for (text, expected) in [
        (
            "{\"children\": [{},\n  {\"by_number\": {\"7\": {\"maybe\": \"x\"}}}]}",
            "invalid JSON for test.All: line 2, column 33, field children[1].by_number[\"7\"].maybe: \
             expected an integer from -2147483648 to 2147483647, got \"x\"",
        ),
        (
            r#"{"child":{"nothing":1}}"#,
            "invalid JSON for test.All: line 1, column 11, field child: expected the name of a field \
             of test.All, got \"nothing\"",
        ),
        (
            r#"{"text":"a","number":1}"#,
            "invalid JSON for test.All: line 1, column 22, field number: expected one field of the \
             oneof choice, got another one",
        ),
        (
            r#"{"anInt32":1,"an_int32":2}"#,
            "invalid JSON for test.All: line 1, column 14, field an_int32: expected each field once, \
             got \"an_int32\"",
        ),
        (
            "{} x",
            "invalid JSON for test.All: line 1, column 4: expected the end of the text, got x",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected);
    }
}

/// The limits: depth of objects and arrays, and memory for what the message holds.
#[test]
fn limits_hold() {
    let nested =
        |levels: usize| format!("{}{{}}{}", "{\"child\":".repeat(levels), "}".repeat(levels));
    assert!(parse(&nested(100)).is_ok());
    assert!(parse(&nested(101)).is_err());
    assert!(parse(&nested(1_000_000)).is_err());
    let list =
        |levels: usize| format!("{{\"aValue\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    // A list is two levels of messages: Value and ListValue.
    assert!(parse(&list(50)).is_ok());
    assert!(parse(&list(51)).is_err());
    assert!(parse(&list(1_000_000)).is_err());
    let shallow = JsonParseOptions::new().depth_limit(2);
    assert!(parse_with("test.All", &nested(1), shallow.clone()).is_ok());
    assert!(parse_with("test.All", &nested(2), shallow).is_err());

    let small = || JsonParseOptions::new().memory_limit(4096);
    let words = format!(r#"{{"aString":"{}"}}"#, "x".repeat(5000));
    let children = format!(r#"{{"children":[{}{{}}]}}"#, "{},".repeat(1000));
    for text in [&words, &children] {
        assert!(parse(text).is_ok());
        let error = parse_with("test.All", text, small()).unwrap_err().to_string();
        assert!(error.contains("at most 4096 bytes of memory"), "{error}");
    }
    assert!(parse_with("test.All", r#"{"aString":"x"}"#, small()).is_ok());
}
