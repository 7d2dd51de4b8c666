//! Connecting to the first of several addresses that answers (RFC 8305, Happy Eyeballs).
//!
//! Attempts begin one after the other, a little apart, and run side by side; the first that
//! succeeds ends the others. All of it is on the caller's thread.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use super::platform::Socket;
use super::socket::poll_writable;
use super::{Bound, SocketOptions, now};
use crate::limits::CONNECTS_AT_ONCE_MAX;

/// One attempt that has begun.
struct Attempt {
    socket: Socket,
    address: SocketAddr,
}

/// What has become of an attempt to connect without waiting.
enum Begun {
    Connected(Socket),
    Pending(Socket),
}

/// Connects to the first of `addresses` that answers, in this order. An attempt begins as soon as the one before
/// has failed, or has been at it for `delay`.
///
/// # Errors
///
/// What the last one answered, or [`io::ErrorKind::TimedOut`] when the time is up, which both name the
/// address; [`io::ErrorKind::ConnectionAborted`] if nobody wants it any more.
pub(super) fn connect(
    addresses: &[SocketAddr],
    delay: Duration,
    bound: impl Into<Bound>,
    options: SocketOptions,
) -> io::Result<(Socket, SocketAddr)> {
    let bound = bound.into();
    let mut waiting = addresses.iter().copied().peekable();
    let mut running: Vec<Attempt> = Vec::new();
    let mut next_start = now();
    let mut last = None;
    loop {
        let time = now();
        bound.check_wanted()?;
        if bound.is_late() {
            return Err(too_late(&running));
        }
        if (running.is_empty() || next_start <= time)
            && let Some(address) = waiting.next()
        {
            match begin(address, options) {
                Ok(Begun::Connected(socket)) => return Ok((socket, address)),
                Ok(Begun::Pending(socket)) => {
                    next_start = time + delay;
                    if running.len() == CONNECTS_AT_ONCE_MAX {
                        // It has had the time of all the others.
                        running.remove(0);
                    }
                    running.push(Attempt { socket, address });
                }
                Err(error) => {
                    last = Some(named(address, &error));
                    continue;
                }
            }
        }
        if running.is_empty() && waiting.peek().is_none() {
            let nothing = || io::Error::new(io::ErrorKind::NotFound, "no address to connect to");
            return Err(last.unwrap_or_else(nothing));
        }
        let next = waiting.peek().map(|_| next_start.saturating_duration_since(now()));
        let timeout = [bound.wait(), next].into_iter().flatten().min();
        let ready = poll_writable(running.iter().map(|attempt| &attempt.socket), timeout)?;
        for index in ready.into_iter().rev() {
            let Attempt { socket, address } = running.remove(index);
            match outcome(&socket) {
                Ok(()) => return Ok((socket, address)),
                Err(error) => {
                    last = Some(named(address, &error));
                    next_start = time;
                }
            }
        }
    }
}

/// RFC 8305 4: addresses of both families in turn, beginning with the family of the first.
pub(super) fn interleave(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let is_of_first = |address: &&SocketAddr| {
        addresses.first().is_some_and(|first| first.is_ipv6() == address.is_ipv6())
    };
    let mut firsts = addresses.iter().filter(is_of_first);
    let mut others = addresses.iter().filter(|address| !is_of_first(address));
    let mut order = Vec::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(firsts.next());
        order.extend(others.next());
    }
    order
}

fn begin(address: SocketAddr, options: SocketOptions) -> io::Result<Begun> {
    let socket = Socket::tcp(&address)?;
    options.apply(&socket, &address)?;
    socket.set_nonblocking(true)?;
    match socket.connect(&address) {
        Ok(()) => {
            socket.set_nonblocking(false)?;
            Ok(Begun::Connected(socket))
        }
        Err(error) if is_in_progress(&error) => Ok(Begun::Pending(socket)),
        Err(error) => Err(error),
    }
}

/// How an attempt ended that is no longer pending.
fn outcome(socket: &Socket) -> io::Result<()> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    socket.peer_address()?;
    socket.set_nonblocking(false)
}

fn is_in_progress(error: &io::Error) -> bool {
    let in_progress = rustix::io::Errno::INPROGRESS.raw_os_error();
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(in_progress)
}

