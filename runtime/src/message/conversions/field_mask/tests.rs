//! What masks do to messages.

use super::FieldMaskOptions;
use crate::message::well_known::value::Kind;
use crate::message::well_known::{
    Api, DescriptorProto, FieldDescriptorProto, FieldMask, FileDescriptorProto, FileOptions,
    Method, MethodOptions, Struct, Type, Value,
};
use crate::message::{DescriptorPool, DynamicMessage, Message, Reflect, UnknownFields};

fn mask(paths: &str) -> FieldMask {
    paths.parse().unwrap()
}

fn file(text: &str) -> FileDescriptorProto {
    FileDescriptorProto::from_text(text).unwrap()
}

/// Applies the mask, in generated and in dynamic messages alike, and gives the target's text.
#[track_caller]
fn applied(paths: &str, source: &str, target: &str, options: FieldMaskOptions) -> String {
    let (source, mut target) = (file(source), file(target));
    let pool = DescriptorPool::of::<FileDescriptorProto>();
    let descriptor = pool.message(FileDescriptorProto::FULL_NAME).unwrap();
    let bytes = target.encode_to_vec();
    let mut other = DynamicMessage::decode(descriptor, &bytes).unwrap();
    mask(paths).apply_with(&source, &mut other, &options).unwrap();
    mask(paths).apply_with(&source, &mut target, &options).unwrap();
    assert_eq!(other.encode_to_vec().unwrap(), target.encode_to_vec());
    let single = crate::message::TextPrintOptions::new().single_line();
    target.to_text_with(&single)
}

/// field_mask.proto: what the mask covers is copied, unset fields too, and nothing else is.
#[test]
fn covered_fields_are_copied() {
    let check = |paths: &str, source: &str, target: &str, expected: &str| {
        assert_eq!(applied(paths, source, target, FieldMaskOptions::new()), expected, "{paths}");
    };
    check("name", "name: 'a' package: 'b'", "package: 'c'", "name: \"a\" package: \"c\"");
    check("name", "package: 'b'", "name: 'a' package: 'c'", "package: \"c\"");
    check("", "name: 'a'", "package: 'c'", "package: \"c\"");
    check(
        "options.go_package",
        "options { go_package: 'a' java_package: 'b' }",
        "options { java_package: 'c' }",
        "options { java_package: \"c\" go_package: \"a\" }",
    );
    check("options.go_package", "", "options { go_package: 'a' }", "options { go_package: \"a\" }");
    let (a, b) = ("options { go_package: 'a' }", "options { java_package: 'b' }");
    check("options", a, b, "options { java_package: \"b\" go_package: \"a\" }");
    check("options", "", b, "options { java_package: \"b\" }");
    check(
        "dependency",
        "dependency: 'a'",
        "dependency: 'b'",
        "dependency: \"b\" dependency: \"a\"",
    );
    check("enum_type", "enum_type { name: 'A' }", "", "enum_type { name: \"A\" }");
}

/// What is replaced is gone, where the options say so, even by nothing.
#[test]
fn options_replace_messages_and_repeated_fields() {
    let options = FieldMaskOptions::new().replace_messages();
    let (a, b) = ("options { go_package: 'a' }", "options { java_package: 'b' }");
    assert_eq!(applied("options", a, b, options), "options { go_package: \"a\" }");
    assert_eq!(applied("options", "", b, options), "");
    let both = "options { go_package: \"a\" java_package: \"b\" }";
    assert!(applied("options.go_package", a, b, options).len() == both.len());
    let options = FieldMaskOptions::new().replace_repeated();
    let replaced = applied("dependency", "dependency: 'a'", "dependency: 'b'", options);
    assert_eq!(replaced, "dependency: \"a\"");
    assert_eq!(applied("dependency", "", "dependency: 'b'", options), "");
}

/// Oneofs: a member that is set takes over, one that is not unsets no other. Maps: by keys.
#[test]
fn oneofs_and_maps_are_copied() {
    let mut target = Value::from("x");
    mask("number_value").apply(&Value::from(true), &mut target).unwrap();
    assert_eq!(target, Value::from("x"));
    mask("bool_value").apply(&Value::from(true), &mut target).unwrap();
    assert_eq!(target, Value::from(true));
    mask("bool_value").apply(&Value::from("y"), &mut target).unwrap();
    assert_eq!(target.kind, None);
    let source = Struct::from_iter([("a", Value::from(1)), ("b", Value::from(2))]);
    let mut target = Struct::from_iter([("b", Value::from("old")), ("c", Value::from(3))]);
    mask("fields").apply(&source, &mut target).unwrap();
    assert_eq!(target.fields.len(), 3);
    assert_eq!(target.get("b"), Some(&Value::from(2)));
    let options = FieldMaskOptions::new().replace_repeated();
    mask("fields").apply_with(&source, &mut target, &options).unwrap();
    assert_eq!(target, source);
    let list = Value { kind: Some(Kind::ListValue(Default::default())), ..Value::default() };
    let mut target = Value::default();
    mask("list_value.values").apply(&list, &mut target).unwrap();
    assert_eq!(target, list);
}

