//! The code of README.md and of the guides in docs/, built and run as a new user would.

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
    Guide {
        page: "docs/messages.md",
        protos: &["proto/shop.proto", "proto/legacy.proto"],
        features: &["serde"],
        dependencies: "serde_json = \"1\"\n",
        imports: "use proto::{legacy::*, shop::*};\nuse rust_grpc::{Enumeration, Extendable, Message};\n",
        examples_min: 20,
    }
    .run();
}

/// docs/server.md: every example compiles and runs, on the .proto file of the page.
#[test]
fn every_example_of_the_guide_to_servers_runs() {
    Guide {
        page: "docs/server.md",
        protos: &["proto/hello.proto"],
        features: &[],
        dependencies: "",
        imports: "use proto::hello::*;\nuse rust_grpc::*;\n",
        examples_min: 8,
    }
    .run();
}

/// docs/connections.md: every example compiles and runs, on the .proto file of the page.
#[test]
fn every_example_of_the_guide_to_connections_runs() {
    Guide {
        page: "docs/connections.md",
        protos: &["proto/hello.proto"],
        features: &[],
        dependencies: "",
        imports: "use proto::hello::*;\nuse rust_grpc::*;\nuse std::time::Duration;\n",
        examples_min: 5,
    }
    .run();
}

/// docs/client.md: every example compiles and runs, on the .proto file of the page.
#[test]
fn every_example_of_the_guide_to_clients_runs() {
    Guide {
        page: "docs/client.md",
        protos: &["proto/hello.proto"],
        features: &[],
        dependencies: "",
        imports: CLIENT_IMPORTS,
        examples_min: 7,
    }
    .run();
}

/// docs/services.md: every example compiles and runs, on the .proto file of the page.
#[test]
fn every_example_of_the_guide_to_services_runs() {
    Guide {
        page: "docs/services.md",
        protos: &["proto/shop.proto"],
        features: &["channelz", "health", "reflection"],
        dependencies: "",
        imports: "use proto::shop::*;\nuse rust_grpc::channelz::{Channelz, ChannelzService};\nuse rust_grpc::{health::*, reflection::*, well_known::*, *};\nuse std::time::Duration;\n",
        examples_min: 5,
    }
    .run();
}

/// docs/testing.md: every example compiles and runs, on the .proto file of the page.
#[test]
fn every_example_of_the_guide_to_testing_runs() {
    Guide {
        page: "docs/testing.md",
        protos: &["proto/hello.proto"],
        features: &["testing"],
        dependencies: "",
        imports: "use proto::hello::*;\nuse rust_grpc::{testing::*, *};\nuse std::time::Duration;\n",
        examples_min: 4,
    }
    .run();
}

/// What the examples for clients begin with: a server that greets, and stubs that call it.
const CLIENT_IMPORTS: &str = r#"
use std::time::Duration;
use proto::hello::*;
use rust_grpc::*;

struct Host;

fn hello(name: &str) -> Result<HelloReply, Status> {
    if name.is_empty() {
        let field = rpc::bad_request::FieldViolation { field: "name".into(), ..Default::default() };
        let bad = rpc::BadRequest { field_violations: vec![field], ..Default::default() };
        let details = Details::new().with(&bad);
        return Err(Status::invalid_argument("1 field is wrong").with_details(details));
    }
    Ok(HelloReply { message: format!("Hello, {name}"), ..Default::default() })
}

impl Greeter for Host {
    fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        hello(&request.name)
    }

    fn record(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        _: &mut Context,
    ) -> Result<HelloReply, Status> {
        let names = requests.map(|request| Ok(request?.name)).collect::<Result<Vec<_>, Status>>();
        hello(&names?.join(", "))
    }

    fn chat(
        &self,
        requests: &mut RequestStream<HelloRequest>,
        replies: &mut ReplySink<HelloReply>,
        _: &mut Context,
    ) -> Result<(), Status> {
        requests.try_for_each(|request| replies.send(hello(&request?.name)?))
    }
}

