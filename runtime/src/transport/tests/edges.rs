//! The rules at the edges of a call: how it ends when it does not end well.

use std::sync::mpsc::channel;
use std::thread;

use super::*;
use crate::grpc::envelope;
use crate::http2::{Initiator, Reason};
use crate::transport::{SendError, lock};

fn reset(reason: Reason, by: Initiator) -> Incoming {
    Incoming::Reset { reason, by }
}

/// A call goes both ways and ends once; after the end every receive finds the end again.
#[test]
fn a_call_goes_both_ways_and_ends_once() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, headers, truncated, .. }) = pair.call(&framed(3), true);
    assert_eq!((headers, truncated), (request(), false));
    assert_eq!(receive(&server), message(3));
    assert_eq!(receive(&server), Incoming::End);
    assert_eq!(receive(&server), Incoming::End);
    assert!(server.is_received());
    server.send_response(Some(&response()), &framed(5), Some(&trailers()), None).unwrap();
    let head = Incoming::Head { headers: response(), end: false, truncated: false };
    assert_eq!(receive(&client), head);
    assert_eq!(receive(&client), message(5));
    assert_eq!(receive(&client), Incoming::Trailers(trailers()));
    assert_eq!(receive(&client), Incoming::End);
    assert_eq!(client.send_message(&framed(1), false, None), Err(SendError::Closed));
    assert!(!server.is_cancelled() && !client.is_cancelled());
    drop((client, server));
    assert_eq!(pair.client.open_streams(), 0);
    eventually(|| pair.server.open_streams() == 0);
    pair.end();
}

/// A network that hands out single bytes changes nothing.
#[test]
fn reads_of_single_bytes_change_nothing() {
    let pair = Pair::new();
    pair.up.split_reads(1);
    pair.down.split_reads(1);
    let (client, Accepted { stream: server, .. }) = pair.call(&framed(300), true);
    assert_eq!(receive(&server), message(300));
    server.send_response(Some(&response()), &framed(300), Some(&trailers()), None).unwrap();
    assert!(matches!(receive(&client), Incoming::Head { end: false, .. }));
    assert_eq!(receive(&client), message(300));
    assert_eq!(receive(&client), Incoming::Trailers(trailers()));
    drop((client, server));
    pair.end();
}

/// A response may be its trailers alone.
#[test]
fn trailers_alone_are_a_head_that_ends() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    server.send_headers(&response(), true).unwrap();
    let head = Incoming::Head { headers: response(), end: true, truncated: false };
    assert_eq!(receive(&client), head);
    assert_eq!(receive(&client), Incoming::End);
    drop((client, server));
    pair.end();
}

/// RST_STREAM(CANCEL), never END_STREAM: a call that its caller dropped must not look complete.
#[test]
fn dropping_the_last_clone_resets() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&framed(1), false);
    let clone = client.clone();
    drop(client);
    assert_eq!(receive(&server), message(1));
    assert_eq!(server.try_receive(), None);
    assert!(!server.is_cancelled());
    drop(clone);
    assert_eq!(receive(&server), reset(Reason::CANCEL, Initiator::Remote));
    assert!(server.is_cancelled() && !server.is_received());
    drop(server);
    pair.end();
}

/// A handler that drops its stream unanswered cancels the call.
#[test]
fn dropping_an_unanswered_request_resets() {
    let pair = Pair::new();
    let (client, accepted) = pair.call(&[], true);
    drop(accepted);
    assert_eq!(receive(&client), reset(Reason::CANCEL, Initiator::Remote));
    drop(client);
    pair.end();
}

