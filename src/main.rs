//! The binary `protoc-gen-rust-grpc`: protoc's plugin, and a command line of its own.
//!
//! protoc and buf start a plugin without arguments and with its request on stdin; whatever else
//! comes is for the command line.

mod cli;

use std::io::{self, IsTerminal, Read, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    match std::env::args_os().len() <= 1 && !io::stdin().is_terminal() {
        true => plugin(),
        false => cli::run(),
    }
}

/// Answers the request on stdin. A fault in the user's .proto is an answer, not a failure.
fn plugin() -> ExitCode {
    let answered = answer();
    if let Err(error) = &answered {
        eprintln!("protoc-gen-rust-grpc: {error}");
    }
    ExitCode::from(u8::from(answered.is_err()))
}

fn answer() -> Result<(), Box<dyn std::error::Error>> {
    let mut request = Vec::new();
    io::stdin().read_to_end(&mut request)?;
    let response = rust_grpc_codegen::run_plugin(&request)?;
    io::stdout().write_all(&response)?;
    Ok(io::stdout().flush()?)
}
