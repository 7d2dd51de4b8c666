//! Writes JSON text: commas, quotes, escapes and line breaks.
//!
//! Invariant: if the caller closes what it opens and names the members of objects, the text is valid
//! JSON.

use std::fmt::{Display, Write as _};

use super::{base64, number};

/// Whether the text has line breaks and indents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Compact,
    Pretty,
}

/// Writes a JSON text from its beginning to its end.
pub(super) struct JsonWriter {
    out: String,
    layout: Layout,
    depth: usize,
    /// The next value is the first one of its container.
    is_first: bool,
    /// The next value is that of the name just written.
    is_named: bool,
}

impl JsonWriter {
    pub(super) fn new(layout: Layout) -> Self {
        Self { out: String::new(), layout, depth: 0, is_first: true, is_named: false }
    }

    pub(super) fn into_text(self) -> String {
        self.out
    }

    pub(super) fn begin_object(&mut self) {
        self.begin('{');
    }

    pub(super) fn end_object(&mut self) {
        self.end('}');
    }

    pub(super) fn begin_array(&mut self) {
        self.begin('[');
    }

    pub(super) fn end_array(&mut self) {
        self.end(']');
    }

    /// The name of the object's next member.
    pub(super) fn name(&mut self, name: &str) {
        self.separate();
        self.quoted(name);
        self.out.push_str(if self.layout == Layout::Pretty { ": " } else { ":" });
        self.is_named = true;
    }

    pub(super) fn string(&mut self, value: &str) {
        self.separate();
        self.quoted(value);
    }

    /// Bytes, as base64.
    pub(super) fn bytes(&mut self, value: &[u8]) {
        self.separate();
        self.out.push('"');
        base64::push(&mut self.out, value);
        self.out.push('"');
    }

    /// A boolean, a 32-bit integer or null.
    pub(super) fn bare(&mut self, value: impl Display) {
        self.separate();
        write!(self.out, "{value}").expect("writing to a string cannot fail");
    }

    /// A 64-bit integer: in quotes, since many readers of JSON take numbers for floats.
    pub(super) fn in_quotes(&mut self, value: impl Display) {
        self.separate();
        write!(self.out, "\"{value}\"").expect("writing to a string cannot fail");
    }

    pub(super) fn float(&mut self, value: impl number::Float) {
        self.separate();
        number::push_float(&mut self.out, value);
    }

    fn begin(&mut self, bracket: char) {
        self.separate();
        self.out.push(bracket);
        self.depth += 1;
        self.is_first = true;
    }

    fn end(&mut self, bracket: char) {
        self.depth -= 1;
        if !self.is_first {
            self.break_line();
        }
        self.out.push(bracket);
        self.is_first = false;
    }

    /// What stands between the value before and the next one.
    fn separate(&mut self) {
        if self.is_named {
            self.is_named = false;
        } else if self.depth > 0 {
            if !self.is_first {
                self.out.push(',');
            }
            self.break_line();
        }
        self.is_first = false;
    }

    fn break_line(&mut self) {
        if self.layout == Layout::Pretty {
            self.out.push('\n');
            for _ in 0..self.depth {
                self.out.push_str("  ");
            }
        }
    }

    /// RFC 8259 7: quotes, backslashes and control characters are escaped, all else stands for
    /// itself.
    fn quoted(&mut self, text: &str) {
        self.out.push('"');
        let mut rest = text;
        let needs_escape = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
        while let Some(at) = rest.bytes().position(needs_escape) {
            self.out.push_str(&rest[..at]);
            match rest.as_bytes()[at] {
                b'"' => self.out.push_str("\\\""),
                b'\\' => self.out.push_str("\\\\"),
                b'\n' => self.out.push_str("\\n"),
                b'\r' => self.out.push_str("\\r"),
                b'\t' => self.out.push_str("\\t"),
                0x08 => self.out.push_str("\\b"),
                0x0c => self.out.push_str("\\f"),
                byte => write!(self.out, "\\u{byte:04x}").expect("writing to a string cannot fail"),
            }
            rest = &rest[at + 1..];
        }
        self.out.push_str(rest);
        self.out.push('"');
    }
}
