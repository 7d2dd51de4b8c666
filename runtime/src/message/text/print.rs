//! From a message to text.

use std::fmt::Write as _;

use super::literal::{infallible, write_bytes, write_f32, write_f64, write_text};
use super::unknown::write_unknown;
use super::{ANY, TextPrintOptions, check_url, extension_name, name_of, type_of_url};
use crate::limits;
use crate::message::redact::REDACTED;
use crate::message::reflect::{
    DynamicExtension, DynamicMessage, FieldDescriptor, FieldRef, Reflect, Resolver, ValueRef,
    extension_fields,
};
use crate::message::shape::{ITEM, parse_item};
use crate::message::{FieldKind, List, UnknownFields, UnknownValue};

pub(super) fn print(message: &dyn Reflect, options: &TextPrintOptions<'_>) -> String {
    let resolver = Resolver::new(options.pool, message.descriptor().file());
    let mut printer = Printer {
        out: String::new(),
        indent: options.indent,
        memory_left: None,
        options,
        resolver,
    };
    printer.message(message);
    if options.single_line {
        printer.out.truncate(printer.out.trim_end().len());
    }
    printer.out
}

pub(super) struct Printer<'a> {
    pub(super) out: String,
    indent: usize,
    /// Of the outermost `Any` or extension that is being printed.
    memory_left: Option<usize>,
    options: &'a TextPrintOptions<'a>,
    /// Of the outermost message: what its file uses has all that the files of its parts use.
    resolver: Resolver<'a>,
}

