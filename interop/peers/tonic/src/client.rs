//! The client of gRPC's interoperability tests on tonic: runs one case, exits with 0 if it passes.

mod common;

use std::collections::HashMap;
use std::fmt::Debug;
use std::time::Duration;

use common::test_service_client::TestServiceClient;
use common::unimplemented_service_client::UnimplementedServiceClient;
use common::*;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{MetadataMap, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, IntoRequest, Request, Status};

type Outcome = Result<(), Failure>;
type Client = TestServiceClient<Channel>;

const REQUEST_SIZES: [usize; 4] = [27_182, 8, 1_828, 45_904];
const RESPONSE_SIZES: [i32; 4] = [31_415, 9, 2_653, 58_979];
const SPECIAL: &str =
    "\t\ntest with whitespace\r\nand Unicode BMP \u{263a} and non-BMP \u{1f608}\t\n";

fn expect<T: PartialEq + Debug>(what: &str, got: T, expected: T) -> Outcome {
    if got == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, got {got:?}").into()) }
}

fn expect_code<T>(result: Result<T, Status>, code: Code) -> Result<Status, Failure> {
    match result {
        Ok(_) => Err(format!("expected {code:?}, got OK").into()),
        Err(status) if status.code() == code => Ok(status),
        Err(status) => Err(format!("expected {code:?}, got {status}").into()),
    }
}

fn expect_zeros(payload: Option<Payload>, size: i32) -> Outcome {
    let body = payload.unwrap_or_default().body;
    expect("bytes", body.len(), size as usize)?;
    expect("another byte than zero", body.iter().any(|byte| *byte != 0), false)
}

fn large_request() -> SimpleRequest {
    SimpleRequest { response_size: 314_159, payload: zeros(271_828), ..Default::default() }
}

async fn large(mut client: Client) -> Outcome {
    expect_zeros(client.unary_call(large_request()).await?.into_inner().payload, 314_159)
}

fn output(request_size: usize, size: i32) -> StreamingOutputCallRequest {
    StreamingOutputCallRequest {
        response_parameters: vec![ResponseParameters { size, ..Default::default() }],
        payload: zeros(request_size),
        ..Default::default()
    }
}

/// A stream of requests that stays open while the sender lives.
fn requests<T>() -> (mpsc::Sender<T>, ReceiverStream<T>) {
    let (sender, receiver) = mpsc::channel(8);
    (sender, ReceiverStream::new(receiver))
}

async fn server_streaming(client: &mut Client, sizes: Vec<i32>, delay: Duration) -> Outcome {
    let parameters =
        sizes.iter().map(|size| ResponseParameters { size: *size, ..Default::default() });
    let request = StreamingOutputCallRequest {
        response_parameters: parameters.collect(),
        ..Default::default()
    };
    let mut replies = client.streaming_output_call(request).await?.into_inner();
    for size in sizes {
        let reply = replies.message().await?.ok_or("the stream ended before its responses")?;
        expect_zeros(reply.payload, size)?;
        tokio::time::sleep(delay).await;
    }
    expect("behind the last response", replies.message().await?, None)
}

async fn ping_pong(client: &mut Client) -> Outcome {
    let (sender, receiver) = requests();
    sender.send(output(REQUEST_SIZES[0], RESPONSE_SIZES[0])).await?;
    let mut replies = client.full_duplex_call(receiver).await?.into_inner();
    for at in 0..4 {
        if at > 0 {
            sender.send(output(REQUEST_SIZES[at], RESPONSE_SIZES[at])).await?;
        }
        let reply = replies.message().await?.ok_or("the stream ended before its response")?;
        expect_zeros(reply.payload, RESPONSE_SIZES[at])?;
    }
    drop(sender);
    expect("behind the last response", replies.message().await?, None)
}

fn echo<T>(message: impl IntoRequest<T>) -> Request<T> {
    let mut request = message.into_request();
    let initial = MetadataValue::from_static("test_initial_metadata_value");
    request.metadata_mut().insert(ECHO_INITIAL, initial);
    let trailing = MetadataValue::from_bytes(b"\xab\xab\xab");
    request.metadata_mut().insert_bin(ECHO_TRAILING, trailing);
    request
}

fn check_echo(initial: &MetadataMap, trailing: &MetadataMap) -> Outcome {
    let found = initial.get(ECHO_INITIAL).map(|value| value.to_str().unwrap_or_default().to_owned());
    expect(ECHO_INITIAL, found.as_deref(), Some("test_initial_metadata_value"))?;
    let found = trailing.get_bin(ECHO_TRAILING).and_then(|value| value.to_bytes().ok());
    expect(ECHO_TRAILING, found.as_deref(), Some(&b"\xab\xab\xab"[..]))
}

async fn custom_metadata(client: &mut Client) -> Outcome {
    let response = client.unary_call(echo(large_request())).await?;
    // tonic puts the trailing metadata of a unary call among the initial one.
    check_echo(response.metadata(), response.metadata())?;
    let requests = tokio_stream::once(output(271_828, 314_159));
    let mut request = Request::new(requests);
    *request.metadata_mut() = echo(Empty {}).metadata().clone();
    let response = client.full_duplex_call(request).await?;
    let initial = response.metadata().clone();
    let mut replies = response.into_inner();
    while replies.message().await?.is_some() {}
    let trailing = replies.trailers().await?.ok_or("the stream ended without trailers")?;
    check_echo(&initial, &trailing)
}

async fn status_of_unary(client: &mut Client, message: &str) -> Outcome {
    let status = EchoStatus { code: 2, message: message.to_owned() };
    let request = SimpleRequest { response_status: Some(status), ..Default::default() };
    let status = expect_code(client.unary_call(request).await, Code::Unknown)?;
    expect("message", status.message(), message)
}