fn too_late(running: &[Attempt]) -> io::Error {
    let error = io::Error::new(io::ErrorKind::TimedOut, "not connected within the deadline");
    running.last().map_or_else(
        || io::Error::new(error.kind(), error.to_string()),
        |attempt| named(attempt.address, &error),
    )
}

fn named(address: SocketAddr, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{address}: {error}"))
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpListener};

    use std::time::Instant;

    use socket2::{Domain, SockRef, Type};

    use super::*;
    use crate::transport::Wish;

    fn connect(
        addresses: &[SocketAddr],
        delay: Duration,
        bound: impl Into<Bound>,
    ) -> io::Result<(Socket, SocketAddr)> {
        super::connect(addresses, delay, bound, SocketOptions::default())
    }

    const SHORT: Duration = Duration::from_millis(5);

    fn soon() -> Option<Instant> {
        Some(now() + Duration::from_secs(20))
    }

    /// An address where nobody listens.
    fn refusing() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    }

    /// An address that answers nothing: its backlog is full.
    #[cfg(target_os = "linux")]
    fn silent() -> (SocketAddr, Vec<socket2::Socket>) {
        let listener = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let mut held = vec![listener];
        for _ in 0..4 {
            let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let _ = socket.connect(&address.into());
            held.push(socket);
        }
        (address, held)
    }

    /// RFC 8305 4: families take turns, and the order within a family stays.
    #[test]
    fn families_are_interleaved() {
        let parse = |texts: &[&str]| -> Vec<SocketAddr> {
            texts.iter().map(|text| text.parse().unwrap()).collect()
        };
        let addresses = parse(&["[::1]:1", "[::2]:1", "[::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let order = parse(&["[::1]:1", "1.0.0.1:1", "[::2]:1", "1.0.0.2:1", "[::3]:1"]);
        assert_eq!(interleave(&addresses), order);
        let only = parse(&["1.0.0.2:1", "1.0.0.1:1"]);
        assert_eq!(interleave(&only), only);
        assert_eq!(interleave(&[]), []);
    }

    /// RFC 8305 5: a failed attempt is followed by the next one at once.
    #[test]
    fn a_refusal_is_followed_at_once() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let hour = Duration::from_secs(3600);
        let (_, connected) = connect(&[refusing(), refusing(), address], hour, soon()).unwrap();
        assert_eq!(connected, address);
    }

    /// RFC 8305 5: an address that does not answer holds up the next one by the delay alone.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_silent_address_does_not_hold_up_the_next() {
        let (address, _held) = silent();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let good = listener.local_addr().unwrap();
        let many = [&[address; CONNECTS_AT_ONCE_MAX + 4][..], &[good]].concat();
        assert_eq!(connect(&many, SHORT, soon()).unwrap().1, good);
    }

    /// The deadline holds, and the text names who did not answer.
    #[cfg(target_os = "linux")]
    #[test]
    fn connecting_ends_at_the_deadline() {
        let (address, _held) = silent();
        let error = connect(&[address], SHORT, Some(now() + 4 * SHORT)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.to_string(), format!("{address}: not connected within the deadline"));
    }

    /// An attempt that nobody wants any more ends, though nobody has answered it.
    #[cfg(target_os = "linux")]
    #[test]
    fn connecting_ends_when_nobody_wants_it() {
        let (address, _held) = silent();
        let wish = Wish::default();
        let bound = Bound::new(None, &wish);
        let error = std::thread::scope(|scope| {
            let connecting = scope.spawn(|| connect(&[address], SHORT, bound).unwrap_err());
            wish.withdraw();
            connecting.join().unwrap()
        });
        assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
    }

    /// Sockets have their options when they connect.
    #[test]
    fn a_connected_socket_has_its_options() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let addresses = [listener.local_addr().unwrap()];
        let options = SocketOptions { dscp: Some(10), ..SocketOptions::default() };
        let (socket, _) = super::connect(&addresses, SHORT, soon(), options).unwrap();
        assert_eq!(SockRef::from(&socket).tos_v4().unwrap(), 10 << 2);
    }

    /// With every address refused, the last refusal is told; no addresses are an error too.
    #[test]
    fn the_last_refusal_is_told() {
        let last = refusing();
        let error = connect(&[refusing(), last], SHORT, soon()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        assert!(error.to_string().starts_with(&format!("{last}: ")), "{error}");
        assert_eq!(connect(&[], SHORT, None).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
