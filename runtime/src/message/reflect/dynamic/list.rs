//! Repeated fields of dynamic messages.

use super::field::Owner;
use super::{DynamicMessage, element};
use crate::message::growth;
use crate::message::reflect::descriptor::FieldDescriptor;
use crate::message::reflect::value::{Value, ValueError, ValueRef};
use crate::message::reflect::{List, Reflect};

/// A repeated field.
#[derive(Clone)]
pub(super) struct DynamicList {
    owner: Owner,
    pub(super) elements: Elements,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Elements {
    Values(Vec<Value>),
    Messages(Vec<DynamicMessage>),
}

impl DynamicList {
    pub(super) fn new(field: FieldDescriptor<'_>) -> Self {
        let elements = match field.message() {
            None => Elements::Values(Vec::new()),
            Some(_) => Elements::Messages(Vec::new()),
        };
        Self { owner: Owner::of(field), elements }
    }
}

impl PartialEq for DynamicList {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

impl List for DynamicList {
    fn len(&self) -> usize {
        match &self.elements {
            Elements::Values(values) => values.len(),
            Elements::Messages(messages) => messages.len(),
        }
    }

    fn get(&self, index: usize) -> Option<ValueRef<'_>> {
        match &self.elements {
            Elements::Values(values) => values.get(index).map(Value::as_ref),
            Elements::Messages(messages) => {
                messages.get(index).map(|message| ValueRef::Message(message))
            }
        }
    }

    fn message_mut(&mut self, index: usize) -> Option<&mut dyn Reflect> {
        match &mut self.elements {
            Elements::Values(_) => None,
            Elements::Messages(messages) => Some(messages.get_mut(index)?),
        }
    }

    fn set(&mut self, index: usize, value: Value) -> Result<(), ValueError> {
        let value = element::checked(self.owner.field(), value)?;
        if let Elements::Values(values) = &mut self.elements {
            values[index] = value;
        }
        Ok(())
    }

    fn push(&mut self, value: Value) -> Result<(), ValueError> {
        let value = element::checked(self.owner.field(), value)?;
        if let Elements::Values(values) = &mut self.elements {
            growth::grow(values, 1);
            values.push(value);
        }
        Ok(())
    }

    fn push_message(&mut self) -> Option<&mut dyn Reflect> {
        match &mut self.elements {
            Elements::Values(_) => None,
            Elements::Messages(messages) => {
                growth::grow(messages, 1);
                messages.push(self.owner.new_message()?);
                Some(messages.last_mut()?)
            }
        }
    }

    fn truncate(&mut self, len: usize) {
        match &mut self.elements {
            Elements::Values(values) => values.truncate(len),
            Elements::Messages(messages) => messages.truncate(len),
        }
    }

    fn element_cost(&self) -> usize {
        match &self.elements {
            Elements::Values(values) => growth::cost(values, 1),
            Elements::Messages(messages) => growth::cost(messages, 1),
        }
    }
}
