//! Whether a call is sent again, and after what wait: pure, the random number is an argument.

use std::sync::Arc;
use std::time::Duration;

use super::policy::RetryPolicy;
use super::throttle::Throttle;
use crate::grpc::{Metadata, Status};

/// How a call with a policy stands.
#[derive(Debug)]
pub(crate) struct Retry {
    policy: Arc<RetryPolicy>,
    /// Attempts that have failed; those that the server has not looked at do not count once.
    failed: u32,
    /// Retries since the server last said when to come again: what the backoff grows with.
    since_pushback: u32,
    /// The call was sent again because the server had not looked at it.
    was_refused: bool,
}

/// What the server says about another attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pushback {
    Nothing,
    After(Duration),
    Never,
}

impl Retry {
    /// Nothing has failed yet.
    pub(crate) fn new(policy: Arc<RetryPolicy>) -> Self {
        Self { policy, failed: 0, since_pushback: 0, was_refused: false }
    }

    /// How many attempts there were before the one that is or comes next.
    pub(crate) fn previous_attempts(&self) -> u32 {
        self.failed
    }

    /// The server has refused the call unseen; says whether it is sent again at once and for nothing,
    /// which happens once. After that a refusal is a failure.
    pub(crate) fn on_refused(&mut self) -> bool {
        !std::mem::replace(&mut self.was_refused, true)
    }

    /// An attempt has failed with `status`: how long to wait before the next one, if there is to be
    /// one. `random` is in `0.0..1.0`.
    pub(crate) fn on_failure(
        &mut self,
        status: &Status,
        throttle: Option<&Throttle>,
        random: f64,
    ) -> Option<Duration> {
        let pushback = Pushback::read(status.metadata());
        if !self.policy.is_retryable(status.code()) && pushback != Pushback::Never {
            return None;
        }
        self.failed += 1;
        // It counts whatever else may forbid another attempt.
        let is_allowed = throttle.is_none_or(Throttle::on_failure);
        if !is_allowed || !self.policy.allows_after(self.failed) {
            return None;
        }
        match pushback {
            Pushback::Never => None,
            Pushback::After(wait) => {
                self.since_pushback = 0;
                Some(wait)
            }
            Pushback::Nothing => {
                self.since_pushback += 1;
                Some(self.policy.backoff(self.since_pushback - 1, random))
            }
        }
    }
}

