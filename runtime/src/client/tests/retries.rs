//! gRFC A6: calls that are sent again by a retry policy, against a scripted peer.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::peer::{Peer, Peers, Script, build_against, script};
use super::{Stub, text};
use crate::client::{Channel, ChannelBuilder, Request, Response, RetryPolicy, RetryThrottling};
use crate::grpc::{Code, Received, Sent, Status};
use crate::http2::{Reason, StreamId};
use crate::transport::now;

/// Longer than any test takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Retries UNAVAILABLE, nearly at once.
fn quick() -> RetryPolicy {
    let wait = Duration::from_millis(1);
    RetryPolicy::new([Code::Unavailable]).initial_backoff(wait).max_backoff(wait)
}

/// Retries UNAVAILABLE when no test is there any more.
fn slow() -> RetryPolicy {
    let wait = Duration::from_secs(3600);
    RetryPolicy::new([Code::Unavailable]).initial_backoff(wait).max_backoff(wait)
}

fn with(policy: RetryPolicy, scripts: Vec<Script>) -> (Stub, Peers) {
    build_against(Channel::builder("memory").retry_policy(policy), scripts)
}

/// Ends a call by Trailers-Only.
fn fail(peer: &mut Peer, stream: StreamId, extra: &[(&str, &str)]) {
    let mut fields = vec![(":status", "200"), ("content-type", "application/grpc")];
    if !extra.iter().any(|(name, _)| *name == "grpc-status") {
        fields.push(("grpc-status", "14"));
    }
    fields.extend(extra);
    peer.send_only(stream, &fields);
}

/// The next call: its message and what it says of attempts before it.
fn attempt(peer: &mut Peer) -> (StreamId, String, Option<String>) {
    let (stream, head) = peer.head();
    let value = head.get("grpc-previous-rpc-attempts");
    let previous = value.map(|value| String::from_utf8_lossy(value).into_owned());
    let bytes = peer.rest(stream);
    (stream, String::from_utf8_lossy(&bytes[5..]).into_owned(), previous)
}

/// gRFC A6, Exposed Retry Metadata: the first attempt says nothing, the others how many there were
/// before; the client learns it too.
#[test]
fn a_failed_call_is_sent_again_and_says_how_often_it_was() {
    let (stub, peers) = with(
        quick(),
        script(|peer| {
            for expected in [None, Some("1"), Some("2")] {
                let (stream, message, previous) = attempt(peer);
                assert_eq!((message.as_str(), previous.as_deref()), ("a", expected));
                match expected {
                    Some("2") => peer.reply(stream, "re a"),
                    _ => fail(peer, stream, &[]),
                }
            }
            let (stream, _, previous) = attempt(peer);
            assert_eq!(previous, None);
            peer.reply(stream, "re b");
            peer.until_closed();
        }),
    );
    let response = stub.unary(text("a")).unwrap();
    assert_eq!(response.metadata().get("grpc-previous-rpc-attempts"), Some("2"));
    assert_eq!(*response, "re a");
    let response = stub.unary(text("b")).unwrap();
    assert_eq!(response.metadata().get("grpc-previous-rpc-attempts"), None);
    drop(stub);
    peers.join();
}

/// gRFC A6, Maximum Number of Retries: the last failure is the result.
#[test]
fn the_last_attempts_failure_is_the_result() {
    let (stub, peers) = with(
        quick().max_attempts(3),
        script(|peer| {
            for words in ["one", "two", "three"] {
                let (stream, ..) = attempt(peer);
                fail(peer, stream, &[("grpc-message", words)]);
            }
            peer.until_closed();
        }),
    );
    assert_eq!(stub.unary(text("a")).unwrap_err().to_string(), "UNAVAILABLE: three");
    drop(stub);
    peers.join();
}

