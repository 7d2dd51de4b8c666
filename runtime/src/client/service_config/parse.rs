//! How a service config is read.

use super::json::{self, Node};
use super::{Given, MethodConfig, ServiceConfig, retry};
use crate::client::{ChannelBuilder, LoadBalancing};

impl ChannelBuilder {
    /// Configures the channel by gRPC's service config in JSON (feature `json`): `loadBalancingConfig`,
    /// `loadBalancingPolicy`, `methodConfig` (`name`, `timeout`, `waitForReady`, `maxRequestMessageBytes`,
    /// `maxResponseMessageBytes`, `retryPolicy`), `retryThrottling` and `healthCheckConfig`; in place of the
    /// one that was given before.
    ///
    /// Of timeouts and sizes the smaller one holds, the config's or the one of the call and the channel.
    /// Whether a call waits for readiness is what its [`Request`](crate::Request) says, else the config, else
    /// the channel. The policies of this builder, for load balancing and for retries, come before those of the config.
    /// Fields that are not known are ignored. A config that is malformed or that cannot be kept, hedging and
    /// load balancing by other policies included, is refused by [`build`](Self::build).
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Channel;
    ///
    /// let config = r#"{
    ///   "loadBalancingConfig": [{"round_robin": {}}],
    ///   "methodConfig": [{
    ///     "name": [{"service": "bank.Accounts"}],
    ///     "timeout": "1.5s",
    ///     "retryPolicy": {
    ///       "maxAttempts": 3,
    ///       "initialBackoff": "0.1s",
    ///       "maxBackoff": "1s",
    ///       "backoffMultiplier": 2,
    ///       "retryableStatusCodes": ["UNAVAILABLE"]
    ///     }
    ///   }]
    /// }"#;
    /// let channel = Channel::builder("dns:///bank.example:50051").service_config(config).build()?;
    /// # drop(channel);
    /// # Ok::<(), rust_grpc::Status>(())
    /// ```
    pub fn service_config(mut self, json: &str) -> Self {
        // Read here and not in `build`, so that a program without a config has no JSON in it.
        self.service_config = Some(Given::new(ServiceConfig::parse(json)));
        self
    }
}

impl ServiceConfig {
    /// Reads a config.
    ///
    /// # Errors
    ///
    /// Where in the JSON, what was expected and what came.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let document = json::parse(text)?;
        let root = Node::root(&document);
        let mut config = Self { policy: policy(&root)?, ..Self::default() };
        if let Some(entries) = root.field("methodConfig")? {
            for entry in entries.elements()? {
                config.add(&entry)?;
            }
        }
        if config.retries.iter().all(|(_, policy)| policy.is_none()) {
            config.retries.clear();
        }
        if let Some(throttling) = root.field("retryThrottling")? {
            config.throttling = Some(retry::throttling(&throttling)?);
        }
        if let Some(health) = root.field("healthCheckConfig")?
            && let Some(name) = health.field("serviceName")?
        {
            config.health_service = Some(name.text()?.to_owned());
        }
        Ok(config)
    }

    /// Adds an entry of `methodConfig`.
    fn add(&mut self, entry: &Node<'_>) -> Result<(), String> {
        let method = MethodConfig::read(entry)?;
        if let Some(hedging) = entry.field("hedgingPolicy")? {
            return Err(hedging.expected("none, since hedging is not offered", "a policy"));
        }
        let policy =
            entry.field("retryPolicy")?.map(|policy| retry::policy(&policy)).transpose()?;
        let Some(names) = entry.field("name")? else { return Ok(()) };
        for node in names.elements()? {
            let name = name(&node)?;
            if self.methods.0.insert(name.clone(), method).is_some() {
                return Err(node.expected("each name once", format!("{name:?} again")));
            }
            self.retries.push((name, policy.clone()));
        }
        Ok(())
    }
}

/// The first policy that is known.
fn policy(root: &Node<'_>) -> Result<Option<LoadBalancing>, String> {
    let known = "pick_first or round_robin";
    let Some(configs) = root.field("loadBalancingConfig")? else {
        let Some(policy) = root.field("loadBalancingPolicy")? else { return Ok(None) };
        return match policy.text()?.to_ascii_lowercase().as_str() {
            "" | "unspecified" => Ok(None),
            name => policy_of(name).map(Some).ok_or_else(|| policy.expected(known, policy.shown())),
        };
    };
    let mut unknown = Vec::new();
    for config in configs.elements()? {
        let names = config.keys()?;
        let [name] = names[..] else {
            return Err(config.expected("the name of one policy", format!("{} names", names.len())));
        };
        if let Some(policy) = policy_of(name) {
            return Ok(Some(policy));
        }
        unknown.push(format!("{name:?}"));
    }
    match unknown.is_empty() {
        true => Ok(None),
        false => Err(configs.expected(known, format!("only {}", unknown.join(", ")))),
    }
}

fn policy_of(name: &str) -> Option<LoadBalancing> {
    match name {
        "pick_first" => Some(LoadBalancing::PickFirst),
        "round_robin" => Some(LoadBalancing::RoundRobin),
        _ => None,
    }
}

impl MethodConfig {
    fn read(entry: &Node<'_>) -> Result<Self, String> {
        let size = |name| {
            let bytes = entry.field(name)?.map(|bytes| bytes.whole()).transpose()?;
            Ok::<_, String>(bytes.map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX)))
        };
        Ok(Self {
            timeout: entry.field("timeout")?.map(|timeout| timeout.duration()).transpose()?,
            wait_for_ready: entry.field("waitForReady")?.map(|wait| wait.boolean()).transpose()?,
            send_max: size("maxRequestMessageBytes")?,
            receive_max: size("maxResponseMessageBytes")?,
        })
    }
}

/// `service/method`, `service`, or nothing for all methods.
fn name(node: &Node<'_>) -> Result<String, String> {
    let field = |name| {
        let text = node.field(name)?.map(|text| text.text()).transpose()?;
        Ok::<_, String>(text.filter(|text| !text.is_empty()))
    };
    Ok(match (field("service")?, field("method")?) {
        (None, None) => String::new(),
        (Some(service), None) => service.to_owned(),
        (Some(service), Some(method)) => format!("{service}/{method}"),
        (None, Some(method)) => {
            return Err(node.expected("a service with the method", format!("{method:?} alone")));
        }
    })
}
