//! Each field of a service config, good and bad.

use std::time::Duration;

use super::*;
use crate::client::Channel;
use crate::grpc::{Code, Method, MethodKind};

const POLICY: &str = r#"{"maxAttempts": 3, "initialBackoff": "0.5s", "maxBackoff": "2s",
    "backoffMultiplier": 1.5, "retryableStatusCodes": ["UNAVAILABLE", "aborted", 4]}"#;

fn config(json: &str) -> ServiceConfig {
    ServiceConfig::parse(json).unwrap()
}

#[track_caller]
fn refused(json: &str, expected: &str) {
    let status = Channel::builder("localhost:1").service_config(json).build().unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(status.message(), format!("service config: {expected}"));
}

/// As `refused`, of a config with one entry for a method.
#[track_caller]
fn refused_entry(entry: &str, expected: &str) {
    refused(
        &format!(r#"{{"methodConfig": [{{{entry}}}]}}"#),
        &format!("methodConfig[0]{expected}"),
    );
}

fn found(config: &ServiceConfig, path: &'static str) -> Option<u64> {
    let found = config.methods.find(&Method::new(path, MethodKind::Unary))?;
    found.timeout.map(|timeout| timeout.as_secs())
}

/// service_config.md: an empty config says nothing, and fields that are not known are ignored.
#[test]
fn an_empty_config_says_nothing() {
    for json in ["{}", r#"{"unknown": [1, {"a": null}], "methodConfig": null}"#] {
        let config = config(json);
        assert_eq!(config.policy, None);
        assert!(config.retries.is_empty() && config.throttling.is_none());
        assert_eq!(config.health_service, None);
        assert_eq!(found(&config, "/p.S/M"), None);
    }
    assert!(Channel::builder("localhost:1").service_config("{}").build().is_ok());
}

/// What is no JSON object is refused with the place.
#[test]
fn what_is_no_json_is_refused_with_its_place() {
    for json in ["", "[]", "{\n  \"methodConfig\": }", r#"{"a": 1, "a": 2}"#] {
        let status = Channel::builder("localhost:1").service_config(json).build().unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let text = status.message();
        assert!(text.starts_with("service config: ") && text.contains("line "), "{text}");
    }
}

/// service_config.proto, loadBalancingConfig: the first policy that is known is taken; it comes before
/// loadBalancingPolicy.
#[test]
fn the_first_known_policy_is_taken() {
    let policy = |json: &str| config(json).policy;
    let (first, each) = (Some(LoadBalancing::PickFirst), Some(LoadBalancing::RoundRobin));
    assert_eq!(policy(r#"{"loadBalancingConfig": [{"round_robin": {}}]}"#), each);
    let list = r#"{"loadBalancingConfig": [{"xds": {}}, {"pick_first": {}}, {"round_robin": {}}]}"#;
    assert_eq!(policy(list), first);
    assert_eq!(policy(r#"{"loadBalancingConfig": []}"#), None);
    assert_eq!(policy(r#"{"loadBalancingPolicy": "ROUND_ROBIN"}"#), each);
    assert_eq!(policy(r#"{"loadBalancingPolicy": "pick_first"}"#), first);
    assert_eq!(policy(r#"{"loadBalancingPolicy": "UNSPECIFIED"}"#), None);
    let both = r#"{"loadBalancingPolicy": "x", "loadBalancingConfig": [{"pick_first": {}}]}"#;
    assert_eq!(policy(both), first);
}

/// Policies that are not offered are refused if there is no other one.
#[test]
fn unknown_policies_alone_are_refused() {
    refused(
        r#"{"loadBalancingConfig": [{"ring_hash": {}}, {"xds": {}}]}"#,
        r#"loadBalancingConfig: expected pick_first or round_robin, got only "ring_hash", "xds""#,
    );
    refused(
        r#"{"loadBalancingPolicy": "grpclb"}"#,
        r#"loadBalancingPolicy: expected pick_first or round_robin, got "grpclb""#,
    );
    refused(
        r#"{"loadBalancingConfig": {}}"#,
        "loadBalancingConfig: expected a list, got an object",
    );
    refused(
        r#"{"loadBalancingConfig": [{"a": {}, "b": {}}]}"#,
        "loadBalancingConfig[0]: expected the name of one policy, got 2 names",
    );
    refused(r#"{"loadBalancingConfig": [1]}"#, "loadBalancingConfig[0]: expected an object, got 1");
    refused(r#"{"loadBalancingPolicy": 1}"#, "loadBalancingPolicy: expected a string, got 1");
}

/// service_config.proto, MethodConfig.name: a method comes before its service, and that before all.
#[test]
fn the_closest_name_counts() {
    let config = config(
        r#"{"methodConfig": [
            {"name": [{"service": "p.S", "method": "M"}, {"service": "p.T"}], "timeout": "1s"},
            {"name": [{"service": "p.S", "method": ""}], "timeout": "2s"},
            {"name": [{}], "timeout": "3s"},
            {"timeout": "4s"}
        ]}"#,
    );
    assert_eq!(found(&config, "/p.S/M"), Some(1));
    assert_eq!(found(&config, "/p.T/M"), Some(1));
    assert_eq!(found(&config, "/p.S/N"), Some(2));
    assert_eq!(found(&config, "/p.U/M"), Some(3));
}

/// service_config.proto, MethodConfig.name: a method needs its service, and each name stands once.
#[test]
fn names_are_checked() {
    refused_entry(
        r#""name": [{"service": "a.B"}, {"method": "M"}]"#,
        r#".name[1]: expected a service with the method, got "M" alone"#,
    );
    refused(
        r#"{"methodConfig": [{"name": [{"service": "a.B"}]}, {"name": [{}, {"service": "a.B"}]}]}"#,
        r#"methodConfig[1].name[1]: expected each name once, got "a.B" again"#,
    );
}

/// The fields of a method, each as it should be and as it should not.
#[test]
fn the_fields_of_a_method_are_read() {
    let config = config(
        r#"{"methodConfig": [{"name": [{}], "timeout": "1.000000001s", "waitForReady": true,
            "maxRequestMessageBytes": 1024, "maxResponseMessageBytes": "2048"}]}"#,
    );
    let method = Method::new("/p.S/M", MethodKind::Unary);
    let expected = MethodConfig {
        timeout: Some(Duration::new(1, 1)),
        wait_for_ready: Some(true),
        send_max: Some(1024),
        receive_max: Some(2048),
    };
    assert_eq!(config.methods.find(&method), Some(&expected));
    let seconds = r#"expected a duration such as "1.5s", got"#;
    for timeout in [r#""1""#, r#""-1s""#, r#""1.s""#, r#""s""#, r#""1.0000000001s""#, "1"] {
        refused_entry(
            &format!(r#""timeout": {timeout}"#),
            &format!(".timeout: {seconds} {timeout}"),
        );
    }
    refused_entry(r#""waitForReady": 1"#, ".waitForReady: expected true or false, got 1");
    let whole = "expected a whole number of 0 to 4294967295, got";
    for bytes in ["-1", "1.5", "4294967296"] {
        refused_entry(
            &format!(r#""maxRequestMessageBytes": {bytes}"#),
            &format!(".maxRequestMessageBytes: {whole} {bytes}"),
        );
    }
    refused_entry(
        r#""maxResponseMessageBytes": "x""#,
        r#".maxResponseMessageBytes: expected a number, got "x""#,
    );
}

/// gRFC A6: a retry policy of the config is the one that the builder would be given.
#[test]
fn a_retry_policy_is_read() {
    let json = format!(
        r#"{{"methodConfig": [{{"name": [{{"service": "a.B"}}], "retryPolicy": {POLICY}}}]}}"#
    );
    let expected = RetryPolicy::new([Code::Unavailable, Code::Aborted, Code::DeadlineExceeded])
        .max_attempts(3)
        .initial_backoff(Duration::from_millis(500))
        .max_backoff(Duration::from_secs(2))
        .backoff_multiplier(1.5);
    assert_eq!(config(&json).retries, [("a.B".to_owned(), Some(expected))]);
    assert!(Channel::builder("localhost:1").service_config(&json).build().is_ok());
}

/// gRFC A6: every field of a retry policy is required and checked; hedging is not offered.
#[test]
fn retry_policies_that_cannot_be_kept_are_refused() {
    let check = |from: &str, to: &str, expected: &str| {
        let policy = POLICY.replace(from, to);
        assert_ne!(policy, POLICY, "{from}");
        refused_entry(&format!(r#""retryPolicy": {policy}"#), &format!(".retryPolicy{expected}"));
    };
    check(r#""maxAttempts": 3,"#, "", ": expected the field maxAttempts, got none");
    check("3", "1", ".maxAttempts: expected 2 or more, got 1");
    check(r#""initialBackoff": "0.5s","#, "", ": expected the field initialBackoff, got none");
    check("0.5s", "0s", r#".initialBackoff: expected a duration greater than zero, got "0s""#);
    check("\"2s\"", "2", r#".maxBackoff: expected a duration such as "1.5s", got 2"#);
    check("1.5", "0", ".backoffMultiplier: expected a number greater than zero, got 0");
    let code = "expected a status code such as \"UNAVAILABLE\", got";
    check("aborted", "OK", &format!(".retryableStatusCodes[1]: {code} \"OK\""));
    check("4]", "17]", &format!(".retryableStatusCodes[2]: {code} 17"));
    check(
        r#"["UNAVAILABLE", "aborted", 4]"#,
        "[]",
        ".retryableStatusCodes: expected at least one status code, got none",
    );
    refused_entry(
        r#""hedgingPolicy": {"maxAttempts": 2}"#,
        ".hedgingPolicy: expected none, since hedging is not offered, got a policy",
    );
}

/// gRFC A6, retryThrottling.
#[test]
fn throttling_is_read() {
    let json = r#"{"retryThrottling": {"maxTokens": 10, "tokenRatio": 0.5}}"#;
    assert_eq!(config(json).throttling, Some(RetryThrottling::new(10, 0.5)));
    let check = |fields: &str, expected: &str| {
        refused(
            &format!(r#"{{"retryThrottling": {{{fields}}}}}"#),
            &format!("retryThrottling{expected}"),
        );
    };
    check(r#""tokenRatio": 1"#, ": expected the field maxTokens, got none");
    check(r#""maxTokens": 1001"#, ".maxTokens: expected 1 to 1000, got 1001");
    check(r#""maxTokens": 1, "tokenRatio": 0"#, ".tokenRatio: expected 0.001 or more, got 0");
}

/// gRFC A17, healthCheckConfig.
#[test]
fn the_service_of_health_checks_is_read() {
    let service = |json: &str| config(json).health_service;
    assert_eq!(service(r#"{"healthCheckConfig": {"serviceName": ""}}"#), Some(String::new()));
    assert_eq!(service(r#"{"healthCheckConfig": {"serviceName": "a.B"}}"#), Some("a.B".to_owned()));
    assert_eq!(service(r#"{"healthCheckConfig": {}}"#), None);
    refused(
        r#"{"healthCheckConfig": {"serviceName": 1}}"#,
        "healthCheckConfig.serviceName: expected a string, got 1",
    );
}
