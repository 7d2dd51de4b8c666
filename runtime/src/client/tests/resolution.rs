//! The addresses of a name that calls take in turn, and how they are looked up again.

use std::sync::Arc;
use std::time::Duration;

use super::balancing::{HOUR, Servers, builder, share, until, until_links, until_shares};
use super::text;
use crate::client::{Request, Response};
use crate::grpc::Code;
use crate::http2::Reason;
use crate::transport::Latch;

/// Resolution: a lost connection has the name looked up again. Addresses that are new are connected to;
/// those that are gone get no more calls, and the calls that they have go on.
#[test]
fn a_changed_name_is_followed() {
    let servers = Servers::new(["a", "b", "c"]);
    servers.find(&["a", "b"]);
    servers.server("a").up();
    servers.server("c").up();
    let gate = Arc::new(Latch::default());
    let closed = gate.clone();
    servers.server("b").peers.add(move |peer| {
        let (stream, _) = peer.request();
        closed.wait(None);
        peer.reply(stream, "late");
        peer.until_closed();
        assert_eq!(peer.farewell(), Some(Reason::NO_ERROR));
    });
    let stub = servers.stub(builder());
    stub.0.connect();
    // A connection is there before calls are known to be taken by it.
    until(|| stub.0.ready() == 2);
    let pending = [(); 2].map(|()| stub.pending(text("")).unwrap());
    servers.find(&["c", "a"]);
    servers.server("a").connected().cut();
    servers.server("a").up();
    until(|| servers.server("c").peers.connects() == 1 && stub.0.links().len() == 2);
    until_shares(&stub, 10, &[share("a", 5), share("c", 5)]);
    gate.open();
    let answers =
        pending.map(|call| call.wait().map_or_else(|_| text("lost"), Response::into_inner));
    assert!(answers.contains(&text("late")), "{answers:?}");
    servers.join(stub);
}

/// A name is looked up again at the earliest when the gap is over, however often connections fail.
#[test]
fn look_ups_are_spaced_out() {
    let servers = Servers::new(["a", "b"]);
    let stub = servers.stub(builder().min_time_between_resolutions(HOUR));
    stub.0.connect();
    until(|| servers.server("a").peers.connects() > 5);
    assert_eq!(servers.look_ups(), 1);
    servers.join(stub);

    let servers = Servers::new(["a", "b"]);
    let stub = servers.stub(builder());
    stub.0.connect();
    until(|| servers.look_ups() > 3);
    servers.join(stub);
}

/// A look-up that finds nothing is the failure of calls, and is made again after the backoff.
#[test]
fn a_failed_look_up_is_made_again() {
    let servers = Servers::up(["a"]);
    servers.find(&["error"]);
    let stub = servers.stub(builder());
    let status = stub.unary(text("")).unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(status.message(), "connect to servers: look-up of servers: no answer");
    until(|| servers.look_ups() > 3);
    servers.find(&[]);
    let nothing = "connect to servers: no address";
    until(|| stub.unary(text("")).unwrap_err().message() == nothing);
    servers.find(&["a"]);
    assert_eq!(*stub.unary(Request::new(text("")).wait_for_ready()).unwrap(), "a");
    servers.join(stub);
}

/// A look-up that fails later changes nothing: the addresses of the last one stay.
#[test]
fn a_failed_look_up_keeps_the_addresses() {
    let servers = Servers::up(["a", "b"]);
    let stub = servers.stub(builder());
    until_links(&stub, 2);
    servers.find(&["error"]);
    servers.server("b").connected().cut();
    until(|| servers.look_ups() > 3);
    until_shares(&stub, 3, &[share("a", 3)]);
    servers.server("b").up();
    until(|| stub.0.links().len() == 2);
    servers.join(stub);
}

/// An address that a look-up finds twice is one address.
#[test]
fn an_address_found_twice_is_one() {
    let servers = Servers::up(["a", "b"]);
    servers.find(&["a", "b", "a"]);
    let stub = servers.stub(builder());
    until_links(&stub, 2);
    until_shares(&stub, 10, &[share("a", 5), share("b", 5)]);
    servers.join(stub);
}

/// A gap that ends beyond all times is never over.
#[test]
fn a_gap_may_be_endless() {
    let servers = Servers::new(["a"]);
    let stub = servers.stub(builder().min_time_between_resolutions(Duration::MAX));
    stub.0.connect();
    until(|| servers.server("a").peers.connects() > 5);
    assert_eq!(servers.look_ups(), 1);
    servers.join(stub);
}
