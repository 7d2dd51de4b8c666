//! How calls and servers end before their time: deadlines, cancellation, full queues, detached
//! replies, stopping.

use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Barrier, Mutex};
use std::thread;
use std::time::Duration;

use super::support::{PATIENCE, Setup, Talk, TestServer};
use crate::grpc::{Code, Status};
use crate::server::{CancellationToken, DetachedSink};
#[cfg(feature = "testing")]
use crate::testing::Clock;

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";
#[cfg(feature = "testing")]
const RECORD: &str = "/test.Talk/Record";
const CHAT: &str = "/test.Talk/Chat";

/// A unary method that says when it runs and waits until it is let go.
struct Held {
    started: Receiver<String>,
    go_on: Sender<()>,
}

fn held() -> (Talk, Held) {
    let (start, started) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let talk = Talk::unary(move |request, _| {
        start.send(request.clone()).unwrap();
        // An error: the test is over.
        let _ = gate.lock().unwrap().recv();
        Ok(request)
    });
    (talk, Held { started, go_on })
}

/// With every worker busy and the queue full, a call is RESOURCE_EXHAUSTED at once; the others run.
#[test]
fn a_full_queue_is_resource_exhausted() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 1).start();
    let mut peer = server.connect();
    let mut open = |request: &str| {
        let stream = peer.open(UNARY, &[], false);
        peer.send(stream, request, true);
        stream
    };
    let running = open("running");
    assert_eq!(held.started.recv().unwrap(), "running");
    let (waiting, refused) = (open("waiting"), open("refused"));
    let response = peer.response(refused);
    assert!(response.is_trailers_only());
    assert_eq!(response.status(), ("8", "every worker is busy and as many calls wait as may, 1"));
    held.go_on.send(()).unwrap();
    held.go_on.send(()).unwrap();
    assert_eq!(peer.response(running).messages(), ["running"]);
    assert_eq!(peer.response(waiting).messages(), ["waiting"]);
}

/// Checklist 34: the deadline counts from the head's arrival, so a call whose deadline passed in the
/// queue never starts; its client is told why.
#[test]
fn a_call_that_expires_in_the_queue_never_starts() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 8).start();
    let mut peer = server.connect();
    let running = peer.open(UNARY, &[], false);
    peer.send(running, "running", true);
    assert_eq!(held.started.recv().unwrap(), "running");
    let late = peer.open(UNARY, &[("grpc-timeout", "1m")], false);
    peer.send(late, "late", true);
    assert_eq!(peer.response(late).status().0, "4");
    let next = peer.open(UNARY, &[], false);
    peer.send(next, "next", true);
    held.go_on.send(()).unwrap();
    held.go_on.send(()).unwrap();
    assert_eq!(held.started.recv().unwrap(), "next");
    assert_eq!(peer.response(next).messages(), ["next"]);
    drop(server);
    assert!(held.started.recv().is_err(), "the late call has started");
}

/// Attack 1: a call that is cancelled in the queue never starts.
#[test]
fn a_call_that_is_cancelled_in_the_queue_never_starts() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 8).start();
    let mut peer = server.connect();
    let running = peer.open(UNARY, &[], false);
    peer.send(running, "running", true);
    assert_eq!(held.started.recv().unwrap(), "running");
    let cancelled = peer.open(UNARY, &[], false);
    peer.send(cancelled, "cancelled", true);
    peer.reset(cancelled);
    let next = peer.open(UNARY, &[], false);
    peer.send(next, "next", true);
    // The worker finds the cancelled call only behind its reset: frames are handled in order, and
    // a call of another kind, answered without a worker, tells that they are.
    let probe = peer.open("/test.Nobody/Unary", &[], true);
    peer.response(probe);
    held.go_on.send(()).unwrap();
    held.go_on.send(()).unwrap();
    assert_eq!(held.started.recv().unwrap(), "next");
    assert_eq!(peer.response(next).messages(), ["next"]);
}

