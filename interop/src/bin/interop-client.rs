//! `interop-client ADDRESS`: runs every case against the server at that address.

use std::process::ExitCode;
use std::time::Instant;

use rust_grpc::Channel;
use rust_grpc_interop::cases::CASES;
use rust_grpc_interop::proto::interop::InteropStub;
use rust_grpc_interop::services;

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: interop-client ADDRESS")?;
    let channel = Channel::insecure(&address)?;
    let stub = InteropStub::new(channel.clone());
    let calls = CASES.iter().map(|(name, case)| (name, case(&stub)));
    let services = services::CASES.iter().map(|(name, case)| (name, case(&channel)));
    let (mut failed, mut count) = (0, 0);
    let mut started = Instant::now();
    for (name, outcome) in calls.chain(services) {
        count += 1;
        match outcome {
            Ok(()) => println!("ok     {name} ({:.2} s)", started.elapsed().as_secs_f64()),
            Err(fault) => {
                failed += 1;
                println!("FAILED {name}: {fault}");
            }
        }
        started = Instant::now();
    }
    println!("our client, grpcio server: {} passed, {failed} failed", count - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
