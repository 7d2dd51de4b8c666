//! gRFC A14 and channelz.proto, rule by rule.

use std::time::Duration;

use super::v1::address::Address as AddressKind;
use super::v1::channel_connectivity_state::State;
use super::v1::{
    Address, Channel as ChannelSeen, ChannelzStub, GetChannelRequest, GetServerRequest,
    GetServerSocketsRequest, GetServersRequest, GetSocketRequest, GetSubchannelRequest,
    GetTopChannelsRequest, Server as ServerSeen, Socket, SocketData, Subchannel,
};
use super::{Channelz, ChannelzService};
use crate::client::{BidiStream, Channel, LoadBalancing, Request, RetryPolicy};
use crate::grpc::{Code, ConnectivityState, Method, MethodKind, RawBytes, Status};
use crate::limits::CHANNELZ_RESULTS_MAX;
use crate::server::{
    Context, GenericService, MethodHandler, ReplySink, RequestStream, Server, ServerBuilder,
};
use crate::transport::InProcess;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(30);

const SAY: Method = Method::new("/test.Talk/Say", MethodKind::Unary);
const CHAT: Method = Method::new("/test.Talk/Chat", MethodKind::Bidirectional);

/// Answers Say with what it is sent, or with the code whose number that is; and Chat likewise.
fn talk() -> GenericService {
    let say = |request: Vec<u8>, _: &mut Context| match request.as_slice() {
        [code] => Err(Status::new(Code::from_number(i32::from(*code)), "as asked")),
        _ => Ok(request),
    };
    let chat =
        |requests: &mut RequestStream<Vec<u8>>,
         replies: &mut ReplySink<Vec<u8>>,
         _: &mut Context| { requests.try_for_each(|request| replies.send(&request?)) };
    let service = GenericService::new("test.Talk");
    let service = service.method("Say", MethodHandler::unary_unary(&RawBytes, say)).unwrap();
    service.method("Chat", MethodHandler::stream_stream(&RawBytes, chat)).unwrap()
}

/// A server that talks and tells of itself, a channel to it that is listed, and one that asks.
struct Setup {
    place: InProcess,
    channelz: Channelz,
    server: Server,
    channel: Channel,
    asking: Asking,
}

impl Setup {
    fn new() -> Self {
        Self::with(|server| server)
    }

    fn with(configure: impl FnOnce(ServerBuilder<'static>) -> ServerBuilder<'static>) -> Self {
        let (place, channelz) = (InProcess::new(), Channelz::new());
        let server = Server::builder()
            .channelz(&channelz)
            .add_service(talk())
            .add_service(ChannelzService::new(&channelz));
        let server = configure(server).bind(&place).unwrap().start().unwrap();
        let channel = Channel::in_process_builder(&place).channelz(&channelz).build().unwrap();
        let asking = Asking(ChannelzStub::new(Channel::in_process(&place)));
        Self { place, channelz, server, channel, asking }
    }

    fn say(&self, text: &[u8]) -> Result<Vec<u8>, Status> {
        let request = Request::new(text.to_vec());
        let response = self.channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&SAY, &RawBytes, request);
        response.map(crate::client::Response::into_inner)
    }

    fn chat(&self) -> BidiStream<Vec<u8>, Vec<u8>> {
        self.channel.stream_stream(&CHAT, &RawBytes, ()).unwrap()
    }
}

/// The questions of channelz, to a server that has the answers.
struct Asking(ChannelzStub);

impl Asking {
    fn channels(&self) -> Vec<ChannelSeen> {
        self.0.get_top_channels(GetTopChannelsRequest::default()).unwrap().into_inner().channel
    }

    fn servers(&self) -> Vec<ServerSeen> {
        self.0.get_servers(GetServersRequest::default()).unwrap().into_inner().server
    }

    /// The subchannel of the only channel.
    fn subchannel(&self) -> Subchannel {
        let subchannel_id = self.channels()[0].subchannel_ref[0].subchannel_id;
        let request = GetSubchannelRequest { subchannel_id, ..Default::default() };
        *self.0.get_subchannel(request).unwrap().into_inner().subchannel.into_option().unwrap()
    }

    fn socket(&self, socket_id: i64) -> Socket {
        let request = GetSocketRequest { socket_id, ..Default::default() };
        *self.0.get_socket(request).unwrap().into_inner().socket.into_option().unwrap()
    }

