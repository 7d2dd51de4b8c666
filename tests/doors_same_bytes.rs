//! Every door gives the same bytes: protoc's plugin, the command line, the library, the pure parser.

mod doors;

use std::collections::BTreeMap;

use doors::{Folder, GREETER};

/// A package over two folders, with imports between them and a second package.
const SPREAD: &[(&str, &str)] = &[
    (
        "proto/shop/order.proto",
        "syntax = \"proto3\"; package shop; import \"shop/people/customer.proto\";\n\
         import \"money/amount.proto\";\n\
         message Order { Customer customer = 1; money.Amount total = 2; map<string, Line> lines = 3; }\n\
         message Line { optional int32 count = 1; }\n\
         service Orders { rpc Place(Order) returns (stream Order); }\n",
    ),
    (
        "proto/shop/people/customer.proto",
        "syntax = \"proto3\"; package shop;\n\
         message Customer { oneof reach { string mail = 1; string phone = 2; } }\n",
    ),
    (
        "proto/money/amount.proto",
        "syntax = \"proto3\"; package money;\nmessage Amount { sint64 cents = 1; Currency in = 2; }\n\
         enum Currency { CURRENCY_UNSPECIFIED = 0; CURRENCY_EURO = 1; }\n",
    ),
];

const NAMES: [&str; 3] = ["shop/order.proto", "shop/people/customer.proto", "money/amount.proto"];

fn with_names(arguments: &[&'static str]) -> Vec<&'static str> {
    [arguments, &NAMES].concat()
}

#[track_caller]
fn assert_same(one: &BTreeMap<String, String>, other: &BTreeMap<String, String>) {
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (name, content) in one {
        assert_eq!(content, &other[name], "{name}");
    }
}

/// protoc's plugin, the command line, a library call and the pure parser agree on every byte.
#[test]
fn doors_agree_on_every_byte() {
    let folder = Folder::with(SPREAD);
    folder.write("proto/hello/v1/greeter.proto", GREETER);
    let names = [&NAMES[..], &["hello/v1/greeter.proto"]].concat();
    let after = |arguments: &[&'static str]| [arguments, &names[..]].concat();
    std::fs::create_dir(folder.path().join("plugin")).unwrap();
    folder.protoc(&after(&["-Iproto", "--rust-grpc_out=plugin"])).succeeds();
    folder.run(&after(&["-I", "proto", "--out", "command-line"])).succeeds();
    folder.run(&after(&["-I", "proto", "--parser", "pure", "--out", "pure"])).succeeds();
    let root = folder.path().join("proto");
    let paths: Vec<_> = names.iter().map(|name| root.join(name)).collect();
    rust_grpc_codegen::Config::new()
        .include(&root)
        .out_dir(folder.path().join("library"))
        .compile(&paths)
        .unwrap();
    let expected = folder.files("plugin");
    assert_eq!(expected.len(), 5);
    for door in ["command-line", "library", "pure"] {
        assert_same(&folder.files(door), &expected);
    }
}

/// Options mean the same at every door.
#[test]
fn options_mean_the_same_at_every_door() {
    let folder = Folder::with(&[("greeter.proto", GREETER)]);
    let attribute = "#[derive(Eq, Hash)]";
    let options = format!("client=no,type_attribute=.hello.v1.HelloRequest={attribute}");
    std::fs::create_dir(folder.path().join("plugin")).unwrap();
    let opt = format!("--rust-grpc_opt={options}");
    folder.protoc(&["-I.", "--rust-grpc_out=plugin", &opt, "greeter.proto"]).succeeds();
    folder.run(&["--opt", &options, "--out", "command-line", "greeter.proto"]).succeeds();
    rust_grpc_codegen::Config::new()
        .client(false)
        .type_attribute(".hello.v1.HelloRequest", attribute)
        .out_dir(folder.path().join("library"))
        .compile(&[folder.path().join("greeter.proto")])
        .unwrap();
    let expected = folder.files("plugin");
    assert!(expected["greeter.rs"].contains(attribute));
    assert_same(&folder.files("command-line"), &expected);
    assert_same(&folder.files("library"), &expected);
}

/// The order in which files are named changes nothing.
#[test]
fn order_of_files_changes_nothing() {
    let folder = Folder::with(SPREAD);
    folder.run(&with_names(&["-I", "proto", "--out", "one"])).succeeds();
    let mut names = NAMES;
    names.reverse();
    folder.run(&[&["-I", "proto", "--out", "two"], &names[..]].concat()).succeeds();
    assert_same(&folder.files("one"), &folder.files("two"));
}

/// Two runs of protoc into one folder without a tree, and one for the tree alone, give what one run
/// gives: a package spread over two folders stays whole.
#[test]
fn several_runs_into_one_folder_give_what_one_gives() {
    let folder = Folder::with(SPREAD);
    std::fs::create_dir(folder.path().join("gen")).unwrap();
    let run = |tree: &'static str, names: &[&'static str]| {
        let opt = format!("--rust-grpc_opt=tree={tree}");
        folder.protoc(&[&["-Iproto", "--rust-grpc_out=gen", &opt], names].concat()).succeeds();
    };
    run("no", &["shop/order.proto", "money/amount.proto"]);
    run("no", &["shop/people/customer.proto"]);
    run("only", &NAMES);
    folder.run(&with_names(&["-I", "proto", "--out", "at-once"])).succeeds();
    assert_same(&folder.files("gen"), &folder.files("at-once"));
    assert_eq!(folder.files("gen").len(), 4);
}

/// Without include folders a package spread over two folders is found by its imports.
#[test]
fn spread_package_is_found_without_include_folders() {
    let folder = Folder::with(SPREAD);
    let paths: Vec<String> = NAMES.iter().map(|name| format!("proto/{name}")).collect();
    let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
    folder.run(&[&["--out", "found"], &paths[..]].concat()).succeeds();
    folder.run(&with_names(&["-I", "proto", "--out", "told"])).succeeds();
    assert_same(&folder.files("found"), &folder.files("told"));
}
