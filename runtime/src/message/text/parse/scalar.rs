//! Values that are no messages.

use super::{Lexer, Parser, TextError, Token};
use crate::message::ByteString;
use crate::message::reflect::{FieldDescriptor, FieldKind, Value};
use crate::message::text::literal::unescape;

impl Parser<'_> {
    /// A value of the field's type.
    pub(super) fn scalar(&mut self, field: FieldDescriptor<'_>) -> Result<Value, TextError> {
        let start = self.lexer;
        let value = match field.kind() {
            FieldKind::Bool => self.boolean()?.map(Value::Bool),
            FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => {
                self.integer()?.and_then(|value| i32::try_from(value).ok()).map(Value::I32)
            }
            FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
                self.integer()?.and_then(|value| i64::try_from(value).ok()).map(Value::I64)
            }
            FieldKind::Uint32 | FieldKind::Fixed32 => {
                self.unsigned()?.and_then(|value| u32::try_from(value).ok()).map(Value::U32)
            }
            FieldKind::Uint64 | FieldKind::Fixed64 => self.unsigned()?.map(Value::U64),
            FieldKind::Float => self.float()?.and_then(|text| text.parse().ok()).map(Value::F32),
            FieldKind::Double => self.float()?.and_then(|text| text.parse().ok()).map(Value::F64),
            FieldKind::String => return self.text(field),
            FieldKind::Bytes => self.bytes()?.map(Value::Bytes),
            FieldKind::Enum => self.enumeration(field)?,
            FieldKind::Message | FieldKind::Group => None,
        };
        value.ok_or_else(|| refusal(start, &words(start, field)))
    }

    fn boolean(&mut self) -> Result<Option<bool>, TextError> {
        Ok(match self.lexer.next()? {
            Token::Identifier("true" | "True" | "t") => Some(true),
            Token::Identifier("false" | "False" | "f") => Some(false),
            number => match magnitude(number) {
                Some(0) => Some(false),
                Some(1) => Some(true),
                _ => None,
            },
        })
    }

    /// Specification, "Numeric Literals": a sign may stand apart.
    fn integer(&mut self) -> Result<Option<i128>, TextError> {
        let is_negative = self.lexer.takes('-')?;
        let value = magnitude(self.lexer.next()?).map(i128::from);
        Ok(value.map(|value| if is_negative { -value } else { value }))
    }

    fn unsigned(&mut self) -> Result<Option<u64>, TextError> {
        Ok(magnitude(self.lexer.next()?))
    }

    /// A float as Rust reads it. Octal and hexadecimal numbers are none.
    fn float(&mut self) -> Result<Option<String>, TextError> {
        let sign = if self.lexer.takes('-')? { "-" } else { "" };
        Ok(match self.lexer.next()? {
            Token::Decimal(digits) | Token::Float(digits) => Some(format!("{sign}{digits}")),
            Token::Identifier(word) => {
                let word = word.to_ascii_lowercase();
                let known = matches!(word.as_str(), "inf" | "infinity" | "nan");
                known.then(|| format!("{sign}{word}"))
            }
            _ => None,
        })
    }

    fn enumeration(&mut self, field: FieldDescriptor<'_>) -> Result<Option<Value>, TextError> {
        let enumeration = field.enumeration().expect("the field is of an enum");
        if let Token::Identifier(name) = self.lexer.peek()? {
            self.lexer.next()?;
            return Ok(enumeration.value_by_name(name).map(|value| Value::Enum(value.number())));
        }
        let number = self.integer()?.and_then(|number| i32::try_from(number).ok());
        let takes = |number: &i32| {
            !enumeration.is_closed() || enumeration.value_by_number(*number).is_some()
        };
        Ok(number.filter(takes).map(Value::Enum))
    }

    fn text(&mut self, field: FieldDescriptor<'_>) -> Result<Value, TextError> {
        let start = self.lexer;
        let bytes = self.bytes()?.ok_or_else(|| refusal(start, &words(start, field)))?;
        if !field.is_utf8() {
            return Ok(Value::ByteString(ByteString::from(bytes)));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Value::String(text)),
            Err(_) => Err(refusal(start, "a string that is UTF-8")),
        }
    }

    /// Specification, "String Literals": several in a row are one.
    fn bytes(&mut self) -> Result<Option<Vec<u8>>, TextError> {
        let mut bytes = Vec::new();
        let Token::String(_) = self.lexer.peek()? else {
            self.lexer.next()?;
            return Ok(None);
        };
        while let Token::String(literal) = self.lexer.peek()? {
            self.lexer.next()?;
            let before = bytes.capacity();
            unescape(literal, &mut bytes).map_err(|what| self.lexer.error(what))?;
            self.charge(bytes.capacity() - before)?;
        }
        Ok(Some(bytes))
    }
}

/// The number without its sign.
fn magnitude(token: Token<'_>) -> Option<u64> {
    let (digits, radix) = magnitude_digits(token)?;
    u64::from_str_radix(digits, radix).ok()
}

/// The digits of an integer and their base.
fn magnitude_digits(token: Token<'_>) -> Option<(&str, u32)> {
    match token {
        Token::Decimal(digits) => Some((digits, 10)),
        Token::Octal(digits) => Some((digits, 8)),
        Token::Hexadecimal(digits) => Some((digits, 16)),
        _ => None,
    }
}

/// What a field takes, in words; of integers the range, if one came.
#[cold]
fn words(mut found: Lexer<'_>, field: FieldDescriptor<'_>) -> String {
    if let Some(enumeration) = field.enumeration() {
        return format!("a value of {}", enumeration.full_name());
    }
    let came = found.takes('-').and_then(|_| found.next());
    let range = match came.is_ok_and(|token| magnitude_digits(token).is_some()) {
        true => range(field.kind()),
        false => String::new(),
    };
    format!("a value of type {:?}{range}", field.kind()).to_ascii_lowercase()
}

fn range(kind: FieldKind) -> String {
    match kind {
        FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => {
            format!(" from {} to {}", i32::MIN, i32::MAX)
        }
        FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
            format!(" from {} to {}", i64::MIN, i64::MAX)
        }
        FieldKind::Uint32 | FieldKind::Fixed32 => format!(" from 0 to {}", u32::MAX),
        FieldKind::Uint64 | FieldKind::Fixed64 => format!(" from 0 to {}", u64::MAX),
        _ => String::new(),
    }
}

#[cold]
fn refusal(mut start: Lexer<'_>, expected: &str) -> TextError {
    match start.next() {
        Ok(Token::Symbol('-')) => {
            let sign = start;
            match start.next() {
                Ok(_) => {
                    let found = start.found();
                    sign.error(format!("expected {expected}, found `-` and {found}"))
                }
                Err(error) => error,
            }
        }
        Ok(_) => {
            let found = start.found();
            start.error(format!("expected {expected}, found {found}"))
        }
        Err(error) => error,
    }
}