/// RFC 9113 8.1: a server that has answered early asks for no more by NO_ERROR, and the client
/// still gets the whole answer, also what is buffered.
#[test]
fn an_early_answer_is_no_failure() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    server.send_response(Some(&response()), &framed(9), Some(&trailers()), None).unwrap();
    drop(server);
    assert!(matches!(receive(&client), Incoming::Head { end: false, .. }));
    assert_eq!(receive(&client), message(9));
    assert_eq!(receive(&client), Incoming::Trailers(trailers()));
    assert_eq!(receive(&client), Incoming::End);
    assert_eq!(client.send_message(&framed(1), true, None), Err(SendError::Closed));
    drop(client);
    pair.end();
}

/// A reset from another thread wakes whoever waits to receive.
#[test]
fn a_reset_wakes_a_receiver() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    let receiver = client.clone();
    let waiting = thread::spawn(move || receive(&receiver));
    client.reset(Reason::CANCEL);
    assert_eq!(waiting.join().unwrap(), reset(Reason::CANCEL, Initiator::Local));
    assert_eq!(receive(&server), reset(Reason::CANCEL, Initiator::Remote));
    drop((client, server));
    pair.end();
}

/// A reset from either side wakes a sender that waits for flow control.
#[test]
fn a_reset_wakes_a_blocked_sender() {
    for by_server in [false, true] {
        let pair = Pair::new();
        let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
        let sender = client.clone();
        let waiting = thread::spawn(move || sender.send_message(&framed(LIMIT), false, soon()));
        // The sender is blocked once its peer has a whole window unread.
        let window = u64::from(Config::default().initial_window_size);
        eventually(|| pair.up.passed() > window);
        if by_server {
            server.reset(Reason::CANCEL);
        } else {
            client.reset(Reason::CANCEL);
        }
        assert_eq!(waiting.join().unwrap(), Err(SendError::Closed));
        drop((client, server));
        pair.end();
    }
}

/// The loss of a connection is told to every stream, after what had arrived.
#[test]
fn a_lost_connection_is_told_after_the_data() {
    let pair = Pair::new();
    let (one, Accepted { stream: server, .. }) = pair.call(&[], false);
    let (two, other) = pair.call(&[], false);
    server.send_response(Some(&response()), &framed(4), None, None).unwrap();
    assert!(matches!(receive(&one), Incoming::Head { .. }));
    // Once the first bytes of a batch are there, all are: it was one write.
    pair.up.cut();
    assert_eq!(receive(&one), message(4));
    assert_eq!(lost(receive(&one)), "connection to in-process:: connection reset");
    assert_eq!(lost(receive(&one)), lost(receive(&two)));
    assert_eq!(one.send_message(&framed(1), false, None), Err(SendError::Closed));
    assert!(!pair.client.is_usable());
    let unavailable = OpenError::Unavailable("connection to in-process:: connection reset".into());
    assert_eq!(open(&pair.client, &[], true, None).unwrap_err(), unavailable);
    assert!(pair.client.wait_closed(soon()), "the thread ends by itself");
    drop((one, two, server, other));
    pair.end();
}

/// When writing fails, what the peer had sent before is still read.
#[test]
fn a_failed_write_loses_nothing_that_was_sent() {
    let (link, mut peer) = Peer::server(100);
    let stream = open(&link, &[], false, None).unwrap();
    let id = peer.request();
    peer.wire.knobs().stall();
    peer.core.send_headers(id, &response(), false).unwrap();
    peer.core.send_headers(id, &trailers(), true).unwrap();
    peer.flush();
    peer.wire.end_writing();
    peer.up.break_writing();
    stream.send_message(&framed(10), false, None).unwrap();
    peer.wire.knobs().resume();
    assert!(matches!(receive(&stream), Incoming::Head { end: false, .. }));
    assert_eq!(receive(&stream), Incoming::Trailers(trailers()));
    drop(stream);
    assert!(link.wait_closed(soon()));
}

