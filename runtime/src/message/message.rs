//! The trait of all messages: encoding and decoding in every format.
//!
//! Invariant: what a provided function does takes limits, and checks required fields unless the rest
//! may still come.

use std::fmt::Debug;
use std::io;

use super::field_writer::{FieldWriter, Outside};
use super::required::{check_decoded, check_encodable};
#[cfg(feature = "bytes")]
use super::shared_bytes;
use super::{
    DecodeError, DecodeOptions, EncodeError, ExtensionCheck, MissingField, Reader, Writer,
    default_instance, length_delimited, scratch,
};
#[cfg(feature = "json")]
use super::{Json, JsonError, JsonParseOptions, JsonPrintOptions};
#[cfg(feature = "text")]
use super::{Text, TextError, TextParseOptions, TextPrintOptions, text};
use crate::limits;

/// A protobuf message.
///
/// Generated structs implement it; the first two functions are theirs, all others are provided.
/// `Box<M>` is the same message as `M`.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// # use rust_grpc::{DecodeError, UnknownFields};
/// # use rust_grpc::generated::message::{Reader, Str, FieldWriter};
/// # #[derive(Clone, Debug, Default, PartialEq)]
/// # struct HelloRequest { name: String, unknown: UnknownFields }
/// # impl Message for HelloRequest {
/// #     const FULL_NAME: &'static str = "hello.HelloRequest";
/// #     fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize {
/// #         writer.unknown(&self.unknown);
/// #         writer.implicit::<Str>(1, &self.name);
/// #         writer.room_left()
/// #     }
/// #     fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
/// #         while let Some(tag) = reader.next_tag()? {
/// #             match tag {
/// #                 10 => reader.singular::<Str>(&mut self.name)?,
/// #                 tag => reader.unknown(tag, &mut self.unknown)?,
/// #             }
/// #         }
/// #         Ok(())
/// #     }
/// # }
///
/// let request = HelloRequest { name: "Ada".into(), ..Default::default() };
/// let bytes = request.encode_to_vec();
/// assert_eq!(bytes, b"\x0a\x03Ada");
/// assert_eq!(HelloRequest::decode(&bytes)?, request);
/// # Ok::<(), DecodeError>(())
/// ```
pub trait Message: Default + Clone + PartialEq + Debug + Send + Sync + 'static {
    /// The full name of the message, such as `hello.HelloRequest`.
    const FULL_NAME: &'static str;

    /// Bytes that an instance allocates when it is made.
    #[doc(hidden)]
    const HEAP_SIZE: usize = 0;

    /// Whether the message, or one that it can hold, has required fields.
    #[doc(hidden)]
    const CHECKS_REQUIRED: bool = false;

    /// Whether the message, or one that it can hold, has fields that share the buffer that it is
    /// decoded from.
    #[doc(hidden)]
    const SHARES_BYTES: bool = false;

    /// Unsets every field, the unknown ones too. What strings, bytes, repeated fields and maps of this
    /// message have allocated is kept, so that reading the next message into it allocates less.
    fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether every required field is set, in this message and in those that it holds.
    ///
    /// Encoding and [`Message::decode`] ask it; [`Message::merge`] does not, because the rest may
    /// still come.
    ///
    /// # Errors
    ///
    /// The first one that is not.
    fn check_required(&self) -> Result<(), MissingField> {
        Ok(())
    }

    /// Writes the fields from the last to the first, and returns how much room is left. For
    /// generated code; call [`Message::encode`].
    fn write_fields<'m>(&'m self, writer: FieldWriter<'_, 'm>) -> usize;

    /// Reads fields up to the end of the message. For generated code; call [`Message::merge`].
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    fn merge_fields(&mut self, reader: Reader<'_>) -> Result<(), DecodeError>;

    /// The encoded message.
    ///
    /// # Panics
    ///
    /// If it is larger than 2 GiB - 1 bytes, the most a protobuf message may be, or if a required
    /// field is not set; [`Message::encode`] gives an error instead.
    fn encode_to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes);
        bytes
    }

    /// Appends the encoded message to `bytes`.
    ///
    /// # Panics
    ///
    /// If it is larger than 2 GiB - 1 bytes, the most a protobuf message may be, or if a required
    /// field is not set.
    fn encode_into(&self, bytes: &mut Vec<u8>) {
        let encoded = check_encodable(self).and_then(|()| {
            scratch::append(bytes, &|writer| self.write_fields(writer))
                .map_err(|size| EncodeError::too_large(Self::FULL_NAME, size))
        });
        encoded.unwrap_or_else(|error| cannot_encode(&error));
    }

    /// Writes the encoded message before what `writer` holds. A writer that is cleared and used
    /// again makes encoding free of allocations.
    ///
    /// # Errors
    ///
    /// If the message is larger than 2 GiB - 1 bytes, the most a protobuf message may be, or if a
    /// required field is not set. The writer's content is as before then.
    fn encode(&self, writer: &mut Writer) -> Result<(), EncodeError> {
        check_encodable(self)?;
        match writer.fill(limits::MESSAGE_SIZE_MAX, |writer| self.write_fields(writer)) {
            0..=limits::MESSAGE_SIZE_MAX => Ok(()),
            size => Err(EncodeError::too_large(Self::FULL_NAME, size)),
        }
    }

    /// The size of the encoded message, in bytes. It takes about as long as encoding, which computes
    /// no sizes beforehand, and allocates nothing but the order of maps.
    fn encoded_len(&self) -> usize {
        let mut outside = Outside::default();
        self.write_fields(FieldWriter::new(&mut [], &mut outside));
        outside.size
    }

    /// Decodes a message that takes all of `bytes`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input, which limit it breaks, or which required field is not set.
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        message.merge(bytes)?;
        check_decoded(&message)?;
        Ok(message)
    }

    /// Decodes a message that takes all of `bytes`; fields that the generator's option `bytes` has
    /// made [`Bytes`](bytes::Bytes) are slices of it, and nothing is copied for them. Each of them
    /// keeps the whole buffer alive.
    ///
    /// # Errors
    ///
    /// As [`Message::decode`].
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::bytes::Bytes;
    /// use rust_grpc::well_known::Any;
    ///
    /// let any = Any { value: b"data".to_vec(), ..Default::default() };
    /// let buffer = Bytes::from(any.encode_to_vec());
    /// assert_eq!(Any::decode_bytes(buffer)?, any);
    /// # Ok::<(), rust_grpc::DecodeError>(())
    /// ```
    #[cfg(feature = "bytes")]
    fn decode_bytes(bytes: bytes::Bytes) -> Result<Self, DecodeError> {
        let mut message = Self::default();
        message.merge_bytes(&bytes)?;
        check_decoded(&message)?;
        Ok(message)
    }

    /// Decodes a message that takes all of `bytes`, as `options` say.
    ///
    /// # Errors
    ///
    /// What is wrong with the input, which limit it breaks, or which required field is not set.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::message::DecodeOptions;
    /// use rust_grpc::well_known::FieldMask;
    ///
    /// let options = DecodeOptions::new().memory_limit(1_000);
    /// assert!(FieldMask::decode_with(&[0x0a, 0].repeat(1_000), &options).is_err());
    /// assert!(FieldMask::decode_with(&[0x0a, 0], &options).is_ok());
    /// ```
    fn decode_with<P>(bytes: &[u8], options: &DecodeOptions<P>) -> Result<Self, DecodeError>
    where
        P: ExtensionCheck<Self>,
    {
        let mut message = Self::default();
        message.merge_with(bytes, options)?;
        check_decoded(&message)?;
        options.check_extensions(&message)?;
        Ok(message)
    }

    /// The message in the text format, a line for each field.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::well_known::Timestamp;
    ///
    /// let timestamp = Timestamp { seconds: 7, ..Default::default() };
    /// assert_eq!(timestamp.to_text(), "seconds: 7\n");
    /// ```
    #[cfg(feature = "text")]
    fn to_text(&self) -> String
    where
        Self: Text,
    {
        self.to_text_with(&TextPrintOptions::new())
    }

    /// The message in the text format, as `options` say.
    #[cfg(feature = "text")]
    fn to_text_with(&self, options: &TextPrintOptions<'_>) -> String
    where
        Self: Text,
    {
        options.print(self)
    }

    /// Reads a message from the text format.
    ///
    /// # Errors
    ///
    /// What is wrong with the text and where, which limit it breaks, or which required field is not
    /// set.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::well_known::Timestamp;
    ///
    /// assert_eq!(Timestamp::from_text("seconds: 7")?.seconds, 7);
    /// let error = Timestamp::from_text("seconds: true").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "invalid text format: line 1, column 10: field seconds: \
    ///      expected a value of type int64, found `true`"
    /// );
    /// # Ok::<(), rust_grpc::message::TextError>(())
    /// ```
    #[cfg(feature = "text")]
    fn from_text(text: &str) -> Result<Self, TextError>
    where
        Self: Text,
    {
        Self::from_text_with(text, &TextParseOptions::new())
    }

    /// Reads a message from the text format, as `options` say.
    ///
    /// # Errors
    ///
    /// As [`Message::from_text`].
    #[cfg(feature = "text")]
    fn from_text_with(text: &str, options: &TextParseOptions<'_>) -> Result<Self, TextError>
    where
        Self: Text,
    {
        let mut message = Self::default();
        options.merge(text, &mut message)?;
        let whole = if Self::CHECKS_REQUIRED { message.check_required() } else { Ok(()) };
        whole.map_err(|missing| text::missing(text, &missing))?;
        Ok(message)
    }

    /// Decodes `bytes` into this message: scalars are replaced, messages merged, repeated fields
    /// and maps added to.
    ///
    /// # Errors
    ///
    /// What is wrong with the input, or which limit it breaks. The message then holds what came
    /// before the fault.
    fn merge(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.merge_with(bytes, &DecodeOptions::new())
    }

    /// Decodes `bytes` into this message as [`Message::merge`] does; fields may share the buffer as
    /// they do by [`Message::decode_bytes`].
    ///
    /// # Errors
    ///
    /// As [`Message::merge`].
    #[cfg(feature = "bytes")]
    fn merge_bytes(&mut self, bytes: &bytes::Bytes) -> Result<(), DecodeError> {
        shared_bytes::merge(self, bytes)
    }

    /// Decodes `bytes` into this message, within the limits of `options`; extensions are not checked,
    /// nor required fields, since the rest may still come.
    ///
    /// # Errors
    ///
    /// As [`Message::merge`].
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::message::DecodeOptions;
    /// use rust_grpc::well_known::Timestamp;
    ///
    /// let mut time = Timestamp { seconds: 1, nanos: 2, ..Default::default() };
    /// time.merge_with(b"\x08\x07", &DecodeOptions::new().memory_limit(0))?;
    /// assert_eq!((time.seconds, time.nanos), (7, 2));
    /// # Ok::<(), rust_grpc::DecodeError>(())
    /// ```
    fn merge_with<P>(
        &mut self,
        bytes: &[u8],
        options: &DecodeOptions<P>,
    ) -> Result<(), DecodeError> {
        options.limits().decode(bytes, Self::FULL_NAME, &mut |reader| self.merge_fields(reader))
    }

    /// Writes the message behind its length, in one write: the next one may follow it. Wrap a file
    /// or socket into a `BufWriter` if many small messages go there.
    ///
    /// # Errors
    ///
    /// What the sink gives; [`io::ErrorKind::InvalidInput`] if the message cannot be encoded.
    fn write_length_delimited(&self, sink: &mut impl io::Write) -> io::Result<()> {
        length_delimited::write(sink, |writer| self.encode(writer))
    }

    /// Reads a message that stands behind its length; `None` if the source ends before the length.
    /// It reads the length byte by byte, so wrap a file or socket into a `BufReader`.
    ///
    /// # Errors
    ///
    /// What the source gives; [`io::ErrorKind::UnexpectedEof`] if it ends within the message;
    /// [`io::ErrorKind::InvalidData`] if the length is over 2 GiB or the bytes are no such message.
    fn read_length_delimited(source: &mut impl io::Read) -> io::Result<Option<Self>> {
        Self::read_length_delimited_with(source, &DecodeOptions::new())
    }

    /// Reads a message that stands behind its length, as `options` say; one that is longer than
    /// their [`size_limit`](DecodeOptions::size_limit) is refused before it is read. `None` if the
    /// source ends before the length.
    ///
    /// # Errors
    ///
    /// As [`Message::read_length_delimited`], and [`io::ErrorKind::InvalidData`] for what breaks a
    /// limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::message::DecodeOptions;
    /// use rust_grpc::well_known::StringValue;
    ///
    /// let mut stream = Vec::new();
    /// StringValue::from("a").write_length_delimited(&mut stream)?;
    /// let options = DecodeOptions::new().size_limit(1 << 20);
    /// let read = StringValue::read_length_delimited_with(&mut stream.as_slice(), &options)?;
    /// assert_eq!(read, Some("a".into()));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn read_length_delimited_with<P>(
        source: &mut impl io::Read,
        options: &DecodeOptions<P>,
    ) -> io::Result<Option<Self>>
    where
        P: ExtensionCheck<Self>,
    {
        length_delimited::read(source, options.limits(), |bytes| Self::decode_with(bytes, options))
    }

    /// The message as JSON, without line breaks: the mapping that protobuf's documentation calls
    /// ProtoJSON. Fields that are not set and fields that the message does not know are left out.
    ///
    /// # Errors
    ///
    /// What JSON cannot say: a timestamp or duration out of its range, a
    /// [`Value`](super::well_known::Value) without a kind or of a number that is not finite, a path of a
    /// [`FieldMask`](super::well_known::FieldMask) that would not read back, an [`Any`](super::well_known::Any) of
    /// an unknown type, a string that is not UTF-8, messages nested more than 100 levels deep.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::well_known::SourceContext;
    ///
    /// let context = SourceContext { file_name: "a.proto".into(), ..Default::default() };
    /// assert_eq!(context.to_json()?, r#"{"fileName":"a.proto"}"#);
    /// # Ok::<(), rust_grpc::message::JsonError>(())
    /// ```
    #[cfg(feature = "json")]
    fn to_json(&self) -> Result<String, JsonError>
    where
        Self: Json,
    {
        self.to_json_with(&JsonPrintOptions::new())
    }

    /// The message as JSON, printed as the options say.
    ///
    /// # Errors
    ///
    /// As [`Message::to_json`].
    #[cfg(feature = "json")]
    fn to_json_with(&self, options: &JsonPrintOptions<'_>) -> Result<String, JsonError>
    where
        Self: Json,
    {
        options.print(self)
    }

    /// The message that `text` says in JSON.
    ///
    /// # Errors
    ///
    /// Where the text is no JSON, or says what the message cannot hold, or breaks a limit: 100 levels
    /// of objects and arrays, and memory of 128 MiB or 32 bytes for each byte of text, whichever is
    /// more; or which required field is not set.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::Message;
    /// use rust_grpc::well_known::Timestamp;
    ///
    /// let time = Timestamp::from_json("\"1970-01-01T00:00:01.5Z\"")?;
    /// assert_eq!((time.seconds, time.nanos), (1, 500_000_000));
    /// # Ok::<(), rust_grpc::message::JsonError>(())
    /// ```
    #[cfg(feature = "json")]
    fn from_json(text: &str) -> Result<Self, JsonError>
    where
        Self: Json,
    {
        Self::from_json_with(text, &JsonParseOptions::new())
    }

    /// The message that `text` says in JSON, parsed as the options say.
    ///
    /// # Errors
    ///
    /// As [`Message::from_json`].
    #[cfg(feature = "json")]
    fn from_json_with(text: &str, options: &JsonParseOptions<'_>) -> Result<Self, JsonError>
    where
        Self: Json,
    {
        let mut message = Self::default();
        options.merge(text, &mut message)?;
        if Self::CHECKS_REQUIRED {
            let checked = message.check_required();
            checked.map_err(|missing| JsonError::missing(text, Self::FULL_NAME, &missing))?;
        }
        Ok(message)
    }

    /// Parses JSON into this message: scalars are replaced, messages merged, repeated fields and
    /// maps added to, and what is null is unset.
    ///
    /// # Errors
    ///
    /// As [`Message::from_json`], but for required fields. The message then holds what came before
    /// the fault.
    #[cfg(feature = "json")]
    fn merge_json(&mut self, text: &str) -> Result<(), JsonError>
    where
        Self: Json,
    {
        JsonParseOptions::new().merge(text, self)
    }

    /// The instance that unset fields of this type deref to.
    #[doc(hidden)]
    fn default_instance() -> &'static Self {
        default_instance::of::<Self>()
    }
}

#[cold]
#[inline(never)]
fn cannot_encode(error: &EncodeError) -> ! {
    panic!("{error}");
}
