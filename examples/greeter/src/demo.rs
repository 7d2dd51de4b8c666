//! Both sides in one process: starts a server, calls it, prints the replies, stops.

use std::time::Duration;

use greeter::MyGreeter;
use proto::hello::{GreeterServer, GreeterStub, HelloRequest};
use rust_grpc::{Channel, Server};

mod greeter;
mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Port 0 lets the system choose one.
    let server = Server::builder()
        .add_service(GreeterServer::new(MyGreeter))
        .bind("127.0.0.1:0")?
        .start()?;
    let address = server.local_addresses()[0].to_string();
    println!("serving on {address}");

    let greeter = GreeterStub::new(Channel::insecure(&address)?);
    for name in ["Alice", "Bob", ""] {
        let request = HelloRequest { name: name.to_owned(), ..Default::default() };
        match greeter.say_hello(&request) {
            Ok(reply) => println!("{name:?} -> {}", reply.message),
            Err(status) => println!("{name:?} -> {status}"),
        }
    }

    server.stop(Duration::from_secs(1));
    println!("stopped");
    Ok(())
}
