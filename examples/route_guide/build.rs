//! Generates the messages, the service trait and the stub from proto/route_guide.proto.

fn main() -> Result<(), rust_grpc_codegen::Error> {
    rust_grpc_codegen::compile("proto/route_guide.proto")
}