/// Projection: what is covered stays, in messages that hold something else too; all else goes.
#[test]
fn trimming_leaves_what_is_covered() {
    let trimmed = |paths: &str| {
        let mut api = Api {
            name: "a".into(),
            methods: vec![Method { name: "m".into(), ..Default::default() }],
            ..Default::default()
        };
        api.source_context.get_or_insert_default().file_name = "f".into();
        api.unknown.push(99, crate::message::UnknownValue::Varint(1));
        mask(paths).trim(&mut api).unwrap();
        assert_eq!(api.unknown, UnknownFields::new());
        api.to_text_with(&crate::message::TextPrintOptions::new().single_line())
    };
    assert_eq!(trimmed("name"), "name: \"a\"");
    assert_eq!(trimmed("methods,version"), "methods { name: \"m\" }");
    assert_eq!(trimmed("source_context"), "source_context { file_name: \"f\" }");
    assert_eq!(trimmed("source_context.file_name"), "source_context { file_name: \"f\" }");
    assert_eq!(trimmed(""), "");
    let mut unset = Api::default();
    mask("source_context.file_name").trim(&mut unset).unwrap();
    assert!(unset.source_context.is_none(), "what is unset stays so");
}

/// Paths lead through singular messages to fields that are declared; nothing is done otherwise.
#[test]
fn paths_are_checked_before_anything_is_copied() {
    let default = FileDescriptorProto::default();
    for wrong in ["", "nme", "name.x", "options.x", "message_type.name", "options..x", "options."] {
        let mask = FieldMask::from_paths(["package", wrong]);
        let checked = mask.check_paths(default.descriptor());
        assert!(checked.is_err(), "{wrong}");
        let (source, mut target) = (file("package: 'a'"), FileDescriptorProto::default());
        assert_eq!(mask.apply(&source, &mut target), checked);
        assert_eq!(target, FileDescriptorProto::default());
        let mut whole = source.clone();
        assert_eq!(mask.trim(&mut whole), checked);
        assert_eq!(whole, source);
    }
    let error = mask("message_type.name").check_paths(default.descriptor()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "expected the path to end at google.protobuf.FileDescriptorProto.message_type, \
         which is no singular message, got \"message_type.name\""
    );
    let error = mask("name").apply(&Api::default(), &mut Type::default()).unwrap_err();
    assert_eq!(error.to_string(), "expected google.protobuf.Api, got google.protobuf.Type");
    for descriptor in [FileOptions::default().descriptor(), MethodOptions::default().descriptor()] {
        let all = FieldMask::of_all_fields(descriptor);
        assert_eq!(all.paths.len(), descriptor.fields().len());
        assert_eq!(all.check_paths(descriptor), Ok(()));
    }
}

/// A path of a million names costs no stack: recursion ends where the message does.
#[test]
fn deep_paths_cost_no_stack() {
    let inner = FieldDescriptorProto {
        name: Some("a".into()),
        number: Some(1),
        type_name: Some(".Node".into()),
        ..Default::default()
    };
    let node =
        DescriptorProto { name: Some("Node".into()), field: vec![inner], ..Default::default() };
    let file = FileDescriptorProto {
        name: Some("node.proto".into()),
        message_type: vec![node],
        ..Default::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_files([file.encode_to_vec().as_slice()]).unwrap();
    let descriptor = pool.message("Node").unwrap();
    let mask = FieldMask::from_paths([vec!["a"; 1_000_000].join(".")]);
    assert_eq!(mask.check_paths(descriptor), Ok(()));
    let source = DynamicMessage::decode(descriptor, b"\x0a\x02\x0a\x00").unwrap();
    let mut target = DynamicMessage::new(descriptor);
    mask.apply(&source, &mut target).unwrap();
    assert_eq!(target, source);
    mask.trim(&mut target).unwrap();
    assert_eq!(target, source);
}

/// field_mask.proto: a path covers what lies below it, and never a longer name.
#[test]
fn a_path_covers_what_lies_below_it() {
    assert!(mask("a.b").covers("a.b") && mask("a.b").covers("a.b.c"));
    assert!(!mask("a.b").covers("a") && !mask("a.b").covers("a.bc"));
    assert!(!mask("").covers("a"));
}

/// Paths that another one covers are left out, whatever their order and neighbours.
#[test]
fn a_normal_mask_is_minimal_and_sorted() {
    assert_eq!(mask("b,a.b.c,a.b,a.b-c,a.b").normalized(), mask("a.b,a.b-c,b"));
    assert_eq!(mask("a.x,a-b,a").normalized(), mask("a,a-b"));
    assert_eq!(mask("").normalized(), mask(""));
}

/// A union covers what either covers, an intersection what both do.
#[test]
fn union_and_intersection_are_those_of_sets() {
    let (left, right) = (mask("a.b,c,d.e.f"), mask("a,c.x,d.e.g"));
    assert_eq!(left.union(&right), mask("a,c,d.e.f,d.e.g"));
    assert_eq!(left.intersection(&right), mask("a.b,c.x"));
    assert_eq!(left.intersection(&mask("")), mask(""));
    assert_eq!(mask("a.b,a.d,b").intersection(&mask("a,a.c,b.x,b.y")), mask("a.b,a.d,b.x,b.y"));
}

/// Masks are as large as a peer makes them: an intersection costs no more than sorting.
#[test]
fn large_masks_intersect_in_time() {
    let paths =
        |step: usize| FieldMask::from_paths((0..50_000).map(|at| format!("f{}", at * step)));
    assert_eq!(paths(2).intersection(&paths(3)).paths.len(), 16_667);
    let deep = FieldMask::from_paths([["a"; 100_000].join(".")]);
    assert_eq!(deep.intersection(&mask("a.a")), deep);
}

/// As text a mask is its paths with commas between them.
#[test]
fn masks_are_texts() {
    assert_eq!(mask("a.b_c,d").to_string(), "a.b_c,d");
    assert_eq!(mask(",a,,b,").paths, ["a", "b"]);
    assert_eq!(mask("").to_string(), "");
}
