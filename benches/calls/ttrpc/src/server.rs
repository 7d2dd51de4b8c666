//! `ttrpc-server PORT`: serves the benchmark's unary method on 127.0.0.1.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use generated::unary::{Req, Resp};
use generated::unary_ttrpc::{Bench, create_bench};
use ttrpc::{Server, TtrpcContext};

struct Echo;

impl Bench for Echo {
    fn unary(&self, _: &TtrpcContext, request: Req) -> ttrpc::Result<Resp> {
        Ok(Resp { payload: request.payload, ..Default::default() })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("expected a port")?;
    let mut server = Server::new()
        .bind(&format!("tcp://127.0.0.1:{port}"))?
        .register_service(create_bench(Arc::new(Echo)));
    server.start()?;
    loop {
        thread::park();
    }
}
