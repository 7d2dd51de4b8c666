//! One connection: the http2 core behind a short lock, its wire, and the inboxes of its streams.
//!
//! A link is driven by two verbs alone, `submit` and `pump` (see `verbs`). Who submits writes at once
//! without blocking; who pumps is decided by `lead`.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::time::Instant;
use std::{fmt, io};

use super::accepted::{Accepted, Arrived};
use super::active::ActiveCall;
use super::auth_context::AuthContext;
use super::channelz::{Account, ListedSocket};
use super::cork::Cork;
use super::credentials::host_of;
use super::deadlines::Deadlines;
use super::lead::Lead;
use super::reactor::Bell;
use super::shape::{ThreadShape, shape};
use super::state::{Phase, State};
use super::threads::Threads;
use super::tray::Tray;
use super::wire::{Address, Wire};
use super::yielding::Yielding;
use super::{lock, now, random, wait_until};
use crate::http2::{self, Config, Connection, Headers, Reason};
use crate::limits::LINGER_MAX;
use crate::limits::http2::{HEADER_BLOCK_SIZE_MAX, HEADER_FIELDS_MAX, HEADER_LIST_SMALL};

/// One connection to a peer, shared by everybody who has a stream on it.
///
/// It lives until it is closed by either side, by [`Link::close`] here; its thread ends then.
pub(crate) struct Link {
    pub(super) wire: Box<dyn Wire>,
    pub(super) state: Mutex<State>,
    /// The link has become ready, or its thread has ended.
    pub(super) changed: Condvar,
    pub(super) side: Side,
    /// The largest message that a stream opened by the peer may receive.
    pub(super) receive_limit: usize,
    /// What a stream's window begins with.
    pub(super) window: u32,
    /// Who pumps, if callers do that too.
    pub(super) lead: Option<Lead>,
    /// To be called once no stream can be opened any more.
    pub(super) leaves: Mutex<Option<Leaves>>,
    /// How its reactor is called, if it has one.
    pub(super) bell: OnceLock<Bell>,
    /// When its reactor will look at it at the latest, if that is known.
    pub(super) alarm: Mutex<Option<Instant>>,
    pub(super) deadlines: Deadlines,
    /// Requests that a caller has read, for the reactor.
    pub(super) unserved: Tray<Arrived>,
    /// Holds back what is to be written until more has come.
    pub(super) cork: Cork,
    /// Calls were begun that are not written yet, for want of others.
    pub(super) calls_held: Cork,
    /// What [`State::is_usable`] says, set under the lock of the state before it is released.
    pub(super) usable: AtomicBool,
    /// How many of its streams are no calls of the channel's.
    uncounted: AtomicUsize,
    /// What callers do who follow, before they sleep.
    pub(super) yielding: Yielding,
    /// What it is told of by, and counts in.
    pub(super) listed: ListedSocket,
    peer: Arc<Address>,
}

/// Told once that a link takes no more streams.
type Leaves = Box<dyn FnOnce(&Link) + Send>;

/// Which side of the connection this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Server,
}

/// How a server takes connections.
#[derive(Clone)]
pub(crate) struct Accepting<'s> {
    pub(crate) config: Config,
    /// The largest message that may be received.
    pub(crate) receive_limit: usize,
    /// The server's.
    pub(crate) account: Account,
    /// Where the threads of connections are started.
    pub(crate) threads: Threads<'s>,
}

/// How much the streams of a connection hold.
struct Sizes {
    window: u32,
    receive_limit: usize,
}

/// How much there is to do on a connection: the least is the best to take a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Load {
    /// The next call would have to queue.
    pub(crate) is_full: bool,
    /// How many are open.
    pub(crate) calls: usize,
}

/// Why no stream was opened. Nothing has left this side unless a deadline cut the sending short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum OpenError {
    /// The deadline passed.
    Deadline,
    /// The call that it was for is cancelled.
    Cancelled,
    /// The connection takes no streams: why, in words. It is safe to try another one.
    Unavailable(Arc<str>),
}

impl Link {
    /// The client's side of a new connection over `wire`; its thread is called `name`.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    #[cfg(test)]
    pub(crate) fn client(wire: Box<dyn Wire>, config: Config, name: &str) -> io::Result<Arc<Self>> {
        let link = Self::of_client(wire, config, &Account::default(), |_| ());
        let driven = Arc::clone(&link);
        super::spawn(name, move || driven.drive(None, |_| ()))?;
        Ok(link)
    }

    /// The client's side of a new connection over `wire`, on the account of a subchannel, for some thread to
    /// [`drive`](Link::drive). `leaves` is called once, on the connection's thread and without any lock, when
    /// no new stream can be opened any more: after GOAWAY, or after the end.
    pub(crate) fn of_client(
        wire: Box<dyn Wire>,
        config: Config,
        account: &Account,
        leaves: impl FnOnce(&Self) + Send + 'static,
    ) -> Arc<Self> {
        let window = config.initial_window_size;
        let lead = (shape() == ThreadShape::Callers).then(|| Lead::new(true));
        let leaves: Leaves = Box::new(leaves);
        let core = Connection::client(config);
        let sizes = Sizes { window, receive_limit: 0 };
        Self::new(wire, core, Side::Client, sizes, lead, Some(leaves), account)
    }

