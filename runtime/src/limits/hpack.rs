//! Header compression.

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
