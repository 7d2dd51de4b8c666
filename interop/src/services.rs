//! Our clients of gRPC's own services, against the servers of grpcio-channelz, grpcio-health-checking and
//! grpcio-reflection.

use std::time::Duration;

use rust_grpc::channelz::v1::{
    ChannelzStub, GetServerRequest, GetServerSocketsRequest, GetServersRequest, GetSocketRequest,
    GetTopChannelsRequest,
};
use rust_grpc::health::{HealthClient, ServingStatus};
use rust_grpc::reflection::v1alpha::server_reflection_request::MessageRequest;
use rust_grpc::reflection::v1alpha::server_reflection_response::MessageResponse;
use rust_grpc::reflection::v1alpha::{ServerReflectionRequest, ServerReflectionStub};
use rust_grpc::{Channel, Code};

use crate::cases::{Outcome, expect};
use crate::proto::interop::{HangRequest, InteropStub};

/// A case: it gets a channel to the server under test.
pub type Case = fn(&Channel) -> Outcome;

/// All cases by name, in the order in which they run.
pub const CASES: &[(&str, Case)] = &[
    ("channelz", channelz),
    ("health_check", health_check),
    ("health_watch", health_watch),
    ("wait_until_serving", wait_until_serving),
    ("reflection", reflection),
];

const TIMEOUT: Duration = Duration::from_secs(60);

/// The only server of the process, its connection from here, and no channel.
fn channelz(channel: &Channel) -> Outcome {
    let stub = ChannelzStub::new(channel.clone());
    let channels = stub.get_top_channels(GetTopChannelsRequest::default())?;
    expect("channels", &(channels.channel.len(), channels.end), &(0, true))?;
    let servers = stub.get_servers(GetServersRequest::default())?;
    expect("servers", &(servers.server.len(), servers.end), &(1, true))?;
    let server_id = servers.server[0].r#ref.server_id;
    let server = stub.get_server(GetServerRequest { server_id, ..Default::default() })?;
    expect("its number", &server.server.r#ref.server_id, &server_id)?;
    let request = GetServerSocketsRequest { server_id, ..Default::default() };
    let sockets = stub.get_server_sockets(request)?;
    let socket_id = sockets.socket_ref.last().ok_or("expected a socket")?.socket_id;
    let socket = stub.get_socket(GetSocketRequest { socket_id, ..Default::default() })?;
    expect("it is in use", &(socket.socket.data.streams_started > 0), &true)?;
    let unknown = stub.get_socket(GetSocketRequest { socket_id: 1 << 40, ..Default::default() });
    let code = unknown.err().map(|status| status.code());
    expect("of nobody", &code, &Some(Code::NotFound))
}

fn health_check(channel: &Channel) -> Outcome {
    let client = HealthClient::new(channel.clone());
    expect("of all", &client.check("")?, &ServingStatus::Serving)?;
    expect("of one", &client.check("interop.Interop")?, &ServingStatus::Serving)?;
    let code = client.check("nobody").err().map(|status| status.code());
    expect("of nobody", &code, &Some(Code::NotFound))
}

/// A call of Hang makes `hang.NAME` SERVING for as long as it runs.
fn health_watch(channel: &Channel) -> Outcome {
    let mut watch = HealthClient::new(channel.clone()).watch("hang.rs-watch");
    expect("first", &watch.recv()?, &ServingStatus::ServiceUnknown)?;
    let request = HangRequest { name: "rs-watch".to_owned(), ..Default::default() };
    let mut call = InteropStub::new(channel.clone()).hang(request)?;
    call.recv()?;
    expect("while it runs", &watch.recv()?, &ServingStatus::Serving)?;
    drop(call);
    expect("at its end", &watch.recv()?, &ServingStatus::NotServing)
}

fn wait_until_serving(channel: &Channel) -> Outcome {
    let client = HealthClient::new(channel.clone());
    client.wait_until_serving("interop.Interop", TIMEOUT)?;
    let code = client.wait_until_serving("nobody", Duration::from_millis(50)).err();
    expect("of nobody", &code.map(|status| status.code()), &Some(Code::DeadlineExceeded))
}

fn reflection(channel: &Channel) -> Outcome {
    let mut stream = ServerReflectionStub::new(channel.clone()).server_reflection_info(())?;
    let mut ask = |question| {
        let message_request = Some(question);
        stream.send(ServerReflectionRequest { message_request, ..Default::default() })?;
        let answer = stream.recv()?.and_then(|response| response.message_response);
        answer.ok_or("expected an answer, got none").map_err(Box::<dyn std::error::Error>::from)
    };
    let MessageResponse::ListServicesResponse(list) =
        ask(MessageRequest::ListServices(String::new()))?
    else {
        return Err("expected a list of services".into());
    };
    let is_listed = list.service.iter().any(|service| service.name == "interop.Interop");
    expect("listed", &is_listed, &true)?;
    let MessageResponse::FileDescriptorResponse(files) =
        ask(MessageRequest::FileContainingSymbol("interop.Interop".to_owned()))?
    else {
        return Err("expected a file".into());
    };
    expect("files", &files.file_descriptor_proto.len(), &1)
}
