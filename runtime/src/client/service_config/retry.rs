//! `retryPolicy` and `retryThrottling` of a service config. Source: gRFC A6.

use super::json::Node;
use crate::client::retry::{RetryPolicy, RetryThrottling};
use crate::grpc::Code;
use crate::limits::RETRY_TOKENS_MAX;

/// A retry policy; all its fields are required.
pub(super) fn policy(node: &Node<'_>) -> Result<RetryPolicy, String> {
    let codes_node = node.required("retryableStatusCodes")?;
    let mut codes = Vec::new();
    for element in codes_node.elements()? {
        codes.push(code(&element)?);
    }
    if codes.is_empty() {
        return Err(codes_node.expected("at least one status code", "none"));
    }
    let attempts_node = node.required("maxAttempts")?;
    let attempts = attempts_node.whole()?;
    if attempts < 2 {
        return Err(attempts_node.expected("2 or more", attempts));
    }
    let backoff = |name| {
        let node = node.required(name)?;
        let backoff = node.duration()?;
        match backoff.is_zero() {
            true => Err(node.expected("a duration greater than zero", node.shown())),
            false => Ok(backoff),
        }
    };
    let multiplier_node = node.required("backoffMultiplier")?;
    let multiplier = multiplier_node.number()?;
    if !(multiplier > 0.0 && multiplier.is_finite()) {
        return Err(multiplier_node.expected("a number greater than zero", multiplier));
    }
    Ok(RetryPolicy::new(codes)
        .max_attempts(attempts)
        .initial_backoff(backoff("initialBackoff")?)
        .max_backoff(backoff("maxBackoff")?)
        .backoff_multiplier(multiplier))
}

/// A status code that is no success: its name in any case, or its number.
fn code(node: &Node<'_>) -> Result<Code, String> {
    let shown = node.shown();
    let all = (1..=16).map(Code::from_number);
    let found = match node.text() {
        Ok(name) => all.into_iter().find(|code| code.name().eq_ignore_ascii_case(name)),
        Err(_) => {
            let number = node.number().ok();
            all.into_iter().find(|code| number == Some(f64::from(code.number())))
        }
    };
    found.ok_or_else(|| node.expected("a status code such as \"UNAVAILABLE\"", shown))
}

pub(super) fn throttling(node: &Node<'_>) -> Result<RetryThrottling, String> {
    let max_node = node.required("maxTokens")?;
    let max_tokens = max_node.whole()?;
    if !(1..=RETRY_TOKENS_MAX).contains(&max_tokens) {
        return Err(max_node.expected(&format!("1 to {RETRY_TOKENS_MAX}"), max_tokens));
    }
    let ratio_node = node.required("tokenRatio")?;
    let token_ratio = ratio_node.number()?;
    if !(token_ratio >= 0.001 && token_ratio.is_finite()) {
        return Err(ratio_node.expected("0.001 or more", token_ratio));
    }
    Ok(RetryThrottling::new(max_tokens, token_ratio))
}
