//! The rules of RFC 7541 that concern whole blocks, by clause; docs/http2-rules.md lists them all.

use super::decoder::Decoded;
use super::{Decoder, Encoder, Error, Limits};
use crate::http2::headers::Headers;

/// A decoder with the sizes of RFC 9113 6.5.2.
pub(super) fn decoder() -> Decoder {
    Decoder::new(4096)
}

/// Decodes one block, expecting that no limit is reached.
pub(super) fn decode(decoder: &mut Decoder, block: &[u8]) -> Result<Headers, Error> {
    let mut headers = Headers::new();
    let decoded = decoder.decode(block, &Limits::default(), &mut headers)?;
    assert_eq!(decoded, Decoded { truncated: false, list_size: headers.size() });
    Ok(headers)
}

fn error_of(block: &[u8]) -> Error {
    decode(&mut decoder(), block).expect_err("a block that breaks a rule")
}

pub(super) fn list(fields: &[(&str, &str)]) -> Headers {
    fields.iter().copied().collect()
}

pub(super) fn octets(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|digit| digit.to_digit(16)).collect();
    digits.chunks(2).map(|pair| (pair[0] * 16 + pair[1]) as u8).collect()
}

pub(super) fn check_table(decoder: &Decoder, entries: &[(&str, &str)], table_size: usize) {
    let table = decoder.table();
    let found: Vec<_> = (0..).map_while(|index| table.get(index)).collect();
    let expected: Vec<_> =
        entries.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    assert_eq!(found, expected);
    assert_eq!((table.size(), table.len()), (table_size, entries.len()));
}

pub(super) const GET: (&str, &str) = (":method", "GET");

/// RFC 7541 2.2: the state of a connection is its dynamic table alone, and an empty block is a
/// list of no fields.
#[test]
fn an_empty_block_is_an_empty_list() {
    assert_eq!(decode(&mut decoder(), &[]), Ok(Headers::new()));
}

/// RFC 7541 2.3.2: duplicate entries must not be treated as an error.
#[test]
fn duplicate_table_entries_are_not_an_error() {
    let mut decoder = decoder();
    let block = [0x40, 1, b'a', 1, b'1', 0x40, 1, b'a', 1, b'1', 0xbe, 0xbf];
    assert_eq!(decode(&mut decoder, &block), Ok(list(&[("a", "1"); 4])));
    check_table(&decoder, &[("a", "1"); 2], 68);
}

/// RFC 7541 2.3.3: an index beyond both tables is a decoding error, in every representation.
#[test]
fn an_index_beyond_both_tables_is_an_error() {
    for block in [&[0xbe][..], &[0x7e, 0], &[0x0f, 0x2f, 0], &[0x1f, 0x2f, 0]] {
        assert_eq!(error_of(block), Error::InvalidIndex { index: 62, entries: 61 });
    }
    let mut decoder = decoder();
    decode(&mut decoder, &[0x40, 1, b'a', 1, b'1', 0xbe]).expect("index 62 is the entry");
    assert_eq!(decode(&mut decoder, &[0xbf]), Err(Error::InvalidIndex { index: 63, entries: 62 }));
    assert_eq!(
        error_of(&[0xff, 0xff, 0xff, 0xff, 0x7f]),
        Error::InvalidIndex { index: (1 << 28) + 126, entries: 61 }
    );
}

/// RFC 7541 6.1: index 0 is a decoding error.
#[test]
fn index_0_is_an_error() {
    assert_eq!(error_of(&[0x80]), Error::InvalidIndex { index: 0, entries: 61 });
}

/// RFC 7541 4.2: a size update comes before the first field; after one it is an error.
#[test]
fn a_size_update_after_a_field_is_an_error() {
    assert_eq!(decode(&mut decoder(), &[0x20, 0x82]), Ok(list(&[GET])));
    assert_eq!(error_of(&[0x82, 0x20]), Error::SizeUpdateMisplaced);
    assert_eq!(error_of(&[0x20, 0x82, 0x3f, 0x01]), Error::SizeUpdateMisplaced);
}

/// RFC 7541 4.2: a block has at most two size updates, the smallest and the final one.
#[test]
fn more_than_two_size_updates_are_an_error() {
    assert_eq!(decode(&mut decoder(), &[0x20, 0x3f, 0xe1, 0x1f]), Ok(Headers::new()));
    assert_eq!(error_of(&[0x20, 0x20, 0x20]), Error::SizeUpdateRepeated);
}

