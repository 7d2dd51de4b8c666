//! What a service config says of methods: `methodConfig`.
//!
//! The invariant: the closest name counts, and it alone: entries are not merged.

use std::collections::HashMap;
use std::time::Duration;

use super::json::Node;
use crate::grpc::Method;

/// What is configured of methods, by `service` or `service/method`, or the empty name for all.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct MethodConfigs(HashMap<String, MethodConfig>);

/// What is configured of a method, but for its retries.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::client) struct MethodConfig {
    pub(in crate::client) timeout: Option<Duration>,
    pub(in crate::client) wait_for_ready: Option<bool>,
    pub(in crate::client) send_max: Option<usize>,
    pub(in crate::client) receive_max: Option<usize>,
}

impl MethodConfigs {
    /// What is configured of `method`, if anything is.
    pub(in crate::client) fn find(&self, method: &Method) -> Option<&MethodConfig> {
        if self.0.is_empty() {
            return None;
        }
        let path = method.path().strip_prefix('/').unwrap_or_else(|| method.path());
        [path, method.service(), ""].into_iter().find_map(|name| self.0.get(name))
    }

    /// Keeps the config of a name; says whether it was new.
    pub(super) fn insert(&mut self, name: String, config: MethodConfig) -> bool {
        self.0.insert(name, config).is_none()
    }
}

impl MethodConfig {
    pub(super) fn read(entry: &Node<'_>) -> Result<Self, String> {
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
pub(super) fn name(node: &Node<'_>) -> Result<String, String> {
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
