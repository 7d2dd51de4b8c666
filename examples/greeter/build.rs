//! Generates the messages, the service trait and the stub from proto/hello.proto.

fn main() {
    if let Err(error) = rust_grpc_codegen::compile("proto/hello.proto") {
        eprintln!("{error}");
        std::process::exit(1);
    }
}
