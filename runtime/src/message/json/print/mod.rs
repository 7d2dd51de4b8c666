//! Messages to JSON text, by reflection: the mapping that protobuf's documentation calls ProtoJSON.
//!
//! Invariant: what is printed without an error reads back as an equal message, unknown fields aside.

mod well_known;

use std::ops::ControlFlow;

use super::JsonError;
use super::options::{Enums, Integers, JsonPrintOptions, Names, Unset};
use super::well_known::{WellKnown, malformed};
use super::writer::JsonWriter;
use crate::limits;
use crate::message::reflect::{Elements, Resolver, extension_fields};
use crate::message::{
    EnumDescriptor, FieldDescriptor, FieldRef, List, Map, MessageDescriptor, Reflect, ValueRef,
};

/// Prints `message` as the options say.
pub(super) fn print(
    message: &dyn Reflect,
    options: &JsonPrintOptions<'_>,
) -> Result<String, JsonError> {
    let writer = JsonWriter::new(options.layout);
    let descriptor = message.descriptor();
    let resolver = Resolver::new(options.pool, descriptor.file());
    let mut printer = Printer { options, resolver, writer, depth: 0, memory_left: None };
    match printer.message(message) {
        Ok(()) => Ok(printer.writer.into_text()),
        Err(error) => Err(error.within(descriptor.full_name())),
    }
}

struct Printer<'o> {
    options: &'o JsonPrintOptions<'o>,
    resolver: Resolver<'o>,
    writer: JsonWriter,
    depth: u32,
    /// Of the outermost `Any` or extension that is being printed.
    memory_left: Option<usize>,
}