    /// The only connection of the only channel.
    fn connection(&self) -> SocketData {
        let id = self.subchannel().socket_ref[0].socket_id;
        self.socket(id).data.into_option().unwrap()
    }

    /// The numbers of the connections of the only server.
    fn server_sockets(&self) -> Vec<i64> {
        let server_id = self.servers()[0].r#ref.server_id;
        let request = GetServerSocketsRequest { server_id, ..Default::default() };
        let sockets = self.0.get_server_sockets(request).unwrap().into_inner().socket_ref;
        sockets.iter().map(|socket| socket.socket_id).collect()
    }
}

/// Gives others the processor until `holds`; for what another thread does in a moment.
#[track_caller]
fn until(what: &str, holds: impl Fn() -> bool) {
    let latch = crate::transport::Latch::default();
    let end = crate::transport::now() + PATIENCE;
    while !holds() {
        assert!(crate::transport::now() < end, "{what}");
        latch.wait(Some(crate::transport::now() + Duration::from_millis(1)));
    }
}

fn code<T>(result: Result<T, Status>) -> Code {
    result.err().expect("it fails").code()
}

/// Nothing is told of but what was given the list, and that while it lives: a list keeps nothing alive.
#[test]
fn what_is_dropped_is_told_of_no_more() {
    let setup = Setup::new();
    setup.say(b"hello").unwrap();
    assert_eq!((setup.asking.channels().len(), setup.asking.servers().len()), (1, 1));
    assert_eq!(setup.asking.server_sockets().len(), 2, "the one that asks is there too");
    let Setup { place: _place, channelz, server, channel, asking } = setup;
    let registry = channelz.registry();
    let connection = asking.subchannel().socket_ref[0].socket_id;
    drop(channel);
    until("its connection is gone", || registry.socket(connection).is_none());
    assert_eq!(asking.channels(), []);
    until("of the server's one is left", || asking.server_sockets().len() == 1);
    let left = asking.server_sockets()[0];
    drop((server, asking));
    assert!(registry.servers(0, 1).items.is_empty());
    until("the last connection is gone", || registry.socket(left).is_none());
    assert_eq!(format!("{channelz:?}"), "Channelz { channels: 0, servers: 0, sockets: 0 }");
}

/// A connection that is over is told of no more, though somebody still holds a call that it had.
#[test]
fn a_connection_that_is_over_is_told_of_no_more() {
    let setup = Setup::new();
    let mut chat = setup.chat();
    chat.send(b"hello".to_vec()).unwrap();
    assert!(chat.recv().unwrap().is_some());
    let connection = setup.asking.subchannel().socket_ref[0].socket_id;
    let registry = setup.channelz.registry();
    assert!(registry.socket(connection).is_some());
    setup.server.stop(Duration::ZERO);
    assert!(chat.recv().is_err());
    until("its connection is gone", || registry.socket(connection).is_none());
    drop(chat);
}

/// A14: a channel tells its target, its state, and how many calls have started, succeeded and failed,
/// and when the last one started; so does its subchannel.
#[test]
fn a_channel_tells_its_state_and_its_calls() {
    let setup = Setup::new();
    let data = setup.asking.channels()[0].data.clone().into_option().unwrap();
    assert_eq!((data.target.as_str(), data.state.state), ("in-process", State::Idle));
    assert_eq!((data.calls_started, data.last_call_started_timestamp.is_some()), (0, false));
    assert_eq!(setup.asking.subchannel().socket_ref, []);

    setup.say(b"hello").unwrap();
    assert_eq!(code(setup.say(&[5])), Code::NotFound);
    drop(setup.chat());
    let data = setup.asking.channels()[0].data.clone().into_option().unwrap();
    assert_eq!((data.calls_started, data.calls_succeeded, data.calls_failed), (3, 1, 2));
    assert_eq!(data.state.state, State::Ready);
    assert!(data.last_call_started_timestamp.is_some());
    let subchannel = setup.asking.subchannel();
    let seen = subchannel.data.into_option().unwrap();
    assert_eq!((seen.calls_started, seen.calls_succeeded, seen.calls_failed), (3, 1, 2));
    assert_eq!((seen.target, seen.state), (data.target, data.state));
    assert_eq!(subchannel.socket_ref.len(), 1);

    setup.channel.close();
    assert_eq!(code(setup.say(b"hello")), Code::Cancelled);
    let data = setup.asking.channels()[0].data.clone().into_option().unwrap();
    assert_eq!((data.state.state, data.calls_failed), (State::Shutdown, 3));
}

