//! gRFC A8 and A9: keepalive, PINGs that come too often, idle and old connections. All of it in
//! virtual time.

use std::time::{Duration, Instant};

use super::frames::*;
use super::peer::*;
use crate::http2::error::Violation;
use crate::http2::{Config, Connection, Event, Keepalive, Lifetime, OpenError};
use crate::http2::{PingPolicy, Reason, StreamId};
use crate::limits::http2 as limits;

const LAST: u32 = (1 << 31) - 1;
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// PING after a minute, lost after 20 seconds more.
fn keepalive(without_streams: bool) -> Config {
    let keepalive = Keepalive { time: MINUTE, timeout: 20 * SECOND, without_streams };
    with(Lifetime { keepalive: Some(keepalive), ..Lifetime::default() })
}

/// gRPC's defaults of a server.
fn policy(without_streams: bool) -> Config {
    let policy = PingPolicy { interval_min: 5 * MINUTE, without_streams, strikes_max: 2 };
    with(Lifetime { ping_policy: Some(policy), ..Lifetime::default() })
}

fn with(lifetime: Lifetime) -> Config {
    Config { lifetime, ..Config::default() }
}

impl Peer {
    /// The next frame is PING; answers it if asked to.
    #[track_caller]
    fn expect_ping(&mut self) -> Frame {
        let frame = self.next_frame().expect("PING on the wire");
        assert_eq!((frame.kind, frame.flags), (PING, 0), "{frame:?}");
        frame
    }

    /// The connection has nothing to do before `time` has passed, and then it has.
    #[track_caller]
    fn is_due_in(&mut self, time: Duration) -> &mut Self {
        self.wait(time - Duration::from_millis(1)).expect_silence();
        assert_eq!(self.error, None);
        self.wait(Duration::from_millis(1))
    }

    /// Lets all alarms go off that come within `time`, each at its moment.
    fn live_for(&mut self, time: Duration) -> usize {
        let end = self.now + time;
        let mut alarms = 0;
        while let Some(next) = self.connection.next_timeout().filter(|next| *next <= end) {
            self.wait(next.saturating_duration_since(self.now));
            alarms += 1;
            assert!(alarms < 1_000_000, "the alarm goes off for nothing");
        }
        self.wait(end - self.now);
        alarms
    }
}

/// gRFC A8: after `time` without a byte from the server a PING goes out, and the connection is lost
/// if nothing comes for `timeout` after it.
#[test]
fn a_silent_peer_is_asked_and_then_given_up() {
    let mut peer = Peer::of_client_with(keepalive(false), &[]);
    peer.open();
    peer.is_due_in(MINUTE).expect_ping();
    peer.expect_silence().is_due_in(20 * SECOND);
    peer.ends_with(Violation::KeepaliveTimeout);
    assert_eq!(peer.connection.next_timeout(), None);
}

/// What a connection tells of itself: its streams, how many have ended behind the server's last word,
/// its windows, and the PINGs of keepalive.
#[cfg(feature = "channelz")]
#[test]
fn a_connection_tells_how_it_stands() {
    let mut peer = Peer::of_client_with(keepalive(true), &[]);
    let fresh = peer.connection.facts();
    assert_eq!((fresh.streams_open, fresh.streams_succeeded, fresh.keepalives_sent), (0, 0, 0));
    assert_eq!(fresh.send_window, 65_535);
    peer.open();
    peer.open();
    // The server is done with a request that goes on, and the client asks for no more.
    peer.send(response(1)).tells_head(1);
    peer.send(data(1, "x")).tells_data(1, b"x");
    assert_eq!(peer.connection.facts().receive_window, fresh.receive_window - 1);
    peer.send(trailers(1));
    peer.connection.reset(StreamId(1), Reason::NO_ERROR);
    peer.connection.reset(StreamId(3), Reason::CANCEL);
    peer.wait(MINUTE);
    let facts = peer.connection.facts();
    assert_eq!((facts.streams_open, facts.streams_succeeded, facts.keepalives_sent), (0, 1, 1));
}

