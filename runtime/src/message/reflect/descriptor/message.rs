//! Messages and their oneofs.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};
use std::ops::Range;

use super::field::{FieldDescriptor, FieldParts};
use super::file::FileDescriptor;
use super::names::JsonKey;

/// A message.
#[derive(Clone, Copy)]
pub struct MessageDescriptor<'a> {
    pub(super) file: &'a FileDescriptor,
    pub(super) place: usize,
}

pub(super) struct MessageParts {
    pub(super) name: String,
    pub(super) full_name: String,
    /// The message that holds it.
    pub(super) parent: Option<usize>,
    pub(super) fields: Vec<FieldParts>,
    /// Synthetic ones stand last.
    pub(super) oneofs: Vec<OneofParts>,
    pub(super) by_number: HashMap<u32, usize>,
    pub(super) by_name: HashMap<String, usize>,
    pub(super) by_json_name: HashMap<String, usize>,
    /// Of the fields, once they are all there.
    pub(super) openings: Vec<Opening>,
    pub(super) extension_ranges: Vec<Range<u32>>,
    pub(super) reserved_names: Vec<String>,
    pub(super) is_map_entry: bool,
    pub(super) is_message_set: bool,
}

/// How JSON text that names a field begins, `"name":`, and how long that is, so that it can be told
/// by one comparison, or two where it is longer than 16 bytes.
pub(super) struct Opening {
    first: u128,
    mask: u128,
    length: usize,
}

impl MessageParts {
    /// Two fields of one name in JSON are legal in proto2. It is that of the field whose own name it
    /// is, else of the first one; the others are printed under their own names, which are read too.
    pub(super) fn give_json_names(&mut self) {
        for (index, field) in self.fields.iter().enumerate() {
            let owner = self.by_json_name.entry(field.json_name.clone()).or_insert(index);
            if field.name == field.json_name {
                *owner = index;
            }
        }
        for (index, field) in self.fields.iter_mut().enumerate() {
            if self.by_json_name[&field.json_name] != index {
                field.json_key = JsonKey::new(&field.name);
            }
        }
    }
}

impl Opening {
    /// Of the name of the field at `index`; of one that texts cannot have as it is, or that is
    /// another field's, what no name begins with.
    pub(super) fn of(parts: &MessageParts, index: usize) -> Self {
        let name = &parts.fields[index].json_name;
        let is_its_own = parts.by_json_name.get(name) == Some(&index);
        let Some(key) = parts.json_key(index).filter(|_| is_its_own) else {
            return Self { first: 1, mask: 0, length: 0 };
        };
        let mut first = [0; 16];
        let mut mask = [0; 16];
        for ((first, mask), byte) in first.iter_mut().zip(&mut mask).zip(key) {
            (*first, *mask) = (*byte, u8::MAX);
        }
        let (first, mask) = (u128::from_le_bytes(first), u128::from_le_bytes(mask));
        Self { first, mask, length: key.len() }
    }
}

impl MessageParts {
    /// How JSON text names the field at `index`, `"name":`; `None` if the name needs escapes.
    fn json_key(&self, index: usize) -> Option<&[u8]> {
        Some(self.fields[index].json_key.as_ref()?.first().as_bytes())
    }
}

pub(super) struct OneofParts {
    pub(super) name: String,
    pub(super) fields: Vec<usize>,
    pub(super) is_synthetic: bool,
}

