//! Messages that gather: whatever leaves together, all arrive, in order, soon, and nothing is held
//! without a bound.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use crate::http2::Reason;
use crate::limits::{BATCH_SIZE, GATHERED_MESSAGE_MAX};
use crate::transport::{Run, SendError, lock, now};

/// A call in which the client's next messages are taken for a burst.
fn call_with_burst(pair: &Pair) -> (Stream, Stream) {
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    client.inbox().expect_burst();
    (client, server)
}

/// A message that is a number.
fn number(number: u32) -> [u8; 9] {
    let [a, b, c, d] = number.to_be_bytes();
    [0, 0, 0, 0, 4, a, b, c, d]
}

/// Calls `each` with every message that `stream` receives before its end, which is returned.
fn receive_all(stream: &Stream, mut each: impl FnMut(&[u8])) -> Incoming {
    let mut run = Run::default();
    loop {
        while let Some((payload, _)) = run.next() {
            each(payload);
        }
        match stream.receive_run(&mut run, soon()).expect("something comes") {
            Incoming::Run => {}
            Incoming::Message(payload, _) => each(&payload),
            end => return end,
        }
    }
}

/// A message of a burst is received without any further call on its sender's side.
#[test]
fn a_gathered_message_is_sent_soon() {
    let pair = Pair::new();
    let (client, server) = call_with_burst(&pair);
    for len in 0..20 {
        client.send_one_of_many(&framed(len), soon()).unwrap();
        assert_eq!(receive(&server), message(len));
    }
    drop((client, server));
    pair.end();
}

/// A call of a burst reaches the server though nobody on its client's side does anything more.
#[test]
fn a_held_call_is_sent_soon() {
    let pair = Pair::new();
    for len in 0..20 {
        lock(&pair.client.state).openers.expect_burst(now());
        let (client, Accepted { stream: server, .. }) = pair.call(&framed(len), true);
        assert_eq!(receive(&server), message(len));
        drop((client, server));
    }
    pair.end();
}

/// Whoever looks whether something has come, and wants to be told, has its call written at once.
#[test]
fn a_look_writes_what_is_held() {
    let pair = Pair::new();
    let (stream, accepted) = pair.call(&[], false);
    // As after calls of a burst, but without the flusher.
    pair.client.calls_held.put_in();
    assert_eq!(stream.try_receive(), None);
    assert!(!pair.client.calls_held.is_in());
    drop((stream, accepted));
    pair.end();
}

/// A burst that begins with more than gathers is one all the same: what follows is sent soon.
#[test]
fn a_burst_that_begins_with_a_large_call_goes_on() {
    let pair = Pair::new();
    lock(&pair.client.state).openers.expect_burst(now());
    for len in [BATCH_SIZE + 1, 3, 4] {
        let (client, Accepted { stream: server, .. }) = pair.call(&framed(len), true);
        assert_eq!(receive(&server), message(len));
        drop((client, server));
    }
    pair.end();
}

/// What is held when the connection ends is lost with it, and its callers learn why.
#[test]
fn held_calls_end_with_their_connection() {
    let pair = Pair::new();
    lock(&pair.client.state).openers.expect_burst(now());
    let streams: Vec<_> =
        (0..5).map(|len| open(&pair.client, &framed(len), true, None).unwrap()).collect();
    pair.client.close();
    for stream in &streams {
        let end = receive(stream);
        assert!(matches!(end, Incoming::Lost(_)), "{end:?}");
    }
    drop(streams);
    pair.requests.try_iter().for_each(drop);
    pair.end();
}

/// Calls that one thread begins as fast as it can all arrive, in order, and so do their replies,
/// whoever writes them.
#[test]
fn calls_begun_in_quick_succession_all_arrive() {
    const AT_ONCE: usize = 50;
    const ROUNDS: usize = 20;
    let pair = Pair::new();
    let (sender, answered) = channel();
    let link = &pair.client;
    thread::scope(|scope| {
        scope.spawn(move || {
            for round in 0..ROUNDS {
                let open = |len| open(link, &framed(len), true, None).unwrap();
                let streams: Vec<_> = (0..AT_ONCE).map(open).collect();
                if round % 2 == 0 {
                    // Nobody waits on the connection before all have been answered.
                    (0..AT_ONCE).for_each(|_| answered.recv_timeout(PATIENCE).unwrap());
                }
                for (len, stream) in streams.iter().enumerate() {
                    assert!(matches!(receive(stream), Incoming::Head { .. }));
                    assert_eq!(receive(stream), message(len));
                }
            }
        });
        for call in 0..ROUNDS * AT_ONCE {
            let (round, len) = (call / AT_ONCE, call % AT_ONCE);
            let Accepted { stream, .. } = pair.requests.recv_timeout(PATIENCE).unwrap();
            assert_eq!(receive(&stream), message(len));
            let head = Some(&response());
            stream.send_response(head, &framed(len), Some(&trailers()), soon()).unwrap();
            if round % 2 == 0 {
                sender.send(()).unwrap();
            }
        }
    });
    pair.end();
}

