//! Whole header blocks of lists that are sent again and again.
//!
//! A list of which every field is indexed is the same octets for as long as the table stays as it
//! is (RFC 7541 6.1). One field may differ from call to call, the deadline: it is a literal that
//! changes no table, and what stands around it is kept.
//!
//! Invariant: what is kept holds for one generation of the table, and is used in no other.

use std::hash::Hasher;

use super::pattern::OctetHasher;
use crate::http2::headers::{Field, Headers};
use crate::limits;

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

#[derive(Debug)]
struct Entry {
    generation: u64,
    /// Which entry was found after this one the last time.
    successor: usize,
    /// The list without its deadline, then the block without it.
    bytes: Vec<u8>,
    list_len: usize,
    deadline: Option<Deadline>,
}

/// Where the deadline stands in a list and in its block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    pub(super) in_list: usize,
    pub(super) list_len: usize,
    pub(super) in_block: usize,
    pub(super) block_len: usize,
}

/// A block that was found.
pub(super) struct Found<'a> {
    pub(super) front: &'a [u8],
    pub(super) deadline: Option<(Field<'a>, &'a [u8])>,
}

impl Cache {
    /// The block of `headers` by the table of `generation`; with a deadline, what stands before and
    /// behind it.
    ///
    /// What followed upon the last list the last time is tried first: calls of one method, and the
    /// heads and trailers of responses, take turns.
    #[inline]
    pub(super) fn find<'a>(
        &'a mut self,
        generation: u64,
        headers: &'a Headers,
    ) -> Option<Found<'a>> {
        let expected = self.entries.get(self.last)?.successor;
        let is_expected =
            self.entries.get(expected).is_some_and(|entry| entry.is_of(generation, headers));
        if !is_expected {
            let key = key(headers);
            let position = self.keys.iter().position(|known| *known == key)?;
            if !self.entries[position].is_of(generation, headers) {
                return None;
            }
            self.entries[self.last].successor = position;
            self.last = position;
        } else {
            self.last = expected;
        }
        Some(self.entries[self.last].found(headers))
    }

    /// Keeps `block`, which is that of `headers` by the table of `generation` and changes no table.
    pub(super) fn keep(
        &mut self,
        generation: u64,
        headers: &Headers,
        block: &[u8],
        deadline: Option<Deadline>,
    ) {
        let list = headers.as_bytes();
        if list.len() > limits::HPACK_CACHED_LIST_MAX {
            return;
        }
        let key = key(headers);
        let position = self.position_for(key);
        let entry = &mut self.entries[position];
        self.keys[position] = key;
        (entry.generation, entry.deadline) = (generation, deadline);
        entry.bytes.clear();
        match deadline {
            None => {
                entry.bytes.extend_from_slice(list);
                entry.list_len = list.len();
                entry.bytes.extend_from_slice(block);
            }
            Some(Deadline { in_list, list_len, in_block, block_len }) => {
                entry.bytes.extend_from_slice(&list[..in_list]);
                entry.bytes.extend_from_slice(&list[in_list + list_len..]);
                entry.list_len = list.len() - list_len;
                entry.bytes.extend_from_slice(&block[..in_block]);
                entry.bytes.extend_from_slice(&block[in_block + block_len..]);
            }
        }
    }

    fn position_for(&mut self, key: u64) -> usize {
        if let Some(position) = self.keys.iter().position(|known| *known == key) {
            return position;
        }
        if self.entries.len() < limits::HPACK_CACHED_BLOCKS_MAX {
            let entry = Entry {
                generation: 0,
                successor: self.entries.len(),
                bytes: Vec::new(),
                list_len: 0,
                deadline: None,
            };
            self.keys.push(key);
            self.entries.push(entry);
            return self.entries.len() - 1;
        }
        let oldest = self.oldest;
        self.oldest = (oldest + 1) % limits::HPACK_CACHED_BLOCKS_MAX;
        oldest
    }
}

impl Entry {
    /// Whether this is the block of `headers` by the table of `generation`.
    #[inline]
    fn is_of(&self, generation: u64, headers: &Headers) -> bool {
        if self.generation != generation {
            return false;
        }
        let list = &self.bytes[..self.list_len];
        match self.deadline {
            None => headers.as_bytes() == list,
            Some(Deadline { in_list, .. }) => {
                let (front, back) = list.split_at(in_list);
                headers.field_behind(front).is_some_and(|(field, rest)| {
                    field.name == DEADLINE && !field.sensitive && rest == back
                })
            }
        }
    }

    /// The block of `headers`, which [`Entry::is_of`] has said this to be.
    #[inline]
    fn found<'a>(&'a self, headers: &'a Headers) -> Found<'a> {
        let (list, block) = self.bytes.split_at(self.list_len);
        let Some(Deadline { in_list, in_block, .. }) = self.deadline else {
            return Found { front: block, deadline: None };
        };
        let (front, back) = block.split_at(in_block);
        let field = headers.field_behind(&list[..in_list]).map(|(field, _)| field);
        Found { front, deadline: field.map(|field| (field, back)) }
    }
}

/// A number by which a list is looked for; that of lists which differ in their deadline alone is
/// the same.
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

/// The one field that is of another value in every call and may be left out of what is kept.
pub(super) const DEADLINE: &[u8] = b"grpc-timeout";
