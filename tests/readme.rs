//! The quick start of README.md, built and run as a new user would.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// README: the four files of the quick start make a package that builds and prints what the README says.
#[test]
fn the_quick_start_builds_and_prints_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let package = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("quick-start");
    for name in ["Cargo.toml", "proto/hello.proto", "build.rs", "src/main.rs"] {
        let text = fence_after(&readme, &format!("`{name}`:"));
        let text = text.replace("../rust-grpc/runtime", &root.join("runtime").to_string_lossy());
        let text = text.replace("../rust-grpc", &root.to_string_lossy());
        let path = package.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    // The versions of the workspace, so that nothing is resolved anew; a workspace of its own.
    fs::copy(root.join("Cargo.lock"), package.join("Cargo.lock")).unwrap();
    let manifest = fs::read_to_string(package.join("Cargo.toml")).unwrap();
    fs::write(package.join("Cargo.toml"), manifest + "\n[workspace]\n").unwrap();

    // The workspace's target folder and profile: what is built there already is not built again.
    let output = Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--offline", "--config", "profile.dev.debug='line-tables-only'"])
        .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
        .current_dir(&package)
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&output.stdout);
    let faults = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "the quick start fails:\n{faults}");
    assert_eq!(printed, fence_after(&readme, "`cargo run` prints:"), "{faults}");
}

/// The content of the first fenced block behind `heading`.
fn fence_after(readme: &str, heading: &str) -> String {
    let (_, rest) = readme.split_once(heading).unwrap_or_else(|| panic!("README has no {heading}"));
    let (_, rest) = rest.split_once("```").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block.to_owned()
}
