//! Fields of the feature `bytes`, by reflection.

use bytes::Bytes;

use super::value::{Element, Value, ValueError, ValueRef};

impl Element for Bytes {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Bytes(self)
    }

    fn from_value(value: Value) -> Result<Self, ValueError> {
        Vec::from_value(value).map(Self::from)
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}
