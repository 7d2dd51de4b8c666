//! The server of gRPC's interoperability tests: prints where it listens, and serves until it is
//! killed, or with `--stop_with_input=true` until standard input ends.

use std::io::Read;
use std::time::Duration;

use clap::Parser;
use rust_grpc::Server;
use rust_grpc_interop_suite::options::ServerOptions;
use rust_grpc_interop_suite::proto::grpc::testing::TestServiceServer;
use rust_grpc_interop_suite::service::InteropService;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = ServerOptions::parse();
    let address = format!("[::]:{}", options.port);
    let builder =
        Server::builder().max_workers(64).add_service(TestServiceServer::new(InteropService));
    let server = match options.tls()? {
        Some(tls) => builder.bind_secure(address.as_str(), tls)?,
        None => builder.bind(address.as_str())?,
    }
    .start()?;
    println!("{}", server.local_addresses()[0]);
    if !options.stop_with_input {
        server.wait_for_termination();
    }
    std::io::stdin().read_to_end(&mut Vec::new())?;
    server.stop(Duration::from_secs(1));
    Ok(())
}
