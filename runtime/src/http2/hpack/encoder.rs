//! From fields to header blocks (RFC 7541 3.1 and 6).
//!
//! Invariant: a value that may be secret never enters the dynamic table, and a value that is not
//! likely to come again does not either. In the steady state of a connection a block is a few
//! indices, found without a search and without an allocation: what stood at a place of the last
//! list of this length is looked at first.

use super::names::{self, Known, Policy};
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
}

/// Where a field stands in the tables.
#[derive(Clone, Copy, Debug)]
enum Place {
    Nowhere,
    /// The index of a static entry.
    Static(usize),
    /// The number of a dynamic entry.
    Dynamic(u32),
}

/// Table sizes that the peer has to be told of (RFC 7541 4.2).
#[derive(Clone, Copy, Debug)]
struct SizeChange {
    smallest: usize,
    last: usize,
}

/// A representation of a literal field (RFC 7541 6.2): its pattern, and the bits of its index.
#[derive(Clone, Copy)]
struct Form {
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
        for (position, field) in headers.iter().enumerate() {
            let slot = (headers.len() * 5 + position) % PLACES;
            match self.index_at(self.places[slot], field) {
                Some(index) => integer::encode(index, 7, INDEXED, out),
                None => self.places[slot] = self.encode_field(field, out),
            }
        }
    }

    /// Tells the peer of new table sizes (RFC 7541 6.3).
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
            Place::Static(index) => (index, static_table::get(index)?),
            Place::Dynamic(number) => {
                let index = self.table.index_of(number)?;
                (static_table::LEN + 1 + index, self.table.get(index)?)
            }
        };
        (!field.sensitive && entry == (field.name, field.value)).then_some(index)
    }

    /// Encodes a field, and returns where it stands from now on.
    fn encode_field(&mut self, field: Field<'_>, out: &mut Vec<u8>) -> Place {
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
        Place::Nowhere
    }

    /// Encodes a field that may be in a table, or come into it from the sighting `insert_at` on.
    fn encode_by_table(
        &mut self,
        field: Field<'_>,
        known: Option<&Known>,
        insert_at: Sighting,
        out: &mut Vec<u8>,
    ) -> Place {
        let (static_index, static_count) = known.map_or((0, 0), |known| {
            (usize::from(known.static_index), usize::from(known.static_count))
        });
        if static_index != 0
            && let Some(index) = static_table::find_value(static_index, static_count, field.value)
        {
            integer::encode(index, 7, INDEXED, out);
            return Place::Static(index);
        }
        let hash = hash(field);
        if let Some(index) = self.table.find(field.name, field.value, hash) {
            integer::encode(static_table::LEN + 1 + index, 7, INDEXED, out);
            return Place::Dynamic(self.table.number_of(index));
        }
        let name_index = match static_index {
            0 => self.table.find_name(field.name).map_or(0, |index| static_table::LEN + 1 + index),
            index => index,
        };
        let seen = std::mem::replace(&mut self.seen[hash as usize % SEEN_SLOTS], hash);
        let is_due = matches!(insert_at, Sighting::First) || seen == hash;
        if !is_due || !self.is_worth_inserting(field) {
            encode_literal(NOT_INDEXED, name_index, field, out);
            return Place::Nowhere;
        }
        encode_literal(INSERTED, name_index, field, out);
        self.table.insert(field.name, field.value, hash);
        Place::Dynamic(self.table.number_of(0))
    }

    /// A field that would push most of the others out is better sent in full.
    fn is_worth_inserting(&self, field: Field<'_>) -> bool {
        let size = field.name.len() + field.value.len() + FIELD_OVERHEAD;
        size <= self.table.size_max() / 4 * 3
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
    let lengths = (field.name.len() as u64) << 32 | field.value.len() as u64;
    let state = mix_octets(mix(0, lengths), field.name);
    (mix_octets(state, field.value) >> 32) as u32
}

fn mix_octets(mut state: u64, octets: &[u8]) -> u64 {
    let mut rest = octets;
    while let Some((chunk, others)) = rest.split_first_chunk::<8>() {
        state = mix(state, u64::from_le_bytes(*chunk));
        rest = others;
    }
    if let Some((chunk, others)) = rest.split_first_chunk::<4>() {
        state = mix(state, u64::from(u32::from_le_bytes(*chunk)));
        rest = others;
    }
    rest.iter().fold(state, |state, &octet| mix(state, u64::from(octet)))
}

