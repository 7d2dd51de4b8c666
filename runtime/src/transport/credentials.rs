//! Credentials of transports: what stands between a plain wire and a link, on both sides.
//!
//! ```text
//! insecure   nothing                     the peer is unknown
//! local      loopback or Unix alone      who can connect is on this machine
//! TLS        a handshake                 the peer is who its certificate says
//! ```

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use super::auth_context::{AuthContext, SecurityLevel};
use super::platform::Descriptor;
use super::reactor::Bell;
#[cfg(feature = "tls-rustls")]
use super::tls::{ClientHandshake, ClientTls, Handshakes, ServerHandshake, ServerTls};
use super::wire::{Address, Interest, Wire};
use super::{Bound, Threads};
use crate::grpc::Status;

/// How a channel secures its connections: taken by [`Channel::secure`](crate::Channel::secure).
///
/// A `tls::ClientTls` (with the feature `tls`) is taken as it is.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Channel, ChannelCredentials};
///
/// let channel = Channel::secure("unix:/run/greeter", ChannelCredentials::local())?;
/// # drop(channel);
/// # Ok::<(), rust_grpc::Status>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ChannelCredentials(ChannelKind);

#[derive(Clone, Debug, Default)]
enum ChannelKind {
    #[default]
    Insecure,
    Local,
    #[cfg(feature = "tls-rustls")]
    Tls(ClientTls),
}

/// How a server secures the connections at one address: taken by
/// [`ServerBuilder::bind_secure`](crate::ServerBuilder::bind_secure).
///
/// A `tls::ServerTls` (with the feature `tls`) is taken as it is.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Server, ServerCredentials};
///
/// let server = Server::builder().bind_secure("127.0.0.1:0", ServerCredentials::local())?.start()?;
/// # drop(server);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct ServerCredentials(ServerKind);

#[derive(Clone, Debug, Default)]
enum ServerKind {
    #[default]
    Insecure,
    Local,
    #[cfg(feature = "tls-rustls")]
    Tls(ServerTls),
}

impl ChannelCredentials {
    /// No protection, as [`Channel::insecure`](crate::Channel::insecure).
    #[must_use]
    pub fn insecure() -> Self {
        Self(ChannelKind::Insecure)
    }

    /// Connections within this machine alone, by loopback or a Unix socket; others are refused with
    /// UNAVAILABLE.
    ///
    /// Bytes are not encrypted. Those of a Unix socket count as protected, so that call credentials
    /// may be sent; those of loopback do not (gRPC's local credentials).
    #[must_use]
    pub fn local() -> Self {
        Self(ChannelKind::Local)
    }

    /// The name that the user expects the server to have, in place of the target's.
    pub(crate) fn name_override(&self) -> Option<&str> {
        match &self.0 {
            ChannelKind::Insecure | ChannelKind::Local => None,
            #[cfg(feature = "tls-rustls")]
            ChannelKind::Tls(tls) => tls.name_override(),
        }
    }

    /// Whether connections may not leave this machine.
    pub(crate) fn is_local(&self) -> bool {
        matches!(self.0, ChannelKind::Local)
    }

    /// The `:scheme` of calls: `https` over TLS, else `http`.
    pub(crate) fn scheme(&self) -> &'static str {
        match &self.0 {
            ChannelKind::Insecure | ChannelKind::Local => "http",
            #[cfg(feature = "tls-rustls")]
            ChannelKind::Tls(_) => "https",
        }
    }

    /// How far connections are protected: those of local credentials are if nobody on a network can
    /// reach the server, `is_off_network`.
    pub(crate) fn security_level(&self, is_off_network: bool) -> SecurityLevel {
        match &self.0 {
            ChannelKind::Local if is_off_network => SecurityLevel::PrivacyAndIntegrity,
            ChannelKind::Insecure | ChannelKind::Local => SecurityLevel::None,
            #[cfg(feature = "tls-rustls")]
            ChannelKind::Tls(_) => SecurityLevel::PrivacyAndIntegrity,
        }
    }

    /// What secures the connections to the server of `authority`.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if they cannot be secured as they are to be.
    pub(crate) fn handshake(&self, authority: &str) -> Result<ChannelHandshake, Status> {
        // The name is TLS's alone.
        let _ = authority;
        Ok(match &self.0 {
            ChannelKind::Insecure => ChannelHandshake::Insecure,
            ChannelKind::Local => ChannelHandshake::Local,
            #[cfg(feature = "tls-rustls")]
            ChannelKind::Tls(tls) => {
                ChannelHandshake::Tls(Box::new(tls.for_host(host_of(authority))?))
            }
        })
    }
}

#[cfg(feature = "tls-rustls")]
impl From<ClientTls> for ChannelCredentials {
    fn from(tls: ClientTls) -> Self {
        Self(ChannelKind::Tls(tls))
    }
}

impl ServerCredentials {
    /// No protection, as [`ServerBuilder::bind`](crate::ServerBuilder::bind).
    #[must_use]
    pub fn insecure() -> Self {
        Self(ServerKind::Insecure)
    }

    /// Connections within this machine alone, by loopback or a Unix socket; others are closed.
    #[must_use]
    pub fn local() -> Self {
        Self(ServerKind::Local)
    }

    /// What secures accepted connections.
    ///
    /// # Errors
    ///
    /// If the certificates cannot be used.
    pub(super) fn handshake(&self) -> io::Result<AcceptHandshake> {
        Ok(match &self.0 {
            ServerKind::Insecure => AcceptHandshake::Insecure,
            ServerKind::Local => AcceptHandshake::Local,
            #[cfg(feature = "tls-rustls")]
            ServerKind::Tls(tls) => AcceptHandshake::Tls(tls.handshake()?),
        })
    }
}

