//! Every default limit of the runtime, with its reason.

use std::num::NonZeroUsize;
use std::time::Duration;

// Transport.

/// Bytes that a proxy may answer to CONNECT before it lets the connection through: as much as proxies
/// take themselves, and a hundred times what they send.
pub(crate) const PROXY_HEAD_SIZE_MAX: usize = 16 << 10;

/// Connections that wait to be accepted: what servers usually ask for; systems cut it to their own.
pub(crate) const LISTEN_BACKLOG: i32 = 1024;

/// Connections within the process that wait to be accepted: a thread does nothing else, so more
/// only wait for a server that was bound and not started.
pub(crate) const IN_PROCESS_BACKLOG_MAX: usize = 128;

/// Bytes in one direction of a connection within the process: a read's worth, like a small socket
/// buffer. What is over it waits in the sender's connection.
pub(crate) const MEMORY_PIPE_CAPACITY: usize = 64 << 10;

/// After an error of accept that concerns all connections, as a lack of descriptors: long enough
/// not to spin, short enough not to be noticed.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// gRPC's connection backoff protocol: the wait after the first failure.
pub(crate) const BACKOFF_BASE: Duration = Duration::from_secs(1);

/// gRPC's connection backoff protocol: no wait is longer.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(120);

/// The shortest wait between attempts to connect that a user can ask for: shorter ones would be a
/// busy loop.
pub(crate) const BACKOFF_SHORTEST: Duration = Duration::from_millis(1);

/// The longest wait between attempts to connect that a user can ask for: as good as for ever, and
/// still a time that can be added to any other.
pub(crate) const BACKOFF_LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// gRPC's connection backoff protocol: an attempt to connect gets at least this long.
pub(crate) const CONNECT_TIMEOUT_MIN: Duration = Duration::from_secs(20);

/// RFC 8305 8: how long an address may be silent before the next one is tried beside it.
pub(crate) const HAPPY_EYEBALLS_DELAY: Duration = Duration::from_millis(250);

/// Addresses of one server that are tried at the same time: the oldest of them has been silent for
/// four seconds when the next one takes its place.
pub(crate) const CONNECTS_AT_ONCE_MAX: usize = 16;

/// Addresses of one target that calls take in turn: as many servers as are worth a connection of each
/// client, and no answer of a name server makes more threads.
pub(crate) const BALANCED_ADDRESSES_MAX: usize = 256;

/// A name is looked up again at the earliest this long after the last time: what C-core and Java have.
pub(crate) const RESOLUTION_GAP_MIN: Duration = Duration::from_secs(30);

/// gRFC A8: a client sends keepalive PINGs at most this often, whatever it was told to.
pub(crate) const CLIENT_KEEPALIVE_TIME_MIN: Duration = Duration::from_secs(10);

/// gRFC A8 and A9: how long the answer to a keepalive PING may take.
pub(crate) const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The shortest time that a user can ask for between signs of life, or for an answer: less would
/// take an ordinary pause of a network for its end. grpc-go has the same.
pub(crate) const KEEPALIVE_MIN: Duration = Duration::from_secs(1);

/// A channel without calls closes its connection after this: what C-core, Java and Go have agreed on.
pub(crate) const CHANNEL_IDLE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

/// The shortest idle timeout of a channel that a user can ask for: less would make a connection for
/// every call. C-core has the same.
pub(crate) const CHANNEL_IDLE_TIMEOUT_MIN: Duration = Duration::from_secs(1);

/// gRFC A9: a server asks clients that have been silent for so long whether they are there.
pub(crate) const SERVER_KEEPALIVE_TIME: Duration = Duration::from_secs(2 * 60 * 60);

/// gRFC A8: the least time between two PINGs of a client, unless the server's user says otherwise.
pub(crate) const PERMIT_KEEPALIVE_TIME: Duration = Duration::from_secs(5 * 60);

/// gRFC A8: PINGs of a client that may come too early before its connection is closed.
pub(crate) const PING_STRIKES_MAX: u32 = 2;

/// Calls that wait for a worker: a burst, and not a minute's arrears.
pub(crate) const WORKER_QUEUE_MAX: usize = 1024;