/// gRFC A8: the time counts from the last byte that was read, of whatever frame, and each byte is
/// as good an answer as that to the PING.
#[test]
fn whatever_is_read_proves_that_the_peer_lives() {
    let mut peer = Peer::of_client_with(keepalive(false), &[]);
    peer.open();
    peer.wait(MINUTE - SECOND).send(response(1)).tells_head(1);
    peer.is_due_in(MINUTE);
    let ping = peer.expect_ping();
    peer.wait(19 * SECOND).send(data(1, "x")).tells_data(1, b"x");
    peer.is_due_in(MINUTE).expect_ping();
    // The head of a frame is enough.
    peer.wait(19 * SECOND).send_bytes(&[0, 0, 9]);
    peer.is_due_in(MINUTE).expect_ping();
    let mut peer = Peer::of_client_with(keepalive(false), &[]);
    peer.open();
    peer.is_due_in(MINUTE);
    assert_eq!(peer.expect_ping(), ping, "the bytes tell whose PING it is");
    peer.send(ping.flag(ACK)).is_due_in(MINUTE).expect_ping();
}

/// gRFC A8: an answer begins the time anew, also if it is shorter than the timeout.
#[test]
fn an_answer_begins_the_time_anew() {
    let keepalive = Keepalive { time: 10 * SECOND, timeout: 20 * SECOND, without_streams: true };
    let rules = Lifetime { keepalive: Some(keepalive), ..Lifetime::default() };
    let mut peer = Peer::of_client_with(with(rules), &[]);
    for _ in 0..10 {
        peer.is_due_in(10 * SECOND);
        let ping = peer.expect_ping();
        peer.send(ping.flag(ACK));
        assert!(peer.connection.next_timeout().is_some_and(|next| next <= peer.now + 10 * SECOND));
        peer.wait(Duration::ZERO);
    }
}

/// gRFC A8: without streams a client does not PING, unless it was told to.
#[test]
fn an_idle_client_asks_only_if_it_may() {
    let mut peer = Peer::of_client_with(keepalive(false), &[]);
    assert!(peer.live_for(24 * HOUR) <= 2, "two looks, then none until a stream is opened");
    peer.expect_silence();
    assert_eq!(peer.connection.next_timeout(), None);

    let mut peer = Peer::of_client_with(keepalive(true), &[]);
    peer.is_due_in(MINUTE).expect_ping();
    peer.is_due_in(20 * SECOND);
    peer.ends_with(Violation::KeepaliveTimeout);
}

/// gRFC A8: a call on a connection that has been silent for long is told soon whether there is
/// somebody: PING goes with it.
#[test]
fn the_first_call_after_a_long_silence_asks() {
    let mut peer = Peer::of_client_with(keepalive(false), &[]);
    peer.live_for(HOUR);
    peer.open();
    let due = peer.connection.next_timeout().unwrap();
    assert!(due <= peer.now, "at once");
    peer.wait(Duration::ZERO).expect_ping();
    peer.is_due_in(20 * SECOND);
    peer.ends_with(Violation::KeepaliveTimeout);

    // Not if the server was heard of meanwhile.
    let mut peer = Peer::of_client_with(keepalive(false), &[]);
    peer.live_for(HOUR);
    peer.send(ping(b"areuhere")).expect(ping_ack(b"areuhere"));
    peer.open();
    peer.is_due_in(MINUTE).expect_ping();
}

/// gRFC A9: a server asks whether or not there are streams.
#[test]
fn a_server_asks_without_streams_too() {
    let mut peer = Peer::of_server_with(keepalive(true));
    peer.is_due_in(MINUTE);
    let ping = peer.expect_ping();
    peer.send(ping.flag(ACK)).is_due_in(MINUTE).expect_ping();
    peer.is_due_in(20 * SECOND);
    peer.ends_with(Violation::KeepaliveTimeout);
}

/// RFC 9113 3.4: nothing is asked before the preface, which has a limit of its own.
#[test]
fn keepalive_begins_with_the_settings_of_the_peer() {
    let keepalive = Keepalive { time: SECOND, timeout: SECOND, without_streams: true };
    let rules = Lifetime { keepalive: Some(keepalive), ..Lifetime::default() };
    let mut peer = Peer::new(Connection::server(with(rules)));
    peer.wait(Duration::ZERO).wait(limits::PREFACE_TIMEOUT - SECOND).expect_silence();
    peer.send_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").send(settings(&[])).send(settings_ack());
    while peer.next_frame().is_some_and(|frame| frame.kind != PING) {}
    peer.is_due_in(SECOND).expect_ping();
}

