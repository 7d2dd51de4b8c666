//! The plugin against its golden cases: `testdata/<case>/request.binpb` in, `golden/<case>/` out,
//! compared byte by byte.
//!
//! `make golden` (`UPDATE_GOLDEN=1`) makes the requests anew with the vendored protoc and rewrites
//! the outputs; nothing else does. In a case, `*.proto` are generated, those below `imports/` are
//! only imported, and `options` is the plugin's parameter.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use protobuf::Message;
use protobuf::descriptor::FileDescriptorProto;
use protobuf::plugin::{CodeGeneratorRequest, CodeGeneratorResponse};

/// What a case gives: file names to contents.
type Output = BTreeMap<String, String>;

/// Every case gives exactly its golden files.
#[test]
fn output_is_golden() {
    let cases = cases();
    assert!(cases.len() >= 25, "{} cases", cases.len());
    for case in cases {
        if updating() {
            write_golden(&case);
        }
        let expected = read_golden(&case);
        let output = run(&stored_request(&case));
        assert_eq!(
            output.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>(),
            "{case}: `make golden` rewrites the files"
        );
        for (name, content) in output {
            assert!(content == expected[&name], "{case}: {name} is not golden:\n{content}");
        }
    }
}

/// Every stored request has a folder in golden/.
#[test]
fn every_stored_request_has_a_golden_folder() {
    let mut stored = folders("testdata");
    stored.retain(|case| root().join("testdata").join(case).join(REQUEST).exists());
    assert_eq!(stored, cases());
}

/// The stored requests are what protoc makes of the .proto files.
#[cfg(feature = "vendored-protoc")]
#[test]
fn stored_requests_are_fresh() {
    for case in cases() {
        let fresh = protoc_request(&case);
        assert!(fresh == stored_request(&case), "{case}/request.binpb is stale: `make golden`");
    }
}

/// The same request gives the same bytes, whatever the order of its files.
#[test]
fn order_of_files_changes_nothing() {
    for case in cases() {
        let stored = stored_request(&case);
        let mut request = CodeGeneratorRequest::parse_from_bytes(&stored).unwrap();
        // Encoded by the crate once, because the code embeds descriptors as their bytes come.
        let expected = rust_grpc_codegen::run_plugin(&request.write_to_bytes().unwrap()).unwrap();
        let mut random = Random(1);
        for _ in 0..3 {
            random.shuffle(&mut request.proto_file);
            random.shuffle(&mut request.file_to_generate);
            let shuffled = request.write_to_bytes().unwrap();
            let output = rust_grpc_codegen::run_plugin(&shuffled).unwrap();
            assert!(output == expected, "{case}: order of files matters");
        }
    }
}

/// What a file becomes does not depend on what else is generated beside it.
#[test]
fn other_files_change_nothing() {
    for case in cases() {
        let mut request = CodeGeneratorRequest::parse_from_bytes(&stored_request(&case)).unwrap();
        let together = run(&request.write_to_bytes().unwrap());
        if together.contains_key(ERROR) {
            continue;
        }
        for file in request.file_to_generate.clone() {
            request.file_to_generate = vec![file];
            for (name, content) in run(&request.write_to_bytes().unwrap()) {
                assert!(name == "mod.rs" || content == together[&name], "{case}: {name}");
            }
        }
    }
}

/// Paths of files are relative, clean and unique: protoc and buf write them as they are.
#[test]
fn output_paths_are_clean() {
    for case in cases() {
        let bytes = rust_grpc_codegen::run_plugin(&stored_request(&case)).unwrap();
        let response = CodeGeneratorResponse::parse_from_bytes(&bytes).unwrap();
        let mut names: Vec<&str> = response.file.iter().map(|file| file.name()).collect();
        let count = names.len();
        for name in &names {
            let clean = |part| !matches!(part, "" | "." | "..");
            assert!(name.ends_with(".rs") && name.split('/').all(clean), "{case}: {name}");
        }
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "{case}");
    }
}

