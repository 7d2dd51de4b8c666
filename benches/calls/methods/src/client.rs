//! `methods-client PORT METHODS WORKLOAD`: unary calls of the last of so many methods.

use std::error::Error;

use measure::{Workload, blocking};
use proto::methods::{Of1Stub, Of10Stub, Of100Stub, Of1000Stub, Req, Resp};
use rust_grpc::{Channel, Response, Status};

mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?;
    let methods = words.next().ok_or("expected 1, 10, 100 or 1000 methods")?;
    let workload = Workload::from_words(words)?;
    let channel = Channel::insecure(&format!("127.0.0.1:{port}"))?;
    match methods.as_str() {
        "1" => {
            let stub = Of1Stub::new(channel);
            run(workload, |request| stub.method1(request))
        }
        "10" => {
            let stub = Of10Stub::new(channel);
            run(workload, |request| stub.method10(request))
        }
        "100" => {
            let stub = Of100Stub::new(channel);
            run(workload, |request| stub.method100(request))
        }
        "1000" => {
            let stub = Of1000Stub::new(channel);
            run(workload, |request| stub.method1000(request))
        }
        _ => Err("expected 1, 10, 100 or 1000 methods".into()),
    }
}

fn run(
    workload: Workload,
    call: impl Fn(&Req) -> Result<Response<Resp>, Status> + Sync,
) -> Result<(), Box<dyn Error>> {
    let Workload::Unary { callers, size, time } = workload else {
        return Err("expected unary calls".into());
    };
    let report = blocking::unary(callers, size, time, || {
        let (call, request) = (&call, Req { payload: vec![b'x'; size], ..Default::default() });
        move || Ok::<_, Status>(call(&request)?.into_inner().payload.len())
    })?;
    report.print();
    Ok(())
}
