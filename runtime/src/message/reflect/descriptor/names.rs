//! Names in descriptors: what the grammar lets be one, and how they are put together.
//!
//! Whatever prints a name (JSON, the text format, errors) relies on its being one.

use super::build::DescriptorError;
use crate::message::well_known::EnumValueDescriptorProto;
use crate::message::{Budget, ByteString, DecodeError, UnknownFields, UnknownValue};

/// A text that has to be there.
pub(super) fn text(
    bytes: Option<&ByteString>,
    what: &str,
    file: &str,
) -> Result<String, DescriptorError> {
    match optional_text(bytes, what, file) {
        Ok(text) if text.is_empty() => {
            Err(DescriptorError::new(file, format!("{what} is missing")))
        }
        other => other,
    }
}

pub(super) fn optional_text(
    bytes: Option<&ByteString>,
    what: &str,
    file: &str,
) -> Result<String, DescriptorError> {
    let text = bytes.map_or(Ok(""), ByteString::to_str);
    text.map(str::to_owned).map_err(|_| DescriptorError::new(file, format!("{what} is not UTF-8")))
}

pub(super) fn texts(
    names: &[ByteString],
    what: &str,
    file: &str,
) -> Result<Vec<String>, DescriptorError> {
    names.iter().map(|name| text(Some(name), what, file)).collect()
}

/// A name that has to be there: letters, digits and underscores, and no digit first.
pub(super) fn identifier(
    bytes: Option<&ByteString>,
    what: &str,
    file: &str,
) -> Result<String, DescriptorError> {
    let name = text(bytes, what, file)?;
    if is_identifier(&name) { Ok(name) } else { Err(no_name(file, what, &name)) }
}

/// Names with points between them, or nothing.
pub(super) fn package(bytes: Option<&ByteString>, file: &str) -> Result<String, DescriptorError> {
    let what = "the package";
    let name = optional_text(bytes, what, file)?;
    let is_whole = name.is_empty() || name.split('.').all(is_identifier);
    if is_whole { Ok(name) } else { Err(no_name(file, what, &name)) }
}

fn no_name(file: &str, what: &str, name: &str) -> DescriptorError {
    DescriptorError::new(file, format!("expected {what} to be a name, got {name:?}"))
}

fn is_identifier(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// protobuf JSON: each letter behind an underscore is upper case, underscores go.
pub(super) fn json_name(name: &str) -> String {
    let mut json = String::with_capacity(name.len());
    let mut after_underscore = false;
    for letter in name.chars() {
        match letter {
            '_' => after_underscore = true,
            _ if after_underscore => {
                json.push(letter.to_ascii_uppercase());
                after_underscore = false;
            }
            _ => json.push(letter),
        }
    }
    json
}

/// The option `(pb.enumvalue.json).string`: google/protobuf/json_enumvalue_options.proto. It is an
/// extension, which the descriptor's own file does not know.
pub(super) fn json_name_of_value(
    value: &EnumValueDescriptorProto,
    file: &str,
) -> Result<Option<String>, DescriptorError> {
    let mut name = None;
    for (number, option) in value.options.unknown.iter() {
        let UnknownValue::LengthDelimited(json) = option else { continue };
        if number != JSON_OPTION {
            continue;
        }
        let mut budget = Budget::new(json);
        let mut reader = budget.reader(json);
        let mut fields = UnknownFields::new();
        let fault = |error: DecodeError| DescriptorError::new(file, error.to_string());
        while let Some(tag) = reader.next_tag().map_err(fault)? {
            reader.unknown(tag, &mut fields).map_err(fault)?;
        }
        for (number, value) in &fields {
            if let (JSON_STRING, UnknownValue::LengthDelimited(text)) = (number, value) {
                let text = ByteString::from(text);
                name = Some(optional_text(Some(&text), "an enum value's JSON name", file)?);
            }
        }
    }
    Ok(name.filter(|name| !name.is_empty()))
}

/// `pb.enumvalue.json`, an extension of `EnumValueOptions`.
const JSON_OPTION: u32 = 998;

/// `pb.enumvalue.JsonEnumValueOptions.string`.
const JSON_STRING: u32 = 1;

/// What JSON text has before the value of a member that is not the first one: `,"name":`.
pub(in crate::message) struct JsonKey {
    text: Box<str>,
    /// The beginning of the text, with zeros behind it: copies of a fixed size are the fastest.
    block: [u8; KEY_BLOCK],
}

impl JsonKey {
    /// `None` if the name needs escapes.
    pub(super) fn new(json_name: &str) -> Option<Self> {
        let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
        if !json_name.bytes().all(is_plain) {
            return None;
        }
        let text: Box<str> = format!(",\"{json_name}\":").into();
        let mut block = [0; KEY_BLOCK];
        let short = text.len().min(KEY_BLOCK);
        block[..short].copy_from_slice(&text.as_bytes()[..short]);
        Some(Self { text, block })
    }

    /// The key without the comma.
    pub(in crate::message) fn first(&self) -> &str {
        &self.text[1..]
    }

    /// Appends the key.
    #[inline]
    pub(in crate::message) fn push(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.text.len();
        match self.text.len() {
            0..=KEY_BLOCK => out.extend_from_slice(&self.block),
            _ => out.extend_from_slice(self.text.as_bytes()),
        }
        out.truncate(end);
    }
}

/// Most names fit, with the comma, the quotes and the colon.
const KEY_BLOCK: usize = 16;

pub(super) fn joined(scope: &str, name: &str) -> String {
    if scope.is_empty() { name.to_owned() } else { format!("{scope}.{name}") }
}
