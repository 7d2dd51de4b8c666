//! The code of README.md and docs/messages.md, built and run as a new user would.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// README: the four files of the quick start make a package that builds and prints what the README says.
#[test]
fn the_quick_start_builds_and_prints_what_it_says() {
    let readme = read("README.md");
    let package = Package::new("quick-start");
    for name in ["Cargo.toml", "proto/hello.proto", "build.rs", "src/main.rs"] {
        package.write(name, &fence_after(&readme, &format!("`{name}`:")));
    }
    assert_eq!(package.run(), fence_after(&readme, "`cargo run` prints:"));
}

/// docs/messages.md: every example compiles and runs, on the two .proto files of the page.
#[test]
fn every_example_of_the_guide_to_messages_runs() {
    let guide = read("docs/messages.md");
    let package = Package::new("messages-guide");
    let manifest = fence_after(&read("README.md"), "`Cargo.toml`:");
    let with_features = manifest.replace("runtime\" }", "runtime\", features = [\"serde\"] }");
    assert_ne!(with_features, manifest, "the manifest has the runtime on a line of its own");
    // Both packages build into one folder.
    let with_features = with_features.replace("\"hello\"", "\"messages-guide\"");
    let serde = "[dependencies]\nserde_json = \"1\"";
    package.write("Cargo.toml", &with_features.replace("[dependencies]", serde));
    for name in ["proto/shop.proto", "proto/legacy.proto"] {
        package.write(name, &fence_after(&guide, &format!("`{name}`:")));
    }
    package.write("build.rs", GUIDE_BUILD);
    let examples: Vec<&str> = guide.split("\n```rust\n").skip(1).collect();
    assert!(examples.len() >= 20, "{} examples", examples.len());
    let mut program = GUIDE_PROGRAM.to_owned();
    let mut calls = String::new();
    for (index, example) in examples.iter().enumerate() {
        let (body, _) = example.split_once("\n```").unwrap();
        let name = format!("example_{index}");
        program += &format!("fn {name}() -> Result<(), Box<dyn Error>> {{\n{body}\nOk(())\n}}\n");
        calls += &format!("    {name}().unwrap();\n");
    }
    program += &format!("fn main() {{\n{calls}    println!(\"all of {}\");\n}}\n", examples.len());
    package.write("src/main.rs", &program);
    let printed = package.run();
    assert!(printed.ends_with(&format!("all of {}\n", examples.len())), "{printed}");
}

/// What every example of the guide begins with.
const GUIDE_PROGRAM: &str = "#![allow(unused_imports)]
mod proto {
    rust_grpc::include_protos!();
}
use std::error::Error;
use proto::{legacy::*, shop::*};
use rust_grpc::{Enumeration, Extendable, Message};
";

const GUIDE_BUILD: &str = "fn main() -> Result<(), rust_grpc_codegen::Error> {
    let protos = [\"proto/shop.proto\", \"proto/legacy.proto\"];
    rust_grpc_codegen::Config::new().compile(&protos).map(|_| ())
}
";

/// A package beside the checkout, as a new user would make one.
struct Package {
    folder: PathBuf,
}

impl Package {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        // The versions of the workspace, so that nothing is resolved anew.
        fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
        Self { folder }
    }

    /// Writes a file, in which the checkout is where it is.
    fn write(&self, name: &str, text: &str) {
        let text = text.replace("../rust-grpc/runtime", &root().join("runtime").to_string_lossy());
        let mut text = text.replace("../rust-grpc", &root().to_string_lossy());
        if name == "Cargo.toml" {
            // A workspace of its own.
            text += "\n[workspace]\n";
        }
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Builds and runs it; gives what it prints.
    #[track_caller]
    fn run(&self) -> String {
        // The workspace's target folder and profile: what is built there already is not built again.
        let output = Command::new(env!("CARGO"))
            .args(["run", "--quiet", "--offline"])
            .args(["--config", "profile.dev.debug='line-tables-only'"])
            .env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap())
            .current_dir(&self.folder)
            .output()
            .unwrap();
        let faults = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{} fails:\n{faults}", self.folder.display());
        String::from_utf8(output.stdout).unwrap()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

/// The content of the first fenced block behind `heading`.
fn fence_after(readme: &str, heading: &str) -> String {
    let (_, rest) = readme.split_once(heading).unwrap_or_else(|| panic!("README has no {heading}"));
    let (_, rest) = rest.split_once("```").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    block.to_owned()
}
