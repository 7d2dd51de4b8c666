//! Descriptors as a peer may send them: what protoc would never write is an error, and no panic.

use crate::message::reflect::{DescriptorPool, DynamicMessage, FieldRef, Reflect, ValueRef};
use crate::message::well_known::{FileDescriptorProto, FileDescriptorSet};
use crate::message::{JsonPrintOptions, Message, TextParseOptions, TextPrintOptions};

/// Adds files in the text format to an empty pool.
fn pool(files: &[&str]) -> Result<DescriptorPool, String> {
    let file = files.iter().map(|text| FileDescriptorProto::from_text(text).unwrap()).collect();
    let set = FileDescriptorSet { file, ..Default::default() };
    let mut pool = DescriptorPool::new();
    match pool.add_descriptor_set(&set.encode_to_vec()) {
        Ok(()) => Ok(pool),
        Err(error) => Err(error.to_string()),
    }
}

/// Expects the one file with `content` to be refused.
#[track_caller]
fn check(content: &str, expected: &str) {
    let refused = pool(&[&format!("name: 'a.proto' {content}")]).unwrap_err();
    assert_eq!(refused, format!("a.proto: {expected}"));
}

/// An error names a few of the imports that are missing, with escapes, however many there are.
#[test]
fn missing_imports_do_not_fill_an_error() {
    let imports = r"dependency: 'no\n.proto' ".repeat(100_000);
    let field =
        "field { name: 'b' number: 1 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: '.B' }";
    let missing = [r"no\n.proto"; 4].join(", ");
    check(
        &format!("{imports} message_type {{ name: 'A' {field} }}"),
        &format!(".B is declared neither here nor in an import; not given: {missing}"),
    );
}

/// Imports in a circle are refused, however long it is, and a file that imports itself is.
#[test]
fn circles_of_imports_are_refused() {
    check("dependency: 'a.proto'", "the file imports itself");
    let files = [
        "name: 'a.proto' dependency: 'b.proto'",
        "name: 'b.proto' dependency: 'c.proto'",
        "name: 'c.proto' dependency: 'a.proto'",
    ];
    assert_eq!(pool(&files).unwrap_err(), "a.proto: the file imports itself");
    let diamond = [
        "name: 'a.proto' dependency: ['b.proto', 'c.proto']",
        "name: 'b.proto' dependency: 'd.proto'",
        "name: 'c.proto' dependency: 'd.proto'",
        "name: 'd.proto'",
    ];
    assert_eq!(pool(&diamond).unwrap().files().count(), 4);
}

/// Names are those of the grammar: letters, digits and underscores, points in packages alone. Other
/// ones would come out of texts as something else.
#[test]
fn names_are_identifiers() {
    for (content, what, name) in [
        ("package: 'a..b'", "the package", "a..b"),
        ("package: 'a b'", "the package", "a b"),
        ("message_type { name: 'A.B' }", "a message's name", "A.B"),
        ("message_type { name: '1A' }", "a message's name", "1A"),
        ("enum_type { name: 'E ' value { name: 'A' } }", "an enum's name", "E "),
        ("enum_type { name: 'E' value { name: 'A\"' } }", "an enum value's name", "A\""),
        (
            "message_type { name: 'A' field { name: 'x: 1 }' number: 1 type: TYPE_BOOL } }",
            "a field's name",
            "x: 1 }",
        ),
        ("message_type { name: 'A' oneof_decl { name: 'é' } }", "a oneof's name", "é"),
        ("service { name: 'S/T' }", "a service's name", "S/T"),
    ] {
        check(content, &format!("expected {what} to be a name, got {name:?}"));
    }
    check("message_type { }", "a message's name is missing");
    check("message_type { name: '\\377' }", "a message's name is not UTF-8");
    let unnamed = pool(&["package: 'a'"]).unwrap_err();
    assert_eq!(unnamed, "descriptor: the file's name is missing");
}

/// A name stands for one thing, whatever kinds of things would have it.
#[test]
fn names_are_declared_once() {
    let extended = "message_type { name: 'A' extension_range { start: 1 end: 9 } }
        extension { name: 'x' number: 1 extendee: '.A' type: TYPE_BOOL }";
    for (content, name) in [
        ("message_type { name: 'A' } message_type { name: 'A' }", "A"),
        ("message_type { name: 'A' } enum_type { name: 'A' value { name: 'B' } }", "A"),
        ("message_type { name: 'A' } service { name: 'A' }", "A"),
        ("service { name: 'A' } service { name: 'A' }", "A"),
        (
            &format!(
                "{extended} extension {{ name: 'x' number: 2 extendee: '.A' type: TYPE_BOOL }}"
            ),
            "x",
        ),
        (&format!("{extended} message_type {{ name: 'x' }}"), "x"),
    ] {
        check(content, &format!("{name} is declared twice"));
    }
    check(
        "enum_type { name: 'E' value { name: 'A' } value { name: 'A' number: 1 } }",
        "E has two values A",
    );
    check(
        "message_type { name: 'A' field { name: 'x' number: 1 type: TYPE_BOOL }
         field { name: 'x' number: 2 type: TYPE_BOOL } }",
        "A.x = 2 is there twice",
    );
    check(
        "message_type { name: 'A' oneof_decl { name: 'o' } oneof_decl { name: 'o' } }",
        "A has two oneofs o",
    );
}

