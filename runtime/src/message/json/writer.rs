//! Writes JSON text: commas, quotes, escapes and line breaks.
//!
//! Invariant: if the caller closes what it opens and names the members of objects, the text is valid
//! JSON.

use std::io::Write as _;

use super::plain::plain_length;
use super::short::push_short;
use super::{base64, number};
use crate::message::reflect::JsonKey;

/// Whether the text has line breaks and indents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Pretty,
}

/// Writes a JSON text from its beginning to its end.
pub(super) struct JsonWriter {
    /// UTF-8.
    out: Vec<u8>,
    layout: Layout,
    depth: usize,
    next: Next,
}

/// Where the next value or name stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Behind its name, or at the beginning of the text.
    Alone,
    /// At the beginning of a container.
    First,
    /// Behind another one in its container.
    Later,
}

impl JsonWriter {
    pub(super) fn new(layout: Layout) -> Self {
        let out = Vec::with_capacity(CAPACITY_FIRST);
        Self { out, layout, depth: 0, next: Next::Alone }
    }

    pub(super) fn into_text(self) -> String {
        String::from_utf8(self.out).expect("it is made of strings and ASCII")
    }

    pub(super) fn begin_object(&mut self) {
        self.begin(b'{');
    }

    pub(super) fn end_object(&mut self) {
        self.end(b'}');
    }

    pub(super) fn begin_array(&mut self) {
        self.begin(b'[');
    }

    pub(super) fn end_array(&mut self) {
        self.end(b']');
    }

    /// The name of the object's next member.
    pub(super) fn name(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.end_name();
    }

    /// The name of the object's next member, where it is a number.
    pub(super) fn integer_name(&mut self, name: impl number::Integer) {
        self.in_quotes(name);
        self.end_name();
    }

    /// The name of the object's next member in the form `,"name":`; it needs no escapes.
    #[inline(always)]
    pub(super) fn key(&mut self, key: &JsonKey) {
        match (self.layout, self.next) {
            (Layout::Compact, Next::Later) => key.push(&mut self.out),
            _ => self.separated_key(key),
        }
        self.next = Next::Alone;
    }

    /// The same where no comma goes before, or more than a comma.
    #[inline(never)]
    fn separated_key(&mut self, key: &JsonKey) {
        self.separate();
        push_short(&mut self.out, key.first().as_bytes());
        if self.layout == Layout::Pretty {
            self.out.push(b' ');
        }
    }

    #[inline]
    pub(super) fn string(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    /// Bytes, as base64.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.separate();
        self.out.push(b'"');
        base64::push(&mut self.out, value);
        self.out.push(b'"');
    }

    pub(super) fn null(&mut self) {
        self.separate();
        self.out.extend_from_slice(b"null");
    }

    pub(super) fn boolean(&mut self, value: bool) {
        self.separate();
        self.out.extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// An integer that every reader of JSON takes for what it is: one of 32 bits.
    #[inline]
    pub(super) fn integer(&mut self, value: impl number::Integer) {
        self.separate();
        number::push_integer(&mut self.out, value);
    }

    /// A 64-bit integer: in quotes, since many readers of JSON take numbers for floats.
    #[inline]
    pub(super) fn in_quotes(&mut self, value: impl number::Integer) {
        self.separate();
        self.out.push(b'"');
        number::push_integer(&mut self.out, value);
        self.out.push(b'"');
    }

    #[inline]
    pub(super) fn float(&mut self, value: impl number::Float) {
        self.separate();
        number::push_float(&mut self.out, value);
    }

    fn begin(&mut self, bracket: u8) {
        self.separate();
        self.out.push(bracket);
        self.depth += 1;
        self.next = Next::First;
    }

    fn end(&mut self, bracket: u8) {
        self.depth -= 1;
        if self.next != Next::First {
            self.break_line();
        }
        self.out.push(bracket);
        self.next = Next::Later;
    }

    fn end_name(&mut self) {
        self.out.push(b':');
        if self.layout == Layout::Pretty {
            self.out.push(b' ');
        }
        self.next = Next::Alone;
    }

    /// What stands between the value before and the next one.
    #[inline]
    fn separate(&mut self) {
        match self.next {
            Next::Alone => {}
            Next::First => self.break_line(),
            Next::Later => {
                self.out.push(b',');
                self.break_line();
            }
        }
        self.next = Next::Later;
    }

    #[inline]
    fn break_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.indent();
        }
    }

    #[cold]
    fn indent(&mut self) {
        self.out.push(b'\n');
        for _ in 0..self.depth {
            self.out.extend_from_slice(b"  ");
        }
    }

    fn quoted(&mut self, text: &str) {
        let plain = plain_length(text.as_bytes());
        self.out.reserve(text.len() + 2);
        self.out.push(b'"');
        if plain == text.len() {
            self.out.extend_from_slice(text.as_bytes());
        } else {
            self.escaped(text.as_bytes(), plain);
        }
        self.out.push(b'"');
    }

    /// RFC 8259 7: quotes, backslashes and control characters are escaped, all else stands for
    /// itself. The first `plain` bytes need no escape.
    #[cold]
    fn escaped(&mut self, text: &[u8], mut plain: usize) {
        let mut rest = text;
        loop {
            self.out.extend_from_slice(&rest[..plain]);
            match rest.get(plain) {
                None => return,
                Some(b'"') => self.out.extend_from_slice(b"\\\""),
                Some(b'\\') => self.out.extend_from_slice(b"\\\\"),
                Some(b'\n') => self.out.extend_from_slice(b"\\n"),
                Some(b'\r') => self.out.extend_from_slice(b"\\r"),
                Some(b'\t') => self.out.extend_from_slice(b"\\t"),
                Some(0x08) => self.out.extend_from_slice(b"\\b"),
                Some(0x0c) => self.out.extend_from_slice(b"\\f"),
                Some(byte) => {
                    write!(self.out, "\\u{byte:04x}").expect("writing to a vector cannot fail");
                }
            }
            rest = &rest[plain + 1..];
            plain = plain_length(rest);
        }
    }
}

/// Enough for small messages; larger ones double it.
const CAPACITY_FIRST: usize = 256;