impl Printer<'_> {
    /// Whether it hides what may be a secret.
    pub(super) fn redacts(&self) -> bool {
        self.options.redact
    }

    fn message(&mut self, message: &dyn Reflect) {
        if self.options.expand_any && self.any(message) {
            return;
        }
        let descriptor = message.descriptor();
        let mut fields: Vec<FieldDescriptor<'_>> = descriptor.fields().collect();
        fields.sort_unstable_by_key(FieldDescriptor::number);
        for field in fields {
            self.field(field, name_of(field), message.field(field.index()));
        }
        self.rest(message);
    }

    /// Extensions, and unknown fields if they are wanted.
    fn rest(&mut self, message: &dyn Reflect) {
        if message.unknown_fields().is_empty() {
            return;
        }
        let descriptor = message.descriptor();
        // One that cannot be decoded is an unknown field like others.
        let around = self.memory_left;
        let mut memory = around;
        let depth = self.depth_left();
        let extensions = extension_fields(message, &self.resolver, depth, &mut memory);
        let extensions = extensions.unwrap_or_default();
        self.memory_left = memory;
        for extension in &extensions {
            let field = extension.descriptor();
            self.field(field, &format!("[{}]", extension_name(field)), extension.get());
        }
        self.memory_left = around;
        if self.options.unknown_fields {
            let mut left = UnknownFields::new();
            for (number, value) in message.unknown_fields() {
                let of = match &value {
                    UnknownValue::Group(item) if descriptor.is_message_set() && number == ITEM => {
                        parse_item(item.as_bytes()).0
                    }
                    _ => Some(u64::from(number)),
                };
                let is_of = |extension: &DynamicExtension| {
                    of == Some(u64::from(extension.descriptor().number()))
                };
                if !extensions.iter().any(is_of) {
                    left.push(number, value);
                }
            }
            write_unknown(self, left.iter(), 0);
        }
    }

    fn field(&mut self, field: FieldDescriptor<'_>, name: &str, value: FieldRef<'_>) {
        match value {
            FieldRef::Unset => {}
            _ if self.options.redact && value.is_set() && is_secret(field) => {
                self.line(|printer| printer.out.extend([name, ": ", REDACTED]));
            }
            FieldRef::Singular(value) => self.value(field, name, value),
            FieldRef::Repeated(list) if self.is_short(field, list) => self.line(|printer| {
                printer.out.extend([name, ": ["]);
                for (at, value) in list.iter().enumerate() {
                    printer.out.push_str(if at == 0 { "" } else { ", " });
                    printer.scalar(field, value);
                }
                printer.out.push(']');
            }),
            FieldRef::Repeated(list) => {
                list.iter().for_each(|value| self.value(field, name, value));
            }
            FieldRef::Map(map) => {
                let Some((key_field, value_field)) = field.map_entry() else { return };
                for (key, value) in map.iter() {
                    self.block(name, |printer| {
                        printer.value(key_field, "key", key);
                        printer.value(value_field, "value", value);
                    });
                }
            }
        }
    }

    /// Whether the list goes into one line: of numbers, booleans and names, as C++ has it.
    fn is_short(&self, field: FieldDescriptor<'_>, list: &dyn List) -> bool {
        use FieldKind::{Bytes, Group, Message, String};
        self.options.short_lists
            && !matches!(field.kind(), String | Bytes | Message | Group)
            && !list.is_empty()
    }

    fn value(&mut self, field: FieldDescriptor<'_>, name: &str, value: ValueRef<'_>) {
        match value {
            ValueRef::Message(message) => self.block(name, |printer| printer.message(message)),
            value => self.line(|printer| {
                printer.out.extend([name, ": "]);
                printer.scalar(field, value);
            }),
        }
    }

    fn scalar(&mut self, field: FieldDescriptor<'_>, value: ValueRef<'_>) {
        let out = &mut self.out;
        match value {
            ValueRef::Bool(value) => infallible(write!(out, "{value}")),
            ValueRef::I32(value) => infallible(write!(out, "{value}")),
            ValueRef::I64(value) => infallible(write!(out, "{value}")),
            ValueRef::U32(value) => infallible(write!(out, "{value}")),
            ValueRef::U64(value) => infallible(write!(out, "{value}")),
            ValueRef::F32(value) => write_f32(out, value),
            ValueRef::F64(value) => write_f64(out, value),
            ValueRef::String(value) => write_text(out, value),
            ValueRef::ByteString(value) => match std::str::from_utf8(value) {
                Ok(text) => write_text(out, text),
                Err(_) => write_bytes(out, value),
            },
            ValueRef::Bytes(value) => write_bytes(out, value),
            ValueRef::Enum(number) => {
                let known = field.enumeration().and_then(|of| of.value_by_number(number));
                match known {
                    Some(value) => out.push_str(value.name()),
                    None => infallible(write!(out, "{number}")),
                }
            }
            ValueRef::Message(_) => {}
        }
    }

    /// The message in an `Any`; whether it is one, and its type known.
    fn any(&mut self, message: &dyn Reflect) -> bool {
        let descriptor = message.descriptor();
        if descriptor.full_name() != ANY || !message.unknown_fields().is_empty() {
            return false;
        }
        let field =
            |number| descriptor.field_by_number(number).map(|field| message.field(field.index()));
        let Some(FieldRef::Singular(ValueRef::String(url))) = field(1) else { return false };
        // Brackets hold no other: it would read back as another one, or as more than a name.
        if check_url(url).is_err() {
            return false;
        }
        let bytes = match field(2) {
            Some(FieldRef::Singular(ValueRef::Bytes(bytes))) => bytes,
            Some(FieldRef::Unset) => &[],
            _ => return false,
        };
        // What is too deep to be read back stays bytes; the message below is a level of its own.
        let Some(depth) = self.depth_left().checked_sub(1) else { return false };
        let known = type_of_url(url).and_then(|name| self.resolver.message(name));
        let mut memory = self.memory_left;
        let decode = |known| DynamicMessage::decode_inner(known, bytes, depth, &mut memory).ok();
        let Some(inner) = known.and_then(decode) else { return false };
        let around = std::mem::replace(&mut self.memory_left, memory);
        self.block(&format!("[{url}]"), |printer| printer.message(&inner));
        self.memory_left = around;
        true
    }

    /// Levels that may lie below the message at hand: `Any` and extensions are bytes until they are
    /// printed, so that no decoder has counted theirs.
    fn depth_left(&self) -> u32 {
        let depth = u32::try_from(self.indent).unwrap_or(u32::MAX);
        limits::MESSAGE_DEPTH_MAX.saturating_sub(depth)
    }

    /// A message in braces.
    pub(super) fn block(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.line(|printer| printer.out.extend([name, " {"]));
        self.indent += 1;
        inside(self);
        self.indent -= 1;
        self.line(|printer| printer.out.push('}'));
    }

    /// A line of its own, or in a single line what stands before the next space.
    pub(super) fn line(&mut self, write: impl FnOnce(&mut Self)) {
        if self.options.single_line {
            write(self);
            self.out.push(' ');
        } else {
            self.out.extend(std::iter::repeat_n("  ", self.indent));
            write(self);
            self.out.push('\n');
        }
    }
}

/// Whether the field says so, or may hold fields that do: the bytes of an `Any`, which come here
/// where the message in it is not printed.
fn is_secret(field: FieldDescriptor<'_>) -> bool {
    let is_any = || !field.is_extension() && field.containing_message().full_name() == ANY;
    field.is_redacted() || field.number() == ANY_VALUE && is_any()
}

/// `google.protobuf.Any.value`.
const ANY_VALUE: u32 = 2;
