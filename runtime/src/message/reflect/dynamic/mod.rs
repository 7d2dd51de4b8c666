//! Messages of types that are known only at run time.
//!
//! A dynamic message stores what is set and no more; how it is encoded and decoded is written once,
//! over [`Reflect`]. Invariant: every value has the type that its field's descriptor says.

mod debug;
mod element;
mod field;
#[cfg(feature = "json")]
mod json;
mod list;
mod map;
mod streams;
#[cfg(feature = "text")]
mod text;

pub use field::DynamicExtension;

use self::field::{Owner, Slot};
use super::descriptor::{FileDescriptor, MessageDescriptor};
use super::singular::{FieldMut, FieldRef, OneofField, SingularMut};
use super::value::{Value, ValueError};
use super::{Reflect, wire};
use crate::limits;
use crate::message::{
    Budget, DecodeError, DecodeOptions, EncodeError, ExtensionCheck, Reader, UnknownFields, growth,
    scratch,
};

/// A message whose type is known only at run time.
///
/// # Examples
///
/// ```
/// use rust_grpc::Message;
/// use rust_grpc::message::{DescriptorPool, DynamicMessage, FieldRef, Reflect, ValueRef};
/// use rust_grpc::well_known::Duration;
///
/// let pool = DescriptorPool::of::<Duration>();
/// let descriptor = pool.message("google.protobuf.Duration").expect("the pool has it");
/// let bytes = Duration { seconds: 3, ..Default::default() }.encode_to_vec();
/// let message = DynamicMessage::decode(descriptor, &bytes)?;
/// let seconds = descriptor.field_by_name("seconds").expect("it is declared");
/// assert!(matches!(message.field(seconds.index()), FieldRef::Singular(ValueRef::I64(3))));
/// assert_eq!(message.encode_to_vec()?, bytes);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DynamicMessage {
    file: FileDescriptor,
    place: usize,
    /// The fields that are set, by their index, in its order.
    fields: Vec<(usize, Slot)>,
    unknown: UnknownFields,
}

impl DynamicMessage {
    /// A message with no field set.
    pub fn new(descriptor: MessageDescriptor<'_>) -> Self {
        Self {
            file: descriptor.file().clone(),
            place: descriptor.index(),
            fields: Vec::new(),
            unknown: UnknownFields::new(),
        }
    }

    /// Decodes a message that takes all of `bytes`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input, which limit it breaks, or which required field is not set.
    pub fn decode(descriptor: MessageDescriptor<'_>, bytes: &[u8]) -> Result<Self, DecodeError> {
        Self::decode_with(descriptor, bytes, &DecodeOptions::new())
    }

    /// Decodes a message that takes all of `bytes`, within the limits of `options`.
    ///
    /// # Errors
    ///
    /// What is wrong with the input, which limit it breaks, or which required field is not set.
    pub fn decode_with<P: ExtensionCheck<Self>>(
        descriptor: MessageDescriptor<'_>,
        bytes: &[u8],
        options: &DecodeOptions<P>,
    ) -> Result<Self, DecodeError> {
        let mut message = Self::new(descriptor);
        message.merge_with(bytes, options)?;
        let checked = wire::check_required(&message);
        checked.map_err(|missing| DecodeError::missing(message.full_name(), missing))?;
        options.check_extensions(&message)?;
        Ok(message)
    }

    /// Decodes the message in an `Any`, nested `depth` deep at most. What it takes is taken from
    /// `memory`, which is the budget of these bytes unless an `Any` around them has left less.
    pub(in crate::message) fn decode_inner(
        descriptor: MessageDescriptor<'_>,
        bytes: &[u8],
        depth: u32,
        memory: &mut Option<usize>,
    ) -> Result<Self, DecodeError> {
        let memory_max = memory.unwrap_or_else(|| limits::decode_memory(bytes.len()));
        let mut budget = Budget::with_limits(bytes, depth, memory_max);
        // What is opaque in it is copied, and not charged by the byte.
        let mut message = Self::new(descriptor);
        let charged = budget.charge(bytes.len(), bytes, 0);
        charged.map_err(|error| error.within(message.full_name()))?;
        message.merge_from(budget.reader(bytes))?;
        let checked = wire::check_required(&message);
        checked.map_err(|missing| DecodeError::missing(message.full_name(), missing))?;
        *memory = Some(budget.memory_left());
        Ok(message)
    }

    /// Decodes `bytes` into this message: scalars are replaced, messages merged, repeated fields and
    /// maps added to. Required fields are not looked at.
    ///
    /// # Errors
    ///
    /// What is wrong with the input, or which limit it breaks.
    pub fn merge(&mut self, bytes: &[u8]) -> Result<(), DecodeError> {
        self.merge_with(bytes, &DecodeOptions::new())
    }

    /// Decodes `bytes` into this message as [`DynamicMessage::merge`] does, within the limits of
    /// `options`; extensions are not checked.
    ///
    /// # Errors
    ///
    /// As [`DynamicMessage::merge`].
    pub fn merge_with<P>(
        &mut self,
        bytes: &[u8],
        options: &DecodeOptions<P>,
    ) -> Result<(), DecodeError> {
        let budget = options.limits().budget(bytes);
        let mut budget = budget.map_err(|error| error.within(self.full_name()))?;
        self.merge_from(budget.reader(bytes))
    }

