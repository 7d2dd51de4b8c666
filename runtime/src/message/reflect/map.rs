//! Map fields by reflection.

use std::cmp::Ordering;

use super::Reflect;
use super::value::{Element, Value, ValueError, ValueRef};
use crate::message::map::Map as Entries;

/// A map field. Keys are never floats, enums, bytes or messages.
pub trait Map: Send + Sync {
    /// How many entries it has.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The entries in the order of their keys.
    fn iter(&self) -> Box<dyn Iterator<Item = (ValueRef<'_>, ValueRef<'_>)> + '_>;

    /// The value of the key; `None` if there is no such entry.
    fn get(&self, key: &Value) -> Option<ValueRef<'_>>;

    /// Inserts an entry whose value is no message, in place of the one with the same key.
    ///
    /// # Errors
    ///
    /// If key or value are of another type than the map's, or the value no number of its closed
    /// enum.
    fn insert(&mut self, key: Value, value: Value) -> Result<(), ValueError>;

    /// Inserts an empty message, in place of the entry with the same key, and gives it.
    ///
    /// # Errors
    ///
    /// If the key is of another type than the map's, or the values are no messages.
    fn insert_message(&mut self, key: Value) -> Result<&mut dyn Reflect, ValueError>;

    /// The message of the key, to write to; `None` if there is no such entry or the values are no
    /// messages.
    fn message_mut(&mut self, key: &Value) -> Option<&mut dyn Reflect>;

    /// Removes the entry of the key; whether there was one.
    fn remove(&mut self, key: &Value) -> bool;

    /// Removes all entries.
    fn clear(&mut self);

    /// Bytes that the map may allocate before it takes another entry: 0 while there is room for it.
    #[doc(hidden)]
    fn entry_cost(&self) -> usize;
}

impl<M> Map for M
where
    M: Entries<Key: Element, Value: Element>,
{
    fn len(&self) -> usize {
        self.entry_count()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (ValueRef<'_>, ValueRef<'_>)> + '_> {
        let mut entries = Vec::with_capacity(self.entry_count());
        for (key, value) in self.entries() {
            entries.push((key.value(), value.value()));
        }
        sorted(entries)
    }

    fn get(&self, key: &Value) -> Option<ValueRef<'_>> {
        self.find(&key_of(key)?).map(Element::value)
    }

    fn insert(&mut self, key: Value, value: Value) -> Result<(), ValueError> {
        if M::Value::IS_MESSAGE {
            return Err(ValueError::new("a message", &value));
        }
        let key = M::Key::from_value(key)?;
        self.put(key, M::Value::from_value(value)?);
        Ok(())
    }

    fn insert_message(&mut self, key: Value) -> Result<&mut dyn Reflect, ValueError> {
        if !M::Value::IS_MESSAGE {
            return Err(no_message());
        }
        let value = self.renew(M::Key::from_value(key)?, M::Value::default());
        value.message_mut().ok_or_else(no_message)
    }

    fn message_mut(&mut self, key: &Value) -> Option<&mut dyn Reflect> {
        if !M::Value::IS_MESSAGE {
            return None;
        }
        self.find_mut(&key_of(key)?).and_then(Element::message_mut)
    }

    fn remove(&mut self, key: &Value) -> bool {
        match key_of(key) {
            Some(key) => self.discard(&key),
            None => false,
        }
    }

    fn clear(&mut self) {
        self.discard_all();
    }

    fn entry_cost(&self) -> usize {
        Entries::entry_cost(self)
    }
}

/// The key, if it is of the map's type. Not inlined: it is the same for all maps with such keys.
#[inline(never)]
fn key_of<K: Element>(key: &Value) -> Option<K> {
    K::from_value(key.clone()).ok()
}

#[cold]
fn no_message() -> ValueError {
    ValueError::shape("a value that is no message", "a message")
}

/// The entries in the order of their keys.
fn sorted<'m>(
    mut entries: Vec<(ValueRef<'m>, ValueRef<'m>)>,
) -> Box<dyn Iterator<Item = (ValueRef<'m>, ValueRef<'m>)> + 'm> {
    entries.sort_unstable_by(|(one, _), (other, _)| order(*one, *other));
    Box::new(entries.into_iter())
}

/// The order of two keys of a map.
fn order(one: ValueRef<'_>, other: ValueRef<'_>) -> Ordering {
    match (one, other) {
        (ValueRef::String(one), ValueRef::String(other)) => one.cmp(other),
        (ValueRef::ByteString(one), ValueRef::ByteString(other)) => one.cmp(other),
        (ValueRef::Bool(one), ValueRef::Bool(other)) => one.cmp(&other),
        (ValueRef::I32(one), ValueRef::I32(other)) => one.cmp(&other),
        (ValueRef::I64(one), ValueRef::I64(other)) => one.cmp(&other),
        (ValueRef::U32(one), ValueRef::U32(other)) => one.cmp(&other),
        (ValueRef::U64(one), ValueRef::U64(other)) => one.cmp(&other),
        // Keys are of one type, and of no other than these.
        _ => Ordering::Equal,
    }
}
