//! The well-known types in the runtime are what this generator makes of protobuf's own .proto files.
//!
//! `make well-known` writes them anew by setting `WELL_KNOWN=write` for this test.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

const FILES: [&str; 11] = [
    "any",
    "api",
    "descriptor",
    "duration",
    "empty",
    "field_mask",
    "source_context",
    "struct",
    "timestamp",
    "type",
    "wrappers",
];

/// Each file of the runtime's well_known folder has the bytes that the plugin gives protoc today,
/// and there is none besides.
#[test]
fn well_known_types_are_up_to_date() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/src/message/well_known");
    let generated = generate();
    if env::var_os("WELL_KNOWN").is_some_and(|value| value == "write") {
        for (name, text) in &generated {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let mut stored = BTreeMap::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name != "mod.rs" {
            stored.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
    let names = |files: &BTreeMap<String, String>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&stored), names(&generated), "in {}", folder.display());
    for (name, text) in generated {
        assert!(stored[&name] == text, "{name} is not what the generator makes: `make well-known`");
    }
}

/// Runs protoc with the plugin, both as cargo has them, and returns the generated files.
fn generate() -> BTreeMap<String, String> {
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("well_known");
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).unwrap();
    let plugin = env!("CARGO_BIN_EXE_protoc-gen-rust-grpc");
    let output = Command::new(protoc_bin_vendored::protoc_bin_path().unwrap())
        .arg(format!("--plugin=protoc-gen-rust-grpc={plugin}"))
        .arg(format!("--proto_path={}", protoc_bin_vendored::include_path().unwrap().display()))
        .arg(format!("--rust-grpc_out={}", out.display()))
        .arg("--rust-grpc_opt=tree=no")
        .args(FILES.map(|name| format!("google/protobuf/{name}.proto")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &str| {
        let text = fs::read_to_string(out.join(format!("google/protobuf/{name}.rs"))).unwrap();
        (format!("{name}.rs"), text)
    };
    FILES.into_iter().map(read).collect()
}