/// Checklist 33: at its deadline a running call is cancelled, and what the method returns is
/// dropped. The client gets DEADLINE_EXCEEDED, not RST_STREAM: a client whose own clock is a little
/// behind would take that for CANCELLED.
#[test]
#[cfg(feature = "testing")]
fn at_the_deadline_the_method_and_the_client_are_told() {
    let clock = Clock::start();
    let (start, started) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let server = TestServer::new(Talk::unary(move |_, context| {
        assert!(context.deadline().is_some());
        start.send(()).unwrap();
        let cancelled = context.wait_cancelled(PATIENCE);
        let again = context.send_initial_metadata(&crate::grpc::Metadata::new());
        tell.send((cancelled, context.time_remaining(), again.unwrap_err().code())).unwrap();
        Ok("too late".to_owned())
    }));
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[("grpc-timeout", "20m")], false);
    peer.send(stream, "", true);
    started.recv().unwrap();
    clock.advance(Duration::from_millis(20));
    assert_eq!(peer.response(stream).status().0, "4");
    let expected = (true, Some(Duration::ZERO), Code::DeadlineExceeded);
    assert_eq!(told.recv().unwrap(), expected);
}

/// Checklist 30: a timeout of zero is a deadline that has passed: the method never runs.
#[test]
fn a_timeout_of_zero_never_runs_the_method() {
    let (talk, held) = held();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let response = peer.call(UNARY, &[("grpc-timeout", "0n")], "");
    assert_eq!(response.status().0, "4");
    drop(server);
    assert!(held.started.recv().is_err());
}

/// Waiting for a request ends with DEADLINE_EXCEEDED at the deadline.
#[test]
#[cfg(feature = "testing")]
fn waiting_for_a_request_ends_at_the_deadline() {
    let clock = Clock::start();
    let (start, started) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let server = TestServer::new(Talk::record(move |requests, _| {
        start.send(()).unwrap();
        let error = requests.recv().unwrap_err();
        tell.send((error.code(), requests.recv())).unwrap();
        Err(error)
    }));
    let mut peer = server.connect();
    let stream = peer.open(RECORD, &[("grpc-timeout", "20m")], false);
    started.recv().unwrap();
    clock.advance(Duration::from_millis(20));
    assert_eq!(told.recv().unwrap(), (Code::DeadlineExceeded, Ok(None)));
    peer.response(stream);
}

/// A method that runs until somebody cancels it, and what it saw.
fn watching() -> (Talk, Receiver<&'static str>) {
    let (tell, told) = mpsc::channel();
    let talk = Talk::chat(move |requests, replies, context| {
        let callback = tell.clone();
        context.on_cancel(move || callback.send("callback").unwrap());
        replies.send("running".to_owned())?;
        assert_eq!(requests.recv().unwrap_err().code(), Code::Cancelled);
        assert!(context.is_cancelled() && !context.is_active());
        assert!(context.cancellation().wait(PATIENCE));
        assert_eq!(replies.send("x".to_owned()).unwrap_err().code(), Code::Cancelled);
        let late = tell.clone();
        context.on_cancel(move || late.send("late callback").unwrap());
        Ok(())
    });
    (talk, told)
}

/// Both callbacks ran, each once; their own thread and the method's run them side by side.
fn assert_told_both(told: &Receiver<&'static str>) {
    let mut both = [told.recv().unwrap(), told.recv().unwrap()];
    both.sort_unstable();
    assert_eq!(both, ["callback", "late callback"]);
}

/// Checklist 43: RST_STREAM(CANCEL) from the client is CANCELLED to the method, which can ask, wait
/// and be told.
#[test]
fn a_reset_by_the_client_cancels_the_call() {
    let (talk, told) = watching();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(CHAT, &[], false);
    peer.until(stream, |response| !response.messages().is_empty());
    peer.reset(stream);
    assert_told_both(&told);
}

