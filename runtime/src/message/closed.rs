//! Closed enums: a number that the enum does not name is no value of the field. It is kept among
//! the unknown fields and changes nothing else.
//!
//! Source: the "enum behavior" page of the protobuf documentation.

use super::kind::Kind;
use super::map::Map;
use super::reader::Reader;
use super::varint::VARINT_SIZE_MAX;
use super::{DecodeError, Enumeration, UnknownFields, UnknownValue, VARINT};

/// What generated code calls for fields of closed enums.
impl Reader<'_> {
    /// Reads a value with presence.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn closed<E: Enumeration>(
        &mut self,
        value: &mut Option<E>,
        unknown: &mut UnknownFields,
    ) -> Result<(), DecodeError> {
        if let Some(known) = self.closed_value(unknown)? {
            *value = Some(known);
        }
        Ok(())
    }

    /// Reads one element of a repeated field.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn closed_repeated<E: Enumeration>(
        &mut self,
        values: &mut Vec<E>,
        unknown: &mut UnknownFields,
    ) -> Result<(), DecodeError> {
        if let Some(known) = self.closed_value(unknown)? {
            self.make_room(values, 1)?;
            values.push(known);
        }
        Ok(())
    }

    /// Reads a packed field; what is not known is kept as fields that are not packed.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn closed_packed<E: Enumeration>(
        &mut self,
        values: &mut Vec<E>,
        unknown: &mut UnknownFields,
    ) -> Result<(), DecodeError> {
        let payload = self.length_delimited()?;
        let mut elements = self.within(payload);
        while !elements.rest().is_empty() {
            elements.closed_repeated(values, unknown)?;
        }
        Ok(())
    }

    /// Reads a member of a oneof and puts it in the place of whatever is there.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn closed_oneof<E: Enumeration, O>(
        &mut self,
        slot: &mut Option<O>,
        member: impl FnOnce(E) -> O,
        unknown: &mut UnknownFields,
    ) -> Result<(), DecodeError> {
        if let Some(known) = self.closed_value(unknown)? {
            *slot = Some(member(known));
        }
        Ok(())
    }

    /// Reads one entry of a map; an entry whose value is not known is kept whole.
    ///
    /// # Errors
    ///
    /// What is wrong with the input.
    pub fn closed_map<K: Kind, E: Enumeration>(
        &mut self,
        map: &mut impl Map<Key = K::Value, Value = E>,
        unknown: &mut UnknownFields,
    ) -> Result<(), DecodeError> {
        let tag = self.tag();
        let mut key = K::Value::default();
        let mut value = Some(E::default());
        let before = self.rest();
        let payload = self.length_delimited()?;
        let entry = Reader::new(payload, self.budget());
        entry
            .closed_entry::<K, E>(&mut key, &mut value)
            .map_err(|error| error.in_entry(tag >> 3))?;
        match value {
            Some(value) => {
                self.charge(map.entry_cost())?;
                map.put(key, value);
            }
            None => {
                let payload = &before[..before.len() - self.rest().len()];
                self.charge(unknown.cost(payload.len()))?;
                unknown.push_raw(tag, payload);
            }
        }
        Ok(())
    }

    /// Reads an entry of a map up to its end.
    fn closed_entry<K: Kind, E: Enumeration>(
        mut self,
        key: &mut K::Value,
        value: &mut Option<E>,
    ) -> Result<(), DecodeError> {
        let mut refused = UnknownFields::new();
        self.descend()?;
        while let Some(tag) = self.next_tag()? {
            if tag == 1 << 3 | K::WIRE_TYPE {
                K::read(&mut self, key)?;
            } else if tag == 2 << 3 | VARINT {
                *value = self.closed_value(&mut refused)?;
            } else {
                self.skip(tag)?;
            }
        }
        self.ascend();
        Ok(())
    }

    /// One value; `None` if it is not known and was kept.
    fn closed_value<E: Enumeration>(
        &mut self,
        unknown: &mut UnknownFields,
    ) -> Result<Option<E>, DecodeError> {
        let number = self.field_number();
        let value = self.varint()?;
        // protobuf encoding: enums are cut to 32 bits before they are looked up.
        let known = E::from_number(value as i32);
        if known.is_none() {
            self.keep(number, value, unknown)?;
        }
        Ok(known)
    }

    fn keep(
        &mut self,
        number: u32,
        value: u64,
        unknown: &mut UnknownFields,
    ) -> Result<(), DecodeError> {
        self.charge(unknown.cost(VARINT_SIZE_MAX))?;
        unknown.push(number, UnknownValue::Varint(value));
        Ok(())
    }
}
