//! Fields and extensions.

use std::fmt::{self, Debug, Formatter};

use super::TypePlace;
use super::enumeration::EnumDescriptor;
use super::file::FileDescriptor;
use super::message::{MessageDescriptor, OneofDescriptor};
use super::names::JsonKey;
use crate::message::reflect::{Value, ValueRef};

/// A field of a message, or an extension.
#[derive(Clone, Copy)]
pub struct FieldDescriptor<'a> {
    file: &'a FileDescriptor,
    /// `None`: an extension.
    message: Option<usize>,
    place: usize,
    parts: &'a FieldParts,
}

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldKind {
    /// `bool`.
    Bool,
    /// `int32`.
    Int32,
    /// `int64`.
    Int64,
    /// `uint32`.
    Uint32,
    /// `uint64`.
    Uint64,
    /// `sint32`.
    Sint32,
    /// `sint64`.
    Sint64,
    /// `fixed32`.
    Fixed32,
    /// `fixed64`.
    Fixed64,
    /// `sfixed32`.
    Sfixed32,
    /// `sfixed64`.
    Sfixed64,
    /// `float`.
    Float,
    /// `double`.
    Double,
    /// `string`.
    String,
    /// `bytes`.
    Bytes,
    /// An enum.
    Enum,
    /// A message behind its length.
    Message,
    /// A message between a start tag and an end tag.
    Group,
}

/// How often a field may occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cardinality {
    /// Once; a proto2 `required` field is [`FieldDescriptor::is_required`].
    Singular,
    /// Any number of times.
    Repeated,
    /// A map: [`FieldDescriptor::message`] is its entry, of fields `key` and `value`.
    Map,
}

pub(super) struct FieldParts {
    pub(super) name: String,
    /// Extensions: the name with its scope. Fields: empty, it is made of the message's.
    pub(super) full_name: String,
    pub(super) json_name: String,
    /// How JSON text begins a member of that name behind another one; `None` if the name needs escapes.
    pub(super) json_key: Option<JsonKey>,
    pub(super) number: u32,
    pub(super) kind: FieldKind,
    pub(super) cardinality: Cardinality,
    /// Of messages, groups and enums.
    pub(super) type_place: Option<TypePlace>,
    /// Of extensions.
    pub(super) extendee: Option<TypePlace>,
    pub(super) has_presence: bool,
    pub(super) is_required: bool,
    pub(super) is_packed: bool,
    /// Strings: whether they must be UTF-8.
    pub(super) is_utf8: bool,
    pub(super) is_redacted: bool,
    pub(super) oneof: Option<usize>,
    /// Of singular fields that are no messages: what an unset field reads as.
    pub(super) default: Option<Value>,
}

impl<'a> FieldDescriptor<'a> {
    pub(super) fn field(file: &'a FileDescriptor, message: usize, place: usize) -> Self {
        let parts = &file.parts.messages[message].fields[place];
        Self { file, message: Some(message), place, parts }
    }

