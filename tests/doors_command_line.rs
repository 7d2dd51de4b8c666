//! The command line, run as a process: what it writes, what it says, how it ends.

mod doors;

use doors::{Folder, GREETER};

/// `--help` names every argument and the exit codes, and ends well.
#[test]
fn help_names_every_argument_and_exit_code() {
    let help = Folder::new().run(&["--help"]).succeeds().out;
    for word in [
        "--include",
        "--out",
        "--opt",
        "--check",
        "--protoc",
        "--parser",
        "--descriptor-set",
        "--version",
        "extern_path=.pkg=::path",
        "Exit codes: 0",
    ] {
        assert!(help.contains(word), "expected {word} in:\n{help}");
    }
}

/// Another project has a binary of this name: `--version` names our package.
#[test]
fn version_names_the_package() {
    let version = Folder::new().run(&["--version"]).succeeds().out;
    assert_eq!(version, "protoc-gen-rust-grpc 0.1.0 (rust-grpc-codegen)\n");
}

/// Arguments that are wrong end with 2 and say what is expected.
#[test]
fn wrong_arguments_end_with_two() {
    let folder = Folder::with(&[("a.proto", "syntax = \"proto3\";")]);
    folder.run(&["a.proto"]).fails(2, &["--out <DIR>"]);
    folder.run(&["--out", "gen"]).fails(2, &["<PROTO>"]);
    folder.run(&["--out", "gen", "--wrong", "a.proto"]).fails(2, &["--wrong"]);
    folder.run(&["--out", "gen", "--parser", "other", "a.proto"]).fails(2, &["protoc, pure"]);
    folder
        .run(&["--out", "gen", "--parser", "pure", "--protoc", "x", "a.proto"])
        .fails(2, &["cannot be used with"]);
    folder
        .run(&["--out", "gen", "--opt", "clinet=no", "a.proto"])
        .fails(2, &["option \"clinet\" is unknown", "client=yes|no", "extern_path="]);
    folder
        .run(&["--out", "gen", "--opt", "client=perhaps", "a.proto"])
        .fails(2, &["option \"client\": expected `client=yes|no`, got `client=perhaps`"]);
    assert!(!folder.exists("gen"));
}

/// A run says what it wrote; the next one changes nothing and says so.
#[test]
fn summary_says_what_was_written() {
    let folder = Folder::with(&[("proto/hello/v1/greeter.proto", GREETER)]);
    let arguments = ["-I", "proto", "--out", "src/gen", "hello/v1/greeter.proto"];
    let first = folder.run(&arguments).succeeds();
    let expected = "2 files, 2 messages, 1 enum, 1 service: 2 written, 0 unchanged\n";
    assert_eq!((first.out.as_str(), first.err.as_str()), (expected, ""));
    assert!(folder.exists("src/gen/mod.rs") && folder.exists("src/gen/hello/v1/greeter.rs"));
    let second = folder.run(&arguments).succeeds().out;
    assert_eq!(second, "2 files, 2 messages, 1 enum, 1 service: 0 written, 2 unchanged\n");
}

/// A file may be named by its path as well as by its name below an include folder.
#[test]
fn path_and_name_mean_the_same_file() {
    let folder = Folder::with(&[("proto/hello/v1/greeter.proto", GREETER)]);
    folder.run(&["-I", "proto", "-o", "one", "hello/v1/greeter.proto"]).succeeds();
    folder.run(&["-I", "proto", "-o", "two", "proto/hello/v1/greeter.proto"]).succeeds();
    folder.run(&["-o", "three", "proto/hello/v1/greeter.proto"]).succeeds();
    assert_eq!(folder.files("one"), folder.files("two"));
    assert_eq!(folder.files("one"), folder.files("three"));
}

