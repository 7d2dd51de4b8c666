//! The cases: each calls the server and says what was not as it should be.

mod compression;
mod metadata;
mod soak;
mod status;
mod streaming;
mod unary;

use std::fmt::Debug;

use rust_grpc::{Channel, Code, Status};

use crate::options::ClientOptions;
use crate::proto::grpc::testing::{Payload, TestServiceStub};

/// How a case ends: an error says in words what was not as expected.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

type Case = fn(&TestServiceStub, &ClientOptions) -> Outcome;

/// Every case by its name.
pub const CASES: &[(&str, Case)] = &[
    ("empty_unary", unary::empty_unary),
    ("cacheable_unary", unary::cacheable_unary),
    ("large_unary", unary::large_unary),
    ("concurrent_large_unary", unary::concurrent_large_unary),
    ("client_compressed_unary", compression::client_compressed_unary),
    ("server_compressed_unary", compression::server_compressed_unary),
    ("client_compressed_streaming", compression::client_compressed_streaming),
    ("server_compressed_streaming", compression::server_compressed_streaming),
    ("client_streaming", streaming::client_streaming),
    ("server_streaming", streaming::server_streaming),
    ("ping_pong", streaming::ping_pong),
    ("half_duplex", streaming::half_duplex),
    ("empty_stream", streaming::empty_stream),
    ("slow_consumer", streaming::slow_consumer),
    ("cancel_after_begin", streaming::cancel_after_begin),
    ("cancel_after_first_response", streaming::cancel_after_first_response),
    ("timeout_on_sleeping_server", streaming::timeout_on_sleeping_server),
    ("custom_metadata", metadata::custom_metadata),
    ("status_code_and_message", status::status_code_and_message),
    ("special_status_message", status::special_status_message),
    ("unimplemented_method", status::unimplemented_method),
    ("unimplemented_service", status::unimplemented_service),
    ("rpc_soak", soak::rpc_soak),
    ("channel_soak", soak::channel_soak),
    ("long_lived_channel", soak::long_lived_channel),
];

/// Runs the case that the options name.
///
/// # Errors
///
/// What was not as expected, or that there is no such case.
pub fn run(options: &ClientOptions) -> Outcome {
    let name = options.test_case.as_str();
    let Some((_, case)) = CASES.iter().find(|(known, _)| *known == name) else {
        let known: Vec<_> = CASES.iter().map(|(name, _)| *name).collect();
        return Err(format!("no case {name:?}: expected one of {}", known.join(", ")).into());
    };
    case(&stub(options.channel()?), options)
}

fn stub(channel: Channel) -> TestServiceStub {
    TestServiceStub::new(channel)
}

/// Compares what came with what should have.
fn expect<T: PartialEq + Debug>(what: &str, got: &T, expected: &T) -> Outcome {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: expected {expected:?}, got {got:?}").into())
}

/// Checks that a call ended with an error, and returns it.
fn expect_status<T>(what: &str, result: Result<T, Status>, code: Code) -> Result<Status, String> {
    match result {
        Ok(_) => Err(format!("{what}: expected {}, got OK", code.name())),
        Err(status) if status.code() == code => Ok(status),
        Err(status) => Err(format!("{what}: expected {}, got {status}", code.name())),
    }
}

/// Checks that a payload is so many zeros.
fn expect_zeros(what: &str, payload: &Payload, size: usize) -> Outcome {
    expect(what, &payload.body.len(), &size)?;
    match payload.body.iter().position(|byte| *byte != 0) {
        Some(at) => Err(format!("{what}: expected zeros, got another byte at {at}").into()),
        None => Ok(()),
    }
}

fn zeros(size: usize) -> Payload {
    Payload { body: vec![0; size], ..Default::default() }
}
