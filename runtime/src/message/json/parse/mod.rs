//! JSON text to messages, by reflection.
//!
//! Invariants: recursion goes one level down for one object or array at least, and the lexer counts
//! those. Messages and map entries are counted as binary decoding counts them, so that what is parsed
//! can be encoded, decoded and printed. What is allocated is charged to the lexer's budget.

mod scalar;
mod well_known;

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::JsonError;
use super::lexer::{Lexer, Token};
use super::options::{JsonParseOptions, Unknown};
use super::well_known::WellKnown;
use crate::limits;
use crate::message::reflect::{DynamicExtension, Resolver, set_extension};
use crate::message::{
    FieldDescriptor, FieldMut, List, Map, MessageDescriptor, Reflect, Value, ValueError,
};

/// Parses `text` into `message`, which has this descriptor.
pub(super) fn merge(
    text: &str,
    descriptor: MessageDescriptor<'_>,
    message: &mut dyn Reflect,
    options: &JsonParseOptions<'_>,
) -> Result<(), JsonError> {
    let lexer = Lexer::new(text, options.depth, options.memory(text));
    let resolver = Resolver::new(options.pool, descriptor.file());
    let mut parser = Parser { options, resolver, lexer, depth: 0 };
    let parsed = parser.text(descriptor, message);
    parsed.map_err(|error| error.within(descriptor.full_name()))
}

struct Parser<'a, 'o> {
    options: &'o JsonParseOptions<'o>,
    resolver: Resolver<'o>,
    lexer: Lexer<'a>,
    /// Messages and map entries that are open.
    depth: u32,
}

impl<'a, 'o> Parser<'a, 'o> {
    fn text(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
    ) -> Result<(), JsonError> {
        let token = self.lexer.next()?;
        self.message(descriptor, message, token)?;
        match self.lexer.next()? {
            Token::End => Ok(()),
            token => Err(self.lexer.refuse("the end of the text", &token)),
        }
    }