impl Pushback {
    /// gRFC A6, Pushback: a signed number of 32 bits without needless zeros; a negative one, and
    /// what is no such number, forbids another attempt.
    fn read(metadata: &Metadata) -> Self {
        let mut values = metadata.get_all("grpc-retry-pushback-ms");
        let Some(value) = values.next() else { return Self::Nothing };
        let number = value.parse::<i32>().ok().filter(|number| number.to_string() == value);
        match (number.map(u64::try_from), values.next()) {
            (Some(Ok(millis)), None) => Self::After(Duration::from_millis(millis)),
            _ => Self::Never,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::RetryThrottling;
    use crate::grpc::Code;

    /// One call and the time at which its attempts begin, in milliseconds.
    struct Call {
        retry: Retry,
        throttle: Option<Throttle>,
        time: u128,
    }

    impl Call {
        fn new(policy: RetryPolicy) -> Self {
            Self { retry: Retry::new(Arc::new(policy)), throttle: None, time: 0 }
        }

        fn throttled(mut self, max_tokens: u32, token_ratio: f64) -> Self {
            self.throttle = Some(Throttle::new(
                RetryThrottling::new(max_tokens, token_ratio).tokens().unwrap(),
            ));
            self
        }

        /// The time of the attempt after one that fails, if there is one.
        fn fail(&mut self, status: &Status) -> Option<u128> {
            let wait = self.retry.on_failure(status, self.throttle.as_ref(), 0.5)?;
            self.time += wait.as_millis();
            Some(self.time)
        }
    }

    fn policy() -> RetryPolicy {
        RetryPolicy::new([Code::Unavailable])
    }

    fn unavailable() -> Status {
        Status::unavailable("")
    }

    fn pushed_back(values: &[&str]) -> Status {
        let mut metadata = Metadata::new();
        for value in values {
            metadata.append("grpc-retry-pushback-ms", value).unwrap();
        }
        unavailable().with_metadata(metadata)
    }

    /// gRFC A6, Exponential Backoff: attempts come after 100, 200, 400 and 800 ms.
    #[test]
    fn attempts_are_spaced_out_by_the_backoff() {
        let mut call = Call::new(policy());
        let times: Vec<_> = (0..5).map(|_| call.fail(&unavailable())).collect();
        assert_eq!(times, [Some(100), Some(300), Some(700), Some(1500), None]);
    }

    /// gRFC A6, Maximum Number of Retries: maxAttempts includes the original request.
    #[test]
    fn max_attempts_includes_the_first() {
        let mut call = Call::new(policy().max_attempts(2));
        assert_eq!(call.fail(&unavailable()), Some(100));
        assert_eq!(call.retry.previous_attempts(), 1);
        assert_eq!(call.fail(&unavailable()), None);
    }

    /// gRFC A6, Retryable Status Codes: other codes are the result.
    #[test]
    fn a_fatal_status_code_is_not_retried() {
        let mut call = Call::new(policy()).throttled(2, 0.1);
        assert_eq!(call.fail(&Status::internal("")), None);
        assert_eq!(call.retry.previous_attempts(), 0);
        let mut call = Call::new(RetryPolicy::new([Code::Internal, Code::Aborted]));
        assert!(call.fail(&Status::internal("")).is_some());
        assert!(call.fail(&Status::aborted("")).is_some());
        assert_eq!(call.fail(&unavailable()), None);
    }

    /// gRFC A6, Throttling: at half of the tokens the failure is returned to the application.
    #[test]
    fn throttled_calls_are_not_retried() {
        let mut call = Call::new(policy()).throttled(4, 0.1);
        assert_eq!(call.fail(&unavailable()), Some(100));
        assert_eq!(call.fail(&unavailable()), None);
    }

    /// gRFC A6, Throttling: only failures with a retryable code, and pushback that says not to retry,
    /// count.
    #[test]
    fn fatal_codes_do_not_count_and_pushback_does() {
        let mut call = Call::new(policy()).throttled(4, 0.1);
        (0..9).for_each(|_| assert_eq!(call.fail(&Status::invalid_argument("")), None));
        assert_eq!(call.fail(&unavailable()), Some(100));
        let mut call = Call::new(policy()).throttled(4, 0.1);
        let forbidding =
            Status::invalid_argument("").with_metadata(pushed_back(&["-1"]).metadata().clone());
        assert_eq!(call.fail(&forbidding), None);
        assert_eq!(call.fail(&unavailable()), None, "half of the tokens are left");
    }

    /// gRFC A6, Throttling: the failure of the last attempt counts too.
    #[test]
    fn the_last_attempt_counts_for_throttling() {
        let mut call = Call::new(policy().max_attempts(2)).throttled(6, 0.1);
        assert_eq!(call.fail(&unavailable()), Some(100));
        assert_eq!(call.fail(&unavailable()), None);
        let mut next = Call { throttle: call.throttle.take(), ..Call::new(policy()) };
        assert_eq!(next.fail(&unavailable()), None, "3 of 6 tokens are left");
    }

    /// gRFC A6, Pushback: the retry comes after n ms, and the backoff begins anew behind it.
    #[test]
    fn pushback_says_when_and_resets_the_backoff() {
        let mut call = Call::new(policy());
        assert_eq!(call.fail(&unavailable()), Some(100));
        assert_eq!(call.fail(&unavailable()), Some(300));
        assert_eq!(call.fail(&pushed_back(&["5000"])), Some(5300));
        assert_eq!(call.fail(&unavailable()), Some(5400));
        let mut call = Call::new(policy());
        assert_eq!(call.fail(&pushed_back(&["0"])), Some(0));
    }

    /// gRFC A6, Pushback: a negative or unparseable value is the server asking not to retry.
    #[test]
    fn negative_or_malformed_pushback_stops() {
        for values in [
            &["-1"][..],
            &["-0"],
            &[""],
            &["+1"],
            &["01"],
            &["1.5"],
            &["1s"],
            &["2147483648"],
            &["1", "1"],
        ] {
            let mut call = Call::new(policy());
            assert_eq!(call.fail(&pushed_back(values)), None, "{values:?}");
        }
        let mut call = Call::new(policy());
        assert_eq!(call.fail(&pushed_back(&["2147483647"])), Some(2_147_483_647));
    }

    /// gRFC A6, Pushback: after maxAttempts the call is not retried even if the server says when.
    #[test]
    fn pushback_does_not_add_attempts() {
        let mut call = Call::new(policy().max_attempts(2));
        assert_eq!(call.fail(&pushed_back(&["1"])), Some(1));
        assert_eq!(call.fail(&pushed_back(&["1"])), None);
    }

    /// gRFC A6, Transparent Retries: what the server has not seen is retried once, without counting;
    /// if that fails it is handled by the policy.
    #[test]
    fn a_transparent_retry_does_not_count() {
        let mut call = Call::new(policy().max_attempts(2)).throttled(4, 0.1);
        assert!(call.retry.on_refused());
        assert_eq!(call.retry.previous_attempts(), 0);
        assert!(!call.retry.on_refused());
        assert_eq!(call.fail(&unavailable()), Some(100));
        assert_eq!(call.retry.previous_attempts(), 1);
    }
}
