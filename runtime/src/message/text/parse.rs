//! From text to a message.
//!
//! Recursion is counted: each level of nesting takes one from `depth`, and elements are charged
//! against a budget of memory, as in binary decoding.

use super::error::TextError;
use super::lexer::{Lexer, Token};
use super::{TextParseOptions, name_of};
use crate::limits;
use crate::message::reflect::{
    DynamicExtension, FieldDescriptor, FieldMut, List, Map, MessageDescriptor, Reflect, Resolver,
    set_extension,
};

mod bracketed;
mod scalar;
mod skip;

pub(super) fn parse(
    text: &str,
    message: &mut dyn Reflect,
    options: &TextParseOptions<'_>,
) -> Result<(), TextError> {
    let file = message.descriptor().file().clone();
    let memory_max = options.memory.unwrap_or_else(|| limits::decode_memory(text.len()));
    let mut parser = Parser {
        lexer: Lexer::new(text),
        depth_left: options.depth,
        memory_left: memory_max,
        memory_max,
        options,
        resolver: Resolver::new(options.pool, &file),
    };
    parser.fields(message, None)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth_left: u32,
    memory_left: usize,
    memory_max: usize,
    options: &'a TextParseOptions<'a>,
    /// Of the outermost message: what its file uses has all that the files of its parts use.
    resolver: Resolver<'a>,
}

/// What a message's text has set so far: singular fields, oneofs, and extensions with their values,
/// which go into the message at its end, because each change of its unknown fields is a copy of them.
#[derive(Default)]
struct Seen {
    fields: Vec<u32>,
    oneofs: Vec<(usize, String)>,
    extensions: Vec<DynamicExtension>,
}

