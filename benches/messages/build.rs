//! Generates the messages of every peer from the same descriptors, made by one protoc.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROTOS: [&str; 2] = ["codec.proto", "shapes.proto"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = out.join("descriptors.binpb");
    describe(&descriptors)?;
    generate_ours(&descriptors)?;
    generate_prost(&descriptors, &out.join("prost"))?;
    generate_buffa(&descriptors, &out.join("buffa"))?;
    Ok(())
}

fn describe(descriptors: &Path) -> Result<(), Box<dyn Error>> {
    let mut protoc = Command::new(protoc_bin_vendored::protoc_bin_path()?);
    protoc.args(["--include_source_info", "--include_imports", "-Iproto"]).args(PROTOS);
    let status = protoc.arg("--descriptor_set_out").arg(descriptors).status()?;
    if status.success() { Ok(()) } else { Err(format!("protoc: {status}").into()) }
}

fn generate_ours(descriptors: &Path) -> Result<(), Box<dyn Error>> {
    rust_grpc_codegen::Config::new().descriptor_set(descriptors).compile(&PROTOS)?;
    Ok(())
}

fn generate_prost(descriptors: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let mut config = prost_build::Config::new();
    config.file_descriptor_set_path(descriptors).skip_protoc_run().out_dir(folder);
    config.compile_protos(&PROTOS, &["proto"])?;
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&std::fs::read(descriptors)?)?.out_dir(folder);
    json.build(&[".codec", ".shapes"])?;
    Ok(())
}

fn generate_buffa(descriptors: &Path, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let config = buffa_build::Config::new().descriptor_set(descriptors).files(&PROTOS);
    config
        .generate_views(false)
        .generate_json(true)
        .out_dir(folder)
        .include_file("all.rs")
        .compile()
}
