//! Generates the messages of Google's protobuf: by protoc itself, of the very version of the runtime.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto");
    let mut generator = protobuf_codegen::CodeGen::new();
    generator.protoc_path(protoc_bin_vendored::protoc_bin_path()?);
    generator.include("../proto").inputs(["codec.proto", "shapes.proto"]);
    generator.generate_and_compile()?;
    Ok(())
}
