//! Every door gives the same bytes: protoc's plugin, the command line, the library, a descriptor set,
//! the pure parser.

mod doors;

use std::collections::BTreeMap;

use doors::{Folder, GREETER};
use protobuf::Message;
use protobuf::descriptor::FileDescriptorSet;
use protobuf::plugin::{CodeGeneratorRequest, CodeGeneratorResponse};

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

/// Options of which protoc keeps some to itself: they are meant for readers of the source.
const SOURCE_OPTIONS: &[(&str, &str)] = &[
    (
        "proto/rules.proto",
        r#"syntax = "proto2"; package rules; import "google/protobuf/descriptor.proto";
        message Rule {
          optional string secret = 1 [retention = RETENTION_SOURCE];
          optional string kept = 2;
          repeated Rule inner = 3;
          map<string, Rule> named = 4;
        }
        extend google.protobuf.FileOptions {
          optional string file_secret = 50001 [retention = RETENTION_SOURCE];
        }
        extend google.protobuf.MessageOptions {
          optional string secret = 50001 [retention = RETENTION_SOURCE];
          optional Rule rule = 50002;
          repeated string kept = 50003;
        }
        extend google.protobuf.FieldOptions { optional Rule field_rule = 50001; }
        extend google.protobuf.OneofOptions { optional Rule oneof_rule = 50001; }
        extend google.protobuf.EnumOptions { optional Rule enum_rule = 50001; }
        extend google.protobuf.EnumValueOptions { optional Rule value_rule = 50001; }
        extend google.protobuf.ServiceOptions { optional Rule service_rule = 50001; }
        extend google.protobuf.MethodOptions { optional Rule method_rule = 50001; }
        extend google.protobuf.ExtensionRangeOptions { optional Rule range_rule = 50001; }
        "#,
    ),
    (
        "proto/ruled.proto",
        r#"syntax = "proto2"; package ruled; import "rules.proto";
        option (rules.file_secret) = "only in the source";
        // Is ruled.
        message M {
          option (rules.secret) = "only in the source";
          option (rules.rule) = {
            kept: "for everybody" secret: "only in the source"
            inner { secret: "only in the source" inner { kept: "for everybody" } }
            named { key: "for everybody" value { secret: "only in the source" } }
          };
          option (rules.kept) = "for everybody";
          // Has a rule.
          optional int32 a = 1 [(rules.field_rule).secret = "only in the source"];
          oneof o {
            option (rules.oneof_rule).secret = "only in the source";
            int32 b = 2;
          }
          extensions 100 to 199 [(rules.range_rule).secret = "only in the source"];
          extensions 200 to 299 [
            verification = DECLARATION,
            declaration = { number: 200 full_name: ".ruled.declared" type: "int32" }
          ];
          message Inner {
            option (rules.rule).secret = "only in the source";
            enum E {
              option (rules.enum_rule).secret = "only in the source";
              ZERO = 0 [(rules.value_rule).secret = "only in the source"];
            }
            extend M { optional int32 x = 100 [(rules.field_rule).secret = "only in the source"]; }
          }
        }
        extend M { optional int32 declared = 200 [(rules.field_rule).secret = "only in the source"]; }
        enum E { NOTHING = 0 [(rules.value_rule).secret = "only in the source"]; }
        service S {
          option (rules.service_rule).secret = "only in the source";
          rpc Call(M) returns (M) { option (rules.method_rule).secret = "only in the source"; }
          rpc Open(M) returns (M) {}
        }
        "#,
    ),
    (
        "proto/named.proto",
        r#"edition = "2024"; package named; import "styled.proto"; import option "rules.proto";
        option features.enforce_naming_style = STYLE_LEGACY;
        option features.default_symbol_visibility = EXPORT_ALL;
        option features.field_presence = IMPLICIT;
        message M {
          option features.enforce_naming_style = STYLE2024;
          option (rules.rule) = { kept: "for everybody" secret: "only in the source" };
          int32 a = 1 [features.field_presence = EXPLICIT];
          styled.M m = 2;
        }
        "#,
    ),
    (
        "proto/styled.proto",
        r#"edition = "2023"; package styled;
        option features.enum_type = CLOSED;
        message M { E e = 1; } enum E { ONE = 1; }
        "#,
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

/// protoc keeps options of retention source from its plugins; no other door lets them through, and
/// what one door made, another finds up to date.
#[test]
fn options_for_the_source_reach_no_generated_file() {
    let folder = Folder::with(SOURCE_OPTIONS);
    let names = ["rules.proto", "ruled.proto", "named.proto", "styled.proto"];
    let with_names = |arguments: &[&'static str]| [arguments, &names[..]].concat();
    std::fs::create_dir(folder.path().join("plugin")).unwrap();
    folder.protoc(&with_names(&["-Iproto", "--rust-grpc_out=plugin"])).succeeds();
    let expected = folder.files("plugin");
    assert!(expected["ruled.rs"].contains("for everybody"));
    assert!(expected["ruled.rs"].contains("/// Has a rule."));
    assert!(!expected["ruled.rs"].contains("only in the source"));
    folder.run(&with_names(&["-I", "proto", "--check", "--out", "plugin"])).succeeds();
    rust_grpc_codegen::Config::new()
        .include(folder.path().join("proto"))
        .out_dir(folder.path().join("library"))
        .compile(&names)
        .unwrap();
    assert_same(&folder.files("library"), &expected);
    let set = ["-Iproto", "--include_imports", "--include_source_info", "--descriptor_set_out=set"];
    for retain in [&[][..], &["--retain_options"]] {
        folder.protoc(&[&with_names(&set), retain].concat()).succeeds();
        folder.run(&["--descriptor-set", "set", "--out", "from-set"]).succeeds();
        assert_same(&folder.files("from-set"), &expected);
    }
    // A plugin drops what it is sent, as buf sends some.
    let set = std::fs::read(folder.path().join("set")).unwrap();
    let mut request = CodeGeneratorRequest::new();
    request.proto_file = FileDescriptorSet::parse_from_bytes(&set).unwrap().file;
    request.file_to_generate = names.map(str::to_owned).to_vec();
    let answer = rust_grpc_codegen::run_plugin(&request.write_to_bytes().unwrap()).unwrap();
    let answer = CodeGeneratorResponse::parse_from_bytes(&answer).unwrap();
    let ruled = answer.file.iter().find(|file| file.name() == "ruled.rs").unwrap().content();
    assert!(ruled.contains("for everybody") && !ruled.contains("only in the source"));
}

/// What the pure parser reads at all it reads as protoc does, to the order of bytes.
#[test]
fn pure_parser_agrees_over_the_language() {
    let folder = Folder::with(&[
        (
            "old.proto",
            r#"syntax = "proto2"; package old; import "google/protobuf/descriptor.proto";
            import public "new.proto";
            option java_package = "org.old";
            message O { optional string x = 1; optional O in = 2; repeated int32 n = 3; }
            extend google.protobuf.MessageOptions {
              optional string src = 50002; optional O o = 50001;
            }
            message M {
              option (src) = "hi";
              option (o) = { n: [3, 4] x: "a" in { x: "b" } };
              option deprecated = true;
              optional int32 a = 1 [default = 4, deprecated = true];
              required double d = 2 [default = 1.5];
              extensions 100 to 199, 250; extensions 300 to max;
              reserved 50, 60 to 70; reserved "foo";
              optional group G = 5 { optional int32 z = 1; }
              map<string, M> mm = 7;
              repeated int32 pk = 9 [packed = true];
              enum E { A = 0; B = -1 [deprecated = true]; reserved 4 to 6, 9 to max; }
              oneof oo { E e = 11; string s = 12 [json_name = "SS"]; }
              extend M { optional M em = 101 [deprecated = true]; }
            }
            extend M { optional int32 ext = 100 [default = 3]; repeated M ext2 = 102; }
            service S {
              option deprecated = true;
              rpc A(M) returns (stream M);
              rpc B(M) returns (M) { option idempotency_level = IDEMPOTENT; }
              rpc C(stream M) returns (M) {}
            }
            "#,
        ),
        (
            "new.proto",
            r#"syntax = "proto3"; package new; import "google/protobuf/any.proto";
            message M {
              optional int32 a = 1; repeated int32 r = 2 [packed = false]; bytes b = 15;
              map<int32, google.protobuf.Any> m = 3; M inner = 4 [json_name = "within"];
            }
            enum E { option allow_alias = true; X = 0; Y = 0; Z = -1; reserved 7 to max; }
            service S { rpc A(stream M) returns (M) {} rpc B(M) returns (M); }
            "#,
        ),
        ("unsaid.proto", "message M { optional int32 a = 1; }"),
    ]);
    let names = ["old.proto", "new.proto", "unsaid.proto"];
    let after = |arguments: &[&'static str]| [arguments, &names].concat();
    folder.run(&after(&["-I", ".", "--out", "protoc"])).succeeds();
    folder.run(&after(&["-I", ".", "--parser", "pure", "--out", "pure"])).succeeds();
    assert_same(&folder.files("pure"), &folder.files("protoc"));
}
