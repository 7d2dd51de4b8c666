//! Values as texts have them most often, read without a token in between.
//!
//! Invariant: what is not read so is left as it is, for the token that begins there.

use super::{Parser, Seen};
use crate::message::json::decimal::{FromDecimal, FromDigits};
use crate::message::json::lexer::{Lexer, Token};
use crate::message::json::well_known::WellKnown;
use crate::message::json::{JsonError, base64};
use crate::message::reflect::ElementsMut;
use crate::message::{
    FieldDescriptor, FieldKind, List, Map, MessageDescriptor, SingularMut, Value, growth,
};

/// Where a value goes that is no message.
pub(super) trait Target {
    /// Puts the value, which is of the type of `field`, there.
    fn put(
        self,
        parser: &Parser<'_, '_>,
        field: &FieldDescriptor<'_>,
        value: Value,
    ) -> Result<(), JsonError>;
}

/// A singular field.
pub(super) struct SingularTarget<'t, 'm> {
    pub(super) slot: &'t mut SingularMut<'m>,
    pub(super) seen: &'t mut Seen,
}

impl Target for SingularTarget<'_, '_> {
    #[inline(always)]
    fn put(
        self,
        parser: &Parser<'_, '_>,
        field: &FieldDescriptor<'_>,
        value: Value,
    ) -> Result<(), JsonError> {
        parser.check_oneof(field, self.seen)?;
        self.slot.set(value).map_err(|error| parser.misfit(field, &error))
    }
}

/// An entry of a map; the key is taken with the value.
pub(super) struct EntryTarget<'t> {
    pub(super) map: &'t mut dyn Map,
    pub(super) key: &'t mut Option<Value>,
}

impl Target for EntryTarget<'_> {
    #[inline(always)]
    fn put(
        self,
        parser: &Parser<'_, '_>,
        field: &FieldDescriptor<'_>,
        value: Value,
    ) -> Result<(), JsonError> {
        match self.key.take() {
            Some(key) => self.map.insert(key, value).map_err(|error| parser.misfit(field, &error)),
            None => Ok(()),
        }
    }
}

