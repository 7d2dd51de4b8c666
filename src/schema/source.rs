//! Comments and positions of a file, by descriptor path.
//!
//! A path is the list of field numbers and indices that leads to an element: `[4, 0, 2, 1]` is the
//! second field of the first message.

use std::collections::HashMap;

use protobuf::descriptor::FileDescriptorProto;
use protobuf::descriptor::source_code_info::Location;

use super::docs;
use crate::user_error::{Position, UserError};

/// What a file's `SourceCodeInfo` says; empty if the request carries none.
pub(crate) struct Source<'a> {
    file: &'a str,
    locations: HashMap<&'a [i32], &'a Location>,
    with_docs: bool,
}

/// A descriptor path that grows on the way down.
#[derive(Clone, Debug)]
pub(crate) struct Path(Vec<i32>);

impl<'a> Source<'a> {
    pub(crate) fn new(file: &'a FileDescriptorProto, with_docs: bool) -> Self {
        let mut locations = HashMap::new();
        for location in &file.source_code_info.location {
            // An element that is written in several places is described at the first.
            locations.entry(location.path.as_slice()).or_insert(location);
        }
        Self { file: file.name(), locations, with_docs }
    }

    /// The doc lines of the element: its leading and its trailing comment, not the detached ones.
    pub(crate) fn docs(&self, path: &Path) -> Vec<String> {
        match self.locations.get(path.0.as_slice()) {
            Some(location) if self.with_docs => {
                docs::lines(location.leading_comments(), location.trailing_comments())
            }
            _ => Vec::new(),
        }
    }

    /// A fault at the element.
    pub(crate) fn fault(&self, path: &Path, message: impl Into<String>) -> UserError {
        UserError::at(self.file, self.position(path), message)
    }

    fn position(&self, path: &Path) -> Option<Position> {
        // An element without a place of its own, as the type of a map's value, is within another.
        let paths = (1..=path.0.len()).rev().map(|length| &path.0[..length]);
        let location = paths.filter_map(|path| self.locations.get(path)).next()?;
        // protoc counts from zero.
        match location.span.as_slice() {
            [line, column, ..] => Some(Position {
                line: u32::try_from(*line).ok()? + 1,
                column: u32::try_from(*column).ok()? + 1,
            }),
            _ => None,
        }
    }
}

impl Path {
    /// The element at `index` of the file's own field `number`.
    pub(crate) fn of(number: i32, index: usize) -> Self {
        Self(Vec::new()).item(number, index)
    }

    /// A field of the file that is not repeated.
    pub(crate) fn plain(number: i32) -> Self {
        Self(vec![number])
    }

    /// The element at `index` of the repeated field `number` of this element.
    pub(crate) fn item(&self, number: i32, index: usize) -> Self {
        let mut path = self.child(number);
        path.0.push(i32::try_from(index).expect("a request is shorter than 2 GiB"));
        path
    }

    /// Whether it leads into the file's own field `number`.
    pub(crate) fn starts_with(&self, number: i32) -> bool {
        self.0.first() == Some(&number)
    }

    /// The field `number` of this element.
    pub(crate) fn child(&self, number: i32) -> Self {
        let mut path = self.0.clone();
        path.push(number);
        Self(path)
    }
}

// Field numbers of descriptor.proto.
pub(super) const FILE_PACKAGE: i32 = 2;
pub(super) const FILE_MESSAGE: i32 = 4;
pub(super) const FILE_ENUM: i32 = 5;
pub(super) const FILE_SERVICE: i32 = 6;
pub(super) const FILE_EXTENSION: i32 = 7;
/// Where protoc notes the place of `syntax` and of `edition`.
pub(super) const FILE_SYNTAX: i32 = 12;
pub(super) const MESSAGE_FIELD: i32 = 2;
pub(super) const MESSAGE_NESTED: i32 = 3;
pub(super) const MESSAGE_ENUM: i32 = 4;
pub(super) const MESSAGE_EXTENSION: i32 = 6;
pub(super) const MESSAGE_ONEOF: i32 = 8;
pub(super) const FIELD_EXTENDEE: i32 = 2;
pub(super) const FIELD_TYPE_NAME: i32 = 6;
pub(super) const ENUM_VALUE: i32 = 2;
pub(super) const SERVICE_METHOD: i32 = 2;
pub(super) const METHOD_INPUT: i32 = 2;
pub(super) const METHOD_OUTPUT: i32 = 3;
