//! Bytes of an HTTP/2 peer; see `rust_grpc::fuzzing::connection` for what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rust_grpc::fuzzing::connection(input));
