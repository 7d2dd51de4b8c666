//! Unknown fields as text: numbers in place of names.

use std::fmt::Write as _;

use super::literal::{infallible, write_bytes};
use super::print::Printer;
use crate::message::redact::REDACTED;
use crate::message::{Budget, UnknownFields, UnknownIter, UnknownValue};

/// Writes the fields; bytes that look like a message are written as one.
pub(super) fn write_unknown(printer: &mut Printer<'_>, fields: UnknownIter<'_>, depth: u32) {
    for (number, value) in fields {
        match value {
            _ if printer.redacts() => printer.line(|printer| {
                infallible(write!(printer.out, "{number}: {REDACTED}"));
            }),
            UnknownValue::Group(fields) => {
                let name = number.to_string();
                printer.block(&name, |printer| write_unknown(printer, fields, depth + 1));
            }
            UnknownValue::LengthDelimited(bytes) => match as_message(bytes, depth) {
                Some(fields) => {
                    let name = number.to_string();
                    printer.block(&name, |printer| {
                        write_unknown(printer, fields.iter(), depth + 1);
                    });
                }
                None => printer.line(|printer| {
                    infallible(write!(printer.out, "{number}: "));
                    write_bytes(&mut printer.out, bytes);
                }),
            },
            value => printer.line(|printer| {
                let out = &mut printer.out;
                infallible(match value {
                    UnknownValue::Varint(value) => write!(out, "{number}: {value}"),
                    UnknownValue::Fixed64(value) => write!(out, "{number}: {value:#018x}"),
                    UnknownValue::Fixed32(value) => write!(out, "{number}: {value:#010x}"),
                    UnknownValue::LengthDelimited(_) | UnknownValue::Group(_) => Ok(()),
                });
            }),
        }
    }
}

/// The fields in the bytes, if they can be read as such.
fn as_message(bytes: &[u8], depth: u32) -> Option<UnknownFields> {
    if bytes.is_empty() || depth >= DEPTH_MAX {
        return None;
    }
    let mut budget = Budget::new(bytes);
    let mut reader = budget.reader(bytes);
    let mut fields = UnknownFields::new();
    while let Some(tag) = reader.next_tag().ok()? {
        reader.unknown(tag, &mut fields).ok()?;
    }
    Some(fields)
}

/// Levels of messages that are looked for in bytes.
const DEPTH_MAX: u32 = 10;
