//! From fields to header blocks (RFC 7541 3.1 and 6).
//!
//! Invariant: a value that may be secret never enters the dynamic table, and a value that is not
//! likely to come again does not either. In the steady state of a connection a block is a few
//! indices. A list that comes again whole has its block kept (see [`super::cache`]); else the
//! indices are found without a search and without an allocation: what stood at a place of the last
//! list of this length is looked at first.

use std::hash::Hasher;

use super::cache::{Cache, Literal, Literals};
use super::names::{self, Known, Policy};
use super::pattern::OctetHasher;
use super::table::Table;
use super::{huffman, integer, static_table};
use crate::http2::headers::{FIELD_OVERHEAD, Field, Headers};
use crate::limits;

/// Encodes the header blocks that we send on one connection.
///
/// Every encoded block has to be sent, in the order of encoding.
#[derive(Debug)]
pub(crate) struct Encoder {
    table: Table,
    /// What we use at most, whatever the peer allows.
    table_size_cap: usize,
    /// What the next block has to begin with.
    pending: Option<SizeChange>,
    /// The hashes of fields that were seen, each in the slot it chooses.
    seen: [u32; SEEN_SLOTS],
    /// By length of the list and place in it: where the field was found the last time.
    places: [Place; PLACES],
    cache: Cache,
}

/// Where a field stands in the tables.
#[derive(Clone, Copy, Debug)]
enum Place {
    Nowhere,
    /// The index of a static entry.
    Static(u32),
    /// The number of a dynamic entry.
    Dynamic(u32),
}

/// Table sizes that the peer has to be told of (RFC 7541 4.2).
#[derive(Clone, Copy, Debug)]
struct SizeChange {
    smallest: usize,
    last: usize,
}

/// What has become of a field.
struct Encoded {
    /// Where it stands from now on.
    place: Place,
    /// As what it was written, if no table has it.
    literal: Option<Literal>,
}

/// A representation of a literal field (RFC 7541 6.2): its pattern, and the bits of its index.
#[derive(Clone, Copy, Debug)]
pub(super) struct Form {
    pattern: u8,
    prefix_bits: u32,
    /// The Huffman code is used if it is shorter by this many octets.
    saving_min: usize,
}

impl Encoder {
    /// An encoder that uses a dynamic table of at most `table_size_cap` bytes.
    pub(crate) fn new(table_size_cap: usize) -> Self {
        let mut encoder = Self {
            // The peer's decoder begins with this size, whatever its SETTINGS will say.
            table: Table::new(limits::HPACK_TABLE_SIZE_INITIAL),
            table_size_cap,
            pending: None,
            seen: [0; SEEN_SLOTS],
            places: [Place::Nowhere; PLACES],
            cache: Cache::default(),
        };
        encoder.set_table_size(limits::HPACK_TABLE_SIZE_INITIAL);
        encoder
    }

    /// Follows the peer's SETTINGS_HEADER_TABLE_SIZE, from the next block on.
    pub(crate) fn set_table_size(&mut self, peer_size_max: usize) {
        let size = peer_size_max.min(self.table_size_cap);
        let change = match self.pending {
            Some(change) => SizeChange { smallest: change.smallest.min(size), last: size },
            None if size == self.table.size_max() => return,
            None => SizeChange { smallest: size, last: size },
        };
        self.pending = Some(change);
    }

    /// Appends the header block of `headers` to `out`.
    pub(crate) fn encode(&mut self, headers: &Headers, out: &mut Vec<u8>) {
        if let Some(change) = self.pending.take() {
            self.change_size(change, out);
        }
        let generation = self.table.generation();
        if self.encode_kept(generation, headers, out) {
            return;
        }
        let start = out.len();
        let literals = self.encode_fields(headers, out);
        if let Some(literals) = literals
            && self.table.generation() == generation
        {
            self.cache.keep(generation, headers, &out[start..], &literals);
        }
    }

