//! Writers and streams of dynamic messages: what [`Message`](crate::Message) provides for generated
//! ones.

use std::io;

use super::DynamicMessage;
use crate::limits;
use crate::message::reflect::{MessageDescriptor, wire};
use crate::message::{DecodeOptions, EncodeError, ExtensionCheck, Writer, length_delimited};

impl DynamicMessage {
    /// Writes the message behind its length, in one write: the next one may follow it.
    ///
    /// # Errors
    ///
    /// As [`Message::write_length_delimited`](crate::Message::write_length_delimited).
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::{DescriptorPool, DynamicMessage};
    /// use rust_grpc::well_known::Duration;
    ///
    /// let pool = DescriptorPool::of::<Duration>();
    /// let descriptor = pool.message("google.protobuf.Duration").expect("the pool has it");
    /// let message = DynamicMessage::decode(descriptor, b"\x08\x03")?;
    /// let mut stream = Vec::new();
    /// message.write_length_delimited(&mut stream)?;
    /// assert_eq!(stream, b"\x02\x08\x03");
    /// let mut rest = stream.as_slice();
    /// let read = DynamicMessage::read_length_delimited(descriptor, &mut rest)?;
    /// assert_eq!(read, Some(message));
    /// assert_eq!(DynamicMessage::read_length_delimited(descriptor, &mut rest)?, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write_length_delimited(&self, sink: &mut impl io::Write) -> io::Result<()> {
        length_delimited::write(sink, |writer| self.encode(writer))
    }

    /// Reads a message that stands behind its length; `None` if the source ends before the length.
    ///
    /// # Errors
    ///
    /// As [`Message::read_length_delimited`](crate::Message::read_length_delimited).
    pub fn read_length_delimited(
        descriptor: MessageDescriptor<'_>,
        source: &mut impl io::Read,
    ) -> io::Result<Option<Self>> {
        Self::read_length_delimited_with(descriptor, source, &DecodeOptions::new())
    }

    /// Reads a message that stands behind its length, as `options` say; one that is longer than
    /// their [`size_limit`](DecodeOptions::size_limit) is refused before it is read.
    ///
    /// # Errors
    ///
    /// As [`Message::read_length_delimited_with`](crate::Message::read_length_delimited_with).
    pub fn read_length_delimited_with<P: ExtensionCheck<Self>>(
        descriptor: MessageDescriptor<'_>,
        source: &mut impl io::Read,
        options: &DecodeOptions<P>,
    ) -> io::Result<Option<Self>> {
        length_delimited::read(source, options.limits(), |bytes| {
            Self::decode_with(descriptor, bytes, options)
        })
    }

    /// Writes the encoded message before what `writer` holds. A writer that is cleared and used again
    /// needs no new buffer.
    ///
    /// # Errors
    ///
    /// If the message is larger than 2 GiB - 1 bytes, or a required field is not set. The writer's
    /// content is as before then.
    pub fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        let checked = wire::check_required(self);
        checked.map_err(|missing| EncodeError::missing(self.full_name(), missing))?;
        let size = writer.fill(limits::MESSAGE_SIZE_MAX, |mut writer| {
            wire::write_fields(self, &mut writer);
            writer.room_left()
        });
        if size > limits::MESSAGE_SIZE_MAX {
            return Err(EncodeError::too_large(self.full_name(), size));
        }
        Ok(())
    }
}
