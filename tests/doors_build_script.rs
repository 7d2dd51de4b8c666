//! The library as a build script uses it: this test's own program, started as cargo starts a script.

mod doors;

use std::path::Path;
use std::process::Command;

use doors::{Folder, GREETER, Outcome};
use rust_grpc_codegen::Config;

/// Which script to be; without it the scripts below are tests that do nothing.
const SCRIPT: &str = "RUST_GRPC_TEST_SCRIPT";

/// Runs one of the scripts below in the folder, with the variables that cargo sets.
fn run_script(folder: &Folder, name: &str) -> Outcome {
    let mut command: Command =
        folder.command(&std::env::current_exe().expect("this program's path"));
    command.args(["--exact", "script", "--nocapture", "--test-threads=1", "-q"]);
    command.env(SCRIPT, name).env("OUT_DIR", folder.path().join("out")).env("TARGET", "any");
    Outcome::of(&command.output().expect("this program starts again"))
}

/// The scripts. What they print is read by the tests that run them.
#[test]
fn script() {
    let Ok(name) = std::env::var(SCRIPT) else { return };
    let result = match name.as_str() {
        "one line" => rust_grpc_codegen::compile("proto/greeter.proto"),
        "several" => Config::new()
            .include("proto")
            .include("more")
            .compile(&["proto/a.proto", "proto/b.proto"])
            .map(drop),
        "twice" => rust_grpc_codegen::compile("proto/a.proto")
            .and_then(|()| rust_grpc_codegen::compile("proto/b.proto")),
        "set" => Config::new().descriptor_set("set.binpb").compile(&[] as &[&Path]).map(drop),
        "imports" => Config::new()
            .extern_path(".far", "::elsewhere")
            .compile(&["proto/shop/v1/order.proto"])
            .map(drop),
        other => panic!("no script {other}"),
    };
    result.unwrap();
}

/// The lines for cargo, sorted.
fn lines(outcome: &Outcome) -> Vec<&str> {
    let mut lines: Vec<_> = outcome.out.lines().filter(|line| line.starts_with("cargo:")).collect();
    lines.sort_unstable();
    lines
}

/// One line writes the tree to where `include_protos!` looks, with the bytes of the other doors, and
/// names its input to cargo.
#[test]
fn one_line_is_a_build_script() {
    let folder = Folder::with(&[("proto/greeter.proto", GREETER)]);
    let outcome = run_script(&folder, "one line").succeeds();
    let expected =
        ["cargo:rerun-if-changed=proto/greeter.proto", "cargo:rerun-if-env-changed=PROTOC"];
    assert_eq!(lines(&outcome), expected);
    folder.run(&["--out", "gen", "proto/greeter.proto"]).succeeds();
    let written = folder.files("out/rust_grpc");
    assert_eq!(written.keys().collect::<Vec<_>>(), ["greeter.rs", "mod.rs"]);
    assert_eq!(written, folder.files("gen"));
}

/// Files that are imported, directly or not, are named; protobuf's own are not. Warnings reach cargo.
#[test]
fn imported_files_are_named_to_cargo() {
    let folder = Folder::with(&[
        ("proto/a.proto", "syntax = \"proto3\"; import \"c.proto\"; message A { C c = 1; }"),
        ("proto/b.proto", "syntax = \"proto3\"; import \"c.proto\";"),
        (
            "more/c.proto",
            "syntax = \"proto3\"; import \"deep/d.proto\";\n\
             import \"google/protobuf/empty.proto\";\n\
             message C { D d = 1; google.protobuf.Empty e = 2; }",
        ),
        ("more/deep/d.proto", "syntax = \"proto3\"; message D {}"),
        ("more/deep/unused.proto", "syntax = \"proto3\";"),
    ]);
    let outcome = run_script(&folder, "several").succeeds();
    assert_eq!(
        lines(&outcome),
        [
            "cargo:rerun-if-changed=more/c.proto",
            "cargo:rerun-if-changed=more/deep/d.proto",
            "cargo:rerun-if-changed=proto/a.proto",
            "cargo:rerun-if-changed=proto/b.proto",
            "cargo:rerun-if-env-changed=PROTOC",
            "cargo:warning=proto/b.proto:1:20: warning: Import c.proto is unused.",
        ]
    );
}

