//! The binary `protoc-gen-rust-grpc`.

fn main() {}
