//! Reflection: the fields of a message by their place in its descriptor.
//!
//! [`Reflect`] is one object-safe trait that generated messages and dynamic ones both have. All cold
//! paths (JSON, text format, field masks, generic tools) are written once, over `&dyn Reflect`.
//!
//! A field's index is its position in `DescriptorProto.field`; [`Reflect::descriptor`] tells what
//! stands there. Invariant: what [`Reflect::field`] and [`Reflect::field_mut`] give has the shape
//! that the descriptor says.

mod copy;
mod descriptor;
mod dynamic;
mod extensions;
mod file;
mod list;
mod macros;
mod map;
mod pool;
mod resolve;
#[cfg(feature = "bytes")]
mod shared_bytes;
mod singular;
// Their files are described in the text format.
#[cfg(test)]
#[cfg(all(feature = "json", feature = "text"))]
mod tests;
mod value;
mod wire;

use std::any::Any;
use std::fmt::Debug;
use std::ops::ControlFlow;

#[cfg(feature = "json")]
pub(in crate::message) use descriptor::JsonKey;
pub use descriptor::{
    Cardinality, DescriptorError, EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FieldKind,
    FileDescriptor, MessageDescriptor, MethodDescriptor, OneofDescriptor, ServiceDescriptor,
};
pub use dynamic::{DynamicExtension, DynamicMessage};
pub use list::List;
pub use map::Map;
pub use pool::DescriptorPool;
pub use singular::{FieldMut, FieldRef, SingularMut};
pub use value::{Value, ValueError, ValueRef};

pub(super) use copy::{field_mut, merge_field};
pub(super) use extensions::check_extensions;
pub(super) use extensions::{extension_fields, set_extension};
pub(super) use resolve::Resolver;
#[cfg(feature = "json")]
pub(super) use {list::ElementsMut, value::Elements};

use super::{Enumeration, UnknownFields};

/// What the reflection of generated code uses.
pub(crate) mod generated {
    pub use super::singular::{
        Oneof, implicit, implicit_mut, map, map_mut, member, member_mut, message, message_mut,
        optional, optional_mut, repeated, repeated_mut, singular,
    };
    pub use super::value::{Element, Value, ValueError, ValueRef};
    pub use super::{Fields, SetVisitor, enumeration, no_field};
}

/// The enum that `value` names by its number. For generated code.
///
/// # Errors
///
/// If the value is no enum's, or the number none of the closed enum.
pub fn enumeration<E: Enumeration>(value: Value) -> Result<E, ValueError> {
    match value {
        Value::Enum(number) => {
            E::from_number(number).ok_or_else(|| ValueError::new(E::FULL_NAME, &value))
        }
        other => Err(ValueError::new(E::FULL_NAME, &other)),
    }
}

/// For generated code: the index is of no field.
///
/// # Panics
///
/// Always.
#[cold]
pub fn no_field(index: usize) -> ! {
    panic!("the message has no field {index}")
}

/// A message whose fields can be reached without knowing its type.
///
/// Generated messages implement it unless the generator's option `descriptor=no` is given, and so
/// do dynamic ones.
///
/// # Examples
///
/// ```
/// use rust_grpc::message::{FieldRef, Reflect, ValueRef};
/// use rust_grpc::well_known::Timestamp;
///
/// let message: &dyn Reflect = &Timestamp { seconds: 7, ..Default::default() };
/// let field = message.descriptor().field_by_name("seconds").expect("it has one");
/// assert!(matches!(message.field(field.index()), FieldRef::Singular(ValueRef::I64(7))));
/// ```
pub trait Reflect: Any + Debug + Send + Sync {
    /// What the message is.
    fn descriptor(&self) -> MessageDescriptor<'_>;

    /// The field at this position of the descriptor's fields.
    ///
    /// # Panics
    ///
    /// If the descriptor has no such field.
    fn field(&self, index: usize) -> FieldRef<'_>;

    /// The field at this position of the descriptor's fields, to write to. Asking for it changes
    /// nothing.
    ///
    /// # Panics
    ///
    /// If the descriptor has no such field.
    fn field_mut(&mut self, index: usize) -> FieldMut<'_>;

    /// The fields that the message does not know, extensions among them.
    fn unknown_fields(&self) -> &UnknownFields;

    /// The fields that the message does not know, extensions among them, to write to.
    fn unknown_fields_mut(&mut self) -> &mut UnknownFields;

