//! From header blocks to fields (RFC 7541 3.2 and 6).
//!
//! Invariant: the work of one block is bounded by [`Limits`], not by what the block claims. The
//! soft limits only stop the fields from being handed out: decoding goes on, because the table
//! must follow the peer's. The hard limit ends the connection.

use super::table::Table;
use super::{Error, huffman, integer, static_table};
use crate::http2::headers::{FIELD_OVERHEAD, Field, Headers};
use crate::limits;

/// Decodes the header blocks that a peer sends on one connection.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: Table,
    /// What the peer may set the table to (SETTINGS_HEADER_TABLE_SIZE of ours).
    table_size_max: usize,
    /// The smallest maximum since the last block, if the table is larger: the next block has to
    /// begin with an update to that size or below.
    owed_size: Option<usize>,
    name: Vec<u8>,
    value: Vec<u8>,
}

/// How much of a header block is handed out, and how much is decoded at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Soft: the size of the list that is handed out, counted as [`Headers::size`] does.
    pub(crate) list_size_max: usize,
    /// Soft: how many fields are handed out.
    pub(crate) fields_max: usize,
    /// Hard: the size of the whole list, beyond which [`Error::ListTooLarge`] ends the connection.
    pub(crate) decoded_size_max: usize,
}

/// What [`Decoder::decode`] found beside the fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decoded {
    /// A soft limit was reached: the list holds only the fields before it.
    pub(crate) truncated: bool,
    /// The size of the whole list, also of the fields that were not handed out.
    pub(crate) list_size: usize,
}

impl Decoder {
    /// A decoder whose peer may use a dynamic table of up to `table_size_max` bytes.
    ///
    /// The peer's table begins with the 4,096 bytes of RFC 9113 6.5.2, or less if less is allowed
    /// from the start. Settings of ours come in force by [`Decoder::set_table_size_max`].
    pub(crate) fn new(table_size_max: usize) -> Self {
        Self {
            table: Table::new(table_size_max.min(limits::HPACK_TABLE_SIZE_INITIAL)),
            table_size_max,
            owed_size: None,
            name: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Puts a SETTINGS_HEADER_TABLE_SIZE of ours in force, which the peer has acknowledged.
    pub(crate) fn set_table_size_max(&mut self, table_size_max: usize) {
        self.table_size_max = table_size_max;
        if table_size_max < self.table.size_max() {
            let owed_size = self.owed_size.unwrap_or(table_size_max);
            self.owed_size = Some(owed_size.min(table_size_max));
        }
    }

    /// Decodes one whole header block and appends its fields to `out`.
    ///
    /// # Errors
    ///
    /// Any [`Error`] leaves the table in doubt: the connection has to end and the decoder must not
    /// be used again.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        limits: &Limits,
        out: &mut Headers,
    ) -> Result<Decoded, Error> {
        let mut input = block;
        self.decode_size_updates(&mut input)?;
        let mut list = List { out, limits, size: 0, fields: 0, truncated: false };
        while let Some((&first, rest)) = input.split_first() {
            input = rest;
            match first {
                0x80..=0xff => self.decode_indexed(first, &mut input, &mut list)?,
                0x40..=0x7f => self.decode_literal(first, 6, &mut input, &mut list)?,
                // RFC 7541 4.2: an update must occur at the beginning of a header block.
                0x20..=0x3f => return Err(Error::SizeUpdateMisplaced),
                0x00..=0x1f => self.decode_literal(first, 4, &mut input, &mut list)?,
            }
        }
        let decoded = Decoded { truncated: list.truncated, list_size: list.size };
        self.release_scratch();
        Ok(decoded)
    }

    /// A number that stays the same for as long as the same indices mean the same fields. None if
    /// the next block must begin with a size update.
    pub(crate) fn generation(&self) -> Option<u64> {
        self.owed_size.is_none().then(|| self.table.generation())
    }

    #[cfg(test)]
    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    #[cfg(test)]
    pub(super) fn scratch_capacity(&self) -> usize {
        self.name.capacity() + self.value.capacity()
    }

    /// The updates at the beginning of a block (RFC 7541 6.3).
    fn decode_size_updates(&mut self, input: &mut &[u8]) -> Result<(), Error> {
        let mut updates = 0;
        while let Some((&first, rest)) = input.split_first()
            && first & 0xe0 == 0x20
        {
            *input = rest;
            updates += 1;
            // RFC 7541 4.2: the smallest size and the final one, hence at most two.
            if updates > limits::HPACK_SIZE_UPDATES_MAX {
                return Err(Error::SizeUpdateRepeated);
            }
            let size = integer::decode(first, 5, input)?;
            if size > self.table_size_max {
                return Err(Error::SizeUpdateTooLarge { size, size_max: self.table_size_max });
            }
            self.owed_size = self.owed_size.filter(|&owed_size| size > owed_size);
            self.table.set_size_max(size);
        }
        // RFC 7541 4.2: a maximum that SETTINGS lowered is followed in the first block after it.
        match self.owed_size {
            Some(size_max) => Err(Error::SizeUpdateMissing { size_max }),
            None => Ok(()),
        }
    }

    /// An indexed field (RFC 7541 6.1).
    fn decode_indexed(
        &self,
        first: u8,
        input: &mut &[u8],
        list: &mut List<'_>,
    ) -> Result<(), Error> {
        let index = integer::decode(first, 7, input)?;
        let (name, value) = entry(&self.table, index)?;
        list.push(Field { name, value, sensitive: false })
    }

    /// A literal field (RFC 7541 6.2), with incremental indexing if the prefix has 6 bits.
    fn decode_literal(
        &mut self,
        first: u8,
        prefix_bits: u32,
        input: &mut &[u8],
        list: &mut List<'_>,
    ) -> Result<(), Error> {
        let Self { table, name: name_scratch, value: value_scratch, .. } = self;
        let index = integer::decode(first, prefix_bits, input)?;
        let budget = list.budget()?;
        let name = match (index, static_table::get(index)) {
            (0, _) => decode_string(input, budget, name_scratch)?,
            (_, Some((name, _))) => name,
            (_, None) => {
                // The insertion may evict the very entry that the name comes from (RFC 7541 4.4).
                name_scratch.clear();
                name_scratch.extend_from_slice(entry(table, index)?.0);
                name_scratch
            }
        };
        let budget = budget.checked_sub(name.len()).ok_or(Error::ListTooLarge)?;
        let value = decode_string(input, budget, value_scratch)?;
        // RFC 7541 6.2.3: the mark of a never indexed field goes on to the next hop.
        let sensitive = prefix_bits == 4 && first & 0x10 != 0;
        list.push(Field { name, value, sensitive })?;
        if prefix_bits == 6 {
            table.insert(name, value, 0);
        }
        Ok(())
    }

    /// Gives back what an unusually long string made the connection hold.
    fn release_scratch(&mut self) {
        for scratch in [&mut self.name, &mut self.value] {
            if scratch.capacity() > limits::HPACK_SCRATCH_KEPT {
                *scratch = Vec::new();
            }
        }
    }
}

/// The list that a block becomes, and what it has cost.
struct List<'a> {
    out: &'a mut Headers,
    limits: &'a Limits,
    size: usize,
    fields: usize,
    truncated: bool,
}

