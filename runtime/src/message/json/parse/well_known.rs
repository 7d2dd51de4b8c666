//! The messages that have a JSON form of their own.

use std::borrow::Cow;

use super::{Parser, Seen};
use crate::message::conversions::time_syntax;
use crate::message::json::JsonError;
use crate::message::json::lexer::Token;
use crate::message::json::well_known::{self, WellKnown, snake_path};
use crate::message::{
    DynamicMessage, FieldDescriptor, FieldMut, MessageDescriptor, Reflect, Value,
};

impl<'a> Parser<'a, '_> {
    pub(super) fn well_known(
        &mut self,
        kind: WellKnown,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        token: Token<'a>,
    ) -> Result<(), JsonError> {
        match kind {
            WellKnown::Any => self.any(descriptor, message, &token),
            WellKnown::Timestamp | WellKnown::Duration => {
                let (expected, parse): (_, fn(&str) -> _) = match kind {
                    WellKnown::Timestamp => (time_syntax::TIMESTAMP, time_syntax::parse_timestamp),
                    _ => (time_syntax::DURATION, time_syntax::parse_duration),
                };
                let parsed = parse(self.string(&token, expected)?);
                let (seconds, nanos) = parsed.ok_or_else(|| self.lexer.refuse(expected, &token))?;
                self.set(descriptor, message, 1, Value::I64(seconds))?;
                self.set(descriptor, message, 2, Value::I32(nanos))
            }
            WellKnown::FieldMask => self.field_mask(descriptor, message, &token),
            WellKnown::Value => self.any_value(descriptor, message, token),
            WellKnown::Struct | WellKnown::ListValue => {
                self.number(descriptor, message, 1)?.1.clear();
                match self.number(descriptor, message, 1)? {
                    (field, FieldMut::Repeated(list)) => self.list(&field, list, &token),
                    (field, FieldMut::Map(map)) => self.map(&field, map, &token),
                    (_, FieldMut::Singular(_)) => Err(self.malformed(&descriptor)),
                }
            }
            WellKnown::Wrapper => {
                let (field, _) = self.number(descriptor, message, 1)?;
                match self.scalar(&field, &token)? {
                    Some(value) => self.set(descriptor, message, 1, value),
                    None => Ok(()),
                }
            }
        }
    }

    /// `google.protobuf.Any`: the message in it, with the URL of its type at any place among the
    /// members.
    fn any(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        token: &Token<'a>,
    ) -> Result<(), JsonError> {
        self.expect_object(token, descriptor)?;
        let (url, bytes) = match self.find_type()? {
            Some(url) => {
                let bytes = self.packed(&url)?;
                (url.into_owned(), bytes)
            }
            None => {
                if self.next_name()?.is_some() {
                    return Err(self.lexer.error("\"@type\" in an Any", "no such name"));
                }
                (String::new(), Vec::new())
            }
        };
        self.lexer.charge(url.capacity() + bytes.capacity())?;
        self.set(descriptor, message, 1, Value::String(url))?;
        self.set(descriptor, message, 2, Value::Bytes(bytes))
    }

    /// Looks ahead for the URL of the type in the object that is open.
    fn find_type(&self) -> Result<Option<Cow<'a, str>>, JsonError> {
        let mut ahead = Self { lexer: self.lexer.clone(), ..*self };
        while let Some(name) = ahead.next_name()? {
            let token = ahead.lexer.next()?;
            match token {
                Token::String(url) if name == TYPE => return Ok(Some(url)),
                token if name == TYPE => return Err(ahead.lexer.refuse("a string", &token)),
                token => ahead.lexer.skip(&token)?,
            }
        }
        Ok(None)
    }

    /// The encoded message in an Any of this type, from the members of the object that is open.
    fn packed(&mut self, url: &str) -> Result<Vec<u8>, JsonError> {
        let Some(descriptor) = well_known::type_of(url, &self.resolver) else {
            let got = Token::String(url.into());
            return Err(self.lexer.refuse(well_known::KNOWN_TYPE, &got));
        };
        let mut message = DynamicMessage::new(descriptor);
        let is_well_known = WellKnown::of(&descriptor).is_some();
        let (mut types, mut values) = (0, 0);
        let mut seen = Seen { has_slots: true, ..Seen::default() };
        // What has a form of its own is a message of its own below.
        if !is_well_known {
            self.enter()?;
        }
        while let Some(name) = self.next_name()? {
            match &*name {
                TYPE => {
                    types += 1;
                    if types > 1 {
                        return Err(self.lexer.refuse("each name once", &Token::Name(name)));
                    }
                    self.lexer.next()?;
                }
                "value" if is_well_known => {
                    values += 1;
                    if values > 1 {
                        return Err(self.lexer.refuse("each name once", &Token::Name(name)));
                    }
                    let token = self.lexer.next()?;
                    self.message(descriptor, &mut message, token)?;
                }
                name if is_well_known => self.unknown_member(descriptor, name)?,
                name => self.member(descriptor, &mut message, name, &mut seen)?,
            }
        }
        if !is_well_known {
            self.depth -= 1;
        }
        if is_well_known && values == 0 {
            let expected = format!("\"value\" with a {}", descriptor.full_name());
            return Err(self.lexer.error(expected, "no such name"));
        }
        message.encode_to_vec().map_err(|error| {
            let (expected, got) = error.expected_and_got();
            self.lexer.error(expected, got)
        })
    }

    fn field_mask(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        token: &Token<'a>,
    ) -> Result<(), JsonError> {
        let expected = "paths in lowerCamelCase between commas";
        let text = self.string(token, expected)?;
        let (_, FieldMut::Repeated(paths)) = self.number(descriptor, message, 1)? else {
            return Err(self.malformed(&descriptor));
        };
        paths.clear();
        for camel in text.split(',').filter(|_| !text.is_empty()) {
            let path = snake_path(camel).ok_or_else(|| self.lexer.refuse(expected, token))?;
            self.lexer.charge(paths.element_cost() + path.capacity())?;
            let pushed = paths.push(Value::String(path));
            pushed.map_err(|_| self.malformed(&descriptor))?;
        }
        Ok(())
    }

    fn any_value(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        token: Token<'a>,
    ) -> Result<(), JsonError> {
        let number = match &token {
            Token::Null => return self.set(descriptor, message, 1, Value::Enum(0)),
            Token::Bool(value) => return self.set(descriptor, message, 4, Value::Bool(*value)),
            Token::Number(_) => 2,
            Token::String(_) => 3,
            Token::ObjectBegin => 5,
            Token::ArrayBegin => 6,
            token => return Err(self.lexer.refuse("a value", token)),
        };
        let (field, slot) = self.number(descriptor, message, number)?;
        match (field.message(), slot) {
            (Some(inner), FieldMut::Singular(slot)) => match slot.message_mut() {
                Some(message) => {
                    self.lexer.charge(message.instance_size())?;
                    self.message(inner, message, token)
                }
                None => Err(self.malformed(&descriptor)),
            },
            (None, FieldMut::Singular(_)) => match self.scalar(&field, &token)? {
                Some(value) => self.set(descriptor, message, number, value),
                None => Ok(()),
            },
            _ => Err(self.malformed(&descriptor)),
        }
    }

    /// The field of this number in a well-known message.
    fn number<'d, 'm>(
        &mut self,
        descriptor: MessageDescriptor<'d>,
        message: &'m mut dyn Reflect,
        number: u32,
    ) -> Result<(FieldDescriptor<'d>, FieldMut<'m>), JsonError> {
        let field = descriptor.field_by_number(number);
        let field = field.ok_or_else(|| self.malformed(&descriptor))?;
        self.lexer.charge(message.slot_cost(field.index()).unwrap_or_default())?;
        Ok((field, message.field_mut(field.index())))
    }

    fn set(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        number: u32,
        value: Value,
    ) -> Result<(), JsonError> {
        match self.number(descriptor, message, number)? {
            (_, FieldMut::Singular(mut slot)) => {
                slot.set(value).map_err(|_| self.malformed(&descriptor))
            }
            _ => Err(self.malformed(&descriptor)),
        }
    }
}

/// The name under which an Any has the URL of its type.
const TYPE: &str = "@type";