/// RFC 9113 6.8: streams that GOAWAY leaves out were never processed, and no new ones are opened;
/// those that it includes go on.
#[test]
fn goaway_refuses_what_it_leaves_out() {
    let (link, mut peer) = Peer::server(100);
    let kept = open(&link, &[], false, None).unwrap();
    let id = peer.request();
    peer.core.go_away(Reason::NO_ERROR);
    let refused = open(&link, &[], false, None).unwrap();
    peer.flush();
    assert_eq!(receive(&refused), reset(Reason::REFUSED_STREAM, Initiator::Remote));
    assert!(!link.is_usable());
    let unavailable = OpenError::Unavailable("in-process: is going away: GOAWAY NO_ERROR".into());
    assert_eq!(open(&link, &[], true, None).unwrap_err(), unavailable);
    peer.core.send_headers(id, &response(), true).unwrap();
    peer.flush();
    assert!(matches!(receive(&kept), Incoming::Head { end: true, .. }));
    drop((kept, refused));
    assert!(link.wait_closed(soon()), "the last stream closes a connection that is going away");
}

/// RFC 9113 5.1.2: at the peer's SETTINGS_MAX_CONCURRENT_STREAMS callers queue, first come, first
/// served, each until its own deadline.
#[test]
fn callers_queue_for_streams_in_order() {
    let (link, mut peer) = Peer::server(1);
    let first = open(&link, &[], true, None).unwrap();
    assert_eq!(open(&link, &[], true, Some(now())).unwrap_err(), OpenError::Deadline);
    let (order, opened) = channel();
    let mut threads = Vec::new();
    for number in 0..3 {
        let (link, order) = (Arc::clone(&link), order.clone());
        let queued = number + 1;
        let waiting = Arc::clone(&link);
        threads.push(thread::spawn(move || {
            let stream = open(&link, &[], true, soon()).unwrap();
            order.send(number).unwrap();
            stream.reset(Reason::CANCEL);
        }));
        eventually(|| waiting.queued() == queued);
    }
    assert_eq!(open(&link, &[], true, Some(now())).unwrap_err(), OpenError::Deadline);
    assert_eq!(link.queued(), 3);
    peer.request();
    drop(first);
    let order: Vec<usize> = opened.iter().take(3).collect();
    assert_eq!(order, [0, 1, 2]);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    link.close();
    assert!(link.wait_closed(soon()));
}

/// Who queues for a stream learns that the connection is gone.
#[test]
fn a_loss_ends_the_queue() {
    let (link, peer) = Peer::server(1);
    let _first = open(&link, &[], true, None).unwrap();
    let waiting = Arc::clone(&link);
    let queued = thread::spawn(move || open(&waiting, &[], true, None));
    eventually(|| link.queued() == 1);
    drop(peer);
    let unavailable = OpenError::Unavailable("in-process: closed the connection".into());
    assert_eq!(queued.join().unwrap().unwrap_err(), unavailable);
}

/// A receiver waits no longer than its deadline, and the stream is none the worse for it.
#[test]
fn receiving_ends_with_its_deadline() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    assert!(client.receive(Some(now())).is_err());
    assert!(client.receive(Some(now() + Duration::from_millis(5))).is_err());
    answer(&server);
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    drop((client, server));
    pair.end();
}

/// A stream's deadline cancels it on the side that set it, and the other side gets the last word.
#[test]
fn a_stream_is_cancelled_at_its_deadline() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    let (sender, called) = channel();
    server.on_cancel(Box::new(move || sender.send(()).unwrap()));
    assert!(!server.wait_cancelled(Some(now())));
    let late = || [(":status", "200"), ("grpc-status", "4")].into_iter().collect::<Headers>();
    server.set_deadline(now() + Duration::from_millis(5), move |head_sent| {
        assert!(!head_sent);
        late()
    });
    assert!(server.wait_cancelled(soon()));
    called.recv().unwrap();
    assert_eq!(receive(&server), Incoming::End, "the request was whole");
    assert_eq!(server.send_headers(&response(), true), Err(SendError::Closed));
    assert_eq!(receive(&client), Incoming::Head { headers: late(), end: true, truncated: false });
    let (sender, called) = channel();
    server.on_cancel(Box::new(move || sender.send(()).unwrap()));
    called.recv().expect("a callback that comes late runs at once");
    drop((client, server));
    pair.end();
}

