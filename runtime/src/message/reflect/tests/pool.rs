//! Pools of descriptors, from generated files and from bytes.

use crate::message::reflect::{
    DescriptorPool, DynamicExtension, DynamicMessage, FieldMut, Value, check_extensions,
};
use crate::message::well_known::field_descriptor_proto::{Label, Type};
use crate::message::well_known::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    MethodDescriptorProto, ServiceDescriptorProto, Timestamp, descriptor_proto,
};
use crate::message::{JsonPrintOptions, Message};

fn file(name: &str, imports: &[&str], message: DescriptorProto) -> FileDescriptorProto {
    FileDescriptorProto {
        name: Some(name.into()),
        package: Some("test".into()),
        dependency: imports.iter().map(|&import| import.into()).collect(),
        message_type: vec![message],
        ..Default::default()
    }
}

fn message(name: &str, fields: &[(&str, &str)]) -> DescriptorProto {
    let field = fields.iter().zip(1..).map(|((name, type_name), number)| FieldDescriptorProto {
        name: Some((*name).into()),
        number: Some(number),
        label: Some(Label::Optional),
        r#type: Some(Type::Message),
        type_name: Some((*type_name).into()),
        ..Default::default()
    });
    DescriptorProto { name: Some(name.into()), field: field.collect(), ..Default::default() }
}

fn pool(files: Vec<FileDescriptorProto>) -> Result<DescriptorPool, String> {
    let mut pool = DescriptorPool::new();
    let set = FileDescriptorSet { file: files, ..Default::default() };
    match pool.add_descriptor_set(&set.encode_to_vec()) {
        Ok(()) => Ok(pool),
        Err(error) => Err(error.to_string()),
    }
}

/// Files may come in any order, and protobuf's own need not come at all.
#[test]
fn files_are_linked_in_any_order() {
    let outer = file(
        "outer.proto",
        &["inner.proto", "google/protobuf/timestamp.proto"],
        message("Outer", &[("inner", ".test.Inner"), ("at", ".google.protobuf.Timestamp")]),
    );
    let inner = file("inner.proto", &[], message("Inner", &[]));
    let pool = pool(vec![outer, inner]).unwrap();
    let outer = pool.message("test.Outer").unwrap();
    assert_eq!(outer.field(0).message(), pool.message("test.Inner"));
    assert_eq!(outer.field(1).message().unwrap().full_name(), Timestamp::FULL_NAME);
    assert_eq!(pool.file("inner.proto").unwrap().package(), "test");
    assert!(pool.message("test.None").is_none());
}

/// `import public`: a file sees what its imports pass on, through several of them, and no more.
#[test]
fn public_imports_are_passed_on() {
    let base = file("base.proto", &[], message("Base", &[]));
    let mut middle = file("middle.proto", &["base.proto"], message("Middle", &[]));
    let mut outer = file("outer.proto", &["middle.proto"], message("Outer", &[]));
    let user = file("user.proto", &["outer.proto"], message("User", &[("base", ".test.Base")]));
    let all = |middle: &FileDescriptorProto, outer: &FileDescriptorProto| {
        vec![user.clone(), outer.clone(), middle.clone(), base.clone()]
    };
    assert_eq!(
        pool(all(&middle, &outer)).unwrap_err(),
        "user.proto: .test.Base is declared neither here nor in an import"
    );
    middle.public_dependency.push(0);
    outer.public_dependency.push(0);
    assert!(pool(all(&middle, &outer)).is_ok());
}

/// What is declared nowhere may be in a file that the set lacks, and the error says so.
#[test]
fn an_import_that_is_missing_is_named() {
    let user = file("user.proto", &["base.proto"], message("User", &[("base", ".test.Base")]));
    assert_eq!(
        pool(vec![user]).unwrap_err(),
        "user.proto: .test.Base is declared neither here nor in an import; not given: base.proto"
    );
}

/// `import public` of a file that came before: server reflection sends files one by one.
#[test]
fn public_imports_are_passed_on_by_files_of_the_pool() {
    let base = file("base.proto", &[], message("Base", &[]));
    let mut middle = file("middle.proto", &["base.proto"], message("Middle", &[]));
    middle.public_dependency.push(0);
    let user = file("user.proto", &["middle.proto"], message("User", &[("base", ".test.Base")]));
    let mut pool = DescriptorPool::new();
    for file in [base, middle, user] {
        pool.add_files([file.encode_to_vec().as_slice()]).unwrap();
    }
    assert_eq!(pool.message("test.User").unwrap().field(0).message(), pool.message("test.Base"));
}

