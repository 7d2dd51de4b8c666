//! Values into frames. Every function appends whole frames to the output.

use super::{FRAME_SIZE_MAX, HEAD_SIZE, Head, SETTING_SIZE, flag, kind};
use crate::http2::error::Reason;
use crate::http2::stream::StreamId;

/// Appends DATA without padding.
pub(crate) fn write_data(output: &mut Vec<u8>, stream: StreamId, data: &[u8], end: bool) {
    write_data_head(output, stream, data.len(), end);
    output.extend_from_slice(data);
}

/// Appends the head of a DATA frame without padding, behind which `size` bytes are to follow.
pub(crate) fn write_data_head(output: &mut Vec<u8>, stream: StreamId, size: usize, end: bool) {
    let flags = if end { flag::END_STREAM } else { 0 };
    write_head(output, size, kind::DATA, flags, stream);
}

/// Appends HEADERS, and CONTINUATION where the block is longer than a frame.
///
/// `encode` appends the header block to the output it is given. RFC 9113 4.3: the frames of one
/// block follow each other without another frame between them.
pub(crate) fn write_header_block(
    output: &mut Vec<u8>,
    stream: StreamId,
    end: bool,
    frame_size_max: u32,
    encode: impl FnOnce(&mut Vec<u8>),
) {
    let start = output.len();
    output.extend_from_slice(&[0; HEAD_SIZE]);
    encode(output);
    let length = output.len() - start - HEAD_SIZE;
    let frame_max = frame_size_max as usize;
    let end_stream = if end { flag::END_STREAM } else { 0 };
    let end_headers = if length <= frame_max { flag::END_HEADERS } else { 0 };
    let first = length.min(frame_max);
    let head = head(first, kind::HEADERS, end_stream | end_headers, stream);
    output[start..start + HEAD_SIZE].copy_from_slice(&head.to_bytes());
    if length <= frame_max {
        return;
    }
    let rest = output.split_off(start + HEAD_SIZE + frame_max);
    let mut pieces = rest.chunks(frame_max).peekable();
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { flag::END_HEADERS } else { 0 };
        write_head(output, piece.len(), kind::CONTINUATION, flags, stream);
        output.extend_from_slice(piece);
    }
}

/// Appends RST_STREAM.
pub(crate) fn write_reset(output: &mut Vec<u8>, stream: StreamId, reason: Reason) {
    write_head(output, 4, kind::RST_STREAM, 0, stream);
    output.extend_from_slice(&reason.0.to_be_bytes());
}

/// Appends SETTINGS with `entries` of identifier and value.
pub(crate) fn write_settings(output: &mut Vec<u8>, entries: &[(u16, u32)]) {
    let length = entries.len() * SETTING_SIZE as usize;
    write_head(output, length, kind::SETTINGS, 0, StreamId::CONNECTION);
    for (identifier, value) in entries {
        output.extend_from_slice(&identifier.to_be_bytes());
        output.extend_from_slice(&value.to_be_bytes());
    }
}

/// Appends the acknowledgement of SETTINGS.
pub(crate) fn write_settings_ack(output: &mut Vec<u8>) {
    write_head(output, 0, kind::SETTINGS, flag::ACK, StreamId::CONNECTION);
}

/// Appends PING, or its acknowledgement when `flags` is ACK.
pub(crate) fn write_ping(output: &mut Vec<u8>, flags: u8, payload: [u8; 8]) {
    write_head(output, 8, kind::PING, flags, StreamId::CONNECTION);
    output.extend_from_slice(&payload);
}

/// Appends GOAWAY.
pub(crate) fn write_go_away(
    output: &mut Vec<u8>,
    last_stream: StreamId,
    reason: Reason,
    debug: &[u8],
) {
    write_head(output, 8 + debug.len(), kind::GOAWAY, 0, StreamId::CONNECTION);
    output.extend_from_slice(&last_stream.0.to_be_bytes());
    output.extend_from_slice(&reason.0.to_be_bytes());
    output.extend_from_slice(debug);
}

/// Appends WINDOW_UPDATE.
pub(crate) fn write_window_update(output: &mut Vec<u8>, stream: StreamId, increment: u32) {
    write_head(output, 4, kind::WINDOW_UPDATE, 0, stream);
    output.extend_from_slice(&increment.to_be_bytes());
}

fn write_head(output: &mut Vec<u8>, length: usize, kind: u8, flags: u8, stream: StreamId) {
    output.extend_from_slice(&head(length, kind, flags, stream).to_bytes());
}

fn head(length: usize, kind: u8, flags: u8, stream: StreamId) -> Head {
    assert!(length <= FRAME_SIZE_MAX as usize, "a frame of ours has at most 2^24-1 bytes");
    Head { length: length as u32, kind, flags, stream }
}
