//! Names in brackets: the message in an `Any`, and extensions.

use super::{Parser, Seen, TextError};
use crate::message::growth;
use crate::message::reflect::{
    DynamicExtension, DynamicMessage, FieldDescriptor, FieldMut, MessageDescriptor, Reflect,
    Resolver, Value,
};
use crate::message::text::{ANY, check_url, extension_name, type_of_url};

impl Parser<'_> {
    /// `[type.googleapis.com/a.B] { … }` in an `Any`.
    pub(super) fn any(
        &mut self,
        url: &str,
        descriptor: MessageDescriptor<'_>,
        message: &mut dyn Reflect,
        seen: &mut Seen,
    ) -> Result<(), TextError> {
        let fault = |parser: &Self, what: String| Err(parser.lexer.error(what));
        if descriptor.full_name() != ANY {
            let of = descriptor.full_name();
            return fault(
                self,
                format!("expected a field of {of}, found the type `{url}` of an Any"),
            );
        }
        if !seen.fields.is_empty() {
            return fault(
                self,
                format!("expected nothing beside the message in Any, found `{url}`"),
            );
        }
        // Both are set now: neither may follow.
        seen.fields.extend([1, 2]);
        check_url(url).or_else(|what| fault(self, what))?;
        let known = type_of_url(url).and_then(|name| self.resolver.message(name));
        let Some(known) = known else {
            if self.options.ignore_unknown {
                return self.skip_value();
            }
            return fault(self, format!("the type `{url}` is not known: expected it in the pool"));
        };
        self.lexer.takes(':')?;
        let mut inner = DynamicMessage::new(known);
        self.message(&mut inner).map_err(|error| error.within(url))?;
        let bytes = inner.encode_to_vec().map_err(|error| self.lexer.error(error.to_string()))?;
        self.charge(url.len() + bytes.capacity())?;
        for (number, value) in [(1, Value::String(url.to_owned())), (2, Value::Bytes(bytes))] {
            let Some(field) = descriptor.field_by_number(number) else { continue };
            self.charge(message.slot_cost(field.index()).unwrap_or_default())?;
            if let FieldMut::Singular(mut slot) = message.field_mut(field.index()) {
                slot.set(value).or_else(|error| fault(self, error.to_string()))?;
            }
        }
        Ok(())
    }

    /// `[a.b]` behind its bracket.
    pub(super) fn extension(
        &mut self,
        name: &str,
        descriptor: MessageDescriptor<'_>,
        message: &dyn Reflect,
        seen: &mut Seen,
    ) -> Result<(), TextError> {
        let resolver = self.resolver;
        let extends = |field: &FieldDescriptor<'_>| {
            field.containing_message().full_name() == descriptor.full_name()
        };
        // A message that declares itself as an extension is known by its own name.
        let mut known = resolver.extension(name).filter(extends);
        if let (None, Some(message)) = (known, resolver.message(name)) {
            let mut extensions = message.file().extensions().filter(extends);
            known = extensions.find(|field| extension_name(*field) == name);
        }
        let Some(field) = known else {
            if self.options.ignore_unknown {
                return self.skip_value();
            }
            let of = descriptor.full_name();
            return Err(self.lexer.error(format!("expected an extension of {of}, found `{name}`")));
        };
        self.check_once(field, seen)?;
        let is_same = |known: &DynamicExtension| known.descriptor().number() == field.number();
        let at = match seen.extensions.iter().position(is_same) {
            Some(at) => at,
            None => {
                self.charge(growth::cost(&seen.extensions, 1))?;
                growth::grow(&mut seen.extensions, 1);
                seen.extensions.push(match field.is_repeated() {
                    // Elements are added to those that the message has.
                    true => self.known_extension(field, message, &resolver),
                    false => DynamicExtension::new(field),
                });
                seen.extensions.len() - 1
            }
        };
        let target = seen.extensions[at].get_mut();
        self.field(field, target).map_err(|error| error.within(name))
    }

    /// The extension as the message has it.
    fn known_extension(
        &self,
        field: FieldDescriptor<'_>,
        message: &dyn Reflect,
        resolver: &Resolver<'_>,
    ) -> DynamicExtension {
        let depth = self.options.depth;
        let read = crate::message::reflect::extension_fields(message, resolver, depth, &mut None);
        let read = read.unwrap_or_default().into_iter();
        let mut same = read.filter(|known| known.descriptor().number() == field.number());
        same.next().unwrap_or_else(|| DynamicExtension::new(field))
    }
}
