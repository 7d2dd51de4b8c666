//! The retry policies of a channel: by default, for services and for methods.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, Weak};

use super::pause::Pause;
use super::policy::RetryPolicy;
use super::throttle::{RetryThrottling, Throttle, Tokens};
use crate::client::ChannelBuilder;
use crate::grpc::{Method, Status};
use crate::limits::RETRY_BUFFER_MAX;
use crate::transport::lock;

/// What a channel is to be built with. What is given is checked at once, so that a program without
/// policies has no code for that; whatever cannot be kept is told when the channel is built.
#[derive(Clone, Debug)]
pub(crate) struct RetryOptions {
    default: Option<Result<Arc<RetryPolicy>, Status>>,
    /// By `service` or `service/method`; `None` where there are to be no retries.
    named: Vec<(String, Checked)>,
    tokens: Option<Result<Tokens, Status>>,
    buffer_max: usize,
}

/// What is said of a name, or why it cannot be kept.
type Checked = Result<Option<Arc<RetryPolicy>>, Status>;

/// What a channel has.
#[derive(Debug)]
pub(crate) struct Retries {
    default: Option<Arc<RetryPolicy>>,
    /// In the order of their names.
    named: Vec<(String, Option<Arc<RetryPolicy>>)>,
    throttle: Option<Throttle>,
    buffer_max: usize,
    waiting: Mutex<Waiting>,
}

/// Calls that wait before they are sent again, by number.
#[derive(Debug, Default)]
struct Waiting {
    pauses: HashMap<u64, Weak<Pause>>,
    next: u64,
    is_closed: bool,
}

impl ChannelBuilder {
    /// Sends calls of all methods again as `policy` says, unless there is another one for them; by
    /// default none are sent again, but for what the server has surely not looked at.
    ///
    /// A policy that cannot be kept is refused by [`build`](Self::build). Source: gRFC A6.
    pub fn retry_policy(mut self, policy: RetryPolicy) -> Self {
        self.retries.default = Some(checked(policy));
        self
    }

    /// As [`retry_policy`](Self::retry_policy), for the method of the name `package.Service/Method`,
    /// or for all methods of `package.Service`; the name of a method comes first. Of several policies
    /// for one name the last counts.
    ///
    /// A name that is none of the two is refused by [`build`](Self::build).
    pub fn retry_policy_for(mut self, name: impl Into<String>, policy: RetryPolicy) -> Self {
        self.retries.add_named(name.into(), Some(policy));
        self
    }

    /// The method or service of this name has no retry policy, whatever the channel has; see
    /// [`retry_policy_for`](Self::retry_policy_for).
    pub fn disable_retries_for(mut self, name: impl Into<String>) -> Self {
        self.retries.add_named(name.into(), None);
        self
    }

    /// Stops retries while too many calls fail; never by default.
    pub fn retry_throttling(mut self, throttling: RetryThrottling) -> Self {
        self.retries.tokens = Some(throttling.tokens());
        self
    }

    /// A stream of requests can be sent again, by a policy or because the server refused it unseen,
    /// while all that was sent on it is at most `bytes`, which are kept for it until the head of the
    /// response comes; 64 KiB by default.
    ///
    /// The one request of other calls is kept anyway, whatever its size.
    pub fn retry_buffer_size(mut self, bytes: usize) -> Self {
        self.retries.buffer_max = bytes;
        self
    }
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self { default: None, named: Vec::new(), tokens: None, buffer_max: RETRY_BUFFER_MAX }
    }
}

impl RetryOptions {
    /// Adds what a service config says, by `service`, `service/method` or the empty name for all, where
    /// nothing was said before.
    #[cfg(feature = "json")]
    pub(crate) fn add_of_config(
        &mut self,
        named: Vec<(String, Option<RetryPolicy>)>,
        throttling: Option<RetryThrottling>,
    ) {
        if self.tokens.is_none() {
            self.tokens = throttling.map(RetryThrottling::tokens);
        }
        // The last one of a name counts.
        let own = std::mem::take(&mut self.named);
        let mut all = None;
        for (name, policy) in named {
            match name.is_empty() {
                true => all = all.or(policy),
                false => self.add_named(name, policy),
            }
        }
        self.named.extend(own);
        if self.default.is_none() {
            self.default = all.map(checked);
        }
    }

    fn add_named(&mut self, name: String, policy: Option<RetryPolicy>) {
        let policy = check_name(&name).and_then(|()| policy.map(checked).transpose());
        self.named.push((name, policy));
    }

    /// # Errors
    ///
    /// INVALID_ARGUMENT: what cannot be kept.
    pub(crate) fn build(self) -> Result<Retries, Status> {
        let mut named: Vec<(String, _)> = Vec::new();
        for (name, policy) in self.named {
            let policy = policy?;
            match named.binary_search_by(|(other, _)| other.cmp(&name)) {
                Ok(place) => named[place].1 = policy,
                Err(place) => named.insert(place, (name, policy)),
            }
        }
        Ok(Retries {
            default: self.default.transpose()?,
            named,
            throttle: self.tokens.transpose()?.map(Throttle::new),
            buffer_max: self.buffer_max,
            waiting: Mutex::default(),
        })
    }
}

