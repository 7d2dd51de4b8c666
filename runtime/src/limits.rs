//! Every default limit of the runtime, with its reason.

use std::time::Duration;

// Transport.

/// Connections that wait to be accepted: what servers usually ask for; systems cut it to their own.
pub(crate) const LISTEN_BACKLOG: i32 = 1024;

/// After an error of accept that concerns all connections, as a lack of descriptors: long enough
/// not to spin, short enough not to be noticed.
pub(crate) const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Bytes in one direction of an in-memory wire: like a small socket buffer.
pub(crate) const MEMORY_PIPE_CAPACITY: usize = 64 * 1024;

/// gRPC's connection backoff protocol: the wait after the first failure.
pub(crate) const BACKOFF_BASE: Duration = Duration::from_secs(1);

/// gRPC's connection backoff protocol: no wait is longer.
pub(crate) const BACKOFF_MAX: Duration = Duration::from_secs(120);

/// gRPC's connection backoff protocol: an attempt to connect gets at least this long.
pub(crate) const CONNECT_TIMEOUT_MIN: Duration = Duration::from_secs(20);

/// Calls that wait for a worker: a burst, and not a minute's arrears.
pub(crate) const WORKER_QUEUE_MAX: usize = 1024;

// Messages.

/// Levels of nesting that a protobuf decoder enters below the outermost message: submessages,
/// groups and map entries, known or unknown. 100 is what every official implementation accepts, and
/// the stack of a worker thread holds far more.
pub(crate) const MESSAGE_DEPTH_MAX: u32 = 100;

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

/// What an unknown field is charged besides its bytes, so that many empty ones cannot hide from the
/// budget.
pub(crate) const UNKNOWN_FIELD_COST: usize = 16;

// Header compression.

/// The dynamic table that both sides of a connection begin with (RFC 9113 6.5.2).
pub(crate) const HPACK_TABLE_SIZE_INITIAL: usize = 4096;

/// The dynamic table that an encoder of ours uses at most, whatever the peer allows: a peer must
/// not make us keep more, and the fields of gRPC that repeat fit well.
pub(crate) const HPACK_ENCODER_TABLE_SIZE_MAX: usize = 4096;

/// Octets of an HPACK integer, its prefix included: 28 bits, far above any length or size that
/// the other limits let pass.
pub(crate) const HPACK_INTEGER_OCTETS_MAX: u32 = 5;

/// Table size updates in one header block: the smallest size and the final one (RFC 7541 4.2).
pub(crate) const HPACK_SIZE_UPDATES_MAX: usize = 2;

/// Scratch space that an idle decoder keeps for each of name and value: a long string must not
/// raise the memory of a connection for good.
pub(crate) const HPACK_SCRATCH_KEPT: usize = 4096;

/// Binary metadata shorter than this may be a secret that can be guessed by the size of blocks;
/// RFC 7541 7.1.3 leaves the bound to the encoder, 20 octets hold 160 bits.
pub(crate) const HPACK_GUESSABLE_LEN: usize = 20;

/// The header list that we advertise and hand out: twice what other gRPC stacks plan to take by
/// default, and little beside one message.
pub(crate) const HEADER_LIST_SIZE_MAX: usize = 16 * 1024;

/// Fields of a header list that are handed out: far more than any call has, few enough to be
/// searched one by one.
pub(crate) const HEADER_FIELDS_MAX: usize = 128;

/// The decoded header list beyond which the connection ends. A list between this and
/// [`HEADER_LIST_SIZE_MAX`] costs one call only; work and memory of any block end here.
pub(crate) const HEADER_LIST_DECODED_MAX: usize = 4 * HEADER_LIST_SIZE_MAX;