fn mix(state: u64, word: u64) -> u64 {
    // An odd constant near 2^64 divided by the golden ratio.
    (state.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
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
mod tests {
    use super::super::{Decoder, Limits};
    use super::*;

    /// An encoder and the decoder of its peer.
    struct Pair {
        encoder: Encoder,
        decoder: Decoder,
    }

    impl Pair {
        fn new() -> Self {
            Self { encoder: Encoder::default(), decoder: Decoder::new(4096) }
        }

        /// Sends `headers` and returns their block, after checking that they arrive.
        fn send(&mut self, headers: &Headers) -> Vec<u8> {
            let mut block = Vec::new();
            self.encoder.encode(headers, &mut block);
            let mut received = Headers::new();
            self.decoder.decode(&block, &Limits::default(), &mut received).expect("our own block");
            assert!(received.iter().eq(headers.iter()), "{headers:?} became {received:?}");
            assert_eq!(self.encoder.table.size(), self.decoder.table().size());
            block
        }

        fn send_fields(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
            self.send(&fields.iter().copied().collect())
        }

        /// Changes the setting on both sides, as if it had been acknowledged.
        fn set_table_size(&mut self, size: usize) {
            self.encoder.set_table_size(size);
            self.decoder.set_table_size_max(size);
        }
    }

    const REQUEST: &[(&str, &str)] = &[
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/hello.Greeter/SayHello"),
        (":authority", "localhost:50051"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "rust-grpc/0.1.0"),
        ("grpc-accept-encoding", "gzip"),
    ];

    /// RFC 7541 6.1: from the second call on, the head of a request is one octet a field.
    #[test]
    fn a_repeated_request_is_one_octet_a_field() {
        let mut pair = Pair::new();
        assert!(pair.send_fields(REQUEST).len() > 60);
        for _ in 0..3 {
            assert_eq!(pair.send_fields(REQUEST).len(), REQUEST.len());
        }
    }

    /// A response and its trailers are one octet a field from the second call on.
    #[test]
    fn a_repeated_response_is_one_octet_a_field() {
        let mut pair = Pair::new();
        for expected in [None, Some(3)] {
            let head =
                pair.send_fields(&[(":status", "200"), ("content-type", "application/grpc")]);
            let trailers = pair.send_fields(&[("grpc-status", "0")]);
            let length = head.len() + trailers.len();
            assert!(expected.is_none_or(|expected| expected == length), "{length}");
        }
    }

    /// A field of an unknown name is inserted at its second sighting and an index from the third.
    #[test]
    fn an_unknown_field_is_inserted_when_it_is_seen_again() {
        let mut pair = Pair::new();
        let fields = [("x-tenant", "blue")];
        assert_eq!(pair.send_fields(&fields)[0], 0x00);
        assert_eq!(pair.send_fields(&fields)[0], 0x40);
        assert_eq!(pair.send_fields(&fields), [0xbe]);
        // Another value of that name takes the name from the table.
        assert_eq!(pair.send_fields(&[("x-tenant", "red")])[..3], [0x0f, 0x2f, 3]);
    }

    /// Values that never repeat do not push out those that do.
    #[test]
    fn values_that_never_repeat_stay_out_of_the_table() {
        let mut pair = Pair::new();
        pair.send_fields(REQUEST);
        let size = pair.encoder.table.size();
        for number in 0..1000 {
            pair.send_fields(&[
                ("x-request-id", &format!("{number:016x}")),
                ("grpc-timeout", "1S"),
                ("grpc-message", "not found"),
                ("trace-bin", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
            ]);
        }
        assert_eq!(pair.encoder.table.size(), size);
        assert_eq!(pair.send_fields(REQUEST).len(), REQUEST.len());
    }

    /// RFC 7541 7.1.3: credentials, and what the caller marks, are never indexed, however often
    /// they are sent; nor are short binary values, which could be guessed.
    #[test]
    fn secrets_are_never_indexed() {
        for (name, marked) in [
            ("authorization", false),
            ("proxy-authorization", false),
            ("cookie", false),
            ("set-cookie", false),
            ("token-bin", false),
            ("x-api-key", true),
            (":path", true),
        ] {
            let mut pair = Pair::new();
            let mut headers = Headers::new();
            if marked {
                headers.push_sensitive(name, "s3cret");
            } else {
                headers.push(name, "s3cret");
            }
            for _ in 0..3 {
                let mut block = Vec::new();
                pair.encoder.encode(&headers, &mut block);
                assert_eq!(block[0] & 0xf0, 0x10, "{name}");
                let mut received = Headers::new();
                pair.decoder.decode(&block, &Limits::default(), &mut received).expect("our block");
                assert!(received.iter().all(|field| field.sensitive), "{name}");
                assert_eq!(pair.encoder.table.len(), 0, "{name}");
            }
        }
    }

    /// RFC 7541 4.2: of several changes of the setting between two blocks, the smallest size is
    /// told and then the final one, at the start of the next block and only there.
    #[test]
    fn the_smallest_and_the_final_table_size_are_told() {
        let mut pair = Pair::new();
        pair.send_fields(REQUEST);
        pair.set_table_size(100);
        pair.set_table_size(31);
        pair.set_table_size(62);
        let block = pair.send_fields(&[(":method", "GET")]);
        assert_eq!(block, [0x3f, 0x00, 0x3f, 0x1f, 0x82]);
        assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x82]);
        assert_eq!(pair.encoder.table.len(), 0);
    }

    /// RFC 7541 4.2: one change is told once, a setting that changes nothing is not told.
    #[test]
    fn one_change_of_the_table_size_is_told_once() {
        let mut pair = Pair::new();
        pair.set_table_size(4096);
        assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x82]);
        pair.set_table_size(0);
        assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x20, 0x82]);
        pair.set_table_size(30);
        assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x3e, 0x82]);
    }

    /// RFC 7541 4.2: the encoder chooses its size: whatever the peer allows, it stays at its cap.
    #[test]
    fn the_encoder_table_stays_at_its_cap() {
        let mut pair = Pair::new();
        pair.set_table_size(1 << 30);
        assert_eq!(pair.send_fields(&[(":method", "GET")]), [0x82]);
        assert_eq!(pair.encoder.table.size_max(), 4096);
        // A cap below what connections begin with is told in the first block.
        let mut block = Vec::new();
        Encoder::new(0)
            .encode(&[(":path", "/a"), ("te", "trailers")].into_iter().collect(), &mut block);
        assert_eq!(block[..3], [0x20, 0x04, 2]);
    }

    /// RFC 7541 4.4: a field that would push out most of the table is sent in full.
    #[test]
    fn a_field_as_large_as_the_table_is_not_inserted() {
        let mut pair = Pair::new();
        pair.send_fields(REQUEST);
        let size = pair.encoder.table.size();
        let fits = "x".repeat(4096 / 4 * 3 - 32 - ":path".len());
        for path in [format!("{fits}x"), "y".repeat(5000)] {
            pair.send_fields(&[(":path", &path)]);
            assert_eq!(pair.encoder.table.size(), size);
        }
        pair.send_fields(&[(":path", &fits)]);
        assert_eq!(pair.encoder.table.size(), size + 3072);
    }

    /// RFC 7541 5.2: the Huffman code is used where it is shorter, and only there.
    #[test]
    fn the_huffman_code_is_used_where_it_saves() {
        let strings = |string: &str, saving_min| {
            let mut out = Vec::new();
            encode_string(string.as_bytes(), saving_min, &mut out);
            (out[0] & HUFFMAN != 0, out.len())
        };
        assert_eq!(strings("", 1), (false, 1));
        assert_eq!(strings("a", 1), (false, 2));
        assert_eq!(strings("aaa", 1), (true, 3));
        assert_eq!(strings("{}{}", 1), (false, 5));
        assert_eq!(strings("aaaaaaaaaaaaaaaaaaaaa", 8), (false, 22));
        assert_eq!(strings("aaaaaaaaaaaaaaaaaaaaaa", 8), (true, 15));
    }

    /// A field is found wherever it stands in a list, and however many others were sent meanwhile.
    #[test]
    fn fields_are_found_at_any_place_of_a_list() {
        let mut pair = Pair::new();
        let paths: Vec<String> = (0..70).map(|number| format!("/p/{number}")).collect();
        for round in 0..3 {
            for path in &paths {
                let block = pair.send_fields(&[(":path", path)]);
                assert!(round == 0 || block.len() <= 2, "{path} took {} octets", block.len());
                let block = pair.send_fields(&[("te", "trailers"), (":path", path)]);
                assert!(block.len() <= 14, "{path} took {} octets", block.len());
            }
        }
    }
}
