//! What can be seen of a server from outside while it works.

use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::support::{PATIENCE, Setup, Talk, TestServer};
use crate::server::{CancellationToken, DetachedSink};
use crate::transport::ActiveCall;
use crate::transport::now;

const UNARY: &str = "/test.Talk/Unary";
const LIST: &str = "/test.Talk/List";

/// A unary method that tells the number and the name of its thread, and waits until it is let go.
struct Held {
    started: Receiver<(Option<u32>, String)>,
    go_on: Sender<()>,
}

fn held() -> (Talk, Held) {
    let (start, started) = mpsc::channel();
    let (go_on, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let talk = Talk::unary(move |request, _| {
        start.send((thread_number(), thread_name("thread-self"))).unwrap();
        // An error: the test is over.
        let _ = gate.lock().unwrap().recv();
        Ok(request)
    });
    (talk, Held { started, go_on })
}

/// The number of this thread by the way of the file system, where there is one.
fn thread_number() -> Option<u32> {
    let path = std::fs::read_link("/proc/thread-self").ok()?;
    path.file_name()?.to_str()?.parse().ok()
}

/// What the system calls a thread; nothing where that cannot be asked.
fn thread_name(thread: &str) -> String {
    let name = std::fs::read_to_string(format!("/proc/{thread}/comm")).unwrap_or_default();
    name.trim_end().to_owned()
}

/// Waits until what the server shows is as the test wants it.
fn until(server: &TestServer, is_enough: impl Fn(&[ActiveCall]) -> bool) -> Vec<ActiveCall> {
    let until = now() + PATIENCE;
    loop {
        let calls = server.server.active_calls();
        if is_enough(&calls) {
            return calls;
        }
        assert!(now() < until, "the server shows {calls:?}");
        std::thread::yield_now();
    }
}

const SEES_THREADS: bool = cfg!(all(target_os = "linux", not(rust_grpc_portable)));

/// A call is shown from its arrival to its end: with its method, its peer, its deadline, its bytes
/// and the thread that runs it; one that waits has no thread. The oldest comes first.
#[test]
fn calls_are_shown_while_they_wait_and_while_they_run() {
    let (talk, held) = held();
    let server = Setup::new(talk).workers(1, 8).start();
    let mut peer = server.connect();
    assert!(server.server.active_calls().is_empty());
    let running = peer.open(UNARY, &[("grpc-timeout", "1H")], false);
    peer.send(running, "12345", true);
    let (thread, _) = held.started.recv().unwrap();
    let waiting = peer.open(UNARY, &[], false);
    let calls = until(&server, |calls| calls.len() == 2);
    assert!(calls[0].is_running() && !calls[1].is_running());
    assert!(calls[0].age() >= calls[1].age());
    assert_eq!(calls[0].method(), UNARY);
    assert_eq!(calls[0].peer().to_string(), "in-process:");
    assert!(calls[0].time_remaining().unwrap() > Duration::from_secs(3000));
    assert_eq!(calls[1].time_remaining(), None);
    // Five bytes behind a prefix of five.
    assert_eq!((calls[0].bytes_received(), calls[0].bytes_sent()), (10, 0));
    assert_eq!(calls[1].bytes_received(), 0);
    if SEES_THREADS {
        assert_eq!(calls[0].thread_id(), thread);
    }
    assert_eq!(calls[1].thread_id(), None);
    let shown = calls[1].to_string();
    assert!(shown.starts_with("/test.Talk/Unary from in-process: for "), "{shown}");
    assert!(shown.ends_with(", 0 bytes received, 0 sent, on no thread"), "{shown}");
    held.go_on.send(()).unwrap();
    assert_eq!(peer.response(running).messages(), ["12345"]);
    peer.send(waiting, "", true);
    held.started.recv().unwrap();
    held.go_on.send(()).unwrap();
    peer.response(waiting);
    until(&server, <[ActiveCall]>::is_empty);
}

/// A method that goes on though its client is gone is still shown, as cancelled.
#[test]
fn a_method_without_a_client_is_shown_until_it_returns() {
    let (talk, held) = held();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "", true);
    held.started.recv().unwrap();
    peer.cut();
    let calls = until(&server, |calls| calls.iter().any(ActiveCall::is_cancelled));
    assert!(calls[0].is_running());
    server.server.stop(Duration::ZERO);
    assert_eq!(server.server.active_calls().len(), 1, "stopping does not hide it");
    held.go_on.send(()).unwrap();
    until(&server, <[ActiveCall]>::is_empty);
}

/// A call whose method has returned is shown as long as its detached sink sends, and no longer, also
/// if somebody keeps a handle on its cancellation.
#[test]
fn a_detached_call_is_shown_without_a_thread() {
    let (give, given) = mpsc::channel::<(DetachedSink<String>, CancellationToken)>();
    let server = TestServer::new(Talk::list(move |_, replies, context| {
        give.send((replies.detach(), context.cancellation())).unwrap();
        Ok(())
    }));
    let mut peer = server.connect();
    let stream = peer.open(LIST, &[], false);
    peer.send(stream, "", true);
    let (mut sink, _token) = given.recv().unwrap();
    sink.send("123".to_owned()).unwrap();
    let calls = until(&server, |calls| calls.iter().all(|call| !call.is_running()));
    assert_eq!((calls.len(), calls[0].bytes_sent()), (1, 8));
    sink.finish(Ok(()));
    peer.response(stream);
    until(&server, <[ActiveCall]>::is_empty);
}

/// A worker's thread is called like the method that it runs, and like a worker again when it waits.
#[test]
fn a_thread_is_called_like_the_method_that_it_runs() {
    let (talk, held) = held();
    let server = TestServer::new(talk);
    let mut peer = server.connect();
    let stream = peer.open(UNARY, &[], false);
    peer.send(stream, "", true);
    let (thread, name) = held.started.recv().unwrap();
    held.go_on.send(()).unwrap();
    peer.response(stream);
    if SEES_THREADS {
        assert_eq!(name, "Unary");
        let task = format!("self/task/{}", thread.unwrap());
        let until = now() + PATIENCE;
        while thread_name(&task) != "test-worker" {
            assert!(now() < until, "an idle thread is called {}", thread_name(&task));
        }
    }
}