/// One line generates what the file imports as well: what protobuf itself has, what is said to be
/// elsewhere stays out; proto2 comes along.
#[test]
fn imports_are_generated_with_the_file() {
    let folder = Folder::with(&[
        (
            "proto/shop/v1/order.proto",
            "syntax = \"proto3\"; package shop.v1;\n\
             import \"shop/v1/item.proto\"; import \"google/protobuf/empty.proto\";\n\
             import \"far/away.proto\"; import \"old.proto\";\n\
             message Order { Item item = 1; google.protobuf.Empty empty = 2; far.Away away = 3; }",
        ),
        (
            "proto/shop/v1/item.proto",
            "syntax = \"proto3\"; package shop.v1; import \"money.proto\";\n\
             message Item { money.Money price = 1; }",
        ),
        ("proto/money.proto", "syntax = \"proto3\"; package money; message Money {}"),
        ("proto/far/away.proto", "syntax = \"proto3\"; package far; message Away {}"),
        ("proto/old.proto", "syntax = \"proto2\"; package old; message Old {}"),
    ]);
    run_script(&folder, "imports").succeeds();
    let written = folder.files("out/rust_grpc");
    let expected = ["mod.rs", "money.rs", "old.rs", "shop/v1/item.rs", "shop/v1/order.rs"];
    assert_eq!(written.keys().collect::<Vec<_>>(), expected);
    let options = ["--opt", "extern_path=.far=::elsewhere", "proto/shop/v1/order.proto"];
    let said = folder.run(&[&["--out", "gen"], options.as_slice()].concat()).succeeds().out;
    assert!(
        said.ends_with("; imports are among them: money.proto, old.proto, shop/v1/item.proto\n"),
        "{said}"
    );
    assert_eq!(written, folder.files("gen"));
}

/// Files that are right are not touched, so that nothing is compiled again.
#[test]
fn unchanged_files_keep_their_time() {
    let folder = Folder::with(&[("proto/greeter.proto", GREETER)]);
    let time = |name: &str| {
        let path = folder.path().join("out/rust_grpc").join(name);
        std::fs::metadata(path).unwrap().modified().unwrap()
    };
    run_script(&folder, "one line").succeeds();
    let before = [time("mod.rs"), time("greeter.rs")];
    run_script(&folder, "one line").succeeds();
    assert_eq!([time("mod.rs"), time("greeter.rs")], before);
    folder.write("proto/greeter.proto", &GREETER.replace("HelloReply", "HelloAnswer"));
    run_script(&folder, "one line").succeeds();
    assert_eq!(time("mod.rs"), before[0]);
    assert!(folder.read("out/rust_grpc/greeter.rs").contains("HelloAnswer"));
}

/// `unwrap()` on the error of a broken .proto prints protoc's lines as they are.
#[test]
fn unwrap_prints_the_words_of_protoc() {
    let folder =
        Folder::with(&[("proto/greeter.proto", "syntax = \"proto3\";\nmessage M { X x = 1; }\n")]);
    let outcome = run_script(&folder, "one line");
    assert_ne!(outcome.code, Some(0));
    for words in
        ["protoc 36.2 refuses greeter.proto", "\nproto/greeter.proto:2:13: \"X\" is not defined."]
    {
        assert!(outcome.err.contains(words), "{}", outcome.err);
    }
    assert!(!outcome.err.contains("Error {"), "{}", outcome.err);
}

/// A second call for the same folder would drop the modules of the first: it is refused.
#[test]
fn second_call_for_a_folder_is_refused() {
    let text = "syntax = \"proto3\";";
    let folder = Folder::with(&[("proto/a.proto", text), ("proto/b.proto", text)]);
    let outcome = run_script(&folder, "twice");
    assert_ne!(outcome.code, Some(0));
    let words = "already holds the code of proto/a.proto: expected one call for all files";
    assert!(outcome.err.contains(words), "{}", outcome.err);
}

/// The input of a run from a descriptor set is the set.
#[test]
fn descriptor_set_is_the_input() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let set = ["-I.", "--include_imports", "--descriptor_set_out=set.binpb", "greeter.proto"];
    folder.protoc(&set).succeeds();
    let outcome = run_script(&folder, "set").succeeds();
    let expected = ["cargo:rerun-if-changed=set.binpb", "cargo:rerun-if-env-changed=PROTOC"];
    assert_eq!(lines(&outcome), expected);
}

/// Outside a build script nothing is printed and a folder has to be named.
#[test]
fn outside_a_build_script_a_folder_has_to_be_named() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let proto = folder.path().join("greeter.proto");
    let error = Config::new().compile(&[&proto]).unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().starts_with("no output folder: expected out_dir()"), "{error}");
}

/// `check` is a test that a crate with generated code in its repository can have.
#[test]
fn check_finds_stale_files() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let proto = folder.path().join("greeter.proto");
    let mut config = Config::new();
    config.out_dir(folder.path().join("gen"));
    let error = config.check(&[&proto]).unwrap_err().to_string();
    assert!(error.contains("missing: ") && error.contains("mod.rs"), "{error}");
    config.compile(&[&proto]).unwrap();
    let report = config.check(&[&proto]).unwrap();
    assert_eq!((report.messages(), report.services(), report.written().count()), (2, 1, 0));
}
