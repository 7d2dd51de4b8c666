//! Values that are no messages: what of JSON each type of a field takes.

use super::Parser;
use crate::message::json::lexer::Token;
use crate::message::json::options::Unknown;
use crate::message::json::{JsonError, number};
use crate::message::{EnumDescriptor, EnumValueDescriptor, FieldDescriptor, FieldKind, Value};

impl Parser<'_, '_> {
    /// The key of a map: a string, or what else the key's type is in quotes.
    pub(super) fn key(
        &mut self,
        field: &FieldDescriptor<'_>,
        name: &str,
    ) -> Result<Value, JsonError> {
        if field.kind() == FieldKind::Bool {
            return match name {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(self.lexer.refuse("\"true\" or \"false\"", &Token::Name(name.into()))),
            };
        }
        match self.scalar(field, &Token::String(name.into()))? {
            Some(key) => Ok(key),
            None => Err(self.malformed(&field.containing_message())),
        }
    }

    /// A value that is no message; `None` for the name of an enum's value that is to be ignored.
    pub(super) fn scalar(
        &mut self,
        field: &FieldDescriptor<'_>,
        token: &Token<'_>,
    ) -> Result<Option<Value>, JsonError> {
        let value = match field.kind() {
            FieldKind::Bool => match token {
                Token::Bool(value) => Value::Bool(*value),
                token => return Err(self.lexer.refuse("true or false", token)),
            },
            FieldKind::Int32 | FieldKind::Sint32 | FieldKind::Sfixed32 => {
                Value::I32(self.integer(token)?)
            }
            FieldKind::Int64 | FieldKind::Sint64 | FieldKind::Sfixed64 => {
                Value::I64(self.integer(token)?)
            }
            FieldKind::Uint32 | FieldKind::Fixed32 => Value::U32(self.integer(token)?),
            FieldKind::Uint64 | FieldKind::Fixed64 => Value::U64(self.integer(token)?),
            FieldKind::Float => {
                Value::F32(self.float(token, [f32::NAN, f32::INFINITY, f32::NEG_INFINITY])?)
            }
            FieldKind::Double => {
                Value::F64(self.float(token, [f64::NAN, f64::INFINITY, f64::NEG_INFINITY])?)
            }
            FieldKind::String => {
                let text = self.string(token, "a string")?;
                self.lexer.charge(text.len())?;
                Value::String(text.to_owned())
            }
            FieldKind::Bytes => {
                let text = self.string(token, "a string of base64")?;
                Value::Bytes(self.bytes(text)?)
            }
            FieldKind::Enum => return self.enumeration(field, token),
            FieldKind::Message | FieldKind::Group => {
                return Err(self.malformed(&field.containing_message()));
            }
        };
        Ok(Some(value))
    }

    fn integer<I: Integer>(&self, token: &Token<'_>) -> Result<I, JsonError> {
        let integer = match token {
            Token::Number(text) => number::integer(text),
            Token::String(text) => number::integer(text),
            _ => None,
        };
        let integer = integer.and_then(|integer| I::try_from(integer).ok());
        integer.ok_or_else(|| self.lexer.refuse(I::EXPECTED, token))
    }

    /// A float; `others` are what `NaN`, `Infinity` and `-Infinity` stand for.
    fn float<F: number::Float>(
        &self,
        token: &Token<'_>,
        [nan, infinity, minus_infinity]: [F; 3],
    ) -> Result<F, JsonError> {
        let float = match token {
            Token::Number(text) => number::float(text),
            Token::String(text) => match &**text {
                "NaN" => Some(nan),
                "Infinity" => Some(infinity),
                "-Infinity" => Some(minus_infinity),
                text => number::float(text),
            },
            _ => None,
        };
        float.ok_or_else(|| self.lexer.refuse("a number that the type can hold", token))
    }

    pub(super) fn string<'t>(
        &self,
        token: &'t Token<'_>,
        expected: &'static str,
    ) -> Result<&'t str, JsonError> {
        match token {
            Token::String(text) => Ok(text),
            token => Err(self.lexer.refuse(expected, token)),
        }
    }

    /// The value of this name in JSON or in the .proto, in any case if the options say so.
    fn named_value<'e>(
        &self,
        of: EnumDescriptor<'e>,
        name: &str,
    ) -> Option<EnumValueDescriptor<'e>> {
        let is = |known: &str| known.eq_ignore_ascii_case(name);
        let in_any_case = || of.values().find(|value| is(value.json_name()) || is(value.name()));
        let exact = of.value_by_json_name(name);
        if self.options.any_case { exact.or_else(in_any_case) } else { exact }
    }

    fn enumeration(
        &mut self,
        field: &FieldDescriptor<'_>,
        token: &Token<'_>,
    ) -> Result<Option<Value>, JsonError> {
        let Some(of) = field.enumeration() else {
            return Err(self.malformed(&field.containing_message()));
        };
        let number = match token {
            // Only `google.protobuf.NullValue` lets null come here.
            Token::Null => Some(0),
            Token::String(name) => match self.named_value(of, name) {
                None if self.options.unknown == Unknown::Ignored => return Ok(None),
                value => value.map(|value| value.number()),
            },
            Token::Number(text) => {
                let number = number::integer(text).and_then(|number| i32::try_from(number).ok());
                number.filter(|number| !of.is_closed() || of.value_by_number(*number).is_some())
            }
            _ => None,
        };
        let expected = || format!("a value of {}", of.full_name());
        number
            .map(|number| Some(Value::Enum(number)))
            .ok_or_else(|| self.lexer.refuse(expected(), token))
    }
}

/// The integers of fields.
trait Integer: TryFrom<i128> {
    const EXPECTED: &'static str;
}

impl Integer for i32 {
    const EXPECTED: &'static str = "an integer from -2147483648 to 2147483647";
}

impl Integer for i64 {
    const EXPECTED: &'static str = "an integer from -9223372036854775808 to 9223372036854775807";
}

impl Integer for u32 {
    const EXPECTED: &'static str = "an integer from 0 to 4294967295";
}

impl Integer for u64 {
    const EXPECTED: &'static str = "an integer from 0 to 18446744073709551615";
}
