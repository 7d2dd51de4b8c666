//! `ttrpc-client PORT WORKLOAD`: see `measure::Workload` for the workloads; here only unary calls.

use std::error::Error;

use generated::unary::Req;
use generated::unary_ttrpc::BenchClient;
use measure::{Workload, blocking, check};
use ttrpc::Client;
use ttrpc::context::Context;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?;
    let workload = Workload::from_words(words)?;
    let client = BenchClient::new(Client::connect(&format!("tcp://127.0.0.1:{port}"))?);
    match workload {
        Workload::Once { size } => {
            check(client.unary(Context::default(), &request(size))?.payload.len(), size);
        }
        Workload::Unary { callers, size, time } => blocking::unary(callers, size, time, || {
            let (client, request) = (client.clone(), request(size));
            move || {
                let reply = client.unary(Context::default(), &request)?;
                Ok::<_, ttrpc::Error>(reply.payload.len())
            }
        })?
        .print(),
        Workload::Stream { .. } | Workload::Bidi { .. } => {
            return Err("expected unary calls".into());
        }
    }
    Ok(())
}

fn request(size: usize) -> Req {
    Req { payload: vec![b'x'; size], ..Default::default() }
}
