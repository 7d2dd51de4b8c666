//! How much code there is: a limit for a whole file, and one for each field.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use protobuf::Message;
use protobuf::descriptor::{DescriptorProto, FileDescriptorProto, OneofDescriptorProto};
use protobuf::plugin::{CodeGeneratorRequest, CodeGeneratorResponse};

/// A greeter's messages take at most 155 lines besides docs, blank lines and the bytes of the
/// descriptor.
#[test]
fn generated_code_is_small() {
    let mut request = stored_request("hello");
    request.set_parameter("client=no,server=no".to_owned());
    let hello = run(&request).unwrap().concat();
    let (code, descriptor) = hello.split_once("/// The descriptor of").unwrap();
    assert!(descriptor.lines().count() <= 20, "a descriptor of {descriptor}");
    let is_code = |line: &&str| !line.is_empty() && !line.trim_start().starts_with("//");
    let count = code.lines().filter(is_code).count();
    assert!(count <= 155, "{count} lines:\n{code}");
}

/// A field costs at most 6 lines besides docs, attributes and declarations, whatever it is: a
/// field of every kind in the cases, several more times in its message.
#[test]
fn a_field_takes_at_most_six_lines() {
    let mut kinds = BTreeSet::new();
    for case in cases() {
        let mut request = stored_request(&case);
        if run(&request).is_none() {
            continue;
        }
        request.file_to_generate.truncate(1);
        let name = request.file_to_generate[0].clone();
        let at = request.proto_file.iter().position(|file| file.name() == name).unwrap();
        let file = request.proto_file[at].clone();
        for (place, message) in file.message_type.iter().enumerate() {
            for (index, field) in message.field.iter().enumerate() {
                if !kinds.insert(kind_of_field(&request, &file, message, index)) {
                    continue;
                }
                let repeated = |copies: usize| {
                    let mut more = request.clone();
                    repeat_field(&mut more.proto_file[at].message_type[place], index, copies);
                    lines(&more)
                };
                // Past the first few, which make short lists long ones.
                let added = repeated(16) - repeated(8);
                let full = format!("{}.{}", message.name(), field.name());
                assert!(added <= 8 * 6, "{case}: {full}: {added} lines for 8");
            }
        }
    }
    assert!(kinds.len() >= 100, "{} kinds of fields", kinds.len());
}

/// All that decides how much code a field needs.
fn kind_of_field(
    request: &CodeGeneratorRequest,
    file: &FileDescriptorProto,
    message: &DescriptorProto,
    field: usize,
) -> String {
    let field = &message.field[field];
    let is_map = message.nested_type.iter().any(|nested| {
        nested.options.map_entry() && field.type_name().ends_with(&format!(".{}", nested.name()))
    });
    format!(
        "{} {} {:?} {:?} {:?} {} {} {} {:?}",
        request.parameter(),
        file.syntax(),
        file.options,
        field.type_,
        field.label,
        is_map,
        field.proto3_optional() || field.oneof_index.is_none(),
        field.default_value.is_some(),
        field.options
    )
}

/// Adds fields like this one, under short names and numbers of their own.
fn repeat_field(message: &mut DescriptorProto, field: usize, copies: usize) {
    for copy in 0..copies {
        let mut field = message.field[field].clone();
        field.set_name(format!("f{copy}"));
        field.clear_json_name();
        field.set_number(100_000 + copy as i32);
        if field.proto3_optional() {
            let mut oneof = OneofDescriptorProto::new();
            oneof.set_name(format!("_f{copy}"));
            field.set_oneof_index(message.oneof_decl.len() as i32);
            message.oneof_decl.push(oneof);
        }
        message.field.push(field);
    }
}

/// The lines of code without docs, attributes, blank lines, the bytes of descriptors, and
/// declarations: the fields of structs, the members of enums, the signatures of getters. A call that
/// is broken because names are long is one line.
fn lines(request: &CodeGeneratorRequest) -> usize {
    let mut count = 0;
    for content in run(request).unwrap() {
        let (code, _) = content.split_once("/// The descriptor of").unwrap_or((&content, ""));
        let mut passed_over: Option<String> = None;
        for line in code.lines() {
            let text = line.trim_start();
            let indent = &line[..line.len() - text.len()];
            if let Some(end) = &passed_over {
                passed_over = (!line.starts_with(end)).then(|| end.clone());
                continue;
            }
            let declares = ["pub struct ", "pub enum "].iter().any(|item| text.starts_with(item));
            if declares && text.ends_with('{') {
                passed_over = Some(format!("{indent}}}"));
            } else if text.ends_with('(') {
                passed_over = Some(format!("{indent})"));
            }
            let counts = ["//", "#[", "pub fn "].iter().all(|start| !text.starts_with(start));
            count += usize::from(counts && !declares && !text.is_empty());
        }
    }
    count
}

/// The contents of the generated files but the module tree; `None` if the case is refused.
fn run(request: &CodeGeneratorRequest) -> Option<Vec<String>> {
    let bytes = rust_grpc_codegen::run_plugin(&request.write_to_bytes().unwrap()).unwrap();
    let response = CodeGeneratorResponse::parse_from_bytes(&bytes).unwrap();
    let files = response.file.iter().filter(|file| file.name() != "mod.rs");
    let contents = files.map(|file| file.content().to_owned()).collect();
    response.error.is_none().then_some(contents)
}

/// The cases that have a request.
fn cases() -> Vec<String> {
    let entries = fs::read_dir(root().join("golden")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut cases: Vec<String> = names.collect();
    cases.sort();
    cases
}

fn stored_request(case: &str) -> CodeGeneratorRequest {
    let path = root().join("testdata").join(case).join("request.binpb");
    CodeGeneratorRequest::parse_from_bytes(&fs::read(path).unwrap()).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
