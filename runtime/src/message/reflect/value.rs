//! Values of fields whose types are known only at run time, and how field types become them.

use std::fmt::{self, Display, Formatter};

use super::Reflect;
use super::list::ElementsMut;
use crate::message::{ByteString, Message};

/// A value of a field, borrowed from its message.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// `bool`.
    Bool(bool),
    /// `int32`, `sint32` or `sfixed32`.
    I32(i32),
    /// `int64`, `sint64` or `sfixed64`.
    I64(i64),
    /// `uint32` or `fixed32`.
    U32(u32),
    /// `uint64` or `fixed64`.
    U64(u64),
    /// `float`.
    F32(f32),
    /// `double`.
    F64(f64),
    /// `string`.
    String(&'a str),
    /// `string` that need not be UTF-8.
    ByteString(&'a [u8]),
    /// `bytes`.
    Bytes(&'a [u8]),
    /// The number of an enum.
    Enum(i32),
    /// A message or group.
    Message(&'a dyn Reflect),
}

/// A value that a field can be set to. Messages are not set but written to in place, through the
/// `message_mut` of their field.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `bool`.
    Bool(bool),
    /// `int32`, `sint32` or `sfixed32`.
    I32(i32),
    /// `int64`, `sint64` or `sfixed64`.
    I64(i64),
    /// `uint32` or `fixed32`.
    U32(u32),
    /// `uint64` or `fixed64`.
    U64(u64),
    /// `float`.
    F32(f32),
    /// `double`.
    F64(f64),
    /// `string`.
    String(String),
    /// `string` that need not be UTF-8.
    ByteString(ByteString),
    /// `bytes`.
    Bytes(Vec<u8>),
    /// The number of an enum.
    Enum(i32),
}

impl Value {
    /// The value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Self::Bool(value) => ValueRef::Bool(*value),
            Self::I32(value) => ValueRef::I32(*value),
            Self::I64(value) => ValueRef::I64(*value),
            Self::U32(value) => ValueRef::U32(*value),
            Self::U64(value) => ValueRef::U64(*value),
            Self::F32(value) => ValueRef::F32(*value),
            Self::F64(value) => ValueRef::F64(*value),
            Self::String(value) => ValueRef::String(value),
            Self::ByteString(value) => ValueRef::ByteString(value),
            Self::Bytes(value) => ValueRef::Bytes(value),
            Self::Enum(value) => ValueRef::Enum(*value),
        }
    }
}

impl ValueRef<'_> {
    /// The value with what it borrows copied; `None` for messages.
    pub fn to_value(self) -> Option<Value> {
        Some(match self {
            Self::Bool(value) => Value::Bool(value),
            Self::I32(value) => Value::I32(value),
            Self::I64(value) => Value::I64(value),
            Self::U32(value) => Value::U32(value),
            Self::U64(value) => Value::U64(value),
            Self::F32(value) => Value::F32(value),
            Self::F64(value) => Value::F64(value),
            Self::String(value) => Value::String(value.to_owned()),
            Self::ByteString(value) => Value::ByteString(value.into()),
            Self::Bytes(value) => Value::Bytes(value.to_vec()),
            Self::Enum(value) => Value::Enum(value),
            Self::Message(_) => return None,
        })
    }

    /// Whether it is zero, false or empty; -0.0 is not.
    pub(super) fn is_zero(self) -> bool {
        match self {
            Self::Bool(value) => !value,
            Self::I32(value) | Self::Enum(value) => value == 0,
            Self::I64(value) => value == 0,
            Self::U32(value) => value == 0,
            Self::U64(value) => value == 0,
            Self::F32(value) => value.to_bits() == 0,
            Self::F64(value) => value.to_bits() == 0,
            Self::String(value) => value.is_empty(),
            Self::ByteString(value) | Self::Bytes(value) => value.is_empty(),
            Self::Message(_) => false,
        }
    }
}