/// Two files of one name are refused, in one set and in two; the same file twice is one.
#[test]
fn a_name_is_of_one_file() {
    let one = file("a.proto", &[], message("A", &[]));
    let other = file("a.proto", &[], message("B", &[]));
    let expected = "a.proto: there is another file of this name";
    assert_eq!(pool(vec![one.clone(), other.clone()]).unwrap_err(), expected);
    let mut both = pool(vec![one.clone(), one.clone()]).unwrap();
    both.add_files([one.encode_to_vec().as_slice()]).unwrap();
    let error = both.add_files([other.encode_to_vec().as_slice()]).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

/// Public imports make many files visible to many: how many in all has a limit.
#[test]
fn visible_imports_have_a_limit() {
    let name = |at: usize| format!("{at}.proto");
    let mut files: Vec<FileDescriptorProto> = (0..400_usize)
        .map(|at| {
            let imports: Vec<String> = at.checked_sub(1).map(name).into_iter().collect();
            let imports: Vec<&str> = imports.iter().map(String::as_str).collect();
            let mut file = file(&name(at), &imports, message(&format!("M{at}"), &[]));
            file.public_dependency.extend(imports.iter().map(|_| 0));
            file
        })
        .collect();
    files.extend((400..1_800).map(|at| {
        let message = message(&format!("M{at}"), &[]);
        file(&name(at), &["399.proto"], message)
    }));
    let error = pool(files).expect_err("they are too many");
    assert!(error.ends_with("the files import more than 524288 others in all"), "{error}");
}

/// What peers may send: bytes that are no set, a name twice, endless nesting.
#[test]
fn broken_sets_are_refused() {
    let error = DescriptorPool::new().add_descriptor_set(b"\x0a\x05x").unwrap_err().to_string();
    assert_eq!(
        error,
        "descriptor: invalid google.protobuf.FileDescriptorSet: field 1, byte 2: \
         expected 5 more bytes, got 1"
    );
    let twice =
        vec![file("a.proto", &[], message("A", &[])), file("b.proto", &[], message("A", &[]))];
    assert_eq!(pool(twice).unwrap_err(), "b.proto: a.proto declares test.A too");
    let chain: Vec<_> = (0..1000)
        .map(|at| {
            let import = format!("{}.proto", at + 1);
            let name = format!("{at}.proto");
            file(&name, &[&import], message(&format!("M{at}"), &[]))
        })
        .collect();
    assert_eq!(pool(chain).unwrap_err(), "501.proto: imports nest deeper than 500");
}

/// Extensions are found by their name, and by the message with their number.
#[test]
fn extensions_are_found() {
    let mut host = message("Host", &[]);
    let range =
        descriptor_proto::ExtensionRange { start: Some(100), end: Some(200), ..Default::default() };
    host.extension_range.push(range);
    let mut file = file("host.proto", &[], host);
    file.extension.push(FieldDescriptorProto {
        name: Some("tag".into()),
        number: Some(100),
        label: Some(Label::Optional),
        r#type: Some(Type::Int32),
        extendee: Some(".test.Host".into()),
        ..Default::default()
    });
    let pool = pool(vec![file]).unwrap();
    let tag = pool.extension("test.tag").unwrap();
    assert_eq!(pool.extension_of("test.Host", 100), Some(tag));
    assert_eq!(pool.extension_of("test.Host", 101), None);
    assert_eq!(tag.containing_message(), pool.message("test.Host").unwrap());
    assert_eq!((tag.json_name(), tag.is_extension()), ("[test.tag]", true));
    let host = pool.message("test.Host").unwrap();
    let message = DynamicMessage::decode(host, b"\xa0\x06\x07").unwrap();
    assert_eq!(message.encode_to_vec().unwrap(), b"\xa0\x06\x07", "it stays as it came");
}

/// Extensions that nobody generated are read, set and unset among what the message does not know.
#[test]
fn extensions_are_values_at_run_time() {
    let text = "name: 'host.proto' message_type { name: 'Host'
        extension_range { start: 100 end: 200 } }
        extension { name: 'tag' number: 100 type: TYPE_INT32 extendee: '.Host' }
        extension { name: 'hosts' number: 101 label: LABEL_REPEATED type: TYPE_MESSAGE
            type_name: '.Host' extendee: '.Host' }";
    let file = FileDescriptorProto::from_text(text).unwrap();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.encode_to_vec().as_slice()]).unwrap();
    let host = pool.message("Host").unwrap();
    let mut message = DynamicMessage::decode(host, b"\xa0\x06\x07\xaa\x06\x00").unwrap();
    let read = |message: &DynamicMessage| {
        let all = DynamicExtension::all_of(message, &pool).unwrap();
        all.iter().filter(|one| one.get().is_set()).count()
    };
    assert_eq!(read(&message), 2);
    let mut tag = DynamicExtension::new(pool.extension("tag").unwrap());
    let FieldMut::Singular(mut slot) = tag.get_mut() else { panic!("it is singular") };
    slot.set(Value::I32(9)).unwrap();
    assert!(slot.set(Value::Bool(true)).is_err());
    tag.write_to(&mut message);
    assert_eq!(message.encode_to_vec().unwrap(), b"\xaa\x06\x00\xa0\x06\x09");
    DynamicExtension::new(pool.extension("tag").unwrap()).write_to(&mut message);
    DynamicExtension::new(pool.extension("hosts").unwrap()).write_to(&mut message);
    assert_eq!(message, DynamicMessage::new(host));
    let broken = DynamicMessage::decode(host, b"\xaa\x06\x01\xff").unwrap();
    assert!(DynamicExtension::all_of(&broken, &pool).is_err());
}

