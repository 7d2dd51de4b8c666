//! What a user says about sending calls again.

use std::fmt;
use std::time::Duration;

use crate::grpc::{Code, Status};
use crate::limits::{
    BACKOFF_LONGEST, RETRY_ATTEMPTS_MAX, RETRY_BACKOFF_INITIAL, RETRY_BACKOFF_MAX,
    RETRY_BACKOFF_MULTIPLIER,
};

/// Which calls are sent again after they have failed, and when. Source: gRFC A6.
///
/// Given to [`ChannelBuilder::retry_policy`](crate::ChannelBuilder::retry_policy) or
/// [`retry_policy_for`](crate::ChannelBuilder::retry_policy_for); without one no call is sent again,
/// but for what the server has surely not looked at.
///
/// A call is sent again while all of this holds: it ended with one of the codes of the policy; no
/// head of a response had come, so that the caller has seen nothing; all that was sent is still
/// [kept](crate::ChannelBuilder::retry_buffer_size); there were fewer attempts than
/// [`max_attempts`](Self::max_attempts); the server has not forbidden it by `grpc-retry-pushback-ms`;
/// and [`RetryThrottling`](crate::RetryThrottling) allows it. The deadline of the call covers all its attempts and the waits
/// between them. Attempts after the first say how many there were before, in the metadata
/// `grpc-previous-rpc-attempts`, and so does the initial metadata of their response.
///
/// Hedging, the other policy of A6, does not exist here.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use rust_grpc::{Channel, Code, RetryPolicy, RetryThrottling};
///
/// let careful = RetryPolicy::new([Code::Unavailable]);
/// let eager = RetryPolicy::new([Code::Unavailable, Code::Aborted])
///     .max_attempts(3)
///     .initial_backoff(Duration::from_millis(20))
///     .max_backoff(Duration::from_millis(500))
///     .backoff_multiplier(2.0);
/// let channel = Channel::builder("localhost:50051")
///     .retry_policy(careful)
///     .retry_policy_for("bank.Accounts/GetBalance", eager)
///     .disable_retries_for("bank.Accounts/Transfer")
///     .retry_throttling(RetryThrottling::new(10, 0.1))
///     .build()?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct RetryPolicy {
    max_attempts: u32,
    initial_backoff: Duration,
    max_backoff: Duration,
    backoff_multiplier: f64,
    /// A bit for each code.
    codes: u32,
}

impl RetryPolicy {
    /// Sends again what ends with one of `codes`, with 5 attempts at most, after waits of 100 ms that
    /// double up to 1 s.
    ///
    /// UNAVAILABLE alone is safe for any method whose server gives it for what it has not begun. Other
    /// codes are for methods that may be run twice. Without any code, or with OK among them, the
    /// channel is not built.
    #[must_use]
    pub fn new(codes: impl IntoIterator<Item = Code>) -> Self {
        Self {
            max_attempts: RETRY_ATTEMPTS_MAX,
            initial_backoff: RETRY_BACKOFF_INITIAL,
            max_backoff: RETRY_BACKOFF_MAX,
            backoff_multiplier: RETRY_BACKOFF_MULTIPLIER,
            codes: codes.into_iter().fold(0, |codes, code| codes | bit(code)),
        }
    }

    /// How often a call is sent at most, the first time included: 2 to 5, and 5 by default; more
    /// than 5 means 5. With fewer than 2 the channel is not built.
    #[must_use]
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.max_attempts = attempts.min(RETRY_ATTEMPTS_MAX);
        self
    }

    /// The wait before the second attempt, ±20 %; 100 ms by default. With zero the channel is not
    /// built; more than a day means a day.
    #[must_use]
    pub fn initial_backoff(mut self, backoff: Duration) -> Self {
        self.initial_backoff = backoff.min(BACKOFF_LONGEST);
        self
    }

    /// The longest wait before an attempt, ±20 %; 1 s by default. With zero the channel is not
    /// built; more than a day means a day. A server can ask for a longer one by pushback.
    #[must_use]
    pub fn max_backoff(mut self, backoff: Duration) -> Self {
        self.max_backoff = backoff.min(BACKOFF_LONGEST);
        self
    }

    /// How much longer each wait is than the one before it; 2 by default. Unless it is greater than
    /// zero and finite, the channel is not built.
    #[must_use]
    pub fn backoff_multiplier(mut self, multiplier: f64) -> Self {
        self.backoff_multiplier = multiplier;
        self
    }

    /// Whether the policy can be kept.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT: what of it cannot.
    pub(super) fn check(&self) -> Result<(), Status> {
        let text = if self.codes == 0 {
            "expected at least one retryable code, got none".to_owned()
        } else if self.is_retryable(Code::Ok) {
            "expected codes of failures, got OK".to_owned()
        } else if self.max_attempts < 2 {
            format!("expected max_attempts of 2 or more, got {}", self.max_attempts)
        } else if self.initial_backoff.is_zero() || self.max_backoff.is_zero() {
            "expected backoffs greater than zero, got 0".to_owned()
        } else if !(self.backoff_multiplier > 0.0 && self.backoff_multiplier.is_finite()) {
            format!("expected a multiplier greater than zero, got {}", self.backoff_multiplier)
        } else {
            return Ok(());
        };
        Err(Status::invalid_argument(format!("retry policy: {text}")))
    }

    pub(super) fn is_retryable(&self, code: Code) -> bool {
        self.codes & bit(code) != 0
    }

    /// Whether another attempt may follow `attempts`.
    pub(super) fn allows_after(&self, attempts: u32) -> bool {
        attempts < self.max_attempts
    }

    /// gRFC A6: the wait before retry `number`, counted from 0; `random` is in `0.0..1.0`.
    pub(super) fn backoff(&self, number: u32, random: f64) -> Duration {
        let exponent = i32::try_from(number).unwrap_or(i32::MAX);
        let grown = self.initial_backoff.as_secs_f64() * self.backoff_multiplier.powi(exponent);
        let wait = grown.min(self.max_backoff.as_secs_f64());
        let spread = wait * (1.0 - JITTER + 2.0 * JITTER * random.clamp(0.0, 1.0));
        Duration::try_from_secs_f64(spread).unwrap_or(self.max_backoff)
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes = (0..=16).map(Code::from_number).filter(|code| self.is_retryable(*code));
        f.debug_struct("RetryPolicy")
            .field("codes", &codes.collect::<Vec<_>>())
            .field("max_attempts", &self.max_attempts)
            .field("initial_backoff", &self.initial_backoff)
            .field("max_backoff", &self.max_backoff)
            .field("backoff_multiplier", &self.backoff_multiplier)
            .finish()
    }
}

