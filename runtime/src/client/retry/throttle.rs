//! Tokens that stop retries while too much fails: gRFC A6, Throttling Retry Attempts.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::grpc::Status;
use crate::limits::RETRY_TOKENS_MAX;

/// Stops a channel's retries while too many of its calls fail. Source: gRFC A6.
///
/// Given to [`ChannelBuilder::retry_throttling`](crate::ChannelBuilder::retry_throttling), and shared
/// by all calls of the channel. It begins with `max_tokens`; each attempt that fails with a retryable
/// code, or whose server forbids another by pushback, costs one, and each call that succeeds gives
/// `token_ratio` back. While no more than half of the tokens are left, nothing is sent again: calls
/// end with the status that they have, without waiting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryThrottling {
    max_tokens: u32,
    token_ratio: f64,
}

impl RetryThrottling {
    /// `max_tokens` is 1 to 1000, `token_ratio` at least 0.001, of which three decimals count; with
    /// others the channel is not built. With 10 and 0.1 retries stop when about a tenth of the calls
    /// fail.
    #[must_use]
    pub fn new(max_tokens: u32, token_ratio: f64) -> Self {
        Self { max_tokens, token_ratio }
    }

    /// What a channel counts.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT: what cannot be kept.
    pub(super) fn tokens(self) -> Result<Tokens, Status> {
        let Self { max_tokens, token_ratio } = self;
        if !(1..=RETRY_TOKENS_MAX).contains(&max_tokens) {
            return Err(Status::invalid_argument(format!(
                "retry throttling: expected max_tokens of 1 to {RETRY_TOKENS_MAX}, got {max_tokens}"
            )));
        }
        if !(token_ratio >= 0.001 && token_ratio.is_finite()) {
            return Err(Status::invalid_argument(format!(
                "retry throttling: expected a token_ratio of 0.001 or more, got {token_ratio}"
            )));
        }
        let max = max_tokens * TOKEN;
        // More than all tokens fill it as well as all do.
        let ratio = (token_ratio * f64::from(TOKEN)).min(f64::from(max));
        Ok(Tokens { max, ratio: ratio as u32 })
    }
}

/// How many tokens there may be, in thousandths: three decimals count.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tokens {
    max: u32,
    /// What a success gives back.
    ratio: u32,
}

/// The tokens of a channel.
#[derive(Debug)]
pub(crate) struct Throttle {
    max: u32,
    ratio: u32,
    tokens: AtomicU32,
}

impl Throttle {
    /// All tokens are there.
    pub(super) fn new(Tokens { max, ratio }: Tokens) -> Self {
        Self { max, ratio, tokens: AtomicU32::new(max) }
    }

    /// An attempt has failed; says whether there may be another one.
    pub(super) fn on_failure(&self) -> bool {
        self.change(|tokens| tokens.saturating_sub(TOKEN)) > self.max / 2
    }

    /// A call has succeeded.
    pub(super) fn on_success(&self) {
        // Nearly always all are there.
        if self.tokens.load(Ordering::Relaxed) < self.max {
            self.change(|tokens| tokens.saturating_add(self.ratio).min(self.max));
        }
    }

    /// Returns what there is after the change.
    fn change(&self, change: impl Fn(u32) -> u32) -> u32 {
        let update = |tokens| Some(change(tokens));
        let before = self.tokens.fetch_update(Ordering::Relaxed, Ordering::Relaxed, update);
        change(before.unwrap_or_default())
    }
}

const TOKEN: u32 = 1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(max_tokens: u32, token_ratio: f64) -> Throttle {
        Throttle::new(RetryThrottling::new(max_tokens, token_ratio).tokens().unwrap())
    }

    /// gRFC A6: a failure takes one token; at maxTokens / 2 and below nothing is retried.
    #[test]
    fn retries_stop_at_half_of_the_tokens() {
        let throttle = throttle(10, 0.1);
        let allowed: Vec<bool> = (0..6).map(|_| throttle.on_failure()).collect();
        assert_eq!(allowed, [true, true, true, true, false, false]);
    }

    /// gRFC A6: a success gives tokenRatio back; retries go on above half of the tokens.
    #[test]
    fn successes_bring_retries_back() {
        let throttle = throttle(4, 0.5);
        assert!(throttle.on_failure());
        assert!(!throttle.on_failure());
        (0..2).for_each(|_| throttle.on_success());
        assert!(!throttle.on_failure(), "3 tokens, less one, is half");
        (0..3).for_each(|_| throttle.on_success());
        assert!(throttle.on_failure(), "3.5 tokens, less one, is more than half");
    }

    /// gRFC A6: the count stays between 0 and maxTokens.
    #[test]
    fn tokens_stay_between_zero_and_the_maximum() {
        let throttle = throttle(2, 1.0);
        (0..9).for_each(|_| throttle.on_success());
        assert_eq!(throttle.tokens.load(Ordering::Relaxed), 2000);
        (0..9).for_each(|_| assert!(!throttle.on_failure()));
        assert_eq!(throttle.tokens.load(Ordering::Relaxed), 0);
        throttle.on_success();
        assert_eq!(throttle.tokens.load(Ordering::Relaxed), 1000);
    }

    /// gRFC A6: up to three decimals of tokenRatio count, and a ratio of more than all is all.
    #[test]
    fn three_decimals_of_the_ratio_count() {
        assert_eq!(throttle(1, 0.0019).ratio, 1);
        assert_eq!(throttle(1, 1e300).ratio, 1000);
    }

    /// gRFC A6: maxTokens and tokenRatio are greater than zero.
    #[test]
    fn throttling_that_cannot_be_kept_is_refused() {
        for (max_tokens, token_ratio) in
            [(0, 0.1), (1001, 0.1), (10, 0.0), (10, -1.0), (10, f64::NAN), (10, f64::INFINITY)]
        {
            let result = RetryThrottling::new(max_tokens, token_ratio).tokens();
            let status = result.map(drop).unwrap_err();
            assert!(status.message().starts_with("retry throttling: expected"), "{status}");
        }
    }
}
