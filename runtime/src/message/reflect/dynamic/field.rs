//! What a field of a dynamic message stores, and fields that stand alone: extensions.

use super::list::DynamicList;
use super::map::DynamicMap;
use super::{DynamicMessage, element};
use crate::message::reflect::Reflect;
use crate::message::reflect::descriptor::{Cardinality, FieldDescriptor, FileDescriptor};
use crate::message::reflect::singular::{FieldMut, FieldRef, OneofField, SingularMut};
use crate::message::reflect::value::{Value, ValueError, ValueRef};
use crate::message::reflect::{List, Map};

/// A field's descriptor with a hold on its file.
#[derive(Clone, Debug)]
pub(super) struct Owner {
    file: FileDescriptor,
    message: Option<usize>,
    place: usize,
}

/// The value of a field.
#[derive(Clone, PartialEq)]
pub(super) enum Slot {
    Value(Value),
    Message(Box<DynamicMessage>),
    List(DynamicList),
    Map(DynamicMap),
}

impl Owner {
    pub(super) fn of(field: FieldDescriptor<'_>) -> Self {
        let message = (!field.is_extension()).then(|| field.containing_message().index());
        Self { file: field.file().clone(), message, place: field.index() }
    }

    pub(super) fn field(&self) -> FieldDescriptor<'_> {
        match self.message {
            Some(message) => self.file.message(message).field(self.place),
            None => FieldDescriptor::extension(&self.file, self.place),
        }
    }

    /// What an element is: a message with no field set.
    pub(super) fn new_message(&self) -> Option<DynamicMessage> {
        self.field().message().map(DynamicMessage::new)
    }
}

impl Slot {
    /// Of fields that are not singular.
    pub(super) fn empty(field: FieldDescriptor<'_>) -> Option<Self> {
        match field.cardinality() {
            Cardinality::Singular => None,
            Cardinality::Repeated => Some(Self::List(DynamicList::new(field))),
            Cardinality::Map => Some(Self::Map(DynamicMap::new(field))),
        }
    }

    pub(super) fn is_set(&self) -> bool {
        match self {
            Self::Value(_) | Self::Message(_) => true,
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    pub(super) fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        match self {
            Self::Message(message) => Some(&mut **message),
            _ => None,
        }
    }

    /// A field that is not singular, to write to.
    pub(super) fn as_mut(&mut self) -> FieldMut<'_> {
        match self {
            Self::List(list) => FieldMut::Repeated(list),
            Self::Map(map) => FieldMut::Map(map),
            Self::Value(_) | Self::Message(_) => unreachable!("it is no singular field"),
        }
    }
}

/// What the field holds.
pub(super) fn slot_ref<'a>(field: FieldDescriptor<'_>, slot: Option<&'a Slot>) -> FieldRef<'a> {
    match (slot, field.cardinality()) {
        (Some(Slot::Value(value)), _) => match value.as_ref() {
            value if !field.has_presence() && value.is_zero() => FieldRef::Unset,
            value => FieldRef::Singular(value),
        },
        (Some(Slot::Message(message)), _) => FieldRef::Singular(ValueRef::Message(&**message)),
        (Some(Slot::List(list)), _) => FieldRef::Repeated(list),
        (Some(Slot::Map(map)), _) => FieldRef::Map(map),
        (None, Cardinality::Singular) => FieldRef::Unset,
        (None, Cardinality::Repeated) => FieldRef::Repeated(&Empty),
        (None, Cardinality::Map) => FieldRef::Map(&Empty),
    }
}

/// A field that stands alone.
#[derive(Clone, Debug)]
pub(in crate::message) struct DynamicField {
    owner: Owner,
    slot: Option<Slot>,
}

impl DynamicField {
    pub(in crate::message) fn new(field: FieldDescriptor<'_>) -> Self {
        Self { owner: Owner::of(field), slot: None }
    }

    pub(in crate::message) fn descriptor(&self) -> FieldDescriptor<'_> {
        self.owner.field()
    }

    pub(in crate::message) fn get(&self) -> FieldRef<'_> {
        slot_ref(self.descriptor(), self.slot.as_ref())
    }

    pub(in crate::message) fn get_mut(&mut self) -> FieldMut<'_> {
        match Slot::empty(self.owner.field()) {
            None => FieldMut::Singular(SingularMut::member(self, 0)),
            Some(empty) => self.slot.get_or_insert(empty).as_mut(),
        }
    }
}

impl OneofField for DynamicField {
    fn set(&mut self, _: usize, value: Value) -> Result<(), ValueError> {
        self.slot = Some(Slot::Value(element::checked(self.descriptor(), value)?));
        Ok(())
    }

    fn message_mut(&mut self, _: usize) -> Option<&mut dyn Reflect> {
        if self.slot.is_none() {
            self.slot = Some(Slot::Message(Box::new(self.owner.new_message()?)));
        }
        self.slot.as_mut().and_then(Slot::message_mut)
    }

    fn clear(&mut self, _: usize) {
        self.slot = None;
    }
}

/// A repeated field or map that is not stored.
struct Empty;

impl List for Empty {
    fn len(&self) -> usize {
        0
    }

    fn get(&self, _: usize) -> Option<ValueRef<'_>> {
        None
    }

    fn message_mut(&mut self, _: usize) -> Option<&mut dyn Reflect> {
        None
    }

    fn set(&mut self, _: usize, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("nothing", &value))
    }

    fn push(&mut self, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("nothing", &value))
    }

    fn push_message(&mut self) -> Option<&mut dyn Reflect> {
        None
    }

    fn truncate(&mut self, _: usize) {}

    fn element_size(&self) -> usize {
        0
    }
}

impl Map for Empty {
    fn len(&self) -> usize {
        0
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (ValueRef<'_>, ValueRef<'_>)> + '_> {
        Box::new(std::iter::empty())
    }

    fn get(&self, _: &Value) -> Option<ValueRef<'_>> {
        None
    }

    fn insert(&mut self, _: Value, value: Value) -> Result<(), ValueError> {
        Err(ValueError::new("nothing", &value))
    }

    fn insert_message(&mut self, key: Value) -> Result<&mut dyn Reflect, ValueError> {
        Err(ValueError::new("nothing", &key))
    }

    fn message_mut(&mut self, _: &Value) -> Option<&mut dyn Reflect> {
        None
    }

    fn remove(&mut self, _: &Value) -> bool {
        false
    }

    fn clear(&mut self) {}

    fn entry_size(&self) -> usize {
        0
    }
}
