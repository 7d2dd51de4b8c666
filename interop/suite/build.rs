//! Generates the messages and the services of `proto/testing.proto`.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rust_grpc_codegen::compile("proto/testing.proto")?;
    Ok(())
}
