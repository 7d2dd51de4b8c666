//! Windows that open to what the application reads.

use std::time::Duration;

use super::frames::*;
use super::peer::*;
use crate::http2::{Config, Reason};
use crate::limits::http2 as limits;

const ROUND_TRIP: Duration = Duration::from_millis(10);
const FRAME: usize = 16 << 10;

/// A server that sends as much as it may on stream 1, and a client that takes it.
struct Sender {
    peer: Peer,
    /// What may be sent on the connection and on each stream.
    connection: i64,
    streams: Vec<i64>,
    pings: usize,
    /// How far away the peer is.
    round_trip: Duration,
}

impl Sender {
    fn of(config: &Config, streams: usize) -> Self {
        let mut peer = Peer::of_client_with(config.clone(), &[]);
        for stream in 0..streams {
            let id = peer.open().0;
            assert_eq!(id as usize, stream * 2 + 1);
            peer.send(response(id)).forget();
        }
        let windows = vec![i64::from(config.initial_window_size); streams];
        let connection = i64::from(config.connection_window_size.max(65_535));
        Self { peer, connection, streams: windows, pings: 0, round_trip: ROUND_TRIP }
    }

    /// One round trip: what the windows allow is sent and, if `takes`, taken; what comes back
    /// arrives. Returns how many bytes went.
    fn round(&mut self, stream: usize, most: usize, takes: bool) -> usize {
        let id = stream as u32 * 2 + 1;
        let mut sent = 0;
        while sent < most {
            let room = self.connection.min(self.streams[stream]).max(0) as usize;
            let count = FRAME.min(room).min(most - sent);
            if count == 0 {
                break;
            }
            self.connection -= count as i64;
            self.streams[stream] -= count as i64;
            sent += count;
            self.peer.hand_over(&data(id, vec![0; count]).to_bytes());
            if takes {
                self.peer.connection.release(crate::http2::StreamId(id), count);
            }
        }
        self.peer.now += self.round_trip;
        let mut acks = Vec::new();
        while let Some(frame) = self.peer.next_frame() {
            match frame.kind {
                WINDOW_UPDATE => {
                    let increment = u32::from_be_bytes(frame.payload[..].try_into().unwrap());
                    match frame.stream {
                        0 => self.connection += i64::from(increment),
                        stream => self.streams[stream as usize / 2] += i64::from(increment),
                    }
                }
                PING => acks.push(frame.flag(ACK)),
                _ => panic!("unexpected {frame:?}"),
            }
        }
        self.pings += acks.len();
        self.peer.send_all(acks);
        self.peer.told.clear();
        sent
    }
}

/// A stream that is read as fast as it comes gets a window for all that is on the way, and no
/// larger one.
#[test]
fn a_window_opens_to_what_is_read() {
    let mut sender = Sender::of(&Config::default(), 1);
    let first = sender.round(0, usize::MAX, true);
    assert!(first <= limits::INITIAL_WINDOW_SIZE as usize);
    let mut last = first;
    for _ in 0..50 {
        last = sender.round(0, usize::MAX, true);
        assert!(last <= limits::STREAM_WINDOW_MAX as usize);
    }
    assert!(last > limits::STREAM_WINDOW_MAX as usize / 3, "{last}");
    assert!(sender.streams[0] <= i64::from(limits::STREAM_WINDOW_MAX));
    let pings = sender.pings;
    (0..10).for_each(|_| assert!(sender.round(0, usize::MAX, true) > 0));
    assert_eq!(sender.pings, pings, "nothing is measured any more");
}

/// A slow peer is no reason for a larger window.
#[test]
fn a_window_stays_where_the_peer_is_slow() {
    let mut sender = Sender::of(&Config::default(), 1);
    for _ in 0..200 {
        sender.round(0, 20_000, true);
    }
    assert!(sender.pings > 5);
    assert!(sender.streams[0] <= i64::from(limits::INITIAL_WINDOW_SIZE));
}

/// RFC 9113 5.2.1: a receiver's memory is its own to bound: who does not read gets no more than the
/// first window, though others on the connection read fast.
#[test]
fn an_unread_stream_keeps_its_first_window() {
    let mut sender = Sender::of(&Config::default(), 2);
    (0..50).for_each(|_| assert!(sender.round(0, usize::MAX, true) > 0));
    let sent: usize = (0..5).map(|_| sender.round(1, usize::MAX, false)).sum();
    assert_eq!(sent, limits::INITIAL_WINDOW_SIZE as usize);
}

