//! What is asked of a connection over time: keepalive, the peer's PINGs, how long it may be idle,
//! how old it may grow.
//!
//! gRFC A8 (keepalive of clients) and A9 (connections of servers). Every rule is off by default:
//! who makes a connection says which hold for it.

use std::time::Duration;

/// The rules of time of one connection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Lifetime {
    /// Asks a silent peer whether it is still there.
    pub(crate) keepalive: Option<Keepalive>,
    /// How often the peer may send PING; for servers.
    pub(crate) ping_policy: Option<PingPolicy>,
    /// The connection ends, in good order, when it has had no stream for so long.
    pub(crate) idle_max: Option<Duration>,
    /// The connection ends, in good order, when it is so old.
    pub(crate) age_max: Option<Duration>,
    /// How long streams may go on after that; for ever if there is none.
    pub(crate) age_grace: Option<Duration>,
}

/// When PING is sent to a silent peer, and when it is given up.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Keepalive {
    /// Nothing was read for so long: PING.
    pub(crate) time: Duration,
    /// Nothing was read for so long after the PING: the connection is lost.
    pub(crate) timeout: Duration,
    /// Also while there is no stream.
    pub(crate) without_streams: bool,
}

/// How often a client may send PING.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PingPolicy {
    /// The least time between two PINGs. Without streams it is two hours, unless
    /// `without_streams`.
    pub(crate) interval_min: Duration,
    pub(crate) without_streams: bool,
    /// PINGs that come too early before the connection ends with the next one.
    pub(crate) strikes_max: u32,
}

impl Lifetime {
    /// The same rules with an age that is spread by ±10 %, so that clients that came together do
    /// not come again together; `random` is in `0.0..1.0`.
    pub(crate) fn spread(self, random: f64) -> Self {
        let factor = 1.0 - AGE_JITTER + 2.0 * AGE_JITTER * random.clamp(0.0, 1.0);
        // What is too long to be multiplied is for ever.
        let age_max = self
            .age_max
            .and_then(|age| Duration::try_from_secs_f64(age.as_secs_f64() * factor).ok());
        Self { age_max, ..self }
    }
}

/// gRFC A9: the age of a connection is spread by ±10 %.
const AGE_JITTER: f64 = 0.1;

#[cfg(test)]
mod tests {
    use super::*;

    /// gRFC A9: a jitter of ±10 % spreads the ends of connections.
    #[test]
    fn the_age_is_spread_by_a_tenth() {
        let rules = Lifetime { age_max: Some(Duration::from_secs(100)), ..Lifetime::default() };
        let spread = |random| rules.spread(random).age_max.unwrap().as_millis();
        assert_eq!([spread(0.0), spread(0.5), spread(1.0)], [90_000, 100_000, 110_000]);
        let forever = Lifetime { age_max: Some(Duration::MAX), ..rules };
        assert_eq!(forever.spread(1.0).age_max, None);
        assert_eq!(Lifetime::default().spread(0.7), Lifetime::default());
    }
}