fn bit(code: Code) -> u32 {
    1 << code.number()
}

/// gRFC A6: waits are spread by ±20 %.
const JITTER: f64 = 0.2;

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> RetryPolicy {
        RetryPolicy::new([Code::Unavailable])
    }

    fn millis(policy: &RetryPolicy, random: f64) -> Vec<u128> {
        (0..6).map(|number| policy.backoff(number, random).as_millis()).collect()
    }

    /// gRFC A6, Exponential Backoff: the n-th retry comes after
    /// min(initialBackoff * backoffMultiplier^(n-1), maxBackoff).
    #[test]
    fn backoff_grows_by_the_multiplier_up_to_the_maximum() {
        assert_eq!(millis(&policy(), 0.5), [100, 200, 400, 800, 1000, 1000]);
        let shrinking = policy().backoff_multiplier(0.5);
        assert_eq!(millis(&shrinking, 0.5)[..3], [100, 50, 25]);
        let cut = policy().initial_backoff(Duration::from_secs(9));
        assert_eq!(millis(&cut, 0.5)[..2], [1000, 1000]);
    }

    /// gRFC A6, Exponential Backoff: each wait is multiplied by a random number of 0.8 to 1.2.
    #[test]
    fn backoff_is_spread_by_a_fifth() {
        assert_eq!(millis(&policy(), 0.0)[..2], [80, 160]);
        assert_eq!(millis(&policy(), 1.0)[4..], [1200, 1200]);
    }

    /// Nothing that can be configured overflows a wait.
    #[test]
    fn backoff_never_overflows() {
        let huge = policy()
            .initial_backoff(Duration::MAX)
            .max_backoff(Duration::MAX)
            .backoff_multiplier(f64::MAX);
        assert_eq!(huge.backoff(u32::MAX, 0.5), BACKOFF_LONGEST);
    }

    /// gRFC A6, Limits on Retries: more attempts than 5 count as 5.
    #[test]
    fn max_attempts_is_five_at_most() {
        let policy = policy().max_attempts(100);
        assert!(policy.allows_after(4));
        assert!(!policy.allows_after(5));
    }

    /// gRFC A6, Retry Policy: what its configuration requires of each field.
    #[test]
    fn policies_that_cannot_be_kept_are_refused() {
        assert_eq!(policy().check(), Ok(()));
        assert_eq!(policy().max_attempts(2).check(), Ok(()));
        for (bad, expected) in [
            (RetryPolicy::new([]), "expected at least one retryable code, got none"),
            (RetryPolicy::new([Code::Ok]), "expected codes of failures, got OK"),
            (policy().max_attempts(1), "expected max_attempts of 2 or more, got 1"),
            (policy().initial_backoff(Duration::ZERO), "expected backoffs greater than zero"),
            (policy().max_backoff(Duration::ZERO), "expected backoffs greater than zero"),
            (policy().backoff_multiplier(0.0), "expected a multiplier greater than zero, got 0"),
            (policy().backoff_multiplier(f64::NAN), "expected a multiplier greater than zero"),
            (policy().backoff_multiplier(f64::INFINITY), "expected a multiplier greater"),
        ] {
            let status = bad.check().unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
            assert!(status.message().contains(expected), "{status}");
        }
    }
}