impl<'a> Parser<'a, '_> {
    /// The field of the next member, if it is one of the few from the one at `index` on.
    #[inline]
    pub(super) fn next_field<'d>(
        &mut self,
        descriptor: MessageDescriptor<'d>,
        index: usize,
    ) -> Option<FieldDescriptor<'d>> {
        let (field, length) = descriptor.field_ahead(self.lexer.member_ahead()?, index)?;
        self.lexer.take_key(length);
        Some(field)
    }

    /// Puts a value that is no message into `target`; whether it did, for otherwise the next token is to
    /// be asked.
    #[inline(always)]
    pub(super) fn quick_scalar(
        &mut self,
        field: &FieldDescriptor<'_>,
        target: impl Target,
    ) -> Result<bool, JsonError> {
        /// The value is made where it is put: copies of one that was just written are slow.
        macro_rules! put {
            ($variant:ident, $read:expr) => {
                match $read {
                    Some(value) => target.put(self, field, Value::$variant(value))?,
                    None => return Ok(false),
                }
            };
        }
        match field.kind() {
            FieldKind::Bool => put!(Bool, self.lexer.quick_bool()),
            FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => {
                put!(I32, self.lexer.quick_integer());
            }
            FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
                put!(I64, self.lexer.quick_integer());
            }
            FieldKind::Uint32 | FieldKind::Fixed32 => put!(U32, self.lexer.quick_integer()),
            FieldKind::Uint64 | FieldKind::Fixed64 => put!(U64, self.lexer.quick_integer()),
            FieldKind::Float => put!(F32, self.lexer.quick_float()),
            FieldKind::Double => put!(F64, self.lexer.quick_float()),
            FieldKind::String => put!(String, self.quick_string()?),
            FieldKind::Bytes => put!(Bytes, self.quick_bytes()?),
            FieldKind::Enum => put!(Enum, self.quick_enumeration(field)),
            FieldKind::Message | FieldKind::Group => return Ok(false),
        }
        Ok(true)
    }

    /// The beginning of a message that has no form of its own.
    #[inline]
    pub(super) fn quick_message(&mut self, of: &MessageDescriptor<'_>) -> bool {
        WellKnown::of(of).is_none() && self.lexer.quick_object()
    }

    fn quick_string(&mut self) -> Result<Option<String>, JsonError> {
        let Some(text) = self.lexer.quick_string() else { return Ok(None) };
        self.lexer.charge(text.len())?;
        Ok(Some(text.to_owned()))
    }

    fn quick_bytes(&mut self) -> Result<Option<Vec<u8>>, JsonError> {
        let Some(text) = self.lexer.quick_string() else { return Ok(None) };
        self.bytes(text).map(Some)
    }

    /// The bytes that the last token says in base64.
    pub(super) fn bytes(&mut self, text: &str) -> Result<Vec<u8>, JsonError> {
        self.lexer.charge(text.len())?;
        base64::decode(text)
            .ok_or_else(|| self.lexer.refuse("a string of base64", &Token::String(text.into())))
    }

    fn quick_enumeration(&mut self, field: &FieldDescriptor<'_>) -> Option<i32> {
        let of = field.enumeration()?;
        self.lexer.quick_string_if(|name| of.value_by_json_name(name)).map(|value| value.number())
    }

    /// Elements that are messages of no form of their own, as far as they are objects. The first
    /// one is that at `index` of the array.
    pub(super) fn quick_messages(
        &mut self,
        field: &FieldDescriptor<'_>,
        of: MessageDescriptor<'_>,
        list: &mut dyn List,
        mut index: usize,
    ) -> Result<(), JsonError> {
        while self.quick_message(&of) {
            let charged = self.lexer.charge(list.element_cost());
            let read = charged.and_then(|()| match list.push_message() {
                Some(message) => self.object(of, message),
                None => Err(self.malformed(&field.containing_message())),
            });
            read.map_err(|error| error.in_element(index))?;
            index += 1;
        }
        Ok(())
    }

    /// Elements that are numbers or texts, as far as each one is written as usual. An error is of
    /// the element that would have been the next.
    pub(super) fn quick_elements(&mut self, list: &mut dyn List) -> Result<(), JsonError> {
        match list.elements_mut() {
            ElementsMut::Bool(list) => self.each(list, Lexer::quick_bool),
            ElementsMut::I32(list) => self.integers(list),
            ElementsMut::I64(list) => self.integers(list),
            ElementsMut::U32(list) => self.integers(list),
            ElementsMut::U64(list) => self.integers(list),
            ElementsMut::F32(list) => self.floats(list),
            ElementsMut::F64(list) => self.floats(list),
            ElementsMut::String(list) => {
                while let Some(text) = self.lexer.quick_string() {
                    self.make_room(list)?;
                    self.lexer.charge(text.len())?;
                    list.push(text.to_owned());
                }
                Ok(())
            }
            ElementsMut::Bytes(list) => {
                while let Some(text) = self.lexer.quick_string() {
                    self.make_room(list)?;
                    list.push(self.bytes(text)?);
                }
                Ok(())
            }
            ElementsMut::Other => Ok(()),
        }
    }

    fn integers<I: FromDigits>(&mut self, list: &mut Vec<I>) -> Result<(), JsonError> {
        self.each(list, Lexer::quick_integer)
    }

    fn floats<F: FromDecimal>(&mut self, list: &mut Vec<F>) -> Result<(), JsonError> {
        self.each(list, Lexer::quick_float)
    }

    #[inline(always)]
    fn each<T>(
        &mut self,
        list: &mut Vec<T>,
        read: impl Fn(&mut Lexer<'a>) -> Option<T>,
    ) -> Result<(), JsonError> {
        while let Some(value) = read(&mut self.lexer) {
            self.make_room(list)?;
            list.push(value);
        }
        Ok(())
    }

    /// Makes room for another element.
    #[inline(always)]
    fn make_room<T>(&mut self, list: &mut Vec<T>) -> Result<(), JsonError> {
        if list.len() == list.capacity() {
            self.lexer.charge(growth::cost(list, 1))?;
            growth::grow(list, 1);
        }
        Ok(())
    }
}
