//! `tonic-server PORT current|multi`: serves the benchmark on 127.0.0.1 with tonic's defaults, but for messages of up to 64 MiB.

use std::error::Error;
use std::pin::Pin;

use common::perf::bench_server::{Bench, BenchServer};
use common::perf::{Req, Resp, StreamReq};
use tokio_stream::{Stream, StreamExt};
use tonic::{Request, Response, Status, Streaming};

type Replies = Pin<Box<dyn Stream<Item = Result<Resp, Status>> + Send>>;

struct Echo;

#[tonic::async_trait]
impl Bench for Echo {
    type ServerStreamStream = Replies;
    type BidiStream = Replies;

    async fn unary(&self, request: Request<Req>) -> Result<Response<Resp>, Status> {
        Ok(Response::new(Resp { payload: request.into_inner().payload }))
    }

    async fn server_stream(
        &self,
        request: Request<StreamReq>,
    ) -> Result<Response<Replies>, Status> {
        let StreamReq { count, size } = request.into_inner();
        let payload = vec![b'x'; size as usize];
        let replies = (0..count).map(move |_| Ok(Resp { payload: payload.clone() }));
        Ok(Response::new(Box::pin(tokio_stream::iter(replies))))
    }

    async fn bidi(&self, requests: Request<Streaming<Req>>) -> Result<Response<Replies>, Status> {
        let replies = requests.into_inner().map(|request| Ok(Resp { payload: request?.payload }));
        Ok(Response::new(Box::pin(replies)))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let port = words.next().ok_or("expected a port")?;
    let runtime = common::runtime(&words.next().ok_or("expected current or multi")?)?;
    let service = BenchServer::new(Echo)
        .max_decoding_message_size(measure::MESSAGE_SIZE_MAX)
        .max_encoding_message_size(measure::MESSAGE_SIZE_MAX);
    let server = tonic::transport::Server::builder().add_service(service);
    runtime.block_on(server.serve(format!("127.0.0.1:{port}").parse()?))?;
    Ok(())
}