    #[inline]
    pub(super) fn nth(
        file: &'a FileDescriptor,
        message: usize,
    ) -> impl Fn(usize) -> Self + use<'a> {
        let fields = file.parts.messages[message].fields.as_slice();
        move |place| Self { file, message: Some(message), place, parts: &fields[place] }
    }

    pub(super) fn fields(
        file: &'a FileDescriptor,
        message: usize,
    ) -> impl ExactSizeIterator<Item = Self> + use<'a> {
        let fields = file.parts.messages[message].fields.iter().enumerate();
        fields.map(move |(place, parts)| Self { file, message: Some(message), place, parts })
    }

    pub(in crate::message::reflect) fn extension(file: &'a FileDescriptor, place: usize) -> Self {
        Self { file, message: None, place, parts: &file.parts.extensions[place] }
    }

    #[inline]
    fn parts(&self) -> &'a FieldParts {
        self.parts
    }

    /// The name as the .proto spells it.
    pub fn name(&self) -> &'a str {
        &self.parts().name
    }

    /// The name with that of its message, or of an extension's scope.
    pub fn full_name(&self) -> String {
        match self.message {
            Some(_) => format!("{}.{}", self.containing_message().full_name(), self.name()),
            None => self.parts().full_name.clone(),
        }
    }

    /// The name in JSON. An extension's is `[full.name]`.
    pub fn json_name(&self) -> &'a str {
        &self.parts().json_name
    }

    /// How JSON text begins a member of this name behind another one, `,"name":`; `None` if the name
    /// needs escapes.
    pub(in crate::message) fn json_key(&self) -> Option<&'a JsonKey> {
        self.parts().json_key.as_ref()
    }

    /// The number on the wire.
    pub fn number(&self) -> u32 {
        self.parts().number
    }

    /// The position among the fields of its message: what [`Reflect::field`] takes; for extensions
    /// the place in [`FileDescriptor::extensions`].
    ///
    /// [`Reflect::field`]: crate::message::Reflect::field
    pub fn index(&self) -> usize {
        self.place
    }

    /// The file that declares it.
    pub fn file(&self) -> &'a FileDescriptor {
        self.file
    }

    /// The message that has it; of an extension the one that it extends.
    pub fn containing_message(&self) -> MessageDescriptor<'a> {
        match (self.message, self.parts().extendee) {
            (Some(message), _) => self.file.message(message),
            (None, extendee) => {
                self.file.message_at(extendee.expect("extensions have an extendee"))
            }
        }
    }

    /// Whether it is an extension.
    pub fn is_extension(&self) -> bool {
        self.message.is_none()
    }

    /// The type of its values; of a map that of its entries.
    #[inline]
    pub fn kind(&self) -> FieldKind {
        self.parts().kind
    }

    /// How often it may occur.
    pub fn cardinality(&self) -> Cardinality {
        self.parts().cardinality
    }

    /// Whether it is a repeated field, and no map.
    pub fn is_repeated(&self) -> bool {
        self.cardinality() == Cardinality::Repeated
    }

    /// Whether it is a map.
    pub fn is_map(&self) -> bool {
        self.cardinality() == Cardinality::Map
    }

    /// The message type of its values; of a map that of its entries.
    #[inline]
    pub fn message(&self) -> Option<MessageDescriptor<'a>> {
        match self.kind() {
            FieldKind::Message | FieldKind::Group => {
                self.parts().type_place.map(|at| self.file.message_at(at))
            }
            _ => None,
        }
    }

    /// The enum of its values.
    pub fn enumeration(&self) -> Option<EnumDescriptor<'a>> {
        match self.kind() {
            FieldKind::Enum => self.parts().type_place.map(|at| self.file.enumeration_at(at)),
            _ => None,
        }
    }

    /// Of a map: the fields of its keys and of its values.
    pub fn map_entry(&self) -> Option<(Self, Self)> {
        let entry = self.message().filter(|_| self.is_map())?;
        Some((entry.field_by_number(1)?, entry.field_by_number(2)?))
    }

    /// Whether being set is told from holding the default.
    pub fn has_presence(&self) -> bool {
        self.parts().has_presence
    }

    /// Whether a message without it is refused.
    pub fn is_required(&self) -> bool {
        self.parts().is_required
    }

    /// Whether its elements are written behind one tag.
    pub fn is_packed(&self) -> bool {
        self.parts().is_packed
    }

    /// Whether its strings must be UTF-8.
    pub fn is_utf8(&self) -> bool {
        self.parts().is_utf8
    }

    /// Whether the option `debug_redact` hides it from debug output.
    pub fn is_redacted(&self) -> bool {
        self.parts().is_redacted
    }

    /// The oneof that it is a member of; `None` for `optional` of proto3.
    #[inline]
    pub fn oneof(&self) -> Option<OneofDescriptor<'a>> {
        let place = self.parts().oneof?;
        self.file.message(self.message?).oneof(place)
    }

    /// What an unset field reads as; `None` for messages, repeated fields and maps.
    pub fn default_value(&self) -> Option<ValueRef<'a>> {
        self.parts().default.as_ref().map(Value::as_ref)
    }
}

impl PartialEq for FieldDescriptor<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.message, self.place) == (other.message, other.place) && self.file.is(other.file)
    }
}

impl Eq for FieldDescriptor<'_> {}

impl Debug for FieldDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "FieldDescriptor({} = {})", self.full_name(), self.number())
    }
}