    /// The encoded message: the bytes that a generated message of the same fields has.
    ///
    /// # Errors
    ///
    /// If it is larger than 2 GiB - 1 bytes, or a required field is not set.
    pub fn encode_to_vec(&self) -> Result<Vec<u8>, EncodeError> {
        let mut bytes = Vec::new();
        self.encode_into(&mut bytes)?;
        Ok(bytes)
    }

    /// Appends the encoded message to `bytes`.
    ///
    /// # Errors
    ///
    /// If it is larger than 2 GiB - 1 bytes, or a required field is not set; `bytes` are as before
    /// then.
    ///
    /// # Examples
    ///
    /// ```
    /// use rust_grpc::message::{DescriptorPool, DynamicMessage};
    /// use rust_grpc::well_known::Duration;
    ///
    /// let pool = DescriptorPool::of::<Duration>();
    /// let descriptor = pool.message("google.protobuf.Duration").expect("the pool has it");
    /// let mut bytes = b"before".to_vec();
    /// DynamicMessage::decode(descriptor, b"\x08\x03")?.encode_into(&mut bytes)?;
    /// assert_eq!(bytes, b"before\x08\x03");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn encode_into(&self, bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        let checked = wire::check_required(self);
        checked.map_err(|missing| EncodeError::missing(self.full_name(), missing))?;
        let appended = scratch::append(bytes, &|mut writer| {
            wire::write_fields(self, &mut writer);
            writer.room_left()
        });
        appended.map_err(|size| EncodeError::too_large(self.full_name(), size))
    }

    /// Unsets every field.
    pub fn clear(&mut self) {
        self.fields.clear();
        self.unknown.clear();
    }

    pub(super) fn merge_from(&mut self, reader: Reader<'_>) -> Result<(), DecodeError> {
        wire::merge_fields(self, reader).map_err(|error| error.within(self.full_name()))
    }

    fn full_name(&self) -> String {
        self.file.message(self.place).full_name().to_owned()
    }

    fn slot(&self, index: usize) -> Option<&Slot> {
        let at = self.fields.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(&self.fields[at].1)
    }

    fn remove(&mut self, index: usize) {
        if let Ok(at) = self.fields.binary_search_by_key(&index, |(index, _)| *index) {
            self.fields.remove(at);
        }
    }

    /// The slot of a field, made if the field is unset.
    fn slot_or(&mut self, index: usize, slot: impl FnOnce() -> Slot) -> &mut Slot {
        let at = match self.fields.binary_search_by_key(&index, |(index, _)| *index) {
            Ok(at) => at,
            Err(at) => {
                growth::grow(&mut self.fields, 1);
                self.fields.insert(at, (index, slot()));
                at
            }
        };
        &mut self.fields[at].1
    }

    /// Unsets the other members of the field's oneof.
    fn clear_others(&mut self, index: usize) {
        let descriptor = self.file.message(self.place);
        let Some(oneof) = descriptor.field(index).oneof() else { return };
        let others: Vec<usize> =
            oneof.fields().map(|field| field.index()).filter(|other| *other != index).collect();
        others.into_iter().for_each(|other| self.remove(other));
    }
}

impl super::Fields for DynamicMessage {
    fn descriptor(&self) -> MessageDescriptor<'_> {
        self.file.message(self.place)
    }

    fn field(&self, index: usize) -> FieldRef<'_> {
        field::slot_ref(self.file.message(self.place).field(index), self.slot(index))
    }

    fn field_mut(&mut self, index: usize) -> FieldMut<'_> {
        let descriptor = self.file.message(self.place).field(index);
        match Slot::empty(descriptor) {
            None => FieldMut::Singular(SingularMut::member(self, index)),
            Some(empty) => self.slot_or(index, || empty).as_mut(),
        }
    }

    fn unknown_fields(&self) -> &UnknownFields {
        &self.unknown
    }

    fn unknown_fields_mut(&mut self) -> &mut UnknownFields {
        &mut self.unknown
    }

    fn slot_cost(&self, index: usize) -> Option<usize> {
        Some(if self.slot(index).is_some() { 0 } else { growth::cost(&self.fields, 1) })
    }
}

impl OneofField for DynamicMessage {
    fn set(&mut self, index: usize, value: Value) -> Result<(), ValueError> {
        let value = element::checked(self.descriptor().field(index), value)?;
        self.clear_others(index);
        *self.slot_or(index, || Slot::Value(Value::Bool(false))) = Slot::Value(value);
        Ok(())
    }

    fn message_mut(&mut self, index: usize) -> Option<&mut dyn Reflect> {
        let owner = Owner::of(self.descriptor().field(index));
        let message = owner.new_message()?;
        self.clear_others(index);
        self.slot_or(index, || Slot::Message(Box::new(message))).message_mut()
    }

    fn clear(&mut self, index: usize) {
        self.remove(index);
    }
}

impl PartialEq for DynamicMessage {
    fn eq(&self, other: &Self) -> bool {
        // A zero without presence is as good as none.
        fn set(message: &DynamicMessage) -> impl Iterator<Item = &(usize, Slot)> {
            let is_set = |index: usize| super::Fields::field(message, index).is_set();
            message.fields.iter().filter(move |(index, _)| is_set(*index))
        }
        self.descriptor() == other.descriptor()
            && set(self).eq(set(other))
            && self.unknown == other.unknown
    }
}
