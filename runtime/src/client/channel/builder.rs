//! How a channel is configured and built.
//!
//! The invariant: a channel that cannot work is refused when it is built, in words.

use std::sync::Arc;
use std::time::Duration;

use super::proxy::ProxyChoice;
use super::{Channel, Inner, Settings};
use crate::client::balancer::{Addresses, Balancer, BalancerOptions, Endpoint, LoadBalancing};
use crate::client::connections::Connections;
use crate::client::connector::{Connect, ConnectionOptions, Connector, HealthCheck};
use crate::client::credentials::{CallCredentials, Credentials};
use crate::client::heads::Heads;
use crate::client::interceptor::{ClientInterceptor, Interceptors};
use crate::client::retry::RetryOptions;
#[cfg(feature = "json")]
use crate::client::service_config::Given;
use crate::client::service_config::MethodConfigs;
use crate::grpc::compression::{self, Compressor};
use crate::grpc::{Compression, Metadata, Status, headers};
use crate::limits;
use crate::transport::auth_context::SecurityLevel;
use crate::transport::backoff::Backoff;
use crate::transport::channelz::Listing;
use crate::transport::credentials::{ChannelCredentials, ChannelHandshake};
use crate::transport::target::Target;
use crate::transport::{self, Dial, InProcess};

/// A [`Channel`] that is being configured; made by [`Channel::builder`].
#[derive(Clone, Debug)]
#[must_use = "build() makes the channel"]
pub struct ChannelBuilder {
    target: String,
    /// The place to connect to, instead of what `target` says.
    in_process: Option<InProcess>,
    authority: Option<String>,
    pub(in crate::client) connection: ConnectionOptions,
    pub(in crate::client) balancer: BalancerOptions,
    compression: compression::Options,
    pub(in crate::client) retries: RetryOptions,
    /// What the service config says, or what is wrong with it.
    #[cfg(feature = "json")]
    pub(in crate::client) service_config: Option<Given>,
    pub(in crate::client) methods: MethodConfigs,
    pub(super) credentials: ChannelCredentials,
    pub(super) proxy: ProxyChoice,
    settings: Settings,
    pub(in crate::client) listing: Listing,
}