    /// The server's side of a new connection over `wire`: `serve` gets every request, on the
    /// connection's thread, and must not block. It is dropped when the connection has ended.
    ///
    /// # Errors
    ///
    /// If the thread cannot be started.
    pub(crate) fn server<'s>(
        wire: Box<dyn Wire>,
        accepting: &Accepting<'s>,
        serve: impl FnMut(Accepted) + Send + 's,
    ) -> io::Result<Arc<Self>> {
        let (mut config, receive_limit) = (accepting.config.clone(), accepting.receive_limit);
        // Clients that came together must not have to come again together.
        config.lifetime = config.lifetime.spread(random());
        let window = config.initial_window_size;
        let core = Connection::server(config);
        let (sizes, account) = (Sizes { window, receive_limit }, &accepting.account);
        let link = Self::new(wire, core, Side::Server, sizes, None, None, account);
        let reader = Arc::clone(&link);
        accepting.threads.spawn("grpc-reader", move || reader.run(serve))?;
        Ok(link)
    }

    /// The server's side of a new connection over `wire`, for a reactor to drive.
    pub(super) fn of_reactor(wire: Box<dyn Wire>, accepting: &Accepting<'_>) -> Arc<Self> {
        let receive_limit = accepting.receive_limit;
        let mut config = accepting.config.clone();
        // As above.
        config.lifetime = config.lifetime.spread(random());
        let window = config.initial_window_size;
        let core = Connection::server(config);
        let lead = Some(Lead::new(false));
        let (sizes, account) = (Sizes { window, receive_limit }, &accepting.account);
        Self::new(wire, core, Side::Server, sizes, lead, None, account)
    }

    fn new(
        wire: Box<dyn Wire>,
        core: Connection,
        side: Side,
        Sizes { window, receive_limit }: Sizes,
        lead: Option<Lead>,
        leaves: Option<Leaves>,
        account: &Account,
    ) -> Arc<Self> {
        let listed = account.connection(wire.local(), wire.peer());
        let peer = Arc::new(wire.peer().clone());
        let state = Mutex::new(State::new(core, side));
        let (changed, leaves) = (Condvar::new(), Mutex::new(leaves));
        let link = Arc::new(Self {
            wire,
            state,
            changed,
            side,
            receive_limit,
            window,
            lead,
            leaves,
            bell: OnceLock::new(),
            alarm: Mutex::default(),
            deadlines: Deadlines::default(),
            unserved: Tray::default(),
            cork: Cork::default(),
            calls_held: Cork::default(),
            usable: AtomicBool::new(true),
            uncounted: AtomicUsize::new(0),
            yielding: Yielding::default(),
            listed,
            peer,
        });
        link.listed.set_link(&link);
        link
    }

    /// Asks the peer for no more streams and takes few more; the link closes when all that are
    /// open have ended.
    pub(crate) fn go_away(&self) {
        let inboxes: Vec<_> = self.submit(|state| {
            state.retiring = true;
            if state.lost.is_none() {
                state.core.drain();
            }
            state.inboxes.values().cloned().collect()
        });
        self.wake();
        inboxes.iter().for_each(|inbox| inbox.leave());
    }

    /// Ends all streams and the connection, now.
    pub(crate) fn close(&self) {
        self.close_for(Reason::NO_ERROR);
    }

    /// As [`Link::close`], giving the peer `reason`.
    pub(crate) fn close_for(&self, reason: Reason) {
        let linger = match self.side {
            // A client has nobody to wait for: what it wanted is over.
            Side::Client => None,
            // A server waits until its last frames are read: closing a socket with unread bytes
            // destroys them.
            Side::Server => Some(now() + LINGER_MAX),
        };
        self.submit(|state| {
            if state.lost.is_none() {
                state.core.go_away(reason);
                state.lose("connection closed by this side".into());
            }
            if state.phase == Phase::Open {
                state.phase = linger.map_or(Phase::Over, Phase::Lingering);
            }
        });
        if self.side == Side::Client {
            self.wire.stop_reading();
        }
        self.wake();
    }

    /// Has whoever pumps look again, or the watcher begin.
    fn wake(&self) {
        self.attend();
        self.wire.wake();
    }

    /// Whether a new stream may be opened, now or after some have ended.
    pub(crate) fn is_usable(&self) -> bool {
        self.usable.load(Ordering::Acquire)
    }

    /// How much there is to do on the connection; `None` if no stream can be opened any more.
    pub(crate) fn load(&self) -> Option<Load> {
        let Load { is_full, calls } = lock(&self.state).load()?;
        let calls = calls.saturating_sub(self.uncounted.load(Ordering::Relaxed));
        Some(Load { is_full, calls })
    }

    /// One of its streams is no call, until [`Link::count_all`].
    pub(crate) fn uncount_one(&self) {
        self.uncounted.store(1, Ordering::Relaxed);
    }

    /// All of its streams are calls.
    pub(crate) fn count_all(&self) {
        self.uncounted.store(0, Ordering::Relaxed);
    }

    /// Whether the peer said by GOAWAY that it is sent too many PINGs.
    pub(crate) fn is_too_chatty(&self) -> bool {
        lock(&self.state).is_too_chatty
    }

    /// Says in words by how much `headers` is over what the peer takes, if it is.
    ///
    /// RFC 9113 10.5.1: the peer's SETTINGS_MAX_HEADER_LIST_SIZE is advice, and peers end calls or
    /// connections over it. What our own receiving side does not take is not sent either.
    pub(crate) fn header_excess(&self, headers: &Headers) -> Option<String> {
        let (size, fields) = (headers.size(), headers.len());
        if size <= HEADER_LIST_SMALL {
            return None;
        }
        let advice = lock(&self.state).core.peer_settings().max_header_list_size;
        let size_max = HEADER_BLOCK_SIZE_MAX.min(advice as usize);
        (size > size_max || fields > HEADER_FIELDS_MAX).then(|| {
            format!(
                "header list of {size} bytes in {fields} fields, \
                 expected at most {size_max} bytes in {HEADER_FIELDS_MAX} fields"
            )
        })
    }

    /// Whether the peer's SETTINGS have arrived; nothing while they may still, which is until the given time
    /// or until the connection is lost.
    pub(super) fn readiness(&self, until: Option<Instant>) -> Option<Result<(), OpenError>> {
        let state = lock(&self.state);
        match &state.lost {
            Some(text) => Some(Err(OpenError::Unavailable(Arc::clone(text)))),
            None if state.core.is_ready() => Some(Ok(())),
            None => until.is_some_and(|until| until <= now()).then_some(Err(OpenError::Deadline)),
        }
    }

    /// Waits until the peer's SETTINGS have arrived.
    #[cfg(test)]
    pub(crate) fn wait_ready(&self, until: Option<Instant>) -> Result<(), OpenError> {
        let is_over = |state: &State| state.core.is_ready() || state.lost.is_some();
        drop(wait_until(&self.changed, lock(&self.state), until, is_over));
        self.readiness(until).unwrap_or(Err(OpenError::Deadline))
    }

    /// Waits until the connection has ended and its thread is done with it; says whether it has.
    pub(crate) fn wait_closed(&self, until: Option<Instant>) -> bool {
        wait_until(&self.changed, lock(&self.state), until, |state| state.reader_done).1
    }

    /// How many streams are open.
    #[cfg(test)]
    pub(crate) fn open_streams(&self) -> usize {
        lock(&self.state).core.open_streams()
    }

    /// How many wait for a stream.
    #[cfg(test)]
    pub(crate) fn queued(&self) -> usize {
        lock(&self.state).turns().len()
    }

    /// Until when the thread waits for the wire.
    #[cfg(test)]
    pub(super) fn pumps_until(&self) -> Option<Instant> {
        lock(&self.state).pumping.as_ref().and_then(|pumping| pumping.until)
    }

    /// The calls that a server has on this connection, or still runs though it is lost.
    pub(crate) fn active_calls(&self, time: Instant) -> Vec<ActiveCall> {
        let state = lock(&self.state);
        state.inboxes.values().filter_map(|inbox| inbox.active_call(&self.peer, time)).collect()
    }

    /// Who is at the other end.
    pub(crate) fn peer(&self) -> &Arc<Address> {
        &self.peer
    }

    /// Who the peer is, as far as that was verified.
    pub(crate) fn auth_context(&self) -> AuthContext {
        self.wire.auth_context()
    }

    /// Whether calls to `authority` may be made on this connection: gRFC A81 has the server's
    /// certificate decide.
    ///
    /// # Errors
    ///
    /// Which name was expected, and which it has.
    pub(crate) fn verify_authority(&self, authority: &str) -> Result<(), String> {
        self.wire.verify_host(host_of(authority))
    }

    /// Whether [`Link::go_away`] has been called.
    pub(super) fn is_retiring(&self) -> bool {
        lock(&self.state).retiring
    }

    pub(super) fn side(&self) -> Side {
        self.side
    }

    pub(super) fn why_unusable(&self, error: http2::OpenError) -> Arc<str> {
        let state = lock(&self.state);
        match (&state.lost, &state.going) {
            (Some(text), _) => Arc::clone(text),
            (None, Some(text)) => format!("{} is going away: {text}", self.peer).into(),
            (None, None) => format!("connection to {}: {error}", self.peer).into(),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Deadline => "the deadline has passed",
            Self::Cancelled => "the call that it is made for is cancelled",
            Self::Unavailable(text) => text,
        })
    }
}

impl std::error::Error for OpenError {}

impl fmt::Debug for Link {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (local, peer) = (self.wire.local(), &self.peer);
        write!(formatter, "Link({:?}, {local} to {peer})", self.side)
    }
}
