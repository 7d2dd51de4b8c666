//! Unix sockets, by path and, on Linux, in the abstract namespace.

use std::io;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Instant;

use super::platform::Socket;
use super::socket::SocketWire;
use super::wire::{Address, Wire};
use super::{now, platform};

/// Connects to the socket at `path`.
///
/// # Errors
///
/// What the system says, or [`io::ErrorKind::TimedOut`].
pub(crate) fn connect(path: &Path, until: Option<Instant>) -> io::Result<Box<dyn Wire>> {
    let socket = Socket::unix()?;
    if let Some(until) = until {
        // A listener with a full backlog makes us wait as long as a write may.
        let time = until.saturating_duration_since(now());
        if time.is_zero() {
            return Err(io::Error::new(io::ErrorKind::TimedOut, "the deadline has passed"));
        }
        socket.set_write_timeout(Some(time))?;
    }
    socket.connect_unix(path).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => {
            io::Error::new(io::ErrorKind::TimedOut, "not accepted within the deadline")
        }
        _ => error,
    })?;
    socket.set_write_timeout(None)?;
    wire(socket, Address::Unix(Some(path.to_owned())), Address::Unix(None))
}

/// Connects to the socket called `name` in the abstract namespace.
///
/// # Errors
///
/// What the system says; there is no such namespace but on Linux.
pub(crate) fn connect_abstract(name: &[u8]) -> io::Result<Box<dyn Wire>> {
    let stream = UnixStream::connect_addr(&platform::abstract_address(name)?)?;
    wire(stream.into(), Address::UnixAbstract(name.to_owned()), Address::Unix(None))
}

/// Listens at `path`. A socket there that nobody listens at any more is replaced.
pub(super) fn listen(path: &Path) -> io::Result<(Socket, Address)> {
    let listener = match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)?
        }
        result => result?,
    };
    Ok((listener.into(), Address::Unix(Some(path.to_owned()))))
}

/// Listens at `name` in the abstract namespace.
pub(super) fn listen_abstract(name: &[u8]) -> io::Result<(Socket, Address)> {
    let listener = UnixListener::bind_addr(&platform::abstract_address(name)?)?;
    Ok((listener.into(), Address::UnixAbstract(name.to_owned())))
}

/// Where a listener that somebody else has bound listens.
pub(super) fn local_address(listener: &UnixListener) -> io::Result<Address> {
    let address = listener.local_addr()?;
    Ok(match platform::abstract_name(&address) {
        Some(name) => Address::UnixAbstract(name.to_owned()),
        None => Address::Unix(address.as_pathname().map(Path::to_owned)),
    })
}

/// A wire over a connection accepted at `local`.
pub(super) fn accepted(socket: Socket, local: Address) -> io::Result<Box<dyn Wire>> {
    wire(socket, Address::Unix(None), local)
}

fn wire(socket: Socket, peer: Address, local: Address) -> io::Result<Box<dyn Wire>> {
    Ok(Box::new(SocketWire::new(socket, peer, local)?))
}

/// Whether a former server left its socket behind.
fn is_abandoned(path: &Path) -> bool {
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    is_socket
        && UnixStream::connect(path)
            .is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}