impl Printer<'_> {
    fn message(&mut self, message: &dyn Reflect) -> Result<(), JsonError> {
        self.enter()?;
        let descriptor = message.descriptor();
        let printed = match WellKnown::of(&descriptor) {
            Some(kind) => self.well_known(kind, message),
            None => self.object(message, &descriptor),
        };
        self.depth -= 1;
        printed
    }

    /// Opens a message or map entry: levels are counted as binary decoding counts them.
    fn enter(&mut self) -> Result<(), JsonError> {
        if self.depth > limits::MESSAGE_DEPTH_MAX {
            let limit = limits::MESSAGE_DEPTH_MAX;
            let expected = format!("at most {limit} levels of nested messages");
            return Err(JsonError::printing(expected, "more"));
        }
        self.depth += 1;
        Ok(())
    }

    fn object(
        &mut self,
        message: &dyn Reflect,
        descriptor: &MessageDescriptor<'_>,
    ) -> Result<(), JsonError> {
        self.writer.begin_object();
        self.fields(message, descriptor)?;
        self.writer.end_object();
        Ok(())
    }

    /// The fields as members of an object that is open.
    fn fields(
        &mut self,
        message: &dyn Reflect,
        descriptor: &MessageDescriptor<'_>,
    ) -> Result<(), JsonError> {
        match self.options.unset {
            Unset::Omitted => {
                let (mut failure, nth) = (None, descriptor.nth_field());
                let _ = message.visit_set(&mut |index, is| match self.field(&nth(index), is) {
                    Ok(()) => ControlFlow::Continue(()),
                    Err(error) => {
                        failure = Some(error);
                        ControlFlow::Break(())
                    }
                });
                if let Some(error) = failure {
                    return Err(error);
                }
            }
            Unset::Printed => {
                for field in descriptor.fields() {
                    let is = message.field(field.index());
                    if is.is_set() || !field.has_presence() {
                        self.field(&field, is)?;
                    }
                }
            }
        }
        if message.unknown_fields().is_empty() {
            return Ok(());
        }
        self.extensions(message)
    }

    /// The extensions among the unknown fields.
    fn extensions(&mut self, message: &dyn Reflect) -> Result<(), JsonError> {
        let around = self.memory_left;
        let (depth, memory) = (self.depth_left(), &mut self.memory_left);
        let decoded = extension_fields(message, &self.resolver, depth, memory);
        let extensions = decoded.map_err(|error| {
            JsonError::printing("extensions that can be decoded", error.to_string())
        })?;
        for extension in extensions {
            let field = extension.descriptor();
            let name = field.json_name();
            self.writer.name(name);
            self.content(&field, extension.get()).map_err(|error| error.in_field(name))?;
        }
        self.memory_left = around;
        Ok(())
    }

    /// Levels that messages inside of the one at hand may have.
    fn depth_left(&self) -> u32 {
        (limits::MESSAGE_DEPTH_MAX + 1).saturating_sub(self.depth)
    }

    #[inline(always)]
    fn field(&mut self, field: &FieldDescriptor<'_>, is: FieldRef<'_>) -> Result<(), JsonError> {
        self.name(field);
        self.content(field, is).map_err(|error| error.in_field(field.name()))
    }

    #[inline(always)]
    fn name(&mut self, field: &FieldDescriptor<'_>) {
        match (self.options.names, field.json_key()) {
            (Names::LowerCamel, Some(key)) => self.writer.key(key),
            (Names::LowerCamel, None) => self.writer.name(field.json_name()),
            (Names::Original, _) => self.writer.name(field.name()),
        }
    }

    /// What the field holds, behind its name.
    #[inline(always)]
    fn content(&mut self, field: &FieldDescriptor<'_>, is: FieldRef<'_>) -> Result<(), JsonError> {
        match is {
            FieldRef::Singular(value) => self.value(field, value),
            FieldRef::Repeated(list) => self.list(field, list),
            FieldRef::Map(map) => self.map(field, map),
            FieldRef::Unset => match field.default_value() {
                Some(value) => self.value(field, value),
                None => Err(malformed(&field.containing_message())),
            },
        }
    }

    fn list(&mut self, field: &FieldDescriptor<'_>, list: &dyn List) -> Result<(), JsonError> {
        self.writer.begin_array();
        let (writer, integers) = (&mut self.writer, self.options.integers);
        match list.elements() {
            Elements::Bool(slice) => slice.iter().for_each(|value| writer.boolean(*value)),
            Elements::I32(slice) => slice.iter().for_each(|value| writer.integer(*value)),
            Elements::U32(slice) => slice.iter().for_each(|value| writer.integer(*value)),
            Elements::I64(slice) => slice.iter().for_each(|value| signed(writer, integers, *value)),
            Elements::U64(slice) => {
                slice.iter().for_each(|value| unsigned(writer, integers, *value));
            }
            Elements::F32(slice) => slice.iter().for_each(|value| writer.float(*value)),
            Elements::F64(slice) => slice.iter().for_each(|value| writer.float(*value)),
            Elements::String(slice) => slice.iter().for_each(|value| writer.string(value)),
            Elements::Bytes(slice) => slice.iter().for_each(|value| writer.bytes(value)),
            Elements::Other => {
                for (index, value) in list.iter().enumerate() {
                    self.value(field, value).map_err(|error| error.in_element(index))?;
                }
            }
        }
        self.writer.end_array();
        Ok(())
    }

    fn map(&mut self, field: &FieldDescriptor<'_>, map: &dyn Map) -> Result<(), JsonError> {
        let Some((_, value_field)) = field.map_entry() else {
            return Err(malformed(&field.containing_message()));
        };
        self.writer.begin_object();
        for (key, value) in map.iter() {
            match key {
                ValueRef::Bool(key) => self.writer.name(if key { "true" } else { "false" }),
                ValueRef::I32(key) => self.writer.integer_name(key),
                ValueRef::I64(key) => self.writer.integer_name(key),
                ValueRef::U32(key) => self.writer.integer_name(key),
                ValueRef::U64(key) => self.writer.integer_name(key),
                ValueRef::String(key) => self.writer.name(key),
                ValueRef::ByteString(key) => self.writer.name(utf8(key)?),
                _ => return Err(malformed(&field.containing_message())),
            }
            self.enter()?;
            let printed = self.value(&value_field, value);
            self.depth -= 1;
            printed.map_err(|error| error.in_entry(&shown(key)))?;
        }
        self.writer.end_object();
        Ok(())
    }

    #[inline(always)]
    fn value(&mut self, field: &FieldDescriptor<'_>, value: ValueRef<'_>) -> Result<(), JsonError> {
        match value {
            ValueRef::Bool(value) => self.writer.boolean(value),
            ValueRef::I32(value) => self.writer.integer(value),
            ValueRef::U32(value) => self.writer.integer(value),
            ValueRef::I64(value) => signed(&mut self.writer, self.options.integers, value),
            ValueRef::U64(value) => unsigned(&mut self.writer, self.options.integers, value),
            ValueRef::F32(value) => self.writer.float(value),
            ValueRef::F64(value) => self.writer.float(value),
            ValueRef::String(value) => self.writer.string(value),
            ValueRef::ByteString(value) => self.writer.string(utf8(value)?),
            ValueRef::Bytes(value) => self.writer.bytes(value),
            ValueRef::Enum(number) => self.enumeration(field.enumeration(), number),
            ValueRef::Message(message) => return self.message(message),
        }
        Ok(())
    }

    fn enumeration(&mut self, enumeration: Option<EnumDescriptor<'_>>, number: i32) {
        match enumeration {
            Some(of) if of.full_name() == "google.protobuf.NullValue" => self.writer.null(),
            Some(of) if self.options.enums == Enums::Names => match of.value_by_number(number) {
                Some(value) => self.writer.string(value.json_name()),
                None => self.writer.integer(number),
            },
            Some(_) | None => self.writer.integer(number),
        }
    }
}

fn signed(writer: &mut JsonWriter, integers: Integers, value: i64) {
    match integers {
        Integers::Bare if value.unsigned_abs() <= EXACT_MAX => writer.integer(value),
        Integers::Bare | Integers::InQuotes => writer.in_quotes(value),
    }
}

fn unsigned(writer: &mut JsonWriter, integers: Integers, value: u64) {
    match integers {
        Integers::Bare if value <= EXACT_MAX => writer.integer(value),
        Integers::Bare | Integers::InQuotes => writer.in_quotes(value),
    }
}

/// A map's key, for errors.
#[cold]
fn shown(key: ValueRef<'_>) -> String {
    match key {
        ValueRef::Bool(key) => key.to_string(),
        ValueRef::I32(key) => key.to_string(),
        ValueRef::I64(key) => key.to_string(),
        ValueRef::U32(key) => key.to_string(),
        ValueRef::U64(key) => key.to_string(),
        ValueRef::String(key) => key.to_owned(),
        ValueRef::ByteString(key) => String::from_utf8_lossy(key).into_owned(),
        other => format!("{other:?}"),
    }
}

/// 2^53: up to here every integer is a double.
const EXACT_MAX: u64 = 1 << 53;

fn utf8(bytes: &[u8]) -> Result<&str, JsonError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let got = format!("something else after {} bytes", error.valid_up_to());
        JsonError::printing("a string of utf-8", got)
    })
}