/// An error in an extension names the message that is extended, or the one in the extension, and a
/// field of it; bytes are counted from the extension's tag.
#[test]
fn errors_in_extensions_name_a_message_and_a_field_of_it() {
    let text = "name: 'host.proto' package: 'a'
        message_type { name: 'Host' extension_range { start: 100 end: 200 }
            field { name: 'host' number: 1 type: TYPE_MESSAGE type_name: '.a.Host'
                label: LABEL_REQUIRED } }
        message_type { name: 'Set' options { message_set_wire_format: true }
            extension_range { start: 100 end: 200 } }
        extension { name: 'text' number: 100 type: TYPE_STRING extendee: '.a.Host'
            options { features { utf8_validation: VERIFY } } }
        extension { name: 'more' number: 101 type: TYPE_MESSAGE type_name: '.a.Host'
            extendee: '.a.Host' }
        extension { name: 'item' number: 100 type: TYPE_MESSAGE type_name: '.a.Host'
            extendee: '.a.Set' }";
    let file = FileDescriptorProto::from_text(text).unwrap();
    let mut pool = DescriptorPool::new();
    pool.add_files([file.encode_to_vec().as_slice()]).unwrap();
    for (name, bytes, expected) in [
        (
            "a.Host",
            &b"\xa0\x07\x05\xa2\x06\x01\xff"[..],
            "a.Host: field 100, byte 3 of extension a.text: \
             expected utf-8, got something else after 0 bytes",
        ),
        (
            "a.Host",
            b"\xa0\x07\x05\xaa\x06\x02\x0a\x05",
            "a.Host: field 1, byte 5 of extension a.more: expected 5 more bytes, got 0",
        ),
        (
            "a.Host",
            b"\xaa\x06\x01\xff",
            "a.Host: byte 3 of extension a.more: expected 2 more bytes, got 1",
        ),
        (
            "a.Host",
            b"\xaa\x06\x00",
            "a.Host: expected the required field (a.more).host, it is not set",
        ),
        (
            "a.Set",
            b"\x0b\x10\x64\x1a\x02\x0a\x05\x0c",
            "a.Host: field 1, byte 7 of extension a.item: expected 5 more bytes, got 0",
        ),
    ] {
        let mut message = DynamicMessage::new(pool.message(name).unwrap());
        message.merge(bytes).unwrap();
        let error = check_extensions(&message, &pool, 100, None).unwrap_err();
        assert_eq!(error.to_string(), format!("invalid {expected}"), "{bytes:02x?}");
        let printed = JsonPrintOptions::new().pool(&pool).print(&message);
        if !expected.contains("required") {
            assert!(printed.unwrap_err().to_string().contains(expected));
        }
    }
}

/// A method is found by the path of its calls, with the types of its messages.
#[test]
fn a_method_is_found_by_its_path() {
    let mut file = file("a.proto", &[], message("Request", &[]));
    file.message_type.push(message("Reply", &[]));
    let method = MethodDescriptorProto {
        name: Some("Ask".into()),
        input_type: Some(".test.Request".into()),
        output_type: Some(".test.Reply".into()),
        ..Default::default()
    };
    file.service.push(ServiceDescriptorProto {
        name: Some("Oracle".into()),
        method: vec![method],
        ..Default::default()
    });
    let pool = pool(vec![file]).unwrap();
    let method = pool.method("/test.Oracle/Ask").unwrap();
    assert_eq!(method.input().full_name(), "test.Request");
    assert_eq!(method.output().full_name(), "test.Reply");
    let unknown = [
        "",
        "/",
        "//",
        "test.Oracle/Ask",
        "/test.Oracle",
        "/test.Oracle/Tell",
        "/test.Oracle/Ask/",
    ];
    for path in unknown {
        assert!(pool.method(path).is_none(), "{path}");
    }
}
