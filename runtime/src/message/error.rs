//! What decoding and encoding a message can end with: who is at fault, where, what was expected,
//! what came.
//!
//! A [`DecodeError`] is one word large, so that the `Result` of every read stays in registers.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Display, Formatter};

use super::MissingField;

/// Bytes that are not a valid encoding of the message they were decoded as.
///
/// Its text names the message, the field number and the byte offset, what was expected and what
/// came.
///
/// # Examples
///
/// ```
/// use rust_grpc::{DecodeError, Message};
/// use rust_grpc::message::{DecodeErrorKind, UnknownFields};
/// # use rust_grpc::generated::message::{Reader, FieldWriter};
/// # #[derive(Clone, Debug, Default, PartialEq)]
/// # struct Empty { unknown: UnknownFields }
/// # impl Message for Empty {
/// #     const FULL_NAME: &'static str = "example.Empty";
/// #     fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize { writer.unknown(&self.unknown); writer.room_left() }
/// #     fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
/// #         while let Some(tag) = reader.next_tag()? { reader.unknown(tag, &mut self.unknown)?; }
/// #         Ok(())
/// #     }
/// # }
///
/// let error = Empty::decode(&[0x0a, 5, b'a']).unwrap_err();
/// assert_eq!(error.kind(), DecodeErrorKind::Truncated { expected: 5, got: 1 });
/// assert_eq!(
///     error.to_string(),
///     "invalid example.Empty: field 1, byte 2: expected 5 more bytes, got 1"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Place>);

#[derive(Clone, PartialEq, Eq)]
struct Place {
    kind: DecodeErrorKind,
    offset: usize,
    /// 0 before the first tag.
    field_number: u32,
    /// Of the field's map entry, if it is a map.
    part: Part,
    /// Empty until the error has left the innermost message.
    message_name: Cow<'static, str>,
    /// The extension whose bytes `offset` counts; empty if it counts those of the input.
    extension: Cow<'static, str>,
    /// With [`DecodeErrorKind::MissingField`].
    missing: Option<MissingField>,
}

/// What of a field an error is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    Key,
    Value,
}

/// Which rule of the encoding was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input, or the message around it, ends before the value does.
    Truncated {
        /// Bytes that the value still needs, as far as that is known.
        expected: usize,
        /// Bytes that are left.
        got: usize,
    },
    /// A varint of more than 10 bytes, or of more than 64 bits.
    VarintTooLong,
    /// A tag of more than 5 bytes or of more than 32 bits.
    TagTooLong,
    /// The field number 0.
    FieldNumberZero,
    /// A wire type that does not exist: 6 or 7.
    UnknownWireType(u32),
    /// A length over 2 GiB.
    LengthTooLarge(u64),
    /// A message of more bytes than [`DecodeOptions::size_limit`](super::DecodeOptions::size_limit)
    /// allows.
    MessageTooLarge {
        /// The limit, in bytes.
        limit: usize,
        /// Bytes of the message.
        got: usize,
    },
    /// A string that is not UTF-8.
    InvalidUtf8 {
        /// Offset of the first wrong byte within the string.
        valid_up_to: usize,
    },
    /// A packed field whose length is not a multiple of the width of its elements.
    UnevenPackedLength {
        /// Length of the packed field.
        length: usize,
        /// Width of one element.
        width: usize,
    },
    /// The end of a group that is not the innermost open one.
    UnmatchedEndGroup {
        /// Number of the innermost open group; 0 if none is open.
        expected: u32,
        /// Number in the end tag.
        got: u32,
    },
    /// The message around a group ends before the group does.
    UnterminatedGroup(u32),
    /// More levels of nesting than the limit.
    TooDeep {
        /// The limit.
        limit: u32,
    },
    /// The decoded form would need more memory than the budget.
    TooMuchMemory {
        /// The budget, in bytes.
        limit: usize,
    },
    /// A required field that did not come; the error's text has the path that leads to it.
    MissingField,
}

