//! Tags and the varints behind them, where their sizes change.

use crate::generated::message::Uint64;
use crate::message::{FieldWriter, Outside};

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// Protobuf's encoding: a varint has seven bits in each byte, the lowest first, and no byte too many.
/// Room that is too small is counted and not written to.
#[test]
fn heads_are_the_shortest_varints() {
    let numbers = [1, 15, 16, 2047, 2048, (1 << 29) - 1];
    let borders = (0..64).map(|bits| 1_u64 << bits).flat_map(|at| [at - 1, at, at + 1]);
    for (number, value) in
        numbers.into_iter().flat_map(|it| borders.clone().map(move |at| (it, at)))
    {
        let expected = [varint(u64::from(number) << 3), varint(value)].concat();
        for size in 0..24 {
            let (mut room, mut outside) = (vec![0; size], Outside::default());
            let mut writer = FieldWriter::new(&mut room, &mut outside);
            writer.singular::<Uint64>(number, &value);
            let left = writer.room_left();
            if expected.len() <= size {
                assert_eq!(room[left..], expected, "{value} of field {number}");
            } else {
                assert!(outside.size > 0, "{value} of field {number} in {size} bytes");
            }
        }
    }
}
