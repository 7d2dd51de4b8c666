//! gzip (RFC 1952) and deflate, which is the zlib format (RFC 1950).
//!
//! The invariant: a thread keeps one state for each direction and format, and what it keeps depends
//! on no message. The members of gzip are read here and not by the library, which makes a state
//! anew for each of them.

use std::cell::Cell;
use std::io;

use flate2::{Compress, Crc, Decompress, FlushCompress, FlushDecompress, Status};

use super::compressor::{Compressor, Output};

/// The gzip format of RFC 1952: `grpc-encoding: gzip`.
///
/// Built in, with level 6; give one to the builder of a channel or server to use another level.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Compression, Server};
/// use rust_grpc::compression::Gzip;
///
/// let builder = Server::builder().compressor(Gzip::new(1)).compression(Compression::Gzip);
/// # drop(builder);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gzip {
    level: Level,
}

/// The zlib format of RFC 1950, which HTTP and gRPC call `deflate`.
///
/// Built in, with level 6; give one to the builder of a channel or server to use another level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deflate {
    level: Level,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Level(u32);

impl Gzip {
    /// Compresses with `level`, from 1, fast, to 9, small; what is outside is moved there.
    #[must_use]
    pub const fn new(level: u32) -> Self {
        Self { level: Level::new(level) }
    }
}

impl Deflate {
    /// Compresses with `level`, from 1, fast, to 9, small; what is outside is moved there.
    #[must_use]
    pub const fn new(level: u32) -> Self {
        Self { level: Level::new(level) }
    }
}

impl Level {
    const fn new(level: u32) -> Self {
        match level {
            0 => Self(1),
            1..=9 => Self(level),
            _ => Self(9),
        }
    }
}

impl Default for Level {
    fn default() -> Self {
        Self(6)
    }
}

impl Compressor for Gzip {
    fn name(&self) -> &str {
        "gzip"
    }

    fn compress(&self, message: &[u8], output: &mut Output) -> io::Result<()> {
        let state = |level| Compress::new_gzip(level, WINDOW_BITS);
        with_compress(&GZIP, self.level, state, |state| deflate(state, message, output))
    }

    fn decompress(&self, compressed: &[u8], output: &mut Output) -> io::Result<()> {
        // RFC 1952 2.2: a file is one member or more, and nothing else.
        let mut rest = compressed;
        with_decompress(|state| {
            loop {
                rest = read_member(state, rest, output)?;
                if rest.is_empty() {
                    return Ok(());
                }
            }
        })
    }
}

impl Compressor for Deflate {
    fn name(&self) -> &str {
        "deflate"
    }

    fn compress(&self, message: &[u8], output: &mut Output) -> io::Result<()> {
        let state = |level| Compress::new(level, true);
        with_compress(&ZLIB, self.level, state, |state| deflate(state, message, output))
    }

    fn decompress(&self, compressed: &[u8], output: &mut Output) -> io::Result<()> {
        with_decompress(|state| {
            state.reset(true);
            let rest = inflate(state, compressed, output)?;
            match rest.len() {
                0 => Ok(()),
                len => Err(invalid(format!("{len} bytes behind the end"))),
            }
        })
    }
}

/// A state that a thread keeps, with its level.
type Kept = Cell<Option<(Level, Compress)>>;

thread_local! {
    static GZIP: Kept = const { Cell::new(None) };
    static ZLIB: Kept = const { Cell::new(None) };
    static INFLATE: Cell<Option<Decompress>> = const { Cell::new(None) };
}

/// Runs `run` with the thread's state of `level`; `make` makes one where there is none.
///
/// The state is taken out meanwhile. A thread that is ending keeps none.
fn with_compress<T>(
    kept: &'static std::thread::LocalKey<Kept>,
    level: Level,
    make: impl FnOnce(flate2::Compression) -> Compress,
    run: impl FnOnce(&mut Compress) -> T,
) -> T {
    let mut state = match kept.try_with(Cell::take) {
        Ok(Some((found, mut state))) if found == level => {
            state.reset();
            state
        }
        _ => make(flate2::Compression::new(level.0)),
    };
    let result = run(&mut state);
    // An error means that the thread ends.
    let _ = kept.try_with(|kept| kept.set(Some((level, state))));
    result
}

fn with_decompress<T>(run: impl FnOnce(&mut Decompress) -> T) -> T {
    let kept = INFLATE.try_with(Cell::take).ok().flatten();
    let mut state = kept.unwrap_or_else(|| Decompress::new(false));
    let result = run(&mut state);
    // An error means that the thread ends.
    let _ = INFLATE.try_with(|kept| kept.set(Some(state)));
    result
}

/// Writes all of `message` through a state that is at its beginning.
fn deflate(state: &mut Compress, message: &[u8], output: &mut Output) -> io::Result<()> {
    loop {
        if output.remaining() == 0 {
            return Err(output.exceed());
        }
        let rest = &message[consumed(state.total_in())..];
        let status = state.compress_vec(rest, output.room(), FlushCompress::Finish)?;
        output.check()?;
        if status == Status::StreamEnd {
            return Ok(());
        }
    }
}

