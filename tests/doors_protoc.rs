//! Which protoc is used, and what is said when none will do.

mod doors;

use doors::{Folder, GREETER};

const EDITION_2024: &str = "edition = \"2024\";\npackage e;\nmessage M { int32 a = 1; }\n";

/// With nothing set and nothing installed, the one from cargo is used.
#[test]
fn vendored_protoc_is_used_when_there_is_no_other() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    folder.run(&["--out", "gen", "greeter.proto"]).succeeds();
}

/// A protoc in PATH is used when it is recent enough for the input.
#[cfg(unix)]
#[test]
fn protoc_in_path_is_used_if_recent_enough() {
    let folder = Folder::with(&[("greeter.proto", GREETER), ("new.proto", EDITION_2024)]);
    folder.fake_protoc("libprotoc 3.21.12");
    let path = folder.path().join("bin").display().to_string();
    let run = |proto: &str| folder.run_with(&[("PATH", &path)], &["--out", "gen", proto]);
    run("greeter.proto").fails(
        1,
        &["protoc 3.21.12 refuses greeter.proto", "bin/protoc", "\nthe fake protoc was run"],
    );
    // Too old for edition 2024: passed over.
    run("new.proto").succeeds();
}

/// An import decides as the file itself does.
#[cfg(unix)]
#[test]
fn imports_decide_which_protoc_is_recent_enough() {
    let folder = Folder::with(&[
        ("a.proto", "syntax = \"proto3\"; import \"b.proto\"; message A { e.M m = 1; }"),
        ("b.proto", EDITION_2024),
    ]);
    let fake = folder.fake_protoc("libprotoc 29.3");
    let protoc = fake.display().to_string();
    folder.run(&["--protoc", &protoc, "--out", "gen", "a.proto"]).fails(
        1,
        &["b.proto says edition 2024, which needs protoc 32 or newer", "is too old, 29.3"],
    );
}

/// A protoc that is named is used or refused, never replaced: by path first, then `$PROTOC`.
#[cfg(unix)]
#[test]
fn named_protoc_is_used_or_refused() {
    let folder = Folder::with(&[("greeter.proto", GREETER), ("new.proto", EDITION_2024)]);
    let fake = folder.fake_protoc("libprotoc 3.21.12").display().to_string();
    let by_variable = |value: &str, arguments: &[&str]| {
        let arguments = [&["--out", "gen"], arguments].concat();
        folder.run_with(&[("PROTOC", value)], &arguments)
    };
    by_variable(&fake, &["greeter.proto"]).fails(1, &["the fake protoc was run"]);
    by_variable(&fake, &["new.proto"]).fails(
        1,
        &["new.proto says edition 2024, which needs protoc 32 or newer", "$PROTOC: ", "3.21.12"],
    );
    by_variable("/nowhere/protoc", &["greeter.proto"])
        .fails(1, &["$PROTOC: /nowhere/protoc does not start"]);
    by_variable(&fake, &["--protoc", "/nowhere/else", "greeter.proto"])
        .fails(1, &["the given path: /nowhere/else does not start"]);
    by_variable("", &["greeter.proto"]).succeeds();
    let other = folder.fake_protoc("some other program").display().to_string();
    by_variable(&other, &["greeter.proto"])
        .fails(1, &["is no protoc", "expected \"libprotoc <number>\", got \"some other program\""]);
}

/// An edition that no protoc known here has is left to the newest protoc, which says so itself.
#[test]
fn edition_of_the_future_is_refused_by_protoc() {
    let folder = Folder::with(&[("future.proto", "edition = \"2030\";")]);
    folder
        .run(&["--out", "gen", "future.proto"])
        .fails(1, &["protoc 36.2 refuses future.proto", "Unknown edition"]);
}

/// protobuf's own files are found with a protoc that came without them.
#[cfg(unix)]
#[test]
fn own_files_of_protobuf_are_found_with_a_bare_protoc() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let bare = folder.install(&protoc_bin_vendored::protoc_bin_path().unwrap(), "bare-protoc");
    folder.run(&["--protoc", bare.to_str().unwrap(), "--out", "gen", "greeter.proto"]).succeeds();
}

/// protoc shows what the plugin refuses, and ends with 1.
#[test]
fn protoc_shows_what_the_plugin_refuses() {
    let folder = Folder::with(&[("a.proto", "syntax = \"proto3\";")]);
    let run =
        |arguments: &[&str]| folder.protoc(&[&["-I.", "--rust-grpc_out=."], arguments].concat());
    run(&["--rust-grpc_opt=clinet=no", "a.proto"]).fails(
        1,
        &["--rust-grpc_out: option \"clinet\" is unknown; the options are: client=yes|no"],
    );
    run(&["a.proto"]).succeeds();
}

/// The pure parser refuses what it misreads, with the file and the protoc to use instead.
#[test]
fn pure_parser_refuses_what_it_misreads() {
    let folder = Folder::with(&[
        ("new.proto", EDITION_2024),
        (
            "mixed.proto",
            "syntax = \"proto3\"; message M { optional int32 a = 1; oneof o { int32 b = 2; } }",
        ),
    ]);
    let run = |proto: &str| folder.run(&["--parser", "pure", "--out", "gen", proto]);
    run("new.proto")
        .fails(1, &["new.proto:1: the pure parser does not know editions; use protoc 32 or newer"]);
    run("mixed.proto").fails(
        1,
        &["mixed.proto: message M: the pure parser misorders optional fields", "protoc 3.15"],
    );
}

/// The pure parser says that it drops documentation, unless none was asked for.
#[test]
fn pure_parser_says_that_documentation_is_lost() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let run = ["--parser", "pure", "--out", "gen", "greeter.proto"];
    let note = folder.run(&run).succeeds().err;
    assert!(note.contains("keeps no comments"), "{note}");
    let silent = folder.run(&[&run[..], &["--opt", "docs=no"]].concat()).succeeds().err;
    assert_eq!(silent, "");
}
