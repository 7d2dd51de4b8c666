//! Fields that a message does not know: kept as they came, in their order, and written after the
//! known ones.
//!
//! Invariant: the bytes are always a sequence of whole, well-formed fields.

use std::fmt::{self, Debug, Formatter};

use super::budget::Budget;
use super::varint::VARINT_SIZE_MAX;
use super::{
    END_GROUP, FIXED32, FIXED64, LENGTH_DELIMITED, START_GROUP, VARINT, growth, skip, varint,
};

/// The fields of a message that its type does not know, in the order in which they came.
///
/// They are there when the sender's .proto is newer than the receiver's, and travel on when the
/// message is encoded again. One word large, and no allocation while there are none.
///
/// # Examples
///
/// ```
/// use rust_grpc::message::{UnknownFields, UnknownValue};
///
/// let mut unknown = UnknownFields::new();
/// unknown.push(7, UnknownValue::Varint(150));
/// let fields: Vec<_> = unknown.iter().collect();
/// assert_eq!(fields, [(7, UnknownValue::Varint(150))]);
/// ```
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct UnknownFields(Option<Box<Fields>>);

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Fields {
    bytes: Vec<u8>,
}

/// The value of an unknown field. What it means only the .proto can tell: a varint may be a `bool`,
/// a length-delimited value a string or a message.
#[derive(Clone, PartialEq, Eq)]
pub enum UnknownValue<'a> {
    /// Wire type 0.
    Varint(u64),
    /// Wire type 1.
    Fixed64(u64),
    /// Wire type 2.
    LengthDelimited(&'a [u8]),
    /// Wire types 3 and 4: the fields between them.
    Group(UnknownIter<'a>),
    /// Wire type 5.
    Fixed32(u32),
}

/// Iterates over unknown fields: number and value, in the order in which they came.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownIter<'a> {
    bytes: &'a [u8],
}

impl UnknownFields {
    /// No fields.
    pub const fn new() -> Self {
        Self(None)
    }

    /// Appends a field.
    ///
    /// # Panics
    ///
    /// If `number` is not one that a field can have: 1 to 2^29 - 1.
    #[inline]
    pub fn push(&mut self, number: u32, value: UnknownValue<'_>) {
        assert!(
            (1..=FIELD_NUMBER_MAX).contains(&number),
            "expected a field number from 1 to {FIELD_NUMBER_MAX}, got {number}"
        );
        let wire_type = match value {
            UnknownValue::Varint(_) => VARINT,
            UnknownValue::Fixed64(_) => FIXED64,
            UnknownValue::LengthDelimited(_) => LENGTH_DELIMITED,
            UnknownValue::Group(_) => START_GROUP,
            UnknownValue::Fixed32(_) => FIXED32,
        };
        let bytes = self.room_for(match value {
            UnknownValue::Varint(_) => VARINT_SIZE_MAX,
            UnknownValue::Fixed64(_) => 8,
            UnknownValue::LengthDelimited(value) => VARINT_SIZE_MAX + value.len(),
            UnknownValue::Group(ref fields) => fields.bytes.len() + TAG_SIZE_MAX,
            UnknownValue::Fixed32(_) => 4,
        });
        push_varint(bytes, u64::from(number << 3 | wire_type));
        match value {
            UnknownValue::Varint(value) => push_varint(bytes, value),
            UnknownValue::Fixed64(value) => bytes.extend_from_slice(&value.to_le_bytes()),
            UnknownValue::LengthDelimited(value) => {
                push_varint(bytes, value.len() as u64);
                bytes.extend_from_slice(value);
            }
            UnknownValue::Group(fields) => {
                bytes.extend_from_slice(fields.bytes);
                push_varint(bytes, u64::from(number << 3 | END_GROUP));
            }
            UnknownValue::Fixed32(value) => bytes.extend_from_slice(&value.to_le_bytes()),
        }
    }