/// Reads what a state at its beginning finds in `compressed` up to its end; returns what is behind.
fn inflate<'a>(
    state: &mut Decompress,
    compressed: &'a [u8],
    output: &mut Output,
) -> io::Result<&'a [u8]> {
    loop {
        let before = (state.total_in(), state.total_out());
        let rest = &compressed[consumed(before.0)..];
        let is_full = output.remaining() == 0;
        let status = match is_full {
            // The end may follow without another byte; one byte more is one too many.
            true => state.decompress(rest, &mut [0], FlushDecompress::None),
            false => state.decompress_vec(rest, output.room(), FlushDecompress::None),
        };
        let status = status.map_err(|error| invalid(error.to_string()))?;
        if is_full && state.total_out() > before.1 {
            return Err(output.exceed());
        }
        output.check()?;
        if status == Status::StreamEnd {
            return Ok(&compressed[consumed(state.total_in())..]);
        }
        if before == (state.total_in(), state.total_out()) {
            return Err(invalid("its end is missing"));
        }
    }
}

/// Reads one member (RFC 1952 2.3) and returns what is behind it.
fn read_member<'a>(
    state: &mut Decompress,
    member: &'a [u8],
    output: &mut Output,
) -> io::Result<&'a [u8]> {
    let compressed = read_member_head(member)?;
    let begin = output.as_slice().len();
    if let Some((_, size)) = compressed.split_last_chunk() {
        output.reserve(likely_size(u32::from_le_bytes(*size), compressed.len()));
    }
    state.reset(false);
    let trailer = inflate(state, compressed, output)?;
    let cut = || invalid("its trailer is missing");
    let (checksum, rest) = trailer.split_first_chunk().ok_or_else(cut)?;
    let (size, rest) = rest.split_first_chunk().ok_or_else(cut)?;
    let written = &output.as_slice()[begin..];
    if checksum_of(written) != u32::from_le_bytes(*checksum) {
        return Err(invalid("its checksum is wrong"));
    }
    // RFC 1952 2.3.1: the size modulo 2^32.
    if written.len() as u32 != u32::from_le_bytes(*size) {
        return Err(invalid("its size is wrong"));
    }
    Ok(rest)
}

/// Reads the head of a member and returns what is behind it.
fn read_member_head(member: &[u8]) -> io::Result<&[u8]> {
    let cut = || invalid("its head is cut short");
    let (fixed, mut rest) = member.split_first_chunk::<10>().ok_or_else(cut)?;
    let [id_1, id_2, method, flags, ..] = *fixed;
    if [id_1, id_2] != MAGIC {
        return Err(invalid(format!("expected 1f 8b, got {id_1:02x} {id_2:02x}")));
    }
    if method != DEFLATED {
        return Err(invalid(format!("expected method 8, got {method}")));
    }
    if flags & RESERVED != 0 {
        // RFC 1952 2.3.1.2: a reserved bit may mean that more follows than is known here.
        return Err(invalid(format!("its flags {flags:#04x} are reserved")));
    }
    if flags & EXTRA != 0 {
        let (len, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        rest = behind.get(usize::from(u16::from_le_bytes(*len))..).ok_or_else(cut)?;
    }
    for text in [NAME, COMMENT] {
        if flags & text != 0 {
            let end = rest.iter().position(|byte| *byte == 0).ok_or_else(cut)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & HEAD_CHECKSUM != 0 {
        let head = &member[..member.len() - rest.len()];
        let (checksum, behind) = rest.split_first_chunk().ok_or_else(cut)?;
        if checksum_of(head) & 0xffff != u32::from(u16::from_le_bytes(*checksum)) {
            return Err(invalid("the checksum of its head is wrong"));
        }
        rest = behind;
    }
    Ok(rest)
}

/// The size that the end of the input states, or 0 where it cannot be true: there may be another
/// member behind, and the peer may state what it likes.
fn likely_size(stated: u32, compressed: usize) -> usize {
    let stated = usize::try_from(stated).unwrap_or(usize::MAX);
    match stated <= compressed.saturating_mul(RATIO_MAX) {
        true => stated,
        false => 0,
    }
}

fn checksum_of(bytes: &[u8]) -> u32 {
    let mut checksum = Crc::new();
    checksum.update(bytes);
    checksum.sum()
}

/// A count of bytes of a slice, as the library states it.
fn consumed(count: u64) -> usize {
    usize::try_from(count).expect("a slice has as many bytes")
}

fn invalid(why: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why.into())
}

/// The window of 32 KiB that every inflater has.
const WINDOW_BITS: u8 = 15;

/// RFC 1952 2.3.1: what every member begins with.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// RFC 1952 2.3.1: the only method there is.
const DEFLATED: u8 = 8;

// RFC 1952 2.3.1: the flags; that of a text says nothing.
const HEAD_CHECKSUM: u8 = 1 << 1;
const EXTRA: u8 = 1 << 2;
const NAME: u8 = 1 << 3;
const COMMENT: u8 = 1 << 4;
const RESERVED: u8 = 0b1110_0000;

/// The most bytes that one byte of deflate can become: 258 for two bits, less the table.
const RATIO_MAX: usize = 1032;