impl ChannelBuilder {
    /// A channel to `target` with the default settings.
    pub(super) fn new(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            in_process: None,
            authority: None,
            connection: ConnectionOptions::default(),
            balancer: BalancerOptions::default(),
            compression: compression::Options::default(),
            retries: RetryOptions::default(),
            #[cfg(feature = "json")]
            service_config: None,
            methods: MethodConfigs::default(),
            credentials: ChannelCredentials::insecure(),
            proxy: ProxyChoice::default(),
            settings: Settings {
                authority: String::new(),
                scheme: "http",
                security: SecurityLevel::None,
                user_agent: String::new(),
                receive_max: limits::RECEIVE_MESSAGE_SIZE_MAX,
                send_max: limits::SEND_MESSAGE_SIZE_MAX,
                default_timeout: None,
                detached: false,
                needs_deadline: false,
                wait_for_ready: false,
                metadata: Metadata::new(),
                credentials: Credentials::default(),
                interceptors: Interceptors::default(),
            },
            listing: Listing::default(),
        }
    }

    /// To connect to `place`, instead of what the target says.
    pub(super) fn at_place(mut self, place: &InProcess) -> Self {
        self.in_process = Some(place.clone());
        self
    }

    /// Sends PING when nothing was heard from the server for `time` while there are calls; never by
    /// default, and every 10 s at most.
    ///
    /// A server that does not answer within [`keepalive_timeout`](Self::keepalive_timeout) is
    /// given up: calls end with UNAVAILABLE. Servers may allow fewer PINGs (gRPC's default is one in
    /// five minutes); one that complains gets half as many over the next connection. Source: gRFC A8.
    pub fn keepalive_time(mut self, time: Duration) -> Self {
        self.connection.keepalive_time = Some(time.max(limits::CLIENT_KEEPALIVE_TIME_MIN));
        self
    }

    /// What stands first in `user-agent`, before the name of this library.
    pub fn user_agent(mut self, user_agent: impl Into<String>) -> Self {
        self.settings.user_agent = user_agent.into();
        self
    }

    /// What stands in `:authority`, in place of the target's host and port.
    pub fn authority(mut self, authority: impl Into<String>) -> Self {
        self.authority = Some(authority.into());
        self
    }

    /// How connections are secured; not at all by default.
    pub fn credentials(mut self, credentials: impl Into<ChannelCredentials>) -> Self {
        self.credentials = credentials.into();
        self
    }

    /// Connects by TLS.
    #[cfg(feature = "tls-rustls")]
    pub fn tls(self, tls: transport::tls::ClientTls) -> Self {
        self.credentials(tls)
    }

    /// Replies of more than `bytes` end their call with RESOURCE_EXHAUSTED; 4 MiB by default.
    pub fn max_receive_message_size(mut self, bytes: usize) -> Self {
        self.settings.receive_max = bytes;
        self
    }

    /// Requests of more than `bytes` are refused with RESOURCE_EXHAUSTED before they are sent; by
    /// default, and at most, those of 2 GiB and more are, which protobuf cannot express.
    pub fn max_send_message_size(mut self, bytes: usize) -> Self {
        self.settings.send_max = bytes.min(limits::SEND_MESSAGE_SIZE_MAX);
        self
    }

    /// Calls that state neither a timeout nor a deadline have this timeout; none by default.
    pub fn default_timeout(mut self, timeout: Duration) -> Self {
        self.settings.default_timeout = Some(timeout);
        self
    }

    /// No call of the channel ends with the call that its thread serves; see
    /// [`Request::detached`](crate::Request::detached).
    pub fn detached(mut self) -> Self {
        self.settings.detached = true;
        self
    }

    /// Calls without any deadline, be it their own or by [`default_timeout`](Self::default_timeout),
    /// end with FAILED_PRECONDITION, and nothing is sent: no call of this channel waits for ever.
    pub fn require_deadline(mut self) -> Self {
        self.settings.needs_deadline = true;
        self
    }

    /// Calls wait for a connection until their deadline, unless they are made with
    /// [`fail_fast`](crate::Request::fail_fast); by default those that wait say so.
    pub fn default_wait_for_ready(mut self) -> Self {
        self.settings.wait_for_ready = true;
        self
    }

    /// Calls send `metadata`, before their own; none by default.
    pub fn default_metadata(mut self, metadata: Metadata) -> Self {
        self.settings.metadata = metadata;
        self
    }

    /// Adds credentials that every call carries, behind those that are there.
    ///
    /// [`CallCredentials`] says when they run and where they are refused.
    pub fn call_credentials(mut self, credentials: impl CallCredentials + 'static) -> Self {
        self.settings.credentials.push(credentials);
        self
    }

    /// An attempt to connect may take `timeout`; 20 s by default.
    ///
    /// It goes on when the call that began it has no more time, so that calls with short deadlines
    /// get a connection too, once it is there.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connection.connect_timeout = timeout;
        self
    }

    /// After a first failed attempt to connect the channel waits `initial` before the next one, then
    /// longer each time, `max` at most, all ±20 %; 1 s and 120 s by default.
    ///
    /// Both are at least 1 ms and at most a day; what is outside is moved there.
    pub fn reconnect_backoff(mut self, initial: Duration, max: Duration) -> Self {
        self.connection.backoff = Backoff::new(initial, max);
        self
    }

    /// How long the server may take to answer a keepalive PING: 20 s by default, at least 1 s.
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.connection.keepalive_timeout = timeout.max(limits::KEEPALIVE_MIN);
        self
    }

    /// Sends keepalive PINGs also while there are no calls.
    pub fn keepalive_without_calls(mut self) -> Self {
        self.connection.keepalive_without_calls = true;
        self
    }

    /// Closes the connection when there was no call for `timeout`; the next call makes another one.
    /// 30 minutes by default, at least 1 s; `Duration::MAX` keeps it for ever.
    ///
    /// After a failure, attempts to connect go on for as long.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.connection.idle_timeout = timeout.max(limits::CHANNEL_IDLE_TIMEOUT_MIN);
        self
    }

    /// Keeps up to `count` connections to the target: a call takes the one with the fewest calls, and
    /// another one is made in the background when none is without. 1 by default, and 256 at most.
    ///
    /// Several let more calls run than the server allows on one (often 100), and more threads read and
    /// write at the same time; each costs the server as much as another client. Calls queue once all
    /// connections have as many as the server allows. Source: gRFC A105.
    ///
    /// Each is closed when it had no call for the idle timeout. The channel is READY while there is any,
    /// and attempts to connect follow one another with the backoff of one series.
    pub fn connections(mut self, count: usize) -> Self {
        self.connection.connections = count;
        self
    }

    /// Compresses the requests of all calls with `compression`, unless
    /// [`Request::compression`](crate::Request::compression) says otherwise; nothing by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.compression.compression = compression;
        self
    }

    /// Adds a compression algorithm, or replaces the one of its name.
    pub fn compressor(mut self, compressor: impl Compressor + 'static) -> Self {
        self.compression.compressors.push(Arc::new(compressor));
        self
    }

    /// Lets servers compress their replies with `compressions` and nothing else; with all that this
    /// channel knows by default. They need not compress at all, whatever is accepted.
    ///
    /// A reply that is compressed with anything else ends its call with INTERNAL.
    pub fn accept_compression(
        mut self,
        compressions: impl IntoIterator<Item = Compression>,
    ) -> Self {
        self.compression.accepted = Some(compressions.into_iter().collect());
        self
    }

    /// Messages of fewer than `bytes` are not compressed; 256 by default.
    pub fn min_message_size_to_compress(mut self, bytes: usize) -> Self {
        self.compression.size_min = bytes;
        self
    }

    /// Adds an interceptor, behind those that are there.
    pub fn interceptor(mut self, interceptor: impl ClientInterceptor + 'static) -> Self {
        self.settings.interceptors.0.push(Arc::new(interceptor));
        self
    }

    /// Connections count as encrypted, for tests of what is sent on such.
    #[cfg(test)]
    pub(crate) fn pretend_secure(mut self) -> Self {
        self.settings.scheme = "https";
        self.settings.security = SecurityLevel::PrivacyAndIntegrity;
        self
    }

    /// The channel. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if the target cannot be read, if the user agent or the authority
    /// cannot stand in a header, a compression is not known, retries cannot be as
    /// configured, the service config cannot be kept, a proxy cannot be read or cannot lead to the
    /// target, a number of HTTP/2 or of sockets is outside of what is allowed, or
    /// `RUST_GRPC_THREADS` in the environment has a value that is not known.
    pub fn build(self) -> Result<Channel, Status> {
        self.build_in(|name| std::env::var(name).ok())
    }

    /// As [`build`](Self::build), with an environment of the caller's.
    pub(crate) fn build_in(
        mut self,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Channel, Status> {
        transport::check_shape().map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.apply_service_config()?;
        let name_override = self.credentials.name_override().map(str::to_owned);
        if let Some(place) = self.in_process.take() {
            self.proxy.check_none()?;
            let (name, authority) = (self.target.clone(), "localhost".to_owned());
            let authority = name_override.unwrap_or(authority);
            self.settings.scheme = self.credentials.scheme();
            self.settings.security = self.credentials.security_level(true);
            let handshake = self.handshake(&authority)?;
            let connect =
                Box::new(move |dial: Dial| handshake.secure(place.connect()?, &dial.bound()));
            // There is one place: no choice is to be made.
            return self.build_with(name, authority, connect);
        }
        let target = Target::parse(&self.target)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.connection.proxy = self.choose_proxy(&target, variable)?.map(Arc::new);
        let authority = name_override.unwrap_or_else(|| target.authority().to_owned());
        self.settings.scheme = self.credentials.scheme();
        self.settings.security = self.credentials.security_level(target.is_socket_of_machine());
        let handshake = Arc::new(self.handshake(&authority)?);
        let name = target.to_string();
        let can_change = target.addresses().is_none();
        // A proxy looks names up itself: there is one place then.
        let is_one_place = can_change && self.connection.proxy.is_some();
        match self.balancer.policy.unwrap_or_default() {
            LoadBalancing::RoundRobin if !is_one_place => {
                let look_up = Box::new(move |bound| {
                    let targets = transport::look_up(&target, bound)?.into_iter();
                    let endpoint = |target: Target| {
                        let name = target.to_string();
                        Endpoint { name, connect: connect_to(target, Arc::clone(&handshake)) }
                    };
                    Ok(targets.map(endpoint).collect())
                });
                self.build_balanced(name, authority, Addresses { look_up, can_change })
            }
            LoadBalancing::PickFirst | LoadBalancing::RoundRobin => {
                self.build_with(name, authority, connect_to(target, handshake))
            }
        }
    }

    /// What secures connections to the server of the authority that was set, or else of `authority`.
    fn handshake(&self, authority: &str) -> Result<ChannelHandshake, Status> {
        self.credentials.handshake(self.authority.as_deref().unwrap_or(authority))
    }

    /// A channel over wires that `connect` makes.
    pub(crate) fn build_with(
        self,
        target: String,
        authority: String,
        connect: Connect,
    ) -> Result<Channel, Status> {
        self.finish(authority, |connection, _, _| {
            Connections::PickFirst(Connector::new(target, connect, connection))
        })
    }

    /// A channel whose calls take `addresses` in turn.
    pub(crate) fn build_balanced(
        self,
        target: String,
        authority: String,
        addresses: Addresses,
    ) -> Result<Channel, Status> {
        self.finish(authority, |mut connection, settings, options| {
            let service = options.health_service.as_deref();
            let service = service.filter(|_| !options.is_health_checking_disabled);
            connection.health = service.map(|service| {
                let Settings { scheme, authority, user_agent, .. } = settings;
                Arc::new(HealthCheck::new(service, scheme, authority, user_agent))
            });
            Connections::RoundRobin(Balancer::new(target, addresses, connection, options))
        })
    }

    fn finish(
        mut self,
        authority: String,
        connections: impl FnOnce(ConnectionOptions, &Settings, &BalancerOptions) -> Connections,
    ) -> Result<Channel, Status> {
        self.apply_service_config()?;
        self.settings.authority = self.authority.unwrap_or(authority);
        check_authority(&self.settings.authority)?;
        check("user agent", &self.settings.user_agent, ' ')?;
        self.settings.user_agent = headers::user_agent(&self.settings.user_agent);
        self.connection.socket.check().map_err(Status::invalid_argument)?;
        self.connection.http2.check_chosen().map_err(Status::invalid_argument)?;
        let encodings = self.compression.build().map_err(Status::invalid_argument)?;
        let retries = self.retries.build()?;
        let listed = self.listing.channel(&self.target);
        self.connection.account = listed.account();
        let connections = connections(self.connection, &self.settings, &self.balancer);
        listed.set_connectivity(connections.connectivity());
        let (settings, heads) = (self.settings, Heads::default());
        let methods = self.methods;
        let inner = Inner { connections, settings, methods, encodings, retries, heads, listed };
        Ok(Channel { inner: Arc::new(inner) })
    }
}

