//! `interop-client ADDRESS`: runs every case against the server at that address.

use std::process::ExitCode;
use std::time::Instant;

use rust_grpc::Channel;
use rust_grpc_interop::cases::CASES;
use rust_grpc_interop::proto::interop::InteropStub;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: interop-client ADDRESS")?;
    let stub = InteropStub::new(Channel::insecure(&address)?);
    let mut failed = 0;
    for (name, case) in CASES {
        let started = Instant::now();
        match case(&stub) {
            Ok(()) => println!("ok     {name} ({:.2} s)", started.elapsed().as_secs_f64()),
            Err(fault) => {
                failed += 1;
                println!("FAILED {name}: {fault}");
            }
        }
    }
    println!("our client, grpcio server: {} passed, {failed} failed", CASES.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
