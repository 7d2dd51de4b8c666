//! A channel: what stubs call through, and how it is built.
//!
//! All that a channel is configured with is fixed when it is built; cloning it is cheap, and all
//! clones share one connection.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connector::{Connect, ConnectionOptions, Connector};
use super::credentials::{CallCredentials, Credentials};
use super::heads::Heads;
use super::interceptor::{ClientInterceptor, Interceptors};
use super::retry::{Retries, RetryOptions};
use crate::grpc::compression::{self, Compressor, Encodings};
use crate::grpc::{Compression, ConnectivityState, Metadata, Status, headers};
use crate::limits;
use crate::transport::auth_context::{AuthContext, SecurityLevel};
use crate::transport::backoff::Backoff;
use crate::transport::connectivity::ConnectivitySubscription;
use crate::transport::credentials::{ChannelCredentials, ChannelHandshake};
use crate::transport::target::Target;
use crate::transport::{self, Dial, InProcess, now};

/// A connection to a server, made when the first call needs it.
///
/// Cheap to clone; any number of threads may call through one channel at the same time. A lost
/// connection is made again by the next call. While the server cannot be reached, calls end with
/// UNAVAILABLE and the cause in words, and attempts to connect are spaced out, from one second up
/// to two minutes.
///
/// The connection is closed when the last clone and the last call of the channel are dropped, by
/// [`close`](Self::close), and when there was no call for half an hour.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::Channel;
///
/// let channel = Channel::insecure("localhost:50051")?;
/// let tuned = Channel::builder("unix:/run/service.sock")
///     .user_agent("my-tool/1.0")
///     .max_receive_message_size(64 << 20)
///     .default_timeout(Duration::from_secs(10))
///     .build()?;
/// # drop((channel, tuned));
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

struct Inner {
    connector: Connector,
    settings: Settings,
    encodings: Encodings,
    retries: Retries,
    heads: Heads,
}

/// What calls through a channel have in common.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) authority: String,
    /// What stands in `:scheme`: `http`, or `https` on connections that are encrypted.
    pub(crate) scheme: &'static str,
    /// How far connections are protected.
    pub(crate) security: SecurityLevel,
    pub(crate) user_agent: String,
    pub(crate) receive_max: usize,
    pub(crate) send_max: usize,
    pub(crate) default_timeout: Option<Duration>,
    pub(crate) detached: bool,
    pub(crate) needs_deadline: bool,
    pub(crate) wait_for_ready: bool,
    /// What every call sends, before its own.
    pub(crate) metadata: Metadata,
    pub(crate) credentials: Credentials,
    pub(crate) interceptors: Interceptors,
}

impl Channel {
    /// A channel to `target`, without encryption and with the default settings.
    ///
    /// Targets are written as everywhere in gRPC: `host:port`, `dns:host:port`, `ipv4:address:port`,
    /// `ipv6:[address]:port`, `unix:path`, `unix-abstract:name`. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if the target cannot be read.
    pub fn insecure(target: &str) -> Result<Self, Status> {
        Self::builder(target).build()
    }

    /// A channel to the server that is bound to `place`, within this process and without sockets.
    ///
    /// Nothing is connected yet; calls end with UNAVAILABLE while no server is bound to `place`.
    pub fn in_process(place: &InProcess) -> Self {
        Self::in_process_builder(place).build().expect("its settings are the default ones")
    }

    /// As [`Channel::in_process`], to be configured first.
    pub fn in_process_builder(place: &InProcess) -> ChannelBuilder {
        ChannelBuilder { in_process: Some(place.clone()), ..Self::builder("in-process") }
    }

    /// A channel to `target` whose connections are secured as `credentials` say: a
    /// [`ClientTls`](crate::tls::ClientTls), with the feature `tls`, or
    /// [`ChannelCredentials::local`]. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if the target cannot be read, or the certificates cannot be used.
    pub fn secure(
        target: &str,
        credentials: impl Into<ChannelCredentials>,
    ) -> Result<Self, Status> {
        Self::builder(target).credentials(credentials).build()
    }

