//! The text format of dynamic messages: what [`Message`](crate::Message) provides for generated ones.

use super::DynamicMessage;
use crate::message::reflect::{MessageDescriptor, wire};
use crate::message::text::{self, TextError};
use crate::message::{TextParseOptions, TextPrintOptions};

impl DynamicMessage {
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
}