/// Checklist 44: the loss of the connection is CANCELLED to the method.
#[test]
fn a_lost_connection_cancels_its_calls() {
    let (talk, told) = watching();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(CHAT, &[], false);
    peer.until(stream, |response| !response.messages().is_empty());
    peer.cut();
    assert_told_both(&told);
}

/// A callback may take a lock that the method holds while it sends: it never runs inside `send`,
/// also if the deadline is found to have passed there.
#[test]
#[cfg(feature = "testing")]
fn a_callback_never_runs_inside_send() {
    let clock = Clock::start();
    let (start, started) = mpsc::channel();
    let (tell, told) = mpsc::channel();
    let (called, calls) = mpsc::channel();
    let server = Setup::new(Talk::list(move |_, replies, context| {
        let (registry, called) = (Arc::new(Mutex::new(())), called.clone());
        let (method, other) = (thread::current().id(), registry.clone());
        context.on_cancel(move || {
            drop(other.lock().unwrap());
            called.send(thread::current().id() == method).unwrap();
        });
        let _held = registry.lock().unwrap();
        start.send(()).unwrap();
        let sent = std::iter::repeat_with(|| replies.send("x".repeat(100_000)));
        let error = sent.filter_map(Result::err).next();
        tell.send(error.unwrap().code()).unwrap();
        Ok(())
    }))
    .send_limit(1 << 20)
    .start();
    for _ in 0..10 {
        let mut peer = server.connect();
        let stream = peer.open(LIST, &[("grpc-timeout", "100m")], false);
        // Nothing is read meanwhile, so the window is used up and `send` waits.
        peer.send(stream, "", true);
        started.recv().unwrap();
        clock.advance(Duration::from_millis(100));
        assert_eq!(told.recv().unwrap(), Code::DeadlineExceeded);
        assert!(!calls.recv().unwrap(), "it ran on the method's thread");
    }
}

/// A callback that blocks, and one that panics, hold up no deadline and no call.
#[test]
#[cfg(feature = "testing")]
fn a_callback_that_blocks_stops_no_deadline() {
    let clock = Clock::start();
    let (start, started) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(Some(gate));
    let (tell, told) = mpsc::channel();
    let server = TestServer::new(Talk::chat(move |_, _, context| {
        context.on_cancel(|| panic!("expected by this test"));
        if let Some(gate) = gate.lock().unwrap().take() {
            context.on_cancel(move || {
                let _over = gate.recv();
            });
        }
        start.send(()).unwrap();
        assert!(context.wait_cancelled(PATIENCE));
        tell.send(context.time_remaining()).unwrap();
        Ok(())
    }));
    let mut peer = server.connect();
    for _ in 0..2 {
        let stream = peer.open(CHAT, &[("grpc-timeout", "20m")], false);
        started.recv().unwrap();
        clock.advance(Duration::from_millis(20));
        assert_eq!(peer.response(stream).status().0, "4");
        assert_eq!(told.recv().unwrap(), Some(Duration::ZERO));
    }
    drop(go_on);
}

/// A call that ends in the ordinary way was never cancelled, and its callbacks are dropped.
#[test]
fn an_ordinary_end_is_no_cancellation() {
    let (tell, told) = mpsc::channel::<CancellationToken>();
    let (callback, never) = mpsc::channel::<()>();
    let callback = Mutex::new(Some(callback));
    let server = TestServer::new(Talk::unary(move |request, context| {
        let callback = callback.lock().unwrap().take().unwrap();
        context.on_cancel(move || callback.send(()).unwrap());
        tell.send(context.cancellation()).unwrap();
        Ok(request)
    }));
    let mut peer = server.connect();
    peer.call(UNARY, &[], "");
    let token = told.recv().unwrap();
    assert!(never.recv().is_err());
    assert!(!token.wait(PATIENCE) && !token.is_cancelled());
    peer.cut();
}

