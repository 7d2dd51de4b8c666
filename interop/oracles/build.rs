//! Generates the messages of protobuf's conformance suite twice: as ours, and as prost's.

use std::env;
use std::path::Path;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-env-changed=CONFORMANCE_INCLUDE");
    let include = env::var("CONFORMANCE_INCLUDE")
        .map_err(|_| "expected the runner's schemas in $CONFORMANCE_INCLUDE: `make oracles`")?;
    // prost knows no editions.
    let files = ["test_messages_proto2.proto", "test_messages_proto3.proto"];
    let files: Vec<_> =
        files.iter().map(|file| Path::new(&include).join("google/protobuf").join(file)).collect();
    rust_grpc_codegen::Config::new().include(&include).compile(&files)?;
    // Maps in order, so that equal messages have equal bytes.
    let mut prost = prost_build::Config::new();
    prost.btree_map(["."]).compile_well_known_types().include_file("prost.rs");
    prost.compile_protos(&files, &[include.as_str()])?;
    Ok(())
}
