//! The feature `bytes`: fields that are slices of the buffer that they were decoded from.
//!
//! A message that is decoded from [`Bytes`] takes a share of that buffer for each such field;
//! from a slice, which nobody can keep, it copies.

use bytes::Bytes;

use super::field_writer::FieldWriter;
use super::kind::{Kind, Scalar};
use super::reader::Reader;
use super::{DecodeError, DecodeOptions, LENGTH_DELIMITED, Message};

/// `bytes` as [`Bytes`].
pub struct SharedBytes;

impl Kind for SharedBytes {
    type Value = Bytes;
    const WIRE_TYPE: u32 = LENGTH_DELIMITED;

    #[inline(always)]
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m Bytes) {
        writer.length_delimited(number, value);
    }

    #[inline(always)]
    fn read(reader: &mut Reader<'_>, value: &mut Bytes) -> Result<(), DecodeError> {
        *value = reader.shared_bytes()?;
        Ok(())
    }
}

impl Scalar for SharedBytes {
    #[inline]
    fn is_default(value: &Bytes) -> bool {
        value.is_empty()
    }
}

/// `bytes` as a share of `buffer`, or as a copy if they do not lie in it.
pub(super) fn share(buffer: Option<&Bytes>, bytes: &[u8]) -> Bytes {
    let whole = |buffer: &&Bytes| {
        let (outer, inner) = (buffer.as_ptr_range(), bytes.as_ptr_range());
        outer.start <= inner.start && inner.end <= outer.end
    };
    match buffer.filter(whole) {
        Some(buffer) => buffer.slice_ref(bytes),
        None => Bytes::copy_from_slice(bytes),
    }
}

/// Merges what `buffer` holds into `message`, whose fields may share it.
pub(super) fn merge<M: Message>(message: &mut M, buffer: &Bytes) -> Result<(), DecodeError> {
    let budget = DecodeOptions::new().limits().budget(buffer);
    let read = budget.and_then(|mut budget| {
        budget.buffer = Some(buffer.clone());
        message.merge_fields(budget.reader(buffer))
    });
    read.map_err(|error| error.within(M::FULL_NAME))
}
