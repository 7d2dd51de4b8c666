//! A channel: what stubs call through.
//!
//! All that a channel is configured with is fixed when it is built; cloning it is cheap, and all
//! clones share its connections.

mod builder;
mod proxy;
mod socket_options;

pub use builder::ChannelBuilder;
pub(crate) use builder::check_authority;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::connections::Connections;
use super::credentials::Credentials;
use super::heads::Heads;
use super::interceptor::Interceptors;
use super::retry::Retries;
use super::service_config::{MethodConfig, MethodConfigs};
use crate::grpc::compression::Encodings;
use crate::grpc::{ConnectivityState, Metadata, Method, Status};
use crate::transport::auth_context::{AuthContext, SecurityLevel};
use crate::transport::channelz::{Listed, Tally};
use crate::transport::connectivity::ConnectivitySubscription;
use crate::transport::credentials::ChannelCredentials;
use crate::transport::{self, InProcess, now};

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
    connections: Connections,
    settings: Settings,
    methods: MethodConfigs,
    encodings: Encodings,
    retries: Retries,
    heads: Heads,
    /// Where it is told of, and counts its calls.
    listed: Listed,
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
        ChannelBuilder::new("in-process").at_place(place)
    }

    /// A channel to `target` whose connections are secured as `credentials` say: a
    /// `tls::ClientTls`, with the feature `tls`, or [`ChannelCredentials::local`]. Nothing is
    /// connected yet.
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
        ChannelBuilder::new(target)
    }

    /// Connects, and waits until the server is there, `timeout` at most.
    ///
    /// Calls do this themselves; it is for those who want to know beforehand.
    ///
    /// # Errors
    ///
    /// DEADLINE_EXCEEDED with the cause in words; CANCELLED if the channel is closed.
    pub fn wait_until_ready(&self, timeout: Duration) -> Result<(), Status> {
        self.inner.connections.link(now().checked_add(timeout), true).map(|_| ())
    }

    /// How the channel stands with its server, as it is now; nothing is begun by asking.
    pub fn state(&self) -> ConnectivityState {
        self.inner.connections.connectivity().get()
    }

    /// Begins to connect if the channel is IDLE, as a call would; returns at once.
    pub fn connect(&self) {
        self.inner.connections.connect();
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
        self.inner.connections.connectivity().wait_change(last_observed, until)
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
        self.inner.connections.connectivity().subscribe(callback)
    }

    /// Closes the channel and all its clones, for good: calls that run end with CANCELLED, and so
    /// do all that are begun later.
    pub fn close(&self) {
        self.inner.connections.close();
        self.inner.retries.close();
    }

    /// The connections that take calls.
    #[cfg(test)]
    pub(super) fn links(&self) -> Vec<Arc<transport::Link>> {
        self.inner.connections.links()
    }

    /// How many addresses take calls, if the channel takes them in turn.
    #[cfg(test)]
    pub(super) fn ready(&self) -> usize {
        match &self.inner.connections {
            Connections::RoundRobin(balancer) => balancer.ready(),
            Connections::PickFirst(_) => 0,
        }
    }

    /// The keepalive time of the next connection.
    #[cfg(test)]
    pub(super) fn keepalive_time(&self) -> Option<Duration> {
        self.inner.connections.keepalive_time()
    }

    /// Whether the channel was closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.inner.connections.is_closed()
    }

    /// The target as errors name it.
    pub fn target(&self) -> &str {
        self.inner.connections.target()
    }

    /// Who the server is, as far as the connection that there is has verified it, the oldest if there
    /// are several; `None` while there is none.
    #[must_use]
    pub fn auth_context(&self) -> Option<AuthContext> {
        self.inner.connections.links().first().map(|link| link.auth_context())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// What the service config says of `method`.
    pub(super) fn method_config(&self, method: &Method) -> Option<&MethodConfig> {
        self.inner.methods.find(method)
    }

    pub(crate) fn encodings(&self) -> &Encodings {
        &self.inner.encodings
    }

    pub(crate) fn retries(&self) -> &Retries {
        &self.inner.retries
    }

    /// Counts a call that begins, if the channel is told of.
    pub(crate) fn begin_tally(&self) -> Tally {
        self.inner.listed.account().begin()
    }

    pub(crate) fn heads(&self) -> &Heads {
        &self.inner.heads
    }

    pub(crate) fn link(
        &self,
        until: Option<Instant>,
        wait_for_ready: bool,
    ) -> Result<Arc<transport::Link>, Status> {
        self.inner.connections.link(until, wait_for_ready)
    }

    /// As [`Connections::open`].
    pub(crate) fn open<E: From<transport::OpenError>>(
        &self,
        link: Arc<transport::Link>,
        opening: transport::Opening<'_>,
        admits: impl Fn(&transport::Link) -> Result<(), E>,
    ) -> Result<transport::Stream, E> {
        self.inner.connections.open(link, opening, admits)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel")
            .field("target", &self.target())
            .field("settings", self.settings())
            .field("connections", &self.inner.connections.links())
            .finish()
    }
}
