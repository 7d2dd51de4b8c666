//! Zstandard (RFC 8878), by its reference implementation.
//!
//! The invariant: a message is decompressed in one piece into the buffer that it is returned in, so
//! that no window of the size that the peer states is ever allocated.

use std::cell::Cell;
use std::io;
use std::thread::LocalKey;

use zstd_safe::{CCtx, DCtx};

use super::compressor::{Compressor, Output};
use crate::limits::COMPRESSION_ROOM_MIN;

/// Zstandard, RFC 8878: `grpc-encoding: zstd`.
///
/// Built in, with level 3; give one to the builder of a channel or server to use another level.
/// Other implementations of gRPC rarely have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Zstd {
    level: i32,
}

impl Zstd {
    /// Compresses with `level`, from 1, fast, to 22, small; what is outside is moved there.
    #[must_use]
    pub const fn new(level: i32) -> Self {
        match level {
            i32::MIN..=0 => Self { level: 1 },
            1..=22 => Self { level },
            _ => Self { level: 22 },
        }
    }
}

impl Default for Zstd {
    fn default() -> Self {
        Self::new(3)
    }
}

impl Compressor for Zstd {
    fn name(&self) -> &str {
        "zstd"
    }

    fn compress(&self, message: &[u8], output: &mut Output) -> io::Result<()> {
        let result = with_context(&COMPRESS, CCtx::try_create, |context| {
            context.compress(
                output.cleared(zstd_safe::compress_bound(message.len())),
                message,
                self.level,
            )
        });
        match result? {
            Ok(_) => output.check(),
            Err(code) if is_too_small(code) => Err(output.exceed()),
            Err(code) => Err(io::Error::other(zstd_safe::get_error_name(code))),
        }
    }

    fn decompress(&self, compressed: &[u8], output: &mut Output) -> io::Result<()> {
        if compressed.is_empty() {
            // No frames at all are no error to the library.
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "expected a frame, got nothing",
            ));
        }
        // A frame may state its size, and there may be several. What is stated is no more than a
        // hint: where there is no receive limit, it would be memory for nothing.
        let stated = zstd_safe::get_frame_content_size(compressed).ok().flatten();
        let times = |ratio| compressed.len().saturating_mul(ratio).max(COMPRESSION_ROOM_MIN);
        let mut room = match stated.and_then(|size| usize::try_from(size).ok()) {
            Some(size) => size.clamp(1, times(RATIO_CREDIBLE)),
            None => times(RATIO_LIKELY),
        };
        let room_max = output.remaining();
        loop {
            let result = with_context(&DECOMPRESS, DCtx::try_create, |context| {
                context.decompress(output.cleared(room), compressed)
            });
            match result? {
                Ok(_) => return output.check(),
                Err(code) if is_too_small(code) && room < room_max => {
                    room = room.saturating_mul(2).min(room_max);
                }
                Err(code) if is_too_small(code) => return Err(output.exceed()),
                Err(code) => {
                    let text = zstd_safe::get_error_name(code);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
            }
        }
    }
}

thread_local! {
    static COMPRESS: Cell<Option<CCtx<'static>>> = const { Cell::new(None) };
    static DECOMPRESS: Cell<Option<DCtx<'static>>> = const { Cell::new(None) };
}

/// Runs `run` with the thread's context, which is taken out meanwhile; `make` makes one where there
/// is none. A thread that is ending keeps none.
fn with_context<C, T>(
    kept: &'static LocalKey<Cell<Option<C>>>,
    make: impl FnOnce() -> Option<C>,
    run: impl FnOnce(&mut C) -> T,
) -> io::Result<T> {
    let found = kept.try_with(Cell::take).ok().flatten();
    let mut context = found.or_else(make).ok_or(io::ErrorKind::OutOfMemory)?;
    let result = run(&mut context);
    // An error means that the thread ends.
    let _ = kept.try_with(|kept| kept.set(Some(context)));
    Ok(result)
}

/// Whether `code` is that of a destination that is too small.
///
/// The library has names for its codes, and no numbers that this interface shows.
fn is_too_small(code: usize) -> bool {
    zstd_safe::get_error_name(code) == "Destination buffer is too small"
}

/// How many bytes one byte often becomes.
const RATIO_LIKELY: usize = 4;

/// How many bytes one byte becomes at most in all but long runs of the same.
const RATIO_CREDIBLE: usize = 1024;
