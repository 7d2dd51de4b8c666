//! What a method does with its context: ends, statuses of its choice, cancellation.

use std::sync::mpsc::{self, Receiver, Sender};
#[cfg(feature = "testing")]
use std::time::Duration;

use super::support::{PATIENCE, Setup, Talk, TestServer};
use crate::grpc::{Code, Status};
use crate::http2::Reason;

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";
const RECORD: &str = "/test.Talk/Record";
const CHAT: &str = "/test.Talk/Chat";

fn talks() -> [(&'static str, Talk); 4] {
    [
        (
            UNARY,
            Talk::unary(|_, context| {
                context.trailing_metadata_mut().insert("x-trailing", "1")?;
                context.set_code(Code::Aborted);
                context.set_details("chosen");
                Ok("reply".to_owned())
            }),
        ),
        (
            LIST,
            Talk::list(|_, replies, context| {
                context.trailing_metadata_mut().insert("x-trailing", "1")?;
                context.set_code(Code::Aborted);
                context.set_details("chosen");
                replies.send("reply".to_owned())
            }),
        ),
        (
            RECORD,
            Talk::record(|_, context| {
                context.trailing_metadata_mut().insert("x-trailing", "1")?;
                context.set_code(Code::Aborted);
                context.set_details("chosen");
                Ok("reply".to_owned())
            }),
        ),
        (
            CHAT,
            Talk::chat(|_, replies, context| {
                context.trailing_metadata_mut().insert("x-trailing", "1")?;
                context.set_code(Code::Aborted);
                context.set_details("chosen");
                replies.send("reply".to_owned())
            }),
        ),
    ]
}

/// A method of any kind may reply and end with a status of its choice.
#[test]
fn a_method_replies_with_a_status_of_its_choice() {
    for (path, talk) in talks() {
        let server = TestServer::new(talk);
        let response = server.connect().call(path, &[], "");
        assert_eq!(response.messages(), ["reply"], "{path}");
        assert_eq!(response.status(), ("10", "chosen"), "{path}");
        assert_eq!(response.trailer("x-trailing"), Some("1"), "{path}");
    }
}

/// OK can have words too; an error that is returned comes before what was chosen; the choice of OK
/// is no choice.
#[test]
fn what_a_method_chooses_and_returns_go_together() {
    let server = TestServer::new(Talk::unary(|request, context| {
        assert_eq!((context.code(), context.details()), (None, ""));
        match &request[..] {
            "words" => context.set_details("all 7"),
            "error" => {
                context.set_code(Code::Aborted);
                return context.abort(Code::NotFound, "no such user");
            }
            "status" => return context.abort_with_status(Status::data_loss("gone")),
            _ => {
                context.set_code(Code::Aborted);
                context.set_code(Code::Ok);
                assert_eq!(context.code(), Some(Code::Ok));
            }
        }
        Ok(request)
    }));
    let mut peer = server.connect();
    let response = peer.call(UNARY, &[], "words");
    assert_eq!((response.messages(), response.status()), (vec!["words".into()], ("0", "all 7")));
    assert_eq!(peer.call(UNARY, &[], "error").status(), ("5", "no such user"));
    assert_eq!(peer.call(UNARY, &[], "status").status(), ("15", "gone"));
    let response = peer.call(UNARY, &[], "ok");
    assert_eq!((response.messages(), response.status()), (vec!["ok".into()], ("0", "")));
}

/// A method that cancels its own call resets the stream: the client gets CANCELLED.
#[test]
fn a_method_cancels_its_call() {
    let (log, found) = mpsc::channel();
    let server = TestServer::new(Talk::unary(move |request, context| {
        context.cancel();
        log.send((context.is_active(), context.is_cancelled())).unwrap();
        context.cancel();
        Ok(request)
    }));
    let response = server.connect().call(UNARY, &[], "");
    assert_eq!(response.reset, Some(Reason::CANCEL));
    assert_eq!(found.recv().unwrap(), (false, true));
}

/// Sends a line when it is run.
fn telling(lines: &Sender<&'static str>, line: &'static str) -> impl FnOnce() + Send + use<> {
    let lines = lines.clone();
    move || lines.send(line).unwrap()
}

fn next(lines: &Receiver<&'static str>) -> &'static str {
    lines.recv_timeout(PATIENCE).expect("the callback has not run")
}

/// Callbacks of the termination run once when the method returns in whatever way, in their order,
/// and those of a cancellation do not.
#[test]
fn a_termination_is_told_when_the_call_ends() {
    for outcome in ["ok", "error", "panic"] {
        let (log, lines) = mpsc::channel();
        let telling_log = log.clone();
        let server = TestServer::new(Talk::unary(move |request, context| {
            assert!(context.on_termination(telling(&telling_log, "first")));
            context.on_cancel(telling(&telling_log, "cancelled"));
            assert!(context.on_termination(telling(&telling_log, "second")));
            match &request[..] {
                "error" => Err(Status::aborted("")),
                "panic" => panic!("expected by this test"),
                _ => Ok(request),
            }
        }));
        server.connect().call(UNARY, &[], outcome);
        assert_eq!((next(&lines), next(&lines)), ("first", "second"), "{outcome}");
        // Whatever was to run has run with the second one, on the one thread for callbacks.
        assert!(lines.try_recv().is_err(), "{outcome}");
    }
}

/// Callbacks of the termination run when the client cancels, before the method has returned.
#[test]
fn a_termination_is_told_when_the_client_cancels() {
    let (log, lines) = mpsc::channel();
    let server = TestServer::new(Talk::unary(move |request, context| {
        assert!(context.on_termination(telling(&log, "over")));
        log.send("registered").unwrap();
        assert!(context.wait_cancelled(PATIENCE));
        // The call is over: the callback is dropped, and the method is told.
        assert!(!context.on_termination(telling(&log, "too late")));
        log.send("returns").unwrap();
        Ok(request)
    }));
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "", true);
    assert_eq!(next(&lines), "registered");
    peer.reset(stream);
    let mut both = [next(&lines), next(&lines)];
    both.sort_unstable();
    assert_eq!(both, ["over", "returns"]);
}

/// Callbacks of the termination run when the deadline passes.
#[test]
#[cfg(feature = "testing")]
fn a_termination_is_told_when_the_deadline_passes() {
    let clock = crate::testing::Clock::start();
    let (start, started) = mpsc::channel();
    let (log, lines) = mpsc::channel();
    let server = TestServer::new(Talk::unary(move |request, context| {
        assert_eq!(context.time_remaining(), Some(Duration::from_millis(50)));
        context.on_termination(telling(&log, "over"));
        start.send(()).unwrap();
        assert!(context.wait_cancelled(PATIENCE));
        Ok(request)
    }));
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[("grpc-timeout", "50m")], false);
    peer.send(stream, "", true);
    started.recv().unwrap();
    clock.advance(Duration::from_millis(50));
    assert_eq!(peer.response(stream).trailer("grpc-status"), Some("4"));
    assert_eq!(next(&lines), "over");
}

/// Callbacks of the termination of a call whose replies are detached run when the sink ends it.
#[test]
fn a_termination_is_told_when_a_detached_sink_finishes() {
    let (log, lines) = mpsc::channel();
    let server = Setup::new(Talk::list(move |_, replies, context| {
        context.on_termination(telling(&log, "over"));
        let (replies, log) = (replies.detach(), log.clone());
        std::thread::spawn(move || {
            log.send("finishes").unwrap();
            replies.finish(Ok(()));
        });
        Ok(())
    }))
    .start();
    assert_eq!(server.connect().call(LIST, &[], "").status(), ("0", ""));
    assert_eq!((next(&lines), next(&lines)), ("finishes", "over"));
}
