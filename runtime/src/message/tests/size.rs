//! The largest message: 2 GiB - 1 bytes. Memory that is zeroed and never touched costs none, and
//! nothing of a message is copied before it is known to be too large: these tests reach the limit
//! without holding so much.

use super::*;
use crate::message::well_known::{BytesValue, Empty};
use crate::message::{DecodeOptions, Writer};

/// A message of `size` bytes: a tag, a length of five bytes, and zeros.
fn message_of(size: usize) -> BytesValue {
    BytesValue { value: vec![0; size - 6], ..Default::default() }
}

/// protobuf encoding, "Size limits": a message over 2 GiB - 1 bytes is an error to encode.
#[test]
fn encoding_more_than_the_largest_message_is_an_error() {
    assert_eq!(message_of(SIZE_MAX).encoded_len(), SIZE_MAX);
    let large = message_of(SIZE_MAX + 1);
    let mut writer = Writer::new();
    let error = large.encode(&mut writer).unwrap_err().to_string();
    let expected = "cannot encode google.protobuf.BytesValue: \
                    expected at most 2147483647 bytes, got 2147483648";
    assert_eq!(error, expected);
    let mut sink = std::io::sink();
    let error = large.write_length_delimited(&mut sink).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(error.to_string(), expected);
}

/// `encode_to_vec` has no error to give: what is over the limit is the caller's fault.
#[test]
#[should_panic(expected = "cannot encode google.protobuf.BytesValue: expected at most 2147483647")]
fn encoding_more_into_a_vec_panics() {
    let _: Vec<u8> = message_of(SIZE_MAX + 1).encode_to_vec();
}

/// Input over the limit is refused before it is read.
#[test]
fn decoding_more_than_the_largest_message_is_an_error() {
    let input = vec![0; SIZE_MAX + 1];
    let kind = DecodeErrorKind::LengthTooLarge(1 << 31);
    assert_eq!(Empty::decode(&input).unwrap_err().kind(), kind);
    assert_eq!(Empty::default().merge(&input).unwrap_err().kind(), kind);
    let options = DecodeOptions::new();
    let error = Empty::default().merge_with(&input, &options).unwrap_err();
    assert_eq!(error.to_string(), Empty::decode(&input).unwrap_err().to_string());
    assert_eq!(Empty::decode_with(&input, &options).unwrap_err().kind(), kind);
}

/// Neither are those larger that are known only at run time.
#[cfg(feature = "reflect")]
#[test]
fn decoding_more_than_the_largest_dynamic_message_is_an_error() {
    use crate::message::{DynamicMessage, Reflect};

    let input = vec![0; SIZE_MAX + 1];
    let error = DynamicMessage::decode(Empty::default().descriptor(), &input).unwrap_err();
    assert_eq!(error.kind(), DecodeErrorKind::LengthTooLarge(1 << 31));
}

const SIZE_MAX: usize = (1 << 31) - 1;
