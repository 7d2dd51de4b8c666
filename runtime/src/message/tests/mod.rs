//! The rules of the binary encoding, on messages in the shape that the generator writes.

mod extensions;
mod heads;
mod legacy;
mod limits;
mod oracle;
mod robustness;
mod round_trip;
mod samples;
mod semantics;
#[cfg(target_pointer_width = "64")]
mod size;
mod unknown;
mod well_known;

use std::fmt::Write as _;

use super::{DecodeError, DecodeErrorKind, Message};

/// Bytes from hexadecimal digits; blanks and `_` only separate.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u32> =
        text.chars().filter(|c| !c.is_whitespace() && *c != '_').map(digit).collect();
    digits.chunks(2).map(|pair| (pair[0] << 4 | pair[1]) as u8).collect()
}

fn digit(character: char) -> u32 {
    character.to_digit(16).unwrap()
}

fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Decodes `input` and checks that the message is `expected`.
#[track_caller]
fn check_decode<M: Message>(input: &str, expected: &M) {
    assert_eq!(&M::decode(&hex(input)).unwrap(), expected, "decoding {input}");
}

/// Encodes `message` and checks its bytes.
#[track_caller]
fn check_encode<M: Message>(message: &M, expected: &str) {
    assert_eq!(to_hex(&message.encode_to_vec()), to_hex(&hex(expected)), "encoding {message:?}");
    assert_eq!(message.encoded_len(), hex(expected).len());
}

/// Encodes `message` to `bytes` and `bytes` back to `message`.
#[track_caller]
fn check_both<M: Message>(message: &M, bytes: &str) {
    check_encode(message, bytes);
    check_decode(bytes, message);
}

#[track_caller]
fn refusal<M: Message>(input: &str) -> DecodeError {
    M::decode(&hex(input)).expect_err(input)
}

#[track_caller]
fn check_refused<M: Message>(input: &str, kind: DecodeErrorKind) {
    assert_eq!(refusal::<M>(input).kind(), kind, "decoding {input}");
}
