//! The text format: messages as a person writes them in test data and configuration.
//!
//! Source: "Text Format Language Specification" of the protobuf documentation. Both directions go
//! over [`Reflect`], for generated and dynamic messages alike.

mod error;
mod lexer;
mod literal;
mod parse;
mod print;
#[cfg(test)]
mod tests;
mod unknown;

pub use error::TextError;

use super::reflect::generated::Fields;
use super::reflect::{DescriptorPool, FieldDescriptor, FieldKind, Reflect};
use super::{Message, MissingField};
use crate::limits;

/// A message that can be printed in the text format and parsed from it.
///
/// Generated types are by the option of the generator, `text=on|off`, which is on by default.
pub trait Text: Message + Reflect {}

impl<M: Text + Fields> Text for Box<M> {}

/// How messages are printed in the text format.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::TextPrintOptions;
/// use rust_grpc::well_known::Duration;
///
/// let options = TextPrintOptions::new().single_line();
/// let duration = Duration { seconds: 3, nanos: 5, ..Default::default() };
/// assert_eq!(duration.to_text_with(&options), "seconds: 3 nanos: 5");
/// ```
#[derive(Clone, Debug)]
pub struct TextPrintOptions<'p> {
    single_line: bool,
    unknown_fields: bool,
    expand_any: bool,
    redact: bool,
    short_lists: bool,
    indent: usize,
    pool: Option<&'p DescriptorPool>,
}

impl<'p> TextPrintOptions<'p> {
    /// The defaults: a line for each field, no unknown fields, `Any` expanded where its type is
    /// known, nothing redacted.
    pub const fn new() -> Self {
        Self {
            single_line: false,
            unknown_fields: false,
            expand_any: true,
            redact: false,
            short_lists: false,
            indent: 0,
            pool: None,
        }
    }

    /// All in one line.
    #[must_use]
    pub const fn single_line(mut self) -> Self {
        self.single_line = true;
        self
    }

    /// Unknown fields too, by their numbers. Such a text cannot be parsed.
    #[must_use]
    pub const fn unknown_fields(mut self) -> Self {
        self.unknown_fields = true;
        self
    }

    /// The bytes in an `Any`, in place of its message.
    #[must_use]
    pub const fn raw_any(mut self) -> Self {
        self.expand_any = false;
        self
    }

    /// `[REDACTED]` in place of fields with the option `debug_redact`, and of what may hold such:
    /// unknown fields, and the bytes of an `Any` that is not expanded. Such a text cannot be parsed.
    #[must_use]
    pub const fn redact(mut self) -> Self {
        self.redact = true;
        self
    }

    /// Repeated numbers and names in one line: `numbers: [1, 2]`.
    #[must_use]
    pub const fn short_lists(mut self) -> Self {
        self.short_lists = true;
        self
    }

    /// Begins each line `levels` levels further in, for a text that goes into another.
    #[must_use]
    pub const fn indent(mut self, levels: usize) -> Self {
        self.indent = levels;
        self
    }

    /// Where the types in `Any` and extensions are looked for first; then among the files that the
    /// message's own file uses, and among protobuf's own.
    #[must_use]
    pub const fn pool(mut self, pool: &'p DescriptorPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Prints a message whose type need not be known.
    pub fn print(&self, message: &dyn Reflect) -> String {
        print::print(message, self)
    }
}

impl Default for TextPrintOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// How messages are parsed from the text format.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::TextParseOptions;
/// use rust_grpc::well_known::Duration;
///
/// let options = TextParseOptions::new().ignore_unknown();
/// let duration = Duration::from_text_with("seconds: 3 hours: 1", &options)?;
/// assert_eq!(duration.seconds, 3);
/// # Ok::<(), rust_grpc::message::TextError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TextParseOptions<'p> {
    ignore_unknown: bool,
    depth: u32,
    memory: Option<usize>,
    pool: Option<&'p DescriptorPool>,
}

impl<'p> TextParseOptions<'p> {
    /// The defaults: unknown names are errors; 100 levels; 128 MiB or 32 bytes for each byte of text,
    /// whichever is more.
    pub const fn new() -> Self {
        Self { ignore_unknown: false, depth: limits::MESSAGE_DEPTH_MAX, memory: None, pool: None }
    }