    /// A message whose value begins with `token`.
    fn message(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        token: Token<'a>,
    ) -> Result<(), JsonError> {
        self.lexer.charge(message.instance_size())?;
        self.enter()?;
        match WellKnown::of(&descriptor) {
            Some(kind) => self.well_known(kind, descriptor, message, token)?,
            None => {
                self.expect_object(&token, descriptor)?;
                self.members(descriptor, message)?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Opens a message or map entry. An error leaves the depth as it is, and ends the parser.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth > limits::MESSAGE_DEPTH_MAX {
            let limit = limits::MESSAGE_DEPTH_MAX;
            return Err(self
                .lexer
                .error(format!("at most {limit} levels of nested messages"), "more"));
        }
        self.depth += 1;
        Ok(())
    }

    fn expect_object(
        &self,
        token: &Token<'a>,
        descriptor: MessageDescriptor<'_>,
    ) -> Result<(), JsonError> {
        match token {
            Token::ObjectBegin => Ok(()),
            token => {
                Err(self.lexer.refuse(format!("an object of {}", descriptor.full_name()), token))
            }
        }
    }

    /// The members of an object that is open, up to its end.
    fn members(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
    ) -> Result<(), JsonError> {
        let mut seen = Seen::default();
        while let Some(name) = self.next_name()? {
            self.member(descriptor, message, &name, &mut seen)?;
        }
        Ok(())
    }

    /// The name of the next member; `None` at the end of the object.
    fn next_name(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        match self.lexer.next()? {
            Token::Name(name) => Ok(Some(name)),
            Token::ObjectEnd => Ok(None),
            token => Err(self.lexer.refuse("a name in quotes or '}'", &token)),
        }
    }

    fn member(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        name: &str,
        seen: &mut Seen,
    ) -> Result<(), JsonError> {
        let field = descriptor.field_by_json_name(name);
        let Some(field) = field.or_else(|| descriptor.field_by_name(name)) else {
            return match self.extension(descriptor, name) {
                Some(extension) => self.extension_member(extension, message, name, seen),
                None => self.unknown_member(descriptor, name),
            };
        };
        if !seen.fields.insert(field.index()) {
            let error = self.lexer.refuse("each field once", &Token::Name(name.into()));
            return Err(error.in_field(field.name()));
        }
        let slot = message.field_mut(field.index());
        let parsed = self.field(field, slot, seen);
        parsed.map_err(|error| error.in_field(field.name()))
    }

    /// The extension of the message that is written `[like.this]`.
    fn extension(
        &self,
        descriptor: MessageDescriptor<'_>,
        name: &str,
    ) -> Option<FieldDescriptor<'o>> {
        let full_name = name.strip_prefix('[')?.strip_suffix(']')?;
        let extension = self.resolver.extension(full_name)?;
        let extended = extension.containing_message();
        (extended.full_name() == descriptor.full_name()).then_some(extension)
    }

    fn extension_member(
        &mut self,
        extension: FieldDescriptor<'_>,
        message: &mut dyn Reflect,
        name: &str,
        seen: &mut Seen,
    ) -> Result<(), JsonError> {
        if !seen.extensions.insert(extension.number()) {
            return Err(self.lexer.refuse("each field once", &Token::Name(name.into())));
        }
        let mut field = DynamicExtension::new(extension);
        let parsed = self.field(extension, field.get_mut(), seen);
        parsed.map_err(|error| error.in_field(name))?;
        set_extension(message, &field);
        Ok(())
    }

    fn unknown_member(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        name: &str,
    ) -> Result<(), JsonError> {
        match self.options.unknown {
            Unknown::Ignored => {
                let token = self.lexer.next()?;
                self.lexer.skip(&token)
            }
            Unknown::Refused => {
                let expected = format!("the name of a field of {}", descriptor.full_name());
                Err(self.lexer.refuse(expected, &Token::Name(name.into())))
            }
        }
    }

    fn field(
        &mut self,
        field: FieldDescriptor<'_>,
        mut slot: FieldMut<'_>,
        seen: &mut Seen,
    ) -> Result<(), JsonError> {
        let token = self.lexer.next()?;
        let is_singular = matches!(slot, FieldMut::Singular(_));
        if token == Token::Null && !(is_singular && has_null(&field)) {
            slot.clear();
            return Ok(());
        }
        if let Some(oneof) = field.oneof()
            && !seen.oneofs.insert(oneof.index())
        {
            let expected = format!("one field of the oneof {}", oneof.name());
            return Err(self.lexer.error(expected, "another one"));
        }
        match slot {
            FieldMut::Singular(mut slot) => match field.message() {
                Some(inner) => match slot.message_mut() {
                    Some(message) => self.message(inner, message, token),
                    None => Err(self.malformed(&field.containing_message())),
                },
                None => match self.scalar(&field, &token)? {
                    Some(value) => slot.set(value).map_err(|error| self.misfit(&field, &error)),
                    None => Ok(()),
                },
            },
            FieldMut::Repeated(list) => self.list(&field, list, &token),
            FieldMut::Map(map) => self.map(&field, map, &token),
        }
    }

    fn list(
        &mut self,
        field: &FieldDescriptor<'_>,
        list: &mut dyn List,
        token: &Token<'a>,
    ) -> Result<(), JsonError> {
        if *token != Token::ArrayBegin {
            return Err(self.lexer.refuse("an array", token));
        }
        for index in 0.. {
            let token = self.lexer.next()?;
            if token == Token::ArrayEnd {
                break;
            }
            let parsed = self.element(field, list, token);
            parsed.map_err(|error| error.in_element(index))?;
        }
        Ok(())
    }

    fn element(
        &mut self,
        field: &FieldDescriptor<'_>,
        list: &mut dyn List,
        token: Token<'a>,
    ) -> Result<(), JsonError> {
        self.refuse_null(field, &token)?;
        self.lexer.charge(list.element_size())?;
        match field.message() {
            Some(inner) => match list.push_message() {
                Some(message) => self.message(inner, message, token),
                None => Err(self.malformed(&field.containing_message())),
            },
            None => match self.scalar(field, &token)? {
                Some(value) => list.push(value).map_err(|error| self.misfit(field, &error)),
                None => Ok(()),
            },
        }
    }

    fn map(
        &mut self,
        field: &FieldDescriptor<'_>,
        map: &mut dyn Map,
        token: &Token<'a>,
    ) -> Result<(), JsonError> {
        let Some((key_field, value_field)) = field.map_entry() else {
            return Err(self.malformed(&field.containing_message()));
        };
        if *token != Token::ObjectBegin {
            return Err(self.lexer.refuse("an object", token));
        }
        // What was in the map before the text may be replaced; what the text says, it says once.
        let was_empty = map.is_empty();
        while let Some(name) = self.next_name()? {
            let key = self.key(&key_field, &name)?;
            self.lexer.charge(map.entry_size())?;
            if was_empty && map.get(&key).is_some() {
                return Err(self.lexer.refuse("each key once", &Token::Name(name)));
            }
            self.enter()?;
            let parsed = self.entry(&value_field, map, key);
            self.depth -= 1;
            parsed.map_err(|error| error.in_entry(&name))?;
        }
        Ok(())
    }

    fn entry(
        &mut self,
        field: &FieldDescriptor<'_>,
        map: &mut dyn Map,
        key: Value,
    ) -> Result<(), JsonError> {
        let token = self.lexer.next()?;
        self.refuse_null(field, &token)?;
        match field.message() {
            Some(inner) => match map.insert_message(key) {
                Ok(message) => self.message(inner, message, token),
                Err(error) => Err(self.misfit(field, &error)),
            },
            None => match self.scalar(field, &token)? {
                Some(value) => map.insert(key, value).map_err(|error| self.misfit(field, &error)),
                None => Ok(()),
            },
        }
    }

    fn refuse_null(&self, field: &FieldDescriptor<'_>, token: &Token<'a>) -> Result<(), JsonError> {
        if *token == Token::Null && !has_null(field) {
            return Err(self.lexer.refuse("a value", token));
        }
        Ok(())
    }

    /// A message has a well-known name and not its fields, or a descriptor that is not its own.
    #[cold]
    fn malformed(&self, descriptor: &MessageDescriptor<'_>) -> JsonError {
        let expected =
            format!("{} to have the fields that its name promises", descriptor.full_name());
        self.lexer.error(expected, "other fields")
    }

    /// The field does not take a value of its own type.
    #[cold]
    fn misfit(&self, field: &FieldDescriptor<'_>, error: &ValueError) -> JsonError {
        self.lexer
            .error(format!("{} to be what its descriptor says", field.name()), error.to_string())
    }
}

/// Whether null is a value of the field's type, and not a missing one.
fn has_null(field: &FieldDescriptor<'_>) -> bool {
    match (field.message(), field.enumeration()) {
        (Some(message), _) => WellKnown::of(&message) == Some(WellKnown::Value),
        (_, Some(enumeration)) => enumeration.full_name() == "google.protobuf.NullValue",
        (None, None) => false,
    }
}

/// What an object has named so far.
#[derive(Default)]
struct Seen {
    fields: Indexes,
    oneofs: Indexes,
    /// Numbers.
    extensions: BTreeSet<u32>,
}

/// A set of small numbers; most messages have no more than 64 fields.
#[derive(Default)]
struct Indexes {
    low: u64,
    high: Vec<u64>,
}

impl Indexes {
    /// Whether `index` was not yet in the set.
    fn insert(&mut self, index: usize) -> bool {
        let word = match index / 64 {
            0 => &mut self.low,
            above => {
                if self.high.len() < above {
                    self.high.resize(above, 0);
                }
                &mut self.high[above - 1]
            }
        };
        let bit = 1 << (index % 64);
        let is_new = *word & bit == 0;
        *word |= bit;
        is_new
    }
}