/// A path that would leave the output directory is refused.
#[test]
fn unclean_file_names_are_refused() {
    for name in
        ["/etc/a.proto", "../a.proto", "a/../b.proto", "./a.proto", "a//b.proto", "a\\b.proto"]
    {
        let output = run(&request_of(name, |_| {}));
        let expected =
            format!("file \"{name}\": expected a relative path without \".\" and \"..\"");
        assert_eq!(output[ERROR], expected);
    }
}

/// A name may hold what would end the comment that names it: it stands there with escapes.
#[test]
fn control_characters_in_a_name_are_escaped() {
    let output = run(&request_of("a\nb\u{202e}.proto", |_| {}));
    let content = &output["a\nb\u{202e}.rs"];
    let expected = "// Generated by rust-grpc from a\\nb\\u{202e}.proto: do not edit.\n\n";
    assert!(content.starts_with(expected), "{content}");
}

/// A request that protoc would never make is answered in words, not by a panic.
#[test]
fn unusual_requests_are_answered_in_words() {
    let output = run(&request_of("a.proto", |request| {
        request.file_to_generate.push("b.proto".to_owned());
    }));
    assert_eq!(output[ERROR], "file \"b.proto\": the request does not describe it");

    let output = run(&request_of("a.proto", |request| {
        request.proto_file[0].package = Some("not a package".to_owned());
    }));
    assert_eq!(output[ERROR], "a.proto: expected a protobuf name, got \"not a package\"");

    let output = run(&request_of("a.proto", |request| {
        request.proto_file[0].dependency.push("a.proto".to_owned());
    }));
    assert_eq!(output[ERROR], "a.proto: imports itself");

    let error = rust_grpc_codegen::run_plugin(b"\x0a\xff").unwrap_err().to_string();
    assert!(error.starts_with("expected a CodeGeneratorRequest on stdin: "), "{error}");
}

/// The response says what the plugin supports, also beside an error: proto3 optional and editions,
/// from proto2 (998) to 2026 (1002).
#[test]
fn supported_features_and_editions_are_stated() {
    for case in ["hello", "editions"] {
        let bytes = rust_grpc_codegen::run_plugin(&stored_request(case)).unwrap();
        let response = CodeGeneratorResponse::parse_from_bytes(&bytes).unwrap();
        assert_eq!(response.supported_features(), 3);
        let unknown = response.special_fields.unknown_fields();
        assert_eq!(unknown.get(3), Some(protobuf::UnknownValueRef::Varint(998)));
        assert_eq!(unknown.get(4), Some(protobuf::UnknownValueRef::Varint(1002)));
    }
}

/// An edition that came after this version is refused by its number, with what was expected; that
/// in which protobuf tries things out by its name.
#[test]
fn later_editions_are_refused() {
    for (number, words) in [(1003, "an unknown edition (number 1003)"), (9999, "edition UNSTABLE")]
    {
        let request = request_of("later.proto", |request| {
            let file = &mut request.proto_file[0];
            file.set_syntax("editions".to_owned());
            file.special_fields.mut_unknown_fields().add_varint(14, number);
        });
        let bytes = rust_grpc_codegen::run_plugin(&request).unwrap();
        let response = CodeGeneratorResponse::parse_from_bytes(&bytes).unwrap();
        let expected = "later.proto: expected proto2, proto3 or an edition from 2023 to 2026, got";
        assert_eq!(response.error(), format!("{expected} {words}"));
    }
}

/// Names of types that exist elsewhere are in nobody's way: what is ambiguous only beside the types
/// is refused only with them.
#[test]
fn types_from_elsewhere_take_no_names() {
    for case in ["error_ambiguous_module", "error_ambiguous_name"] {
        let stored = stored_request(case);
        assert!(run(&stored).contains_key(ERROR), "{case}");
        let mut request = CodeGeneratorRequest::parse_from_bytes(&stored).unwrap();
        request.set_parameter("messages=extern,extern_path=.=crate::types".to_owned());
        let output = run(&request.write_to_bytes().unwrap());
        assert!(output.contains_key("mod.rs"), "{case}: {output:?}");
    }
}