/// Whatever is sent behind gathered messages arrives behind them: large messages, those that are
/// sent whole or by themselves, the end.
#[test]
fn gathered_messages_keep_their_place() {
    let pair = Pair::new();
    let (client, server) = call_with_burst(&pair);
    let sender = thread::spawn(move || {
        for round in 0..50 {
            client.send_one_of_many(&framed(round), soon()).unwrap();
            client.send_one_of_many(&framed(round + 1), soon()).unwrap();
            match round % 3 {
                0 => client.send_one_of_many(&framed(GATHERED_MESSAGE_MAX + round), soon()),
                1 => client.send_whole(&framed(BATCH_SIZE + round), soon()),
                _ => client.send_message(&framed(3), false, soon()),
            }
            .unwrap();
        }
        client.send_one_of_many(&framed(7), soon()).unwrap();
        client.finish().unwrap();
        client
    });
    for round in 0..50 {
        let third = [GATHERED_MESSAGE_MAX + round, BATCH_SIZE + round, 3][round % 3];
        for len in [round, round + 1, third] {
            assert_eq!(receive(&server), message(len), "round {round}");
        }
    }
    assert_eq!(receive(&server), message(7));
    assert_eq!(receive(&server), Incoming::End);
    drop((sender.join().unwrap(), server));
    pair.end();
}

/// Trailers go behind gathered messages, in the same write.
#[test]
fn trailers_stand_behind_gathered_messages() {
    let pair = Pair::new();
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    server.send_headers(&response(), false).unwrap();
    server.inbox().expect_burst();
    for len in 0..100 {
        server.send_one_of_many(&framed(len), soon()).unwrap();
    }
    server.send_response(None, &[], Some(&trailers()), soon()).unwrap();
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    for len in 0..100 {
        assert_eq!(receive(&client), message(len));
    }
    assert_eq!(receive(&client), Incoming::Trailers(trailers()));
    drop((client, server));
    pair.end();
}

/// A million messages arrive whole and in order at a reader that stalls, and while it does no more
/// of them are taken than the window and two batches hold, one of which is on its way.
#[test]
fn a_burst_is_bounded_by_the_window() {
    const COUNT: u32 = 1_000_000;
    let pair = Pair::new();
    let (client, server) = call_with_burst(&pair);
    let sent = AtomicUsize::new(0);
    thread::scope(|scope| {
        scope.spawn(|| {
            for index in 0..COUNT {
                client.send_one_of_many(&number(index), soon()).unwrap();
                sent.fetch_add(9, Ordering::Relaxed);
            }
            client.finish().unwrap();
        });
        let window = Config::default().initial_window_size as usize;
        // A message that fits in part was not counted yet: its sender waits for the rest.
        let has_filled = || sent.load(Ordering::Relaxed) + 9 > window;
        eventually(|| has_filled() && client.inbox().is_blocked());
        let most = window + 2 * BATCH_SIZE + 9;
        assert!(sent.load(Ordering::Relaxed) <= most, "{sent:?} bytes, expected {most} at most");
        let mut expected = 0;
        let end = receive_all(&server, |payload| {
            assert_eq!(payload, u32::to_be_bytes(expected));
            expected += 1;
        });
        assert_eq!((end, expected), (Incoming::End, COUNT));
    });
    drop((client, server));
    pair.end();
}

/// What the window held back goes on when it opens, without its sender; the end too.
#[test]
fn what_was_held_back_goes_on_by_itself() {
    const COUNT: u32 = 200;
    let config = Config { initial_window_size: 100, ..Config::default() };
    let pair = Pair::with(config);
    let (client, server) = call_with_burst(&pair);
    let (tell, told) = channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            for index in 0..COUNT {
                client.send_one_of_many(&number(index), soon()).unwrap();
            }
            client.finish().unwrap();
            tell.send(()).unwrap();
        });
        // Where it is interrupted its burst ends, and it waits for the window itself.
        let _ = told.recv_timeout(Duration::from_millis(200));
        let mut expected = 0;
        let end = receive_all(&server, |payload| {
            assert_eq!(payload, u32::to_be_bytes(expected));
            expected += 1;
        });
        assert_eq!((end, expected), (Incoming::End, COUNT));
    });
    drop((client, server));
    pair.end();
}