/// What connects to `target` and secures the connection.
fn connect_to(target: Target, handshake: Arc<ChannelHandshake>) -> Connect {
    Box::new(move |dial: Dial| handshake.secure(transport::connect(&target, &dial)?, &dial.bound()))
}

/// Whether `authority` can stand in `:authority`.
pub(crate) fn check_authority(authority: &str) -> Result<(), Status> {
    check("authority", authority, '!')
}

/// A header value of ASCII from `first` on.
fn check(name: &str, value: &str, first: char) -> Result<(), Status> {
    match value.chars().find(|c| !(first..='~').contains(c)) {
        None => Ok(()),
        Some(bad) => Err(Status::invalid_argument(format!(
            "{name} {value:?}: expected printable ASCII, got {bad:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::Code;

    fn refusal(builder: ChannelBuilder) -> String {
        let status = builder.build().unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        status.message().to_owned()
    }

    /// A channel that cannot work is refused when it is built, with the reason.
    #[test]
    fn impossible_channels_are_refused_in_words() {
        assert!(refusal(Channel::builder("")).starts_with("target \"\": is empty; expected"));
        assert_eq!(
            refusal(Channel::builder("localhost:1").user_agent("a\nb")),
            "user agent \"a\\nb\": expected printable ASCII, got '\\n'"
        );
        assert_eq!(
            refusal(Channel::builder("localhost:1").authority("a b")),
            "authority \"a b\": expected printable ASCII, got ' '"
        );
    }

    /// RFC 2474 3: a code point has six bits; in-process and Unix channels take options and go without.
    #[test]
    fn options_of_sockets_are_checked() {
        assert_eq!(refusal(Channel::builder("h:1").dscp(64)), "dscp is 64: expected 0 to 63");
        for target in ["h:1", "unix:/s"] {
            Channel::builder(target).dscp(63).receive_buffer_size(1).build().unwrap();
        }
    }

    /// No limit lets messages through that protobuf cannot express.
    #[test]
    fn the_send_limit_is_below_two_gibibytes() {
        let limit = |bytes| {
            let builder = Channel::builder("localhost:1").max_send_message_size(bytes);
            builder.build().unwrap().settings().send_max
        };
        assert_eq!(limit(9), 9);
        assert_eq!(limit(usize::MAX), (2 << 30) - 1);
    }

    /// `:authority` is the target's host and port, `localhost` for Unix sockets, or what was set.
    #[test]
    fn the_authority_comes_from_the_target_or_the_user() {
        let authority =
            |builder: ChannelBuilder| builder.build().unwrap().settings().authority.clone();
        assert_eq!(authority(Channel::builder("dns:///h:1")), "h:1");
        assert_eq!(authority(Channel::builder("unix:/a")), "localhost");
        assert_eq!(authority(Channel::builder("unix:/a").authority("x")), "x");
    }
}
