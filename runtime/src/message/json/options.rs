//! How messages are printed and parsed, where the defaults do not do.

use super::writer::Layout;
use super::{JsonError, parse, print};
use crate::limits;
use crate::message::{DescriptorPool, Reflect};

/// How messages are printed as JSON.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::JsonPrintOptions;
/// use rust_grpc::well_known::SourceContext;
///
/// let context = SourceContext { file_name: "a.proto".into(), ..Default::default() };
/// let options = JsonPrintOptions::new().pretty().original_names();
/// assert_eq!(context.to_json_with(&options)?, "{\n  \"file_name\": \"a.proto\"\n}");
/// # Ok::<(), rust_grpc::message::JsonError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JsonPrintOptions<'p> {
    pub(super) layout: Layout,
    pub(super) names: Names,
    pub(super) enums: Enums,
    pub(super) unset: Unset,
    pub(super) integers: Integers,
    pub(super) pool: Option<&'p DescriptorPool>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Integers {
    InQuotes,
    Bare,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Names {
    LowerCamel,
    Original,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Enums {
    Names,
    Numbers,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unset {
    Omitted,
    Printed,
}

impl Default for JsonPrintOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'p> JsonPrintOptions<'p> {
    /// What [`Message::to_json`](crate::Message::to_json) does: no line breaks, names in
    /// lowerCamelCase, enums by name, nothing that is unset.
    pub const fn new() -> Self {
        Self {
            layout: Layout::Compact,
            names: Names::LowerCamel,
            enums: Enums::Names,
            unset: Unset::Omitted,
            integers: Integers::InQuotes,
            pool: None,
        }
    }

    /// Prints with line breaks and indents of two spaces.
    #[must_use]
    pub const fn pretty(mut self) -> Self {
        self.layout = Layout::Pretty;
        self
    }

    /// Prints the names of fields as the .proto spells them. Parsers accept them too.
    #[must_use]
    pub const fn original_names(mut self) -> Self {
        self.names = Names::Original;
        self
    }

    /// Prints enums by their numbers. Parsers accept them too.
    #[must_use]
    pub const fn enums_as_numbers(mut self) -> Self {
        self.enums = Enums::Numbers;
        self
    }

    /// Prints fields that cannot be told from unset ones: those without presence that hold their
    /// default, empty repeated fields and empty maps.
    #[must_use]
    pub const fn fields_without_presence(mut self) -> Self {
        self.unset = Unset::Printed;
        self
    }

    /// Prints 64-bit integers without quotes where every reader takes them for what they are: up to
    /// 2^53 to either side. Larger ones stay in quotes. Parsers accept both.
    #[must_use]
    pub const fn bare_integers(mut self) -> Self {
        self.integers = Integers::Bare;
        self
    }

    /// Looks in `pool` for the types in [`Any`](crate::well_known::Any) and for extensions, before
    /// the files that the message's own file uses and protobuf's own.
    #[must_use]
    pub const fn pool(mut self, pool: &'p DescriptorPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Prints a message whose type need not be known.
    ///
    /// # Errors
    ///
    /// As [`Message::to_json`](crate::Message::to_json).
    pub fn print(&self, message: &dyn Reflect) -> Result<String, JsonError> {
        print::print(message, self)
    }
}

/// How messages are parsed from JSON.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::JsonParseOptions;
/// use rust_grpc::well_known::SourceContext;
///
/// let text = r#"{"fileName": "a.proto", "addedLater": [1, 2]}"#;
/// assert!(SourceContext::from_json(text).is_err());
/// let options = JsonParseOptions::new().ignore_unknown();
/// assert_eq!(SourceContext::from_json_with(text, &options)?.file_name, "a.proto");
/// # Ok::<(), rust_grpc::message::JsonError>(())
/// ```
#[derive(Clone, Debug)]
pub struct JsonParseOptions<'p> {
    pub(super) unknown: Unknown,
    pub(super) any_case: bool,
    pub(super) depth: usize,
    memory: Option<usize>,
    pub(super) pool: Option<&'p DescriptorPool>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unknown {
    Refused,
    Ignored,
}

impl Default for JsonParseOptions<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'p> JsonParseOptions<'p> {
    /// What [`Message::from_json`](crate::Message::from_json) does: what is unknown is refused, 202
    /// levels of objects and arrays, which is what the deepest message prints, and memory of 128 MiB
    /// or 32 bytes for each byte of text, whichever is more.
    pub const fn new() -> Self {
        let depth = limits::JSON_DEPTH_MAX;
        Self { unknown: Unknown::Refused, any_case: false, depth, memory: None, pool: None }
    }

    /// Skips fields that the message does not have and enum values by names that the enum does not
    /// have.
    #[must_use]
    pub const fn ignore_unknown(mut self) -> Self {
        self.unknown = Unknown::Ignored;
        self
    }

    /// Takes enum values by their names in capitals and small letters alike.
    #[must_use]
    pub const fn enums_in_any_case(mut self) -> Self {
        self.any_case = true;
        self
    }

    /// Objects and arrays are nested at most `levels` deep, and messages at most 100 whatever
    /// `levels` is. Each level takes stack.
    #[must_use]
    pub const fn depth_limit(mut self, levels: usize) -> Self {
        self.depth = levels;
        self
    }

    /// What the message holds takes at most `bytes` of memory: its strings and bytes, and lists, maps
    /// and messages in it, counted as it is allocated. A list has room for twice its elements when it
    /// has just grown.
    ///
    /// For a moment there may be more: what a list or map had before it grew, the string that is being
    /// read, and the bytes of an `Any` or an extension, which count when they are encoded.
    #[must_use]
    pub const fn memory_limit(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// Looks in `pool` for the types in [`Any`](crate::well_known::Any) and for extensions, before
    /// the files that the message's own file uses and protobuf's own.
    #[must_use]
    pub const fn pool(mut self, pool: &'p DescriptorPool) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Parses `text` into a message whose type need not be known: scalars are replaced, messages
    /// merged, repeated fields and maps added to. Required fields are not checked, since the rest
    /// may still come.
    ///
    /// # Errors
    ///
    /// As [`Message::from_json`](crate::Message::from_json). The message then holds what came
    /// before the fault.
    pub fn merge(&self, text: &str, message: &mut dyn Reflect) -> Result<(), JsonError> {
        let file = message.descriptor().file().clone();
        let descriptor = file.message(message.descriptor().index());
        parse::merge(text, descriptor, message, self)
    }

    pub(super) fn memory(&self, text: &str) -> usize {
        self.memory.unwrap_or_else(|| limits::decode_memory(text.len()))
    }
}