/// A call that is made again is one call of its channel, and as many of the subchannel as there were
/// attempts.
#[test]
fn a_subchannel_counts_attempts() {
    let setup = Setup::new();
    let policy = RetryPolicy::new([Code::Unavailable]).max_attempts(3);
    let policy = policy.initial_backoff(Duration::from_millis(1));
    let builder = Channel::in_process_builder(&setup.place).channelz(&setup.channelz);
    let channel = builder.retry_policy(policy).build().unwrap();
    let first = setup.channel;
    drop(first);
    let request = Request::new(vec![Code::Unavailable as u8]);
    let failed = channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&SAY, &RawBytes, request);
    assert_eq!(code(failed), Code::Unavailable);
    let seen = &setup.asking.channels()[0].data;
    assert_eq!((seen.calls_started, seen.calls_failed), (1, 1));
    let seen = setup.asking.subchannel().data;
    assert_eq!((seen.calls_started, seen.calls_failed), (3, 3));
}

/// A14: a server tells how many calls have started, succeeded and failed, whoever ended them: the
/// method, the client, the deadline, or the server that knows no such method.
#[test]
fn a_server_tells_its_calls() {
    let setup = Setup::new();
    setup.say(b"hello").unwrap();
    assert_eq!(code(setup.say(&[5])), Code::NotFound);
    drop(setup.chat());
    let timeout = Request::new(()).timeout(Duration::from_millis(20));
    let mut late = setup.channel.stream_stream::<Vec<u8>, Vec<u8>, _>(&CHAT, &RawBytes, timeout);
    assert_eq!(code(late.as_mut().unwrap().recv()), Code::DeadlineExceeded);
    let unknown = Method::new("/test.Talk/Unknown", MethodKind::Unary);
    let request = Request::new(Vec::new());
    let unknown = setup.channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&unknown, &RawBytes, request);
    assert_eq!(code(unknown), Code::Unimplemented);
    // The questions are calls too.
    let asked = std::cell::Cell::new(0);
    let counted = || {
        let data = setup.asking.servers()[0].data.clone().into_option().unwrap();
        let before = asked.replace(asked.get() + 1);
        (data.calls_started - before - 1, data.calls_succeeded - before, data.calls_failed)
    };
    until("five calls have ended, one of them well", || counted() == (5, 1, 4));
    assert!(setup.asking.servers()[0].data.last_call_started_timestamp.is_some());
}

/// A14: both ends of a connection tell its streams and its messages, however they came.
#[test]
fn a_connection_tells_its_streams_and_messages() {
    let setup = Setup::new();
    let mut chat = setup.chat();
    for number in 0..1000u32 {
        chat.send(number.to_be_bytes().to_vec()).unwrap();
    }
    chat.close_send();
    assert_eq!(chat.by_ref().count(), 1000);
    drop(chat);
    setup.say(b"hello").unwrap();
    assert_eq!(code(setup.say(&[5])), Code::NotFound);
    drop(setup.chat());
    let sockets = setup.asking.server_sockets();
    let (client, server) = (|| setup.asking.connection(), || setup.asking.socket(sockets[0]).data);
    until("the server knows of the end", || {
        let seen = server();
        (seen.streams_failed, seen.messages_sent) == (1, 1001)
    });
    let (client, server) = (client(), server().into_option().unwrap());
    let streams =
        |seen: &SocketData| (seen.streams_started, seen.streams_succeeded, seen.streams_failed);
    // A stream that ends with an error in its trailers has ended well.
    assert_eq!((streams(&client), streams(&server)), ((4, 3, 1), (4, 3, 1)));
    assert_eq!((client.messages_sent, client.messages_received), (1002, 1001));
    assert_eq!((server.messages_sent, server.messages_received), (1001, 1002));
    assert!(client.last_local_stream_created_timestamp.is_some());
    assert!(client.last_remote_stream_created_timestamp.is_none());
    assert!(server.last_local_stream_created_timestamp.is_none());
    assert!(server.last_remote_stream_created_timestamp.is_some());
    for seen in [&client, &server] {
        assert!(seen.last_message_sent_timestamp.is_some());
        assert!(seen.last_message_received_timestamp.is_some());
        assert_eq!(seen.keep_alives_sent, 0);
    }
}