/// RFC 7541 6.3: a size update above the maximum of SETTINGS is a decoding error.
#[test]
fn a_size_update_above_the_setting_is_an_error() {
    let mut decoder = decoder();
    // 4,096 is 31 and 4,065, whose groups of seven bits are 0x61 and 0x1f.
    decode(&mut decoder, &[0x3f, 0xe1, 0x1f]).expect("4,096 are allowed");
    assert_eq!(
        decode(&mut decoder, &[0x3f, 0xe2, 0x1f]),
        Err(Error::SizeUpdateTooLarge { size: 4097, size_max: 4096 })
    );
    let mut decoder = Decoder::new(4096);
    decoder.set_table_size_max(8192);
    decode(&mut decoder, &[0x3f, 0xe1, 0x3f]).expect("8,192 are allowed by now");
}

/// RFC 7541 4.2: once SETTINGS lowered the maximum, the next block follows it; else it is an error.
#[test]
fn a_lowered_setting_must_be_followed_by_a_size_update() {
    let size_100 = [0x3f, 0x45];
    let size_50 = [0x3f, 0x13];
    let lowered = || {
        let mut decoder = decoder();
        decoder.set_table_size_max(100);
        decoder
    };
    for block in [&[][..], &[0x82]] {
        assert_eq!(decode(&mut lowered(), block), Err(Error::SizeUpdateMissing { size_max: 100 }));
    }
    assert_eq!(
        decode(&mut lowered(), &[0x3f, 0x46]),
        Err(Error::SizeUpdateTooLarge { size: 101, size_max: 100 })
    );
    let mut decoder = lowered();
    assert_eq!(decode(&mut decoder, &size_100), Ok(Headers::new()));
    assert_eq!(decode(&mut decoder, &[0x82]), Ok(list(&[GET])), "once is enough");
    assert_eq!(decode(&mut lowered(), &size_50), Ok(Headers::new()));

    // RFC 7541 4.2: lowered and raised between two blocks, the smallest size has to be told.
    let lowered_and_raised = || {
        let mut decoder = lowered();
        decoder.set_table_size_max(4096);
        decoder
    };
    assert_eq!(
        decode(&mut lowered_and_raised(), &[0x3f, 0xe1, 0x1f]),
        Err(Error::SizeUpdateMissing { size_max: 100 })
    );
    let both = [0x3f, 0x45, 0x3f, 0xe1, 0x1f];
    assert_eq!(decode(&mut lowered_and_raised(), &both), Ok(Headers::new()));
}

/// RFC 7541 4.2: a raised maximum, or one that the table is below anyway, needs no size update.
#[test]
fn a_raised_setting_needs_no_size_update() {
    let mut decoder = decoder();
    decoder.set_table_size_max(8192);
    assert_eq!(decode(&mut decoder, &[0x82]), Ok(list(&[GET])));
    decoder.set_table_size_max(4096);
    assert_eq!(decode(&mut decoder, &[0x82]), Ok(list(&[GET])));
}

/// RFC 7541 4.3: size 0 in a block empties the table before the first field is decoded.
#[test]
fn a_size_update_of_0_empties_the_table() {
    let mut decoder = decoder();
    decode(&mut decoder, &[0x40, 1, b'a', 1, b'1']).expect("an insertion");
    let emptied = decode(&mut decoder, &[0x20, 0x3f, 0xe1, 0x1f, 0xbe]);
    assert_eq!(emptied, Err(Error::InvalidIndex { index: 62, entries: 61 }));
}

/// RFC 7541 4.4: a field larger than the table is no error: it is in the list and empties the
/// table.
#[test]
fn a_field_larger_than_the_table_is_not_an_error() {
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, &[0x40, 1, b'a', 1, b'1']).expect("an insertion");
    let mut block = vec![0x40, 1, b'a', 32];
    block.extend_from_slice(&[b'x'; 32]);
    let headers = decode(&mut decoder, &block);
    assert_eq!(headers, Ok([("a", [b'x'; 32])].into_iter().collect()));
    check_table(&decoder, &[], 0);
}

/// RFC 7541 4.4: a new entry may take its name from the entry that it evicts.
#[test]
fn an_entry_may_take_its_name_from_the_one_it_evicts() {
    let mut decoder = Decoder::new(64);
    decode(&mut decoder, &octets("40 04 6e616d65 01 31")).expect("name: 1");
    let headers = decode(&mut decoder, &octets("7e 02 3232"));
    assert_eq!(headers, Ok(list(&[("name", "22")])));
    check_table(&decoder, &[("name", "22")], 38);
}

