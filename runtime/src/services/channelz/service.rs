//! The answers of channelz.
//!
//! The invariant: what is told is how things stand when somebody asks; nothing is kept for it, and no
//! lock is held while an answer is made.

use std::fmt;

use super::Channelz;
use super::v1::{
    self, CHANNELZ_METHODS, ChannelzServer, GetChannelRequest, GetChannelResponse,
    GetServerRequest, GetServerResponse, GetServerSocketsRequest, GetServerSocketsResponse,
    GetServersRequest, GetServersResponse, GetSocketRequest, GetSocketResponse,
    GetSubchannelRequest, GetSubchannelResponse, GetTopChannelsRequest, GetTopChannelsResponse,
};
use super::words::{channel, server, socket, socket_ref, subchannel};
use crate::grpc::{Method, Status};
use crate::limits::CHANNELZ_RESULTS_MAX;
use crate::message::GeneratedFile;
use crate::server::{Context, ServerCall, Service};

/// Tells clients of the channels and servers of a [`Channelz`]: `grpc.channelz.v1.Channelz`.
///
/// It answers while every worker of the server is busy, as health checking does. What it tells is for
/// those who run the service: serve it where they alone can ask, on a port of its own by custom.
///
/// # Examples
///
/// ```
/// use rust_grpc::Server;
/// use rust_grpc::channelz::{Channelz, ChannelzService};
///
/// let channelz = Channelz::new();
/// let service = Server::builder().channelz(&channelz).bind("127.0.0.1:0")?.start()?;
/// let admin = Server::builder()
///     .add_service(ChannelzService::new(&channelz))
///     .bind("127.0.0.1:0")?
///     .start()?;
/// # drop((service, admin));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct ChannelzService {
    server: ChannelzServer<Answers>,
    channelz: Channelz,
}

/// What answers from a list.
#[derive(Clone)]
struct Answers(Channelz);

impl ChannelzService {
    /// A service that tells of what stands in `channelz`, now and later.
    #[must_use]
    pub fn new(channelz: &Channelz) -> Self {
        let server = ChannelzServer::new(Answers(channelz.clone()));
        Self { server, channelz: channelz.clone() }
    }
}

impl Service for ChannelzService {
    fn name(&self) -> &str {
        self.server.name()
    }

    fn methods(&self) -> &[Method] {
        CHANNELZ_METHODS
    }

    fn file(&self) -> Option<&'static GeneratedFile> {
        self.server.file()
    }

    fn call(&self, method: usize, call: ServerCall<'_>) {
        self.server.call(method, call);
    }
}

impl fmt::Debug for ChannelzService {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("ChannelzService").field(&self.channelz).finish()
    }
}

impl v1::Channelz for Answers {
    fn get_top_channels(
        &self,
        request: GetTopChannelsRequest,
        _: &mut Context,
    ) -> Result<GetTopChannelsResponse, Status> {
        let max = page_size(request.max_results)?;
        let page = self.0.registry().channels(request.start_channel_id, max);
        let channel = page.items.iter().map(|item| channel(item)).collect();
        Ok(GetTopChannelsResponse { channel, end: page.is_last, ..Default::default() })
    }

    fn get_servers(
        &self,
        request: GetServersRequest,
        _: &mut Context,
    ) -> Result<GetServersResponse, Status> {
        let max = page_size(request.max_results)?;
        let page = self.0.registry().servers(request.start_server_id, max);
        let server = page.items.iter().map(|item| server(item)).collect();
        Ok(GetServersResponse { server, end: page.is_last, ..Default::default() })
    }

    fn get_server(
        &self,
        request: GetServerRequest,
        _: &mut Context,
    ) -> Result<GetServerResponse, Status> {
        let found = self.0.registry().server(request.server_id);
        let found = found.ok_or_else(|| unknown("server", request.server_id))?;
        Ok(GetServerResponse { server: server(&found).into(), ..Default::default() })
    }

    fn get_server_sockets(
        &self,
        request: GetServerSocketsRequest,
        _: &mut Context,
    ) -> Result<GetServerSocketsResponse, Status> {
        let max = page_size(request.max_results)?;
        let server = self.0.registry().server(request.server_id);
        let server = server.ok_or_else(|| unknown("server", request.server_id))?;
        let page = server.connections(request.start_socket_id, max);
        let socket_ref = page.items.iter().map(|item| socket_ref(item)).collect();
        Ok(GetServerSocketsResponse { socket_ref, end: page.is_last, ..Default::default() })
    }

    fn get_channel(
        &self,
        request: GetChannelRequest,
        _: &mut Context,
    ) -> Result<GetChannelResponse, Status> {
        let found = self.0.registry().channel(request.channel_id);
        let found = found.ok_or_else(|| unknown("channel", request.channel_id))?;
        Ok(GetChannelResponse { channel: channel(&found).into(), ..Default::default() })
    }

    fn get_subchannel(
        &self,
        request: GetSubchannelRequest,
        _: &mut Context,
    ) -> Result<GetSubchannelResponse, Status> {
        let found = self.0.registry().subchannel(request.subchannel_id);
        let found = found.ok_or_else(|| unknown("subchannel", request.subchannel_id))?;
        Ok(GetSubchannelResponse { subchannel: subchannel(&found).into(), ..Default::default() })
    }

    fn get_socket(
        &self,
        request: GetSocketRequest,
        _: &mut Context,
    ) -> Result<GetSocketResponse, Status> {
        let found = self.0.registry().socket(request.socket_id);
        let found = found.ok_or_else(|| unknown("socket", request.socket_id))?;
        Ok(GetSocketResponse { socket: socket(&found).into(), ..Default::default() })
    }
}

/// How many are given at once to a client that asks for `max_results`.
fn page_size(max_results: i64) -> Result<usize, Status> {
    match usize::try_from(max_results) {
        Ok(0) => Ok(CHANNELZ_RESULTS_MAX),
        Ok(asked) => Ok(asked.min(CHANNELZ_RESULTS_MAX)),
        Err(_) => Err(Status::invalid_argument(format!(
            "max_results is {max_results}: expected 0 or more"
        ))),
    }
}

fn unknown(what: &str, id: i64) -> Status {
    Status::not_found(format!("no {what} has the number {id}"))
}
