//! The server of gRPC's interoperability tests on tonic.

mod common;

use std::pin::Pin;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use common::test_service_server::{TestService, TestServiceServer};
use common::*;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataMap;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status, Streaming};

struct Interop;

type Replies = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

/// The error that a request asks for. It carries the echoed trailing metadata.
fn wanted(status: Option<EchoStatus>, metadata: &MetadataMap) -> Result<(), Status> {
    match status {
        Some(status) if status.code != 0 => Err(Status::with_metadata(
            Code::from_i32(status.code),
            status.message,
            trailing(metadata),
        )),
        _ => Ok(()),
    }
}

fn trailing(metadata: &MetadataMap) -> MetadataMap {
    let mut trailing = MetadataMap::new();
    if let Some(value) = metadata.get_bin(ECHO_TRAILING) {
        trailing.insert_bin(ECHO_TRAILING, value.clone());
    }
    trailing
}

fn with_initial<T>(message: T, metadata: &MetadataMap) -> Response<T> {
    let mut response = Response::new(message);
    if let Some(value) = metadata.get(ECHO_INITIAL) {
        response.metadata_mut().insert(ECHO_INITIAL, value.clone());
    }
    response
}

async fn answer(
    request: StreamingOutputCallRequest,
    metadata: &MetadataMap,
    replies: &tokio::sync::mpsc::Sender<Result<StreamingOutputCallResponse, Status>>,
) -> Result<(), Status> {
    wanted(request.response_status, metadata)?;
    for parameters in request.response_parameters {
        tokio::time::sleep(Duration::from_micros(parameters.interval_us as u64)).await;
        let reply = StreamingOutputCallResponse { payload: zeros(parameters.size as usize) };
        replies.send(Ok(reply)).await.map_err(|_| Status::cancelled("the client is gone"))?;
    }
    Ok(())
}

/// Both kinds of streams of requests: answered as they come, or once all have.
fn duplex(mut request: Request<Streaming<StreamingOutputCallRequest>>, at_once: bool) -> Response<Replies> {
    let metadata = std::mem::take(request.metadata_mut());
    let echoed = metadata.clone();
    let mut requests = request.into_inner();
    let (sender, receiver) = tokio::sync::mpsc::channel(4);
    tokio::spawn(async move {
        let result = async {
            let mut kept = Vec::new();
            while let Some(request) = requests.next().await {
                match at_once {
                    true => answer(request?, &metadata, &sender).await?,
                    false => kept.push(request?),
                }
            }
            for request in kept {
                answer(request, &metadata, &sender).await?;
            }
            // tonic has no other way to end a stream with OK and trailing metadata.
            Ok::<(), Status>(())
        };
        if let Err(status) = result.await {
            let _ = sender.send(Err(status)).await;
        }
    });
    with_initial(Box::pin(ReceiverStream::new(receiver)), &echoed)
}

#[tonic::async_trait]
impl TestService for Interop {
    type StreamingOutputCallStream = Replies;
    type FullDuplexCallStream = Replies;
    type HalfDuplexCallStream = Replies;

    async fn empty_call(&self, request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(with_initial(Empty {}, request.metadata()))
    }

    async fn unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        let (metadata, _, request) = request.into_parts();
        wanted(request.response_status, &metadata)?;
        let reply =
            SimpleResponse { payload: zeros(request.response_size as usize), ..Default::default() };
        Ok(with_initial(reply, &metadata))
    }

    async fn cacheable_unary_call(
        &self,
        _: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let body = since.as_nanos().to_string().into_bytes();
        let payload = Some(Payload { r#type: 0, body });
        let mut response = Response::new(SimpleResponse { payload, ..Default::default() });
        let value = "max-age=60, public".parse().expect("plain text");
        response.metadata_mut().insert("cache-control", value);
        Ok(response)
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Replies>, Status> {
        let (metadata, _, request) = request.into_parts();
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        let echoed = metadata.clone();
        tokio::spawn(async move {
            if let Err(status) = answer(request, &metadata, &sender).await {
                let _ = sender.send(Err(status)).await;
            }
        });
        Ok(with_initial(Box::pin(ReceiverStream::new(receiver)), &echoed))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let mut requests = request.into_inner();
        let mut size = 0;
        while let Some(request) = requests.next().await {
            size += request?.payload.map_or(0, |payload| payload.body.len());
        }
        Ok(Response::new(StreamingInputCallResponse { aggregated_payload_size: size as i32 }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Replies>, Status> {
        Ok(duplex(request, true))
    }

    async fn half_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Replies>, Status> {
        Ok(duplex(request, false))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("nobody implements it"))
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let flags = flags()?;
    let mut server = Server::builder();
    if flags["use_tls"] == "true" {
        let identity =
            Identity::from_pem(std::fs::read(&flags["certificate"])?, std::fs::read(&flags["key"])?);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    let address = format!("[::]:{}", flags["port"]).parse()?;
    server.add_service(TestServiceServer::new(Interop)).serve(address).await?;
    Ok(())
}