async fn status_code_and_message(client: &mut Client) -> Outcome {
    status_of_unary(client, "test status message").await?;
    let status = EchoStatus { code: 2, message: "test status message".to_owned() };
    let request = StreamingOutputCallRequest { response_status: Some(status), ..Default::default() };
    let result = async {
        client.full_duplex_call(tokio_stream::once(request)).await?.into_inner().message().await
    };
    let status = expect_code(result.await, Code::Unknown)?;
    expect("message", status.message(), "test status message")
}

async fn soak(channel: impl AsyncFn() -> Result<Channel, Failure>) -> Outcome {
    for _ in 0..10 {
        large(TestServiceClient::new(channel().await?)).await?;
    }
    Ok(())
}

async fn run(case: &str, endpoint: &Endpoint) -> Outcome {
    let channel = endpoint.connect().await?;
    let mut client = TestServiceClient::new(channel.clone());
    match case {
        "empty_unary" => expect("response", client.empty_call(Empty {}).await?.into_inner(), Empty {}),
        "cacheable_unary" => {
            for _ in 0..2 {
                let mut request = Request::new(SimpleRequest { payload: zeros(8), ..Default::default() });
                request.metadata_mut().insert("x-user-ip", MetadataValue::from_static("1.2.3.4"));
                let reply = client.cacheable_unary_call(request).await?.into_inner();
                expect("an empty response", reply.payload.unwrap_or_default().body.is_empty(), false)?;
            }
            Ok(())
        }
        "large_unary" => large(client).await,
        "concurrent_large_unary" => {
            let calls: Vec<_> = (0..1000).map(|_| tokio::spawn(large(client.clone()))).collect();
            for call in calls {
                call.await??;
            }
            Ok(())
        }
        "client_streaming" => {
            let requests = REQUEST_SIZES.map(|size| StreamingInputCallRequest {
                payload: zeros(size),
                ..Default::default()
            });
            let reply = client.streaming_input_call(tokio_stream::iter(requests)).await?.into_inner();
            expect("aggregated_payload_size", reply.aggregated_payload_size, 74_922)
        }
        "server_streaming" => {
            server_streaming(&mut client, RESPONSE_SIZES.to_vec(), Duration::ZERO).await
        }
        "slow_consumer" => {
            server_streaming(&mut client, vec![1030; 2000], Duration::from_millis(1)).await
        }
        "ping_pong" => ping_pong(&mut client).await,
        "half_duplex" => {
            let requests = RESPONSE_SIZES.map(|size| output(0, size));
            let mut replies =
                client.half_duplex_call(tokio_stream::iter(requests)).await?.into_inner();
            for size in RESPONSE_SIZES {
                let reply = replies.message().await?.ok_or("the stream ended before its responses")?;
                expect_zeros(reply.payload, size)?;
            }
            expect("behind the last response", replies.message().await?, None)
        }
        "empty_stream" => {
            let requests = tokio_stream::empty();
            let mut replies = client.full_duplex_call(requests).await?.into_inner();
            expect("response", replies.message().await?, None)
        }
        "custom_metadata" => custom_metadata(&mut client).await,
        "status_code_and_message" => status_code_and_message(&mut client).await,
        "special_status_message" => status_of_unary(&mut client, SPECIAL).await,
        "unimplemented_method" => {
            expect_code(client.unimplemented_call(Empty {}).await, Code::Unimplemented).map(drop)
        }
        "unimplemented_service" => {
            let mut client = UnimplementedServiceClient::new(channel);
            expect_code(client.unimplemented_call(Empty {}).await, Code::Unimplemented).map(drop)
        }
        "cancel_after_first_response" => {
            let (sender, receiver) = requests();
            sender.send(output(REQUEST_SIZES[0], RESPONSE_SIZES[0])).await?;
            let mut replies = client.full_duplex_call(receiver).await?.into_inner();
            let reply = replies.message().await?.ok_or("the stream ended before its response")?;
            expect_zeros(reply.payload, RESPONSE_SIZES[0])
            // tonic cancels by dropping: nobody is left to be told of a status.
        }
        "timeout_on_sleeping_server" => {
            let (sender, receiver) = requests();
            sender
                .send(StreamingOutputCallRequest { payload: zeros(27_182), ..Default::default() })
                .await?;
            let mut request = Request::new(receiver);
            request.set_timeout(Duration::from_millis(1));
            let result = async { client.full_duplex_call(request).await?.into_inner().message().await };
            expect_code(result.await, Code::DeadlineExceeded).map(drop)
        }
        "rpc_soak" => soak(async || Ok(channel.clone())).await,
        "channel_soak" => soak(async || Ok(endpoint.connect().await?)).await,
        "long_lived_channel" => {
            for _ in 0..3 {
                large(client.clone()).await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Ok(())
        }
        _ => Err(format!("no case {case:?}").into()),
    }
}

fn endpoint(flags: &HashMap<String, String>) -> Result<Endpoint, Failure> {
    let (host, port) = (&flags["server_host"], &flags["server_port"]);
    if flags["use_tls"] != "true" {
        return Ok(Endpoint::from_shared(format!("http://{host}:{port}"))?);
    }
    let authority = Certificate::from_pem(std::fs::read(&flags["test_ca"])?);
    let tls = ClientTlsConfig::new()
        .ca_certificate(authority)
        .domain_name(flags["server_host_override"].clone());
    Ok(Endpoint::from_shared(format!("https://{host}:{port}"))?.tls_config(tls)?)
}

#[tokio::main]
async fn main() -> Outcome {
    let flags = flags()?;
    run(&flags["test_case"], &endpoint(&flags)?).await
}