    /// Appends a block that is kept, with the literals of `headers`. False if there is none.
    fn encode_kept(&mut self, generation: u64, headers: &Headers, out: &mut Vec<u8>) -> bool {
        let Some(entry) = self.cache.find(generation, headers) else { return false };
        if entry.is_whole() {
            out.extend_from_slice(&entry.block);
            return true;
        }
        // What comes again with the same value is due to come into the table.
        let mut repeatable = entry.literals(headers).filter(|(literal, _)| literal.may_repeat);
        if repeatable.any(|(_, field)| {
            let hash = hash(field);
            self.seen[hash as usize % SEEN_SLOTS] == hash
        }) {
            return false;
        }
        let mut from = 0;
        for (literal, field) in entry.literals(headers) {
            if literal.may_repeat {
                let hash = hash(field);
                self.seen[hash as usize % SEEN_SLOTS] = hash;
            }
            out.extend_from_slice(&entry.block[from..literal.start]);
            encode_literal(literal.form, literal.name_index, field, out);
            from = literal.start;
        }
        out.extend_from_slice(&entry.block[from..]);
        true
    }

    /// Encodes field by field. Returns the literals, unless there are too many of them to keep what
    /// stands around them.
    fn encode_fields(&mut self, headers: &Headers, out: &mut Vec<u8>) -> Option<Literals> {
        let start = out.len();
        let (mut literals, mut are_few) = (Literals::default(), true);
        for (position, field) in headers.iter().enumerate() {
            let slot = (headers.len() * 5 + position) % PLACES;
            if let Some(index) = self.index_at(self.places[slot], field) {
                integer::encode(index, 7, INDEXED, out);
                continue;
            }
            let field_start = out.len() - start;
            let encoded = self.encode_field(field, out);
            self.places[slot] = encoded.place;
            if let Some(literal) = encoded.literal {
                let end = out.len() - start;
                let literal = Literal { position, start: field_start, end, ..literal };
                are_few &= literals.push(literal);
            }
        }
        are_few.then_some(literals)
    }

    /// Tells the peer of new table sizes (RFC 7541 6.3).
    #[cold]
    fn change_size(&mut self, change: SizeChange, out: &mut Vec<u8>) {
        // RFC 7541 4.2: of several changes between two blocks, the smallest size is signaled and
        // then the final one, so that both sides evict the same entries.
        if change.smallest < change.last {
            integer::encode(change.smallest, 5, SIZE_UPDATE, out);
            self.table.set_size_max(change.smallest);
        }
        integer::encode(change.last, 5, SIZE_UPDATE, out);
        self.table.set_size_max(change.last);
    }

    /// The index at which `field` stands, if that is at `place`.
    fn index_at(&self, place: Place, field: Field<'_>) -> Option<usize> {
        let (index, entry) = match place {
            Place::Nowhere => return None,
            Place::Static(index) => (index as usize, static_table::get(index as usize)?),
            Place::Dynamic(number) => {
                let index = self.table.index_of(number)?;
                (static_table::LEN + 1 + index, self.table.get(index)?)
            }
        };
        (!field.sensitive && entry == (field.name, field.value)).then_some(index)
    }

    fn encode_field(&mut self, field: Field<'_>, out: &mut Vec<u8>) -> Encoded {
        let known = names::find(field.name);
        let static_index = known.map_or(0, |known| usize::from(known.static_index));
        let form = match policy(field, known) {
            Policy::Stable => return self.encode_by_table(field, known, Sighting::First, out),
            Policy::Repeated => return self.encode_by_table(field, known, Sighting::Second, out),
            Policy::Volatile => NOT_INDEXED,
            // RFC 7541 7.1.3: a value that needs protection is a literal that no hop may index.
            Policy::Sensitive => NEVER_INDEXED,
        };
        encode_literal(form, static_index, field, out);
        Encoded::literal(form, static_index, false)
    }

    /// Encodes a field that may be in a table, or come into it from the sighting `insert_at` on.
    #[inline(never)]
    fn encode_by_table(
        &mut self,
        field: Field<'_>,
        known: Option<&Known>,
        insert_at: Sighting,
        out: &mut Vec<u8>,
    ) -> Encoded {
        let (static_index, static_count) = known.map_or((0, 0), |known| {
            (usize::from(known.static_index), usize::from(known.static_count))
        });
        if static_index != 0
            && let Some(index) = static_table::find_value(static_index, static_count, field.value)
        {
            integer::encode(index, 7, INDEXED, out);
            return Encoded::at(Place::Static(index as u32));
        }
        let hash = hash(field);
        if let Some(index) = self.table.find(field.name, field.value, hash) {
            integer::encode(static_table::LEN + 1 + index, 7, INDEXED, out);
            return Encoded::at(Place::Dynamic(self.table.number_of(index)));
        }
        let name_index = match static_index {
            0 => self.table.find_name(field.name).map_or(0, |index| static_table::LEN + 1 + index),
            index => index,
        };
        let seen = std::mem::replace(&mut self.seen[hash as usize % SEEN_SLOTS], hash);
        let is_due = matches!(insert_at, Sighting::First) || seen == hash;
        if !is_due || !self.is_worth_inserting(field) {
            encode_literal(NOT_INDEXED, name_index, field, out);
            return Encoded::literal(NOT_INDEXED, name_index, true);
        }
        encode_literal(INSERTED, name_index, field, out);
        self.table.insert(field.name, field.value, hash);
        Encoded::at(Place::Dynamic(self.table.number_of(0)))
    }

