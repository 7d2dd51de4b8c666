//! The generated types in the runtime are what this generator makes: of protobuf's own .proto files,
//! and of those in `runtime/proto`.
//!
//! `make well-known` writes them anew by setting `WELL_KNOWN=write` for this test.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// A package whose generated files stand in one folder of the runtime.
struct Package {
    /// Its path among the .proto files.
    proto: &'static str,
    files: &'static [&'static str],
    /// Its folder below `runtime/src`.
    folder: &'static str,
}

const PACKAGES: &[Package] = &[
    Package {
        proto: "google/protobuf",
        files: &[
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
        ],
        folder: "message/well_known",
    },
    Package { proto: "google/rpc", files: &["error_details", "status"], folder: "message/rpc" },
    Package {
        proto: "grpc/channelz/v1",
        files: &["channelz"],
        folder: "services/channelz/generated",
    },
    Package { proto: "grpc/health/v1", files: &["health"], folder: "services/health/generated" },
    Package {
        proto: "grpc/reflection/v1",
        files: &["reflection"],
        folder: "services/reflection/generated/v1",
    },
    Package {
        proto: "grpc/reflection/v1alpha",
        files: &["reflection"],
        folder: "services/reflection/generated/v1alpha",
    },
];

/// Each generated file of the runtime has the bytes that the plugin gives protoc today, and there is
/// none besides.
#[test]
fn well_known_types_are_up_to_date() {
    for package in PACKAGES {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/src").join(package.folder);
        let generated = generate(package);
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
            let is_same = stored[&name] == text;
            assert!(is_same, "{name} is not what the generator makes: `make well-known`");
        }
    }
}

/// Runs protoc with the plugin, both as cargo has them, and returns the generated files.
fn generate(package: &Package) -> BTreeMap<String, String> {
    let Package { proto, files, folder } = package;
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join(folder);
    let _ = fs::remove_dir_all(&out);
    fs::create_dir_all(&out).unwrap();
    let plugin = env!("CARGO_BIN_EXE_protoc-gen-rust-grpc");
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("runtime/proto");
    let output = Command::new(protoc_bin_vendored::protoc_bin_path().unwrap())
        .arg(format!("--plugin=protoc-gen-rust-grpc={plugin}"))
        .arg(format!("--proto_path={}", protoc_bin_vendored::include_path().unwrap().display()))
        .arg(format!("--proto_path={}", own.display()))
        .arg(format!("--rust-grpc_out={}", out.display()))
        .arg("--rust-grpc_opt=tree=no")
        .args(files.iter().map(|name| format!("{proto}/{name}.proto")))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |name: &&str| {
        let text = fs::read_to_string(out.join(format!("{proto}/{name}.rs"))).unwrap();
        (format!("{name}.rs"), text)
    };
    files.iter().map(read).collect()
}
