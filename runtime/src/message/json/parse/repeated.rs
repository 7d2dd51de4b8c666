//! Repeated fields and maps.

use super::Parser;
use super::quick::EntryTarget;
use crate::message::json::JsonError;
use crate::message::json::lexer::Token;
use crate::message::{FieldDescriptor, List, Map, Value};

impl<'a> Parser<'a, '_> {
    pub(super) fn list(
        &mut self,
        field: &FieldDescriptor<'_>,
        list: &mut dyn List,
        token: &Token<'a>,
    ) -> Result<(), JsonError> {
        match token {
            Token::ArrayBegin => self.elements(field, list),
            token => Err(self.lexer.refuse("an array", token)),
        }
    }

    /// The elements of an array that is open, up to its end.
    pub(super) fn elements(
        &mut self,
        field: &FieldDescriptor<'_>,
        list: &mut dyn List,
    ) -> Result<(), JsonError> {
        let mut index = 0;
        loop {
            let known = list.len();
            match field.message() {
                Some(inner) => self.quick_messages(field, inner, list, index)?,
                None => {
                    let read = self.quick_elements(list);
                    read.map_err(|error| error.in_element(index + list.len() - known))?;
                }
            }
            index += list.len() - known;
            if self.lexer.quick_end() {
                return Ok(());
            }
            let token = self.lexer.next()?;
            if token == Token::ArrayEnd {
                return Ok(());
            }
            let parsed = self.element(field, list, token);
            parsed.map_err(|error| error.in_element(index))?;
            index += 1;
        }
    }

    fn element(
        &mut self,
        field: &FieldDescriptor<'_>,
        list: &mut dyn List,
        token: Token<'a>,
    ) -> Result<(), JsonError> {
        self.refuse_null(field, &token)?;
        self.lexer.charge(list.element_cost())?;
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

    pub(super) fn map(
        &mut self,
        field: &FieldDescriptor<'_>,
        map: &mut dyn Map,
        token: &Token<'a>,
    ) -> Result<(), JsonError> {
        match token {
            Token::ObjectBegin => self.entries(field, map),
            token => Err(self.lexer.refuse("an object", token)),
        }
    }

    /// The entries of an object that is open, up to its end.
    pub(super) fn entries(
        &mut self,
        field: &FieldDescriptor<'_>,
        map: &mut dyn Map,
    ) -> Result<(), JsonError> {
        let Some((key_field, value_field)) = field.map_entry() else {
            return Err(self.malformed(&field.containing_message()));
        };
        // What was in the map before the text may be replaced; what the text says, it says once.
        let was_empty = map.is_empty();
        let mut count = 0;
        while !self.lexer.quick_end()
            && let Some(name) = self.next_name()?
        {
            let place = self.lexer.place();
            let key = self.key(&key_field, &name)?;
            self.lexer.charge(map.entry_cost())?;
            self.enter()?;
            let parsed = self.entry(&value_field, map, key);
            self.depth -= 1;
            let is_new = parsed.map_err(|error| error.in_entry(&name))?;
            count += usize::from(is_new);
            if was_empty && map.len() < count {
                self.lexer.go_back(place);
                return Err(self.lexer.refuse_name("each key once"));
            }
        }
        Ok(())
    }

    /// The value of an entry; whether it was put into the map.
    fn entry(
        &mut self,
        field: &FieldDescriptor<'_>,
        map: &mut dyn Map,
        key: Value,
    ) -> Result<bool, JsonError> {
        if let Some(inner) = field.message() {
            let is_open = self.quick_message(&inner);
            let token = if is_open { Token::ObjectBegin } else { self.lexer.next()? };
            self.refuse_null(field, &token)?;
            let message = map.insert_message(key).map_err(|error| self.misfit(field, &error))?;
            match is_open {
                true => self.object(inner, message)?,
                false => self.message(inner, message, token)?,
            }
            return Ok(true);
        }
        let mut key = Some(key);
        if self.quick_scalar(field, EntryTarget { map, key: &mut key })? {
            return Ok(true);
        }
        let token = self.lexer.next()?;
        self.refuse_null(field, &token)?;
        match (key, self.scalar(field, &token)?) {
            (Some(key), Some(value)) => {
                map.insert(key, value).map_err(|error| self.misfit(field, &error))?;
                Ok(true)
            }
            // The key counts all the same.
            (Some(key), None) => Ok(map.get(&key).is_some()),
            (None, _) => Ok(true),
        }
    }
}
