//! The service: what `SayHello` does.

use rust_grpc::{Context, Status};

use crate::proto::hello::{Greeter, HelloReply, HelloRequest};

/// Greets everybody who has a name.
pub struct MyGreeter;

impl Greeter for MyGreeter {
    fn say_hello(&self, request: HelloRequest, _: &mut Context) -> Result<HelloReply, Status> {
        if request.name.is_empty() {
            return Err(Status::invalid_argument("expected a name, got an empty one"));
        }
        Ok(HelloReply { message: format!("Hello, {}", request.name), ..Default::default() })
    }
}
