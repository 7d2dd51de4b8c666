//! Generates the benchmark's unary method with ttrpc's builder, which reads .proto files by itself.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=../proto");
    let out = std::env::var("OUT_DIR")?;
    ttrpc_codegen::Codegen::new()
        .out_dir(&out)
        .input("../proto/unary.proto")
        .include("../proto")
        .rust_protobuf()
        .rust_protobuf_customize(ttrpc_codegen::ProtobufCustomize::default().gen_mod_rs(true))
        .run()?;
    // What is generated begins with inner attributes, and so the files are modules of their own.
    let module = |name: &str| format!("#[path = \"{out}/{name}.rs\"]\npub mod {name};\n");
    std::fs::write(format!("{out}/all.rs"), module("unary") + &module("unary_ttrpc"))?;
    Ok(())
}
