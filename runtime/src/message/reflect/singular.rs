//! A field as it is found in a message: unset, one value, many, or a map.

use super::value::{Element, Value, ValueError, ValueRef};
use super::{List, Map, Reflect};
use crate::message::map::Map as Entries;
use crate::message::{Message, MessageField};

/// A field, borrowed from its message.
#[derive(Clone, Copy)]
pub enum FieldRef<'a> {
    /// A singular field that is not set; without presence, one that holds its default.
    Unset,
    /// A singular field that is set.
    Singular(ValueRef<'a>),
    /// A repeated field, perhaps empty.
    Repeated(&'a dyn List),
    /// A map, perhaps empty.
    Map(&'a dyn Map),
}

impl FieldRef<'_> {
    /// Whether the field is set: a repeated field or map is when it has an element.
    pub fn is_set(&self) -> bool {
        match self {
            Self::Unset => false,
            Self::Singular(_) => true,
            Self::Repeated(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// For errors.
    pub(super) fn shape(&self) -> &'static str {
        match self {
            Self::Unset => "nothing",
            Self::Singular(_) => SINGULAR,
            Self::Repeated(_) => REPEATED,
            Self::Map(_) => MAP,
        }
    }
}

/// A field, to write to.
pub enum FieldMut<'a> {
    /// A singular field, set or not.
    Singular(SingularMut<'a>),
    /// A repeated field.
    Repeated(&'a mut dyn List),
    /// A map.
    Map(&'a mut dyn Map),
}

impl FieldMut<'_> {
    /// Unsets the field.
    pub fn clear(&mut self) {
        match self {
            Self::Singular(field) => field.clear(),
            Self::Repeated(list) => list.clear(),
            Self::Map(map) => map.clear(),
        }
    }

    /// For errors.
    pub(super) fn shape(&self) -> &'static str {
        match self {
            Self::Singular(_) => SINGULAR,
            Self::Repeated(_) => REPEATED,
            Self::Map(_) => MAP,
        }
    }
}

const SINGULAR: &str = "a singular field";
const REPEATED: &str = "a repeated field";
const MAP: &str = "a map";

/// A singular field, to write to.
pub struct SingularMut<'a>(Slot<'a>);

enum Slot<'a> {
    Field(&'a mut dyn Singular),
    Member(&'a mut dyn OneofField, usize),
}

impl<'a> SingularMut<'a> {
    /// Sets the field; a oneof is then set to this member.
    ///
    /// # Errors
    ///
    /// If the value is of another type than the field, or no number of its closed enum. The field
    /// is as it was.
    #[inline]
    pub fn set(&mut self, value: Value) -> Result<(), ValueError> {
        match &mut self.0 {
            Slot::Field(field) => field.set(value),
            Slot::Member(oneof, member) => oneof.set(*member, value),
        }
    }

    /// The message in the field, which is set to an empty one first if it is not set; `None` if the
    /// field holds no messages.
    pub fn message_mut(self) -> Option<&'a mut dyn Reflect> {
        match self.0 {
            Slot::Field(field) => field.message_mut(),
            Slot::Member(oneof, member) => oneof.message_mut(member),
        }
    }

    /// As [`SingularMut::message_mut`], for as long as this is borrowed.
    pub(in crate::message) fn borrowed_message_mut(&mut self) -> Option<&mut dyn Reflect> {
        match &mut self.0 {
            Slot::Field(field) => field.message_mut(),
            Slot::Member(oneof, member) => oneof.message_mut(*member),
        }
    }

    /// Unsets the field; a oneof that is set to another member stays so.
    pub fn clear(&mut self) {
        match &mut self.0 {
            Slot::Field(field) => field.clear(),
            Slot::Member(oneof, member) => oneof.clear(*member),
        }
    }

    fn new(field: &'a mut dyn Singular) -> Self {
        Self(Slot::Field(field))
    }

    pub(super) fn member(oneof: &'a mut dyn OneofField, member: usize) -> Self {
        Self(Slot::Member(oneof, member))
    }
}

/// The Rust type of a singular field.
trait Singular {
    fn set(&mut self, value: Value) -> Result<(), ValueError>;
    fn message_mut(&mut self) -> Option<&mut dyn Reflect>;
    fn clear(&mut self);
}

impl<T: Element> Singular for T {
    fn set(&mut self, value: Value) -> Result<(), ValueError> {
        *self = T::from_value(value)?;
        Ok(())
    }

    fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        Element::message_mut(self)
    }

    fn clear(&mut self) {
        *self = T::default();
    }
}

impl<T: Element> Singular for Option<T> {
    fn set(&mut self, value: Value) -> Result<(), ValueError> {
        *self = Some(T::from_value(value)?);
        Ok(())
    }

    fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        if self.is_none() {
            *self = T::new_message();
        }
        self.as_mut().and_then(Element::message_mut)
    }

    fn clear(&mut self) {
        *self = None;
    }
}

