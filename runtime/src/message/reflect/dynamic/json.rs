//! JSON of dynamic messages: what [`Message`](crate::Message) provides for generated ones.

use super::DynamicMessage;
use crate::message::json::JsonError;
use crate::message::reflect::{MessageDescriptor, wire};
use crate::message::{JsonParseOptions, JsonPrintOptions};

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
}