    /// A field that would push most of the others out is better sent in full.
    fn is_worth_inserting(&self, field: Field<'_>) -> bool {
        let size = field.name.len() + field.value.len() + FIELD_OVERHEAD;
        size <= self.table.size_max() / 4 * 3
    }
}

impl Encoded {
    fn at(place: Place) -> Self {
        Self { place, literal: None }
    }

    fn literal(form: Form, name_index: usize, may_repeat: bool) -> Self {
        let literal = Literal { form, name_index, may_repeat, ..Literal::default() };
        Self { place: Place::Nowhere, literal: Some(literal) }
    }
}

impl Default for Form {
    fn default() -> Self {
        NOT_INDEXED
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new(limits::http2::HEADER_TABLE_SIZE as usize)
    }
}

/// At which sighting of a field it comes into the table.
#[derive(Clone, Copy)]
enum Sighting {
    First,
    Second,
}

fn policy(field: Field<'_>, known: Option<&Known>) -> Policy {
    if field.sensitive {
        return Policy::Sensitive;
    }
    match known {
        Some(known) => known.policy,
        None if !field.name.ends_with(b"-bin") => Policy::Repeated,
        // Binary metadata is a trace or a token in most cases, and a short token could be guessed
        // by watching the size of blocks (RFC 7541 7.1.1).
        None if field.value.len() < limits::HPACK_GUESSABLE_LEN => Policy::Sensitive,
        None => Policy::Volatile,
    }
}

/// Appends a literal field, whose name is that of `name_index` if it is not 0.
fn encode_literal(form: Form, name_index: usize, field: Field<'_>, out: &mut Vec<u8>) {
    integer::encode(name_index, form.prefix_bits, form.pattern, out);
    if name_index == 0 {
        encode_string(field.name, form.saving_min, out);
    }
    encode_string(field.value, form.saving_min, out);
}

/// Appends a string literal (RFC 7541 5.2), by the Huffman code if that saves enough.
fn encode_string(string: &[u8], saving_min: usize, out: &mut Vec<u8>) {
    // The code saves 3 bits of 8 at best, so a short string cannot save enough.
    if string.len() * 3 / 8 >= saving_min {
        let coded_len = huffman::encoded_len(string);
        if coded_len + saving_min <= string.len() {
            integer::encode(coded_len, 7, HUFFMAN, out);
            return huffman::encode(string, out);
        }
    }
    integer::encode(string.len(), 7, 0, out);
    out.extend_from_slice(string);
}

/// A hash of name and value. Equal hashes cost time and compression, nothing else.
fn hash(field: Field<'_>) -> u32 {
    let mut hasher = OctetHasher::default();
    hasher.write_u64((field.name.len() as u64) << 32 | field.value.len() as u64);
    hasher.write(field.name);
    hasher.write(field.value);
    (hasher.finish() >> 32) as u32
}

const SEEN_SLOTS: usize = 64;
const PLACES: usize = 32;

const INDEXED: u8 = 0x80;
const SIZE_UPDATE: u8 = 0x20;
const HUFFMAN: u8 = 0x80;
const INSERTED: Form = Form { pattern: 0x40, prefix_bits: 6, saving_min: 1 };
/// What is sent in every call saves time rather than the last octet.
const NOT_INDEXED: Form = Form { pattern: 0x00, prefix_bits: 4, saving_min: 8 };
const NEVER_INDEXED: Form = Form { pattern: 0x10, prefix_bits: 4, saving_min: 8 };

#[cfg(test)]
mod tests;
