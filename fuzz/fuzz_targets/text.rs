//! Messages as text; see `rust_grpc::fuzzing::text` for what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rust_grpc::fuzzing::text(input));