    /// Removes all fields.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// Whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The fields in the order in which they came.
    pub fn iter(&self) -> UnknownIter<'_> {
        UnknownIter { bytes: self.as_bytes() }
    }

    /// The fields as they stand on the wire.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |fields| &fields.bytes)
    }

    /// Appends whole fields that are known to be well formed.
    pub(super) fn push_fields(&mut self, fields: &[u8]) {
        if !fields.is_empty() {
            self.room_for(fields.len()).extend_from_slice(fields);
        }
    }

    /// Fields that are known to be well formed.
    pub(super) fn iter_bytes(bytes: &[u8]) -> UnknownIter<'_> {
        UnknownIter { bytes }
    }

    /// Appends a field whose `payload`, without its tag, is known to be well formed.
    pub(super) fn push_raw(&mut self, tag: u32, payload: &[u8]) {
        let bytes = self.room_for(payload.len());
        push_varint(bytes, tag.into());
        bytes.extend_from_slice(payload);
    }

    /// Bytes that are allocated.
    #[cfg(any(feature = "json", feature = "text"))]
    pub(super) fn memory(&self) -> usize {
        self.0.as_ref().map_or(0, |fields| size_of::<Fields>() + fields.bytes.capacity())
    }

    /// Bytes that are allocated for another field, of a value of this size at most.
    pub(super) fn cost(&self, value_size: usize) -> usize {
        let size = TAG_SIZE_MAX + value_size;
        match &self.0 {
            Some(fields) => growth::cost(&fields.bytes, size),
            None => size_of::<Fields>() + growth::cost(&Vec::<u8>::new(), size),
        }
    }

    /// The bytes, with room for another field, of a value of this size at most.
    fn room_for(&mut self, value_size: usize) -> &mut Vec<u8> {
        let bytes = &mut self.0.get_or_insert_default().bytes;
        growth::grow(bytes, TAG_SIZE_MAX + value_size);
        bytes
    }
}

impl<'a> UnknownIter<'a> {
    /// The fields that are left, as they stand on the wire.
    #[cfg(feature = "reflect")]
    pub(super) fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

impl<'a> Iterator for UnknownIter<'a> {
    type Item = (u32, UnknownValue<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        // The bytes are well formed, so that the only way to end is their end.
        let (tag, rest) = varint::split(self.bytes).ok()?;
        let tag = u32::try_from(tag).ok()?;
        let (value, rest) = match tag & 7 {
            VARINT => {
                let (value, rest) = varint::split(rest).ok()?;
                (UnknownValue::Varint(value), rest)
            }
            FIXED64 => {
                let (bytes, rest) = rest.split_first_chunk()?;
                (UnknownValue::Fixed64(u64::from_le_bytes(*bytes)), rest)
            }
            LENGTH_DELIMITED => {
                let (length, rest) = varint::split(rest).ok()?;
                let (bytes, rest) = rest.split_at_checked(length.try_into().ok()?)?;
                (UnknownValue::LengthDelimited(bytes), rest)
            }
            START_GROUP => {
                let mut budget = Budget::unlimited(rest);
                let (bytes, rest) = skip::group(rest, &mut budget, tag >> 3).ok()?;
                (UnknownValue::Group(Self { bytes }), rest)
            }
            FIXED32 => {
                let (bytes, rest) = rest.split_first_chunk()?;
                (UnknownValue::Fixed32(u32::from_le_bytes(*bytes)), rest)
            }
            _ => return None,
        };
        self.bytes = rest;
        Some((tag >> 3, value))
    }
}

impl<'a> IntoIterator for &'a UnknownFields {
    type Item = (u32, UnknownValue<'a>);
    type IntoIter = UnknownIter<'a>;

    fn into_iter(self) -> UnknownIter<'a> {
        self.iter()
    }
}

impl Debug for UnknownFields {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        self.iter().fmt(formatter)
    }
}

impl Debug for UnknownIter<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.clone()).finish()
    }
}

impl Debug for UnknownValue<'_> {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Varint(value) => value.fmt(formatter),
            Self::Fixed64(value) => write!(formatter, "{value:#018x}"),
            Self::LengthDelimited(bytes) => write!(formatter, "b\"{}\"", bytes.escape_ascii()),
            Self::Group(fields) => fields.fmt(formatter),
            Self::Fixed32(value) => write!(formatter, "{value:#010x}"),
        }
    }
}

fn push_varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}

/// Bytes that the longest tag takes.
const TAG_SIZE_MAX: usize = 5;

/// The largest field number: 29 bits.
const FIELD_NUMBER_MAX: u32 = (1 << 29) - 1;