fn checked(policy: RetryPolicy) -> Result<Arc<RetryPolicy>, Status> {
    policy.check().map(|()| Arc::new(policy))
}

/// A service, or a service, a slash and a method.
fn check_name(name: &str) -> Result<(), Status> {
    let mut parts = name.split('/');
    let is_good = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_graphic());
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    match first.is_some_and(is_good) && second.is_none_or(is_good) && third.is_none() {
        true => Ok(()),
        false => Err(Status::invalid_argument(format!(
            "retry policy for {name:?}: expected package.Service or package.Service/Method"
        ))),
    }
}

impl Retries {
    /// The policy of a method, if there is one.
    pub(crate) fn policy(&self, method: &Method) -> Option<&Arc<RetryPolicy>> {
        if self.named.is_empty() {
            return self.default.as_ref();
        }
        let path = method.path().strip_prefix('/').unwrap_or_else(|| method.path());
        let named = self.named(path).or_else(|| self.named(method.service()));
        named.unwrap_or(&self.default).as_ref()
    }

    fn named(&self, name: &str) -> Option<&Option<Arc<RetryPolicy>>> {
        let place = self.named.binary_search_by(|(other, _)| other.as_str().cmp(name)).ok()?;
        Some(&self.named[place].1)
    }

    pub(crate) fn throttle(&self) -> Option<&Throttle> {
        self.throttle.as_ref()
    }

    /// A call has succeeded, whether it has a policy or not.
    pub(crate) fn on_success(&self) {
        if let Some(throttle) = &self.throttle {
            throttle.on_success();
        }
    }

    /// How much of a stream of requests is kept.
    pub(crate) fn buffer_max(&self) -> usize {
        self.buffer_max
    }

    /// Has `pause` end when the channel is closed; ends it here if it is. Returns the number to
    /// [`forget`](Self::forget).
    pub(super) fn watch(&self, pause: &Arc<Pause>) -> u64 {
        let mut waiting = lock(&self.waiting);
        let number = waiting.next;
        waiting.next += 1;
        let is_closed = waiting.is_closed;
        if !is_closed {
            waiting.pauses.insert(number, Arc::downgrade(pause));
        }
        drop(waiting);
        if is_closed {
            pause.end();
        }
        number
    }

    pub(super) fn forget(&self, number: u64) {
        lock(&self.waiting).pauses.remove(&number);
    }

    /// How many calls wait to be sent again.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.waiting).pauses.len()
    }

    /// The channel is closed: nobody waits any more.
    pub(crate) fn close(&self) {
        let pauses = {
            let mut waiting = lock(&self.waiting);
            waiting.is_closed = true;
            std::mem::take(&mut waiting.pauses)
        };
        pauses.values().filter_map(Weak::upgrade).for_each(|pause| pause.end());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::{Code, MethodKind};

    fn policy(attempts: u32) -> RetryPolicy {
        RetryPolicy::new([Code::Unavailable]).max_attempts(attempts)
    }

    fn found(options: &RetryOptions, path: &'static str) -> Option<RetryPolicy> {
        let retries = options.clone().build().unwrap();
        let policy = retries.policy(&Method::new(path, MethodKind::Unary));
        policy.map(|policy| RetryPolicy::clone(policy))
    }

    /// gRFC A6, Integration with Service Config: a policy is of a method, of a service, or of all; the
    /// closest name counts.
    #[test]
    fn the_closest_name_counts() {
        let mut options =
            RetryOptions { default: Some(checked(policy(2))), ..RetryOptions::default() };
        options.add_named("p.S".into(), Some(policy(3)));
        options.add_named("p.S/M".into(), Some(policy(4)));
        options.add_named("p.S/Never".into(), None);
        assert_eq!(found(&options, "/p.S/M"), Some(policy(4)));
        assert_eq!(found(&options, "/p.S/Other"), Some(policy(3)));
        assert_eq!(found(&options, "/p.S/Never"), None);
        assert_eq!(found(&options, "/p.T/M"), Some(policy(2)));
        assert_eq!(found(&RetryOptions::default(), "/p.T/M"), None);
    }

    /// A name that no method can have is refused instead of never being found.
    #[test]
    fn malformed_names_are_refused() {
        for name in ["", "/", "/p.S/M", "p.S/", "p.S/M/", "p S"] {
            let mut options = RetryOptions::default();
            options.add_named(name.to_owned(), None);
            let status = options.build().unwrap_err();
            assert!(
                status.message().ends_with("expected package.Service or package.Service/Method")
            );
        }
    }
}
