//! Maps: on the wire a repeated message of a key (1) and a value (2).
//!
//! A missing key or value is the default, the last of two equal keys wins, and other fields in an
//! entry are dropped. Entries are written in the order of their keys, so that equal messages have
//! equal bytes.

use std::collections::HashMap;
use std::hash::Hash;

use super::kind::Kind;
use super::reader::Reader;
use super::writer::Writer;
use super::{DecodeError, LENGTH_DELIMITED};

const KEY: u32 = 1;
const VALUE: u32 = 2;

impl Reader<'_> {
    /// Reads one entry of a map.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn map<K, V>(&mut self, map: &mut HashMap<K::Value, V::Value>) -> Result<(), DecodeError>
    where
        K: Kind<Value: Eq + Hash>,
        V: Kind,
    {
        self.charge(size_of::<(K::Value, V::Value)>() + V::HEAP_SIZE)?;
        let mut key = K::Value::default();
        let mut value = V::Value::default();
        let around = self.enter_nested()?;
        while let Some(tag) = self.next_tag()? {
            if tag == KEY << 3 | K::WIRE_TYPE {
                K::read(self, &mut key)?;
            } else if tag == VALUE << 3 | V::WIRE_TYPE {
                V::read(self, &mut value)?;
            } else {
                self.skip(tag)?;
            }
        }
        self.leave_nested(around);
        map.insert(key, value);
        Ok(())
    }
}

impl Writer {
    /// A map, in the order of its keys.
    pub fn map<K, V>(&mut self, number: u32, map: &HashMap<K::Value, V::Value>)
    where
        K: Kind<Value: Ord>,
        V: Kind,
    {
        let mut entries: Vec<_> = map.iter().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in entries.into_iter().rev() {
            let end = self.len();
            self.singular::<V>(VALUE, value);
            self.singular::<K>(KEY, key);
            self.length_since(end);
            self.tag(number, LENGTH_DELIMITED);
        }
    }
}
