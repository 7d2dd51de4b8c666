//! Listening for connections, and the thread that accepts them.
//!
//! Accepting never spins: an error that is not one connection's own is followed by a pause.

use std::io;
use std::net::{SocketAddr, TcpListener};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use rustix::event::PollFlags;

use super::credentials::{AcceptHandshake, ServerCredentials};
use super::in_process::InProcess;
use super::platform::{Socket, Waker};
use super::socket::poll_with_waker;
use super::target::{Place, Target};
use super::wire::{Address, Wire};
use super::{Latch, SocketOptions, Threads, tcp};
use crate::limits::ACCEPT_PAUSE;

/// A bound and listening socket, or a place within the process; connections wait in its backlog
/// until it is served.
pub(crate) struct Listener {
    door: Arc<dyn Door>,
    handshake: AcceptHandshake,
}

/// A listener whose connections are being accepted. Dropping it ends the thread, waits for that, and
/// closes the socket.
pub(crate) struct Listening {
    door: Arc<dyn Door>,
    ended: Arc<Latch>,
}

/// Where a server is to listen: made from text, from a listener that is already bound, or from a
/// place within the process, [`InProcess`].
///
/// A listener that is handed over may come from a parent process or from systemd; it is closed when
/// the server stops, and a Unix socket's file stays with whoever made it.
///
/// ```
/// use rust_grpc::BindAddress;
///
/// let by_name = BindAddress::from("localhost:50051");
/// let shared = BindAddress::from("0.0.0.0:50051").reuse_port();
/// let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
/// let bound = BindAddress::from(listener);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct BindAddress {
    source: Source,
    sharing: Sharing,
}

#[derive(Debug)]
enum Source {
    Text(String),
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
    InProcess(InProcess),
}

/// Whether other sockets may listen at the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sharing {
    Exclusive,
    Shared,
}

impl BindAddress {
    /// Lets other sockets listen at the same TCP port, of this process or another, if they ask for
    /// the same; the system spreads connections over them (`SO_REUSEPORT`).
    ///
    /// Off by default, so that two servers at one port are an error and not a riddle. Without
    /// effect on Unix sockets and on listeners that are bound already; on systems without the
    /// option [`bind`](crate::ServerBuilder::bind) fails with
    /// [`Unsupported`](io::ErrorKind::Unsupported).
    #[must_use]
    pub fn reuse_port(mut self) -> Self {
        self.sharing = Sharing::Shared;
        self
    }

    fn new(source: Source) -> Self {
        Self { source, sharing: Sharing::Exclusive }
    }
}

/// What connections come in by.
pub(super) trait Door: Send + Sync {
    /// Where it is.
    fn local(&self) -> &Address;

    /// Gives each connection to `serve` until [`Door::close`]; the thread that accepts runs it.
    fn accept_until_over(&self, serve: &mut dyn FnMut(Box<dyn Wire>));

    /// Makes [`Door::accept_until_over`] return.
    fn close(&self);

    /// Has connections that are accepted from now on be as `options` say, where they are of TCP.
    ///
    /// # Errors
    ///
    /// What the system says.
    fn tune(&self, _options: SocketOptions) -> io::Result<()> {
        Ok(())
    }
}

struct SocketDoor {
    socket: Socket,
    local: Address,
    /// The file of a Unix socket that goes with it.
    file: Option<PathBuf>,
    waker: Waker,
    over: AtomicBool,
    /// Of the connections that are accepted.
    options: OnceLock<SocketOptions>,
}

impl Listener {
    /// Listens where `target` says; port 0 lets the system choose.
    ///
    /// A name that has several addresses listens at the first that is free.
    ///
    /// # Errors
    ///
    /// What the system says, with the target named.
    #[cfg(test)]
    pub(crate) fn bind(target: &Target) -> io::Result<Self> {
        Self::bind_with(target, Sharing::Exclusive)
    }

    fn bind_with(target: &Target, sharing: Sharing) -> io::Result<Self> {
        let bound = match target.place() {
            Place::Host(name, port) => tcp::resolve(name, *port, None)
                .and_then(|addresses| tcp::listen(&addresses, sharing)),
            Place::Addresses(addresses) => tcp::listen(addresses, sharing),
            #[cfg(unix)]
            Place::Unix(path) => super::unix::listen(path),
            #[cfg(unix)]
            Place::UnixAbstract(name) => super::unix::listen_abstract(name),
            #[cfg(not(unix))]
            Place::Unix(_) | Place::UnixAbstract(_) => Err(super::no_unix_sockets()),
        };
        let (socket, local) = bound.map_err(|error| {
            io::Error::new(error.kind(), format!("cannot listen at {target}: {error}"))
        })?;
        Self::new(socket, local)
    }

