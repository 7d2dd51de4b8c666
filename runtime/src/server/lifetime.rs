//! What a server asks of its connections over time: keepalive, few PINGs, not too idle, not too old.
//!
//! The rules themselves are the core's (`http2::Lifetime`); gRFC A8 and A9.

use std::time::Duration;

use super::builder::ServerBuilder;
use crate::http2::{Keepalive, Lifetime, PingPolicy};
use crate::limits;

/// gRPC's defaults of a server.
pub(super) fn defaults() -> Lifetime {
    Lifetime { keepalive: Some(KEEPALIVE), ping_policy: Some(PING_POLICY), ..Lifetime::default() }
}

impl ServerBuilder<'_> {
    /// Sends PING to a client that has been silent for `time`, whether or not it has calls; 2 hours
    /// by default, at least 1 s. `Duration::MAX` sends none.
    ///
    /// A client that does not answer within [`keepalive_timeout`](Self::keepalive_timeout) is gone:
    /// its calls are cancelled. Source: gRFC A9.
    pub fn keepalive_time(mut self, time: Duration) -> Self {
        self.keepalive().time = time.max(limits::KEEPALIVE_MIN);
        self
    }

    /// How long a client may take to answer a keepalive PING: 20 s by default, at least 1 s.
    pub fn keepalive_timeout(mut self, timeout: Duration) -> Self {
        self.keepalive().timeout = timeout.max(limits::KEEPALIVE_MIN);
        self
    }

    /// Lets clients send PING every `time`; 5 minutes by default. Clients without calls may do so
    /// every 2 hours, unless
    /// [`permit_keepalive_without_calls`](Self::permit_keepalive_without_calls).
    ///
    /// PINGs that come earlier are counted until the server sends something of a call. After more
    /// than [`max_ping_strikes`](Self::max_ping_strikes) of them the connection is closed with
    /// ENHANCE_YOUR_CALM and `too_many_pings`, upon which gRPC's clients send fewer. Source: gRFC A8.
    pub fn permit_keepalive_time(mut self, time: Duration) -> Self {
        self.ping_policy().interval_min = time;
        self
    }

    /// Lets clients without calls send PING as often as those with calls.
    pub fn permit_keepalive_without_calls(mut self) -> Self {
        self.ping_policy().without_streams = true;
        self
    }

    /// How many PINGs of a client may come too early; 2 by default.
    pub fn max_ping_strikes(mut self, strikes: u32) -> Self {
        self.ping_policy().strikes_max = strikes;
        self
    }

    /// Closes a connection, in good order, that has had no call for `time`; never by default.
    ///
    /// The client is told by GOAWAY; calls that are on their way meanwhile are served. Source:
    /// gRFC A9.
    pub fn max_connection_idle(mut self, time: Duration) -> Self {
        self.options.http2.lifetime.idle_max = Some(time.max(limits::KEEPALIVE_MIN));
        self
    }

    /// Closes a connection, in good order, that is older than `time`, ±10 % by chance; never by
    /// default.
    ///
    /// Clients that come again spread over the servers there are. Calls that run may go on for
    /// [`max_connection_age_grace`](Self::max_connection_age_grace). Source: gRFC A9.
    pub fn max_connection_age(mut self, time: Duration) -> Self {
        self.options.http2.lifetime.age_max = Some(time.max(limits::KEEPALIVE_MIN));
        self
    }

    /// How long calls may go on that run on a connection when it has reached
    /// [`max_connection_age`](Self::max_connection_age); for ever by default.
    ///
    /// Those that have not ended then are cancelled, and their clients get UNAVAILABLE.
    pub fn max_connection_age_grace(mut self, time: Duration) -> Self {
        self.options.http2.lifetime.age_grace = Some(time);
        self
    }

    fn keepalive(&mut self) -> &mut Keepalive {
        self.options.http2.lifetime.keepalive.get_or_insert(KEEPALIVE)
    }

    fn ping_policy(&mut self) -> &mut PingPolicy {
        self.options.http2.lifetime.ping_policy.get_or_insert(PING_POLICY)
    }
}

const KEEPALIVE: Keepalive = Keepalive {
    time: limits::SERVER_KEEPALIVE_TIME,
    timeout: limits::KEEPALIVE_TIMEOUT,
    without_streams: true,
};

const PING_POLICY: PingPolicy = PingPolicy {
    interval_min: limits::PERMIT_KEEPALIVE_TIME,
    without_streams: false,
    strikes_max: limits::PING_STRIKES_MAX,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::Server;

    const TINY: Duration = Duration::from_millis(1);
    const HOUR: Duration = Duration::from_secs(3600);

    fn lifetime(builder: &ServerBuilder<'_>) -> Lifetime {
        builder.options.http2.lifetime
    }

    /// gRFC A8 and A9: keepalive after 2 hours and 20 seconds, PINGs every 5 minutes, 2 strikes, no
    /// limit to idleness and age.
    #[test]
    fn the_defaults_are_those_of_grpc() {
        let defaults = lifetime(&Server::builder());
        let keepalive = defaults.keepalive.unwrap();
        assert_eq!((keepalive.time, keepalive.timeout), (2 * HOUR, Duration::from_secs(20)));
        assert!(keepalive.without_streams);
        let policy = defaults.ping_policy.unwrap();
        assert_eq!((policy.interval_min, policy.strikes_max), (HOUR / 12, 2));
        assert!(!policy.without_streams);
        assert_eq!((defaults.idle_max, defaults.age_max, defaults.age_grace), (None, None, None));
    }

    /// What a user sets is what connections are made with, but for times that are too short.
    #[test]
    fn what_is_set_holds_within_the_limits() {
        let builder = Server::builder()
            .keepalive_time(TINY)
            .keepalive_timeout(TINY)
            .permit_keepalive_time(TINY)
            .permit_keepalive_without_calls()
            .max_ping_strikes(7)
            .max_connection_idle(TINY)
            .max_connection_age(HOUR)
            .max_connection_age_grace(TINY);
        let least = limits::KEEPALIVE_MIN;
        let keepalive = Keepalive { time: least, timeout: least, without_streams: true };
        let policy = PingPolicy { interval_min: TINY, without_streams: true, strikes_max: 7 };
        let expected = Lifetime {
            keepalive: Some(keepalive),
            ping_policy: Some(policy),
            idle_max: Some(least),
            age_max: Some(HOUR),
            age_grace: Some(TINY),
        };
        assert_eq!(lifetime(&builder), expected);
    }
}