/// A14: a connection tells what each side lets the other send, as this end knows it.
#[test]
fn a_connection_tells_its_windows() {
    let setup = Setup::with(|server| server.initial_connection_window_size(123_456));
    setup.say(b"hello").unwrap();
    let server = setup.asking.socket(setup.asking.server_sockets()[0]).data;
    // Less what has come since the peer was told.
    let granted = server.remote_flow_control_window.value;
    assert!((120_000..=123_456).contains(&granted), "{granted}");
    assert_eq!(setup.asking.connection().local_flow_control_window.value, granted);
}

/// A14: answers come in pages, ascending by number from the one that is asked for; the last one says
/// that it is the last.
#[test]
fn answers_come_in_pages() {
    let setup = Setup::new();
    let more = CHANNELZ_RESULTS_MAX;
    let builder = || Channel::in_process_builder(&setup.place).channelz(&setup.channelz);
    let channels: Vec<_> = (0..more).map(|_| builder().build().unwrap()).collect();
    let page = |start_channel_id: i64, max_results: i64| {
        let request = GetTopChannelsRequest { start_channel_id, max_results, ..Default::default() };
        let page = setup.asking.0.get_top_channels(request).unwrap().into_inner();
        let ids: Vec<_> = page.channel.iter().map(|channel| channel.r#ref.channel_id).collect();
        assert!(ids.is_sorted());
        (ids, page.end)
    };
    let (first, is_last) = page(0, 0);
    assert_eq!((first.len(), is_last), (CHANNELZ_RESULTS_MAX, false));
    let (rest, is_last) = page(first.last().unwrap() + 1, 0);
    assert_eq!((rest.len(), is_last), (1, true));
    assert_eq!(page(first[3], 2), (first[3..5].to_vec(), false));
    assert_eq!(page(first[99], 2), (vec![first[99], rest[0]], true));
    assert_eq!(page(0, 1_000_000).0.len(), CHANNELZ_RESULTS_MAX);
    assert_eq!(page(rest[0] + 1, 0), (vec![], true));
    drop(channels);
    assert_eq!(page(0, 0), (vec![first[0]], true));

    setup.say(b"hello").unwrap();
    let sockets = setup.asking.server_sockets();
    let server_id = setup.asking.servers()[0].r#ref.server_id;
    let request = GetServerSocketsRequest {
        server_id,
        start_socket_id: sockets[1],
        max_results: 1,
        ..Default::default()
    };
    let page = setup.asking.0.get_server_sockets(request).unwrap();
    assert_eq!((page.socket_ref[0].socket_id, page.end), (sockets[1], true));
    let request = GetServersRequest { start_server_id: server_id + 1, ..Default::default() };
    let page = setup.asking.0.get_servers(request).unwrap();
    assert_eq!((page.server.len(), page.end), (0, true));
}

/// channelz.proto: what is not there is NOT_FOUND, whatever else has the number; a page of less than
/// nothing is none.
#[test]
fn unknown_numbers_are_not_found() {
    let setup = Setup::new();
    let stub = &setup.asking.0;
    let id = setup.asking.channels()[0].subchannel_ref[0].subchannel_id;
    let channel = GetChannelRequest { channel_id: id, ..Default::default() };
    assert_eq!(code(stub.get_channel(channel)), Code::NotFound);
    let server = GetServerRequest { server_id: id, ..Default::default() };
    let status = stub.get_server(server).unwrap_err();
    assert_eq!(status.code(), Code::NotFound);
    assert_eq!(status.message(), format!("no server has the number {id}"));
    let sockets = GetServerSocketsRequest { server_id: id, ..Default::default() };
    assert_eq!(code(stub.get_server_sockets(sockets)), Code::NotFound);
    let socket = GetSocketRequest { socket_id: id, ..Default::default() };
    assert_eq!(code(stub.get_socket(socket)), Code::NotFound);
    let unknown = GetSubchannelRequest { subchannel_id: i64::MIN, ..Default::default() };
    assert_eq!(code(stub.get_subchannel(unknown)), Code::NotFound);
    let less = GetTopChannelsRequest { max_results: -1, ..Default::default() };
    assert_eq!(code(stub.get_top_channels(less)), Code::InvalidArgument);

    let channel_id = setup.asking.channels()[0].r#ref.channel_id;
    let channel = GetChannelRequest { channel_id, ..Default::default() };
    assert_eq!(stub.get_channel(channel).unwrap().channel.r#ref.name, "in-process");
    let server_id = setup.asking.servers()[0].r#ref.server_id;
    let server = GetServerRequest { server_id, ..Default::default() };
    assert_eq!(stub.get_server(server).unwrap().server.r#ref.name, "in-process:");
}

/// A14: sockets tell both ends; where a server listens there is one.
#[test]
fn sockets_tell_their_ends() {
    let channelz = Channelz::new();
    let folder = std::env::temp_dir().join(format!("channelz-{}", std::process::id()));
    let path = folder.to_string_lossy();
    let server = Server::builder()
        .channelz(&channelz)
        .add_service(ChannelzService::new(&channelz))
        .bind("127.0.0.1:0")
        .unwrap()
        .bind(format!("unix:{path}"))
        .unwrap()
        .start()
        .unwrap();
    let target = server.local_addresses()[0].to_string();
    let channel = Channel::builder(&target).channelz(&channelz).build().unwrap();
    let asking = Asking(ChannelzStub::new(channel));
    assert_eq!(asking.channels()[0].data.target, target);
    let port = |address: &Address| match &address.address {
        Some(AddressKind::TcpipAddress(address)) => {
            assert_eq!(address.ip_address, [127, 0, 0, 1]);
            i64::from(address.port)
        }
        other => panic!("{other:?}"),
    };
    let ids: Vec<_> =
        asking.servers()[0].listen_socket.iter().map(|socket| socket.socket_id).collect();
    let listening = asking.socket(ids[0]);
    assert_eq!(target, format!("ipv4:127.0.0.1:{}", port(&listening.local)));
    assert!(listening.remote.is_none() && listening.security.is_none());
    assert_eq!(listening.r#ref.name, target);
    match &asking.socket(ids[1]).local.address {
        Some(AddressKind::UdsAddress(address)) => assert_eq!(address.filename, path),
        other => panic!("{other:?}"),
    }
    let near = asking.socket(asking.subchannel().socket_ref[0].socket_id);
    let far = asking.socket(asking.server_sockets()[0]);
    assert_eq!((&near.local, &near.remote), (&far.remote, &far.local));
    assert_eq!(port(&near.remote), port(&listening.local));
    assert!(near.security.is_none());
    server.stop(Duration::ZERO);
    assert!(ids.iter().all(|id| channelz.registry().socket(*id).is_none()));
}

/// Channelz answers while every worker of its server is busy, and however many calls there may be.
#[test]
fn channelz_answers_while_every_worker_is_busy() {
    let setup = Setup::with(|server| server.max_workers(1).max_concurrent_rpcs(1));
    let mut chat = setup.chat();
    chat.send(b"hello".to_vec()).unwrap();
    assert!(chat.recv().unwrap().is_some());
    assert_eq!(code(setup.say(b"hello")), Code::ResourceExhausted);
    assert!(setup.asking.servers()[0].data.calls_started >= 3);
    until("the refusal is counted", || setup.asking.servers()[0].data.calls_failed == 1);
}

/// A channel that takes its addresses in turn has a subchannel for each, with the calls that it has had.
#[test]
fn each_address_is_a_subchannel() {
    let channelz = Channelz::new();
    let serve = || {
        let server = Server::builder().add_service(talk()).bind("127.0.0.1:0").unwrap();
        server.start().unwrap()
    };
    let servers = [serve(), serve()];
    let addresses = servers.each_ref().map(|server| server.local_addresses()[0].to_string());
    let target = format!("ipv4:{}", addresses.join(",").replace("ipv4:", ""));
    let builder = Channel::builder(&target).load_balancing(LoadBalancing::RoundRobin);
    let channel = builder.channelz(&channelz).build().unwrap();
    let subchannels = || channelz.registry().channels(0, 1).items[0].subchannels();
    let is_ready = |state| state == Some(ConnectivityState::Ready);
    channel.wait_until_ready(PATIENCE).unwrap();
    until("both are connected", || {
        subchannels().iter().filter(|each| is_ready(each.state())).count() == 2
    });
    for _ in 0..4 {
        let request = Request::new(b"hello".to_vec());
        channel.unary_unary::<Vec<u8>, Vec<u8>, _>(&SAY, &RawBytes, request).unwrap();
    }
    let seen = subchannels();
    assert_eq!(seen.iter().map(|each| each.calls().succeeded()).collect::<Vec<_>>(), [2, 2]);
    for (each, address) in seen.iter().zip(&addresses) {
        assert!(address.ends_with(each.name()), "{} of {address}", each.name());
        assert_eq!(each.connections(0, 9).items.len(), 1);
    }
}
