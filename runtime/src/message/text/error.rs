//! What is wrong with a text, and where.

use std::fmt::{self, Debug, Display, Formatter};

use crate::message::error::shortened;

/// A text is not the text format of the message: what was expected, what came, and where.
#[derive(Clone, PartialEq, Eq)]
pub struct TextError(Box<Fault>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    what: String,
    line: u32,
    column: u32,
    /// From the innermost field to the outermost.
    path: Vec<String>,
}

impl TextError {
    #[cold]
    pub(super) fn new(what: impl Into<String>, text: &str, at: usize) -> Self {
        let before = &text.as_bytes()[..at.min(text.len())];
        let count = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let lines = before.iter().filter(|byte| **byte == b'\n').count();
        let start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let line = u32::try_from(lines).unwrap_or(u32::MAX).saturating_add(1);
        let column = count(&before[start..]).saturating_add(1);
        let what = shortened(&what.into(), WHAT_MAX).into_owned();
        Self(Box::new(Fault { what, line, column, path: Vec::new() }))
    }

    #[cold]
    pub(super) fn within(mut self, field: &str) -> Self {
        self.0.path.push(shortened(field, NAME_MAX).into_owned());
        self
    }

    /// The line, counted from 1.
    pub fn line(&self) -> u32 {
        self.0.line
    }

    /// The byte in the line, counted from 1.
    pub fn column(&self) -> u32 {
        self.0.column
    }
}

impl Display for TextError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let Fault { what, line, column, path } = &*self.0;
        write!(formatter, "invalid text format: line {line}, column {column}: ")?;
        if !path.is_empty() {
            let names: Vec<&str> = path.iter().rev().map(String::as_str).collect();
            write!(formatter, "field {}: ", names.join("."))?;
        }
        formatter.write_str(what)
    }
}

impl Debug for TextError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "TextError({self})")
    }
}

impl std::error::Error for TextError {}

/// Letters of a sentence that an error shows: names in it are the text's, of whatever length.
const WHAT_MAX: usize = 500;

/// Letters of a name that an error shows in a path.
const NAME_MAX: usize = 100;
