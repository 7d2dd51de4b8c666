//! Sending without waiting for ever, dropping streams, and what streams cost.

use std::time::Duration;

use super::peer::{Peer, Seen, build_against, script, stub_against};
use super::text;
use crate::client::Channel;
use crate::grpc::{Code, Received, Sent};
use crate::http2::Reason;

const OK: &[(&str, &str)] = &[("grpc-status", "0")];
const LONG: Duration = Duration::from_secs(20);

/// A script on a connection whose streams begin with a window of `size` bytes.
fn small_window(
    size: u32,
    run: impl FnOnce(&mut Peer) + Send + 'static,
) -> Vec<super::peer::Script> {
    script(move |peer: &mut Peer| {
        peer.configure(|config| config.initial_window_size = size);
        run(peer);
    })
}

/// A message that the server has no room for is not taken, and the call goes on; the part of a
/// message that is larger than the room follows by itself.
#[test]
fn a_message_is_taken_whole_or_not_at_all() {
    let (stub, peers) = stub_against(small_window(10_000, |peer| {
        let (stream, _) = peer.head();
        let bytes = peer.rest(stream);
        assert_eq!(bytes.len(), 2 * 15_005);
        assert_eq!(bytes[5..15_005], [b'a'; 15_000]);
        assert_eq!(bytes[15_010..], [b'c'; 15_000]);
        peer.reply(stream, "done");
        peer.until_closed();
    }));
    let mut sink = stub.record(()).unwrap();
    assert_eq!(sink.send_timeout("a".repeat(15_000), LONG).unwrap(), Sent::Taken);
    assert!(sink.send_timeout("c".repeat(15_000), LONG).unwrap().is_taken());
    assert_eq!(*sink.finish().unwrap(), "done");
    drop(stub);
    peers.join();
}

/// Without room nothing is taken, at once or after the time; with room again it is.
#[test]
fn sending_gives_up_while_the_server_does_not_read() {
    let (go_on, wait) = std::sync::mpsc::channel();
    let (stub, peers) = stub_against(small_window(20_000, move |peer| {
        let (stream, _) = peer.head();
        peer.send_head(stream, &[]);
        wait.recv().unwrap();
        let bytes = peer.rest(stream);
        // What was not taken did not come.
        assert_eq!(bytes.len(), 30_005 + 6);
        assert_eq!(bytes[30_005..], *b"\0\0\0\0\x01c");
        peer.send_trailers(stream, OK);
        peer.until_closed();
    }));
    let mut chat = stub.chat(()).unwrap();
    // The SETTINGS with the small window come before the head.
    chat.metadata().unwrap();
    assert_eq!(chat.try_send("a".repeat(30_000)).unwrap(), Sent::Taken);
    assert_eq!(chat.try_send(text("b")).unwrap(), Sent::NotYet);
    let soon = Duration::from_millis(10);
    assert_eq!(chat.send_timeout(text("b"), soon).unwrap(), Sent::NotYet);
    assert_eq!(chat.try_recv().unwrap(), Received::NotYet);
    go_on.send(()).unwrap();
    assert_eq!(chat.send_timeout(text("c"), LONG).unwrap(), Sent::Taken);
    chat.close_send();
    assert_eq!(chat.recv().unwrap(), None);
    drop((chat, stub));
    peers.join();
}

/// The end of the requests waits behind the rest of a message, and nobody waits for it.
#[test]
fn the_end_follows_the_rest_of_a_message() {
    let (go_on, wait) = std::sync::mpsc::channel();
    let (stub, peers) = stub_against(small_window(20_000, move |peer| {
        let (stream, _) = peer.head();
        peer.send_head(stream, &[]);
        wait.recv().unwrap();
        assert_eq!(peer.rest(stream).len(), 30_005);
        peer.send_trailers(stream, OK);
        peer.until_closed();
    }));
    let mut chat = stub.chat(()).unwrap();
    chat.metadata().unwrap();
    assert_eq!(chat.try_send("a".repeat(30_000)).unwrap(), Sent::Taken);
    chat.close_send();
    assert_eq!(chat.try_send(text("b")).unwrap_err().code(), Code::FailedPrecondition);
    go_on.send(()).unwrap();
    assert_eq!(chat.recv().unwrap(), None);
    drop((chat, stub));
    peers.join();
}

/// A stream that is dropped is reset, also with the rest of a message on its way, and never ended:
/// what was cut short must not look complete.
#[test]
fn a_dropped_stream_is_reset_and_never_ended() {
    let check = |size: usize, begins_with: usize| {
        let (stub, peers) = stub_against(small_window(20_000, move |peer| {
            let (stream, _) = peer.head();
            peer.send_head(stream, &[]);
            let mut got = 0;
            loop {
                match peer.next() {
                    Seen::Data { data, end, .. } => {
                        assert!(!end, "END_STREAM");
                        got += data.len();
                    }
                    Seen::Reset { stream: reset, reason } => {
                        assert_eq!((reset, reason), (stream, Reason::CANCEL));
                        break;
                    }
                    other => panic!("expected data or a reset, got {other:?}"),
                }
            }
            assert!(got >= begins_with.min(20_000), "{got}");
            peer.until_closed();
        }));
        let mut chat = stub.chat(()).unwrap();
        chat.metadata().unwrap();
        if size > 0 {
            assert_eq!(chat.try_send("a".repeat(size)).unwrap(), Sent::Taken);
        }
        drop((chat, stub));
        peers.join();
    };
    check(0, 0);
    check(1, 6);
    check(1_000_000, 1);
}

/// A thousand open streams add no thread: nobody but the callers waits for them. What writes calls that
/// are begun in quick succession is one for the process.
#[test]
#[cfg(target_os = "linux")]
fn a_thousand_open_streams_add_no_thread() {
    // Other tests of this process start threads too; ours are told by their name.
    fn threads() -> usize {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap();
        let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm"));
        let names = tasks.filter_map(|task| name(task.unwrap()).ok());
        names.filter(|name| name.starts_with("grpc-") && name != "grpc-flusher\n").count()
    }
    let (stub, peers) = build_against(
        Channel::builder("memory"),
        script(|peer| {
            peer.configure(|config| config.max_concurrent_streams = 2000);
            let mut streams = Vec::new();
            for _ in 0..1001 {
                let (stream, _) = peer.head();
                peer.send_head(stream, &[]);
                streams.push(stream);
            }
            for stream in streams {
                peer.send_message(stream, "r");
                peer.send_trailers(stream, OK);
            }
            peer.until_closed();
        }),
    );
    let first = stub.chat(()).unwrap();
    let before = threads();
    let mut streams: Vec<_> = (0..1000).map(|_| stub.chat(()).unwrap()).collect();
    streams.push(first);
    // The thread that has connected may have ended meanwhile.
    assert!(threads() <= before);
    for stream in &mut streams {
        assert_eq!(stream.recv().unwrap().as_deref(), Some("r"));
        assert_eq!(stream.recv().unwrap(), None);
    }
    assert!(threads() <= before);
    drop((streams, stub));
    peers.join();
}
