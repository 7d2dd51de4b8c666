//! What HTTP/2 takes from a peer before it calls the peer an attacker, and what it buffers.

use std::time::Duration;

/// Bytes that a peer may send on one stream before the application took them. Enough for
/// 1 Gbit/s at 4 ms; a connection holds at most this times [`MAX_CONCURRENT_STREAMS`], and
/// [`WINDOW_GROWTH_MAX`]. In one machine a stream of 64 KiB messages is 1.7 times as fast as with
/// half of it, for the sender is told less often, and twice as fast as with twice as much, which
/// caches do not hold.
pub(crate) const INITIAL_WINDOW_SIZE: u32 = 512 << 10;
/// Bytes that a peer may have on the way on one connection. It is credited on receipt, so it
/// bounds what the wire holds and not what streams hold.
pub(crate) const CONNECTION_WINDOW_SIZE: u32 = 1 << 20;
/// The window that a stream grows to whose application takes what comes as fast as it comes:
/// enough for 10 Gbit/s at 3 ms, and what a reader makes us hold that stops in the middle.
pub(crate) const STREAM_WINDOW_MAX: u32 = 4 << 20;
/// Windows stay as they are towards peers that answer sooner: [`INITIAL_WINDOW_SIZE`] a round trip
/// is 4 Gbit/s at least, and in one machine larger ones halve the speed of large messages, which
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
/// The same while no stream is open, but for those that this side has reset: enough to name what is wrong
/// with a frame that comes a little late, and little for a connection to hold.
pub(crate) const CLOSED_STREAMS_REMEMBERED_IDLE: usize = 8;

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
