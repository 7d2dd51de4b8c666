//! A message in a box: the same message, where one holds itself or is large.

use super::{DecodeError, FieldWriter, Message, MissingField, Reader};

impl<M: Message> Message for Box<M> {
    const FULL_NAME: &'static str = M::FULL_NAME;
    const HEAP_SIZE: usize = size_of::<M>() + M::HEAP_SIZE;
    const CHECKS_REQUIRED: bool = M::CHECKS_REQUIRED;
    const SHARES_BYTES: bool = M::SHARES_BYTES;

    fn clear(&mut self) {
        (**self).clear();
    }

    fn check_required(&self) -> Result<(), MissingField> {
        (**self).check_required()
    }

    #[inline]
    fn write_fields<'m>(&'m self, writer: FieldWriter<'_, 'm>) -> usize {
        (**self).write_fields(writer)
    }

    #[inline]
    fn merge_fields(&mut self, reader: Reader<'_>) -> Result<(), DecodeError> {
        (**self).merge_fields(reader)
    }
}