/// A sink that waits for flow control is woken by the client's cancellation.
#[test]
fn a_blocked_sink_is_woken_by_cancellation() {
    let (tell, told) = mpsc::channel();
    let (start, started) = mpsc::channel();
    let server = TestServer::new(Talk::list(move |_, replies, _| {
        start.send(()).unwrap();
        loop {
            // The peer reads nothing, so its window and all buffers fill up in the end.
            if let Err(error) = replies.send("x".repeat(1000)) {
                tell.send(error.code()).unwrap();
                return Err(error);
            }
        }
    }));
    let mut peer = server.connect();
    let stream = peer.open(LIST, &[], false);
    peer.send(stream, "", true);
    started.recv().unwrap();
    peer.reset(stream);
    assert_eq!(told.recv().unwrap(), Code::Cancelled);
}

/// A method that hands its detached sink to the test.
fn detaching() -> (Talk, Receiver<DetachedSink<String>>) {
    let (give, given) = mpsc::channel();
    let talk = Talk::list(move |_, replies, context| {
        context.trailing_metadata_mut().insert("x-method", "1")?;
        replies.send("attached".to_owned())?;
        give.send(replies.detach()).unwrap();
        assert_eq!(replies.send("x".to_owned()).unwrap_err().code(), Code::FailedPrecondition);
        Ok(())
    });
    (talk, given)
}

/// A detached sink outlives its method, whose worker runs other calls meanwhile, and ends the call
/// when it is finished.
#[test]
fn a_detached_sink_frees_the_worker_and_ends_the_call() {
    let (talk, given) = detaching();
    let server = Setup::new(talk).workers(1, 8).start();
    let mut peer = server.connect();
    let mut streams = Vec::new();
    let mut sinks = Vec::new();
    for _ in 0..3 {
        let stream = peer.open(LIST, &[], false);
        peer.send(stream, "", true);
        streams.push(stream);
        sinks.push(given.recv().unwrap());
    }
    // The only worker is free again: the method's metadata is left behind for the sinks.
    let probe = peer.call(UNARY, &[], "");
    assert_eq!(probe.status().0, "12");
    for (mut sink, stream) in sinks.into_iter().zip(streams) {
        assert!(!sink.is_cancelled());
        sink.send("detached".to_owned()).unwrap();
        sink.trailing_metadata_mut().insert("x-sink", "2").unwrap();
        sink.finish(Ok(()));
        let response = peer.response(stream);
        assert_eq!(response.messages(), ["attached", "detached"]);
        assert_eq!(response.status(), ("0", ""));
        assert_eq!(response.trailer("x-method"), Some("1"));
        assert_eq!(response.trailer("x-sink"), Some("2"));
    }
}

/// A detached sink that is dropped ends the call with UNKNOWN, one whose thread panics with INTERNAL,
/// one that is finished with an error with that.
#[test]
fn a_dropped_sink_never_looks_like_success() {
    let (talk, given) = detaching();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let mut status = |end: fn(DetachedSink<String>)| {
        let stream = peer.open(LIST, &[], false);
        peer.send(stream, "", true);
        end(given.recv().unwrap());
        let response = peer.response(stream);
        let (code, message) = response.status();
        (code.to_owned(), message.to_owned())
    };
    let dropped = ("2".to_owned(), "the replies were dropped before they were finished".to_owned());
    assert_eq!(status(drop), dropped);
    let panicked = status(|sink| {
        let thread = thread::spawn(move || {
            let _sink = sink;
            panic!("expected by this test");
        });
        thread.join().unwrap_err();
    });
    assert_eq!(panicked, ("13".to_owned(), "the method panicked".to_owned()));
    let failed = status(|sink| sink.finish(Err(Status::data_loss("gone"))));
    assert_eq!(failed, ("15".to_owned(), "gone".to_owned()));
}