fn request_of(name: &str, change: impl FnOnce(&mut CodeGeneratorRequest)) -> Vec<u8> {
    let mut request = CodeGeneratorRequest::new();
    let mut file = FileDescriptorProto::new();
    file.set_name(name.to_owned());
    file.set_syntax("proto3".to_owned());
    request.proto_file.push(file);
    request.file_to_generate.push(name.to_owned());
    change(&mut request);
    request.write_to_bytes().unwrap()
}

fn run(request: &[u8]) -> Output {
    let bytes = rust_grpc_codegen::run_plugin(request).unwrap();
    let response = CodeGeneratorResponse::parse_from_bytes(&bytes).unwrap();
    if let Some(error) = response.error {
        assert!(response.file.is_empty());
        return Output::from([(ERROR.to_owned(), error)]);
    }
    let files = response.file.into_iter();
    files.map(|mut file| (file.take_name(), file.take_content())).collect()
}

fn updating() -> bool {
    std::env::var_os("UPDATE_GOLDEN").is_some()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn folders(parent: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(parent)).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<_> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The cases: a new one begins with an empty folder in golden/ and .proto files in testdata/.
fn cases() -> Vec<String> {
    folders("golden")
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    if let Ok(entries) = fs::read_dir(folder) {
        for path in entries.map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                found.extend(files(&path));
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn stored_request(case: &str) -> Vec<u8> {
    fs::read(root().join("testdata").join(case).join(REQUEST)).unwrap()
}

fn read_golden(case: &str) -> Output {
    let folder = root().join("golden").join(case);
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files(&folder).into_iter().map(read).collect()
}

#[cfg(feature = "vendored-protoc")]
fn write_golden(case: &str) {
    let request = protoc_request(case);
    fs::write(root().join("testdata").join(case).join(REQUEST), &request).unwrap();
    let folder = root().join("golden").join(case);
    let _ = fs::remove_dir_all(&folder);
    for (name, content) in run(&request) {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[cfg(not(feature = "vendored-protoc"))]
fn write_golden(_: &str) {
    panic!("make golden: expected the feature vendored-protoc");
}

/// The request that the vendored protoc makes of a case.
#[cfg(feature = "vendored-protoc")]
fn protoc_request(case: &str) -> Vec<u8> {
    let folder = root().join("testdata").join(case);
    let dumped = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{case}.binpb"));
    let includes = folder.join("imports");
    let sources = files(&folder).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_str().unwrap();
        !path.starts_with(&includes) && ![REQUEST, "options"].contains(&name)
    });
    let mut protoc = std::process::Command::new(protoc_bin_vendored::protoc_bin_path().unwrap());
    let plugin = root().join("testdata/dump-request.sh");
    protoc.arg(format!("--plugin=protoc-gen-dump={}", plugin.display()));
    protoc.arg(format!("--dump_out={}", env!("CARGO_TARGET_TMPDIR")));
    if let Ok(options) = fs::read_to_string(folder.join("options")) {
        protoc.arg(format!("--dump_opt={}", options.trim_end()));
    }
    protoc.arg("-I").arg(&folder).args(sources);
    if includes.exists() {
        protoc.arg("-I").arg(&includes);
    }
    protoc.arg("-I").arg(protoc_bin_vendored::include_path().unwrap());
    let output = protoc.env("RUST_GRPC_REQUEST", &dumped).output().unwrap();
    assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
    fs::read(dumped).unwrap()
}

/// A linear congruential generator: the same shuffles every time.
struct Random(u64);

impl Random {
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            items.swap(end, (self.0 >> 33) as usize % (end + 1));
        }
    }
}

/// What stands for the files if the answer is an error.
const ERROR: &str = "error.txt";

const REQUEST: &str = "request.binpb";
