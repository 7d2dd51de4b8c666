//! Generates the benchmark's unary method with pajamax's builder, which takes no streams, and the protoc that comes through cargo.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=../proto");
    let mut config = prost_build::Config::new();
    config.protoc_executable(protoc_bin_vendored::protoc_bin_path()?);
    config.service_generator(Box::new(pajamax_build::PajamaxGen::Local));
    config.compile_protos(&["../proto/unary.proto"], &["../proto"])?;
    Ok(())
}
