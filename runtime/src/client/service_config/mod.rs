//! gRPC's service config: what a user says of a service in JSON, in place of the builder's methods.
//!
//! With the feature `json`; without it no channel is given one.
//!
//! The invariant: a config that cannot be kept as it stands builds no channel, and the error says at which
//! place of the JSON what was expected and what came. Fields that gRPC does not define here are ignored, as
//! everywhere in gRPC. Source: gRPC's service_config.md and service_config.proto; gRFC A6 for retries.

#[cfg(feature = "json")]
mod json;
mod methods;
#[cfg(feature = "json")]
mod parse;
#[cfg(feature = "json")]
mod retry;
#[cfg(test)]
#[cfg(feature = "json")]
mod tests;

pub(super) use methods::{MethodConfig, MethodConfigs};

#[cfg(feature = "json")]
use super::balancer::LoadBalancing;
#[cfg(feature = "json")]
use super::retry::{RetryPolicy, RetryThrottling};
use crate::client::ChannelBuilder;
use crate::grpc::Status;

/// What a service config says.
#[cfg(feature = "json")]
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct ServiceConfig {
    pub(super) policy: Option<LoadBalancing>,
    pub(super) methods: MethodConfigs,
    /// By `service` or `service/method`, or the empty name for all; `None` where there are to be no
    /// retries.
    pub(super) retries: Vec<(String, Option<RetryPolicy>)>,
    pub(super) throttling: Option<RetryThrottling>,
    /// The service whose health is asked for.
    pub(super) health_service: Option<String>,
}

/// A config that a channel was given, or why it cannot be read, and what takes it over: a program that
/// gives none has no code for it.
#[cfg(feature = "json")]
#[derive(Clone, Debug)]
pub(in crate::client) struct Given {
    config: Result<ServiceConfig, String>,
    take_over: fn(&mut ChannelBuilder, ServiceConfig),
}

impl ChannelBuilder {
    /// Takes over what the service config says, where the builder says nothing.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT: what of it cannot be kept.
    #[cfg(feature = "json")]
    pub(super) fn apply_service_config(&mut self) -> Result<(), Status> {
        let Some(Given { config, take_over }) = self.service_config.take() else { return Ok(()) };
        let config =
            config.map_err(|error| Status::invalid_argument(format!("service config: {error}")))?;
        take_over(self, config);
        Ok(())
    }

    /// There is none.
    #[cfg(not(feature = "json"))]
    pub(super) fn apply_service_config(&mut self) -> Result<(), Status> {
        Ok(())
    }
}

#[cfg(feature = "json")]
impl Given {
    fn new(config: Result<ServiceConfig, String>) -> Self {
        let take_over = |builder: &mut ChannelBuilder, config: ServiceConfig| {
            builder.balancer.policy = builder.balancer.policy.or(config.policy);
            builder.balancer.health_service = config.health_service;
            builder.retries.add_of_config(config.retries, config.throttling);
            builder.methods = config.methods;
        };
        Self { config, take_over }
    }
}
