//! The client of gRPC's interoperability tests.

use std::process::ExitCode;

use clap::Parser;
use rust_grpc_interop_suite::cases;
use rust_grpc_interop_suite::options::ClientOptions;

fn main() -> ExitCode {
    let options = ClientOptions::parse();
    if options.test_case == "list" {
        cases::CASES.iter().for_each(|(name, _)| println!("{name}"));
        return ExitCode::SUCCESS;
    }
    match cases::run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", options.test_case);
            ExitCode::FAILURE
        }
    }
}
