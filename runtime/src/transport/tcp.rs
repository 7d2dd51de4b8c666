//! TCP: connecting within a deadline to one of several addresses, and listening.

use std::io;
use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::panic::catch_unwind;
use std::sync::{Arc, Mutex};

use super::listener::Sharing;
use super::platform::Socket;
use super::socket::SocketWire;
use super::wire::{Address, Wire};
use super::{Bound, Dial, Latch, happy_eyeballs, lock, now, spawn};
use crate::limits::{HAPPY_EYEBALLS_DELAY, LISTEN_BACKLOG};

/// Connects to the first of `addresses` that answers.
///
/// # Errors
///
/// What the last address answered, or [`io::ErrorKind::TimedOut`].
pub(crate) fn connect(addresses: &[SocketAddr], dial: &Dial) -> io::Result<Box<dyn Wire>> {
    let (socket, address) = connect_socket(addresses, dial)?;
    wire(socket, address)
}

/// As [`connect`], for those who have something to say before there is a wire.
pub(super) fn connect_socket(
    addresses: &[SocketAddr],
    dial: &Dial,
) -> io::Result<(Socket, SocketAddr)> {
    let mut order = happy_eyeballs::interleave(addresses);
    let count = order.len().max(1);
    order.rotate_left(dial.failures % count);
    happy_eyeballs::connect(&order, HAPPY_EYEBALLS_DELAY, dial.bound(), dial.socket)
}

/// Looks up `host`, on a thread of its own since nothing can interrupt a look-up.
///
/// # Errors
///
/// What the system says, or [`io::ErrorKind::TimedOut`].
pub(crate) fn resolve(
    host: &str,
    port: u16,
    bound: impl Into<Bound>,
) -> io::Result<Vec<SocketAddr>> {
    let bound = bound.into();
    let in_words =
        |kind, reason: &str| io::Error::new(kind, format!("look-up of {host}: {reason}"));
    let lookup = Lookup::start(host, port)?;
    while !lookup.over.wait(bound.wait().map(|wait| now() + wait)) {
        if bound.is_late() {
            return Err(in_words(io::ErrorKind::TimedOut, "no answer within the deadline"));
        }
        bound.check_wanted()?;
    }
    match lock(&lookup.answer).take() {
        Some(Ok(addresses)) if addresses.is_empty() => {
            Err(in_words(io::ErrorKind::NotFound, "no address"))
        }
        Some(Ok(addresses)) => Ok(addresses),
        Some(Err(error)) => Err(in_words(error.kind(), &error.to_string())),
        None => Err(in_words(io::ErrorKind::Other, "the look-up broke off")),
    }
}

/// What a thread that looks a name up leaves to who waits for it.
#[derive(Default)]
struct Lookup {
    answer: Mutex<Option<io::Result<Vec<SocketAddr>>>>,
    over: Latch,
}

impl Lookup {
    fn start(host: &str, port: u16) -> io::Result<Arc<Self>> {
        let lookup = Arc::new(Self::default());
        let (left, name) = (Arc::clone(&lookup), host.to_owned());
        spawn("grpc-resolve", move || {
            let look = || (name.as_str(), port).to_socket_addrs().map(Vec::from_iter);
            // Nobody may wait any more. The panic hook has reported a panic.
            *lock(&left.answer) = catch_unwind(look).ok();
            left.over.open();
        })?;
        Ok(lookup)
    }
}

/// Listens at the first of `addresses` that is free.
///
/// The unspecified IPv6 address takes IPv4 too; where the system has no IPv6, it stands for the
/// unspecified IPv4 address.
pub(super) fn listen(addresses: &[SocketAddr], sharing: Sharing) -> io::Result<(Socket, Address)> {
    let mut last = None;
    for address in addresses {
        match listen_one(*address, sharing) {
            Ok(listening) => return Ok(listening),
            Err(error) => last = Some(error),
        }
        if address.is_ipv6() && address.ip().is_unspecified() && !has_ipv6() {
            return listen_one(SocketAddr::from(([0, 0, 0, 0], address.port())), sharing);
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no address to listen at")))
}

/// A wire over an accepted connection.
pub(super) fn accepted(socket: Socket, peer: Option<SocketAddr>) -> io::Result<Box<dyn Wire>> {
    let none =
        || io::Error::new(io::ErrorKind::InvalidData, "a TCP peer without an internet address");
    wire(socket, peer.ok_or_else(none)?)
}

/// A wire over a connected socket.
pub(super) fn wire(socket: Socket, peer: SocketAddr) -> io::Result<Box<dyn Wire>> {
    // Whole messages are written at once: waiting for more would only delay them.
    socket.set_tcp_nodelay()?;
    let local = socket.local_address()?;
    Ok(Box::new(SocketWire::new(socket, Address::Tcp(peer), Address::Tcp(local))?))
}

fn listen_one(address: SocketAddr, sharing: Sharing) -> io::Result<(Socket, Address)> {
    let socket = Socket::tcp(&address)?;
    if address.is_ipv6() && address.ip().is_unspecified() {
        socket.take_both_families()?;
    }
    // A restarted server must not wait for connections of the former one to fade away.
    socket.set_reuse_address()?;
    if sharing == Sharing::Shared {
        socket.share_port()?;
    }
    socket.bind(&address)?;
    socket.listen(LISTEN_BACKLOG)?;
    let local = Address::Tcp(socket.local_address()?);
    Ok((socket, local))
}

fn has_ipv6() -> bool {
    Socket::tcp(&(Ipv6Addr::UNSPECIFIED, 0).into()).is_ok()
}