/// RFC 7541 6.2.2: a literal without indexing does not alter the table.
#[test]
fn a_literal_without_indexing_leaves_the_table() {
    let mut decoder = decoder();
    let headers = decode(&mut decoder, &[0x00, 1, b'a', 1, b'1', 0x0f, 0x10, 1, b'x']);
    assert_eq!(headers, Ok(list(&[("a", "1"), ("content-type", "x")])));
    check_table(&decoder, &[], 0);
}

/// RFC 7541 6.2.3: what came as never indexed is encoded so again by whoever passes it on.
#[test]
fn a_never_indexed_field_stays_so_on_the_next_hop() {
    let block = [0x1f, 0x10, 1, b'x', 0x10, 1, b'a', 1, b'1'];
    let headers = decode(&mut decoder(), &block).expect("two fields");
    assert!(headers.iter().all(|field| field.sensitive));
    let mut passed_on = Vec::new();
    let mut encoder = Encoder::default();
    for _ in 0..3 {
        passed_on.clear();
        encoder.encode(&headers, &mut passed_on);
        assert_eq!(passed_on, block);
    }
}

/// A block cut anywhere gives the fields before the cut, or the error that it is cut.
#[test]
fn a_truncated_block_is_an_error_unless_cut_between_fields() {
    let block = octets(
        "3f45 8287 85 41 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d
         4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf 1f10 0178",
    );
    let whole = decode(&mut decoder(), &block).expect("a correct block");
    let ends = [0, 2, 3, 4, 5, 22, block.len() - 4, block.len()];
    for end in 0..=block.len() {
        match decode(&mut decoder(), &block[..end]) {
            Ok(headers) => {
                assert!(ends.contains(&end), "cut at {end}");
                assert!(headers.iter().zip(&whole).all(|(one, other)| one == other));
            }
            Err(error) => {
                assert!(!ends.contains(&end), "cut at {end}: {error}");
                assert_eq!(error, Error::Truncated);
            }
        }
    }
}

/// Whatever a bit becomes, decoding ends with a list within the limits or with an error.
#[test]
fn every_flipped_bit_gives_a_list_or_an_error() {
    for block in [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6
         2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3 bebf c0c1",
        "203f e11f 8287 85 4003 6b65 7905 7661 6c75 65be 1003 6b65 7905 7661 6c75 65",
    ] {
        let block = octets(block);
        for bit in 0..block.len() * 8 {
            let mut flipped = block.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let mut headers = Headers::new();
            let result = decoder().decode(&flipped, &Limits::default(), &mut headers);
            assert!(headers.size() <= Limits::default().list_size_max);
            if let Ok(decoded) = result {
                assert_eq!(decoded.list_size, headers.size());
            }
        }
    }
}

const SMALL: Limits = Limits { list_size_max: 100, fields_max: 3, decoded_size_max: 400 };

/// RFC 9113 10.5.1: a list over the soft limit is cut, and the table follows the peer's all the
/// same, so that the next block is understood.
#[test]
fn a_list_over_the_soft_limit_is_cut_and_the_table_kept() {
    let mut decoder = decoder();
    let mut headers = Headers::new();
    // Fields of 34 bytes: two fit 100 bytes, the third does not.
    let block = [0x40, 1, b'a', 1, b'1', 0x40, 1, b'b', 1, b'2', 0x40, 1, b'c', 1, b'3', 0x82];
    let decoded = decoder.decode(&block, &SMALL, &mut headers);
    assert_eq!(decoded, Ok(Decoded { truncated: true, list_size: 3 * 34 + 42 }));
    assert_eq!(headers, list(&[("a", "1"), ("b", "2")]));
    check_table(&decoder, &[("c", "3"), ("b", "2"), ("a", "1")], 102);
    assert_eq!(decode(&mut decoder, &[0xbe]), Ok(list(&[("c", "3")])));
}

/// The soft limit is the size that RFC 9113 6.5.2 defines, to the byte.
#[test]
fn the_soft_limit_counts_32_for_every_field() {
    let limit = |list_size_max| Limits { list_size_max, ..SMALL };
    let block = [0x00, 1, b'a', 1, b'1', 0x00, 1, b'b', 1, b'2'];
    for (list_size_max, fields, truncated) in [(68, 2, false), (67, 1, true), (33, 0, true)] {
        let mut headers = Headers::new();
        let decoded = decoder().decode(&block, &limit(list_size_max), &mut headers);
        assert_eq!(decoded, Ok(Decoded { truncated, list_size: 68 }));
        assert_eq!(headers.len(), fields);
    }
}

