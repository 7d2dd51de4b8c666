//! A fault in what the user gave: a .proto file or an option.
//!
//! plugin.proto asks that such a fault go into `response.error`, with exit code 0, so that protoc
//! prints it as it prints its own.

use std::fmt;

/// What is wrong with the user's input, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UserError {
    place: Option<Place>,
    message: String,
}

/// Where in the user's files: the position is known only when the request carries source info.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    file: String,
    position: Option<Position>,
}

/// A line and a column, both counted from one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl UserError {
    /// A fault that belongs to no file: an option, or a file that was asked for and is not there.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { place: None, message: message.into() }
    }

    /// A fault in `file`, at `position` if that is known.
    pub(crate) fn at(file: &str, position: Option<Position>, message: impl Into<String>) -> Self {
        let place = Place { file: file.to_owned(), position };
        Self { place: Some(place), message: message.into() }
    }
}

impl fmt::Display for UserError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { file, position }) = &self.place {
            write!(formatter, "{file}:")?;
            if let Some(Position { line, column }) = position {
                write!(formatter, "{line}:{column}:")?;
            }
            formatter.write_str(" ")?;
        }
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for UserError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// protoc's own form, `file:line:column: text`, is what editors and people know to read.
    #[test]
    fn prints_the_place_as_protoc_does() {
        let position = Some(Position { line: 3, column: 7 });
        assert_eq!(UserError::at("a.proto", position, "bad").to_string(), "a.proto:3:7: bad");
        assert_eq!(UserError::at("a.proto", None, "bad").to_string(), "a.proto: bad");
        assert_eq!(UserError::new("bad").to_string(), "bad");
    }
}