/// A detached sink learns of the client's cancellation.
#[test]
fn a_detached_sink_fails_when_the_client_is_gone() {
    let (talk, given) = detaching();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(LIST, &[], false);
    peer.send(stream, "", true);
    let mut sink = given.recv().unwrap();
    peer.reset(stream);
    assert!(sink.cancellation().wait(PATIENCE));
    assert!(sink.is_cancelled());
    assert_eq!(sink.send("x".to_owned()).unwrap_err().code(), Code::Cancelled);
    sink.finish(Ok(()));
}

/// A method that detaches its replies and then fails ends the call with its error.
#[test]
fn an_error_behind_a_detached_sink_ends_the_call() {
    let (give, given) = mpsc::channel();
    let server = TestServer::new(Talk::list(move |_, replies, _| {
        give.send(replies.detach()).unwrap();
        Err(Status::aborted("changed my mind"))
    }));
    let response = server.connect().call(LIST, &[], "");
    assert_eq!(response.status(), ("10", "changed my mind"));
    let mut sink = given.recv().unwrap();
    assert_eq!(sink.send("x".to_owned()).unwrap_err().code(), Code::FailedPrecondition);
}

/// Checklist 53: stopping says GOAWAY, lets running calls end within the grace, and returns then.
#[test]
fn stopping_waits_for_running_calls() {
    let (talk, held) = held();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "running", true);
    held.started.recv().unwrap();
    thread::scope(|scope| {
        let stopping = scope.spawn(|| server.server.stop(PATIENCE));
        peer.until_going_away();
        assert!(!server.server.wait_for_termination_timeout(Duration::ZERO));
        held.go_on.send(()).unwrap();
        let response = peer.response(stream);
        assert_eq!(response.messages(), ["running"]);
        assert_eq!(response.status(), ("0", ""));
        peer.until_closed();
        stopping.join().unwrap();
    });
    server.server.wait_for_termination();
}

/// A detached sink is a running call to a server that stops.
#[test]
fn stopping_waits_for_detached_sinks() {
    let (talk, given) = detaching();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(LIST, &[], false);
    peer.send(stream, "", true);
    let sink = given.recv().unwrap();
    thread::scope(|scope| {
        let stopping = scope.spawn(|| server.server.stop(PATIENCE));
        peer.until_going_away();
        sink.finish(Ok(()));
        assert_eq!(peer.response(stream).status(), ("0", ""));
        peer.until_closed();
        stopping.join().unwrap();
    });
}

/// A stop ends with the last reply, which may leave just when the connection has said its last
/// GOAWAY and nothing but that reply is waited for.
#[test]
fn a_stop_ends_with_the_last_reply() {
    for round in 0..300 {
        let (talk, given) = detaching();
        let server = TestServer::new(talk);
        let mut peer = server.connect();
        let stream = peer.open(LIST, &[], false);
        peer.send(stream, "", true);
        let sink = given.recv().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| server.server.stop(PATIENCE));
            peer.until_gone_away();
            for _ in 0..round % 8 {
                thread::yield_now();
            }
            sink.finish(Ok(()));
            peer.until_closed();
            drop(peer);
        });
    }
}

/// When the grace is over, running calls are cancelled and their connections closed; a method that
/// takes no notice is not waited for.
#[test]
fn the_end_of_the_grace_cancels_running_calls() {
    let (tell, told) = mpsc::channel();
    let (start, started) = mpsc::channel();
    let server = TestServer::new(Talk::unary(move |_, context| {
        start.send(()).unwrap();
        tell.send(context.wait_cancelled(PATIENCE)).unwrap();
        Ok("nobody reads this".to_owned())
    }));
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "", true);
    started.recv().unwrap();
    server.server.stop(Duration::from_millis(10));
    assert!(told.recv().unwrap());
    peer.until_closed();
}