impl<'a> MessageDescriptor<'a> {
    #[inline]
    fn parts(&self) -> &'a MessageParts {
        &self.file.parts.messages[self.place]
    }

    /// The name as it is declared.
    pub fn name(&self) -> &'a str {
        &self.parts().name
    }

    /// The name with its package, such as `google.protobuf.Any`.
    pub fn full_name(&self) -> &'a str {
        &self.parts().full_name
    }

    /// The file that declares it.
    pub fn file(&self) -> &'a FileDescriptor {
        self.file
    }

    /// The place in [`FileDescriptor::messages`].
    pub fn index(&self) -> usize {
        self.place
    }

    /// The message in which it is declared.
    pub fn parent(&self) -> Option<Self> {
        self.parts().parent.map(|place| Self { file: self.file, place })
    }

    /// The fields in the order of their declaration.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldDescriptor<'a>> + use<'a> {
        FieldDescriptor::fields(self.file, self.place)
    }

    /// The field at this position of the declaration.
    ///
    /// # Panics
    ///
    /// If there are not so many.
    pub fn field(&self, index: usize) -> FieldDescriptor<'a> {
        assert!(index < self.parts().fields.len(), "{} has no field {index}", self.full_name());
        FieldDescriptor::field(self.file, self.place, index)
    }

    /// The fields by their position, for those who ask for many. It panics as [`Self::field`] does.
    #[inline]
    pub(in crate::message) fn nth_field(&self) -> impl Fn(usize) -> FieldDescriptor<'a> + use<'a> {
        FieldDescriptor::nth(self.file, self.place)
    }

    /// The field of this number.
    pub fn field_by_number(&self, number: u32) -> Option<FieldDescriptor<'a>> {
        let parts = self.parts();
        // Most messages number their fields one after the other.
        let guess = (number as usize).wrapping_sub(1);
        match parts.fields.get(guess) {
            Some(field) if field.number == number => Some(self.field(guess)),
            _ => parts.by_number.get(&number).map(|place| self.field(*place)),
        }
    }

    /// The field of this name, as the .proto spells it.
    pub fn field_by_name(&self, name: &str) -> Option<FieldDescriptor<'a>> {
        self.parts().by_name.get(name).map(|place| self.field(*place))
    }

    /// The field of this name in JSON.
    pub fn field_by_json_name(&self, name: &str) -> Option<FieldDescriptor<'a>> {
        self.parts().by_json_name.get(name).map(|place| self.field(*place))
    }

    /// The field that `text` begins with, as `"name":`, and the length of that. Only a few fields from
    /// the one at `index` on are tried.
    #[inline]
    pub(in crate::message) fn field_ahead(
        &self,
        text: &[u8],
        index: usize,
    ) -> Option<(FieldDescriptor<'a>, usize)> {
        let parts = self.parts();
        let first = u128::from_le_bytes(*text.first_chunk()?);
        let end = parts.openings.len().min(index + FIELDS_AHEAD);
        let near = parts.openings.get(index..end)?;
        let nth = near.iter().enumerate().position(|(nth, opening)| {
            let length = opening.length;
            let rest = |key: &[u8]| text.get(16..length) == Some(&key[16..]);
            first & opening.mask == opening.first
                && (length <= 16 || parts.json_key(index + nth).is_some_and(rest))
        })?;
        let field = FieldDescriptor::field(self.file, self.place, index + nth);
        Some((field, near[nth].length))
    }

    /// The oneofs in their order, without those that protoc makes for `optional` of proto3.
    pub fn oneofs(&self) -> impl Iterator<Item = OneofDescriptor<'a>> + use<'a> {
        let message = *self;
        let oneofs = self.parts().oneofs.iter().enumerate();
        oneofs
            .filter(|(_, oneof)| !oneof.is_synthetic)
            .map(move |(place, _)| OneofDescriptor { message, place })
    }

    #[inline]
    pub(super) fn oneof(&self, place: usize) -> Option<OneofDescriptor<'a>> {
        let is_synthetic = self.parts().oneofs[place].is_synthetic;
        (!is_synthetic).then_some(OneofDescriptor { message: *self, place })
    }

    /// The numbers left for extensions; the ends are not in the ranges.
    pub fn extension_ranges(&self) -> &'a [Range<u32>] {
        &self.parts().extension_ranges
    }

    /// Names that the .proto reserves.
    pub fn reserved_names(&self) -> &'a [String] {
        &self.parts().reserved_names
    }

    /// Whether protoc made it for the entries of a map.
    pub fn is_map_entry(&self) -> bool {
        self.parts().is_map_entry
    }

    /// Whether it has the option `message_set_wire_format`.
    pub fn is_message_set(&self) -> bool {
        self.parts().is_message_set
    }
}

/// Texts have the fields in their order most often, and leave out some.
const FIELDS_AHEAD: usize = 8;

impl PartialEq for MessageDescriptor<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.file.is(other.file)
    }
}

impl Eq for MessageDescriptor<'_> {}

impl Debug for MessageDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "MessageDescriptor({})", self.full_name())
    }
}

/// A oneof.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct OneofDescriptor<'a> {
    message: MessageDescriptor<'a>,
    place: usize,
}

impl<'a> OneofDescriptor<'a> {
    fn parts(&self) -> &'a OneofParts {
        &self.message.parts().oneofs[self.place]
    }

    /// The name as it is declared.
    pub fn name(&self) -> &'a str {
        &self.parts().name
    }

    /// The message that it belongs to.
    pub fn message(&self) -> MessageDescriptor<'a> {
        self.message
    }

    /// The place among the oneofs of the message.
    pub fn index(&self) -> usize {
        self.place
    }

    /// Its members in the order of their declaration.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = FieldDescriptor<'a>> + use<'a> {
        let message = self.message;
        self.parts().fields.iter().map(move |place| message.field(*place))
    }
}

impl Debug for OneofDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "OneofDescriptor({}.{})", self.message.full_name(), self.name())
    }
}