/// All streams together get no more than the limit, and what a stream had is free when it closes.
#[test]
fn the_growth_of_all_streams_is_bounded() {
    let count = 12;
    let mut sender = Sender::of(&Config::default(), count);
    // Until windows are as large as they become.
    (0..20).for_each(|_| assert!(sender.round(0, usize::MAX, true) > 0));
    for _ in 0..20 {
        for stream in 0..count {
            sender.round(stream, usize::MAX, true);
        }
    }
    let beyond = |windows: &[i64]| -> i64 {
        windows.iter().map(|window| (window - i64::from(limits::INITIAL_WINDOW_SIZE)).max(0)).sum()
    };
    let all = beyond(&sender.streams);
    assert!(all <= limits::WINDOW_GROWTH_MAX as i64 && all > 0, "{all}");
    assert!(sender.streams[count - 1] < i64::from(limits::STREAM_WINDOW_MAX / 2));
    for stream in 0..count as u32 - 1 {
        sender.peer.send(reset(stream * 2 + 1, Reason::CANCEL)).forget();
    }
    let sent = (0..5).map(|_| sender.round(count - 1, usize::MAX, true)).max();
    assert!(sent > Some(limits::STREAM_WINDOW_MAX as usize / 2), "{sent:?}");
}

/// A peer that answers at once has nothing to gain from a larger window, however fast it is.
#[test]
fn a_window_stays_where_the_peer_is_near() {
    let mut sender = Sender::of(&Config::default(), 1);
    sender.round_trip = limits::WINDOW_GROWTH_ROUND_TRIP / 2;
    for _ in 0..200 {
        sender.round(0, usize::MAX, true);
    }
    let pings = limits::WINDOW_GROWTH_MEASUREMENTS as usize + 1;
    assert_eq!(sender.pings, pings, "a PING for each window would be one too many for a server");
    assert!(sender.streams[0] <= i64::from(limits::INITIAL_WINDOW_SIZE));
}

/// A window that was chosen stays as it is, and nothing is measured.
#[test]
fn a_chosen_window_stays() {
    for config in [
        Config { initial_window_size: 200_000, ..Config::default() },
        Config { connection_window_size: 2 << 20, ..Config::default() },
    ] {
        let window = i64::from(config.initial_window_size);
        let mut sender = Sender::of(&config, 1);
        (0..20).for_each(|_| assert!(sender.round(0, usize::MAX, true) > 0));
        assert_eq!(sender.pings, 0);
        assert!(sender.streams[0] <= window);
    }
}

/// Calls whose messages are small cost no PING.
#[test]
fn small_calls_measure_nothing() {
    let mut sender = Sender::of(&Config::default(), 20);
    for stream in 0..20 {
        assert_eq!(sender.round(stream, 100_000, true), 100_000);
    }
    assert_eq!(sender.pings, 0);
}

/// gRFC A8: no PING follows upon another one without DATA between them, so that a server which has
/// sent everything does not count it.
#[test]
fn no_ping_follows_without_new_data() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    let half = limits::INITIAL_WINDOW_SIZE as usize / 2;
    peer.send(response(stream.0)).forget();
    for _ in 0..2 * half / FRAME {
        peer.send(data(stream.0, vec![0; FRAME])).forget();
    }
    let mut pings = 0;
    for _ in 0..2 {
        peer.connection.release(stream, half);
        while let Some(frame) = peer.next_frame() {
            if frame.kind == PING {
                pings += 1;
                peer.send(frame.flag(ACK));
            }
        }
    }
    assert_eq!(pings, 1);
}

/// Padding is given back and is no reason for a larger window.
#[test]
fn padding_opens_no_window() {
    let mut peer = Peer::of_client();
    let stream = peer.open();
    peer.send(response(stream.0)).forget();
    for _ in 0..2 * limits::INITIAL_WINDOW_SIZE / 256 {
        peer.send(data(stream.0, b"x").pad(254));
        while let Some(frame) = peer.next_frame() {
            assert_eq!(frame.kind, WINDOW_UPDATE, "{frame:?}");
        }
    }
}

/// RFC 9113 6.7: an acknowledgement of a measurement that nobody has begun is a stray one.
#[test]
fn a_measurement_is_acknowledged_once() {
    let mut peer = Peer::of_client();
    let before = peer.connection.connection_bytes_held();
    peer.send(ping_ack(b"\xd3window\x02")).expect_silence().tells_nothing();
    assert_eq!(peer.connection.connection_bytes_held(), before);
}
