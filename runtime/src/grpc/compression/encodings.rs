//! What one side of a call can do about compression: its algorithms, which of them it accepts, and
//! the two operations on messages.
//!
//! The invariant: an [`Encoding`] is one of the [`Encodings`] that made it, and those of a channel
//! or server are fixed when it is built.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

use super::compressor::{Compressor, Output};
use super::{Compression, IDENTITY};
use crate::grpc::codec::Writer;
use crate::grpc::envelope;
use crate::grpc::status::Status;
use crate::limits::{COMPRESSION_SCRATCH_KEPT, COMPRESSION_SIZE_MIN, COMPRESSORS_MAX};

/// What the builder of a channel or server was told about compression.
#[derive(Clone)]
pub(crate) struct Options {
    /// What is used unless a call says otherwise.
    pub(crate) compression: Compression,
    /// In place of those with their names, or in addition to all.
    pub(crate) compressors: Vec<Arc<dyn Compressor>>,
    /// What the peer may use; everything if it was not said.
    pub(crate) accepted: Option<Vec<Compression>>,
    /// Messages of fewer bytes are not compressed.
    pub(crate) size_min: usize,
}

/// The algorithms of a channel or server.
pub(crate) struct Encodings {
    pub(super) compressors: Vec<Arc<dyn Compressor>>,
    accepted: Accepted,
    /// `grpc-accept-encoding`.
    offer: Box<str>,
    default: Option<Encoding>,
    size_min: usize,
}

/// The algorithms of a server as its calls hold them: where it has the standard ones a handle costs
/// nothing.
#[derive(Clone)]
pub(crate) enum EncodingsHandle {
    Standard,
    Own(Arc<Encodings>),
}

/// One algorithm; where there is a choice, `None` is identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Encoding(u8);

/// A set of encodings, as many as a number has bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted(u32);

impl Options {
    /// As [`build`](Self::build), for many who hold it.
    pub(crate) fn build_handle(self) -> Result<EncodingsHandle, String> {
        let is_standard = self.compression == Compression::Identity
            && self.compressors.is_empty()
            && self.accepted.is_none()
            && self.size_min == COMPRESSION_SIZE_MIN;
        match is_standard {
            true => Ok(EncodingsHandle::Standard),
            false => Ok(EncodingsHandle::Own(Arc::new(self.build()?))),
        }
    }

    /// What is in force: with whatever was found wrong in words.
    pub(crate) fn build(self) -> Result<Encodings, String> {
        let Self { compression, compressors: own, accepted, size_min } = self;
        let mut compressors = built_in();
        for compressor in own {
            let name = compressor.name();
            check_name(name)?;
            match compressors.iter_mut().find(|found| found.name() == name) {
                Some(found) => *found = compressor,
                None => compressors.push(compressor),
            }
        }
        if compressors.len() > COMPRESSORS_MAX {
            let count = compressors.len();
            return Err(format!("{count} compressors: expected at most {COMPRESSORS_MAX}"));
        }
        let mut encodings = Encodings {
            accepted: Accepted((0..compressors.len()).fold(0, |set, index| set | 1 << index)),
            compressors,
            offer: Box::default(),
            default: None,
            size_min,
        };
        encodings.default = encodings.find(compression)?;
        if let Some(accepted) = accepted {
            encodings.accepted = Accepted::default();
            for compression in accepted {
                encodings.accepted.insert(encodings.find(compression)?);
            }
        }
        let mut offer = IDENTITY.to_owned();
        for encoding in encodings.all().filter(|encoding| encodings.accepted.contains(*encoding)) {
            offer.push(',');
            offer.push_str(encodings.name(encoding));
        }
        encodings.offer = offer.into();
        Ok(encodings)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            compression: Compression::Identity,
            compressors: Vec::new(),
            accepted: None,
            size_min: COMPRESSION_SIZE_MIN,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("compression", &self.compression)
            .field("compressors", &self.compressors.iter().map(|c| c.name()).collect::<Vec<_>>())
            .field("accepted", &self.accepted)
            .field("size_min", &self.size_min)
            .finish()
    }
}

impl Encodings {
    /// How many there are: their codes are 1 to this.
    #[cfg(any(fuzzing, test))]
    pub(crate) fn len(&self) -> u8 {
        self.compressors.len() as u8
    }

