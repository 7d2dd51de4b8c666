//! Whatever comes, decoding ends with a message or an error, never with a panic.

use proptest::collection::vec;
use proptest::prelude::*;

use super::samples::{Lists, Optionals, Scalars, Tree, full_tree};
use super::*;

/// Encodings with every construct: nesting, maps, oneofs, packed fields, unknown groups.
fn samples() -> Vec<Vec<u8>> {
    let tree = full_tree();
    let lists = Lists {
        double: vec![1.5, -0.0],
        int32: vec![0, -1, 300],
        fixed32: vec![7, 8],
        bool: vec![true, false],
        text: vec!["a".into(), "é".into()],
        points: vec![Default::default(); 3],
        unpacked: vec![5, 6],
        ..Default::default()
    };
    let unknown = hex("a306_0b_1801_0c_1005_a406 a106_0102030405060708 a20602_6162");
    vec![tree.encode_to_vec(), lists.encode_to_vec(), [tree.encode_to_vec(), unknown].concat()]
}

/// Decodes as every sample type; a message that decodes also encodes, and decodes to the same
/// again.
fn exercise(bytes: &[u8]) {
    fn one<M: Message>(bytes: &[u8]) {
        if let Ok(message) = M::decode(bytes) {
            let encoded = message.encode_to_vec();
            let again = M::decode(&encoded).expect("what was encoded decodes");
            // By bytes, because NaN is not equal to itself.
            assert_eq!(again.encode_to_vec(), encoded);
        }
    }
    one::<Tree>(bytes);
    one::<Lists>(bytes);
    one::<Scalars>(bytes);
    one::<Optionals>(bytes);
}

/// A message cut anywhere decodes to a part of it or is refused.
#[test]
fn every_truncation_ends_well() {
    for sample in samples() {
        for length in 0..=sample.len() {
            exercise(&sample[..length]);
        }
    }
}

/// A message with any one bit changed decodes to something or is refused.
#[test]
fn every_bit_flip_ends_well() {
    for sample in samples() {
        for bit in 0..sample.len() * 8 {
            let mut flipped = sample.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            exercise(&flipped);
        }
    }
}

/// A value cut within itself is refused; only between fields can a message end.
#[test]
fn truncation_within_a_field_is_refused() {
    for input in [
        "18",
        "18_80",
        "09_01020304050607",
        "15_010203",
        "72",
        "7202_61",
        "7203_e282",
        "a006",
        "a106_01020304050607",
        "a506_010203",
        "a206_02_61",
        "a306_08",
        "a3",
    ] {
        assert!(Scalars::decode(&hex(input)).is_err(), "{input}");
    }
    for input in ["12", "1201", "1203_0a01", "5203_0a02_61 ", "1a02_0a05_6162636465"] {
        assert!(Tree::decode(&hex(input)).is_err(), "{input}");
    }
}

/// Merging many fields takes linear time: a hundred thousand of each kind within a test.
#[test]
fn many_fields_merge_in_linear_time() {
    const COUNT: usize = 100_000;
    for input in ["a00601", "1a00", "22021002", "5a04_0801_1200", "3a00", "a306_a406"] {
        let bytes = hex(input).repeat(COUNT);
        Tree::decode(&bytes).unwrap();
    }
    for input in ["1801", "1a01_01", "7200", "4d_00000000"] {
        Lists::decode(&hex(input).repeat(COUNT)).unwrap();
    }
}

proptest! {
    /// Any bytes decode to something or are refused.
    #[test]
    fn any_bytes_end_well(bytes in vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }

    /// Any sequence of plausible fields decodes to something or is refused.
    #[test]
    fn any_fields_end_well(fields in vec((0_u8..20, 0_u8..8, vec(any::<u8>(), 0..12)), 0..20)) {
        let bytes: Vec<u8> = fields.into_iter().flat_map(|(number, wire_type, payload)| {
            let mut field = crate::message::Writer::new();
            field.prepend(&payload);
            if wire_type == 2 {
                field.varint(field.len() as u64);
            }
            field.varint(u64::from(number << 3 | wire_type));
            field.into_vec()
        }).collect();
        exercise(&bytes);
    }
}
