//! The order of a map's entries.
//!
//! A hash map gives its entries in any order. A few are put in order before they are written. Many are
//! written as they come, each with a note of where it lies and of the first octets of its key, and
//! then their bytes are moved: nothing is allocated, and a program has this code once for all types of
//! maps. Invariant: places are counted in bytes from where the map ends, towards the front.

use std::cell::Cell;
use std::collections::HashMap;

use super::ByteString;
use super::field_writer::Outside;
use crate::limits;

/// Entries that are put in order before they are written.
pub(super) const FEW: usize = 16;

thread_local! {
    static KEPT: Cell<Scratch> = const { Cell::new(Scratch { entries: Vec::new(), bytes: Vec::new() }) };
}

/// What a thread keeps for the next map.
#[derive(Default)]
struct Scratch {
    entries: Vec<Entry>,
    bytes: Vec<u8>,
}

/// One entry that was written.
struct Entry {
    /// A number that is the smaller of two where the key is, unless both are the same.
    prefix: u64,
    start: u32,
    /// Of the field of its key.
    key_start: u32,
    key_end: u32,
    end: u32,
}

/// Notes where the entries of one map lie, and puts them in order.
pub(super) struct EntryOrder {
    scratch: Scratch,
    /// Bytes of the room before the map.
    room: usize,
    /// What was outside before the map.
    outside: usize,
    /// Where the entry that was added last starts.
    last: u32,
    lends: bool,
}

impl EntryOrder {
    /// Before the first entry is written. Nothing is lent until the [`sort`](Self::sort): what is
    /// outside could not be moved.
    #[inline(never)]
    pub(super) fn new(room: &[u8], outside: &mut Outside<'_>) -> Self {
        let lends = std::mem::take(&mut outside.lends);
        let scratch = KEPT.try_with(Cell::take).unwrap_or_default();
        Self { scratch, room: room.len(), outside: outside.size, last: 0, lends }
    }

    /// An entry was written up to `start`, as [`FieldWriter::reached`] tells places, the field of its
    /// key from the first of `key` to the second.
    ///
    /// [`FieldWriter::reached`]: super::FieldWriter
    #[inline]
    pub(super) fn add(&mut self, prefix: u64, key: (usize, usize), start: usize) {
        // What does not fit into 32 bits belongs to a message that is too large.
        let place = |reached| self.room.wrapping_sub(self.outside).wrapping_sub(reached) as u32;
        let (start, end) = (place(start), std::mem::replace(&mut self.last, place(start)));
        let (key_end, key_start) = (place(key.0), place(key.1));
        self.scratch.entries.push(Entry { prefix, start, key_start, key_end, end });
    }

    /// Puts the entries in the order of their keys: all were written, and left `room_left` bytes of
    /// the room.
    #[inline(never)]
    pub(super) fn sort(mut self, room: &mut [u8], outside: &mut Outside<'_>, room_left: usize) {
        outside.lends = self.lends;
        let written = &mut room[room_left..self.room];
        // What did not fit is written once more.
        if outside.size == self.outside && written.len() <= limits::MESSAGE_SIZE_MAX {
            self.scratch.put_in_order(written);
        }
        self.scratch.entries.clear();
        if self.scratch.size() <= limits::SCRATCH_KEPT {
            // A thread that ends keeps nothing.
            let _ = KEPT.try_with(|kept| kept.set(self.scratch));
        }
    }
}

impl Scratch {
    fn put_in_order(&mut self, written: &mut [u8]) {
        let Self { entries, bytes } = self;
        bytes.clear();
        bytes.extend_from_slice(written);
        entries.sort_unstable_by_key(|entry| entry.prefix);
        for same in entries.chunk_by_mut(|one, next| one.prefix == next.prefix) {
            if same.len() > 1 {
                same.sort_unstable_by(|one, other| one.key(bytes).cmp(other.key(bytes)));
            }
        }
        let mut places = written;
        for entry in entries {
            let entry = part(bytes, entry.start, entry.end);
            let (place, behind) = places.split_at_mut(entry.len());
            place.copy_from_slice(entry);
            places = behind;
        }
    }

    /// Bytes that are kept with it.
    fn size(&self) -> usize {
        self.entries.capacity() * size_of::<Entry>() + self.bytes.capacity()
    }
}

impl Entry {
    /// The octets of the key, a string: others are told apart by their prefixes.
    fn key<'b>(&self, bytes: &'b [u8]) -> &'b [u8] {
        let field = part(bytes, self.key_start, self.key_end);
        // Behind a tag of one byte and the length.
        let length_size =
            field.iter().skip(1).position(|byte| *byte < 0x80).unwrap_or_default() + 1;
        &field[1 + length_size..]
    }
}

/// What lies between two places.
fn part(bytes: &[u8], start: u32, end: u32) -> &[u8] {
    let index = |place: u32| bytes.len() - place as usize;
    &bytes[index(start)..index(end)]
}

/// The entries of a map in the order of their keys, which is plain code on purpose: each adapter of
/// an iterator would be compiled once for every type of maps.
type Order<'m, K, V> = [Option<(&'m K, &'m V)>];

/// The order of at most [`FEW`] entries, in `few`.
#[inline(always)]
pub(super) fn order_of_few<'f, 'm, K: Key, V>(
    map: &'m HashMap<K, V>,
    few: &'f mut Order<'m, K, V>,
) -> &'f Order<'m, K, V> {
    let mut prefixes = [0; FEW];
    let mut count = 0;
    for entry in map {
        let prefix = entry.0.prefix();
        let mut at = count;
        while at > 0
            && few[at - 1].is_some_and(|(key, _)| is_after(prefixes[at - 1], key, prefix, entry.0))
        {
            (prefixes[at], few[at]) = (prefixes[at - 1], few[at - 1]);
            at -= 1;
        }
        (prefixes[at], few[at]) = (prefix, Some(entry));
        count += 1;
    }
    &few[..count]
}

/// Whether the one key comes after the other.
#[inline(always)]
fn is_after<K: Key>(prefix: u64, key: &K, other_prefix: u64, other: &K) -> bool {
    prefix > other_prefix || (prefix == other_prefix && key > other)
}

/// What the key of a map may be.
pub trait Key: Ord {
    /// A number that is the smaller of two where the key is, unless both are the same: most keys are
    /// told apart by it, without a look at memory elsewhere.
    fn prefix(&self) -> u64;
}

macro_rules! keys {
    ($($type:ty, $self:ident: $prefix:expr;)*) => {$(
        impl Key for $type {
            #[inline]
            fn prefix(&$self) -> u64 {
                $prefix
            }
        }
    )*};
}

keys! {
    bool, self: u64::from(*self);
    u32, self: u64::from(*self);
    u64, self: *self;
    i32, self: i64::from(*self).prefix();
    i64, self: self.cast_unsigned() ^ 1 << 63;
    String, self: prefix_of(self.as_bytes());
    ByteString, self: prefix_of(self.as_bytes());
}

/// The first octets, the first one in the highest place.
#[inline]
fn prefix_of(octets: &[u8]) -> u64 {
    match octets.first_chunk() {
        Some(chunk) => u64::from_be_bytes(*chunk),
        None => octets.iter().rev().fold(0, |prefix, octet| prefix >> 8 | u64::from(*octet) << 56),
    }
}
