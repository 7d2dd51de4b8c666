//! Map fields of dynamic messages.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::field::{Owner, Slot};
use super::{DynamicMessage, element};
use crate::message::growth;
use crate::message::reflect::descriptor::FieldDescriptor;
use crate::message::reflect::value::{Value, ValueError, ValueRef};
use crate::message::reflect::{Map, Reflect};

/// A map field.
#[derive(Clone)]
pub(super) struct DynamicMap {
    /// Of the entry's fields.
    key: Owner,
    value: Owner,
    pub(super) entries: BTreeMap<Key, Slot>,
}

/// A key; all keys of a map are of one type.
#[derive(Clone, PartialEq)]
pub(super) struct Key(pub(super) Value);

impl DynamicMap {
    pub(super) fn new(field: FieldDescriptor<'_>) -> Self {
        let (key, value) = field.map_entry().expect("the field is a map");
        Self { key: Owner::of(key), value: Owner::of(value), entries: BTreeMap::new() }
    }
}

impl PartialEq for DynamicMap {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Map for DynamicMap {
    fn len(&self) -> usize {
        self.entries.len()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (ValueRef<'_>, ValueRef<'_>)> + '_> {
        let entries = self.entries.iter();
        Box::new(entries.filter_map(|(key, value)| Some((key.0.as_ref(), value_of(value)?))))
    }

    fn get(&self, key: &Value) -> Option<ValueRef<'_>> {
        let key = element::checked(self.key.field(), key.clone()).ok()?;
        self.entries.get(&Key(key)).and_then(value_of)
    }

    fn insert(&mut self, key: Value, value: Value) -> Result<(), ValueError> {
        let key = element::checked(self.key.field(), key)?;
        let value = element::checked(self.value.field(), value)?;
        self.entries.insert(Key(key), Slot::Value(value));
        Ok(())
    }

    fn insert_message(&mut self, key: Value) -> Result<&mut dyn Reflect, ValueError> {
        let no_message = || ValueError::shape("a value that is no message", "a message");
        let key = Key(element::checked(self.key.field(), key)?);
        let message = self.value.new_message().ok_or_else(no_message)?;
        let slot = Slot::Message(Box::new(message));
        self.entries.insert(key.clone(), slot);
        self.entries.get_mut(&key).and_then(Slot::message_mut).ok_or_else(no_message)
    }

    fn message_mut(&mut self, key: &Value) -> Option<&mut dyn Reflect> {
        let key = element::checked(self.key.field(), key.clone()).ok()?;
        self.entries.get_mut(&Key(key)).and_then(Slot::message_mut)
    }

    fn remove(&mut self, key: &Value) -> bool {
        let key = element::checked(self.key.field(), key.clone());
        key.is_ok_and(|key| self.entries.remove(&Key(key)).is_some())
    }

    fn clear(&mut self) {
        self.entries.clear();
    }

    fn entry_cost(&self) -> usize {
        let boxed =
            if self.value.field().message().is_some() { size_of::<DynamicMessage>() } else { 0 };
        growth::tree_cost(&self.entries) + boxed
    }
}

fn value_of(slot: &Slot) -> Option<ValueRef<'_>> {
    match slot {
        Slot::Value(value) => Some(value.as_ref()),
        Slot::Message(message) => Some(ValueRef::Message(&**message)),
        Slot::List(_) | Slot::Map(_) => None,
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
            (Value::I32(left), Value::I32(right)) => left.cmp(right),
            (Value::I64(left), Value::I64(right)) => left.cmp(right),
            (Value::U32(left), Value::U32(right)) => left.cmp(right),
            (Value::U64(left), Value::U64(right)) => left.cmp(right),
            (Value::String(left), Value::String(right)) => left.cmp(right),
            (Value::ByteString(left), Value::ByteString(right)) => left.cmp(right),
            (left, right) => unreachable!("one map has the keys {left:?} and {right:?}"),
        }
    }
}
