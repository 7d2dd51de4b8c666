//! What calls take, whichever side.

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
