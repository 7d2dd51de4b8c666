//! Flow control and memory: what peers that read slowly, or not at all, can make a link hold.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::http2::Reason;
use crate::limits;
use crate::limits::MEMORY_PIPE_CAPACITY;
use crate::transport::SendError;

/// A message larger than every window arrives while somebody waits for it.
#[test]
fn a_message_may_be_larger_than_the_windows() {
    let config = Config { initial_window_size: 10_000, ..Config::default() };
    let pair = Pair::with(config);
    let client = open(&pair.client, &[], false, None).unwrap();
    let server = pair.requests.recv_timeout(PATIENCE).unwrap().stream;
    let receiver = thread::spawn(move || (receive(&server), receive(&server), server));
    client.send_message(&framed(LIMIT), false, soon()).unwrap();
    client.send_message(&framed(1), true, soon()).unwrap();
    let (first, second, server) = receiver.join().unwrap();
    assert!(first == message(LIMIT) && second == message(1));
    drop((client, server));
    pair.end();
}

/// A message that is written from where it lies arrives as it was, though the pipe is full again and
/// again, and so do those behind it.
#[test]
fn a_lent_message_arrives_as_it_was() {
    let pair = Pair::with(Config { initial_window_size: 300_000, ..Config::default() });
    let client = open(&pair.client, &[], false, None).unwrap();
    let server = pair.requests.recv_timeout(PATIENCE).unwrap().stream;
    let payload = |size: u32| (0..size).map(|at| (at ^ at >> 8) as u8).collect::<Vec<_>>();
    let sizes = [900_000, 3, limits::LENT_MIN as u32, 500_000];
    let receiver = thread::spawn(move || {
        for size in sizes {
            assert!(receive(&server) == Incoming::Message(payload(size), false), "{size}");
        }
        server
    });
    for size in sizes {
        let framed = [&[0][..], &size.to_be_bytes(), &payload(size)].concat();
        client.send_message(&framed, false, soon()).unwrap();
    }
    drop((receiver.join().unwrap(), client));
    pair.end();
}

/// What a call begins with is written from where it lies too: each frame's part of it by itself.
#[test]
fn a_call_begins_with_a_lent_message() {
    let pair = Pair::with(Config { initial_window_size: 400_000, ..Config::default() });
    {
        let (client, Accepted { stream: server, .. }) = pair.call(&framed(1000), true);
        // Behind the answer the client knows the server's windows.
        answer(&server);
        assert!(matches!(receive(&client), Incoming::Head { .. }));
        assert_eq!(pair.up.parts_max(), 1);
    }
    // Unless another thread is writing when it begins.
    eventually(|| {
        let (_client, Accepted { stream: server, .. }) = pair.call(&framed(300_000), true);
        assert!(receive(&server) == message(300_000));
        assert_eq!(receive(&server), Incoming::End);
        let frames = 300_005_usize.div_ceil(16_384);
        pair.up.parts_max() == 2 * frames
    });
    pair.end();
}

/// Large messages of several streams, lent or copied because another one is being written, arrive as they
/// were, each stream's in order.
#[test]
fn large_messages_of_several_streams_arrive_as_they_were() {
    let pair = Pair::with(Config { initial_window_size: 50_000, ..Config::default() });
    pair.up.set_capacity(40_000);
    let (min, streams) = (limits::LENT_MIN, (0..4).map(|_| pair.call(&[], false)));
    let streams: Vec<_> = streams.collect();
    let sizes = [min - 5, min - 6, 70_000, 1, 49_995, 49_996, min - 5, 200_000];
    thread::scope(|scope| {
        for (place, (client, Accepted { stream: server, .. })) in streams.iter().enumerate() {
            let sizes = move || (0..24).map(move |turn| sizes[(place + turn) % 8]);
            scope.spawn(move || {
                for size in sizes() {
                    client.send_message(&framed(size), false, soon()).unwrap();
                }
                client.finish().unwrap();
            });
            scope.spawn(move || {
                for size in sizes() {
                    assert!(receive(server) == message(size), "{size}");
                }
                assert_eq!(receive(server), Incoming::End);
            });
        }
    });
    drop(streams);
    pair.end();
}

