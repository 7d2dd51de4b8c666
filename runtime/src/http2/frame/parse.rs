//! Payloads into values. Lengths and streams were checked with the head ([`super::Head::check`]).

use super::{Head, flag};
use crate::http2::error::{Reason, Violation};
use crate::http2::stream::StreamId;

/// What GOAWAY says (RFC 9113 6.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct GoAway<'a> {
    pub(crate) last_stream: StreamId,
    pub(crate) reason: Reason,
    pub(crate) debug: &'a [u8],
}

/// The header block in a HEADERS payload, without padding and priority (RFC 9113 6.2).
///
/// # Errors
///
/// If the padding or the priority fields do not fit the frame.
pub(crate) fn headers(head: Head, payload: &[u8]) -> Result<&[u8], Violation> {
    let block = unpad(head, payload)?;
    if !head.has(flag::PRIORITY) {
        return Ok(block);
    }
    // RFC 9113 5.3.2: priority signals are deprecated; they are skipped, so a stream that depends
    // on itself costs nothing.
    if let Some(block) = block.get(PRIORITY_SIZE..) {
        return Ok(block);
    }
    // RFC 9113 6.2: padding that leaves no room for the fields is too long; a frame that has none
    // even without padding is too short.
    let before_fields = if head.has(flag::PADDED) { 1 } else { 0 };
    match payload.len() < before_fields + PRIORITY_SIZE {
        true => Err(Violation::FrameLength),
        false => Err(Violation::PaddingTooLong),
    }
}

/// Takes the padding off a payload whose head says PADDED.
///
/// # Errors
///
/// RFC 9113 6.1: padding as long as the payload or longer is a connection error.
fn unpad(head: Head, payload: &[u8]) -> Result<&[u8], Violation> {
    if !head.has(flag::PADDED) {
        return Ok(payload);
    }
    let (&padding, rest) = payload.split_first().ok_or(Violation::FrameLength)?;
    let end = rest.len().checked_sub(usize::from(padding)).ok_or(Violation::PaddingTooLong)?;
    Ok(&rest[..end])
}

/// How many bytes of a padded DATA payload are data, when `padding` is its first byte.
///
/// # Errors
///
/// As [`unpad`].
pub(crate) fn data_padding(head: Head, padding: u8) -> Result<u32, Violation> {
    (head.length - 1).checked_sub(u32::from(padding)).ok_or(Violation::PaddingTooLong)
}

/// The error code in RST_STREAM.
pub(crate) fn reset(payload: &[u8]) -> Reason {
    Reason(word(payload, 0))
}

/// The increment in WINDOW_UPDATE; the reserved bit is ignored (RFC 9113 6.9).
pub(crate) fn window_update(payload: &[u8]) -> u32 {
    word(payload, 0) & 0x7fff_ffff
}

/// The opaque bytes of PING.
pub(crate) fn ping(payload: &[u8]) -> [u8; 8] {
    payload.try_into().expect("the length of PING was checked with its head")
}

/// What stands in GOAWAY.
pub(crate) fn go_away(payload: &[u8]) -> GoAway<'_> {
    GoAway {
        last_stream: StreamId(word(payload, 0) & super::STREAM_ID_MAX),
        reason: Reason(word(payload, 4)),
        debug: &payload[8..],
    }
}

fn word(payload: &[u8], at: usize) -> u32 {
    let bytes = payload[at..at + 4].try_into().expect("four bytes were taken");
    u32::from_be_bytes(bytes)
}

/// Bytes of the priority fields in HEADERS (RFC 9113 6.2).
const PRIORITY_SIZE: usize = 5;