/// How long a call waits for a worker: longer than clients of methods that answer at once would
/// wait, and short enough that servers which wait for each other are soon free again.
pub(crate) const WORKER_QUEUE_WAIT_MAX: Duration = Duration::from_secs(30);

/// How long a call may wait, where no call waits for a method, for a worker that sends the end of a
/// response: far longer than that takes with a client that reads.
pub(crate) const WORKER_ENDING_WAIT_MAX: Duration = Duration::from_millis(100);

/// How long a worker beyond the ordinary number waits for more work before its thread ends: one
/// burst rarely comes alone.
pub(crate) const WORKER_IDLE_MAX: Duration = Duration::from_secs(10);

/// Cancelled calls whose callbacks wait for the thread that runs them: all calls of hundreds of
/// connections at once. Only a callback that blocks lets so many gather.
pub(crate) const CALLBACK_QUEUE_MAX: usize = 1 << 16;

/// A method whose handlers run for longer on average runs on workers: from about here on the way to
/// another thread is a small part of the call.
pub(crate) const METHOD_LONG: Duration = Duration::from_micros(50);

/// A method whose handlers run for less on average runs on the threads that read requests again.
pub(crate) const METHOD_SHORT: Duration = Duration::from_micros(25);

/// What a handler counts for that has kept its thread for too long.
pub(crate) const METHOD_STALLS: Duration = Duration::from_millis(1);

/// How many reactors a server has at most: one for each core up to here.
pub(crate) const REACTORS_MAX: usize = 16;

/// How many handlers a server's reactor runs before it writes what they have answered: enough that a
/// write is shared, few enough that the first does not wait long.
pub(crate) const JOBS_BETWEEN_WRITES: usize = 32;

/// How often a reactor reads one connection before it looks at others.
pub(crate) const READS_PER_VISIT_MAX: usize = 4;

/// How often a running server looks whether a handler keeps a reactor: one that is seen twice loses it.
pub(crate) const MONITOR_TICK: Duration = Duration::from_millis(1);

/// How often a handler that receives messages has its connection watched while it works on one, after it
/// has once worked on one for longer than a tick.
pub(crate) const PAUSES_SKIPPED: u32 = 64;

/// After so many looks that saw no handler the monitor sleeps until one begins.
pub(crate) const MONITOR_TICKS_IDLE_MAX: u32 = 100;

/// How long a thread of a server that has nothing to drive waits for a reactor before it ends.
pub(crate) const STANDBY_IDLE_MAX: Duration = Duration::from_secs(10);

/// How long a thread that nobody needs to wake waits in a read before it waits by other means: what
/// somebody wants of it nevertheless is late by this at most.
pub(crate) const PATIENCE: Duration = Duration::from_millis(50);

/// With so many calls open, a thread that begins one lets others run before it writes: fewer have
/// nothing to gain from it.
pub(crate) const CALLS_WRITTEN_TOGETHER_MIN: usize = 3;

/// How long a connection of a client may stay unread between two calls before its own thread reads
/// it: short enough to answer a PING and to see GOAWAY in good time, long enough that a caller that
/// comes again finds the connection free.
pub(crate) const WATCH_DELAY: Duration = Duration::from_millis(50);

/// Bytes of small messages of one stream that gather before they are sent: two frames of the usual
/// size, so that what a write costs is little beside what the messages cost.
pub(crate) const BATCH_SIZE: usize = 32 << 10;

/// The largest message that waits for others to leave with: a larger one is worth a write.
pub(crate) const GATHERED_MESSAGE_MAX: usize = 4 << 10;

/// Messages that leave at once each, however fast they come, before those behind them gather: few
/// enough to cost a burst nothing, and more than the parts of an answer.
pub(crate) const LONE_MESSAGES_MAX: usize = 3;

/// Messages this far apart are no burst: writing each costs its sender less than half of its time.
pub(crate) const BURST_GAP_MAX: Duration = Duration::from_micros(10);

/// Messages that gather before their sender looks whether its call is late: the clock costs as much as
/// a message.
pub(crate) const GATHERED_BETWEEN_LOOKS: usize = 32;

