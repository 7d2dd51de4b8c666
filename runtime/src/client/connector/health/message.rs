//! The two messages of grpc.health.v1.Health/Watch, of one field each: written and read by hand, so that
//! health can be asked for without the feature that brings its service.

use crate::grpc::envelope::prefix;

/// An answer takes two bytes, and as much again as fields that are not known.
pub(super) const SIZE_MAX: usize = 4096;

/// A framed `HealthCheckRequest`: `string service = 1`.
pub(super) fn request(service: &str) -> Vec<u8> {
    let mut message = Vec::new();
    if !service.is_empty() {
        message.push(SERVICE);
        let mut length = service.len();
        while length >= 0x80 {
            message.push(length as u8 | 0x80);
            length >>= 7;
        }
        message.push(length as u8);
        message.extend_from_slice(service.as_bytes());
    }
    [&prefix(message.len()), &message[..]].concat()
}

/// Whether a `HealthCheckResponse`, `ServingStatus status = 1`, says SERVING; `None` if it is malformed.
pub(super) fn is_serving(mut bytes: &[u8]) -> Option<bool> {
    let mut status = 0;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        match tag & 7 {
            0 if tag >> 3 == 1 => status = varint(&mut bytes)?,
            0 => drop(varint(&mut bytes)?),
            1 => bytes = bytes.get(8..)?,
            2 => {
                let length = usize::try_from(varint(&mut bytes)?).ok()?;
                bytes = bytes.get(length..)?;
            }
            5 => bytes = bytes.get(4..)?,
            _ => return None,
        }
    }
    Some(status == SERVING)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The tag of the field `service`.
const SERVICE: u8 = 0x0a;

const SERVING: u64 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    /// health.proto: a request names the service; the server as a whole has the empty name, which is not
    /// written.
    #[test]
    fn a_request_names_its_service() {
        assert_eq!(request(""), [0, 0, 0, 0, 0]);
        assert_eq!(request("a.B"), [0, 0, 0, 0, 5, 0x0a, 3, b'a', b'.', b'B']);
        let long = request(&"x".repeat(300));
        assert_eq!(long[..8], [0, 0, 0, 1, 47, 0x0a, 0xac, 2]);
        assert_eq!(long.len(), 5 + 3 + 300);
    }

    /// health.proto: the status is 1 where the service serves; fields that are not known are skipped.
    #[test]
    fn a_response_says_whether_it_serves() {
        assert_eq!(is_serving(&[8, 1]), Some(true));
        assert_eq!(is_serving(&[8, 2]), Some(false));
        assert_eq!(is_serving(&[]), Some(false));
        let others = [16, 0x80, 1, 0x1a, 2, 8, 2, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2d, 1, 2, 3, 4];
        assert_eq!(is_serving(&[&others[..], &[8, 1]].concat()), Some(true));
        // The last one counts.
        assert_eq!(is_serving(&[8, 2, 8, 1]), Some(true));
    }

    /// What is cut, or no message at all, is no answer.
    #[test]
    fn what_is_malformed_is_no_answer() {
        for bytes in
            [&[8][..], &[8, 0x80], &[0x1a, 2, 1], &[0x21, 1], &[0x2d], &[0x0b], &[0x80; 11]]
        {
            assert_eq!(is_serving(bytes), None, "{bytes:?}");
        }
        assert_eq!(
            is_serving(&[0x1a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]),
            None
        );
    }
}