    /// Listens where `address` says.
    ///
    /// # Errors
    ///
    /// What the system says, with the address named; [`io::ErrorKind::InvalidInput`] if the text is
    /// none of the known forms.
    pub(crate) fn open(address: BindAddress) -> io::Result<Self> {
        match address.source {
            Source::Text(text) => {
                let target = Target::parse_listening(&text)
                    .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
                Self::bind_with(&target, address.sharing)
            }
            Source::InProcess(place) => {
                let door = Arc::new(place.open()?);
                Ok(Self { door, handshake: AcceptHandshake::Insecure })
            }
            Source::Tcp(listener) => {
                let local = Address::Tcp(listener.local_addr()?);
                Self::new(listener.into(), local)
            }
            #[cfg(unix)]
            Source::Unix(listener) => {
                let local = super::unix::local_address(&listener)?;
                // Its file belongs to whoever made it.
                Self::with_file(listener.into(), local, None)
            }
        }
    }

    fn new(socket: Socket, local: Address) -> io::Result<Self> {
        let file = match &local {
            Address::Unix(Some(path)) => Some(path.clone()),
            _ => None,
        };
        Self::with_file(socket, local, file)
    }

    fn with_file(socket: Socket, local: Address, file: Option<PathBuf>) -> io::Result<Self> {
        // A connection may vanish between poll and accept; that must not block.
        socket.set_nonblocking(true)?;
        let (waker, over) = (Waker::new()?, AtomicBool::new(false));
        let options = OnceLock::new();
        let door = Arc::new(SocketDoor { socket, local, file, waker, over, options });
        Ok(Self { door, handshake: AcceptHandshake::Insecure })
    }

    /// Secures what it accepts as `credentials` say.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::InvalidInput`] if their certificates cannot be used.
    pub(crate) fn secure(mut self, credentials: &ServerCredentials) -> io::Result<Self> {
        self.handshake = credentials.handshake()?;
        Ok(self)
    }

    /// Has its connections be as `options` say, where they are of TCP; once, before it starts.
    ///
    /// # Errors
    ///
    /// What the system says, with the address named.
    pub(crate) fn tune(&self, options: SocketOptions) -> io::Result<()> {
        self.door.tune(options).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot set options at {}: {error}", self.local()))
        })
    }

    /// Where it listens.
    pub(crate) fn local(&self) -> &Address {
        self.door.local()
    }

    /// Starts the thread called `name` that accepts connections and gives each, once it is secured,
    /// to `serve`.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn start<'s>(
        self,
        name: &str,
        threads: &Threads<'s>,
        serve: impl Fn(Box<dyn Wire>) + Send + Sync + 's,
    ) -> io::Result<Listening> {
        let (door, ended) = (Arc::clone(&self.door), Arc::new(Latch::default()));
        let end = OpenAtEnd(Arc::clone(&ended));
        let serve = self.handshake.before(threads, serve);
        threads.spawn(name, move || {
            let _end = end;
            let (door, mut serve) = (door, serve);
            door.accept_until_over(&mut *serve);
        })?;
        Ok(Listening { door: self.door, ended })
    }
}

/// Opens a latch when its thread ends, in whatever way.
struct OpenAtEnd(Arc<Latch>);

impl Drop for OpenAtEnd {
    fn drop(&mut self) {
        self.0.open();
    }
}

impl From<&str> for BindAddress {
    fn from(text: &str) -> Self {
        Self::new(Source::Text(text.to_owned()))
    }
}

impl From<&String> for BindAddress {
    fn from(text: &String) -> Self {
        Self::new(Source::Text(text.clone()))
    }
}

impl From<String> for BindAddress {
    fn from(text: String) -> Self {
        Self::new(Source::Text(text))
    }
}

impl From<SocketAddr> for BindAddress {
    fn from(address: SocketAddr) -> Self {
        Self::new(Source::Text(address.to_string()))
    }
}

impl From<TcpListener> for BindAddress {
    fn from(listener: TcpListener) -> Self {
        Self::new(Source::Tcp(listener))
    }
}

#[cfg(unix)]
impl From<UnixListener> for BindAddress {
    fn from(listener: UnixListener) -> Self {
        Self::new(Source::Unix(listener))
    }
}

impl From<&InProcess> for BindAddress {
    fn from(place: &InProcess) -> Self {
        Self::new(Source::InProcess(place.clone()))
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.door.close();
        self.ended.wait(None);
    }
}

impl Door for SocketDoor {
    fn local(&self) -> &Address {
        &self.local
    }