/// How often what gathers is sent while a burst goes on, and so about the longest that a message
/// waits: as long as one wake-up of a processor that sleeps takes, or a few.
pub(crate) const FLUSH_INTERVAL: Duration = Duration::from_micros(200);

/// A burst is over when fewer messages than this come in [`FLUSH_INTERVAL`].
pub(crate) const BURST_MESSAGES_MIN: usize = 10;

/// What one read of a connection takes at most: a few frames, and the responses of many streams.
pub(crate) const READ_BUFFER_SIZE: usize = 64 << 10;

/// Time for the TLS handshake of a connection that a server has accepted: as much as for the
/// preface behind it.
#[cfg(feature = "tls-rustls")]
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);

/// Bytes that a peer may send in a TLS handshake: long chains of certificates are a tenth of it.
#[cfg(feature = "tls-rustls")]
pub(crate) const HANDSHAKE_SIZE_MAX: usize = 256 << 10;

/// Reads of an encrypted connection out of which nothing comes, before its thread looks after the rest
/// of its work: a whole record is there after one of them, and records without any bytes may go on
/// for ever.
#[cfg(feature = "tls-rustls")]
pub(crate) const TLS_READS_MAX: usize = 4;

/// TLS handshakes that run at once at one listener, each on a thread: a crowd that comes back after
/// a restart. Over it the oldest is given up, which an honest peer's never is.
#[cfg(feature = "tls-rustls")]
pub(crate) const HANDSHAKES_MAX: usize = 512;

/// Messages of so many bytes are written from where they lie; smaller ones are copied into the output,
/// which costs less than a system call with many parts.
pub(crate) const LENT_MIN: usize = 16 << 10;

/// Parts of one write: the most that every system takes (POSIX's IOV_MAX on Linux).
pub(crate) const PARTS_MAX: usize = 1024;

/// The least credit that is given back to a peer's window: a frame of 13 bytes for every small
/// message would cost more than the arrears, and the arrears are far below a window.
pub(crate) const CREDIT_MIN: usize = 8 << 10;

/// Smaller messages of a stream wait as bytes behind the first, since an empty message is 5 bytes on
/// the wire and a dozen times that when unpacked; copying a larger one twice would cost more than
/// unpacking it at once.
pub(crate) const UNPACKED_MESSAGE_MIN: usize = 4 << 10;

/// Bytes of buffers that are kept for more messages of a stream: what one read brings.
pub(crate) const RUN_KEPT_MAX: usize = READ_BUFFER_SIZE;

/// How long a server waits, after its last frame, for the peer to have read it: many round trips.
pub(crate) const LINGER_MAX: Duration = Duration::from_secs(1);

/// The stack of a thread that runs handlers: as much as a program's first thread has. 100 levels of
/// a message of several kilobytes take more than the 2 MiB that threads get otherwise, and what is
/// not touched costs nothing.
pub(crate) const STACK_SIZE: usize = 8 << 20;

// Messages.

/// Levels of nesting that a protobuf decoder enters below the outermost message: submessages,
/// groups and map entries, known or unknown. 100 is what every official implementation accepts;
/// [`STACK_SIZE`] is for them.
pub(crate) const MESSAGE_DEPTH_MAX: u32 = 100;

/// Objects and arrays that parsing JSON enters below each other: what printing a message of the
/// deepest nesting needs, the outermost one included. Each message below it is an object that may
/// stand in an array, and the innermost may hold one more array.
pub(crate) const JSON_DEPTH_MAX: usize = 2 * (MESSAGE_DEPTH_MAX as usize + 1);

/// Bytes of one encoded message: lengths are signed 32-bit numbers in every official
/// implementation.
pub(crate) const MESSAGE_SIZE_MAX: usize = i32::MAX as usize;

/// Memory that decoding one message may allocate for elements, whatever its size on the wire: two
/// bytes of input can become a struct of several hundred. 64 MiB is more than a message of the
/// default receive limit (4 MiB) needs unless it is made to harm.
pub(crate) const DECODE_MEMORY_MIN: usize = 64 * 1024 * 1024;

/// Memory that decoding may allocate for each byte of input where that is more than
/// [`DECODE_MEMORY_MIN`]. Honest input stays below: a packed one-byte varint becomes 8 bytes, a map
/// entry of 10 bytes about 100.
pub(crate) const DECODE_MEMORY_PER_BYTE: usize = 16;