/// `--opt` takes what `--rust-grpc_opt` takes, several at once and several times.
#[test]
fn options_are_those_of_the_plugin() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let options = ["--opt", "server=no,tree=no", "--opt", "client=no"];
    folder.run(&[&["--out", "gen", "greeter.proto"], options.as_slice()].concat()).succeeds();
    let files = folder.files("gen");
    assert_eq!(files.keys().collect::<Vec<_>>(), ["greeter.rs"]);
    assert!(!files["greeter.rs"].contains("GreeterStub"));
    assert!(!files["greeter.rs"].contains("GreeterServer"));
}

/// `--check` writes nothing, ends with 1 while a file is stale, and lists each with its reason.
#[test]
fn check_lists_what_is_stale() {
    let folder = Folder::with(&[("greeter.proto", GREETER), ("old.proto", "syntax = \"proto3\";")]);
    let check = ["--check", "--out", "gen", "greeter.proto"];
    let missing = ["generated files are stale", "missing: gen/greeter.rs", "missing: gen/mod.rs"];
    folder.run(&check).fails(1, &missing);
    assert!(!folder.exists("gen"));
    folder.run(&["--out", "gen", "greeter.proto"]).succeeds();
    folder.run(&check).succeeds();
    folder.write("gen/greeter.rs", "// changed");
    folder.run(&check).fails(1, &["outdated: gen/greeter.rs"]);
    assert_eq!(folder.read("gen/greeter.rs"), "// changed");
}

/// A file that was not generated is named and kept.
#[test]
fn files_of_others_are_kept() {
    let folder = Folder::with(&[("greeter.proto", GREETER), ("gen/mod.rs", "mod own;")]);
    let words = ["gen/mod.rs: expected no file or one that rust-grpc generated"];
    folder.run(&["--out", "gen", "greeter.proto"]).fails(1, &words);
    assert_eq!(folder.read("gen/mod.rs"), "mod own;");
    assert!(!folder.exists("gen/greeter.rs"));
}

/// What an earlier run made and this one does not is stale, and then removed.
#[test]
fn leftovers_are_stale_and_then_removed() {
    let folder = Folder::with(&[("greeter.proto", GREETER), ("old.proto", "syntax = \"proto3\";")]);
    folder.run(&["--out", "gen", "greeter.proto", "old.proto"]).succeeds();
    let stale = ["no longer generated: gen/old.rs", "outdated: gen/mod.rs"];
    folder.run(&["--check", "--out", "gen", "greeter.proto"]).fails(1, &stale);
    let out = folder.run(&["--out", "gen", "greeter.proto"]).succeeds().out;
    assert!(out.contains("removed gen/old.rs\n") && out.contains("1 removed"), "{out}");
    assert!(!folder.exists("gen/old.rs") && folder.exists("gen/greeter.rs"));
}

/// A broken .proto shows protoc's own lines, file, line and column, and no panic.
#[test]
fn broken_proto_shows_the_words_of_protoc() {
    let folder = Folder::with(&[(
        "broken.proto",
        "syntax = \"proto3\";\nmessage M {\n  Missing a = 1;\n  int32 b = 1;\n}\n",
    )]);
    let words = [
        "protoc 36.2 refuses broken.proto",
        "\nbroken.proto:3:3: \"Missing\" is not defined.\n",
        "\nbroken.proto:4:13: Field number 1 has already been used in \"M\" by field \"a\"",
    ];
    folder.run(&["--out", "gen", "broken.proto"]).fails(1, &words);
    assert!(!folder.exists("gen"));
}

/// protoc's warnings are passed on, and the code is generated.
#[test]
fn warnings_of_protoc_are_passed_on() {
    let text = "syntax = \"proto3\";\nimport \"google/protobuf/empty.proto\";\n";
    let folder = Folder::with(&[("a.proto", text)]);
    let err = folder.run(&["--out", "gen", "a.proto"]).succeeds().err;
    assert_eq!(err, "a.proto:2:1: warning: Import google/protobuf/empty.proto is unused.\n");
}

