//! Generates the messages and the service of `proto/interop.proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rust_grpc_codegen::compile("proto/interop.proto")?;
    Ok(())
}
