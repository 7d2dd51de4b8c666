//! Generates the types of protobuf's conformance suite, whose schemas come with the runner.

use std::env;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-env-changed=CONFORMANCE_INCLUDE");
    let include = env::var("CONFORMANCE_INCLUDE")
        .map_err(|_| "expected the runner's schemas in $CONFORMANCE_INCLUDE: `make conformance`")?;
    let files = [
        "conformance/conformance.proto",
        "google/protobuf/test_messages_proto2.proto",
        "google/protobuf/test_messages_proto3.proto",
        "google/protobuf/test_messages_proto2_editions.proto",
        "google/protobuf/test_messages_proto3_editions.proto",
        "google/protobuf/test_messages_edition2023.proto",
    ];
    let files: Vec<_> = files.iter().map(|file| Path::new(&include).join(file)).collect();
    rust_grpc_codegen::Config::new().include(&include).compile(&files)?;
    Ok(())
}
