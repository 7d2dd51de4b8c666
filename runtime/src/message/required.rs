//! Required fields: checked after decoding and before encoding, never while either goes on.
//!
//! Only messages that reach a required field have a check at all; for every other one it is a
//! constant that the compiler folds away.

use std::borrow::Cow;
use std::collections::{btree_map, hash_map};
use std::fmt::{self, Display, Formatter};

use super::{DecodeError, EncodeError, Message, MessageField};

/// A required field that is not set, with the path that leads to it: `kids[1].name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingField {
    /// From the innermost field to the outermost.
    path: Vec<Cow<'static, str>>,
}

impl MissingField {
    #[cold]
    pub(super) fn new(name: impl Into<Cow<'static, str>>) -> Self {
        Self { path: vec![name.into()] }
    }

    #[cold]
    pub(super) fn within(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.path.push(name.into());
        self
    }

    /// In the element of this index, or, in a dynamic message, of this key.
    #[cold]
    pub(super) fn at(self, index: impl Display) -> Self {
        self.within(format!("[{index}]"))
    }
}

impl Display for MissingField {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        for (index, name) in self.path.iter().rev().enumerate() {
            let dot = if index == 0 || name.starts_with('[') { "" } else { "." };
            write!(formatter, "{dot}{name}")?;
        }
        Ok(())
    }
}

/// A required field.
///
/// # Errors
///
/// If it is not set.
#[inline]
pub fn require(is_set: bool, name: &'static str) -> Result<(), MissingField> {
    if is_set { Ok(()) } else { Err(MissingField::new(name)) }
}

/// A message.
///
/// # Errors
///
/// The first required field in it that is not set.
#[inline]
pub fn check<M: Message>(message: &M, name: &'static str) -> Result<(), MissingField> {
    if M::CHECKS_REQUIRED {
        message.check_required().map_err(|missing| missing.within(name))
    } else {
        Ok(())
    }
}

/// A message field.
///
/// # Errors
///
/// The first required field in it that is not set.
#[inline]
pub fn check_field<M: Message>(
    field: &MessageField<M>,
    name: &'static str,
) -> Result<(), MissingField> {
    field.as_ref().map_or(Ok(()), |message| check(message, name))
}

/// The messages of a repeated field or of a map.
///
/// # Errors
///
/// The first required field in them that is not set.
#[inline]
pub fn check_each<'a, M: Message, I: IntoIterator<Item = &'a M> + Each>(
    messages: I,
    name: &'static str,
) -> Result<(), MissingField> {
    if !M::CHECKS_REQUIRED {
        return Ok(());
    }
    for (index, message) in messages.into_iter().enumerate() {
        if let Err(missing) = message.check_required() {
            let missing = if I::HAS_INDEX { missing.at(index) } else { missing };
            return Err(missing.within(name));
        }
    }
    Ok(())
}

/// Where [`check_each`] finds messages.
pub trait Each {
    /// Whether a message is found again by how many come before it.
    const HAS_INDEX: bool = false;
}

impl<M> Each for &Vec<M> {
    const HAS_INDEX: bool = true;
}

impl<M> Each for &Option<M> {}
impl<K, M> Each for hash_map::Values<'_, K, M> {}
impl<K, M> Each for btree_map::Values<'_, K, M> {}

/// Whether every required field has come.
pub(super) fn check_decoded<M: Message>(message: &M) -> Result<(), DecodeError> {
    if !M::CHECKS_REQUIRED {
        return Ok(());
    }
    message.check_required().map_err(|missing| DecodeError::missing(M::FULL_NAME, missing))
}

/// Whether every required field is set.
pub(super) fn check_encodable<M: Message>(message: &M) -> Result<(), EncodeError> {
    if !M::CHECKS_REQUIRED {
        return Ok(());
    }
    message.check_required().map_err(|missing| EncodeError::missing(M::FULL_NAME, missing))
}