/// A deadline that passes while somebody sends cuts nothing off: the last word comes behind it.
#[test]
fn a_deadline_lets_whoever_sends_finish() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    let (link, inbox) = (server.link(), server.inbox());
    let turn = link.begin_sending_now(inbox).unwrap();
    let late = || [(":status", "200"), ("grpc-status", "4")].into_iter().collect::<Headers>();
    server.set_deadline(now(), move |_| late());
    let is_left = || lock(&inbox.state).deadline.as_ref().is_some_and(|it| it.is_left);
    eventually(is_left);
    assert!(!server.is_cancelled());
    drop(turn);
    assert!(server.is_cancelled());
    assert_eq!(receive(&client), Incoming::Head { headers: late(), end: true, truncated: false });
    drop((client, server));
    pair.end();
}

/// A deadline that passes while a sender waits for the peer resets the stream only in the middle of a
/// message: between two of them the sender's own deadline leaves the last word to be said.
#[test]
fn a_deadline_cuts_a_message_and_not_a_wait_for_the_next() {
    for (first, is_cut) in [(10_000, false), (5_000, true)] {
        let pair = Pair::with(Config { initial_window_size: 10_000, ..Config::default() });
        let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
        server.send_headers(&response(), false).unwrap();
        server.send_message(&framed(first - envelope::PREFIX_LEN), false, soon()).unwrap();
        let until = now() + Duration::from_millis(20);
        server.set_deadline(until, |_| trailers());
        let blocked = server.send_message(&framed(8_000), false, Some(until));
        assert!(matches!(blocked, Err(SendError::Deadline | SendError::Closed)), "{blocked:?}");
        assert!(server.wait_cancelled(soon()));
        assert!(matches!(receive(&client), Incoming::Head { .. }));
        assert!(matches!(receive(&client), Incoming::Message(..)));
        match receive(&client) {
            Incoming::Reset { reason: Reason::CANCEL, .. } if is_cut => {}
            Incoming::Trailers(headers) if !is_cut => assert_eq!(headers, trailers()),
            ended => panic!("is_cut: {is_cut}, {ended:?}"),
        }
        drop((client, server));
        pair.end();
    }
}

/// Each stream of a link has its own deadline, whatever the order in which they are set.
#[test]
fn each_stream_has_its_own_deadline() {
    let pair = Pair::new();
    let calls: Vec<_> = [3_600_000, 40, 5, 20]
        .into_iter()
        .map(|ms| {
            let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
            let at = now() + Duration::from_millis(ms);
            server.set_deadline(at, move |_| trailers());
            (client, server, at)
        })
        .collect();
    for (_, server, at) in &calls[1..] {
        assert!(server.wait_cancelled(soon()));
        assert!(*at <= now());
    }
    let (client, server, _) = &calls[0];
    assert!(!server.is_cancelled());
    answer(server);
    assert!(matches!(receive(client), Incoming::Head { end: false, .. }));
    // One that comes later is kept too.
    let (late, Accepted { stream: server, .. }) = pair.call(&[], true);
    server.set_deadline(now() + Duration::from_millis(5), move |_| trailers());
    assert!(server.wait_cancelled(soon()));
    drop((calls, late, server));
    pair.end();
}