    /// What is used unless a call says otherwise.
    pub(crate) fn default_encoding(&self) -> Option<Encoding> {
        self.default
    }

    /// What `grpc-accept-encoding` says to the peer.
    pub(crate) fn offer(&self) -> &str {
        &self.offer
    }

    /// The name that stands in `grpc-encoding`.
    pub(crate) fn name(&self, encoding: Encoding) -> &str {
        self.compressors[usize::from(encoding.0)].name()
    }

    /// The algorithm that a user asks for.
    ///
    /// # Errors
    ///
    /// In words, if there is none.
    pub(crate) fn find(&self, compression: Compression) -> Result<Option<Encoding>, String> {
        if compression == Compression::Identity {
            return Ok(None);
        }
        let name = compression.name();
        match self.all().find(|encoding| self.name(*encoding) == name) {
            Some(encoding) => Ok(Some(encoding)),
            None => Err(format!(
                "compression {name:?} is not known here: expected identity{}, or a compressor of \
                 that name given to the builder",
                self.all().map(|encoding| format!(", {}", self.name(encoding))).collect::<String>()
            )),
        }
    }

    /// What the peer's `grpc-encoding` says, among what is accepted here.
    ///
    /// # Errors
    ///
    /// If the peer may not use it.
    pub(crate) fn read(&self, value: Option<&[u8]>) -> Result<Option<Encoding>, NotAccepted> {
        let Some(value) = value else { return Ok(None) };
        let name = value.trim_ascii();
        if name.eq_ignore_ascii_case(IDENTITY.as_bytes()) {
            return Ok(None);
        }
        match self.named(name) {
            Some(encoding) if self.accepted.contains(encoding) => Ok(Some(encoding)),
            _ => Err(NotAccepted { offer: self.offer.clone() }),
        }
    }

    /// What the peer accepts of what is known here, as its `grpc-accept-encoding` fields say: lists,
    /// with spaces or without, of names that may be unknown or there more than once.
    pub(crate) fn read_offer<'a>(&self, values: impl Iterator<Item = &'a [u8]>) -> Accepted {
        let mut accepted = Accepted::default();
        for value in values {
            for name in value.split(|byte| *byte == b',') {
                accepted.insert(self.named(name.trim_ascii()));
            }
        }
        accepted
    }

    /// Compresses the one framed message in `writer`, unless it is small or would not become smaller.
    ///
    /// # Errors
    ///
    /// INTERNAL if the algorithm fails.
    pub(crate) fn compress(&self, encoding: Encoding, writer: &mut Writer) -> Result<(), Status> {
        let payload = &writer.as_slice()[envelope::PREFIX_LEN..];
        if payload.len() < self.size_min.max(1) {
            return Ok(());
        }
        let compressor = &self.compressors[usize::from(encoding.0)];
        let mut output = Output::reusing(take_scratch(), payload.len() - 1);
        let result = compressor.compress(payload, &mut output);
        if output.is_exceeded() {
            // compression.md: with negative gains a message may be sent as it is.
            keep_scratch(output.into_vec());
            return Ok(());
        }
        result.map_err(|error| {
            Status::internal(format!("{} cannot compress the message: {error}", compressor.name()))
        })?;
        writer.clear();
        writer.prepend(output.as_slice());
        writer.prepend(&envelope::compressed_prefix(output.as_slice().len()));
        keep_scratch(output.into_vec());
        Ok(())
    }

    /// Undoes the compression of a received message of at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// INTERNAL if there is no encoding to undo or the message is not of it; RESOURCE_EXHAUSTED if
    /// it is over the limit.
    pub(crate) fn decompress(
        &self,
        encoding: Option<Encoding>,
        payload: &[u8],
        limit: usize,
    ) -> Result<Vec<u8>, Status> {
        let Some(encoding) = encoding else {
            // compression.md, test case 6.
            return Err(Status::internal(
                "received a message with compressed flag 1, expected 0 without a grpc-encoding",
            ));
        };
        let compressor = &self.compressors[usize::from(encoding.0)];
        let mut output = Output::new(limit);
        let result = compressor.decompress(payload, &mut output);
        if output.is_exceeded() {
            return Err(Status::resource_exhausted(format!(
                "received message of {} bytes that decompresses to more than the limit of {limit}",
                payload.len()
            )));
        }
        match result {
            Ok(()) => Ok(output.into_vec()),
            Err(error) => Err(Status::internal(format!(
                "received a message that is not {}: {error}",
                compressor.name()
            ))),
        }
    }

    fn named(&self, name: &[u8]) -> Option<Encoding> {
        self.all().find(|encoding| self.name(*encoding).as_bytes().eq_ignore_ascii_case(name))
    }

    pub(super) fn all(&self) -> impl Iterator<Item = Encoding> + use<> {
        // The builder has made sure that there are not too many.
        (0..self.compressors.len() as u8).map(Encoding)
    }
}

