//! What is known of channels, servers and connections in the messages of channelz.
//!
//! What is not known is not set.

use super::v1::address::{OtherAddress, TcpIpAddress, UdsAddress};
use super::v1::channel_connectivity_state::State;
use super::v1::security::{Model, OtherSecurity, Tls};
use super::v1::{self, ChannelConnectivityState, ChannelData, ServerData, SocketData};
use crate::grpc::ConnectivityState;
use crate::message::well_known::{Int64Value, Timestamp};
use crate::transport::Address;
use crate::transport::auth_context::AuthContext;
use crate::transport::channelz::{Count, Entity, Socket, octets};

pub(super) fn channel(channel: &Entity) -> v1::Channel {
    let children = channel.subchannels();
    v1::Channel {
        r#ref: channel_ref(channel).into(),
        data: channel_data(channel).into(),
        subchannel_ref: children.iter().map(|child| subchannel_ref(child)).collect(),
        ..Default::default()
    }
}

pub(super) fn subchannel(subchannel: &Entity) -> v1::Subchannel {
    let connections = subchannel.connections(0, usize::MAX).items;
    v1::Subchannel {
        r#ref: subchannel_ref(subchannel).into(),
        data: channel_data(subchannel).into(),
        socket_ref: connections.iter().map(|socket| socket_ref(socket)).collect(),
        ..Default::default()
    }
}

pub(super) fn server(server: &Entity) -> v1::Server {
    let calls = server.calls();
    let data = ServerData {
        calls_started: number(calls.started().count()),
        calls_succeeded: number(calls.succeeded()),
        calls_failed: number(calls.failed()),
        last_call_started_timestamp: last(calls.started()).into(),
        ..Default::default()
    };
    let listeners = server.listeners();
    let (server_id, name) = (server.id(), server.name().to_owned());
    v1::Server {
        r#ref: v1::ServerRef { server_id, name, ..Default::default() }.into(),
        data: data.into(),
        listen_socket: listeners.iter().map(|socket| socket_ref(socket)).collect(),
        ..Default::default()
    }
}

pub(super) fn socket(socket: &Socket) -> v1::Socket {
    let (data, security) = match socket.peer() {
        Some(_) => socket_data(socket),
        None => (SocketData::default(), None),
    };
    v1::Socket {
        r#ref: socket_ref(socket).into(),
        data: data.into(),
        local: address(socket.local()).into(),
        remote: socket.peer().map(address).into(),
        security: security.into(),
        ..Default::default()
    }
}

pub(super) fn socket_ref(socket: &Socket) -> v1::SocketRef {
    let (socket_id, name) = (socket.id(), socket.to_string());
    v1::SocketRef { socket_id, name, ..Default::default() }
}

fn channel_ref(channel: &Entity) -> v1::ChannelRef {
    let (channel_id, name) = (channel.id(), channel.name().to_owned());
    v1::ChannelRef { channel_id, name, ..Default::default() }
}

fn subchannel_ref(subchannel: &Entity) -> v1::SubchannelRef {
    let (subchannel_id, name) = (subchannel.id(), subchannel.name().to_owned());
    v1::SubchannelRef { subchannel_id, name, ..Default::default() }
}

fn channel_data(channel: &Entity) -> ChannelData {
    let calls = channel.calls();
    let state = channel.state().map(|state| ChannelConnectivityState {
        state: match state {
            ConnectivityState::Idle => State::Idle,
            ConnectivityState::Connecting => State::Connecting,
            ConnectivityState::Ready => State::Ready,
            ConnectivityState::TransientFailure => State::TransientFailure,
            ConnectivityState::Shutdown => State::Shutdown,
        },
        ..Default::default()
    });
    ChannelData {
        state: state.into(),
        target: channel.name().to_owned(),
        calls_started: number(calls.started().count()),
        calls_succeeded: number(calls.succeeded()),
        calls_failed: number(calls.failed()),
        last_call_started_timestamp: last(calls.started()).into(),
        ..Default::default()
    }
}

fn socket_data(socket: &Socket) -> (SocketData, Option<v1::Security>) {
    let counts = socket.counts();
    // Without a link the connection is gone, and everything on it has ended.
    let about = socket.about();
    let (opened, started) = (counts.streams(), counts.streams().count());
    let mut data = SocketData {
        streams_started: number(started),
        messages_sent: number(counts.sent().count()),
        messages_received: number(counts.received().count()),
        last_message_sent_timestamp: last(counts.sent()).into(),
        last_message_received_timestamp: last(counts.received()).into(),
        ..Default::default()
    };
    let Some(about) = about else { return (data, None) };
    match about.opens_streams {
        true => data.last_local_stream_created_timestamp = last(opened).into(),
        false => data.last_remote_stream_created_timestamp = last(opened).into(),
    }
    let facts = about.facts;
    let (open, succeeded) = (facts.streams_open as u64, facts.streams_succeeded);
    data.streams_succeeded = number(succeeded);
    // Whatever was opened, is open no more and has not succeeded; one may open while this is read.
    data.streams_failed = number(started.saturating_sub(open + succeeded));
    data.keep_alives_sent = number(facts.keepalives_sent);
    data.local_flow_control_window = window(facts.send_window).into();
    data.remote_flow_control_window = window(facts.receive_window).into();
    (data, security(&about.peer))
}

/// How a connection is secured; nothing is said of one that is not.
fn security(peer: &AuthContext) -> Option<v1::Security> {
    let model = match peer.transport_security_type() {
        "insecure" => return None,
        "ssl" => {
            // As C-core tells it: in PEM.
            let certificate = peer.get("x509_pem_cert").unwrap_or_default();
            let remote_certificate = certificate.as_bytes().to_vec();
            Model::Tls(Tls { remote_certificate, ..Default::default() })
        }
        other => Model::Other(OtherSecurity { name: other.to_owned(), ..Default::default() }),
    };
    Some(v1::Security { model: Some(model), ..Default::default() })
}

fn address(address: &Address) -> v1::Address {
    use super::v1::address::Address as Kind;
    let other = |name: String| Kind::OtherAddress(OtherAddress { name, ..Default::default() });
    let kind = match address {
        Address::Tcp(address) => Kind::TcpipAddress(TcpIpAddress {
            ip_address: octets(address),
            port: i32::from(address.port()),
            ..Default::default()
        }),
        Address::Unix(Some(path)) => {
            let filename = path.to_string_lossy().into_owned();
            Kind::UdsAddress(UdsAddress { filename, ..Default::default() })
        }
        Address::Unix(None) => Kind::UdsAddress(UdsAddress::default()),
        Address::UnixAbstract(_) | Address::InProcess => other(address.to_string()),
    };
    v1::Address { address: Some(kind), ..Default::default() }
}

/// When it has happened last.
fn last(count: &Count) -> Option<Timestamp> {
    count.last().and_then(|time| Timestamp::try_from(time).ok())
}

fn window(bytes: i64) -> Int64Value {
    Int64Value { value: bytes, ..Default::default() }
}

/// No count comes near to what does not fit.
fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
