//! Generates the benchmark's service with tonic's own builder and the protoc that comes through cargo.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../proto");
    let mut config = tonic_prost_build::Config::new();
    config.protoc_executable(protoc_bin_vendored::protoc_bin_path()?);
    tonic_prost_build::configure().compile_with_config(
        config,
        &["../proto/bench.proto"],
        &["../proto"],
    )?;
    Ok(())
}
