//! The greeter's server: `greeter-server [ADDRESS]`, by default on `[::]:50051`.

use greeter::MyGreeter;
use proto::hello::GreeterServer;
use rust_grpc::Server;

mod greeter;
mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "[::]:50051".to_owned());
    let server = Server::builder()
        .max_workers(10)
        .add_service(GreeterServer::new(MyGreeter))
        .bind(&address)?
        .start()?;
    for address in server.local_addresses() {
        println!("listening on {address}");
    }
    server.wait_for_termination();
    Ok(())
}