    /// Gives the fields that are set and their positions to `visit`, in the order of the descriptor,
    /// until it breaks off.
    #[doc(hidden)]
    fn visit_set(&self, visit: &mut SetVisitor<'_>) -> ControlFlow<()> {
        visit_each(self.descriptor().fields().len(), |index| self.field(index), visit)
    }

    /// Bytes that the message takes before anything is in it.
    #[doc(hidden)]
    fn instance_size(&self) -> usize {
        size_of_val(self)
    }

    /// Bytes that the message allocates before it has another field, at this position, besides what
    /// the field allocates; `None` where all fields are a part of the message.
    #[doc(hidden)]
    fn slot_cost(&self, index: usize) -> Option<usize> {
        let _ = index;
        None
    }
}

/// What [`Reflect::visit_set`] calls.
#[doc(hidden)]
pub type SetVisitor<'v> = dyn FnMut(usize, FieldRef<'_>) -> ControlFlow<()> + 'v;

/// Gives those of `count` fields to `visit` that are set.
fn visit_each<'m>(
    count: usize,
    field: impl Fn(usize) -> FieldRef<'m>,
    visit: &mut SetVisitor<'_>,
) -> ControlFlow<()> {
    for index in 0..count {
        let field = field(index);
        if field.is_set() {
            visit(index, field)?;
        }
    }
    ControlFlow::Continue(())
}

/// What a message of this crate or of generated code says of itself, method by method what [`Reflect`]
/// asks.
///
/// [`Reflect`] is implemented over it by one generic impl, and generated methods are `#[inline]`, so
/// that a crate of messages compiles them for none and a program for those it reflects on.
#[doc(hidden)]
pub trait Fields: Any + Debug + Send + Sync {
    fn descriptor(&self) -> MessageDescriptor<'_>;
    fn field(&self, index: usize) -> FieldRef<'_>;
    fn field_mut(&mut self, index: usize) -> FieldMut<'_>;
    fn unknown_fields(&self) -> &UnknownFields;
    fn unknown_fields_mut(&mut self) -> &mut UnknownFields;

    #[inline]
    fn visit_set(&self, visit: &mut SetVisitor<'_>) -> ControlFlow<()> {
        visit_each(self.descriptor().fields().len(), |index| self.field(index), visit)
    }

    #[inline]
    fn instance_size(&self) -> usize {
        size_of_val(self)
    }

    #[inline]
    fn slot_cost(&self, _index: usize) -> Option<usize> {
        None
    }
}

impl<M: Fields> Reflect for M {
    fn descriptor(&self) -> MessageDescriptor<'_> {
        Fields::descriptor(self)
    }

    fn field(&self, index: usize) -> FieldRef<'_> {
        Fields::field(self, index)
    }

    fn field_mut(&mut self, index: usize) -> FieldMut<'_> {
        Fields::field_mut(self, index)
    }

    fn unknown_fields(&self) -> &UnknownFields {
        Fields::unknown_fields(self)
    }

    fn unknown_fields_mut(&mut self) -> &mut UnknownFields {
        Fields::unknown_fields_mut(self)
    }

    fn visit_set(&self, visit: &mut SetVisitor<'_>) -> ControlFlow<()> {
        Fields::visit_set(self, visit)
    }

    fn instance_size(&self) -> usize {
        Fields::instance_size(self)
    }

    fn slot_cost(&self, index: usize) -> Option<usize> {
        Fields::slot_cost(self, index)
    }
}

impl<M: Fields> Fields for Box<M> {
    #[inline]
    fn descriptor(&self) -> MessageDescriptor<'_> {
        Fields::descriptor(&**self)
    }

    #[inline]
    fn field(&self, index: usize) -> FieldRef<'_> {
        Fields::field(&**self, index)
    }

    #[inline]
    fn field_mut(&mut self, index: usize) -> FieldMut<'_> {
        Fields::field_mut(&mut **self, index)
    }

    #[inline]
    fn unknown_fields(&self) -> &UnknownFields {
        Fields::unknown_fields(&**self)
    }

    #[inline]
    fn unknown_fields_mut(&mut self) -> &mut UnknownFields {
        Fields::unknown_fields_mut(&mut **self)
    }

    #[inline]
    fn visit_set(&self, visit: &mut SetVisitor<'_>) -> ControlFlow<()> {
        Fields::visit_set(&**self, visit)
    }

    #[inline]
    fn instance_size(&self) -> usize {
        Fields::instance_size(&**self)
    }

    #[inline]
    fn slot_cost(&self, index: usize) -> Option<usize> {
        Fields::slot_cost(&**self, index)
    }
}
