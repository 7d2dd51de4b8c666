//! Repeated fields by reflection.

use super::Reflect;
use super::value::{Element, Elements, Value, ValueError, ValueRef};
use crate::message::growth;

/// A repeated field.
pub trait List: Send + Sync {
    /// How many elements it has.
    fn len(&self) -> usize;

    /// Whether it has none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The element at `index`, if there are so many.
    fn get(&self, index: usize) -> Option<ValueRef<'_>>;

    /// The message at `index`, to write to; `None` if the elements are no messages or there are not
    /// so many.
    fn message_mut(&mut self, index: usize) -> Option<&mut dyn Reflect>;

    /// Replaces the element at `index`.
    ///
    /// # Errors
    ///
    /// If the value is of another type than the elements, or no number of their closed enum.
    ///
    /// # Panics
    ///
    /// If there are not so many elements.
    fn set(&mut self, index: usize, value: Value) -> Result<(), ValueError>;

    /// Appends an element that is no message.
    ///
    /// # Errors
    ///
    /// If the value is of another type than the elements, or no number of their closed enum.
    fn push(&mut self, value: Value) -> Result<(), ValueError>;

    /// Appends an empty message and gives it; `None` if the elements are no messages.
    fn push_message(&mut self) -> Option<&mut dyn Reflect>;

    /// Removes the elements from `len` on.
    fn truncate(&mut self, len: usize);

    /// Removes all elements.
    fn clear(&mut self) {
        self.truncate(0);
    }

    /// Bytes that the list allocates before it takes another element: 0 while there is room for it.
    #[doc(hidden)]
    fn element_cost(&self) -> usize;

    /// All elements at once, where they are in one slice of a known type.
    #[doc(hidden)]
    fn elements(&self) -> Elements<'_> {
        Elements::Other
    }

    /// The elements as they lie in memory, where they are numbers or texts.
    #[doc(hidden)]
    fn elements_mut(&mut self) -> ElementsMut<'_> {
        ElementsMut::Other
    }
}

/// The elements of a repeated field by their Rust type, so that many take one call.
pub enum ElementsMut<'a> {
    /// `bool`.
    Bool(&'a mut Vec<bool>),
    /// `int32`, `sint32` or `sfixed32`.
    I32(&'a mut Vec<i32>),
    /// `int64`, `sint64` or `sfixed64`.
    I64(&'a mut Vec<i64>),
    /// `uint32` or `fixed32`.
    U32(&'a mut Vec<u32>),
    /// `uint64` or `fixed64`.
    U64(&'a mut Vec<u64>),
    /// `float`.
    F32(&'a mut Vec<f32>),
    /// `double`.
    F64(&'a mut Vec<f64>),
    /// `string`.
    String(&'a mut Vec<String>),
    /// `bytes`.
    Bytes(&'a mut Vec<Vec<u8>>),
    /// All others.
    Other,
}

impl<T: Element> List for Vec<T> {
    fn len(&self) -> usize {
        self.len()
    }

    fn get(&self, index: usize) -> Option<ValueRef<'_>> {
        self.as_slice().get(index).map(Element::value)
    }

    fn message_mut(&mut self, index: usize) -> Option<&mut dyn Reflect> {
        if !T::IS_MESSAGE {
            return None;
        }
        self.get_mut(index).and_then(Element::message_mut)
    }

    fn set(&mut self, index: usize, value: Value) -> Result<(), ValueError> {
        if T::IS_MESSAGE {
            return Err(ValueError::new("a message", &value));
        }
        self[index] = T::from_value(value)?;
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), ValueError> {
        if T::IS_MESSAGE {
            return Err(ValueError::new("a message", &value));
        }
        growth::grow(self, 1);
        self.push(T::from_value(value)?);
        Ok(())
    }

    fn push_message(&mut self) -> Option<&mut dyn Reflect> {
        if !T::IS_MESSAGE {
            return None;
        }
        growth::grow(self, 1);
        self.push(T::default());
        self.last_mut().and_then(Element::message_mut)
    }

    fn truncate(&mut self, len: usize) {
        self.truncate(len);
    }

    fn element_cost(&self) -> usize {
        growth::cost(self, 1)
    }

    fn elements(&self) -> Elements<'_> {
        T::elements(self)
    }

    fn elements_mut(&mut self) -> ElementsMut<'_> {
        T::elements_mut(self)
    }
}

impl<'a> dyn List + 'a {
    /// The elements in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = ValueRef<'_>> + DoubleEndedIterator {
        (0..self.len()).map(|index| self.get(index).expect("index is below the length"))
    }
}
