//! JSON as a service config is read: a value, and where it stands.
//!
//! The parser is the one of messages, whose limits of depth hold here too.

use std::fmt::Display;
use std::time::Duration;

use crate::message::Message;
use crate::message::well_known::value::Kind;
use crate::message::well_known::{Struct, Value};

/// A JSON document whose outermost value is an object.
pub(super) fn parse(text: &str) -> Result<Value, String> {
    let document = Struct::from_json(text).map_err(|error| error.to_string())?;
    Ok(Value { kind: Some(Kind::StructValue(document)), ..Value::default() })
}

/// A value of the document.
pub(super) struct Node<'a> {
    value: &'a Value,
    /// As in `methodConfig[0].name`; empty for the document.
    path: String,
}

impl<'a> Node<'a> {
    pub(super) fn root(document: &'a Value) -> Self {
        Self { value: document, path: String::new() }
    }

    /// The field of this name of an object, unless it is absent or null.
    pub(super) fn field(&self, name: &str) -> Result<Option<Self>, String> {
        let Some(Kind::StructValue(object)) = &self.value.kind else {
            return Err(self.expected("an object", self.shown()));
        };
        let value = object.fields.get(name);
        let value = value.filter(|value| !matches!(value.kind, None | Some(Kind::NullValue(_))));
        let dot = if self.path.is_empty() { "" } else { "." };
        Ok(value.map(|value| Self { value, path: format!("{}{dot}{name}", self.path) }))
    }

    /// As [`field`](Self::field), of one that must be there.
    pub(super) fn required(&self, name: &str) -> Result<Self, String> {
        self.field(name)?.ok_or_else(|| self.expected(&format!("the field {name}"), "none"))
    }

    /// The names of the fields of an object, sorted.
    pub(super) fn keys(&self) -> Result<Vec<&'a str>, String> {
        let Some(Kind::StructValue(object)) = &self.value.kind else {
            return Err(self.expected("an object", self.shown()));
        };
        let mut keys: Vec<_> = object.fields.keys().map(String::as_str).collect();
        keys.sort_unstable();
        Ok(keys)
    }

    /// The elements of a list.
    pub(super) fn elements(&self) -> Result<Vec<Self>, String> {
        let Some(Kind::ListValue(list)) = &self.value.kind else {
            return Err(self.expected("a list", self.shown()));
        };
        let at = |(index, value)| Self { value, path: format!("{}[{index}]", self.path) };
        Ok(list.values.iter().enumerate().map(at).collect())
    }

    pub(super) fn text(&self) -> Result<&'a str, String> {
        match &self.value.kind {
            Some(Kind::StringValue(text)) => Ok(text),
            _ => Err(self.expected("a string", self.shown())),
        }
    }

    pub(super) fn boolean(&self) -> Result<bool, String> {
        match self.value.kind {
            Some(Kind::BoolValue(value)) => Ok(value),
            _ => Err(self.expected("true or false", self.shown())),
        }
    }

    /// A number, which ProtoJSON lets stand in a string too.
    pub(super) fn number(&self) -> Result<f64, String> {
        let number = match &self.value.kind {
            Some(Kind::NumberValue(number)) => Some(*number),
            Some(Kind::StringValue(text)) => text.parse().ok(),
            _ => None,
        };
        number.ok_or_else(|| self.expected("a number", self.shown()))
    }

    /// A whole number of 32 bits.
    pub(super) fn whole(&self) -> Result<u32, String> {
        let number = self.number()?;
        match number >= 0.0 && number <= f64::from(u32::MAX) && number.fract() == 0.0 {
            true => Ok(number as u32),
            false => Err(self.expected("a whole number of 0 to 4294967295", self.shown())),
        }
    }

    /// ProtoJSON's form of a duration: seconds with up to nine decimals, and `s`.
    pub(super) fn duration(&self) -> Result<Duration, String> {
        let duration = match &self.value.kind {
            Some(Kind::StringValue(text)) => duration(text),
            _ => None,
        };
        duration.ok_or_else(|| self.expected("a duration such as \"1.5s\"", self.shown()))
    }

    /// The error that says where what was expected and what came.
    pub(super) fn expected(&self, expected: &str, got: impl Display) -> String {
        match self.path.as_str() {
            "" => format!("expected {expected}, got {got}"),
            path => format!("{path}: expected {expected}, got {got}"),
        }
    }

    /// The value as it stands in errors.
    pub(super) fn shown(&self) -> String {
        match &self.value.kind {
            None | Some(Kind::NullValue(_)) => "null".to_owned(),
            Some(Kind::NumberValue(number)) => number.to_string(),
            Some(Kind::StringValue(text)) => format!("{text:?}"),
            Some(Kind::BoolValue(value)) => value.to_string(),
            Some(Kind::StructValue(_)) => "an object".to_owned(),
            Some(Kind::ListValue(_)) => "a list".to_owned(),
        }
    }
}

fn duration(text: &str) -> Option<Duration> {
    let number = text.strip_suffix('s')?;
    let (seconds, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(seconds) || !is_digits(decimals) || decimals.len() > 9 {
        return None;
    }
    let nanos = format!("{decimals:0<9}").parse().ok()?;
    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= SECONDS_MAX)?;
    Some(Duration::new(seconds, nanos))
}

/// google/protobuf/duration.proto: 10,000 years.
const SECONDS_MAX: u64 = 315_576_000_000;
