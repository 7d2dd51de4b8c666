//! Whole header blocks of lists that are sent again and again.
//!
//! A list of which every field is indexed is the same octets for as long as the table stays as it
//! is (RFC 7541 6.1). A few fields may differ from call to call, such as the deadline: they are
//! literals that change no table, and what stands around them is kept.
//!
//! Invariants: what is kept holds for one generation of the table, and is used in no other; no value
//! of a literal is kept.

use std::hash::Hasher;

use super::encoder::Form;
use super::pattern::OctetHasher;
use crate::http2::headers::{Field, Headers};
use crate::http2::template::Template;
use crate::limits::{self, HPACK_PATTERN_LITERALS_MAX as LITERALS_MAX};

/// The blocks that were made last.
#[derive(Debug, Default)]
pub(super) struct Cache {
    /// The key of each entry's list.
    keys: Vec<u64>,
    entries: Vec<Entry>,
    /// Which entry goes when there is no room.
    oldest: usize,
    /// The entry that was found last.
    last: usize,
}

/// A list and its block.
#[derive(Debug, Default)]
pub(super) struct Entry {
    generation: u64,
    /// Which entry was found after this one the last time.
    successor: usize,
    list: Template,
    /// The list itself, if it has no literals and its memory is shared: then it is known by its place.
    same: Option<Headers>,
    /// The block without its literals.
    pub(super) block: Vec<u8>,
    literals: Vec<Literal>,
}

/// The literals of a block.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Literals {
    literals: [Literal; LITERALS_MAX],
    count: usize,
}

/// A field that is in no table.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Literal {
    /// How many fields come before it.
    pub(super) position: usize,
    /// Where it stands in the block, and, in one without literals, where it would.
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) form: Form,
    pub(super) name_index: usize,
    /// It comes into the table if it is sent again with the same value.
    pub(super) may_repeat: bool,
}

impl Literals {
    /// Adds one. False if there are too many.
    pub(super) fn push(&mut self, literal: Literal) -> bool {
        let Some(place) = self.literals.get_mut(self.count) else { return false };
        *place = literal;
        self.count += 1;
        true
    }

    pub(super) fn as_slice(&self) -> &[Literal] {
        &self.literals[..self.count]
    }
}

impl Cache {
    /// What is kept of `headers` for the table of `generation`.
    ///
    /// What followed upon the last list the last time is tried first: calls of one method, and the
    /// heads and trailers of responses, take turns.
    #[inline]
    pub(super) fn find(&mut self, generation: u64, headers: &Headers) -> Option<&Entry> {
        let expected = self.entries.get(self.last)?.successor;
        if self.entries.get(expected).is_some_and(|entry| entry.is_of(generation, headers)) {
            self.last = expected;
            return Some(&self.entries[expected]);
        }
        let key = key(headers);
        let position = self.keys.iter().position(|known| *known == key)?;
        if !self.entries[position].is_of(generation, headers) {
            return None;
        }
        self.entries[self.last].successor = position;
        self.last = position;
        Some(&self.entries[position])
    }

    /// Keeps `block`, which is that of `headers` by the table of `generation` and changes no table.
    pub(super) fn keep(
        &mut self,
        generation: u64,
        headers: &Headers,
        block: &[u8],
        literals: &Literals,
    ) {
        if headers.as_bytes().len() > limits::HPACK_CACHED_LIST_MAX {
            return;
        }
        let key = key(headers);
        let position = self.position_for(key);
        self.keys[position] = key;
        let entry = &mut self.entries[position];
        entry.generation = generation;
        entry.literals.clear();
        entry.literals.reserve_exact(literals.count);
        entry.literals.extend_from_slice(literals.as_slice());
        entry.list.set(headers, literals.as_slice().iter().map(|literal| literal.position));
        entry.same = if literals.count == 0 { headers.same() } else { None };
        entry.block.clear();
        let mut from = 0;
        for literal in &mut entry.literals {
            entry.block.extend_from_slice(&block[from..literal.start]);
            from = literal.end;
            literal.start = entry.block.len();
        }
        entry.block.extend_from_slice(&block[from..]);
    }

    fn position_for(&mut self, key: u64) -> usize {
        if let Some(position) = self.keys.iter().position(|known| *known == key) {
            return position;
        }
        if self.entries.len() < limits::HPACK_CACHED_BLOCKS_MAX {
            // Most connections need two or three for good: room for more would be kept by each.
            self.keys.reserve_exact(1);
            self.entries.reserve_exact(1);
            self.keys.push(key);
            self.entries.push(Entry { successor: self.entries.len(), ..Entry::default() });
            return self.entries.len() - 1;
        }
        let oldest = self.oldest;
        self.oldest = (oldest + 1) % limits::HPACK_CACHED_BLOCKS_MAX;
        oldest
    }
}

impl Entry {
    #[inline]
    fn is_of(&self, generation: u64, headers: &Headers) -> bool {
        let is_same = || self.same.as_ref().is_some_and(|same| same.is_shared_with(headers));
        self.generation == generation && (is_same() || self.list.is_of(headers))
    }

    /// Whether the block is the same for every list of the entry.
    pub(super) fn is_whole(&self) -> bool {
        self.literals.is_empty()
    }

    /// The literals, each with the field that it is in `headers`.
    pub(super) fn literals<'a>(
        &'a self,
        headers: &'a Headers,
    ) -> impl Iterator<Item = (&'a Literal, Field<'a>)> {
        self.literals.iter().zip(self.list.filling(headers))
    }
}

/// A number by which a list is looked for; that of requests which differ in their metadata's values
/// alone is the same.
///
/// Of a request the path tells most, which is the third field; a response has fewer.
#[inline]
fn key(headers: &Headers) -> u64 {
    let mut fields = headers.iter();
    let field = fields.nth(2).or_else(|| headers.iter().last());
    let value = field.map_or(&[][..], |field| field.value);
    let mut hasher = OctetHasher::default();
    hasher.write_u64((value.len() as u64) << 32 | headers.len() as u64);
    hasher.write(&value[value.len().saturating_sub(16)..]);
    hasher.finish()
}
