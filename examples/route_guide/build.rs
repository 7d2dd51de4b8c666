//! Generates the messages, the service trait and the stub from proto/route_guide.proto.

fn main() {
    if let Err(error) = rust_grpc_codegen::compile("proto/route_guide.proto") {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
