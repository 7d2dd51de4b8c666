//! Generates what `make bench-compile` compiles: `bench-compile FILE.proto FOLDER` makes FOLDER/rust-grpc,
//! FOLDER/rust-grpc-plain, which is without reflection, JSON and text, FOLDER/prost, and FOLDER/prost-json, which
//! has JSON by pbjson.

use std::error::Error;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [file, folder] = arguments.as_slice() else {
        return Err("usage: bench-compile FILE.proto FOLDER".into());
    };
    let include = file.parent().ok_or("expected a file in a folder")?;
    generate_ours(file, include, &folder.join("rust-grpc"), "")?;
    generate_ours(file, include, &folder.join("rust-grpc-plain"), "descriptor=no")?;
    generate_prost(file, include, &folder.join("prost"))?;
    generate_prost(file, include, &folder.join("prost-json"))?;
    generate_pbjson(&folder.join("prost-json"))
}

fn generate_ours(
    file: &Path,
    include: &Path,
    out: &Path,
    options: &str,
) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let mut config = rust_grpc_codegen::Config::new();
    config.protoc(protoc_bin_vendored::protoc_bin_path()?).include(include);
    config.options(options).out_dir(out).compile(&[file])?;
    Ok(())
}

fn generate_prost(file: &Path, include: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(out)?;
    let mut config = prost_build::Config::new();
    config.protoc_executable(protoc_bin_vendored::protoc_bin_path()?).out_dir(out);
    config.file_descriptor_set_path(out.join(DESCRIPTORS));
    config.compile_protos(&[file], &[include])?;
    Ok(())
}

/// JSON for what is generated in `out`.
fn generate_pbjson(out: &Path) -> Result<(), Box<dyn Error>> {
    let mut json = pbjson_build::Builder::new();
    json.register_descriptors(&std::fs::read(out.join(DESCRIPTORS))?)?;
    json.out_dir(out).build(&[".bench"])?;
    Ok(())
}

const DESCRIPTORS: &str = "descriptors.binpb";