impl Parser<'_> {
    /// The fields up to the closing symbol, or to the end of the text.
    fn fields(&mut self, message: &mut dyn Reflect, close: Option<char>) -> Result<(), TextError> {
        let mut seen = Seen::default();
        let read = self.fields_seen(message, close, &mut seen);
        let before = message.unknown_fields().memory();
        seen.extensions.iter().for_each(|extension| set_extension(message, extension));
        read?;
        self.charge(message.unknown_fields().memory().saturating_sub(before))
    }

    fn fields_seen(
        &mut self,
        message: &mut dyn Reflect,
        close: Option<char>,
        seen: &mut Seen,
    ) -> Result<(), TextError> {
        let file = message.descriptor().file().clone();
        let descriptor = file.message(message.descriptor().index());
        loop {
            let token = self.lexer.next()?;
            match token {
                Token::End if close.is_none() => return Ok(()),
                Token::Symbol(symbol) if Some(symbol) == close => return Ok(()),
                Token::Identifier(name) => match field_named(descriptor, name) {
                    Some(field) => {
                        self.check_once(field, seen)?;
                        self.charge(message.slot_cost(field.index()).unwrap_or(0))?;
                        let target = message.field_mut(field.index());
                        self.field(field, target).map_err(|error| error.within(field.name()))?;
                    }
                    None if self.skips(descriptor, name) => self.skip_value()?,
                    None => {
                        let of = descriptor.full_name();
                        let what = format!("expected a field of {of}, found `{name}`");
                        return Err(self.lexer.error(what));
                    }
                },
                Token::Symbol('[') => {
                    let name = self.lexer.bracketed()?;
                    if name.contains('/') {
                        self.any(&name, descriptor, message, seen)?;
                    } else {
                        self.extension(&name, descriptor, message, seen)?;
                    }
                }
                _ => {
                    let expected = match close {
                        Some(close) => format!("`{close}`"),
                        None => "the end".to_owned(),
                    };
                    let found = self.lexer.found();
                    let what = format!("expected a field or {expected}, found {found}");
                    return Err(self.lexer.error(what));
                }
            }
            // Specification, "Fields": one separator, or none.
            if !self.lexer.takes(',')? {
                self.lexer.takes(';')?;
            }
        }
    }

    /// Whether a name that no field has is to be skipped.
    fn skips(&self, descriptor: MessageDescriptor<'_>, name: &str) -> bool {
        self.options.ignore_unknown
            || descriptor.reserved_names().iter().any(|reserved| reserved == name)
    }

    /// Specification, "Fields": what is not repeated stands once, and one member of a oneof.
    fn check_once(&self, field: FieldDescriptor<'_>, seen: &mut Seen) -> Result<(), TextError> {
        if field.is_repeated() || field.is_map() {
            return Ok(());
        }
        if seen.fields.contains(&field.number()) {
            let what = format!("expected {} once, found it again", field.name());
            return Err(self.lexer.error(what));
        }
        seen.fields.push(field.number());
        if let Some(oneof) = field.oneof() {
            if let Some((_, other)) = seen.oneofs.iter().find(|(index, _)| *index == oneof.index())
            {
                let (oneof, name) = (oneof.name(), field.name());
                let what = format!("expected one member of {oneof}, found {name} after {other}");
                return Err(self.lexer.error(what));
            }
            seen.oneofs.push((oneof.index(), field.name().to_owned()));
        }
        Ok(())
    }

    /// What stands behind a field's name.
    fn field(&mut self, field: FieldDescriptor<'_>, target: FieldMut<'_>) -> Result<(), TextError> {
        let has_colon = self.lexer.takes(':')?;
        if !has_colon && field.message().is_none() {
            self.lexer.next()?;
            let found = self.lexer.found();
            return Err(self.lexer.error(format!("expected `:`, found {found}")));
        }
        match target {
            FieldMut::Singular(mut slot) => match field.message() {
                Some(_) => {
                    let message = slot.message_mut().expect("the field holds messages");
                    self.charge(message.instance_size())?;
                    self.message(message)
                }
                None => {
                    let value = self.scalar(field)?;
                    let set = slot.set(value);
                    set.map_err(|error| self.lexer.error(error.to_string()))
                }
            },
            FieldMut::Repeated(list) => self.elements(|parser| parser.element(field, list)),
            FieldMut::Map(map) => self.elements(|parser| parser.entry(field, map)),
        }
    }

    /// One element, or several in brackets.
    fn elements(
        &mut self,
        mut element: impl FnMut(&mut Self) -> Result<(), TextError>,
    ) -> Result<(), TextError> {
        if !self.lexer.takes('[')? {
            return element(self);
        }
        if self.lexer.takes(']')? {
            return Ok(());
        }
        loop {
            element(self)?;
            if self.lexer.takes(']')? {
                return Ok(());
            }
            if !self.lexer.takes(',')? {
                self.lexer.next()?;
                let found = self.lexer.found();
                return Err(self.lexer.error(format!("expected `,` or `]`, found {found}")));
            }
        }
    }

    fn element(
        &mut self,
        field: FieldDescriptor<'_>,
        list: &mut dyn List,
    ) -> Result<(), TextError> {
        self.charge(list.element_cost())?;
        if field.message().is_none() {
            let value = self.scalar(field)?;
            return list.push(value).map_err(|error| self.lexer.error(error.to_string()));
        }
        let message = list.push_message().expect("the elements are messages");
        self.message(message)
    }

    /// An entry of a map: its key may stand behind its value.
    fn entry(&mut self, field: FieldDescriptor<'_>, map: &mut dyn Map) -> Result<(), TextError> {
        let (key_field, value_field) = field.map_entry().expect("the field is a map");
        self.charge(map.entry_cost())?;
        let default = |field: FieldDescriptor<'_>| field.default_value()?.to_value();
        let refused = |error: crate::message::ValueError, parser: &Self| {
            parser.lexer.error(error.to_string())
        };
        let (mut key, mut value) = (None, None);
        let mut message_at = None;
        let mut is_placed = false;
        let close = self.open()?;
        self.descend()?;
        loop {
            let token = self.lexer.next()?;
            match token {
                Token::Symbol(symbol) if symbol == close => break,
                Token::Identifier("key") if key.is_none() && !is_placed => {
                    self.colon()?;
                    key = Some(self.scalar(key_field)?);
                }
                Token::Identifier("value")
                    if value.is_none() && message_at.is_none() && !is_placed =>
                {
                    if value_field.message().is_some() {
                        self.lexer.takes(':')?;
                        if let Some(key) = key.take() {
                            let message = map.insert_message(key);
                            self.message(message.map_err(|error| refused(error, self))?)?;
                            is_placed = true;
                        } else {
                            message_at = Some(self.lexer);
                            self.skip_message()?;
                        }
                    } else {
                        self.colon()?;
                        value = Some(self.scalar(value_field)?);
                    }
                }
                _ => {
                    let found = self.lexer.found();
                    let what = format!("expected key and value, each once, found {found}");
                    return Err(self.lexer.error(what));
                }
            }
            if !self.lexer.takes(',')? {
                self.lexer.takes(';')?;
            }
        }
        if is_placed {
            self.depth_left += 1;
            return Ok(());
        }
        let key = key.or_else(|| default(key_field)).expect("keys are no messages");
        if value_field.message().is_some() {
            let message = map.insert_message(key).map_err(|error| refused(error, self))?;
            if let Some(at) = message_at {
                let after = std::mem::replace(&mut self.lexer, at);
                self.message(message)?;
                self.lexer = after;
            }
        } else {
            let value = value.or_else(|| default(value_field)).expect("values are no messages");
            map.insert(key, value).map_err(|error| refused(error, self))?;
        }
        self.depth_left += 1;
        Ok(())
    }

    /// A message in braces.
    fn message(&mut self, message: &mut dyn Reflect) -> Result<(), TextError> {
        let close = self.open()?;
        self.descend()?;
        self.fields(message, Some(close))?;
        self.depth_left += 1;
        Ok(())
    }

    /// The bracket in which a message begins; gives the one in which it ends.
    fn open(&mut self) -> Result<char, TextError> {
        match self.lexer.next()? {
            Token::Symbol('{') => Ok('}'),
            Token::Symbol('<') => Ok('>'),
            _ => {
                let found = self.lexer.found();
                Err(self.lexer.error(format!("expected `{{` or `<`, found {found}")))
            }
        }
    }

    fn colon(&mut self) -> Result<(), TextError> {
        match self.lexer.takes(':')? {
            true => Ok(()),
            false => Err(self.lexer.error("expected `:` behind the name")),
        }
    }

    fn descend(&mut self) -> Result<(), TextError> {
        match self.depth_left.checked_sub(1) {
            Some(left) => {
                self.depth_left = left;
                Ok(())
            }
            None => Err(self.too_deep()),
        }
    }

    #[cold]
    fn too_deep(&self) -> TextError {
        let limit = self.options.depth;
        self.lexer.error(format!("expected at most {limit} levels of nesting, found more"))
    }

    fn charge(&mut self, size: usize) -> Result<(), TextError> {
        match self.memory_left.checked_sub(size) {
            Some(left) => {
                self.memory_left = left;
                Ok(())
            }
            None => {
                let limit = self.memory_max;
                let what = format!("expected to need at most {limit} bytes of memory, needs more");
                Err(self.lexer.error(what))
            }
        }
    }
}

/// The field of this name: groups also by their type's.
fn field_named<'a>(descriptor: MessageDescriptor<'a>, name: &str) -> Option<FieldDescriptor<'a>> {
    descriptor.field_by_name(name).or_else(|| {
        let group = descriptor.field_by_name(&name.to_ascii_lowercase())?;
        (name_of(group) == name).then_some(group)
    })
}
