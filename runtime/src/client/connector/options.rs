//! What connections are made and kept with.

use std::sync::Arc;
use std::time::Duration;

use super::HealthCheck;
use crate::http2;
use crate::limits;
use crate::transport::backoff::Backoff;
use crate::transport::channelz::Account;
use crate::transport::{Proxy, SocketOptions};

/// What a connection is made and kept with.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionOptions {
    /// An attempt may take so long, and as long as the backoff if that is longer.
    pub(crate) connect_timeout: Duration,
    pub(crate) backoff: Backoff,
    /// No keepalive without it.
    pub(crate) keepalive_time: Option<Duration>,
    pub(crate) keepalive_timeout: Duration,
    pub(crate) keepalive_without_calls: bool,
    pub(crate) idle_timeout: Duration,
    /// How many connections there may be at once.
    pub(crate) connections: usize,
    /// The channel's, if that is listed.
    pub(crate) account: Account,
    /// What connections go through. It looks names up itself: nobody else is to.
    pub(crate) proxy: Option<Arc<Proxy>>,
    /// What sockets are made with.
    pub(crate) socket: SocketOptions,
    /// What servers are asked for before they get calls, by connectors that have an owner.
    pub(crate) health: Option<Arc<HealthCheck>>,
    /// What the server is told; its lifetime is made of the numbers above.
    pub(crate) http2: http2::Config,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self {
            connect_timeout: limits::CONNECT_TIMEOUT_MIN,
            backoff: Backoff::default(),
            keepalive_time: None,
            keepalive_timeout: limits::KEEPALIVE_TIMEOUT,
            keepalive_without_calls: false,
            idle_timeout: limits::CHANNEL_IDLE_TIMEOUT,
            connections: 1,
            health: None,
            account: Account::default(),
            proxy: None,
            socket: SocketOptions::default(),
            http2: http2::Config::default(),
        }
    }
}