/// Memory that decoding `size` bytes may allocate for elements.
pub(crate) fn decode_memory(size: usize) -> usize {
    size.saturating_mul(DECODE_MEMORY_PER_BYTE).max(DECODE_MEMORY_MIN)
}

/// Scratch space that a thread keeps for encoding messages into vectors: larger ones are rare, and
/// what they cost is not the allocation.
pub(crate) const SCRATCH_KEPT: usize = 256 << 10;

/// How deep files may import each other: far more than any tree of .proto files has, and little
/// enough for the stack.
pub(crate) const IMPORT_DEPTH_MAX: usize = 500;

/// How many files those that come together may see in all, by public imports too: more than the
/// largest trees of .proto files have (7,000 files that import 25 others), and a few MiB of memory.
pub(crate) const IMPORT_COUNT_MAX: usize = 1 << 19;

/// What an unknown field is charged besides its bytes, so that many empty ones cannot hide from the
/// budget.
pub(crate) const UNKNOWN_FIELD_COST: usize = 16;

// Header compression.

/// The dynamic table that both sides of a connection begin with (RFC 9113 6.5.2).
pub(crate) const HPACK_TABLE_SIZE_INITIAL: usize = 4096;

/// Octets of an HPACK integer, its prefix included: 28 bits, far above any length or size that
/// the other limits let pass.
pub(crate) const HPACK_INTEGER_OCTETS_MAX: u32 = 5;

/// Table size updates in one header block: the smallest size and the final one (RFC 7541 4.2).
pub(crate) const HPACK_SIZE_UPDATES_MAX: usize = 2;

/// Header blocks that an encoder keeps: those of a dozen methods.
pub(crate) const HPACK_CACHED_BLOCKS_MAX: usize = 16;

/// Bytes of a header list whose block is kept; 16 of them are at most 16 KiB.
pub(crate) const HPACK_CACHED_LIST_MAX: usize = 1 << 10;

/// Octets of a header block that may be one that comes again, without the values that differ: a
/// call's block is a dozen indices, and the names of some literals.
pub(crate) const HPACK_PATTERN_LEN_MAX: usize = 128;

/// Fields that may differ in a header list that else comes again: a deadline, a token, and what
/// tells one call from the others.
pub(crate) const HPACK_PATTERN_LITERALS_MAX: usize = 4;

/// Scratch space that an idle decoder keeps for each of name and value: a long string must not
/// raise the memory of a connection for good.
pub(crate) const HPACK_SCRATCH_KEPT: usize = 4096;

/// Binary metadata shorter than this may be a secret that can be guessed by the size of blocks;
/// RFC 7541 7.1.3 leaves the bound to the encoder, 20 octets hold 160 bits.
pub(crate) const HPACK_GUESSABLE_LEN: usize = 20;

/// What HTTP/2 takes from a peer before it calls the peer an attacker, and what it buffers.
pub(crate) mod http2 {
    use std::time::Duration;

