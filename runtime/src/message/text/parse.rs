//! From text to a message.
//!
//! Recursion is counted: each level of nesting takes one from `depth`, and elements are charged
//! against a budget of memory, as in binary decoding.

use super::error::TextError;
use super::lexer::{Lexer, Token};
use super::{ANY, TextParseOptions, check_url, extension_name, name_of, type_of_url};
use crate::limits;
use crate::message::reflect::{
    DynamicExtension, DynamicMessage, FieldDescriptor, FieldMut, List, Map, MessageDescriptor,
    Reflect, Resolver, Value, set_extension,
};

mod scalar;

pub(super) fn parse(
    text: &str,
    message: &mut dyn Reflect,
    options: &TextParseOptions<'_>,
) -> Result<(), TextError> {
    let memory_max = options.memory.unwrap_or_else(|| limits::decode_memory(text.len()));
    let mut parser = Parser {
        lexer: Lexer::new(text),
        depth_left: options.depth,
        memory_left: memory_max,
        memory_max,
        options,
    };
    parser.fields(message, None)
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    depth_left: u32,
    memory_left: usize,
    memory_max: usize,
    options: &'a TextParseOptions<'a>,
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
        seen.extensions.iter().for_each(|extension| set_extension(message, extension));
        read
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
        self.charge(list.element_size())?;
        if field.message().is_none() {
            let value = self.scalar(field)?;
            return list.push(value).map_err(|error| self.lexer.error(error.to_string()));
        }
        let message = list.push_message().expect("the elements are messages");
        // Those of dynamic messages take more than their place in the list.
        self.charge(message.instance_size().saturating_sub(size_of_val(message)))?;
        self.message(message)
    }

    /// An entry of a map: its key may stand behind its value.
    fn entry(&mut self, field: FieldDescriptor<'_>, map: &mut dyn Map) -> Result<(), TextError> {
        let (key_field, value_field) = field.map_entry().expect("the field is a map");
        self.charge(map.entry_size())?;
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

    /// `[type.googleapis.com/a.B] { … }` in an `Any`.
    fn any(
        &mut self,
        url: &str,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        seen: &mut Seen,
    ) -> Result<(), TextError> {
        let fault = |parser: &Self, what: String| Err(parser.lexer.error(what));
        if descriptor.full_name() != ANY {
            let of = descriptor.full_name();
            return fault(
                self,
                format!("expected a field of {of}, found the type `{url}` of an Any"),
            );
        }
        if !seen.fields.is_empty() {
            return fault(
                self,
                format!("expected nothing beside the message in Any, found `{url}`"),
            );
        }
        // Both are set now: neither may follow.
        seen.fields.extend([1, 2]);
        check_url(url).or_else(|what| fault(self, what))?;
        let resolver = Resolver::new(self.options.pool, descriptor.file());
        let known = type_of_url(url).and_then(|name| resolver.message(name));
        let Some(known) = known else {
            if self.options.ignore_unknown {
                return self.skip_value();
            }
            return fault(self, format!("the type `{url}` is not known: expected it in the pool"));
        };
        self.lexer.takes(':')?;
        let mut inner = DynamicMessage::new(known);
        self.message(&mut inner).map_err(|error| error.within(url))?;
        let bytes = inner.encode_to_vec().map_err(|error| self.lexer.error(error.to_string()))?;
        self.charge(bytes.len())?;
        for (number, value) in [(1, Value::String(url.to_owned())), (2, Value::Bytes(bytes))] {
            let Some(field) = descriptor.field_by_number(number) else { continue };
            if let FieldMut::Singular(mut slot) = message.field_mut(field.index()) {
                slot.set(value).or_else(|error| fault(self, error.to_string()))?;
            }
        }
        Ok(())
    }

    /// `[a.b]` behind its bracket.
    fn extension(
        &mut self,
        name: &str,
        descriptor: MessageDescriptor<'_>,
        message: &dyn Reflect,
        seen: &mut Seen,
    ) -> Result<(), TextError> {
        let resolver = Resolver::new(self.options.pool, descriptor.file());
        let extends = |field: &FieldDescriptor<'_>| {
            field.containing_message().full_name() == descriptor.full_name()
        };
        // A message that declares itself as an extension is known by its own name.
        let mut known = resolver.extension(name).filter(extends);
        if let (None, Some(message)) = (known, resolver.message(name)) {
            let mut extensions = message.file().extensions().filter(extends);
            known = extensions.find(|field| extension_name(*field) == name);
        }
        let Some(field) = known else {
            if self.options.ignore_unknown {
                return self.skip_value();
            }
            let of = descriptor.full_name();
            return Err(self.lexer.error(format!("expected an extension of {of}, found `{name}`")));
        };
        self.check_once(field, seen)?;
        let is_same = |known: &DynamicExtension| known.descriptor().number() == field.number();
        let at = match seen.extensions.iter().position(is_same) {
            Some(at) => at,
            None => {
                self.charge(size_of::<DynamicExtension>())?;
                seen.extensions.push(match field.is_repeated() {
                    // Elements are added to those that the message has.
                    true => self.known_extension(field, message, &resolver),
                    false => DynamicExtension::new(field),
                });
                seen.extensions.len() - 1
            }
        };
        let target = seen.extensions[at].get_mut();
        self.field(field, target).map_err(|error| error.within(name))
    }

    /// The extension as the message has it.
    fn known_extension(
        &self,
        field: FieldDescriptor<'_>,
        message: &dyn Reflect,
        resolver: &Resolver<'_>,
    ) -> DynamicExtension {
        let depth = self.options.depth;
        let read = crate::message::reflect::extension_fields(message, resolver, depth, &mut None);
        let read = read.unwrap_or_default().into_iter();
        let mut same = read.filter(|known| known.descriptor().number() == field.number());
        same.next().unwrap_or_else(|| DynamicExtension::new(field))
    }

    /// Whatever stands behind a name.
    fn skip_value(&mut self) -> Result<(), TextError> {
        self.lexer.takes(':')?;
        match self.lexer.peek()? {
            Token::Symbol('{' | '<') => self.skip_message(),
            Token::Symbol('[') => self.elements(|parser| match parser.lexer.peek()? {
                Token::Symbol('{' | '<') => parser.skip_message(),
                _ => parser.skip_scalar(),
            }),
            _ => self.skip_scalar(),
        }
    }

    fn skip_scalar(&mut self) -> Result<(), TextError> {
        self.lexer.takes('-')?;
        match self.lexer.next()? {
            Token::Symbol(_) | Token::End => {
                let found = self.lexer.found();
                Err(self.lexer.error(format!("expected a value, found {found}")))
            }
            Token::String(_) => {
                while let Token::String(_) = self.lexer.peek()? {
                    self.lexer.next()?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// A message of which only the brackets are looked at.
    fn skip_message(&mut self) -> Result<(), TextError> {
        let mut open = vec![self.open()?];
        while let Some(close) = open.last().copied() {
            if open.len() as u64 > u64::from(self.depth_left) {
                return Err(self.too_deep());
            }
            match self.lexer.next()? {
                Token::Symbol('{') => open.push('}'),
                Token::Symbol('<') => open.push('>'),
                Token::Symbol('[') => open.push(']'),
                Token::Symbol(symbol @ ('}' | '>' | ']')) if symbol == close => drop(open.pop()),
                Token::Symbol('}' | '>' | ']') | Token::End => {
                    let found = self.lexer.found();
                    return Err(self.lexer.error(format!("expected `{close}`, found {found}")));
                }
                _ => {}
            }
        }
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
