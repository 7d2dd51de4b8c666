//! One HTTP/2 connection as a value: bytes and times in, events and bytes out.
//!
//! ```text
//! bytes ─► receive ─► headers, data, control ─► Event
//!                        │ abuse, flow, streams
//! open, send, send_headers, send_data, release, reset, go_away ─► output ─► bytes
//! ```
//!
//! Invariant: nothing here blocks, reads a clock, or grows with what a peer sends beyond a limit
//! of [`crate::limits`]. The same calls give the same events and the same bytes.

mod closing;
mod control;
mod data;
mod event;
#[cfg(feature = "channelz")]
mod facts;
mod flow;
mod growth;
mod headers;
mod lifetime;
mod output;
mod receive;
mod send;
mod time;

use std::collections::VecDeque;

pub(crate) use event::Event;
#[cfg(feature = "channelz")]
pub(crate) use facts::Facts;
pub(crate) use output::Lent;
pub(crate) use send::{End, Outgoing};

use self::closing::Closing;
use self::flow::Flow;
use self::growth::Growth;
use self::lifetime::Life;
use self::output::Output;
use self::receive::Input;
use self::time::Times;
use super::abuse::Abuse;
use super::error::Error;
use super::frame::{self, PREFACE};
use super::hpack::{Decoder, Encoder};
use super::memo::Memo;
use super::settings::{Config, PeerSettings};
use super::stream::{State, StreamId};
use super::streams::Streams;
use super::window::WINDOW_INITIAL;
use crate::limits::http2 as limits;

/// One side of an HTTP/2 connection.
///
/// The methods fall into four groups.
///
/// - From the network: [`hear`](Self::hear), then [`next_event`](Self::next_event) until no event is
///   left.
/// - From the clock: [`on_time`](Self::on_time), not before [`next_timeout`](Self::next_timeout).
/// - From the application: [`open`](Self::open), [`send`](Self::send),
///   [`send_headers`](Self::send_headers), [`send_data`](Self::send_data),
///   [`release`](Self::release), [`reset`](Self::reset), [`ping`](Self::ping),
///   [`go_away`](Self::go_away), [`drain`](Self::drain).
/// - To the network: [`has_output`](Self::has_output), [`take_output`](Self::take_output),
///   [`recycle_output`](Self::recycle_output).
///
/// Any of them may leave events behind that borrow nothing, such as Writable: after a command,
/// [`poll_event`](Self::poll_event) gives them without waiting for the network.
#[derive(Debug)]
pub(crate) struct Connection {
    role: Role,
    config: Config,
    peer: PeerSettings,
    input: Input,
    output: Output,
    /// Our SETTINGS are in the output or have left.
    has_begun: bool,
    encoder: Encoder,
    decoder: Decoder,
    memo: Memo,
    streams: Streams,
    flow: Flow,
    growth: Growth,
    closing: Closing,
    abuse: Abuse,
    times: Times,
    life: Life,
    events: VecDeque<Event<'static>>,
    /// Streams that have closed behind the last word of the server.
    streams_succeeded: u64,
    /// The highest stream that the peer has opened.
    last_remote: StreamId,
    /// The stream that we open next.
    next_local: u32,
    /// `open` gave StreamLimit and nobody has been told that there is room again.
    open_refused: bool,
    /// PINGs whose acknowledgement is awaited, oldest first.
    pings: VecDeque<[u8; 8]>,
    /// Why the connection is over.
    error: Option<Error>,
}

/// Which side this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Client,
    Server,
}

impl Connection {
    /// The client's side. Its preface and SETTINGS are in the output.
    ///
    /// # Panics
    ///
    /// If `config` is outside what RFC 9113 6.5.2 allows.
    pub(crate) fn client(config: Config) -> Self {
        let mut connection = Self::new(Role::Client, config);
        connection.output.frames.extend_from_slice(PREFACE);
        connection.begin();
        connection
    }

    /// The server's side. Its SETTINGS follow the preface of the client: until then it is not
    /// known whether the peer speaks HTTP/2 at all.
    ///
    /// # Panics
    ///
    /// As [`Connection::client`].
    pub(crate) fn server(config: Config) -> Self {
        Self::new(Role::Server, config)
    }

