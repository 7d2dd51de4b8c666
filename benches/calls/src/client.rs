//! `bench-client PORT [pending] WORKLOAD`: see `measure::Workload` for the workloads, and for the line that is printed.
//!
//! Callers are threads, or with `pending` as many calls that one thread has under way.

use std::error::Error;

use measure::pipelined::Pipelined;
use measure::{Started, Workload, blocking, pipelined};
use proto::perf::{BenchStub, Req, Resp, StreamReq};
use rust_grpc::{Channel, Pending, Status};

mod proto {
    rust_grpc::include_protos!();
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1).peekable();
    let port = words.next().ok_or("expected a port")?;
    let is_pending = words.next_if_eq("pending").is_some();
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
        Workload::Unary { callers, size, time } if is_pending => {
            let mut client = Client { stub, request: request(size) };
            pipelined::unary(&mut client, callers, size, time)?.print();
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

/// One thread that has several calls under way.
struct Client {
    stub: BenchStub,
    request: Req,
}

impl Pipelined for Client {
    type Call = Pending<Resp>;
    type Error = Status;

    fn begin(&mut self) -> Result<Pending<Resp>, Status> {
        self.stub.unary_pending(&self.request)
    }

    fn wait(&mut self, call: Pending<Resp>) -> Result<usize, Status> {
        Ok(call.wait()?.into_inner().payload.len())
    }
}

fn request(size: usize) -> Req {
    Req { payload: vec![b'x'; size], ..Default::default() }
}