impl DecodeError {
    /// An error at `offset` bytes from the start of the input, below the field numbered
    /// `field_number`.
    #[cold]
    #[inline(never)]
    pub(crate) fn new(kind: DecodeErrorKind, offset: usize, field_number: u32) -> Self {
        Self(Box::new(Place {
            kind,
            offset,
            field_number,
            part: Part::Whole,
            message_name: Cow::Borrowed(""),
            extension: Cow::Borrowed(""),
            missing: None,
        }))
    }

    /// A required field of `message_name` that did not come.
    #[cold]
    pub(crate) fn missing(
        message_name: impl Into<Cow<'static, str>>,
        missing: MissingField,
    ) -> Self {
        let mut error = Self::new(DecodeErrorKind::MissingField, 0, 0);
        error.0.message_name = message_name.into();
        error.0.missing = Some(missing);
        error
    }

    /// A required field of the message `extendee` that did not come, in `extension` of it.
    #[cold]
    pub(super) fn missing_in_extension(
        extendee: impl Into<Cow<'static, str>>,
        extension: &str,
        missing: MissingField,
    ) -> Self {
        Self::missing(extendee, missing.within(format!("({extension})")))
    }

    /// Names the message that was being decoded, unless an inner one is named already.
    #[cold]
    #[inline(never)]
    pub(crate) fn within(mut self, message_name: impl Into<Cow<'static, str>>) -> Self {
        if self.0.message_name.is_empty() {
            self.0.message_name = message_name.into();
        }
        self
    }

    /// Says that what was being decoded is below the field of this number, and no field of its own,
    /// unless an inner message is named already.
    #[cold]
    #[inline(never)]
    pub(super) fn below(mut self, field_number: u32) -> Self {
        if self.0.message_name.is_empty() {
            self.0.field_number = field_number;
        }
        self
    }

    /// Says that what was being decoded is an entry of the map of this number.
    #[cold]
    #[inline(never)]
    pub(super) fn in_entry(mut self, field_number: u32) -> Self {
        if self.0.message_name.is_empty() {
            self.0.part = match self.0.field_number {
                1 => Part::Key,
                2 => Part::Value,
                _ => Part::Whole,
            };
        }
        self.below(field_number)
    }

    /// Says that what was being decoded is `extension` of the message `extendee`, whose first tag
    /// stands at `start` of the bytes that the offset counts so far.
    #[cold]
    pub(super) fn in_extension(
        mut self,
        extendee: impl Into<Cow<'static, str>>,
        extension: impl Into<Cow<'static, str>>,
        start: usize,
    ) -> Self {
        self.0.offset = self.0.offset.saturating_sub(start);
        self.0.extension = extension.into();
        self.within(extendee)
    }

    /// Which rule was broken.
    pub fn kind(&self) -> DecodeErrorKind {
        self.0.kind
    }

    /// Offset of the fault, in bytes from the start of the outermost message; in an extension, which
    /// is decoded later than the message that it extends, from the extension's tag.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// Number of the field that was being decoded, if a tag had been read: a field of the message that
    /// [`message_name`](Self::message_name) says.
    pub fn field_number(&self) -> Option<u32> {
        Some(self.0.field_number).filter(|number| *number != 0)
    }

    /// Full name of the innermost message that was being decoded, such as `hello.HelloRequest`.
    pub fn message_name(&self) -> &str {
        &self.0.message_name
    }
}

impl Display for DecodeError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Place { kind, offset, field_number, part, message_name, extension, missing } = &*self.0;
        let name = if message_name.is_empty() { "message" } else { &**message_name };
        write!(formatter, "invalid {name}: ")?;
        if let Some(missing) = missing {
            return write!(formatter, "expected the required field {missing}, it is not set");
        }
        match part {
            Part::Whole => {}
            Part::Key => formatter.write_str("key of ")?,
            Part::Value => formatter.write_str("value of ")?,
        }
        if *field_number != 0 {
            write!(formatter, "field {field_number}, ")?;
        }
        write!(formatter, "byte {offset}")?;
        if !extension.is_empty() {
            write!(formatter, " of extension {extension}")?;
        }
        write!(formatter, ": {kind}")
    }
}

impl fmt::Debug for DecodeError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DecodeError")
            .field("kind", &self.0.kind)
            .field("offset", &self.0.offset)
            .field("field_number", &self.0.field_number)
            .field("message_name", &self.0.message_name)
            .finish()
    }
}

