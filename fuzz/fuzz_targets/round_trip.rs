//! Encoded messages of a peer, and what JSON and text make of them; see `rust_grpc::fuzzing::round_trip` for what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| rust_grpc::fuzzing::round_trip(input));