    /// Bytes that a peer may send on one stream before the application took them. Enough for
    /// 1 Gbit/s at 2 ms; a connection holds at most this times [`MAX_CONCURRENT_STREAMS`], and
    /// [`WINDOW_GROWTH_MAX`].
    pub(crate) const INITIAL_WINDOW_SIZE: u32 = 256 << 10;
    /// Bytes that a peer may have on the way on one connection. It is credited on receipt, so it
    /// bounds what the wire holds and not what streams hold.
    pub(crate) const CONNECTION_WINDOW_SIZE: u32 = 1 << 20;
    /// The window that a stream grows to whose application takes what comes as fast as it comes:
    /// enough for 10 Gbit/s at 3 ms, and what a reader makes us hold that stops in the middle.
    pub(crate) const STREAM_WINDOW_MAX: u32 = 4 << 20;
    /// Windows stay as they are towards peers that answer sooner: [`INITIAL_WINDOW_SIZE`] a round trip
    /// is 2 Gbit/s at least, and in one machine larger ones halve the speed of large messages, which
    /// then are on their way in memory that caches do not hold.
    pub(crate) const WINDOW_GROWTH_ROUND_TRIP: Duration = Duration::from_millis(1);
    /// How many measurements come before the first that windows grow by.
    pub(crate) const WINDOW_GROWTH_MEASUREMENTS: u32 = 3;
    /// How many measurements a connection makes at most: more PINGs would be too many for a server.
    pub(crate) const WINDOW_GROWTH_MEASUREMENTS_MAX: u32 = 64;
    /// What all streams of a connection may hold beyond [`INITIAL_WINDOW_SIZE`] each.
    pub(crate) const WINDOW_GROWTH_MAX: u64 = 16 << 20;
    /// Streams that a peer may have open. RFC 9113 6.5.2 recommends no less than 100.
    pub(crate) const MAX_CONCURRENT_STREAMS: u32 = 100;
    /// The smallest value RFC 9113 allows: a frame is the unit in which streams take turns.
    pub(crate) const MAX_FRAME_SIZE: u32 = 16 << 10;
    /// Names, values and 32 for each field. Beyond it a list is cut and its call refused;
    /// gRPC's own default is 8 KiB, common servers take 16 KiB.
    pub(crate) const MAX_HEADER_LIST_SIZE: u32 = 16 << 10;
    /// How many times [`MAX_HEADER_LIST_SIZE`] a list may decode to before the connection ends:
    /// decoding more would spend our processor on a call that is refused anyway.
    pub(crate) const HEADER_LIST_HARD_FACTOR: u32 = 4;
    /// Fields in a header block; calls have about ten, and each costs a check.
    pub(crate) const HEADER_FIELDS_MAX: usize = 128;
    /// A header list that every peer takes: it is sent without asking what the peer's limit is.
    pub(crate) const HEADER_LIST_SMALL: usize = 1 << 10;
    /// Header sections of a peer that are remembered, to be recognised when they come again: those of
    /// a dozen methods.
    pub(crate) const MEMO_SECTIONS_MAX: usize = 16;
    /// The size of a header list that is remembered; 16 of them are at most 16 KiB.
    pub(crate) const MEMO_LIST_SIZE_MAX: usize = 1 << 10;
    /// Bytes of a header block as it stands on the wire, before it is decoded.
    pub(crate) const HEADER_BLOCK_SIZE_MAX: usize = 64 << 10;
    /// CONTINUATION frames of one header block: with frames of 16 KiB more would never fit
    /// [`HEADER_BLOCK_SIZE_MAX`], unless the peer cuts them small to keep us busy.
    pub(crate) const CONTINUATIONS_MAX: u32 = 8;
    /// The dynamic table of HPACK that we offer and use: the initial value of RFC 9113 6.5.2.
    pub(crate) const HEADER_TABLE_SIZE: u32 = 4096;

    /// The largest dynamic table that a server's user may offer to each connection: it is memory
    /// that every client can have filled.
    pub(crate) const HEADER_TABLE_SIZE_MAX: u32 = 1 << 20;

    /// Streams we assume a server to allow before its SETTINGS arrive.
    pub(crate) const STREAMS_BEFORE_SETTINGS: u32 = 100;
    /// The last stream identifier that a client uses: at three quarters of 2^31 it opens another
    /// connection, so that streams in progress never meet the end of the numbers.
    pub(crate) const STREAM_ID_LAST: u32 = (1 << 29) * 3 - 1;
    /// Bytes that may wait for the network before `send_data` takes no more: a few round trips of
    /// a fast link, and the most that a peer who stops reading can make a connection hold.
    pub(crate) const OUTPUT_BUFFER_MAX: usize = 1 << 20;
    /// Bytes that wait for the network before a server stops reading. DATA ends at
    /// [`OUTPUT_BUFFER_MAX`]; what stands above it is heads, trailers and resets, which no window
    /// bounds. 64 KiB hold them for all streams of a client that reads, so only one that makes
    /// calls and leaves the answers unread is left waiting.
    pub(crate) const OUTPUT_BEFORE_PAUSE: usize = OUTPUT_BUFFER_MAX + (64 << 10);
    /// A DATA frame that a window cuts below this many bytes is worth waiting for more window,
    /// because a peer that grants single bytes would make us send 9 bytes of head for each.
    pub(crate) const DATA_CUT_MIN: u32 = 1024;
    /// The longest that DATA is held back for more window; peers that grant only when their
    /// window is used up still get everything.
    pub(crate) const DATA_HELD_BACK_MAX: Duration = Duration::from_millis(200);
    /// The longest DATA frame we send, whatever the peer takes: streams take turns between frames.
    pub(crate) const DATA_FRAME_SIZE_MAX: u32 = 64 << 10;

