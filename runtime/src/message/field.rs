//! A message field: set or not, readable either way.

use std::fmt::{self, Debug, Formatter};
use std::ops::Deref;

use super::Message;

/// A field that holds a message, or nothing.
///
/// Reading through it is always possible: an unset field derefs to the default instance of its
/// message, as in every other protobuf implementation. `M` is the message itself, or a `Box` of it
/// where the message contains itself.
///
/// # Examples
///
/// ```
/// use rust_grpc::{Message, MessageField};
/// # use rust_grpc::{DecodeError, UnknownFields};
/// # use rust_grpc::generated::message::{Int32, Reader, FieldWriter};
/// # #[derive(Clone, Debug, Default, PartialEq)]
/// # struct Point { x: i32 }
/// # impl Message for Point {
/// #     const FULL_NAME: &'static str = "example.Point";
/// #     fn write_fields<'m>(&'m self, mut writer: FieldWriter<'_, 'm>) -> usize { writer.implicit::<Int32>(1, &self.x); writer.room_left() }
/// #     fn merge_fields(&mut self, mut reader: Reader<'_>) -> Result<(), DecodeError> {
/// #         while let Some(tag) = reader.next_tag()? {
/// #             match tag {
/// #                 8 => reader.singular::<Int32>(&mut self.x)?,
/// #                 tag => reader.unknown(tag, &mut UnknownFields::new())?,
/// #             }
/// #         }
/// #         Ok(())
/// #     }
/// # }
///
/// let mut position: MessageField<Point> = MessageField::none();
/// assert_eq!(position.x, 0);
/// position.get_or_insert_default().x = 3;
/// assert!(position.is_some());
///
/// let boxed: MessageField<Box<Point>> = Point { x: 4 }.into();
/// assert_eq!(boxed.x, 4);
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MessageField<M>(Option<M>);

impl<M> MessageField<M> {
    /// A field that is not set.
    pub const fn none() -> Self {
        Self(None)
    }

    /// A field that is set to `message`.
    pub const fn some(message: M) -> Self {
        Self(Some(message))
    }

    /// Takes the message out and leaves the field unset.
    pub fn take(&mut self) -> Option<M> {
        self.0.take()
    }

    /// The message, if the field is set.
    #[inline]
    pub const fn as_mut(&mut self) -> Option<&mut M> {
        self.0.as_mut()
    }

    /// The message; an unset field is set to the default first.
    #[inline]
    pub fn get_or_insert_default(&mut self) -> &mut M
    where
        M: Default,
    {
        self.0.get_or_insert_default()
    }

    /// The message, if the field is set.
    #[inline]
    pub const fn as_ref(&self) -> Option<&M> {
        self.0.as_ref()
    }

    /// Whether the field is set.
    #[inline]
    pub const fn is_some(&self) -> bool {
        self.0.is_some()
    }

    /// Whether the field is not set.
    #[inline]
    pub const fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// The message, if the field is set.
    pub fn into_option(self) -> Option<M> {
        self.0
    }
}

impl<M: Message> Deref for MessageField<M> {
    type Target = M;

    #[inline]
    fn deref(&self) -> &M {
        self.0.as_ref().unwrap_or_else(|| M::default_instance())
    }
}

impl<M> Default for MessageField<M> {
    fn default() -> Self {
        Self(None)
    }
}

impl<M: Debug> Debug for MessageField<M> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<M> From<M> for MessageField<M> {
    fn from(message: M) -> Self {
        Self(Some(message))
    }
}

impl<M> From<Option<M>> for MessageField<M> {
    fn from(message: Option<M>) -> Self {
        Self(message)
    }
}

impl<M> From<M> for MessageField<Box<M>> {
    fn from(message: M) -> Self {
        Self(Some(Box::new(message)))
    }
}

impl<M> From<Option<M>> for MessageField<Box<M>> {
    fn from(message: Option<M>) -> Self {
        Self(message.map(Box::new))
    }
}

impl<M> From<MessageField<M>> for Option<M> {
    fn from(field: MessageField<M>) -> Self {
        field.0
    }
}
