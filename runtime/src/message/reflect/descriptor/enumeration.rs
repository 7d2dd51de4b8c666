//! Enums and their values.

use std::collections::HashMap;
use std::fmt::{self, Debug, Formatter};

use super::file::FileDescriptor;

/// An enum.
#[derive(Clone, Copy)]
pub struct EnumDescriptor<'a> {
    pub(super) file: &'a FileDescriptor,
    pub(super) place: usize,
}

pub(super) struct EnumParts {
    pub(super) name: String,
    pub(super) full_name: String,
    /// In the order of their declaration; never empty.
    pub(super) values: Vec<ValueParts>,
    /// The number and place of each value, by number; the first of several values of one number.
    pub(super) by_number: Vec<(i32, usize)>,
    pub(super) by_name: HashMap<String, usize>,
    /// Values with a name of their own in JSON; mostly none.
    pub(super) by_json_name: HashMap<String, usize>,
    pub(super) reserved_names: Vec<String>,
    pub(super) is_closed: bool,
}

pub(super) struct ValueParts {
    pub(super) name: String,
    pub(super) number: i32,
    /// `(pb.enumvalue.json).string`.
    pub(super) json_name: Option<String>,
}

impl<'a> EnumDescriptor<'a> {
    fn parts(&self) -> &'a EnumParts {
        &self.file.parts.enums[self.place]
    }

    /// The name as it is declared.
    pub fn name(&self) -> &'a str {
        &self.parts().name
    }

    /// The name with its package, such as `google.protobuf.NullValue`.
    pub fn full_name(&self) -> &'a str {
        &self.parts().full_name
    }

    /// The file that declares it.
    pub fn file(&self) -> &'a FileDescriptor {
        self.file
    }

    /// Whether numbers that it does not name are no values of it.
    pub fn is_closed(&self) -> bool {
        self.parts().is_closed
    }

    /// The values in the order of their declaration, aliases included.
    pub fn values(&self) -> impl ExactSizeIterator<Item = EnumValueDescriptor<'a>> + use<'a> {
        self.parts().values.iter().map(|parts| EnumValueDescriptor { parts })
    }

    /// The value of this number; of several the one that is declared first.
    pub fn value_by_number(&self, number: i32) -> Option<EnumValueDescriptor<'a>> {
        let parts = self.parts();
        let found = parts.by_number.binary_search_by_key(&number, |(number, _)| *number);
        let (_, place) = parts.by_number[found.ok()?];
        Some(EnumValueDescriptor { parts: &parts.values[place] })
    }

    /// The value of this name.
    pub fn value_by_name(&self, name: &str) -> Option<EnumValueDescriptor<'a>> {
        let parts = self.parts();
        let found = match &parts.values[..] {
            // Few are compared sooner than one is hashed.
            few if few.len() <= 8 => few.iter().find(|value| value.name == name),
            _ => parts.by_name.get(name).map(|place| &parts.values[*place]),
        };
        found.map(|parts| EnumValueDescriptor { parts })
    }

    /// The value of this name in JSON: that of the option `(pb.enumvalue.json).string` of edition
    /// 2026, or the name as the .proto spells it.
    pub fn value_by_json_name(&self, name: &str) -> Option<EnumValueDescriptor<'a>> {
        let parts = self.parts();
        if !parts.by_json_name.is_empty()
            && let Some(place) = parts.by_json_name.get(name)
        {
            return Some(EnumValueDescriptor { parts: &parts.values[*place] });
        }
        self.value_by_name(name)
    }

    /// Names that the .proto reserves.
    pub fn reserved_names(&self) -> &'a [String] {
        &self.parts().reserved_names
    }
}

impl PartialEq for EnumDescriptor<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place && self.file.is(other.file)
    }
}

impl Eq for EnumDescriptor<'_> {}

impl Debug for EnumDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "EnumDescriptor({})", self.full_name())
    }
}

/// A value of an enum.
#[derive(Clone, Copy)]
pub struct EnumValueDescriptor<'a> {
    parts: &'a ValueParts,
}

impl<'a> EnumValueDescriptor<'a> {
    /// The name, as the .proto spells it.
    pub fn name(&self) -> &'a str {
        &self.parts.name
    }

    /// The name in JSON: that of the option `(pb.enumvalue.json).string` of edition 2026, or the name
    /// as the .proto spells it.
    pub fn json_name(&self) -> &'a str {
        self.parts.json_name.as_ref().unwrap_or(&self.parts.name)
    }

    /// The number.
    pub fn number(&self) -> i32 {
        self.parts.number
    }
}

impl Debug for EnumValueDescriptor<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        write!(formatter, "EnumValueDescriptor({} = {})", self.name(), self.number())
    }
}