    /// Entries in one SETTINGS frame; RFC 9113 defines six.
    pub(crate) const SETTINGS_ENTRIES_MAX: usize = 32;
    /// Acknowledgements of PING and SETTINGS that wait in the output before the transport should
    /// stop reading: a peer that does not read them gets no more.
    pub(crate) const REPLIES_BEFORE_PAUSE: u32 = 64;
    /// The same count where the connection ends: one read of the transport may hold this many.
    pub(crate) const REPLIES_MAX: u32 = 8192;
    /// PINGs of ours that wait for their acknowledgement; older ones are forgotten.
    pub(crate) const PINGS_OUTSTANDING_MAX: usize = 8;
    /// Bytes of GOAWAY's debug data that are kept: enough for words, useless to fill memory.
    pub(crate) const GO_AWAY_DEBUG_MAX: usize = 256;
    /// Informational responses (1xx) before a response; real servers send one or two.
    pub(crate) const INFORMATIONAL_MAX: u8 = 8;
    /// Closed streams that are remembered, so that late frames are told from violations: twice
    /// what one round trip of ordinary cancellation leaves behind.
    pub(crate) const CLOSED_STREAMS_REMEMBERED: usize = 256;

    /// Streams a peer may reset, or make us reset, at once: everything it may have open.
    pub(crate) const RESET_BURST: u32 = 100;
    /// How fast the allowance for resets comes back, per second.
    pub(crate) const RESETS_PER_SECOND: u32 = 33;
    /// Tokens for frames that do no work (see `http2::abuse`): an ordinary peer never comes near.
    pub(crate) const GLITCH_BURST: u32 = 10_000;
    /// How fast those tokens come back, per second.
    pub(crate) const GLITCHES_PER_SECOND: u32 = 500;
    /// Empty DATA frames in a row, none of which ends its stream; there is no use for one.
    pub(crate) const EMPTY_DATA_MAX: u32 = 100;
    /// WINDOW_UPDATE frames that one DATA frame of ours may bring back without costing tokens.
    pub(crate) const WINDOW_UPDATES_PER_DATA: u32 = 10;

    /// Time for the preface and the first SETTINGS.
    pub(crate) const PREFACE_TIMEOUT: Duration = Duration::from_secs(20);
    /// Time between the first and the last frame of a header block; one write sends it all.
    pub(crate) const HEADER_BLOCK_TIMEOUT: Duration = Duration::from_secs(10);
    /// Time for the acknowledgement of our SETTINGS (RFC 9113 6.5.3).
    pub(crate) const SETTINGS_ACK_TIMEOUT: Duration = Duration::from_secs(60);
    /// gRFC A8: the least time between two PINGs of a client that has no stream.
    pub(crate) const PING_INTERVAL_WITHOUT_STREAMS: Duration = Duration::from_secs(2 * 60 * 60);
    /// Time for the PING of a graceful shutdown to come back before the last GOAWAY is sent anyway.
    pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(60);

    // One full set of streams may be cancelled at once.
    const _: () = assert!(RESET_BURST >= MAX_CONCURRENT_STREAMS);
    // The peer's view of a window is 65,535 until our SETTINGS and WINDOW_UPDATE reach it.
    const _: () = assert!(CONNECTION_WINDOW_SIZE >= 65_535);
    const _: () = assert!(CONNECTION_WINDOW_SIZE >= INITIAL_WINDOW_SIZE);
    // One stream can grow whole, and a connection's window holds two of the largest.
    const _: () = assert!(STREAM_WINDOW_MAX as u64 <= WINDOW_GROWTH_MAX);
    const _: () = assert!(STREAM_WINDOW_MAX < 1 << 29);
    // A list that we accept fits a block that we accept.
    const _: () = assert!(MAX_HEADER_LIST_SIZE as usize <= HEADER_BLOCK_SIZE_MAX);
    // A client's identifiers are odd.
    const _: () = assert!(STREAM_ID_LAST % 2 == 1);
}

