//! What a service config makes of calls.

use std::time::Duration;

use super::peer::{Script, Seen, build_against};
use super::{Stub, text};
use crate::client::{Channel, ChannelBuilder, ClientNext, OutgoingCall, Request, RetryPolicy};
use crate::grpc::Code;
use crate::transport::now;

const HOUR: Duration = Duration::from_secs(3600);

/// A channel whose config has one entry for all methods.
fn configured(entry: &str) -> ChannelBuilder {
    let json = format!(r#"{{"methodConfig": [{{"name": [{{}}], {entry}}}]}}"#);
    Channel::builder("memory").service_config(&json)
}

/// A stub whose calls nobody answers.
fn silent(builder: ChannelBuilder) -> Stub {
    build_against(builder, Vec::new()).0
}

/// A server that answers each call with the timeout that it came with.
fn timeouts() -> Vec<Script> {
    vec![Box::new(|peer| {
        while let Some((stream, headers)) = peer.head_or_end() {
            peer.rest(stream);
            let timeout = headers.get("grpc-timeout").expect("each call has one");
            peer.reply(stream, &String::from_utf8_lossy(timeout));
        }
    })]
}

fn seconds(timeout: &str) -> u64 {
    let (number, unit) = timeout.split_at(timeout.len() - 1);
    let number: f64 = number.parse().unwrap();
    let nanos = match unit {
        "n" => 1.0,
        "u" => 1e3,
        "m" => 1e6,
        "S" => 1e9,
        other => panic!("{other}"),
    };
    (number * nanos / 1e9).round() as u64
}

/// service_config.proto, timeout: the smaller one of the config's and the call's holds, which may be the
/// channel's default.
#[test]
fn the_smaller_timeout_holds() {
    let call = |builder: ChannelBuilder, own: Option<u64>| {
        let (stub, peers) = build_against(builder, timeouts());
        let mut request = Request::new(text(""));
        if let Some(own) = own {
            request = request.timeout(Duration::from_secs(own));
        }
        let timeout = seconds(&stub.unary(request).unwrap());
        drop(stub);
        peers.join();
        timeout
    };
    let minute = || configured(r#""timeout": "60s""#);
    assert_eq!(call(minute(), None), 60);
    assert_eq!(call(minute(), Some(30)), 30);
    assert_eq!(call(minute(), Some(90)), 60);
    assert_eq!(call(minute().default_timeout(Duration::from_secs(20)), None), 20);
    assert_eq!(call(minute().default_timeout(HOUR), None), 60);
}

/// service_config.proto, maxRequestMessageBytes and maxResponseMessageBytes: the smaller limit holds.
#[test]
fn the_smaller_size_holds() {
    let send = |builder: ChannelBuilder, own: usize| {
        let request = Request::new(text("123456")).max_send_message_size(own);
        silent(builder.max_send_message_size(1 << 20)).unary(request).unwrap_err().code()
    };
    let five = || configured(r#""maxRequestMessageBytes": 5"#);
    assert_eq!(send(five(), 100), Code::ResourceExhausted);
    assert_eq!(send(configured(r#""maxRequestMessageBytes": 100"#), 5), Code::ResourceExhausted);
    assert_eq!(send(configured(r#""maxRequestMessageBytes": 6"#), 6), Code::Unavailable);

    let answers: Script = Box::new(|peer| {
        while let Some((stream, message)) = peer.request_or_end() {
            peer.reply(stream, &message);
        }
    });
    let (stub, peers) = build_against(configured(r#""maxResponseMessageBytes": 5"#), vec![answers]);
    assert_eq!(*stub.unary(text("12345")).unwrap(), "12345");
    let wide = Request::new(text("123456")).max_receive_message_size(100);
    assert_eq!(stub.unary(wide).unwrap_err().code(), Code::ResourceExhausted);
    drop(stub);
    peers.join();
}

/// service_config.proto, waitForReady: what the call says comes before the config, and that before the
/// channel's default.
#[test]
fn the_call_says_whether_it_waits() {
    let ends = |stub: &Stub, request: Request<String>| {
        stub.unary(request.timeout(Duration::from_millis(20))).unwrap_err().code()
    };
    let waits = silent(configured(r#""waitForReady": true"#));
    assert_eq!(ends(&waits, Request::new(text(""))), Code::DeadlineExceeded);
    assert_eq!(ends(&waits, Request::new(text("")).fail_fast()), Code::Unavailable);
    let fails = silent(configured(r#""waitForReady": false"#).default_wait_for_ready());
    assert_eq!(ends(&fails, Request::new(text(""))), Code::Unavailable);
    assert_eq!(ends(&fails, Request::new(text("")).wait_for_ready()), Code::DeadlineExceeded);
}

/// How often a call that always fails is sent.
fn attempts(builder: ChannelBuilder) -> usize {
    let (tell, came) = std::sync::mpsc::channel();
    let fails: Script = Box::new(move |peer| {
        while let Some((stream, _)) = peer.request_or_end() {
            tell.send(()).unwrap();
            let fields =
                [(":status", "200"), ("content-type", "application/grpc"), ("grpc-status", "14")];
            peer.send_only(stream, &fields);
        }
    });
    let (stub, peers) = build_against(builder, vec![fails]);
    stub.unary(text("")).unwrap_err();
    drop(stub);
    peers.join();
    came.try_iter().count()
}

/// gRFC A6: retryPolicy and retryThrottling of the config are those of the channel, unless its builder
/// says otherwise.
#[test]
fn the_config_has_calls_sent_again() {
    let policy = r#"{"maxAttempts": 3, "initialBackoff": "0.001s", "maxBackoff": "0.001s",
        "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}"#;
    let all = || configured(&format!(r#""retryPolicy": {policy}"#));
    assert_eq!(attempts(all()), 3);
    let twice = RetryPolicy::new([Code::Unavailable])
        .max_attempts(2)
        .initial_backoff(Duration::from_millis(1));
    assert_eq!(attempts(all().retry_policy(twice)), 2);
    assert_eq!(attempts(all().disable_retries_for("test.Test/Unary")), 1);
    let excepted = |method: &str| {
        let json = format!(
            r#"{{"methodConfig": [
                {{"name": [{{"service": "test.Test"}}], "retryPolicy": {policy}}},
                {{"name": [{{"service": "test.Test", "method": "{method}"}}]}}
            ], "retryThrottling": {{"maxTokens": 100, "tokenRatio": 1}}}}"#
        );
        Channel::builder("memory").service_config(&json)
    };
    assert_eq!(attempts(excepted("Unary")), 1);
    assert_eq!(attempts(excepted("List")), 3);
}

/// service_config.proto, timeout: an interceptor's deadline is cut too, and may be earlier.
#[test]
fn the_config_cuts_what_interceptors_say() {
    let call = |deadline: u64| {
        let sets = move |call: &mut OutgoingCall<'_>, next: ClientNext<'_>| {
            call.set_deadline(now() + Duration::from_secs(deadline));
            next.run(call)
        };
        let builder = configured(r#""timeout": "60s""#).interceptor(sets);
        let (stub, peers) = build_against(builder, timeouts());
        let timeout = seconds(&stub.unary(text("")).unwrap());
        drop(stub);
        peers.join();
        timeout
    };
    assert_eq!(call(30), 30);
    assert_eq!(call(90), 60);
}

/// service_config.proto, maxRequestMessageBytes: each message of a stream is measured, in calls of both
/// kinds that have one.
#[test]
fn the_smaller_size_holds_for_streams() {
    let takes: Script = Box::new(|peer| while peer.next() != Seen::Closed {});
    let (stub, peers) = build_against(configured(r#""maxRequestMessageBytes": 5"#), vec![takes]);
    let wide = || Request::new(()).max_send_message_size(100);
    let mut sink = stub.record(wide()).unwrap();
    sink.send(text("12345")).unwrap();
    assert_eq!(sink.send(text("123456")).unwrap_err().code(), Code::ResourceExhausted);
    let mut chat = stub.chat(wide()).unwrap();
    chat.send(text("12345")).unwrap();
    assert_eq!(chat.send(text("123456")).unwrap_err().code(), Code::ResourceExhausted);
    drop((sink, chat, stub));
    peers.join();
}