#[cfg(feature = "tls-rustls")]
impl From<ServerTls> for ServerCredentials {
    fn from(tls: ServerTls) -> Self {
        Self(ServerKind::Tls(tls))
    }
}

/// Secures the connections of a channel.
pub(crate) enum ChannelHandshake {
    Insecure,
    Local,
    #[cfg(feature = "tls-rustls")]
    Tls(Box<ClientHandshake>),
}

/// Secures the connections of a listener.
pub(super) enum AcceptHandshake {
    Insecure,
    Local,
    #[cfg(feature = "tls-rustls")]
    Tls(ServerHandshake),
}

impl ChannelHandshake {
    /// Secures `wire`, a new connection, as long as `bound` allows.
    ///
    /// # Errors
    ///
    /// Why the peer cannot be trusted, or what broke off, in words.
    pub(crate) fn secure(&self, wire: Box<dyn Wire>, bound: &Bound) -> io::Result<Box<dyn Wire>> {
        // The time is the handshake's alone.
        let _ = bound;
        match self {
            Self::Insecure => Ok(wire),
            Self::Local => local(wire),
            #[cfg(feature = "tls-rustls")]
            Self::Tls(tls) => tls.secure(wire, bound.clone()),
        }
    }
}

impl AcceptHandshake {
    /// What is to be done with accepted connections, so that `serve` gets those that were secured;
    /// never blocks.
    pub(super) fn before<'s>(
        self,
        threads: &Threads<'s>,
        serve: impl Fn(Box<dyn Wire>) + Send + Sync + 's,
    ) -> Box<dyn FnMut(Box<dyn Wire>) + Send + 's> {
        // Only a handshake that waits for the peer has a thread.
        let _ = threads;
        match self {
            Self::Insecure => Box::new(serve),
            Self::Local => Box::new(move |wire| {
                // Who is not on this machine is no matter of this server's.
                if let Ok(wire) = local(wire) {
                    serve(wire);
                }
            }),
            #[cfg(feature = "tls-rustls")]
            Self::Tls(tls) => {
                let handshakes = Handshakes::new(tls, threads, serve);
                Box::new(move |wire| handshakes.accept(wire.into()))
            }
        }
    }
}

/// The host of an `:authority`, without its port and the brackets of IPv6.
pub(crate) fn host_of(authority: &str) -> &str {
    if let Some((host, _)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return host;
    }
    match authority.rsplit_once(':') {
        // Several colons without brackets are an IPv6 address alone.
        Some((host, _)) if !host.contains(':') => host,
        _ => authority,
    }
}

/// A wire that never leaves this machine.
fn local(wire: Box<dyn Wire>) -> io::Result<Box<dyn Wire>> {
    let level = match wire.peer() {
        Address::Unix(_) | Address::UnixAbstract(_) | Address::InProcess => {
            SecurityLevel::PrivacyAndIntegrity
        }
        Address::Tcp(peer) if is_loopback(peer.ip()) => SecurityLevel::None,
        peer @ Address::Tcp(_) => {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                format!("local credentials: expected loopback or a Unix socket, got {peer}"),
            ));
        }
    };
    Ok(Box::new(LocalWire { inner: wire, auth_context: AuthContext::local(level) }))
}

fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

/// A wire that is known to be local; otherwise as the one below.
struct LocalWire {
    inner: Box<dyn Wire>,
    auth_context: AuthContext,
}

impl Wire for LocalWire {
    fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read(buffer)
    }

    fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.inner.write(bytes)
    }

    fn wait(&self, interest: Interest, timeout: Option<Duration>) -> io::Result<Interest> {
        self.inner.wait(interest, timeout)
    }

    fn wake(&self) {
        self.inner.wake();
    }

    fn is_patient(&self) -> bool {
        self.inner.is_patient()
    }

    fn read_patiently(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.inner.read_patiently(buffer)
    }

    fn wait_writable(&self, timeout: Duration) {
        self.inner.wait_writable(timeout);
    }

    fn stop_reading(&self) {
        self.inner.stop_reading();
    }

    fn prepare_wait(&self) {
        self.inner.prepare_wait();
    }

    fn descriptor(&self) -> Option<Descriptor<'_>> {
        self.inner.descriptor()
    }

    fn attach(&self, bell: &Bell) {
        self.inner.attach(bell);
    }

    fn begin_wait(&self, interest: Interest) -> Result<Interest, Interest> {
        self.inner.begin_wait(interest)
    }

    fn end_wait(&self, interest: Interest, found: Interest) -> Interest {
        self.inner.end_wait(interest, found)
    }

    fn end_writing(&self) {
        self.inner.end_writing();
    }

    fn shutdown(&self) {
        self.inner.shutdown();
    }

    fn peer(&self) -> &Address {
        self.inner.peer()
    }

    fn local(&self) -> &Address {
        self.inner.local()
    }

    fn auth_context(&self) -> AuthContext {
        self.auth_context.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The host is what stands before the port, without brackets.
    #[test]
    fn the_host_of_an_authority_has_no_port() {
        let check = |authority: &str, host: &str| assert_eq!(host_of(authority), host);
        check("a.test:443", "a.test");
        check("a.test", "a.test");
        check("10.0.0.1:1", "10.0.0.1");
        check("[::1]:1", "::1");
        check("[::1]", "::1");
        check("::1", "::1");
    }

    /// Local credentials take loopback and nothing else of TCP, by IPv4 in IPv6 too.
    #[test]
    fn only_loopback_is_local() {
        let check = |address: &str| is_loopback(address.parse().unwrap());
        assert!(check("127.0.0.1") && check("127.9.9.9") && check("::1"));
        assert!(check("::ffff:127.0.0.1"));
        assert!(!check("10.0.0.1") && !check("::") && !check("::ffff:10.0.0.1"));
    }
}
