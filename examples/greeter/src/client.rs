//! The greeter's client: `greeter-client [TARGET [NAME...]]`.

use std::time::Duration;

use proto::hello::{GreeterStub, HelloRequest};
use rust_grpc::{Channel, Request};

mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().unwrap_or_else(|| "localhost:50051".to_owned());
    let mut names: Vec<String> = arguments.collect();
    if names.is_empty() {
        names.push("world".to_owned());
    }

    let greeter = GreeterStub::new(Channel::insecure(&target)?);
    for name in names {
        let request = HelloRequest { name, ..Default::default() };
        let reply = greeter.say_hello(Request::new(request).timeout(Duration::from_secs(5)))?;
        println!("{}", reply.message);
    }
    Ok(())
}
