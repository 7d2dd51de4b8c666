//! `methods-server PORT METHODS`: serves the service of so many methods on 127.0.0.1; its last method answers with the payload.

use std::error::Error;

use proto::methods::{
    Of1, Of1Server, Of10, Of10Server, Of100, Of100Server, Of1000, Of1000Server, Req, Resp,
};
use rust_grpc::{Context, Server, Status};

mod proto {
    rust_grpc::include_protos!();
}

struct Echo;

macro_rules! last_method_answers {
    ($service:ident, $method:ident) => {
        impl $service for Echo {
            fn $method(&self, request: Req, _: &mut Context) -> Result<Resp, Status> {
                Ok(Resp { payload: request.payload, ..Default::default() })
            }
        }
    };
}

last_method_answers!(Of1, method1);
last_method_answers!(Of10, method10);
last_method_answers!(Of100, method100);
last_method_answers!(Of1000, method1000);

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?;
    let builder = Server::builder();
    let builder = match words.next().as_deref() {
        Some("1") => builder.add_service(Of1Server::new(Echo)),
        Some("10") => builder.add_service(Of10Server::new(Echo)),
        Some("100") => builder.add_service(Of100Server::new(Echo)),
        Some("1000") => builder.add_service(Of1000Server::new(Echo)),
        _ => return Err("expected 1, 10, 100 or 1000 methods".into()),
    };
    let server = builder.bind(format!("127.0.0.1:{port}").as_str())?.start()?;
    server.wait_for_termination();
    Ok(())
}
