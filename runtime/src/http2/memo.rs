//! The header sections that a peer sends again and again.
//!
//! In the steady state of a connection a header block is a few indices, the same ones in every call
//! of a method. Such a block is read and checked once; from then on its bytes are recognised, and
//! the section is the same shared [`Headers`].
//!
//! Invariant: an entry is found only while the decoder's table is the one that it was read with.

use super::headers::Headers;
use super::hpack::Pattern;
use super::malformed::MessageHead;
use crate::limits::http2 as limits;

/// The sections that came last.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// The key of each entry's block.
    keys: Vec<u32>,
    entries: Vec<Entry>,
    /// Which entry goes when there is no room.
    oldest: usize,
}

#[derive(Debug)]
struct Entry {
    generation: u64,
    /// The block; without the value of its literal, if it has one.
    block: Box<[u8]>,
    has_literal: bool,
    headers: Headers,
    checked: Checked,
}

/// As what a section was found to be well-formed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    Request(MessageHead),
    Response(MessageHead),
    Trailers,
}

impl Memo {
    /// Lets `headers` be what `block` says by the table of `generation`; returns as what that was
    /// checked. None if it is not known.
    #[inline]
    pub(crate) fn find(
        &self,
        block: &[u8],
        generation: u64,
        headers: &mut Headers,
    ) -> Option<Checked> {
        let key = key(block);
        for (entry, _) in self.entries.iter().zip(&self.keys).filter(|(_, known)| **known == key) {
            if entry.generation != generation {
                continue;
            }
            if entry.has_literal {
                if let Some(found) = entry.headers_of(block) {
                    *headers = found;
                    return Some(entry.checked);
                }
            } else if *entry.block == *block {
                *headers = entry.headers.clone();
                return Some(entry.checked);
            }
        }
        None
    }

    /// Remembers that `block` says `headers` by the table of `generation` and was found to be well
    /// formed, if it may come again; then shares `headers`.
    pub(crate) fn remember(
        &mut self,
        block: &[u8],
        generation: u64,
        headers: &mut Headers,
        checked: Checked,
    ) {
        let Some(pattern) = Pattern::of(block) else { return };
        if !is_worth_remembering(&pattern, headers) {
            return;
        }
        headers.share();
        let has_literal = pattern.literal().is_some();
        let (key, headers) = (key(block), headers.clone());
        let entry = Entry { generation, block: pattern.to_bytes(), has_literal, headers, checked };
        let is_same =
            |known: &Entry| known.block == entry.block && known.has_literal == has_literal;
        // What the same block meant by an older table it means no more.
        let position = match self.entries.iter().position(is_same) {
            Some(position) => position,
            None if self.entries.len() < limits::MEMO_SECTIONS_MAX => {
                self.keys.push(key);
                self.entries.push(entry);
                return;
            }
            None => {
                let oldest = self.oldest;
                self.oldest = (oldest + 1) % limits::MEMO_SECTIONS_MAX;
                oldest
            }
        };
        self.keys[position] = key;
        self.entries[position] = entry;
    }

    /// Bytes that were allocated.
    #[cfg(test)]
    pub(crate) fn memory(&self) -> usize {
        let entry = |entry: &Entry| entry.headers.size() + entry.block.len();
        self.entries.iter().map(entry).sum::<usize>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.keys.capacity() * size_of::<u32>()
    }
}

impl Entry {
    /// The list of a block that may have another literal than the one before. What is odd is left to
    /// those who read and judge it as a whole.
    fn headers_of(&self, block: &[u8]) -> Option<Headers> {
        let pattern = Pattern::of(block)?;
        let literal = pattern.literal().filter(|_| pattern.is_of(&self.block))?;
        let mut is_plain = false;
        let headers = self.headers.with_value(literal.position, |out| {
            let start = out.len();
            let is_read = literal.read(out).is_ok();
            is_plain = is_read && out[start..].iter().all(|octet| (b' '..=b'~').contains(octet));
        })?;
        (is_plain && headers.size() <= limits::MEMO_LIST_SIZE_MAX).then_some(headers)
    }
}

/// A number by which a block is looked for: its first octets, which name the method of a request.
#[inline]
fn key(block: &[u8]) -> u32 {
    match block.first_chunk::<4>() {
        Some(octets) => u32::from_le_bytes(*octets),
        None => block.iter().fold(0, |key, octet| key << 8 | u32::from(*octet)),
    }
}

/// Whether the same section may come again, and costs little memory.
///
/// The one literal that is expected to be of another value in every call is the deadline. It means
/// nothing to HTTP/2, so that no check depends on it but that of its characters.
fn is_worth_remembering(pattern: &Pattern<'_>, headers: &Headers) -> bool {
    if headers.size() > limits::MEMO_LIST_SIZE_MAX {
        return false;
    }
    match pattern.literal() {
        Some(literal) => {
            headers.iter().nth(literal.position).is_some_and(|field| field.name == b"grpc-timeout")
        }
        None => true,
    }
}