// Calls.

/// Bytes of a message that a peer may send us: the default of every gRPC implementation.
pub(crate) const RECEIVE_MESSAGE_SIZE_MAX: usize = 4 * 1024 * 1024;

/// Bytes of a message that we send: what protobuf's lengths can express.
pub(crate) const SEND_MESSAGE_SIZE_MAX: usize = i32::MAX as usize;

/// Messages of fewer bytes are not compressed unless a user says otherwise: they fit one packet either
/// way, and the tables of an algorithm cost more time than the bytes.
pub(crate) const COMPRESSION_SIZE_MIN: usize = 256;

/// The least memory that an algorithm is given to write into: a small message in one allocation.
pub(crate) const COMPRESSION_ROOM_MIN: usize = 512;

/// Heads of requests that a channel keeps, one for each method that it calls: a program calls few,
/// and a proxy must not keep what its clients make up.
pub(crate) const REQUEST_HEADS_KEPT: usize = 32;

/// Memory that a thread keeps at most from one call for the next, for the message that is sent and for
/// the one that is received: as large as messages may be by default. What the system does for new
/// memory of that size costs more than all that is done with it; but it goes when messages are small.
pub(crate) const CALL_SCRATCH_KEPT: usize = RECEIVE_MESSAGE_SIZE_MAX + 4096;

/// Things of one sort that a thread keeps for the next calls: as many as there are in a burst of calls
/// on one connection.
pub(crate) const SHELF_MAX: usize = 64;

/// Room for a small message: what as many of them came in is kept.
pub(crate) const PAYLOAD_SMALL: usize = 240;

/// What a message of more bytes came in is kept by the process, for all threads.
pub(crate) const PAYLOAD_SHARED_MIN: usize = 64 << 10;

/// How many of those are kept: as many as are read from the wire and decoded at once on a small
/// machine; more would be memory that waits.
pub(crate) const PAYLOADS_SHARED_MAX: usize = 2;

/// Memory that a thread keeps in any case, as most messages are smaller.
pub(crate) const CALL_SCRATCH_SMALL: usize = 4096;

/// Memory that a thread keeps for compressed messages: larger ones are rare, and what they cost is
/// not the allocation.
pub(crate) const COMPRESSION_SCRATCH_KEPT: usize = 256 << 10;

/// Algorithms of a channel or server: each is looked at for each name that a peer offers.
pub(crate) const COMPRESSORS_MAX: usize = 16;

// Client.

/// How often a call that waits for a connection looks whether it was cancelled meanwhile: soon enough
/// for whoever cancels, seldom enough to cost nothing beside a connection that is being made.
pub(crate) const CANCELLATION_LOOK: Duration = Duration::from_millis(50);

/// Connections of one channel: more than machines have processors to drive them with.
pub(crate) const CONNECTIONS_MAX: usize = 256;

/// Connections that one call tries before it gives up, if each takes no more streams just when the
/// call wants one: more than restarting servers ever cause, fewer than an endless loop.
pub(crate) const OPEN_ATTEMPTS_MAX: u32 = 5;

/// Threads that send calls again for those who do not wait for them: all of one channel wait for
/// the same connection, so few are enough.
pub(crate) const RETRY_THREADS: NonZeroUsize = NonZeroUsize::new(4).expect("not zero");

/// Bytes of streamed requests that a call keeps, to send them again should the server refuse the
/// stream: what leaves before a refusal can come back, and little beside the connection.
pub(crate) const RETRY_BUFFER_MAX: usize = 64 * 1024;

/// gRFC A6: a call with a retry policy is sent at most so often, whatever the policy says.
pub(crate) const RETRY_ATTEMPTS_MAX: u32 = 5;

/// The wait before the first retry: the example of gRFC A6, a little more than a server's restart of
/// a worker takes and less than people notice.
pub(crate) const RETRY_BACKOFF_INITIAL: Duration = Duration::from_millis(100);

