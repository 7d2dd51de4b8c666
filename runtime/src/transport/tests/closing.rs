//! How connections end, and what their calls learn of it.

use std::thread;

use super::*;
use crate::http2::Reason;

/// RFC 9113 6.8: a graceful shutdown lets running calls end, takes no new ones, and closes.
#[test]
fn a_graceful_shutdown_lets_calls_end() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    pair.server.go_away();
    eventually(|| !pair.client.is_usable());
    assert!(matches!(open(&pair.client, &[], true, None), Err(OpenError::Unavailable(_))));
    assert!(!pair.server.wait_closed(Some(now())));
    answer(&server);
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    assert_eq!(receive(&client), Incoming::Trailers(trailers()));
    assert!(pair.client.wait_closed(soon()) && pair.server.wait_closed(soon()));
    drop((client, server));
    pair.end();
}

/// Closing ends every call and the thread, promptly, with words for those who wait.
#[test]
fn closing_ends_everything() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    let receiver = client.clone();
    let waiting = thread::spawn(move || receive(&receiver));
    pair.client.close();
    assert_eq!(lost(waiting.join().unwrap()), "connection closed by this side");
    assert!(matches!(receive(&server), Incoming::Lost(_) | Incoming::Reset { .. }));
    assert!(pair.client.wait_closed(soon()) && pair.server.wait_closed(soon()));
    drop((client, server));
    pair.end();
}

/// A server that closes tells the reason, and the client reads it before the end.
#[test]
fn a_closing_server_is_heard() {
    let pair = Pair::new();
    let (client, accepted) = pair.call(&[], false);
    pair.server.close_for(Reason::ENHANCE_YOUR_CALM);
    // Its stream may be refused by GOAWAY or go with the connection.
    let text = lost(receive(&client));
    assert!(text.ends_with("after GOAWAY ENHANCE_YOUR_CALM"), "{text}");
    drop((client, accepted));
    pair.end();
}

/// A peer that speaks another protocol ends its connection alone, and the words say so.
#[test]
fn another_protocol_is_named() {
    let (client, wire) = pair();
    let link = Link::client(Box::new(client), Config::default(), "test-client").unwrap();
    let stream = open(&link, &[], true, None).unwrap();
    wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    let text = lost(receive(&stream));
    let expected = "connection to in-process: ended here: PROTOCOL_ERROR: expected SETTINGS of HTTP/2, \
                    peer sent an HTTP/1 response";
    assert_eq!(text, expected);
    assert!(link.wait_closed(soon()), "also when the peer keeps its end open");
    drop(wire);
}

/// Who waits for a link to become ready learns of its loss at once, while it still lingers.
#[test]
fn a_wait_for_readiness_ends_with_the_loss() {
    let (client, wire) = pair();
    let link = Link::client(Box::new(client), Config::default(), "test-client").unwrap();
    let waiting = Arc::clone(&link);
    let waiting = thread::spawn(move || {
        let ready = waiting.wait_ready(soon());
        (ready, waiting.wait_closed(Some(now())))
    });
    wire.write(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    let (ready, is_closed) = waiting.join().unwrap();
    assert!(matches!(ready, Err(OpenError::Unavailable(_))));
    assert!(!is_closed, "it waited for the end of the link");
    drop(wire);
}

/// A link that cannot write takes no new streams, also while it still reads.
#[test]
fn a_link_that_cannot_write_is_not_usable() {
    let pair = Pair::new();
    pair.client.wait_ready(soon()).unwrap();
    assert!(pair.client.is_usable());
    pair.up.break_writing();
    let stream = open(&pair.client, &[], true, None);
    assert!(!pair.client.is_usable());
    drop(stream);
    pair.end();
}

/// A panic of what the server runs on the connection's thread ends that connection alone.
#[test]
fn a_panic_of_the_server_ends_its_connection() {
    let (client, server) = pair();
    let server = Link::server(Box::new(server), &accepting(Config::default()), |_accepted| {
        panic!("expected by this test");
    });
    let client = Link::client(Box::new(client), Config::default(), "test-client").unwrap();
    let stream = open(&client, &[], true, None).unwrap();
    // The request itself may be reset first, as its handle is dropped.
    assert!(matches!(receive(&stream), Incoming::Lost(_) | Incoming::Reset { .. }));
    assert!(server.unwrap().wait_closed(soon()) && client.wait_closed(soon()));
}

/// The core's deadlines count from the beginning of a connection, also if its peer never speaks.
#[test]
fn a_silent_peer_is_timed() {
    let (wire, _silent) = pair();
    let server = Link::server(Box::new(wire), &accepting(Config::default()), |_| ()).unwrap();
    eventually(|| server.pumps_until().is_some());
    let left = server.pumps_until().unwrap().saturating_duration_since(now());
    assert!(left <= crate::limits::http2::PREFACE_TIMEOUT, "{left:?}");
    server.close();
    assert!(server.wait_closed(soon()));
}