/// Numbers: of fields from 1 to 2^29 - 1 and once in a message; of extensions within the ranges that
/// are left to them, beyond 2^29 - 1 in MessageSets alone.
#[test]
fn numbers_are_those_of_fields() {
    for number in [0, -1, 1 << 29, i32::MAX] {
        let field = format!("field {{ name: 'x' number: {number} type: TYPE_BOOL }}");
        check(
            &format!("message_type {{ name: 'A' {field} }}"),
            &format!("A.x has the number {number}, which no field may have"),
        );
    }
    check(
        "message_type { name: 'A' field { name: 'x' number: 1 type: TYPE_BOOL }
         field { name: 'y' number: 1 type: TYPE_BOOL } }",
        "A.y = 1 is there twice",
    );
    let extend = |range: &str, rest: &str| {
        format!(
            "message_type {{ name: 'A' extension_range {{ {range} }} }}
             extension {{ name: 'x' extendee: '.A' {rest} }}"
        )
    };
    let outside = "x = 7 is outside of the extension ranges of A";
    check(&extend("start: 1 end: 7", "number: 7 type: TYPE_BOOL"), outside);
    check(&extend("start: 8 end: 9", "number: 7 type: TYPE_BOOL"), outside);
    check(&extend("start: 9 end: 9", ""), "A: extensions 9 to 9 is no range");
    check(&extend("start: -1 end: 9", ""), "A: extensions -1 to 9 is no range");
    check(
        &extend("start: 1 end: 9", "number: 1 type: TYPE_BOOL").replace(
            "extension {",
            "extension { name: 'y' number: 1 extendee: '.A' type: TYPE_BOOL } extension {",
        ),
        "A has two extensions 1",
    );
    let beyond = "number: 536870912 type: TYPE_MESSAGE type_name: '.A'";
    check(
        &extend("start: 1 end: 2147483647", beyond),
        "x has the number 536870912, which no field may have",
    );
    let set = "start: 4 end: 2147483647 } options { message_set_wire_format: true";
    assert!(pool(&[&format!("name: 'a.proto' {}", extend(set, beyond))]).is_ok());
    check(
        &extend(set, "number: 536870912 type: TYPE_BOOL"),
        "x extends a MessageSet, which holds optional messages alone",
    );
}

/// Types: what is named is declared, and is what the field's own type says.
#[test]
fn types_are_declared() {
    let field =
        |rest: &str| format!("message_type {{ name: 'A' field {{ name: 'x' number: 1 {rest} }} }}");
    check(
        &field("type: TYPE_MESSAGE type_name: '.B'"),
        ".B is declared neither here nor in an import",
    );
    check(&field("type: TYPE_ENUM type_name: '.A'"), "A.x is of type Some(Enum), but names \".A\"");
    check(&field("type: TYPE_BOOL type_name: '.A'"), "A.x is of type Some(Bool), but names \".A\"");
    check(&field("type: TYPE_MESSAGE"), "A.x is of type Message, which needs a type name");
    check(&field(""), "A.x has no type");
    check(&field("type: TYPE_BOOL oneof_index: 0"), "A has no oneof 0");
    check(&field("type: TYPE_BOOL oneof_index: -1"), "A has no oneof -1");
    let member = "type: TYPE_BOOL oneof_index: 0 label: LABEL_REPEATED } oneof_decl { name: 'o'";
    check(&field(member), "A.x is repeated, and in a oneof");
    check(
        "service { name: 'S' method { name: 'M' input_type: '.A' output_type: '.A' } }",
        ".A is declared neither here nor in an import",
    );
    check(
        "extension { name: 'x' number: 1 extendee: '.A' type: TYPE_BOOL }",
        ".A is declared neither here nor in an import",
    );
    check("enum_type { name: 'E' }", "enum E has no values");
}

/// Types are found among many imports by many fields, without asking each file for each name.
#[test]
fn types_are_found_among_many_imports() {
    let files = 1_000;
    let mut set: Vec<FileDescriptorProto> = (0..files)
        .map(|at| {
            let text = format!("name: '{at}.proto' package: 'p' message_type {{ name: 'M{at}' }}");
            FileDescriptorProto::from_text(&text).unwrap()
        })
        .collect();
    let fields = (1..=10_000).map(|number| {
        let of = number % files;
        format!("field {{ name: 'f{number}' number: {number} type_name: '.p.M{of}' }}")
    });
    let fields: String = fields.collect();
    let imports: String = (0..files).map(|at| format!("dependency: '{at}.proto' ")).collect();
    let all = format!("name: 'all.proto' {imports} message_type {{ name: 'All' {fields} }}");
    set.push(FileDescriptorProto::from_text(&all).unwrap());
    let set = FileDescriptorSet { file: set, ..Default::default() };
    let mut pool = DescriptorPool::new();
    pool.add_descriptor_set(&set.encode_to_vec()).unwrap();
    for field in pool.message("All").unwrap().fields() {
        let expected = format!("p.M{}", field.number() as usize % files);
        assert_eq!(field.message().unwrap().full_name(), expected);
    }
}