/// The longest wait between retries: the example of gRFC A6.
pub(crate) const RETRY_BACKOFF_MAX: Duration = Duration::from_secs(1);

/// How waits between retries grow: the example of gRFC A6.
pub(crate) const RETRY_BACKOFF_MULTIPLIER: f64 = 2.0;

/// The most tokens of retry throttling: more would let a server go down before retries stop. All
/// implementations have the same.
pub(crate) const RETRY_TOKENS_MAX: u32 = 1000;

// Server.

/// Bytes of the body of a response that is none of gRPC's that are kept for the status: a proxy's page
/// of an error says in its first lines what is wrong.
pub(crate) const FOREIGN_BODY_MAX: usize = 1024;

/// How long the beginning of that body is waited for: a proxy writes it right behind the head.
pub(crate) const FOREIGN_BODY_WAIT: Duration = Duration::from_secs(1);

/// Bytes of a status message that are left when the list that carries it is over the client's limit:
/// enough for a sentence or ten.
pub(crate) const CUT_MESSAGE_MAX: usize = 1024;

/// Methods that run at once on a server, unless its user says otherwise: blocking methods wait
/// most of their time, and an idle thread costs little more than its stack's first page.
pub(crate) const WORKERS_DEFAULT: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");

/// Workers of the lane of health checking: its methods never block, and two of them still answer if
/// one thread is descheduled.
pub(crate) const HEALTH_WORKERS: usize = 2;

/// Workers of that lane at most: a client that stalls between the head of a call and its request
/// keeps one waiting, and must not be taken for the server's ill health.
pub(crate) const HEALTH_WORKERS_MAX: usize = 64;

/// Workers of the lane of reflection: a call holds one while it begins, and not while it waits.
pub(crate) const REFLECTION_WORKERS: usize = 4;

/// Threads that answer what reflection is asked once a call has begun: an answer is a look-up.
#[cfg(feature = "reflection")]
pub(crate) const ANSWER_THREADS: NonZeroUsize = NonZeroUsize::new(2).expect("not zero");

/// Calls of reflection that one service has open: the tools of a large company. Each keeps a question,
/// and an answer that the client has begun to read.
#[cfg(feature = "reflection")]
pub(crate) const REFLECTION_STREAMS_MAX: usize = 1_000;

/// Bytes of a question of reflection: the names of a host and of a file or symbol.
#[cfg(feature = "reflection")]
pub(crate) const REFLECTION_QUESTION_SIZE_MAX: usize = 4096;

/// Answers that one call of reflection gets before others are looked at.
#[cfg(feature = "reflection")]
pub(crate) const REFLECTION_ANSWERS_MAX: usize = 16;

/// When a client that tries again should do so after a refusal for want of room: a second empties
/// queues of short calls, and keeps those who were refused from coming back at once.
pub(crate) const RETRY_PUSHBACK: Duration = Duration::from_secs(1);

// Testing.

/// Calls of a fake server that wait for the test: more than any test makes, and it is told.
#[cfg(feature = "testing")]
pub(crate) const TEST_CALLS_MAX: usize = 10_000;

/// How long a test waits for what another thread is to do at once: never, unless it has failed.
#[cfg(feature = "testing")]
pub(crate) const TEST_PATIENCE: Duration = Duration::from_secs(30);

// Services.

/// Calls of Watch that one health service has open: thousands of load balancers, and some
/// megabytes of memory.
#[cfg(feature = "health")]
pub(crate) const HEALTH_WATCHERS_MAX: usize = 10_000;

/// Bytes of the name that a watcher asks for, since names of unknown services are kept, too: no
/// service's name is longer than the identifiers that protobuf's own tools accept.
#[cfg(feature = "health")]
pub(crate) const HEALTH_NAME_MAX: usize = 1024;

/// Services in one answer to List: what health.proto says.
#[cfg(feature = "health")]
pub(crate) const HEALTH_LIST_MAX: usize = 100;

/// Channels, servers or sockets in one answer of channelz, as C-core has it: all of them are looked at
/// under one lock, and an answer is held in memory.
#[cfg(feature = "channelz")]
pub(crate) const CHANNELZ_RESULTS_MAX: usize = 100;