    /// An event that waits, without any input.
    pub(crate) fn poll_event(&mut self) -> Option<Event<'static>> {
        self.events.pop_front()
    }

    /// Whether an event waits.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether `open` would open a stream now.
    pub(crate) fn can_open(&self) -> bool {
        self.check_open().is_ok()
    }

    /// How many streams `open` would open now, one after the other.
    pub(crate) fn room(&self) -> usize {
        let limit = self.peer.max_concurrent_streams as usize;
        if self.can_open() { limit.saturating_sub(self.streams.len()) } else { 0 }
    }

    /// Whether GOAWAY was sent or received: no new streams.
    pub(crate) fn is_going_away(&self) -> bool {
        self.closing.is_going_away()
    }

    /// Whether the last GOAWAY was sent and every stream has ended: the transport may close.
    pub(crate) fn is_drained(&self) -> bool {
        self.closing.last_sent() && self.streams.is_empty()
    }

    /// Why the connection is over, if it is.
    pub(crate) fn error(&self) -> Option<Error> {
        self.error
    }

    /// How many streams are open or half closed.
    pub(crate) fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Whether the transport should go on reading: false while the peer leaves the answers to its
    /// PING and SETTINGS frames unread, and on a server while it leaves the answers to its calls.
    ///
    /// A client always reads on: if both sides waited for the other to read, neither would.
    pub(crate) fn wants_input(&self) -> bool {
        let answers_wait =
            self.role == Role::Server && self.output_len() > limits::OUTPUT_BEFORE_PAUSE;
        self.output.replies <= limits::REPLIES_BEFORE_PAUSE && !answers_wait
    }

    /// What the peer has announced.
    pub(crate) fn peer_settings(&self) -> &PeerSettings {
        &self.peer
    }

    /// Whether the head of a request or response was sent on `stream`.
    pub(crate) fn is_head_sent(&self, stream: StreamId) -> bool {
        self.streams.get(stream).is_some_and(|stream| stream.head_sent)
    }

    /// Whether the peer's first SETTINGS have arrived.
    pub(crate) fn is_ready(&self) -> bool {
        self.times.settings_received
    }

    /// Lets the next stream be `id`, for tests of the end of the numbers.
    #[cfg(test)]
    pub(crate) fn set_next_stream(&mut self, id: StreamId) {
        self.next_local = id.0;
    }

    /// Bytes of the connection's window that were received and not given back.
    #[cfg(test)]
    pub(crate) fn connection_bytes_held(&self) -> i64 {
        self.flow.receive.held()
    }

    /// Bytes that this connection has allocated for what its peer sent or made it send.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        self.output.capacity()
            + self.input.capacity()
            + self.memo.memory()
            + self.streams.memory()
            + self.events.capacity() * size_of::<Event<'_>>()
    }

    fn new(role: Role, config: Config) -> Self {
        config.check();
        // RFC 9113 6.5.3: until it has acknowledged our SETTINGS the peer may use the initial
        // table, even if ours is smaller.
        let table_size = config.header_table_size.max(limits::HEADER_TABLE_SIZE);
        Self {
            role,
            peer: PeerSettings::initial(),
            input: Input::new(role),
            output: Output::default(),
            has_begun: false,
            encoder: Encoder::new(limits::HEADER_TABLE_SIZE as usize),
            decoder: Decoder::new(table_size as usize),
            memo: Memo::default(),
            streams: Streams::default(),
            flow: Flow::new(&config),
            growth: Growth::new(&config),
            closing: Closing::default(),
            abuse: Abuse::new(),
            times: Times::default(),
            life: Life::default(),
            events: VecDeque::new(),
            streams_succeeded: 0,
            last_remote: StreamId::CONNECTION,
            next_local: 1,
            open_refused: false,
            pings: VecDeque::new(),
            error: None,
            config,
        }
    }

    /// RFC 9113 3.4: SETTINGS is the first frame of both sides, so this comes before whatever is
    /// sent first. The window of the connection is no setting and is raised by WINDOW_UPDATE
    /// (RFC 9113 6.9.2).
    fn begin(&mut self) {
        if std::mem::replace(&mut self.has_begun, true) {
            return;
        }
        let entries = match self.role {
            Role::Client => self.config.client_entries(),
            Role::Server => self.config.server_entries(),
        };
        frame::write_settings(&mut self.output.frames, &entries);
        let raise = self.config.connection_window_size.saturating_sub(WINDOW_INITIAL);
        if raise > 0 {
            frame::write_window_update(&mut self.output.frames, StreamId::CONNECTION, raise);
        }
    }

    /// The state of any stream.
    fn state(&self, id: StreamId) -> State {
        // Those that are idle are in no table.
        if self.is_idle(id) {
            return State::Idle;
        }
        match self.streams.get(id) {
            Some(stream) => stream.state,
            None => match (self.streams.closed_state(id), self.role) {
                // Only we open streams on a client: there is no new stream with an old number,
                // and what comes late for it is what the server sent before it saw a reset.
                (State::Forgotten, Role::Client) => State::ResetByUs,
                (state, _) => state,
            },
        }
    }

    /// RFC 9113 5.1.1: whoever opens a stream has skipped and closed the numbers below it.
    fn is_idle(&self, id: StreamId) -> bool {
        match self.role {
            Role::Client => !id.is_odd() || id.0 >= self.next_local,
            Role::Server => !id.is_odd() || id > self.last_remote,
        }
    }

    /// # Panics
    ///
    /// If `id` was never opened: a bug of the caller.
    fn check_known(&self, id: StreamId) {
        assert!(!self.is_idle(id) && id.0 != 0, "{id:?} was never opened");
    }

    /// Takes a stream out of the table and tells who waits for that.
    fn close_stream(&mut self, id: StreamId, state: State) {
        let Some((before, window)) = self.streams.close(id, state) else { return };
        let answered = match self.role {
            Role::Client => State::HalfClosedRemote,
            Role::Server => State::HalfClosedLocal,
        };
        self.streams_succeeded += u64::from(state == State::Ended || before == answered);
        self.growth.close(&window, self.config.initial_window_size);
        if state == State::Ended {
            self.abuse.stream_ended();
        }
        if self.streams.is_empty() {
            self.output.release();
        }
        self.announce_streams();
        // It may have been woken for a window that it has not used.
        self.wake_connection_waiters();
    }

    /// StreamsAvailable, if somebody waits for it and it is true.
    fn announce_streams(&mut self) {
        if self.open_refused && self.can_open() {
            self.open_refused = false;
            self.events.push_back(Event::StreamsAvailable);
        }
    }
}
