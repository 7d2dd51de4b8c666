//! What printing and parsing JSON can end with: where, what was expected, what came.
//!
//! A [`JsonError`] is one word large, as other errors of messages.

use std::borrow::Cow;
use std::error::Error;
use std::fmt::{self, Debug, Display, Formatter};

use crate::message::{MissingField, error};

/// JSON that is not a valid message, or a message that JSON cannot say.
///
/// Its text names the message, the place in the text, the path of the field, what was expected and
/// what came.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::well_known::SourceContext;
///
/// let error = SourceContext::from_json("{\n  \"fileName\": 5\n}").unwrap_err();
/// assert_eq!((error.line(), error.column()), (Some(2), Some(15)));
/// assert_eq!(
///     error.to_string(),
///     "invalid JSON for google.protobuf.SourceContext: line 2, column 15, field file_name: \
///      expected a string, got 5"
/// );
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct JsonError(Box<Fault>);

#[derive(Clone, PartialEq, Eq)]
struct Fault {
    verb: Verb,
    place: Option<Place>,
    message_name: String,
    path: String,
    expected: Cow<'static, str>,
    got: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verb {
    Parse,
    Print,
    /// What a deserializer of serde holds, in whatever format.
    #[cfg(feature = "serde")]
    Deserialize,
    #[cfg(feature = "serde")]
    Serialize,
}

/// A place in a text, both counted from 1; columns are characters.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Place {
    line: usize,
    column: usize,
}

impl JsonError {
    /// A fault of `text` at the byte `offset`.
    #[cold]
    pub(super) fn parsing(
        text: &str,
        offset: usize,
        expected: impl Into<Cow<'static, str>>,
        got: impl Into<String>,
    ) -> Self {
        let before = &text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let place = Place {
            line: before.bytes().filter(|byte| *byte == b'\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        };
        Self::new(Verb::Parse, Some(place), expected.into(), got.into())
    }

    /// A fault of a message that is to be printed.
    #[cold]
    pub(super) fn printing(expected: impl Into<Cow<'static, str>>, got: impl Into<String>) -> Self {
        Self::new(Verb::Print, None, expected.into(), got.into())
    }

    /// A required field of the message that the text does not set.
    #[cold]
    pub(in crate::message) fn missing(
        text: &str,
        message_name: &str,
        missing: &MissingField,
    ) -> Self {
        let expected = format!("the required field {missing}");
        Self::parsing(text, text.len(), expected, "none").within(message_name)
    }

    fn new(verb: Verb, place: Option<Place>, expected: Cow<'static, str>, got: String) -> Self {
        let (message_name, path) = (String::new(), String::new());
        Self(Box::new(Fault { verb, place, message_name, path, expected, got }))
    }

    /// The text was not the user's, who may have another format: its lines tell nothing.
    #[cfg(feature = "serde")]
    #[cold]
    pub(super) fn of_serde(mut self) -> Self {
        self.0.place = None;
        self.0.verb = match self.0.verb {
            Verb::Parse | Verb::Deserialize => Verb::Deserialize,
            Verb::Print | Verb::Serialize => Verb::Serialize,
        };
        self
    }

    /// The fault lies in the field of this name.
    #[cold]
    pub(super) fn in_field(self, name: &str) -> Self {
        self.below(&format!(".{name}"))
    }

    /// The fault lies in the element at `index`.
    #[cold]
    pub(super) fn in_element(self, index: usize) -> Self {
        self.below(&format!("[{index}]"))
    }

    /// The fault lies in the entry of `key`.
    #[cold]
    pub(super) fn in_entry(self, key: &str) -> Self {
        self.below(&format!("[{:?}]", shortened(key)))
    }

    fn below(mut self, segment: &str) -> Self {
        self.0.path.insert_str(0, segment);
        self
    }

    /// Names the message that was printed or parsed.
    #[cold]
    pub(super) fn within(mut self, message_name: &str) -> Self {
        message_name.clone_into(&mut self.0.message_name);
        self
    }

    /// The line of the text, counted from 1; `None` when a message was printed.
    pub fn line(&self) -> Option<usize> {
        self.0.place.map(|place| place.line)
    }

    /// The column of the line in characters, counted from 1; `None` when a message was printed.
    pub fn column(&self) -> Option<usize> {
        self.0.place.map(|place| place.column)
    }

    /// The path of the field at fault, such as `lines[2].price`; empty if it is the message itself.
    pub fn path(&self) -> &str {
        self.0.path.strip_prefix('.').unwrap_or(&self.0.path)
    }

    /// Full name of the outermost message.
    pub fn message_name(&self) -> &str {
        &self.0.message_name
    }
}

impl Display for JsonError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Fault { verb, place, message_name, expected, got, .. } = &*self.0;
        let name = if message_name.is_empty() { "message" } else { message_name };
        match verb {
            Verb::Parse => write!(formatter, "invalid JSON for {name}: ")?,
            Verb::Print => write!(formatter, "cannot print {name} as JSON: ")?,
            #[cfg(feature = "serde")]
            Verb::Deserialize => write!(formatter, "invalid value for {name}: ")?,
            #[cfg(feature = "serde")]
            Verb::Serialize => write!(formatter, "cannot serialize {name}: ")?,
        }
        if let Some(Place { line, column }) = place {
            let end = if self.path().is_empty() { ": " } else { ", " };
            write!(formatter, "line {line}, column {column}{end}")?;
        }
        if !self.path().is_empty() {
            write!(formatter, "field {}: ", self.path())?;
        }
        write!(formatter, "expected {expected}, got {got}")
    }
}

impl Debug for JsonError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "JsonError({self})")
    }
}

impl Error for JsonError {}

/// What came, cut to what a line of an error can show.
pub(super) fn shortened(text: &str) -> Cow<'_, str> {
    error::shortened(text, SHOWN_MAX)
}

/// Characters of the input that an error shows.
const SHOWN_MAX: usize = 40;
