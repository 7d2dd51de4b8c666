//! `proxy UPSTREAM [ADDRESS]`: passes every call on to UPSTREAM; listens on `[::]:50050` by default.

use rust_grpc::{Channel, Server};

mod proxy;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let upstream = arguments.next().ok_or("expected the target of a server: localhost:50051")?;
    let address = arguments.next().unwrap_or_else(|| "[::]:50050".to_owned());
    let server = Server::builder()
        .generic_handler(proxy::proxy(Channel::insecure(&upstream)?))
        .bind(&address)?
        .start()?;
    for address in server.local_addresses() {
        println!("listening on {address}");
    }
    server.wait_for_termination();
    Ok(())
}