/// A fault that only the generator sees is told as protoc tells its own.
#[test]
fn what_cannot_be_generated_is_refused_by_name() {
    let clash = "syntax = \"proto3\"; package a; message B { message C {} }";
    let below = "syntax = \"proto3\"; package a.b; import \"a.proto\"; message D {}";
    let folder = Folder::with(&[("a.proto", clash), ("b.proto", below)]);
    folder.run(&["--out", "gen", "a.proto", "b.proto"]).fails(1, &["a.proto", "a.b"]);
}

/// Files and folders that are not there are refused by name.
#[test]
fn files_that_are_not_there_are_refused_by_name() {
    let folder = Folder::with(&[("a.proto", "syntax = \"proto3\";"), ("x/y", "")]);
    folder.run(&["--out", "gen", "b.proto"]).fails(1, &["b.proto: no such file"]);
    folder
        .run(&["-I", "nowhere", "--out", "gen", "a.proto"])
        .fails(1, &["nowhere: expected an include folder"]);
    folder
        .run(&["-I", "x", "--out", "gen", "a.proto"])
        .fails(1, &["a.proto: expected a file below an include folder, got one outside of: x"]);
    folder.run(&["--out", "a.proto", "a.proto"]).fails(1, &["a.proto"]);
}

/// A descriptor set gives what its .proto gives; without names, all files but protobuf's own.
#[test]
fn descriptor_set_gives_the_same_code() {
    let folder = Folder::with(&[("proto/hello/v1/greeter.proto", GREETER)]);
    let protoc = folder.protoc(&[
        "-Iproto",
        "--descriptor_set_out=set.binpb",
        "--include_imports",
        "--include_source_info",
        "hello/v1/greeter.proto",
    ]);
    protoc.succeeds();
    folder.run(&["-I", "proto", "--out", "from-proto", "hello/v1/greeter.proto"]).succeeds();
    let set = ["--descriptor-set", "set.binpb", "--out"];
    folder.run(&[&set[..], &["all"]].concat()).succeeds();
    folder.run(&[&set[..], &["one", "hello/v1/greeter.proto"]].concat()).succeeds();
    assert_eq!(folder.files("all"), folder.files("from-proto"));
    assert_eq!(folder.files("one"), folder.files("from-proto"));
    folder
        .run(&[&set[..], &["none", "other.proto"]].concat())
        .fails(1, &["other.proto: not in set.binpb, which holds: google/protobuf/timestamp.proto"]);
}

/// What is no descriptor set, and a set without its imports, is refused in words.
#[test]
fn broken_descriptor_sets_are_refused() {
    let folder = Folder::with(&[("greeter.proto", GREETER), ("text", "not a set")]);
    let run = |set: &str| folder.run(&["--descriptor-set", set, "--out", "gen"]);
    run("nowhere").fails(1, &["nowhere: "]);
    run("text").fails(
        1,
        &["text: byte 0: expected a serialized FileDescriptorSet, ", "got the text \"not a set\""],
    );
    folder.protoc(&["-I.", "--descriptor_set_out=bare", "greeter.proto"]).succeeds();
    run("bare").fails(
        1,
        &[
            "greeter.proto imports google/protobuf/timestamp.proto, which is not in the set",
            "--include_imports",
        ],
    );
}

/// As a plugin, without arguments: bytes that are no request, or none, are told on stderr, with 1.
#[test]
fn plugin_refuses_what_is_no_request() {
    let folder = Folder::with(&[("request", "\u{7f}no request")]);
    let nothing = folder.run(&[]).fails(1, &["expected a CodeGeneratorRequest on stdin", "--help"]);
    assert_eq!(nothing.out, "");
    let mut command = folder.command(std::path::Path::new(doors::PROGRAM));
    command.stdin(std::fs::File::open(folder.path().join("request")).unwrap());
    let outcome = doors::Outcome::of(&command.output().unwrap());
    assert_eq!(outcome.fails(1, &["protoc-gen-rust-grpc: "]).out, "");
}