/// A stream whose application does not read holds a window, and no more.
#[test]
fn an_unread_stream_holds_a_window() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    let soon_over = Some(now() + Duration::from_millis(200));
    let mut sent = 0;
    let stopped = loop {
        match client.send_message(&framed(995), false, soon_over) {
            Ok(()) => sent += 1000,
            Err(error) => break error,
        }
    };
    let window = Config::default().initial_window_size as usize;
    assert_eq!(stopped, SendError::Deadline);
    assert!((window - 1000..=window + 1000).contains(&sent), "{sent} of a window of {window}");
    drop((client, server));
    pair.end();
}

/// An incomplete message nobody waits for holds a window, however large it will be.
#[test]
fn an_unwanted_message_holds_a_window() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    let soon_over = Some(now() + Duration::from_millis(100));
    assert_eq!(
        client.send_message(&framed(LIMIT), false, soon_over),
        Err(SendError::Deadline),
        "the message is larger than the window"
    );
    // The beginning of a message without its end is worth nothing: the stream was reset.
    let reset = Incoming::Reset { reason: Reason::CANCEL, by: crate::http2::Initiator::Remote };
    assert_eq!(receive(&server), reset);
    assert!(pair.up.passed() <= u64::from(Config::default().initial_window_size) + 4096);
    drop((client, server));
    pair.end();
}

/// A peer that reads nothing makes a link hold its output cap, whatever its applications send.
#[test]
fn a_dead_peer_costs_the_output_cap() {
    let config = Config {
        initial_window_size: 1 << 30,
        connection_window_size: 1 << 30,
        ..Config::default()
    };
    let pair = Pair::with(config);
    let streams: Vec<_> = (0..8).map(|_| pair.call(&[], false)).collect();
    pair.up.stall();
    let sent = AtomicUsize::new(0);
    let until = Some(now() + Duration::from_millis(300));
    thread::scope(|scope| {
        for (client, _server) in &streams {
            scope.spawn(|| {
                while client.send_message(&framed(9995), false, until).is_ok() {
                    sent.fetch_add(10_000, Ordering::Relaxed);
                }
            });
        }
    });
    // What the core holds, what was taken from it and not written, and what the wire holds.
    let cap = limits::http2::OUTPUT_BUFFER_MAX;
    let most = 2 * cap + MEMORY_PIPE_CAPACITY + 8 * 10_000;
    let sent = sent.into_inner();
    assert!((cap..=most).contains(&sent), "{sent} bytes, expected {cap} to {most}");
    pair.up.resume();
    drop(streams);
    pair.end();
}

/// A wire that was full goes on where it stopped.
#[test]
fn a_stall_delays_and_loses_nothing() {
    let pair = Pair::new();
    pair.up.set_capacity(100);
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    pair.up.stall();
    for _ in 0..50 {
        client.send_message(&framed(100), false, soon()).unwrap();
    }
    client.finish().unwrap();
    assert_eq!(server.try_receive(), None);
    pair.up.resume();
    for _ in 0..50 {
        assert_eq!(receive(&server), message(100));
    }
    assert_eq!(receive(&server), Incoming::End);
    drop((client, server));
    pair.end();
}

/// Many messages of one stream from several threads arrive whole: senders take turns.
#[test]
fn senders_of_one_stream_take_turns() {
    let config = Config { initial_window_size: 3000, ..Config::default() };
    let pair = Pair::with(config);
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..20 {
                    client.send_message(&framed(5000), false, soon()).unwrap();
                }
            });
        }
        for _ in 0..80 {
            assert_eq!(receive(&server), message(5000));
        }
    });
    drop((client, server));
    pair.end();
}
