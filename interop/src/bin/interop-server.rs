//! `interop-server ADDRESS`: serves `interop.Interop`, prints where, and stops when standard input ends.

use std::io::Read;
use std::time::Duration;

use rust_grpc::Server;
use rust_grpc::health::{HealthService, ServingStatus};
use rust_grpc_interop::proto::interop::InteropServer;
use rust_grpc_interop::server::InteropService;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).ok_or("usage: interop-server ADDRESS")?;
    let health = HealthService::new();
    health.set("interop.Interop", ServingStatus::Serving);
    let server = Server::builder()
        .max_workers(32)
        .add_service(InteropServer::new(InteropService::new(health.clone())))
        .add_service(health)
        .enable_reflection()
        .bind(&address)?
        .start()?;
    println!("{}", server.local_addresses()[0]);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop(Duration::from_secs(1));
    Ok(())
}
