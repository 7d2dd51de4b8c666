//! What a service config says of methods: `methodConfig`.
//!
//! The invariant: the closest name counts, and it alone: entries are not merged.

use std::collections::HashMap;
use std::time::Duration;

use crate::grpc::Method;

/// What is configured of methods, by `service` or `service/method`, or the empty name for all.
#[derive(Clone, Debug, Default)]
pub(in crate::client) struct MethodConfigs(pub(super) HashMap<String, MethodConfig>);

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
}
