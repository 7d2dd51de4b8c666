//! `bench-client PORT WORKLOAD`: see `measure::Workload` for the workloads, and for the line that is printed.

use std::error::Error;

use measure::{Started, Workload, blocking};
use proto::perf::{BenchStub, Req, StreamReq};
use rust_grpc::{Channel, Status};

mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?;
    let workload = Workload::from_words(words)?;
    let channel = Channel::builder(&format!("127.0.0.1:{port}"))
        .max_receive_message_size(measure::MESSAGE_SIZE_MAX)
        .build()?;
    let stub = BenchStub::new(channel);
    match workload {
        Workload::Once { size } => {
            let payload = stub.unary(request(size))?.into_inner().payload;
            measure::check(payload.len(), size);
        }
        Workload::Unary { callers, size, time } => blocking::unary(callers, size, time, || {
            let (stub, request) = (stub.clone(), request(size));
            move || Ok::<_, Status>(stub.unary(&request)?.into_inner().payload.len())
        })?
        .print(),
        Workload::Stream { count, size } => {
            let started = Started::now();
            let mut left = count;
            let asked = StreamReq { count, size: size as u32, ..Default::default() };
            for reply in stub.server_stream(asked)? {
                measure::check(reply?.payload.len(), size);
                left -= 1;
            }
            assert_eq!(left, 0, "replies are missing");
            started.stream(count, size).print();
        }
        Workload::Bidi { size, time } => {
            let mut call = stub.bidi(())?;
            let request = request(size);
            blocking::exchange(size, time, || -> Result<usize, Status> {
                call.send(&request)?;
                Ok(call.recv()?.map_or(0, |reply| reply.payload.len()))
            })?
            .print();
        }
    }
    Ok(())
}

fn request(size: usize) -> Req {
    Req { payload: vec![b'x'; size], ..Default::default() }
}
