//! What a connection's bytes travel over: sockets, and in-memory pairs.
//!
//! Reading and writing never block; [`Wire::wait`] is the one place that does, and one thread at a
//! time calls it.

use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::auth_context::AuthContext;
use super::platform::Descriptor;
use super::reactor::Bell;

/// A two-way stream of bytes between two peers.
pub(crate) trait Wire: Send + Sync {
    /// Reads what has come; `Ok(0)` is the end, [`io::ErrorKind::WouldBlock`] means nothing yet.
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Writes what fits; [`io::ErrorKind::WouldBlock`] means nothing fits now.
    fn write(&self, bytes: &[u8]) -> io::Result<usize>;

    /// Whether [`Wire::write_parts`] takes several parts as if they were one.
    fn takes_parts(&self) -> bool {
        false
    }

    /// As [`Wire::write`], of what several parts are together.
    fn write_parts(&self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(parts.iter().find(|part| !part.is_empty()).map_or(&[], |part| &**part))
    }

    /// Blocks until `interest` is met, [`Wire::wake`] was called or `timeout` has passed.
    ///
    /// A wake that came before the call counts. May return early with nothing ready.
    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest>;

    /// Whether it can [`read_patiently`](Wire::read_patiently).
    fn is_patient(&self) -> bool {
        false
    }

    /// Waits for bytes and reads them, in one system call that [`Wire::wake`] does not end.
    /// [`io::ErrorKind::WouldBlock`] means that none have come for [`PATIENCE`](crate::limits::PATIENCE).
    fn read_patiently(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.read(buffer)
    }

    /// Waits, `timeout` at most, until bytes can be written; beside whoever reads patiently.
    fn wait_writable(&self, _timeout: Duration) {}

    /// Ends [`Wire::read_patiently`], at the price of everything that would still be read.
    fn stop_reading(&self) {}

    /// Makes the current or the next [`Wire::wait`] return, and rings the bell of
    /// [`Wire::attach`].
    fn wake(&self);

    /// Gets ready for [`Wire::wait`], so that no [`Wire::wake`] from now on is missed.
    fn prepare_wait(&self) {}

    /// What a reactor can wait for in place of [`Wire::wait`]; nothing if only that can wait.
    fn descriptor(&self) -> Option<Descriptor<'_>> {
        None
    }

    /// Whether there is a [`Wire::descriptor`].
    fn has_descriptor(&self) -> bool {
        self.descriptor().is_some()
    }

    /// The bell of the reactor that waits.
    fn attach(&self, _bell: &Bell) {}

    /// What a wait for `interest` would find without asking the system, or else what the descriptor
    /// is to be watched for.
    fn begin_wait(&self, interest: Interest) -> Result<Interest, Interest> {
        Err(interest)
    }

    /// What of `interest` is there, the descriptor having been `found` ready.
    fn end_wait(&self, interest: Interest, found: Interest) -> Interest {
        interest.of(found)
    }

    /// Tells the peer that nothing more will be written; reading goes on.
    fn end_writing(&self);

    /// Ends both directions: reads then find the end.
    fn shutdown(&self);

    /// Who is at the other end.
    fn peer(&self) -> &Address;

    /// Where this end is.
    fn local(&self) -> &Address;

    /// Who the peer is, as far as that was verified.
    fn auth_context(&self) -> AuthContext {
        AuthContext::insecure()
    }

    /// Whether the server at the other end may be called `host`: where it has shown a certificate,
    /// it must be valid for that name.
    ///
    /// # Errors
    ///
    /// Which name was expected, and which it has.
    fn verify_host(&self, _host: &str) -> Result<(), String> {
        Ok(())
    }
}

/// What a [`Wire::wait`] waits for, and what it found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Interest {
    /// Bytes, the end or an error can be read.
    pub(crate) read: bool,
    /// Bytes can be written.
    pub(crate) write: bool,
}

impl Interest {
    pub(crate) const NONE: Self = Self { read: false, write: false };
    pub(crate) const READ: Self = Self { read: true, write: false };
    pub(crate) const BOTH: Self = Self { read: true, write: true };

    /// What of it is `found`.
    pub(crate) fn of(self, found: Self) -> Self {
        Self { read: self.read && found.read, write: self.write && found.write }
    }
}

/// One end of a connection: where a server listens, or where a call came from.
///
/// Shown as gRPC writes it, which is also what a channel takes as its target:
/// `ipv4:127.0.0.1:50051`, `unix:/run/service`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Address {
    /// A TCP address.
    Tcp(SocketAddr),
    /// A Unix socket; connecting ends have no path.
    Unix(Option<PathBuf>),
    /// A Unix socket in Linux's abstract namespace.
    UnixAbstract(Vec<u8>),
    /// This process: an end of a connection without a socket.
    InProcess,
}

impl fmt::Display for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(SocketAddr::V4(address)) => write!(formatter, "ipv4:{address}"),
            Self::Tcp(SocketAddr::V6(address)) => write!(formatter, "ipv6:{address}"),
            Self::Unix(Some(path)) => write!(formatter, "unix:{}", path.display()),
            Self::Unix(None) => formatter.write_str("unix:"),
            Self::UnixAbstract(name) => write!(formatter, "unix-abstract:{}", name.escape_ascii()),
            Self::InProcess => formatter.write_str("in-process:"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses are shown in the words of gRPC's naming document.
    #[test]
    fn addresses_are_shown_as_grpc_names_them() {
        let check = |address: Address, expected: &str| assert_eq!(address.to_string(), expected);
        check(Address::Tcp("127.0.0.1:50051".parse().unwrap()), "ipv4:127.0.0.1:50051");
        check(Address::Tcp("[::1]:50051".parse().unwrap()), "ipv6:[::1]:50051");
        check(Address::Unix(Some("/run/service".into())), "unix:/run/service");
        check(Address::Unix(None), "unix:");
        check(Address::UnixAbstract(b"a\0b".to_vec()), "unix-abstract:a\\x00b");
        check(Address::InProcess, "in-process:");
    }
}