/// In the middle of a message there is no place for trailers: the deadline resets the stream.
#[test]
fn a_deadline_within_a_message_resets() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    let size = 2 * Config::default().initial_window_size as usize;
    server.send_headers(&response(), false).unwrap();
    // The first message of a caller always fits; behind it there is a window.
    server.send_message(&framed(1), false, None).unwrap();
    let sender = server.clone();
    let sending = thread::spawn(move || sender.send_message(&framed(size), false, None));
    eventually(|| server.inbox().is_blocked());
    server.set_deadline(now(), |_| trailers());
    assert_eq!(sending.join().unwrap(), Err(SendError::Closed));
    assert!(matches!(receive(&client), Incoming::Head { end: false, .. }));
    assert!(matches!(receive(&client), Incoming::Message(..)));
    assert_eq!(receive(&client), reset(Reason::CANCEL, Initiator::Remote));
    drop((client, server));
    pair.end();
}

/// A stream that was answered in time is not cancelled, and its callbacks are dropped.
#[test]
fn an_answered_stream_is_never_cancelled() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    let (sender, called) = channel::<()>();
    server.on_cancel(Box::new(move || sender.send(()).unwrap()));
    server.set_deadline(now() + Duration::from_secs(3600), |_| trailers());
    answer(&server);
    assert!(called.recv().is_err());
    drop(client);
    assert!(!server.wait_cancelled(soon()));
    drop(server);
    pair.end();
}

/// RFC 9113 10.5.1: header lists over the limit are cut, and nobody takes the rest for the whole.
#[test]
fn header_lists_over_the_limit_are_marked() {
    let config = Config { max_header_list_size: 1000, ..Config::default() };
    let pair = Pair::with(config);
    let mut large = response();
    large.push("x-large", [b'a'; 1500]);
    let (one, Accepted { stream: server, .. }) = pair.call(&[], true);
    server.send_headers(&large, true).unwrap();
    assert!(matches!(receive(&one), Incoming::Head { end: true, truncated: true, .. }));
    drop(server);
    let (two, Accepted { stream: server, .. }) = pair.call(&[], true);
    let mut large = trailers();
    large.push("x-large", [b'a'; 1500]);
    server.send_response(Some(&response()), &[], Some(&large), None).unwrap();
    assert!(matches!(receive(&two), Incoming::Head { truncated: false, .. }));
    assert_eq!(receive(&two), Incoming::CutTrailers);
    assert_eq!(receive(&two), Incoming::End);
    let mut large = request();
    large.push("x-large", [b'a'; 1500]);
    let beginning = Beginning {
        head: &large,
        first: &[],
        end: true,
        receive_limit: LIMIT,
        until: None,
        parents: &Parents::default(),
    };
    let three = pair.client.open(beginning).unwrap();
    let accepted = pair.requests.recv_timeout(PATIENCE).unwrap();
    assert!(accepted.truncated);
    drop((one, two, three, server, accepted));
    pair.end();
}

/// A message over the limit is refused by its prefix, before its bytes have come; the stream is
/// still there to say so.
#[test]
fn a_message_over_the_limit_is_refused_by_its_prefix() {
    let pair = Pair::new();
    let prefix = envelope::prefix(LIMIT + 1);
    let (client, Accepted { stream: server, .. }) = pair.call(&prefix, false);
    let error = envelope::Error::TooLarge { length: LIMIT + 1, limit: LIMIT };
    assert_eq!(receive(&server), Incoming::Invalid(error));
    assert_eq!(receive(&server), Incoming::Invalid(error));
    answer(&server);
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    assert_eq!(receive(&client), Incoming::Trailers(trailers()));
    drop((client, server));
    pair.end();
}

/// A stream that ends inside a message is not complete, whoever ended it.
#[test]
fn a_truncated_message_is_told_from_an_end() {
    let pair = Pair::new();
    let cut = &framed(10)[..12];
    let (client, Accepted { stream: server, .. }) = pair.call(cut, true);
    let error = envelope::Error::Truncated { got: 12, missing: 3 };
    assert_eq!(receive(&server), Incoming::Invalid(error));
    server.send_response(Some(&response()), cut, Some(&trailers()), None).unwrap();
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    assert_eq!(receive(&client), Incoming::Invalid(error));
    drop((client, server));
    pair.end();
}