impl List<'_> {
    /// How many bytes of name and value the next field may have.
    fn budget(&self) -> Result<usize, Error> {
        let left = self.limits.decoded_size_max.checked_sub(self.size + FIELD_OVERHEAD);
        left.ok_or(Error::ListTooLarge)
    }

    fn push(&mut self, field: Field<'_>) -> Result<(), Error> {
        self.size += field.name.len() + field.value.len() + FIELD_OVERHEAD;
        self.fields += 1;
        if self.size > self.limits.decoded_size_max {
            return Err(Error::ListTooLarge);
        }
        // Once a field is left out the rest is too, so that the list is what came first.
        self.truncated |=
            self.size > self.limits.list_size_max || self.fields > self.limits.fields_max;
        if !self.truncated {
            self.out.push_field(field);
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        let list_size_max = limits::http2::MAX_HEADER_LIST_SIZE as usize;
        Self {
            list_size_max,
            fields_max: limits::http2::HEADER_FIELDS_MAX,
            decoded_size_max: list_size_max * limits::http2::HEADER_LIST_HARD_FACTOR as usize,
        }
    }
}

/// The entry at `index` of both tables, one behind the other (RFC 7541 2.3.3).
#[inline]
fn entry(table: &Table, index: usize) -> Result<(&[u8], &[u8]), Error> {
    let entry = match index.checked_sub(static_table::LEN + 1) {
        Some(index) => table.get(index),
        None => static_table::get(index),
    };
    entry.ok_or(Error::InvalidIndex { index, entries: static_table::LEN + table.len() })
}

/// A string literal (RFC 7541 5.2) of at most `budget` decoded bytes, from the front of `input`.
fn decode_string<'a, 'input: 'a>(
    input: &mut &'input [u8],
    budget: usize,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a [u8], Error> {
    let (&first, rest) = input.split_first().ok_or(Error::Truncated)?;
    *input = rest;
    let length = integer::decode(first, 7, input)?;
    let (coded, rest) = input.split_at_checked(length).ok_or(Error::Truncated)?;
    *input = rest;
    if first & 0x80 != 0 {
        scratch.clear();
        huffman::decode(coded, budget, scratch)?;
        return Ok(scratch);
    }
    if coded.len() > budget {
        return Err(Error::ListTooLarge);
    }
    Ok(coded)
}
