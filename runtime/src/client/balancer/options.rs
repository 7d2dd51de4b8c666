//! What a user says about several servers behind one target.

use std::time::Duration;

use crate::client::ChannelBuilder;
use crate::limits::RESOLUTION_GAP_MIN;

/// Which of the addresses of its target a channel connects to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoadBalancing {
    /// The first one that answers takes all calls.
    #[default]
    PickFirst,
    /// All of them, and each call is made on the next one that is READY.
    RoundRobin,
}

/// What a channel is to be built with.
#[derive(Clone, Debug)]
pub(crate) struct BalancerOptions {
    pub(crate) policy: Option<LoadBalancing>,
    /// The service whose health is asked for, if the service config names one.
    pub(crate) health_service: Option<String>,
    pub(crate) is_health_checking_disabled: bool,
    /// How long at least after a resolution the next one begins.
    pub(crate) resolution_gap: Duration,
}

impl Default for BalancerOptions {
    fn default() -> Self {
        Self {
            policy: None,
            health_service: None,
            is_health_checking_disabled: false,
            resolution_gap: RESOLUTION_GAP_MIN,
        }
    }
}

impl ChannelBuilder {
    /// Which of the addresses of the target the channel connects to;
    /// [`PickFirst`](LoadBalancing::PickFirst) by default.
    ///
    /// With [`RoundRobin`](LoadBalancing::RoundRobin) the channel has a connection to every address: to all
    /// of a name, or of a list as in `ipv4:10.0.0.1:50051,10.0.0.2:50051`. Calls take those that are READY
    /// in turn; one whose server allows no more calls at the moment takes another one. A connection that is
    /// lost is made again in the background, with a backoff of its own. The channel is READY while any is.
    /// When a connection is lost or fails the name is looked up again; connections to addresses that are
    /// gone finish their calls and close. [`connections`](Self::connections) is for each address.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::{Channel, LoadBalancing};
    ///
    /// let channel = Channel::builder("ipv4:127.0.0.1:50051,127.0.0.1:50052")
    ///     .load_balancing(LoadBalancing::RoundRobin)
    ///     .build()?;
    /// # drop(channel);
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn load_balancing(mut self, policy: LoadBalancing) -> Self {
        self.balancer.policy = Some(policy);
        self
    }

    /// With [`RoundRobin`](LoadBalancing::RoundRobin), a name is looked up again this long after the last
    /// time at the earliest; 30 s by default.
    ///
    /// With [`PickFirst`](LoadBalancing::PickFirst) every attempt to connect looks it up, and the backoff
    /// spaces them.
    pub fn min_time_between_resolutions(mut self, time: Duration) -> Self {
        self.balancer.resolution_gap = time;
        self
    }

    /// Asks no server for its health, whatever the service config says.
    ///
    /// Else, with [`RoundRobin`](LoadBalancing::RoundRobin) and a service config that has
    /// `healthCheckConfig.serviceName`, each connection watches that service by grpc.health.v1.Health/Watch,
    /// and takes calls only while it is SERVING; a server without health counts as healthy. The watch
    /// carries neither call credentials nor metadata of the channel. Source: gRFC A17.
    pub fn disable_health_checking(mut self) -> Self {
        self.balancer.is_health_checking_disabled = true;
        self
    }
}