/// gRFC A6, Retryable Status Codes, Pushback, Disabling Retries: what is not sent again.
#[test]
fn what_the_policy_does_not_cover_is_not_sent_again() {
    let builder =
        Channel::builder("memory").retry_policy(quick()).disable_retries_for("test.Test/List");
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            let stops: [&[(&str, &str)]; 5] = [
                &[("grpc-status", "13")],
                &[("grpc-retry-pushback-ms", "-1")],
                &[("grpc-retry-pushback-ms", "soon")],
                &[],
                &[],
            ];
            for stop in stops {
                let (stream, ..) = attempt(peer);
                fail(peer, stream, stop);
            }
            peer.until_closed();
        }),
    );
    assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Internal);
    for _ in 0..2 {
        assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
    }
    let request = Request::new(text("")).disable_retries();
    assert_eq!(stub.unary(request).unwrap_err().code(), Code::Unavailable);
    let status = stub.list(text("")).unwrap().recv().unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    drop(stub);
    peers.join();
}

/// gRFC A6, Pushback: the server says when, in place of the backoff.
#[test]
fn pushback_comes_before_the_backoff() {
    let (stub, peers) = with(
        slow(),
        script(|peer| {
            let (stream, ..) = attempt(peer);
            fail(peer, stream, &[("grpc-retry-pushback-ms", "3")]);
            let (stream, ..) = attempt(peer);
            peer.reply(stream, "r");
            peer.until_closed();
        }),
    );
    let begin = now();
    assert_eq!(*stub.unary(text("")).unwrap(), "r");
    assert!(now() - begin >= Duration::from_millis(3));
    drop(stub);
    peers.join();
}

/// gRFC A6, When Retries are Valid: the head of a response commits the call, with a failure behind
/// it too; a connection that is lost before it does not.
#[test]
fn the_head_of_a_response_commits() {
    let scripts: Vec<Script> = vec![
        Box::new(|peer| drop(attempt(peer))),
        Box::new(|peer| {
            let (stream, _, previous) = attempt(peer);
            assert_eq!(previous.as_deref(), Some("1"));
            peer.send_head(stream, &[]);
            peer.send_trailers(stream, &[("grpc-status", "14"), ("grpc-message", "late")]);
            peer.until_closed();
        }),
    ];
    let (stub, peers) = with(quick(), scripts);
    assert_eq!(stub.unary(text("")).unwrap_err().to_string(), "UNAVAILABLE: late");
    drop(stub);
    peers.join();
}

