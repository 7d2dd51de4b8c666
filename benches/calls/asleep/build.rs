//! Generates the service of proto/asleep.proto.

fn main() -> Result<(), rust_grpc_codegen::Error> {
    rust_grpc_codegen::compile("proto/asleep.proto")
}
