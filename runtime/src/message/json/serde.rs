//! serde's traits for messages, by way of the JSON text: one mapping for all formats.
//!
//! Invariant: what a message serializes to is what [`Message::to_json`](crate::Message::to_json)
//! prints, and what it deserializes from is what [`Message::from_json`](crate::Message::from_json)
//! parses.

use std::borrow::Cow;
use std::fmt::{self, Display, Formatter};

use ::serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use ::serde::ser::{self, Serialize, SerializeMap, SerializeSeq, Serializer};

use super::JsonError;
use super::lexer::{Lexer, Token};
use super::options::JsonPrintOptions;
use super::writer::{JsonWriter, Layout};
use crate::limits;
use crate::message::{Json, Reflect};

/// For generated code: the message, as its JSON.
///
/// # Errors
///
/// What JSON cannot say, and what the serializer gives.
pub fn serialize<S: Serializer>(message: &dyn Reflect, serializer: S) -> Result<S::Ok, S::Error> {
    let text = JsonPrintOptions::new().print(message);
    let text = text.map_err(|error| ser::Error::custom(error.of_serde()))?;
    let mut lexer = Lexer::new(&text, limits::JSON_DEPTH_MAX, usize::MAX);
    let token = lexer.next().map_err(ser::Error::custom)?;
    Tree::of(&mut lexer, token).map_err(ser::Error::custom)?.serialize(serializer)
}

/// For generated code: the message whose JSON the deserializer holds.
///
/// # Errors
///
/// What the deserializer gives, and what the message cannot hold.
pub fn deserialize<'de, M: Json, D: Deserializer<'de>>(deserializer: D) -> Result<M, D::Error> {
    let mut writer = JsonWriter::new(Layout::Compact);
    Transcriber { writer: &mut writer, levels_left: limits::JSON_DEPTH_MAX }
        .deserialize(deserializer)?;
    // Lines and columns are those of a text that nobody wrote.
    M::from_json(&writer.into_text()).map_err(|error| de::Error::custom(error.of_serde()))
}

/// A JSON value, held as its text.
enum Tree<'a> {
    Null,
    Bool(bool),
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Vec<(Cow<'a, str>, Self)>),
}

impl<'a> Tree<'a> {
    /// The value that begins with `token`.
    fn of(lexer: &mut Lexer<'a>, token: Token<'a>) -> Result<Self, JsonError> {
        Ok(match token {
            Token::Bool(value) => Self::Bool(value),
            Token::Number(text) => Self::Number(text),
            Token::String(text) => Self::String(text),
            Token::ArrayBegin => {
                let mut elements = Vec::new();
                loop {
                    match lexer.next()? {
                        Token::ArrayEnd => break Self::Array(elements),
                        token => elements.push(Self::of(lexer, token)?),
                    }
                }
            }
            Token::ObjectBegin => {
                let mut members = Vec::new();
                while let Token::Name(name) = lexer.next()? {
                    let token = lexer.next()?;
                    members.push((name, Self::of(lexer, token)?));
                }
                Self::Object(members)
            }
            Token::Null | Token::Name(_) | Token::ObjectEnd | Token::ArrayEnd | Token::End => {
                Self::Null
            }
        })
    }
}

impl Serialize for Tree<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
                // -0 is a float.
                (Ok(value), _) if *text != "-0" => serializer.serialize_i64(value),
                (_, Ok(value)) => serializer.serialize_f64(value),
                (_, Err(error)) => Err(ser::Error::custom(error)),
            },
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(elements) => {
                let mut sequence = serializer.serialize_seq(Some(elements.len()))?;
                for element in elements {
                    sequence.serialize_element(element)?;
                }
                sequence.end()
            }
            Self::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (name, value) in members {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }
    }
}

/// Writes down what a deserializer holds.
struct Transcriber<'w> {
    writer: &'w mut JsonWriter,
    levels_left: usize,
}

impl Transcriber<'_> {
    /// For what lies in an object or array at hand.
    fn below<E: de::Error>(&mut self) -> Result<Transcriber<'_>, E> {
        match self.levels_left.checked_sub(1) {
            Some(levels_left) => Ok(Transcriber { writer: self.writer, levels_left }),
            None => Err(E::custom(format_args!(
                "expected at most {} levels of objects and arrays, got more",
                limits::JSON_DEPTH_MAX
            ))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Transcriber<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Functions of a visitor that write a value in one call.
macro_rules! visit {
    ($($visit:ident($type:ty) $write:ident;)*) => {$(
        fn $visit<E: de::Error>(self, value: $type) -> Result<(), E> {
            self.writer.$write(value);
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Transcriber<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("a value that JSON has")
    }

    visit! {
        visit_bool(bool) boolean;
        visit_i64(i64) integer;
        visit_u64(u64) integer;
        visit_f32(f32) float;
        visit_f64(f64) float;
        visit_str(&str) string;
        visit_bytes(&[u8]) bytes;
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        self.writer.null();
        Ok(())
    }

    fn visit_none<E: de::Error>(self) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut sequence: A) -> Result<(), A::Error> {
        self.writer.begin_array();
        while sequence.next_element_seed(self.below()?)?.is_some() {}
        self.writer.end_array();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        self.writer.begin_object();
        while let Some(name) = map.next_key_seed(Name)? {
            self.writer.name(&name);
            map.next_value_seed(self.below()?)?;
        }
        self.writer.end_object();
        Ok(())
    }
}

/// Reads the name of a member: some formats have numbers and booleans there.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for Name {
    type Value = String;

    fn expecting(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<String, E> {
        Ok(name.to_owned())
    }

    fn visit_bool<E: de::Error>(self, name: bool) -> Result<String, E> {
        spelled(name)
    }

    fn visit_i64<E: de::Error>(self, name: i64) -> Result<String, E> {
        spelled(name)
    }

    fn visit_u64<E: de::Error>(self, name: u64) -> Result<String, E> {
        spelled(name)
    }
}

fn spelled<E>(name: impl Display) -> Result<String, E> {
    Ok(name.to_string())
}
