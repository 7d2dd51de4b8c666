//! Compression of the messages of one call, both ways.
//!
//! The invariant: replies are compressed with what the head of the response says, and with nothing
//! that the client does not accept. So the choice is fixed by the head or by the first compressed
//! message, whichever is made first, from whichever thread; a head that goes with the end of its response
//! need not fix it, since nobody chooses behind the method.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use super::ServerBuilder;
use crate::grpc::codec::Writer;
use crate::grpc::compression::{CODES_MAX, Compressor, Encoding, EncodingsHandle};
use crate::grpc::headers::RequestFields;
use crate::grpc::{Compression, Status};

/// What holds for the messages of every call of a server.
pub(super) struct Messages {
    /// The largest one that may be received, compressed or not.
    pub(super) receive_limit: usize,
    /// The largest one that may be sent.
    pub(super) send_limit: usize,
    pub(super) encodings: EncodingsHandle,
}

/// What compresses the messages of one call.
pub(crate) struct Compressing {
    encodings: EncodingsHandle,
    /// What requests may be compressed with.
    request: Option<Encoding>,
    /// The code of what replies are compressed with, and flags.
    choice: AtomicU8,
    /// Whether the last request came compressed.
    is_request_compressed: AtomicBool,
}

impl Compressing {
    /// For a request with these `fields`, which say that its messages may be compressed with
    /// `request`.
    pub(crate) fn new(
        encodings: EncodingsHandle,
        request: Option<Encoding>,
        fields: &RequestFields,
    ) -> Self {
        let is_accepted =
            |default: &Encoding| fields.accepted(&encodings, request).contains(*default);
        let default = encodings.default_encoding().filter(is_accepted);
        let choice = AtomicU8::new(Encoding::code(default));
        let is_request_compressed = AtomicBool::new(false);
        Self { encodings, request, choice, is_request_compressed }
    }

    /// The same for a second response to the call.
    #[cfg(feature = "testing")]
    pub(super) fn duplicate(&self, fields: &RequestFields) -> Self {
        Self::new(self.encodings.clone(), self.request, fields)
    }

    /// The payload of a request as it came, once its compression is undone.
    ///
    /// # Errors
    ///
    /// INTERNAL, or RESOURCE_EXHAUSTED if it has more than `limit` bytes then.
    pub(crate) fn read(
        &self,
        payload: Vec<u8>,
        is_compressed: bool,
        limit: usize,
    ) -> Result<Vec<u8>, Status> {
        self.is_request_compressed.store(is_compressed, Ordering::Relaxed);
        match is_compressed {
            false => Ok(payload),
            true => self.encodings.decompress(self.request, &payload, limit),
        }
    }

    /// As [`read`](Self::read), of a payload that stays where it is unless it is compressed.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn unpack(
        &self,
        payload: &[u8],
        is_compressed: bool,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, Status> {
        self.is_request_compressed.store(is_compressed, Ordering::Relaxed);
        match is_compressed {
            false => Ok(None),
            true => self.encodings.decompress(self.request, payload, limit).map(Some),
        }
    }

    /// Whether the request that was received last came compressed.
    pub(crate) fn is_request_compressed(&self) -> bool {
        self.is_request_compressed.load(Ordering::Relaxed)
    }

    /// Chooses what replies to the request with these `fields` are compressed with from now on.
    ///
    /// # Errors
    ///
    /// INVALID_ARGUMENT if it is not known here; FAILED_PRECONDITION if it is too late.
    pub(crate) fn choose(
        &self,
        compression: Compression,
        fields: &RequestFields,
    ) -> Result<(), Status> {
        let encoding = self.encodings.find(compression).map_err(Status::invalid_argument)?;
        // compression.md: what the client does not support is not used.
        let accepted = fields.accepted(&self.encodings, self.request);
        let encoding = encoding.filter(|encoding| accepted.contains(*encoding));
        let code = Encoding::code(encoding);
        let replaced = self.choice.fetch_update(Ordering::AcqRel, Ordering::Acquire, |choice| {
            (choice & FIXED == 0).then_some(choice & NEXT_UNCOMPRESSED | code)
        });
        match replaced {
            Ok(_) => Ok(()),
            Err(_) => Err(Status::failed_precondition(
                "the compression of this response is already in use or its head is sent",
            )),
        }
    }

    /// Sends the next reply as it is.
    pub(crate) fn disable_next(&self) {
        self.choice.fetch_or(NEXT_UNCOMPRESSED, Ordering::AcqRel);
    }

    /// What stands in the head of the response; it is fixed from now on.
    pub(crate) fn fix(&self) -> Option<&str> {
        self.choice.fetch_or(FIXED, Ordering::AcqRel);
        self.chosen()
    }

    /// The same once nobody can choose any more.
    pub(crate) fn chosen(&self) -> Option<&str> {
        let choice = self.choice.load(Ordering::Acquire);
        Encoding::from_code(choice & CODE).map(|encoding| self.encodings.name(encoding))
    }

    /// Compresses the framed reply in `writer`, if it is to be.
    ///
    /// # Errors
    ///
    /// INTERNAL if that cannot be done.
    pub(crate) fn compress(&self, writer: &mut Writer) -> Result<(), Status> {
        // With neither an encoding nor a flag there is nothing to do, nor to be undone.
        if self.choice.load(Ordering::Acquire) & !FIXED == 0 {
            return Ok(());
        }
        let update = |choice: u8| match choice & NEXT_UNCOMPRESSED {
            0 => Some(choice | FIXED),
            _ => Some(choice & !NEXT_UNCOMPRESSED),
        };
        let choice = self.choice.fetch_update(Ordering::AcqRel, Ordering::Acquire, update);
        let choice = choice.unwrap_or_default();
        match Encoding::from_code(choice & CODE) {
            Some(encoding) if choice & NEXT_UNCOMPRESSED == 0 => {
                self.encodings.compress(encoding, writer)
            }
            _ => Ok(()),
        }
    }
}

impl ServerBuilder<'_> {
    /// Compresses the replies of all calls with `compression`, where the client accepts it and
    /// [`Context::set_compression`](crate::Context::set_compression) does not say otherwise; nothing
    /// by default.
    pub fn compression(mut self, compression: Compression) -> Self {
        self.options.compression.compression = compression;
        self
    }

    /// Adds a compression algorithm, or replaces the one of its name.
    pub fn compressor(mut self, compressor: impl Compressor + 'static) -> Self {
        self.options.compression.compressors.push(Arc::new(compressor));
        self
    }

    /// Lets clients compress their requests with `compressions` and nothing else; with all that this
    /// server knows by default.
    ///
    /// A call whose requests may be compressed with anything else ends with UNIMPLEMENTED, and the
    /// client is told what it may use.
    pub fn accept_compression(
        mut self,
        compressions: impl IntoIterator<Item = Compression>,
    ) -> Self {
        self.options.compression.accepted = Some(compressions.into_iter().collect());
        self
    }

    /// Messages of fewer than `bytes` are not compressed; 256 by default.
    pub fn min_message_size_to_compress(mut self, bytes: usize) -> Self {
        self.options.compression.size_min = bytes;
        self
    }
}

/// The choice can no more be changed.
const FIXED: u8 = 1 << 7;

/// The next reply is sent as it is.
const NEXT_UNCOMPRESSED: u8 = 1 << 6;

/// What is left for the code of an encoding.
const CODE: u8 = NEXT_UNCOMPRESSED - 1;

const _: () = assert!(CODES_MAX <= CODE);