/// Silence of a peer that does not read our answers says nothing, for we do not read it either.
#[test]
fn silence_does_not_count_while_reading_is_paused() {
    let config = Config { initial_window_size: 65_535, ..keepalive(true) };
    let mut peer = Peer::of_server_with(config);
    for index in 0..=limits::REPLIES_BEFORE_PAUSE {
        peer.hand_over(&ping(&u64::from(index).to_be_bytes()).to_bytes());
    }
    assert!(!peer.connection.wants_input());
    for _ in 0..10 {
        peer.now += MINUTE;
        peer.connection.on_time(peer.now);
        assert_eq!(peer.connection.error(), None);
    }
    peer.forget();
    assert!(peer.connection.wants_input());
    peer.is_due_in(MINUTE).expect_ping();
}

/// gRFC A8: PINGs closer than the least interval are strikes, and one more than are allowed ends
/// the connection with ENHANCE_YOUR_CALM and "too_many_pings".
#[test]
fn too_many_pings_end_the_connection() {
    let mut peer = Peer::of_server_with(policy(false));
    peer.send(request(1));
    for _ in 0..3 {
        peer.wait(5 * MINUTE - SECOND).send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
    peer.wait(5 * MINUTE - SECOND).send(ping(b"12345678"));
    peer.ends_with(Violation::TooManyPings);
    assert_eq!(Violation::TooManyPings.row().1, Reason::ENHANCE_YOUR_CALM);
}

/// gRFC A8: PINGs that keep the interval are none.
#[test]
fn pings_at_the_least_interval_are_allowed() {
    let mut peer = Peer::of_server_with(policy(false));
    peer.send(request(1));
    for _ in 0..100 {
        peer.wait(5 * MINUTE).send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
}

/// gRFC A8: without streams PING is allowed every two hours, unless the server permits more.
#[test]
fn pings_without_streams_are_allowed_every_two_hours() {
    let mut peer = Peer::of_server_with(policy(false));
    for _ in 0..10 {
        peer.wait(2 * HOUR).send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
    for _ in 0..2 {
        peer.wait(2 * HOUR - SECOND).send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
    peer.wait(2 * HOUR - SECOND).send(ping(b"12345678"));
    peer.ends_with(Violation::TooManyPings);

    let mut peer = Peer::of_server_with(policy(true));
    for _ in 0..10 {
        peer.wait(5 * MINUTE).send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
}

/// gRFC A8: HEADERS and DATA of the server pay for the PINGs before them, so that clients that
/// measure the bandwidth are not taken for others.
#[test]
fn answers_pay_for_pings() {
    let mut peer = Peer::of_server_with(policy(false));
    peer.send(request(1));
    peer.connection.send_headers(StreamId(1), &list(RESPONSE), false).unwrap();
    peer.forget();
    for _ in 0..1000 {
        assert_eq!(peer.connection.send_data(StreamId(1), b"x", false), Ok(1));
        peer.expect(data(1, "x")).send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
    // The strikes begin anew.
    for _ in 0..2 {
        peer.send(ping(b"12345678")).expect(ping_ack(b"12345678"));
    }
    peer.send(ping(b"12345678"));
    peer.ends_with(Violation::TooManyPings);
}

/// gRFC A9: a server leaves a connection without streams after `max_connection_idle`: GOAWAY with
/// NO_ERROR and "max_idle", in two phases.
#[test]
fn an_idle_connection_is_left() {
    let rules = Lifetime { idle_max: Some(HOUR), ..Lifetime::default() };
    let mut peer = Peer::of_server_with(with(rules));
    peer.wait(Duration::ZERO).is_due_in(HOUR);
    let goaway = peer.next_frame().unwrap();
    assert_eq!(&goaway.payload[8..], b"max_idle");
    assert_eq!(
        Frame { payload: goaway.payload[..8].to_vec(), ..goaway },
        go_away_after(LAST, Reason::NO_ERROR)
    );
    let probe = peer.expect_ping();
    // A call that was on its way is served.
    peer.send(request(1).end()).tells(Told::Head { stream: 1, end: true });
    peer.send(probe.flag(ACK)).expect(go_away_after(1, Reason::NO_ERROR));
    assert!(!peer.connection.is_drained());
    peer.connection.send_headers(StreamId(1), &list(RESPONSE), true).unwrap();
    assert!(peer.connection.is_drained());
}

/// gRFC A9: idleness counts from the end of the last stream, or from the beginning.
#[test]
fn idleness_counts_from_the_last_stream() {
    let rules = Lifetime { idle_max: Some(HOUR), ..Lifetime::default() };
    let mut peer = Peer::of_server_with(with(rules));
    peer.wait(HOUR / 2).send(request(1).end()).tells(Told::Head { stream: 1, end: true });
    assert!(peer.live_for(3 * HOUR) <= 4, "a busy connection is looked at once an hour");
    peer.expect_silence();
    // The stream ends by a command; the core asks for the time of it.
    assert!(!peer.connection.wants_time());
    peer.now += HOUR / 4;
    peer.connection.send_headers(StreamId(1), &list(RESPONSE), true).unwrap();
    assert!(peer.connection.wants_time());
    peer.connection.tell_time(peer.now);
    assert!(!peer.connection.wants_time());
    peer.forget();
    peer.live_for(HOUR - SECOND);
    peer.expect_silence();
    peer.live_for(SECOND);
    assert_eq!(peer.next_frame().map(|frame| frame.kind), Some(GOAWAY));
}

/// A client that made no call for as long as its channel may be idle says GOAWAY and opens no
/// stream on the connection any more.
#[test]
fn an_idle_client_leaves() {
    let rules = Lifetime { idle_max: Some(HOUR / 2), ..Lifetime::default() };
    let mut peer = Peer::of_client_with(with(rules), &[]);
    peer.open();
    peer.live_for(24 * HOUR);
    peer.expect_silence();
    peer.send(response(1)).send(trailers(1));
    peer.connection.reset(StreamId(1), Reason::CANCEL);
    peer.wait(Duration::ZERO).forget();
    peer.live_for(HOUR / 2 - SECOND);
    peer.expect_silence();
    peer.live_for(SECOND);
    peer.expect(go_away_after(0, Reason::NO_ERROR));
    assert_eq!(peer.connection.open(&list(REQUEST), true), Err(OpenError::GoingAway));
}

/// gRFC A9: a connection that has reached `max_connection_age` is left, with streams that may go on
/// for ever unless there is a grace.
#[test]
fn an_old_connection_is_left() {
    let rules = Lifetime { age_max: Some(HOUR), ..Lifetime::default() };
    let mut peer = Peer::of_server_with(with(rules));
    peer.wait(Duration::ZERO).send(request(1)).tells_head(1);
    peer.is_due_in(HOUR);
    let goaway = peer.next_frame().unwrap();
    assert_eq!((goaway.kind, &goaway.payload[8..]), (GOAWAY, &b"max_age"[..]));
    let probe = peer.expect_ping();
    peer.send(probe.flag(ACK)).expect(go_away_after(1, Reason::NO_ERROR));
    peer.live_for(1000 * HOUR);
    peer.send(data(1, "x")).tells_data(1, b"x");
    assert_eq!((peer.connection.error(), peer.connection.open_streams()), (None, 1));
}

/// gRFC A9: what goes on for longer than `max_connection_age_grace` ends with the connection.
#[test]
fn an_old_connection_has_a_grace() {
    let age_grace = Some(MINUTE);
    let rules = Lifetime { age_max: Some(HOUR), age_grace, ..Lifetime::default() };
    let mut peer = Peer::of_server_with(with(rules));
    peer.wait(Duration::ZERO).send(request(1)).tells_head(1);
    peer.is_due_in(HOUR).forget();
    peer.wait(MINUTE - SECOND);
    assert_eq!(peer.error, None);
    peer.wait(SECOND);
    peer.ends_with(Violation::AgeGraceOver);
}

/// Two cores and the bytes between them.
struct Two {
    client: Connection,
    server: Connection,
    now: Instant,
    /// How often a core was told the time.
    alarms: usize,
    is_cut: bool,
}

impl Two {
    fn new(client: Lifetime, server: Lifetime) -> Self {
        let (client, server) = (Connection::client(with(client)), Connection::server(with(server)));
        let mut two = Self { client, server, now: Instant::now(), alarms: 0, is_cut: false };
        two.tell();
        two.exchange();
        two
    }

    fn tell(&mut self) {
        for core in [&mut self.client, &mut self.server] {
            core.on_time(self.now);
        }
    }

    fn exchange(&mut self) {
        loop {
            let (up, down) = (self.client.take_output(), self.server.take_output());
            if up.is_empty() && down.is_empty() {
                return;
            }
            if !self.is_cut {
                Self::hand_over(&mut self.server, &up, self.now, true);
                Self::hand_over(&mut self.client, &down, self.now, false);
            }
            self.tell();
        }
    }

    /// The server `answers` each call at once.
    fn hand_over(core: &mut Connection, mut bytes: &[u8], now: Instant, answers: bool) {
        while let Ok((consumed, event)) = core.handle_bytes(bytes, now) {
            bytes = &bytes[consumed..];
            match event {
                None => return,
                Some(Event::Headers { stream, .. }) if answers => {
                    core.send_headers(stream, &list(RESPONSE), true).unwrap();
                }
                Some(_) => {}
            }
        }
    }

    fn call(&mut self) {
        self.client.open(&list(REQUEST), true).unwrap();
        self.exchange();
        assert_eq!((self.client.open_streams(), self.server.open_streams()), (0, 0));
    }

    /// Lets `time` pass, alarm by alarm, until one side has ended or wants no more streams.
    fn live_for(&mut self, time: Duration) -> bool {
        let end = self.now + time;
        loop {
            let next = [&self.client, &self.server].map(Connection::next_timeout);
            let next = next.into_iter().flatten().min().filter(|next| *next <= end);
            self.now = next.unwrap_or(end).max(self.now);
            self.alarms += 1;
            assert!(self.alarms < 100_000, "the alarms never end");
            self.tell();
            self.exchange();
            let is_over = self.client.error().is_some() || self.client.is_going_away();
            if is_over || next.is_none() {
                return !is_over;
            }
        }
    }
}

/// gRFC A8 and A9: a day with gRPC's defaults on the server and a keepalive of 10 minutes on the
/// client: nobody is given up, nothing is a strike, and few moments have anything to do.
#[test]
fn a_quiet_day_keeps_the_connection() {
    let time = 10 * MINUTE;
    let keepalive = Keepalive { time, timeout: 20 * SECOND, without_streams: false };
    let client = Lifetime { keepalive: Some(keepalive), ..Lifetime::default() };
    let keepalive = Keepalive { time: 2 * HOUR, timeout: 20 * SECOND, without_streams: true };
    let server = Lifetime { keepalive: Some(keepalive), ..policy(false).lifetime };
    let mut two = Two::new(client, server);
    for _ in 0..24 {
        two.call();
        assert!(two.live_for(HOUR));
    }
    assert!(two.alarms < 200, "{} alarms", two.alarms);
    // The network is gone: the next call finds out within the timeout.
    two.is_cut = true;
    two.client.open(&list(REQUEST), true).unwrap();
    two.exchange();
    let begun = two.now;
    assert!(!two.live_for(HOUR));
    assert_eq!(two.client.error().unwrap().violation(), Violation::KeepaliveTimeout);
    assert!(two.now - begun <= 10 * MINUTE + 20 * SECOND);
}

/// gRFC A8: a client that PINGs every minute without calls is sent away within minutes, in words
/// that its channel understands.
#[test]
fn a_chatty_day_ends_within_minutes() {
    let client = keepalive(true).lifetime;
    let mut two = Two::new(client, policy(false).lifetime);
    let begun = two.now;
    assert!(!two.live_for(24 * HOUR));
    assert!(two.now - begun <= 5 * MINUTE);
    assert_eq!(two.server.error().unwrap().violation(), Violation::TooManyPings);
    // A server that permits it keeps the client for the day.
    let permitting = PingPolicy { interval_min: MINUTE, without_streams: true, strikes_max: 2 };
    let server = Lifetime { ping_policy: Some(permitting), ..Lifetime::default() };
    assert!(Two::new(client, server).live_for(24 * HOUR));
}