/// A call that the end of the grace cuts off ends with its connection and not with a reset, which
/// its client would take for CANCELLED: also if its method returns at once and drops the stream.
#[test]
fn a_call_cut_off_by_a_stop_is_not_reset() {
    for _ in 0..50 {
        let (start, started) = mpsc::channel();
        let server = TestServer::new(Talk::list(move |_, _, context| {
            start.send(()).unwrap();
            assert!(context.wait_cancelled(PATIENCE));
            Ok(())
        }));
        let mut peer = server.connect();
        let stream = peer.open(LIST, &[], false);
        peer.send(stream, "", true);
        started.recv().unwrap();
        server.server.stop(Duration::ZERO);
        peer.until_closed();
        assert_eq!(peer.until(stream, |_| true).reset, None);
    }
}

/// Stopping twice, at once and one after the other, ends in the same state.
#[test]
fn stopping_is_idempotent() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    peer.call(UNARY, &[], "");
    let server = Arc::new(server);
    let barrier = Arc::new(Barrier::new(3));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (server, barrier) = (server.clone(), barrier.clone());
            thread::spawn(move || {
                barrier.wait();
                server.server.stop(PATIENCE);
            })
        })
        .collect();
    peer.until_closed();
    for thread in threads {
        thread.join().unwrap();
    }
    server.server.stop(Duration::ZERO);
    server.server.wait_for_termination();
}

/// Of several graces the one that ends first counts.
#[test]
fn a_shorter_grace_overtakes_a_longer_one() {
    let (talk, held) = held();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "running", true);
    held.started.recv().unwrap();
    thread::scope(|scope| {
        let patient = scope.spawn(|| server.server.stop(Duration::from_secs(3600)));
        peer.until_going_away();
        server.server.stop(Duration::ZERO);
        patient.join().unwrap();
    });
    drop(held);
}

/// A server that has stopped refuses connections.
#[test]
fn a_stopped_server_takes_no_connection() {
    let server = TestServer::new(Talk::echo());
    server.server.stop(Duration::ZERO);
    server.connect().until_closed();
}

/// Dropping a server stops it.
#[test]
fn dropping_a_server_stops_it() {
    let server = TestServer::new(Talk::echo());
    let mut peer = server.connect();
    peer.call(UNARY, &[], "");
    drop(server);
    peer.until_closed();
}

/// Header lists are within what the client takes: a longer status is cut to its code and the
/// beginning of its message, longer trailing metadata is RESOURCE_EXHAUSTED, and longer initial
/// metadata is refused to the method. The connection lives.
#[test]
fn lists_over_the_clients_limit_are_cut() {
    let server = TestServer::new(Talk::unary(|request, context| {
        let size = request[1..].parse::<usize>().unwrap();
        let large = "v".repeat(size);
        match &request[..1] {
            "s" => Err(Status::not_found(large)),
            "t" => Ok(context
                .trailing_metadata_mut()
                .insert("x-large", large)
                .map(|()| "t".to_owned())?),
            "m" => {
                let mut status = Status::not_found("words");
                status.metadata_mut().insert("x-large", large)?;
                Err(status)
            }
            _ => {
                let mut metadata = crate::grpc::Metadata::new();
                metadata.insert("x-large", large)?;
                context.send_initial_metadata(&metadata).map(|()| "i".to_owned())
            }
        }
    }));
    let mut peer = server.connect();
    for (kind, code, words) in
        [("s", "5", "vvv"), ("t", "8", ""), ("m", "5", "words"), ("i", "8", "")]
    {
        for size in [15_000, 17_000, 70_000, 200_000] {
            let response = peer.call(UNARY, &[], &format!("{kind}{size}"));
            let (got, message) = response.status();
            match (size, kind) {
                (15_000, "t" | "i") => assert_eq!(got, "0"),
                (15_000, _) => assert!(got == "5" && !message.contains("cut")),
                _ => {
                    assert_eq!(got, code, "{kind}{size}");
                    assert!(message.starts_with(words) && message.len() < 4096, "{message}");
                    assert!(message.contains("expected at most 16384 bytes"), "{message}");
                }
            }
        }
    }
}
