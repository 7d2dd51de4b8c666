//! `bench-server PORT`: serves the benchmark on 127.0.0.1 with the defaults of the runtime, but for messages of up to 64 MiB.

use std::error::Error;

use proto::perf::{Bench, BenchServer, Req, Resp, StreamReq};
use rust_grpc::{Context, ReplySink, RequestStream, Server, Status};

mod proto {
    rust_grpc::include_protos!();
}

struct Echo;

impl Bench for Echo {
    fn unary(&self, request: Req, _: &mut Context) -> Result<Resp, Status> {
        Ok(Resp { payload: request.payload, ..Default::default() })
    }

    fn server_stream(
        &self,
        request: StreamReq,
        replies: &mut ReplySink<Resp>,
        _: &mut Context,
    ) -> Result<(), Status> {
        let reply = Resp { payload: vec![b'x'; request.size as usize], ..Default::default() };
        for _ in 0..request.count {
            replies.send(&reply)?;
        }
        Ok(())
    }

    fn bidi(
        &self,
        requests: &mut RequestStream<Req>,
        replies: &mut ReplySink<Resp>,
        _: &mut Context,
    ) -> Result<(), Status> {
        for request in requests {
            replies.send(Resp { payload: request?.payload, ..Default::default() })?;
        }
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).ok_or("expected a port")?;
    let server = Server::builder()
        .max_receive_message_size(measure::MESSAGE_SIZE_MAX)
        .add_service(BenchServer::new(Echo))
        .bind(format!("127.0.0.1:{port}").as_str())?
        .start()?;
    server.wait_for_termination();
    Ok(())
}
