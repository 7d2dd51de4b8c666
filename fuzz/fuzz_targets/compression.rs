//! Header blocks of a peer; see `rust_grpc::fuzzing::compression` for what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rust_grpc::fuzzing::compression(input));
