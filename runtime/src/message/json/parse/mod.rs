//! JSON text to messages, by reflection.
//!
//! Invariants: recursion goes one level down for one object or array at least, and the lexer counts
//! those. Messages and map entries are counted as binary decoding counts them, so that what is parsed
//! can be encoded, decoded and printed. What is allocated is charged to the lexer's budget.

mod quick;
mod repeated;
mod scalar;
mod well_known;

use std::borrow::Cow;
use std::collections::BTreeSet;

use quick::SingularTarget;

use super::JsonError;
use super::lexer::{Lexer, Token};
use super::options::{JsonParseOptions, Unknown};
use super::well_known::WellKnown;
use crate::limits;
use crate::message::reflect::{DynamicExtension, Resolver, set_extension};
use crate::message::{
    FieldDescriptor, FieldKind, FieldMut, MessageDescriptor, OneofDescriptor, Reflect, SingularMut,
    ValueError,
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
        let Some(kind) = WellKnown::of(&descriptor) else {
            self.expect_object(&token, descriptor)?;
            return self.object(descriptor, message);
        };
        self.enter()?;
        self.well_known(kind, descriptor, message, token)?;
        self.depth -= 1;
        Ok(())
    }

    /// A message that is an object of its fields, which is open.
    fn object(
        &mut self,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
    ) -> Result<(), JsonError> {
        self.enter()?;
        self.members(descriptor, message)?;
        self.depth -= 1;
        Ok(())
    }

    /// Opens a message or map entry. An error leaves the depth as it is, and ends the parser.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth > limits::MESSAGE_DEPTH_MAX {
            return Err(self.too_deep());
        }
        self.depth += 1;
        Ok(())
    }

    #[cold]
    fn too_deep(&self) -> JsonError {
        let limit = limits::MESSAGE_DEPTH_MAX;
        self.lexer.error(format!("at most {limit} levels of nested messages"), "more")
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
        let mut seen = Seen { has_slots: message.slot_cost(0).is_some(), ..Seen::default() };
        while !self.lexer.quick_end() {
            if let Some(field) = self.next_field(descriptor, seen.next) {
                self.known_member(field, message, &mut seen)?;
            } else if let Some(name) = self.next_name()? {
                self.member(descriptor, message, &name, &mut seen)?;
            } else {
                break;
            }
        }
        Ok(())
    }

    /// The name of the next member; `None` at the end of the object.
    fn next_name(&mut self) -> Result<Option<Cow<'a, str>>, JsonError> {
        if let Some(name) = self.lexer.quick_name() {
            return Ok(Some(Cow::Borrowed(name)));
        }
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
        self.known_member(field, message, seen)
    }

    /// A member whose name was read and is that of `field`.
    fn known_member(
        &mut self,
        field: FieldDescriptor<'_>,
        message: &mut dyn Reflect,
        seen: &mut Seen,
    ) -> Result<(), JsonError> {
        if !seen.fields.insert(field.index()) {
            return Err(self.lexer.refuse_name("each field once").in_field(field.name()));
        }
        seen.next = field.index() + 1;
        if seen.has_slots {
            self.lexer.charge(message.slot_cost(field.index()).unwrap_or_default())?;
        }
        let mut slot = message.field_mut(field.index());
        let parsed = self.field(field, &mut slot, seen);
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
        if !seen.extensions.get_or_insert_default().insert(extension.number()) {
            return Err(self.lexer.refuse("each field once", &Token::Name(name.into())));
        }
        let mut field = DynamicExtension::new(extension);
        let parsed = self.field(extension, &mut field.get_mut(), seen);
        parsed.map_err(|error| error.in_field(name))?;
        let before = message.unknown_fields().memory();
        set_extension(message, &field);
        self.lexer.charge(message.unknown_fields().memory().saturating_sub(before))
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

    #[inline(always)]
    fn field(
        &mut self,
        field: FieldDescriptor<'_>,
        slot: &mut FieldMut<'_>,
        seen: &mut Seen,
    ) -> Result<(), JsonError> {
        match slot {
            FieldMut::Singular(slot) => {
                if matches!(field.kind(), FieldKind::Message | FieldKind::Group) {
                    if let Some(inner) = field.message()
                        && self.quick_message(&inner)
                    {
                        self.check_oneof(&field, seen)?;
                        return match slot.borrowed_message_mut() {
                            Some(message) => {
                                self.lexer.charge(message.instance_size())?;
                                self.object(inner, message)
                            }
                            None => Err(self.malformed(&field.containing_message())),
                        };
                    }
                } else if self.quick_scalar(&field, SingularTarget { slot, seen })? {
                    return Ok(());
                }
            }
            FieldMut::Repeated(list) if self.lexer.quick_array() => {
                return self.elements(&field, *list);
            }
            FieldMut::Map(map) if self.lexer.quick_object() => return self.entries(&field, *map),
            FieldMut::Repeated(_) | FieldMut::Map(_) => {}
        }
        self.unusual(&field, slot, seen)
    }

    /// A field, from the token on with which its value begins.
    #[inline(never)]
    fn unusual(
        &mut self,
        field: &FieldDescriptor<'_>,
        slot: &mut FieldMut<'_>,
        seen: &mut Seen,
    ) -> Result<(), JsonError> {
        let token = self.lexer.next()?;
        let is_singular = matches!(slot, FieldMut::Singular(_));
        if token == Token::Null && !(is_singular && has_null(field)) {
            slot.clear();
            return Ok(());
        }
        match slot {
            FieldMut::Singular(slot) => {
                self.check_oneof(field, seen)?;
                self.singular(field, slot, token)
            }
            FieldMut::Repeated(list) => self.list(field, *list, &token),
            FieldMut::Map(map) => self.map(field, *map, &token),
        }
    }

    /// A oneof has one member; null is none.
    #[inline(always)]
    fn check_oneof(&self, field: &FieldDescriptor<'_>, seen: &mut Seen) -> Result<(), JsonError> {
        match field.oneof() {
            Some(oneof) if !seen.oneofs.insert(oneof.index()) => Err(self.second_of(oneof)),
            _ => Ok(()),
        }
    }

    #[cold]
    fn second_of(&self, oneof: OneofDescriptor<'_>) -> JsonError {
        let expected = format!("one field of the oneof {}", oneof.name());
        self.lexer.error(expected, "another one")
    }

    fn singular(
        &mut self,
        field: &FieldDescriptor<'_>,
        slot: &mut SingularMut<'_>,
        token: Token<'a>,
    ) -> Result<(), JsonError> {
        match field.message() {
            Some(inner) => match slot.borrowed_message_mut() {
                Some(message) => {
                    self.lexer.charge(message.instance_size())?;
                    self.message(inner, message, token)
                }
                None => Err(self.malformed(&field.containing_message())),
            },
            None => match self.scalar(field, &token)? {
                Some(value) => slot.set(value).map_err(|error| self.misfit(field, &error)),
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
    /// Whether the message allocates for each field.
    has_slots: bool,
    fields: Indexes,
    /// The place behind the last field, where the next one is looked for first.
    next: usize,
    oneofs: Indexes,
    /// Numbers.
    extensions: Option<BTreeSet<u32>>,
}

/// A set of small numbers; most messages have no more than 64 fields.
#[derive(Default)]
struct Indexes {
    low: u64,
    high: Vec<u64>,
}

impl Indexes {
    /// Whether `index` was not yet in the set.
    #[inline]
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
