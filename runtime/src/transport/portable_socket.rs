//! What stands in for `linux_socket.rs` on other systems: stream sockets as `socket2` knows them.

use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(windows)]
use std::os::windows::io::{AsSocket, BorrowedSocket};
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

/// A socket of TCP or Unix: one that connects, is connected or listens. Closed when it is dropped, and
/// not handed down to programs that this one starts.
#[derive(Debug)]
pub(super) struct Socket(socket2::Socket);

impl Socket {
    /// One of TCP, of the family of `address`.
    pub(super) fn tcp(address: &SocketAddr) -> io::Result<Self> {
        let family = Domain::for_address(*address);
        socket2::Socket::new(family, Type::STREAM, Some(Protocol::TCP)).map(Self)
    }

    #[cfg(unix)]
    pub(super) fn unix() -> io::Result<Self> {
        socket2::Socket::new(Domain::UNIX, Type::STREAM, None).map(Self)
    }

    pub(super) fn connect(&self, address: &SocketAddr) -> io::Result<()> {
        self.0.connect(&(*address).into())
    }

    #[cfg(unix)]
    pub(super) fn connect_unix(&self, path: &Path) -> io::Result<()> {
        self.0.connect(&SockAddr::unix(path)?)
    }

    pub(super) fn bind(&self, address: &SocketAddr) -> io::Result<()> {
        self.0.bind(&(*address).into())
    }

    pub(super) fn listen(&self, backlog: i32) -> io::Result<()> {
        self.0.listen(backlog)
    }

    /// A connection, which blocks, and its peer if that has an internet address.
    pub(super) fn accept(&self) -> io::Result<(Self, Option<SocketAddr>)> {
        let (socket, peer) = self.0.accept()?;
        // Some systems hand the listener's mode down.
        socket.set_nonblocking(false)?;
        Ok((Self(socket), peer.as_socket()))
    }

    /// # Errors
    ///
    /// What the system says; that it is no internet address.
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        internet_address(&self.0.local_addr()?)
    }

    /// As [`local_address`](Self::local_address), of the peer.
    pub(super) fn peer_address(&self) -> io::Result<SocketAddr> {
        internet_address(&self.0.peer_addr()?)
    }

    /// What has gone wrong since this was asked last.
    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.0.take_error()
    }

    pub(super) fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(is_nonblocking)
    }

    pub(super) fn set_tcp_nodelay(&self) -> io::Result<()> {
        self.0.set_tcp_nodelay(true)
    }

    /// On Windows the option means that two servers may share a port.
    pub(super) fn set_reuse_address(&self) -> io::Result<()> {
        if cfg!(windows) { Ok(()) } else { self.0.set_reuse_address(true) }
    }

    /// Other sockets may listen at its port, if they ask for the same.
    #[cfg(all(unix, not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))))]
    pub(super) fn share_port(&self) -> io::Result<()> {
        self.0.set_reuse_port(true)
    }

    /// Other sockets may not listen at its port.
    #[cfg(not(all(
        unix,
        not(any(target_os = "solaris", target_os = "illumos", target_os = "cygwin"))
    )))]
    pub(super) fn share_port(&self) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no SO_REUSEPORT"))
    }

    /// One of IPv6 takes IPv4 too.
    pub(super) fn take_both_families(&self) -> io::Result<()> {
        self.0.set_only_v6(false)
    }

    pub(super) fn set_receive_buffer_size(&self, size: usize) -> io::Result<()> {
        self.0.set_recv_buffer_size(size)
    }

    /// The differentiated services field of what is sent by IPv4.
    pub(super) fn set_field_v4(&self, field: u8) -> io::Result<()> {
        self.0.set_tos_v4(field.into())
    }

    /// The same by IPv6.
    #[cfg(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd"
    ))]
    pub(super) fn set_field_v6(&self, field: u8) -> io::Result<()> {
        self.0.set_tclass_v6(field.into())
    }

    /// The same by IPv6, which this system does not have.
    #[cfg(not(any(
        target_os = "linux",
        target_os = "android",
        target_vendor = "apple",
        target_os = "freebsd"
    )))]
    pub(super) fn set_field_v6(&self, _: u8) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no DSCP for IPv6"))
    }

    #[cfg(unix)]
    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(timeout)
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buffer)
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        (&self.0).write(bytes)
    }

    pub(super) fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0).write_vectored(parts)
    }
}

fn internet_address(address: &SockAddr) -> io::Result<SocketAddr> {
    let none =
        || io::Error::new(io::ErrorKind::InvalidData, "a TCP socket without an internet address");
    address.as_socket().ok_or_else(none)
}

#[cfg(unix)]
impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(windows)]
impl AsSocket for Socket {
    fn as_socket(&self) -> BorrowedSocket<'_> {
        self.0.as_socket()
    }
}

impl From<TcpListener> for Socket {
    fn from(listener: TcpListener) -> Self {
        Self(listener.into())
    }
}

impl From<TcpStream> for Socket {
    fn from(stream: TcpStream) -> Self {
        Self(stream.into())
    }
}

#[cfg(unix)]
impl From<UnixListener> for Socket {
    fn from(listener: UnixListener) -> Self {
        Self(listener.into())
    }
}

#[cfg(unix)]
impl From<UnixStream> for Socket {
    fn from(stream: UnixStream) -> Self {
        Self(stream.into())
    }
}

impl From<Socket> for TcpStream {
    fn from(socket: Socket) -> Self {
        socket.0.into()
    }
}