/// A list of more fields than the limit is cut at it.
#[test]
fn a_list_of_too_many_fields_is_cut() {
    let limits = Limits { list_size_max: 400, ..SMALL };
    for (fields, truncated) in [(3, false), (4, true)] {
        let mut headers = Headers::new();
        let decoded = decoder().decode(&vec![0x82; fields], &limits, &mut headers);
        assert_eq!(decoded, Ok(Decoded { truncated, list_size: fields * 42 }));
        assert_eq!(headers.len(), 3);
    }
}

/// RFC 7541 7.4: the hard limit ends decoding at the field that passes it, to the byte.
#[test]
fn a_list_over_the_hard_limit_is_an_error() {
    let mut headers = Headers::new();
    let mut check = |value_len: usize, is_error: bool| {
        let mut plain = vec![0x00, 1, b'a', 0x7f];
        plain.extend([(value_len - 127) as u8 | 0x80, ((value_len - 127) >> 7) as u8]);
        plain.extend(vec![b'0'; value_len]);
        // '0' is 00000: eight of them take five octets.
        let coded_len = value_len / 8 * 5;
        let mut coded = vec![0x00, 1, b'a', 0xff];
        coded.extend([(coded_len - 127) as u8 | 0x80, ((coded_len - 127) >> 7) as u8]);
        coded.extend(vec![0; coded_len]);
        for block in [plain, coded] {
            let result = decoder().decode(&block, &SMALL, &mut headers);
            let expected = if is_error {
                Err(Error::ListTooLarge)
            } else {
                Ok(Decoded { truncated: true, list_size: 33 + value_len })
            };
            assert_eq!(result, expected, "{value_len}");
        }
    };
    check(360, false);
    check(368, true);
    let mut headers = Headers::new();
    assert!(decoder().decode(&[0x82; 9], &SMALL, &mut headers).is_ok());
    assert_eq!(decoder().decode(&[0x82; 10], &SMALL, &mut headers), Err(Error::ListTooLarge));
}

/// RFC 7541 7.3: a small block that refers to a large entry many times is stopped by what it
/// decodes to: 60,000 octets ask for 234 MB and get the hard limit.
#[test]
fn a_bomb_of_references_is_stopped_early() {
    let mut decoder = decoder();
    let mut insert = vec![0x40, 1, b'a', 0x7f, 0xbd, 0x1d];
    insert.extend([b'x'; 3900]);
    assert_eq!(decode(&mut decoder, &insert).map(|headers| headers.len()), Ok(1));
    let mut headers = Headers::new();
    let result = decoder.decode(&[0xbe; 60_000], &Limits::default(), &mut headers);
    assert_eq!(result, Err(Error::ListTooLarge));
    assert!(headers.size() <= Limits::default().list_size_max);
}

/// RFC 9113 10.5.1: fields without a name or a value are charged 32 all the same.
#[test]
fn empty_fields_are_charged_too() {
    let mut headers = Headers::new();
    let block = [0x00, 0, 0].repeat(16_000);
    let result = decoder().decode(&block, &Limits::default(), &mut headers);
    assert_eq!(result, Err(Error::ListTooLarge));
    assert_eq!(headers.len(), Limits::default().fields_max);
}

/// RFC 7541 7.4: a length beyond the block is an error before anything is reserved for it.
#[test]
fn a_length_beyond_the_block_is_an_error() {
    for block in [&[0x00, 0x7f, 0xff, 0xff, 0xff, 0x7f][..], &[0x00, 0xff, 0xff, 0xff, 0xff, 0x7f]]
    {
        let mut decoder = decoder();
        assert_eq!(decode(&mut decoder, block), Err(Error::Truncated));
        assert_eq!(decoder.scratch_capacity(), 0);
    }
}

/// A long string does not raise the memory of a connection for good.
#[test]
fn scratch_space_is_given_back() {
    let mut decoder = decoder();
    let mut block = vec![0x00, 1, b'a', 0xff, 0x91, 0x4d];
    block.extend([0; 10_000]);
    decode(&mut decoder, &block).expect("a string of 16,000 zeros");
    assert_eq!(decoder.scratch_capacity(), 0);
}
