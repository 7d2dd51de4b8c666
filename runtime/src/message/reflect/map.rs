//! Map fields by reflection.

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

    /// Bytes that the next entry takes in the map.
    #[doc(hidden)]
    fn entry_size(&self) -> usize;
}

impl<M> Map for M
where
    M: Entries<Key: Element, Value: Element>,
{
    fn len(&self) -> usize {
        self.entry_count()
    }

    fn iter(&self) -> Box<dyn Iterator<Item = (ValueRef<'_>, ValueRef<'_>)> + '_> {
        Box::new(self.sorted().map(|(key, value)| (key.value(), value.value())))
    }

    fn get(&self, key: &Value) -> Option<ValueRef<'_>> {
        let key = M::Key::from_value(key.clone()).ok()?;
        self.find(&key).map(Element::value)
    }

    fn insert(&mut self, key: Value, value: Value) -> Result<(), ValueError> {
        self.put(M::Key::from_value(key)?, M::Value::from_value(value)?);
        Ok(())
    }

    fn insert_message(&mut self, key: Value) -> Result<&mut dyn Reflect, ValueError> {
        let no_message = || ValueError::shape("a value that is no message", "a message");
        if M::Value::new_message().is_none() {
            return Err(no_message());
        }
        let value = self.renew(M::Key::from_value(key)?, M::Value::default);
        value.message_mut().ok_or_else(no_message)
    }

    fn message_mut(&mut self, key: &Value) -> Option<&mut dyn Reflect> {
        let key = M::Key::from_value(key.clone()).ok()?;
        self.find_mut(&key).and_then(Element::message_mut)
    }

    fn remove(&mut self, key: &Value) -> bool {
        M::Key::from_value(key.clone()).is_ok_and(|key| self.discard(&key))
    }

    fn clear(&mut self) {
        self.discard_all();
    }

    fn entry_size(&self) -> usize {
        self.entry_cost()
    }
}