impl<M: Message + Reflect> Singular for MessageField<M> {
    fn set(&mut self, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("a message", &value))
    }

    fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        Some(self.get_or_insert_default())
    }

    fn clear(&mut self) {
        *self = Self::none();
    }
}

/// The Rust enum of a oneof. A member is known by its position in the enum.
pub trait Oneof: Sized + Send + Sync + 'static {
    /// The value, if this is the member.
    fn value(&self, member: usize) -> Option<ValueRef<'_>>;

    /// The member that holds `value`.
    ///
    /// # Errors
    ///
    /// If the value is of another type, or no number of the closed enum.
    fn from_value(member: usize, value: Value) -> Result<Self, ValueError>;

    /// The message, if this is the member and holds one.
    fn message_mut(&mut self, member: usize) -> Option<&mut dyn Reflect>;

    /// The member with an empty message, if it holds messages.
    fn new_message(member: usize) -> Option<Self>;
}

/// What holds several singular fields of which it knows how they exclude each other: the field of a
/// oneof.
pub(super) trait OneofField {
    fn set(&mut self, member: usize, value: Value) -> Result<(), ValueError>;
    fn message_mut(&mut self, member: usize) -> Option<&mut dyn Reflect>;
    fn clear(&mut self, member: usize);
}

impl<O: Oneof> OneofField for Option<O> {
    fn set(&mut self, member: usize, value: Value) -> Result<(), ValueError> {
        *self = Some(O::from_value(member, value)?);
        Ok(())
    }

    fn message_mut(&mut self, member: usize) -> Option<&mut dyn Reflect> {
        let is_set = self.as_ref().is_some_and(|oneof| oneof.value(member).is_some());
        if !is_set {
            *self = Some(O::new_message(member)?);
        }
        self.as_mut().and_then(|oneof| oneof.message_mut(member))
    }

    fn clear(&mut self, member: usize) {
        if self.as_ref().is_some_and(|oneof| oneof.value(member).is_some()) {
            *self = None;
        }
    }
}

/// A value that is set.
#[inline]
pub fn singular<T: Element>(value: &T) -> FieldRef<'_> {
    FieldRef::Singular(value.value())
}

/// A field without presence.
pub fn implicit<T: Element>(field: &T) -> FieldRef<'_> {
    if field.is_default() { FieldRef::Unset } else { FieldRef::Singular(field.value()) }
}

/// A field without presence, to write to.
pub fn implicit_mut<T: Element>(field: &mut T) -> FieldMut<'_> {
    FieldMut::Singular(SingularMut::new(field))
}

/// A field with presence that holds no message.
pub fn optional<T: Element>(field: &Option<T>) -> FieldRef<'_> {
    field.as_ref().map_or(FieldRef::Unset, |value| FieldRef::Singular(value.value()))
}

/// A field with presence that holds no message, to write to.
pub fn optional_mut<T: Element>(field: &mut Option<T>) -> FieldMut<'_> {
    FieldMut::Singular(SingularMut::new(field))
}

/// A message field.
pub fn message<M: Message + Reflect>(field: &MessageField<M>) -> FieldRef<'_> {
    field.as_ref().map_or(FieldRef::Unset, |value| FieldRef::Singular(value.value()))
}

/// A message field, to write to.
pub fn message_mut<M: Message + Reflect>(field: &mut MessageField<M>) -> FieldMut<'_> {
    FieldMut::Singular(SingularMut::new(field))
}

/// A repeated field.
pub fn repeated<T: Element>(field: &Vec<T>) -> FieldRef<'_> {
    FieldRef::Repeated(field)
}

/// A repeated field, to write to.
pub fn repeated_mut<T: Element>(field: &mut Vec<T>) -> FieldMut<'_> {
    FieldMut::Repeated(field)
}

/// A map.
pub fn map<M: Entries<Key: Element, Value: Element>>(field: &M) -> FieldRef<'_> {
    FieldRef::Map(field)
}

/// A map, to write to.
pub fn map_mut<M: Entries<Key: Element, Value: Element>>(field: &mut M) -> FieldMut<'_> {
    FieldMut::Map(field)
}

/// A member of a oneof.
pub fn member<O: Oneof>(field: &Option<O>, member: usize) -> FieldRef<'_> {
    let value = field.as_ref().and_then(|oneof| oneof.value(member));
    value.map_or(FieldRef::Unset, FieldRef::Singular)
}

/// A member of a oneof, to write to.
pub fn member_mut<O: Oneof>(field: &mut Option<O>, member: usize) -> FieldMut<'_> {
    FieldMut::Singular(SingularMut::member(field, member))
}