    /// A channel to `target` that is to be configured first.
    pub fn builder(target: &str) -> ChannelBuilder {
        ChannelBuilder {
            target: target.to_owned(),
            in_process: None,
            authority: None,
            connection: ConnectionOptions::default(),
            compression: compression::Options::default(),
            retries: RetryOptions::default(),
            credentials: ChannelCredentials::insecure(),
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
        }
    }

    /// Connects, and waits until the server is there, `timeout` at most.
    ///
    /// Calls do this themselves; it is for those who want to know beforehand.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED with the cause in words; CANCELLED if the channel is closed.
    pub fn wait_until_ready(&self, timeout: Duration) -> Result<(), Status> {
        self.inner.connector.link(now().checked_add(timeout), true).map(|_| ())
    }

    /// How the channel stands with its server, as it is now; nothing is begun by asking.
    pub fn state(&self) -> ConnectivityState {
        self.inner.connector.connectivity().get()
    }

    /// Begins to connect if the channel is IDLE, as a call would; returns at once.
    pub fn connect(&self) {
        self.inner.connector.connect();
    }

    /// Waits until the state is another one than `last_observed`, `timeout` at most, and returns it;
    /// `None` if it has not changed.
    ///
    /// States that come and go while nobody waits are not seen; [`subscribe`](Self::subscribe) tells
    /// of all.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use rust_grpc::{Channel, ConnectivityState};
    ///
    /// let channel = Channel::insecure("localhost:50051")?;
    /// let state = channel.state();
    /// assert_eq!(state, ConnectivityState::Idle);
    /// channel.connect();
    /// let next = channel.wait_for_state_change(state, Duration::from_secs(5));
    /// assert!(next.is_some_and(|next| next != ConnectivityState::Idle));
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn wait_for_state_change(
        &self,
        last_observed: ConnectivityState,
        timeout: Duration,
    ) -> Option<ConnectivityState> {
        let until = now().checked_add(timeout);
        self.inner.connector.connectivity().wait_change(last_observed, until)
    }

    /// Has `callback` called with the state as it is now, and with every other one after it, until
    /// the handle is dropped.
    ///
    /// Callbacks of the whole process run on one thread, in order: one that blocks holds up the
    /// others. A callback that owns a clone of the channel keeps it alive until the handle is
    /// dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{Channel, ConnectivityState};
    ///
    /// let (sender, states) = std::sync::mpsc::channel();
    /// let channel = Channel::insecure("localhost:50051")?;
    /// let subscription = channel.subscribe(move |state| sender.send(state).unwrap_or(()));
    /// assert_eq!(states.recv(), Ok(ConnectivityState::Idle));
    /// channel.close();
    /// assert_eq!(states.recv(), Ok(ConnectivityState::Shutdown));
    /// drop(subscription);
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn subscribe(
        &self,
        callback: impl FnMut(ConnectivityState) + Send + 'static,
    ) -> ConnectivitySubscription {
        self.inner.connector.connectivity().subscribe(callback)
    }

    /// Closes the channel and all its clones, for good: calls that run end with CANCELLED, and so
    /// do all that are begun later.
    pub fn close(&self) {
        self.inner.connector.close();
        self.inner.retries.close();
    }

    /// The connections that take calls.
    #[cfg(test)]
    pub(super) fn links(&self) -> Vec<Arc<transport::Link>> {
        self.inner.connector.links()
    }

    /// The keepalive time of the next connection.
    #[cfg(test)]
    pub(super) fn keepalive_time(&self) -> Option<Duration> {
        self.inner.connector.keepalive_time()
    }

