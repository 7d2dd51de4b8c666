//! `pajamax-server PORT`: serves the benchmark's unary method on 127.0.0.1, each connection on a thread of its own.

use std::error::Error;

use perf::{Bench, BenchServer, Req, Resp};

mod perf {
    pajamax::include_proto!("perf");
}

const CONNECTIONS_MAX: usize = 20_000;

struct Echo;

impl Bench for Echo {
    fn unary(&self, request: Req) -> Result<Resp, pajamax::status::Status> {
        Ok(Resp { payload: request.payload })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("expected a port")?;
    pajamax::Config::new()
        .max_concurrent_connections(CONNECTIONS_MAX)
        .add_service(BenchServer::new(Echo))
        .serve(format!("127.0.0.1:{port}"))?;
    Ok(())
}