impl Deref for EncodingsHandle {
    type Target = Encodings;

    fn deref(&self) -> &Encodings {
        match self {
            Self::Standard => &STANDARD,
            Self::Own(encodings) => encodings,
        }
    }
}

impl fmt::Debug for Encodings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Encodings")
            .field("accepted", &self.offer)
            .field("default", &self.default.map(|encoding| self.name(encoding)))
            .field("size_min", &self.size_min)
            .finish_non_exhaustive()
    }
}

impl Encoding {
    /// A number from 0 on that stands for an encoding, or for none: less than [`CODES_MAX`].
    pub(crate) fn code(encoding: Option<Self>) -> u8 {
        encoding.map_or(0, |Self(index)| index + 1)
    }

    /// What [`code`](Self::code) has made.
    pub(crate) fn from_code(code: u8) -> Option<Self> {
        code.checked_sub(1).map(Self)
    }
}

impl Accepted {
    /// `encoding` and identity.
    pub(crate) fn only(encoding: Option<Encoding>) -> Self {
        let mut accepted = Self::default();
        accepted.insert(encoding);
        accepted
    }

    /// Whether `encoding` is among them.
    pub(crate) fn contains(self, encoding: Encoding) -> bool {
        self.0 & (1 << encoding.0) != 0
    }

    /// Adds `encoding`; identity is always among them.
    pub(crate) fn insert(&mut self, encoding: Option<Encoding>) {
        if let Some(encoding) = encoding {
            self.0 |= 1 << encoding.0;
        }
    }
}

/// The peer uses an encoding that it may not use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotAccepted {
    /// What it may use.
    pub(crate) offer: Box<str>,
}

/// What the features bring along.
fn built_in() -> Vec<Arc<dyn Compressor>> {
    vec![
        #[cfg(feature = "gzip")]
        Arc::new(super::Gzip::default()),
        #[cfg(feature = "gzip")]
        Arc::new(super::Deflate::default()),
        #[cfg(feature = "zstd")]
        Arc::new(super::Zstd::default()),
    ]
}

/// Whether `name` can stand in a list of encodings.
fn check_name(name: &str) -> Result<(), String> {
    let is_allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_.".contains(c);
    match name {
        IDENTITY => Err(format!("compressor {name:?}: the name is that of no compression")),
        _ if !name.is_empty() && name.chars().all(is_allowed) => Ok(()),
        _ => Err(format!("compressor {name:?}: expected a name of a-z, 0-9, - _ and .")),
    }
}

thread_local! {
    /// The memory of the last compressed message, up to a limit.
    static SCRATCH: std::cell::Cell<Vec<u8>> = const { std::cell::Cell::new(Vec::new()) };
}

/// A thread that is ending keeps no memory.
fn take_scratch() -> Vec<u8> {
    SCRATCH.try_with(std::cell::Cell::take).unwrap_or_default()
}

fn keep_scratch(scratch: Vec<u8>) {
    if scratch.capacity() <= COMPRESSION_SCRATCH_KEPT {
        // An error means that the thread ends.
        let _ = SCRATCH.try_with(|kept| kept.set(scratch));
    }
}

/// How many codes there are.
pub(crate) const CODES_MAX: u8 = COMPRESSORS_MAX as u8 + 1;

const _: () = assert!(COMPRESSORS_MAX <= u32::BITS as usize);

/// What is in force where nothing was said.
static STANDARD: LazyLock<Encodings> = LazyLock::new(|| {
    Options::default().build().expect("the algorithms that are built in have good names")
});