    fn accept_until_over(&self, serve: &mut dyn FnMut(Box<dyn Wire>)) {
        while !self.over.load(Ordering::Acquire) {
            match self.accept() {
                Ok(wire) => serve(wire),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if poll_with_waker(&self.socket, PollFlags::IN, &self.waker, None).is_err() {
                        self.pause();
                    }
                }
                Err(error) if is_of_one_connection(&error) => {}
                // No descriptors or no memory: the connection stays in the backlog.
                Err(_) => self.pause(),
            }
        }
    }

    fn close(&self) {
        self.over.store(true, Ordering::Release);
        self.waker.wake();
    }

    fn tune(&self, options: SocketOptions) -> io::Result<()> {
        if let Address::Tcp(local) = &self.local
            && options != SocketOptions::default()
        {
            options.apply(&self.socket, local)?;
            let is_first = self.options.set(options).is_ok();
            assert!(is_first, "a listener is tuned once");
        }
        Ok(())
    }
}

impl SocketDoor {
    fn accept(&self) -> io::Result<Box<dyn Wire>> {
        let (socket, peer) = self.socket.accept()?;
        match &self.local {
            Address::Tcp(local) => {
                if let Some(options) = self.options.get() {
                    // Most systems have handed them down already; the listener's have been taken, and
                    // whether the peer is still there is found out by reading.
                    let _ = options.apply(&socket, local);
                }
                tcp::accepted(socket, peer)
            }
            #[cfg(unix)]
            local => super::unix::accepted(socket, local.clone()),
            #[cfg(not(unix))]
            _ => Err(super::no_unix_sockets()),
        }
    }

    /// Waits a little, or until the end.
    fn pause(&self) {
        // With nothing to poll but the waker, an error has nothing to do with connections.
        let _ = poll_with_waker(&self.socket, PollFlags::empty(), &self.waker, Some(ACCEPT_PAUSE));
    }
}

impl Drop for SocketDoor {
    fn drop(&mut self) {
        if let Some(path) = &self.file {
            // It may have been removed by somebody else.
            let _ = std::fs::remove_file(path);
        }
    }
}

/// Whether accepting failed for one connection alone, as accept(2) tells for Linux.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        Interrupted
            | ConnectionAborted
            | ConnectionReset
            | NotConnected
            | NetworkDown
            | NetworkUnreachable
            | HostUnreachable
            | TimedOut
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The listener and what it accepts have the options, of either family.
    #[cfg(all(target_os = "linux", not(rust_grpc_portable)))]
    #[test]
    fn accepted_sockets_have_the_options() {
        use socket2::SockRef;
        let options = SocketOptions { dscp: Some(10), receive_buffer_size: Some(40_000) };
        let check = |place: &str, field: fn(&socket2::Socket) -> io::Result<u32>| {
            let (socket, local) =
                tcp::listen(&[place.parse().unwrap()], Sharing::Exclusive).unwrap();
            let door = SocketDoor {
                socket,
                local,
                file: None,
                waker: Waker::new().unwrap(),
                over: AtomicBool::new(false),
                options: OnceLock::new(),
            };
            let Address::Tcp(address) = door.local else { panic!("{}", door.local) };
            let _early = std::net::TcpStream::connect(address).unwrap();
            door.tune(options).unwrap();
            let _late = std::net::TcpStream::connect(address).unwrap();
            for wire in [door.accept().unwrap(), door.accept().unwrap()] {
                let descriptor = wire.descriptor().unwrap();
                let socket = SockRef::from(&descriptor);
                assert_eq!(field(&socket).unwrap(), 10 << 2, "{place}");
                assert!((40_000..=80_000).contains(&socket.recv_buffer_size().unwrap()));
            }
        };
        check("127.0.0.1:0", |socket| socket.tos_v4());
        check("[::1]:0", |socket| socket.tclass_v6());
    }

    /// Only what concerns one connection is passed over without a pause: a lack of descriptors or
    /// memory concerns all of them, and asking again at once would spin.
    #[test]
    fn a_lack_of_resources_is_followed_by_a_pause() {
        use rustix::io::Errno;
        let is_passed_over = |errno: Errno| is_of_one_connection(&io::Error::from(errno));
        assert!(is_passed_over(Errno::CONNABORTED) && is_passed_over(Errno::INTR));
        assert!(!is_passed_over(Errno::MFILE) && !is_passed_over(Errno::NFILE));
        assert!(!is_passed_over(Errno::NOBUFS) && !is_passed_over(Errno::NOMEM));
        assert!(!is_passed_over(Errno::INVAL) && !is_passed_over(Errno::PERM));
    }
}
