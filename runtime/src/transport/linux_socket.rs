//! Stream sockets of Linux, by its own system calls. `portable_socket.rs` beside it has the same names.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use rustix::net::sockopt::{self, Timeout};
use rustix::net::{self, AddressFamily, SocketAddrUnix, SocketFlags, SocketType, ipproto};

/// A socket of TCP or Unix: one that connects, is connected or listens. Closed when it is dropped, and
/// not handed down to programs that this one starts.
#[derive(Debug)]
pub(super) struct Socket(OwnedFd);

impl Socket {
    /// One of TCP, of the family of `address`.
    pub(super) fn tcp(address: &SocketAddr) -> io::Result<Self> {
        let family = match address {
            SocketAddr::V4(_) => AddressFamily::INET,
            SocketAddr::V6(_) => AddressFamily::INET6,
        };
        let kind = SocketType::STREAM;
        Ok(Self(net::socket_with(family, kind, SocketFlags::CLOEXEC, Some(ipproto::TCP))?))
    }

    pub(super) fn unix() -> io::Result<Self> {
        let (family, kind) = (AddressFamily::UNIX, SocketType::STREAM);
        Ok(Self(net::socket_with(family, kind, SocketFlags::CLOEXEC, None)?))
    }

    pub(super) fn connect(&self, address: &SocketAddr) -> io::Result<()> {
        Ok(net::connect(&self.0, address)?)
    }

    pub(super) fn connect_unix(&self, path: &Path) -> io::Result<()> {
        Ok(net::connect(&self.0, &SocketAddrUnix::new(path)?)?)
    }

    pub(super) fn bind(&self, address: &SocketAddr) -> io::Result<()> {
        Ok(net::bind(&self.0, address)?)
    }

    pub(super) fn listen(&self, backlog: i32) -> io::Result<()> {
        Ok(net::listen(&self.0, backlog)?)
    }

    /// A connection, which blocks, and its peer if that has an internet address.
    pub(super) fn accept(&self) -> io::Result<(Self, Option<SocketAddr>)> {
        let (socket, peer) = net::acceptfrom_with(&self.0, SocketFlags::CLOEXEC)?;
        Ok((Self(socket), peer.and_then(|peer| peer.try_into().ok())))
    }

    /// # Errors
    ///
    /// What the system says; that it is no internet address.
    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        Ok(net::getsockname(&self.0)?.try_into()?)
    }

    /// As [`local_address`](Self::local_address), of the peer.
    pub(super) fn peer_address(&self) -> io::Result<SocketAddr> {
        let peer = net::getpeername(&self.0)?.ok_or(io::ErrorKind::NotConnected)?;
        Ok(peer.try_into()?)
    }

    /// What has gone wrong since this was asked last.
    pub(super) fn take_error(&self) -> io::Result<Option<io::Error>> {
        Ok(sockopt::socket_error(&self.0)?.err().map(io::Error::from))
    }

    pub(super) fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        Ok(rustix::io::ioctl_fionbio(&self.0, is_nonblocking)?)
    }

    pub(super) fn set_tcp_nodelay(&self) -> io::Result<()> {
        Ok(sockopt::set_tcp_nodelay(&self.0, true)?)
    }

    pub(super) fn set_reuse_address(&self) -> io::Result<()> {
        Ok(sockopt::set_socket_reuseaddr(&self.0, true)?)
    }

    /// Other sockets may listen at its port, if they ask for the same.
    pub(super) fn share_port(&self) -> io::Result<()> {
        Ok(sockopt::set_socket_reuseport(&self.0, true)?)
    }

    /// One of IPv6 takes IPv4 too.
    pub(super) fn take_both_families(&self) -> io::Result<()> {
        Ok(sockopt::set_ipv6_v6only(&self.0, false)?)
    }

    pub(super) fn set_receive_buffer_size(&self, size: usize) -> io::Result<()> {
        Ok(sockopt::set_socket_recv_buffer_size(&self.0, size)?)
    }

    /// The differentiated services field of what is sent by IPv4.
    pub(super) fn set_field_v4(&self, field: u8) -> io::Result<()> {
        Ok(sockopt::set_ip_tos(&self.0, field)?)
    }

    /// The same by IPv6.
    pub(super) fn set_field_v6(&self, field: u8) -> io::Result<()> {
        Ok(sockopt::set_ipv6_tclass(&self.0, field.into())?)
    }

    pub(super) fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Ok(sockopt::set_socket_timeout(&self.0, Timeout::Recv, timeout)?)
    }

    pub(super) fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        Ok(sockopt::set_socket_timeout(&self.0, Timeout::Send, timeout)?)
    }

    pub(super) fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        let how = match how {
            Shutdown::Read => net::Shutdown::Read,
            Shutdown::Write => net::Shutdown::Write,
            Shutdown::Both => net::Shutdown::Both,
        };
        Ok(net::shutdown(&self.0, how)?)
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
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

impl From<UnixListener> for Socket {
    fn from(listener: UnixListener) -> Self {
        Self(listener.into())
    }
}

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