/// While the window is closed a sender is ahead by three batches at most, one of which the flusher may
/// hold, and waits, until its deadline.
#[test]
fn a_closed_window_holds_few_batches() {
    let config = Config { initial_window_size: 0, ..Config::default() };
    let pair = Pair::with(config);
    let (client, server) = call_with_burst(&pair);
    // The SETTINGS with the window come before the head: until then another one holds.
    server.send_headers(&response(), false).unwrap();
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    let mut taken = 0;
    let stopped = loop {
        match client.send_one_of_many(&framed(1000), Some(now() + Duration::from_millis(50))) {
            Ok(()) => taken += 1005,
            Err(error) => break error,
        }
    };
    assert_eq!(stopped, SendError::Deadline);
    assert!(taken <= 3 * BATCH_SIZE + 2 * 1005, "{taken}");
    client.reset(Reason::CANCEL);
    assert_eq!(client.send_one_of_many(&framed(1), soon()), Err(SendError::Closed));
    drop((client, server));
    pair.end();
}

/// A cancellation in the middle of a burst ends the sender and the receiver, and what was taken
/// together and not looked at is dropped on the side that cancels.
#[test]
fn a_cancellation_ends_a_burst() {
    let pair = Pair::new();
    let (client, server) = call_with_burst(&pair);
    let sender = thread::spawn(move || {
        while client.send_one_of_many(&number(7), soon()).is_ok() {}
        client
    });
    let mut run = Run::default();
    while server.receive_run(&mut run, soon()).unwrap() != Incoming::Run {}
    assert!(run.next().is_some());
    server.reset(Reason::CANCEL);
    assert_eq!(run.next(), None);
    let client = sender.join().unwrap();
    assert!(client.is_cancelled());
    assert!(!client.inbox().has_gathered());
    drop((client, server, run));
    pair.end();
}

/// At its deadline a call ends with its last word behind what had gathered, and with a reset if the
/// peer does not take all of that.
#[test]
fn a_deadline_sends_what_has_gathered() {
    for (window, is_whole) in [(1000, true), (100, false)] {
        let config = Config { initial_window_size: window, ..Config::default() };
        let pair = Pair::with(config);
        let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
        server.send_headers(&response(), false).unwrap();
        for index in 0..50 {
            // However slow the machine is.
            server.inbox().expect_burst();
            server.send_one_of_many(&number(index), soon()).unwrap();
        }
        server.set_deadline(now(), |_| trailers());
        assert!(server.wait_cancelled(soon()));
        let mut count = 0;
        assert!(matches!(receive(&client), Incoming::Head { .. }));
        let end = receive_all(&client, |_| count += 1);
        assert_eq!(end == Incoming::Trailers(trailers()), is_whole, "{end:?} behind {count}");
        assert!(!is_whole || count == 50);
        drop((client, server));
        pair.end();
    }
}

/// Several threads that send on one stream lose nothing.
#[test]
fn bursts_of_several_threads_arrive_whole() {
    let pair = Pair::new();
    let (client, server) = call_with_burst(&pair);
    let mut seen = [0; 4];
    thread::scope(|scope| {
        for thread in 0..4 {
            let client = client.clone();
            scope.spawn(move || {
                for index in 0..5000 {
                    client.send_one_of_many(&number(thread << 16 | index), soon()).unwrap();
                    if index % 1000 == 999 {
                        client.send_message(&framed(10_000), false, soon()).unwrap();
                    }
                }
            });
        }
        let mut left = 4 * 5005;
        let mut run = Run::default();
        let mut look = |payload: &[u8]| {
            if let Ok(bytes) = <[u8; 4]>::try_from(payload) {
                let (thread, index) = (bytes[1], u32::from_be_bytes(bytes) & 0xffff);
                assert_eq!(index, seen[usize::from(thread)], "of thread {thread}");
                seen[usize::from(thread)] += 1;
            }
        };
        while left > 0 {
            while let Some((payload, _)) = run.next() {
                look(payload);
                left -= 1;
            }
            if left > 0
                && let Incoming::Message(payload, _) = server.receive_run(&mut run, soon()).unwrap()
            {
                look(&payload);
                left -= 1;
            }
        }
    });
    assert_eq!(seen, [5000; 4]);
    drop((client, server));
    pair.end();
}