    /// Fields and extensions that nobody knows are skipped.
    #[must_use]
    pub const fn ignore_unknown(mut self) -> Self {
        self.ignore_unknown = true;
        self
    }

    /// Messages are nested at most `levels` deep. Each level takes stack.
    #[must_use]
    pub const fn depth_limit(mut self, levels: u32) -> Self {
        self.depth = levels;
        self
    }

    /// What the message holds takes at most `bytes` of memory: its strings and bytes, and lists, maps
    /// and messages in it, counted as it is allocated. A list has room for twice its elements when it
    /// has just grown.
    ///
    /// For a moment there may be more: what a list or map had before it grew, the string that is being
    /// read, and the bytes of an `Any` or of extensions, which count when they are encoded.
    #[must_use]
    pub const fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Where the types in `Any` and extensions are looked for first; then among the files that the
    /// message's own file uses, and among protobuf's own.
    #[must_use]
    pub const fn pool(mut self, pool: &'p DescriptorPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Parses `text` into a message whose type need not be known: what is singular is replaced or
    /// merged, repeated fields and maps are added to. Required fields are not checked, since the
    /// rest may still come.
    ///
    /// # Errors
    ///
    /// As [`Message::from_text`](crate::Message::from_text). The message then holds what came before
    /// the fault.
    pub fn merge(&self, text: &str, message: &mut dyn Reflect) -> Result<(), TextError> {
        parse::parse(text, message, self)
    }
}

impl Default for TextParseOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

/// A required field did not come.
pub(super) fn missing(text: &str, missing: &MissingField) -> TextError {
    let what = format!("expected the required field {missing}, it is not set");
    TextError::new(what, text, text.len())
}

/// The name of a field in the text format: groups have that of their message.
///
/// Source: a DELIMITED field is like a group if its message has its name in capitals and is declared
/// beside it.
fn name_of<'a>(field: FieldDescriptor<'a>) -> &'a str {
    match field.message() {
        Some(message) if field.kind() == FieldKind::Group => {
            let scope = if field.is_extension() { None } else { Some(field.containing_message()) };
            let is_beside =
                message.parent() == scope && message.file().name() == field.file().name();
            let is_group = is_beside && message.name().to_ascii_lowercase() == field.name();
            if is_group { message.name() } else { field.name() }
        }
        _ => field.name(),
    }
}

/// The name of an extension in the text format: a message that declares itself as an extension of a
/// MessageSet is known by its own name.
fn extension_name(extension: FieldDescriptor<'_>) -> String {
    let full_name = extension.full_name();
    match extension.message() {
        Some(message)
            if extension.containing_message().is_message_set()
                && full_name
                    .strip_suffix(extension.name())
                    .and_then(|name| name.strip_suffix('.'))
                    == Some(message.full_name()) =>
        {
            message.full_name().to_owned()
        }
        _ => full_name,
    }
}

/// The type behind the last `/` of a type URL.
fn type_of_url(url: &str) -> Option<&str> {
    url.rsplit_once('/').map(|(_, name)| name).filter(|name| !name.is_empty())
}

/// Specification, "Any fields": the URL's characters, `%` only before two hexadecimal digits, and a
/// type name as the last part.
fn check_url(url: &str) -> Result<(), String> {
    let mut rest = url.split('%');
    rest.next();
    let is_escape =
        |part: &str| part.len() >= 2 && part.bytes().take(2).all(|digit| digit.is_ascii_hexdigit());
    let is_name = |name: &str| {
        name.split('.').all(|word| {
            word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
                && word.bytes().next().is_some_and(|first| !first.is_ascii_digit())
        })
    };
    match type_of_url(url) {
        Some(name)
            if is_name(name)
                && !url.starts_with('/')
                && url.bytes().all(lexer::is_url)
                && rest.all(is_escape) =>
        {
            Ok(())
        }
        _ => Err(format!("expected a type URL as `type.googleapis.com/a.B`, found `{url}`")),
    }
}

const ANY: &str = "google.protobuf.Any";
