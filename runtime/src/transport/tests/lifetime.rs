//! Links that are asked for something over time: the rules are the core's, the clock is here, and
//! where a rule could come too early on a slow machine, it stands still until the test moves it.

use super::*;
use crate::http2::{Keepalive, Lifetime, Reason};
use crate::transport::clock::VirtualClock;

const TICK: Duration = Duration::from_millis(1);

fn with(lifetime: Lifetime) -> Config {
    Config { lifetime, ..Config::default() }
}

/// Moves the time on until `is_over` holds.
fn pass(clock: &VirtualClock, is_over: impl Fn() -> bool) {
    while !is_over() {
        clock.advance(TICK);
        std::thread::yield_now();
    }
}

fn has_closed(link: &Link) -> bool {
    link.wait_closed(Some(now()))
}

/// gRFC A8 and A9: a peer from which nothing comes any more is given up by both sides, with words
/// for every call.
#[test]
fn a_silent_peer_ends_the_link() {
    let clock = VirtualClock::new();
    let _entered = clock.enter();
    let keepalive = Keepalive { time: 10 * TICK, timeout: 10 * TICK, without_streams: true };
    let pair = Pair::with(with(Lifetime { keepalive: Some(keepalive), ..Lifetime::default() }));
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    // Before its SETTINGS the server has another limit.
    pair.client.wait_ready(soon()).unwrap();
    pair.up.stall();
    pair.down.stall();
    pass(&clock, || client.ending().is_some() && server.ending().is_some());
    let words = "peer sent nothing in time after a keepalive PING";
    for stream in [&client, &server] {
        let text = lost(receive(stream));
        assert!(text.ends_with(words), "{text}");
    }
    pair.down.resume();
    pair.up.resume();
    drop((client, server));
    pair.end();
}

/// gRFC A8: a peer that answers is kept, however often it is asked.
#[test]
fn a_peer_that_answers_is_kept() {
    let keepalive = Keepalive { time: TICK, timeout: PATIENCE, without_streams: true };
    let pair = Pair::with(with(Lifetime { keepalive: Some(keepalive), ..Lifetime::default() }));
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    let before = pair.up.passed();
    // Ten PINGs and ten answers of 17 bytes at least.
    eventually(|| pair.up.passed() >= before + 340);
    answer(&server);
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    drop((client, server));
    pair.end();
}

/// gRFC A9: a connection without calls closes on both sides, and not while there is a call.
#[test]
fn an_idle_link_closes() {
    let clock = VirtualClock::new();
    let _entered = clock.enter();
    let rules = Lifetime { idle_max: Some(20 * TICK), ..Lifetime::default() };
    let pair = Pair::with(with(rules));
    let (client, Accepted { stream: server, .. }) = pair.call(&[], true);
    clock.advance(60 * TICK);
    answer(&server);
    assert!(matches!(receive(&client), Incoming::Head { .. }));
    drop((client, server));
    pass(&clock, || has_closed(&pair.client) && has_closed(&pair.server));
    assert!(!pair.client.is_usable());
    pair.end();
}

/// gRFC A9: an old connection takes no more calls, and closes after its last one.
#[test]
fn an_old_link_closes_after_its_last_call() {
    let clock = VirtualClock::new();
    let _entered = clock.enter();
    let rules = Lifetime { age_max: Some(20 * TICK), ..Lifetime::default() };
    let (client, server) = pair();
    let (sender, requests) = channel();
    let accepting = accepting(with(rules));
    let server = Link::server(Box::new(server), &accepting, move |accepted| {
        sender.send(accepted).unwrap();
    });
    let (server, config) = (server.unwrap(), Config::default());
    let client = Link::client(Box::new(client), config, "test-client").unwrap();
    let stream = open(&client, &[], true, None).unwrap();
    let accepted = requests.recv_timeout(PATIENCE).unwrap();
    pass(&clock, || !client.is_usable());
    assert!(matches!(open(&client, &[], true, None), Err(OpenError::Unavailable(_))));
    answer(&accepted.stream);
    assert!(matches!(receive(&stream), Incoming::Head { .. }));
    drop((stream, accepted));
    pass(&clock, || has_closed(&client) && has_closed(&server));
}

/// gRFC A9: calls that go on beyond the grace of an old connection are lost with it.
#[test]
fn the_grace_of_an_old_link_ends() {
    let clock = VirtualClock::new();
    let _entered = clock.enter();
    let (age_max, age_grace) = (Some(10 * TICK), Some(10 * TICK));
    let pair = Pair::with(with(Lifetime { age_max, age_grace, ..Lifetime::default() }));
    let (client, Accepted { stream: server, .. }) = pair.call(&[], false);
    pass(&clock, || client.ending().is_some() && server.ending().is_some());
    assert!(lost(receive(&server)).contains("max_age"), "the server's side says why");
    lost(receive(&client));
    client.reset(Reason::CANCEL);
    drop((client, server));
    pair.end();
}