/// The elements of a repeated field as one slice.
#[doc(hidden)]
#[derive(Clone, Copy, Debug)]
pub enum Elements<'a> {
    Bool(&'a [bool]),
    I32(&'a [i32]),
    I64(&'a [i64]),
    U32(&'a [u32]),
    U64(&'a [u64]),
    F32(&'a [f32]),
    F64(&'a [f64]),
    String(&'a [String]),
    Bytes(&'a [Vec<u8>]),
    /// They are of another type, or not in one slice.
    Other,
}

/// A field refused a value: it is of another type, or no number of the closed enum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValueError {
    expected: &'static str,
    found: String,
}

impl ValueError {
    #[cold]
    pub(crate) fn new(expected: &'static str, found: &Value) -> Self {
        Self { expected, found: format!("{found:?}") }
    }

    /// The field holds a message, or does not.
    #[cold]
    pub(crate) fn shape(expected: &'static str, found: &'static str) -> Self {
        Self { expected, found: found.to_owned() }
    }
}

impl Display for ValueError {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "expected {}, found {}", self.expected, self.found)
    }
}

impl std::error::Error for ValueError {}

/// A Rust type that one value of a field can have.
pub trait Element: Default + Send + Sync + 'static {
    /// Whether it is a message.
    const IS_MESSAGE: bool = false;

    /// The value.
    fn value(&self) -> ValueRef<'_>;

    /// The element that holds `value`.
    ///
    /// # Errors
    ///
    /// If the value is of another type, or no number of the closed enum.
    fn from_value(value: Value) -> Result<Self, ValueError>;

    /// Whether a field without presence is unset when it holds this.
    fn is_default(&self) -> bool {
        false
    }

    /// The elements as a slice of their type.
    fn elements(slice: &[Self]) -> Elements<'_> {
        let _ = slice;
        Elements::Other
    }

    /// The message, where the element is one.
    fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        None
    }

    /// A message with no field set, where the element is one.
    fn new_message() -> Option<Self> {
        None
    }

    /// The elements by their type, where they are numbers or texts.
    fn elements_mut(_: &mut Vec<Self>) -> ElementsMut<'_> {
        ElementsMut::Other
    }
}

macro_rules! element {
    ($type:ty, $variant:ident, $expected:literal, $self:ident: $value:expr, $default:expr) => {
        impl Element for $type {
            fn value(&$self) -> ValueRef<'_> {
                ValueRef::$variant($value)
            }

            fn from_value(value: Value) -> Result<Self, ValueError> {
                match value {
                    Value::$variant(value) => Ok(value),
                    other => Err(ValueError::new($expected, &other)),
                }
            }

            fn is_default(&$self) -> bool {
                $default
            }

            fn elements(slice: &[Self]) -> Elements<'_> {
                Elements::$variant(slice)
            }

            fn elements_mut(list: &mut Vec<Self>) -> ElementsMut<'_> {
                ElementsMut::$variant(list)
            }
        }
    };
}

element!(bool, Bool, "bool", self: *self, !*self);
element!(i32, I32, "a signed 32-bit integer", self: *self, *self == 0);
element!(i64, I64, "a signed 64-bit integer", self: *self, *self == 0);
element!(u32, U32, "an unsigned 32-bit integer", self: *self, *self == 0);
element!(u64, U64, "an unsigned 64-bit integer", self: *self, *self == 0);
// -0.0 is not the default: bits are compared.
element!(f32, F32, "float", self: *self, self.to_bits() == 0);
element!(f64, F64, "double", self: *self, self.to_bits() == 0);
element!(String, String, "string", self: self, self.is_empty());
element!(Vec<u8>, Bytes, "bytes", self: self, self.is_empty());

impl Element for ByteString {
    fn value(&self) -> ValueRef<'_> {
        ValueRef::ByteString(self)
    }

    fn from_value(value: Value) -> Result<Self, ValueError> {
        match value {
            Value::ByteString(value) => Ok(value),
            Value::String(value) => Ok(value.into()),
            other => Err(ValueError::new("string", &other)),
        }
    }

    fn is_default(&self) -> bool {
        self.is_empty()
    }
}

impl<M: Message + Reflect> Element for M {
    const IS_MESSAGE: bool = true;

    fn value(&self) -> ValueRef<'_> {
        ValueRef::Message(self)
    }

    fn from_value(value: Value) -> Result<Self, ValueError> {
        Err(ValueError::new("a message", &value))
    }

    fn message_mut(&mut self) -> Option<&mut dyn Reflect> {
        Some(self)
    }

    fn new_message() -> Option<Self> {
        Some(Self::default())
    }
}
