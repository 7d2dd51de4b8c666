//! JSON, the text format and streams of dynamic messages: what [`Message`](crate::Message) provides
//! for generated ones.

use std::io;

use super::DynamicMessage;
use crate::limits;
use crate::message::json::JsonError;
use crate::message::reflect::{MessageDescriptor, wire};
use crate::message::text::{self, TextError};
use crate::message::{
    DecodeOptions, EncodeError, ExtensionCheck, JsonParseOptions, JsonPrintOptions,
    TextParseOptions, TextPrintOptions, Writer, length_delimited,
};

impl DynamicMessage {
    /// The message as JSON, without line breaks.
    ///
    /// # Errors
    ///
    /// As [`Message::to_json`](crate::Message::to_json).
    ///
    /// # Examples
    ///
    /// Unknown bytes and a set of descriptors, as `protoc --descriptor_set_out` writes it, are all
    /// that JSON takes:
    ///
    /// ```
    /// # use rust_grpc::Message;
    /// # use rust_grpc::well_known::{FileDescriptorProto, FileDescriptorSet};
    /// # let file = FileDescriptorProto::from_text(r#"
    /// #     name: "a.proto" package: "a"
    /// #     message_type { name: "Note" field { name: "text" number: 1 type: TYPE_STRING } }
    /// # "#)?;
    /// # let set = FileDescriptorSet { file: vec![file], ..Default::default() }.encode_to_vec();
    /// # let bytes = b"\x0a\x02hi";
    /// use rust_grpc::message::{DescriptorPool, DynamicMessage};
    ///
    /// let mut pool = DescriptorPool::new();
    /// pool.add_descriptor_set(&set)?;
    /// let descriptor = pool.message("a.Note").ok_or("the set declares no a.Note")?;
    /// let message = DynamicMessage::decode(descriptor, bytes)?;
    /// assert_eq!(message.to_json()?, r#"{"text":"hi"}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_json(&self) -> Result<String, JsonError> {
        self.to_json_with(&JsonPrintOptions::new())
    }

    /// The message as JSON, printed as the options say: a pool for the types in `Any` and for
    /// extensions is among them.
    ///
    /// # Errors
    ///
    /// As [`Message::to_json`](crate::Message::to_json).
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::{DescriptorPool, DynamicMessage, JsonPrintOptions};
    /// use rust_grpc::well_known::SourceContext;
    ///
    /// let pool = DescriptorPool::of::<SourceContext>();
    /// let descriptor = pool.message("google.protobuf.SourceContext").expect("the pool has it");
    /// let message = DynamicMessage::new(descriptor);
    /// let options = JsonPrintOptions::new().fields_without_presence().pool(&pool);
    /// assert_eq!(message.to_json_with(&options)?, r#"{"fileName":""}"#);
    /// # Ok::<(), rust_grpc::message::JsonError>(())
    /// ```
    pub fn to_json_with(&self, options: &JsonPrintOptions<'_>) -> Result<String, JsonError> {
        options.print(self)
    }

    /// The message that `text` says in JSON.
    ///
    /// # Errors
    ///
    /// As [`Message::from_json`](crate::Message::from_json).
    pub fn from_json(descriptor: MessageDescriptor<'_>, text: &str) -> Result<Self, JsonError> {
        Self::from_json_with(descriptor, text, &JsonParseOptions::new())
    }

    /// The message that `text` says in JSON, parsed as the options say.
    ///
    /// # Errors
    ///
    /// As [`Message::from_json`](crate::Message::from_json).
    pub fn from_json_with(
        descriptor: MessageDescriptor<'_>,
        text: &str,
        options: &JsonParseOptions<'_>,
    ) -> Result<Self, JsonError> {
        let mut message = Self::new(descriptor);
        options.merge(text, &mut message)?;
        let whole = wire::check_required(&message);
        whole.map_err(|missing| JsonError::missing(text, descriptor.full_name(), &missing))?;
        Ok(message)
    }

    /// The message in the text format, a line for each field.
    pub fn to_text(&self) -> String {
        self.to_text_with(&TextPrintOptions::new())
    }

    /// The message in the text format, as `options` say: a pool for extensions and the types in `Any`
    /// is among them.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::{DescriptorPool, DynamicMessage, TextPrintOptions};
    /// use rust_grpc::well_known::Duration;
    ///
    /// let pool = DescriptorPool::of::<Duration>();
    /// let descriptor = pool.message("google.protobuf.Duration").expect("the pool has it");
    /// let message = DynamicMessage::decode(descriptor, b"\x08\x03\x10\x05")?;
    /// let options = TextPrintOptions::new().single_line();
    /// assert_eq!(message.to_text_with(&options), "seconds: 3 nanos: 5");
    /// # Ok::<(), rust_grpc::DecodeError>(())
    /// ```
    pub fn to_text_with(&self, options: &TextPrintOptions<'_>) -> String {
        options.print(self)
    }

    /// Reads a message from the text format.
    ///
    /// # Errors
    ///
    /// As [`Message::from_text`](crate::Message::from_text).
    pub fn from_text(descriptor: MessageDescriptor<'_>, text: &str) -> Result<Self, TextError> {
        Self::from_text_with(descriptor, text, &TextParseOptions::new())
    }

    /// Reads a message from the text format, as `options` say.
    ///
    /// # Errors
    ///
    /// As [`Message::from_text`](crate::Message::from_text).
    pub fn from_text_with(
        descriptor: MessageDescriptor<'_>,
        text: &str,
        options: &TextParseOptions<'_>,
    ) -> Result<Self, TextError> {
        let mut message = Self::new(descriptor);
        options.merge(text, &mut message)?;
        let whole = wire::check_required(&message);
        whole.map_err(|missing| text::missing(text, &missing))?;
        Ok(message)
    }

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
