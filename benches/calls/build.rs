//! Generates the messages and the service of proto/bench.proto.

fn main() -> Result<(), rust_grpc_codegen::Error> {
    rust_grpc_codegen::compile("proto/bench.proto")
}