impl Error for DecodeError {}

impl Display for DecodeErrorKind {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Truncated { expected, got } => {
                write!(formatter, "expected {expected} more bytes, got {got}")
            }
            Self::VarintTooLong => {
                formatter.write_str("expected a varint of at most 10 bytes and 64 bits, got more")
            }
            Self::TagTooLong => {
                formatter.write_str("expected a tag of at most 5 bytes and 32 bits, got more")
            }
            Self::FieldNumberZero => {
                formatter.write_str("expected a field number from 1 to 536870911, got 0")
            }
            Self::UnknownWireType(got) => {
                write!(formatter, "expected a wire type from 0 to 5, got {got}")
            }
            Self::LengthTooLarge(got) => {
                write!(formatter, "expected a length of at most 2147483647, got {got}")
            }
            Self::MessageTooLarge { limit, got } => {
                write!(formatter, "expected a message of at most {limit} bytes, got one of {got}")
            }
            Self::InvalidUtf8 { valid_up_to } => {
                write!(formatter, "expected utf-8, got something else after {valid_up_to} bytes")
            }
            Self::UnevenPackedLength { length, width } => {
                write!(formatter, "expected a packed length divisible by {width}, got {length}")
            }
            Self::UnmatchedEndGroup { expected: 0, got } => {
                write!(formatter, "expected no end of a group, got the end of group {got}")
            }
            Self::UnmatchedEndGroup { expected, got } => {
                write!(
                    formatter,
                    "expected the end of group {expected}, got the end of group {got}"
                )
            }
            Self::UnterminatedGroup(number) => write!(
                formatter,
                "expected the end of group {number}, got the end of the message around it"
            ),
            Self::TooDeep { limit } => {
                write!(formatter, "expected at most {limit} levels of nesting, got more")
            }
            Self::TooMuchMemory { limit } => {
                write!(formatter, "expected to need at most {limit} bytes of memory, needs more")
            }
            Self::MissingField => formatter.write_str("expected a required field, it is not set"),
        }
    }
}

/// A message that cannot be encoded: it is larger than 2 GiB - 1 bytes, or lacks a required field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    message_name: Cow<'static, str>,
    fault: EncodeFault,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum EncodeFault {
    TooLarge { size: usize },
    Missing(MissingField),
}

impl EncodeError {
    #[cold]
    pub(crate) fn too_large(message_name: impl Into<Cow<'static, str>>, size: usize) -> Self {
        Self { message_name: message_name.into(), fault: EncodeFault::TooLarge { size } }
    }

    #[cold]
    pub(crate) fn missing(
        message_name: impl Into<Cow<'static, str>>,
        missing: MissingField,
    ) -> Self {
        let message_name = message_name.into();
        Self { message_name, fault: EncodeFault::Missing(missing) }
    }
}

impl EncodeError {
    /// What would have been encoded, and what was there instead.
    #[cold]
    #[cfg(feature = "json")]
    pub(super) fn expected_and_got(&self) -> (String, String) {
        let name = &self.message_name;
        match &self.fault {
            EncodeFault::TooLarge { size } => {
                (format!("{name} to be of at most 2147483647 bytes"), format!("{size} bytes"))
            }
            EncodeFault::Missing(missing) => {
                (format!("the required field {missing} of {name}"), "none".to_owned())
            }
        }
    }
}

impl Display for EncodeError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "cannot encode {}: ", self.message_name)?;
        match &self.fault {
            EncodeFault::TooLarge { size } => {
                write!(formatter, "expected at most 2147483647 bytes, got {size}")
            }
            EncodeFault::Missing(missing) => {
                write!(formatter, "expected the required field {missing}, it is not set")
            }
        }
    }
}

impl Error for EncodeError {}

/// As much of the input's own words as an error shows.
#[cfg(feature = "reflect")]
pub(super) fn shortened(text: &str, letters_max: usize) -> Cow<'_, str> {
    match text.char_indices().nth(letters_max) {
        Some((end, _)) => Cow::Owned(format!("{}...", &text[..end])),
        None => Cow::Borrowed(text),
    }
}