/// A member of a map entry that is not its key or value, a map of keys that no map has.
#[test]
fn map_entries_are_checked() {
    let entry = |fields: &str| {
        format!("message_type {{ name: 'E' {fields} options {{ map_entry: true }} }}")
    };
    let expected = "E is a map entry without key = 1 and value = 2";
    check(&entry(""), expected);
    let value = "field { name: 'value' number: 2 type: TYPE_BOOL }";
    check(&entry(&format!("field {{ name: 'key' number: 1 type: TYPE_FLOAT }} {value}")), expected);
    check(&entry(&format!("field {{ name: 'key' number: 3 type: TYPE_BOOL }} {value}")), expected);
}

/// Every bit flip of a set that uses everything: read, or refused, and what is read can be used.
#[test]
fn flipped_bits_never_panic() {
    let file = FileDescriptorProto::from_text(EVERYTHING).unwrap();
    let bytes = file.encode_to_vec();
    assert!(DescriptorPool::new().add_files([bytes.as_slice()]).is_ok());
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let mut pool = DescriptorPool::new();
        if pool.add_files([flipped.as_slice()]).is_ok() {
            use_all(&pool);
        }
    }
    for end in 0..bytes.len() {
        let mut pool = DescriptorPool::new();
        if pool.add_files([&bytes[..end]]).is_ok() {
            use_all(&pool);
        }
    }
}

/// Asks everything of every descriptor, and reads and prints messages of every type.
fn use_all(pool: &DescriptorPool) {
    for file in pool.files() {
        assert!(file.to_proto().name.is_some());
        file.services()
            .for_each(|service| assert!(format!("{service:?}").contains(service.name())));
        for extension in file.extensions() {
            assert!(!extension.containing_message().extension_ranges().is_empty());
        }
        for message in file.messages() {
            for field in message.fields() {
                let has_default = !field.is_repeated() && field.message().is_none();
                assert_eq!(field.default_value().is_some(), has_default, "{field:?}");
                assert_eq!(field.containing_message(), message);
            }
            for input in
                [&b""[..], b"\x08\x01\x12\x02\x08\x01\x1a\x00", b"\x0a\x04\x0a\x00\x12\x00"]
            {
                let Ok(read) = DynamicMessage::decode(message, input) else { continue };
                for field in message.fields() {
                    if let FieldRef::Singular(ValueRef::Message(inner)) = read.field(field.index())
                    {
                        assert_eq!(Some(inner.descriptor()), field.message());
                    }
                }
                let text = TextPrintOptions::new().pool(pool).print(&read);
                let mut back = DynamicMessage::new(message);
                let parsed = TextParseOptions::new().pool(pool).merge(&text, &mut back);
                assert!(parsed.is_ok(), "{text}: {parsed:?}");
                let printed = JsonPrintOptions::new().fields_without_presence().pool(pool);
                let _: Result<String, _> = printed.print(&read);
            }
        }
    }
}

/// A file with one of each thing.
const EVERYTHING: &str = r"
    name: 'e.proto' package: 'e.f' syntax: 'proto2'
    message_type {
      name: 'A'
      field { name: 'a' number: 1 label: LABEL_OPTIONAL type: TYPE_INT32 default_value: '5' }
      field { name: 'b' number: 2 label: LABEL_OPTIONAL type: TYPE_MESSAGE type_name: '.e.f.A' }
      field { name: 'm' number: 3 label: LABEL_REPEATED type: TYPE_MESSAGE type_name: '.e.f.A.ME' }
      field { name: 'o' number: 4 label: LABEL_OPTIONAL type: TYPE_BYTES oneof_index: 0 }
      field { name: 'p' number: 5 label: LABEL_REPEATED type: TYPE_FLOAT options { packed: true } }
      field { name: 'q' number: 6 label: LABEL_OPTIONAL type: TYPE_ENUM type_name: '.e.f.E' }
      field { name: 'g' number: 7 label: LABEL_OPTIONAL type: TYPE_GROUP type_name: '.e.f.A.G' }
      nested_type {
        name: 'ME'
        field { name: 'key' number: 1 label: LABEL_OPTIONAL type: TYPE_STRING }
        field { name: 'value' number: 2 label: LABEL_OPTIONAL type: TYPE_INT64 }
        options { map_entry: true }
      }
      nested_type { name: 'G' }
      oneof_decl { name: 'c' }
      extension_range { start: 10 end: 20 }
    }
    enum_type { name: 'E' value { name: 'X' number: 1 } value { name: 'Y' number: 2 } }
    extension { name: 'x' number: 10 extendee: '.e.f.A' type: TYPE_STRING label: LABEL_OPTIONAL }
    service { name: 'S' method { name: 'M' input_type: '.e.f.A' output_type: '.e.f.A' } }
";
