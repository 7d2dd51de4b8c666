//! The messages that have a JSON form of their own.

use super::Printer;
use crate::message::conversions::time_syntax;
use crate::message::json::JsonError;
use crate::message::json::well_known::{self, WellKnown, camel_path, malformed};
use crate::message::{DynamicMessage, FieldRef, Reflect, ValueRef};

impl Printer<'_> {
    pub(super) fn well_known(
        &mut self,
        kind: WellKnown,
        message: &dyn Reflect,
    ) -> Result<(), JsonError> {
        match kind {
            WellKnown::Any => self.any(message),
            WellKnown::Timestamp => self.time(message, time_syntax::timestamp, |_, nanos| {
                time_syntax::timestamp_rule(nanos)
            }),
            WellKnown::Duration => {
                self.time(message, time_syntax::duration, time_syntax::duration_rule)
            }
            WellKnown::FieldMask => self.field_mask(message),
            WellKnown::Value => self.any_value(message),
            WellKnown::Struct | WellKnown::ListValue | WellKnown::Wrapper => {
                self.only_field(message)
            }
        }
    }

    fn time(
        &mut self,
        message: &dyn Reflect,
        text: fn(i64, i32) -> Option<String>,
        rule: fn(i64, i32) -> &'static str,
    ) -> Result<(), JsonError> {
        let malformed = || malformed(&message.descriptor());
        let (seconds, nanos) = well_known::seconds_and_nanos(message).ok_or_else(malformed)?;
        let Some(text) = text(seconds, nanos) else {
            let got = format!("{seconds} seconds and {nanos} nanoseconds");
            return Err(JsonError::printing(rule(seconds, nanos), got));
        };
        self.writer.string(&text);
        Ok(())
    }

    fn field_mask(&mut self, message: &dyn Reflect) -> Result<(), JsonError> {
        let Some(FieldRef::Repeated(paths)) = well_known::field(message, 1) else {
            return Err(malformed(&message.descriptor()));
        };
        let mut text = String::new();
        for (index, path) in paths.iter().enumerate() {
            let ValueRef::String(path) = path else {
                return Err(malformed(&message.descriptor()));
            };
            let Some(camel) = camel_path(path) else {
                let expected = "a path that reads back from lowerCamelCase";
                return Err(JsonError::printing(expected, format!("{path:?}")).in_element(index));
            };
            if index > 0 {
                text.push(',');
            }
            text.push_str(&camel);
        }
        self.writer.string(&text);
        Ok(())
    }

    /// `google.protobuf.Value`: the one field that is set.
    fn any_value(&mut self, message: &dyn Reflect) -> Result<(), JsonError> {
        let descriptor = message.descriptor();
        let set = descriptor.fields().find_map(|field| match message.field(field.index()) {
            FieldRef::Singular(value) => Some((field, value)),
            _ => None,
        });
        let expected = "a kind of google.protobuf.Value that JSON has";
        match set {
            Some((_, ValueRef::F64(number))) if !number.is_finite() => {
                Err(JsonError::printing(expected, number.to_string()))
            }
            Some((field, value)) => self.value(&field, value),
            None => Err(JsonError::printing(expected, "none that is set")),
        }
    }

    /// A message that stands for its one field.
    fn only_field(&mut self, message: &dyn Reflect) -> Result<(), JsonError> {
        let descriptor = message.descriptor();
        let malformed = || malformed(&descriptor);
        let field = descriptor.field_by_number(1).ok_or_else(malformed)?;
        match (message.field(field.index()), field.default_value()) {
            (FieldRef::Singular(value), _) | (FieldRef::Unset, Some(value)) => {
                self.value(&field, value)
            }
            (FieldRef::Repeated(list), _) => self.list(&field, list),
            (FieldRef::Map(map), _) => self.map(&field, map),
            (FieldRef::Unset, None) => Err(malformed()),
        }
    }

    /// `google.protobuf.Any`: the message in it, with the URL of its type.
    fn any(&mut self, message: &dyn Reflect) -> Result<(), JsonError> {
        let malformed = || malformed(&message.descriptor());
        let url = well_known::singular(message, 1).ok_or_else(malformed)?;
        let bytes = well_known::singular(message, 2).ok_or_else(malformed)?;
        let (ValueRef::String(url), ValueRef::Bytes(bytes)) = (url, bytes) else {
            return Err(malformed());
        };
        self.writer.begin_object();
        if !url.is_empty() || !bytes.is_empty() {
            self.writer.name("@type");
            self.writer.string(url);
            self.packed(url, bytes)?;
        }
        self.writer.end_object();
        Ok(())
    }

    /// The message in an Any, as members of an object that is open.
    fn packed(&mut self, url: &str, bytes: &[u8]) -> Result<(), JsonError> {
        let Some(descriptor) = well_known::type_of(url, &self.resolver) else {
            return Err(JsonError::printing(well_known::KNOWN_TYPE, format!("{url:?}")));
        };
        let around = self.memory_left;
        let (depth, memory) = (self.depth_left(), &mut self.memory_left);
        let decoded = DynamicMessage::decode_inner(descriptor, bytes, depth, memory);
        let message = decoded.map_err(|error| {
            let expected = format!("an Any that holds a {}", descriptor.full_name());
            JsonError::printing(expected, error.to_string())
        })?;
        if WellKnown::of(&descriptor).is_some() {
            self.writer.name("value");
            self.message(&message)?;
        } else {
            self.enter()?;
            self.fields(&message, &descriptor)?;
            self.depth -= 1;
        }
        self.memory_left = around;
        Ok(())
    }
}
