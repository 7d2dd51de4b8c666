//! Generates the messages of rust-protobuf.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto");
    let mut generator = protobuf_codegen::Codegen::new();
    generator.protoc().protoc_path(&protoc_bin_vendored::protoc_bin_path()?);
    generator.include("../proto").inputs(["../proto/codec.proto", "../proto/shapes.proto"]);
    generator.cargo_out_dir("messages").run()?;
    Ok(())
}