fn address() -> String {
    let server = Server::builder().add_service(GreeterServer::new(Host));
    let server = server.bind("127.0.0.1:0").unwrap().start().unwrap();
    let address = server.local_addresses()[0].to_string();
    std::mem::forget(server); // it serves as long as the program runs
    address
}
"#;

/// docs/from-grpcio.md: every example compiles and runs, on the .proto file and the set-up of the page.
#[test]
fn every_example_for_people_from_grpcio_runs() {
    come_from("docs/from-grpcio.md", 19);
}

/// docs/from-tonic.md: its build script builds, and every example compiles and runs.
#[test]
fn every_example_for_people_from_tonic_runs() {
    come_from("docs/from-tonic.md", 15);
}

fn come_from(page: &'static str, examples_min: usize) {
    Guide {
        page,
        protos: &["proto/hello.proto"],
        features: &["channelz", "health", "reflection", "testing", "tls"],
        dependencies: RCGEN,
        imports: &fence_after(&read(page), "Every example begins with:"),
        examples_min,
    }
    .run();
}

/// Certificates for the examples.
const RCGEN: &str =
    "rcgen = { version = \"0.14\", default-features = false, features = [\"pem\", \"ring\"] }\n";

/// A page whose examples, the blocks of Rust, are functions of one program.
struct Guide<'a> {
    page: &'static str,
    /// Files that stand on the page.
    protos: &'static [&'static str],
    features: &'static [&'static str],
    /// Lines of the manifest.
    dependencies: &'static str,
    /// What every example begins with.
    imports: &'a str,
    examples_min: usize,
}

impl Guide<'_> {
    #[track_caller]
    fn run(&self) {
        let guide = read(self.page);
        let name = self.page.replace(['/', '.'], "-");
        let package = Package::new(&name);
        let manifest = fence_after(&read("README.md"), "`Cargo.toml`:");
        let features = format!("runtime\", features = {:?} }}", self.features);
        let with_features = manifest.replace("runtime\" }", &features);
        assert_ne!(with_features, manifest, "the manifest has the runtime on a line of its own");
        // The packages build into one folder.
        let named = with_features.replace("\"hello\"", &format!("{name:?}"));
        let dependencies = format!("[dependencies]\n{}", self.dependencies);
        package.write("Cargo.toml", &named.replace("[dependencies]\n", &dependencies));
        for name in self.protos {
            package.write(name, &fence_after(&guide, &format!("`{name}`:")));
        }
        let build = format!(
            "fn main() -> Result<(), rust_grpc_codegen::Error> {{\n    \
                 rust_grpc_codegen::Config::new().compile(&{:?}).map(|_| ())\n}}\n",
            self.protos
        );
        // A page may have one of its own.
        let own = guide.contains("`build.rs`:\n").then(|| fence_after(&guide, "`build.rs`:\n"));
        package.write("build.rs", own.as_ref().unwrap_or(&build));
        let examples: Vec<&str> = guide.split("\n```rust\n").skip(1).collect();
        assert!(examples.len() >= self.examples_min, "{} examples", examples.len());
        let mut program = format!("{GUIDE_PROGRAM}{}", self.imports);
        let mut calls = String::new();
        for (index, example) in examples.iter().enumerate() {
            let (body, _) = example.split_once("\n```").unwrap();
            let name = format!("example_{index}");
            program +=
                &format!("fn {name}() -> Result<(), Box<dyn Error>> {{\n{body}\nOk(())\n}}\n");
            calls += &format!("    {name}().unwrap();\n");
        }
        program +=
            &format!("fn main() {{\n{calls}    println!(\"all of {}\");\n}}\n", examples.len());
        package.write("src/main.rs", &program);
        let printed = package.run();
        assert!(printed.ends_with(&format!("all of {}\n", examples.len())), "{printed}");
    }
}

/// What the program of every guide begins with.
const GUIDE_PROGRAM: &str = "#![allow(dead_code, unused_imports, unused_variables)]
mod proto {
    rust_grpc::include_protos!();
}
use std::error::Error;
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
