//! Groups, which editions call delimited messages: fields between a start tag and an end tag of the
//! same number, without a length.
//!
//! The end tag is a tag that no message knows, so it comes to [`Reader::unknown`]; that ends the
//! group by leaving nothing more to read in it.

use std::marker::PhantomData;

use super::field_writer::FieldWriter;
use super::kind::Kind;
use super::reader::Reader;
use super::{DecodeError, END_GROUP, Message, MessageField, MissingField, START_GROUP};

/// A message as a group, `M` or `Box<M>`.
pub struct Delimited<M>(PhantomData<M>);

impl<M: Message> Kind for Delimited<M> {
    type Value = M;
    const WIRE_TYPE: u32 = START_GROUP;
    const HEAP_SIZE: usize = M::HEAP_SIZE;

    #[inline(always)]
    fn write_field<'m>(writer: &mut FieldWriter<'_, 'm>, number: u32, value: &'m M) {
        writer.tag(number, END_GROUP);
        let (room, outside) = writer.parts();
        let room_left = value.write_fields(FieldWriter::new(room, outside));
        writer.go_on(room_left);
        writer.tag(number, START_GROUP);
    }

    #[inline(always)]
    fn read(reader: &mut Reader<'_>, value: &mut M) -> Result<(), DecodeError> {
        reader.merge_group(value)
    }

    fn check(value: &M) -> Result<(), MissingField> {
        value.check_required()
    }
}

impl<'m> FieldWriter<'_, 'm> {
    /// A message field that is a group: written when set.
    pub fn delimited<M: Message>(&mut self, number: u32, field: &'m MessageField<M>) {
        if let Some(message) = field.as_ref() {
            Delimited::write_field(self, number, message);
        }
    }
}

impl Reader<'_> {
    /// Reads a message field that is a group and merges it into what is there.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn delimited<M: Message>(
        &mut self,
        field: &mut MessageField<M>,
    ) -> Result<(), DecodeError> {
        if field.is_none() {
            self.charge(M::HEAP_SIZE)?;
        }
        self.merge_group(field.get_or_insert_default())
    }

    /// Reads fields into `message` up to the end tag of the group whose start tag came last.
    ///
    /// # Errors
    ///
    /// What is wrong with the input; the message around ends before the group does.
    #[cfg_attr(not(debug_assertions), inline(always))]
    pub fn merge_group<M: Message>(&mut self, message: &mut M) -> Result<(), DecodeError> {
        self.group_with(|reader| {
            message.merge_fields(reader).map_err(|error| error.within(M::FULL_NAME))
        })
    }
}