    /// Whether the channel was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.inner.connector.is_closed()
    }

    /// The target as errors name it.
    pub fn target(&self) -> &str {
        self.inner.connector.target()
    }

    /// Who the server is, as far as the connection that there is has verified it, the oldest if there
    /// are several; `None` while there is none.
    #[must_use]
    pub fn auth_context(&self) -> Option<AuthContext> {
        self.inner.connector.links().first().map(|link| link.auth_context())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) fn encodings(&self) -> &Encodings {
        &self.inner.encodings
    }

    pub(crate) fn retries(&self) -> &Retries {
        &self.inner.retries
    }

    pub(crate) fn heads(&self) -> &Heads {
        &self.inner.heads
    }

    pub(crate) fn link(
        &self,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<Arc<transport::Link>, Status> {
        self.inner.connector.link(until, wait_for_ready)
    }

    /// As [`Connector::open`].
    pub(crate) fn open<E: From<transport::OpenError>>(
        &self,
        link: &Arc<transport::Link>,
        opening: transport::Opening<'_>,
        admits: impl Fn(&transport::Link) -> Result<(), E>,
    ) -> Result<transport::Stream, E> {
        self.inner.connector.open(link, opening, admits)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("target", &self.target())
            .field("settings", self.settings())
            .field("connections", &self.inner.connector.links())
            .finish()
    }
}

/// A [`Channel`] that is being configured; made by [`Channel::builder`].
#[derive(Clone, Debug)]
#[must_use = "build() makes the channel"]
pub struct ChannelBuilder {
    target: String,
    /// The place to connect to, instead of what `target` says.
    in_process: Option<InProcess>,
    authority: Option<String>,
    pub(super) connection: ConnectionOptions,
    compression: compression::Options,
    pub(super) retries: RetryOptions,
    credentials: ChannelCredentials,
    settings: Settings,
}

impl ChannelBuilder {
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
    /// configured, or a number of HTTP/2 is outside of what it allows.
    pub fn build(mut self) -> Result<Channel, Status> {
        let name_override = self.credentials.name_override().map(str::to_owned);
        if let Some(place) = self.in_process.take() {
            let (name, authority) = (self.target.clone(), "localhost".to_owned());
            let authority = name_override.unwrap_or(authority);
            self.settings.scheme = self.credentials.scheme();
            self.settings.security = self.credentials.security_level(true);
            let handshake = self.handshake(&authority)?;
            let connect =
                Box::new(move |dial: Dial| handshake.secure(place.connect()?, &dial.bound()));
            return self.build_with(name, authority, connect);
        }
        let target = Target::parse(&self.target)
            .map_err(|error| Status::invalid_argument(error.to_string()))?;
        let authority = name_override.unwrap_or_else(|| target.authority().to_owned());
        self.settings.scheme = self.credentials.scheme();
        self.settings.security = self.credentials.security_level(target.is_socket_of_machine());
        let handshake = self.handshake(&authority)?;
        let name = target.to_string();
        let connect = Box::new(move |dial: Dial| {
            handshake.secure(transport::connect(&target, &dial)?, &dial.bound())
        });
        self.build_with(name, authority, connect)
    }

    /// What secures connections to the server of the authority that was set, or else of `authority`.
    fn handshake(&self, authority: &str) -> Result<ChannelHandshake, Status> {
        self.credentials.handshake(self.authority.as_deref().unwrap_or(authority))
    }

    /// A channel over wires that `connect` makes.
    pub(crate) fn build_with(
        mut self,
        target: String,
        authority: String,
        connect: Connect,
    ) -> Result<Channel, Status> {
        self.settings.authority = self.authority.unwrap_or(authority);
        check_authority(&self.settings.authority)?;
        check("user agent", &self.settings.user_agent, ' ')?;
        self.settings.user_agent = headers::user_agent(&self.settings.user_agent);
        self.connection.http2.check_chosen().map_err(Status::invalid_argument)?;
        let encodings = self.compression.build().map_err(Status::invalid_argument)?;
        let retries = self.retries.build()?;
        let connector = Connector::new(target, connect, self.connection);
        let (settings, heads) = (self.settings, Heads::default());
        let inner = Inner { connector, settings, encodings, retries, heads };
        Ok(Channel { inner: Arc::new(inner) })
    }
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
