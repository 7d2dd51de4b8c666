//! The header sections that a peer sends again and again.
//!
//! In the steady state of a connection a header block is a few indices, the same ones in every call
//! of a method. Such a block is read and checked once; from then on its bytes are recognised, and
//! the section is the same shared [`Headers`]. A few literals may stand in it whose values differ from
//! call to call, such as the deadline; they are read each time.
//!
//! Invariant: an entry is found only while the decoder's table is the one that it was read with.

use super::headers::Headers;
use super::hpack::Pattern;
use super::malformed::MessageHead;
use super::template::Template;
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
    /// The block; without the values of its literals, if it has any.
    block: Box<[u8]>,
    list: List,
    checked: Checked,
}

/// What a block says.
#[derive(Debug)]
enum List {
    Same(Headers),
    /// But for the values of its literals.
    Differing(Template),
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
        for (position, known) in self.keys.iter().enumerate() {
            if *known != key {
                continue;
            }
            let entry = &self.entries[position];
            if entry.generation != generation {
                continue;
            }
            match &entry.list {
                List::Same(same) if *entry.block == *block => {
                    *headers = same.clone();
                    return Some(entry.checked);
                }
                List::Same(_) => {}
                List::Differing(template) => {
                    if let Some(found) = entry.fill(template, block) {
                        *headers = found;
                        return Some(entry.checked);
                    }
                }
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
        let list = if pattern.literals().is_empty() {
            headers.share();
            List::Same(headers.clone())
        } else {
            let mut template = Template::default();
            template.set(headers, pattern.literals().iter().map(|literal| literal.position));
            List::Differing(template)
        };
        let key = key(block);
        let entry = Entry { generation, block: pattern.to_bytes(), list, checked };
        let is_same = |known: &Entry| known.block == entry.block;
        // What the same block meant by an older table it means no more.
        let position = match self.entries.iter().position(is_same) {
            Some(position) => position,
            None if self.entries.len() < limits::MEMO_SECTIONS_MAX => {
                // Most connections need two or three for good: room for more would be kept by each.
                self.keys.reserve_exact(1);
                self.entries.reserve_exact(1);
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
        let memory = |entry: &Entry| match &entry.list {
            List::Same(headers) => headers.size() + entry.block.len(),
            List::Differing(template) => template.size() + entry.block.len(),
        };
        self.entries.iter().map(memory).sum::<usize>()
            + self.entries.capacity() * size_of::<Entry>()
            + self.keys.capacity() * size_of::<u32>()
    }
}

impl Entry {
    /// The list of a block that may have other literals than the one before. What is odd is left to
    /// those who read and judge it as a whole.
    fn fill(&self, template: &Template, block: &[u8]) -> Option<Headers> {
        let pattern = Pattern::of(block)?;
        if pattern.literals().len() != template.hole_count() || !pattern.is_of(&self.block) {
            return None;
        }
        let headers = template.fill(block.len() * 2, |number, out| {
            let start = out.len();
            let is_read = pattern.literals()[number].read(limits::MEMO_LIST_SIZE_MAX, out).is_ok();
            // Without a branch for each byte, so that many are looked at together.
            let is_odd = |octet: &u8| (*octet < b' ') | (*octet > b'~');
            is_read && !out[start..].iter().fold(false, |found, octet| found | is_odd(octet))
        })?;
        (headers.size() <= limits::MEMO_LIST_SIZE_MAX).then_some(headers)
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
/// A literal may be of another value the next time if it means nothing to HTTP/2, so that no check
/// depends on it but that of its characters.
fn is_worth_remembering(pattern: &Pattern<'_>, headers: &Headers) -> bool {
    let means_nothing = |name: &[u8]| !matches!(name, [b':', ..] | b"te" | b"content-length");
    let mut fields = headers.iter().enumerate();
    headers.size() <= limits::MEMO_LIST_SIZE_MAX
        && pattern.literals().iter().all(|literal| {
            let field = fields.find(|(position, _)| *position == literal.position);
            field.is_some_and(|(_, field)| means_nothing(field.name))
        })
}