/// A response that is none of gRPC, from a proxy perhaps, is no head: HTTP 503 is UNAVAILABLE.
#[test]
fn an_http_error_is_sent_again() {
    let (stub, peers) = with(
        quick(),
        script(|peer| {
            let (stream, ..) = attempt(peer);
            let fields = [(":status", "503"), ("content-type", "text/html")];
            peer.send_fields(stream, fields.iter(), false);
            // The beginning of its body, which the status would tell.
            peer.send_message(stream, "busy");
            let (next, ..) = attempt(peer);
            assert_eq!(peer.reset_of(stream), Reason::CANCEL);
            peer.reply(next, "r");
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("")).unwrap(), "r");
    drop(stub);
    peers.join();
}

/// gRFC A6, When Retries are Valid: a stream of requests is sent again whole, whichever half learns
/// of the failure, until more was sent than is kept.
#[test]
fn a_stream_of_requests_is_sent_again_until_its_buffer_overflows() {
    let builder = || Channel::builder("memory").retry_policy(quick()).retry_buffer_size(18);
    for (count, is_retried) in [(3, true), (4, false)] {
        let (stub, peers) = build_against(
            builder(),
            script(move |peer| {
                for _ in 0..2 {
                    let (stream, _) = peer.head();
                    let mut seen = 0;
                    while seen < count * 6 {
                        seen += peer.data(stream).len();
                    }
                    fail(peer, stream, &[]);
                    peer.refuse_data_of(stream);
                    if !is_retried {
                        return peer.until_closed();
                    }
                }
                let (stream, _) = peer.head();
                assert_eq!(peer.rest(stream).len(), count * 6);
                peer.reply(stream, "all");
                peer.until_closed();
            }),
        );
        let mut sink = stub.record(()).unwrap();
        for _ in 0..count {
            sink.send(text("a")).unwrap();
        }
        let result = sink.finish().map(Response::into_inner);
        assert_eq!(result.is_ok(), is_retried, "{result:?}");
        drop(stub);
        peers.join();
    }
}

/// The half that sends goes on with the next stream: messages are neither lost nor sent twice.
#[test]
fn a_sender_goes_on_with_the_next_attempt() {
    let (stub, peers) = with(
        quick(),
        script(|peer| {
            let (stream, _) = peer.head();
            assert_eq!(peer.data(stream), b"\0\0\0\0\x01a");
            fail(peer, stream, &[]);
            peer.refuse_data_of(stream);
            let (stream, _) = peer.head();
            let rest = peer.rest(stream);
            let expected = [&b"\0\0\0\0\x01a"[..], &b"\0\0\0\0\x01b".repeat(1000)].concat();
            assert_eq!(rest, expected);
            peer.reply(stream, "all");
            peer.until_closed();
        }),
    );
    let mut sink = stub.record(()).unwrap();
    sink.send(text("a")).unwrap();
    for _ in 0..1000 {
        sink.send(text("b")).unwrap();
    }
    assert_eq!(*sink.finish().unwrap(), "all");
    drop(stub);
    peers.join();
}

/// All four kinds are sent again, and calls that nobody waits for too.
#[test]
fn all_kinds_of_calls_are_sent_again() {
    let (stub, peers) = with(
        quick(),
        script(|peer| {
            for _ in 0..5 {
                let (stream, _) = peer.head();
                peer.rest(stream);
                fail(peer, stream, &[]);
                let (stream, _) = peer.head();
                peer.rest(stream);
                peer.reply(stream, "r");
            }
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("")).unwrap(), "r");
    let replies = stub.list(text("")).unwrap().collect::<Result<Vec<_>, _>>();
    assert_eq!(replies.unwrap(), ["r"]);
    let sink = stub.record(()).unwrap().send_all([text("a")]).unwrap();
    assert_eq!(*sink.finish().unwrap(), "r");
    let mut chat = stub.chat(()).unwrap();
    assert_eq!(chat.try_send(text("a")), Ok(Sent::Taken));
    chat.close_send();
    assert_eq!(chat.recv_timeout(PATIENCE), Ok(Received::Message(text("r"))));
    assert_eq!(chat.recv_timeout(PATIENCE), Ok(Received::End));
    let (sender, results) = channel();
    let call = stub.pending(text("")).unwrap();
    call.on_done(move |result| sender.send(result.map(Response::into_inner)).unwrap());
    assert_eq!(results.recv_timeout(PATIENCE).unwrap().unwrap(), "r");
    drop((chat, stub));
    peers.join();
}

/// gRFC A6, Transparent Retries: a refusal does not count; the second one is handled by the policy.
#[test]
fn a_refused_stream_is_sent_again_at_once_and_then_by_the_policy() {
    let (stub, peers) = with(
        quick().max_attempts(2),
        script(|peer| {
            for expected in [None, None, Some("1")] {
                let (stream, _, previous) = attempt(peer);
                assert_eq!(previous.as_deref(), expected);
                match expected {
                    None => peer.refuse(stream),
                    Some(_) => peer.reply(stream, "r"),
                }
            }
            peer.until_closed();
        }),
    );
    assert_eq!(*stub.unary(text("")).unwrap(), "r");
    drop(stub);
    peers.join();
}

/// gRFC A6, Throttling: the tokens are the channel's; without enough of them nothing is sent again.
#[test]
fn throttling_is_shared_by_the_calls_of_a_channel() {
    let builder = Channel::builder("memory")
        .retry_policy(quick())
        .retry_throttling(RetryThrottling::new(4, 1.0));
    let (stub, peers) = build_against(
        builder,
        script(|peer| {
            // 3 tokens are left, then 2: half of them.
            for _ in 0..2 {
                let (stream, ..) = attempt(peer);
                fail(peer, stream, &[]);
            }
            for _ in 0..2 {
                let (stream, ..) = attempt(peer);
                peer.reply(stream, "r");
            }
            let (stream, ..) = attempt(peer);
            fail(peer, stream, &[]);
            let (stream, ..) = attempt(peer);
            peer.reply(stream, "again");
            peer.until_closed();
        }),
    );
    assert_eq!(stub.unary(text("")).unwrap_err().code(), Code::Unavailable);
    for _ in 0..2 {
        assert_eq!(*stub.unary(text("")).unwrap(), "r");
    }
    assert_eq!(*stub.unary(text("")).unwrap(), "again");
    drop(stub);
    peers.join();
}

/// gRFC A6: the deadline applies across all attempts, and to the waits between them.
#[test]
fn the_deadline_covers_the_waits() {
    let (stub, peers) = with(slow(), script(fail_all));
    stub.0.wait_until_ready(PATIENCE).unwrap();
    let short = |message| Request::new(message).timeout(Duration::from_millis(500));
    let status = stub.unary(short(text(""))).unwrap_err();
    let expected = "deadline passed while waiting to send the call again after UNAVAILABLE";
    assert_eq!((status.code(), status.message()), (Code::DeadlineExceeded, expected));
    let mut call = stub.pending(short(text(""))).unwrap();
    let status = call.wait_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded);
    drop((call, stub));
    peers.join();
}

/// Cancelling, dropping and closing end a call that waits to be sent again.
#[test]
fn a_waiting_retry_is_stopped_by_whatever_ends_the_call() {
    let (stub, peers) = with(slow(), script(fail_all));
    // On a thread that waits for it.
    let mut replies = stub.list(text("")).unwrap();
    let canceller = replies.canceller();
    let waiting = thread::spawn(move || replies.recv().unwrap_err().code());
    until_waiting(&stub, 1);
    canceller.cancel();
    assert_eq!(waiting.join().unwrap(), Code::Cancelled);
    // On the timer.
    let (sender, results) = channel();
    let call = stub.pending(text("")).unwrap();
    let canceller = call.on_done(move |result| sender.send(result.map(drop)).unwrap());
    until_waiting(&stub, 1);
    canceller.cancel();
    let status: Status = results.recv_timeout(PATIENCE).unwrap().unwrap_err();
    assert_eq!(status.code(), Code::Cancelled);
    until_waiting(&stub, 0);
    let mut call = stub.pending(text("")).unwrap();
    while call.try_wait().is_none() && stub.0.retries().waiting() == 0 {
        thread::yield_now();
    }
    drop(call);
    until_waiting(&stub, 0);
    // By the channel.
    let mut replies = stub.list(text("")).unwrap();
    let waiting = thread::spawn(move || replies.recv().unwrap_err().to_string());
    until_waiting(&stub, 1);
    stub.0.close();
    assert_eq!(waiting.join().unwrap(), "CANCELLED: the channel is closed");
    drop(stub);
    peers.join();
}

/// An attempt that finds no connection is an attempt: it is made again by the policy.
#[test]
fn a_refused_connection_is_tried_again() {
    let builder = Channel::builder("memory")
        .retry_policy(quick().max_attempts(5).backoff_multiplier(1.0))
        .reconnect_backoff(Duration::from_millis(1), Duration::from_millis(1));
    let (stub, peers) = build_against(builder, Vec::new());
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert!(peers.connects() > 1, "{}", peers.connects());
    drop(stub);
    peers.join();
}

/// A channel whose policy cannot be kept is not built.
#[test]
fn impossible_policies_are_refused_in_words() {
    let refusal = |builder: ChannelBuilder| builder.build().unwrap_err().to_string();
    assert_eq!(
        refusal(Channel::builder("localhost:1").retry_policy(quick().max_attempts(1))),
        "INVALID_ARGUMENT: retry policy: expected max_attempts of 2 or more, got 1"
    );
    assert_eq!(
        refusal(Channel::builder("localhost:1").retry_policy_for("/S/M", quick())),
        "INVALID_ARGUMENT: retry policy for \"/S/M\": expected package.Service or \
         package.Service/Method"
    );
}

/// Ends every call with UNAVAILABLE.
fn fail_all(peer: &mut Peer) {
    use super::peer::Seen;
    loop {
        match peer.next() {
            Seen::Data { stream, end: true, .. } => fail(peer, stream, &[]),
            Seen::Closed => return,
            _ => {}
        }
    }
}

/// Waits until so many calls of the channel wait to be sent again.
fn until_waiting(stub: &Stub, count: usize) {
    while stub.0.retries().waiting() != count {
        thread::yield_now();
    }
}
